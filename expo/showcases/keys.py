"""Typed keys of what pages and the API of showcases ask; opened in `expo.app`."""

from __future__ import annotations

from aiohttp import web

from expo.accounts.tokens import Tokens
from expo.rooms.door import RoomDoor

DOOR: web.AppKey[RoomDoor] = web.AppKey("door", RoomDoor)
"""`live_state(room)`, wherever the room is."""
TOKENS = web.AppKey("tokens", Tokens)
"""Signs room tokens for pages."""
