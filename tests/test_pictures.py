"""pictures: every mode and shape comes out as the model wants it, and what lies or is damaged is refused unread."""

from __future__ import annotations

import io
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops

from aiaas import pictures
from aiaas.errors import DataError, ExampleError
from tests.picture_toys import animated_gif, claims, encoded, noise, plain


def colour(data: bytes, channels: Any = 3, **how: Any) -> list[int]:
    """The colour of the middle of a picture."""
    return [int(each) for each in pictures.decode(data, 9, 9, channels, **how)[4, 4]]


def refusal(data: bytes) -> str:
    with pytest.raises(DataError) as caught:
        pictures.decode(data, 8, 8, 3)
    assert caught.value.hint
    return caught.value.message


def test_header_says_size_and_mode_without_decoding() -> None:
    assert pictures.header(encoded(plain(size=(40, 30)), "JPEG")) == pictures.Header("jpeg", 40, 30, "RGB")
    assert pictures.header(encoded(plain(7, mode="L"))) == pictures.Header("png", 16, 12, "L")
    cut = encoded(noise(1))[:200]
    assert pictures.header(cut).width == 64


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (plain(), [200, 30, 30]),
        (plain(90, mode="L"), [90] * 3),
        (plain(1, mode="1"), [255] * 3),
        (plain((90, 255), mode="LA"), [90] * 3),
        (plain((200, 30, 30, 255), mode="RGBA"), [200, 30, 30]),
        (plain((200, 30, 30, 0), mode="RGBA"), [255] * 3),
        (plain((0, 0), mode="LA"), [255] * 3),
        (plain().quantize(4), [200, 30, 30]),
        (Image.fromarray(np.full((12, 16), 0x5A00, np.uint16)), [0x5A] * 3),
    ],
    ids=["RGB", "L", "1", "LA", "RGBA", "RGBA clear", "LA clear", "P", "I;16"],
)
def test_modes_of_png(image: Image.Image, expected: list[int]) -> None:
    data = encoded(image)
    assert colour(data) == expected
    grey = colour(data, 1)
    assert len(grey) == 1
    assert abs(grey[0] - (0.299 * expected[0] + 0.587 * expected[1] + 0.114 * expected[2])) <= 1


