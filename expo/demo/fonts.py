"""Fonts that happen to be on this machine; the demo ships none."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

# One family that sets Hangul, Latin and Vietnamese beats three that do not match, so CJK families come first.
BOLD = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/truetype/nanum/NanumGothicBold.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Bold.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Bold.ttf",
)
REGULAR = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/nanum/NanumGothic.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
)
KOREAN_FACE = 1  # order of the faces in the Noto CJK collections: JP KR SC TC HK

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def font(size: int, *, bold: bool = False) -> Font:
    """The best font found, `size` px; Pillow's built-in Latin face where the machine has none."""
    path = next((path for path in (BOLD if bold else REGULAR) if Path(path).exists()), None)
    if path is None:
        return ImageFont.load_default(size)
    return ImageFont.truetype(path, size, index=KOREAN_FACE if path.endswith(".ttc") else 0)


@cache
def sets_hangul() -> bool:
    """Whether Korean can be drawn here, so that nobody sees a row of empty boxes."""
    return _inked("한") != _inked("\U0010ffff")


def _inked(letter: str) -> bytes:
    cell = Image.new("L", (48, 48))
    ImageDraw.Draw(cell).text((8, 4), letter, 255, font(24))
    return cell.tobytes()
