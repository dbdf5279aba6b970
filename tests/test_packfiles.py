"""Packs that are damaged, too large or meant to harm: each is refused in one sentence that names it."""

import contextlib
import json
import os
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from murai.errors import PackError
from murai.packs import StylePack, refuse_external_data, write_pack
from tests.packs_support import make_pack, rewrite, tiny_graph, tiny_manifest, tiny_styles


def zip_of(pack, file, extra=(), skip=()):
    """A zip of the folder `pack`, with further members."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in pack.iterdir():
            if path.name not in skip:
                archive.write(path, path.name)
        for name, data in extra:
            archive.writestr(name, data)
    return file


def refusal(path):
    """The sentence that refuses the pack at `path`, checked to be one sentence that names it."""
    with pytest.raises(PackError) as caught:
        _ = StylePack.load(path).model
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert text.endswith(".")
    return text


@pytest.mark.parametrize("name", ["pack.json", "model.onnx", "model.safetensors"])
@pytest.mark.parametrize("zipped", [False, True])
def test_a_missing_file_is_named(pack, tmp_path, name, zipped):
    path = zip_of(pack, tmp_path / "a.zip", skip=[name]) if zipped else pack
    (pack / name).unlink()
    assert f"has no {name}" in refusal(path)


def test_a_path_with_nothing_there_is_refused(tmp_path):
    assert "there is no" in refusal(tmp_path / "nothing")
    assert "cannot be read" in refusal(tmp_path / ("long" * 100))


def test_another_format_says_which_this_murai_reads(pack):
    rewrite(pack, format=3, something_new=True)
    assert "format 3 and this murai reads format 2; update murai." in refusal(pack)
    rewrite(pack, format=1, parameters=81)
    assert "format 1 and this murai reads format 2; train or download the pack again." in refusal(pack)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": "../evil"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"name": ""}, "name"),
        ({"tier": "enormous"}, "tier"),
        ({"style_size": 0}, "style_size"),
        ({"ends": 3}, "ends"),
        ({"ends": 0}, "ends"),
        ({"parameters": 81}, "parameters"),
        ({"mac_per_pixel": "many"}, "mac_per_pixel"),
        ({"styles": []}, "styles"),
        ({"styles": [{"name": "same"}, {"name": "same"}]}, "same name"),
        ({"styles": [{"name": "Ünï"}]}, "styles.0.name"),
        ({"styles": [{"name": "a", "crop": [1, 2, 3]}]}, "styles.0.crop"),
        ({"loss_network": {"name": "vgg19", "file": "x", "sha256": "y", "input": "rgb"}}, "loss_network.input"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"format": None}, "format"),
    ],
)
def test_a_manifest_that_makes_no_sense_says_where(pack, changes, where):
    rewrite(pack, **changes)
    assert where in refusal(pack)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[]", b'{"format": 1, "training": ' + b"[" * 100_000])
def test_a_manifest_that_is_no_json_is_refused(pack, text):
    (pack / "pack.json").write_bytes(text)
    assert "pack.json is damaged" in refusal(pack)


@pytest.mark.parametrize(
    ("count", "ends", "style_size"),
    [(2, 2, 13), (3, 2, 12), (2, 1, 12), (4, 2, 6), (2, 1, 24), (2, 2, 10**18)],
    ids=["longer", "more", "one end", "folded", "unfolded", "enormous"],
)
def test_styles_of_another_shape_than_promised_are_refused(pack, count, ends, style_size):
    rewrite(pack, style_size=style_size, ends=ends, styles=[{"name": f"s{i}"} for i in range(count)])
    assert f"not the {count} x {ends} x {style_size} finite numbers of 16 bits" in refusal(pack)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0, 0), (1, 1, 11)])
def test_styles_that_are_not_finite_are_refused(tmp_path, number, place):
    styles = tiny_styles()
    styles[place] = number
    with pytest.raises(PackError, match="finite numbers of 16 bits"):
        write_pack(tmp_path / "p", tiny_manifest(), tiny_graph(), styles)
    assert list(tmp_path.iterdir()) == []


def test_the_largest_and_the_least_numbers_of_16_bits_are_finite(tmp_path):
    styles = tiny_styles()
    styles[0, 0, :6] = 65504, -65504, 6e-8, -6e-8, 0.0, -0.0
    assert np.array_equal(write_pack(tmp_path / "p", tiny_manifest(), tiny_graph(), styles).styles, styles)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16, np.uint8])
def test_styles_of_another_type_are_refused(tmp_path, kind):
    with pytest.raises(PackError, match="finite numbers of 16 bits"):
        write_pack(tmp_path / "p", tiny_manifest(), tiny_graph(), tiny_styles().astype(kind))
    assert list(tmp_path.iterdir()) == []


def safetensors_claiming(claim, body=b"\0" * 48):
    header = json.dumps({"styles": claim}).encode()
    return struct.pack("<Q", len(header)) + header + body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 16,
        struct.pack("<Q", 2**62) + b"{}",
        safetensors_claiming({"dtype": "F16", "shape": [2, 2, 6], "data_offsets": [0, 10**15]}),
        safetensors_claiming({"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 48]}),
        safetensors_claiming({"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]}, b""),
        safetensors_claiming({"dtype": "BF16", "shape": [4, 6], "data_offsets": [0, 48]}),
        b"\x80\x04\x95" + b"pickle" * 9,
    ],
)
def test_weights_that_lie_about_their_size_are_refused(pack, data):
    (pack / "model.safetensors").write_bytes(data)
    assert "model.safetensors is damaged" in refusal(pack)


@pytest.mark.parametrize("name", ["pack.json", "model.onnx", "model.safetensors", "README.md", "preview_1.jpg"])
def test_an_enormous_file_is_refused_before_it_is_read(pack, name):
    with open(pack / name, "wb") as file:
        file.truncate(1 << 40)  # a hole: reading it would take all memory
    assert f"{name} is larger than" in refusal(pack)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(pack, tmp_path):
    bomb = zip_of(pack, tmp_path / "bomb.zip", [("pack.json", b" " * (2 << 20))], skip=["pack.json"])
    assert bomb.stat().st_size < 100_000
    assert "pack.json is larger than 1 MB" in refusal(bomb)


@pytest.mark.parametrize("name", ["../escape", "/etc/escape", "a/b", "..\\escape", "folder/"])
def test_a_zip_with_names_that_lead_elsewhere_is_refused(pack, tmp_path, name):
    assert "plain name" in refusal(zip_of(pack, tmp_path / "evil.zip", [(name, b"x")]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_a_name_twice_is_refused(pack, tmp_path):
    assert "used once" in refusal(zip_of(pack, tmp_path / "twice.zip", [("pack.json", b"{}")]))


@pytest.mark.parametrize("name", ["pack.json", "model.onnx", "model.safetensors", "README.md"])
def test_a_link_out_of_the_folder_is_refused(pack, tmp_path, name):
    (pack / name).replace(tmp_path / name)
    (pack / name).symlink_to(tmp_path / name)
    assert f"{name} is a link" in refusal(pack)


def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(pack):
    (pack / "model.onnx").unlink()
    os.mkfifo(pack / "model.onnx")
    assert "no plain file" in refusal(pack)


def test_a_zip_packed_in_an_unusual_way_is_refused(pack, tmp_path):
    with zipfile.ZipFile(tmp_path / "l.zip", "w", zipfile.ZIP_LZMA) as archive:
        for path in pack.iterdir():
            archive.write(path, path.name)
    assert "unusual" in refusal(tmp_path / "l.zip")


def test_a_truncated_zip_is_refused(tmp_path):
    whole = make_pack(tmp_path / "t.zip").read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.zip").write_bytes(whole[:size])
        assert "cannot be read" in refusal(tmp_path / "cut.zip")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_zip_with_any_damage_loads_or_is_refused_but_never_crashes(tmp_path, data):
    original = tmp_path / "t.zip"
    if not original.exists():
        make_pack(original)
    content = bytearray(original.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(content)
    with contextlib.suppress(PackError):  # anything else that is raised fails the test
        _ = StylePack.load(damaged).model


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "beside.bin", "*/_ORT_MEM_ADDR_/*"])
def test_a_graph_that_asks_for_other_files_is_refused(tmp_path, location):
    with pytest.raises(PackError, match="asks for further files"):
        make_pack(tmp_path / "p", model=tiny_graph(external=location))
    assert list(tmp_path.iterdir()) == []
    folder = make_pack(tmp_path / "p")
    (folder / "model.onnx").write_bytes(tiny_graph(external=location))
    assert "asks for further files" in refusal(folder)


def test_a_graph_that_hides_the_request_in_a_longer_spelling_is_refused():
    hidden = tiny_graph(external="x").replace(b"\x08location", b"\x88\x80\x00location")
    with pytest.raises(PackError, match="further files"):
        refuse_external_data(hidden, "p")
    refuse_external_data(tiny_graph(), "p")
