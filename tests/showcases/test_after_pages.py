"""The page of a show's results and its file, from a whole worker: for whom they open, and what they hold."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import AsyncGenerator
from datetime import timedelta

import aiohttp
import pytest
import pytest_asyncio

from expo.clock import utc_now
from expo.edge.keys import DATABASE
from tests.support.aftermath import leave_behind
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

OVER, COMING = "/after/chungbuk", "/after/daegu"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    async with running_worker(tmp_path_factory.mktemp("worker")) as running:
        await leave_behind(running.app[DATABASE], "chungbuk", utc_now() - timedelta(hours=1))
        yield running


@contextlib.asynccontextmanager
async def browsing(worker: Worker, person: str, language: str = "en") -> AsyncGenerator[aiohttp.ClientSession]:
    """A browser that came by the person's link."""
    headers = {"Accept-Language": language, "Accept": "text/html"}
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(worker.url, cookie_jar=jar, headers=headers) as http:
        found = next(one for one in worker.seeded.people if one.id == person)
        await http.get(worker.link(found), allow_redirects=False)
        http.cookie_jar.clear(lambda cookie: cookie.key == "expo_lang")
        yield http


async def text_of(http: aiohttp.ClientSession, path: str) -> str:
    async with http.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_an_exhibitor_reads_the_own_leads_alone(worker: Worker) -> None:
    async with browsing(worker, "demo-exhibitor", "ko") as own, browsing(worker, "demo-organiser", "ko") as desk:
        mine, whole = await text_of(own, OVER), await text_of(desk, OVER)
        assert ("동백 세럼 50 ml" in mine, "산들식품" in mine, "question 1" in mine) == (True, False, False)
        assert ("동백 세럼 50 ml" in whole, "산들식품" in whole, "question 1" in whole) == (True, True, True)
        assert "chat 0" not in whole  # it was hidden
        assert len(re.findall(r'class="lead-row"', mine)) == 4 < len(re.findall(r'class="lead-row"', whole))
    async with browsing(worker, "demo-exhibitor-daegu") as stranger:
        for path in (OVER, f"{OVER}/leads.csv"):
            async with stranger.get(path) as answer:
                assert answer.status == 403


async def test_the_file_opens_in_a_spreadsheet_and_runs_nothing(worker: Worker) -> None:
    async with browsing(worker, "demo-organiser", "vi") as desk, desk.get(f"{OVER}/leads.csv") as answer:
        file = await answer.read()
        assert (answer.status, answer.content_type, answer.charset) == (200, "text/csv", "utf-8")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="leads-chungbuk.csv"'
        assert answer.headers["Cache-Control"] == "private, no-store"
    header, *rows = csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""))
    assert file.startswith(b"\xef\xbb\xbf")
    assert header == ["Nhà cung cấp", "Sản phẩm", "Họ tên", "Công ty", "Phút của buổi phát", "Hà Nội", "Seoul"]
    assert rows[0][:5] == ["Sandeul Foods", "Snack rong biển 20 g", "Trần Thu Hà", "Minh Châu Beauty, Hà Nội", "2"]
    assert rows[1][2:4] == ["'=1+1", "'@Sao Mai"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", rows[0][5])
    async with browsing(worker, "demo-exhibitor") as own, own.get(f"{OVER}/leads.csv") as answer:
        assert len((await answer.text()).splitlines()) == 5


@pytest.mark.parametrize("language", ["en", "ko", "vi"])
async def test_it_is_whole_without_script_before_and_after_the_show(worker: Worker, language: str) -> None:
    async with browsing(worker, "demo-organiser", language) as desk:
        for path in (OVER, COMING):
            html = await text_of(desk, path)
            assert f'<html lang="{language}">' in html
            assert re.search(r"<style|\sstyle=|\son[a-z]+=", html) is None
            assert ("<svg viewBox" in html.partition('class="chart"')[2]) is (path == OVER)
        assert f'href="{OVER}"' in await text_of(desk, "/programme")
    async with browsing(worker, "demo-buyer", language) as buyer:
        assert "/after/" not in await text_of(buyer, "/programme")


async def test_interest_from_a_replay_is_a_lead_once_with_the_guests_name(worker: Worker) -> None:
    api = f"{worker.url}/api"
    serum = {"product": "camellia-serum"}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as guest:
        interest = f"{api}/showcases/chungbuk/interest"
        assert (await guest.post(interest, json=serum)).status == 401
        await guest.post(f"{api}/guests", json={"name": "Đỗ Văn Nam", "company": "Bến Tre Mart"})
        assert [(await guest.post(interest, json=serum)).status for _ in range(2)] == [204, 204]
        elsewhere = await guest.post(interest, json={"product": "cotton-towel"})
        assert (elsewhere.status, (await elsewhere.json())["code"]) == (404, "product.not_found")
    async with browsing(worker, "demo-exhibitor") as own:
        mine = await text_of(own, OVER)
        assert mine.count("Đỗ Văn Nam") == 1
        assert "Bến Tre Mart" in mine
