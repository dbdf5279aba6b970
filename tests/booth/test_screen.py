"""What the visitor sees: legible, touchable, inside the window, in every state, language and shape of screen."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

from murai.booth.screen import Scene, Screen, listed, placed
from murai.booth.visit import KINDS, STATES, TABLE, Moment, Offers
from murai.booth.words import load_words
from murai.sinks.surface import geometry

OFFERS = Offers(("a/b", "a/c"), languages=("en", "fr"), copies=1)
SCREEN = Screen({name: load_words(name) for name in OFFERS.languages}, OFFERS)
SIZES = ((1920, 1080), (1080, 1920), (1280, 720), (800, 600), (480, 800))
CODE = np.where(np.random.default_rng(2).random((33, 33)) < 0.5, 0, 255).astype(np.uint8)
SCENE = Scene(
    "Under the Wave off Kanagawa", "Katsushika Hokusai", 3, places=("@us on Mastodon", "gallery", "slideshow")
)


def moment(state, language="en", **changes):
    return replace(Moment(state, 7, "a/b", "single", language), **changes)


def overlap(one, other):
    """Pixels that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


@pytest.mark.parametrize("size", SIZES)
def test_what_can_be_touched_is_large_and_apart_and_on_the_screen(size):
    for state, language in product(STATES, ("en", "fr")):
        drawn = SCREEN.draw(moment(state, language, sorry=True), replace(SCENE, code=CODE), size)
        assert drawn.overlay.shape == (size[1], size[0], 4)
        small = [target for target in drawn.targets if target.box != (0, 0, *size)]
        for target in small:
            left, top, right, bottom = target.box
            assert 0 <= left < right <= size[0], (state, target)
            assert 0 <= top < bottom <= size[1], (state, target)
            assert min(right - left, bottom - top) >= 0.078 * min(size)
        for one, other in combinations(small, 2):
            assert overlap(one.box, other.box) == 0, (state, language, one, other)
        if drawn.picture is not None:
            assert all(overlap(target.box, drawn.picture) == 0 for target in small), (state, language)


@pytest.mark.parametrize("size", SIZES)
def test_the_picture_has_room_and_is_not_written_on(size):
    for state, language, code in product(("review", "consent", "done"), ("en", "fr"), (None, CODE)):
        scene = replace(SCENE, code=code, busy=code is None, print="waiting")
        drawn = SCREEN.draw(moment(state, language, shared=True), scene, size)
        left, top, right, bottom = drawn.picture
        assert (right - left) * (bottom - top) > 0.12 * size[0] * size[1], (state, language)
        inside = drawn.overlay[round(top) : round(bottom), round(left) : round(right), 3]
        assert not inside.any(), (state, language)


def test_every_touch_means_something_in_its_state():
    known = {(rule.state, rule.event) for rule in TABLE}
    for state in STATES:
        drawn = SCREEN.draw(moment(state), SCENE, (1280, 720))
        assert drawn.serial == 7
        for target in drawn.targets:
            assert (state, target.event) in known, (state, target)


def test_yes_and_no_look_alike():
    drawn = SCREEN.draw(moment("consent"), SCENE, (1280, 720))
    yes, no = (next(target for target in drawn.targets if target.event == event) for event in ("yes", "no"))

    def looks(target):
        left, top, _, bottom = map(round, target.box)
        return drawn.overlay[top:bottom, left : left + 20]

    assert yes.box[2] - yes.box[0] == pytest.approx(no.box[2] - no.box[0])
    assert np.array_equal(looks(yes), looks(no))


def test_in_idle_the_whole_screen_is_the_button_but_for_the_languages():
    drawn = SCREEN.draw(moment("idle"), SCENE, (1280, 720))
    assert drawn.touched(640, 360).event == "button"
    assert drawn.touched(1200, 50) == next(target for target in drawn.targets if target.event == "language")
    assert drawn.touched(1200, 50).value == "fr"


