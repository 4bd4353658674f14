"""Typed keys of what hangs on the application and on a request; who opens it says so in `expo.app`."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from expo.edge.i18n import Catalogues
from expo.edge.limits import RateLimiter
from expo.edge.origin import TrustedProxies
from expo.edge.principal import Principal, PrincipalLoader
from expo.edge.stats import EdgeStats
from expo.edge.templates import Templates
from expo.settings import Settings
from expo.store.db import Database

SETTINGS = web.AppKey("settings", Settings)
CATALOGUES = web.AppKey("catalogues", Catalogues)
TEMPLATES = web.AppKey("templates", Templates)
DATABASE = web.AppKey("database", Database)
PROXIES = web.AppKey("proxies", TrustedProxies)
LIMITER = web.AppKey("limiter", RateLimiter)
EDGE_STATS = web.AppKey("edge_stats", EdgeStats)
PRINCIPALS: web.AppKey[PrincipalLoader] = web.AppKey("principals", PrincipalLoader)
LANDING: web.AppKey[Callable[[Principal], str]] = web.AppKey("landing")
"""The path that a person's role link leads to."""

LANGUAGE = web.RequestKey("language", str)
"""The reader's language, one of `i18n.LANGUAGES`; set on every request before any handler runs."""
PRINCIPAL = web.RequestKey("principal", Principal)
"""Who asks; absent when nobody we know. Read it through `auth.principal(request)`."""
REQUEST_ID = web.RequestKey("request_id", str)