def test_transparency_shows_the_background() -> None:
    half = encoded(plain((0, 0, 0, 0), mode="RGBA"))
    assert colour(half, background=0) == [0, 0, 0]
    assert colour(half, background=255) == [255, 255, 255]
    palette = plain().quantize(4)
    assert colour(encoded(palette, transparency=palette.getpixel((0, 0))), background=0) == [0, 0, 0]
    assert colour(encoded(plain(), transparency=(200, 30, 30)), background=255) == [255, 255, 255]


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_modes_of_jpeg(mode: str) -> None:
    data = encoded(plain().convert(mode), "JPEG", quality=95)
    assert pictures.header(data).mode == mode
    expected = plain().convert(mode).convert("RGB").getpixel((0, 0))
    np.testing.assert_allclose(colour(data), expected, atol=4)
    assert len(colour(data, 1)) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_orientation(orientation: int, kind: str) -> None:
    """What Pillow itself makes of it is what a person sees."""
    from PIL import ImageOps

    image = Image.new("RGB", (32, 16), "white")
    image.paste((255, 0, 0), (0, 0, 16, 8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(image, kind, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    given = pictures.decode(data, upright.height, upright.width, 3)
    assert ImageChops.difference(Image.fromarray(given), upright).getextrema() == ((0, 0),) * 3


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_no_reason_to_refuse() -> None:
    data = encoded(plain(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff\xff\xff")
    np.testing.assert_allclose(colour(data), [200, 30, 30], atol=4)


QUIET = """
import sys
from aiaas import pictures
for name in sys.argv[1:]:
    pictures.decode(open(name, "rb").read(), 4, 4, 3)
"""


def test_what_pillow_finds_odd_is_told_nobody(tmp_path: Path) -> None:
    beyond = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 0x0112, 3, 100, 9999, 0)  # its only value lies behind the end
    (tmp_path / "exif.jpg").write_bytes(encoded(noise(1), "JPEG", exif=b"Exif\0\0" + beyond))
    png, chunk = encoded(noise(1)), b"acTL" + struct.pack(">II", 0, 0)  # animated, in no pictures
    moving = struct.pack(">I", 8) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "moving.png").write_bytes(png[:33] + moving + png[33:])
    names = [str(tmp_path / name) for name in ("exif.jpg", "moving.png")]
    done = subprocess.run([sys.executable, "-c", QUIET, *names], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_fits() -> None:
    wide = Image.new("RGB", (40, 10), (255, 0, 0))
    wide.paste((0, 0, 255), (15, 0, 25, 10))  # the middle square is blue
    data = encoded(wide)
    stretched, cropped, padded = (pictures.decode(data, 20, 20, 3, fit=fit) for fit in ("stretch", "crop", "pad"))  # type: ignore[arg-type]
    assert stretched[10, 1].tolist() == [255, 0, 0]
    assert cropped[10, 2].tolist() == [0, 0, 255]
    assert padded[1, 10].tolist() == [255, 255, 255]
    assert padded[10, 1].tolist() == [255, 0, 0]
    assert pictures.decode(data, 20, 20, 3, fit="pad", background=0)[1, 10].tolist() == [0, 0, 0]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_reduced_alike(kind: str, mode: str) -> None:
    smooth = Image.linear_gradient("L").resize((2400, 1600)).convert("RGB")
    expected = np.asarray(smooth.resize((32, 32))).astype(int)
    image = smooth.convert(mode if kind == "PNG" or mode != "RGBA" else "CMYK")
    if image.mode == "RGBA":
        image.putalpha(Image.new("L", image.size, 255))
        image.paste((0, 255, 0, 0), (0, 0, 1200, 1600))
        expected[:, :16] = 255
    given = pictures.decode(encoded(image, kind, quality=95), 32, 32, 3).astype(int)
    apart = [place for place in range(32) if place not in (15, 16)]  # the edge of what is transparent is mixed
    np.testing.assert_allclose(given[:, apart], expected[:, apart], atol=3)


def test_a_large_picture_costs_at_most_twice_its_pixels() -> None:
    """In a process of its own: 40 million pixels with alpha are 160 MB, and no more than one copy is made of them."""
    code = (
        "import sys; from aiaas import pictures\n"
        "data = sys.stdin.buffer.read(); pictures.decode(data, 32, 32, 3)\n"
        "lines = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "print(lines['VmHWM'].split()[0])"  # its own peak; getrusage begins with that of whoever started it
    )
    large = encoded(Image.new("RGBA", (8000, 5000), (255, 0, 0, 128)), compress_level=1)
    done = subprocess.run([sys.executable, "-c", code], input=large, capture_output=True, check=True)
    assert int(done.stdout) < 400_000  # KiB, Python and numpy included


def test_a_png_of_what_was_decoded_is_the_same() -> None:
    for channels in (1, 3):
        pixels = np.random.default_rng(3).integers(0, 256, (7, 5, channels), np.uint8)
        assert np.array_equal(pictures.decode(pictures.to_png(pixels), 7, 5, channels), pixels)


def test_truncated() -> None:
    for kind in ("JPEG", "PNG"):
        whole = encoded(noise(1), kind)
        assert refusal(whole[: len(whole) // 2]) == f"the {kind} is cut short"
        assert "header" in refusal(whole[:20])
    broken = bytearray(encoded(noise(1)))
    broken[len(broken) // 2] ^= 0xFF
    assert "damaged" in refusal(bytes(broken))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b"not a picture", "neither"),
        (b"<html>404</html>", "error page"),
        (encoded(plain(), "GIF"), "a GIF"),
        (animated_gif(), "an animated GIF"),
        (encoded(plain(), "BMP"), "a BMP"),
        (encoded(plain(), "TIFF"), "a TIFF"),
        (encoded(plain(), "WEBP"), "a WebP"),
        (b"\0\0\0\x18ftypheic" + bytes(20), "HEIC"),
        (b"%PDF-1.7", "a PDF"),
    ],
)
def test_what_is_no_jpeg_or_png_is_named(data: bytes, told: str) -> None:
    assert told in refusal(data)


def test_an_animated_png_is_refused() -> None:
    moving = encoded(plain(), save_all=True, append_images=[plain((0, 0, 255))], duration=100)
    assert "animated" in refusal(moving)


def test_a_png_of_60000_by_60000_costs_nothing() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for data in (claims(60_000, 60_000), claims(2**31 - 1, 2**31 - 1)):
        assert "pixels; at most" in refusal(data)
        with pytest.raises(DataError, match=r"60,000 x 60,000|2,147,483,647 x"):
            pictures.header(data)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_a_large_file_is_refused_unread() -> None:
    assert "bytes; at most" in refusal(encoded(plain()) + bytes(pictures.MAX_BYTES))


def test_many() -> None:
    images = [noise(number, (32, 32)) for number in range(50)]
    given = pictures.decode_many([encoded(image) for image in images], 32, 32, 3)
    assert given.shape == (50, 32, 32, 3)
    assert all(np.array_equal(pixels, np.asarray(image)) for pixels, image in zip(given, images, strict=True))
    assert pictures.decode_many([], 4, 4, 1).shape == (0, 4, 4, 1)


@pytest.mark.parametrize("side", [8, 200], ids=["on this thread", "on several"])
def test_the_first_bad_one_of_many_is_named(side: int) -> None:
    many = [encoded(noise(number, (side, side))) for number in range(20)]
    many[13] = many[13][:-40]
    many[17] = b"nothing"
    with pytest.raises(ExampleError, match="cut short") as caught:
        pictures.decode_many(many, 8, 8, 3, threads=2)
    assert caught.value.index == 13
    faults = [each.message if isinstance(each, DataError) else None for each in pictures.examine(many)]
    assert [place for place, fault in enumerate(faults) if fault] == [13, 17]
