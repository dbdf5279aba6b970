"""The file sink, judged by decoding what it wrote."""

import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murai.errors import OutputExists, SinkError
from murai.frame import Frame
from murai.sinks.file import FileSink
from murai.sources.file import FileSource
from tests.sinks.conftest import (
    TICK,
    Film,
    decoded,
    ffmpeg,
    frames,
    info,
    packets,
    picture,
    probe,
    read_film,
    rgb,
    write,
)


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_every_time_and_duration_is_kept_to_the_tick(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    write(FileSink(path), info(), frames(9))
    read = decoded(path)
    assert [frame.pts * frame.time_base for frame in read] == [number * 512 * TICK for number in range(9)]
    (stream,) = probe(path)
    assert stream["time_base"] == "1/12800"
    assert stream["duration_ts"] == 9 * 512
    assert int(stream["nb_frames"]) == 9


@pytest.mark.parametrize("suffix", ["mkv", "webm"])
def test_matroska_keeps_every_time_to_its_millisecond(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    write(FileSink(path), info(), frames(9, first=512))
    assert [float(frame.pts * frame.time_base) for frame in decoded(path)] == pytest.approx(
        [0.04 * (number + 1) for number in range(9)], abs=0.0006
    )


@settings(max_examples=12, deadline=None)
@given(
    steps=st.lists(st.integers(1, 40_000), min_size=1, max_size=12),
    first=st.integers(0, 100_000),
    tick=st.sampled_from([Fraction(1, 90_000), Fraction(1, 12_800), Fraction(1001, 30_000), Fraction(1, 1000)]),
    live=st.booleans(),
)
def test_a_variable_frame_rate_is_kept(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], first: int, tick: Fraction, live: bool
) -> None:
    path = tmp_path_factory.mktemp("vfr") / "out.mp4"
    times = [first + sum(steps[:number]) for number in range(len(steps))]
    pictures = [Frame(picture(16, 16), pts, tick, 0, step) for pts, step in zip(times, steps, strict=True)]
    write(FileSink(path), info((16, 16), time_base=tick, live=live), pictures)
    shift = first if live else 0
    assert [frame.pts * frame.time_base for frame in decoded(path)] == [(pts - shift) * tick for pts in times]
    (stream,) = probe(path)
    length = stream["duration_ts"] * Fraction(stream["time_base"])
    assert length == sum(steps) * tick


def test_a_time_that_does_not_rise_costs_no_frame(tmp_path: Path) -> None:
    pictures = [Frame(picture(16, 16), pts, TICK, 0, 512) for pts in (0, 512, 512, 500, 1536)]
    write(FileSink(tmp_path / "out.mp4"), info((16, 16)), pictures)
    assert [frame.pts for frame in decoded(tmp_path / "out.mp4")] == [0, 512, 513, 514, 1536]


def test_a_live_recording_goes_on_when_another_source_counts_from_zero(tmp_path: Path) -> None:
    pictures = [*frames(3, first=90_000), *frames(3)]
    write(FileSink(tmp_path / "out.mp4"), info(live=True), pictures)
    assert [frame.pts for frame in decoded(tmp_path / "out.mp4")] == [0, 512, 1024, 1025, 1537, 2049]


def test_times_in_another_time_base_are_converted(tmp_path: Path) -> None:
    write(FileSink(tmp_path / "out.mp4"), info(), frames(3, step=40, tick=Fraction(1, 1000)))
    assert [frame.pts for frame in decoded(tmp_path / "out.mp4")] == [0, 512, 1024]


COLORS = [(255, 255, 255), (0, 0, 0), (128, 128, 128), (255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 120, 40)]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize("live", [False, True])
def test_colours_come_back_by_the_labels_of_the_file(tmp_path: Path, suffix: str, live: bool) -> None:
    path = tmp_path / f"out.{suffix}"
    pictures = [
        Frame(np.full((32, 32, 3), color, np.uint8), number * 512, TICK, number) for number, color in enumerate(COLORS)
    ]
    write(FileSink(path), info((32, 32), live=live), pictures)
    (stream,) = probe(path)
    assert stream["pix_fmt"] == "yuv420p"
    assert stream["color_range"] == "tv"
    assert {stream["color_space"], stream["color_transfer"], stream["color_primaries"]} == {"bt709"}
    for frame, color in zip(decoded(path), COLORS, strict=True):
        assert np.abs(rgb(frame).astype(int) - color).max() <= 4


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm"])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (35, 37), (64, 47), (2, 2)])
def test_a_player_sees_the_size_of_the_input(tmp_path: Path, size: tuple[int, int], suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    write(FileSink(path), info(size), frames(5, size))
    read = decoded(path)
    assert len(read) == 5
    assert all((frame.width, frame.height) == size for frame in read)
    gray = (0.2126, 0.7152, 0.0722)
    assert np.abs(rgb(read[2]) @ gray - picture(*size, 2) @ gray).mean() < 8


def test_a_frame_of_another_size_is_fitted_between_black_bars(tmp_path: Path) -> None:
    white = Frame(np.full((48, 48, 3), 255, np.uint8), 1024, TICK, 2)
    write(FileSink(tmp_path / "out.mp4"), info((128, 96)), [*frames(2, (128, 96)), white])
    last = rgb(decoded(tmp_path / "out.mp4")[2])
    assert last.shape == (96, 128, 3)
    assert last[:, :14].max() < 20
    assert last[:, -14:].max() < 20
    assert last[2:-2, 20:-20].min() > 235


def test_a_picture_held_by_torch_is_written_alike(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is an extra")
    image = picture(32, 32, 5)
    write(FileSink(tmp_path / "a.mp4"), info((32, 32)), [Frame(image, 0, TICK, 0)])
    write(FileSink(tmp_path / "b.mp4"), info((32, 32)), [Frame(torch.from_numpy(image), 0, TICK, 0)])
    assert np.array_equal(rgb(decoded(tmp_path / "a.mp4")[0]), rgb(decoded(tmp_path / "b.mp4")[0]))


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_all_the_sound_is_copied_bit_for_bit(tmp_path: Path, film: Film, suffix: str) -> None:
    path = tmp_path / f"out.{suffix}"
    write(FileSink(path), film.info, film.frames)
    assert len(decoded(path)) == 25
    for audio in (0, 1):
        assert packets(path, audio) == packets(film.path, audio)
    streams = [stream for stream in probe(path) if stream["codec_type"] == "audio"]
    assert [stream["channels"] for stream in streams] == [2, 1]
    assert streams[0]["tags"]["language"] == "jpn"


def test_sound_and_pictures_keep_their_distance(tmp_path: Path, film: Film) -> None:
    late = tmp_path / "late.mp4"
    ffmpeg("-itsoffset", "0.4", "-i", film.path, "-i", film.path, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    source = read_film(late)
    assert source.frames[0].time == pytest.approx(0.4)
    path = tmp_path / "out.mp4"
    write(FileSink(path), source.info, source.frames)
    assert [frame.pts for frame in decoded(path)] == [frame.pts for frame in source.frames]
    for before, after in zip(probe(late), probe(path), strict=True):
        assert float(after["start_time"]) == pytest.approx(float(before["start_time"]), abs=0.0005)
        assert float(after["duration"]) == pytest.approx(float(before["duration"]), abs=0.0005)


def test_an_mpeg_transport_stream_begins_at_zero_and_stays_in_step(tmp_path: Path, film: Film) -> None:
    stream = tmp_path / "in.ts"
    ffmpeg("-i", film.path, "-c", "copy", "-bsf:v", "h264_mp4toannexb", "-output_ts_offset", "3600", stream)
    source = read_film(stream)
    assert source.frames[0].time > 3600
    path = tmp_path / "out.mp4"
    write(FileSink(path), source.info, source.frames)
    before, after = probe(stream), probe(path)
    assert min(float(one["start_time"]) for one in after) == pytest.approx(0, abs=0.001)
    gap = [float(streams[0]["start_time"]) - float(streams[1]["start_time"]) for streams in (before, after)]
    assert gap[0] == pytest.approx(gap[1], abs=0.001)
    assert len(decoded(path)) == 25


def test_the_sound_stops_with_the_pictures_where_only_a_part_was_painted(tmp_path: Path, film: Film) -> None:
    path = tmp_path / "out.mp4"
    write(FileSink(path), film.info, film.frames[:10])
    whole, part = packets(film.path), packets(path)
    assert part == whole[: len(part)]
    sound = next(stream for stream in probe(path) if stream["codec_type"] == "audio")
    assert float(sound["duration"]) == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("painted", [75, 74, 30])
def test_the_sound_of_an_avi_with_frames_out_of_order_is_kept_to_its_end(
    tmp_path: Path, codec: str, painted: int
) -> None:
    """75 frames in three seconds, a second more of sound; 74 where one is damaged, 30 where only a part is painted."""
    source, path = tmp_path / "in.avi", tmp_path / "out.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=3", "-f", "lavfi", "-i", "sine=duration=4"),
        *("-c:v", codec, "-bf", "2", "-pix_fmt", "yuv420p", "-c:a", "mp3", source),
    )
    shown = [Frame(picture(64, 48), number, Fraction(1, 25), number, 1) for number in range(75)]
    if painted == 74:
        del shown[40]
    write(FileSink(path), info(path=source, time_base=Fraction(1, 25)), shown[:painted])
    whole, copied = packets(source), packets(path)
    if painted == 30:
        assert copied == whole[: len(copied)]
        assert 0 < len(copied) < len(whole) / 2
    else:
        assert copied == whole


def test_sound_the_file_cannot_hold_is_left_out_and_said_once(tmp_path: Path, film: Film) -> None:
    said: list[str] = []
    path = tmp_path / "out.webm"
    write(FileSink(path, say=said.append), film.info, film.frames)
    assert [stream["codec_type"] for stream in probe(path)] == ["video"]
    assert len(said) == 1
    assert "aac" in said[0]


@pytest.mark.parametrize(
    ("codec", "suffix", "kept"),
    [("libopus", "webm", True), ("libopus", "mov", False), ("flac", "mp4", True), ("flac", "mov", False)],
)
def test_sound_is_kept_exactly_where_the_kind_of_file_can_hold_it(
    tmp_path: Path, film: Film, codec: str, suffix: str, kept: bool
) -> None:
    source, out, said = tmp_path / "in.mkv", tmp_path / f"out.{suffix}", list[str]()
    ffmpeg("-i", film.path, "-map", "0:v", "-map", "0:a:0", "-c:v", "copy", "-c:a", codec, source)
    painted = read_film(source)
    write(FileSink(out, say=said.append), painted.info, painted.frames)
    assert len(decoded(out)) == 25
    assert (packets(out) == packets(source)) if kept else (len(probe(out)) == 1)
    assert len(said) == (0 if kept else 1)


def test_sound_is_interleaved_with_the_pictures(tmp_path: Path, film: Film) -> None:
    path = tmp_path / "out.mp4"
    write(FileSink(path), film.info, film.frames)
    command = ["ffprobe", "-v", "error", "-show_entries", "packet=codec_type,pos", "-of", "csv=p=0", str(path)]
    rows = [row.split(",")[:2] for row in subprocess.check_output(command, text=True).split()]
    kinds = [kind for kind, _ in sorted(rows, key=lambda row: int(row[1]))]
    first_sound_after = kinds.index("audio", kinds.index("video"))
    assert "video" in kinds[first_sound_after:]


def test_the_live_sound_of_a_path_is_not_copied(tmp_path: Path, film: Film) -> None:
    live = info((64, 48), live=True, path=film.path)
    write(FileSink(tmp_path / "out.mp4"), live, frames(3))
    assert [stream["codec_type"] for stream in probe(tmp_path / "out.mp4")] == ["video"]


def test_nothing_has_the_final_name_until_it_is_whole(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "out.mp4")
    sink.open(info())
    for frame in frames(3):
        sink.write(frame)
    (hidden,) = tmp_path.iterdir()
    assert hidden.name.startswith(".out.")
    assert hidden.suffix == ".mp4"
    sink.close()
    assert list(tmp_path.iterdir()) == [tmp_path / "out.mp4"]


def test_a_failed_run_leaves_nothing(tmp_path: Path) -> None:
    write(FileSink(tmp_path / "out.mp4"), info(), frames(3), complete=False)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"old")
    write(FileSink(tmp_path / "out.mp4", overwrite=True), info(), frames(3), complete=False)
    assert (tmp_path / "out.mp4").read_bytes() == b"old"


def test_a_live_recording_is_kept_when_the_show_fails(tmp_path: Path) -> None:
    write(FileSink(tmp_path / "out.mp4"), info(live=True), frames(3), complete=False)
    assert len(decoded(tmp_path / "out.mp4")) == 3


def test_no_picture_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="no picture"):
        write(FileSink(tmp_path / "out.mp4"), info(), [])
    assert list(tmp_path.iterdir()) == []


