"""What is measured in these tests: a tiny pack, a loss network of random weights, small photographs."""

import pytest

from murai.packs import Style
from tests.packs_support import make_pack

STAGE = {"end": "faithful", "steps": 30, "batch": 4, "minutes": 1.5, "stable": "noise"}
TRAINING = {
    "styles": {"invert": [STAGE], "warm": [STAGE]},
    "photographs_seen": {"invert": 60, "warm": 60},
}


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    """A folder, now the working folder, with `vgg19.safetensors`, `style.png`, five `photos` and a `pack`.

    The user has no packs and nothing in the cache.
    """
    pytest.importorskip("torch")
    from tests.train.conftest import make_lessons

    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "lessons").mkdir()
    folder = make_lessons(tmp_path / "lessons")
    styles = [Style(name="invert", crop=(10, 5, 50, 40)), Style(name="warm")]
    make_pack(folder / "pack", styles=styles, training=TRAINING)
    monkeypatch.chdir(folder)
    return folder
