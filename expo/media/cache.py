"""The newest packets of one numbering, for retransmission."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class PacketCache(Generic[T]):
    """A ring of `size` (a power of two) items by 16-bit sequence number; each number has one slot, newest wins.

    512 by default: an older packet, sent again, would fall out of the sender's SRTP window (1024) with half to spare.
    """

    __slots__ = ("_items", "_mask", "_numbers")

    def __init__(self, size: int = 512) -> None:
        if size < 1 or size > 0x8000 or size & (size - 1):
            raise ValueError(f"cache size {size} is no power of two up to 32768")
        self._mask = size - 1
        self._numbers = [-1] * size
        self._items: list[T | None] = [None] * size

    def put(self, sequence: int, item: T) -> None:
        """Keep `item`, in place of whatever was in its slot."""
        slot = sequence & self._mask
        self._numbers[slot] = sequence
        self._items[slot] = item

    def get(self, sequence: int) -> T | None:
        """The item kept under exactly this number, or None."""
        slot = sequence & self._mask
        return self._items[slot] if self._numbers[slot] == sequence else None

    def clear(self) -> None:
        """Forget everything; to be called when the numbering starts anew."""
        size = self._mask + 1
        self._numbers = [-1] * size
        self._items = [None] * size
