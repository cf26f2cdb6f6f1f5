"""perl: hashes, strings, regular expressions, deep structures, sorting"""

VERSION = ['perl', '-e', 'print "perl $^V\n"']
QUICK = True


def workload(side):
    side.run(['perl', side.load('stress.pl'), 30], keep='sums', env={'PERL_HASH_SEED': '0'})
    side.summary = '35 sums'
