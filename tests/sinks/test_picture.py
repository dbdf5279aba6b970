"""Pictures to files, and the rules of a file that appears whole or not at all."""

import os
import subprocess
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from murai.errors import OutputExists, SinkError
from murai.sinks.picture import OPTIONS, write_picture
from murai.sinks.whole import WholeFile
from tests.sinks.conftest import picture


@pytest.mark.parametrize("suffix", OPTIONS)
@pytest.mark.parametrize("size", [(1, 1), (35, 37)])
def test_a_picture_comes_back(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    image = picture(*size, 3)
    write_picture(tmp_path / f"out{suffix}", image)
    read = np.asarray(PIL.Image.open(tmp_path / f"out{suffix}").convert("RGB"))
    lossless = suffix in (".png", ".tif", ".tiff", ".bmp")
    assert np.abs(read.astype(int) - image).max() <= (0 if lossless else 12)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_jpeg_keeps_colour_at_full_resolution(tmp_path: Path) -> None:
    write_picture(tmp_path / "out.JPG", picture(35, 37))
    assert PIL.Image.open(tmp_path / "out.JPG").format == "JPEG"
    shown = subprocess.check_output(["ffprobe", "-v", "error", "-show_streams", str(tmp_path / "out.JPG")], text=True)
    assert "pix_fmt=yuvj444p" in shown


def test_another_kind_of_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match=r"\.jpg"):
        write_picture(tmp_path / "out.mp4", picture(8, 8))


def test_an_existing_picture_stays_unless_it_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    with pytest.raises(OutputExists, match="exists already"):
        write_picture(path, picture(8, 8))
    assert path.read_bytes() == b"old"
    write_picture(path, picture(8, 8), overwrite=True)
    assert PIL.Image.open(path).size == (8, 8)


def test_the_picture_that_was_painted_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    write_picture(path, picture(8, 8))
    before = path.read_bytes()
    with pytest.raises(SinkError, match="input itself"):
        write_picture(path, picture(8, 8, 9), overwrite=True, source=path)
    assert path.read_bytes() == before


def test_a_picture_too_large_for_its_kind_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="cannot be written"):
        write_picture(tmp_path / "out.webp", np.zeros((1, 20_000, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="missing is not a folder"):
        WholeFile(tmp_path / "missing" / "out.png")


def test_a_folder_is_not_taken_for_a_file(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="is a folder"):
        WholeFile(tmp_path, overwrite=True)


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="too long"):
        WholeFile(tmp_path / ("x" * 300 + ".png"))
    longest = WholeFile(tmp_path / ("画" * 83 + ".png"))
    longest.temporary.write_bytes(b"new")
    longest.commit()
    assert (tmp_path / ("画" * 83 + ".png")).read_bytes() == b"new"


def test_what_is_not_an_ordinary_file_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "out.png")
    with pytest.raises(SinkError, match="not an ordinary file"):
        WholeFile(tmp_path / "out.png", overwrite=True)


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:  # who may write everywhere but to a disk that is read only
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", tmp_path]).returncode:
            pytest.skip("nothing is forbidden to root here, and no disk can be mounted")
    else:
        tmp_path.chmod(0o500)
    try:
        with pytest.raises(SinkError, match="does not allow it"):
            WholeFile(tmp_path / "out.png")
    finally:
        subprocess.run(["umount", tmp_path], stderr=subprocess.DEVNULL)


def test_a_link_stays_a_link_and_what_it_names_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "there" / "out.png")
    write_picture(tmp_path / "link.png", picture(8, 8))
    assert (tmp_path / "link.png").is_symlink()
    assert PIL.Image.open(tmp_path / "there" / "out.png").size == (8, 8)


def test_a_file_made_meanwhile_is_not_replaced_and_the_work_is_not_lost(tmp_path: Path) -> None:
    whole = WholeFile(tmp_path / "out.png")
    whole.temporary.write_bytes(b"new")
    whole.path.write_bytes(b"old")
    with pytest.raises(OutputExists, match=whole.temporary.name):
        whole.commit()
    assert whole.path.read_bytes() == b"old"
    assert whole.temporary.read_bytes() == b"new"


def test_two_of_one_name_do_not_share_a_temporary(tmp_path: Path) -> None:
    assert WholeFile(tmp_path / "out.png").temporary != WholeFile(tmp_path / "out.png").temporary


def test_the_name_that_was_told_is_not_taken_back(tmp_path: Path) -> None:
    whole = WholeFile(tmp_path / "out.png")
    whole.temporary.write_bytes(b"new")
    (tmp_path / "out.png").write_bytes(b"other")
    with pytest.raises(OutputExists):
        whole.commit()
    whole.discard()
    assert whole.temporary.read_bytes() == b"new"


@pytest.mark.parametrize("keep", [True, False])
def test_what_cannot_be_made_again_keeps_its_name_where_the_disk_has_doubts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    def refuse(_: int) -> None:
        raise OSError(5, "Input/output error")

    whole = WholeFile(tmp_path / "out.png")
    whole.temporary.write_bytes(b"new")
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(SinkError, match="Input/output error"):
        whole.commit(keep=keep)
    assert [path.name for path in tmp_path.iterdir()] == (["out.png"] if keep else [])
