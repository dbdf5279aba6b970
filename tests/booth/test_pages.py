"""What visitors see on their phones, and what they do not get to see."""

import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from murai.booth.gallery import Gallery, Picture
from murai.booth.pages import PAGE, Pages

from .conftest import DESK, EVERYWHERE, asking, painting

DAY = 86_400.0


def taken(gallery: Gallery, number: int = 0, *, shown: bool = False, clip: bool = False) -> Picture:
    pictures = [painting(number + n, (320, 240)) for n in range(6)] if clip else None
    kind = "boomerang" if clip else "single"
    picture = gallery.add(painting(number, (320, 240)), style="sea/wave", kind=kind, clip=pictures)
    if shown:
        gallery.consent(picture.key, EVERYWHERE)
    return gallery.find(picture.key) or picture


def test_a_painting_is_called_as_in_the_language_of_who_asks(serve: Callable[..., Pages], gallery: Gallery) -> None:
    pages, picture = serve(titles={"sea/wave": "The Scream"}), taken(gallery, shown=True)
    for language, called in (("en", "The Scream"), ("fr", "Le Cri")):
        for place in (f"p/{picture.key}", f"g/{picture.number}", "", "wall"):
            answer = httpx.get(f"http://127.0.0.1:{pages.port}/{place}", headers={"Accept-Language": language})
            assert called in answer.text


def raw(pages: Pages, request: str) -> str:
    """The first line of the answer to a request that no client would send like that."""
    with socket.create_connection(("127.0.0.1", pages.port)) as connection:
        connection.sendall(f"{request}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return connection.makefile("rb").readline().decode()


def test_a_visitor_gets_the_own_picture(client: httpx.Client, gallery: Gallery) -> None:
    picture = taken(gallery, clip=True)
    page = client.get(f"/p/{picture.key}")
    assert page.status_code == 200
    for text in (
        "The Great Wave",
        "Summer party",
        "Save the clip",
        "Delete my picture",
        "30 more days",
        "Nobody but you",
    ):
        assert text in page.text
    files = {
        "picture.jpg": (picture.image, "image/jpeg"),
        "clip.mp4": (picture.clip, "video/mp4"),
        "thumbnail.jpg": (picture.thumbnail, "image/jpeg"),
        "preview.webp": (picture.preview, "image/webp"),
    }
    for name, (path, kind) in files.items():
        answer = client.get(f"/p/{picture.key}/{name}")
        assert path is not None
        assert (answer.content, answer.headers["content-type"]) == (path.read_bytes(), kind)
        assert answer.headers["cache-control"] == "no-store"
    assert client.get(f"/p/{taken(gallery).key}/clip.mp4").status_code == 404


def test_french_visitors_read_french(client: httpx.Client, gallery: Gallery) -> None:
    page = client.get(f"/p/{taken(gallery).key}", headers={"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"})
    assert '<html lang="fr">' in page.text
    assert "Enregistrer la photo" in page.text


def test_phones_ask_for_parts_of_a_clip(client: httpx.Client, gallery: Gallery) -> None:
    picture = taken(gallery, clip=True)
    assert picture.clip is not None
    content, where = picture.clip.read_bytes(), f"/p/{picture.key}/clip.mp4"
    head = client.head(where)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(content)
    assert head.headers["accept-ranges"] == "bytes"
    part = client.get(where, headers={"Range": "bytes=0-1"})
    assert (part.status_code, part.content) == (206, content[:2])
    assert part.headers["content-range"] == f"bytes 0-1/{len(content)}"
    assert client.get(where, headers={"Range": "bytes=100-"}).content == content[100:]
    assert client.get(where, headers={"Range": f"bytes={len(content)}-"}).status_code == 416
    assert client.head(f"/p/{picture.key}").status_code == 200


def test_every_answer_is_private(client: httpx.Client, gallery: Gallery) -> None:
    picture = taken(gallery, shown=True)
    for path in (
        f"/p/{picture.key}",
        f"/p/{picture.key}/picture.jpg",
        "/",
        "/wall",
        "/p/x",
        "/static/booth.css",
        "/host",
    ):
        headers = client.get(path).headers
        assert "noindex" in headers["x-robots-tag"]
        assert headers["referrer-policy"] == ("same-origin" if path == "/host" else "no-referrer")
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers
    assert client.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"


def test_a_wrong_key_and_a_link_that_is_over_get_the_same_answer(gallery: Gallery, serve: Callable[..., Pages]) -> None:
    now = [time.time()]
    picture = taken(gallery, shown=True)
    deleted = taken(gallery)
    gallery.delete(deleted.key)
    with asking(serve(days=2.0, clock=lambda: now[0])) as client:
        assert "2 more days" in client.get(f"/p/{picture.key}").text
        now[0] += 1.2 * DAY
        assert "one more day" in client.get(f"/p/{picture.key}").text
        now[0] += DAY
        gallery._clock = lambda: now[0]
        gallery.retain(2.0, None)
        answers = [client.get(f"/p/{key}") for key in (picture.key, deleted.key, "x" * 22, "nothing")]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.text for answer in answers}) == 1
        assert "its time is over" in answers[0].text
        for place in (f"/p/{picture.key}/picture.jpg", f"/g/{picture.number}", f"/g/{picture.number}/picture.jpg"):
            assert client.get(place).status_code == 404
        assert client.post(f"/p/{picture.key}/delete").status_code == 404


