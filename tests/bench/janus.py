"""Debian's Janus (videoroom) as the server to compare with, driven over its HTTP API."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp

from expo.media.aiortc_seam import Certificate
from expo.media.peer import Peer
from expo.media.peer_sdp import read_answer
from tests.bench.place import HOST, SERVER_CORE, pinned

PORT = 18088
_START_S = 20.0
_REPLY_S = 10.0
_CAP_BPS = 4_000_000

_CONFIG = f"""
general: {{
    configs_folder = "%(folder)s"
    plugins_folder = "/usr/lib/%(arch)s/janus/plugins"
    transports_folder = "/usr/lib/%(arch)s/janus/transports"
    events_folder = "%(folder)s"
    loggers_folder = "%(folder)s"
    debug_level = 3
    session_timeout = 0
    event_loops = 2
    no_webrtc_encryption = false
}}
certificates: {{ dtls_timeout = 500 }}
media: {{ ipv6 = false, rtp_port_range = "30000-39999", slowlink_threshold = 0 }}
nat: {{ ice_lite = true, ice_tcp = false, full_trickle = false, ice_enforce_list = "{HOST}" }}
plugins: {{ disable = "%(plugins)s" }}
transports: {{ disable = "%(transports)s" }}
"""
_HTTP = f"""
general: {{ json = "compact", base_path = "/janus", http = true, port = {PORT}, ip = "127.0.0.1", https = false }}
admin: {{ admin_http = false }}
"""


class JanusError(Exception):
    """Janus refused; the message is its own."""


class Janus:
    """One session on a running Janus with one room."""

    def __init__(self, pid: int, http: aiohttp.ClientSession, certificate: Certificate) -> None:
        self.pids = [pid]
        self._http = http
        self._certificate = certificate
        self._url = f"http://127.0.0.1:{PORT}/janus"
        self._session = 0
        self._room = 1 + secrets.randbelow(1 << 30)
        self._feed = 0

    async def open(self) -> None:
        """A session and a room for H.264 and Opus, with nothing asked of the publisher on a timer."""
        self._session = (await self._post("", {"janus": "create"}))["data"]["id"]
        handle = await self._attach()
        await self._message(
            handle,
            {
                "request": "create",
                "room": self._room,
                "publishers": 1,
                "bitrate": _CAP_BPS,
                "fir_freq": 0,
                "audiocodec": "opus",
                "videocodec": "h264",
                "h264_profile": "42e01f",
                "transport_wide_cc_ext": False,
            },
        )

    async def publish(self, peer: Peer) -> None:
        handle = await self._attach()
        jsep = {"type": "offer", "sdp": peer.offer}
        event = await self._message(
            handle, {"request": "joinandconfigure", "ptype": "publisher", "room": self._room}, jsep
        )
        self._feed = event["plugindata"]["data"]["id"]
        await peer.connect(event["jsep"]["sdp"])

    async def watch(self, peer: Peer) -> str:
        """Janus offers; its offer tells the peer what an answer would, once Janus has our answer."""
        handle = await self._attach()
        event = await self._message(
            handle,
            {"request": "join", "ptype": "subscriber", "room": self._room, "streams": [{"feed": self._feed}]},
        )
        offer: str = event["jsep"]["sdp"]
        answer = answer_to(offer, peer, self._certificate.fingerprint)
        await self._message(handle, {"request": "start"}, {"type": "answer", "sdp": answer})
        return offer

    async def _attach(self) -> int:
        body = {"janus": "attach", "plugin": "janus.plugin.videoroom"}
        return (await self._post(f"/{self._session}", body))["data"]["id"]

    async def _message(self, handle: int, body: dict[str, Any], jsep: dict[str, str] | None = None) -> dict[str, Any]:
        """Send one plugin request; the plugin's reply, which for most comes later by long poll."""
        request = {"janus": "message", "body": body, **({"jsep": jsep} if jsep else {})}
        reply = await self._post(f"/{self._session}/{handle}", request)
        async with asyncio.timeout(_REPLY_S):
            while reply["janus"] != "success" and not (reply["janus"] == "event" and reply.get("sender") == handle):
                async with self._http.get(f"{self._url}/{self._session}?maxev=1") as answer:
                    reply = await answer.json()
        data = reply["plugindata"]["data"]
        if "error" in data:
            raise JanusError(data["error"])
        return reply

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        request = {"transaction": secrets.token_hex(6), **body}
        async with asyncio.timeout(_REPLY_S), self._http.post(self._url + path, json=request) as answer:
            reply = await answer.json()
        if reply["janus"] == "error":
            raise JanusError(reply["error"]["reason"])
        return reply


