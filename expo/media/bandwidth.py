"""How much a publisher should send: a rate by its own loss (after draft-ietf-rmcat-gcc-02 6, kept simple)."""

from __future__ import annotations

HIGH_LOSS = 0.10
LOW_LOSS = 0.02
RAISE = 1.08

_RAISE_EVERY_US = 400_000
# A cut shows in the loss one round trip and one report later; until then it must not be taken twice.
_CUT_EVERY_US = 1_000_000
_HOLD_US = 2_000_000


class PublisherRate:
    """`bps` is what the path carries: between the floor and the cap, `start_bps` at first.

    More than 10 % loss halves it, less than 2 % raises it by 8 % a report, in between it stays. `asked_bps` is what to
    ask for by REMB: no more than `spare_bps` while that is set, and then nothing is learnt about more.
    """

    __slots__ = ("_cap_bps", "_cut_us", "_floor_bps", "_raised_us", "bps", "spare_bps")

    def __init__(self, cap_bps: int, start_bps: int = 1_500_000, floor_bps: int = 150_000) -> None:
        self._cap_bps = cap_bps
        self._floor_bps = min(floor_bps, cap_bps)
        self._cut_us: int | None = None
        self._raised_us: int | None = None
        self.spare_bps: int | None = None
        self.bps = max(self._floor_bps, min(start_bps, cap_bps))

    @property
    def asked_bps(self) -> int:
        return self.bps if self.spare_bps is None else min(self.bps, self.spare_bps)

    def on_loss(self, fraction: float, now_us: int) -> int:
        """Take the share of packets (0..1) lost since the last report; returns the new `bps`."""
        since_cut_us = _HOLD_US if self._cut_us is None else now_us - self._cut_us
        if fraction > HIGH_LOSS:
            if since_cut_us >= _CUT_EVERY_US:
                self._cut_us = now_us
                self.bps = max(self._floor_bps, self.bps // 2)
        elif (
            fraction < LOW_LOSS
            and self.spare_bps is None
            and since_cut_us >= _HOLD_US
            and (self._raised_us is None or now_us - self._raised_us >= _RAISE_EVERY_US)
        ):
            self._raised_us = now_us
            self.bps = min(self._cap_bps, int(self.bps * RAISE))
        return self.bps
