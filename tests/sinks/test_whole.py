import os
import subprocess
import sys

from murai.sinks.whole import WholeFile

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


def test_the_name_is_on_the_disk_as_well(tmp_path, monkeypatch):
    """A power cut may not take back what was said to be written."""
    synced = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.readlink(f"/proc/self/fd/{file}")))
    whole = WholeFile(tmp_path / "a.txt")
    whole.temporary.write_text("a")
    whole.commit()
    assert synced == [str(whole.temporary), str(tmp_path)]