def test_closing_without_opening_or_twice_does_nothing(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "out.mp4")
    sink.close()
    write(sink, info(), frames(2))
    sink.close()
    assert len(decoded(tmp_path / "out.mp4")) == 2


def test_another_suffix_is_refused_and_the_known_ones_are_named(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"\.mp4, \.mov, \.mkv, \.webm"):
        FileSink(tmp_path / "out.gif")


def test_an_existing_file_is_refused_without_overwrite(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"old")
    with pytest.raises(OutputExists, match="--overwrite"):
        FileSink(tmp_path / "out.mp4")
    write(FileSink(tmp_path / "out.mp4", overwrite=True), info(), frames(2))
    assert len(decoded(tmp_path / "out.mp4")) == 2


def test_the_input_is_never_replaced(tmp_path: Path, film: Film) -> None:
    (tmp_path / "link.mp4").symlink_to(film.path)
    before = film.path.read_bytes()
    sink = FileSink(tmp_path / "link.mp4", overwrite=True)
    with pytest.raises(SinkError, match="is the input"):
        sink.open(film.info)
    assert film.path.read_bytes() == before


KILLED = """
import sys, time
from murai.sinks.file import FileSink
from tests.sinks.conftest import frames, info
sink = FileSink(sys.argv[1])
sink.open(info())
for frame in frames(200):
    sink.write(frame)
print("writing", flush=True)
time.sleep(60)
"""


