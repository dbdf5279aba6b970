"""Draws a picture with OpenGL, as it lies on the screen or the wall, and what is written over it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import moderngl
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from murai.errors import Say, first_line, silent
from murai.frame import on_host
from murai.sinks.encode import fit

if TYPE_CHECKING:
    from murai.sinks.interop import SharedBuffer

Size = tuple[int, int]
"""Width and height in pixels."""
Warp = Callable[[NDArray[np.float64]], NDArray[np.float64]]

_VERTEX = """
#version 330 core
in vec2 at;
in vec2 place;
in vec2 edge;
out vec2 from_place;
out vec2 from_edge;
void main() {
    from_place = place;
    from_edge = edge;
    gl_Position = vec4(2.0 * at.x - 1.0, 1.0 - 2.0 * at.y, 0.0, 1.0);
}
"""

_PICTURE = """
#version 330 core
uniform sampler2D picture;
uniform sampler2D mask;
uniform vec2 size;
uniform float brightness;
uniform float gamma;
uniform float fade;
in vec2 from_place;
in vec2 from_edge;
out vec4 color;
void main() {
    vec3 light = texture(picture, from_place).rgb * brightness;
    light = gamma == 1.0 ? light : pow(light, vec3(1.0 / gamma));
    vec2 inside = min(from_edge, 1.0 - from_edge);
    float shown = fade > 0.0 ? clamp(min(inside.x, inside.y) / fade, 0.0, 1.0) : 1.0;
    vec2 screen = gl_FragCoord.xy / size;
    color = vec4(light * shown * texture(mask, vec2(screen.x, 1.0 - screen.y)).r, 1.0);
}
"""

_OVERLAY = """
#version 330 core
uniform sampler2D picture;
in vec2 from_place;
in vec2 from_edge;
out vec4 color;
void main() { color = texture(picture, from_place); }
"""

CELLS = 32
"""A warped picture is drawn in so many cells across and down."""


@dataclass(frozen=True)
class View:
    """How a picture is shown. Places are in shares of the screen, (0, 0) its top left.

    warp        takes places [N, 2] of the straight picture to where they are drawn; None leaves them
    turn        degrees, clockwise: 0, 90, 180 or 270
    mirror      left and right change places
    fill        the picture fills the screen and loses what sticks out, instead of black bars
    masks       polygons that stay black
    brightness, gamma, fade   see `murai.stage.projection.Projection`
    """

    warp: Warp | None = None
    turn: int = 0
    mirror: bool = False
    fill: bool = False
    masks: tuple[tuple[tuple[float, float], ...], ...] = ()
    brightness: float = 1.0
    gamma: float = 1.0
    fade: float = 0.0


STRAIGHT = View()


def geometry(picture: Size, screen: Size, view: View) -> NDArray[np.float32]:
    """The corners of the cells that are drawn, row by row: [rows, columns, 6].

    Of each, where it is on the screen, which place of the picture it shows, and where it is between the edges of what
    is shown, all in shares and two numbers each.
    """
    points = 2 if view.warp is None else CELLS + 1
    edge = np.stack(np.meshgrid(np.linspace(0, 1, points), np.linspace(0, 1, points)), -1).reshape(-1, 2)
    turned = picture[::-1] if view.turn in (90, 270) else picture
    left, top, width, height = (0, 0, *screen) if view.fill else fit(*turned, screen)
    at = (np.array((left, top)) + edge * (width, height)) / screen
    if view.warp is not None:
        at = view.warp(at)
    x, y = (edge - 0.5).T
    if view.fill:  # of the direction that sticks out only a part is seen
        wide = (turned[0] / turned[1]) / (screen[0] / screen[1])
        x, y = (x / wide, y) if wide > 1 else (x, y * wide)
    x = -x if view.mirror else x
    x, y = {0: (x, y), 90: (y, -x), 180: (-x, -y), 270: (-y, x)}[view.turn]
    corners = np.concatenate([at, np.stack([x, y], 1) + 0.5, edge], 1)
    return corners.reshape(points, points, 6).astype(np.float32)


def _triangles(points: int) -> NDArray[np.uint32]:
    """Two triangles for each cell of `points` x `points` corners."""
    first = (np.arange(points - 1)[:, None] * points + np.arange(points - 1)).ravel()
    cells = [first, first + 1, first + points, first + 1, first + points + 1, first + points]
    return np.stack(cells, 1).astype(np.uint32)


def _masked(masks: tuple[tuple[tuple[float, float], ...], ...], size: Size) -> NDArray[np.uint8]:
    """White, and black in each of the polygons: [H, W]; one white pixel where there is none."""
    if not masks:
        return np.full((1, 1), 255, np.uint8)
    picture = Pillow.new("L", size, 255)
    for polygon in masks:
        ImageDraw.Draw(picture).polygon([(x * size[0], y * size[1]) for x, y in polygon], fill=0)
    return np.asarray(picture)


_Shape = tuple[Any, ...]
"""A vertex array and its buffers, each to be released; nothing frees a buffer but its own `release`."""


class Surface:
    """The OpenGL context that is current on this thread, with one picture in it, and one laid over it.

    It draws to the `screen` of that context; both may be given, where there is no window.

    A picture reaches its texture through a pixel buffer; both are made anew when the size changes. One that is on a
    card is copied there by the card, or, where that cannot be, through the host, which `say` hears once.
    """

    def __init__(
        self,
        say: Say = silent,
        *,
        context: moderngl.Context | None = None,
        screen: moderngl.Framebuffer | None = None,
    ) -> None:
        context = context or moderngl.create_context(require=330)
        self._context, self._say = context, say
        self._screen = screen or context.screen
        self._painting = context.program(vertex_shader=_VERTEX, fragment_shader=_PICTURE)
        self._laying = context.program(vertex_shader=_VERTEX, fragment_shader=_OVERLAY)
        self._painting["mask"] = 1
        self._texture: moderngl.Texture | None = None
        self._buffer: moderngl.Buffer | None = None
        self._shared: SharedBuffer | None = None
        self._by_host = False  # sharing was tried, and failed
        self._mask: moderngl.Texture | None = None
        self._overlay: moderngl.Texture | None = None
        self._shape: _Shape = ()
        self._drawn: object = None

    def upload(self, image: Any) -> None:
        """Take `image` (H x W x 3, uint8, RGB, an array or a tensor) as the picture to draw."""
        size = (image.shape[1], image.shape[0])
        if self._texture is None or self._buffer is None or self._texture.size != size:
            self._unshare()
            self._release(self._texture, self._buffer)
            self._texture = self._context.texture(size, 3, alignment=1)
            self._texture.repeat_x = self._texture.repeat_y = False
            self._buffer = self._context.buffer(reserve=image.nbytes, dynamic=True)
        if isinstance(image, np.ndarray) or not self._fill(self._buffer, image):
            self._unshare()
            self._buffer.orphan()  # not to wait for the picture before
            self._buffer.write(np.ascontiguousarray(on_host(image)))
        self._texture.write(self._buffer, alignment=1)

    def _fill(self, buffer: moderngl.Buffer, image: Any) -> bool:
        """Whether the card of `image` copied it into `buffer`."""
        if self._by_host:
            return False
        try:
            from murai.sinks.interop import SharedBuffer

            self._shared = self._shared or SharedBuffer(buffer.glo, image.device)
            self._shared.fill(image)
        except Exception as error:  # cuda-core has errors of its own, and may be missing
            self._by_host = True
            self._say(f"pictures go to the window through the processor ({first_line(error)}).")
        return not self._by_host

    def _unshare(self) -> None:
        if self._shared is not None:
            self._shared.close()
        self._shared = None

    def lay_over(self, image: NDArray[np.uint8] | None) -> None:
        """Draw `image` (H x W x 4, uint8, RGBA) over the top left of the screen, pixel for pixel; None for nothing."""
        self._release(self._overlay)
        self._overlay = None
        if image is not None:
            self._overlay = self._context.texture((image.shape[1], image.shape[0]), 4, np.ascontiguousarray(image))
            self._overlay.filter = (moderngl.NEAREST, moderngl.NEAREST)

    def draw(self, width: int, height: int, view: View = STRAIGHT) -> None:
        """Draw into a framebuffer of `width` x `height` pixels."""
        screen = self._screen
        screen.use()
        screen.viewport = (0, 0, width, height)
        screen.clear()
        if self._texture is not None:
            self._prepare((width, height), view)
            self._paint(self._texture, (width, height), view)
        if self._overlay is not None:
            self._lay(self._overlay, (width, height))

    def close(self) -> None:
        """Free what is on the card."""
        self._unshare()
        self._release(self._texture, self._buffer, self._mask, self._overlay, *self._shape)
        self._release(self._painting, self._laying)
        self._context.release()

    def _prepare(self, screen: Size, view: View) -> None:
        """Make the cells and the mask where something changed since they were drawn."""
        assert self._texture is not None
        wanted = (self._texture.size, screen, view)
        if self._drawn == wanted:
            return
        self._release(*self._shape, self._mask)
        self._shape = self._cells(geometry(self._texture.size, screen, view), self._painting)
        mask = _masked(view.masks, screen)
        self._mask = self._context.texture((mask.shape[1], mask.shape[0]), 1, np.ascontiguousarray(mask), alignment=1)
        self._drawn = wanted

    def _paint(self, texture: moderngl.Texture, screen: Size, view: View) -> None:
        assert self._mask is not None
        for name in ("brightness", "gamma", "fade"):
            self._painting[name] = getattr(view, name)
        self._painting["size"] = screen
        texture.use(0)
        self._mask.use(1)
        self._shape[0].render(moderngl.TRIANGLES)

    def _lay(self, texture: moderngl.Texture, screen: Size) -> None:
        corners = geometry(texture.size, texture.size, STRAIGHT)
        corners[..., 0] *= texture.width / screen[0]
        corners[..., 1] *= texture.height / screen[1]
        shape = self._cells(corners, self._laying)
        self._context.enable(moderngl.BLEND)
        texture.use(0)
        shape[0].render(moderngl.TRIANGLES)
        self._context.disable(moderngl.BLEND)
        self._release(*shape)

    def _cells(self, corners: NDArray[np.float32], program: moderngl.Program) -> _Shape:
        names = [name for name in ("at", "place", "edge") if name in program]
        layout = " ".join("2f" if name in names else "2x4" for name in ("at", "place", "edge"))
        content = self._context.buffer(np.ascontiguousarray(corners))
        index = self._context.buffer(_triangles(len(corners)))
        return self._context.vertex_array(program, [(content, layout, *names)], index), content, index

    @staticmethod
    def _release(
        *things: "moderngl.Texture | moderngl.Buffer | moderngl.VertexArray | moderngl.Program | None",
    ) -> None:
        for thing in things:
            if thing is not None:
                thing.release()
