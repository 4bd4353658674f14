"""Rooms' facts as rows, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import IntegrityError

from expo.accounts.tables import Agency
from expo.catalogue.tables import Product
from expo.ids import ProductId, RoomId, SegmentId
from expo.rooms import commands as do
from expo.rooms.projector import RoomProjector
from expo.showcases.policy import ShowcaseRooms
from expo.showcases.projector import ShowcaseFacts
from expo.showcases.tables import KnownGuest, Segment, Showcase
from expo.store.db import Database
from tests.showcases.world import NOON, Rows, Told, read_rows, words, write_rows
from tests.support.shows import HOA, KERNEL, KIM, LAN, MAI, PARK, ROOM, person

S1, S2, S3 = (SegmentId(f"s{number}") for number in (1, 2, 3))
P1, P1B, P2 = ProductId("p1"), ProductId("p1b"), ProductId("p2")


@pytest.fixture(autouse=True)
async def rows(database: Database) -> None:
    await write_rows(database)


@pytest.fixture
def facts(database: Database) -> RoomProjector:
    return ShowcaseFacts(database)


async def live(database: Database) -> Told:
    """On the air a minute after noon, the first company's part on from a minute later."""
    room = await Told.open(database)
    room.do(MAI, do.GoLive(), after_s=60).do(MAI, do.ArmNext(segment=S1, anyway=True), after_s=57)
    return room.do(KERNEL, do.Advance(), after_s=3)


async def projected(database: Database, facts: RoomProjector, room: Told) -> Rows:
    await facts.project(ROOM, room.entries)
    return await read_rows(database)


def after(s: float) -> object:
    return NOON + timedelta(seconds=s)


def parts(rows: Rows) -> dict[object, tuple[object, object, object]]:
    return {row["id"]: (row["position"], row["started_at"], row["ended_at"]) for row in rows["segment"]}


async def test_a_show_s_real_times_are_in_its_rows(database: Database, facts: RoomProjector) -> None:
    room = await live(database)
    room.do(MAI, do.ArmNext(segment=S2, anyway=True), after_s=300).do(KERNEL, do.Advance(), after_s=3)
    room.do(PARK, do.TakeSeat(), do.Finish(), after_s=100).do(MAI, do.End(), after_s=10)
    rows = await projected(database, facts, room)
    (show,) = rows["showcase"]
    assert (show["state"], show["went_live_at"], show["ended_at"]) == ("ended", after(60), after(533))
    assert (show["starts_at"], show["ends_at"]) == (NOON, after(3600))
    assert parts(rows) == {"s1": (1, after(120), after(423)), "s2": (2, after(423), after(523)), "s3": (3, None, None)}


async def test_opening_the_waiting_room_announces_a_draft(database: Database, facts: RoomProjector) -> None:
    async with database.write() as db:
        await db.execute(update(Showcase).values(state="draft"))
    room = (await Told.open(database)).do(MAI, do.OpenWaitingRoom())
    (show,) = (await projected(database, facts, room))["showcase"]
    assert (show["state"], show["starts_at"]) == ("scheduled", NOON)


async def test_a_change_taken_back_was_none(database: Database, facts: RoomProjector) -> None:
    room = (await live(database)).do(MAI, do.Pin(product=P1), after_s=1)
    room.do(MAI, do.ArmNext(segment=S2, anyway=True), after_s=60).do(KERNEL, do.Advance(), after_s=3)
    await facts.project(ROOM, room.entries)
    room.do(MAI, do.UndoNext(), after_s=5)
    rows = await projected(database, facts, room)
    assert parts(rows) == {"s1": (1, after(120), None), "s2": (2, None, None), "s3": (3, None, None)}
    assert rows["showcase"][0]["pinned_product_id"] == P1
    spans = [(pin["pinned_from"], pin["pinned_until"]) for pin in rows["product_pin"]]
    assert sorted(spans, key=repr) == sorted([(after(121), after(184)), (after(189), None)], key=repr)


async def test_companies_change_places(database: Database, facts: RoomProjector) -> None:
    room = (await live(database)).do(MAI, do.Reorder(segments=(S3, S2)))
    rows = await projected(database, facts, room)
    assert {part: place[0] for part, place in parts(rows).items()} == {"s1": 1, "s3": 2, "s2": 3}
    rows = await projected(database, facts, room.do(MAI, do.Reorder(segments=(S2, S3))))
    assert {part: place[0] for part, place in parts(rows).items()} == {"s1": 1, "s2": 2, "s3": 3}


async def test_a_part_is_planned_anew(database: Database, facts: RoomProjector) -> None:
    room = (await live(database)).do(MAI, do.SetLength(segment=S2, planned_s=1080))
    rows = await projected(database, facts, room)
    assert {row["id"]: row["length_s"] for row in rows["segment"]}["s2"] == 1080


