"""`python -m tests.bench NAME...`: measures, prints a line per figure, exits 1 when one misses its target."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench import browsers, fanout, solo
from tests.bench.figures import Figure, table, write_json
from tests.bench.place import LOAD_CORE, enter_namespace, furnish_namespace, hurry, pinned, show


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*BENCHMARKS, "all"], metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--viewers", type=int, help="default: what the figure's target says")
    parser.add_argument("--against", choices=["janus", "mediarelay"], default="janus", help="fanout: the other server")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of one repetition")
    parser.add_argument("--repeat", type=int, default=3, help="fanout: repetitions in one run")
    parser.add_argument("--tries", type=int, default=5, help="of a wall-clock figure while others use the machine")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the figures as a table")
    return parser.parse_args(argv)


async def _fanout(options: argparse.Namespace) -> list[Figure]:
    return [await fanout.fanout(options.viewers or 50, options.against, options.seconds, options.repeat)]


async def _ingest(options: argparse.Namespace) -> list[Figure]:
    return [await solo.ingest(options.seconds, options.tries)]


async def _memory(options: argparse.Namespace) -> list[Figure]:
    return [await solo.memory(options.viewers or 200)]


async def _join(options: argparse.Namespace) -> list[Figure]:
    return [await solo.join(options.viewers or 200, options.tries)]


async def _latency(options: argparse.Namespace) -> list[Figure]:
    return [await solo.latency(options.viewers or 100, options.seconds, options.tries)]


async def _click(options: argparse.Namespace) -> list[Figure]:
    return [await browsers.click(options.viewers or 30, options.tries)]


async def _screen(options: argparse.Namespace) -> list[Figure]:
    return [await browsers.screen(options.tries)]


async def _publish(options: argparse.Namespace) -> list[Figure]:
    return [await browsers.publish(options.tries)]


BENCHMARKS: dict[str, Callable[[argparse.Namespace], Awaitable[list[Figure]]]] = {
    "fanout": _fanout,
    "ingest": _ingest,
    "memory": _memory,
    "join": _join,
    "latency": _latency,
    "click": _click,
    "screen": _screen,
    "publish": _publish,
}
IN_BROWSERS = {"click", "screen", "publish"}
"""They and their server have the whole machine; the others have fixed cores."""


async def run(options: argparse.Namespace) -> int:
    names = list(BENCHMARKS) if "all" in options.names else options.names
    figures: list[Figure] = []
    for name in names:
        show(f"-- {name}")
        with contextlib.nullcontext() if name in IN_BROWSERS else pinned(LOAD_CORE):
            found = await BENCHMARKS[name](options)
        figures += found
        print(*(figure.line() for figure in found), sep="\n", flush=True)
    if options.json is not None:
        write_json(options.json, figures)
    if options.markdown is not None:
        options.markdown.write_text(table(figures), encoding="utf-8")
    return 0 if all(figure.passed for figure in figures) else 1


def main() -> int:
    options = parse()
    enter_namespace()
    furnish_namespace()
    hurry()
    return asyncio.run(run(options))


if __name__ == "__main__":
    sys.exit(main())
