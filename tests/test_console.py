"""How the command line speaks where nobody can hear it."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_the_work_goes_on_where_nothing_can_be_said():
    code = "from murai.console import _console, say\nfor _ in range(3): say('hello')\nprint(len(_console._buffer))"
    with open("/dev/full", "w") as full:
        run = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=full, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (0, "0\n"), "and nothing is kept to be said later"


def test_a_listener_that_goes_ends_nothing():
    code = "import time\nfrom murai.console import say\nfor _ in range(3): say('hello'); time.sleep(0.1)\nprint('done')"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        run.stderr.close()
        assert run.stdout.read() == b"done\n"
    assert run.returncode == 0
