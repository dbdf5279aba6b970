import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

torch = pytest.importorskip("torch")

from murai.cli import run  # noqa: E402
from murai.errors import TrainError  # noqa: E402
from murai.train.crops import LARGEST, crop_sheet, overlap, suggest_crops  # noqa: E402
from murai.train.photos import style_picture  # noqa: E402
from murai.train.vgg import LossNetwork, LossNetworkInfo  # noqa: E402

from .conftest import vgg_weights  # noqa: E402

RED, BLUE = (220, 40, 40), (40, 40, 220)


@pytest.fixture(scope="module")
def judge():
    return LossNetwork(vgg_weights((2, 2, 4, 4), width=8), LossNetworkInfo("vgg19", "test", "", "caffe"))


def texture(size, seed=0, colour=(255, 255, 255)):
    """Blotches of a few pixels, tinted."""
    width, height = size
    grey = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, 1), dtype=np.uint8)
    picture = Image.fromarray((grey * (np.array(colour) / 255)).astype(np.uint8))
    return picture.resize(((width // 4 + 1) * 4, (height // 4 + 1) * 4), Image.Resampling.NEAREST).crop((0, 0, *size))


def saved(path, picture):
    picture.save(path)
    return path


boxes = st.tuples(*[st.integers(0, 40)] * 2, *[st.integers(1, 40)] * 2)


@given(a=boxes, b=boxes)
def test_overlap_is_the_share_of_the_smaller_box(a, b):
    cells = [{(x, y) for x in range(left, left + w) for y in range(top, top + h)} for left, top, w, h in (a, b)]
    assert overlap(a, b) == overlap(b, a) == pytest.approx(len(cells[0] & cells[1]) / min(map(len, cells)))


@pytest.mark.parametrize("size", [(64, 64), (100, 100), (131, 77), (70, 260), (400, 90)])
def test_crops_lie_inside_apart_and_are_no_larger_than_half(tmp_path, judge, size):
    path = saved(tmp_path / "a.png", texture(size))
    crops = suggest_crops(path, judge, size=64)
    assert len(crops) == 3
    for i, crop in enumerate(crops):
        x, y, w, h = crop.box
        assert 0 <= x <= x + w <= size[0]
        assert 0 <= y <= y + h <= size[1]
        assert min(w, h) >= 0.4 * min(size) - 1
        assert w * h <= LARGEST * size[0] * size[1]
        assert style_picture(path, crop=crop.box, size=64).shape[0] == 3  # what --crop takes
        assert all(overlap(crop.box, former.box) <= 0.5 for former in crops[:i])
    assert crops[0].cost == min(crop.cost for crop in crops)


def test_a_crop_shows_texture_rather_than_empty_ground(tmp_path, judge):
    picture = texture((200, 100))
    picture.paste((128, 128, 128), (0, 0, 70, 100))
    x, _, w, _ = suggest_crops(saved(tmp_path / "a.png", picture), judge, size=64, count=1)[0].box
    assert x + w / 2 > 70


def test_a_crop_is_even(tmp_path, judge):
    picture = texture((300, 100), colour=RED)
    for left, right in [*((x, x + 8) for x in range(0, 100, 16)), (200, 300)]:
        picture.paste(texture((right - left, 100), colour=BLUE), (left, 0))
    x, _, w, _ = suggest_crops(saved(tmp_path / "a.png", picture), judge, size=64, count=1)[0].box
    assert x + w <= 110  # the stripes, and neither of the halves nor where they meet


@pytest.mark.parametrize("zoom", [1, 8])
def test_crops_are_typical_of_the_work_however_large_its_file_is(tmp_path, judge, zoom):
    picture = texture((300, 100), colour=RED)
    picture.paste(texture((60, 100), colour=BLUE), (240, 0))
    picture = picture.resize((300 * zoom, 100 * zoom), Image.Resampling.NEAREST)
    for crop in suggest_crops(saved(tmp_path / "a.png", picture), judge, size=64, count=2):
        assert crop.box[0] + crop.box[2] <= 250 * zoom
        assert crop.box[3] >= 39 * zoom


def test_the_work_done_grows_to_all(tmp_path, judge):
    shares = []
    suggest_crops(saved(tmp_path / "a.png", texture((100, 120))), judge, size=32, on_share=shares.append)
    assert shares == sorted(shares)
    assert len(set(shares)) > 10
    assert shares[-1] == pytest.approx(1)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [(Image.new("RGB", (90, 90), RED), "one colour"), (texture((63, 200)), "too small"), (None, "cannot be read")],
)
def test_what_has_no_section_worth_learning_is_refused(tmp_path, judge, picture, expected):
    path = tmp_path / "a.png"
    path.write_bytes(b"no picture")
    if picture:
        picture.save(path)
    with pytest.raises(TrainError, match=expected):
        suggest_crops(path, judge, size=32)


def test_the_sheet_shows_the_picture_and_each_crop_at_its_size(tmp_path, judge):
    path = saved(tmp_path / "a.png", texture((150, 100)))
    crops = suggest_crops(path, judge, size=64)
    sheet = crop_sheet(path, crops, 64)
    sections = [style_picture(path, crop=crop.box, size=64) for crop in crops]
    assert sheet.width >= sum(section.shape[2] for section in sections)
    assert sheet.height > max(section.shape[1] for section in sections) + 64
    pixels, right = np.asarray(sheet), 8 + sections[0].shape[2]
    bottom = sheet.height - 8 - max(s.shape[1] for s in sections) + sections[0].shape[1]
    ours = (sections[0] * 255).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(pixels[bottom - 8 : bottom - 3, right - 8 : right - 3], ours[-8:-3, -8:-3])


@pytest.fixture
def command(tmp_path, lessons, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = ["--loss-network", str(lessons / "vgg19.safetensors"), "--style-size", "32"]
    saved(tmp_path / "wall.png", texture((120, 90)))
    return ["train", "wall.png", "--suggest-crops", *weights]


def test_the_command_prints_three_crops_and_writes_a_sheet(command, tmp_path, capsys):
    assert run(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for line in lines:
        style_picture(tmp_path / "wall.png", crop=tuple(map(int, line.split(","))))
    assert Image.open("wall-crops.jpg").width > 96


def test_the_sheet_goes_beside_the_pack_or_where_it_is_told(command, tmp_path):
    (tmp_path / "packs").mkdir()
    assert run([*command, "--out", "packs/my_wall"]) == 0
    assert run([*command, "--out", "packs/sheet.png"]) == 0
    assert sorted(path.name for path in (tmp_path / "packs").iterdir()) == ["my_wall-crops.jpg", "sheet.png"]


def test_a_sheet_that_exists_is_kept_unless_it_may_be_replaced(command, tmp_path, capsys):
    (tmp_path / "wall-crops.jpg").write_text("precious")
    assert run(command) == 2
    assert "--overwrite" in capsys.readouterr().err.splitlines()[-1]
    assert (tmp_path / "wall-crops.jpg").read_text() == "precious"
    assert run([*command, "--overwrite"]) == 0
    assert Image.open("wall-crops.jpg").format == "JPEG"


def test_several_pictures_get_a_sheet_each(command, tmp_path, capsys):
    saved(tmp_path / "door.png", texture((90, 90), seed=5))
    assert run([command[0], "door.png", *command[1:]]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
    assert (tmp_path / "door-crops.jpg").exists()
    assert run([command[0], "door.png", *command[1:], "--out", "one.jpg"]) == 2


def test_teaching_itself_still_asks_for_photographs_and_a_pack(command, capsys):
    command.remove("--suggest-crops")
    assert run(command) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "--photos" in said
    assert "--out" in said
