"""Style packs: what is read, what is refused, and how they are found, added, removed and exported."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai import packfiles
from murai.controls import BOLDNESS
from murai.errors import PackError, UnknownStyle
from murai.packs import (
    Manifest,
    StylePack,
    add_pack,
    bundled_folder,
    export_pack,
    find_packs,
    find_style,
    parse_mix,
    remove_pack,
    write_pack,
)
from tests.packs_support import STYLES, make_pack, rewrite, tiny_graph, tiny_manifest, tiny_styles, vector

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789_-", min_size=1, max_size=12)
WEIGHTS = st.floats(0, allow_nan=False, allow_infinity=False)


# Reading


def test_a_pack_reads_back_what_was_written(tiny_pack):
    pack = StylePack.load(tiny_pack)
    assert (pack.name, pack.names, pack.path) == ("tiny", ("invert", "warm"), tiny_pack)
    assert pack.manifest == tiny_manifest()
    assert pack.model == tiny_graph()
    assert pack.styles.dtype == np.float16
    assert pack.styles.tolist() == [list(STYLES["invert"]), list(STYLES["warm"])]


def test_a_zip_is_the_same_pack(tiny_pack, tmp_path):
    folder, packed = StylePack.load(tiny_pack), StylePack.load(make_pack(tmp_path / "t.zip"))
    assert zipfile.is_zipfile(tmp_path / "t.zip")
    assert packed.manifest == folder.manifest
    assert packed.model == folder.model
    assert np.array_equal(packed.styles, folder.styles)


def test_the_styles_of_a_pack_cannot_be_changed(tiny_pack):
    with pytest.raises(ValueError, match="read-only"):
        StylePack.load(tiny_pack).styles[0] = 0


def test_only_the_name_of_a_style_is_required(pack):
    rewrite(pack, styles=[{"name": "invert"}, {"name": "warm", "year": "about 1831", "crop": [1, 2, 30, 40]}])
    invert, warm = StylePack.load(pack).manifest.styles
    assert (invert.title, invert.crop) == (None, None)
    assert (warm.year, warm.crop) == ("about 1831", (1, 2, 30, 40))


def test_files_that_are_no_part_of_a_pack_are_ignored(pack):
    (pack / "notes.txt").symlink_to("/etc/hostname")
    (pack / "more").mkdir()
    assert StylePack.load(pack).name == "tiny"


# Blends


@given(st.dictionaries(NAMES, WEIGHTS, min_size=1, max_size=5).filter(lambda mix: any(mix.values())))
def test_a_blend_reads_back_from_its_text(mix):
    assert parse_mix(",".join(f"{name}:{weight!r}" for name, weight in mix.items())) == mix


def test_a_weight_left_out_is_one_and_spaces_do_not_matter():
    assert parse_mix("a") == {"a": 1.0}
    assert parse_mix(" a : 0.5 , b ") == {"a": 0.5, "b": 1.0}


@pytest.mark.parametrize("text", ["", ",", "a,", ":1", "a:x", "a:-1", "a:nan", "a:inf", "a:0", "a,a", "a:1:2:"])
def test_a_text_that_is_no_blend_is_refused(text):
    with pytest.raises(PackError):
        parse_mix(text)


@given(st.lists(WEIGHTS, min_size=3, max_size=3).filter(any), st.floats(0, 1))
def test_a_blend_is_the_weighted_mean_of_its_vectors_whatever_the_scale(weights, boldness):
    styles = np.array([[[1, 2], [5, 2]], [[3, -4], [3, 4]], [[-50, 60], [0, 0]]], np.float16)
    manifest = tiny_manifest(names=("invert", "warm", "night"), style_size=2)
    pack = StylePack(Path("p"), manifest, styles)
    blend = pack.vector(dict(zip(pack.names, weights, strict=True)), boldness)
    assert blend.dtype == np.float32
    share = np.array(weights) / max(weights)
    faithful, bold = styles.astype(float).swapaxes(0, 1)
    between = (1 - boldness) * faithful + boldness * bold
    assert np.allclose(blend, share / share.sum() @ between, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("boldness", "end"), [(0, 0), (1, -1)])
def test_one_style_alone_is_its_end_bit_for_bit(tiny_pack, boldness, end):
    pack = StylePack.load(tiny_pack)
    for _ in range(2):  # the second time it is at hand
        assert np.array_equal(pack.vector({"warm": 0.3}, boldness), pack.styles[1, end])


@given(st.floats(0, 1))
def test_boldness_is_the_way_from_the_faithful_end_to_the_bold_one(tiny_pack, boldness):
    pack = StylePack.load(tiny_pack)
    assert np.allclose(pack.vector({"warm": 1}, boldness), vector("warm", boldness), atol=1e-6)
    assert np.array_equal(pack.vector({"warm": 1}), pack.vector({"warm": 1}, BOLDNESS))


@pytest.mark.parametrize("boldness", [0, 0.3, 0.5, 1])
def test_a_style_with_one_end_has_no_boldness(tmp_path, boldness):
    pack = StylePack.load(make_pack(tmp_path / "tiny", ends=1))
    assert pack.styles.shape == (2, 1, 12)
    assert np.allclose(pack.vector({"warm": 1}, boldness), STYLES["warm"][0], atol=1e-6)


@pytest.mark.parametrize("boldness", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_boldness_out_of_range_is_refused(tiny_pack, boldness):
    with pytest.raises(PackError, match=r"the boldness is between 0 and 1, not .*\.$"):
        StylePack.load(tiny_pack).vector({"warm": 1}, boldness)


def test_a_vector_is_the_callers_own(tiny_pack):
    pack = StylePack.load(tiny_pack)
    pack.vector({"warm": 1}, 0.0)[:] = 7
    assert np.array_equal(pack.vector({"warm": 1}, 0.0), pack.styles[1, 0])


@pytest.mark.parametrize("mix", [{}, {"warm": 0.0}, {"warm": -1.0}, {"warm": float("nan")}, {"warm": float("inf")}])
def test_a_blend_without_weight_is_refused(tiny_pack, mix):
    with pytest.raises(PackError):
        StylePack.load(tiny_pack).vector(mix)


def test_an_unknown_style_of_a_pack_names_the_nearest(tiny_pack):
    with pytest.raises(UnknownStyle, match="no style 'wram'; the nearest is warm"):
        StylePack.load(tiny_pack).vector({"invert": 1, "wram": 1})


# Finding


@pytest.fixture
def folders(tmp_path):
    """The user's packs and the bundled ones."""
    mine, bundled = tmp_path / "mine", tmp_path / "bundled"
    make_pack(mine / "duo", "duo", ("invert", "night"))
    make_pack(bundled / "tiny", "tiny", ("invert", "warm"))
    make_pack(bundled / "a_fine.zip", "a_fine", ("invert", "warm"), tier="fine")
    return [mine, bundled]


