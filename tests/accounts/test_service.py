"""People behind role links and cookies, on real rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, update

from expo.accounts.rules import LINK_LIFE, LOGIN_LIFE
from expo.accounts.service import MOST_LINKED, People, known_role, person, sign_link
from expo.accounts.tables import Login, Person
from expo.accounts.tokens import Tokens
from expo.edge.principal import PrincipalLoader
from expo.errors import NotFound, Unauthenticated
from expo.ids import PersonId, ShowcaseId
from expo.store.db import Database
from tests.accounts.world import NOW

TOKENS = Tokens("a secret of the cluster, 32 characters or more")
YEN = PersonId("a-interpreter")
SHOWCASE = ShowcaseId("a-showcase")


@pytest.fixture
def people(world: Database) -> People:
    return People(world, TOKENS)


def link(role: str = "interpreter", who: PersonId = YEN) -> str:
    return sign_link(TOKENS, who, known_role(role), SHOWCASE, NOW)


async def logins(database: Database) -> int:
    async with database.read() as db:
        return (await db.scalar(select(func.count()).select_from(Login))) or 0


async def test_a_link_names_its_person_tenant_and_showcase(people: People) -> None:
    loader: PrincipalLoader = people
    entry = await loader.by_link(link(), None, NOW)
    found = entry.principal
    assert (found.person_id, found.role, found.name, found.language) == (YEN, "interpreter", "Lê Hoàng Yến", "vi")
    assert (found.showcase_id, found.agency_id, found.expo_id) == (SHOWCASE, "a", "a-expo")
    assert entry.life_s == LOGIN_LIFE.total_seconds()


async def test_a_browser_that_comes_again_keeps_its_login(people: People, database: Database) -> None:
    first = await people.by_link(link(), None, NOW)
    again = await people.by_link(link(), first.cookie, NOW)
    assert (again.principal, again.cookie) == (first.principal, first.cookie)
    assert await logins(database) == 1


async def test_a_browser_that_changes_its_person_leaves_no_login_behind(people: People, database: Database) -> None:
    before = await people.by_link(link(), None, NOW)
    after = await people.by_link(link("organiser", PersonId("a-organiser")), before.cookie, NOW)
    assert await people.by_cookie(before.cookie, NOW) is None
    assert await people.by_cookie(after.cookie, NOW) == after.principal
    assert await logins(database) == 1


async def test_a_link_keeps_a_bounded_number_of_browsers_signed_in(people: People, database: Database) -> None:
    entries = [await people.by_link(link(), None, NOW + timedelta(seconds=n)) for n in range(MOST_LINKED + 1)]
    assert await logins(database) == MOST_LINKED
    assert await people.by_cookie(entries[0].cookie, NOW) is None
    assert await people.by_cookie(entries[-1].cookie, NOW) is not None


async def test_a_cookie_brings_the_same_person_back(people: People) -> None:
    entry = await people.by_link(link(), None, NOW)
    assert await people.by_cookie(entry.cookie, NOW) == entry.principal


async def test_a_login_is_noted_by_the_day_and_only_its_hash_is_kept(people: People, database: Database) -> None:
    entry = await people.by_link(link(), None, NOW)
    for later in (timedelta(hours=1), timedelta(days=2), timedelta(days=2, hours=1)):
        await people.by_cookie(entry.cookie, NOW + later)
    async with database.read() as db:
        row = await db.scalar(select(Login))
    assert row is not None
    assert row.last_seen_on == (NOW + timedelta(days=2)).date()
    assert entry.cookie not in {str(value) for value in vars(row).values()}


async def test_links_and_cookies_end(people: People) -> None:
    entry = await people.by_link(link(), None, NOW)
    with pytest.raises(Unauthenticated) as refused:
        await people.by_link(link(), None, NOW + LINK_LIFE)
    assert refused.value.code == "link.expired"
    assert await people.by_cookie(entry.cookie, NOW + LOGIN_LIFE - timedelta(seconds=1)) == entry.principal
    assert await people.by_cookie(entry.cookie, NOW + LOGIN_LIFE) is None


async def test_signing_out_ends_the_login_at_once(people: People, database: Database) -> None:
    entry = await people.by_link(link(), None, NOW)
    await people.sign_out(entry.cookie)
    await people.sign_out(entry.cookie)
    assert await people.by_cookie(entry.cookie, NOW) is None
    assert await logins(database) == 0


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "x" * 10_000, "\udcff", link()])
async def test_a_cookie_that_is_not_ours_names_nobody(people: People, value: str) -> None:
    assert await people.by_cookie(value, NOW) is None


async def test_who_was_given_another_role_or_is_gone_is_nobody(people: People, world: Database) -> None:
    entry = await people.by_link(link(), None, NOW)
    for text in (link(role="organiser"), link(who=PersonId("nobody"))):
        with pytest.raises(Unauthenticated) as refused:
            await people.by_link(text, None, NOW)
        assert refused.value.code == "link.nobody"
    async with world.write() as db:
        await db.execute(delete(Login))
        await db.execute(delete(Person))
    assert await people.by_cookie(entry.cookie, NOW) is None
    async with world.read() as db:
        with pytest.raises(NotFound) as missing:
            await person(db, YEN)
    assert missing.value.code == "person.not_found"


async def test_who_was_revoked_is_nobody(people: People, world: Database) -> None:
    entry = await people.by_link(link(), None, NOW)
    async with world.write() as db:
        await db.execute(update(Person).where(Person.id == YEN).values(revoked_at=NOW))
    assert await people.by_cookie(entry.cookie, NOW) is None
    with pytest.raises(Unauthenticated, match=r"link\.nobody"):
        await people.by_link(link(), None, NOW)
    async with world.read() as db:
        with pytest.raises(NotFound):
            await person(db, YEN)


def test_only_known_roles_are_roles() -> None:
    with pytest.raises(ValueError, match="role"):
        known_role("king")
