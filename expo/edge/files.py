"""Files as answers."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter

from expo.edge.ranges import byte_range


class Download(web.FileResponse):
    """A file, and its byte ranges as `edge.ranges` has them (RFC 9110 14.2).

    aiohttp refuses several ranges and other units, where the whole is due, and overlooks an If-Range with an entity
    tag: who resumes a file that was made anew would put two together.
    """

    def __init__(self, path: Path, headers: dict[str, str]) -> None:
        super().__init__(path, headers=headers)
        self._file = path

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        asked = request.headers.get(hdrs.RANGE)
        if asked is not None:
            with contextlib.suppress(OSError):  # not there: 404
                request = await self._with_range(request, asked)
        return await super().prepare(request)

    async def _with_range(self, request: web.BaseRequest, asked: str) -> web.BaseRequest:
        stat = await asyncio.to_thread(self._file.stat)
        tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'  # as aiohttp makes it
        headers = request.headers.copy()
        headers.popall(hdrs.RANGE)
        if request.headers.get(hdrs.IF_RANGE, tag) == tag:
            try:
                part = byte_range(asked, stat.st_size)
            except IndexError:
                headers[hdrs.RANGE] = f"bytes={stat.st_size}-"
            else:
                if part is not None:
                    headers[hdrs.RANGE] = f"bytes={part[0]}-{part[1]}"
        return request.clone(headers=headers)