def test_kinds_are_offered_where_there_are_several_and_the_chosen_one_is_seen():
    drawn = SCREEN.draw(moment("choose", kind="strip"), SCENE, (1280, 720))
    kinds = [target for target in drawn.targets if target.event == "kind"]
    assert [target.value for target in kinds] == list(KINDS)
    bright = [drawn.overlay[round(t.box[1]) + 8, round((t.box[0] + t.box[2]) / 2)].mean() for t in kinds]
    assert int(np.argmax(bright)) == KINDS.index("strip")
    one = Screen({"en": load_words("en")}, replace(OFFERS, kinds=("single",), styles=("a/b",)))
    events = {target.event for target in one.draw(moment("choose"), SCENE, (1280, 720)).targets}
    assert events == {"button", "cancel"}


def test_a_print_is_offered_while_there_are_copies():
    for printed, offered in ((0, True), (1, False)):
        drawn = SCREEN.draw(moment("done", printed=printed), SCENE, (1280, 720))
        assert ("print" in {target.event for target in drawn.targets}) is offered


def test_the_code_is_there_dot_for_dot_in_a_quiet_margin():
    for size in SIZES:
        overlay = SCREEN.draw(moment("done"), replace(SCENE, code=CODE), size).overlay
        opaque = (overlay == (0, 0, 0, 255)).all(2) | (overlay == (255, 255, 255, 255)).all(2)
        dark = np.argwhere((overlay == (0, 0, 0, 255)).all(2))
        (top, left), (bottom, right) = dark.min(0), dark.max(0) + 1
        step = round((right - left) / 33)
        assert (bottom - top, right - left) == (33 * step, 33 * step)
        margin = opaque[top - 3 * step : bottom + 3 * step, left - 3 * step : right + 3 * step]
        assert margin.all()
        dots = overlay[top + step // 2 : bottom : step, left + step // 2 : right : step, 0]
        assert np.array_equal(dots, CODE)


def test_everything_that_changes_is_drawn():
    seen = [
        SCREEN.draw(at, what, (800, 600)).overlay.tobytes()
        for at, what in (
            (moment("countdown"), SCENE),
            (moment("countdown"), replace(SCENE, count=2)),
            (moment("countdown", kind="strip", taken=1), SCENE),
            (moment("choose"), SCENE),
            (moment("choose", sorry=True), SCENE),
            (moment("choose"), replace(SCENE, lost=True)),
            (moment("choose", "fr"), SCENE),
            (moment("choose"), replace(SCENE, title="The Kiss")),
            (moment("done"), SCENE),
            (moment("done", shared=True), SCENE),
            (moment("done", shared=True), replace(SCENE, held=True)),
            (moment("done"), replace(SCENE, print="coming")),
            (moment("done"), replace(SCENE, print="waiting")),
            (moment("done"), replace(SCENE, print="failed")),
            (moment("done"), replace(SCENE, busy=True)),
        )
    ]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("picture", "screen"), [((640, 360), (1920, 1080)), ((300, 900), (1280, 720)), ((90, 90), (480, 800))]
)
def test_a_picture_is_laid_into_its_box_in_its_own_shape(picture, screen):
    box = (100, 50, 400, 300)
    corners = geometry(picture, screen, placed(box, picture, screen))[..., :2] * screen
    left, top = corners.reshape(-1, 2).min(0)
    right, bottom = corners.reshape(-1, 2).max(0)
    assert (right - left) / (bottom - top) == pytest.approx(picture[0] / picture[1], rel=0.02)
    assert left >= 99
    assert top >= 49
    assert right <= 401
    assert bottom <= 301
    assert max((right - left) / 300, (bottom - top) / 250) == pytest.approx(1, abs=0.01)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((250, 175), abs=1)


def test_places_are_listed_as_a_person_says_them():
    english, french = load_words("en"), load_words("fr")
    assert listed(english, ["Bluesky"]) == "on Bluesky"
    assert listed(english, ["Bluesky", "Folder", "gallery"]) == "on Bluesky, in our album and in our gallery"
    assert listed(french, ["X", "slideshow"]) == "sur X et sur l’écran d’ici"
