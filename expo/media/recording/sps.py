"""What a sequence parameter set says of its pictures (ITU-T H.264 7.3.2.1.1, E.1.1)."""

from __future__ import annotations

from dataclasses import dataclass

_HIGH = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_EXTENDED_SAR = 255


@dataclass(frozen=True, slots=True)
class Sps:
    """`reorder` is how many pictures may precede one in decoding and follow it in output; None: it is not said."""

    profile: int
    constraints: int
    level: int
    width: int
    height: int
    chroma_format: int
    bit_depth_luma: int
    bit_depth_chroma: int
    reorder: int | None

    @property
    def codecs(self) -> str:
        """As in a playlist or a MIME type (RFC 6381 3.3)."""
        return f"avc1.{self.profile:02x}{self.constraints:02x}{self.level:02x}"


class _Bits:
    """The bits of a NAL unit without its emulation prevention (H.264 7.3.1); raises ValueError behind the end."""

    def __init__(self, unit: bytes) -> None:
        payload = unit.replace(b"\0\0\3", b"\0\0")
        self._value = int.from_bytes(payload, "big")
        self._left = len(payload) * 8

    def u(self, count: int) -> int:
        if count > self._left:
            raise ValueError("ends too early")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def flag(self) -> bool:
        return self.u(1) == 1

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > 32:
                raise ValueError("number too long")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def parse_sps(unit: bytes) -> Sps:
    """Parse one NAL unit of type 7. Raises ValueError."""
    bits = _Bits(unit)
    bits.u(8)
    profile, constraints, level = bits.u(8), bits.u(8), bits.u(8)
    bits.ue()
    chroma_format, luma, chroma = 1, 8, 8
    if profile in _HIGH:
        chroma_format = bits.ue()
        if chroma_format == 3:
            bits.flag()
        luma, chroma = bits.ue() + 8, bits.ue() + 8
        bits.flag()
        if bits.flag():
            for index in range(8 if chroma_format != 3 else 12):
                if bits.flag():
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    bits.ue()
    order_type = bits.ue()
    _skip_order(bits, order_type)
    bits.ue()
    bits.flag()
    columns, rows = bits.ue() + 1, bits.ue() + 1
    frames_only = bits.flag()
    if not frames_only:
        bits.flag()
    bits.flag()
    width, height = columns * 16, rows * 16 * (1 if frames_only else 2)
    if bits.flag():
        across = 2 if chroma_format in {1, 2} else 1
        down = (2 if chroma_format == 1 else 1) * (1 if frames_only else 2)
        width -= across * (bits.ue() + bits.ue())
        height -= down * (bits.ue() + bits.ue())
    reorder = 0 if profile == 66 or order_type == 2 else _reorder(bits)
    if not 0 < width <= 16384 or not 0 < height <= 16384:
        raise ValueError("no picture has this size")
    return Sps(profile, constraints, level, width, height, chroma_format, luma, chroma, reorder)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) & 255
        last = following or last


def _skip_order(bits: _Bits, order_type: int) -> None:
    if order_type == 0:
        bits.ue()
    elif order_type == 1:
        bits.flag()
        bits.se()
        bits.se()
        count = bits.ue()
        if count > 255:
            raise ValueError("cycle too long")
        for _ in range(count):
            bits.se()


def _reorder(bits: _Bits) -> int | None:
    """max_num_reorder_frames of the VUI parameters."""
    if not bits.flag():
        return None
    _skip_look(bits)
    if bits.flag():
        bits.u(65)
    rates = [_skip_rates(bits) for _ in range(2) if bits.flag()]
    if rates:
        bits.flag()
    bits.flag()
    if not bits.flag():
        return None
    bits.flag()
    for _ in range(4):
        bits.ue()
    return min(16, bits.ue())


def _skip_look(bits: _Bits) -> None:
    """Aspect ratio, overscan, colours, where chroma samples lie."""
    if bits.flag() and bits.u(8) == _EXTENDED_SAR:
        bits.u(32)
    if bits.flag():
        bits.flag()
    if bits.flag():
        bits.u(4)
        if bits.flag():
            bits.u(24)
    if bits.flag():
        bits.ue()
        bits.ue()


def _skip_rates(bits: _Bits) -> None:
    count = bits.ue() + 1
    if count > 32:
        raise ValueError("too many rates")
    bits.u(8)
    for _ in range(count):
        bits.ue()
        bits.ue()
        bits.flag()
    bits.u(20)
