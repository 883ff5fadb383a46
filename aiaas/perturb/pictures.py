"""Pictures as a worse camera, hand or channel gives them, as encoded files.

Each is as large as it was, or made smaller first where a side is beyond `SIDE`: noise of single pixels in a photograph
of a telephone would be gone once a model makes it small.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from aiaas.pictures import to_jpeg, to_png, upright

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

SIDE = 512
NOISE = 0.1
"""The standard deviation of noise, of the way from black to white."""
BLUR = 0.015
"""How far a point is smeared (the standard deviation), of the shorter side; half a pixel at least: a person
still reads a digit of 8 x 8 pixels then."""
DEGREES = 15.0
QUALITY = 20
"""Of JPEG: what a chat makes of a picture that was passed on often."""


def noise(data: Any, chance: Random) -> Any:
    """Every pixel brighter or darker by chance."""
    import numpy as np

    pixels = upright(data, SIDE)
    drawn = np.random.default_rng(chance.getrandbits(64)).normal(0, 255 * NOISE, pixels.shape)
    return to_png((pixels + drawn).round().clip(0, 255).astype(np.uint8))


def blur(data: Any, chance: Random) -> Any:
    """Out of focus."""
    from scipy.ndimage import gaussian_filter

    pixels = upright(data, SIDE)
    size = max(0.5, BLUR * min(pixels.shape[:2]))
    return to_png(gaussian_filter(pixels, (size, size, 0)))


def rotation(data: Any, chance: Random) -> Any:
    """Held askew, by up to `DEGREES` to either side; beyond its edges a picture is mirrored."""
    from scipy.ndimage import rotate

    pixels = upright(data, SIDE)
    degrees = chance.choice((-1, 1)) * chance.uniform(DEGREES / 3, DEGREES)
    return to_png(rotate(pixels, degrees, (1, 0), reshape=False, order=1, mode="mirror"))


def jpeg(data: Any, chance: Random) -> Any:
    """Compressed until it shows."""
    return to_jpeg(upright(data, SIDE), QUALITY)
