"""How many tests a program ran and how many of them passed, read from its output."""
import re

SKIPPED = 77   # exit status by which a script says that it cannot run here


class Result:
    def __init__(self, passed=0, failed=0, note='', output=''):
        self.passed, self.failed, self.note, self.output = passed, failed, note, output


def status_text(status):
    return f'killed by signal {-status}' if status < 0 else f'exit status {status}'


def cmocka_outcomes(output):
    """How many test cases were announced, passed, and were skipped."""
    announced = passed = skipped = 0
    is_running = False   # the summary names those that were skipped once more
    for line in output.splitlines():
        if found := re.search(r'\[=+\].*Running (\d+) test', line):
            announced += int(found.group(1))
        elif '[ RUN      ]' in line:
            is_running = True
        elif is_running and '[       OK ]' in line:
            passed += 1
            is_running = False
        elif is_running and '[  SKIPPED ]' in line:
            skipped += 1
            is_running = False
    return announced, passed, skipped


def without_passed(output):
    """The output without the lines of test cases that passed and printed nothing."""
    return re.sub(r'^\[ RUN      \].*\n\[       OK \].*\n', '', output, flags=re.M)


def count_cmocka(status, output):
    """A cmocka program. A test case that was announced and did not pass has failed."""
    announced, passed, skipped = cmocka_outcomes(output)
    failed = max(announced - passed - skipped, 0)
    if failed == 0 and (status != 0 or announced == 0):
        failed = 1
    note = f'{passed} passed'
    if skipped:
        note += f', {skipped} skipped'
    if failed:
        note += f', {failed} failed, ' + (status_text(status) if announced else 'no test cases')
    return Result(passed, failed, note, without_passed(output))


def count_unittest(status, output):
    """A run of python's unittest."""
    ran = re.search(r'^Ran (\d+) tests?', output, re.M)
    total = int(ran.group(1)) if ran else 0
    failed = sum(int(n) for n in re.findall(r'\b(?:failures|errors)=(\d+)', output))
    if failed == 0 and (status != 0 or total == 0):
        failed = 1
    passed = max(total - failed, 0)
    return Result(passed, failed, f'{passed} passed' + (f', {failed} failed' if failed else ''),
                  output)


def count_summary(status, output):
    """A program that runs tests of its own and ends with "N passed, N failed"."""
    last = (output.strip().splitlines() or [''])[-1]
    said = re.fullmatch(r'(\d+) passed, (\d+) failed', last)
    passed, failed = (int(n) for n in said.groups()) if said else (0, 0)
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1
    return Result(passed, failed, last if said else status_text(status), output)


def count_one(status, output):
    """A gate or a script: one test."""
    if status == SKIPPED:
        return Result(note='skipped: ' + (output.strip().splitlines() or ['no reason given'])[-1])
    if status != 0:
        return Result(failed=1, note=status_text(status), output=output)
    return Result(passed=1)