def test_who_comes_with_links_that_are_over_keeps_nobody_out(client: httpx.Client, gallery: Gallery) -> None:
    picture = taken(gallery)
    assert {client.get(f"/p/{number:022}").status_code for number in range(50)} == {404}
    assert client.get(f"/p/{picture.key}").status_code == 200


def test_nobody_climbs_out_of_the_folder(client: httpx.Client, pages: Pages, gallery: Gallery) -> None:
    key = taken(gallery, shown=True).key
    for path in (
        "/p/..%2fgallery.sqlite",
        "/p/../gallery.sqlite",
        f"/p/{key}/..%2f..%2fgallery.sqlite",
        f"/p/{key}/../../etc/passwd",
        f"/p/{key}/picture.jpg%00",
        f"/p/{key}/{key}.jpg",
        "/g/1/..%2fgallery.sqlite",
        "/g/1/%2e%2e%2fgallery.sqlite",
        "/static/..%2f..%2fgallery.py",
        "/static/../pages.py",
        "/static//etc/passwd",
        "/static/",
        "/static",
        "/g/",
        "/g/-1",
        "/g/1e3",
        "/g/99999999999999999999999",
        f"/g/{'9' * 5000}",
        "/g/%D9%A3",
        "/p/",
        "/gallery.sqlite",
    ):
        status = raw(pages, f"GET {path} HTTP/1.1").split()[1]
        assert status in ("404", "307"), path
    assert client.get("/?before=99999999999999999999999").status_code == 200
    assert client.get("/?before=%00'").status_code == 200
    assert client.put(f"/p/{key}").status_code == 405


def test_the_gallery_shows_what_everybody_may_see_and_no_key(client: httpx.Client, gallery: Gallery) -> None:
    private = taken(gallery)
    shown = [taken(gallery, number, shown=True) for number in range(PAGE + 3)]
    first = client.get("/").text
    numbers = [int(number) for number in re.findall(r'href="/g/(\d+)"', first)]
    assert numbers == [picture.number for picture in shown[::-1]][:PAGE]
    older = re.search(r'href="/\?before=(\d+)"', first)
    assert older is not None
    second = client.get(f"/?before={older[1]}").text
    assert re.findall(r'href="/g/(\d+)"', second) == [str(picture.number) for picture in shown[2::-1]]
    assert "before=" not in second
    page = client.get(f"/g/{shown[0].number}").text
    for text in (first, second, page, client.get("/wall").text):
        assert not [picture.key for picture in [private, *shown] if picture.key in text]
    assert "delete" not in page
    for place in ("", "/picture.jpg", "/thumbnail.jpg", "/qr.svg"):
        assert client.get(f"/g/{private.number}{place}").status_code == 404
    assert client.get(f"/g/{shown[0].number}/picture.jpg").content == shown[0].image.read_bytes()


def test_a_picture_that_was_shared_elsewhere_alone_is_in_no_page_but_its_own(
    client: httpx.Client, gallery: Gallery
) -> None:
    picture = taken(gallery)
    gallery.consent(picture.key, ["folder", "slideshow"])
    assert f"/g/{picture.number}" not in client.get("/").text + client.get("/wall").text
    for place in ("", "/picture.jpg", "/qr.svg"):
        assert client.get(f"/g/{picture.number}{place}").status_code == 404
    own = client.get(f"/p/{picture.key}")
    assert (own.status_code, "Nobody but you has this link" in own.text) == (200, True)


def test_names_are_only_text(gallery: Gallery, serve: Callable[..., Pages]) -> None:
    evil = "<script>alert(1)</script>"
    picture = gallery.add(painting(), style=evil, kind="single")
    gallery.consent(picture.key, EVERYWHERE)
    with asking(serve(event=evil)) as client:
        for path in ("/", f"/p/{picture.key}", f"/g/{picture.number}", "/wall", "/p/wrong"):
            assert "<script>" not in client.get(path).text


def test_a_visitor_deletes_the_picture_at_once(client: httpx.Client, gallery: Gallery) -> None:
    picture = taken(gallery, shown=True, clip=True)
    assert client.get(f"/p/{picture.key}/delete").status_code == 404
    answer = client.post(f"/p/{picture.key}/delete")
    assert (answer.status_code, "It is deleted" in answer.text) == (200, True)
    for place in (f"/p/{picture.key}", f"/p/{picture.key}/clip.mp4", f"/g/{picture.number}"):
        assert client.get(place).status_code == 404
    assert list(gallery.folder.glob(f"{picture.key}*")) == []


