import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_runs_as_it_is_and_is_short(example, tmp_path):
    assert len(example.read_text().splitlines()) < 40
    arguments = [str(tmp_path / "out.mp4")] if "OUT" in example.read_text() else []
    done = subprocess.run(
        [sys.executable, example, *arguments], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert all(Path(argument).stat().st_size > 1000 for argument in arguments)
