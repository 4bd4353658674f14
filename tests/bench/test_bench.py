"""The measuring tools themselves: arithmetic, samples, counting."""

from __future__ import annotations

import asyncio
import json
import math
import os
import socket
import time
from argparse import Namespace
from pathlib import Path

import pytest

from tests.bench.__main__ import BENCHMARKS, parse, run
from tests.bench.cpu import Meter, cpu_ns, cpu_ticks_ns, resident_kib
from tests.bench.crowd import header_bytes, sampled_positions
from tests.bench.figures import Figure, Spread, in_a_line, lost_packets, mismatches, percentile, table, write_json
from tests.bench.ours import idle_counters
from tests.bench.place import processes_below
from tests.bench.reader import NEVER, Inlet, Reader
from tests.bench.rooms import show_of
from tests.bench.source import digest
from tests.support.server import NotServingError

PICTURE, SOUND, REPAIR = 102, 111, 103


def figure(**changes: object) -> Figure:
    values: dict[str, object] = {"name": "x", "what": "cost", "value": 2.0, "unit": "us", "target": 3.0}
    return Figure(**(values | changes))  # pyright: ignore[reportArgumentType] - the fields' own types


def rtp(payload_type: int, sequence: int, first: int = 0x80) -> bytes:
    return bytes([first, payload_type, sequence >> 8, sequence & 255]) + bytes(28)


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1.0) == 100
    assert percentile([7.0], 0.5) == 7
    assert math.isnan(percentile([], 0.5))


def test_a_spread_has_the_median_in_its_middle() -> None:
    assert Spread.of([3.0, 1.0, 10.0]) == Spread(1.0, 3.0, 10.0)


def test_one_viewers_surplus_does_not_hide_anothers_loss() -> None:
    assert lost_packets(100, [100, 100]) == 0
    assert lost_packets(100, [90, 110]) == 10


def test_mismatches_count_missing_repeated_and_foreign_payloads() -> None:
    published = {digest(bytes([number])): number for number in range(5)}
    exact = list(published)
    assert mismatches(published, exact) == 0
    assert mismatches(published, exact[1:]) == 1
    assert mismatches(published, [*exact, exact[0]]) == 1
    assert mismatches(published, [*exact, digest(b"other")]) == 1
    assert mismatches(published, []) == 5


def test_digests_tell_payloads_apart_that_differ_in_one_bit() -> None:
    assert digest(b"payload0") != digest(b"payload1")


def test_a_figure_passes_on_its_own_side_of_the_target_only() -> None:
    assert figure().passed
    assert not figure(value=3.1).passed
    assert figure(value=3.1, at_least=True).passed
    assert not figure(value=math.nan).passed
    assert not figure(why=("5 packets lost",)).passed


def test_a_failed_figure_says_why_in_its_line_and_its_json(tmp_path: Path) -> None:
    bad = figure(why=("5 packets lost",), details={"ratio": {"janus": 0.5}}, viewers=50, packets=7, lost=5, verified=3)
    assert bad.line().startswith("FAIL  x: cost 2 us | target <= 3 us | 50 viewers | 7 packets")
    assert bad.line().endswith("5 packets lost")
    write_json(tmp_path / "one.json", [bad])
    content = json.loads((tmp_path / "one.json").read_text())
    assert content["ratio"] == {"janus": 0.5}
    assert {"viewers", "seconds", "packets", "lost", "verified"} <= content.keys()
    write_json(tmp_path / "two.json", [bad, bad])
    assert len(json.loads((tmp_path / "two.json").read_text())) == 2
    assert '| cost | 2 us | <= 3 us | **no** | 50 viewers, 7 packets, 5 lost, 3 verified | `make bench ARGS="x"` |' in (
        table([bad])
    )


def test_what_was_not_measured_is_null_in_json() -> None:
    assert (
        json.loads(figure(value=math.nan, details={"p50": math.nan}).as_json(), parse_constant=pytest.fail)["p50"]
        is None
    )


async def measured(_: Namespace) -> list[Figure]:
    return [figure()]


async def breaks(_: Namespace) -> list[Figure]:
    async with asyncio.TaskGroup() as group:
        group.create_task(never_comes(), name="never")
    return []


async def never_comes() -> None:
    raise ConnectionError("nobody\nlistens | here")


def test_a_long_story_keeps_its_begin_and_its_end() -> None:
    told = in_a_line(NotServingError(16, "one\n" * 500 + "the last"))
    assert told.startswith("NotServingError: exit code 16: one one")
    assert told.endswith("one the last")
    assert len(told) < 330
    assert in_a_line(TimeoutError()) == "TimeoutError"


async def test_figures_go_to_the_terminal_and_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--json", str(tmp_path / "new" / "f.json"), "--markdown", str(tmp_path / "other" / "f.md")]

    assert await run(parse(["memory", *files]), {"memory": measured}) == 0

    assert capsys.readouterr().out.splitlines()[1] == figure().line()
    assert json.loads((tmp_path / "new" / "f.json").read_text())["value"] == 2.0
    assert (tmp_path / "other" / "f.md").read_text() == table([figure()])


async def test_a_benchmark_that_breaks_is_one_line_and_the_later_ones_still_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = parse(["all", "--json", str(tmp_path / "f.json"), "--markdown", str(tmp_path / "f.md")])

    assert await run(options, {"memory": breaks, "join": measured}) == 1

    begun, broken, *after = capsys.readouterr().out.splitlines()
    assert begun == "  -- memory"
    assert broken.startswith("FAIL  memory: not measured: ConnectionError: nobody listens | here (test_bench.py:")
    assert after == ["  -- join", figure().line()]
    first, second = json.loads((tmp_path / "f.json").read_text())
    assert (first["benchmark"], first["passed"], first["value"]) == ("memory", False, None)
    assert (second["benchmark"], second["passed"], second["value"]) == ("x", True, 2.0)
    rows = (tmp_path / "f.md").read_text().splitlines()[2:4]
    assert "| **no** | ConnectionError: nobody listens \\| here" in rows[0]
    assert [row.replace("\\|", "").count("|") for row in rows] == [7, 7]


async def test_a_missed_target_is_exit_code_1_and_a_stop_keeps_what_was_measured(tmp_path: Path) -> None:
    async def misses(_: Namespace) -> list[Figure]:
        return [figure(value=9.0)]

    async def is_stopped(_: Namespace) -> list[Figure]:
        raise asyncio.CancelledError

    assert await run(parse(["join"]), {"join": misses}) == 1
    options = parse(["join", "memory", "--json", str(tmp_path / "f.json")])
    with pytest.raises(asyncio.CancelledError):
        await run(options, {"join": measured, "memory": is_stopped})
    assert json.loads((tmp_path / "f.json").read_text())["value"] == 2.0


def test_arguments_have_defaults_and_every_benchmark_a_name() -> None:
    options = parse(["fanout"])
    assert (options.viewers, options.against, options.seconds, options.repeat, options.tries) == (
        None,
        "janus",
        20,
        3,
        5,
    )
    assert (options.json, options.markdown) == (None, None)
    assert parse([*BENCHMARKS, "all"]).names == [*BENCHMARKS, "all"]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "speed",
        "join --viewers 0",
        "join --viewers many",
        "latency --seconds 0",
        "latency --seconds nan",
        "fanout --against nginx",
        "fanout --repeat -1",
        "memory --json /",
        "memory --markdown /dev/null/figures.md",
    ],
)
def test_arguments_without_sense_are_refused_before_anything_is_measured(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(words.split())
    assert refused.value.code == 2
    assert capsys.readouterr().err.startswith("usage: make bench ARGS=...")


def test_samples_stand_first_last_and_evenly_between() -> None:
    assert sampled_positions(50, 3) == {0, 24, 49}
    assert sampled_positions(2, 3) == {0, 1}
    assert sampled_positions(1, 3) == {0}
    assert sampled_positions(9, 1) == {0}


def test_headers_end_behind_contributors_and_extension() -> None:
    assert header_bytes(bytes(12)) == 12
    assert header_bytes(bytes([0x82]) + bytes(40)) == 20
    assert header_bytes(bytes([0x90]) + bytes(13) + b"\x00\x02" + bytes(20)) == 24


def test_counters_that_stand_still_are_named() -> None:
    before = {"nacks_received": 3.0, "retransmissions": 1.0, "reports_received": 2.0, "reports_sent": 9.0}
    assert idle_counters(before, before | {"nacks_received": 4.0, "reports_sent": 10.0}) == [
        "retransmissions",
        "reports_received",
    ]


def test_the_meter_sees_what_this_process_burns() -> None:
    meter = Meter(lambda: [os.getpid()], min(os.sched_getaffinity(0)))
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    usage = meter.stop()
    assert usage.cpu_ns >= 0.09e9
    assert usage.ticks_ns >= 0.05e9
    assert 0 <= meter.foreign_share(usage.cpu_ns) <= 1
    assert cpu_ns(os.getpid()) > 0
    assert cpu_ticks_ns(os.getpid()) > 0
    assert resident_kib(os.getpid()) > 1000


def test_a_show_to_take_over_has_exactly_the_wanted_events() -> None:
    state, entries = show_of(120)
    assert [entry.revision for entry in entries] == list(range(1, 121))
    assert (state.revision, state.phase, state.current) == (120, "live", "s1")
    assert len({type(entry.event) for entry in entries}) > 8


async def test_a_process_is_listed_with_its_descendants() -> None:
    child = await asyncio.create_subprocess_exec("sh", "-c", "read line", stdin=asyncio.subprocess.PIPE)
    assert child.pid in processes_below(os.getpid())
    assert child.stdin is not None
    child.stdin.close()
    await child.wait()


async def test_the_reader_counts_media_and_keeps_what_it_shall() -> None:
    receivers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, receivers[0], receivers[1]:
        for each in receivers:
            each.bind(("127.0.0.1", 0))
            each.setblocking(False)
        inlets = [Inlet(each, PICTURE, SOUND, REPAIR, index == 1) for index, each in enumerate(receivers)]
        reader = Reader(inlets, min(os.sched_getaffinity(0)))
        reader.keep(True)
        not_media = [b"", b"\x01\x01", rtp(200, 1), rtp(REPAIR, 1), rtp(PICTURE, 9, first=0x16)]
        media = [rtp(SOUND, 5), rtp(PICTURE | 0x80, 700), rtp(PICTURE, 701)]
        for each in receivers:
            for datagram in not_media + media:
                sender.sendto(datagram, each.getsockname())
        async with asyncio.timeout(10):
            while min(reader.counts) < len(media):  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.01)
        assert list(reader.counts) == [3, 3]
        assert list(reader.resent) == [1, 1]
        assert list(reader.newest) == [701, 701]
        samples = reader.samples()
        assert [sample.datagram for sample in samples] == media
        assert {sample.viewer for sample in samples} == {1}
        assert all(not sample.anchor and abs(time.time_ns() - sample.received_ns) < 10e9 for sample in samples)
        assert reader.samples() == []
        assert NEVER not in list(reader.newest)
        reader.stop()