def found(text, folders, **options):
    pack, mix = find_style(text, folders, **options)
    return pack.name, mix


def test_a_name_is_found_in_the_first_folder_that_has_it(folders):
    assert found("invert", folders) == ("duo", {"invert": 1.0})
    assert found("invert", folders[::-1]) == ("tiny", {"invert": 1.0})
    assert found("warm", folders) == ("tiny", {"warm": 1.0})


def test_a_pack_and_a_name_are_found(folders):
    assert found("tiny/invert", folders) == ("tiny", {"invert": 1.0})
    assert found("a_fine/invert", folders) == ("a_fine", {"invert": 1.0})


def test_the_name_of_a_pack_is_its_first_style_unless_a_style_is_called_so(folders):
    assert found("tiny", folders) == ("tiny", {"invert": 1.0})
    make_pack(folders[1] / "warm", "warm", ("night",))
    assert found("warm", folders) == ("tiny", {"warm": 1.0})


def test_a_blend_is_found_in_the_pack_that_has_all_of_it(folders):
    assert found("warm:0.6,invert:0.4", folders) == ("tiny", {"warm": 0.6, "invert": 0.4})
    assert found("tiny/warm:0.6,invert:0.4", folders) == ("tiny", {"warm": 0.6, "invert": 0.4})
    assert found("tiny/warm:0.6,tiny/invert:0.4", folders) == ("tiny", {"warm": 0.6, "invert": 0.4})


