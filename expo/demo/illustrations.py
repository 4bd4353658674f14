"""Product pictures drawn from gradients and simple shapes; each is an RGBA image that stands on its lower edge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from expo.demo.fonts import font, sets_hangul

SIZE = 440  # px, at 1280 x 720
_SCALE = 2  # drawn larger and reduced: Pillow has no antialiasing of its own
_S = SIZE * _SCALE

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom in shares of the picture


def illustration(kind: str, mark: str) -> Image.Image:
    """Draw a `kind` of KINDS (an unknown one is a carton), labelled with `mark`'s first character."""
    label = mark[:1] if mark[:1].isascii() or sets_hangul() else "·"
    picture = Image.new("RGBA", (_S, _S))
    DRAWINGS.get(kind, _carton)(picture, label)
    return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def upright(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    """A vertical gradient."""
    ramp = np.linspace(0, 1, size[1])[:, None, None]
    rows = np.array(top) * (1 - ramp) + np.array(bottom) * ramp
    return Image.fromarray(np.broadcast_to(rows, (size[1], size[0], 3)).astype(np.uint8), "RGB")


def glow(size: int, colour: Colour, strength: float) -> Image.Image:
    """A soft round light, RGBA."""
    axis = np.linspace(-1, 1, size)
    distance = np.sqrt(axis[:, None] ** 2 + axis[None, :] ** 2)
    alpha = np.clip(1 - distance, 0, 1) ** 2 * 255 * strength
    light = np.empty((size, size, 4), dtype=np.uint8)
    light[..., :3] = colour
    light[..., 3] = alpha.astype(np.uint8)
    return Image.fromarray(light, "RGBA")


def _pixels(box: Box) -> tuple[int, int, int, int]:
    return (round(box[0] * _S), round(box[1] * _S), round(box[2] * _S), round(box[3] * _S))


def _turned(picture: Image.Image, box: Box, colour: Colour, radius: float, shine: float = 0.55) -> None:
    """A body turned on a lathe: dark at both sides, a highlight left of the middle."""
    left, top, right, bottom = _pixels(box)
    width, height = right - left, bottom - top
    across = np.linspace(0, 1, width)
    light = 0.42 + 0.72 * np.sin(np.clip(across * 1.08, 0, 1) * np.pi) ** 0.7
    light = light + shine * np.exp(-(((across - 0.28) / 0.055) ** 2))
    row = np.clip(np.array(colour)[None, :] * light[:, None], 0, 255)
    body = np.broadcast_to(row[None, :, :], (height, width, 3)).astype(np.uint8)
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width - 1, height - 1), radius * _S, fill=255)
    picture.paste(Image.fromarray(body, "RGB"), (left, top), mask)


def _label(picture: Image.Image, box: Box, mark: str, ink: Colour, paper: Colour = (246, 241, 230)) -> None:
    _turned(picture, box, paper, 0.006, shine=0.06)
    left, top, right, bottom = box
    draw = ImageDraw.Draw(picture)
    height = bottom - top
    face = font(round(height * _S * 0.42), bold=True)
    centre = ((left + right) / 2 * _S, (top + height * 0.38) * _S)
    draw.text(centre, mark, ink, face, anchor="mm")
    for share, width in ((0.70, 0.50), (0.79, 0.34)):
        half = (right - left) * width / 2
        middle = (left + right) / 2
        draw.line(
            [((middle - half) * _S, (top + height * share) * _S), ((middle + half) * _S, (top + height * share) * _S)],
            (*ink, 150),
            round(0.004 * _S),
        )


def _shadow(picture: Image.Image, box: Box) -> None:
    ground = Image.new("L", picture.size)
    ImageDraw.Draw(ground).ellipse(_pixels(box), fill=120)
    ground = ground.filter(ImageFilter.GaussianBlur(_S * 0.018))
    dark = Image.new("RGBA", picture.size, (10, 20, 16, 0))
    dark.putalpha(ground)
    picture.alpha_composite(dark)


