"""Languages, templates and the texts they need."""

import re
from pathlib import Path

import pytest

import murai.booth
from murai.booth.ledger import COUNTED
from murai.booth.rendering import preferred
from murai.booth.visit import STATES
from murai.booth.words import load_words

FOLDER = Path(murai.booth.__file__).parent
MESSAGES = ("gone", "over", "deleted", "refused", "failed")
STANDINGS = ("private", "held", "shown", "refused")
ROWS = ("held", "queued", "sending", "sent", "failed", "unsure", "refused", "withdrawn")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("de-DE,de;q=0.9,fr;q=0.5,en;q=0.3", "fr"),
        ("en;q=0.2,fr;q=0.7", "fr"),
        ("fr;q=0", "en"),
        ("*;q=0.5, xx;q=nonsense", "en"),
        (",,;q=;;=" * 500, "en"),
    ],
)
def test_the_language_that_is_liked_best(header: str, language: str) -> None:
    assert preferred(header, ["en", "fr"]) == language


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    used = {f"{name}{ending}" for name in MESSAGES for ending in ("", "_title")}
    used |= {f"own_{name}" for name in STANDINGS} | {f"stands_{name}" for name in STANDINGS}
    used |= {f"row_{name}" for name in ROWS} | {f"visit_{name}" for name in STATES}
    used |= {f"count_{name}" for name in COUNTED}
    for file in FOLDER.glob("templates/*.html"):
        used |= set(re.findall(r'\bt\("(\w+)"[,)]', file.read_text()))
        used |= set(re.findall(r'else t\("(\w+)"', file.read_text()))
    for file in FOLDER.glob("*.py"):
        used |= set(re.findall(r'words\(request\)\("pages\.(\w+)"', file.read_text()))
    for language in ("en", "fr"):
        assert set(load_words(language).table("pages")) == used


def test_no_page_needs_another_machine() -> None:
    for file in [*FOLDER.glob("templates/*"), *FOLDER.glob("static/*")]:
        addresses = set(
            re.findall(r"(?:https?:)?//[\w.]+", re.sub(r"^\s*//.*| // .*", "", file.read_text(), flags=re.M))
        )
        assert addresses <= {"http://www.w3.org"}, file
        assert "style=" not in file.read_text().replace("style=title", "").replace("style=titles", ""), file
