"""`expo demo` as a newcomer and their scripts meet it: real processes, real media, nothing left behind."""

import asyncio
import os
import re
import signal
import socket
import stat
import time
from collections.abc import Generator
from pathlib import Path

import aiohttp
import pytest

from expo.demo.clock_code import read_clock
from expo.media.codecs import packetize_h264
from expo.media.peer import Peer
from expo.media.peer_http import Refused, join, joined_peer
from expo.media.peer_streams import Incoming
from expo.media.rtp import RtpPacket
from tests.support.decoding import H264Decoder, Picture, PictureAssembler
from tests.support.demos import Content, Demo, running_demo, start_demo

pytestmark = pytest.mark.cluster

KEY_FRAME = b"\0\0\1\x67\x42\xe0\x1f" + b"\0\0\1\x65\x88" + b"\x55" * 100
ROLES = {"organiser", "exhibitor", "buyer", "interpreter", "moderator", "technician", "operator"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Demo, Demo]]:
    """Two demos side by side from one folder, started at the same moment, ports and data chosen by themselves."""
    folder = tmp_path_factory.mktemp("demos")
    demos = (start_demo(folder, name="one"), start_demo(folder, name="other"))
    try:
        yield demos
    finally:
        codes = [demo.stop() for demo in demos]
        for demo in demos:
            demo.until_gone()
        assert codes == [0, 0]


@pytest.fixture(scope="module")
def demo(pair: tuple[Demo, Demo]) -> Content:
    return pair[0].ready()


def live_of(content: Content) -> Content:
    return next(showcase for showcase in content["showcases"] if showcase["state"] == "live")


def test_the_ready_file_has_exactly_the_promised_fields(demo: Content) -> None:
    assert list(demo) == ["base_url", "openapi_url", "metrics_url", "workers", "people", "showcases"]
    assert [list(worker) for worker in demo["workers"]] == [["index", "pid", "udp_port"]]
    assert {tuple(person) for person in demo["people"]} == {("role", "name", "language", "url")}
    assert {person["role"] for person in demo["people"]} == ROLES
    assert {person["language"] for person in demo["people"]} == {"ko", "vi", "en"}
    plain = ("id", "title", "state", "page_url", "whep_url", "whep_token")
    shapes = {tuple(showcase) for showcase in demo["showcases"]}
    assert shapes == {plain, (*plain, "whip_url", "whip_token")}
    idle = [showcase for showcase in demo["showcases"] if "whip_url" in showcase]
    assert [showcase["state"] for showcase in idle] == ["scheduled"]
    assert {showcase["state"] for showcase in demo["showcases"]} >= {"live", "scheduled", "ended"}


def test_the_ready_file_is_for_this_user_alone(pair: tuple[Demo, Demo], demo: Content) -> None:
    assert demo
    assert stat.S_IMODE(pair[0].ready_file.stat().st_mode) == 0o600


def test_two_demos_share_neither_ports_nor_data(pair: tuple[Demo, Demo]) -> None:
    first, second = (each.ready() for each in pair)
    assert first["base_url"] != second["base_url"]
    assert first["workers"][0]["udp_port"] != second["workers"][0]["udp_port"]
    assert len(list((pair[0].folder / "data").glob("demo-*/expo.db"))) == 2


async def test_every_address_in_the_ready_file_answers(demo: Content) -> None:
    async with aiohttp.ClientSession() as http:
        addresses = [demo["base_url"], demo["openapi_url"], demo["metrics_url"]]
        addresses += [showcase["page_url"] for showcase in demo["showcases"] if showcase["whep_token"] is None]
        for address in addresses:
            async with http.get(address) as response:
                assert response.status == 200, address


async def test_every_person_is_let_in_by_their_link(demo: Content) -> None:
    for person in demo["people"]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            async with http.get(person["url"], allow_redirects=False) as response:
                assert response.status == 303, person
            async with http.get(person["url"]) as response:
                assert response.status == 200, person


async def test_the_live_showcase_shows_the_true_time_within_a_second(demo: Content) -> None:
    pictures = await watch(live_of(demo), 20)
    moments = [read_clock(picture) for picture in pictures]
    assert all(moments)
    assert moments == sorted(moments, key=lambda moment: moment or 0)
    assert moments[-1] is not None
    assert abs(time.time() * 1000 - moments[-1]) < 5_000


async def test_open_showcases_need_no_token_and_closed_ones_take_theirs(demo: Content) -> None:
    closed = next(showcase for showcase in demo["showcases"] if showcase["whep_token"] is not None)
    assert live_of(demo)["whep_token"] is None
    async with aiohttp.ClientSession() as http:
        peer = Peer.viewer()
        with pytest.raises(Refused) as refusal:
            await join(http, closed["whep_url"], peer.offer, None)
        assert refusal.value.status == 401
        async with joined_peer(http, closed["whep_url"], peer, closed["whep_token"]):
            assert peer.connected


