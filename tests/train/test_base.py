"""`murai train --base` and `--teacher`: what a taught pack gives to new styles."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from murai.cli import run  # noqa: E402
from murai.errors import TrainError  # noqa: E402
from murai.nets import SIZES, build  # noqa: E402
from murai.packs import StylePack, write_pack  # noqa: E402
from murai.train.base import (  # noqa: E402
    grown,
    keeps_styles,
    load_teacher,
    nearest,
    style_network,
    take_colours,
    teacher_from,
)

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


def teach(folder, picture, steps=3, batch=1):
    small = ["--steps", str(steps), "--photo-size", "32", "--style-size", "48", "--batch", str(batch)]
    weights = ["--loss-network", str(folder / "vgg19.safetensors"), "--photos", str(folder / "photos")]
    return ["train", str(folder / picture), *weights, *small]


def changed(pack, path, **fields):
    """A copy of `pack` at `path` whose manifest says something else of its architecture."""
    architecture = pack.manifest.architecture.model_copy(update=fields)
    manifest = pack.manifest.model_copy(update={"architecture": architecture})
    write_pack(path, manifest, pack.model, pack.styles)
    return path


def test_a_new_style_is_learned_from_the_base_whose_styles_stay(school):
    first, second = StylePack.load(school / "first"), StylePack.load(school / "second")
    assert second.names == ("wall", "door")
    assert np.array_equal(second.styles[0], first.styles[0])
    assert not np.array_equal(second.styles[1], first.styles[0])
    assert second.manifest.architecture == first.manifest.architecture
    stages = second.manifest.training["styles"]
    assert stages["wall"] == first.manifest.training["styles"]["wall"]
    assert [(stage["end"], stage["start"]) for stage in stages["door"]] == [
        ("faithful", "first"),
        ("bold", "door-faithful"),
    ]
    assert second.manifest.photographs_seen == {"wall": 4, "door": 4}


def test_all_weights_learn_and_remain_near_those_of_the_base(school):
    first, second = StylePack.load(school / "first"), StylePack.load(school / "second")
    apart = np.abs(second.styles[1, 0].astype(float) - first.styles[0, 0])
    assert (apart > 0).mean() > 0.5
    fresh = build("affine", **SIZES["fast"]).vector().numpy()
    assert apart.mean() < np.abs(fresh - first.styles[0, 0]).mean() / 2


def test_a_style_of_the_same_name_goes_on_and_is_replaced(school, tmp_path):
    command = [*teach(school, "style.png", steps=1), "--name", "wall", "--ends", "1", "--base", str(school / "second")]
    assert run([*command, "--learning-rate", "1e-6", "--out", str(tmp_path / "on")]) == 0
    before, after = StylePack.load(school / "second"), StylePack.load(tmp_path / "on")
    assert after.names == ("door", "wall")
    assert np.array_equal(after.styles[0], before.styles[1])
    assert np.abs(after.styles[1, 0].astype(float) - before.styles[0, 0]).max() < 1e-3
    assert np.array_equal(after.styles[1, 0], after.styles[1, 1]), "one end alone stands for both beside others"
    assert [stage["end"] for stage in after.manifest.training["styles"]["wall"]] == ["faithful", "bold", "faithful"]
    assert after.manifest.photographs_seen == {"door": 4, "wall": 5}


def test_each_end_of_a_style_of_the_same_name_goes_on_from_its_own(school, tmp_path):
    command = [*teach(school, "style.png", steps=1), "--name", "wall", "--base", str(school / "first")]
    assert run([*command, "--learning-rate", "1e-6", "--out", str(tmp_path / "on")]) == 0
    before, after = StylePack.load(school / "first"), StylePack.load(tmp_path / "on")
    assert (
        np.abs(after.styles.astype(float) - before.styles).max() < 1e-3 < np.abs(np.diff(before.styles, axis=1)).max()
    )
    assert [stage["start"] for stage in after.manifest.training["styles"]["wall"][2:]] == ["first", "first"]


def test_a_run_on_a_base_is_resumed_on_the_same_base_only(school, tmp_path, capsys):
    out = ["--out", str(tmp_path / "more"), "--name", "more", "--ends", "1"]
    assert run([*teach(school, "door.png"), "--base", str(school / "first"), *out]) == 0
    other = [*teach(school, "door.png"), "--base", str(school / "second"), *out, "--resume", "--overwrite"]
    assert run(other) == 2
    assert "differs from this run in its base" in capsys.readouterr().err
    lines = (tmp_path / "more.run" / "more-faithful" / "losses.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]


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
        ({"version": 2}, "taught for another calculation"),
        ({"arguments": {"widths": [8, 8, 8], "blocks": [1, 1]}}, "another version of the network 'affine'"),
        ({"arguments": {"widths": [8, 8], "blocks": [1, 1]}}, "another version of the network 'affine'"),
        ({"arguments": {"widths": {"0": 1}, "blocks": [1]}}, "another version of the network 'affine'"),
        ({"arguments": {"spokes": 5}}, "another version of the network 'affine'"),
        ({"arguments": {"widths": [10**6, 10**6, 10**6]}}, "another version of the network 'affine'"),
    ],
)
@pytest.mark.parametrize("option", ["--base", "--teacher"])
def test_a_pack_of_another_network_is_refused_before_learning(school, tmp_path, capsys, option, change, expected):
    odd = changed(StylePack.load(school / "first"), tmp_path / "odd", **change)
    command = [*teach(school, "style.png"), "--name", "wall", option, str(odd), "--out", str(tmp_path / "x")]
    assert run(command) == 2
    assert expected in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["odd"]


def test_a_base_that_is_no_pack_is_refused(school, tmp_path, capsys):
    Image.new("RGB", (8, 8)).save(tmp_path / "p.png")
    command = [*teach(school, "door.png"), "--base", str(tmp_path / "p.png"), "--out", str(tmp_path / "x")]
    assert run(command) == 2
    assert Path(tmp_path / "x").exists() is False
    assert "p.png" in capsys.readouterr().err


def test_a_base_has_its_architecture_already(school, tmp_path, capsys):
    command = [*teach(school, "door.png"), "--base", str(school / "first"), "--architecture", "johnson"]
    assert run([*command, "--out", str(tmp_path / "x")]) == 2
    assert "leave --architecture out" in capsys.readouterr().err


def test_a_tier_is_not_for_johnson(school, tmp_path, capsys):
    command = [*teach(school, "door.png"), "--architecture", "johnson", "--tier", "fine"]
    assert run([*command, "--out", str(tmp_path / "x")]) == 2
    assert "--tier chooses" in capsys.readouterr().err


def test_a_network_grows_into_a_larger_one_that_begins_as_it_paints(school):
    first = StylePack.load(school / "first")
    small = style_network(first, "wall", "faithful")
    large = grown(first, style_network(first, "wall", "faithful"), SIZES["fine"])
    picture = torch.rand(1, 3, 64, 48)
    with torch.no_grad():
        assert torch.allclose(large(picture), small(picture), atol=1e-4)
    assert large.style_size > small.style_size


@pytest.mark.parametrize("arguments", [{"widths": (4, 4, 8), "blocks": (1, 1)}, {"width": 8}, {"spokes": 1}])
def test_a_network_cannot_become_smaller_or_another(school, arguments):
    first = StylePack.load(school / "first")
    assert not keeps_styles(first, arguments)
    with pytest.raises(TrainError, match="cannot grow"):
        grown(first, style_network(first, "wall", "faithful"), arguments)


def test_a_network_of_the_same_size_keeps_the_styles(school):
    first = StylePack.load(school / "first")
    assert keeps_styles(first, None)
    assert keeps_styles(first, SIZES["fast"])
    assert not keeps_styles(first, SIZES["fine"])


@pytest.fixture(scope="module")
def fine(school):
    """The path of a pack of a larger network that grew from `second`."""
    command = [*teach(school, "style.png", steps=1), "--name", "wall", "--base", str(school / "second")]
    assert run([*command, "--tier", "fine", "--out", str(school / "fine")]) == 0
    return school / "fine"


def test_a_pack_that_grew_says_so_and_has_the_new_style_alone(school, fine):
    pack = StylePack.load(fine)
    assert pack.names == ("wall",)
    assert pack.manifest.architecture.arguments == json.loads(json.dumps(SIZES["fine"]))
    assert pack.manifest.style_size > StylePack.load(school / "second").manifest.style_size
    assert len(pack.manifest.training["styles"]["wall"]) == 4, "as it was, and as it grew"
    assert list(pack.manifest.training["styles"]) == ["wall"]


def test_a_smaller_network_learns_from_the_paintings_of_a_larger_one(school, fine, tmp_path):
    command = [*teach(school, "style.png", steps=60, batch=4), "--name", "wall", "--teacher", str(fine)]
    how = ["--tier", "light", "--ends", "1", "--learning-rate", "0.01"]
    assert run([*command, *how, "--out", str(tmp_path / "light")]) == 0
    light = StylePack.load(tmp_path / "light")
    assert light.manifest.training["teacher"] == "fine"
    assert light.manifest.loss_network is None
    assert "imitating the paintings of `fine`" in light.card
    log = (tmp_path / "light.run" / "wall-faithful" / "losses.jsonl").read_text()
    steps = [json.loads(line) for line in log.splitlines()]
    assert all(set(step) == {"step", "imitation"} for step in steps)
    first, last = (np.mean([step["imitation"] for step in part]) for part in (steps[:8], steps[-8:]))
    assert last < 0.92 * first, f"{last / first:.2f}"


def test_a_teacher_shows_its_own_paintings_of_the_same_end(school):
    pack, picture = StylePack.load(school / "second"), torch.rand(2, 3, 32, 32)
    shown = {end: teacher_from(pack, "door", end)(picture) for end in ("faithful", "bold")}
    for end, row in (("faithful", 0), ("bold", 1)):
        network = build("affine", **SIZES["fast"])
        network.load_vector(torch.from_numpy(pack.styles[1, row].astype(np.float32)))
        with torch.no_grad():
            assert torch.equal(shown[end], network(picture))
    assert not torch.equal(shown["faithful"], shown["bold"])


def test_a_teacher_without_the_style_is_refused(school, tmp_path, capsys):
    command = [*teach(school, "door.png"), "--teacher", str(school / "first"), "--out", str(tmp_path / "x")]
    assert run(command) == 2
    assert "cannot teach the style 'door'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert load_teacher(school / "second", ["door", "wall"]).names == ("wall", "door")


def test_the_nearest_style_is_the_one_whose_paintings_have_the_least_fault(school):
    pack, picture = StylePack.load(school / "second"), torch.rand(2, 3, 32, 32)
    wanted = teacher_from(pack, "door", "faithful")(picture)

    def judge(painted, photographs):
        return {"apart": (painted - wanted).square().mean(), "nothing": torch.zeros(())}

    assert nearest(pack, judge, picture) == "door"


def blurred(picture):
    """Eight times as large: something to see, not noise alone."""
    return torch.nn.functional.interpolate(picture, scale_factor=8, mode="bilinear")


def test_a_network_begins_with_the_colours_of_the_picture():
    torch.manual_seed(0)
    style = (torch.rand(3, 64, 64) * 0.5 + 0.2) * torch.tensor([1.0, 0.6, 0.3])[:, None, None]
    network, photograph = build("affine", widths=(4, 8, 8), blocks=(1, 1)), blurred(torch.rand(1, 3, 8, 8))
    take_colours(network, style)
    with torch.no_grad():
        painted = network(photograph)[0]
    assert torch.allclose(painted.mean((1, 2)), style.mean((1, 2)), atol=0.08)
    assert torch.allclose(painted.std((1, 2)), style.std((1, 2)), rtol=0.5)
    take_colours(build("johnson", width=4, blocks=1), style)  # has no place for them


def test_a_copy_of_the_base_elsewhere_is_the_same_base(school, tmp_path):
    out = ["--out", str(tmp_path / "more"), "--ends", "1", "--overwrite"]
    assert run([*teach(school, "door.png", steps=1), "--base", str(school / "first"), *out]) == 0
    shutil.copytree(school / "first", tmp_path / "copy")
    assert run([*teach(school, "door.png", steps=1), "--base", str(tmp_path / "copy"), *out, "--resume"]) == 0
