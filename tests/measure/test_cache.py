import json

import numpy as np
import pytest

from murai.errors import SinkError, SourceError
from murai.measure.cache import Cache, file_hash, fingerprint


def test_figures_come_back_and_strange_keys_do_not(tmp_path):
    cache = Cache(tmp_path / "new" / "cache")
    cache.save("a", {"content": [0.1, 2.5], "name": None})
    assert cache.load("a") == {"content": [0.1, 2.5], "name": None}
    assert cache.load("b") is None


@pytest.mark.parametrize("damage", [b"", b'{"content": [0.', b"\xff\xfe", b"[1]"])
def test_a_damaged_file_counts_as_not_there(tmp_path, damage):
    cache = Cache(tmp_path)
    (tmp_path / "a.json").write_bytes(damage)
    assert cache.load("a") is None


def test_a_picture_is_painted_once(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    paintings = iter([pixels])
    assert np.array_equal(Cache(tmp_path).picture("a", lambda: next(paintings)), pixels)
    assert np.array_equal(Cache(tmp_path).picture("a", lambda: next(paintings)), pixels)


def test_a_damaged_picture_is_painted_again(tmp_path):
    pixels = np.full((6, 5, 3), 7, np.uint8)
    cache = Cache(tmp_path)
    cache.picture("a", lambda: pixels)
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:40])
    assert np.array_equal(cache.picture("a", lambda: pixels + 1), pixels + 1)


def test_files_are_whole_and_nothing_else_is_left(tmp_path):
    cache = Cache(tmp_path)
    cache.save("a", {"value": 1})
    cache.save("a", {"value": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert json.loads((tmp_path / "a.json").read_text()) == {"value": 2}


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match="give another --cache"):
        Cache(tmp_path / "file" / "cache")


def test_a_folder_that_is_gone_is_one_sentence(tmp_path):
    cache = Cache(tmp_path / "cache")
    (tmp_path / "cache").rmdir()
    with pytest.raises(SinkError, match="cannot be written"):
        cache.save("a", {})


def test_fingerprints_tell_parts_apart():
    prints = [fingerprint("ab", "c"), fingerprint("a", "bc"), fingerprint("c", "ab"), fingerprint(b"ab", "c")]
    prints += [fingerprint("ab", "c", None), fingerprint(["ab", "c"]), fingerprint()]
    assert len(set(prints)) == len(prints)
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_the_hash_of_a_file_is_that_of_its_contents(tmp_path):
    for name, text in (("a", "same"), ("b", "same"), ("c", "other")):
        (tmp_path / name).write_text(text)
    assert file_hash(tmp_path / "a") == file_hash(tmp_path / "b") != file_hash(tmp_path / "c")
    with pytest.raises(SourceError, match="cannot be read"):
        file_hash(tmp_path / "d")
