import subprocess
import sys

PROGRAM = """
import sys
from murai.sinks.whole import WholeFile
whole = WholeFile("a.txt")
whole.temporary.touch()
sys.exit(3)
"""


def test_what_nobody_finished_is_gone_with_the_program(tmp_path):
    assert subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path).returncode == 3
    assert list(tmp_path.iterdir()) == []
