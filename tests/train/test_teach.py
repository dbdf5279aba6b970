"""`murai train` from the command to a pack that paints."""

import inspect
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
from murai.cli.train import train  # noqa: E402
from murai.errors import TrainError  # noqa: E402
from murai.nets import build, mac_per_pixel  # noqa: E402
from murai.packs import StylePack  # noqa: E402
from murai.train.manifest import tier_of  # noqa: E402
from murai.train.plan import works  # noqa: E402
from murai.train.settings import Settings  # noqa: E402

from .conftest import REAL_SIZES, make_lessons, save_photo  # noqa: E402


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
    assert manifest.training["photographs"] == 5
    assert manifest.training["photographs_terms"] == "Drawn for a test."
    assert manifest.training["photographs_seen"] == {"mine": 6}
    assert "photographs" in manifest.measured["mine"]
    assert manifest.ends == 2


def test_the_pack_says_how_each_end_was_learned(taught):
    faithful, bold = taught.manifest.training["styles"]["mine"]
    assert (faithful["end"], faithful["steps"], bold["end"], bold["steps"]) == ("faithful", 4, "bold", 2)
    assert faithful["content"] > bold["content"]
    assert faithful["light"] > bold["light"]
    assert "start" not in faithful
    assert bold["start"] == "mine-faithful"
    same = {"layers", "style", "parts", "stability", "seed", "objective"}
    assert {name: faithful[name] for name in same} == {name: bold[name] for name in same}


def test_the_bold_end_is_another_than_the_faithful_one_and_near_it(taught):
    faithful, bold = taught.styles[0].astype(np.float32)
    fresh = build("affine", **taught.manifest.architecture.arguments).vector().numpy()
    assert 0 < np.abs(bold - faithful).mean() < np.abs(fresh - faithful).mean()


@pytest.mark.parametrize("tier", REAL_SIZES)
def test_a_network_of_each_size_is_of_that_tier(tier):
    network = build("affine", **REAL_SIZES[tier])
    assert tier_of(network, "affine") == tier, mac_per_pixel(network)
    assert tier_of(network, "johnson") == "johnson"


def test_the_model_card_tells_the_same(taught):
    card = (taught.path / "README.md").read_text()
    assert all(text in card for text in ("A Wall", "Somebody", "1888", "vgg19", "Drawn for a test.", "4 steps"))
    assert all(f"{value:.4g}" in card for value in taught.manifest.measured["mine"].values())
    assert "`mine`: faithful, 4 steps" in card
    assert "`mine`: bold, 2 steps" in card
    assert "from `mine-faithful`" in card


def test_the_taught_pack_paints_as_torch_does(taught):
    from murai.stylizers.openvino import OpenVINORuntime

    network, vector = build("affine", **taught.manifest.architecture.arguments), taught.vector({"mine": 1}, 1.0)
    network.load_vector(torch.from_numpy(vector))
    image = np.random.default_rng(0).integers(0, 256, (46, 68, 3), dtype=np.uint8)
    with torch.no_grad():
        wanted = network(torch.from_numpy(image).permute(2, 0, 1)[None] / 255)[0].permute(1, 2, 0).numpy()
    painted = OpenVINORuntime(taught.model, precision="f32").run(image, vector)
    assert np.abs(painted - 255 * wanted).max() <= 2.5


def test_the_command_paints_with_it_at_once(taught):
    Image.new("RGB", (50, 40), (90, 120, 200)).save("in.png")
    assert run(["image", "in.png", "out.png", "--style", str(taught.path)]) == 0
    assert Image.open("out.png").size == (50, 40)


def test_the_runs_leave_a_contact_sheet_logs_and_a_report(taught):
    sheet = Image.open(f"{taught.path}.run/sheet.jpg")
    assert sheet.size == (4 * 256, 3 * 256)  # the photographs, then a row for each end
    assert [len(losses(f"{taught.path}.run", f"mine-{end}")) for end in ("faithful", "bold")] == [4, 2]
    report = Path(f"{taught.path}.run/report.html").read_text()
    assert all(text in report for text in ("A Wall", "Somebody", "Drawn for a test.", "4 steps", "data:image/jpeg"))
    assert all(text in report for text in ("Losses: mine-faithful", "Losses: mine-bold"))
    assert f"{taught.manifest.measured['mine']['effectiveness']:.4g}" in report


def test_the_preview_has_a_row_a_style(taught):
    from murai.previews import preview_rows

    (row,) = preview_rows(taught)
    assert row.size == (4 * 256, 256)


def test_two_pictures_become_two_styles_of_one_pack_and_the_later_begins_as_the_first(command, tmp_path):
    save_photo(tmp_path / "red.png", size=(60, 60), seed=3)
    assert run([command[0], str(tmp_path / "red.png"), *command[1:], "--ends", "1", "--out", "both"]) == 0
    pack = StylePack.load("both")
    assert pack.names == ("red", "style")
    assert pack.manifest.ends == 1
    assert not np.array_equal(pack.styles[0], pack.styles[1])
    red, style = (pack.manifest.training["styles"][name] for name in pack.names)
    assert "start" not in red[0]
    assert [stage["start"] for stage in style] == ["red-faithful"]
    assert Image.open("both.run/sheet.jpg").size == (4 * 256, 3 * 256)


def test_a_picture_is_learned_alike_whatever_else_is_learned(command, tmp_path):
    Image.fromarray(255 - np.array(Image.open(command[1]))).save(tmp_path / "other.png")
    assert run([*command, "--out", "alone"]) == 0
    assert run([*command[:2], str(tmp_path / "other.png"), *command[2:], "--out", "both"]) == 0
    assert losses("both.run") == losses("alone.run")