def test_a_killed_run_leaves_nothing_under_the_name_and_is_not_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as run:
        assert run.stdout
        assert run.stdout.readline() == b"writing\n"
        run.send_signal(signal.SIGKILL)
    assert not path.exists()
    write(FileSink(path), info(), frames(2))
    assert len(decoded(path)) == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A disk of 512 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", disk]).returncode:
        pytest.skip("a full disk needs the right to mount one")
    yield disk
    subprocess.run(["umount", disk], check=True)


def noise(count: int) -> list[Frame]:
    random = np.random.default_rng(0)
    shots = [random.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(count)]
    return [Frame(image, number * 512, TICK, number) for number, image in enumerate(shots)]


def test_a_full_disk_is_said_in_one_sentence_and_leaves_nothing(small_disk: Path) -> None:
    sink = FileSink(small_disk / "out.mp4")
    with pytest.raises(SinkError, match="No space left on device"):
        write(sink, info(), noise(300))
    assert list(small_disk.iterdir()) == []
    sink.close(complete=False)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
def test_a_full_disk_ends_a_live_recording_early_and_keeps_what_there_is(small_disk: Path, suffix: str) -> None:
    path = small_disk / f"out.{suffix}"
    sink = FileSink(path)
    with pytest.raises(SinkError, match="until then is kept: No space left on device"):
        write(sink, info(live=True), noise(1000))
    sink.close(complete=False)
    assert list(small_disk.iterdir()) == [path]
    read = list(FileSource(path))  # steps over the last packet, of which the disk may have taken a part
    assert len(read) > 12
    assert [frame.pts * frame.time_base for frame in read] == [Fraction(number, 25) for number in range(len(read))]
    if suffix in ("mp4", "mov"):  # the others only know their length when they are finished
        (stream,) = probe(path)
        assert stream["duration_ts"] * Fraction(stream["time_base"]) == pytest.approx(len(read) / 25, abs=1.1)


