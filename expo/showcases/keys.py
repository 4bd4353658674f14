"""Typed keys of what pages and the API of showcases ask; opened in `expo.app`."""

from __future__ import annotations

from aiohttp import web

from expo.accounts.keys import TOKENS
from expo.rooms.door import RoomDoor

__all__ = ["DOOR", "TOKENS"]

DOOR: web.AppKey[RoomDoor] = web.AppKey("door", RoomDoor)
"""`live_state(room)`, wherever the room is."""
