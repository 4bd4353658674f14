"""Counters of the media plane. The packet path adds to plain integers; metrics and tests read a snapshot."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class EngineStats:
    """Totals since the worker started, unless the name says `current`."""

    datagrams_received: int = 0
    datagrams_refused: int = 0  # no authenticated STUN check came from their address
    stun_refused: int = 0
    srtp_rejected: int = 0
    malformed: int = 0
    packets_received: int = 0
    packets_lost: int = 0
    packets_recovered: int = 0
    packets_forwarded: int = 0
    bytes_forwarded: int = 0
    packets_dropped: int = 0  # the kernel took no more, or the egress backlog was full
    nacks_sent: int = 0
    nacks_received: int = 0
    retransmissions: int = 0
    retransmissions_missed: int = 0  # asked for, but no longer in the cache or over the receiver's allowance
    key_frame_requests_received: int = 0
    key_frame_requests_sent: int = 0
    reports_received: int = 0
    reports_sent: int = 0
    handshakes_completed: int = 0
    handshakes_failed: int = 0
    trains_current: int = 1  # 0 once the machine has refused to cut datagram trains: packets then cost more
    viewers_current: int = 0
    publishers_current: int = 0

    def snapshot(self) -> dict[str, int]:
        return asdict(self)
