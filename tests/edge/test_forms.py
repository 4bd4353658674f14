"""Forms as pages post them."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from expo.edge import wire
from expo.edge.forms import form
from tests.support.site import site


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the tests' form asks for."""

    product: str
    note: str = ""
    quantity: int = 1


async def take(request: web.Request) -> web.Response:
    return wire.answer(await form(request, Order))


async def posted(folder: Path, body: bytes, content_type: str = "application/x-www-form-urlencoded") -> tuple[int, str]:
    """Status, and the order or the problem's code."""
    async with site(folder, [web.post("/orders", take)]) as served, aiohttp.ClientSession() as http:
        headers = {"Content-Type": content_type}
        async with http.post(f"{served.url}/orders", data=body, headers=headers) as answer:
            told = json.loads(await answer.read())
            return answer.status, told.get("code", told)


async def test_a_form_comes_as_its_type(tmp_path: Path) -> None:
    body = b"product=%EA%B9%80&quantity=12&note=one%0D%0Atwo+%26+three"
    assert await posted(tmp_path, body) == (200, {"product": "김", "quantity": 12, "note": "one\ntwo & three"})


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", (422, "request.refused")),
        (b"product", (400, "request.malformed")),
        (b"product=%ff", (400, "request.malformed")),
        ("product=김".encode(), (400, "request.malformed")),
        (b"product=tea&product=tea", (422, "request.refused")),
        (b"product=tea&colour=green", (422, "request.refused")),
        (b"product=tea&quantity=x", (422, "request.refused")),
        (b"&".join(b"f%d=1" % n for n in range(200)), (400, "request.malformed")),
        (b"product=" + b"t" * 70_000, (413, "request.too_large")),
    ],
)
async def test_what_is_no_such_form_is_refused(tmp_path: Path, body: bytes, refusal: tuple[int, str]) -> None:
    assert await posted(tmp_path, body) == refusal


async def test_json_is_no_form(tmp_path: Path) -> None:
    assert await posted(tmp_path, b'{"product": "tea"}', "application/json") == (415, "request.content_type")
