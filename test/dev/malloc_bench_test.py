"""bench/malloc: statistics, ratios, turns, what is kept, what is parsed, the tables."""
import json
import pathlib
import sys
import tempfile
import types
import unittest
import xml.etree.ElementTree

import trees   # first: makes dev/ importable

sys.path.insert(0, str(trees.ROOT / 'bench/malloc'))
from harness import arithmetic, curves, estimate, history, measure, peers, picture, programs, report, rows
from harness.store import Store, digest_of, file_name


def measurement(row, peer, n_round=0, checksum='7', **figures):
    """Figures as name=(unit, value)."""
    return {'row': row, 'peer': peer, 'round': n_round, 'checksum': checksum,
            'figures': {name: [*unit_and_value, True]
                        for name, unit_and_value in figures.items()}}


def failed(row, peer, why='signal SIGSEGV'):
    return {'row': row, 'peer': peer, 'round': 0, 'failure': why}


class Arithmetic(unittest.TestCase):
    def test_spread_of_an_odd_and_an_even_number(self):
        self.assertEqual(arithmetic.spread([3, 1, 8]), {'median': 3, 'min': 1, 'max': 8, 'n': 3})
        self.assertEqual(arithmetic.spread([4, 1])['median'], 2.5)

    def test_less_is_better_but_for_rates(self):
        self.assertEqual(arithmetic.best_of('s', [3, 2, 4]), 2)
        self.assertEqual(arithmetic.best_of('requests/s', [3, 2, 4]), 4)
        self.assertEqual(arithmetic.best_of('faults/s', [3, 2, 4]), 2)

    def test_the_best_has_ratio_one_and_the_others_more(self):
        for unit, value, best, ratio in (('s', 2, 2, 1), ('s', 3, 2, 1.5), ('requests/s', 10, 40, 4),
                                         ('MiB', 0, 0, 1), ('MiB', 2, 0, None),
                                         ('requests/s', 0, 5, None)):
            self.assertEqual(arithmetic.ratio_to_best(unit, value, best), ratio)

    def test_geometric_mean(self):
        self.assertAlmostEqual(arithmetic.geometric_mean([1, 4]), 2)
        self.assertIsNone(arithmetic.geometric_mean([]))

    def test_ratios_are_of_medians_within_a_row(self):
        figures = arithmetic.figures_of(
            [measurement('r', 'a', n, time=('s', value)) for n, value in enumerate((1, 9, 2))] +
            [measurement('r', 'b', 0, time=('s', 3)), measurement('q', 'b', 0, time=('s', 50))])
        ratios = {(each['row'], each['peer']): each['ratio'] for each in figures}
        self.assertEqual(ratios, {('r', 'a'): 1, ('r', 'b'): 1.5, ('q', 'b'): 1})

    def test_notes_have_no_ratio(self):
        note = {'row': 'r', 'peer': 'a', 'round': 0, 'checksum': None,
                'figures': {'clock': ['ns', 20.0, False]}}
        self.assertIsNone(arithmetic.figures_of([note])[0]['ratio'])

    def test_a_wrong_checksum_is_a_failure(self):
        checked = arithmetic.with_wrong_ones_failed(
            [measurement('r', peer, checksum=checksum, time=('s', 1))
             for peer, checksum in (('a', '7'), ('b', '8'), ('c', '7'))])
        self.assertEqual([each.get('failure') for each in checked],
                         [None, 'wrong checksum', None])

    def test_failed_runs_have_no_figures_and_are_kept(self):
        measurements = [measurement('r', 'a', time=('s', 1)), failed('r', 'b')]
        self.assertEqual(len(arithmetic.figures_of(measurements)), 1)
        self.assertEqual(arithmetic.failures_by_cell(measurements),
                         {('r', 'b'): ['signal SIGSEGV']})

    def test_means_leave_out_what_has_no_ratio(self):
        figures = [{'peer': 'a', 'ratio': 2}, {'peer': 'a', 'ratio': 8}, {'peer': 'a', 'ratio': None}]
        mean, n = arithmetic.means_by_peer(figures)['a']
        self.assertAlmostEqual(mean, 4)
        self.assertEqual(n, 2)


