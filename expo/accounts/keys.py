"""Typed keys of what accounts keep for the application; opened in `expo.app`."""

from __future__ import annotations

from aiohttp import web

from expo.accounts.codes import Codes
from expo.accounts.occasions import Occasions
from expo.accounts.revocations import Revocations
from expo.accounts.tokens import Tokens

TOKENS = web.AppKey("tokens", Tokens)
"""Signs room tokens and guests' cookies."""
REVOCATIONS = web.AppKey("revocations", Revocations)
"""Verifies room tokens, and calls back when somebody is revoked."""
CODES = web.AppKey("codes", Codes)
"""One-time codes for another browser."""
OCCASIONS: web.AppKey[Occasions] = web.AppKey("occasions", Occasions)
"""What an invitation is to."""
