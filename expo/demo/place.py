"""Where a demo runs: its ports and its data folder, so that several can run side by side."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from expo.kit.sockets import listen, probe_udp
from expo.kit.startup import StartFailed
from expo.settings import Settings, split_bind

FIRST_PORT = 8080
PORTS_TRIED = 100
FIRST_UDP_PORT = 40_000
UDP_STEP = 64  # as many as workers are allowed, so that every demo's range starts at a round place
UDP_BASES_TRIED = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line and the environment ask for; None means the demo chooses."""

    env: Mapping[str, str]
    port: int | None
    workers: int
    data_dir: Path | None

    @property
    def recordings_dir(self) -> Path | None:
        """As set; else with the data where that folder is set."""
        folder = self.env.get("EXPO_RECORDINGS_DIR", "").strip()
        return Path(folder) if folder else self.data_dir and self.data_dir / "recordings"

    @classmethod
    def of(cls, env: Mapping[str, str], *, port: int | None, workers: int, data_dir: Path | None) -> Wish:
        """The command line counts before EXPO_HTTP_BIND and EXPO_DATA_DIR."""
        if port is None and env.get("EXPO_HTTP_BIND", "").strip():
            port = split_bind(Settings.from_env(env).http_bind)[1]
        folder = env.get("EXPO_DATA_DIR", "").strip()
        return cls(env, port, workers, data_dir or (Path(folder) if folder else None))

    def may_move(self, error: StartFailed) -> bool:
        """Whether another place, that we may choose, can be free of this failure."""
        match error.code:
            case "http.port_taken":
                return self.port is None
            case "run.in_use":
                return self.port is None and self.data_dir is None
            case "media.port_taken":
                return not self.env.get("EXPO_UDP_PORT", "").strip()
            case _:
                return False


def find_place(wish: Wish, first_port: int = FIRST_PORT, first_udp_port: int = FIRST_UDP_PORT) -> Settings:
    """Settings for the first free ports from those given on, and a data folder of the HTTP port's own.

    Raises Invalid for settings that make no sense, StartFailed when nothing is free.
    """
    host = _http_host(wish.env)
    taken = StartFailed("http.port_taken", f"no free port from {first_port} to {first_port + PORTS_TRIED - 1}")
    for wanted in [wish.port] if wish.port is not None else range(first_port, first_port + PORTS_TRIED):
        port = wanted or _any_port(host)
        settings = Settings.from_env(
            {
                **wish.env,
                "EXPO_HTTP_BIND": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
                "EXPO_WORKERS": str(wish.workers),
                "EXPO_DATA_DIR": str(wish.data_dir or f"data/demo-{port}"),
                "EXPO_RECORDINGS_DIR": str(wish.recordings_dir or f"recordings/demo-{port}"),
            }
        )
        try:
            listen(settings).close()
        except StartFailed as error:
            if not wish.may_move(error):
                raise
            taken = error
            continue
        return _with_media_ports(settings, wish, first_udp_port)
    raise taken


def _with_media_ports(settings: Settings, wish: Wish, first: int) -> Settings:
    """`settings` with free media ports; a range that was asked for is kept, and the start reports trouble."""
    if wish.env.get("EXPO_UDP_PORT", "").strip():
        return settings
    last = first + UDP_STEP * UDP_BASES_TRIED
    for base in range(first, min(last, 65_536 - settings.workers), UDP_STEP):
        try:
            for index in range(settings.workers):
                probe_udp(settings, base + index)
        except StartFailed as error:
            if not wish.may_move(error):
                raise
            continue
        return Settings.from_env(settings.to_env() | {"EXPO_UDP_PORT": str(base)})
    raise StartFailed("media.port_taken", f"no free UDP ports from {first} to {last}")


def lan_url(settings: Settings) -> str | None:
    """The address for other devices on the network; None when HTTP is bound to this machine alone."""
    if settings.public_url is not None:
        return settings.public_url
    host = settings.http_host
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = lan_address(settings) or "127.0.0.1"
    if _is_loopback(host):
        return None
    return f"http://[{host}]:{settings.http_port}" if ":" in host else f"http://{host}:{settings.http_port}"


def lan_address(settings: Settings) -> str | None:
    """The first announced address that other devices can reach."""
    return next((ip for ip in settings.announce if not _is_loopback(ip)), None)


def _http_host(env: Mapping[str, str]) -> str:
    """As set; else every address where EXPO_ANNOUNCE names one of a network: whoever does that expects guests."""
    settings = Settings.from_env(env)
    address = lan_address(settings) if env.get("EXPO_ANNOUNCE", "").strip() else None
    if env.get("EXPO_HTTP_BIND", "").strip() or address is None:
        return settings.http_host
    return "::" if ":" in address else "0.0.0.0"  # noqa: S104 - asked for


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _any_port(host: str) -> int:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        port: int = probe.getsockname()[1]
        return port
