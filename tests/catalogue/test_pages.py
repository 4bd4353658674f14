"""The quiet pages as HTML from a whole worker: useful before any script, in every language."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import update

from expo.catalogue.tables import Exhibitor, Product
from expo.edge.keys import DATABASE
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

LANGUAGES = ("en", "ko", "vi")
PAGES = ("/delegations/chungbuk", "/delegations/jeonnam", "/stands/gyeol-cosmetics", "/products/camellia-serum")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(tmp_path: Path) -> AsyncGenerator[Worker]:
    """A worker whose rows a test may change."""
    async with running_worker(tmp_path) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def http() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def page(http: aiohttp.ClientSession, url: str, language: str = "en", status: int = 200) -> str:
    async with http.get(url, headers={"Accept-Language": language, "Accept": "text/html"}) as response:
        assert response.status == status
        assert response.headers["Content-Language"] == language
        return await response.text()


async def test_every_page_renders_in_every_language_without_inline_code(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    for language in LANGUAGES:
        for path in PAGES:
            text = await page(http, worker.url + path, language)
            assert f'<html lang="{language}">' in text
            assert re.search(r"<style|\sstyle=|\son[a-z]+=", text) is None
            assert re.findall(r"<script(?![^>]*(?:src=|application/json))", text) == []


@pytest.mark.parametrize(
    ("language", "facts"),
    [
        ("en", ("US$4.20–4.80", "1,000 bottles", "25 days", "CFS, ISO 22716", "FOB Busan", "Free On Board", "3304.99")),
        ("ko", ("US$4.20–4.80", "1,000병", "25일", "CFS, ISO 22716", "FOB 부산", "본선 인도", "3304.99")),
        ("vi", ("4,20–4,80 USD", "1.000 chai", "25 ngày", "CFS, ISO 22716", "FOB Busan", "Giao lên tàu", "3304.99")),
    ],
)
async def test_a_product_page_tells_price_terms_and_customs(
    worker: Worker, http: aiohttp.ClientSession, language: str, facts: tuple[str, ...]
) -> None:
    text = await page(http, f"{worker.url}/products/camellia-serum", language)
    table = text[text.index('id="terms"') :]
    for fact in facts:
        assert fact in table
    assert 'href="/s/chungbuk"' in text, "where it is live"
    assert 'rel="prev"' in text
    assert 'rel="next"' in text


async def test_a_price_on_request_is_said_and_not_left_blank(fresh: Worker, http: aiohttp.ClientSession) -> None:
    async with fresh.app[DATABASE].write() as db:
        await db.execute(update(Product).values(price_low_minor=None, price_high_minor=None))
    text = await page(http, f"{fresh.url}/products/camellia-serum")
    assert text.count("Price on request") >= 3


async def test_a_stand_leads_to_its_delegation_its_products_and_its_stage(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    text = await page(http, f"{worker.url}/stands/gyeol-cosmetics")
    for path in ("/delegations/chungbuk", "/products/rice-mask", "/s/chungbuk"):
        assert f'href="{path}"' in text
    assert "Jung Ha-yun" in text
    assert "On now" in text


async def test_a_delegation_leads_to_every_stand(worker: Worker, http: aiohttp.ClientSession) -> None:
    text = await page(http, f"{worker.url}/delegations/chungbuk")
    assert len(set(re.findall(r'href="/stands/([a-z-]+)"', text))) == 8


async def test_a_preview_has_words_and_a_picture_at_absolute_addresses(
    worker: Worker, http: aiohttp.ClientSession
) -> None:
    text = await page(http, f"{worker.url}/products/camellia-serum?utm=1", "vi")
    told = dict(re.findall(r'<meta property="og:([a-z]+)" content="([^"]*)">', text))
    assert html.unescape(told["title"]) == "Tinh chất hoa trà 50 ml · Gyeol Cosmetics"
    assert told["description"].startswith("4,20–4,80 USD · tối thiểu 1.000 chai · ")
    assert told["url"] == f"{worker.url}/products/camellia-serum"
    assert told["image"] == f"{worker.url}/static/img/products/camellia-serum.svg"
    async with http.get(told["image"]) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/delegations/nowhere", "해당 참가단이 없습니다"),
        ("/stands/nobody", "해당 기업이 없습니다"),
        ("/products/nothing", "해당 제품이 없습니다"),
        ("/no-such-page", "이 주소에는 페이지가 없습니다"),
    ],
)
async def test_what_is_missing_is_said_with_ways_on(
    worker: Worker, http: aiohttp.ClientSession, path: str, words: str
) -> None:
    text = await page(http, worker.url + path, "ko", 404)
    assert words in text
    for way in ("/", "/programme", "/#places", "/#goods"):
        assert f'href="{way}"' in text


async def test_names_of_any_kind_stay_words(fresh: Worker, http: aiohttp.ClientSession) -> None:
    name = '<b onclick="x">Shalom שלום & "사랑"</b>'
    async with fresh.app[DATABASE].write() as db:
        await db.execute(update(Exhibitor).where(Exhibitor.id == "gyeol-cosmetics").values(name={"en": name}))
    for path in ("/stands/gyeol-cosmetics", "/products/camellia-serum", "/delegations/chungbuk", "/programme", "/"):
        text = await page(http, fresh.url + path)
        assert "<b onclick" not in text
        assert html.escape(name, quote=False)[:14] in text


async def test_times_can_be_made_the_readers_own(worker: Worker, http: aiohttp.ClientSession) -> None:
    text = await page(http, f"{worker.url}/stands/gyeol-cosmetics", "vi")
    found = re.search(r'id="page-data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    assert [clock["city"] for clock in data["clocks"]] == ["Hà Nội", "Seoul"]
    assert data["messages"]["common.your_time"] == "giờ của tôi"
