"""What the entries of compilers share."""

# Anonymous namespaces would be named by chance otherwise.
ALWAYS = ['-frandom-seed=neap']


def compile_generated(side, compiler, language, n_functions, option_sets):
    """Compiles and links a generated program; object, program and its output are results."""
    source = side.work / f'big.{language}'
    source.write_bytes(side.plain(['/usr/bin/python3', side.load('big_program.py'), language,
                                   n_functions]))
    for options in option_sets:
        stem = compiler + ''.join(options)
        seed = ALWAYS if compiler.startswith('g') else []
        side.run([compiler, *options, *seed, '-w', '-c', source.name, '-o', f'{stem}.o'])
        side.run([compiler, f'{stem}.o', '-o', stem])
        side.keep(f'{stem}.o', (side.work / f'{stem}.o').read_bytes())
        side.keep(stem, (side.work / stem).read_bytes())
        side.plain([side.work / stem], keep=f'{stem}.output')
    side.summary = 'object and program, same bytes'
