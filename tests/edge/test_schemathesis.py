"""The server answers what its OpenAPI document says, whatever it is asked: schemathesis against a real worker."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import aiohttp
import msgspec
import pytest

from expo.accounts.keys import TOKENS
from expo.accounts.rules import CANS, ROOM_GRANT_LIFE, RoomGrant
from expo.accounts.tokens import ReplayKey
from expo.clock import utc_now
from expo.edge.keys import LIMITER
from expo.ids import ParticipantId, RoomId
from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer
from expo.media.peer_http import join
from expo.rooms.door import proof_of
from expo.rooms.operations import FORWARDED, WHEP_RESOURCE_PATH, WHIP_RESOURCE_PATH
from tests.support.asking import Asking
from tests.support.callers import HERE, proof, targets
from tests.support.room import OPTIONS
from tests.support.worker import Worker, running_worker

pytestmark = [pytest.mark.cluster, pytest.mark.media]

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)  # four thousand questions: 25 s alone, minutes on a machine that is busy with other things
async def test_every_operation_answers_as_it_is_documented_whoever_asks(tmp_path: Path) -> None:
    async with running_worker(tmp_path) as worker, contextlib.AsyncExitStack() as opened:
        worker.app[LIMITER].burst = 1_000_000  # on a quick machine all of this comes from one address too fast
        brought = await proof(worker, "allowed", "organiser", "publish", HERE)
        grant = RoomGrant(RoomId(HERE), ParticipantId("p1"), "Linh", frozenset(CANS), utc_now() + ROOM_GRANT_LIFE)
        token = worker.app[TOKENS].sign(grant)
        replay = ReplayKey(RoomId(HERE), "organiser", None, None, 1, utc_now() + ROOM_GRANT_LIFE)
        rows = await targets(worker)
        names = {
            "showcase_id": HERE, "room": HERE, "code": "ko", "path": "img/mark.svg", "token": brought.link,
            "secret": brought.secret, "person_id": rows.person, "invitation_id": rows.invitation,
            "device_id": rows.device, "delegation_id": "chungbuk", "exhibitor_id": "gyeol-cosmetics",
            "product_id": "camellia-serum", "segment_id": "chungbuk-1", "what": "whole", "rendition": "picture",
            "number": "0", "key": worker.app[TOKENS].sign_replay(replay),
        }  # fmt: skip
        for path in (WHIP_RESOURCE_PATH, WHEP_RESOURCE_PATH):
            names[f"{path} resource"] = await resource(opened, worker, path, token)
        organiser = {"Authorization": f"Bearer {token}", "Cookie": f"expo_login={brought.cookie}"}
        asking = Asking(
            worker.url, names, {"organiser": organiser, "anonymous": {}},
            internal={FORWARDED: proof_of(worker.settings.load_secret())},
        )  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.asking", cwd=ROOT, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        told, _ = await process.communicate(msgspec.json.encode(asking))
        assert process.returncode == 0, told.decode()


async def resource(opened: contextlib.AsyncExitStack, worker: Worker, path: str, token: str) -> str:
    """The id of a resource of whoever has the token, at the address that `path` is the pattern of."""
    peer = (Peer.publisher if "whip" in path else Peer.viewer)(Certificate.generate(), OPTIONS)
    opened.push_async_callback(peer.close)
    http = await opened.enter_async_context(aiohttp.ClientSession())
    joined = await join(http, worker.url + path.rpartition("/")[0].format(room=HERE), peer.offer, token)
    await peer.connect(joined.answer)
    return joined.resource_url.rpartition("/")[2]
