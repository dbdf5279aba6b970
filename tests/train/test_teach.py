"""`murai train` from the command to a pack that paints."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from murai.cli import run  # noqa: E402
from murai.errors import TrainError  # noqa: E402
from murai.packs import StylePack  # noqa: E402
from murai.train.teach import works  # noqa: E402

from .conftest import make_lessons, save_photo  # noqa: E402


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def tiny(folder, steps=4):
    """A tiny training command on the lessons in `folder`."""
    small = ["--steps", str(steps), "--photo-size", "32", "--style-size", "48", "--batch", "1"]
    weights = ["--loss-network", str(folder / "vgg19.safetensors")]
    return ["train", str(folder / "style.png"), "--photos", str(folder / "photos"), *weights, *small]


@pytest.fixture
def command(lessons):
    return tiny(lessons)


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """The pack of a whole tiny run with everything said about it. Do not change it."""
    folder = make_lessons(tmp_path_factory.mktemp("taught"))
    about = ["--name", "mine", "--title", "A Wall", "--artist", "Somebody", "--year", "1888", "--licence", "mine"]
    about += ["--photos-terms", "Drawn for a test.", "--evaluate", str(folder / "photos"), "--crop", "5,5,60,50"]
    assert run([*tiny(folder), "--out", str(folder / "pack"), *about]) == 0
    return StylePack.load(folder / "pack")


def test_the_pack_says_what_it_learned_from(taught):
    manifest = taught.manifest
    style = manifest.styles[0]
    assert (style.name, style.title, style.artist, style.year, style.licence) == (
        "mine",
        "A Wall",
        "Somebody",
        "1888",
        "mine",
    )
    assert style.crop == (5, 5, 60, 50)
    assert manifest.loss_network.name == "vgg19"
    assert manifest.loss_network.input == "caffe"
    assert manifest.training["steps"] == 4
    assert manifest.training["photographs"] == 5
    assert manifest.training["photographs_terms"] == "Drawn for a test."
    assert set(manifest.measured["mine"]) == {"content", "style", "total", "photographs"}
    assert manifest.tier == "fast"


def test_the_model_card_tells_the_same(taught):
    card = (taught.path / "README.md").read_text()
    assert all(text in card for text in ("A Wall", "Somebody", "1888", "vgg19", "Drawn for a test.", "4 steps"))
    assert f"{taught.manifest.measured['mine']['total']:.3f}" in card


def test_the_taught_pack_paints_as_torch_does(taught):
    from murai.nets import build
    from murai.nets.pixels import PixelGraph
    from murai.stylizers.openvino import OpenVINORuntime

    network = build(taught.manifest.architecture.name)
    network.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in taught.tensors.items()})
    image = np.random.default_rng(0).integers(0, 256, (2, 45, 67, 3), dtype=np.uint8)
    styles = np.repeat(taught.styles, 2, 0)
    with torch.no_grad():
        wanted = PixelGraph(network)(torch.from_numpy(image), torch.from_numpy(styles)).numpy()
    painted = OpenVINORuntime(taught.model, precision="f32").run(image, styles)
    assert np.abs(painted.astype(int) - wanted.astype(int)).max() <= 1


def test_the_command_paints_with_it_at_once(taught):
    Image.new("RGB", (50, 40), (90, 120, 200)).save("in.png")
    assert run(["image", "in.png", "out.png", "--style", str(taught.path)]) == 0
    assert Image.open("out.png").size == (50, 40)


def test_the_run_leaves_a_contact_sheet_a_log_and_a_report(taught):
    sheet = Image.open(f"{taught.path}.run/sheet.jpg")
    assert sheet.size == (5 * 256, 4 * 256)  # the photographs, then four previews
    assert len(losses(f"{taught.path}.run")) == 4
    report = Path(f"{taught.path}.run/report.html").read_text()
    assert all(text in report for text in ("A Wall", "Somebody", "Drawn for a test.", "4 steps", "data:image/jpeg"))
    assert f"{taught.manifest.measured['mine']['total']:.4g}" in report


def test_two_pictures_become_two_styles_of_one_network(command, tmp_path):
    save_photo(tmp_path / "red.png", size=(60, 60), seed=3)
    assert run([command[0], str(tmp_path / "red.png"), *command[1:], "--out", "both"]) == 0
    pack = StylePack.load("both")
    assert pack.names == ("red", "style")
    assert not np.array_equal(pack.styles[0], pack.styles[1])


def losses(run_folder):
    return [json.loads(line) for line in Path(run_folder, "losses.jsonl").read_text().splitlines()]


def test_ctrl_c_keeps_a_checkpoint_and_resuming_finishes_the_pack(lessons):
    long = [*tiny(lessons, steps=40), "--out", "broken"]
    program = [sys.executable, "-c", "from murai.cli import main; main()"]
    process = subprocess.Popen([*program, *long], stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    for _ in range(900):
        if os.path.exists("broken.run/losses.jsonl") and os.path.getsize("broken.run/losses.jsonl") > 500:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    said = process.stderr.read()
    assert "--resume" in said
    assert "Traceback" not in said
    assert not os.path.exists("broken")
    assert 0 < len(losses("broken.run")) < 40
    assert run([*long, "--resume"]) == 0
    assert [row["step"] for row in losses("broken.run")] == list(range(1, 41))
    assert StylePack.load("broken").names == ("style",)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (["--photos", "nowhere"], "nowhere"),
        (["--loss-network", "none.pth"], "none.pth"),
        (["--crop", "0,0,999,999"], "does not fit"),
        (["--crop", "1,2,3"], "X,Y,W,H"),
        (["--name", "a", "--name", "b"], "one for each"),
        (["--name", "No Name"], "no name"),
        (["--out", "nowhere/pack"], "nowhere"),
        (["--out", "My Wall"], "'My Wall' is no name for a pack"),
        (["--out", "My Wall.zip"], "'My Wall' is no name for a pack"),
        (["--out", "."], "is no name for a pack"),
        (["--out", "photos", "--overwrite"], "0.png, which is no part of a style pack"),
        (["--out", "full", "--overwrite"], "is a file and no style pack"),
        (["--evaluate", "nowhere"], "nowhere"),
        (["--evaluate", "empty"], "no photograph"),
        (["--steps", "0"], "steps"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_in_one_sentence(command, capsys, change, expected):
    Path("empty").mkdir()
    Path("full").write_text("the user's own")
    out = [] if "--out" in change else ["--out", "pack"]
    if change[0] in command:
        at = command.index(change[0])
        command = command[:at] + command[at + 2 :]
    assert run([*command, *out, *change]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert expected in lines[-1]
    assert not os.path.exists("pack")
    assert not list(Path().glob("*.run"))
    assert Path("full").read_text() == "the user's own"
    assert len(list(Path("photos").iterdir())) == 5


def test_an_existing_pack_is_refused_before_any_work(command, taught, capsys):
    before = (taught.path / "pack.json").read_bytes()
    assert run([*command, "--out", str(taught.path)]) == 2
    assert "--overwrite" in capsys.readouterr().err.splitlines()[-1]
    assert (taught.path / "pack.json").read_bytes() == before


def test_a_parent_that_may_not_be_written_is_refused_before_any_work(command, tmp_path, capsys):
    (tmp_path / "locked").mkdir(mode=0o555)
    root = os.getuid() == 0
    if root:  # who may write anywhere: give the name away for a while
        os.setreuid(65534, 0)
    try:
        assert run([*command, "--out", "locked/pack"]) == 2
    finally:
        if root:
            os.setreuid(0, 0)
    assert "locked may not be written to" in capsys.readouterr().err.splitlines()[-1]
    assert not list((tmp_path / "locked").iterdir())


def test_a_former_run_is_refused_before_any_work(command, capsys):
    Path("pack.run").mkdir()
    Path("pack.run/losses.jsonl").write_text("{}")
    assert run([*command, "--out", "pack"]) == 2
    assert "pack.run holds a run already" in capsys.readouterr().err.splitlines()[-1]
    assert os.listdir("pack.run") == ["losses.jsonl"]


def test_overwrite_starts_a_former_run_afresh_and_the_evaluation_is_listed_once(command, capsys):
    Path("pack.run").mkdir()
    Path("pack.run/losses.jsonl").write_text("{}")
    Image.new("RGB", (256, 1024)).save("pack.run/preview-000900.jpg")
    shutil.copytree("photos", "unseen")
    Path("unseen/broken.jpg").write_bytes(b"no picture")
    assert run([*command, "--out", "pack", "--evaluate", "unseen", "--overwrite"]) == 0
    assert [row["step"] for row in losses("pack.run")] == [1, 2, 3, 4]
    assert Image.open("pack.run/sheet.jpg").size == (5 * 256, 4 * 256)  # no preview of the former run
    assert capsys.readouterr().err.count("1 of 6 pictures in unseen") == 1
    assert StylePack.load("pack").manifest.measured["style"]["photographs"] == 5


def test_a_plan_without_pictures_is_refused():
    with pytest.raises(TrainError, match="nothing to learn from"):
        works([], {}, [])
