"""Fixtures of the rows: one agency with an expo, and next to it another agency with one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from expo.accounts.tables import Agency, Person
from expo.catalogue.tables import Delegation, Exhibitor, Expo
from expo.showcases.tables import Showcase
from expo.store.db import Database
from tests.accounts.world import NOW
from tests.support.databases import (
    backend,
    database,
    database_url,
    empty_database_url,
    migrated_sqlite,
    postgres,
    sqlite_database_url,
)

__all__ = [
    "backend",
    "database",
    "database_url",
    "empty_database_url",
    "migrated_sqlite",
    "postgres",
    "sqlite_database_url",
    "world",
]


@pytest.fixture
async def world(database: Database) -> Database:
    """Agencies `a` and `b`, each with an expo, showcase, company, organiser and interpreter, ids `a-expo` and so on."""
    for agency in ("a", "b"):
        await _agency(database, agency, NOW)
    return database


async def _agency(database: Database, agency: str, now: datetime) -> None:
    words = {"en": f"Agency {agency}"}
    expo = Expo(
        id=f"{agency}-expo",
        agency_id=agency,
        slug="expo",
        title=words,
        starts_at=now,
        ends_at=now + timedelta(days=5),
        host_zone="Asia/Ho_Chi_Minh",
        host_city={"en": "Hanoi"},
        host_language="vi",
        guest_zone="Asia/Seoul",
        guest_city={"en": "Seoul"},
        guest_language="ko",
    )
    place = {"agency_id": agency, "position": 1}
    delegation = Delegation(
        id=f"{agency}-delegation", expo_id=expo.id, slug="d", name=words, province=words, country="KR", sectors=words,
        image="/x.svg", **place,
    )  # fmt: skip
    company = Exhibitor(
        id=f"{agency}-company", delegation_id=delegation.id, slug="dalgu", name=words, mark="D", tagline=words,
        about=words, presenter=words, **place,
    )  # fmt: skip
    showcase = Showcase(
        id=f"{agency}-showcase", agency_id=agency, delegation_id=delegation.id, title=words, summary=words,
        image="/x.svg", state="scheduled", starts_at=now, ends_at=now + timedelta(hours=1),
    )  # fmt: skip
    people = [
        Person(id=f"{agency}-{role}", agency_id=agency, expo_id=expo.id, role=role, name=name, language="vi")
        for role, name in (("organiser", "Phạm Minh Tuấn"), ("interpreter", "Lê Hoàng Yến"))
    ]
    async with database.write() as db:
        for row in (Agency(id=agency, country="KR", name=words), expo, delegation, company, showcase, *people):
            db.add(row)
            await db.flush()
