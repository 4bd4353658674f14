"""A showcase of two companies with an exhibitor each, for tests of the run of show."""

from __future__ import annotations

from dataclasses import replace

from playwright.async_api import Page, expect

from expo.accounts.tables import Person
from expo.demo.seed import SeededPerson
from expo.ids import PersonId, ShowcaseId
from expo.settings import Settings
from expo.store.db import Database
from tests.support.presenter import Expo

SHOWCASE = ShowcaseId("daegu")
"""Scheduled, open to all, of Dalgu Precision and Palgong Textile."""
FIRST = "demo-exhibitor-daegu"
SECOND = "exhibitor-palgong"


async def with_second_exhibitor(expo: Expo) -> Expo:
    """The same expo with a person of the showcase's second company."""
    settings = Settings.from_env({"EXPO_DATA_DIR": str(expo.server.data_dir)})
    database = await Database.open(settings.effective_database_url)
    try:
        async with database.write() as db:
            first = await db.get_one(Person, FIRST)
            db.add(
                Person(
                    id=SECOND,
                    agency_id=first.agency_id,
                    expo_id=first.expo_id,
                    role="exhibitor",
                    name="배수아",
                    language="ko",
                    exhibitor_id="palgong-textile",
                    organisation="",
                )
            )
    finally:
        await database.close()
    person = SeededPerson(PersonId(SECOND), "exhibitor", "배수아", "ko", SHOWCASE)
    return replace(expo, seeded=replace(expo.seeded, people=(*expo.seeded.people, person)))


async def run_page(page: Page, expo: Expo, showcase: str = SHOWCASE) -> None:
    """The run of show, once it knows its room."""
    await page.goto(f"{expo.base_url}/run/{showcase}")
    await page.locator("body[data-phase]:not([data-phase=''])").wait_for()


async def join(page: Page, expo: Expo, *, ready: bool, showcase: str = SHOWCASE) -> None:
    """A studio with its seat taken and its devices open, and ready if that is wanted."""
    await page.goto(expo.studio(showcase))
    await page.locator("#go:enabled").wait_for()
    await page.locator("#ready").wait_for()
    if ready:
        await page.locator("#ready").click()
        await expect(page.locator("#ready")).to_have_attribute("aria-pressed", "true")
