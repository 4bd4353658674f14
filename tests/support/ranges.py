"""Byte ranges of every kind, asked of one address (RFC 9110 14)."""

from __future__ import annotations

import aiohttp


async def asks_every_range(http: aiohttp.ClientSession, address: str) -> bytes:
    """The whole, after each part of it was asked for."""
    async with http.get(address) as answer:
        whole, tag = await answer.read(), answer.headers["ETag"]
        assert (answer.status, answer.headers["Accept-Ranges"]) == (200, "bytes")
    size = len(whole)
    parts = {
        "bytes=0-0": whole[:1], "bytes=0-9": whole[:10], "bytes=5-14": whole[5:15], "bytes=-10": whole[-10:],
        f"bytes={size - 3}-": whole[-3:], f"bytes=2-{size + 50}": whole[2:], f"bytes=-{size + 50}": whole,
    }  # fmt: skip
    for asked, expected in parts.items():
        for more in ({}, {"If-Range": tag}):
            async with http.get(address, headers={"Range": asked, **more}) as answer:
                assert (answer.status, await answer.read()) == (206, expected), asked
                first = size - len(expected) if asked.startswith("bytes=-") else int(asked[6:].split("-")[0])
                last = first + len(expected) - 1
                assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
    for asked in (f"bytes={size}-", "bytes=-0"):
        async with http.get(address, headers={"Range": asked}) as answer:
            assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{size}"), asked
    no_part = [
        *({"Range": asked} for asked in ("bytes=9-2", "bytes=a-b", "bytes=-", "bytes", "seconds=0-3", "bytes=0-1,4-5")),
        {"Range": "bytes=0-1", "If-Range": '"another"'},
        {"Range": "bytes=0-1", "If-Range": f"W/{tag}"},
    ]
    for headers in no_part:
        async with http.get(address, headers=headers) as answer:
            assert (answer.status, len(await answer.read())) == (200, size), headers
    async with http.get(address, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    async with http.head(address) as answer:
        assert (answer.status, answer.content_length) == (200, size)
    return whole
