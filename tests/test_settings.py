from __future__ import annotations

import contextlib
import ipaddress
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expo.errors import Invalid, Unavailable
from expo.settings import (
    LONGEST_SOCKET_NAME,
    SETTINGS,
    UNIX_PATH_MAX_BYTES,
    Settings,
    machine_addresses,
    unknown_variables,
)


def as_bind(host_and_port: tuple[str, int]) -> str:
    host, port = host_and_port
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0,", exclude_categories=("Z", "C")), min_size=1)
ENVIRONMENTS = st.fixed_dictionaries(
    {},
    optional={
        "EXPO_HTTP_BIND": st.tuples(st.ip_addresses().map(str), st.integers(0, 65535)).map(as_bind),
        "EXPO_PUBLIC_URL": st.sampled_from(["https://expo.example.org", "http://localhost:80/live/"]),
        "EXPO_WORKERS": st.integers(1, 64).map(str),
        "EXPO_UDP_PORT": st.integers(1, 65000).map(str),
        "EXPO_UDP_BIND": st.ip_addresses().map(str),
        "EXPO_ANNOUNCE": st.lists(st.ip_addresses().map(str), min_size=1, max_size=4).map(" , ".join),
        "EXPO_DATA_DIR": NAMES.map(lambda name: f"/srv/{name}"),
        "EXPO_RECORDINGS_DIR": NAMES.map(lambda name: f"recordings/{name}"),
        "EXPO_REDIS_URL": st.sampled_from(["redis://localhost/1", "rediss://:pass@example.org", "unix:///run/v.sock"]),
        "EXPO_DATABASE_URL": st.sampled_from(["postgresql+asyncpg://u@h/d", "sqlite+aiosqlite:///srv/expo.db"]),
        "EXPO_SECRET": st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=32, max_size=64),
        "EXPO_LOG_FORMAT": st.sampled_from(["auto", "text", "json"]),
        "EXPO_VIEWERS_PER_WORKER": st.integers(1, 5000).map(str),
        "EXPO_TRUSTED_PROXIES": st.lists(st.sampled_from(["10.0.0.0/8", "::1/128", "192.0.2.7"]), max_size=3).map(
            ",".join
        ),
    },
)


@given(ENVIRONMENTS)
def test_a_worker_reads_exactly_the_settings_that_its_supervisor_had(env: dict[str, str]) -> None:
    settings = Settings.from_env(env)

    assert Settings.from_env(settings.to_env()) == settings


@given(
    st.sampled_from([setting.field for setting in SETTINGS]),
    st.text(st.characters(exclude_characters="\0"), max_size=40),
)
def test_any_text_in_any_setting_is_read_or_refused_by_its_own_code(field: str, text: str) -> None:
    with contextlib.suppress(Invalid):
        Settings.from_env({f"EXPO_{field.upper()}": text})
        return
    with pytest.raises(Invalid) as caught:
        Settings.from_env({f"EXPO_{field.upper()}": text})
    assert caught.value.code == f"settings.{field}"


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("EXPO_HTTP_BIND", "8080"),
        ("EXPO_HTTP_BIND", "127.0.0.1:99999"),
        ("EXPO_HTTP_BIND", "example.org:80"),
        ("EXPO_PUBLIC_URL", "expo.example.org"),
        ("EXPO_DATA_DIR", "~nobody-of-that-name/expo"),
        ("EXPO_WORKERS", "0"),
        ("EXPO_WORKERS", "two"),
        ("EXPO_UDP_PORT", "65536"),
        ("EXPO_ANNOUNCE", "expo.example.org"),
        ("EXPO_REDIS_URL", "http://localhost"),
        ("EXPO_DATABASE_URL", "mysql://localhost"),
        ("EXPO_SECRET", "short"),
        ("EXPO_LOG_FORMAT", "xml"),
        ("EXPO_TRUSTED_PROXIES", "10.0.0.1/8"),
    ],
)
def test_a_wrong_value_is_refused_and_its_variable_named(variable: str, text: str) -> None:
    with pytest.raises(Invalid, match=variable) as caught:
        Settings.from_env({variable: text})

    assert caught.value.code == f"settings.{variable.removeprefix('EXPO_').lower()}"


def test_the_last_workers_media_port_must_exist() -> None:
    with pytest.raises(Invalid) as caught:
        Settings.from_env({"EXPO_UDP_PORT": "65535", "EXPO_WORKERS": "2"})

    assert caught.value.code == "settings.udp_port"


def test_every_field_has_one_row_in_the_table() -> None:
    assert sorted(setting.field for setting in SETTINGS) == sorted(Settings.__slots__)


def test_misspelt_variables_are_found() -> None:
    assert unknown_variables({"EXPO_WORKRES": "2", "EXPO_WORKERS": "2", "HOME": "/root"}) == ["EXPO_WORKRES"]


def test_a_long_data_folder_gets_short_socket_paths_of_its_own(tmp_path: Path) -> None:
    deep = Settings.from_env({"EXPO_DATA_DIR": str(tmp_path / ("a" * 120))})
    other = Settings.from_env({"EXPO_DATA_DIR": str(tmp_path / ("b" * 120))})

    assert len(os.fsencode(deep.socket_dir)) + len(LONGEST_SOCKET_NAME) <= UNIX_PATH_MAX_BYTES
    assert deep.socket_dir != other.socket_dir


def test_a_socket_path_with_odd_characters_survives_the_url() -> None:
    settings = Settings.from_env({"EXPO_DATA_DIR": "/srv/the expo? 100%"})

    assert settings.effective_redis_url == "unix:///srv/the%20expo%3F%20100%25/run/valkey.sock"


def test_the_secret_is_made_once_and_for_this_user_alone(tmp_path: Path) -> None:
    settings = Settings.from_env({"EXPO_DATA_DIR": str(tmp_path / "data")})

    with ThreadPoolExecutor(8) as pool:
        secrets = {made.result() for made in [pool.submit(settings.load_secret) for _ in range(32)]}

    assert len(secrets) == 1
    assert len(secrets.pop()) >= 32
    assert stat.S_IMODE((tmp_path / "data" / "secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret"]


def test_a_secret_file_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("abc")

    with pytest.raises(Unavailable, match="delete it") as caught:
        Settings.from_env({"EXPO_DATA_DIR": str(tmp_path)}).load_secret()

    assert caught.value.code == "settings.secret"


def test_announced_addresses_end_with_loopback_and_hold_no_link_local_one() -> None:
    addresses = machine_addresses("::")

    assert addresses[-1] == "127.0.0.1"
    assert not any(ipaddress.ip_address(address).is_link_local for address in addresses)
    assert all(":" not in address for address in machine_addresses("0.0.0.0"))
    assert machine_addresses("192.0.2.7") == ("192.0.2.7",)
