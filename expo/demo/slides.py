"""The still layers of the programme: one picture per product with its place for everything that moves."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from expo.demo.fonts import Font, font, sets_hangul
from expo.demo.illustrations import Colour, glow, illustration, upright
from expo.demo.script import Item, Script

WIDTH, HEIGHT = 1280, 720
PRODUCT_AT = (770, 176)  # upper left corner of the product picture at rest; even, for the chroma planes
RING_AT, RING_RADIUS = (1010, 250), 214  # the light that travels round the product
CLOCK_AT = (688, 618)  # upper left corner of the human clock: on the table, where pages lay nothing over it
BARS_AT = (566, 594)  # lower left corner of the level bars in the lower third
FLASH_AT = (1148, 44, 1216, 112)  # left, top, right, bottom of the once-a-second flash
TEXT_WIDTH = 640

CREAM: Colour = (246, 241, 230)
SAND: Colour = (214, 190, 148)
INK: Colour = (20, 38, 32)
JADE: Colour = (22, 122, 90)
WALLS: tuple[tuple[Colour, Colour], ...] = (
    ((18, 62, 50), (38, 112, 88)),
    ((74, 36, 26), (142, 82, 54)),
    ((18, 48, 66), (40, 104, 118)),
)


@dataclass(frozen=True, slots=True)
class Slide:
    """A still picture of WIDTH x HEIGHT without its product, and the product (RGBA) that floats at PRODUCT_AT."""

    still: Image.Image
    product: Image.Image


def draw_slides(script: Script) -> list[Slide]:
    """One slide per item, in order."""
    return [_slide(script, item, index) for index, item in enumerate(script.items)]


def _slide(script: Script, item: Item, index: int) -> Slide:
    still = _wall(*WALLS[index % len(WALLS)], seed=index)
    _table(still)
    draw = ImageDraw.Draw(still)
    y = 128
    draw.text((64, y), _shown(script.delegation), SAND, font(26))
    y += 52
    for line in _wrapped(draw, _shown(item.name), font(58, bold=True), lines=2):
        draw.text((64, y), line, CREAM, font(58, bold=True))
        y += 76
    y += 18
    for line in item.lines[:3]:
        draw.ellipse((66, y + 14, 76, y + 24), fill=SAND)
        draw.text((92, y), _fitted(draw, _shown(line), font(29), TEXT_WIDTH - 30), (226, 232, 224), font(29))
        y += 47
    _lower_third(still, script)
    return Slide(still, illustration(item.kind, script.mark))


def _wall(top: Colour, bottom: Colour, seed: int) -> Image.Image:
    """A curtain in soft folds with lights out of focus before it."""
    wall = np.asarray(upright((WIDTH, HEIGHT), top, bottom), dtype=np.float32)
    across = np.linspace(0, 1, WIDTH)
    folds = 1 + 0.10 * np.sin(across * 74 + np.sin(across * 9) * 3) + 0.05 * np.sin(across * 31)
    picture = Image.fromarray(np.clip(wall * folds[None, :, None], 0, 255).astype(np.uint8), "RGB").convert("RGBA")
    for light_size, colour, strength, x, y in (
        (980, (255, 236, 196), 0.40, 1010, 300),
        (700, (160, 220, 190), 0.16, 160, 120),
    ):
        picture.alpha_composite(*_clipped(glow(light_size, colour, strength), x - light_size // 2, y - light_size // 2))
    chance = np.random.default_rng(seed + 7)
    for _ in range(16):
        size = int(chance.integers(26, 92))
        disc = Image.new("RGBA", (size * 2, size * 2))
        ImageDraw.Draw(disc).ellipse((size // 2, size // 2, size * 3 // 2, size * 3 // 2), fill=(255, 232, 190, 34))
        disc = disc.filter(ImageFilter.GaussianBlur(3))
        picture.alpha_composite(*_clipped(disc, int(chance.integers(-40, WIDTH)), int(chance.integers(-40, 420))))
    ring = Image.new("RGBA", picture.size)
    x, y = RING_AT
    ImageDraw.Draw(ring).ellipse(
        (x - RING_RADIUS, y - RING_RADIUS, x + RING_RADIUS, y + RING_RADIUS), outline=(255, 232, 190, 150), width=7
    )
    picture.alpha_composite(ring.filter(ImageFilter.GaussianBlur(7)))
    picture.alpha_composite(ring.filter(ImageFilter.GaussianBlur(1)))
    return picture.convert("RGB")


def _table(picture: Image.Image) -> None:
    top = upright((WIDTH, 150), (232, 220, 198), (172, 152, 124))
    picture.paste(top, (0, 570))
    ImageDraw.Draw(picture).line((0, 570, WIDTH, 570), (252, 246, 232), 4)
    shade = Image.new("L", picture.size)
    ImageDraw.Draw(shade).ellipse((800, 596, 1220, 644), fill=110)
    picture.paste((70, 58, 44), (0, 0), shade.filter(ImageFilter.GaussianBlur(14)))


def _lower_third(picture: Image.Image, script: Script) -> None:
    left, top, right, bottom = 48, 542, 660, 644
    shade = Image.new("L", picture.size)
    draw = ImageDraw.Draw(shade)
    draw.rounded_rectangle((left, top + 8, right, bottom + 8), 14, fill=90)
    picture.paste((20, 20, 16), (0, 0), shade.filter(ImageFilter.GaussianBlur(12)))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((left, top, right, bottom), 14, fill=CREAM)
    draw.rounded_rectangle((left, top, left + 92, bottom), 14, fill=JADE)
    draw.rectangle((left + 78, top, left + 92, bottom), fill=JADE)
    draw.text((left + 46, (top + bottom) / 2), _shown(script.mark[:1]), CREAM, font(48, bold=True), anchor="mm")
    name = _fitted(draw, _shown(script.company), font(34, bold=True), 390)
    draw.text((left + 116, top + 32), name, INK, font(34, bold=True), anchor="lm")
    presenter = _fitted(draw, _shown(script.presenter), font(22), 390)
    draw.text((left + 116, top + 73), presenter, (72, 86, 80), font(22), anchor="lm")


def _shown(text: str) -> str:
    """`text`, without what this machine has no letters for."""
    return text if sets_hangul() else "".join(letter for letter in text if ord(letter) < 0x2000).strip() or "·"


def _wrapped(draw: ImageDraw.ImageDraw, text: str, face: Font, lines: int) -> list[str]:
    rows: list[str] = []
    for word in re.sub(r"(\d) (?=(?:ml|g|kg|l)\b)", "\\1\u00a0", text).split(" "):  # a number keeps its unit
        longer = f"{rows[-1]} {word}" if rows else word
        if rows and draw.textlength(longer, face) <= TEXT_WIDTH:
            rows[-1] = longer
        else:
            rows.append(word)
    kept = rows[:lines]
    if len(rows) > lines:
        kept[-1] = " ".join(rows[lines - 1 :])
    return [_fitted(draw, row, face, TEXT_WIDTH) for row in kept]


def _fitted(draw: ImageDraw.ImageDraw, text: str, face: Font, width: int) -> str:
    if draw.textlength(text, face) <= width:
        return text
    while text and draw.textlength(f"{text}…", face) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _clipped(layer: Image.Image, x: int, y: int) -> tuple[Image.Image, tuple[int, int]]:
    """A layer and where to composite it, cut so that it does not start outside the picture."""
    cut = layer.crop((max(0, -x), max(0, -y), layer.width, layer.height))
    return cut, (max(0, x), max(0, y))
