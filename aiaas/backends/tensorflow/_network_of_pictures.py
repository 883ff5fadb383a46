"""The layers of `cnn`: a plain stack of convolutions, or one with shortcuts."""

from __future__ import annotations

from typing import Any

from aiaas.backends.tensorflow._keras import keras
from aiaas.backends.tensorflow._layers import dense_stack, dropped, normalized, outputs


def build(settings: Any) -> Any:
    """The network that `settings` (of `cnn.Saved`) describe: pictures (n, height, width, channels), 0 to 255, to logits
    (n, classes)."""
    frame = keras()
    layers, params, form = frame.layers, settings.params, settings.form
    picture = frame.Input((form.height, form.width, form.channels), name="picture")
    tensor = layers.Normalization(mean=settings.mean, variance=[each**2 for each in settings.deviation], name="scale")(
        picture
    )
    if params.stem:
        tensor = _convolution(tensor, params, params.stem, "stem", size=2, stride=2)
    for number, filters in enumerate(params.filters, 1):
        block = _residual if params.layout == "residual" else _plain
        tensor = block(tensor, params, filters, f"block{number}")
        if number < len(params.filters) or params.global_pooling == "none":
            tensor = layers.MaxPooling2D(2, padding=params.padding, name=f"block{number}_pool")(tensor)
        tensor = dropped(tensor, params.dropout, f"block{number}_dropout")
    match params.global_pooling:
        case "max":
            tensor = layers.GlobalMaxPooling2D(name="pool")(tensor)
        case "average":
            tensor = layers.GlobalAveragePooling2D(name="pool")(tensor)
        case _:
            tensor = layers.Flatten(name="flatten")(tensor)
    tensor = dense_stack(tensor, params.dense, "relu", params.dense_dropout)
    return frame.Model(picture, outputs(tensor, settings.classes))


def _plain(tensor: Any, params: Any, filters: int, name: str) -> Any:
    for number in range(1, params.convolutions + 1):
        tensor = _convolution(tensor, params, filters, f"{name}_{number}")
    return tensor


def _residual(tensor: Any, params: Any, filters: int, name: str) -> Any:
    """Convolutions beside a shortcut (He et al. 2016); where the width changes the shortcut is a 1x1 convolution."""
    layers = keras().layers
    tensor = _convolution(tensor, params, filters, f"{name}_in") if tensor.shape[-1] != filters else tensor
    shortcut = tensor
    for number in range(1, params.convolutions + 1):
        last = number == params.convolutions
        tensor = _convolution(tensor, params, filters, f"{name}_{number}", activation=not last)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([tensor, shortcut]))


def _convolution(
    tensor: Any,
    params: Any,
    filters: int,
    name: str,
    *,
    size: int | None = None,
    stride: int = 1,
    activation: bool = True,
) -> Any:
    layers = keras().layers
    normal = params.batch_normalization
    padding = "same" if params.layout == "residual" else params.padding
    tensor = layers.Conv2D(
        filters,
        size or params.kernel,
        strides=stride,
        padding=padding,
        use_bias=not normal,
        kernel_initializer="he_normal" if normal else "glorot_uniform",
        name=name,
    )(tensor)
    if normal:
        tensor = normalized(tensor, f"{name}_norm")
    return layers.ReLU(name=f"{name}_activation")(tensor) if activation else tensor
