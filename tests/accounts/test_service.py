"""People behind links and cookies, on real rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete

from expo.accounts.rules import LINK_LIFE, LOGIN_LIFE
from expo.accounts.service import People, known_role, person, sign_link
from expo.accounts.tables import Agency, Person
from expo.accounts.tokens import Tokens
from expo.catalogue.tables import Expo
from expo.edge.principal import PrincipalLoader
from expo.errors import NotFound, Unauthenticated
from expo.ids import PersonId, ShowcaseId
from expo.store.db import Database

NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
TOKENS = Tokens("a secret of the cluster, 32 characters or more")
YEN = PersonId("yen")
CHUNGBUK = ShowcaseId("chungbuk")


@pytest.fixture
async def people(database: Database) -> People:
    words = {"en": "Hanbit"}
    async with database.write() as db:
        db.add(Agency(id="a", country="KR", name=words))
        await db.flush()
        db.add(
            Expo(
                id="e",
                agency_id="a",
                slug="e",
                title=words,
                starts_at=NOW,
                ends_at=NOW + timedelta(days=5),
                host_zone="Asia/Ho_Chi_Minh",
                host_city=words,
                host_language="vi",
                guest_zone="Asia/Seoul",
                guest_city=words,
                guest_language="ko",
            )
        )
        await db.flush()
        db.add(Person(id=YEN, agency_id="a", expo_id="e", role="interpreter", name="Lê Hoàng Yến", language="vi"))
    return People(database, TOKENS)


def link(role: str = "interpreter", who: PersonId = YEN) -> str:
    return sign_link(TOKENS, who, known_role(role), CHUNGBUK, NOW)


async def test_a_link_names_its_person_and_showcase(people: People) -> None:
    loader: PrincipalLoader = people
    found = await loader.by_link(link(), NOW)
    assert (found.person_id, found.role, found.name, found.language) == (YEN, "interpreter", "Lê Hoàng Yến", "vi")
    assert found.showcase_id == CHUNGBUK


async def test_using_a_link_again_is_harmless(people: People) -> None:
    assert await people.by_link(link(), NOW) == await people.by_link(link(), NOW)


async def test_a_cookie_brings_the_same_person_back(people: People) -> None:
    found = await people.by_link(link(), NOW)
    assert await people.by_cookie(people.cookie(found, NOW), NOW) == found


async def test_links_and_cookies_end(people: People) -> None:
    found = await people.by_link(link(), NOW + LINK_LIFE - timedelta(seconds=1))
    cookie = people.cookie(found, NOW)
    with pytest.raises(Unauthenticated) as refused:
        await people.by_link(link(), NOW + LINK_LIFE)
    assert refused.value.code == "link.expired"
    assert await people.by_cookie(cookie, NOW + LOGIN_LIFE - timedelta(seconds=1)) == found
    assert await people.by_cookie(cookie, NOW + LOGIN_LIFE) is None


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "x" * 10_000])
async def test_a_cookie_that_is_not_ours_names_nobody(people: People, value: str) -> None:
    assert await people.by_cookie(value, NOW) is None


async def test_a_link_cannot_be_used_as_a_cookie(people: People) -> None:
    assert await people.by_cookie(link(), NOW) is None


async def test_who_was_removed_or_given_another_role_is_nobody(people: People, database: Database) -> None:
    cookie = people.cookie(await people.by_link(link(), NOW), NOW)
    for text in (link(role="organiser"), link(who=PersonId("nobody"))):
        with pytest.raises(Unauthenticated) as refused:
            await people.by_link(text, NOW)
        assert refused.value.code == "link.nobody"
    async with database.write() as db:
        await db.execute(delete(Person))
    assert await people.by_cookie(cookie, NOW) is None
    async with database.read() as db:
        with pytest.raises(NotFound) as missing:
            await person(db, YEN)
    assert missing.value.code == "person.not_found"


def test_only_known_roles_are_roles() -> None:
    with pytest.raises(ValueError, match="role"):
        known_role("king")