@contextlib.asynccontextmanager
async def janus_server(folder: Path, certificate: Certificate) -> AsyncGenerator[Janus]:
    """Janus with a configuration of its own in `folder`, on the servers' core."""
    folder.mkdir(parents=True)
    libraries = next(Path("/usr/lib").glob("*/janus"))
    values = {
        "folder": folder,
        "arch": libraries.parent.name,
        "plugins": ",".join(path.name for path in (libraries / "plugins").glob("*.so") if "videoroom" not in path.name),
        "transports": ",".join(
            path.name for path in (libraries / "transports").glob("*.so") if "http" not in path.name
        ),
    }
    (folder / "janus.jcfg").write_text(_CONFIG % values, encoding="utf-8")
    (folder / "janus.transport.http.jcfg").write_text(_HTTP, encoding="utf-8")
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n", encoding="utf-8")
    log = folder / "janus.log"
    with log.open("wb") as output, pinned(SERVER_CORE):
        process = await asyncio.create_subprocess_exec(
            "janus", "--configs-folder", str(folder), "--disable-colors", stdout=output, stderr=output
        )
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
            await _listening(process, log)
            janus = Janus(process.pid, http, certificate)
            await janus.open()
            yield janus
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _listening(process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(_START_S):
        while True:
            if process.returncode is not None:
                raise JanusError("Janus has ended: " + log.read_text(errors="replace")[-500:])
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", PORT)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            writer.close()
            await writer.wait_closed()
            return


def answer_to(offer: str, peer: Peer, fingerprint: str) -> str:
    """A receiver's answer to Janus's offer: its payload types, our transport, we begin the handshake."""
    accepted = read_answer(offer).media
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(media.mid for media in accepted),
    ]
    host, port = peer.local_address
    for media in accepted:
        video = media.kind == "video"
        codec = f"a=rtpmap:{media.payload_type} {'H264/90000' if video else 'opus/48000/2'}"
        types = [media.payload_type] + ([media.rtx_payload_type] if media.rtx_payload_type is not None else [])
        lines += [
            f"m={media.kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, types))}",
            "c=IN IP4 0.0.0.0",
            "a=recvonly",
            f"a=mid:{media.mid}",
            "a=rtcp-mux",
            f"a=ice-ufrag:{peer.link.ice.ufrag}",
            f"a=ice-pwd:{peer.link.ice.pwd}",
            f"a=fingerprint:sha-256 {fingerprint}",
            "a=setup:active",
            codec,
        ]
        if video:
            lines.append(f"a=fmtp:{media.payload_type} {media.fmtp}")
            lines += [f"a=rtcp-fb:{media.payload_type} {kind}" for kind in ("nack", "nack pli", "ccm fir")]
            if media.rtx_payload_type is not None:
                lines += [
                    f"a=rtpmap:{media.rtx_payload_type} rtx/90000",
                    f"a=fmtp:{media.rtx_payload_type} apt={media.payload_type}",
                ]
        lines += [f"a=candidate:1 1 udp 2130706431 {host} {port} typ host", "a=end-of-candidates"]
    return "\r\n".join(lines) + "\r\n"
