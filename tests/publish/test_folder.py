"""Pictures into a folder."""

import pytest

from murai.publish.credentials import Held
from murai.publish.fitting import prepare
from murai.publish.folder import Folder
from murai.publish.post import LoggedOut, TryLater

from .kit import Memory, eventually, moving_post, new_post, publish, publishing, row_of


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def service(out):
    return Folder(Held(folder=str(out)))


def test_a_picture_and_its_text(service, out, outbox, tmp_path):
    post = new_post(tmp_path, "Painted \ud800\nat the fair", "A face")
    row = publish(outbox, service, post)
    assert row.url == (out / f"{post.key}.png").as_uri()
    assert (out / f"{post.key}.png").read_bytes() == prepare(post, service.limits).data
    assert (out / f"{post.key}.txt").read_text() == "Painted \ufffd\nat the fair\n\nA face\n"
    service.send(prepare(post, service.limits), Memory())
    assert len(list(out.iterdir())) == 2
    assert service.account() == str(out)


def test_a_clip_and_its_text(service, out, outbox, tmp_path):
    post = moving_post(tmp_path)
    row = publish(outbox, service, post)
    assert row.url == (out / f"{post.key}.mp4").as_uri()
    assert (out / f"{post.key}.mp4").read_bytes() == post.clip.read_bytes()
    assert sorted(file.suffix for file in out.iterdir()) == [".mp4", ".txt"]


def test_a_disk_that_is_not_there_is_waited_for(service, out, outbox, tmp_path):
    out.rmdir()
    post = new_post(tmp_path)
    outbox.add(post, ["folder"], approved=True)
    with publishing(outbox, service):
        eventually(lambda: "not a folder" in row_of(outbox, post).error)
        with pytest.raises(TryLater, match="plug its disk in"):
            service.account()
        out.mkdir()
        eventually(lambda: row_of(outbox, post).state == "sent")


def test_no_folder_is_set():
    with pytest.raises(LoggedOut, match="publish login folder"):
        Folder(Held()).account()
