"""What the visitor sees over the mirror: prompts, the countdown, buttons, the review picture, the question, the QR."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ImageDraw

from murai.booth.letters import Weight, balanced, fitting, letters
from murai.booth.visit import SHOTS, Moment, Offers
from murai.booth.words import Words
from murai.sinks.encode import fit
from murai.sinks.surface import View

Overlay = NDArray[np.uint8]
"""H x W x 4, uint8, RGBA."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""
Colour = tuple[int, int, int, int]
WHITE, SOFT, DARK = (255, 255, 255, 255), (255, 255, 255, 190), (24, 20, 18, 255)
ACCENT, GLASS, EDGE, CHOSEN = (255, 196, 87, 255), (20, 17, 15, 165), (255, 255, 255, 120), (255, 255, 255, 235)
SCRIM = 205
"""How dark it becomes behind what is written over the mirror, of 255."""
QUIET = 4
"""Dots of white around a QR, which readers need."""
PRINTS = {"coming": "screen.printed", "waiting": "screen.print_waits", "failed": "screen.unprinted"}
"""What is said of a print."""
SMOOTH = 4
"""Shapes are drawn so many times as large and shrunk, so that their edges are soft."""


@dataclass(frozen=True)
class Scene:
    """What the screen shows beside the visit itself.

    title, artist   of the style that is painted
    count           the number of the countdown
    lost            the camera is away
    busy            what was asked for is being done
    places          where a shared picture appears
    held            once the host agreed
    code            a QR, H x W in 0 and 255: of the visit while nobody is there, of the picture when it is done
    address         the same to be typed
    print           "" nothing was printed, "coming", "waiting" for the host, or "failed"
    """

    title: str = ""
    artist: str = ""
    count: int = 0
    lost: bool = False
    busy: bool = False
    places: tuple[str, ...] = ()
    held: bool = False
    code: NDArray[np.uint8] | None = None
    address: str = ""
    print: str = ""


@dataclass(frozen=True)
class Target:
    """What happens when `box` is touched."""

    event: str
    box: Box
    value: str = ""


@dataclass(frozen=True)
class Drawn:
    """A screen: what is laid over the mirror, what can be touched, and where the picture goes, if there is one.

    `serial` is that of the moment it was drawn for: a touch is meant for that.
    """

    overlay: Overlay
    targets: tuple[Target, ...]
    serial: int
    picture: Box | None = None

    def touched(self, x: float, y: float) -> Target | None:
        """What is at a pixel; the smallest where several are."""
        at = [t for t in self.targets if t.box[0] <= x <= t.box[2] and t.box[1] <= y <= t.box[3]]
        return min(at, key=lambda t: (t.box[2] - t.box[0]) * (t.box[3] - t.box[1]), default=None)


