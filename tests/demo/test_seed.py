"""The demonstration's rows: whole, in three languages, around the present moment, and the same when put up again."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

import expo.demo
from expo.accounts.rules import ROLES
from expo.accounts.tables import Agency
from expo.catalogue.tables import Delegation, Product
from expo.demo.seed import seed
from expo.showcases import queries, service
from expo.showcases.tables import Showcase
from expo.store.base import load_tables
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 42, 30, tzinfo=UTC)
Content = str | int | bool | list["Content"] | dict[str, "Content"]
CONTENT = Path(expo.demo.__file__).with_name("seed.toml").read_text(encoding="utf-8")


async def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, but for when they were first made."""
    rows: dict[str, list[tuple[object, ...]]] = {}
    async with database.read() as db:
        for name, table in load_tables().tables.items():
            columns = [column for column in table.columns if column.name != "created_at"]
            rows[name] = [tuple(row) for row in await db.execute(select(*columns).order_by(table.columns["id"]))]
    return rows


def worded(value: Content, where: str = "") -> Iterator[tuple[str, dict[str, Content]]]:
    """Every table of texts in the content, with its place."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from worded(item, f"{where}[{number}]")
    elif isinstance(value, dict):
        if "ko" in value:
            yield where, value
        else:
            for key, item in value.items():
                yield from worded(item, f"{where}.{key}")


async def test_it_has_someone_for_every_role_and_a_showcase_for_every_state(database: Database) -> None:
    seeded = await seed(database, NOW)
    assert {person.role for person in seeded.people} == set(ROLES)
    assert {person.language for person in seeded.people} == {"ko", "vi", "en"}
    async with database.read() as db:
        states = {row.id: (row.state, row.auto_live) for row in await db.scalars(select(Showcase))}
    assert {state for state, _ in states.values()} == {"draft", "scheduled", "live", "ended"}
    assert states[seeded.live] == ("live", False)
    assert states[seeded.idle] == ("scheduled", True)
    assert "chungbuk-encore" not in seeded.showcases


async def test_what_is_on_show_from_the_start_is_a_moment_of_the_recording(database: Database) -> None:
    await seed(database, NOW - timedelta(hours=1))
    seeded = await seed(database, NOW)
    async with database.read() as db:
        stage = await service.stage_view(db, seeded.live, "en")
        pin = await queries.open_pin(db, seeded.live)
    assert stage.pinned is not None
    assert stage.current is not None
    assert pin is not None
    assert (pin.product_id, pin.pinned_from) == (stage.pinned.id, stage.current.starts_at)


async def test_putting_it_up_again_gives_the_same_rows(database: Database) -> None:
    first = await seed(database, NOW)
    rows = await everything(database)
    assert await seed(database, NOW) == first
    assert await everything(database) == rows


async def test_putting_it_up_again_later_sets_the_stage_afresh(database: Database) -> None:
    seeded = await seed(database, NOW)
    async with database.write() as db:
        await service.go_live(db, seeded.idle, NOW)
        await service.end(db, seeded.live, NOW)
    tomorrow = NOW + timedelta(days=1)
    await seed(database, tomorrow)
    async with database.read() as db:
        live = await service.stage_view(db, seeded.live, "en")
        idle = await service.showcase_state(db, seeded.idle, "en")
    assert (live.state, idle.state) == ("live", "scheduled")
    assert live.current is not None
    assert live.current.starts_at < tomorrow < live.current.ends_at
    assert idle.starts_at > tomorrow


async def test_it_leaves_other_agencies_alone(database: Database) -> None:
    async with database.write() as db:
        db.add(Agency(id="other", country="VN", name={"en": "Other"}))
    await seed(database, NOW)
    async with database.read() as db:
        assert (await db.get_one(Agency, "other")).name == {"en": "Other"}


@pytest.mark.parametrize("hour", range(0, 24, 5))
async def test_its_times_make_sense_at_any_hour(sqlite_database_url: str, hour: int) -> None:
    now = NOW.replace(hour=hour)
    database = await Database.open(sqlite_database_url)
    try:
        await seed(database, now)
        async with database.read() as db:
            home = await service.home_view(db, "vi", now)
    finally:
        await database.close()
    (live,) = home.live
    assert live.starts_at < now < live.ends_at
    assert live.current is not None
    assert live.current.starts_at < now < live.current.ends_at
    assert all(now < card.starts_at for card in home.next)
    assert all(card.ends_at < now for card in home.ended)
    assert home.expo.starts_at < min(card.starts_at for card in home.ended)
    assert home.expo.ends_at > max(card.ends_at for card in home.next)


@pytest.mark.parametrize("language", ["ko", "vi", "en"])
async def test_every_page_of_it_can_be_shown_in_every_language(database: Database, language: str) -> None:
    seeded = await seed(database, NOW)
    async with database.read() as db:
        assert (await service.home_view(db, language, NOW)).delegations
        for showcase_id in seeded.showcases:
            assert (await service.studio_view(db, showcase_id, language)).stage.exhibitor.products


async def test_its_people_belong_where_their_link_leads(database: Database) -> None:
    seeded = await seed(database, NOW)
    async with database.read() as db:
        for person in seeded.people:
            grant = await service.room_grant(db, person.showcase_id, person.id, NOW)
            assert ("publish" in grant.can) == (person.role in {"exhibitor", "organiser", "technician"})


def test_every_text_is_there_in_all_three_languages() -> None:
    texts = list(worded(tomllib.loads(CONTENT)))
    assert len(texts) > 100
    assert [where for where, words in texts if set(words) != {"ko", "vi", "en"} or not all(words.values())] == []


def test_nobody_is_called_by_the_words_that_the_house_avoids() -> None:
    for where, words in worded(tomllib.loads(CONTENT)):
        assert "당신" not in str(words["ko"]), where
        assert "bạn" not in str(words["vi"]).lower().split(), where


async def test_the_head_of_the_content_lists_every_picture(database: Database) -> None:
    await seed(database, NOW)
    head = CONTENT.partition("\n\n")[0].replace("\n#", " ").replace(".", " ").split()
    async with database.read() as db:
        for table, folder in ((Product, "products"), (Delegation, "delegations")):
            for row in await db.scalars(select(table)):
                assert row.slug in head
                assert row.image == f"/static/img/{folder}/{row.slug}.svg"


async def test_a_failure_in_the_middle_leaves_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("expo.demo.seed.SEGMENT_S", 1)  # a segment of one second is refused by its table
    with pytest.raises(Exception, match="ck_segment_length_sane"):
        await seed(database, NOW)
    async with database.read() as db:
        assert (await db.scalars(select(func.count()).select_from(Agency))).one() == 0
