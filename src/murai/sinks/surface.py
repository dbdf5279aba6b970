"""Draws a picture with OpenGL, as large as it fits, black around it."""

import moderngl
import numpy as np

from murai.frame import Image
from murai.sinks.encode import fit

_VERTEX = """
#version 330 core
out vec2 place;
void main() {
    // One triangle that covers the view: (0,0), (2,0), (0,2) in units of the picture, whose first row is on top.
    vec2 corner = vec2(gl_VertexID == 1 ? 2.0 : 0.0, gl_VertexID == 2 ? 2.0 : 0.0);
    place = vec2(corner.x, 1.0 - corner.y);
    gl_Position = vec4(2.0 * corner - 1.0, 0.0, 1.0);
}
"""

_FRAGMENT = """
#version 330 core
uniform sampler2D picture;
in vec2 place;
out vec4 color;
void main() { color = vec4(texture(picture, place).rgb, 1.0); }
"""


class Surface:
    """The OpenGL context that is current on this thread, with one picture in it.

    A picture reaches its texture through a pixel buffer; both are made anew when the size changes.
    """

    def __init__(self) -> None:
        self._context = moderngl.create_context(require=330)
        program = self._context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self._triangle = self._context.vertex_array(program, [])
        self._texture: moderngl.Texture | None = None
        self._buffer: moderngl.Buffer | None = None

    def upload(self, image: Image) -> None:
        """Take `image` (H x W x 3, uint8, RGB) as the picture to draw."""
        size = (image.shape[1], image.shape[0])
        if self._texture is None or self._buffer is None or self._texture.size != size:
            self._release()
            self._texture = self._context.texture(size, 3, alignment=1)
            self._texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
            self._texture.repeat_x = self._texture.repeat_y = False
            self._buffer = self._context.buffer(reserve=image.nbytes, dynamic=True)
        self._buffer.orphan()  # not to wait for the picture before
        self._buffer.write(np.ascontiguousarray(image))
        self._texture.write(self._buffer, alignment=1)

    def draw(self, width: int, height: int) -> None:
        """Draw into a framebuffer of `width` x `height` pixels."""
        screen = self._context.screen
        screen.use()
        screen.viewport = (0, 0, width, height)
        screen.clear()
        if self._texture is None:
            return
        left, top, inner_width, inner_height = fit(self._texture.width, self._texture.height, (width, height))
        # OpenGL counts from below.
        screen.viewport = (left, height - top - inner_height, inner_width, inner_height)
        self._texture.use()
        self._triangle.render(moderngl.TRIANGLES, vertices=3)

    def close(self) -> None:
        """Free what is on the card."""
        self._release()
        self._triangle.release()
        self._context.release()

    def _release(self) -> None:
        if self._texture and self._buffer:
            self._texture.release()
            self._buffer.release()
        self._texture = self._buffer = None
