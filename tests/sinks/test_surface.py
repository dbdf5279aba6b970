"""Where each part of a picture is drawn, without a screen."""

import moderngl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murai.sinks.surface import CELLS, Surface, View, _masked, _triangles, geometry

SQUARE = [(0, 0), (1, 0), (0, 1), (1, 1)]


def corners(picture, screen, **view):
    """Of the four corners: where on the screen, and which place of the picture."""
    shape = geometry(picture, screen, View(**view))
    four = shape[[0, 0, -1, -1], [0, -1, 0, -1]]
    return four[:, :2].tolist(), four[:, 2:4].tolist(), four[:, 4:].tolist()


def test_a_picture_of_the_screens_shape_covers_it():
    at, place, edge = corners((32, 18), (320, 180))
    assert at == place == edge == [list(map(float, corner)) for corner in SQUARE]


def test_another_shape_has_black_bars_or_fills():
    at, place, _ = corners((100, 100), (400, 200))
    assert at == [[0.25, 0], [0.75, 0], [0.25, 1], [0.75, 1]]
    assert np.allclose(place, SQUARE)
    at, place, _ = corners((100, 100), (400, 200), fill=True)
    assert np.allclose(at, SQUARE)
    assert place == [[0, 0.25], [1, 0.25], [0, 0.75], [1, 0.75]]
    at, place, _ = corners((200, 100), (100, 100), fill=True)
    assert place == [[0.25, 0], [0.75, 0], [0.25, 1], [0.75, 1]]


@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ({"mirror": True}, [[1, 0], [0, 0], [1, 1], [0, 1]]),
        ({"turn": 90}, [[0, 1], [0, 0], [1, 1], [1, 0]]),
        ({"turn": 180}, [[1, 1], [0, 1], [1, 0], [0, 0]]),
        ({"turn": 270}, [[1, 0], [1, 1], [0, 0], [0, 1]]),
        ({"turn": 90, "mirror": True}, [[0, 0], [0, 1], [1, 0], [1, 1]]),
    ],
)
def test_turned_and_mirrored_each_corner_shows_another(view, shown):
    _, place, _ = corners((64, 64), (100, 100), **view)
    assert place == shown


def test_a_picture_turned_on_its_side_stands():
    at, _, _ = corners((200, 100), (200, 200), turn=90)
    assert at == [[0.25, 0], [0.75, 0], [0.25, 1], [0.75, 1]]


def test_a_warp_moves_places_on_the_screen_alone():
    straight, bent = (
        geometry((64, 48), (64, 48), View(warp=warp)) for warp in (lambda p: p, lambda p: 0.5 * p + (0.1, 0.2))
    )
    assert straight.shape == (CELLS + 1, CELLS + 1, 6)
    assert np.allclose(bent[..., :2], 0.5 * straight[..., :2] + (0.1, 0.2))
    assert np.array_equal(bent[..., 2:], straight[..., 2:])


@given(points=st.integers(2, 9))
def test_the_triangles_cover_every_cell_once(points):
    places = np.stack(np.meshgrid(np.arange(points), np.arange(points)), -1).reshape(-1, 2)
    a, b, c = (places[corner] for corner in _triangles(points).reshape(-1, 3).T)
    areas = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    assert np.allclose(areas, 0.5)
    assert len(areas) == 2 * (points - 1) ** 2
    assert len({tuple(sorted(map(tuple, t))) for t in np.stack([a, b, c], 1).tolist()}) == len(areas)


def test_masks_are_black_and_all_else_is_white():
    mask = _masked((((0.5, 0), (1, 0), (1, 1), (0.5, 1)), ((0, 0), (0.2, 0), (0, 0.2))), (100, 60))
    assert mask.shape == (60, 100)
    assert mask[30, 75] == 0
    assert mask[1, 1] == 0
    assert mask[30, 20] == 255
    assert _masked((), (100, 60)).tolist() == [[255]]


class Counting:
    """An OpenGL context without a screen, and the buffers it made."""

    def __init__(self):
        self.context = moderngl.create_context(standalone=True, backend="egl")
        self.screen = self.context.simple_framebuffer((64, 48))
        self.buffers = []

    def __getattr__(self, name):
        return getattr(self.context, name)

    def buffer(self, *arguments, **options):
        self.buffers.append(self.context.buffer(*arguments, **options))
        return self.buffers[-1]

    @property
    def alive(self):
        return sum(not isinstance(buffer.mglo, moderngl.InvalidObject) for buffer in self.buffers)


def test_what_is_drawn_again_and_again_leaves_no_buffer_behind(monkeypatch):
    try:
        context = Counting()
    except Exception as error:
        pytest.skip(f"there is no OpenGL here ({error})")
    monkeypatch.setattr(moderngl, "create_context", lambda require: context)
    surface = Surface()
    surface.upload(np.zeros((48, 64, 3), np.uint8))
    surface.lay_over(np.zeros((8, 8, 4), np.uint8))
    surface.draw(64, 48)
    alive = context.alive
    for brightness in np.linspace(0, 1, 20):
        surface.draw(64, 48, View(brightness=float(brightness)))
    assert context.alive == alive > 0
    surface.close()
    assert context.alive == 0
