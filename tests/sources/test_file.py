"""Videos as they are found in the wild, made on the spot."""

import os
import shutil
import subprocess
import sys
import threading
import wave
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from murai.errors import SourceError
from murai.sources.file import FileSource
from tests.sources.kit import closed_from_another_thread, grey, make_video


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "mov"])
def test_every_frame_comes_once_in_order_with_its_exact_time(tmp_path: Path, ending: str) -> None:
    path = make_video(tmp_path / f"a.{ending}", list(range(30)))
    source = FileSource(path)
    frames = list(source)
    assert [grey(f) for f in frames] == list(range(30))
    assert [f.index for f in frames] == list(range(30))
    assert {b.pts * b.time_base - a.pts * a.time_base for a, b in pairwise(frames)} == {Fraction(1, 10)}
    assert {f.duration * f.time_base for f in frames} == {Fraction(1, 10)}
    assert {f.time_base for f in frames} == {source.info.time_base}
    assert (source.info.width, source.info.height, source.info.rate) == (64, 48, 10)
    assert (source.info.path, source.info.live, source.live) == (path, False, False)
    assert frames[0].image[4, 4].tolist() == pytest.approx([220, 30, 30], abs=6)


def test_the_container_tells_how_many_frames_to_expect(tmp_path: Path) -> None:
    assert FileSource(make_video(tmp_path / "a.mp4", list(range(12)))).info.frames == 12
    assert FileSource(make_video(tmp_path / "a.mkv", list(range(12)))).info.frames == 12


def test_a_variable_rate_stays_variable(tmp_path: Path) -> None:
    times = [0, 40, 70, 71, 400, 1000, 1033]
    path = make_video(tmp_path / "a.mp4", times, tick=Fraction(1, 1000))
    frames = list(FileSource(path))
    assert [f.pts * f.time_base for f in frames] == [Fraction(t, 1000) for t in times]


@pytest.mark.skipif(
    shutil.which("ffmpeg") is None, reason="the ffmpeg program, which makes the video, is not installed"
)
def test_the_last_picture_lasts_to_the_end_of_the_video(tmp_path: Path) -> None:
    """30 frames a second in milliseconds last 33 or 34, and with frames out of order the decoder mixes them up."""
    mixed_up = 0
    for count in range(22, 26):
        path = tmp_path / f"{count}.mp4"
        source = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=30", "-frames:v", str(count)]
        encode = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-video_track_timescale", "1000", str(path)]
        subprocess.run(["ffmpeg", "-v", "error", *source, *encode], check=True, timeout=60)
        *_, last = FileSource(path)
        with av.open(path) as container:
            *_, decoded = container.decode(video=0)
            end = container.streams.video[0].duration
        assert last.pts + last.duration == end
        mixed_up += decoded.pts + decoded.duration != end
    assert mixed_up, "these videos show nothing"


