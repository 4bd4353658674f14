"""One-time codes on real rows and a real Valkey: once, for a minute, on any worker, while their login lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import invitations, queries
from expo.accounts.codes import Codes
from expo.accounts.invitations import Wanted
from expo.accounts.rules import (
    CODE_ALPHABET,
    CODE_LIFE,
    DEVICES_PER_LINK,
    WRONG_CODES,
    WRONG_CODES_PER_NETWORK,
)
from expo.accounts.service import People
from expo.accounts.tokens import Tokens, digest
from expo.cluster import keys
from expo.cluster.redis import Call, Script, Valkey
from expo.edge.principal import Entry, Principal
from expo.errors import ExpoError, TooMany
from expo.ids import ExpoId, InvitationId
from expo.store.db import Database
from tests.accounts.world import NOW, occasion_of
from tests.support.valkey import running_valkey
from tests.support.worker import running_worker

pytestmark = pytest.mark.cluster

TOKENS = Tokens("a secret of the cluster, 32 characters or more")
SOON = NOW + timedelta(seconds=30)
HERE, THERE = "192.0.2.7", "192.0.2.8"
STUDIO = "/studio/a-showcase"
ALL_KEYS = Script("return redis.call('KEYS', '*')")
LEFT_MS = Script("return redis.call('PTTL', KEYS[1])")


@pytest.fixture
def backend() -> str:
    """SQLite, but where a test says otherwise."""
    return "sqlite"


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncGenerator[Valkey]:
    async with running_valkey(tmp_path / "valkey") as url:
        opened = Valkey(url)
        yield opened
        await opened.close()


@pytest.fixture
def codes(world: Database, valkey: Valkey) -> Codes:
    return Codes(TOKENS, world, valkey)


async def invited(world: Database) -> tuple[InvitationId, str]:
    """An invitation of a presenter, and its link's secret."""
    to = await occasion_of(world)
    async with world.write() as db:
        view, secret = await invitations.invite(db, to, Wanted("exhibitor", name="김민수"), None, NOW)
    return view.id, secret


async def come_in(world: Database, secret: str) -> Entry:
    async with world.write() as db:
        _, entry = await invitations.come_in(db, secret, None, NOW)
    assert entry is not None
    return entry


async def signed_in(world: Database) -> Entry:
    return await come_in(world, (await invited(world))[1])


async def refused(taken: Awaitable[object]) -> str:
    with pytest.raises(ExpoError) as told:
        await taken
    return told.value.code


async def test_a_code_made_by_one_worker_brings_its_person_in_by_another(world: Database, valkey: Valkey) -> None:
    first = await signed_in(world)
    code = await Codes(TOKENS, world, valkey).make(first.principal, STUDIO)
    entry, path = await Codes(TOKENS, world, valkey).take(f" {code[:4].lower()}-{code[4:]}\n", HERE, None, SOON)
    assert path == STUDIO
    assert (entry.principal.person_id, entry.principal.showcase_id) == (first.principal.person_id, "a-showcase")
    assert entry.principal.login_id != first.principal.login_id
    assert entry.life_s == first.life_s - 30  # it ends when the first one does
    people = People(world, TOKENS)
    assert await people.by_cookie(entry.cookie, SOON) is not None
    assert await people.by_cookie(first.cookie, SOON) is not None


async def test_a_code_works_once_also_when_two_send_it_together(world: Database, codes: Codes) -> None:
    code = await codes.make((await signed_in(world)).principal, STUDIO)
    both = await asyncio.gather(*(codes.take(code, HERE, None, SOON) for _ in range(2)), return_exceptions=True)
    assert sorted(one.code if isinstance(one, ExpoError) else "in" for one in both) == ["code.used", "in"]
    assert await refused(codes.take(code, HERE, None, SOON)) == "code.used"


async def test_a_code_ends_after_a_minute_and_with_the_next_one(world: Database, codes: Codes, valkey: Valkey) -> None:
    principal = (await signed_in(world)).principal
    old, new = await codes.make(principal, STUDIO), await codes.make(principal, STUDIO)
    assert await refused(codes.take(old, HERE, None, SOON)) == "code.expired"
    claim = keys.codes(f"claim:{TOKENS.fingerprint(new)}")
    left_ms = await valkey.call(Call(LEFT_MS, (claim,)))
    assert isinstance(left_ms, int)
    assert 0 < left_ms <= CODE_LIFE.total_seconds() * 1000
    await valkey.delete(claim)  # what Valkey does then
    assert await refused(codes.take(new, HERE, None, SOON)) == "code.expired"


async def test_nobody_can_read_a_code_or_an_address_in_valkey(world: Database, codes: Codes, valkey: Valkey) -> None:
    code = await codes.make((await signed_in(world)).principal, STUDIO)
    await refused(codes.take("22222222", HERE, None, SOON))
    kept = cast("list[str]", await valkey.call(Call(ALL_KEYS, ())))
    assert len(kept) == 5
    assert not [key for key in kept if code in key or HERE in key or digest(code) in key]


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
async def test_a_code_takes_one_of_its_invitations_three_places(world: Database, codes: Codes) -> None:
    _, secret = await invited(world)
    entries = [await come_in(world, secret) for _ in range(DEVICES_PER_LINK - 1)]
    made = [await codes.make(entry.principal, STUDIO) for entry in entries]
    both = await asyncio.gather(*(codes.take(code, HERE, None, SOON) for code in made), return_exceptions=True)
    assert sorted(one.code if isinstance(one, ExpoError) else "in" for one in both) == ["in", "invitation.devices_used"]
    # A device that is in already comes in again, and takes no place.
    again, _ = await codes.take(await codes.make(entries[0].principal, "/"), HERE, entries[1].cookie, SOON)
    assert again.principal.login_id == entries[1].principal.login_id


