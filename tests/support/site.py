"""A small site on the real frame of `expo.edge`: built pages in a folder, people by name, a server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web

from expo.edge import http
from expo.edge.keys import LANDING, PRINCIPALS
from expo.edge.principal import Entry, Principal
from expo.edge.server import EdgeRunner, ServerLimits
from expo.errors import Unauthenticated
from expo.ids import AgencyId, ExpoId, LoginId, PersonId, ShowcaseId

LOCALE = Path(__file__).parents[2] / "web" / "locale"
LOGIN_S = 3600
BUYER = Principal(
    person_id=PersonId("p1"),
    role="buyer",
    name="Nguyễn Thị Lan",
    language="vi",
    showcase_id=ShowcaseId("s1"),
    agency_id=AgencyId("a1"),
    expo_id=ExpoId("e1"),
    exhibitor_id=None,
    login_id=LoginId("l1"),
)

PAGE = """<!doctype html><html lang="{{ language }}"><title>{{ title }}</title>
<script type="module" src="{{ asset("src/pages/stage.ts") }}"></script>
<p>{{ t("error.server.error") }}</p><p>{{ principal.name if principal else "" }}</p>
<script type="application/json" id="page-data">{{ page_data }}</script></html>
"""
ERROR_PAGE = """<!doctype html><html lang="{{ language }}"><title>{{ problem.title }}</title>
<h1>{{ problem.title }}</h1><p>{{ problem.code }}</p></html>
"""
SCRIPT = "export const stage = 1;\n" * 100


class NamedPeople:
    """Links and cookies that name their person in clear; enough for HTTP, which leaves all proof to its loader."""

    async def by_link(self, token: str, present: str | None, now: datetime) -> Entry:
        if token != "lan":
            raise Unauthenticated("link.forged", "the signature does not fit")
        return Entry(BUYER, "lan", LOGIN_S)

    async def by_cookie(self, value: str, now: datetime) -> Principal | None:
        return BUYER if value == "lan" else None

    async def sign_out(self, value: str) -> None:
        """Nothing is kept here."""


def land(principal: Principal) -> str:
    return f"/s/{principal.showcase_id}"


@dataclass(frozen=True, slots=True)
class Served:
    """A listening application; `port` is on 127.0.0.1."""

    app: web.Application
    runner: EdgeRunner
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def build_web(folder: Path) -> Path:
    """What `npm run build` writes, in small: manifest, two assets, templates, our catalogues of errors."""
    (folder / "static" / "assets").mkdir(parents=True)
    (folder / "static" / "assets" / "stage-a1b2c3.js").write_text(SCRIPT, encoding="utf-8")
    (folder / "static" / "assets" / "stage-d4e5f6.css").write_text("p{margin:0}", encoding="utf-8")
    (folder / "static" / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    manifest = {
        "src/pages/stage.ts": {"file": "assets/stage-a1b2c3.js", "imports": ["_shared.js"]},
        "_shared.js": {"file": "assets/shared-0a0b0c.js", "css": ["assets/stage-d4e5f6.css"]},
    }
    (folder / "static" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "templates").mkdir()
    (folder / "templates" / "page.html").write_text(PAGE, encoding="utf-8")
    (folder / "templates" / "error.html").write_text(ERROR_PAGE, encoding="utf-8")
    (folder / "locale").mkdir()
    for path in LOCALE.glob("errors.*.po"):
        shutil.copy(path, folder / "locale" / path.name.replace("errors.", "common."))
    return folder


@contextlib.asynccontextmanager
async def serving(app: web.Application, limits: ServerLimits | None = None) -> AsyncGenerator[Served]:
    """The application behind our server on a free port."""
    runner = EdgeRunner(app, shutdown_timeout=1.0, limits=limits)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        yield Served(app, runner, runner.addresses[0][1])
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def site(
    folder: Path,
    routes: Sequence[web.RouteDef] = (),
    *,
    trusted_proxies: Sequence[str] = (),
    limits: ServerLimits | None = None,
    prepare: Callable[[web.Application], None] = lambda _: None,
) -> AsyncGenerator[Served]:
    """The frame with these routes, its pages built in `folder`."""
    app = http.application(trusted_proxies=trusted_proxies, web_folder=build_web(folder))
    app[PRINCIPALS] = NamedPeople()
    app[LANDING] = land
    app.add_routes(routes)
    prepare(app)
    async with serving(app, limits) as served:
        yield served


async def raw(served: Served, text: str, *, deadline_s: float = 10.0) -> bytes:
    """Send bytes as they are; everything that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        writer.write(text.encode("latin-1"))
        async with asyncio.timeout(deadline_s):
            return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