def test_a_path_is_found_with_and_without_a_name(folders, monkeypatch):
    mine, bundled = folders
    assert found(str(mine / "duo"), []) == ("duo", {"invert": 1.0})
    assert found(f"{bundled}/a_fine.zip", []) == ("a_fine", {"invert": 1.0})
    assert found(f"{bundled}/a_fine.zip/warm", []) == ("a_fine", {"warm": 1.0})
    assert found(f"{mine}/duo/invert:1,night:2", []) == ("duo", {"invert": 1.0, "night": 2.0})
    monkeypatch.chdir(bundled)
    assert found("a_fine.zip", []) == ("a_fine", {"invert": 1.0})
    assert found("./tiny/warm", []) == ("tiny", {"warm": 1.0})


def test_a_bare_name_is_never_a_path(folders, monkeypatch):
    (folders[0] / "warm").mkdir()
    monkeypatch.chdir(folders[0])
    assert found("warm", [folders[1]]) == ("tiny", {"warm": 1.0})


def test_the_usual_tier_is_found_unless_another_is_asked_for(folders):
    make_pack(folders[1] / "a_light.zip", "a_light", ("invert", "warm"), tier="light")
    assert found("warm", folders) == ("tiny", {"warm": 1.0})
    assert found("warm", folders, tier="light") == ("a_light", {"warm": 1.0})
    assert found("warm", folders, tier="fine") == ("a_fine", {"warm": 1.0})
    with pytest.raises(UnknownStyle, match="not there in the tier johnson; ask for one that has it: light, fast, fine"):
        find_style("warm", folders, tier="johnson")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wram", "no style 'wram'; the nearest is warm"),
        ("tiny/wram", "nearest are tiny/warm"),
        ("qqqq", "there are .*invert, night"),
        ("warm,qqqq", "no style 'qqqq'"),
        ("warm,night", "no pack has all the styles"),
        ("tiny/warm,duo/night", "several packs"),
        ("./nowhere/warm", "no style pack at ./nowhere/warm"),
        ("nowhere.zip", "no style 'nowhere.zip'"),
        ("tiny/warm:heavy", "is not a style"),
        ("x" * 5000, "no style"),
    ],
)
def test_what_is_not_there_is_refused_with_the_nearest(folders, text, message):
    with pytest.raises(PackError, match=message):
        find_style(text, folders)


def test_without_any_pack_the_command_that_adds_one_is_named(tmp_path):
    with pytest.raises(UnknownStyle, match="murai styles add"):
        find_style("warm", [tmp_path / "nowhere"])


def test_damaged_packs_are_skipped_and_said(folders):
    make_pack(folders[0] / "broken", "broken", ("warm",))
    (folders[0] / "broken" / "model.onnx").unlink()
    (folders[0] / ".half-written").mkdir()
    said = []
    assert [pack.name for pack in find_packs(folders, say=said.append)] == ["duo", "tiny", "a_fine"]
    assert len(said) == 1
    assert "broken" in said[0]
    assert "model.onnx" in said[0]


def test_every_bundled_pack_is_whole():
    said = []
    find_packs([bundled_folder()], say=said.append)
    assert said == []


# Writing


def test_a_written_pack_replaces_another_only_when_told(pack):
    before = (pack / "pack.json").read_bytes()
    contents = (tiny_manifest(names=("night",)), tiny_graph(), tiny_styles(("night",)))
    with pytest.raises(PackError, match="exists"):
        write_pack(pack, *contents)
    assert (pack / "pack.json").read_bytes() == before
    assert write_pack(pack, *contents, overwrite=True).names == ("night",)
    assert [p.name for p in pack.parent.iterdir()] == ["tiny"]


def test_a_folder_of_other_things_is_never_replaced(pack):
    (pack / "diary.txt").write_text("dear diary")
    with pytest.raises(PackError, match="other files"):
        write_pack(pack, tiny_manifest(), tiny_graph(), tiny_styles(), overwrite=True)
    assert (pack / "diary.txt").read_text() == "dear diary"


def test_a_pack_that_does_not_check_out_leaves_the_old_one(pack):
    before = {p.name: p.read_bytes() for p in pack.iterdir()}
    with pytest.raises(PackError, match="2 x 2 x 12 finite numbers"):
        write_pack(pack, tiny_manifest(), tiny_graph(), tiny_styles(("warm",) * 9), overwrite=True)
    assert {p.name: p.read_bytes() for p in pack.iterdir()} == before
    assert [p.name for p in pack.parent.iterdir()] == ["tiny"]


