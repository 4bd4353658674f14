"""Every setting of the server, read once from `EXPO_*` at the start and frozen.

`SETTINGS` is the one list: parsing, `expo doctor` and the tables in the documents all come from it.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import quote, urlsplit

import ifaddr

from expo.errors import Invalid, Unavailable

PREFIX = "EXPO_"
UNIX_PATH_MAX_BYTES = 100
"""Linux allows 107 bytes in a unix socket's path; our longest socket name must fit behind the folder."""
LONGEST_SOCKET_NAME = "/worker-999.sock"

_T = TypeVar("_T")

LogFormat = Literal["auto", "text", "json"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the settings table. `default` is what one would write; empty means that the meaning tells it."""

    field: str
    default: str
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable's name."""
        return PREFIX + self.field.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "http_bind", "127.0.0.1:8080", "Address and port of the HTTP server; `0.0.0.0:8080` or `[::]:8080` for all."
    ),
    Setting(
        "public_url", "", "Address that people type, when a proxy stands in front. Default: made from the HTTP bind."
    ),
    Setting("workers", "1", "Worker processes; they share the HTTP port (1 to 64)."),
    Setting("udp_port", "40000", "Media port (UDP) of the first worker; worker *i* uses this number plus *i*."),
    Setting("udp_bind", "", "Address of the media ports. Default: `::` (IPv6 and IPv4), `0.0.0.0` without IPv6."),
    Setting(
        "announce",
        "",
        "IP addresses that media clients are told, comma-separated, best first. Default: this machine's own addresses.",
    ),
    Setting("data_dir", "data", "Folder of the database, the embedded Valkey, the secret and the run files."),
    Setting("recordings_dir", "recordings", "Folder where recordings land."),
    Setting(
        "redis_url", "", "`redis://`, `rediss://` or `unix://` address. Default: an embedded Valkey in the data folder."
    ),
    Setting(
        "database_url",
        "",
        "`postgresql+asyncpg://` or `sqlite+aiosqlite:///` address. Default: SQLite in the data folder.",
    ),
    Setting(
        "secret",
        "",
        "Signs links and tokens; at least 32 characters. Default: made once, kept in `secret` in the data folder.",
    ),
    Setting("log_format", "auto", "`json`, `text`, or `auto`: text on a terminal, else JSON."),
    Setting("viewers_per_worker", "250", "Viewers that one worker admits before it answers 503 (1 to 5000)."),
    Setting(
        "trusted_proxies",
        "",
        "Networks (CIDR, comma-separated) whose `X-Forwarded-Proto` and `X-Forwarded-For` count. Default: none.",
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the process was told. None in `secret`, `redis_url`, `database_url`: the server makes its own."""

    http_bind: str
    public_url: str | None
    workers: int
    udp_port: int
    udp_bind: str
    announce: tuple[str, ...]
    data_dir: Path
    recordings_dir: Path
    redis_url: str | None
    database_url: str | None
    secret: str | None
    log_format: LogFormat
    viewers_per_worker: int
    trusted_proxies: tuple[str, ...]

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the settings; unset and empty mean the default. Raises `Invalid("settings.<field>")`."""
        raw = {setting.field: env.get(setting.variable, "").strip() or setting.default for setting in SETTINGS}
        udp_bind = _parse("udp_bind", raw["udp_bind"] or default_udp_bind(), _ip)
        announce = _parse("announce", raw["announce"], _ips)
        settings = cls(
            http_bind=_parse("http_bind", raw["http_bind"], _bind),
            public_url=_parse("public_url", raw["public_url"], _public_url),
            workers=_parse("workers", raw["workers"], _number(1, 64)),
            udp_port=_parse("udp_port", raw["udp_port"], _number(1, 65535)),
            udp_bind=udp_bind,
            announce=announce or machine_addresses(udp_bind),
            data_dir=_parse("data_dir", raw["data_dir"], _folder),
            recordings_dir=_parse("recordings_dir", raw["recordings_dir"], _folder),
            redis_url=_parse("redis_url", raw["redis_url"], _url("redis", "rediss", "unix")),
            database_url=_parse("database_url", raw["database_url"], _url("postgresql+asyncpg", "sqlite+aiosqlite")),
            secret=_parse("secret", raw["secret"], _secret),
            log_format=_parse("log_format", raw["log_format"], _log_format),
            viewers_per_worker=_parse("viewers_per_worker", raw["viewers_per_worker"], _number(1, 5000)),
            trusted_proxies=_parse("trusted_proxies", raw["trusted_proxies"], _networks),
        )
        if settings.udp_port + settings.workers - 1 > 65535:
            raise Invalid("settings.udp_port", "the last worker's media port would be above 65535")
        return settings

    def to_env(self) -> dict[str, str]:
        """The environment that `from_env` reads back to equal settings; how a worker gets them."""
        return {PREFIX + field.name.upper(): _as_text(getattr(self, field.name)) for field in fields(self)}

    @property
    def http_host(self) -> str:
        """The HTTP address without brackets."""
        return split_bind(self.http_bind)[0]

    @property
    def http_port(self) -> int:
        """The HTTP port; 0 lets the system choose."""
        return split_bind(self.http_bind)[1]

    @property
    def run_dir(self) -> Path:
        """Lock and pid files of the running server."""
        return self.data_dir / "run"

    @property
    def socket_dir(self) -> Path:
        """Where unix sockets live: `run_dir`, or a short folder of this data folder's own if that path is too long."""
        run_dir = self.run_dir.resolve()
        if len(os.fsencode(run_dir)) + len(LONGEST_SOCKET_NAME) <= UNIX_PATH_MAX_BYTES:
            return run_dir
        digest = hashlib.blake2s(os.fsencode(run_dir), digest_size=8).hexdigest()
        return Path(tempfile.gettempdir()) / f"expo-{os.getuid()}-{digest}"

    @property
    def effective_redis_url(self) -> str:
        """Where Valkey is: as set, or the embedded one's unix socket."""
        return self.redis_url or f"unix://{quote(str(self.socket_dir / 'valkey.sock'))}"

    @property
    def effective_database_url(self) -> str:
        """Where the rows are: as set, or SQLite in the data folder."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir.resolve()}/expo.db"

    def load_secret(self) -> str:
        """The signing secret: as set, or the data folder's, made at the first call (mode 0600).

        Concurrent first calls agree on one. Raises `Unavailable("settings.secret")` where the file cannot be kept.
        """
        if self.secret is not None:
            return self.secret
        path = self.data_dir / "secret"
        try:
            if not path.exists():
                self.data_dir.mkdir(parents=True, exist_ok=True)
                _write_once(path, secrets.token_urlsafe(48))
            text = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable("settings.secret", f"cannot keep the secret in {path}: {error}") from error
        if len(text) < 32:
            raise Unavailable("settings.secret", f"{path} holds no secret of 32 characters; delete it to get a new one")
        return text


def split_bind(bind: str) -> tuple[str, int]:
    """Take `host:port` or `[host]:port` apart. Raises ValueError."""
    host, colon, port = bind.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("write host:port, for example 127.0.0.1:8080")
    return host.removeprefix("[").removesuffix("]"), int(port)


def unknown_variables(env: Mapping[str, str]) -> list[str]:
    """Names that begin like ours and mean nothing: most likely misspelt."""
    known = {setting.variable for setting in SETTINGS}
    return sorted(name for name in env if name.startswith(PREFIX) and name not in known)


def default_udp_bind() -> str:
    """`::` where the machine has IPv6 at all, else `0.0.0.0`."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return "0.0.0.0"  # noqa: S104 - media is meant for every interface; strangers get no answer on this port
    return "::"


def machine_addresses(udp_bind: str) -> tuple[str, ...]:
    """This machine's addresses that reach a socket bound to `udp_bind`: IPv4 first, loopback last, no link-local."""
    bound = ipaddress.ip_address(udp_bind)
    if not bound.is_unspecified:
        return (str(bound),)
    found: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            address = ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
            if address.is_link_local or address.is_loopback or address.is_multicast or address.is_unspecified:
                continue
            if address.version <= bound.version and address not in found:
                found.append(address)
    found.sort(key=lambda address: address.version)
    return (*(str(address) for address in found), "127.0.0.1")


def _parse(field: str, text: str, parse: Callable[[str], _T]) -> _T:
    try:
        return parse(text)
    except ValueError as error:
        raise Invalid(f"settings.{field}", f"{PREFIX}{field.upper()}: {error}") from error


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - only tuple[str, ...] among our fields


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or not lowest <= int(text) <= highest:
            raise ValueError(f"write a whole number from {lowest} to {highest}")
        return int(text)

    return parse


def _bind(text: str) -> str:
    host, port = split_bind(text)
    if host != "localhost":
        host = str(ipaddress.ip_address(host))
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _public_url(text: str) -> str | None:
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("write an http:// or https:// address")
    return text.rstrip("/")


def _ip(text: str) -> str:
    return str(ipaddress.ip_address(text))


def _ips(text: str) -> tuple[str, ...]:
    return tuple(_ip(part.strip()) for part in text.split(",") if part.strip())


def _networks(text: str) -> tuple[str, ...]:
    return tuple(str(ipaddress.ip_network(part.strip())) for part in text.split(",") if part.strip())


def _folder(text: str) -> Path:
    if "\0" in text:
        raise ValueError("a path holds no NUL")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError("nobody of that name has a home folder here") from error


def _url(*schemes: str) -> Callable[[str], str | None]:
    def parse(text: str) -> str | None:
        if not text:
            return None
        if urlsplit(text).scheme not in schemes:
            raise ValueError(f"write an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return text

    return parse


def _secret(text: str) -> str | None:
    if not text:
        return None
    if len(text) < 32:
        raise ValueError("write at least 32 characters")
    return text


def _log_format(text: str) -> LogFormat:
    match text:
        case "auto" | "text" | "json":
            return text
        case _:
            raise ValueError("write auto, text or json")


def _write_once(path: Path, text: str) -> None:
    """Create `path` whole with mode 0600, or leave the one that is there."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
