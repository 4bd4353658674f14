"""What a worker opens for recordings, in order, and closes in reverse."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

from aiohttp import web

from expo.archive import pages, replay, replay_page, routes
from expo.archive.films import Films
from expo.archive.keeping import Keeping
from expo.archive.keys import FILMS, KEEPING, LIBRARY, ON_CONSENT, PROGRAMMES, WATCH_COUNTS
from expo.archive.library import Library
from expo.archive.programme import Programmes
from expo.archive.watching import WatchCounts
from expo.edge.keys import DATABASE
from expo.ids import RoomId

FEATURES = (routes, replay, replay_page, pages)


@contextlib.asynccontextmanager
async def archive(app: web.Application, programmes: Programmes, root: Path, *, sweeps: bool) -> AsyncGenerator[None]:
    """The recordings in `root`; one worker of a server `sweeps`. Set ON_CONSENT before where a room is to be told."""
    app[PROGRAMMES] = programmes
    app[LIBRARY] = library = Library(app[DATABASE], programmes, root)
    app[FILMS] = films = Films(root)
    app[WATCH_COUNTS] = counts = WatchCounts(app[DATABASE])
    app[KEEPING] = keeping = Keeping(library, films)
    if ON_CONSENT not in app:
        app[ON_CONSENT] = _nobody
    for feature in FEATURES:
        app.add_routes(feature.routes())
    films.open()
    counts.open()
    if sweeps:
        keeping.open()
    try:
        yield
    finally:
        await keeping.close()
        await counts.close()
        await films.close()
        await library.close()


async def _nobody(_room: RoomId) -> None:
    """No room is told."""