class Rows(unittest.TestCase):
    def test_names_are_unique(self):
        names = [(row.section, row.name) for row in rows.all_rows()]
        self.assertEqual(len(names), len(set(names)))

    def test_options_of_a_quick_run_are_options_of_a_full_one(self):
        for row in rows.all_rows():
            if row.quick is not None:
                self.assertLessEqual(set(row.quick), set(row.options), row.name)

    def test_smaller_sizes_never_ask_for_more(self):
        for row in rows.rows_at(rows.SMALLEST):
            sizes = [rows.options_at(row, size) for size in (rows.FULL, rows.QUICK, rows.SMALLEST)]
            for name in ('mib', 'seconds', 'times'):
                values = [options[name] for options in sizes if name in options]
                self.assertEqual(values, sorted(values, reverse=True), row.name)

    def test_everybody_takes_every_turn(self):
        members = ['a', 'b', 'c']
        self.assertEqual([rows.turn(members, n, 0) for n in range(4)],
                         [['a', 'b', 'c'], ['c', 'b', 'a'], ['b', 'c', 'a'], ['a', 'c', 'b']])
        for n_round in range(9):
            for n_row in range(4):
                self.assertEqual(sorted(rows.turn(members, n_round, n_row)), members)


    def test_every_word_of_a_program_can_be_filled_in(self):
        for row in [row for row in rows.all_rows() if row.program is not None]:
            words = programs.filled_in(row.words, pathlib.Path('/w'), row.options)
            self.assertFalse([word for word in words if '{' in word], row.name)
            for word in words:
                if word.startswith(str(trees.ROOT)):
                    self.assertTrue(pathlib.Path(word).exists(), word)

    def test_commands_name_the_built_program_and_all_options(self):
        row = next(row for row in rows.all_rows() if row.section == 'holes')
        self.assertEqual(measure.command_of(row, rows.FULL, pathlib.Path('/b')),
                         [pathlib.Path('/b/workload'), 'holes', 'kib=16'])


class Programs(unittest.TestCase):
    def test_redis_commands_are_in_its_protocol_and_always_the_same(self):
        self.assertEqual(programs.packed(['SET', 'k', 12]),
                         b'*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n12\r\n')

    def test_what_is_there_is_not_made_again(self):
        with trees.Tree({name: 'mine' for name in programs.FILES}) as work:
            programs.prepare(work)
            self.assertEqual({path.read_text() for path in work.iterdir()}, {'mine'})


class Kept(unittest.TestCase):
    def test_what_was_added_is_there_again(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, 'deep/file.jsonl')
            Store(path).add(measurement('r', 'a', 1, time=('s', 1.5)))
            again = Store(path)
            self.assertTrue(again.has('r', 'a', 1))
            self.assertFalse(again.has('r', 'a', 0))
            self.assertEqual(again.measurements[0]['figures'], {'time': ['s', 1.5, True]})

    def test_a_line_cut_off_is_measured_again(self):
        with trees.Tree({'file': json.dumps(failed('r', 'a')) + '\n{"row": "r", "pe'}) as root:
            store = Store(root / 'file')
            self.assertEqual(len(store.measurements), 1)
            store.add(failed('r', 'b'))
            self.assertEqual(len(Store(root / 'file').measurements), 2)

    def test_forgetting(self):
        with trees.Tree({'file': json.dumps(failed('r', 'a')) + '\n'}) as root:
            store = Store(root / 'file')
            store.forget()
            self.assertFalse(store.has('r', 'a', 0))
            self.assertEqual(Store(root / 'file').measurements, [])

    def test_another_build_is_another_file(self):
        with trees.Tree({'a': 'one', 'b': 'two'}) as root:
            before = digest_of([root / 'a', root / 'b'])
            self.assertEqual(before, digest_of([root / 'b', root / 'a']))
            (root / 'a').write_text('other')
            self.assertNotEqual(before, digest_of([root / 'a', root / 'b']))
        self.assertEqual(file_name('v1-dirty', 'a host', 'full', '12'),
                         'v1-dirty-a_host-full-12.jsonl')


