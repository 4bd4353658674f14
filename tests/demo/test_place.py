"""Where demos go: free ports and folders by themselves, exactly what was asked for otherwise."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from expo.demo.place import UDP_STEP, Wish, find_place, lan_url
from expo.errors import Invalid
from expo.kit.startup import StartFailed
from expo.settings import Settings
from tests.support.server import free_udp_ports


def wish(port: int | None = None, workers: int = 1, data_dir: Path | None = None, **env: str) -> Wish:
    return Wish.of(env, port=port, workers=workers, data_dir=data_dir)


@contextmanager
def taken_tcp() -> Generator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def taken_udp(port: int) -> Generator[int]:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind(("::", port))
        yield port


def test_a_taken_http_port_is_passed_over_and_names_the_folder() -> None:
    with taken_tcp() as port:
        settings = find_place(wish(), first_port=port)
        assert settings.http_port > port
        assert settings.data_dir == Path(f"data/demo-{settings.http_port}")
        assert settings.recordings_dir == Path(f"recordings/demo-{settings.http_port}")


def test_an_http_port_that_was_asked_for_is_not_replaced() -> None:
    with taken_tcp() as port, pytest.raises(StartFailed) as failure:
        find_place(wish(port=port))
    assert failure.value.code == "http.port_taken"


def test_port_zero_takes_any_free_port() -> None:
    assert find_place(wish(port=0)).http_port > 1023


def test_taken_media_ports_are_passed_over_for_all_workers() -> None:
    first = free_udp_ports(3)
    with taken_udp(first + 2):
        settings = find_place(wish(port=0, workers=3), first_udp_port=first)
    assert settings.udp_port == first + UDP_STEP
    assert settings.workers == 3


def test_media_ports_that_were_asked_for_are_kept() -> None:
    first = free_udp_ports()
    with taken_udp(first):
        settings = find_place(wish(port=0, EXPO_UDP_PORT=str(first)))
    assert settings.udp_port == first


def test_the_environment_names_address_folder_and_all_else(tmp_path: Path) -> None:
    with taken_tcp() as port:
        pass
    env = {"EXPO_HTTP_BIND": f"0.0.0.0:{port}", "EXPO_DATA_DIR": str(tmp_path), "EXPO_VIEWERS_PER_WORKER": "7"}
    settings = find_place(Wish.of(env, port=None, workers=1, data_dir=None))
    assert (settings.http_host, settings.http_port) == ("0.0.0.0", port)
    assert settings.data_dir == tmp_path
    assert settings.viewers_per_worker == 7


def test_the_command_line_counts_before_the_environment(tmp_path: Path) -> None:
    with taken_tcp() as port:
        pass
    settings = find_place(wish(port=port, data_dir=tmp_path, EXPO_HTTP_BIND="[::]:1", EXPO_DATA_DIR="elsewhere"))
    assert settings.http_bind == f"[::]:{port}"
    assert settings.data_dir == tmp_path


def test_settings_without_sense_are_refused() -> None:
    with pytest.raises(Invalid) as failure:
        find_place(wish(EXPO_ANNOUNCE="somewhere"))
    assert failure.value.code == "settings.announce"


@pytest.mark.parametrize(
    ("code", "asked", "moves"),
    [
        ("http.port_taken", {}, True),
        ("http.port_taken", {"EXPO_HTTP_BIND": "127.0.0.1:1"}, False),
        ("run.in_use", {}, True),
        ("run.in_use", {"EXPO_DATA_DIR": "here"}, False),
        ("media.port_taken", {"EXPO_DATA_DIR": "here", "EXPO_HTTP_BIND": "127.0.0.1:1"}, True),
        ("media.port_taken", {"EXPO_UDP_PORT": "1"}, False),
        ("store.full", {}, False),
    ],
)
def test_it_moves_only_where_moving_helps_and_nobody_said_otherwise(
    code: str, asked: dict[str, str], *, moves: bool
) -> None:
    assert Wish.of(asked, port=None, workers=1, data_dir=None).may_move(StartFailed(code)) is moves


@pytest.mark.parametrize(
    ("bind", "public", "url"),
    [
        ("127.0.0.1:8080", "", None),
        ("0.0.0.0:8080", "", "http://192.0.2.7:8080"),
        ("[::]:8080", "", "http://192.0.2.7:8080"),
        ("198.51.100.4:80", "", "http://198.51.100.4:80"),
        ("127.0.0.1:8080", "https://expo.example", "https://expo.example"),
    ],
)
def test_the_address_for_phones(bind: str, public: str, url: str | None) -> None:
    env = {"EXPO_HTTP_BIND": bind, "EXPO_PUBLIC_URL": public, "EXPO_ANNOUNCE": "192.0.2.7,127.0.0.1"}
    assert lan_url(Settings.from_env(env)) == url


@pytest.mark.parametrize(
    ("env", "host"),
    [
        ({}, "127.0.0.1"),
        ({"EXPO_ANNOUNCE": "127.0.0.1"}, "127.0.0.1"),
        ({"EXPO_ANNOUNCE": "192.0.2.7,127.0.0.1"}, "0.0.0.0"),
        ({"EXPO_ANNOUNCE": "2001:db8::7"}, "::"),
        ({"EXPO_ANNOUNCE": "192.0.2.7", "EXPO_HTTP_BIND": "127.0.0.1:0"}, "127.0.0.1"),
    ],
)
def test_guests_are_let_in_where_a_network_address_is_announced(env: dict[str, str], host: str) -> None:
    assert find_place(Wish.of(env, port=0, workers=1, data_dir=None)).http_host == host
