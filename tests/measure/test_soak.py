"""A show that is disturbed, and what is counted of it."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("pythonosc", reason="the flood is OSC, which is in murai[control]")
from murai.measure.soak import Samples

SOAK = """
import json
from murai.measure.soak import measure_soak
from murai.packs import bundled_folder, find_style
pack, _ = find_style("starry_night", [bundled_folder()])
print(json.dumps(measure_soak(pack, (160, 96), seconds=18, every=3.2)))
"""


def test_every_fault_is_survived_and_said_once():
    run = subprocess.run([sys.executable, "-c", SOAK], capture_output=True, timeout=120)  # it limits its own files
    assert run.returncode == 0, run.stderr
    figures = json.loads(run.stdout)
    assert figures["error"] == ""
    assert {fault["name"]: (fault["times"], fault["said"]) for fault in figures["faults"]} == {
        "source lost": (2, 2),
        "a sink fails": (1, 1),
        "disk full": (1, 1),
        "1000 messages a second": (1, 1),
    }
    assert figures["painted"] > 50
    for kind in ("files", "threads"):
        assert figures[kind]["last"] < figures[kind]["first"] + 8


def test_the_slope_is_that_of_the_settled_part():
    samples = Samples()
    samples.rows = [(second, 100 + (50 if second < 4 else second / 360), 7, 9) for second in range(20)]
    figures = samples.figures()
    assert figures["memory_mb"]["slope_per_hour"] == pytest.approx(10)
    assert figures["files"] == {"first": 7, "last": 7, "largest": 7, "slope_per_hour": pytest.approx(0, abs=1e-6)}


def test_a_look_counts_what_there_is():
    samples = Samples()
    samples.add()
    seconds, megabytes, files, threads = samples.rows[0]
    assert seconds < 5
    assert megabytes > 20
    assert files >= 3
    assert threads >= 1
