"""Strength from sound, with real files."""

import time
import wave
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai.control.loudness import LOUD, QUIET, Loudness, follow, level
from murai.errors import SourceError
from tests.shows import eventually


def tone(amplitude, seconds=0.5, rate=16_000):
    return (amplitude * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def save(path, samples, rate=16_000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return str(path)


def test_silence_is_0_and_full_scale_is_1():
    assert level(np.zeros(100, np.float32)) == 0
    assert level(np.zeros(0, np.float32)) == 0
    assert level(tone(1.0)) == 1


@given(share=st.floats(0.02, 0.98))
def test_between_it_is_the_share_of_the_decibels(share):
    amplitude = np.sqrt(2) * 10 ** ((QUIET + share * (LOUD - QUIET)) / 20)
    assert level(tone(amplitude)) == pytest.approx(share, abs=0.01)


def test_it_rises_fast_and_falls_slowly():
    risen = follow(0, 1)
    assert risen > 0.5
    assert follow(1, 0) > 0.9
    assert follow(0.4, 0.4) == 0.4


def test_the_strength_follows_a_sound(tmp_path):
    sound = save(tmp_path / "sound.wav", np.concatenate([tone(0, 0.5), tone(0.5, 1.0), tone(0, 1.0)]))
    levels = []
    start = time.monotonic()
    with closing(Loudness(sound, levels.append)):
        eventually(lambda: len(levels) >= 50)
    assert time.monotonic() - start > 2, "a file is heard at its own pace"
    levels = levels[:50]
    assert max(levels[:9]) == 0
    assert max(levels[10:30]) > 0.9
    assert 0 < levels[-1] < 0.3


@pytest.mark.parametrize("sound", ["nothing.wav", "text.txt"])
def test_what_has_no_sound_is_refused(tmp_path, monkeypatch, sound):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("no sound")
    with pytest.raises(SourceError, match="--loudness"):
        Loudness(sound, print)


def test_a_sound_that_ends_begins_again_and_one_that_is_lost_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr("murai.control.loudness.FIRST_WAIT", 0.05)
    file, said, levels = tmp_path / "sound.wav", [], []
    sound = save(file, tone(0.5, 0.3))
    with closing(Loudness(sound, levels.append, said.append)):
        eventually(lambda: len(levels) > 9)
        assert said == []
        file.write_bytes(b"no sound")
        eventually(lambda: said)
        save(file, tone(0.5, 0.3))
        before = len(levels)
        eventually(lambda: len(levels) > before + 9)
        assert len(said) == 1
        assert said[0].startswith("the sound is lost")
        file.write_bytes(b"no sound")
        eventually(lambda: len(said) == 2)