class Measure(unittest.TestCase):
    def test_figures_notes_and_checksum(self):
        figures, checksum = measure.parse_figures(
            'figure time_a ns 1.5\nnote clock ns 20\nsomething else\nchecksum 12\n')
        self.assertEqual(figures, {'time_a': ['ns', 1.5, True], 'clock': ['ns', 20, False]})
        self.assertEqual(checksum, '12')

    def test_figures_are_no_part_of_a_programs_checksum(self):
        self.assertEqual(measure.without_figures(b'a\nfigure x s 1\nnote y s 1\nb'), b'a\nb')

    def test_what_launch_writes(self):
        status, figures = measure.parse_outside(
            'status 9\nseconds 0.5\ncpu 0.25\npeak_kib 2048\nfaults 7\n')
        self.assertEqual(status, 9)
        self.assertEqual(figures['peak_resident'], ['MiB', 2, True])
        self.assertEqual(figures['minor_page_faults'], ['1', 7, True])

    def test_why_it_failed(self):
        self.assertIsNone(measure.failure_of(0, 'a warning'))
        self.assertEqual(measure.failure_of(3 << 8, ''), 'exit status 3')
        self.assertEqual(measure.failure_of(11, 'x\nlast\n'), 'signal SIGSEGV: last')

    def test_calls_are_counted_between_the_marks(self):
        mark = '5 madvise(NULL, 0, 0x6e656170 /* MADV_??? */) = -1 EINVAL\n'
        call = '6 munmap(0x7f, 4096) = 0\n'
        unfinished = '6 madvise(0x7f, 4096, MADV_DONTNEED <unfinished ...>\n' \
                     '6 <... madvise resumed>) = 0\n'
        self.assertEqual(measure.calls_between_marks(call + mark + call + unfinished + mark + call), 2)
        self.assertIsNone(measure.calls_between_marks(mark + call))

    def test_all_calls_of_a_summary(self):
        head = '% time     seconds  usecs/call     calls    errors syscall\n'
        self.assertEqual(measure.all_calls(head + ' 60.0 0.01 1 13 mmap\n100.00 0.01 3 21 1 total\n'), 21)
        self.assertEqual(measure.all_calls(''), 0)
        self.assertIsNone(measure.all_calls('strace: no\n'))

    def test_a_program_that_takes_too_long_is_stopped(self):
        self.assertEqual(measure.run_limited(['sleep', '60'], 0.1), (None, b'', ''))


class Estimate(unittest.TestCase):
    def test_rows_take_as_long_as_they_did(self):
        self.assertEqual(estimate.left_seconds(['a', 'a', 'b'], {'a': [1, 3], 'b': [10]}), 14)

    def test_others_as_long_as_the_average(self):
        self.assertEqual(estimate.left_seconds(['c'], {'a': [2], 'b': [4]}), 3)
        self.assertEqual(estimate.left_seconds(['c'], {}), 0)


class Peers(unittest.TestCase):
    peer = peers.Peer('x', 'libx1', 'libx.so.1', {'X_CONF': 'on'})

    def look(self, root, file):
        folders, peers.FOLDERS = peers.FOLDERS, ()
        found_by, peers.find_library = peers.find_library, \
            lambda name: next(iter(root.glob(name)), None)
        try:
            return peers.look_for(self.peer, root, lambda environment: file)
        finally:
            peers.FOLDERS, peers.find_library = folders, found_by

    def test_missing_ones_are_named_with_their_package(self):
        with trees.Tree({}) as root:
            self.assertEqual(self.look(root, ''),
                             (None, 'libx.so.1 is not installed (Debian: libx1)'))

    def test_whoever_is_preloaded_must_have_malloc(self):
        with trees.Tree({'libx.so.1': ''}) as root:
            found, why = self.look(root, '/lib/libc.so.6')
            self.assertIsNone(found)
            self.assertIn('malloc is from /lib/libc.so.6', why)
            found, _ = self.look(root, str(root / 'libx.so.1'))
            self.assertEqual(found.environment, {'LD_PRELOAD': str(root / 'libx.so.1'),
                                                 'X_CONF': 'on'})

    def test_a_library_is_found_in_the_first_folder_that_has_it(self):
        with trees.Tree({'a-linux-gnu/x.so': '', 'b/x.so': ''}) as root:
            folders = (f'{root}/*-linux-gnu', f'{root}/b')
            self.assertEqual(peers.find_library('x.so', folders), root / 'a-linux-gnu/x.so')
            self.assertIsNone(peers.find_library('y.so', folders))


