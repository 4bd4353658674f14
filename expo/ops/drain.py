"""Draining: the worker still answers what it holds, and says on `/readyz` that it wants nothing new."""

from __future__ import annotations

from aiohttp import web


class Drain:
    """A one-way switch."""

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        """From now on the worker takes nothing new."""
        self.begun = True


DRAIN = web.AppKey("drain", Drain)
"""Set by the worker before the application starts; absent in an application that runs without one."""