async def test_pins_are_spans_and_the_last_one_is_on_show(database: Database, facts: RoomProjector) -> None:
    room = (await live(database)).do(MAI, do.Pin(product=P1), after_s=10).do(MAI, do.Pin(product=P1B), after_s=20)
    rows = await projected(database, facts, room)
    assert rows["showcase"][0]["pinned_product_id"] == P1B
    room.do(MAI, do.Unpin(), after_s=5)
    rows = await projected(database, facts, room)
    assert rows["showcase"][0]["pinned_product_id"] is None
    assert [(pin["product_id"], pin["pinned_from"], pin["pinned_until"]) for pin in rows["product_pin"]] == [
        ("p1", after(130), after(150)),
        ("p1b", after(150), after(155)),
    ]


async def test_messages_are_kept_and_a_withdrawn_one_has_no_text_left(database: Database, facts: RoomProjector) -> None:
    room = await live(database)
    room.do(HOA, do.Say(text="xin chào")).do(LAN, do.Ask(text="MOQ? \u202e🙂 <b>", product=P1))
    chat, question = (message.id for message in room.state.messages)
    room.do(KIM, do.TakeSeat(), do.AnswerQuestion(message=question)).do(MAI, do.HideMessage(message=chat))
    await facts.project(ROOM, room.entries)
    room.do(HOA, do.Withdraw(message=chat))
    first, second = (await projected(database, facts, room))["message"]
    assert (first["revision"], first["participant"], first["name"], first["company"]) == (
        chat,
        "hoa",
        "Hoa",
        HOA.company,
    )
    assert (first["kind"], first["text"], first["hidden"], first["withdrawn"]) == ("chat", "", True, True)
    assert (second["kind"], second["text"], second["product_id"]) == ("question", "MOQ? \u202e🙂 <b>", "p1")
    assert (second["answered"], second["hidden"], second["said_at"]) == (True, False, after(120))
    async with database.read() as db:
        kept = str((await db.execute(text("SELECT * FROM message"))).all())
    assert "xin chào" not in kept


async def test_interest_is_a_lead_with_a_name_and_the_minute_of_the_show(
    database: Database, facts: RoomProjector
) -> None:
    room = (await Told.open(database)).do(LAN, do.Interested(product=P1))
    room.do(MAI, do.GoLive(), after_s=60).do(HOA, do.Interested(product=P1), after_s=179)
    room.do(HOA, do.Interested(product=P1), after_s=1).do(HOA, do.Interested(product=P2))
    room.do(KIM, do.Interested(product=P2)).do(person("Nobody", "write"), do.Interested(product=P2))
    room.do(MAI, do.End(), after_s=60).do(LAN, do.Interested(product=P2), after_s=3600)
    rows = (await projected(database, facts, room))["lead"]
    found = [
        (row["participant"], row["product_id"], row["exhibitor_id"], row["minute"], row["name"], row["company"])
        for row in sorted(rows, key=lambda row: row["revision"])
    ]
    assert found == [
        ("lan", "p1", "e1", None, "Lan", "Sao Mai"),
        ("hoa", "p1", "e1", 2, "Trần Thu Hoà", "Hương Sen"),
        ("hoa", "p2", "e2", 3, "Trần Thu Hoà", "Hương Sen"),
        ("kim", "p2", "e2", 3, "Kim", "Company 1"),
        ("nobody", "p2", "e2", 3, "", ""),
        ("lan", "p2", "e2", None, "Lan", "Sao Mai"),
    ]
    assert {row["participant"]: row["person_id"] for row in rows} == {
        "lan": None,
        "hoa": "hoa",
        "kim": "kim",
        "nobody": None,
    }


async def test_the_audience_is_counted_by_the_minute(database: Database, facts: RoomProjector) -> None:
    room = await Told.open(database)
    for viewers, after_s in ((3, 1), (9, 30), (4, 28), (6, 1), (5, 120)):
        room.do(KERNEL, do.CountAudience(viewers=viewers), after_s=after_s)
        await facts.project(ROOM, room.entries[-1:])
    assert [(row["minute"], row["most"], row["last"]) for row in (await read_rows(database))["audience_minute"]] == [
        (NOON, 9, 4),
        (after(60), 6, 6),
        (after(180), 5, 5),
    ]


async def test_a_batch_told_twice_changes_nothing(database: Database, facts: RoomProjector) -> None:
    room = (await live(database)).do(MAI, do.Pin(product=P1)).do(HOA, do.Say(text="a"), do.Interested(product=P1))
    once = await projected(database, facts, room)
    assert await projected(database, facts, room) == once
    room.do(MAI, do.Unpin(), after_s=5)
    twice = await projected(database, facts, room)
    for entry in room.entries:
        await facts.project(ROOM, [entry])
    assert await read_rows(database) == twice != once


