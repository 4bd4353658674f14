"""The compose file and the image: what the Compose Specification allows, settings that exist, commands that run."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import re
import socket
import sys
import tomllib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from functools import reduce
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import aiohttp
import pytest
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft202012Validator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from expo.cluster.embedded import find_binary
from expo.settings import SETTINGS, Settings
from tests.support.databases import PostgresServer, postgres
from tests.support.server import running_server

__all__ = ["postgres"]

Value: TypeAlias = "str | bool | int | float | list[Value] | dict[str, Value] | None"

ROOT = Path(__file__).parents[1]
FILE: dict[str, Any] = YAML(typ="safe", pure=True).load(  # pyright: ignore[reportUnknownMemberType] - streams are untyped
    ROOT / "docker-compose.yml"
)
SPECIFICATION = Draft202012Validator(get_builtin_schema("vendor.compose-spec"))
VARIABLES = {
    "SITE": "expo.example.org",
    "ANNOUNCE": "203.0.113.10",
    "SECRET": "0f" * 32,
    "POSTGRES_PASSWORD": "1e" * 32,
    "TURN_SECRET": "2d" * 32,
}
DURATION = re.compile(r"(\d+(us|ms|s|m|h))+")
VARIABLE = re.compile(r"\$\{(\w+):\?[^}]+\}")
PORT = re.compile(r"(\d+)(?:-(\d+))?:(\d+)(?:-(\d+))?(?:/(tcp|udp))?")
ANSWER_S = 30.0


def fill(value: Value, variables: Mapping[str, str]) -> Value:
    """`${NAME:?why}` replaced everywhere, as compose does. KeyError names what is missing."""
    if isinstance(value, dict):
        return {key: fill(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [fill(one, variables) for one in value]
    return VARIABLE.sub(lambda found: variables[found[1]], value) if isinstance(value, str) else value


def mapping(value: Value) -> dict[str, Value]:
    assert isinstance(value, dict), value
    return value


def texts(value: Value) -> list[str]:
    assert isinstance(value, list), value
    assert all(isinstance(one, str) for one in value), value
    return [str(one) for one in value]


SERVICES = {name: mapping(one) for name, one in mapping(fill(FILE["services"], VARIABLES)).items()}
NAMES = sorted(SERVICES)


def environment(name: str) -> dict[str, str]:
    found = mapping(SERVICES[name].get("environment", {}))
    assert all(isinstance(value, str) for value in found.values()), "compose wants texts: quote numbers and booleans"
    return {key: str(value) for key, value in found.items()}


def faults(file: Value) -> list[str]:
    found = SPECIFICATION.iter_errors(file)  # pyright: ignore[reportUnknownMemberType] - partly untyped there
    return [f"{fault.json_path}: {fault.message}" for fault in found]


def test_the_file_is_what_the_compose_specification_allows() -> None:
    assert faults(fill(FILE, VARIABLES)) == []
    assert set(SERVICES) == {"expo", "caddy", "valkey", "postgres", "coturn"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("service", {}),
        ("services.expo.enviroment", {}),
        ("services.expo.healthcheck.retrys", 3),
        ("services.expo.depends_on.valkey.condition", "healthy"),
        ("services.expo.ports", "80:80"),
        ("services.expo.stop_grace_period", 30),
    ],
)
def test_a_misspelt_key_or_a_value_of_another_type_is_found(path: str, value: Value) -> None:
    *parents, key = path.split(".")
    broken = deepcopy(FILE)
    reduce(dict[str, Any].__getitem__, parents, broken)[key] = value
    assert key in "\n".join(faults(broken))


@pytest.mark.parametrize("name", NAMES)
def test_what_a_service_needs_exists(name: str) -> None:
    service = SERVICES[name]
    assert set(texts(service["networks"])) <= set(mapping(FILE["networks"]))
    for volume in texts(service.get("volumes", [])):
        source, target, *mode = volume.split(":")
        assert target.startswith("/")
        assert mode in ([], ["ro"])
        assert (ROOT / source).is_file() if source.startswith(".") else source in mapping(FILE["volumes"])
    for needed, how in mapping(service.get("depends_on", {})).items():
        assert mapping(how) == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[needed]
    assert service["restart"] == "unless-stopped"
    assert DURATION.fullmatch(str(service.get("stop_grace_period", "10s")))


@pytest.mark.parametrize("name", NAMES)
def test_a_service_says_how_its_health_is_seen(name: str) -> None:
    health = mapping(SERVICES[name]["healthcheck"])
    assert texts(health["test"])[0] == "CMD"
    assert all(DURATION.fullmatch(str(health[key])) for key in ("interval", "timeout"))
    assert isinstance(health["retries"], int)


@pytest.mark.parametrize("name", NAMES)
def test_images_are_pinned_to_a_release(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9./-]+:\d+\.\d+(\.\d+)?(-[a-z0-9]+)?", str(SERVICES[name]["image"]))


def test_coturn_is_of_a_release_without_the_known_holes() -> None:
    release = str(SERVICES["coturn"]["image"]).split(":")[1].split("-")[0]
    assert tuple(int(part) for part in release.split(".")) >= (4, 9)
    words = texts(SERVICES["coturn"]["command"])
    assert "--denied-peer-ip=0.0.0.0-255.255.255.255" in words
    assert "--allowed-peer-ip=203.0.113.10" in words, "our media alone"


def test_no_host_port_is_asked_for_twice() -> None:
    taken: set[tuple[str, int]] = set()
    for service in SERVICES.values():
        for text in texts(service.get("ports", [])):
            found = PORT.fullmatch(text)
            assert found is not None, text
            first, last, inside, inside_last, kind = found.groups()
            asked = {(kind or "tcp", port) for port in range(int(first), int(last or first) + 1)}
            assert len(asked) == int(inside_last or inside) - int(inside) + 1
            assert not asked & taken
            taken |= asked


def test_only_the_proxy_and_media_are_open_to_the_world() -> None:
    assert [name for name in NAMES if "ports" in SERVICES[name]] == ["caddy", "coturn", "expo"]
    assert all(text.endswith("/udp") for text in texts(SERVICES["expo"]["ports"]))


def test_every_variable_of_ours_is_a_setting_and_is_read() -> None:
    ours = environment("expo")
    assert set(ours) <= {setting.variable for setting in SETTINGS}
    settings = Settings.from_env(ours)
    assert settings.workers == 2
    assert settings.announce == ("203.0.113.10",)
    assert settings.public_url == "https://expo.example.org"
    assert settings.secret == VARIABLES["SECRET"]
    media = range(settings.udp_port, settings.udp_port + settings.workers)
    assert texts(SERVICES["expo"]["ports"]) == [f"{media[0]}-{media[-1]}:{media[0]}-{media[-1]}/udp"]
    assert texts(SERVICES["expo"]["expose"]) == [str(settings.http_port)]
    assert [volume.split(":")[1] for volume in texts(SERVICES["expo"]["volumes"])] == [
        str(settings.data_dir),
        str(settings.recordings_dir),
    ]


def test_addresses_lead_to_the_services_and_the_proxy_is_believed() -> None:
    settings = Settings.from_env(environment("expo"))
    assert urlsplit(settings.redis_url or "").hostname == "valkey"
    database = urlsplit(settings.database_url or "")
    assert (database.hostname, database.username, database.path) == ("postgres", "expo", "/expo")
    assert database.password == environment("postgres")["POSTGRES_PASSWORD"]
    inside = mapping(mapping(FILE["networks"])["inside"])
    subnets = mapping(inside["ipam"])["config"]
    assert isinstance(subnets, list)
    (subnet,) = subnets
    assert settings.trusted_proxies == (str(mapping(subnet)["subnet"]),)
    assert ipaddress.ip_network(settings.trusted_proxies[0]).is_private


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_a_variable_that_is_forgotten_stops_the_start(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        fill(FILE, {key: value for key, value in VARIABLES.items() if key != name})


def test_the_example_asks_for_every_variable() -> None:
    lines = (ROOT / "deploy" / "example.env").read_text(encoding="utf-8").splitlines()
    assert {line.split("=")[0] for line in lines if "=" in line and not line.startswith("#")} == set(VARIABLES)


def test_the_proxy_leads_to_the_server_and_keeps_the_metrics_in() -> None:
    text = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    assert "{$SITE} {" in text
    assert "SITE" in environment("caddy")
    assert "reverse_proxy expo:8080" in text
    assert re.search(r"@metrics path /metrics\n\s+respond @metrics 404", text)
    assert text.count("{") == text.count("}")


def test_the_image_is_pinned_and_runs_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    images = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert len(images) == 3
    assert all(re.fullmatch(r"(node|python):\d+\.\d+\.\d+-slim-\w+|node:\d+\.\d+\.\d+-\w+-slim", one) for one in images)
    stages = re.findall(r"^FROM \S+ AS (\w+)", text, re.MULTILINE)
    assert set(re.findall(r"--from=(\w+)", text)) <= set(stages)
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["expo"]
    assert re.findall(r"^CMD (.+)$", text, re.MULTILINE) == ['["expo", "serve"]']
    sent = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / source).exists() for source in sources.split()), sources
        assert set(sources.split()) <= sent, "what .dockerignore keeps back cannot be copied"


def test_the_image_and_the_compose_file_agree() -> None:
    """A volume takes the owner of the image's own folder: one under another name would belong to root."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    volumes = [volume.split(":")[1] for volume in texts(SERVICES["expo"]["volumes"])]
    assert f"VOLUME {json.dumps(volumes)}\n" in text
    assert f"--owner=expo --group=expo --mode=0700 {' '.join(volumes)}\n" in text
    assert dict(re.findall(r"\b(EXPO_\w+)=(\S+)", text)).items() <= environment("expo").items()
    media = texts(SERVICES["expo"]["ports"])[0].split(":")[1]
    assert f"EXPOSE {texts(SERVICES['expo']['expose'])[0]}/tcp {media}\n" in text
    assert SERVICES["expo"]["image"] == f"expo-live:{metadata.version('expo-live')}"