def test_only_files_of_a_pack_are_written(tmp_path):
    for name in ("../evil.jpg", "run.py", "preview/../../x.jpg"):
        with pytest.raises(PackError, match="no file of a style pack"):
            make_pack(tmp_path / "p", files={name: b""})
    assert list(tmp_path.iterdir()) == []


def test_a_swap_that_fails_puts_the_old_pack_back(pack, monkeypatch):
    def no_longer_there(fresh):
        StylePack.load(fresh)
        shutil.rmtree(fresh)

    with pytest.raises(PackError, match="cannot be written"):
        packfiles.place(
            pack,
            {"pack.json": (pack / "pack.json").read_bytes()}
            | {name: (pack / name).read_bytes() for name in ("model.onnx", "model.safetensors")},
            check=no_longer_there,
            overwrite=True,
        )
    assert StylePack.load(pack).name == "tiny"
    assert [p.name for p in pack.parent.iterdir()] == ["tiny"]


def test_a_disk_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PackError, match="cannot be written"):
        make_pack(tmp_path / "file" / "pack")


def test_of_two_packs_of_one_tier_the_lighter_network_wins(tmp_path):
    make_pack(tmp_path / "a_heavy", "a_heavy", mac_per_pixel=9000.0)
    make_pack(tmp_path / "z_light", "z_light", mac_per_pixel=3000.0)
    assert find_style("warm", [tmp_path])[0].name == "z_light"
    assert find_style("a_heavy/warm", [tmp_path])[0].name == "a_heavy"


def test_a_pack_is_exported_and_added_whole(tiny_pack, tmp_path):
    exported = export_pack(StylePack.load(tiny_pack), tmp_path / "out.zip")
    added = add_pack(exported.path, tmp_path / "new" / "packs")
    assert added.path == tmp_path / "new" / "packs" / "tiny"
    assert {p.name: p.read_bytes() for p in added.path.iterdir()} == {
        p.name: p.read_bytes() for p in tiny_pack.iterdir()
    }
    with pytest.raises(PackError, match="exists"):
        add_pack(exported.path, tmp_path / "new" / "packs")
    with pytest.raises(PackError, match=r"out\.tar\.zip"):
        export_pack(exported, tmp_path / "out.tar")


def test_a_bad_pack_is_not_added(pack, tmp_path):
    (pack / "model.onnx").write_bytes(tiny_graph(external="/etc/passwd"))
    with pytest.raises(PackError, match="further files"):
        add_pack(pack, tmp_path / "packs")
    rewrite(pack, name="..")
    with pytest.raises(PackError, match="name"):
        add_pack(pack, tmp_path / "packs")
    assert not (tmp_path / "packs").exists()


def test_a_pack_is_removed_by_its_name_damaged_or_not(folders):
    mine, bundled = folders
    remove_pack("a_fine", bundled)
    (mine / "duo" / "model.onnx").unlink()
    remove_pack("duo", mine)
    assert [p.name for p in (*mine.iterdir(), *bundled.iterdir())] == ["tiny"]


def test_a_pack_in_a_folder_of_another_name_is_removed(tmp_path):
    make_pack(tmp_path / "downloaded", "tiny")
    remove_pack("tiny", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_only_packs_can_be_removed(folders):
    (folders[0] / "photos").mkdir()
    for name in ("photos", "nothing", "..", "../bundled", ""):
        with pytest.raises(UnknownStyle, match="there is no pack"):
            remove_pack(name, folders[0])
    with pytest.raises(UnknownStyle, match="the nearest is duo"):
        remove_pack("dou", folders[0])


def test_a_bundled_pack_cannot_be_removed(tmp_path):
    packs = find_packs([bundled_folder()])
    if not packs:
        pytest.skip("no pack is bundled yet")
    for folder in (bundled_folder(), tmp_path):
        with pytest.raises(PackError, match="ships with murai"):
            remove_pack(packs[0].name, folder)
    assert packs[0].path.exists()


def test_a_manifest_of_nonsense_is_a_value_error():
    with pytest.raises(ValueError, match="style_size"):
        Manifest(**(tiny_manifest().model_dump() | {"style_size": -1}))
