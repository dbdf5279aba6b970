"""Laying the picture on a wall by hand: points to drag, keys for the rest, and a picture to see it by."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from murai.errors import ControlError
from murai.frame import Image
from murai.sinks.surface import View
from murai.stage.panel import Line, Overlay, Panel
from murai.stage.projection import FARTHEST, WHOLE, Place, Projection, grid, homography, with_mesh

NEAR = 0.04
"""How near to a point, in shares of the screen, the mouse takes it."""
KEYS = {
    "tab": "the next point; drag it with the mouse, move it by a pixel with the arrows",
    "m": "a mesh of 3, 5, 7 or 9 points a side, or none",
    "t": "turn",
    "x": "mirror",
    "l": "black bars, or fill",
    "- =": "brightness",
    "[ ]": "gamma",
    ", .": "fade of the edges",
    "w": "begin a mask: click its corners, w again ends it",
    "e": "erase the last mask",
    "backspace": "begin anew",
    "enter": "keep it",
    "h": "hide this, and show it again",
    "p": "back to the show",
}
STEPS = {
    "-": ("brightness", -0.05, 0.0, 2.0),
    "=": ("brightness", 0.05, 0.0, 2.0),
    "[": ("gamma", -0.1, 0.2, 5.0),
    "]": ("gamma", 0.1, 0.2, 5.0),
    ",": ("fade", -0.02, 0.0, 0.5),
    ".": ("fade", 0.02, 0.0, 0.5),
}
ARROWS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
NEXT_MESH = {0: 3, 3: 5, 5: 7, 7: 9}


def view(projection: Projection) -> View:
    """How a window shows pictures that lie like `projection`."""
    bent = projection.mesh or projection.corners != WHOLE
    return View(
        warp=projection.warp if bent else None,
        turn=projection.turn,
        mirror=projection.mirror,
        fill=projection.fill,
        masks=projection.masks,
        brightness=projection.brightness,
        gamma=projection.gamma,
        fade=projection.fade,
    )


class Calibration:
    """Changes `projection` by keys and by the mouse, in a window of `size` pixels; `keep` is called with it by enter.

    What cannot be drawn is not done, and raises ControlError. Belongs to the thread of the window.
    """

    def __init__(self, projection: Projection, size: tuple[int, int], keep: Callable[[Projection], None]) -> None:
        self.projection, self._keep = projection, keep
        self.chosen = 0
        """The number of the point that is moved: the corners, then the mesh."""
        self._size = (0, 0)
        self.card: Image
        """The calibration picture."""
        self.fit(size)
        self._held = self._hidden = False
        self._mask: list[Place] | None = None

    def fit(self, size: tuple[int, int]) -> bool:
        """Be for a window of `size` from now on: whether that is another one."""
        changed = size != self._size and min(size) > 0  # one that was minimized may have none
        if changed:
            self._size = size
            self.card = _card(size)
        return changed

    @property
    def points(self) -> list[Place]:
        """Where every point lies on the screen: the four corners, then those of the mesh."""
        mesh = self.projection.mesh
        bent = self.projection.warp(grid(mesh, mesh)).tolist() if mesh else []
        return [*self.projection.corners, *((x, y) for x, y in bent)]

    def press(self, key: str) -> bool:
        """What `key` does; False where it does nothing."""
        if key in ARROWS:
            x, y = self.points[self.chosen]
            dx, dy = ARROWS[key]
            self._move((x + dx / self._size[0], y + dy / self._size[1]))
        elif key in STEPS:
            name, step, low, high = STEPS[key]
            now = getattr(self.projection, name)
            self._change(**{name: round(min(high, max(low, now + step)), 3)})
        elif key in (acts := self._acts()):
            acts[key]()
        else:
            return False
        return True

    def mouse(self, kind: str, x: float, y: float) -> None:
        """The left button at (x, y), in shares of the screen: "press", "move" or "release"."""
        if kind == "press" and self._mask is not None:
            self._mask.append((x, y))
        elif kind == "press":
            away = [max(abs(px - x), abs(py - y)) for px, py in self.points]
            self._held = min(away) <= NEAR
            if self._held:
                self.chosen = int(np.argmin(away))
        elif kind == "release":
            self._held = False
        elif self._held:
            self._move((x, y))

    def overlay(self, note: str = "") -> Overlay:
        """The points, the mask that is being drawn, `note`, and what the keys do unless that is hidden."""
        width, height = self._size
        picture = Pillow.new("RGBA", self._size)
        draw = ImageDraw.Draw(picture)
        for number, (x, y) in enumerate(self.points):
            at, color = (x * width, y * height), (255, 80, 80, 255) if number == self.chosen else (80, 200, 255, 255)
            draw.ellipse((at[0] - 12, at[1] - 12, at[0] + 12, at[1] + 12), outline=color, width=3)
        if self._mask:
            corners = [(x * width, y * height) for x, y in self._mask]
            draw.line([*corners, corners[0]], (255, 80, 80, 255), 2)
        now = self.projection
        figures = f"brightness {now.brightness:g}, gamma {now.gamma:g}, fade {now.fade:g}, {len(now.masks)} masks"
        lines = [] if self._hidden else [Line(figures), *(Line(f"{key}   {what}") for key, what in KEYS.items())]
        lines = [*([Line(note)] if note else []), *lines]
        if not lines:
            return np.asarray(picture)
        panel = Pillow.fromarray(Panel(lines).draw())
        left, top = max(0, (width - panel.width) // 2), 0 if self._hidden else max(0, (height - panel.height) // 2)
        picture.alpha_composite(panel, (left, top))
        return np.asarray(picture)

    def _acts(self) -> dict[str, Callable[[], object]]:
        now = self.projection
        return {
            "tab": self._next,
            "m": lambda: self._change(**with_mesh(now, NEXT_MESH.get(now.mesh, 0))),
            "t": lambda: self._change(turn=(now.turn + 90) % 360),
            "x": lambda: self._change(mirror=not now.mirror),
            "l": lambda: self._change(fill=not now.fill),
            "w": self._begin_or_end_mask,
            "e": lambda: self._change(masks=now.masks[:-1]),
            "backspace": lambda: self._change(**vars(Projection())),
            "h": self._hide,
            "enter": lambda: self._keep(now),
        }

    def _next(self) -> None:
        self.chosen = (self.chosen + 1) % len(self.points)

    def _hide(self) -> None:
        self._hidden = not self._hidden

    def _begin_or_end_mask(self) -> None:
        mask, self._mask = self._mask, None
        if mask is None:
            self._mask = []
        elif mask:
            self._change(masks=(*self.projection.masks, tuple(mask)))

    def _change(self, **changes: Any) -> None:
        self.projection = replace(self.projection, **changes)
        self.chosen = min(self.chosen, len(self.points) - 1)

    def _move(self, place: Place) -> None:
        """Bring the chosen point to `place`."""
        now = self.projection
        if self.chosen < 4:
            corners = [*now.corners]
            corners[self.chosen] = place
            return self._change(corners=tuple(corners))
        x, y, w = np.linalg.inv(homography(now.corners)) @ (*place, 1.0)
        if abs(w) < 1e-6:
            raise ControlError("the point lies too far from the screen; bring it nearer.")
        number = self.chosen - 4
        straight = grid(now.mesh, now.mesh)[number]
        bend = np.clip((x / w, y / w) - straight, -FARTHEST, FARTHEST)
        bends = [*now.bends]
        bends[number] = (float(bend[0]), float(bend[1]))
        self._change(bends=tuple(bends))


def _card(size: tuple[int, int]) -> Image:
    """The calibration picture: squares, the middle, a circle, and an arrow that shows what is up."""
    width, height = size
    picture = Pillow.new("RGB", size, (24, 24, 24))
    draw, side = ImageDraw.Draw(picture), max(8, min(width, height) // 10)
    for x in range(width // 2 % side, width, side):
        draw.line((x, 0, x, height), (90, 90, 90))
    for y in range(height // 2 % side, height, side):
        draw.line((0, y, width, y), (90, 90, 90))
    draw.line((width // 2, 0, width // 2, height), (255, 255, 255), 2)
    draw.line((0, height // 2, width, height // 2), (255, 255, 255), 2)
    round_ = 4 * side
    box = (width // 2 - round_, height // 2 - round_, width // 2 + round_, height // 2 + round_)
    draw.ellipse(box, outline=(240, 160, 40), width=2)
    draw.rectangle((0, 0, width - 1, height - 1), outline=(255, 255, 255), width=2)
    draw.polygon([(width // 2, side), (width // 2 - side, 2 * side), (width // 2 + side, 2 * side)], (240, 160, 40))
    return np.asarray(picture)
