"""Typed keys of what the archive keeps for the application; opened in `expo.app`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from expo.archive.films import Films
from expo.archive.keeping import Keeping
from expo.archive.library import Library
from expo.archive.posters import Posters
from expo.archive.programme import Programmes
from expo.archive.watching import WatchCounts
from expo.ids import RoomId
from expo.media.recording.recorder import RecordingHealth

LIBRARY = web.AppKey("library", Library)
KEEPING = web.AppKey("keeping", Keeping)
FILMS = web.AppKey("films", Films)
POSTERS = web.AppKey("posters", Posters)
WATCH_COUNTS = web.AppKey("watch_counts", WatchCounts)
PROGRAMMES: web.AppKey[Programmes] = web.AppKey("programmes", Programmes)
"""What a recording was of."""
ON_CONSENT: web.AppKey[Callable[[RoomId], Awaitable[object]]] = web.AppKey("on_consent")
"""Awaited after somebody's decision is committed: the room looks at the consents again, wherever it is."""
RECORDER: web.AppKey[Callable[[RoomId], Awaitable[RecordingHealth | None]]] = web.AppKey("recorder")
"""How the recorder of a room does, wherever it is; None where nothing is being recorded. Raises Unavailable."""
