"""Loudness as senders tell it in the audio-level header extension (RFC 6464); sound is never decoded for it."""

from __future__ import annotations

from expo.media.rtp import Malformed

SILENCE_DBOV = -127

# Speech lies between -60 and -10 dBov; the meter shows that span.
_BOTTOM_DBOV = -60
_TOP_DBOV = -10
# 20 dB in 1.5 s, about as a peak programme meter falls (IEC 60268-10, type I).
_FALL_PER_S = 0.27


def parse_level(data: bytes) -> tuple[bool, int]:
    """(voice, level): the sender's voice flag, and -127 (silence) to 0 dBov (RFC 6464 3); raises Malformed if empty.

    Only the first byte counts: the two-byte form of the header may carry padding behind it.
    """
    if not data:
        raise Malformed("levels: empty audio level")
    return data[0] > 127, -(data[0] & 127)


class Loudness:
    """A meter from 0 (silence) to 1 (as loud as speech gets) that rises at once and falls slowly."""

    __slots__ = ("_at_us", "_value")

    def __init__(self) -> None:
        self._value = 0.0
        self._at_us = 0

    def hear(self, dbov: int, now_us: int) -> None:
        """Take one packet's level, -127 to 0 dBov."""
        fallen = self._value - (now_us - self._at_us) * _FALL_PER_S / 1_000_000
        heard = (dbov - _BOTTOM_DBOV) / (_TOP_DBOV - _BOTTOM_DBOV)
        louder = heard if heard > fallen else fallen
        self._value = 0.0 if louder < 0.0 else 1.0 if louder > 1.0 else louder
        self._at_us = now_us

    def value(self, now_us: int) -> float:
        """What the meter shows at `now_us`; it falls to 0 when nothing is heard any more."""
        return max(0.0, self._value - max(0, now_us - self._at_us) * _FALL_PER_S / 1_000_000)
