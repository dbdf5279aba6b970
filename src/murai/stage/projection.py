"""How the picture lies on a wall: turned, mirrored, pinned at four corners, bent by a mesh, masked.

Places are in shares of the screen: (0, 0) is the top left, (1, 1) the bottom right.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from murai.errors import ControlError

Place = tuple[float, float]
Places = NDArray[np.float64]
"""[N, 2]"""

WHOLE: tuple[Place, ...] = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
"""The corners of the screen: top left, top right, bottom right, bottom left."""
MESHES = (0, *range(3, 10))
"""Points a side that a mesh may have; 0 is no mesh."""
FARTHEST = 4.0
"""How far from the screen a point may lie, in screens."""


@dataclass(frozen=True)
class Projection:
    """One way to lay the picture on a wall. Raises ControlError for what cannot be drawn.

    corners     where the corners of the picture go, in the order of `WHOLE`; they make a convex shape
    mesh        points a side, 0 for none
    bends       for each point of the mesh, row by row, how far it is moved before the corners are pinned
    masks       polygons that stay dark, such as windows in a façade
    turn        degrees, clockwise: 0, 90, 180 or 270
    mirror      left and right change places
    fill        the picture fills its place and loses what sticks out, instead of black bars
    brightness  1 is as it is
    gamma       above 1 lightens the dark parts
    fade        share of the width and height over which the edges fade to black
    """

    corners: tuple[Place, ...] = WHOLE
    mesh: int = 0
    bends: tuple[Place, ...] = ()
    masks: tuple[tuple[Place, ...], ...] = ()
    turn: int = 0
    mirror: bool = False
    fill: bool = False
    brightness: float = 1.0
    gamma: float = 1.0
    fade: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (("brightness", 0.0, 2.0), ("gamma", 0.2, 5.0), ("fade", 0.0, 0.5)):
            if not low <= getattr(self, name) <= high:
                raise ControlError(f"{name} is between {low:g} and {high:g}, not {getattr(self, name):g}.")
        if self.turn not in (0, 90, 180, 270):
            raise ControlError(f"the picture is turned by 0, 90, 180 or 270 degrees, not {self.turn}.")
        if self.mesh not in MESHES or len(self.bends) != self.mesh**2:
            raise ControlError("a mesh has 3x3 to 9x9 points, and a bend for each; make it anew.")
        if any(len(mask) < 3 for mask in self.masks):
            raise ControlError("a mask has three corners or more; draw it again.")
        places = [*self.corners, *self.bends, *(place for mask in self.masks for place in mask)]
        if not all(math.isfinite(x) and abs(x) <= FARTHEST for place in places for x in place):
            raise ControlError("a point lies too far from the screen; bring it nearer.")
        if len(self.corners) != 4 or not _convex(self.corners):
            raise ControlError("the corners are turned inside out; keep each on its own side of the others.")

    def warp(self, places: Places) -> Places:
        """Where `places` in the unbent picture, [N, 2] in 0..1, lie on the screen."""
        places = np.asarray(places, np.float64)
        if self.mesh:
            places = places + _bent(places, np.array(self.bends).reshape(self.mesh, self.mesh, 2))
        x, y, w = homography(self.corners) @ np.stack([*places.T, np.ones(len(places))])
        # Where a bend reaches beyond the horizon of the corners, it is drawn at the horizon.
        lying: Places = np.stack([x, y], 1) / np.maximum(w, 1e-3)[:, None]
        return lying

    def to_table(self) -> dict[str, Any]:
        """The projection as it is written to a file."""
        return _lists(asdict(self))  # type: ignore[no-any-return]


def from_table(table: Mapping[str, Any]) -> Projection:
    """The projection that `table`, as written to a file, is; what it leaves out is as usual. Raises ControlError."""
    known = {field.name: field.default for field in fields(Projection)}
    if unknown := sorted(set(table) - set(known)):
        raise ControlError(f"a projection has no '{unknown[0]}'; it has {', '.join(known)}.")
    values = {}
    for name, value in table.items():
        try:
            values[name] = _typed(known[name], value, name)
        except (TypeError, ValueError) as error:
            raise ControlError(f"{name} of a projection cannot be {value!r:.60}; save it again.") from error
    return Projection(**values)


def with_mesh(projection: Projection, points: int) -> dict[str, Any]:
    """The fields of a mesh of `points` a side that bends as `projection` does, as near as it can."""
    if points == 0:
        return {"mesh": 0, "bends": ()}
    if not projection.mesh:
        return {"mesh": points, "bends": ((0.0, 0.0),) * points**2}
    before = np.array(projection.bends).reshape(projection.mesh, projection.mesh, 2)
    bends = _bent(grid(points, points), before)
    return {"mesh": points, "bends": tuple((float(x), float(y)) for x, y in bends)}


def grid(columns: int, rows: int) -> Places:
    """`columns` x `rows` places over the whole picture, row by row."""
    xs, ys = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
    return np.stack([xs.ravel(), ys.ravel()], 1)


def homography(corners: Sequence[Place]) -> Places:
    """The matrix [3, 3] that takes the corners of `WHOLE` to `corners`."""
    rows, right = [], []
    for (x, y), (u, v) in zip(WHOLE, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(right)), 1.0).reshape(3, 3)


def _bent(places: Places, bends: NDArray[np.float64]) -> Places:
    """The bends [P, P, 2] at `places`, bilinearly between the points of the mesh."""
    last = bends.shape[0] - 1
    at = np.clip(places, 0, 1) * last
    low = np.minimum(at.astype(int), last - 1)
    x, y = (at - low).T[:, :, None]
    column, row = low.T
    top = (1 - x) * bends[row, column] + x * bends[row, column + 1]
    bottom = (1 - x) * bends[row + 1, column] + x * bends[row + 1, column + 1]
    return (1 - y) * top + y * bottom  # type: ignore[no-any-return]


def _convex(corners: Sequence[Place]) -> bool:
    """Whether the shape turns right at every corner, as the screen does."""
    points = np.array(corners, np.float64)
    sides = np.roll(points, -1, 0) - points
    after = np.roll(sides, -1, 0)
    return bool((sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0] > 1e-6).all())


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lists(item) for name, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple) else value


def _typed(usual: Any, value: Any, name: str) -> Any:
    """`value` as the kind of the field whose usual value is `usual`. Raises TypeError, ValueError."""
    if name == "masks":
        return tuple(_places(mask) for mask in value)
    if isinstance(usual, tuple):
        return _places(value)
    if isinstance(usual, bool) or isinstance(value, bool):
        if type(usual) is not type(value):
            raise TypeError
        return value
    if isinstance(value, str):
        raise TypeError
    return type(usual)(value)


def _places(value: Any) -> tuple[Place, ...]:
    return tuple((float(x), float(y)) for x, y in value)
