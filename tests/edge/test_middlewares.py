"""Errors as problem bodies and pages, headers, ids, methods and the access line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import structlog
from aiohttp import web

from expo.edge.headers import CONTENT_SECURITY_POLICY
from expo.edge.keys import EDGE_STATS, LIMITER
from expo.edge.limits import RateLimiter
from expo.errors import Conflict, ExpoError, Forbidden, Invalid, NotFound, TooMany, Unauthenticated, Unavailable
from tests.support.site import Served, site

ERRORS: dict[str, Callable[[], Exception]] = {
    "invalid": lambda: Invalid("sdp.malformed", "line 3"),
    "narrowed": lambda: Invalid("request.content_type", status=415),
    "stranger": lambda: Unauthenticated("token.expired"),
    "forbidden": lambda: Forbidden("token.not_granted"),
    "unknown": lambda: NotFound("showcase.unknown"),
    "conflict": lambda: Conflict("showcase.already_live"),
    "many": lambda: TooMany("request.too_many", retry_after_s=3),
    "full": lambda: Unavailable("media.full", retry_after_s=7),
    "wordless": lambda: ExpoError("never.heard"),
    "bug": lambda: KeyError("secret token abc"),
}
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


async def fail(request: web.Request) -> web.Response:
    error = ERRORS[request.match_info["kind"]]()
    raise error


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def away(_: web.Request) -> web.Response:
    raise web.HTTPSeeOther("/hello")


ROUTES = (
    web.get("/fail/{kind}", fail),
    web.get("/whep/{kind}", fail),
    web.get("/hello", hello),
    web.post("/hello", hello),
    web.get("/away", away),
)


async def ask(served: Served, path: str, method: str = "GET", **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, served.url + path, headers=headers, allow_redirects=False) as answer,
    ):
        return answer, await answer.read()


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("invalid", 400, "sdp.malformed"),
        ("narrowed", 415, "request.content_type"),
        ("stranger", 401, "token.expired"),
        ("forbidden", 403, "token.not_granted"),
        ("unknown", 404, "showcase.unknown"),
        ("conflict", 409, "showcase.already_live"),
        ("many", 429, "request.too_many"),
        ("full", 503, "media.full"),
        ("bug", 500, "server.error"),
    ],
)
async def test_every_kind_of_error_is_a_problem_body(tmp_path: Path, kind: str, status: int, code: str) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, body = await ask(served, f"/fail/{kind}")
        problem = json.loads(body)
        assert answer.status == problem["status"] == status
        assert answer.content_type == "application/problem+json"
        assert problem["code"] == code
        assert problem["type"] == f"urn:expo:problem:{code}"
        assert problem["title"]
        assert served.app[EDGE_STATS].errors[code] == 1


async def test_a_problem_is_told_in_the_readers_language(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        titles = {
            language: json.loads((await ask(served, "/fail/full", **{"Accept-Language": language}))[1])["title"]
            for language in ("en", "ko-KR,ko;q=0.9", "vi", "fr")
        }
    assert titles["en"] == titles["fr"]
    assert len(set(titles.values())) == 3


async def test_when_to_try_again_is_in_the_header_and_in_the_body(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, body = await ask(served, "/fail/full")
        assert answer.headers["Retry-After"] == "7"
        assert json.loads(body)["retryAfterS"] == 7


async def test_a_refused_token_is_challenged(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, _ = await ask(served, "/fail/stranger")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="expo"'
        answer, _ = await ask(served, "/fail/stranger", Authorization="Bearer x")
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


async def test_a_bug_tells_the_reader_nothing_and_the_log_everything(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        with structlog.testing.capture_logs() as lines:
            _, body = await ask(served, "/fail/bug")
    assert b"secret" not in body
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["a handler failed"]


async def test_a_browser_gets_a_page_and_a_program_a_body(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, body = await ask(served, "/nowhere", Accept=CHROME)
        assert (answer.status, answer.content_type) == (404, "text/html")
        assert b"request.unknown_address" in body
        for accept in ("*/*", "application/json", "application/json, text/html;q=0.5", "text/html;q=0", ""):
            answer, _ = await ask(served, "/nowhere", Accept=accept)
            assert (answer.status, answer.content_type) == (404, "application/problem+json"), accept


async def test_the_page_keeps_the_headers_of_its_status(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, _ = await ask(served, "/fail/full", Accept=CHROME)
        assert answer.headers["Retry-After"] == "7"


async def test_an_error_page_that_fails_gives_way_to_the_problem(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        (tmp_path / "templates" / "error.html").write_text("{{ nothing_of_that_name }}", encoding="utf-8")
        with structlog.testing.capture_logs() as lines:
            answer, body = await ask(served, "/nowhere", Accept=CHROME)
        assert "the error page failed" in {line["event"] for line in lines}
        assert (answer.status, answer.content_type) == (404, "application/problem+json")
        assert json.loads(body)["code"] == "request.unknown_address"
        assert served.app[EDGE_STATS].errors["server.error"] == 1


async def test_a_code_without_words_is_told_as_our_fault(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        _, body = await ask(served, "/fail/wordless")
        assert "our side" in json.loads(body)["title"]


async def test_wrong_methods_are_told_which_ones_work(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, body = await ask(served, "/hello", "DELETE")
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
        assert json.loads(body)["code"] == "request.method"


async def test_options_and_head_work_everywhere(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, body = await ask(served, "/hello", "OPTIONS")
        assert (answer.status, body) == (204, b"")
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
        answer, body = await ask(served, "/hello", "HEAD")
        assert (answer.status, body, answer.headers["Content-Length"]) == (200, b"", "5")
        answer, body = await ask(served, "/nowhere", "HEAD")
        assert (answer.status, body) == (404, b"")


async def test_redirects_pass_unchanged(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, _ = await ask(served, "/away")
        assert (answer.status, answer.headers["Location"]) == (303, "/hello")


@pytest.mark.parametrize("path", ["/hello", "/nowhere", "/fail/bug", "/static/favicon.svg", "/openapi.json", "/away"])
async def test_every_answer_carries_the_security_headers_and_an_id(tmp_path: Path, path: str) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, _ = await ask(served, path)
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "camera=(self)" in answer.headers["Permissions-Policy"]
        assert len(answer.headers["X-Request-Id"]) == 16
        assert answer.headers["Server"] == "expo"


def test_the_policy_allows_no_inline_script_or_style_and_no_stranger() -> None:
    directives = {
        name: value for name, _, value in (part.partition(" ") for part in CONTENT_SECURITY_POLICY.split("; "))
    }
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["media-src"] == directives["worker-src"] == "'self' blob:"
    assert directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["object-src"] == directives["base-uri"] == "'none'"
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "http" not in CONTENT_SECURITY_POLICY


async def test_pages_of_any_site_may_read_the_answers_and_errors_of_media_endpoints(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        answer, _ = await ask(served, "/whep/stranger", Origin="https://elsewhere.example")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert {"Location", "ETag", "Link"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
        answer, _ = await ask(served, "/hello", Origin="https://elsewhere.example")
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_the_access_line_holds_the_pattern_and_nobody_behind_it(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        with structlog.testing.capture_logs() as lines:
            await ask(served, "/enter/lan?next=secret", **{"User-Agent": "someone's phone"})
            await ask(served, "/nowhere/secret")
    answered = [line for line in lines if line["event"] == "answered"]
    assert [(line["route"], line["status"]) for line in answered] == [("/enter/{token}", 303), ("unknown", 404)]
    for line in answered:
        assert set(line) <= {"event", "log_level", "method", "route", "status", "took_ms", "request"}


async def test_answers_are_counted_by_route_and_class(tmp_path: Path) -> None:
    async with site(tmp_path, ROUTES) as served:
        await ask(served, "/hello")
        await ask(served, "/fail/bug")
        stats = served.app[EDGE_STATS]
        assert stats.answers["/hello", 2] == 1
        assert stats.answers["/fail/{kind}", 5] == 1
        assert stats.snapshot()["http_server_errors_total"] == 1


async def test_posts_over_the_rate_of_an_address_are_told_to_wait(tmp_path: Path) -> None:
    def slow(app: web.Application) -> None:
        app[LIMITER] = RateLimiter(per_second=0.1, burst=2)

    async with site(tmp_path, ROUTES, prepare=slow) as served:
        answers = [await ask(served, "/hello", "POST") for _ in range(3)]
        assert [answer.status for answer, _ in answers] == [200, 200, 429]
        assert 1 <= int(answers[2][0].headers["Retry-After"]) <= 10
        assert (await ask(served, "/hello"))[0].status == 200
