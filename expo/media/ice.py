"""ICE-lite (RFC 8445 2.5) for many peers on one UDP port, and the gate that stands before DTLS and SRTP.

A STUN check finds its peer by the user name's first half. Only a check with valid MESSAGE-INTEGRITY opens its source
address; everything from other addresses is dropped unanswered, so nobody can use the port as a reflector.
"""

from __future__ import annotations

import base64
import secrets
from typing import Generic, Protocol, TypeVar

from expo.media.rtp import Malformed
from expo.media.stun import BINDING, MessageClass, StunMessage, build_success, parse_stun

Address = tuple[str, int] | tuple[str, int, int, int]
"""What `socket.recvfrom` gives: two fields for AF_INET, four for AF_INET6."""

_MAX_ADDRESSES = 8  # of one peer: interfaces x address families; the oldest gives way


class IcePeer(Protocol):
    """What the gate keeps of a peer."""

    ice_ufrag: str
    ice_pwd: str
    remote_ufrag: str
    address: Address | None
    opened: list[Address]

    def checked(self, *, nominated: bool) -> None:
        """An authenticated check arrived; `address` is already the nominated one if there is any."""
        ...


def new_credentials() -> tuple[str, str]:
    """A local ufrag and password: 48 and 144 random bits (RFC 8445 5.3 asks for 24 and 128)."""
    return _ice_chars(6), _ice_chars(18)


def _ice_chars(count: int) -> str:
    return base64.b64encode(secrets.token_bytes(count)).decode()  # ice-char is the alphabet of base 64


def plain_address(address: Address) -> tuple[str, int]:
    """Host and port as the peer sees itself: an IPv4 peer on a dual-stack socket is IPv4."""
    host = address[0]
    return (host[7:] if host.startswith("::ffff:") else host.partition("%")[0]), address[1]


PeerT = TypeVar("PeerT", bound=IcePeer)


class IceGate(Generic[PeerT]):
    """The tables ufrag -> peer and address -> peer."""

    def __init__(self) -> None:
        self._by_ufrag: dict[str, PeerT] = {}
        self.by_address: dict[Address, PeerT] = {}
        """Read by the packet path for every datagram that is not STUN."""

    def add(self, peer: PeerT) -> None:
        self._by_ufrag[peer.ice_ufrag] = peer

    def remove(self, peer: PeerT) -> None:
        """Forget the peer and close its addresses. Idempotent."""
        self._by_ufrag.pop(peer.ice_ufrag, None)
        for address in peer.opened:
            if self.by_address.get(address) is peer:
                del self.by_address[address]
        peer.opened.clear()

    def check(self, datagram: bytes, source: Address) -> bytes | None:
        """Judge one STUN datagram; the answer to send back to `source`, or None for silence.

        Silence for all that is not an authenticated Binding request of a known peer (RFC 8445 7.3).
        """
        try:
            message = parse_stun(datagram)
        except Malformed:
            return None
        peer = self._peer_of(message)
        if peer is None or not message.integrity_ok(peer.ice_pwd):
            return None
        self._open(peer, source)
        if message.use_candidate or peer.address is None:
            # The newest nomination wins: that is how a peer moves to another network path.
            peer.address = source
        peer.checked(nominated=message.use_candidate)
        return build_success(message.transaction_id, plain_address(source), peer.ice_pwd)

    def _peer_of(self, message: StunMessage) -> PeerT | None:
        if message.method != BINDING or message.message_class is not MessageClass.REQUEST or message.username is None:
            return None
        local, _, remote = message.username.partition(":")
        peer = self._by_ufrag.get(local)
        return peer if peer is not None and peer.remote_ufrag == remote else None

    def _open(self, peer: PeerT, source: Address) -> None:
        known = self.by_address.get(source)
        if known is peer:
            return
        if known is not None:  # a NAT reused the address: whoever proves the newer password owns it
            known.opened.remove(source)
        self.by_address[source] = peer
        peer.opened.append(source)
        if len(peer.opened) > _MAX_ADDRESSES:
            oldest = next(address for address in peer.opened if address != peer.address)
            peer.opened.remove(oldest)
            del self.by_address[oldest]
