"""Scheme and address behind proxies; buckets of addresses."""

from __future__ import annotations

import contextlib
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from expo.edge.keys import PROXIES
from expo.edge.limits import RateLimiter
from expo.edge.origin import TrustedProxies, network_of, peer_address
from expo.errors import TooMany
from tests.support.site import site


async def origin(request: web.Request) -> web.Response:
    proxies = request.app[PROXIES]
    return web.json_response([proxies.scheme(request), proxies.address(request)])


async def seen(folder: Path, trusted: list[str], headers: dict[str, str]) -> list[str]:
    async with (
        site(folder, [web.get("/origin", origin)], trusted_proxies=trusted) as served,
        aiohttp.ClientSession() as http,
        http.get(f"{served.url}/origin", headers=headers) as answer,
    ):
        return await answer.json()


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        ([], "203.0.113.9", "127.0.0.1"),
        (["127.0.0.1/32"], "203.0.113.9", "203.0.113.9"),
        (["127.0.0.1/32"], "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (["127.0.0.1/32", "203.0.113.0/24"], "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (["127.0.0.1/32"], "nonsense", "127.0.0.1"),
        (["127.0.0.1/32"], "198.51.100.1, nonsense", "127.0.0.1"),
        (["127.0.0.1/32"], "", "127.0.0.1"),
        (["127.0.0.1/32"], "::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
async def test_only_trusted_proxies_may_speak_for_others(
    tmp_path: Path, trusted: list[str], forwarded: str, address: str
) -> None:
    headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
    assert await seen(tmp_path, trusted, headers) == ["https" if trusted else "http", address]


async def test_a_scheme_that_is_none_is_ignored(tmp_path: Path) -> None:
    assert (await seen(tmp_path, ["127.0.0.0/8"], {"X-Forwarded-Proto": "gopher"}))[0] == "http"


async def test_a_worker_on_the_private_socket_speaks_for_its_client(tmp_path: Path) -> None:
    async with site(tmp_path, [web.get("/origin", origin)]) as served:
        path = tmp_path / "worker.sock"
        await web.UnixSite(served.runner, path).start()
        connector = aiohttp.UnixConnector(path=str(path))
        headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        async with aiohttp.ClientSession(connector=connector) as http:
            async with http.get("http://worker/origin", headers=headers) as answer:
                assert await answer.json() == ["https", "203.0.113.9"]
            async with http.get("http://worker/origin") as answer:
                assert await answer.json() == ["http", "unknown"]


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        TrustedProxies.parse(["nonsense"])


@pytest.mark.parametrize(
    ("peer", "address", "network"),
    [
        (("192.0.2.1", 1), "192.0.2.1", "192.0.2.1"),
        (("::ffff:192.0.2.1", 1, 0, 0), "192.0.2.1", "192.0.2.1"),
        (("2001:db8:1:2:3:4:5:6", 1, 0, 0), "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1, 0, 3), "fe80::1", "fe80::/64"),
        ("", "unknown", "unknown"),
        (None, "unknown", "unknown"),
    ],
)
def test_a_subscriber_is_an_address_or_a_64(peer: object, address: str, network: str) -> None:
    assert peer_address(peer) == address
    assert network_of(address) == network


def test_a_bucket_takes_its_burst_and_then_its_rate() -> None:
    limiter = RateLimiter(per_second=2, burst=3)
    for _ in range(3):
        limiter.admit("a", 0)
    with pytest.raises(TooMany) as refused:
        limiter.admit("a", 0)
    assert refused.value.retry_after_s == 1
    limiter.admit("b", 0)
    limiter.admit("a", 500_000)
    with pytest.raises(TooMany):
        limiter.admit("a", 500_000)


@given(st.lists(st.integers(0, 300_000), min_size=1, max_size=200))
def test_no_window_lets_more_through_than_burst_and_rate(gaps_us: list[int]) -> None:
    limiter = RateLimiter(per_second=10, burst=5)
    now_us = 0
    admitted: list[int] = []
    for gap_us in gaps_us:
        now_us += gap_us
        with contextlib.suppress(TooMany):
            limiter.admit("a", now_us)
            admitted.append(now_us)
    for index, begin_us in enumerate(admitted):
        inside = [at_us for at_us in admitted[index:] if at_us - begin_us < 1_000_000]
        assert len(inside) <= 5 + 10


@given(st.integers(0, 10_000_000))
def test_waiting_as_long_as_told_is_enough(later_us: int) -> None:
    limiter = RateLimiter(per_second=0.3, burst=1)
    limiter.admit("a", 0)
    try:
        limiter.admit("a", later_us)
    except TooMany as refused:
        wait_s = refused.retry_after_s or 0
        limiter.admit("a", later_us + wait_s * 1_000_000)


def test_a_limiter_forgets_the_network_unseen_for_longest() -> None:
    limiter = RateLimiter(per_second=0.001, burst=1, max_networks=2)
    for network in ("a", "b", "c"):
        limiter.admit(network, 0)
    limiter.admit("a", 0)
    with pytest.raises(TooMany):
        limiter.admit("c", 0)
