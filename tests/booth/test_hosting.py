"""The host's page: behind its PIN, and everything on it."""

import io
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from murai.booth.gallery import HELD, REFUSED, SHOWN, Gallery
from murai.booth.hosting import COOKIE, Channel
from murai.booth.pages import Pages
from murai.errors import BoothError

from .conftest import DESK, EVERYWHERE, PIN, TROUBLE, Host, asking, painting


def log_in(client: httpx.Client, pin: str = PIN) -> httpx.Response:
    return client.post("/host/login", data={"pin": pin})


def number(gallery: Gallery, key: str) -> str:
    """By which the host speaks of a picture."""
    picture = gallery.find(key)
    assert picture is not None
    return str(picture.number)


def held(gallery: Gallery) -> str:
    key = gallery.add(painting(), style="sea/wave", kind="single").key
    gallery.consent(key, EVERYWHERE, approved=False)
    return key


def test_without_the_pin_there_is_nothing_to_see_or_do(client: httpx.Client, gallery: Gallery, host: Host) -> None:
    key = held(gallery)
    page = client.get("/host")
    assert "PIN" in page.text
    assert key not in page.text
    for act in ("approve", "refuse", "delete", "retry", "pause", "resume", "there", "again", "logout"):
        assert (
            client.post(f"/host/{act}", data={"number": number(gallery, key), "service": "folder"}).status_code == 403
        )
    assert client.get("/host/export.zip").status_code == 403
    assert client.get(f"/host/thumbnail/{number(gallery, key)}").status_code == 404
    assert gallery.all()[0].standing == HELD
    assert host.asked == []
    client.cookies.set(COOKIE, "guess", path="/host")
    assert "PIN" in client.get("/host").text


def test_the_pin_opens_it_until_it_is_closed(client: httpx.Client) -> None:
    answer = log_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/host")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/host" in cookie
    assert "Pictures taken" in client.get("/host").text
    old = client.cookies[COOKIE]
    client.post("/host/logout")
    client.cookies.set(COOKIE, old, path="/host")
    assert "Pictures taken" not in client.get("/host").text


def test_wrong_pins_have_to_wait_also_many_at_once(client: httpx.Client, pages: Pages) -> None:
    answers: list[int] = []

    def guess(number: int) -> None:
        with asking(pages) as other:
            answers.append(log_in(other, f"{number:06}").status_code)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [403] * 5 + [429] * 7
    answer = log_in(client)  # the right one, but too soon
    assert answer.status_code == 429
    assert "Too many wrong PINs: try again in" in answer.text
    assert COOKIE not in answer.headers.get("set-cookie", "")


def test_guesses_from_many_addresses_count_together(serve: Callable[..., Pages]) -> None:
    pages = serve()
    with asking(pages) as client:  # as a proxy of this machine says it
        answers = [
            client.post(
                "/host/login", data={"pin": "1"}, headers={"X-Forwarded-For": f"10.0.{n // 250}.{n % 250 + 1}"}
            ).status_code
            for n in range(70)
        ]
        assert answers == [403] * 60 + [429] * 10
        assert log_in(client).status_code == 303  # from the booth itself the host still gets in


def test_forms_of_other_pages_are_not_taken(client: httpx.Client, gallery: Gallery) -> None:
    log_in(client)
    key = held(gallery)
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
        assert (
            client.post("/host/approve", data={"number": number(gallery, key)}, headers={"Origin": origin}).status_code
            == 403
        )
    assert gallery.all()[0].standing == HELD
    own = {"Origin": str(client.base_url).rstrip("/")}
    assert client.post("/host/approve", data={"number": number(gallery, key)}, headers=own).status_code == 303
    assert gallery.all()[0].standing == SHOWN


def test_no_host_page_without_a_pin(serve: Callable[..., Pages]) -> None:
    with asking(serve(knows_pin=None)) as client:
        assert client.get("/host").status_code == 404
        assert log_in(client, "").status_code == 404


