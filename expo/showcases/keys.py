"""Typed keys of what pages and the API of showcases ask; opened in `expo.app`."""

from __future__ import annotations

from aiohttp import web

from expo.accounts.keys import TOKENS
from expo.rooms.door import RoomDoor
from expo.showcases.open_rooms import OpenRooms

__all__ = ["DOOR", "OPEN_ROOMS", "TOKENS"]

DOOR: web.AppKey[RoomDoor] = web.AppKey("door", RoomDoor)
"""`live_state(room)`, wherever the room is."""

OPEN_ROOMS: web.AppKey[OpenRooms] = web.AppKey("open_rooms", OpenRooms)
"""How rows that change reach the rooms that are open."""