def test_the_booth_hears_what_is_deleted(gallery: Gallery, serve: Callable[..., Pages]) -> None:
    heard: list[str] = []
    picture = taken(gallery)
    with asking(serve(delete=heard.append)) as client:
        client.post(f"/p/{picture.key}/delete")
    assert heard == [picture.key]


def test_many_ask_for_what_is_being_deleted(client: httpx.Client, pages: Pages, gallery: Gallery) -> None:
    picture = taken(gallery, shown=True, clip=True)
    statuses: list[int] = []

    def ask(path: str, method: str = "GET") -> None:
        with asking(pages) as other:
            for _ in range(8):
                try:
                    statuses.append(other.request(method, path).status_code)
                except httpx.RemoteProtocolError:
                    statuses.append(0)  # it was cut off: the file went between its length and its content

    asks = [(f"/p/{picture.key}", "GET"), (f"/p/{picture.key}/clip.mp4", "GET"), (f"/p/{picture.key}/delete", "POST")]
    threads = [threading.Thread(target=ask, args=each) for each in asks * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {0, 200, 404}
    assert list(gallery.folder.glob(f"{picture.key}*")) == []


def test_a_fault_is_said_without_the_key(gallery: Gallery, serve: Callable[..., Pages], said: list[str]) -> None:
    picture = taken(gallery)

    def broken(key: str) -> None:
        raise ArithmeticError(key)

    with asking(serve(delete=broken)) as client:
        answer = client.post(f"/p/{picture.key}/delete")
    assert (answer.status_code, "Something went wrong" in answer.text) == (500, True)
    assert said == ["a page failed (ArithmeticError)."]


def test_links_begin_with_what_the_host_says(serve: Callable[..., Pages]) -> None:
    pages = serve(wanted="https://booth.example")
    assert pages.picture_link("k") == "https://booth.example/p/k"
    assert pages.visit_link("a&b") == "https://booth.example/visit?t=a%26b"
    local = serve()  # at an address that no phone reaches
    assert (local.base, local.picture_link("k"), local.visit_link("t")) == ("", "", "")


def test_a_phone_keeps_and_deletes_a_picture(browse: Callable[..., Any], gallery: Gallery) -> None:
    picture = taken(gallery)
    page = browse(f"/p/{picture.key}")
    assert page.locator("figure img").evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the picture").click()
    assert download.value.suggested_filename == f"Summer party {picture.number}.jpg"
    assert download.value.path().read_bytes() == picture.image.read_bytes()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    yes = page.get_by_role("button", name="Yes, delete it")
    assert not yes.is_visible()
    page.get_by_text("Delete my picture").click()
    yes.click()
    page.get_by_text("It is deleted").wait_for()
    assert gallery.find(picture.key) is None
    page.go_back()
    page.get_by_text("Nothing here").wait_for()


def test_a_phone_plays_a_clip(browse: Callable[..., Any], gallery: Gallery) -> None:
    page = browse(f"/p/{taken(gallery, clip=True).key}", color_scheme="dark", locale="fr")
    page.wait_for_function("document.querySelector('video').currentTime > 0")
    assert page.get_by_text("Enregistrer l’animation").is_visible()


def test_the_gallery_in_a_browser(browse: Callable[..., Any], gallery: Gallery) -> None:
    page = browse("/", DESK)
    assert page.get_by_text("No pictures yet").is_visible()
    taken(gallery, 1, shown=True)
    taken(gallery, 2, shown=True, clip=True)
    page.reload()
    images = page.locator(".gallery img")
    sources = images.evaluate_all("images => images.map(image => image.currentSrc.split('/').pop())")
    assert sources == ["preview.webp", "thumbnail.jpg"]
    images.first.click()
    page.locator("video").wait_for()
    page.get_by_text("See the gallery").click()
    images.first.wait_for()


@pytest.mark.parametrize("wanted", ["http://booth.example:8080", ""])
def test_the_wall_follows_and_has_codes(
    chromium: Any, gallery: Gallery, serve: Callable[..., Pages], wanted: str
) -> None:
    import cv2
    import numpy as np

    pages = serve(wanted=wanted)
    picture = taken(gallery, 1, shown=True)
    page = chromium.new_page(viewport={"width": 1920, "height": 1080})
    try:
        page.goto(f"http://127.0.0.1:{pages.port}/wall")
        codes = page.locator("img[src$='qr.svg']")
        assert codes.count() == (1 if wanted else 0)
        if wanted:
            codes.first.evaluate("image => image.decode()")
            shot = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
            assert cv2.QRCodeDetector().detectAndDecode(shot)[0] == f"{wanted}/g/{picture.number}"
            taken(gallery, 2, shown=True)
            page.locator("li").nth(1).wait_for(timeout=10_000)
    finally:
        page.close()