def test_a_live_recording_that_ends_well_is_an_ordinary_file(tmp_path: Path) -> None:
    write(FileSink(tmp_path / "live.mp4"), info(live=True), frames(60))
    with av.open(str(tmp_path / "live.mp4")) as container:
        (stream,) = container.streams
        assert (stream.frames, stream.duration, stream.time_base) == (60, 60 * 512, TICK)
    assert b"moof" not in (tmp_path / "live.mp4").read_bytes()[:64]


def test_a_disk_that_is_full_at_once_leaves_no_live_recording_either(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(512 * 1024 - 4096))
    with pytest.raises(SinkError, match="cannot be written: No space left on device"):
        write(FileSink(small_disk / "out.mp4"), info(live=True), noise(300))
    assert list(small_disk.iterdir()) == [small_disk / "filler"]


def test_what_a_killed_live_recording_leaves_can_be_played(tmp_path: Path) -> None:
    code = KILLED.replace("open(info())", "open(info(live=True))")
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "out.mp4"], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as run:
        assert run.stdout
        assert run.stdout.readline() == b"writing\n"
        run.send_signal(signal.SIGKILL)
    (left,) = tmp_path.iterdir()
    assert len(decoded(left)) >= 150


def test_a_disk_that_is_full_at_the_very_end_never_leaves_a_broken_file(small_disk: Path) -> None:
    write(FileSink(small_disk / "out.mp4"), info(), noise(60))
    needed = (small_disk / "out.mp4").stat().st_size
    (small_disk / "out.mp4").unlink()
    fates = []
    for room in range(needed - 12_288, needed + 12_288, 4096):
        (small_disk / "filler").write_bytes(bytes(512 * 1024 - room // 4096 * 4096))
        try:
            write(FileSink(small_disk / "out.mp4"), info(), noise(60))
            assert len(decoded(small_disk / "out.mp4")) == 60
            fates.append("whole")
        except SinkError:
            fates.append("refused")
        (small_disk / "out.mp4").unlink(missing_ok=True)
        assert list(small_disk.iterdir()) == [small_disk / "filler"]
        (small_disk / "filler").unlink()
    assert fates == sorted(fates)
    assert set(fates) == {"whole", "refused"}


def test_what_is_remembered_of_past_frames_does_not_grow(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "out.mp4")
    sink.open(info((16, 16)))
    for frame in frames(400, (16, 16)):
        sink.write(frame)
    assert len(sink._durations) < 100
    sink.close()


def test_writing_before_opening_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="not open"):
        FileSink(tmp_path / "out.mp4").write(next(frames(1)))


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
def test_a_recording_that_gets_no_picture_leaves_nothing(
    tmp_path: Path, suffix: str, live: bool, complete: bool
) -> None:
    """In a process of its own: FFmpeg once crashed here."""
    program = f"""
from fractions import Fraction
from murai.frame import StreamInfo
from murai.sinks.file import FileSink
sink = FileSink({str(tmp_path / ("out." + suffix))!r})
sink.open(StreamInfo(96, 64, Fraction(30), Fraction(1, 90_000), live={live}))
sink.close(complete={complete})
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == (1 if complete else 0)
    assert ("no picture came from the source" in run.stderr) == complete
    assert not list(tmp_path.iterdir())
