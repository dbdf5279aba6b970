import sys

import pytest

pytest.importorskip("torch")

from murai.errors import MissingExtra
from murai.train.board import open_board
from murai.train.loop import Progress


def test_tensorboard_reads_every_term_and_their_sum(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    write = open_board(tmp_path)
    for run in ("wall-faithful", "wall-bold"):
        for step in (1, 2):
            write(Progress(run, step, 2, {"content": 0.5, "style": float(step)}, 1.0, 0.0))
    for run in ("wall-faithful", "wall-bold"):
        events = accumulator.EventAccumulator(str(tmp_path / run / "tensorboard")).Reload()
        assert sorted(events.Tags()["scalars"]) == ["loss/content", "loss/loss", "loss/style"]
        assert [(event.step, event.value) for event in events.Scalars("loss/loss")] == [(1, 1.5), (2, 2.5)]


def test_without_tensorboard_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtra, match=r"murai\[tensorboard\]"):
        open_board(tmp_path)
