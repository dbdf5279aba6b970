"""What can be played, and the one table that names it."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai.controls import ACTIONS, TABLE, Controls

weights = st.floats(0, 1e6)
mixes = st.dictionaries(st.text(max_size=8), weights, max_size=5).filter(lambda mix: not mix or sum(mix.values()) > 0)


@given(mix=mixes, strength=st.floats(0, 1), boldness=st.floats(0, 1), keep=st.booleans(), paused=st.booleans())
def test_any_controls_in_range_come_back_as_they_were_set(
    mix: dict[str, float], strength: float, boldness: float, keep: bool, paused: bool
) -> None:
    controls = Controls(mix, strength, boldness, keep, paused)
    assert (dict(controls.mix), controls.strength, controls.boldness, controls.keep_colors, controls.paused) == (
        mix,
        strength,
        boldness,
        keep,
        paused,
    )
    assert dataclasses.replace(controls) == controls
    assert dataclasses.replace(controls, paused=not paused) != controls


@pytest.mark.parametrize("name", ["strength", "boldness"])
@given(share=st.floats().filter(lambda x: not 0 <= x <= 1))
def test_a_share_out_of_range_is_refused(name: str, share: float) -> None:
    with pytest.raises(ValueError, match=name):
        Controls(**{name: share})  # type: ignore[arg-type]


@given(mix=mixes, bad=st.floats(max_value=-1e-9) | st.just(math.nan))
def test_a_weight_below_nothing_is_refused(mix: dict[str, float], bad: float) -> None:
    with pytest.raises(ValueError, match="weights"):
        Controls({**mix, "bad": bad})


def test_a_mix_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Controls({"wave": 0.0, "night": 0.0})


def test_controls_cannot_be_changed_behind_the_show() -> None:
    mix = {"wave": 1.0}
    controls = Controls(mix)
    mix["wave"] = 5.0
    assert controls.mix == {"wave": 1.0}
    with pytest.raises(TypeError):
        controls.mix["wave"] = 2.0  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        controls.strength = 0.0  # type: ignore[misc]


def test_the_table_names_every_control_once_with_its_default() -> None:
    fields = [field.name for field in dataclasses.fields(Controls)]
    assert [row.name for row in TABLE] == fields
    for row in TABLE:
        assert getattr(Controls(), row.name) == row.default
        assert row.osc == f"/murai/{row.name}"
        assert row.help
        assert len(row.keys) == (1 if isinstance(row.default, bool) else 2)
    names = [row.osc for row in (*TABLE, *ACTIONS)]
    assert len(set(names)) == len(names)


def test_the_range_in_the_table_is_the_range_that_is_checked() -> None:
    for row in TABLE:
        if row.low is None:
            continue
        assert getattr(Controls(**{row.name: row.low}), row.name) == row.low
        assert getattr(Controls(**{row.name: row.high}), row.name) == row.high
        for outside in (row.low - 0.01, row.high + 0.01):
            with pytest.raises(ValueError, match=row.name):
                Controls(**{row.name: outside})
