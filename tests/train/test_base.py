"""`murai train --base`: a new style on a taught network."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from murai.cli import run  # noqa: E402
from murai.errors import TrainError  # noqa: E402
from murai.nets import SIZES, count_parameters  # noqa: E402
from murai.packs import StylePack, write_pack  # noqa: E402
from murai.train.base import network_from, teacher_from  # noqa: E402

from .conftest import make_lessons, save_photo, vgg_weights  # noqa: E402


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    """A folder with lessons and the taught packs `first` (style `wall`) and `second` (`wall` and `door`)."""
    folder = make_lessons(tmp_path_factory.mktemp("school"))
    save_photo(folder / "door.png", size=(70, 70), seed=20)
    assert run([*teach(folder, "style.png"), "--name", "wall", "--out", str(folder / "first")]) == 0
    again = [*teach(folder, "door.png"), "--base", str(folder / "first"), "--out", str(folder / "second")]
    assert run(again) == 0
    return folder


def teach(folder, picture, steps=3):
    small = ["--steps", str(steps), "--photo-size", "32", "--style-size", "48", "--batch", "1"]
    weights = ["--loss-network", str(folder / "vgg19.safetensors"), "--photos", str(folder / "photos")]
    return ["train", str(folder / picture), *weights, *small]


def weights(pack):
    return {name: tensor for name, tensor in pack.tensors.items() if name != "styles"}


def test_only_the_vector_of_the_new_style_is_learned_and_the_others_stay(school):
    first, second = StylePack.load(school / "first"), StylePack.load(school / "second")
    assert second.names == ("wall", "door")
    assert np.array_equal(second.styles[0], first.styles[0])
    assert not np.array_equal(second.styles[1], first.styles[0])
    assert all(np.array_equal(tensor, weights(first)[name]) for name, tensor in weights(second).items())
    assert second.manifest.architecture == first.manifest.architecture
    assert second.manifest.training["base"] == "first"


def test_full_learns_everything_from_there_and_keeps_the_new_style_alone(school, tmp_path):
    command = [*teach(school, "door.png"), "--base", str(school / "second"), "--full"]
    assert run([*command, "--out", str(tmp_path / "all")]) == 0
    before, after = StylePack.load(school / "second"), StylePack.load(tmp_path / "all")
    assert after.names == ("door",)
    changed = [name for name, tensor in weights(after).items() if not np.array_equal(tensor, weights(before)[name])]
    assert "stem.conv.weight" in changed
    assert np.abs(after.styles[0] - before.styles[1]).max() < 0.1, "a style of the same name goes on from there"


def test_a_run_on_a_base_is_resumed_on_the_same_base_only(school, tmp_path, capsys):
    out = ["--out", str(tmp_path / "more"), "--name", "more"]
    assert run([*teach(school, "door.png"), "--base", str(school / "first"), *out]) == 0
    other = [*teach(school, "door.png"), "--base", str(school / "second"), *out, "--resume", "--overwrite"]
    assert run(other) == 2
    assert "differs from this run in its" in capsys.readouterr().err
    lines = (tmp_path / "more.run" / "losses.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]


def test_a_name_that_the_base_has_is_refused(school, tmp_path, capsys):
    command = [*teach(school, "door.png"), "--name", "wall", "--base", str(school / "first")]
    assert run([*command, "--out", str(tmp_path / "x")]) == 2
    assert "has a style 'wall' already" in capsys.readouterr().err


def test_a_base_of_another_loss_network_is_refused(school, tmp_path, capsys):
    from safetensors.torch import save_file

    save_file(vgg_weights((2, 2, 4, 4), seed=5), tmp_path / "other.safetensors")
    command = [*teach(school, "door.png"), "--base", str(school / "first"), "--out", str(tmp_path / "x")]
    command[command.index("--loss-network") + 1] = str(tmp_path / "other.safetensors")
    assert run(command) == 2
    assert "was taught with the loss network vgg19.safetensors" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "cubist"}, "architecture 'cubist', which this murai does not have"),
        ({"arguments": {"widths": [8, 8], "blocks": [1, 1]}}, "another version of the network 'compact'"),
        ({"arguments": {"widths": {"0": 1}, "blocks": [1]}}, "another version of the network 'compact'"),
        ({"arguments": {"spokes": 5}}, "another version of the network 'compact'"),
    ],
)
def test_a_base_of_another_network_is_refused(school, tmp_path, capsys, change, expected):
    pack = StylePack.load(school / "first")
    architecture = pack.manifest.architecture.model_copy(update=change)
    manifest = pack.manifest.model_copy(update={"architecture": architecture})
    write_pack(tmp_path / "odd", manifest, pack.model, pack.tensors)
    command = [*teach(school, "door.png"), "--base", str(tmp_path / "odd"), "--out", str(tmp_path / "x")]
    assert run(command) == 2
    assert expected in capsys.readouterr().err


def test_a_base_that_is_no_pack_is_refused(school, tmp_path, capsys):
    Image.new("RGB", (8, 8)).save(tmp_path / "p.png")
    command = [*teach(school, "door.png"), "--base", str(tmp_path / "p.png"), "--out", str(tmp_path / "x")]
    assert run(command) == 2
    assert Path(tmp_path / "x").exists() is False
    assert "p.png" in capsys.readouterr().err


def test_full_without_a_base_is_refused(school, tmp_path, capsys):
    assert run([*teach(school, "door.png"), "--full", "--out", str(tmp_path / "x")]) == 2
    assert "give --base PACK too" in capsys.readouterr().err


def test_a_base_has_its_architecture_already(school, tmp_path, capsys):
    command = [*teach(school, "door.png"), "--base", str(school / "first"), "--architecture", "johnson"]
    assert run([*command, "--out", str(tmp_path / "x")]) == 2
    assert "leave --architecture out" in capsys.readouterr().err


def test_a_base_that_asks_for_a_giant_network_is_refused_without_building_it(school, tmp_path, capsys):
    manifest = json.loads((school / "first" / "pack.json").read_text())
    manifest["architecture"]["arguments"]["widths"] = [10**6, 10**6]
    shutil.copytree(school / "first", tmp_path / "giant")
    (tmp_path / "giant" / "pack.json").write_text(json.dumps(manifest))
    command = [*teach(school, "door.png"), "--base", str(tmp_path / "giant")]
    assert run([*command, "--out", str(tmp_path / "x")]) == 2
    assert "another version of the network" in capsys.readouterr().err


def test_a_fast_network_grows_into_a_fine_one_that_begins_as_it_paints(school):
    first = StylePack.load(school / "first")
    fast, fine = (network_from(first, ["wall"], full=True, arguments=arguments) for arguments in (None, SIZES["fine"]))
    picture = torch.rand(1, 3, 64, 48)
    with torch.no_grad():
        assert torch.allclose(fine(picture, fine.styles), fast(picture, fast.styles), atol=1e-4)
    assert count_parameters(fine) > 2 * count_parameters(fast)


def test_a_fine_pack_says_so(school, tmp_path):
    command = [*teach(school, "style.png"), "--name", "wall", "--base", str(school / "first"), "--full"]
    assert run([*command, "--tier", "fine", "--out", str(tmp_path / "fine")]) == 0
    manifest = StylePack.load(tmp_path / "fine").manifest
    assert manifest.tier == "fine"
    assert manifest.architecture.arguments == json.loads(json.dumps(SIZES["fine"]))


def test_a_smaller_network_learns_from_the_paintings_of_a_larger_one(school, tmp_path):
    command = [*teach(school, "door.png", steps=60), "--teacher", str(school / "second"), "--tier", "light"]
    assert run([*command, "--learning-rate", "0.01", "--out", str(tmp_path / "light")]) == 0
    light = StylePack.load(tmp_path / "light")
    assert light.manifest.tier == "light"
    assert light.manifest.training["teacher"] == "second"
    assert light.manifest.loss_network is None
    assert "imitating the paintings of `second`" in light.card
    steps = [json.loads(line) for line in (tmp_path / "light.run" / "losses.jsonl").read_text().splitlines()]
    assert all(set(step) == {"step", "imitation"} for step in steps)
    first, last = (np.mean([step["imitation"] for step in part]) for part in (steps[:8], steps[-8:]))
    assert last < 0.85 * first, f"{last / first:.2f}"


def test_a_teacher_shows_its_own_paintings(school):
    pack = StylePack.load(school / "second")
    picture, half = torch.rand(2, 3, 32, 32), torch.tensor([1.0, 0.5])
    network = network_from(pack, ["door", "wall"], full=True)
    with torch.no_grad():
        wanted = network(picture, network.at_strength(network.styles[[1, 0]], half))
    assert torch.equal(teacher_from(pack, ["door", "wall"])(picture, [1, 0], half), wanted)


def test_a_teacher_that_cannot_paint_gently_mixes_pixels(school, tmp_path):
    command = [*teach(school, "style.png"), "--name", "wall", "--architecture", "johnson"]
    assert run([*command, "--out", str(tmp_path / "johnson")]) == 0
    pack, picture = StylePack.load(tmp_path / "johnson"), torch.rand(2, 3, 32, 32)
    shown = teacher_from(pack, ["wall"])
    whole = shown(picture, [0, 0], torch.tensor([1.0, 1.0]))
    gentle = shown(picture, [0, 0], torch.tensor([1.0, 0.25]))
    assert torch.equal(gentle[0], whole[0])
    assert torch.allclose(gentle[1], 0.75 * picture[1] + 0.25 * whole[1], atol=1e-5)


def test_a_teacher_without_the_style_is_refused(school, tmp_path, capsys):
    command = [*teach(school, "door.png"), "--teacher", str(school / "first"), "--out", str(tmp_path / "x")]
    assert run(command) == 2
    assert "cannot teach the style 'door'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", [["--architecture", "johnson"], ["--base", "first"]])
def test_a_tier_is_for_networks_that_learn_whole(school, tmp_path, capsys, monkeypatch, given):
    monkeypatch.chdir(school)
    assert run([*teach(school, "door.png"), *given, "--tier", "fine", "--out", str(tmp_path / "x")]) == 2
    assert "--tier chooses" in capsys.readouterr().err


def test_a_network_cannot_become_smaller(school, tmp_path):
    first = StylePack.load(school / "first")
    with pytest.raises(TrainError, match="cannot grow"):
        network_from(first, ["wall"], full=True, arguments={"widths": (8, 8)})
    with pytest.raises(TrainError, match="cannot grow"):
        network_from(first, ["wall"], full=True, arguments={"half": 8})


def test_a_base_of_an_older_calculation_keeps_its_styles_to_itself(school, tmp_path, capsys):
    old = tmp_path / "old"
    shutil.copytree(school / "first", old)
    manifest = json.loads((old / "pack.json").read_text())
    assert manifest["architecture"].pop("version") == 2
    (old / "pack.json").write_text(json.dumps(manifest))
    assert run([*teach(school, "door.png"), "--base", str(old), "--out", str(tmp_path / "new")]) == 2
    assert "go on with --full" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
