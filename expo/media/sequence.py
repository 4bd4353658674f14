"""Numbers that wrap: serial arithmetic (RFC 1982), unwrapping, and telling a restart from a stray (RFC 3550 A.1)."""

from __future__ import annotations

# RFC 3550 A.1 says 3000: some ten seconds of a 2.5 Mb/s picture.
MAX_DROPOUT = 3000
# As far back as libsrtp's replay window lets a packet through: an older one cannot be a late one.
MAX_MISORDER = 1024


def newer16(a: int, b: int) -> bool:
    """Whether sequence number `a` comes after `b` (RFC 1982 3.2); both are false for equal and for opposite ones."""
    return 0 < (a - b) & 0xFFFF < 0x8000


class Unwrapper:
    """Extends a number of `bits` that wraps into one that does not.

    The first value is itself. A later one is taken to be the nearest to the newest so far, so a reordered value
    comes out lower than the newest, and even below 0 right after a start near 0.
    """

    __slots__ = ("_half", "_mask", "newest")

    def __init__(self, bits: int) -> None:
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self.newest: int | None = None

    def unwrap(self, value: int) -> int:
        """The extended value; remembers it when it is the newest."""
        newest = self.newest
        if newest is None:
            self.newest = value
            return value
        step = (value - newest) & self._mask
        if step < self._half:
            self.newest = value = newest + step
            return value
        return newest + step - self._mask - 1

    def peek(self, value: int) -> int:
        """The extended value, remembering nothing."""
        newest = self.newest
        if newest is None:
            return value
        step = (value - newest) & self._mask
        return newest + step if step < self._half else newest + step - self._mask - 1


class RestartGate:
    """Tells a source that restarted its numbering from a stray packet; asked only about numbers far off the stream.

    A jump ahead is believed at once: it is what an outage looks like, and its first packet may be the key frame.
    A jump back, or to where the stream was before its last restart, is believed at the second consecutive number
    (RFC 3550 A.1), so that packets that were under way during a restart do not restart it again.
    """

    __slots__ = ("_doubtful_next", "_left_behind")

    def __init__(self) -> None:
        self._doubtful_next = -1
        self._left_behind = -1

    def restarted(self, newest: int, sequence: int) -> bool:
        """Whether `sequence`, after `newest` (both 16 bits), begins a new numbering; False means drop the packet."""
        left = self._left_behind
        ahead = (sequence - newest) & 0xFFFF < 0x8000
        near_left = left >= 0 and (left - sequence + MAX_MISORDER) & 0xFFFF <= 2 * MAX_MISORDER
        if near_left or not ahead:
            expected, self._doubtful_next = self._doubtful_next, (sequence + 1) & 0xFFFF
            if sequence != expected:
                return False
        self._doubtful_next = -1
        self._left_behind = newest
        return True