def test_a_start_offset_is_kept(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mkv", list(range(50, 60)))
    assert [round(f.pts * f.time_base * 10) for f in FileSource(path)] == list(range(50, 60))


def test_an_avi_with_frames_out_of_order_plays_in_order(tmp_path: Path) -> None:
    make_video(tmp_path / "a.ts", list(range(30)))
    with av.open(tmp_path / "a.ts") as inp, av.open(tmp_path / "a.avi", "w") as out:
        stream = out.add_stream_from_template(inp.streams.video[0])
        for packet in inp.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    frames = list(FileSource(tmp_path / "a.avi"))
    assert [grey(f) for f in frames] == list(range(30))
    assert {(b.pts - a.pts) * a.time_base for a, b in pairwise(frames)} == {Fraction(1, 10)}


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_rotated_video_is_turned_upright(tmp_path: Path, rotation: int) -> None:
    """FFmpeg counts the display rotation counterclockwise."""
    path = make_video(tmp_path / "a.mp4", [0, 1, 2], rotation=rotation)
    source = FileSource(path)
    image = next(iter(source)).image
    flat = next(iter(FileSource(make_video(tmp_path / "flat.mp4", [0, 1, 2])))).image
    assert np.abs(image.astype(int) - np.rot90(flat, rotation // 90)).max() <= 24
    assert (source.info.height, source.info.width) == image.shape[:2]
    assert (image.shape == (64, 48, 3)) == (rotation != 180)


@pytest.mark.parametrize(("hflip", "vflip"), [(True, False), (False, True)])
def test_a_flipped_video_is_flipped_back(tmp_path: Path, hflip: bool, vflip: bool) -> None:
    with av.open(tmp_path / "a.mp4", "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(0, hflip=hflip, vflip=vflip)
        image = np.zeros((48, 64, 3), np.uint8)
        image[:24, :32] = 255
        out.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        out.mux(stream.encode())
    seen = next(iter(FileSource(tmp_path / "a.mp4"))).image
    assert seen[12 + 24 * vflip, 16 + 32 * hflip].min() > 240
    assert seen[36 - 24 * vflip, 48 - 32 * hflip].max() < 15


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_video_cut_short_gives_what_there_is_and_says_what_is_lost(tmp_path: Path, ending: str) -> None:
    options = {"movflags": "faststart"} if ending == "mp4" else {}
    path = make_video(tmp_path / f"a.{ending}", list(range(60)), options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    said: list[str] = []
    frames = list(FileSource(path, say=said.append))
    assert 5 < len(frames) < 60
    assert [grey(f) for f in frames][:6] == [*range(6)]
    assert len(said) == 1
    assert f"{len(frames)} of about 60 frames" in said[0]
    assert str(path) in said[0]


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
def test_an_avi_cut_short_says_what_is_lost(tmp_path: Path, codec: str) -> None:
    path = make_video(tmp_path / "a.avi", list(range(60)), codec=codec)
    with av.open(path) as container:
        spot = [packet.pos for packet in container.demux(video=0)][35]
    path.write_bytes(path.read_bytes()[:spot])
    said: list[str] = []
    frames = list(FileSource(path, say=said.append))
    assert 30 < len(frames) < 40
    assert len(said) == 1
    assert f"{len(frames)} of about 60 frames" in said[0]


def test_an_avi_that_repeats_pictures_is_whole(tmp_path: Path) -> None:
    said: list[str] = []
    path = make_video(tmp_path / "a.avi", [0, 1, 5, 6, 12], codec="mpeg4")
    assert len(list(FileSource(path, say=said.append))) == 5
    assert said == []


def test_a_length_nobody_can_read_counts_as_unknown(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mkv", list(range(12)))
    data = path.read_bytes()
    assert data.count(b"00:00:01.2") == 1
    path.write_bytes(data.replace(b"00:00:01.2", b"a while...", 1))
    assert len(list(FileSource(path))) == 12


def test_a_transport_stream_cut_anywhere_is_read_to_its_end(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.ts", list(range(60)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10 + 77])
    assert 10 < len(list(FileSource(path))) < 60


def test_damage_in_the_middle_is_stepped_over_and_counted(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mov", list(range(40)), codec="png")
    with av.open(path) as container:
        spots = [p.pos for p in container.demux(video=0) if p.pos is not None and p.size]
    data = bytearray(path.read_bytes())
    for spot in spots[31:34]:
        data[spot : spot + 12] = b"\xff" * 12
    path.write_bytes(data)
    said: list[str] = []
    frames = list(FileSource(path, say=said.append))
    assert [grey(f) for f in frames] == [*range(31), *range(34, 40)]
    assert [f.time for f in frames[31:33]] == [3.4, 3.5]
    assert len(said) == 1
    assert "3 pieces could not be decoded" in said[0]


def test_a_whole_video_says_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    for ending in ("mp4", "mkv", "ts", "avi"):
        path = make_video(tmp_path / f"a.{ending}", list(range(20)), codec="mpeg4")
        assert len(list(FileSource(path, say=said.append))) == 20
    list(FileSource(make_video(tmp_path / "b.mkv", [5, 9, 10, 30]), say=said.append))
    list(FileSource(make_video(tmp_path / "s.mkv", list(range(5)), sound=True), say=said.append))
    assert said == []


def test_a_read_abandoned_in_the_middle_says_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    source = FileSource(make_video(tmp_path / "a.mp4", list(range(20))), say=said.append)
    next(iter(source))
    source.close()
    source.close()
    assert (list(source), said) == ([], [])


def test_closing_while_another_thread_reads_ends_it_without_a_crash(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", list(range(200)), size=(320, 240))
    for _ in range(20):
        source = FileSource(path)
        counts: list[int] = []
        reader = threading.Thread(target=lambda s=source, c=counts: c.append(sum(1 for _ in s)))
        reader.start()
        closed_from_another_thread(source.close, after=0.01).join()
        reader.join(10)
        assert not reader.is_alive()
        assert counts[0] <= 200
    assert counts[0] < 200


def wav(path: Path) -> None:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(b"\0\0" * 800)


def empty_video(path: Path) -> None:
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.start_encoding()


def headless(path: Path) -> None:
    make_video(path, list(range(20)))
    path.write_bytes(path.read_bytes()[:2000])


def unknown_codec(path: Path) -> None:
    make_video(path, list(range(5)))
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_NOBODY/KNOWS/"))


BAD = {
    "text.txt": (lambda path: path.write_text("hello\n" * 100), "no video"),
    "program.py": (lambda path: path.write_text("import os\n" * 100), "not a video"),
    "empty.mp4": (lambda path: path.write_bytes(b""), "not a video"),
    "noise.mp4": (lambda path: path.write_bytes(os.urandom(5000)), "not a video"),
    "folder": (lambda path: path.mkdir(), "is a folder"),
    "song.wav": (wav, "no video"),
    "none.mp4": (lambda path: None, "no file"),
    "zero.mkv": (empty_video, "no frame|no video|never finished"),
    "unfinished.mp4": (headless, "not a video"),
    "strange.mkv": (unknown_codec, "no video"),
    "pipe": (os.mkfifo, "not an ordinary file"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_played_is_refused_at_once_in_one_sentence(tmp_path: Path, name: str) -> None:
    make, words = BAD[name]
    make(tmp_path / name)
    with pytest.raises(SourceError, match=words) as caught:
        FileSource(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_cover_of_a_song_is_no_video(tmp_path: Path) -> None:
    with av.open(tmp_path / "a.m4a", "w", format="mp4") as out:
        song = out.add_stream("aac", rate=8000)
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        out.mux(cover.encode(av.VideoFrame(64, 48, "yuvj420p")))
        out.mux(cover.encode())
        samples = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        samples.sample_rate = 8000
        out.mux(song.encode(samples))
        out.mux(song.encode())
    with av.open(tmp_path / "a.m4a") as container:
        assert container.streams.video[0].disposition & av.stream.Disposition.attached_pic
    with pytest.raises(SourceError, match="no video"):
        FileSource(tmp_path / "a.m4a")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [0, 1])
    path.chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        FileSource(path)


def test_a_device_leads_to_the_camera() -> None:
    with pytest.raises(SourceError, match="camera:/dev/null"):
        FileSource("/dev/null")


def test_the_interpreter_exits_with_a_file_half_read(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", list(range(100)))
    code = f"from murai.sources.file import FileSource; s = FileSource({str(path)!r}); next(iter(s)); print('done')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (result.stdout.strip(), result.returncode, result.stderr) == ("done", 0, "")
