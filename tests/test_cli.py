"""Commands as a user types them. Each bad input gets one sentence and exit code 2, and nothing is lost."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from murai.cli import run
from tests.packs_support import paint, vector
from tests.sources.kit import make_video


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch, tiny_pack):
    """A user with one pack of their own, no display, and an empty working folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    packs = tmp_path / "data" / "murai" / "styles"
    packs.mkdir(parents=True)
    shutil.copytree(tiny_pack, packs / "tiny")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def clip():
    return make_video(Path("in.mp4"), list(range(12)), sound=True)


def sentence(capsys):
    """What was said last on standard error: one line that begins with the program's name."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert not any("Traceback" in line for line in lines)
    return lines[-1]


def refused(capsys, *arguments):
    """Run a command that must be refused, and give its sentence."""
    before = sorted(Path().rglob("*"))
    assert run(arguments) == 2
    assert sorted(Path().rglob("*")) == before, "a refused command leaves nothing behind"
    text = sentence(capsys)
    assert text.startswith("murai: ")
    return text


def frames(path):
    with av.open(path) as container:
        return [(f.pts, f.time_base) for f in container.decode(video=0)]


def test_video_keeps_every_frame_its_time_and_the_sound(clip, capsys):
    assert run(["video", "in.mp4", "out.mp4", "--style", "invert"]) == 0
    assert [p * t for p, t in frames("out.mp4")] == [p * t for p, t in frames("in.mp4")]
    with av.open("in.mp4") as a, av.open("out.mp4") as b:
        assert [bytes(p) for p in a.demux(audio=0)] == [bytes(p) for p in b.demux(audio=0)]
    assert "12 frames" in sentence(capsys)


def test_video_really_paints(clip):
    assert run(["video", "in.mp4", "out.mp4", "--style", "invert"]) == 0
    with av.open("in.mp4") as a, av.open("out.mp4") as b:
        before, after = (next(c.decode(video=0)).to_ndarray(format="rgb24").astype(int) for c in (a, b))
    wanted = paint(before.astype(np.uint8), vector("invert"))
    assert np.abs(wanted - after)[4:20, 4:28].mean() < 12


def test_image_paints_and_keeps_the_size(capsys):
    Image.fromarray(np.full((5, 3, 3), 50, np.uint8)).save("in.png")
    assert run(["image", "in.png", "out.png", "--style", "invert", "--precision", "f32"]) == 0
    wanted = paint(np.full((5, 3, 3), 50, np.uint8), vector("invert"))
    assert np.abs(np.array(Image.open("out.png")).astype(int) - wanted).max() <= 1
    assert Image.open("out.png").size == (3, 5)


@pytest.mark.parametrize("boldness", [0, 0.25, 1])
def test_boldness_is_as_asked(boldness):
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(picture).save("in.png")
    options = ["--style", "warm", "--boldness", str(boldness), "--precision", "f32"]
    assert run(["image", "in.png", "out.png", *options]) == 0
    wanted = paint(picture, vector("warm", boldness))
    assert np.abs(np.array(Image.open("out.png")).astype(int) - wanted).max() <= 1


def test_a_second_style_paints_inside_a_mask():
    picture = np.full((40, 60, 3), (90, 120, 200), np.uint8)
    Image.fromarray(picture).save("in.png")
    Image.fromarray(np.repeat(np.arange(60) < 30, 40).reshape(60, 40).T).save("left.png")
    both = ["--style", "invert", "--mask", "left.png", "--inside", "warm", "--precision", "f32"]
    assert run(["image", "in.png", "out.png", *both]) == 0
    painted = np.asarray(Image.open("out.png"))
    inside, outside = (paint(picture, vector(style)).astype(int) for style in ("warm", "invert"))
    assert np.abs(painted - inside)[:, :30].max() <= 1
    assert np.abs(painted - outside)[:, 30:].max() <= 1


def test_strength_0_gives_the_picture_back_bit_for_bit():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save("in.png")
    assert run(["image", "in.png", "out.png", "--style", "invert", "--strength", "0"]) == 0
    assert np.array_equal(np.array(Image.open("out.png")), pixels)


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "I;16", "P"])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (40, 30)])
def test_every_kind_of_picture_is_painted(mode, size):
    grey, deep = np.full((*size[::-1], 3), 102, np.uint8), np.full(size[::-1], 102 * 257, np.uint16)
    picture = Image.fromarray(deep) if mode == "I;16" else Image.fromarray(grey).convert(mode)
    name = "in.tif" if mode in ("CMYK", "I;16") else "in.png"
    picture.save(name)
    assert run(["image", name, "out.png", "--style", "invert"]) == 0
    assert Image.open("out.png").size == size
    wanted = paint(np.full((1, 1, 3), 102, np.uint8), vector("invert"))
    assert np.abs(np.array(Image.open("out.png")).astype(int) - wanted).max() <= 3


def test_live_paints_the_pattern_to_a_file_and_says_what_it_did(capsys):
    assert run(["live", "--source", "pattern", "--sink", "out.mp4", "--style", "invert", "--frames", "20"]) == 0
    said = capsys.readouterr().err
    assert "fps" in said
    assert "delay" in said
    assert str(Path("out.mp4").resolve()) in said.replace("\n", "")
    assert 1 <= len(frames("out.mp4")) <= 20


def test_live_without_camera_and_display_chooses_the_clip_and_a_file_and_says_why(capsys):
    assert run(["live", "--style", "invert", "--frames", "10"]) == 0
    said = capsys.readouterr().err
    if not Path("/dev/video0").exists():
        assert "a clip of people, since no camera opens" in said
        with av.open("demo.mp4") as container:
            assert (container.streams.video[0].width, container.streams.video[0].height) == (640, 360)
    assert "demo.mp4, since no window opens. There is no display" in said
    assert Path("demo.mp4").exists()


def test_the_demo_takes_its_seconds_whatever_the_rate(monkeypatch, capsys):
    monkeypatch.setattr(sys.modules["murai.cli.live"], "DEMO_SECONDS", 1)
    assert run(["live", "--source", "clip", "--style", "invert", "--size", "64x36"]) == 0
    assert "25 read" in capsys.readouterr().err
    assert run(["live", "--source", "clip", "--style", "invert", "--frames", "5", "--overwrite"]) == 0
    assert re.search(r"\b5 read", capsys.readouterr().err)


def test_live_keeps_what_it_said():
    assert (
        run(["live", "--source", "pattern", "--sink", "null", "--style", "invert", "--frames", "5", "--log", "a.log"])
        == 0
    )
    *_, first, last = Path("a.log").read_text().splitlines()  # before them, which precision is faster on this CPU
    assert "painting to null" in first
    assert re.search(r"\d painted", last)


def test_the_log_tells_why_a_show_did_not_begin():
    assert run(["live", "--source", "missing.mp4", "--sink", "null", "--log", "a.log"]) == 2
    assert "missing.mp4" in Path("a.log").read_text()


def test_live_plays_a_file_at_its_own_pace(clip):
    start = time.monotonic()
    assert run(["live", "--source", "in.mp4", "--sink", "null", "--style", "invert"]) == 0
    assert time.monotonic() - start > 1.0  # twelve frames, a tenth of a second each


def test_several_sinks_take_the_same_show(clip):
    assert run(["live", "--source", "in.mp4", "--sink", "a.mp4", "--sink", "b.mkv", "--style", "invert"]) == 0
    assert len(frames("a.mp4")) == len(frames("b.mkv")) > 0


def test_styles_list_is_a_json_array_and_nothing_else(capsys):
    assert run(["styles", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"tiny/invert", "tiny/warm"} <= {row["style"] for row in rows}
    assert {"tier", "title", "artist", "year", "licence", "path"} <= set(rows[0])


def test_packs_are_exported_removed_and_added(capsys, tmp_path):
    assert run(["styles", "export", "tiny/invert", "tiny.zip"]) == 0
    assert run(["styles", "remove", "tiny"]) == 0
    capsys.readouterr()
    run(["styles", "list", "--json"])
    assert "tiny/invert" not in capsys.readouterr().out
    assert run(["styles", "add", "tiny.zip"]) == 0
    assert run(["styles", "show", "invert", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "tiny"


def test_styles_show_prints_the_model_card(capsys):
    assert run(["styles", "show", "starry_night"]) == 0
    card = capsys.readouterr().out
    assert "The Starry Night" in card
    assert "multiply-adds" in card


def test_a_missing_input(capsys):
    assert "none.mp4" in refused(capsys, "video", "none.mp4", "out.mp4", "--style", "invert")
    assert "none.png" in refused(capsys, "image", "none.png", "out.png", "--style", "invert")
    assert "none.mp4" in refused(capsys, "live", "--source", "none.mp4", "--sink", "null", "--style", "invert")


def test_an_input_that_is_no_video(capsys):
    Path("notes.mp4").write_text("shopping list")
    assert "notes.mp4" in refused(capsys, "video", "notes.mp4", "out.mp4", "--style", "invert")
    assert "notes.mp4" in refused(capsys, "image", "notes.mp4", "out.png", "--style", "invert")


def test_a_video_without_pictures(capsys):
    with av.open("sound.mp4", "w") as out:
        stream = out.add_stream("aac", rate=8000)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        samples.sample_rate = 8000
        out.mux(stream.encode(samples))
        out.mux(stream.encode())
    assert "sound.mp4" in refused(capsys, "video", "sound.mp4", "out.mp4", "--style", "invert")


def test_a_truncated_video_is_painted_as_far_as_it_goes_and_the_loss_is_said(capsys):
    whole = make_video(Path("whole.mkv"), list(range(60)))
    data = whole.read_bytes()
    Path("cut.mkv").write_bytes(data[: len(data) * 2 // 3])
    assert run(["video", "cut.mkv", "out.mp4", "--style", "invert"]) == 0
    assert 5 < len(frames("out.mp4")) < 60
    assert "cut.mkv" in capsys.readouterr().err


def test_an_output_that_exists_is_kept_unless_it_may_be_replaced(clip, capsys):
    Path("out.mp4").write_text("precious")
    assert "--overwrite" in refused(capsys, "video", "in.mp4", "out.mp4", "--style", "invert")
    assert Path("out.mp4").read_text() == "precious"
    assert run(["video", "in.mp4", "out.mp4", "--style", "invert", "--overwrite"]) == 0
    assert len(frames("out.mp4")) == 12


def test_an_output_in_a_missing_folder_and_one_that_is_the_input(clip, capsys):
    assert "nowhere" in refused(capsys, "video", "in.mp4", "nowhere/out.mp4", "--style", "invert")
    assert "input" in refused(capsys, "video", "in.mp4", "in.mp4", "--style", "invert", "--overwrite")
    assert len(frames("in.mp4")) == 12


def test_video_writes_files_only(clip, capsys):
    assert "murai live" in refused(capsys, "video", "in.mp4", "window", "--style", "invert")
    assert "murai image" in refused(capsys, "video", "in.mp4", "out.png", "--style", "invert")


def test_a_pack_in_the_working_folder_is_found_by_its_name(tiny_pack):
    shutil.copytree(tiny_pack, "mine")
    Image.new("RGB", (40, 30)).save("in.png")
    assert run(["image", "in.png", "out.png", "--style", "mine"]) == 0


def test_a_picture_is_no_video(capsys):
    Image.new("RGB", (40, 30)).save("in.png")
    assert "murai image" in refused(capsys, "video", "in.png", "out.mp4")


def test_an_unknown_style_suggests_the_nearest(clip, capsys):
    assert "invert" in refused(capsys, "video", "in.mp4", "out.mp4", "--style", "invret")
    assert "starry_night" in refused(capsys, "video", "in.mp4", "out.mp4", "--style", "stary_night")


def test_a_pack_of_an_older_murai_says_what_to_do(clip, capsys, tiny_pack):
    shutil.copytree(tiny_pack, "old")
    manifest = json.loads(Path("old/pack.json").read_text())
    Path("old/pack.json").write_text(json.dumps(manifest | {"format": 1}))
    for command in (["video", "in.mp4", "out.mp4", "--style", "old"], ["styles", "add", "old"]):
        assert "train or download the pack again" in refused(capsys, *command)


def test_a_damaged_pack_is_named(clip, capsys, tiny_pack):
    shutil.copytree(tiny_pack, "bad")
    Path("bad/model.onnx").unlink()
    assert "bad" in refused(capsys, "video", "in.mp4", "out.mp4", "--style", "bad")
    assert "bad" in refused(capsys, "styles", "add", "bad")
    shutil.copytree(tiny_pack, "half")
    Path("half/model.onnx").write_bytes((tiny_pack / "model.onnx").read_bytes()[:100])
    assert "half" in refused(capsys, "styles", "add", "half")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--strength", "2"],
        ["--strength", "much"],
        ["--boldness", "1.5"],
        ["--boldness", "-0.1"],
        ["--boldness", "very"],
        ["--boldness", "nan"],
        ["--size", "big"],
        ["--size", "0x9"],
        ["--size", "15x16"],
        ["--device", "tpu"],
        ["--frames", "0"],
        ["--nonsense"],
        ["--device", "cuda"],
        ["--inside", "warm"],
        ["--mask", "in.mp4"],
        ["--mask", "in.mp4", "--inside", "warm"],
        ["--mask", "missing.onnx", "--inside", "warm"],
    ],
)
def test_options_out_of_range_are_refused(clip, capsys, arguments):
    refused(capsys, "video", "in.mp4", "out.mp4", "--style", "invert", *arguments)


def test_a_missing_camera_lists_what_was_tried(capsys):
    if Path("/dev/video0").exists():
        pytest.skip("this machine has a camera")
    assert "amera" in refused(capsys, "live", "--source", "camera", "--sink", "null", "--style", "invert")


def test_a_window_without_a_display(capsys):
    assert "display" in refused(capsys, "live", "--source", "pattern", "--sink", "window", "--style", "invert")


def test_a_stream_nobody_sends(capsys):
    text = refused(
        capsys, "live", "--source", "rtmp://user:secret@127.0.0.1:9/live", "--sink", "null", "--style", "invert"
    )
    assert "secret" not in text


def start(*arguments):
    """A murai of its own, ready to be killed."""
    command = [sys.executable, "-c", "from murai.cli import main; main()", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for(condition, process):
    for _ in range(600):
        if condition():
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    pytest.fail("it never began")


def parts():
    return [p for p in Path().iterdir() if p.name.startswith(".out.") and p.stat().st_size >= 0]


@pytest.fixture
def long_clip():
    return make_video(Path("long.mp4"), list(range(3000)), tick=Fraction(1, 30), size=(320, 240), options={})


def test_ctrl_c_in_the_middle_of_a_video_ends_cleanly_and_leaves_nothing(long_clip):
    process = start("video", "long.mp4", "out.mp4", "--style", "invert")
    wait_for(parts, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130, process.stderr.read()
    assert [p.name for p in Path().iterdir()] == ["long.mp4"]
    assert process.stderr.read().endswith("ended.\n")


def test_kill_in_the_middle_of_a_video_leaves_nothing_under_the_final_name(long_clip):
    process = start("video", "long.mp4", "out.mp4", "--style", "invert")
    wait_for(parts, process)
    process.kill()
    process.wait(30)
    assert not Path("out.mp4").exists()
    assert run(["video", "long.mp4", "out.mp4", "--style", "invert", "--frames", "5"]) == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ending_a_live_recording_keeps_what_was_recorded(how):
    process = start("live", "--source", "pattern", "--sink", "out.mp4", "--style", "invert")
    wait_for(lambda: any(p.stat().st_size > 1000 for p in parts()), process)
    process.send_signal(how)
    assert process.wait(30) == 130
    assert len(frames("out.mp4")) > 1
    assert not parts()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_said_and_leaves_nothing(long_clip, capsys):
    Path("small").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", "small"], check=False).returncode:
        pytest.skip("this system does not let root mount a tmpfs")
    try:
        assert run(["video", "long.mp4", "small/out.mp4", "--style", "invert"]) == 2
        assert "small/out.mp4" in sentence(capsys)
        assert list(Path("small").iterdir()) == []
    finally:
        subprocess.run(["umount", "small"], check=True)


def test_a_fault_of_murai_is_one_line_and_exit_code_1(monkeypatch, capsys):
    monkeypatch.setattr("murai.packs.find_packs", lambda *a, **k: 1 / 0)
    assert run(["styles", "list"]) == 1
    assert "ZeroDivisionError" in sentence(capsys)


def test_help_names_every_command(capsys):
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(command in text for command in ("live", "video", "image", "train", "styles", "measure"))
