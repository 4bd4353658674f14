"""The document of the API, and typed bodies, queries and answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from expo.edge import wire
from expo.edge.openapi import Answer, Content, Operation, operation, page
from tests.support.site import Served, site

METHODS = {"get", "post", "put", "patch", "delete", "options"}


class Order(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    product_id: Annotated[str, msgspec.Meta(max_length=26)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: Annotated[int, msgspec.Meta(ge=1)] = 1


class Desk:
    @operation(
        Operation(
            "Order",
            {201: Answer("Taken", Content(type=Order), {"Location": "Where it is"})},
            body=Content(type=Order),
            query=Page,
            headers={"If-Match": "The version"},
            parameters={"desk": "Which desk"},
            errors=(409,),
            bearer=True,
            tag="orders",
        )
    )
    async def order(self, request: web.Request) -> web.Response:
        number = wire.query(request, Page).number
        order = await wire.body(request, Order)
        return wire.answer(order, status=201, headers={"Location": f"/orders/{number}"})


@page("The front page")
async def front(_: web.Request) -> web.Response:
    return web.Response(text="front")


async def undeclared(request: web.Request) -> web.Response:
    """One order, as it was."""
    return wire.answer_tagged(request, Order("p"), "what matters")


ROUTES = (
    web.post(r"/desks/{desk:\d{1,3}}/orders", Desk().order),
    web.get("/", front),
    web.get("/orders/{order}", undeclared),
)


async def ask(served: Served, method: str, path: str, **options: Any) -> tuple[aiohttp.ClientResponse, bytes]:
    async with aiohttp.ClientSession() as http, http.request(method, served.url + path, **options) as answer:
        return answer, await answer.read()


async def document(folder: Path) -> dict[str, Any]:
    async with site(folder, ROUTES) as served:
        return json.loads((await ask(served, "GET", "/openapi.json"))[1])


def references(node: object) -> Iterator[str]:
    match node:
        case dict():
            for key, value in node.items():  # pyright: ignore[reportUnknownVariableType] - JSON
                if key == "$ref":
                    yield str(value)  # pyright: ignore[reportUnknownArgumentType] - JSON
                else:
                    yield from references(value)  # pyright: ignore[reportUnknownArgumentType] - JSON
        case list():
            for value in node:  # pyright: ignore[reportUnknownVariableType] - JSON
                yield from references(value)  # pyright: ignore[reportUnknownArgumentType] - JSON
        case _:
            return


def check_document(found: Mapping[str, Any]) -> None:
    """What OpenAPI 3.1 asks of structure, as far as our documents use it."""
    assert found["openapi"] == "3.1.0"
    assert found["info"]["title"]
    assert found["info"]["version"]
    for reference in references(found):
        target: Any = found
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert target
    operation_ids: list[str] = []
    for path, item in found["paths"].items():
        assert path.startswith("/")
        for method, described in item.items():
            assert method in METHODS
            operation_ids.append(described["operationId"])
            assert described["summary"], path
            assert described["responses"]
            for status, response in described["responses"].items():
                assert status == "default" or 100 <= int(status) < 600
                assert response["description"]
            named = [p["name"] for p in described.get("parameters", []) if p["in"] == "path"]
            assert named == [part.split("}")[0] for part in path.split("{")[1:]]
            keys = [(p["in"], p["name"]) for p in described.get("parameters", [])]
            assert len(keys) == len(set(keys))
            assert all(p["required"] for p in described.get("parameters", []) if p["in"] == "path")
    assert len(operation_ids) == len(set(operation_ids))


async def test_the_document_is_sound_and_holds_every_route(tmp_path: Path) -> None:
    found = await document(tmp_path)
    check_document(found)
    assert set(found["paths"]) == {
        "/", "/desks/{desk}/orders", "/orders/{order}", "/openapi.json", "/enter/{token}", "/lang/{code}",
        "/static/{path}", "/favicon.ico",
    }  # fmt: skip
    assert set(found["paths"]["/lang/{code}"]) == {"get", "post"}


async def test_a_declared_operation_is_told_whole(tmp_path: Path) -> None:
    order = (await document(tmp_path))["paths"]["/desks/{desk}/orders"]["post"]
    assert order["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Order"}
    assert order["responses"]["201"]["headers"]["Location"]["description"] == "Where it is"
    assert set(order["responses"]) == {"201", "403", "409", "429", "default"}  # the middlewares' refusals too
    problem = order["responses"]["409"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    assert [(p["in"], p["name"]) for p in order["parameters"]] == [
        ("path", "desk"), ("query", "number"), ("header", "If-Match"),
    ]  # fmt: skip
    assert order["parameters"][1]["schema"]["minimum"] == 1
    assert order["security"] == [{"bearer": []}, {}]


async def test_a_route_without_a_declaration_is_listed_by_its_docstring(tmp_path: Path) -> None:
    found = await document(tmp_path)
    assert found["paths"]["/orders/{order}"]["get"]["summary"] == "One order, as it was."
    assert "text/html" in found["paths"]["/"]["get"]["responses"]["200"]["content"]


async def test_a_pages_problems_are_pages_too(tmp_path: Path) -> None:
    paths = (await document(tmp_path))["paths"]
    assert set(paths["/"]["get"]["responses"]["404"]["content"]) == {"application/problem+json", "text/html"}
    order = paths["/desks/{desk}/orders"]["post"]["responses"]
    assert set(order["409"]["content"]) == {"application/problem+json"}


async def test_a_typed_body_comes_and_goes(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, body = await ask(served, "POST", "/desks/1/orders?number=7", json={"productId": "tea", "quantity": 3})
        assert (answer.status, answer.headers["Location"]) == (201, "/orders/7")
        assert json.loads(body) == {"productId": "tea", "quantity": 3}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"productId": "tea", "quantity": 0}', 422, "request.refused"),
        (b'{"productId": "tea", "quantity": "3"}', 422, "request.refused"),
        (b'{"productId": "tea", "colour": "green"}', 422, "request.refused"),
        (b'{"productId": "%s"}' % (b"t" * 27), 422, "request.refused"),
        (b"{}", 422, "request.refused"),
        (b'{"productId": "tea"', 400, "request.malformed"),
        (b"[]", 422, "request.refused"),
        (b"\xff\xfe", 400, "request.malformed"),
        (b"", 400, "request.malformed"),
        (b'{"productId": "' + b"t" * 70_000 + b'"}', 413, "request.too_large"),
        (b"[" * 60_000, 422, "request.refused"),
    ],
)
async def test_bodies_that_do_not_fit_are_refused(tmp_path: Path, body: bytes, status: int, code: str) -> None:
    async with site(tmp_path, ROUTES) as served:
        headers = {"Content-Type": "application/json"}
        answer, told = await ask(served, "POST", "/desks/1/orders", data=body, headers=headers)
        assert (answer.status, json.loads(told)["code"]) == (status, code)


async def test_a_body_of_another_type_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, told = await ask(served, "POST", "/desks/1/orders", data=b"{}", headers={"Content-Type": "text/plain"})
        assert (answer.status, json.loads(told)["code"]) == (415, "request.content_type")


@pytest.mark.parametrize("query", ["number=0", "number=x", "numbers=1", "number=1&number=2"])
async def test_queries_that_do_not_fit_are_refused(tmp_path: Path, query: str) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, told = await ask(served, "POST", f"/desks/1/orders?{query}", json={"productId": "tea"})
        assert (answer.status, json.loads(told)["code"]) == (400, "request.refused")


async def test_an_answer_that_the_reader_has_is_not_sent_again(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        first, _ = await ask(served, "GET", "/orders/1")
        tag = first.headers["ETag"]
        for known in (tag, f'"other", {tag}', "*", f"W/{tag}"):
            again, body = await ask(served, "GET", "/orders/1", headers={"If-None-Match": known})
            assert (again.status, body, again.headers["ETag"]) == (304, b"", tag)
        other, _ = await ask(served, "GET", "/orders/1", headers={"If-None-Match": '"other"'})
        assert other.status == 200
