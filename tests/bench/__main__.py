"""`python -m tests.bench NAME...`: measures, prints a line per figure, exits 1 when one misses its target or breaks."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.bench import back, browsers, delay, fanout, live, page, record, replay, rooms, solo
from tests.bench.figures import Figure, in_a_line, table, write_json
from tests.bench.place import LOAD_CORE, enter_namespace, furnish_namespace, hurry, pinned, show


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*BENCHMARKS, "all"], metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--viewers", type=count, help="default: what the figure's target says")
    parser.add_argument("--sockets", type=count, help="chat: pages with a live socket")
    parser.add_argument("--rooms", type=count, help="idle: how many")
    parser.add_argument("--publishers", type=count, help="ingest, record: how many at once")
    parser.add_argument("--alone", action="store_true", help="ingest: on a worker that does nothing else")
    parser.add_argument("--against", choices=["janus", "mediarelay"], default="janus", help="fanout: the other server")
    parser.add_argument("--seconds", type=seconds, default=20.0, help="length of one repetition")
    parser.add_argument("--repeat", type=count, default=3, help="fanout, ingest, record: repetitions in one run")
    parser.add_argument("--tries", type=count, default=5, help="of a wall-clock figure while others use the machine")
    parser.add_argument("--json", type=target, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--markdown", type=target, metavar="FILE", help="write the figures as a table")
    return parser.parse_args(argv)


def count(words: str) -> int:
    number = int(words)
    if number < 1:
        raise ValueError
    return number


def seconds(words: str) -> float:
    number = float(words)
    if not 0 < number < math.inf:
        raise ValueError
    return number


def target(words: str) -> Path:
    """A file that can be written, said before hours of measuring; its folder is made."""
    path = Path(words)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot make {path.parent}: {error.strerror}") from error
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"cannot write {path}")
    return path


async def _fanout(options: argparse.Namespace) -> list[Figure]:
    return [await fanout.fanout(options.viewers or 50, options.against, options.seconds, options.repeat)]


async def _ingest(options: argparse.Namespace) -> list[Figure]:
    viewers = 0 if options.alone else options.viewers or 20
    return [await solo.ingest(options.publishers or 8, viewers, options.seconds, options.repeat)]


async def _record(options: argparse.Namespace) -> list[Figure]:
    return [await record.record(options.publishers or 1, options.viewers or 10, options.seconds, options.repeat)]


async def _memory(options: argparse.Namespace) -> list[Figure]:
    return [await solo.memory(options.viewers or 200)]


async def _join(options: argparse.Namespace) -> list[Figure]:
    return [await solo.join(options.viewers or 200, options.tries)]


async def _latency(options: argparse.Namespace) -> list[Figure]:
    return [await delay.latency(options.viewers or 100, options.seconds, options.tries)]


async def _chat(options: argparse.Namespace) -> list[Figure]:
    return [await delay.chat(options.viewers or 100, options.sockets or 300, options.seconds, options.tries)]


async def _pin(options: argparse.Namespace) -> list[Figure]:
    return [await live.pin(options.viewers or 200, 40, options.tries)]


async def _takeover(options: argparse.Namespace) -> list[Figure]:
    return [await rooms.takeover(5_000, options.tries)]


async def _idle(options: argparse.Namespace) -> list[Figure]:
    return [await rooms.idle(options.rooms or 100, options.seconds, options.tries)]


async def _back(options: argparse.Namespace) -> list[Figure]:
    return [await back.back(options.tries)]


async def _click(options: argparse.Namespace) -> list[Figure]:
    return [await browsers.click(options.viewers or 30, options.tries)]


async def _screen(options: argparse.Namespace) -> list[Figure]:
    return [await browsers.screen(options.tries)]


async def _publish(options: argparse.Namespace) -> list[Figure]:
    return [await browsers.publish(options.tries)]


async def _page(options: argparse.Namespace) -> list[Figure]:
    return await page.page(options.viewers or 10, options.tries)


async def _replay(options: argparse.Namespace) -> list[Figure]:
    return await replay.replay(options.viewers or 24, options.tries)


Benchmark = Callable[[argparse.Namespace], Awaitable[list[Figure]]]

BENCHMARKS: dict[str, Benchmark] = {
    "fanout": _fanout,
    "ingest": _ingest,
    "record": _record,
    "memory": _memory,
    "join": _join,
    "latency": _latency,
    "chat": _chat,
    "pin": _pin,
    "takeover": _takeover,
    "idle": _idle,
    "back": _back,
    "click": _click,
    "screen": _screen,
    "publish": _publish,
    "page": _page,
    "replay": _replay,
}
UNPINNED = {"click", "screen", "publish", "page", "back", "replay"}
"""They and their server have the whole machine; the others have fixed cores."""


async def run(options: argparse.Namespace, benchmarks: Mapping[str, Benchmark] = BENCHMARKS) -> int:
    """Measure one after the other; what was measured is on disk whatever becomes of the next."""
    names = list(benchmarks) if "all" in options.names else options.names
    figures: list[Figure] = []
    for name in names:
        show(f"-- {name}")
        with contextlib.nullcontext() if name in UNPINNED else pinned(LOAD_CORE):
            try:
                found = await benchmarks[name](options)
            except Exception as error:  # one that breaks takes no other along
                found = [Figure.broken(name, error)]
        figures += found
        print(*(figure.line() for figure in found), sep="\n", flush=True)
        if options.json is not None:
            write_json(options.json, figures)
        if options.markdown is not None:
            options.markdown.write_text(table(figures), encoding="utf-8")
    return 0 if all(figure.passed for figure in figures) else 1


def main() -> int:
    options = parse()
    try:
        enter_namespace()
        furnish_namespace()
    except (OSError, subprocess.SubprocessError) as error:
        print(f"FAIL  make bench: no network namespace of its own: {in_a_line(error)}", file=sys.stderr)
        return 1
    hurry()
    try:
        return asyncio.run(run(options))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
