"""dev/gen_metrics_manual.py says what is in the table of statistics, and finds a header that does not."""
import unittest

import trees   # first: makes dev/ importable
import gen_metrics_manual

TABLE = r'''
STATISTIC(free_bytes, "bytes", GAUGE, "resident_bytes", "state=\"free\"", "not in use")
TERM(free_bytes, HEAP, pages.free, WORD, ONE, 1)
STATISTIC(wait_ns, "ns", COUNTER, "wait_seconds", "",
          "time spent waiting")
STATISTIC(limit_bytes, "bytes", LIMIT, "limit_bytes", "", "the limit")
STATISTIC(odd, "count", CHECK, "", "", "zero in a copy that is whole")
'''
HEADER = '''
struct neap_stats {
    uint64_t free_bytes; /* not in use */
    uint64_t wait_ns;    /* time spent
                          * waiting */
    uint64_t limit_bytes; /* the limit; UINT64_MAX: none */
};
'''


class GenMetricsManual(unittest.TestCase):
    def test_statistics_are_described(self):
        page = gen_metrics_manual.page(TABLE)
        self.assertIn('*free_bytes*\n\tNot in use. A gauge, in bytes;'
                      ' neap\\_resident\\_bytes{state="free"}.\n', page)
        self.assertIn('A counter, in ns; neap\\_wait\\_seconds\\_total.\n', page)
        self.assertNotIn('*odd*', page)

    def test_header_has_the_same(self):
        self.assertEqual(list(gen_metrics_manual.header_complaints(TABLE, HEADER)), [])

    def test_other_headers_are_found(self):
        for old, new in (('not in use', 'in use'), ('limit_bytes;', 'limits;'),
                         ('    uint64_t wait_ns;', '')):
            complaints = list(gen_metrics_manual.header_complaints(TABLE, HEADER.replace(old, new)))
            self.assertTrue(complaints, new)


if __name__ == '__main__':
    unittest.main()
