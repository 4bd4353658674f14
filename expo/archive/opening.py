"""What a worker opens for recordings, in order, and closes in reverse."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

from aiohttp import web

from expo.archive import pages, poster_page, replay, replay_page, routes
from expo.archive.films import Films
from expo.archive.keeping import Keeping
from expo.archive.keys import FILMS, KEEPING, LIBRARY, POSTERS, PROGRAMMES, WATCH_COUNTS
from expo.archive.library import Library
from expo.archive.posters import Posters
from expo.archive.programme import Programmes
from expo.archive.watching import WatchCounts
from expo.edge.keys import DATABASE

FEATURES = (routes, replay, replay_page, poster_page, pages)


@contextlib.asynccontextmanager
async def archive(app: web.Application, programmes: Programmes, root: Path, *, sweeps: bool) -> AsyncGenerator[None]:
    """The recordings in `root`; one worker of a server `sweeps`. ON_CONSENT and RECORDER are set before."""
    app[PROGRAMMES] = programmes
    app[LIBRARY] = library = Library(app[DATABASE], programmes, root)
    app[FILMS] = films = Films(root)
    app[POSTERS] = posters = Posters(library)
    app[WATCH_COUNTS] = counts = WatchCounts(app[DATABASE])
    app[KEEPING] = keeping = Keeping(library, films)
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
        await posters.close()
        await library.close()
