"""One Chromium and one server with the sample expo for all browser tests of a process; rows are fresh in each test.

Modules here say `pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]`: Playwright's objects
belong to the loop that made them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.support.browser import Site, chromium, sample_site


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        opened = await chromium(playwright)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_site(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Site]:
    async with sample_site(tmp_path_factory.mktemp("site") / "data") as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def site(shared_site: Site) -> Site:
    """The server, every showcase back in its opening state."""
    await shared_site.reset()
    return shared_site
