"""The log of a show: in order, dated, bounded, and no reason to end."""

import re
from pathlib import Path

import pytest

from murai.errors import SinkError
from murai.stage import diary
from murai.stage.diary import Diary


def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def test_sentences_are_kept_in_order_with_their_time_one_a_line(tmp_path):
    kept = Diary(tmp_path / "show.log")
    kept("the camera is gone.\nTrying again.")
    kept("100 % painted: %s")
    kept.close()
    first, second = lines(tmp_path / "show.log")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4} the camera is gone. Trying again.", first)
    assert second.endswith(" 100 % painted: %s")


def test_a_second_show_goes_on_in_the_same_file(tmp_path):
    for text in ("first", "second"):
        kept = Diary(tmp_path / "show.log")
        kept(text)
        kept.close()
    assert [line.split()[-1] for line in lines(tmp_path / "show.log")] == ["first", "second"]


def test_figures_come_now_and_then(tmp_path):
    now = [0.0]
    kept = Diary(tmp_path / "show.log", lambda: now[0])
    for second in range(0, 1801, 100):
        now[0] = float(second)
        kept.tick(lambda: f"at {now[0]:.0f}")
    kept.close()
    assert [line.split()[-1] for line in lines(tmp_path / "show.log")] == ["600", "1200", "1800"]


def test_it_does_not_grow_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(diary, "BYTES", 1000)
    kept = Diary(tmp_path / "show.log")
    for number in range(1000):
        kept(f"sentence {number}")
    kept.close()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + diary.OLDER
    assert all(file.stat().st_size <= 1000 for file in files)
    assert lines(tmp_path / "show.log")[-1].endswith("sentence 999")


def test_a_file_that_cannot_be_written_is_refused_and_a_full_disk_is_not_the_end(tmp_path, capsys):
    with pytest.raises(SinkError, match="--log"):
        Diary(tmp_path / "missing" / "show.log")
    if Path("/dev/full").exists():
        (tmp_path / "full.log").symlink_to("/dev/full")
        kept = Diary(tmp_path / "full.log")
        kept("nothing is left")
        kept.close()
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize("bytes_", [b"\x00\x00\x00\x20ftypisom", b"a letter\n2026-01-01 00:00:00+0000 text"])
def test_a_file_of_another_kind_is_left_alone(tmp_path, bytes_):
    file = tmp_path / "holiday.mp4"
    file.write_bytes(bytes_)
    with pytest.raises(SinkError, match=r"holiday\.mp4"):
        Diary(file)
    assert file.read_bytes() == bytes_
