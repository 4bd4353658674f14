"""ICE as the controlling side (RFC 8445) over one socket, with consent to go on sending (RFC 7675)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

from expo.clock import monotonic_us
from expo.media.ice import Address, new_credentials, plain_address
from expo.media.rtp import Malformed
from expo.media.stun import MessageClass, build_request, build_success, parse_stun

CHECK_INTERVAL_S = 0.05  # RFC 8445 14.2: Ta
PEER_REFLEXIVE_PRIORITY = (110 << 24) + (65535 << 8) + 255  # RFC 8445 5.1.2
_MAX_OPEN_CHECKS = 64


class IceClient:
    """Finds a working address of the other side and keeps its consent. The owner feeds it every STUN datagram."""

    def __init__(self, send: Callable[[bytes, Address], None]) -> None:
        self.ufrag, self.pwd = new_credentials()
        self.selected: Address | None = None
        self.heard_us = 0
        """When the other side last answered a check (monotonic)."""
        self.rtt_us = 50_000
        self._send = send
        self._tie_breaker = secrets.randbits(64)
        self._remote = ("", "")
        self._open: dict[bytes, tuple[Address, int, bool]] = {}
        self._works: asyncio.Queue[tuple[Address, bool]] = asyncio.Queue(_MAX_OPEN_CHECKS)

    async def nominate(self, ufrag: str, pwd: str, candidates: Sequence[Address]) -> Address:
        """Check all candidates, nominate the first that answers, wait for the answer to that; the caller's timeout."""
        self._remote = (ufrag, pwd)
        self._open.clear()
        while not self._works.empty():
            self._works.get_nowait()
        chosen: Address | None = None
        while True:
            for candidate in candidates if chosen is None else (chosen,):
                self.check(candidate, nominate=chosen is not None)
            try:
                async with asyncio.timeout(CHECK_INTERVAL_S):
                    works, nominated = await self._works.get()
            except TimeoutError:
                continue
            if nominated:
                self.selected = works
                return works
            chosen = chosen or works

    def check(self, address: Address, *, nominate: bool) -> None:
        """Send one Binding request; also what keeps consent and mappings alive."""
        transaction = secrets.token_bytes(12)
        if len(self._open) >= _MAX_OPEN_CHECKS:
            del self._open[next(iter(self._open))]
        self._open[transaction] = (address, monotonic_us(), nominate)
        request = build_request(
            transaction,
            f"{self._remote[0]}:{self.ufrag}",
            self._remote[1],
            priority=PEER_REFLEXIVE_PRIORITY,
            controlling=self._tie_breaker,
            use_candidate=nominate,
        )
        self._send(request, address)

    def take(self, datagram: bytes, source: Address) -> None:
        """Take one STUN datagram: an answer to a check of ours, or a check of the other side's."""
        try:
            message = parse_stun(datagram)
        except Malformed:
            return
        if message.message_class is MessageClass.SUCCESS:
            opened = self._open.pop(message.transaction_id, None)
            if opened is None or not message.integrity_ok(self._remote[1]):
                return
            address, sent_us, nominated = opened
            self.heard_us = monotonic_us()
            self.rtt_us += (self.heard_us - sent_us - self.rtt_us) // 4
            if not self._works.full():
                self._works.put_nowait((address, nominated))
        elif message.message_class is MessageClass.REQUEST and message.integrity_ok(self.pwd):
            self._send(build_success(message.transaction_id, plain_address(source), self.pwd), source)
