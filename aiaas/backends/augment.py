"""Changes to training pictures that do not change what they show, drawn anew each time a picture is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from aiaas.contracts import Params

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pictures = NDArray[np.float32]
    Random = np.random.Generator


class Augment(Params):
    """How training pictures are varied; by default not at all."""

    flip: Literal["none", "horizontal", "vertical", "both"] = Field(
        "none", description="Mirror half of the pictures: horizontal swaps left and right."
    )
    crop: int = Field(
        0,
        ge=0,
        le=64,
        description="Widen the picture by this many pixels on each side, mirrored, and cut its size out.",
    )
    cutout: int = Field(0, ge=0, le=512, description="Paint a square of this many pixels a side in the mean colour.")
    colour: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Change brightness and contrast by up to this share, and each channel by half of it.",
    )
    mixup: float = Field(
        0.0,
        ge=0,
        le=10,
        description="Lay each picture over another one, and their labels likewise; the share is drawn from "
        "Beta(mixup, mixup) (Zhang et al. 2018).",
    )


def augment(
    pictures: NDArray[np.uint8], targets: NDArray[np.float32], options: Augment, random: Random
) -> tuple[Pictures, NDArray[np.float32]]:
    """Varied pictures (n, height, width, channels), 0 to 255 as float32, and their targets (n, classes)."""
    import numpy as np

    pictures = _flipped(pictures, options.flip, random)
    if options.crop:
        pictures = _cropped(pictures, options.crop, random)
    varied: Pictures = pictures.astype(np.float32)
    if options.colour:
        varied = _coloured(varied, options.colour, random)
    if options.cutout:
        _cut_out(varied, options.cutout, random)
    if options.mixup:
        varied, targets = _mixed(varied, targets, options.mixup, random)
    return varied, targets


def _flipped(pictures: Any, how: str, random: Random) -> Any:
    import numpy as np

    axes = {"horizontal": [2], "vertical": [1], "both": [1, 2]}.get(how, [])
    for axis in axes:
        chosen = random.random(len(pictures)) < 0.5
        pictures = np.where(chosen[:, None, None, None], np.flip(pictures, axis), pictures)
    return pictures


def _cropped(pictures: Any, by: int, random: Random) -> Any:
    """A window of the original size at a place of its own in each widened picture."""
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view

    height, width = pictures.shape[1:3]
    mode: Any = "reflect" if by < min(height, width) else "edge"
    wide = np.pad(pictures, ((0, 0), (by, by), (by, by), (0, 0)), mode=mode)
    down, right = random.integers(0, 2 * by + 1, (2, len(pictures)))
    windows = sliding_window_view(wide, (height, width), axis=(1, 2))  # (n, 2by+1, 2by+1, channels, height, width)
    return np.moveaxis(windows[np.arange(len(pictures)), down, right], 1, -1)


def _coloured(pictures: Pictures, by: float, random: Random) -> Pictures:
    import numpy as np

    n, channels = len(pictures), pictures.shape[-1]
    mean = pictures.mean(axis=(1, 2, 3), keepdims=True)
    contrast = random.uniform(1 - by, 1 + by, (n, 1, 1, 1)).astype(np.float32)
    brightness = random.uniform(-by, by, (n, 1, 1, 1)).astype(np.float32)
    tint = random.uniform(-by / 2, by / 2, (n, 1, 1, channels)).astype(np.float32)
    varied: Pictures = (pictures - mean) * contrast + mean + 128 * (brightness + (tint if channels > 1 else 0))
    np.clip(varied, 0, 255, out=varied)
    return varied


def _cut_out(pictures: Pictures, side: int, random: Random) -> None:
    """Paint the square in place; it may reach over the edge (DeVries and Taylor 2017)."""
    n, height, width, _ = pictures.shape
    corners = random.integers(0, (height, width), (n, 2)) - side // 2
    means = pictures.mean(axis=(1, 2))
    for place, (top, left) in enumerate(corners):
        square = pictures[place, max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
        square[...] = means[place]


def _mixed(
    pictures: Pictures, targets: NDArray[np.float32], alpha: float, random: Random
) -> tuple[Pictures, NDArray[np.float32]]:
    import numpy as np

    share = random.beta(alpha, alpha, len(pictures)).astype(np.float32)
    other = random.permutation(len(pictures))
    of_picture, of_target = share[:, None, None, None], share[:, None]
    return (
        pictures * of_picture + pictures[other] * (1 - of_picture),
        targets * of_target + targets[other] * (1 - of_target),
    )