async def test_whoever_else_was_signed_in_there_is_signed_out(world: Database, codes: Codes) -> None:
    first, other = await signed_in(world), await signed_in(world)
    entry, _ = await codes.take(await codes.make(first.principal, STUDIO), HERE, other.cookie, SOON)
    assert entry.principal.person_id == first.principal.person_id
    assert await People(world, TOKENS).by_cookie(other.cookie, SOON) is None


Ending = Callable[[AsyncSession, InvitationId, Principal], Awaitable[object]]
EXPO = ExpoId("a-expo")
ENDINGS: dict[str, Ending] = {
    "device": lambda db, _, who: invitations.revoke_device(db, who.login_id, EXPO, NOW),
    "invitation": lambda db, link, _: invitations.revoke_invitation(db, link, EXPO, NOW),
    "person": lambda db, _, who: invitations.revoke_person(db, who.person_id, EXPO, NOW),
}


@pytest.mark.parametrize("what", [*ENDINGS, "sign out", "time"])
async def test_a_code_ends_with_the_login_that_made_it(world: Database, codes: Codes, what: str) -> None:
    link, secret = await invited(world)
    entry = await come_in(world, secret)
    code = await codes.make(entry.principal, STUDIO)
    async with world.write() as db:
        if what in ENDINGS:
            await ENDINGS[what](db, link, entry.principal)
        elif what == "sign out":
            await queries.sign_out(db, digest(entry.cookie))
    at = NOW + timedelta(days=31) if what == "time" else SOON
    assert await refused(codes.take(code, HERE, None, at)) == "code.withdrawn"


async def test_guessing_ends_soon_for_its_address_and_at_last_for_all(world: Database, codes: Codes) -> None:
    code = await codes.make((await signed_in(world)).principal, STUDIO)
    wrong = ("2" if code[0] != "2" else "3") + code[1:]
    for _ in range(WRONG_CODES_PER_NETWORK):
        assert await refused(codes.take(wrong, HERE, None, SOON)) == "code.wrong"
    with pytest.raises(TooMany) as told:
        await codes.take(code, HERE, None, SOON)  # the right one neither
    assert told.value.code == "code.too_many"
    assert 0 < (told.value.retry_after_s or 0) <= 60
    await codes.take(code, THERE, None, SOON)
    for n in range(WRONG_CODES - WRONG_CODES_PER_NETWORK):
        await refused(codes.take(wrong, f"198.51.100.{n // WRONG_CODES_PER_NETWORK}", None, SOON))
    assert await refused(codes.take(wrong, "203.0.113.1", None, SOON)) == "code.too_many"


async def test_what_cannot_be_a_code_is_not_counted(world: Database, codes: Codes, valkey: Valkey) -> None:
    for typed in ("", "2345", "O0O0O0O0", CODE_ALPHABET, "ㅏㅏㅏㅏㅏㅏㅏㅏ", "\ud800" * 8):
        assert await refused(codes.take(typed, HERE, None, SOON)) == "code.wrong"
    assert await valkey.call(Call(ALL_KEYS, ())) == []


@pytest.mark.media
async def test_a_browser_signs_in_by_the_form(tmp_path: Path) -> None:
    own = {"Sec-Fetch-Site": "same-origin"}
    page = {**own, "Accept": "text/html", "Accept-Language": "ko"}
    async with (
        running_worker(tmp_path) as worker,
        aiohttp.ClientSession(worker.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as app,
        aiohttp.ClientSession(worker.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as phone,
    ):
        async with app.post("/api/codes", json={}, headers=own) as stranger:
            assert (stranger.status, (await stranger.json())["code"]) == (401, "login.missing")
        await app.get(worker.link(worker.person("exhibitor")), allow_redirects=False)
        async with app.post("/api/codes", json={"next": "//evil.example/"}, headers=own) as made:
            assert (made.status, made.headers["Cache-Control"]) == (201, "private, no-store")
            code = (await made.json())["code"]
        form = {"code": code, "next": "/check"}
        async with phone.post("/code", data=form, headers={"Sec-Fetch-Site": "cross-site"}) as foreign:
            assert (foreign.status, (await foreign.json())["code"]) == (403, "request.cross_site")
        async with phone.post("/code", data={**form, "code": "22222222"}, headers=page) as wrong:
            assert wrong.status == 404
            assert "코드가 맞지 않습니다" in await wrong.text()
        async with phone.post("/code", data=form, headers=page, allow_redirects=False) as led:
            assert (led.status, led.headers["Location"]) == (303, "/check")
            assert led.cookies["expo_login"]["httponly"]
        async with phone.post("/code", data=form, headers=own) as used:
            assert (used.status, (await used.json())["code"]) == (410, "code.used")
        async with phone.get(f"/studio/{worker.seeded.live}", headers=page) as studio:
            assert studio.status == 200
