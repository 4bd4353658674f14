"""The media engine of one worker: one UDP port, the gate behind it, publishers, viewers and their timers."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass

from expo.clock import monotonic_us
from expo.errors import Unavailable
from expo.media.aiortc_seam import Certificate
from expo.media.egress import Egress
from expo.media.ice import IceGate, new_credentials
from expo.media.publication import Publication
from expo.media.router import Router
from expo.media.sdp import answer_publish, answer_watch, parse_offer
from expo.media.sdp_model import Local, Remote
from expo.media.srtp import INBOX
from expo.media.stats import EngineStats
from expo.media.subscriber import Downlink
from expo.media.transport import CONSENT_TIMEOUT_US, Transport

START_BPS = 1_500_000
_TICK_S = 0.1  # packets carry the retries of NACKs along; this is for streams that stand still
_REPORT_SHARES = 2  # downlinks are looked at in turn, all of them every 0.2 s
_DRAIN_DATAGRAMS = 128  # per wake-up; then the loop serves others
_SOCKET_BUFFER_BYTES = 4 << 20  # 250 ms of 100 Mb/s; the kernel grants what net.core allows
_BUSY_RETRY_S = 5
_PROBE_EVERY_S = 0.01
_OWN_HOST = {"::": "::ffff:127.0.0.1", "0.0.0.0": "127.0.0.1"}  # noqa: S104 - told apart, not bound


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """`announced` are the IPs that go into answers as host candidates, best first. Port 0 takes a free one."""

    bind: str
    port: int
    announced: tuple[str, ...]
    viewer_budget: int = 250


class MediaEngine:
    """Open with `MediaEngine.open`; whoever opened it closes it. All methods belong to the loop that opened it."""

    def __init__(self, config: EngineConfig, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self.stats = EngineStats()
        self.udp_port: int = sock.getsockname()[1]
        self._config = config
        self._sock = sock
        self._loop = loop
        self._egress = Egress(sock, loop, self.stats)
        self._certificate = Certificate.generate()
        self._gate: IceGate[Transport] = IceGate()
        self._publications: set[Publication] = set()
        self._downlinks: list[Downlink] = []
        self._turn = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @classmethod
    async def open(cls, config: EngineConfig) -> MediaEngine:
        """Bind the port and start. Raises Unavailable("media.port_taken")."""
        engine = cls(config, _bind(config.bind, config.port))
        engine._loop.add_reader(engine._sock.fileno(), engine._readable)
        engine._tick()
        return engine

    @property
    def viewers(self) -> int:
        return len(self._downlinks)

    def router(self) -> Router:
        """A Router for a new live room; the room closes it."""
        return Router(self._egress)

    async def publish(
        self, offer: str, router: Router, *, max_bps: int, on_closed: Callable[[str], None]
    ) -> Publication:
        """Answer a WHIP offer; the association comes up in the background. Raises Invalid (sdp.* codes)."""
        parsed = parse_offer(offer)
        credentials = new_credentials()
        plan = answer_publish(parsed, self._local(credentials), start_bps=min(START_BPS, max_bps))
        transport = self._transport(credentials, plan.remote)
        publication: Publication

        def ended(reason: str) -> None:
            self._publications.discard(publication)
            self.stats.publishers_current = len(self._publications)
            on_closed(reason)

        publication = Publication(plan, transport, max_bps=max_bps, on_closed=ended, stats=self.stats)
        self._publications.add(publication)
        self.stats.publishers_current = len(self._publications)
        return publication

    async def watch(
        self, offer: str, router: Router, *, lanes: tuple[str, ...] | None, on_closed: Callable[[str], None]
    ) -> Downlink:
        """Answer a WHEP offer with these lanes. Raises Invalid (sdp.* codes, whep.unknown_lane) and Unavailable."""
        if len(self._downlinks) >= self._config.viewer_budget:
            raise Unavailable("media.full", "this worker has as many viewers as it may", retry_after_s=_BUSY_RETRY_S)
        parsed = parse_offer(offer)
        credentials = new_credentials()
        plan = answer_watch(parsed, self._local(credentials), router.lanes(lanes))
        transport = self._transport(credentials, plan.remote)
        downlink: Downlink

        def ended(reason: str) -> None:
            self._downlinks.remove(downlink)
            self.stats.viewers_current = len(self._downlinks)
            on_closed(reason)

        downlink = Downlink(
            plan,
            transport,
            cname=router.cname,
            attach=router.attach,
            detach=router.detach,
            on_closed=ended,
            stats=self.stats,
        )
        self._downlinks.append(downlink)
        self.stats.viewers_current = len(self._downlinks)
        return downlink

    async def probe(self) -> None:
        """Return once the loop has read a datagram that we send to our own port. Raises OSError; has no deadline."""
        name = self._sock.getsockname()
        address = (_OWN_HOST.get(name[0], name[0]), self.udp_port, *name[2:])
        before = self.stats.datagrams_received
        while self.stats.datagrams_received == before:
            with contextlib.suppress(BlockingIOError):  # full of media; the next try may fit
                self._sock.sendto(b"", address)  # empty: counted, and meant for nobody
            await asyncio.sleep(_PROBE_EVERY_S)

    async def close(self) -> None:
        """Say goodbye to every peer, stop the timers, free the port. Idempotent."""
        if self._closed:
            return
        self._closed = True
        for participant in (*self._publications, *self._downlinks):
            participant.close("server_stopping")
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def _local(self, credentials: tuple[str, str]) -> Local:
        candidates = tuple((host, self.udp_port) for host in self._config.announced)
        return Local(*credentials, self._certificate.fingerprint, candidates, secrets.randbits(62))

    def _transport(self, credentials: tuple[str, str], remote: Remote) -> Transport:
        transport = Transport(credentials, remote, self._certificate, self._egress.send_datagram, self.stats)
        transport.release = lambda: self._gate.remove(transport)
        self._gate.add(transport)
        return transport

    def _readable(self) -> None:
        """Take what the socket holds, a bounded number of datagrams, then send what came of it."""
        receive = self._sock.recvfrom_into
        by_address, stats, now_us = self._gate.by_address, self.stats, monotonic_us()
        read = 0
        for _ in range(_DRAIN_DATAGRAMS):
            try:
                size, address = receive(INBOX)
            except BlockingIOError:
                break
            except OSError:
                continue  # an ICMP error of an earlier datagram; its peer's timeouts deal with it
            read += 1
            if not size:
                continue
            first = INBOX[0]  # RFC 7983 7
            if first < 4:
                answer = self._gate.check(bytes(INBOX[:size]), address)
                if answer is None:
                    stats.stun_refused += 1
                else:
                    self._egress.send_datagram(answer, address)
                continue
            transport = by_address.get(address)
            if transport is None:
                stats.datagrams_refused += 1
            elif 128 <= first < 192:
                transport.receive_media(size, now_us)
            elif 20 <= first < 64:
                transport.receive_dtls(bytes(INBOX[:size]))
        stats.datagrams_received += read
        self._egress.flush()

    def _tick(self) -> None:
        self._timer = self._loop.call_later(_TICK_S, self._tick)
        now_us = monotonic_us()
        for publication in tuple(self._publications):
            publication.tick(now_us)
            self._expire(publication, now_us)
        self._turn = (self._turn + 1) % _REPORT_SHARES
        for downlink in self._downlinks[self._turn :: _REPORT_SHARES]:
            downlink.report_if_due(now_us)
            self._expire(downlink, now_us)

    def _expire(self, participant: Publication | Downlink, now_us: int) -> None:
        if now_us - participant.transport.last_heard_us > CONSENT_TIMEOUT_US:
            participant.close("consent_expired")


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock: socket.socket | None = None
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER_BYTES)
        sock.setblocking(False)  # noqa: FBT003 - the socket module takes it by position only
        sock.bind((host, port))
    except OSError as error:
        if sock is not None:
            sock.close()
        if error.errno == errno.EAFNOSUPPORT and host == "::":
            return _bind("0.0.0.0", port)  # noqa: S104 - a machine without IPv6; the media port is public by nature
        raise Unavailable("media.port_taken", f"UDP port {port} on {host}: {error.strerror}") from error
    return sock
