"""The contract of WHIP (RFC 9725) and WHEP over real HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from expo.accounts.tokens import Tokens
from expo.errors import Unavailable
from expo.ids import RoomId
from tests.support.offers import offer
from tests.support.stage import OTHER_ROOM, ROOM, Answered, Stage, open_stage

pytestmark = pytest.mark.media

WHIP, WHEP = f"/whip/{ROOM}", f"/whep/{ROOM}"
PUBLISHER, VIEWER = offer("chromium-publish"), offer("chromium-watch")
FRAGMENT = "application/trickle-ice-sdpfrag"
CANDIDATE = "a=candidate:1 1 udp 2113937151 4e6a7ad0-1f3b.local 54321 typ host\r\n"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with open_stage(tmp_path) as opened:
        yield opened


def problem(answer: Answered) -> tuple[int, str]:
    """Status and code; everything refused has a problem body that any origin may read."""
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    body = json.loads(answer.body)
    assert body["status"] == answer.status
    assert body["title"]
    return answer.status, body["code"]


def credentials(sdp: str) -> str:
    ufrag, pwd = (re.search(rf"a=ice-{name}:(\S+)", sdp) for name in ("ufrag", "pwd"))
    assert ufrag is not None
    assert pwd is not None
    return f"a=ice-ufrag:{ufrag[1]}\r\na=ice-pwd:{pwd[1]}\r\n"


@pytest.mark.parametrize(("path", "sdp"), [(WHIP, PUBLISHER), (WHEP, VIEWER)])
async def test_a_post_creates_a_resource(stage: Stage, path: str, sdp: str) -> None:
    answer = await stage.offer(path, sdp, stage.token())
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/sdp"
    assert re.fullmatch(rf"{path}/[\w-]{{22}}", answer.headers["Location"])
    assert re.fullmatch(r'"[\w-]{8,}"', answer.headers["ETag"])
    assert answer.headers["Accept-Patch"] == FRAGMENT
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert all(name in exposed for name in ("Location", "ETag", "Link"))
    assert answer.text.count(f" 127.0.0.1 {stage.engine.udp_port} typ host") == 2


async def test_content_type_parameters_do_not_matter(stage: Stage) -> None:
    answer = await stage.ask("POST", WHEP, VIEWER, content_type="application/SDP; charset=utf-8")
    assert answer.status == 201


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/trickle-ice-sdpfrag", None])
async def test_another_content_type_is_refused(stage: Stage, content_type: str | None) -> None:
    answer = await stage.ask("POST", WHIP, PUBLISHER, token=stage.token(), content_type=content_type)
    assert problem(answer) == (415, "request.content_type")


async def test_publishing_needs_a_token(stage: Stage) -> None:
    answer = await stage.offer(WHIP, PUBLISHER)
    assert problem(answer) == (401, "token.missing")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_tokens_that_are_not_good_are_refused_with_the_reason(stage: Stage) -> None:
    good = stage.token()
    key, payload, signature = good.split(".")
    middle = "A" if payload[9] != "A" else "B"
    tokens = {
        "token.expired": stage.token(life_s=-1),
        "token.foreign": stage.token(tokens=Tokens("a stranger's secret, just as long")),
        "token.forged": ".".join((key, f"{payload[:9]}{middle}{payload[10:]}", signature)),
        "token.malformed": "x",
    }
    for code, token in tokens.items():
        assert problem(await stage.offer(WHIP, PUBLISHER, token)) == (401, code)
        assert problem(await stage.offer(WHEP, VIEWER, token)) == (401, code)
    assert problem(await stage.offer(WHIP, PUBLISHER, stage.token(room=OTHER_ROOM))) == (403, "token.wrong_room")
    assert problem(await stage.offer(WHIP, PUBLISHER, stage.token(["watch"]))) == (403, "token.not_granted")
    assert problem(await stage.offer(WHEP, VIEWER, stage.token(["publish"]))) == (403, "token.not_granted")


@pytest.mark.parametrize(("path", "sdp"), [(WHIP, PUBLISHER), (WHEP, VIEWER)])
async def test_who_is_revoked_while_being_admitted_does_not_stay(tmp_path: Path, path: str, sdp: str) -> None:
    async with open_stage(tmp_path, revoke_after=1) as stage:
        assert problem(await stage.offer(path, sdp, stage.token())) == (401, "token.revoked")
        assert stage.host.rooms == 0


async def test_another_scheme_than_bearer_is_refused(stage: Stage) -> None:
    for header in ("Basic dTpw", "Bearer", "Bearer  "):
        answer = await stage.ask(
            "POST", WHIP, PUBLISHER, content_type="application/sdp", headers={"Authorization": header}
        )
        assert problem(answer) == (401, "token.malformed")


async def test_cookies_are_ignored(stage: Stage) -> None:
    cookie = {"Cookie": f"expo_login={stage.token()}; token={stage.token()}"}
    answer = await stage.ask("POST", WHIP, PUBLISHER, content_type="application/sdp", headers=cookie)
    assert problem(answer) == (401, "token.missing")


async def test_a_closed_room_is_watched_with_a_token_only(stage: Stage) -> None:
    stage.rows.add(ROOM, open_to_all=False)
    assert problem(await stage.offer(WHEP, VIEWER)) == (401, "token.missing")
    assert (await stage.offer(WHEP, VIEWER, stage.token(["watch"]))).status == 201


async def test_rooms_that_cannot_be_entered_say_why(stage: Stage) -> None:
    assert problem(await stage.offer("/whep/nowhere", VIEWER)) == (404, "rooms.absent")
    assert problem(await stage.offer(f"/whep/{'x' * 65}", VIEWER)) == (404, "rooms.absent")
    nowhere = stage.token(room=RoomId("nowhere"))
    assert problem(await stage.offer("/whip/nowhere", PUBLISHER, nowhere)) == (404, "rooms.absent")
    stage.rows.change(ROOM, "draft")
    assert problem(await stage.offer(WHEP, VIEWER)) == (409, "rooms.draft")
    assert problem(await stage.offer(WHIP, PUBLISHER, stage.token())) == (409, "rooms.draft")
    stage.rows.change(ROOM, "ended")
    assert problem(await stage.offer(WHEP, VIEWER)) == (410, "rooms.ended")
    assert problem(await stage.offer(WHIP, PUBLISHER, stage.token())) == (410, "rooms.ended")
    assert stage.host.rooms == 0


async def test_a_scheduled_room_is_waited_in(stage: Stage) -> None:
    stage.rows.change(ROOM, "scheduled")
    assert (await stage.offer(WHEP, VIEWER)).status == 201


async def test_rows_that_are_away_are_told_as_such(stage: Stage) -> None:
    stage.rows.trouble = Unavailable("store.away", retry_after_s=3)
    answer = await stage.offer(WHEP, VIEWER)
    assert problem(answer) == (503, "store.away")
    assert answer.headers["Retry-After"] == "3"


async def test_lanes_can_be_chosen(stage: Stage) -> None:
    answer = await stage.offer(f"{WHEP}?lanes=floor", VIEWER)
    assert answer.status == 201
    assert re.search(r"m=video(?:(?!m=).)*a=inactive", answer.text, re.DOTALL)
    assert re.search(r"m=audio(?:(?!m=).)*a=sendonly", answer.text, re.DOTALL)
    assert problem(await stage.offer(f"{WHEP}?lanes=channel-vi", VIEWER)) == (400, "whep.unknown_lane")
    assert problem(await stage.offer(f"{WHEP}?lanes=picture,picture", VIEWER)) == (400, "whep.bad_lanes")
    assert problem(await stage.offer(f"{WHEP}?lanes=picture&lanes=floor", VIEWER)) == (400, "whep.bad_lanes")
    assert problem(await stage.offer(f"{WHEP}?of=", VIEWER, stage.token())) == (400, "whep.bad_of")
    assert (
        problem(await stage.offer(f"{WHEP}?of=next&lanes=channel-vi", VIEWER, stage.token()))[1] == "whep.unknown_lane"
    )


async def test_over_the_budget_a_viewer_is_asked_to_come_back(tmp_path: Path) -> None:
    async with open_stage(tmp_path, budget=2) as small:
        first = await small.offer(WHEP, VIEWER)
        assert (await small.offer(WHEP, VIEWER)).status == 201
        answer = await small.offer(WHEP, VIEWER)
        assert problem(answer) == (503, "media.full")
        assert int(answer.headers["Retry-After"]) > 0
        assert (await small.offer(WHIP, PUBLISHER, small.token())).status == 201
        await small.ask("DELETE", first.headers["Location"])
        assert (await small.offer(WHEP, VIEWER)).status == 201


async def test_trickled_candidates_are_taken(stage: Stage) -> None:
    created = await stage.offer(WHEP, VIEWER)
    body = f"{credentials(VIEWER)}m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n{CANDIDATE}"
    for tag in (created.headers["ETag"], "*", f'"other", {created.headers["ETag"]}'):
        answer = await stage.ask(
            "PATCH", created.headers["Location"], body, content_type=FRAGMENT, headers={"If-Match": tag}
        )
        assert (answer.status, answer.body) == (204, b"")
        assert "ETag" not in answer.headers


async def test_a_patch_that_does_not_fit_is_refused_by_name(stage: Stage) -> None:
    created = await stage.offer(WHEP, VIEWER)
    at, tag = created.headers["Location"], created.headers["ETag"]

    async def patch(body: str, match: str | None, content_type: str = FRAGMENT) -> tuple[int, str]:
        headers = {} if match is None else {"If-Match": match}
        return problem(await stage.ask("PATCH", at, body, content_type=content_type, headers=headers))

    assert await patch(CANDIDATE, None) == (428, "whip.if_match_missing")
    assert await patch(CANDIDATE, '"another"') == (412, "whip.if_match_failed")
    assert await patch(CANDIDATE, f"W/{tag}") == (412, "whip.if_match_failed")
    assert await patch(CANDIDATE, tag, "application/sdp") == (415, "request.content_type")
    assert await patch("hello", tag) == (400, "sdp.malformed")
    assert await patch("", tag) == (400, "sdp.malformed")
    assert await patch("a=x\r\n" * 1000, tag) == (400, "sdp.too_many_lines")


async def test_an_ice_restart_is_refused_and_the_resource_lives_on(stage: Stage) -> None:
    created = await stage.offer(WHIP, PUBLISHER, stage.token())
    fresh = "a=ice-ufrag:NeWu\r\na=ice-pwd:NeWpNeWpNeWpNeWpNeWpNeWp\r\n"
    for tag in ("*", created.headers["ETag"]):
        answer = await stage.ask(
            "PATCH",
            created.headers["Location"],
            fresh + CANDIDATE,
            token=stage.token(),
            content_type=FRAGMENT,
            headers={"If-Match": tag},
        )
        assert problem(answer) == (422, "whip.no_ice_restart")
    assert (await stage.ask("DELETE", created.headers["Location"], token=stage.token())).status == 200


@pytest.mark.parametrize(("path", "sdp"), [(WHIP, PUBLISHER), (WHEP, VIEWER)])
async def test_a_delete_ends_the_resource_once(stage: Stage, path: str, sdp: str) -> None:
    created = await stage.offer(path, sdp, stage.token())
    assert stage.host.rooms == 1
    answer = await stage.ask("DELETE", created.headers["Location"], token=stage.token(), headers={"If-Match": '"x"'})
    assert answer.status == 200
    again = await stage.ask("DELETE", created.headers["Location"], token=stage.token())
    assert problem(again) == (404, "rooms.no_resource")
    assert stage.host.rooms == 0
    assert stage.engine.stats.snapshot()["viewers_current"] == 0


async def test_a_resource_obeys_its_participant_alone(stage: Stage) -> None:
    created = await stage.offer(WHIP, PUBLISHER, stage.token())
    at = created.headers["Location"]
    assert problem(await stage.ask("DELETE", at)) == (401, "token.missing")
    stranger = stage.token(participant="exhibitor-2")
    assert problem(await stage.ask("DELETE", at, token=stranger)) == (403, "token.not_granted")
    assert problem(await stage.ask("DELETE", at, token=stage.token(room=OTHER_ROOM))) == (403, "token.wrong_room")
    assert problem(await stage.ask("DELETE", at.replace("/whip/", "/whep/"))) == (404, "rooms.no_resource")
    assert problem(await stage.ask("DELETE", at.replace(ROOM, OTHER_ROOM))) == (404, "rooms.no_resource")
    assert (await stage.ask("DELETE", at, token=stage.token(["publish"]))).status == 200


@pytest.mark.parametrize("path", [WHIP, WHEP])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
async def test_other_methods_are_not_allowed_on_an_endpoint(stage: Stage, path: str, method: str) -> None:
    answer = await stage.ask(method, path)
    assert answer.status == 405
    assert answer.headers["Allow"] == "OPTIONS, POST"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
async def test_other_methods_are_not_allowed_on_a_resource(stage: Stage, method: str) -> None:
    created = await stage.offer(WHEP, VIEWER)
    answer = await stage.ask(method, created.headers["Location"])
    assert answer.status == 405
    assert answer.headers["Allow"] == "DELETE, OPTIONS, PATCH"


async def test_a_preflight_is_answered_without_a_token(stage: Stage) -> None:
    asked = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    answer = await stage.ask("OPTIONS", WHIP, headers=asked)
    assert answer.status == 200
    assert answer.headers["Accept-Post"] == "application/sdp"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "if-match"))
    resource = await stage.ask("OPTIONS", f"{WHEP}/some-resource", headers=asked)
    assert resource.status == 200
    assert resource.headers["Accept-Patch"] == FRAGMENT
    assert all(method in resource.headers["Access-Control-Allow-Methods"] for method in ("PATCH", "DELETE"))


async def test_the_live_state_is_for_our_own_workers(stage: Stage) -> None:
    answer = await stage.ask("GET", f"/workers/rooms/{ROOM}", headers={"X-Expo-Forwarded": "guess"})
    assert (answer.status, json.loads(answer.body)["code"]) == (404, "request.unknown_address")


async def test_every_media_route_is_in_the_openapi_document(stage: Stage) -> None:
    document = json.loads((await stage.ask("GET", "/openapi.json")).body)
    for kind in ("whip", "whep"):
        post = document["paths"][f"/{kind}/{{room}}"]["post"]
        assert "application/sdp" in post["requestBody"]["content"]
        assert "Location" in post["responses"]["201"]["headers"]
        resource = document["paths"][f"/{kind}/{{room}}/{{resource}}"]
        assert FRAGMENT in resource["patch"]["requestBody"]["content"]
        assert "200" in resource["delete"]["responses"]
