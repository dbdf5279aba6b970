"""A phone plays the booth."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from .conftest import DESK, Visitor

PAGE = "/visit?t=t-0000"


def press(client: httpx.Client, event: str, **form: str) -> httpx.Response:
    return client.post(f"/visit/{event}", data={"t": "t-0000", "serial": "0", **form})


def test_only_who_knows_the_token_of_this_visit_plays(client: httpx.Client, visitor: Visitor) -> None:
    assert client.get(PAGE).status_code == 200
    for wrong in ("/visit", "/visit?t=", "/visit?t=t-0001", "/visit?t=%ff"):
        answer = client.get(wrong)
        assert answer.status_code == 403
        assert "Your turn is over" in answer.text
        assert "button" not in answer.text.replace("booth", "")
    assert press(client, "button", t="wrong").status_code == 403
    assert visitor.pressed == []
    visitor.token = "t-0001"
    assert client.get(PAGE).status_code == 403
    assert client.get("/visit?t=t-0001").status_code == 200
    visitor.token = ""
    assert client.get("/visit?t=").status_code == 403


def test_what_is_pressed_is_heard_with_its_serial(client: httpx.Client, visitor: Visitor) -> None:
    answer = press(client, "style", value="sea/wave")
    assert (answer.status_code, answer.headers["location"]) == (303, "/visit?t=t-0000")
    press(client, "button", serial="7")
    assert visitor.pressed == [("style", "sea/wave", 0), ("button", "", 7)]


def test_only_what_is_offered_is_heard(client: httpx.Client, visitor: Visitor) -> None:
    for event, value in (("style", "none"), ("style", ""), ("take", ""), ("print", ""), ("button", "sea/wave")):
        assert press(client, event, value=value).status_code == 303
    assert press(client, "button", serial="x").status_code == 400
    assert press(client, "button", serial="").status_code == 400
    assert client.post("/visit/button", content=b"t=t-0000&" + b"x" * 5000).status_code == 413
    assert client.post("/visit/button", content=b"\xff\xfe").status_code == 400
    assert client.post("/visit/button", content=b"&a=1" * 100).status_code == 400
    assert visitor.pressed == []


def test_styles_have_pictures(client: httpx.Client, visitor: Visitor) -> None:
    answer = client.get("/visit/preview", params={"value": "sea/wave"})
    assert answer.content == visitor.previews["sea/wave"]
    for value in ("single", "../gallery.sqlite", "sea", ""):
        assert client.get("/visit/preview", params={"value": value}).status_code == 404


def test_phones_of_visits_that_are_over_keep_nobody_out(client: httpx.Client) -> None:
    assert {client.get(f"/visit?t=x{number}").status_code for number in range(50)} == {403}
    assert client.get(PAGE).status_code == 200


def test_a_visit_on_a_phone(browse: Callable[..., Any], visitor: Visitor) -> None:
    page = browse(PAGE)
    assert page.locator("h1").inner_text() == "Choose a painting"
    page.get_by_role("button", name="The Great Wave").click()
    page.locator(".choice[aria-pressed=true]", has_text="The Great Wave").wait_for()
    page.get_by_role("button", name="Take the picture").click()
    page.get_by_role("heading", name="Look at the camera").wait_for()
    visitor.state, visitor.key = "done", "k" * 22  # the page follows by itself
    page.get_by_role("link", name="Take my picture home").wait_for()
    visitor.token = "another"
    page.get_by_role("heading", name="Your turn is over").wait_for()
    assert [event for event, _, _ in visitor.pressed] == ["style", "button"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_phone_that_begins_a_visit_goes_on_with_the_token_of_that(
    browse: Callable[..., Any], visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(event: str, value: str, serial: int) -> str:
        visitor.state, visitor.token = "countdown", "t-0001"
        return visitor.token

    monkeypatch.setattr(visitor, "hear", begin)
    page, other = browse(PAGE), browse(PAGE)
    page.get_by_role("button", name="Take the picture").click()
    page.get_by_role("heading", name="Look at the camera").wait_for()
    other.get_by_role("heading", name="Your turn is over").wait_for()
    visitor.state, visitor.key = "done", "k" * 22
    page.get_by_role("link", name="Take my picture home").wait_for()
    assert page.url.endswith("/visit?t=t-0001")


def test_it_works_without_scripts(browse: Callable[..., Any], visitor: Visitor) -> None:
    page = browse(PAGE, DESK, java_script_enabled=False)
    page.get_by_role("button", name="Take the picture").click()
    page.get_by_role("heading", name="Look at the camera").wait_for()
    assert visitor.pressed == [("button", "", 0)]
