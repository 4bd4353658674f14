"""A clock that a machine can read from a picture, however it was compressed and scaled.

Geometry, in shares of the picture so that a browser's canvas can read it too: one row of 64 equal cells along the
bottom edge, as wide as the picture and 1/30 of its height (cell i spans x = i/64 .. (i+1)/64, y = 29/30 .. 1).
White is 1, black is 0. From the left:

    cells  0-3   1 0 1 0       levels: what white and black are here
    cells  4-51  48 bits       UTC in whole milliseconds since 1970, most significant bit first
    cells 52-59  8 bits        CRC-8 of the six bytes before (polynomial x^8 + x^2 + x + 1, initial value 0)
    cells 60-63  0 1 0 1       levels again, at the other end

A reader takes the mean of the middle half of a cell in both directions and compares it with the mean of the eight level
cells; it gives up when the levels differ by less than 48 of 255, when a level cell is on the wrong side, or when the
CRC is wrong.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

CELLS = 64
HEIGHT_SHARE = 30  # the row is one thirtieth of the height: 24 of 720 lines, still 6 lines at 180
LEVELS = ((0, 1), (1, 0), (2, 1), (3, 0), (60, 0), (61, 1), (62, 0), (63, 1))  # (cell, bit)
LEAST_CONTRAST = 48
LUMA_BLACK, LUMA_WHITE = 20, 232  # just inside video range, so that an encoder's ringing does not clip

Bits = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.uint8]


def clock_cells(utc_ms: int) -> Bits:
    """The 64 cells (0 or 1) that say `utc_ms`, which has 48 bits."""
    stamp = utc_ms.to_bytes(6, "big")
    cells = np.zeros(CELLS, dtype=np.uint8)
    for cell, bit in LEVELS:
        cells[cell] = bit
    cells[4:60] = np.unpackbits(np.frombuffer(stamp + bytes((_crc8(stamp),)), dtype=np.uint8))
    return cells


def draw_clock(luma: Picture, utc_ms: int) -> None:
    """Write the code into a luma plane of shape (height, width), in place; chroma under it should be 128."""
    height, width = luma.shape
    lit = np.where(clock_cells(utc_ms) == 1, LUMA_WHITE, LUMA_BLACK).astype(np.uint8)
    luma[height - height // HEIGHT_SHARE :, :] = lit[np.arange(width) * CELLS // width]


def read_clock(rgb: Picture) -> int | None:
    """UTC milliseconds drawn into a picture of shape (height, width, 3) or (height, width); None without a clock."""
    height, width = rgb.shape[:2]
    row = height / HEIGHT_SHARE
    top, bottom = round(height - row * 0.75), round(height - row * 0.25)
    if width < CELLS * 2 or bottom <= top:
        return None
    strip = rgb[top:bottom].astype(np.float32)
    columns = strip.mean(axis=(0, 2)) if strip.ndim == 3 else strip.mean(axis=0)
    cell_width = width / CELLS
    means = np.array(
        [
            columns[round(cell * cell_width + cell_width / 4) : round((cell + 1) * cell_width - cell_width / 4)].mean()
            for cell in range(CELLS)
        ]
    )
    whites = [means[cell] for cell, bit in LEVELS if bit]
    blacks = [means[cell] for cell, bit in LEVELS if not bit]
    if min(whites) - max(blacks) < LEAST_CONTRAST:
        return None
    threshold = (float(np.mean(whites)) + float(np.mean(blacks))) / 2
    code = np.packbits((means[4:60] > threshold).astype(np.uint8)).tobytes()
    return int.from_bytes(code[:6], "big") if _crc8(code[:6]) == code[6] else None


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc
