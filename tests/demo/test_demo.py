"""`expo demo` as a newcomer and their scripts meet it: real processes, real media, nothing left behind."""

import asyncio
import os
import re
import signal
import socket
import stat
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from expo.demo.clock_code import read_clock
from expo.media.codecs import packetize_h264
from expo.media.peer import Peer, PeerFailed
from expo.media.peer_http import Refused, join, joined_peer
from expo.media.peer_streams import Incoming
from expo.media.rtp import RtpPacket
from tests.support.decoding import H264Decoder, Picture, PictureAssembler
from tests.support.demos import START_S, Content, Demo, running_demo, start_demo
from tests.support.live import Page

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

KEY_FRAME = b"\0\0\1\x67\x42\xe0\x1f" + b"\0\0\1\x65\x88" + b"\x55" * 100
ROLES = {"organiser", "exhibitor", "buyer", "interpreter", "moderator", "technician", "operator"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Demo, Demo]]:
    """Two demos side by side from one folder, ports and data chosen by themselves; the second has two workers."""
    folder = tmp_path_factory.mktemp("demos")
    demos = (start_demo(folder, name="one"), start_demo(folder, "--workers", "2", name="other"))
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


async def test_several_workers_are_listed_and_any_of_them_lets_viewers_in(pair: tuple[Demo, Demo]) -> None:
    content = pair[1].ready()
    assert [worker["index"] for worker in content["workers"]] == [0, 1]
    assert content["workers"][1]["udp_port"] == content["workers"][0]["udp_port"] + 1
    for _ in range(4):  # the kernel spreads connections over the workers
        assert await watch(live_of(content), 1)


async def test_the_showcase_is_back_on_air_after_its_worker_was_killed(pair: tuple[Demo, Demo]) -> None:
    content = pair[1].ready()
    os.kill(content["workers"][0]["pid"], signal.SIGKILL)
    pictures = await watch_again(live_of(content), 5)
    assert read_clock(pictures[-1])


async def test_the_synthetic_exhibitor_comes_back_when_it_is_killed(pair: tuple[Demo, Demo]) -> None:
    content = pair[1].ready()
    pids = {path.parent.parent.name: path for path in (pair[1].folder / "data").glob("demo-*/run/synthetic.pid")}
    own = pids[f"demo-{content['base_url'].rpartition(':')[2]}"]
    before = int(own.read_text().split()[0])
    os.kill(before, signal.SIGKILL)
    assert len(await watch_again(live_of(content), 5)) >= 5
    assert int(own.read_text().split()[0]) != before


def test_what_it_prints_leads_people_in(pair: tuple[Demo, Demo], demo: Content) -> None:
    output = pair[0].output
    assert all(person["url"] in output for person in demo["people"])
    assert re.findall(r"^  ([1-4])/4  ", output, re.MULTILINE) == ["1", "2", "3", "4"]


@dataclass(frozen=True, slots=True)
class Aftermath:
    """A demo whose show was ended was killed, started again in the same place and stopped by Ctrl-C; what was seen."""

    killed: Content
    phases: list[str]
    left_by_kill: bool
    again: Content
    at_work: int
    exit_code: int
    still_there: set[int]
    files: list[str]
    port_is_free: bool


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    folder = tmp_path_factory.mktemp("aftermath")
    data = str(folder / "data")
    with running_demo(folder, "--port", "0", "--data-dir", data) as demo:
        killed = demo.ready()
        phases = [asyncio.run(phase_of(killed, "end"))]
        demo.stop(signal.SIGKILL)
        demo.until_gone()
        left_by_kill = demo.ready_file.exists()
    with running_demo(folder, "--port", killed["base_url"].rpartition(":")[2], "--data-dir", data) as demo:
        again = demo.ready(unlike=killed)
        phases.append(asyncio.run(phase_of(again)))
        at_work = len(demo.processes())
        exit_code = demo.stop(signal.SIGINT)
        return Aftermath(
            killed=killed,
            phases=phases,
            left_by_kill=left_by_kill,
            again=again,
            at_work=at_work,
            exit_code=exit_code,
            still_there=demo.processes(),
            files=[path.name for path in folder.rglob("*") if path.suffix != ".txt"],
            port_is_free=is_free(again["workers"][0]["udp_port"]),
        )


def test_a_killed_demo_takes_its_children_along_and_the_next_one_clears_up(aftermath: Aftermath) -> None:
    assert aftermath.left_by_kill
    assert aftermath.again["base_url"] == aftermath.killed["base_url"]
    assert aftermath.again["workers"] != aftermath.killed["workers"]
    assert aftermath.again["showcases"][0]["id"] == aftermath.killed["showcases"][0]["id"]


def test_a_show_that_was_ended_is_on_the_air_again_in_the_next_demo(aftermath: Aftermath) -> None:
    assert aftermath.phases == ["ended", "live"]
    assert [showcase["state"] for showcase in aftermath.again["showcases"]] == [
        showcase["state"] for showcase in aftermath.killed["showcases"]
    ]


def test_ctrl_c_leaves_nothing_behind(aftermath: Aftermath) -> None:
    assert aftermath.at_work == 4  # supervisor, Valkey, worker, synthetic exhibitor
    assert aftermath.exit_code == 0
    assert aftermath.still_there == set()
    assert aftermath.port_is_free
    assert [name for name in aftermath.files if name.endswith((".sock", ".pid", ".new", ".json", "-wal", "-shm"))] == []
    assert "expo.db" in aftermath.files


def test_a_stop_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--port", "0") as demo:
        # Not any child: one that Python's imports start comes before the demo can be told to stop.
        demo.until(lambda: any(tmp_path.rglob("valkey.pid")))
        assert demo.stop(signal.SIGTERM) == 0
        assert demo.processes() == set()
        assert not demo.ready_file.exists()


def test_a_taken_port_is_said_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with running_demo(tmp_path, "--port", str(taken.getsockname()[1])) as demo:
            assert demo.process.wait(START_S) == 12
            assert demo.processes() == set()
        assert "http.port_taken" in demo.output


def is_free(udp_port: int) -> bool:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("::", udp_port))
        except OSError:
            return False
    return True


async def phase_of(content: Content, command: str = "") -> str:
    """How far the live showcase's room is, once the organiser has pressed what `command` says."""
    organiser = next(person for person in content["people"] if person["role"] == "organiser")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await http.get(organiser["url"], allow_redirects=False)
        page = Page(http)
        await page.connect(content["base_url"], live_of(content)["id"])
        if command:
            assert "error" not in await page.command(command)
        told = await page.ask("snapshot")
        await page.close()
        return told["state"]["phase"]


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
        async with joined_peer(http, showcase["whep_url"], peer, showcase["whep_token"]), asyncio.timeout(20):
            await enough.wait()
    return pictures


async def watch_again(showcase: Content, count: int) -> list[Picture]:
    """`watch` of a showcase that is coming back: on a busy machine that takes longer than one viewer waits."""
    async with asyncio.timeout(90):
        while True:
            try:
                return await watch(showcase, count)
            except (PeerFailed, TimeoutError):
                await asyncio.sleep(0.2)  # a viewer's page waits too before it tries again


async def get(http: aiohttp.ClientSession, address: str) -> Content:
    async with http.get(address) as response:
        content: Content = await response.json()
        return content