def test_the_lock_pins_all_that_the_image_needs_without_the_tools_for_tests() -> None:
    """greenlet came with a tool for tests alone once: an image without it could not open a database."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = needs(project["dependencies"])
    pinned = set(
        re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert needed <= pinned
    assert "greenlet" in needed
    assert not needed & {"playwright", "pytest", "ruff"}


def needs(requirements: Sequence[str]) -> set[str]:
    """The distributions that these and their requirements name, for this machine."""
    found: set[tuple[str, frozenset[str]]] = set()
    waiting = [(Requirement(text), frozenset[str]()) for text in requirements]
    while waiting:
        wanted, extras = waiting.pop()
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            continue
        name, own = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, own) not in found:
            found.add((name, own))
            waiting += [(Requirement(text), own) for text in metadata.requires(name) or []]
    return {name for name, _ in found}


@pytest.mark.cluster
async def test_its_commands_run_here_with_its_variables(postgres: PostgresServer, tmp_path: Path) -> None:
    """Valkey and the server as they are written; Caddy and coturn are not here, and Docker is not either."""
    bind = f"127.0.0.1:{free_port()}"
    async with composed_valkey(tmp_path) as redis_url:
        changed = {
            "EXPO_HTTP_BIND": bind,
            "EXPO_REDIS_URL": redis_url,
            "EXPO_DATABASE_URL": postgres.new_database(),
            "EXPO_ANNOUNCE": "127.0.0.1",
        }
        own_folders = {"EXPO_DATA_DIR", "EXPO_RECORDINGS_DIR", "EXPO_UDP_PORT", "EXPO_WORKERS"}
        ours = {key: value for key, value in environment("expo").items() if key not in own_folders} | changed
        assert texts(SERVICES["expo"]["command"]) == ["expo", "serve"], "what `running_server` starts"
        async with running_server(tmp_path / "data", workers=2, env=ours) as server:
            assert {"worker-0", "worker-1"} <= set(server.children())
            assert "valkey" not in server.children(), "it has one already"
            assert server.base_url == "https://expo.example.org"
            await healthy(f"http://{bind}")
            async with aiohttp.ClientSession() as http, http.get(f"http://{bind}/") as page:
                assert page.status == 200


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


async def healthy(base_url: str) -> None:
    """The health check as it is written, on the address of this test's server."""
    _, _, *words = texts(mapping(SERVICES["expo"]["healthcheck"])["test"])
    words[-1] = words[-1].replace("http://127.0.0.1:8080", base_url)
    process = await asyncio.create_subprocess_exec(sys.executable, *words)
    assert await process.wait() == 0
    words[-1] = words[-1].replace("/readyz", "/no-such-page")
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stderr=asyncio.subprocess.DEVNULL)
    assert await process.wait() != 0, "a server that is not well is seen"


@asynccontextmanager
async def composed_valkey(folder: Path) -> AsyncGenerator[str]:
    """Valkey by the command that is written, on a unix socket of ours."""
    _, *words = texts(SERVICES["valkey"]["command"])
    ours = ["--port", "0", "--unixsocket", str(folder / "v.sock"), "--dir", str(folder)]
    process = await asyncio.create_subprocess_exec(
        str(find_binary()), *words, *ours, stdout=asyncio.subprocess.PIPE, env={**os.environ, "LC_ALL": "C"}
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(ANSWER_S):
            while b"eady to accept connections" not in (line := await process.stdout.readline()):
                assert line, "Valkey has ended"
        yield f"unix://{folder}/v.sock"
    finally:
        process.terminate()
        await process.communicate()
