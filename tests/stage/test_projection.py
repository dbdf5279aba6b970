"""Where the picture lies on the wall."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murai.errors import ControlError
from murai.kept import Kept
from murai.stage.projection import WHOLE, Projection, from_table, grid, with_mesh

shares = st.floats(-0.2, 0.2)
moved = st.tuples(*[st.tuples(shares, shares)] * 4)


def pinned(moves):
    """The screen's corners, each moved a little: always convex."""
    return tuple((x + dx, y + dy) for (x, y), (dx, dy) in zip(WHOLE, moves, strict=True))


def test_as_it_is_everything_stays_where_it_is():
    places = grid(7, 5)
    assert np.allclose(Projection().warp(places), places)


@given(moves=moved)
def test_corners_go_where_they_are_pinned_and_lines_stay_straight(moves):
    projection = Projection(corners=pinned(moves))
    assert np.allclose(projection.warp(WHOLE), projection.corners, atol=1e-9)
    for line in ([(x, 0.3) for x in (0.1, 0.5, 0.9)], [(0.7, y) for y in (0.0, 0.4, 1.0)]):
        a, b, c = projection.warp(line)
        assert abs(np.linalg.det(np.stack([b - a, c - a]))) < 1e-9


def test_what_is_farther_away_is_smaller():
    """A wall that recedes to the right: halves of the picture are not halves of the screen."""
    projection = Projection(corners=((0, 0), (1, 0.25), (1, 0.75), (0, 1)))
    ((x, y),) = projection.warp([(0.5, 0.5)])
    assert x > 0.6
    assert y == pytest.approx(0.5)


@given(points=st.integers(3, 9), x=shares, y=shares, column=st.integers(0, 8), row=st.integers(0, 8))
def test_a_bend_moves_its_own_point_and_no_other(points, x, y, column, row):
    column, row = min(column, points - 1), min(row, points - 1)
    bends = [(0.0, 0.0)] * points**2
    bends[row * points + column] = (x, y)
    places = grid(points, points)
    found = Projection(mesh=points, bends=tuple(bends)).warp(places) - places
    assert np.allclose(found, bends)


@given(points=st.integers(3, 9), others=st.integers(3, 9))
def test_another_mesh_keeps_what_both_can_hold(points, others):
    tilt = tuple((0.1 * x, -0.05 * y) for x, y in grid(points, points))
    projection = Projection(mesh=points, bends=tilt)
    again = Projection(**with_mesh(projection, others))
    places = grid(11, 11)
    assert np.allclose(again.warp(places), projection.warp(places))
    assert Projection(**with_mesh(again, 0)) == Projection()


@given(moves=moved, mesh=st.sampled_from([0, 3, 4, 9]), data=st.data())
@settings(max_examples=30)
def test_a_projection_comes_back_as_it_was_kept(moves, mesh, data, tmp_path_factory):
    bends = tuple(data.draw(st.tuples(shares, shares)) for _ in range(mesh**2))
    one = Projection(
        pinned(moves), mesh, bends, (((0.1, 0.1), (0.2, 0.1), (0.2, 0.3)),), 90, True, True, 0.5, 2.2, 0.125
    )
    kept = Kept(tmp_path_factory.mktemp("kept"), "projection", "projection")
    kept.save("wall", one.to_table())
    assert from_table(kept.load("wall")) == one


def test_what_a_table_leaves_out_is_as_usual():
    assert from_table({}) == Projection()
    assert from_table({"gamma": 2}) == Projection(gamma=2.0)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"corners": [[0, 0], [0, 1], [1, 1], [1, 0]]}, "inside out"),
        ({"corners": [[0, 0], [1, 0], [0.1, 0.1], [0, 1]]}, "inside out"),
        ({"corners": [[0, 0], [1, 0], [1, 1]]}, "inside out"),
        ({"corners": [[0, 0], [1, 0], [1, 1], [0, float("nan")]]}, "too far"),
        ({"corners": [[0, 0], [9, 0], [9, 9], [0, 9]]}, "too far"),
        ({"corners": "wide"}, "corners of a projection cannot be 'wide'"),
        ({"mesh": 2, "bends": [[0, 0]] * 4}, "3x3 to 9x9"),
        ({"mesh": 3}, "3x3 to 9x9"),
        ({"masks": [[[0, 0], [1, 1]]]}, "three corners"),
        ({"masks": 3}, "masks of a projection cannot be 3"),
        ({"turn": 45}, "0, 90, 180 or 270"),
        ({"mirror": 1}, "mirror of a projection cannot be 1"),
        ({"gamma": True}, "gamma of a projection cannot be True"),
        ({"gamma": "2"}, "gamma of a projection"),
        ({"brightness": 3}, "between 0 and 2"),
        ({"fade": 0.6}, "between 0 and 0.5"),
        ({"tilt": 3}, "no 'tilt'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(table, words):
    with pytest.raises(ControlError, match=words):
        from_table(table)
