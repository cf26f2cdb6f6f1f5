"""dev/setup: what it does with packages that are there, and that are not."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import trees

# Stands for the machine: which packages are missing, who we are; apt-get only writes down.
STUBS = {
    'dpkg-query': 'for last; do :; done\ncase " $MISSING " in *" $last "*) exit 1 ;; esac\n'
                  'printf installed\n',
    'id': 'echo $USER_ID\n',
    'apt-get': 'echo "$RUNLEVEL $DEBIAN_FRONTEND $*" >>"$LOG"\n',
}


class Setup(unittest.TestCase):
    def setup(self, purpose, missing='', user_id='0'):
        """Returns the finished dev/setup and what apt-get was asked for."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in STUBS.items():
                stub = pathlib.Path(folder, name)
                stub.write_text('#!/bin/sh\n' + text)
                stub.chmod(0o755)
            log = pathlib.Path(folder, 'log')
            environment = os.environ | {'PATH': folder + ':' + os.environ['PATH'], 'LOG': str(log),
                                        'MISSING': missing, 'USER_ID': user_id}
            done = subprocess.run([trees.ROOT / 'dev/setup'] + purpose, env=environment, text=True,
                                  capture_output=True, check=False)
            return done, log.read_text().splitlines() if log.exists() else []

    def test_nothing_missing_asks_for_nothing(self):
        for purpose in ('build', 'run', 'test', 'bench', 'model', 'fuzz', 'test-programs'):
            done, calls = self.setup([purpose])
            self.assertEqual((done.returncode, done.stdout, calls), (0, '', []))

    def test_root_installs_only_what_is_missing(self):
        done, calls = self.setup(['run'], missing='meson redis-server')
        self.assertEqual(done.returncode, 0)
        self.assertEqual(calls, [
            '1 noninteractive -q -y update',
            '1 noninteractive -q -y install --no-install-recommends meson redis-server'])

    def test_what_another_purpose_needs_is_not_looked_at(self):
        self.assertEqual(self.setup(['build'], missing='golang-go clang')[1], [])

    def test_others_are_told_in_one_line(self):
        done, calls = self.setup(['test'], missing='clang', user_id='1000')
        self.assertEqual((done.returncode, calls), (2, []))
        self.assertEqual(done.stderr, 'neap: packages are missing; as root: apt-get install '
                                      '--no-install-recommends clang\n')

    def test_a_purpose_is_needed(self):
        for arguments in ([], ['tset']):
            self.assertEqual(self.setup(arguments)[0].returncode, 2)


if __name__ == '__main__':
    unittest.main()
