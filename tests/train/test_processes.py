"""Learning on several processes: gloo on the CPU, as several GPUs would."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from murai.packs import StylePack  # noqa: E402

STEPS = 60
FIRST, LATER = 1e-5, 1e-3
"""Share by which a loss may differ: sums of another order round otherwise, and every step builds on the last."""


@pytest.fixture
def start(lessons, tmp_path, program):
    """Starts `murai train` as a program of its own, which a run of several processes starts again for each."""
    environment = {"XDG_DATA_HOME": str(tmp_path / "data"), "OMP_NUM_THREADS": "1"}
    started = []

    def start(out, *more, steps=5, ends=1, by=(sys.executable,)):
        command = [*by, program, "train", lessons / "style.png"]
        command += ["--photos", lessons / "photos", "--loss-network", lessons / "vgg19.safetensors", "--steps", steps]
        command += ["--photo-size", 32, "--style-size", 48, "--ends", ends, "--out", tmp_path / out, *more]
        process = subprocess.Popen(
            list(map(str, command)), stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}, cwd=tmp_path
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def finish(process, timeout=300):
    _, said = process.communicate(timeout=timeout)
    return process.returncode, said


def losses(folder):
    return [json.loads(line) for line in Path(folder, "style-faithful", "losses.jsonl").read_text().splitlines()]


def test_two_processes_learn_what_one_learns_with_twice_the_batch(start, tmp_path):
    # Slowly: where a gradient is nearly nothing, Adam and Muon make a whole step of what was only rounded otherwise.
    slow = ["--learning-rate", 2e-4]
    runs = [start("one", "--batch", 4, *slow), start("two", "--batch", 2, "--processes", 2, *slow)]
    for process in runs:
        code, said = finish(process)
        assert code == 0, said
    one, two = losses(tmp_path / "one.run"), losses(tmp_path / "two.run")
    assert [row["step"] for row in two] == [1, 2, 3, 4, 5]
    assert two[0] == pytest.approx(one[0], rel=FIRST)
    for a, b in zip(one, two, strict=True):
        assert b == pytest.approx(a, rel=LATER)
    assert StylePack.load(tmp_path / "two").manifest.training["processes"] == 2


def children(process):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True).stdout
    return [int(pid) for pid in listed.split()]


def test_a_worker_killed_in_the_middle_ends_the_run_and_leaves_a_checkpoint(start, tmp_path):
    both = ["--batch", 1, "--processes", 2]
    process = start("broken", *both, steps=STEPS)
    log = tmp_path / "broken.run" / "style-faithful" / "losses.jsonl"
    end = time.monotonic() + 250
    while not (log.exists() and log.stat().st_size > 500):
        assert time.monotonic() < end
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    os.kill(children(process)[0], signal.SIGKILL)
    code, said = finish(process)
    assert code in (2, 130), said
    assert "--resume goes on from" in said
    assert "Traceback" not in said
    reached = len(losses(tmp_path / "broken.run"))
    state = torch.load(tmp_path / "broken.run" / "style-faithful" / "checkpoint.pt", weights_only=True)
    assert 0 < state["step"] <= reached < STEPS
    for run in (start("broken", *both, "--resume", steps=STEPS), start("whole", *both, steps=STEPS)):
        code, said = finish(run)
        assert code == 0, said
    assert losses(tmp_path / "broken.run") == losses(tmp_path / "whole.run")


def test_two_processes_learn_both_ends_and_skip_what_is_finished(start, tmp_path):
    both = ["--batch", 1, "--processes", 2]
    code, said = finish(start("both", *both, steps=2, ends=2))
    assert code == 0, said
    made = StylePack.load(tmp_path / "both")
    assert made.styles.shape[:2] == (1, 2)
    code, said = finish(start("both", *both, "--resume", "--overwrite", steps=2, ends=2))
    assert code == 0, said
    assert said.count("is learned already") == 2
    assert (StylePack.load(tmp_path / "both").styles == made.styles).all()


def test_two_machines_learn_what_one_process_does(start, tmp_path):
    """Two starts of torchrun, as on two machines, here on one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes", 2, "--master-addr", "127.0.0.1"]
    slow = ["--learning-rate", 2e-4]
    runs = [
        start("both", "--batch", 2, "--machines", 2, *slow, by=[*torchrun, "--master-port", port, "--node-rank", rank])
        for rank in (0, 1)
    ]
    runs.append(start("one", "--batch", 4, *slow))
    for process in runs:
        code, said = finish(process)
        assert code == 0, said
    assert losses(tmp_path / "both.run")[0] == pytest.approx(losses(tmp_path / "one.run")[0], rel=FIRST)
    assert len(losses(tmp_path / "both.run")) == 5