async def test_the_idle_showcase_goes_live_when_its_encoder_connects(pair: tuple[Demo, Demo]) -> None:
    content = pair[1].ready()
    idle = next(showcase for showcase in content["showcases"] if "whip_url" in showcase)
    address = f"{content['base_url']}/api/showcases/{idle['id']}"
    async with aiohttp.ClientSession() as http:
        assert (await get(http, address))["state"] == "scheduled"
        peer = Peer.publisher()
        async with joined_peer(http, idle["whip_url"], peer, idle["whip_token"]):
            async with asyncio.timeout(10):
                while (await get(http, address))["state"] != "live":
                    peer.send_frame("video", packetize_h264(KEY_FRAME), time.time_ns() // 1000)
                    await asyncio.sleep(0.05)  # an encoder's pace


async def test_the_synthetic_exhibitor_comes_back_when_it_is_killed(pair: tuple[Demo, Demo]) -> None:
    content = pair[1].ready()
    pids = {path.parent.parent.name: path for path in (pair[1].folder / "data").glob("demo-*/run/synthetic.pid")}
    own = pids[f"demo-{content['base_url'].rpartition(':')[2]}"]
    before = int(own.read_text().split()[0])
    os.kill(before, signal.SIGKILL)
    assert len(await watch(live_of(content), 5)) >= 5
    assert int(own.read_text().split()[0]) != before


def test_what_it_prints_leads_people_in(pair: tuple[Demo, Demo], demo: Content) -> None:
    output = pair[0].output
    assert all(person["url"] in output for person in demo["people"])
    assert re.findall(r"^  ([1-4])/4  ", output, re.MULTILINE) == ["1", "2", "3", "4"]


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--port", "0") as demo:
        content = demo.ready()
        assert len(demo.processes()) == 4  # supervisor, Valkey, worker, synthetic exhibitor
        assert demo.stop(signal.SIGINT) == 0
        assert demo.processes() == set()
        assert not demo.ready_file.exists()
    run = next((tmp_path / "data").glob("demo-*/run"))
    assert [path.name for path in run.iterdir()] == ["lock"]
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::", content["workers"][0]["udp_port"]))
    assert [path for path in tmp_path.rglob("*") if path.is_socket() or path.suffix == ".new"] == []


def test_a_killed_demo_takes_its_children_along_and_the_next_one_clears_up(tmp_path: Path) -> None:
    folder = str(tmp_path / "kept")
    with running_demo(tmp_path, "--port", "0", "--data-dir", folder) as demo:
        first = demo.ready()
        demo.stop(signal.SIGKILL)
        demo.until_gone()
        assert demo.ready_file.exists()
    port = first["base_url"].rpartition(":")[2]
    with running_demo(tmp_path, "--port", port, "--data-dir", folder) as again:
        second = again.ready(unlike=first)
        assert second["base_url"] == first["base_url"]
        assert second["workers"][0]["pid"] != first["workers"][0]["pid"]
        assert again.stop() == 0
        assert again.processes() == set()
        assert not again.ready_file.exists()


def test_a_stop_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--port", "0") as demo:
        deadline = time.monotonic() + 60
        while len(demo.processes()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert demo.stop(signal.SIGTERM) == 0
        assert demo.processes() == set()
        assert not demo.ready_file.exists()


def test_a_taken_port_is_said_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with running_demo(tmp_path, "--port", str(taken.getsockname()[1])) as demo:
            assert demo.process.wait(60) == 12
            assert demo.processes() == set()
        assert "http.port_taken" in demo.output


async def watch(showcase: Content, count: int) -> list[Picture]:
    """The first `count` pictures that a viewer of the showcase decodes."""
    pictures: list[Picture] = []
    enough = asyncio.Event()
    decoder, assembler = H264Decoder(), PictureAssembler()
    async with aiohttp.ClientSession() as http:
        peer = Peer.viewer()

        def take(incoming: Incoming, packet: RtpPacket) -> None:
            unit = assembler.take(packet) if incoming.kind == "video" else None
            if unit is not None:
                pictures.extend(decoder.decode(unit))
            if len(pictures) >= count:
                enough.set()

        peer.on_packet = take
        async with joined_peer(http, showcase["whep_url"], peer, showcase["whep_token"]), asyncio.timeout(30):
            await enough.wait()
    return pictures


async def get(http: aiohttp.ClientSession, address: str) -> Content:
    async with http.get(address) as response:
        content: Content = await response.json()
        return content
