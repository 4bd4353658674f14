"""Invitations on real rows: who gets in, on how many devices, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from expo.accounts import invitations
from expo.accounts.invitations import InvitationView, Opened, Wanted
from expo.accounts.rules import DEVICES_PER_LINK
from expo.accounts.service import People
from expo.accounts.tables import Invitation, Person
from expo.accounts.tokens import Tokens
from expo.edge.principal import Entry
from expo.errors import ExpoError
from expo.ids import ExhibitorId, ExpoId, InvitationId, LoginId, PersonId, ShowcaseId
from expo.store.db import Database
from tests.accounts.world import NOW, occasion_of

MINSU = Wanted("exhibitor", name="김민수")
EXPO = ExpoId("a-expo")
SOON = NOW + timedelta(minutes=1)


@pytest.fixture
def people(world: Database) -> People:
    return People(world, Tokens("a secret of the cluster, 32 characters or more"))


async def invited(world: Database, wanted: Wanted = MINSU, by: str | None = None) -> tuple[InvitationView, str]:
    to = await occasion_of(world)
    async with world.write() as db:
        return await invitations.invite(db, to, wanted, None if by is None else PersonId(by), NOW)


async def look(world: Database, secret: str, cookie: str | None = None) -> Opened:
    async with world.read() as db:
        return await invitations.look(db, secret, cookie, SOON)


async def come_in(world: Database, secret: str, cookie: str | None = None) -> tuple[Opened, Entry | None]:
    async with world.write() as db:
        return await invitations.come_in(db, secret, cookie, SOON)


async def let_in(world: Database, secret: str, cookie: str | None = None) -> Entry:
    _, entry = await come_in(world, secret, cookie)
    assert entry is not None
    return entry


async def listed(world: Database) -> InvitationView:
    async with world.read() as db:
        (view,) = await invitations.invitations(db, ShowcaseId("a-showcase"), SOON)
    return view


async def test_looking_consumes_nothing_however_often(world: Database) -> None:
    _, secret = await invited(world, by="a-organiser")
    for _ in range(5):
        opened = await look(world, secret)
        assert (opened.state, opened.known, opened.person.name) == ("open", False, "김민수")
        assert opened.inviter == "Phạm Minh Tuấn"
    assert (await listed(world)).devices == ()


async def test_a_link_lets_its_person_in_as_long_as_it_lasts(world: Database, people: People) -> None:
    view, secret = await invited(world, replace(MINSU, days=40))
    entry = await let_in(world, secret)
    found = entry.principal
    assert (found.role, found.name, found.language) == ("exhibitor", "김민수", "ko")
    assert (found.agency_id, found.expo_id, found.showcase_id) == ("a", "a-expo", "a-showcase")
    assert await people.by_cookie(entry.cookie, view.expires_at - timedelta(seconds=1)) is not None
    assert await people.by_cookie(entry.cookie, view.expires_at) is None
    assert entry.life_s == (view.expires_at - SOON).total_seconds()


async def test_the_fourth_device_is_turned_away_and_the_first_three_are_not(world: Database) -> None:
    _, secret = await invited(world)
    entries = [await let_in(world, secret) for _ in range(DEVICES_PER_LINK)]
    opened, entry = await come_in(world, secret)
    assert (opened.state, entry) == ("full", None)
    for one in entries:
        again = await let_in(world, secret, one.cookie)
        assert (again.cookie, again.principal) == (one.cookie, one.principal)
    view = await listed(world)
    assert (view.state, len(view.devices)) == ("full", DEVICES_PER_LINK)


async def test_signing_out_makes_room_for_another_device(world: Database, people: People) -> None:
    _, secret = await invited(world)
    entries = [await let_in(world, secret) for _ in range(DEVICES_PER_LINK)]
    await people.sign_out(entries[0].cookie)
    assert await let_in(world, secret)


async def test_a_browser_that_takes_another_persons_link_leaves_its_first_place(world: Database) -> None:
    _, first = await invited(world)
    before = await let_in(world, first)
    _, second = await invited(world, Wanted("interpreter", name="Yến"))
    after = await let_in(world, second, before.cookie)
    assert after.principal.name == "Yến"
    assert (await look(world, first, before.cookie)).known is False


async def test_devices_that_press_the_button_together_do_not_exceed_the_number(world: Database) -> None:
    _, secret = await invited(world)
    async with asyncio.TaskGroup() as tasks:
        pressed = [tasks.create_task(come_in(world, secret), name=f"device {n}") for n in range(8)]
    assert sum(task.result()[1] is not None for task in pressed) == DEVICES_PER_LINK


async def test_a_withdrawn_link_signs_its_devices_out_and_only_those(world: Database, people: People) -> None:
    view, secret = await invited(world)
    _, other = await invited(world, replace(MINSU, person_id=view.person.id))
    entry, kept = await let_in(world, secret), await let_in(world, other)
    for _ in range(2):
        async with world.write() as db:
            revoked = await invitations.revoke_invitation(db, view.id, EXPO, SOON)
        assert (revoked.person_id, revoked.at) == (view.person.id, SOON)
    assert await people.by_cookie(entry.cookie, SOON) is None
    assert await people.by_cookie(kept.cookie, SOON) is not None
    opened, refused = await come_in(world, secret, entry.cookie)
    assert (opened.state, refused) == ("revoked", None)
    assert invitations.refusal(opened).code == "invitation.revoked"


async def test_an_expired_link_says_so(world: Database) -> None:
    view, secret = await invited(world, replace(MINSU, days=1))
    async with world.write() as db:
        opened, entry = await invitations.come_in(db, secret, None, view.expires_at)
    assert (opened.state, entry) == ("expired", None)
    assert (invitations.refusal(opened).code, invitations.refusal(opened).status) == ("invitation.expired", 410)


async def test_a_lost_device_is_signed_out_alone_and_its_place_is_free(world: Database, people: People) -> None:
    _, secret = await invited(world)
    entries = [await let_in(world, secret) for _ in range(DEVICES_PER_LINK)]
    async with world.write() as db:
        await invitations.revoke_device(db, entries[0].principal.login_id, EXPO, SOON)
    assert await people.by_cookie(entries[0].cookie, SOON) is None
    assert await people.by_cookie(entries[1].cookie, SOON) is not None
    assert [device.revoked for device in (await listed(world)).devices] == [True, False, False]
    assert await let_in(world, secret)


async def test_a_revoked_person_has_nothing_left(world: Database, people: People) -> None:
    view, secret = await invited(world)
    entry = await let_in(world, secret)
    async with world.write() as db:
        await invitations.revoke_person(db, view.person.id, EXPO, SOON)
    assert await people.by_cookie(entry.cookie, SOON) is None
    assert (await look(world, secret)).state == "revoked"
    with pytest.raises(ExpoError, match=r"person\.not_found"):
        await invited(world, replace(MINSU, person_id=view.person.id))


async def test_another_expos_rows_do_not_exist(world: Database) -> None:
    view, secret = await invited(world)
    entry = await let_in(world, secret)
    other = ExpoId("b-expo")
    refusals: list[tuple[str, Callable[[AsyncSession], Awaitable[object]]]] = [
        ("invitation.unknown", lambda db: invitations.revoke_invitation(db, view.id, other, SOON)),
        ("device.unknown", lambda db: invitations.revoke_device(db, entry.principal.login_id, other, SOON)),
        ("person.not_found", lambda db: invitations.revoke_person(db, view.person.id, other, SOON)),
        ("device.unknown", lambda db: invitations.revoke_device(db, LoginId("nobody"), EXPO, SOON)),
        ("invitation.unknown", lambda db: invitations.revoke_invitation(db, InvitationId("x"), None, SOON)),
    ]
    for code, work in refusals:
        with pytest.raises(ExpoError) as refused:
            async with world.write() as db:
                await work(db)
        assert refused.value.code == code
    with pytest.raises(ExpoError, match=r"person\.not_found"):
        await invited(world, Wanted("buyer", person_id=PersonId("b-organiser")))
    assert (await listed(world)).state == "open"


async def test_an_exhibitor_is_of_a_company_or_of_this_showcase_alone(world: Database) -> None:
    free, _ = await invited(world)
    assert (free.person.exhibitor_id, free.person.showcase_id) == (None, "a-showcase")
    for company in ("dalgu", "a-company"):
        own, _ = await invited(world, replace(MINSU, company=company))
        assert (own.person.exhibitor_id, own.person.showcase_id) == (ExhibitorId("a-company"), None)
    with pytest.raises(ExpoError, match=r"invitation\.company_unknown.*dalgu"):
        await invited(world, replace(MINSU, company="b-company"))


async def test_languages_follow_the_side_unless_said(world: Database) -> None:
    assert (await invited(world, Wanted("interpreter", name="Yến")))[0].person.language == "vi"
    assert (await invited(world, Wanted("interpreter", name="Yến", language="en")))[0].person.language == "en"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (replace(MINSU, name="x" * 10_000), "text.too_long"),
        (replace(MINSU, name="Kim\nMinsu"), "text.not_plain"),
        (replace(MINSU, name=" "), "text.no_words"),
        (replace(MINSU, days=0), "invitation.bad_days"),
        (replace(MINSU, days=366), "invitation.bad_days"),
    ],
)
async def test_what_is_no_invitation_leaves_nobody_behind(world: Database, wanted: Wanted, code: str) -> None:
    with pytest.raises(ExpoError) as refused:
        await invited(world, wanted)
    assert refused.value.code == code
    async with world.read() as db:
        assert len(list(await db.scalars(select(Person)))) == 4


@pytest.mark.parametrize("secret", ["", "x", "x" * 10_000, "링크", "\udcff"])
async def test_an_unknown_link_is_unknown(world: Database, secret: str) -> None:
    with pytest.raises(ExpoError, match=r"invitation\.unknown"):
        await look(world, secret)


async def test_a_secret_is_kept_as_a_hash_only(world: Database) -> None:
    _, secret = await invited(world)
    async with world.read() as db:
        row = await db.scalar(select(Invitation))
    assert row is not None
    assert len(secret) >= 32
    assert not any(secret in str(value) for value in vars(row).values())