class Report(unittest.TestCase):
    def results(self, measurements, **more):
        figures = [each | {'section': each['row'].partition(':')[0]}
                   for each in arithmetic.figures_of(measurements)]
        found = [types.SimpleNamespace(name=name, version='1', environment={}) for name in 'ab']
        return {'circumstances': {'commit': 'abc', 'date': 'today', 'size': 'full'}, 'found': found,
                'missing': {}, 'left_out': {}, 'commands': {}, 'figures': figures,
                'failures': arithmetic.failures_by_cell(measurements)} | more

    def test_numbers_have_three_digits(self):
        for value, text in ((0, '0'), (1234.4, '1234'), (12.34, '12.3'), (1.234, '1.23'),
                            (0.1234, '0.123'), (0.01234, '0.0123')):
            self.assertEqual(report.number(value), text)

    def test_a_table_is_as_wide_as_what_it_holds(self):
        self.assertEqual(report.table(['', 'unit'], [['first', 's']]),
                         '|       | unit |\n|-------|-----:|\n| first |    s |\n')

    def test_units_ratios_and_values_are_shown(self):
        text = report.report_text('speed', self.results(
            [measurement('x: r', 'a', time=('s', 1)), measurement('x: r', 'b', time=('s', 2)),
             measurement('x: q', 'a', time=('s', 4)), measurement('x: q', 'b', time=('s', 2))]))
        self.assertRegex(text, r'\| x: r +\| ratio \| +1.00 \| +2.00 \|')
        self.assertRegex(text, r'\| x: q +\| +s \| +4.00 \| +2.00 \|')
        self.assertRegex(text, r'geometric mean\*\* \| ratio \| 1.41 \| 1.41 \|')
        self.assertIn('Nothing.', text)

    def test_failures_and_the_missing_are_shown(self):
        text = report.report_text('speed', self.results(
            [measurement('x: r', 'a', time=('s', 1)), failed('x: r', 'b'),
             measurement('x: q', 'a', time=('s', 1)), measurement('x: q', 'b', time=('s', 1))],
            missing={'c': 'not installed'}, left_out={'y: z': 'no lua'}))
        self.assertRegex(text, r'\| x: r +\| ratio \| 1.00 +\| failed \|')
        self.assertIn('1.00*', text)
        for line in ('Not measured: c: not installed.', '- x: r, b: 1 × signal SIGSEGV',
                     '- y: z: left out: no lua'):
            self.assertIn(line, text)

    def test_more_than_a_zero_has_no_ratio(self):
        text = report.report_text('giving-back', self.results(
            [measurement('x: r', 'a', moves=('MiB', 0)), measurement('x: r', 'b', moves=('MiB', 3))]))
        self.assertRegex(text, r'\| r \| ratio \| 1.00 \| +∞ \|')

    def test_json_is_json(self):
        results = self.results([measurement('x: r', 'a', time=('s', 1)), failed('x: r', 'b')])
        read = json.loads(report.json_text(results))
        self.assertEqual(read['figures'][0]['median'], 1)
        self.assertEqual(read['failures'], [{'row': 'x: r', 'peer': 'b', 'why': ['signal SIGSEGV']}])

    def test_history_has_a_line_per_figure_and_a_run_once(self):
        results = self.results([measurement('x: r', peer, time=('s', value))
                                for peer, value in (('neap', 3), ('b', 2))])
        results['circumstances']['CPU'] = 'fast'
        text = history.with_run('', 'speed', results)
        self.assertTrue(text.endswith('| today | abc | fast | speed: time | 1 | 1.50 | b 1.00 |\n'))
        self.assertEqual(history.with_run(text, 'speed', results), text)
        results['circumstances']['date'] = 'later'
        self.assertEqual(len(history.with_run(text, 'speed', results).splitlines()),
                         len(text.splitlines()) + 1)

    def test_curves_are_of_whole_lines_only(self):
        results = self.results(
            [measurement('latency: x', 'a', malloc_p50=('ns', 10), malloc_max=('ns', 5000)),
             measurement('latency: x', 'b', malloc_p50=('ns', 20))])
        panels = curves.panels_of(results['figures'])
        self.assertEqual(panels[0].lines, {'a': [10, 5000]})
        self.assertEqual(panels[0].labels, ['p50', 'max'])
        self.assertEqual(curves.grid_values(9, 51), [10, 20, 50])
        self.assertEqual(curves.grid_values(9, 5000), [10, 100, 1000])
        _, height = curves.curves_svg(results['figures'], 0, 0, 500, {'a': 'red', 'b': 'blue'})
        self.assertEqual(height, curves.HEIGHT + curves.GAP_Y + 10)

    def test_the_picture_is_xml_with_a_dot_for_each(self):
        results = self.results([measurement('x: <r>', peer, time=('s', value))
                                for peer, value in (('a', 1), ('b', 500))])
        tree = xml.etree.ElementTree.fromstring(picture.picture('speed', results))
        circles = tree.findall('{http://www.w3.org/2000/svg}circle')
        self.assertEqual(len(circles), 2 + 2)   # the legend's too


if __name__ == '__main__':
    unittest.main()