def test_resuming_skips_the_ends_that_are_finished(command, capsys):
    assert run([*command, "--out", "pack"]) == 0
    before = StylePack.load("pack").styles
    logs = {end: Path(f"pack.run/style-{end}/losses.jsonl") for end in ("faithful", "bold")}
    kept = logs["faithful"].stat().st_mtime_ns
    for file in ("style.safetensors", "checkpoint.pt", "losses.jsonl"):
        Path("pack.run/style-bold", file).unlink()
    capsys.readouterr()
    assert run([*command, "--out", "pack", "--resume", "--overwrite"]) == 0
    said = capsys.readouterr().err
    assert "style-faithful is learned already" in said
    assert "style-bold is learned already" not in said
    assert logs["faithful"].stat().st_mtime_ns == kept
    assert len(losses("pack.run", "style-bold")) == 2
    assert np.array_equal(StylePack.load("pack").styles, before), "and the rest as if nothing had been in between"


def test_a_finished_end_that_is_damaged_or_of_other_settings_is_refused(command, capsys):
    once = [*command, "--ends", "1", "--out", "pack"]
    assert run(once) == 0
    assert run([*once, "--resume", "--overwrite", "--style-weight", "2"]) == 2
    assert "settings (style)" in capsys.readouterr().err
    Path("pack.run/style-faithful/style.safetensors").write_bytes(b"cut")
    assert run([*once, "--resume", "--overwrite"]) == 2
    assert "is damaged" in capsys.readouterr().err
    assert StylePack.load("pack").names == ("style",)


def test_resuming_needs_something_to_go_on_from(command, capsys):
    assert run([*command, "--out", "pack", "--resume"]) == 2
    assert "no checkpoint in pack.run" in capsys.readouterr().err
    assert not os.path.exists("pack.run")


def test_every_option_reaches_the_end_it_is_for(command):
    options = ["--content", "5", "1.5", "--light", "3", "0.5", "--layers", "0.1", "0.2", "1", "2", "--parts", "0.4"]
    options += ["--bold-steps", "1", "--stability", "noise", "--stability-weight", "0.7", "--style-weight", "1.5"]
    assert run([*command, "--out", "pack", *options]) == 0
    faithful, bold = StylePack.load("pack").manifest.training["styles"]["style"]
    assert (faithful["content"], faithful["light"], faithful["steps"]) == (5, 3, 4)
    assert (bold["content"], bold["light"], bold["steps"]) == (1.5, 0.5, 1)
    for stage in (faithful, bold):
        assert stage["layers"] == [0.1, 0.2, 1, 2]
        assert (stage["parts"], stage["style"], stage["stable"], stage["stability"]) == (0.4, 1.5, "noise", 0.7)


def test_what_the_command_usually_does_is_what_the_settings_say():
    usual, settings = inspect.signature(train).parameters, Settings()
    names = {"photo_size": "size", "style_weight": "style", "stability": "stable", "stability_weight": "stability"}
    names |= {name: name for name in ("steps", "batch", "style_size", "objective", "layers", "parts", "seed")}
    names |= {"learning_rate": "learning_rate", "loss_energy": "energy"}
    assert {name: usual[name].default for name in names} == {k: getattr(settings, v) for k, v in names.items()}


def losses(run_folder, run="style-faithful"):
    return [json.loads(line) for line in Path(run_folder, run, "losses.jsonl").read_text().splitlines()]


def test_ctrl_c_keeps_a_checkpoint_and_resuming_finishes_the_pack(lessons, program):
    long = [*tiny(lessons, steps=40), "--ends", "1", "--out", "broken"]
    start = [sys.executable, str(program), *long]
    process = subprocess.Popen(start, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    log = "broken.run/style-faithful/losses.jsonl"
    for _ in range(5000):
        if os.path.exists(log) and os.path.getsize(log) > 500:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 130
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
        (["--ends", "3"], "ends"),
        (["--parts", "1.5"], "parts"),
        (["--content", "0", "1"], "content"),
        (["--content", "3", "1", "--keep", "0.6", "0.5"], "leave one of them out"),
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
    for folder in ("pack.run/style-bold", "old.run"):
        Path(folder).mkdir(parents=True)
        Path(folder, "losses.jsonl").write_text("{}")
    for name in ("pack", "old"):
        assert run([*command, "--out", name]) == 2
        assert f"{name}.run holds a run already" in capsys.readouterr().err.splitlines()[-1]
    assert os.listdir("pack.run") == ["style-bold"]
    assert os.listdir("pack.run/style-bold") == os.listdir("old.run") == ["losses.jsonl"]


def test_overwrite_starts_a_former_run_afresh_and_the_evaluation_is_listed_once(command, capsys):
    for folder in ("pack.run/style-faithful", "pack.run/former-bold"):
        Path(folder).mkdir(parents=True)
        Path(folder, "losses.jsonl").write_text("{}")
        Image.new("RGB", (1024, 256)).save(Path(folder, "row.jpg"))
    Path("pack.run/notes.txt").write_text("the user's own")
    shutil.copytree("photos", "unseen")
    Path("unseen/broken.jpg").write_bytes(b"no picture")
    assert run([*command, "--out", "pack", "--evaluate", "unseen", "--overwrite"]) == 0
    assert [row["step"] for row in losses("pack.run")] == [1, 2, 3, 4]
    assert Image.open("pack.run/sheet.jpg").size == (4 * 256, 3 * 256)
    assert not os.listdir("pack.run/former-bold")
    assert Path("pack.run/notes.txt").exists()
    assert capsys.readouterr().err.count("1 of 6 pictures in unseen") == 1
    assert StylePack.load("pack").manifest.measured["style"]["photographs"] == 5


def test_a_plan_without_pictures_is_refused():
    with pytest.raises(TrainError, match="nothing to learn from"):
        works([], {}, [])
