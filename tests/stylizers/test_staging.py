"""Fades and the split, around any painter."""

import numpy as np
import pytest

from murai.controls import Controls
from murai.errors import UnknownStyle
from murai.stylizers.staging import Staging

IMAGE = np.full((6, 10, 3), 200, np.uint8)


class Tint:
    """Paints a picture all in the grey of its mix, and keeps the controls it heard."""

    GREYS = {"a/dark": 0, "a/light": 100, "b/white": 255}

    def __init__(self):
        self.heard, self.resets = [], 0

    def use(self, controls):
        if unknown := set(controls.mix) - set(self.GREYS):
            raise UnknownStyle(f"no {unknown}")
        self.heard.append(controls)

    def reset(self):
        self.resets += 1

    def __call__(self, image):
        mix = self.heard[-1].mix
        largest = max(mix.values())
        shares = {name: weight / largest for name, weight in mix.items()}
        grey = sum(self.GREYS[name] * share for name, share in shares.items()) / sum(shares.values())
        return np.full_like(image, round(grey))


def controls(style, **more):
    return Controls(mix={style: 1.0}, **more)


@pytest.fixture
def tint():
    return Tint()


def greys(staging, count):
    return [int(staging(IMAGE)[0, -1, 0]) for _ in range(count)]


def test_a_fade_inside_a_pack_goes_through_its_vectors_in_the_stated_time(tint):
    staging = Staging(tint, rate=10)
    staging.use(controls("a/dark", fade=0.5))
    assert greys(staging, 2) == [0, 0]
    staging.use(controls("a/light", fade=0.5))
    assert greys(staging, 7) == [20, 40, 60, 80, 100, 100, 100]
    assert tint.heard[-1] == controls("a/light", fade=0.5)


def test_between_packs_the_last_painting_dissolves_and_only_one_network_paints(tint):
    staging = Staging(tint, rate=10)
    staging.use(controls("a/dark"))
    greys(staging, 1)
    staging.use(controls("b/white", fade=0.4))
    assert greys(staging, 5) == pytest.approx([64, 128, 191, 255, 255], abs=1)
    assert all(len({name.split("/")[0] for name in heard.mix}) == 1 for heard in tint.heard)


def test_even_enormous_weights_fade(tint):
    staging = Staging(tint, rate=10)
    staging.use(Controls(mix={"a/dark": 1e308, "a/light": 1e308}, fade=0.4))
    assert greys(staging, 1) == [50]
    staging.use(controls("a/light", fade=0.5))
    assert greys(staging, 6) == [60, 70, 80, 90, 100, 100]


def test_a_fade_that_is_overtaken_goes_on_from_where_it_was(tint):
    staging = Staging(tint, rate=10)
    staging.use(controls("a/dark"))
    greys(staging, 1)
    staging.use(controls("a/light", fade=1))
    assert greys(staging, 5) == [10, 20, 30, 40, 50]
    staging.use(controls("a/dark", fade=0.2))
    first, last = greys(staging, 2)
    assert 20 <= first <= 40
    assert last == 0


def test_a_dissolve_goes_on_when_something_else_changes(tint):
    staging = Staging(tint, rate=10)
    staging.use(controls("a/dark"))
    greys(staging, 1)
    staging.use(controls("b/white", fade=1))
    (half,) = greys(staging, 5)[-1:]
    staging.use(controls("b/white", fade=1, strength=0.9))
    assert abs(greys(staging, 1)[0] - half) < 40
    assert greys(staging, 12)[-1] == 255


def test_by_a_clock_a_fade_takes_its_time_however_few_pictures_come(tint):
    now = [0.0]
    staging = Staging(tint, rate=10, clock=lambda: now[0])
    staging.use(controls("a/dark"))
    greys(staging, 1)
    staging.use(controls("a/light", fade=1))
    seen = []
    for _ in range(5):
        seen += greys(staging, 1)
        now[0] += 0.4
    assert seen == pytest.approx([10, 10, 50, 90, 100], abs=40)
    assert seen == sorted(seen)
    assert seen[-1] == 100


def test_strength_fades_too_and_other_controls_change_at_once(tint):
    staging = Staging(tint, rate=10)
    staging.use(controls("a/dark", strength=0.0))
    greys(staging, 1)
    staging.use(controls("a/dark", strength=1.0, fade=0.4))
    staging.use(controls("a/dark", strength=1.0, fade=0.4, keep_colors=True))
    greys(staging, 5)
    assert [round(heard.strength, 2) for heard in tint.heard] == [0, 0.25, 0.25, 0.5, 0.75, 1]
    assert tint.heard[2].keep_colors


def test_boldness_fades_too(tint):
    staging = Staging(tint, rate=10)
    staging.use(controls("a/dark", boldness=0.0))
    greys(staging, 1)
    staging.use(controls("a/light", boldness=1.0, fade=0.4))
    assert greys(staging, 5) == [25, 50, 75, 100, 100]
    assert [heard.boldness for heard in tint.heard] == [0, 0.25, 0.5, 0.75, 1]
    staging.use(controls("a/light", boldness=0.5, fade=0.2))
    greys(staging, 2)
    assert [heard.boldness for heard in tint.heard[5:]] == [0.75, 0.5]


def test_a_fade_that_is_played_into_keeps_strength_and_boldness_in_their_range(tint):
    staging = Staging(tint, rate=10)
    staging.use(controls("a/dark", boldness=0.1, strength=0.7))
    greys(staging, 1)
    for boldness in (0.3, 1.0, 0.7, 0.0):
        staging.use(controls("a/light", boldness=boldness, strength=boldness, fade=0.7))
        greys(staging, 3)
    assert all(0 <= heard.boldness <= 1 and 0 <= heard.strength <= 1 for heard in tint.heard)


def test_without_a_fade_the_next_picture_is_the_new_style(tint):
    staging = Staging(tint, rate=30)
    staging.use(controls("a/dark"))
    staging.use(controls("a/light", fade=5))  # nothing is shown yet: there is nothing to fade from
    assert greys(staging, 1) == [100]
    staging.use(controls("a/dark"))
    assert greys(staging, 1) == [0]


def test_a_style_nobody_has_leaves_everything_as_it_was(tint):
    staging = Staging(tint, rate=10)
    staging.use(controls("a/dark"))
    greys(staging, 1)
    with pytest.raises(UnknownStyle):
        staging.use(controls("a/none", fade=1))
    assert greys(staging, 3) == [0, 0, 0]
    staging.use(controls("a/light", fade=0.2))
    assert greys(staging, 3) == [50, 100, 100]


@pytest.mark.parametrize(("split", "columns"), [(0.0, 0), (0.5, 5), (1.0, 10)])
def test_the_split_leaves_its_share_unpainted(tint, split, columns):
    staging = Staging(tint, rate=10)
    staging.use(controls("a/dark", split=split))
    picture = staging(IMAGE)
    assert (picture[:, :columns] == 200).all()
    assert (picture[:, columns:] == 0).all()


def test_after_a_reset_nothing_of_the_old_scene_dissolves(tint):
    staging = Staging(tint, rate=10)
    staging.use(controls("a/dark"))
    greys(staging, 1)
    staging.use(controls("b/white", fade=1))
    staging.reset()
    assert tint.resets == 1
    assert greys(staging, 1) == [255]