class Screen:
    """Draws moments of a visit in `languages`, by their names, with what the booth `offers`."""

    def __init__(self, languages: Mapping[str, Words], offers: Offers) -> None:
        self._languages, self._offers = languages, offers

    def draw(self, moment: Moment, scene: Scene, size: tuple[int, int]) -> Drawn:
        """The screen of `size` (width, height) at `moment`."""
        page = _Page(size, self._languages[moment.language])
        picture = getattr(self, f"_{moment.state}")(page, moment, scene)
        if moment.state not in ("countdown", "taking"):
            self._languages_of(page, moment)
        overlay = np.asarray(page.image)
        return Drawn(overlay, tuple(page.targets), moment.serial, picture)

    # The states

    def _idle(self, page: "_Page", moment: Moment, scene: Scene) -> None:
        page.scrim(0.0, 0.62)
        say, unit = page.words, page.unit
        page.targets.append(Target("button", (0, 0, *page.size)))
        bottom = page.height - 6 * unit
        bottom = page.pill(say("screen.lost" if scene.lost else "screen.idle"), bottom, 4.6, ACCENT, DARK)
        bottom = page.text(self._by(say, scene), bottom - 3 * unit, 4.2, "regular", SOFT)
        page.text(say("screen.welcome"), bottom - 1.5 * unit, 10, "bold")
        if scene.code is not None:
            page.invitation(scene.code, say("screen.phone"))

    def _choose(self, page: "_Page", moment: Moment, scene: Scene) -> None:
        page.scrim(0.26, 0.72)
        say, unit = page.words, page.unit
        title = "screen.lost" if scene.lost else "screen.sorry" if moment.sorry else "screen.choose"
        page.headline(say(title))
        page.close("cancel")
        bottom = page.height - 5 * unit
        bottom = page.buttons([("button", "", say("screen.start"), "main")], bottom, 13) - 3 * unit
        if len(self._offers.kinds) > 1:
            names = say.table("kinds")
            kinds = [("kind", kind, names[kind], _state(kind == moment.kind)) for kind in self._offers.kinds]
            bottom = page.buttons(kinds, bottom, 9) - 3 * unit
        bottom = page.text(scene.artist, bottom, 4, "regular", SOFT)
        top = page.text(scene.title, bottom - 0.5 * unit, 7, "bold", sides=20 * unit)
        if len(self._offers.styles) > 1:
            page.arrows((top + bottom) / 2 + 1 * unit)

    def _countdown(self, page: "_Page", moment: Moment, scene: Scene) -> None:
        page.scrim(0.26, 0.0)
        say = page.words
        many = SHOTS[moment.kind]
        counted = say("screen.count", number=moment.taken + 1, all=many) if many > 1 else ""
        page.headline(say("screen.ready"), counted)
        page.close("cancel")
        page.number(str(scene.count))

    def _taking(self, page: "_Page", moment: Moment, scene: Scene) -> None:
        page.scrim(0.26, 0.0)
        page.headline(page.words("screen.hold" if moment.kind == "boomerang" else "screen.smile"))

    def _review(self, page: "_Page", moment: Moment, scene: Scene) -> Box:
        say, unit = page.words, page.unit
        top = page.headline(say("screen.review"))
        page.close("cancel")
        choices = [("retake", "", say("screen.retake"), "plain"), ("button", "", say("screen.keep"), "main")]
        bottom = page.buttons(choices, page.height - 4 * unit, 13)
        return page.between(top, bottom)

    def _consent(self, page: "_Page", moment: Moment, scene: Scene) -> Box:
        say, unit = page.words, page.unit
        top = page.headline(say("screen.consent"))
        both = [("no", "", say("screen.no"), "plain"), ("yes", "", say("screen.yes"), "plain")]
        bottom = page.buttons(both, page.height - 3 * unit, 13)
        hint = say("screen.button", what=say("screen.yes"))
        bottom = page.text(hint, bottom - 1.5 * unit, 3.4, "regular", SOFT)
        bottom = page.text(say("screen.otherwise"), bottom - 1.2 * unit, 3.6, "regular", SOFT)
        where = say("screen.where", places=listed(say, scene.places))
        bottom = page.text(where, bottom - 0.8 * unit, 4.4, "medium")
        return page.between(top, bottom)

    def _done(self, page: "_Page", moment: Moment, scene: Scene) -> Box:
        say, unit = page.words, page.unit
        top = page.headline(say("screen.done"))
        choices = [("cancel", "", say("screen.finish"), "plain")]
        if moment.printed < self._offers.copies:
            choices.append(("print", "", say("screen.print"), "main"))
        bottom = page.buttons(choices, page.height - 3 * unit, 12)
        if scene.print:
            bottom = page.text(say(PRINTS[scene.print]), bottom - 1.5 * unit, 3.8, "medium", ACCENT)
        bottom = page.text(self._fate(say, moment, scene), bottom - 1.5 * unit, 3.6, "regular", SOFT)
        if scene.busy:
            bottom = page.text(say("screen.wait"), bottom - 1.5 * unit, 3.6, "regular", SOFT)
        if scene.code is None:
            return page.between(top, bottom)
        return page.code(scene.code, scene.address, say("screen.scan"), page.between(top, bottom))

    # What several states show

    def _languages_of(self, page: "_Page", moment: Moment) -> None:
        """The other languages, in a corner."""
        right = page.width - 3 * page.unit
        for name in reversed(list(self._languages)):
            if name != moment.language:
                right = page.chip(self._languages[name].language, right, "language", name) - 1.5 * page.unit

    @staticmethod
    def _by(say: Words, scene: Scene) -> str:
        return say("screen.by", title=scene.title, artist=scene.artist) if scene.artist else scene.title

    def _fate(self, say: Words, moment: Moment, scene: Scene) -> str:
        """Where the picture goes, in words."""
        if not moment.shared:
            return say("screen.private")
        return say("screen.waits" if scene.held else "screen.shared", places=listed(say, scene.places))


