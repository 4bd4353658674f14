"""Datagrams that are almost right, for parsers: reproducible by seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random


def broken(examples: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` datagrams: noise, and examples that were cut, extended, spliced or had bits, bytes and words changed."""
    random = Random(seed)
    for index in range(count):
        if index % 10 == 0:
            yield random.randbytes(random.randrange(0, 80))
            continue
        data = bytearray(random.choice(examples))
        for _ in range(random.randint(1, 3)):
            _damage(data, random, examples)
        yield bytes(data)


def _damage(data: bytearray, random: Random, examples: Sequence[bytes]) -> None:
    at = random.randrange(len(data)) if data else 0
    match random.randrange(6):
        case 0:
            del data[at:]
        case 1:
            data += random.randbytes(random.randrange(1, 40))
        case 2:
            data[at:] = random.choice(examples)[at:]
        case 3 if data:
            data[at] ^= 1 << random.randrange(8)
        case 4 if data:
            data[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF))
        case _:
            # Lengths stand in 16-bit words near the front.
            at = random.randrange(0, 24) & ~1
            data[at : at + 2] = random.choice((0, 1, 0x7FFF, 0xFFFF)).to_bytes(2, "big")
