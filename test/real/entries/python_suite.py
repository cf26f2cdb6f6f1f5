"""python3: 53 modules of its own test-suite with PYTHONMALLOC=malloc; the outcome of every test"""
import xml.etree.ElementTree

from driver.side import Failure

# Without network, display or special rights; what measures time or memory is left out.
MODULES = '''
    test_array test_ast test_asyncgen test_binascii test_bisect test_bytes test_bz2 test_call
    test_capi test_codecs test_collections test_compile test_complex test_csv test_ctypes
    test_dataclasses test_decimal test_deque test_descr test_dict test_email test_exceptions
    test_float test_fork1 test_format test_functools test_gc test_generators test_hashlib
    test_heapq test_io test_itertools test_json test_list test_long test_lzma test_memoryview
    test_mmap test_pickle test_queue test_re test_set test_sort test_struct test_subprocess
    test_thread test_threading test_tuple test_unicode test_weakref test_xml_etree test_zipfile
    test_zlib'''.split()

VERSION = ['/usr/bin/python3', '--version']
PROBES = [['/usr/bin/python3', '-c', 'import test.libregrtest']]
LIMIT_S = 1800


def outcomes_in(path):
    """Test to word. Suites repeat some tests under one name: those are counted."""
    outcomes = {}
    for case in xml.etree.ElementTree.parse(path).iter('testcase'):
        children = {child.tag for child in case}
        word = ('failed' if children & {'failure', 'error'} else
                'skipped' if 'skipped' in children else 'passed')
        name = test = case.get('name')
        number = 1
        while name in outcomes:
            number += 1
            name = f'{test} #{number}'
        outcomes[name] = word
    return outcomes


def workload(side):
    side.run(['/usr/bin/python3', '-m', 'test', '-j2', '--junit-xml', 'outcomes.xml', *MODULES],
             env={'PYTHONMALLOC': 'malloc'}, status=None)
    if not (side.work / 'outcomes.xml').exists():
        raise Failure('the test-suite did not come to its end')
    side.keep_outcomes('outcomes', outcomes_in(side.work / 'outcomes.xml'))
