"""The server's own sockets, with words for what can be wrong with them."""

from __future__ import annotations

import errno
import socket

from expo.kit.startup import StartFailed
from expo.settings import Settings

BACKLOG = 1024
"""Connections that wait while every worker is busy; the kernel caps it at net.core.somaxconn."""


def listen(settings: Settings) -> socket.socket:
    """The listening socket that all workers share. Raises `StartFailed("http.port_taken" | "http.unbindable")`."""
    host, port = settings.http_host, settings.http_port
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(
            address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6()
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartFailed("http.port_taken", f"something else listens on TCP port {port} of {host}") from error
        raise StartFailed("http.unbindable", f"cannot listen on {settings.http_bind}: {error.strerror}") from error


def probe_udp(settings: Settings, port: int) -> None:
    """Bind and let go of a media port. Raises `StartFailed("media.port_taken" | "media.unbindable")`."""
    family = socket.AF_INET6 if ":" in settings.udp_bind else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            probe.bind((settings.udp_bind, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartFailed("media.port_taken", f"something else uses UDP port {port}") from error
        detail = f"cannot use UDP port {port} of {settings.udp_bind}: {error.strerror}"
        raise StartFailed("media.unbindable", detail) from error
