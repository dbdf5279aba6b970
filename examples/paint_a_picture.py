"""Paint a picture that is a numpy array: height x width x 3, uint8, RGB."""

import numpy as np

from murai import open_stylizer

picture = np.random.default_rng(0).integers(0, 256, (360, 640, 3), dtype=np.uint8)
paint = open_stylizer("starry_night")
painted = paint(picture)

print(painted.shape, painted.dtype)