def listed(words: Words, places: Sequence[str]) -> str:
    """ "on a, in b and on c": services by their names, and places that the words have a name for."""
    texts = words.table("screen")
    names = [texts.get(place.lower()) or words("screen.on", service=place) for place in places]
    return f" {words('screen.and')} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def placed(box: Box, picture: tuple[int, int], screen: tuple[int, int]) -> View:
    """How a picture of that size is shown as large as it fits into `box` of a screen."""
    _, _, full_width, full_height = fit(*picture, screen)
    scale = min((box[2] - box[0]) / full_width, (box[3] - box[1]) / full_height)
    middle = np.array([(box[0] + box[2]) / 2 / screen[0], (box[1] + box[3]) / 2 / screen[1]])

    def warp(places: NDArray[np.float64]) -> NDArray[np.float64]:
        moved: NDArray[np.float64] = (places - 0.5) * scale + middle
        return moved

    return View(warp=warp)


def _state(chosen: bool) -> str:
    return "chosen" if chosen else "plain"


class _Page:
    """An overlay while it is drawn, and what can be touched on it. Sizes are in hundredths of its shorter side."""

    def __init__(self, size: tuple[int, int], words: Words) -> None:
        self.size, (self.width, self.height), self.words = size, size, words
        self.unit = min(size) / 100
        self.image = PIL.Image.new("RGBA", size, (0, 0, 0, 0))
        self.targets: list[Target] = []

    def scrim(self, top: float, bottom: float) -> None:
        """Darken the upper and the lower part, so much of the height each, softly."""
        self.image.paste((12, 10, 9, 0), (0, 0, *self.size))
        self.image.putalpha(PIL.Image.fromarray(_shade(self.size, top, bottom)))

    def text(
        self,
        text: str,
        bottom: float,
        size: float,
        weight: Weight = "regular",
        colour: Colour = WHITE,
        sides: float = 0,
    ) -> float:
        """Lines of text, centred, above `bottom`; where they begin. `sides` is what stays free left and right."""
        room = self.width - 2 * max(sides, 5 * self.unit)
        font = letters(size * self.unit, weight)
        lines = balanced(text, font, room)
        if len(lines) > 2:  # smaller is better than many lines
            font = letters(0.75 * size * self.unit, weight)
            lines = balanced(text, font, room)
        draw, step = ImageDraw.Draw(self.image), 1.2 * font.size
        for number, line in enumerate(reversed(lines)):
            fitted = fitting(line, room, font.size, weight)
            draw.text((self.width / 2, bottom - (number + 0.5) * step), line, colour, fitted, anchor="mm")
        return bottom - len(lines) * step

    def headline(self, text: str, under: str = "") -> float:
        """The prompt at the top, clear of the corners; where it ends."""
        wide = self.width > self.height
        top, room = (3.5, self.width - 52 * self.unit) if wide else (13, self.width - 10 * self.unit)
        font = letters(7 * self.unit, "bold")
        lines = balanced(text, font, room)
        if wide and len(lines) > 1:
            font = letters(4.6 * self.unit, "bold")
            lines = balanced(text, font, room)
        draw, y = ImageDraw.Draw(self.image), top * self.unit
        for line in lines:
            draw.text((self.width / 2, y), line, WHITE, fitting(line, room, font.size, "bold"), anchor="ma")
            y += 1.2 * font.size
        if under:
            draw.text((self.width / 2, y + self.unit), under, SOFT, letters(4.5 * self.unit, "medium"), anchor="ma")
        return y

    def number(self, text: str) -> None:
        """The countdown, large, and below the faces."""
        radius = 17 * self.unit
        middle = self.width / 2, self.height - radius - 5 * self.unit
        self.rounded((middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius), GLASS, radius)
        ImageDraw.Draw(self.image).text(middle, text, WHITE, letters(24 * self.unit, "bold"), anchor="mm")

    def pill(self, text: str, bottom: float, size: float, fill: Colour, ink: Colour) -> float:
        """A line on a rounded ground, centred; where it begins."""
        font = fitting(text, self.width - 16 * self.unit, size * self.unit, "medium")
        half, high = font.getlength(text) / 2 + 4 * self.unit, (size + 6) * self.unit
        box = (self.width / 2 - half, bottom - high, self.width / 2 + half, bottom)
        self.rounded(box, fill, high / 2)
        ImageDraw.Draw(self.image).text((self.width / 2, bottom - high / 2), text, ink, font, anchor="mm")
        return bottom - high

    def buttons(self, choices: Sequence[tuple[str, str, str, str]], bottom: float, high: float) -> float:
        """Buttons (event, value, text, kind) beside each other, or below each other where it is narrow; their top."""
        gap, unit = 2 * self.unit, self.unit
        font = letters(0.36 * high * unit, "medium")
        wide = max(24 * unit, max(font.getlength(text) for _, _, text, _ in choices) + 8 * unit)
        columns = max(1, min(len(choices), int((self.width - 8 * unit + gap) // (wide + gap))))
        if columns == 1:
            wide = min(wide, self.width - 8 * unit)
        columns = -(-len(choices) // -(-len(choices) // columns))  # rows that are equally long
        rows = [choices[start : start + columns] for start in range(0, len(choices), columns)]
        top = bottom - len(rows) * (high * unit + gap) + gap
        for number, row in enumerate(rows):
            left = (self.width - len(row) * (wide + gap) + gap) / 2
            for event, value, text, kind in row:
                y = top + number * (high * unit + gap)
                self.button(Target(event, (left, y, left + wide, y + high * unit), value), text, kind)
                left += wide + gap
        return top

    def button(self, target: Target, text: str, kind: str) -> None:
        """A button: "main", "plain", or one of several that is "chosen"."""
        left, top, right, bottom = target.box
        fill, ink = {"main": (ACCENT, DARK), "plain": (GLASS, WHITE), "chosen": (CHOSEN, DARK)}[kind]
        self.rounded(target.box, fill, (bottom - top) / 2, EDGE if kind == "plain" else None)
        font = fitting(text, right - left - 5 * self.unit, 0.36 * (bottom - top), "medium")
        ImageDraw.Draw(self.image).text(((left + right) / 2, (top + bottom) / 2), text, ink, font, anchor="mm")
        self.targets.append(target)

    def chip(self, text: str, right: float, event: str, value: str) -> float:
        """A small button at the top, with its right end there; its left end."""
        high, font = 8 * self.unit, letters(3.2 * self.unit, "medium")
        left = right - font.getlength(text) - 5 * self.unit
        self.button(Target(event, (left, 3 * self.unit, right, 3 * self.unit + high), value), text, "plain")
        return left

    def close(self, event: str) -> None:
        """A cross in the corner."""
        unit = self.unit
        box = (3 * unit, 3 * unit, 11 * unit, 11 * unit)
        self.rounded(box, GLASS, 4 * unit, EDGE)
        width = max(2, round(0.5 * unit * SMOOTH))

        def cross(draw: ImageDraw.ImageDraw, s: float) -> None:
            for up in (1.5, -1.5):
                draw.line([(2.5 * s, (4 - up) * s), (5.5 * s, (4 + up) * s)], 255, width)

        self.shape(box, cross)
        self.targets.append(Target(event, box))

    def arrows(self, middle: float) -> None:
        """To the style before and the one after."""
        unit = self.unit
        for event, x, way in (("previous", 11 * unit, -1), ("next", self.width - 11 * unit, 1)):
            box = (x - 7 * unit, middle - 7 * unit, x + 7 * unit, middle + 7 * unit)
            self.rounded(box, GLASS, 7 * unit, EDGE)
            width = max(2, round(0.9 * unit * SMOOTH))

            def chevron(draw: ImageDraw.ImageDraw, s: float, way: int = way, width: int = width) -> None:
                points = [((7 - 1.2 * way) * s, 4.2 * s), ((7 + 1.6 * way) * s, 7 * s), ((7 - 1.2 * way) * s, 9.8 * s)]
                draw.line(points, 255, width, joint="curve")

            self.shape(box, chevron)
            self.targets.append(Target(event, box))

    def code(self, code: NDArray[np.uint8], address: str, hint: str, room: Box) -> Box:
        """The QR with what it is for, beside the picture or below it; what is left of `room` for the picture."""
        left, top, right, bottom = room
        if self.width > self.height:
            cut = left + 0.55 * (right - left)
            part, rest = (cut + self.unit, top, right, bottom), (left, top, cut - self.unit, bottom)
        else:
            cut = top + 0.51 * (bottom - top)
            part, rest = (left, cut + self.unit, right, bottom), (left, top, right, cut - self.unit)
        font = letters(3.4 * self.unit, "medium")
        lines = balanced(hint, font, part[2] - part[0])
        below = (1.25 * len(lines) * 3.4 + 2 + (4 if address else 0)) * self.unit
        side = min(part[2] - part[0], part[3] - part[1] - below, 46 * self.unit)
        step = _step(code, side)
        side = step * (len(code) + 2 * QUIET)
        x, y = (part[0] + part[2] - side) / 2, part[1] + (part[3] - part[1] - side - below) / 2
        self._dots(code, x, y, step)
        draw, middle, y = ImageDraw.Draw(self.image), (part[0] + part[2]) / 2, y + side + 2 * self.unit
        for line in lines:
            draw.text((middle, y), line, WHITE, font, anchor="ma")
            y += 1.25 * font.size
        small = fitting(address, part[2] - part[0], 2.6 * self.unit)
        draw.text((middle, y + 0.5 * self.unit), address, SOFT, small, anchor="ma")
        return rest

    def invitation(self, code: NDArray[np.uint8], hint: str) -> None:
        """A small QR in the left corner, and what it is for."""
        step = _step(code, 19 * self.unit)
        side, left = step * (len(code) + 2 * QUIET), 3 * self.unit
        self._dots(code, left, left, step)
        font = letters(3.2 * self.unit, "medium")
        for number, line in enumerate(balanced(hint, font, 1.3 * side)):
            place = left, left + side + (1 + 3.9 * number) * self.unit
            ImageDraw.Draw(self.image).text(place, line, WHITE, font, stroke_width=1, stroke_fill=DARK)

    def _dots(self, code: NDArray[np.uint8], x: float, y: float, step: int) -> None:
        """A QR in its quiet margin."""
        side = step * (len(code) + 2 * QUIET)
        self.rounded((x, y, x + side, y + side), WHITE, 2 * step)
        picture = PIL.Image.fromarray(code).resize((step * len(code),) * 2, PIL.Image.Resampling.NEAREST)
        self.image.paste(picture.convert("RGBA"), (round(x) + QUIET * step, round(y) + QUIET * step))

    def between(self, top: float, bottom: float) -> Box:
        """What is left for a picture."""
        return 4 * self.unit, top + 2 * self.unit, self.width - 4 * self.unit, bottom - 3 * self.unit

    def rounded(self, box: Box, fill: Colour, radius: float, edge: Colour | None = None) -> None:
        """A rounded ground with soft edges."""
        left, top, right, bottom = map(round, box)
        mask = _rounded((right - left, bottom - top), round(radius))
        self._blend(fill, (left, top), mask)
        if edge is not None:
            width = max(1, round(0.3 * self.unit))
            inner = _rounded((right - left - 2 * width, bottom - top - 2 * width), round(radius) - width)
            ring = mask.copy()
            ring.paste(0, (width, width), inner)
            self._blend(edge, (left, top), ring)

    def shape(self, box: Box, draw: Callable[[ImageDraw.ImageDraw, float], None]) -> None:
        """Something white with soft edges; `draw` is told how many pixels a hundredth has."""
        left, top, right, bottom = map(round, box)
        mask = PIL.Image.new("L", ((right - left) * SMOOTH, (bottom - top) * SMOOTH))
        draw(ImageDraw.Draw(mask), self.unit * SMOOTH)
        self._blend(WHITE, (left, top), mask.resize((right - left, bottom - top), PIL.Image.Resampling.BOX))

    def _blend(self, colour: Colour, place: tuple[int, int], mask: PIL.Image.Image) -> None:
        layer = PIL.Image.new("RGBA", mask.size, colour)
        layer.putalpha(mask.point(lambda share: share * colour[3] // 255))
        self.image.alpha_composite(layer, (max(0, place[0]), max(0, place[1])))


def _step(code: NDArray[np.uint8], side: float) -> int:
    """Pixels of a dot: a whole number, so that all are alike."""
    return max(1, int(side / (len(code) + 2 * QUIET)))


@lru_cache(maxsize=64)
def _rounded(size: tuple[int, int], radius: int) -> PIL.Image.Image:
    width, height = max(1, size[0]), max(1, size[1])
    mask = PIL.Image.new("L", (width * SMOOTH, height * SMOOTH))
    box = (0, 0, width * SMOOTH - 1, height * SMOOTH - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, max(0, radius) * SMOOTH, fill=255)
    return mask.resize((width, height), PIL.Image.Resampling.BOX)


@lru_cache(maxsize=8)
def _shade(size: tuple[int, int], top: float, bottom: float) -> NDArray[np.uint8]:
    """How dark each row is: darkest at the edges."""
    y = (np.arange(size[1]) + 0.5) / size[1]
    dark = np.zeros(size[1])
    for reach, along in ((top, 1 - y / max(top, 1e-6)), (bottom, (y - 1 + bottom) / max(bottom, 1e-6))):
        if reach:
            rise = np.clip(along, 0, 1)
            dark = np.maximum(dark, np.clip(rise * rise * (3 - 2 * rise) * 1.25, 0, 1))
    return np.repeat((SCRIM * dark).astype(np.uint8)[:, None], size[0], 1)