def test_a_session_ends(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(client)
    assert "Pictures taken" in client.get("/host").text
    monkeypatch.setattr("murai.booth.hosting.SESSION_SECONDS", 0.0)
    log_in(client)
    assert "Pictures taken" not in client.get("/host").text


def test_a_booth_that_cannot_tell_how_it_is_says_so(
    client: httpx.Client, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise BoothError("the outbox cannot be read.")

    log_in(client)
    monkeypatch.setattr(host, "desk", broken)
    answer = client.get("/host")
    assert answer.status_code == 200
    assert "the outbox cannot be read." in answer.text


def test_what_the_booth_refuses_is_said(client: httpx.Client, host: Host) -> None:
    log_in(client)
    answer = client.post("/host/pause", data={"service": "x"})
    assert answer.status_code == 409
    assert "x cannot be paused now." in answer.text
    assert client.post("/host/approve", data={"number": "77"}).status_code == 409
    assert client.post("/host/delete", data={"number": "9" * 3000}).status_code == 409
    assert client.post("/host/dance").status_code == 404


def test_the_host_sees_no_picture_without_consent_and_no_key(client: httpx.Client, gallery: Gallery) -> None:
    log_in(client)
    private, refused, shown = (gallery.add(painting(n), style="sea/wave", kind="single") for n in range(3))
    gallery.consent(refused.key, EVERYWHERE)
    gallery.decide(refused.key, False)
    gallery.consent(shown.key, EVERYWHERE)
    waiting = gallery.find(held(gallery))
    assert waiting is not None
    statuses = [client.get(f"/host/thumbnail/{each.number}").status_code for each in (private, refused, shown, waiting)]
    assert statuses == [404, 404, 200, 200]
    page = client.get("/host").text
    assert "For its visitor alone" in page
    archive = client.get("/host/export.zip?everything").content
    for picture in gallery.all():
        assert picture.key not in page
        assert picture.key.encode() not in archive
    client.post("/host/delete", data={"number": str(private.number)})
    assert gallery.find(private.key) is None


def test_the_export_is_whole_and_leaves_nothing_behind(client: httpx.Client, gallery: Gallery) -> None:
    log_in(client)
    keys = [gallery.add(painting(n), style="sea/wave", kind="single").key for n in range(3)]
    gallery.consent(keys[0], EVERYWHERE)
    before = sorted(gallery.folder.iterdir())
    for headers in ({}, {"Range": "bytes=0-9"}, {"Range": "bytes=x"}):
        answer = client.get("/host/export.zip", headers=headers)
        assert answer.status_code == 200
        assert "attachment" in answer.headers["content-disposition"]
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            assert len(archive.namelist()) == 2
    assert sorted(gallery.folder.iterdir()) == before


def test_an_evening_at_the_desk(browse: Callable[..., Any], gallery: Gallery, host: Host, tmp_path: Path) -> None:
    yes, no, private = held(gallery), held(gallery), gallery.add(painting(), style="night/stars", kind="single").key
    host.figures, host.styles = {"visits": 41, "pictures": 5}, {"The Great Wave": 3}
    host.printer, host.trouble = "Out of paper", True
    host.channels = [
        Channel("folder", counts={"sent": 12, "queued": 1}),
        Channel("mastodon", "the login ran out", {"unsure": 1}, [TROUBLE]),
    ]
    host.said = [(time.time(), "The camera is back.")]
    page = browse("/host", DESK)
    page.get_by_label("PIN").fill("1111")
    page.get_by_role("button", name="Open").click()
    page.get_by_text("That is not the PIN.").wait_for()
    page.get_by_label("PIN").fill(PIN)
    page.keyboard.press("Enter")
    page.get_by_text("Waiting for your yes: 2").wait_for()
    for text in ("Somebody chooses a painting", "Out of paper", "The camera is back.", "the login ran out", "sent 12"):
        assert page.get_by_text(text).is_visible(), text
    assert page.get_by_role("row", name="Visits 41").is_visible()
    assert page.get_by_role("row", name="Pictures taken 5").is_visible()
    assert page.get_by_role("row", name="The Great Wave").is_visible()
    page.get_by_role("button", name="Show it").first.click()
    page.get_by_text("Waiting for your yes: 1").wait_for()
    page.get_by_role("button", name="No", exact=True).click()
    page.get_by_text("Waiting for your yes").wait_for(state="detached")
    assert [gallery.find(key).standing for key in (yes, no)] == [SHOWN, REFUSED]  # type: ignore[union-attr]
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="It is there").click()
    page.wait_for_load_state()
    asked = [("pause", "folder"), ("resume", "mastodon"), ("settle", "mastodon", "some key", "True")]
    assert host.asked == asked
    page.locator("li", has_text="For its visitor alone").locator("summary").click()
    page.get_by_role("button", name="Yes, delete it").locator("visible=true").click()
    page.get_by_text("For its visitor alone").wait_for(state="detached")
    assert gallery.find(private) is None
    with page.expect_download() as download:
        page.get_by_role("link", name="Download those shown").click()
    assert zipfile.is_zipfile(download.value.path())
    fresh = held(gallery)  # the page follows by itself
    page.get_by_text("Waiting for your yes: 1").wait_for()
    assert page.locator(f"img[src*='/{number(gallery, fresh)}?']").first.evaluate(
        "image => image.decode().then(() => image.naturalWidth)"
    )


@pytest.fixture
def queue(browse: Callable[..., Any], gallery: Gallery) -> Any:
    """The host's page with three pictures that wait: `keys`, and `asked`, which waits for the one that keys decide on;
    `sent` is what was decided."""
    page = browse("/host", DESK)
    page.keys, page.sent = [held(gallery) for _ in range(3)], []
    page.get_by_label("PIN").fill(PIN)
    page.keyboard.press("Enter")

    def asked(key: str) -> None:
        page.locator(f".queue > [aria-current] img[src*='/{number(gallery, key)}?']").wait_for()

    page.asked = asked
    asked(page.keys[0])

    def decided(request: Any) -> None:
        act = request.url.rpartition("/")[2]
        if act in ("approve", "refuse"):
            page.sent.append(act)

    page.on("request", decided)
    return page


def standings(queue: Any, gallery: Gallery) -> list[str]:
    return [picture.standing for picture in map(gallery.find, queue.keys) if picture]


def test_keys_decide_on_what_waits_first(queue: Any, gallery: Gallery) -> None:
    assert queue.get_by_text("Y shows the one with the frame").is_visible()
    queue.keyboard.press("y")
    queue.asked(queue.keys[1])
    queue.keyboard.press("N")
    queue.asked(queue.keys[2])
    assert standings(queue, gallery) == [SHOWN, REFUSED, HELD]
    queue.keyboard.press("y")
    queue.get_by_text("Waiting for your yes").wait_for(state="detached")
    queue.keyboard.press("y")
    assert queue.sent == ["approve", "refuse", "approve"]


def test_keys_that_are_held_or_meant_for_something_else_decide_nothing(queue: Any, gallery: Gallery) -> None:
    queue.evaluate("document.querySelector('main').append(document.createElement('input'))")
    queue.locator("main > input").focus()
    queue.keyboard.type("yn")
    assert queue.locator("main > input").input_value() == "yn"
    queue.locator("h2").first.click()
    for modifier in ("Control", "Alt", "Meta"):
        queue.keyboard.press(f"{modifier}+y")
    queue.keyboard.press("x")
    queue.evaluate("document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'y', repeat: true, bubbles: true}))")
    assert queue.sent == []
    assert standings(queue, gallery) == [HELD] * 3
    queue.keyboard.press("n")
    queue.asked(queue.keys[1])
    assert queue.sent == ["refuse"]


def test_a_key_decides_on_nothing_that_was_not_seen(queue: Any, gallery: Gallery) -> None:
    """The page follows another host who decided on the first, and a key comes at that very moment; then one comes while
    the second is out of sight."""
    queue.evaluate(
        """() => new MutationObserver((changes, observer) => {
            if (!document.querySelector("main h2")?.textContent.includes("2")) return;
            observer.disconnect();
            setTimeout(() => {
                document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "n", bubbles: true}));
                document.body.dataset.pressed = "yes";
            }, 50);
        }).observe(document.body, {childList: true})"""
    )
    gallery.decide(queue.keys[0], True)
    queue.locator("body[data-pressed]").wait_for()
    queue.asked(queue.keys[1])
    assert queue.sent == []
    queue.set_viewport_size({"width": 700, "height": 300})
    queue.evaluate("document.body.style.paddingBottom = '3000px'; scrollTo(0, document.body.scrollHeight)")
    queue.keyboard.press("n")
    assert queue.locator(".queue img").first.evaluate("image => image.getBoundingClientRect().bottom > 0")
    assert queue.sent == []
    queue.keyboard.press("n")
    queue.asked(queue.keys[2])
    assert standings(queue, gallery) == [SHOWN, REFUSED, HELD]


def test_one_press_too_many_decides_on_nothing(queue: Any, gallery: Gallery) -> None:
    queue.evaluate(
        """() => ["y", "n"].forEach((key) =>
            document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true})))"""
    )
    queue.asked(queue.keys[1])
    assert queue.sent == ["approve"]
    assert standings(queue, gallery) == [SHOWN, HELD, HELD]


def test_without_scripts_nothing_is_said_of_keys(browse: Callable[..., Any], gallery: Gallery) -> None:
    held(gallery)
    page = browse("/host", DESK, java_script_enabled=False)
    page.get_by_label("PIN").fill(PIN)
    page.keyboard.press("Enter")
    page.get_by_text("Waiting for your yes: 1").wait_for()
    assert not page.get_by_text("by key").is_visible()
    page.get_by_role("button", name="Show it").click()
    page.get_by_text("Waiting for your yes").wait_for(state="detached")


def test_a_page_that_said_no_goes_on_as_the_desk(client: httpx.Client) -> None:
    answer = client.get("/host/approve")
    assert (answer.is_redirect, answer.headers["location"]) == (True, "/host")