@pytest.mark.parametrize("first", [True, False])
async def test_an_encoder_and_the_organiser_may_put_it_on_the_air_in_any_order(
    database: Database, facts: RoomProjector, first: bool
) -> None:
    encoder = ShowcaseRooms(database, now=lambda: NOON + timedelta(seconds=30))
    room = (await Told.open(database)).do(LAN, do.Interested(product=P1), after_s=40)
    room.do(MAI, do.GoLive(), after_s=20).do(MAI, do.ArmNext(segment=S1, anyway=True), after_s=57)
    room.do(KERNEL, do.Advance(), after_s=3)
    if first:
        await encoder.published(ROOM)
    await facts.project(ROOM, room.entries)
    await encoder.published(ROOM)
    rows = await read_rows(database)
    assert (rows["showcase"][0]["state"], rows["showcase"][0]["went_live_at"]) == ("live", after(60))
    assert [lead["minute"] for lead in rows["lead"]] == [None]
    assert parts(rows) == {"s1": (1, after(120), None), "s2": (2, None, None), "s3": (3, None, None)}


async def test_a_room_that_an_encoder_put_on_the_air_opens_live_with_the_first_company(database: Database) -> None:
    await ShowcaseRooms(database, now=lambda: NOON).published(ROOM)
    room = await Told.open(database)
    assert (room.state.phase, room.state.current) == ("live", S1)


async def test_a_failure_in_a_batch_writes_nothing_of_it(database: Database, facts: RoomProjector) -> None:
    room = (await live(database)).do(HOA, do.Say(text="a"))
    before = await read_rows(database)
    async with database.write() as db:
        await db.execute(text("ALTER TABLE message RENAME TO away"))
    with pytest.raises(Exception, match="message"):
        await facts.project(ROOM, room.entries)
    async with database.write() as db:
        await db.execute(text("ALTER TABLE away RENAME TO message"))
    assert await read_rows(database) == before
    assert len((await projected(database, facts, room))["message"]) == 1


async def test_facts_about_rows_that_are_gone_hold_nothing_up(database: Database, facts: RoomProjector) -> None:
    room = (await live(database)).do(MAI, do.Pin(product=P1)).do(HOA, do.Interested(product=P1))
    room.do(LAN, do.Ask(text="?", product=P1)).do(MAI, do.ArmNext(segment=S2, anyway=True))
    room.do(KERNEL, do.Advance(), after_s=3)
    async with database.write() as db:
        await db.execute(delete(Segment).where(Segment.id == S2))
        await db.execute(delete(Product).where(Product.id == P1))
    rows = await projected(database, facts, room)
    assert (rows["product_pin"], rows["lead"]) == ([], [])
    assert [(row["text"], row["product_id"]) for row in rows["message"]] == [("?", None)]
    assert parts(rows)["s1"] == (1, after(120), after(123))
    await facts.project(RoomId("gone"), room.entries)


async def test_a_room_ahead_of_a_showcase_that_was_ended_changes_only_its_parts(
    database: Database, facts: RoomProjector
) -> None:
    room = await live(database)
    async with database.write() as db:
        await db.execute(update(Showcase).values(state="ended", went_live_at=NOON, ended_at=NOON))
    rows = await projected(database, facts, room)
    assert (rows["showcase"][0]["state"], rows["showcase"][0]["went_live_at"]) == ("ended", NOON)


async def test_names_come_from_the_agency_s_own_people_and_guests(database: Database, facts: RoomProjector) -> None:
    async with database.write() as db:
        db.add(Agency(id="b", country="VN", name=words("Other")))
        await db.flush()
        db.add(KnownGuest(agency_id="b", guest_id="stranger", name="Elsewhere", company="B"))
    room = (await live(database)).do(person("Stranger", "write"), do.Interested(product=P1))
    (lead,) = (await projected(database, facts, room))["lead"]
    assert (lead["name"], lead["company"]) == ("", "")


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE message SET withdrawn = TRUE", "ck_message_withdrawn_is_wordless"),
        ("UPDATE message SET kind = 'shout'", "ck_message_kind_known"),
        ("UPDATE message SET revision = 1", "uq_message_showcase_id_revision|message.showcase_id, message.revision"),
        ("UPDATE lead SET participant = 'hoa'", "uq_lead_showcase_id_product_id_participant|lead.participant"),
        ("UPDATE lead SET person_id = 'nobody'", "(?i)foreign key"),
        ("UPDATE product_pin SET pinned_until = '2020-01-01'", "ck_product_pin_ends_after_start"),
    ],
)
async def test_the_database_keeps_the_facts_rules(
    database: Database, facts: RoomProjector, statement: str, constraint: str
) -> None:
    room = (await live(database)).do(MAI, do.Pin(product=P1)).do(HOA, do.Say(text="a"), do.Interested(product=P1))
    await facts.project(ROOM, room.do(LAN, do.Say(text="b"), do.Interested(product=P1)).entries)

    async def break_it() -> None:
        async with database.write() as db:
            await db.execute(text(statement))

    with pytest.raises(IntegrityError, match=constraint):
        await break_it()
