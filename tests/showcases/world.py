"""The showcase of `tests.support.shows` as rows, and all that its room has left in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import delete, select

from expo.accounts.tables import Agency, Person
from expo.catalogue.tables import Delegation, Exhibitor, Expo, Product
from expo.errors import ExpoError
from expo.rooms.commands import Actor, Command
from expo.rooms.events import Entry
from expo.rooms.machine import decide, record, reduce
from expo.rooms.model import State
from expo.rooms.room_owner import opened
from expo.showcases.opening import ShowcaseProgrammes
from expo.showcases.rules import State as ShowcaseState
from expo.showcases.tables import (
    AudienceMinute,
    KnownGuest,
    Lead,
    Message,
    ProductPin,
    Projection,
    Segment,
    Showcase,
)
from expo.store.base import Base
from expo.store.db import Database
from tests.support.shows import KIM, LEE, NOON_MS, PARK, ROOM

NOON = datetime.fromtimestamp(NOON_MS / 1000, UTC)
TABLES: tuple[type[Base], ...] = (Showcase, Segment, Projection, Message, ProductPin, Lead, AudienceMinute)
Rows = dict[str, list[dict[str, Any]]]


def words(text: str) -> dict[str, str]:
    return {"en": text}


async def write_rows(database: Database, state: ShowcaseState = "scheduled") -> None:
    """Companies e1 to e3, each with two products and a segment of `ROOM`; their staff, and Hoa and Mai among people."""
    hour = timedelta(hours=1)
    tenant = {"agency_id": "a"}
    async with database.write() as db:
        db.add(Agency(id="a", country="VN", name=words("Agency")))
        await db.flush()
        zones = {"host_zone": "Asia/Ho_Chi_Minh", "guest_zone": "Asia/Seoul"}
        places = {"host_city": words("Hà Nội"), "guest_city": words("Seoul"), "host_language": "vi"}
        times = {"starts_at": NOON, "ends_at": NOON + hour}
        db.add(Expo(id="x", slug="x", title=words("Expo"), guest_language="ko", **zones, **places, **times, **tenant))
        await db.flush()
        names = {"name": words("Chungbuk"), "province": words("Chungbuk"), "sectors": words("Beauty")}
        db.add(Delegation(id="d", expo_id="x", slug="d", position=1, country="KR", image="/d", **names, **tenant))
        await db.flush()
        for number in (1, 2, 3):
            db.add(_exhibitor(number))
        await db.flush()
        for number in (1, 2, 3):
            db.add_all([_product(f"p{number}", number, 1), _product(f"p{number}b", number, 2)])
        db.add(KnownGuest(guest_id="lan", name="Lan", company="Sao Mai", **tenant))
        for actor in (KIM, PARK, LEE):
            db.add(_person(actor.participant, actor.name, "exhibitor", actor.exhibitor))
        db.add(_person("mai", "Mai", "organiser", None))
        db.add(_person("hoa", "Trần Thu Hoà", "buyer", None))
    await rewrite_rows(database, state)


async def rewrite_rows(database: Database, state: ShowcaseState) -> None:
    """The showcase and its segments, as if nothing had happened in the room yet."""
    tenant, times = {"agency_id": "a"}, {"starts_at": NOON, "ends_at": NOON + timedelta(hours=1)}
    async with database.write() as db:
        for table in reversed(TABLES):
            await db.execute(delete(table))
        titles = {"title": words("Show"), "summary": words("All of it"), "image": "/s"}
        db.add(Showcase(id=ROOM, delegation_id="d", state=state, auto_live=True, **titles, **times, **tenant))
        await db.flush()
        for number in (1, 2, 3):
            part = {"showcase_id": ROOM, "exhibitor_id": f"e{number}", "position": number, "length_s": 600}
            db.add(Segment(id=f"s{number}", title=words("Part"), **part, **tenant))


def _exhibitor(number: int) -> Exhibitor:
    texts = {key: words(f"Company {number}") for key in ("name", "tagline", "about", "presenter")}
    return Exhibitor(
        id=f"e{number}", agency_id="a", delegation_id="d", slug=f"e{number}", position=number, mark="결", **texts
    )


def _product(product: str, number: int, position: int) -> Product:
    texts = {key: words(product) for key in ("name", "summary", "incoterm_place", "moq_unit")}
    return Product(
        id=product,
        agency_id="a",
        exhibitor_id=f"e{number}",
        slug=product,
        position=position,
        image="/p",
        hs_code="330499",
        currency="USD",
        incoterm="FOB",
        moq_quantity=1,
        lead_time_days=7,
        certificates=[],
        **texts,
    )


def _person(person: str, name: str, role: str, exhibitor: str | None) -> Person:
    organisation = "" if exhibitor else "Hương Sen"
    texts = {"name": name, "role": role, "language": "vi", "organisation": organisation}
    return Person(id=person, agency_id="a", expo_id="x", exhibitor_id=exhibitor, **texts)


async def read_rows(database: Database) -> Rows:
    """All that a projection writes, without ids of rows and when they were made."""
    found: Rows = {}
    async with database.read() as db:
        for table in TABLES:
            left_out = {"created_at"} if table is Segment else {"id", "created_at"}
            columns = [column.name for column in table.__table__.columns if column.name not in left_out]
            rows = [{column: getattr(row, column) for column in columns} for row in await db.scalars(select(table))]
            found[table.__tablename__] = sorted(rows, key=repr)
    return found


class Told:
    """A room that opened from its rows, deciding at once; `entries` is its log."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.now_ms = NOON_MS
        self.entries: list[Entry] = []

    @classmethod
    async def open(cls, database: Database) -> Told:
        return cls(opened(ROOM, await ShowcaseProgrammes(database).opening_state(ROOM), NOON_MS))

    def do(self, actor: Actor, *commands: Command, after_s: float = 0) -> Told:
        """Raises what `decide` raises."""
        self.now_ms += round(after_s * 1000)
        for command in commands:
            events = decide(self.state, command, actor, self.now_ms)
            entries = record(self.state, events, self.now_ms, None)
            self.entries += entries
            for entry in entries:
                self.state = reduce(self.state, entry)
        return self

    def attempt(self, actor: Actor, command: Command, after_s: float) -> None:
        """Do it if the room lets them."""
        try:
            self.do(actor, command, after_s=after_s)
        except ExpoError:
            return

    def cut(self, at: Sequence[int]) -> list[list[Entry]]:
        """The log in consecutive batches that begin at these places."""
        places = sorted({0, *(place % (len(self.entries) + 1) for place in at), len(self.entries)})
        return [self.entries[a:b] for a, b in pairwise(places)]
