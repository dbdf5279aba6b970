"""Pages follow what happens, and leave alone what somebody is about to use."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from murai.booth.gallery import Gallery

from .conftest import DESK, PIN, Host, Visitor, painting


def test_a_fault_is_over_when_it_is_over(
    browse: Callable[..., Any], visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = browse("/visit?t=t-0000")
    faults = []

    def broken() -> None:
        faults.append(1)
        raise ArithmeticError

    with monkeypatch.context() as patch:
        patch.setattr(visitor, "scene", broken)
        page.wait_for_timeout(2000)
        assert faults
        assert page.locator("h1").inner_text() == "Choose a painting"
    visitor.state = "countdown"
    page.get_by_role("heading", name="Look at the camera").wait_for()


def test_the_focus_stays_and_headlines_are_said_in_their_language(
    browse: Callable[..., Any], visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = visitor.scene
    monkeypatch.setattr(visitor, "scene", lambda: replace(scene(), language="fr"))
    page = browse("/visit?t=t-0000")
    assert page.locator("main").get_attribute("lang") == "fr"
    page.get_by_role("button", name="The Great Wave").focus()
    page.keyboard.press("Enter")
    page.locator(".choice[aria-pressed=true]", has_text="The Great Wave").wait_for()
    assert page.evaluate("document.activeElement.textContent.trim()") == "The Great Wave"
    page.get_by_role("button", name="Take the picture").click()
    page.get_by_role("status").get_by_text("Look at the camera").wait_for(state="attached")
    assert page.get_by_role("status").get_attribute("lang") == "fr"


def test_what_the_host_opened_stays_open_and_the_page_goes_on(
    browse: Callable[..., Any], gallery: Gallery, host: Host
) -> None:
    for number in range(2):
        gallery.add(painting(number), style="sea/wave", kind="single")
    page = browse("/host", DESK)
    page.get_by_label("PIN").fill(PIN)
    page.keyboard.press("Enter")
    page.locator("summary").nth(1).click()
    page.locator("summary").nth(1).focus()
    host.said = [(time.time(), "The camera is back.")]
    page.get_by_text("The camera is back.").wait_for()
    assert page.locator("details").evaluate_all("all => all.map((one) => one.open)") == [False, True]
    assert page.evaluate("[...document.querySelectorAll('summary')].indexOf(document.activeElement)") == 1
