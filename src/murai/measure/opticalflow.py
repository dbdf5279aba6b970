"""Optical flow between two pictures, estimated by OpenCV. The only file that imports it."""

import numpy as np
from numpy.typing import NDArray

from murai.errors import MissingExtra
from murai.frame import Image

try:
    import cv2
except ModuleNotFoundError as error:
    raise MissingExtra("Measuring clips", "measure") from error


class DenseFlow:
    """Dense inverse search (Kroeger et al. 2016), on grey pictures."""

    def __init__(self) -> None:
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def __call__(self, before: Image, after: Image) -> NDArray[np.float32]:
        """[H, W, 2], pixels to the right and down: where each pixel of `before` [H, W, 3] is in `after`."""
        grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (before, after)]
        return np.asarray(self._search.calc(grey[0], grey[1], None), np.float32)  # type: ignore[call-overload]
