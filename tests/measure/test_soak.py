"""A show that is disturbed, and what is counted of it."""

import json
import subprocess
import sys

import pytest

from murai.measure.soak import Samples


def test_every_fault_is_survived_and_said_once():
    pytest.importorskip("pythonosc", reason="the flood is OSC, which is in murai[control]")
    command = [sys.executable, "-m", "murai", "measure", "soak", "--minutes", "0.28", "--every", "3.2"]
    run = subprocess.run([*command, "--size", "160x96", "--json"], capture_output=True, timeout=120)
    assert run.returncode == 0, run.stderr
    figures = json.loads(run.stdout)
    assert {fault["name"]: (fault["times"], fault["said"]) for fault in figures["faults"]} == {
        "source lost": (2, 2),
        "a sink fails": (1, 1),
        "disk full": (1, 1),
        "1000 messages a second": (1, 1),
    }
    assert figures["painted"] > 50
    assert figures["threads"]["last"] <= figures["threads"]["largest"]


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
