"""Where a request came from, as far as it can be believed: scheme and address behind trusted proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

UNKNOWN = "unknown"
_MAX_HOPS = 16


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Networks whose `X-Forwarded-Proto` and `X-Forwarded-For` count; a peer on a unix socket is one of our workers."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, networks: Sequence[str]) -> TrustedProxies:
        """ValueError on anything that is not a CIDR."""
        return cls(tuple(ipaddress.ip_network(network) for network in networks))

    def trusts(self, address: str) -> bool:
        if address == UNKNOWN:
            return False
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self.networks)

    def scheme(self, request: web.BaseRequest) -> str:
        """`http` or `https`, as the reader's browser saw it."""
        if self._from_friend(request):
            forwarded = request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower()
            if forwarded in {"http", "https"}:
                return forwarded
        return "https" if request.secure else "http"

    def address(self, request: web.BaseRequest) -> str:
        """The client's IP: the nearest hop that is not a trusted proxy; `unknown` when there is none."""
        peer = peer_address(request.transport.get_extra_info("peername") if request.transport else None)
        if not self._from_friend(request):
            return peer
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")][-_MAX_HOPS:]
        for hop in reversed(hops):
            parsed = _parse(hop)
            if parsed is None:
                break
            if not self.trusts(hop):
                return str(parsed)
        return peer

    def _from_friend(self, request: web.BaseRequest) -> bool:
        name: object = request.transport.get_extra_info("peername") if request.transport else None
        return not isinstance(name, tuple) or self.trusts(peer_address(name))  # pyright: ignore[reportUnknownArgumentType] - asyncio gives Any


def peer_address(peername: object) -> str:
    """The IP of a socket's peer name; IPv4 in IPv6 is IPv4; `unknown` for a unix socket."""
    if isinstance(peername, tuple) and peername and isinstance(peername[0], str):
        parsed = _parse(peername[0])
        if parsed is not None:
            return str(parsed)
    return UNKNOWN


def network_of(address: str) -> str:
    """What one subscriber is likely to hold: the address itself, or the /64 of an IPv6 one."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return address


@lru_cache(maxsize=4096)
def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