def _leaf(picture: Image.Image, centre: tuple[float, float], length: float, angle: float, colour: Colour) -> None:
    patch = Image.new("RGBA", (_S // 2, _S // 2))
    draw = ImageDraw.Draw(patch)
    middle, half, tip = _S // 4, length * _S * 0.2, length * _S / 2
    steps = np.linspace(0, np.pi, 40)
    upper = [(middle - tip * np.cos(step), middle - half * np.sin(step)) for step in steps]
    lower = [(middle + tip * np.cos(step), middle + half * np.sin(step)) for step in steps]
    draw.polygon([(float(x), float(y)) for x, y in upper + lower], fill=(*colour, 255))
    draw.line((middle - tip, middle, middle + tip, middle), (255, 255, 255, 60), round(0.004 * _S))
    patch = patch.rotate(angle, Image.Resampling.BICUBIC)
    picture.alpha_composite(patch, (round(centre[0] * _S - _S // 4), round(centre[1] * _S - _S // 4)))


def _bottle(picture: Image.Image, mark: str) -> None:
    _shadow(picture, (0.24, 0.92, 0.78, 0.99))
    _turned(picture, (0.452, 0.03, 0.548, 0.17), (244, 240, 232), 0.045)
    _turned(picture, (0.425, 0.15, 0.575, 0.27), (204, 172, 118), 0.012)
    _turned(picture, (0.445, 0.26, 0.555, 0.34), (28, 104, 78), 0.01)
    _turned(picture, (0.315, 0.31, 0.685, 0.95), (22, 112, 82), 0.07)
    _label(picture, (0.335, 0.50, 0.665, 0.83), mark, (20, 74, 56))
    _leaf(picture, (0.80, 0.86), 0.24, 28, (38, 122, 84))
    _leaf(picture, (0.86, 0.92), 0.20, -14, (26, 96, 66))


def _jar(picture: Image.Image, mark: str) -> None:
    _shadow(picture, (0.16, 0.92, 0.84, 0.99))
    _turned(picture, (0.27, 0.14, 0.73, 0.29), (196, 158, 96), 0.022)
    _turned(picture, (0.24, 0.28, 0.76, 0.95), (104, 46, 28), 0.075)
    _label(picture, (0.26, 0.43, 0.74, 0.82), mark, (108, 44, 26))
    for centre, angle in (((0.17, 0.90), 20.0), ((0.83, 0.91), -24.0)):
        _leaf(picture, centre, 0.20, angle, (146, 92, 44))


def _pouch(picture: Image.Image, mark: str) -> None:
    _shadow(picture, (0.20, 0.92, 0.80, 0.99))
    _turned(picture, (0.25, 0.10, 0.75, 0.95), (24, 62, 52), 0.03, shine=0.3)
    _turned(picture, (0.25, 0.10, 0.75, 0.17), (52, 98, 84), 0.012, shine=0.3)
    draw = ImageDraw.Draw(picture)
    draw.ellipse(_pixels((0.36, 0.28, 0.64, 0.56)), fill=(244, 238, 222, 255))
    draw.text((0.5 * _S, 0.42 * _S), mark, (24, 62, 52), font(round(0.15 * _S), bold=True), anchor="mm")
    for index in range(3):
        top = 0.66 + index * 0.075
        draw.rounded_rectangle(_pixels((0.36, top, 0.64, top + 0.05)), 0.01 * _S, fill=(12, 34, 30, 255))
        draw.line(
            (0.37 * _S, (top + 0.012) * _S, 0.63 * _S, (top + 0.012) * _S), (86, 132, 112, 255), round(0.004 * _S)
        )


def _bowl(picture: Image.Image, mark: str) -> None:
    _shadow(picture, (0.22, 0.92, 0.78, 0.99))
    body = Image.new("RGBA", picture.size)
    _turned(body, (0.14, 0.46, 0.86, 0.95), (228, 222, 206), 0.01, shine=0.25)
    shape = Image.new("L", picture.size)
    draw = ImageDraw.Draw(shape)
    draw.pieslice(_pixels((0.14, 0.02, 0.86, 0.90)), 0, 180, fill=255)
    draw.rectangle(_pixels((0.36, 0.84, 0.64, 0.95)), fill=255)
    body.putalpha(ImageChops.multiply(shape, body.getchannel("A")))
    picture.alpha_composite(body)
    draw = ImageDraw.Draw(picture)
    draw.ellipse(_pixels((0.14, 0.38, 0.86, 0.56)), fill=(240, 235, 222, 255))
    draw.ellipse(_pixels((0.17, 0.40, 0.83, 0.54)), fill=(168, 118, 40, 255))
    draw.ellipse(_pixels((0.24, 0.43, 0.62, 0.50)), fill=(204, 156, 74, 255))
    draw.text((0.5 * _S, 0.70 * _S), mark, (92, 84, 66), font(round(0.12 * _S), bold=True), anchor="mm")
    _leaf(picture, (0.55, 0.465), 0.18, 18, (72, 118, 58))
    for shift in (-0.10, 0.02, 0.13):
        _steam(picture, 0.5 + shift)


def _steam(picture: Image.Image, x: float) -> None:
    wisp = Image.new("RGBA", picture.size)
    steps = np.linspace(0, 1, 30)
    points = [(float((x + 0.02 * np.sin(step * 7)) * _S), float((0.36 - 0.24 * step) * _S)) for step in steps]
    ImageDraw.Draw(wisp).line(points, (255, 255, 255, 90), round(0.016 * _S))
    picture.alpha_composite(wisp.filter(ImageFilter.GaussianBlur(_S * 0.012)))


def _carton(picture: Image.Image, mark: str) -> None:
    _shadow(picture, (0.16, 0.92, 0.86, 0.99))
    draw = ImageDraw.Draw(picture)
    draw.polygon(
        [(0.20 * _S, 0.30 * _S), (0.62 * _S, 0.30 * _S), (0.62 * _S, 0.95 * _S), (0.20 * _S, 0.95 * _S)],
        (240, 244, 246),
    )
    draw.polygon(
        [(0.62 * _S, 0.30 * _S), (0.82 * _S, 0.20 * _S), (0.82 * _S, 0.84 * _S), (0.62 * _S, 0.95 * _S)],
        (188, 202, 210),
    )
    draw.polygon(
        [(0.20 * _S, 0.30 * _S), (0.40 * _S, 0.20 * _S), (0.82 * _S, 0.20 * _S), (0.62 * _S, 0.30 * _S)],
        (252, 253, 254),
    )
    draw.polygon(
        [(0.20 * _S, 0.78 * _S), (0.62 * _S, 0.78 * _S), (0.62 * _S, 0.95 * _S), (0.20 * _S, 0.95 * _S)], (24, 106, 122)
    )
    draw.polygon(
        [(0.62 * _S, 0.78 * _S), (0.82 * _S, 0.67 * _S), (0.82 * _S, 0.84 * _S), (0.62 * _S, 0.95 * _S)], (16, 82, 96)
    )
    draw.text((0.41 * _S, 0.53 * _S), mark, (24, 106, 122), font(round(0.22 * _S), bold=True), anchor="mm")
    draw.line((0.30 * _S, 0.69 * _S, 0.52 * _S, 0.69 * _S), (150, 170, 180), round(0.006 * _S))


DRAWINGS: dict[str, Callable[[Image.Image, str], None]] = {
    "bottle": _bottle,
    "jar": _jar,
    "pouch": _pouch,
    "bowl": _bowl,
    "carton": _carton,
}
KINDS = tuple(DRAWINGS)
