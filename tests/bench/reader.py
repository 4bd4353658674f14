"""The process that empties the viewers' sockets: it counts every datagram and keeps those of a few sampled viewers."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import select
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Literal

SO_TIMESTAMPNS = 35  # asm-generic/socket.h
NEVER = 0xFFFFFFFF
_ANCHOR_EVERY = (
    2048  # packets; libsrtp follows a sequence number's wraps only when it sees each of them (RFC 3711 3.3.1)
)
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Inlet:
    """One viewer's socket, its payload types, whether its datagrams are kept, and who answers connectivity checks.

    A server that is a full ICE agent asks whether its viewers still consent (RFC 7675).
    """

    sock: socket.socket
    picture: int
    sound: int
    retransmission: int | None
    sampled: bool
    on_stun: Callable[[bytes], None] = lambda _datagram: None


@dataclass(frozen=True, slots=True)
class Sample:
    """One datagram of a sampled viewer as it came. An anchor came while nothing was measured."""

    viewer: int
    received_ns: int
    datagram: bytes
    anchor: bool


class Reader:
    """Forks at once; the sockets are its own to read from then on. Counts run from the start, per inlet."""

    def __init__(self, inlets: Sequence[Inlet], core: int) -> None:
        self._inlets = inlets
        self._core = core
        self.counts: Any = _FORK.Array("q", len(inlets), lock=False)
        """RTP packets of picture and sound, retransmissions not counted."""
        self.resent: Any = _FORK.Array("q", len(inlets), lock=False)
        """Packets on the payload type of retransmissions."""
        self.newest: Any = _FORK.Array("I", [NEVER] * len(inlets), lock=False)
        """Latest sequence number of the picture (SRTP does not hide headers)."""
        self._keeping: Any = _FORK.Value("i", 0, lock=False)
        self._pipe, theirs = _FORK.Pipe()
        self._process = _FORK.Process(target=self._run, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def keep(self, keeping: bool) -> None:
        """Whether the sampled viewers keep everything."""
        self._keeping.value = int(keeping)

    def samples(self) -> list[Sample]:
        """What was kept since the last call."""
        return self._ask("samples")

    def stop(self) -> None:
        self._ask("stop")
        self._process.join(5)
        self._pipe.close()

    def _ask(self, command: Literal["samples", "stop"]) -> list[Sample]:
        self._pipe.send(command)
        return self._pipe.recv()

    def _run(self, pipe: Connection) -> None:
        self._pipe.close()  # when the parent is gone the pipe shall say so
        os.sched_setaffinity(0, {self._core})
        poll = select.epoll()
        by_fd = {inlet.sock.fileno(): index for index, inlet in enumerate(self._inlets)}
        for inlet in self._inlets:
            if inlet.sampled:
                inlet.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            poll.register(inlet.sock.fileno(), select.EPOLLIN)
        poll.register(pipe.fileno(), select.EPOLLIN)
        kept: list[Sample] = []
        with contextlib.suppress(EOFError):
            while True:
                for fd, _ in poll.poll():
                    if fd != pipe.fileno():
                        self._drain(by_fd[fd], kept)
                        continue
                    command = pipe.recv()
                    pipe.send(kept)
                    kept = []
                    if command == "stop":
                        return

    def _drain(self, index: int, kept: list[Sample]) -> None:
        inlet = self._inlets[index]
        sock, picture, sound = inlet.sock, inlet.picture, inlet.sound
        buffer = bytearray(2048)
        count, newest = 0, -1
        with contextlib.suppress(BlockingIOError):
            while True:
                if inlet.sampled:
                    datagram, received_ns = receive_stamped(sock)
                    if not datagram or not 128 <= datagram[0] < 192 or datagram[1] & 0x7F not in (picture, sound):
                        self._take_other(index, datagram)
                        continue
                    anchor = not self._keeping.value
                    if not anchor or (self.counts[index] + count) % _ANCHOR_EVERY < 8:
                        kept.append(Sample(index, received_ns, datagram, anchor))
                    head = datagram
                else:
                    size = sock.recv_into(buffer)
                    head = buffer
                    if size < 12 or not 128 <= head[0] < 192 or head[1] & 0x7F not in (picture, sound):
                        self._take_other(index, bytes(head[:size]))
                        continue
                count += 1
                if head[1] & 0x7F == picture:
                    newest = head[2] << 8 | head[3]
        self.counts[index] += count
        if newest >= 0:
            self.newest[index] = newest

    def _take_other(self, index: int, datagram: bytes) -> None:
        """RTCP, repairs, checks: a few a second."""
        inlet = self._inlets[index]
        if len(datagram) > 12 and 128 <= datagram[0] < 192 and datagram[1] & 0x7F == inlet.retransmission:
            self.resent[index] += 1
        elif datagram and datagram[0] < 4:  # RFC 7983 7
            inlet.on_stun(datagram)


def receive_stamped(sock: socket.socket) -> tuple[bytes, int]:
    """One datagram with the kernel's receive time (UTC, ns); the socket has SO_TIMESTAMPNS."""
    datagram, ancillary, _, _ = sock.recvmsg(2048, 64)
    seconds, nanoseconds = struct.unpack("=qq", ancillary[0][2]) if ancillary else (0, 0)
    return datagram, seconds * 1_000_000_000 + nanoseconds
