"""Who gets into a room as what, by login, room token and guest's cookie, on the demonstration's rows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from expo.accounts.rules import ROOM_GRANT_LIFE, RoomGrant, participants_of
from expo.accounts.service import sign_in
from expo.accounts.tables import Agency, Login, Person
from expo.accounts.tokens import Guest
from expo.catalogue.tables import Exhibitor, Expo
from expo.clock import unix_ms
from expo.demo.seed import seed
from expo.edge.principal import Principal
from expo.errors import ExpoError
from expo.ids import GuestId, PersonId, RoomId, ShowcaseId
from expo.rooms.commands import Actor
from expo.rooms.model import MAX_NAME_CHARS
from expo.showcases import service
from expo.showcases.admission import admit
from expo.showcases.tables import KnownGuest
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)
LOGIN_ENDS = NOW + timedelta(days=3)
LIVE, CLOSED, DRAFT = RoomId("chungbuk"), RoomId("jeonnam"), RoomId("chungbuk-encore")
HOA = Guest(GuestId("guest-00ff00ff00ff00ff"), "Hoà", "Sao Mai", NOW + timedelta(days=180))


@pytest.fixture(autouse=True)
async def seeded(database: Database) -> None:
    await seed(database, NOW)


async def login(database: Database, person: str) -> Principal:
    async with database.write() as db:
        row = await db.get_one(Person, person)
        return (await sign_in(db, row, None, None, LOGIN_ENDS, NOW)).principal


async def token(database: Database, person: str, room: RoomId = LIVE) -> RoomGrant:
    async with database.read() as db:
        return await service.room_grant(db, ShowcaseId(room), PersonId(person), NOW)


async def admitted(
    database: Database,
    room: RoomId = LIVE,
    *,
    principal: Principal | None = None,
    guest: Guest | None = None,
    grant: RoomGrant | None = None,
) -> Actor | None:
    return (await admit(database, room, principal=principal, guest=guest, grant=grant, now=NOW)).actor


async def refusal(
    database: Database,
    room: RoomId = LIVE,
    *,
    principal: Principal | None = None,
    guest: Guest | None = None,
    grant: RoomGrant | None = None,
) -> str:
    try:
        await admit(database, room, principal=principal, guest=guest, grant=grant, now=NOW)
    except ExpoError as refused:
        return refused.code
    return "admitted"


@pytest.mark.parametrize(
    ("person", "can", "role", "exhibitor", "company"),
    [
        ("demo-organiser", {"run", "write"}, "organiser", None, ""),
        ("demo-moderator", {"run", "write"}, "organiser", None, ""),
        ("demo-exhibitor", {"present", "write"}, "exhibitor", "gyeol-cosmetics", "결화장품"),
        ("demo-exhibitor-daegu", {"write"}, None, None, "달구정밀"),
        ("demo-interpreter", {"write"}, "interpreter", None, ""),
        ("demo-technician", {"write"}, "technician", None, ""),
    ],
)
async def test_a_login_is_a_person_with_the_role_s_part(
    database: Database, person: str, can: set[str], role: str | None, exhibitor: str | None, company: str
) -> None:
    actor = await admitted(database, principal=await login(database, person), guest=HOA)
    assert actor is not None
    assert (actor.room, actor.participant, actor.can) == (LIVE, person, can)
    assert (actor.role, actor.exhibitor, actor.company) == (role, exhibitor, company)
    assert actor.expires_at_ms == unix_ms(LOGIN_ENDS)
    async with database.read() as db:
        assert actor.name == (await db.get_one(Person, person)).name


async def test_a_seat_and_the_token_to_publish_with_are_one_participant(database: Database) -> None:
    actor = await admitted(database, principal=await login(database, "demo-exhibitor"))
    grant = await token(database, "demo-exhibitor")
    encoder = service.encoder_grant(grant)
    assert actor is not None
    assert actor.participant == grant.participant
    assert {grant.participant, encoder.participant} == set(participants_of(PersonId(actor.participant)))


async def test_an_operator_looks_on(database: Database) -> None:
    assert await admitted(database, CLOSED, principal=await login(database, "demo-operator")) is None


async def test_a_guest_writes_under_the_guest_s_id(database: Database) -> None:
    actor = await admitted(database, guest=HOA)
    assert actor is not None
    assert (actor.participant, actor.name, actor.company, actor.can) == (HOA.id, "Hoà", "Sao Mai", {"write"})
    assert (actor.role, actor.exhibitor, actor.expires_at_ms) == (None, None, unix_ms(HOA.expires_at))


async def test_nobody_in_particular_watches_what_is_open_to_all(database: Database) -> None:
    assert await admitted(database) is None
    assert await admitted(database, guest=replace(HOA, expires_at=NOW)) is None


async def test_a_room_token_speaks_for_its_person_where_no_login_does(database: Database) -> None:
    grant = await token(database, "demo-exhibitor")
    actor = await admitted(database, grant=grant, guest=HOA)
    assert actor is not None
    assert (actor.participant, actor.can) == ("demo-exhibitor", {"present", "write"})
    assert actor.expires_at_ms == unix_ms(NOW + ROOM_GRANT_LIFE)
    both = await admitted(database, grant=grant, principal=await login(database, "demo-buyer"))
    assert both is not None
    assert both.participant == "demo-buyer"


async def test_an_encoder_s_token_speaks_for_nobody(database: Database) -> None:
    encoder = service.encoder_grant(await token(database, "demo-organiser"))
    assert await admitted(database, grant=encoder) is None
    guest = await admitted(database, grant=encoder, guest=HOA)
    assert guest is not None
    assert guest.participant == HOA.id


async def test_a_token_counts_in_its_room_and_its_time(database: Database) -> None:
    grant = await token(database, "demo-organiser")
    assert await refusal(database, RoomId("daegu"), grant=grant) == "token.wrong_room"
    assert await refusal(database, grant=replace(grant, expires_at=NOW)) == "token.expired"


async def test_what_is_not_open_to_all_needs_somebody_invited(database: Database) -> None:
    buyer, grant = await login(database, "demo-buyer"), await token(database, "demo-buyer", CLOSED)
    assert await refusal(database, CLOSED) == "login.missing"
    assert await refusal(database, CLOSED, guest=HOA) == "login.missing"
    assert await refusal(database, CLOSED, grant=replace(grant, can=frozenset({"publish"}))) == "token.not_granted"
    for actor in (await admitted(database, CLOSED, principal=buyer), await admitted(database, CLOSED, grant=grant)):
        assert actor is not None
        assert actor.can == {"write"}
    watching = replace(grant, can=frozenset({"watch"}))
    guest = await admitted(database, CLOSED, grant=watching, guest=HOA)
    assert guest is not None
    assert guest.participant == HOA.id


async def test_a_draft_is_the_crew_s_alone(database: Database) -> None:
    organiser, exhibitor = await login(database, "demo-organiser"), await login(database, "demo-exhibitor")
    actor = await admitted(database, DRAFT, principal=organiser)
    assert actor is not None
    assert "run" in actor.can
    assert await refusal(database, DRAFT, principal=exhibitor) == "rooms.draft"
    assert await refusal(database, DRAFT, guest=HOA) == "rooms.draft"
    assert await refusal(database, DRAFT) == "rooms.draft"


@pytest.mark.parametrize("room", ["nowhere", "", "x" * 5000, "\x00", "\ud800", "đồng"])
async def test_a_room_without_a_showcase_is_not_found(database: Database, room: str) -> None:
    organiser = await login(database, "demo-organiser")
    assert await refusal(database, RoomId(room), principal=organiser) == "showcase.not_found"


@pytest.mark.parametrize("agency", ["hanbit", "other"])
async def test_a_person_of_another_expo_or_agency_is_anonymous_here(database: Database, agency: str) -> None:
    async with database.write() as db:
        expo = {
            name: value for name, value in vars(await db.get_one(Expo, "ket-noi-han-viet")).items() if name[0] != "_"
        }
        if agency == "other":
            db.add(Agency(id="other", country="VN", name={"en": "Other"}))
            await db.flush()
        db.add(Expo(**{**expo, "id": "other", "slug": "other", "agency_id": agency}))
        await db.flush()
        db.add(Person(id="spy", agency_id=agency, expo_id="other", role="organiser", name="Spy", language="en"))
    spy = await login(database, "spy")
    assert await admitted(database, principal=spy) is None
    assert await refusal(database, CLOSED, principal=spy) == "login.missing"
    assert await refusal(database, DRAFT, principal=spy) == "rooms.draft"
    guest = await admitted(database, principal=spy, guest=HOA)
    assert guest is not None
    assert guest.participant == HOA.id


@pytest.mark.parametrize("over", ["person", "login", "expired", "elsewhere"])
async def test_a_login_that_ended_since_it_was_read_is_nobody(database: Database, over: str) -> None:
    organiser = await login(database, "demo-organiser")
    async with database.write() as db:
        match over:
            case "person":
                await db.execute(update(Person).where(Person.id == organiser.person_id).values(revoked_at=NOW))
            case "login":
                await db.execute(update(Login).where(Login.id == organiser.login_id).values(revoked_at=NOW))
            case "expired":
                await db.execute(
                    update(Login)
                    .where(Login.id == organiser.login_id)
                    .values(created_at=NOW - timedelta(1), expires_at=NOW)
                )
            case _:
                organiser = replace(organiser, person_id=PersonId("demo-buyer"))
    assert await admitted(database, principal=organiser) is None


async def test_names_that_are_too_long_for_a_room_are_cut(database: Database) -> None:
    async with database.write() as db:
        names = dict.fromkeys(("en", "ko", "vi"), "결" * 120)
        await db.execute(update(Exhibitor).where(Exhibitor.id == "gyeol-cosmetics").values(name=names))
    exhibitor = await admitted(database, principal=await login(database, "demo-exhibitor"))
    guest = await admitted(database, guest=replace(HOA, company="S" * 120))
    for actor in (exhibitor, guest):
        assert actor is not None
        assert len(actor.company) == MAX_NAME_CHARS
        assert actor.company[-1] == "…"


async def test_a_guest_s_last_name_is_remembered_for_their_leads(database: Database) -> None:
    async def remembered() -> list[tuple[str, str, str]]:
        async with database.read() as db:
            rows = (await db.scalars(select(KnownGuest))).all()
        return [(row.agency_id, row.guest_id, f"{row.name}, {row.company}") for row in rows]

    await admitted(database, guest=HOA, principal=await login(database, "demo-buyer"))
    assert await remembered() == []
    async with asyncio.TaskGroup() as tabs:
        for number in range(3):
            tabs.create_task(admitted(database, guest=HOA), name=f"tab {number}")
    assert await remembered() == [("hanbit", HOA.id, "Hoà, Sao Mai")]
    await admitted(database, RoomId("daegu"), guest=replace(HOA, company="Hương Sen"))
    assert await remembered() == [("hanbit", HOA.id, "Hoà, Hương Sen")]
