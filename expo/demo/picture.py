"""The moving picture: a persistent YUV 4:2:0 frame in which only what moves is drawn again (2 ms of CPU a frame)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from expo.demo.clock_code import HEIGHT_SHARE, draw_clock
from expo.demo.fonts import font
from expo.demo.illustrations import glow
from expo.demo.script import Script
from expo.demo.slides import (
    BARS_AT,
    CLOCK_AT,
    FLASH_AT,
    HEIGHT,
    PRODUCT_AT,
    RING_AT,
    RING_RADIUS,
    WIDTH,
    Slide,
    draw_slides,
)

SLIDE_MS = 9_000
WIPE_MS = 700
FLASH_MS = 66  # two frames at 30/s, so that one dropped frame does not hide it
FLOAT_PX, FLOAT_MS = 9, 5_200  # how far and how slowly the product floats
TURN_MS = 8_000  # the light goes once round the ring
BARS = 6

Plane = npt.NDArray[np.uint8]
Wide = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class _Still:
    """One slide as planes."""

    y: Plane
    u: Plane
    v: Plane
    product: tuple[_Patch, _Patch, _Patch]


@dataclass(frozen=True, slots=True)
class _Patch:
    """Something to lay over a plane: `plane = (plane * keep + add) / 256`."""

    keep: Wide
    add: Wide


class MovingPicture:
    """Draws the programme at any moment. Not thread-safe; `frame` is the same object at every call."""

    def __init__(self, script: Script, *, flash: bool = False) -> None:
        self._flash = flash
        self._stills = [_still(slide) for slide in draw_slides(script)]
        self._digits = {sign: _sign(sign) for sign in "0123456789:. UTC"}
        self._comet = _light(70, 0.85)
        self._drifters = [_light(size, 0.20) for size in (210, 150, 110, 180)]
        self.frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        self.frame.color_range = 1  # limited, as the encoder's VUI says
        self._y, self._u, self._v = (_plane(self.frame, index) for index in range(3))
        self._base = [plane.copy() for plane in (self._stills[0].y, self._stills[0].u, self._stills[0].v)]
        self._shown = 0
        self._wiped = WIDTH

    def draw(self, utc_ms: int, loudness: float) -> av.VideoFrame:
        """The picture of the moment `utc_ms` with level bars for `loudness` (0..1), valid until the next call."""
        still = self._turn_page(utc_ms)
        self._y[:], self._u[:], self._v[:] = self._base
        for index, light in enumerate(self._drifters):
            turn = utc_ms / (17_000 + 4_000 * index) * math.tau
            self._lighten(
                light,
                round(330 + 420 * math.sin(turn) + 90 * index),
                round(190 + 120 * math.cos(turn * 1.3 + index)),
            )
        turn = utc_ms % TURN_MS / TURN_MS * math.tau
        self._lighten(
            self._comet,
            round(RING_AT[0] + RING_RADIUS * math.sin(turn)) - 35,
            round(RING_AT[1] - RING_RADIUS * math.cos(turn)) - 35,
        )
        lift = round(FLOAT_PX * math.sin(utc_ms % FLOAT_MS / FLOAT_MS * math.tau))
        x, y = PRODUCT_AT[0], PRODUCT_AT[1] - 6 + lift
        _lay(self._y, still.product[0], x, y)
        _lay(self._u, still.product[1], x // 2, y // 2)
        _lay(self._v, still.product[2], x // 2, y // 2)
        self._draw_bars(utc_ms, loudness)
        self._draw_time(utc_ms)
        if self._flash and utc_ms % 1000 < FLASH_MS:
            left, top, right, bottom = FLASH_AT
            self._y[top:bottom, left:right] = 235
            self._u[top // 2 : bottom // 2, left // 2 : right // 2] = 128
            self._v[top // 2 : bottom // 2, left // 2 : right // 2] = 128
        strip = HEIGHT - HEIGHT // HEIGHT_SHARE
        self._u[strip // 2 :] = 128
        self._v[strip // 2 :] = 128
        draw_clock(self._y, utc_ms)
        return self.frame

    def _turn_page(self, utc_ms: int) -> _Still:
        """Bring the still layer to the slide of this moment, wiping from left to right; return that slide."""
        wanted = utc_ms // SLIDE_MS % len(self._stills)
        still = self._stills[wanted]
        if wanted != self._shown:
            self._shown, self._wiped = wanted, 0
        if self._wiped < WIDTH:
            share = min(1.0, utc_ms % SLIDE_MS / WIPE_MS)
            edge = round(WIDTH * share * share * (3 - 2 * share)) // 2 * 2
            start, self._wiped = self._wiped, max(edge, self._wiped)
            for base, source, step in zip(self._base, (still.y, still.u, still.v), (1, 2, 2), strict=True):
                base[:, start // step : self._wiped // step] = source[:, start // step : self._wiped // step]
        return still

    def _lighten(self, light: Plane, x: int, y: int) -> None:
        size = light.shape[0]
        left, top = max(0, x), max(0, y)
        region = self._y[top : max(top, min(HEIGHT, y + size)), left : max(left, min(WIDTH, x + size))]
        part = light[top - y : top - y + region.shape[0], left - x : left - x + region.shape[1]]
        region += np.minimum(part, 235 - np.minimum(region, 235))

    def _draw_bars(self, utc_ms: int, loudness: float) -> None:
        for index in range(BARS):
            sway = 0.55 + 0.45 * math.sin(utc_ms / (90 + 17 * index) + index * 1.7)
            height = 4 + round(58 * min(1.0, loudness * 1.6) * sway)
            x, bottom = BARS_AT[0] + index * 14, BARS_AT[1] + 32
            self._y[bottom - height : bottom, x : x + 8] = 92
            self._u[(bottom - height) // 2 : bottom // 2, x // 2 : x // 2 + 4] = 118
            self._v[(bottom - height) // 2 : bottom // 2, x // 2 : x // 2 + 4] = 96

    def _draw_time(self, utc_ms: int) -> None:
        moment = datetime.fromtimestamp(utc_ms / 1000, UTC)
        x, y = CLOCK_AT
        for sign in f"{moment:%H:%M:%S}.{utc_ms % 1000 // 100} UTC":
            patch = self._digits[sign]
            _lay(self._y, patch, x, y)
            x += patch.keep.shape[1]


def _still(slide: Slide) -> _Still:
    y, u, v = _planes(slide.still)
    alpha = slide.product.getchannel("A")
    half = alpha.resize((alpha.width // 2, alpha.height // 2), Image.Resampling.BOX)
    ground = Image.new("RGB", slide.product.size)
    ground.paste(slide.product, (0, 0), alpha.point(lambda level: 255 if level else 0))
    product_y, product_u, product_v = _planes(ground)
    return _Still(y, u, v, (_patch(product_y, alpha), _patch(product_u, half), _patch(product_v, half)))


def _planes(picture: Image.Image) -> tuple[Plane, Plane, Plane]:
    frame = av.VideoFrame.from_ndarray(np.asarray(picture), "rgb24")
    planar = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range=1)
    return _plane(planar, 0).copy(), _plane(planar, 1).copy(), _plane(planar, 2).copy()


def _plane(frame: av.VideoFrame, index: int) -> Plane:
    """A writable view of one plane, without the padding at the end of its lines."""
    plane = frame.planes[index]
    return np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]


def _patch(plane: Plane, alpha: Image.Image) -> _Patch:
    weight = np.asarray(alpha).astype(np.uint16)
    weight += weight >> 7  # 0..256, so that the division is a shift
    return _Patch(np.uint16(256) - weight, plane.astype(np.uint16) * weight)


def _lay(plane: Plane, patch: _Patch, x: int, y: int) -> None:
    height, width = patch.keep.shape
    region = plane[y : y + height, x : x + width]
    region[:] = (region * patch.keep + patch.add) >> 8


def _light(size: int, strength: float) -> Plane:
    alpha = np.asarray(glow(size, (255, 255, 255), strength))[..., 3]
    return (alpha * 0.8).astype(np.uint8)


def _sign(sign: str) -> _Patch:
    """One sign of the clock in a cell of its own, so that digits do not jump."""
    face = font(36, bold=True)
    width = 22 if sign.isdigit() else 27 if sign in "UTC" else 12
    cell = Image.new("L", (width, 52))
    ImageDraw.Draw(cell).text((width / 2, 25), sign, 255, face, anchor="mm")
    return _patch(np.full((52, width), 46, dtype=np.uint8), cell)
