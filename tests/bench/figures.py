"""What a benchmark found, and how it is said: one line, JSON, a row of a table. The arithmetic is here, pure."""

from __future__ import annotations

import json
import math
import platform
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import cast

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Spread:
    """Smallest, middle and largest of some repetitions."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(min(values), median(values), max(values))

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value beside its target. `seconds` is how long media flowed, all repetitions together.

    `details` are the benchmark's own keys in the JSON; `why` says what makes it fail beyond the value itself. A
    benchmark that `broke` has nothing but its name and `why`.
    """

    name: str
    what: str
    value: float
    unit: str
    target: float
    at_least: bool = False
    viewers: int = 0
    packets: int = 0
    seconds: float = 0.0
    lost: int = 0
    verified: int = 0
    cipher: str = ""
    details: Mapping[str, object] = field(default_factory=dict[str, object])
    why: tuple[str, ...] = ()
    broke: bool = False

    @classmethod
    def broken(cls, name: str, error: BaseException) -> Figure:
        """What stands in the place of a figure that could not be measured."""
        return cls(name, "not measured", math.nan, "", math.nan, why=(in_a_line(error),), broke=True)

    @property
    def passed(self) -> bool:
        reached = self.value >= self.target if self.at_least else self.value <= self.target
        return reached and not self.why and not math.isnan(self.value)

    @property
    def goal(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.target:g} {self.unit}".rstrip()

    def line(self) -> str:
        """The one line that a person reads."""
        if self.broke:
            return f"FAIL  {self.name}: {self.what}: {'; '.join(self.why)}"
        parts = [
            f"{'PASS' if self.passed else 'FAIL'}  {self.name}: {self.what} {self.value:.3g} {self.unit}".rstrip(),
            f"target {self.goal}",
            f"{self.viewers} viewers",
            f"{self.packets} packets",
            f"{self.seconds:.1f} s",
            f"{self.lost} lost",
            f"{self.verified} verified",
            self.cipher or "no media cipher",
            machine(),
            *self.why,
        ]
        return " | ".join(parts)

    def as_json(self) -> str:
        values = {
            "benchmark": self.name,
            "passed": self.passed,
            "value": self.value,
            "unit": self.unit,
            "target": "" if self.broke else self.goal,
            "viewers": self.viewers,
            "seconds": round(self.seconds, 3),
            "packets": self.packets,
            "lost": self.lost,
            "verified": self.verified,
            "cipher": self.cipher,
            "machine": machine(),
            "why": list(self.why),
            **self.details,
        }
        # JSON has no NaN: what was not measured is null.
        return json.dumps(json.loads(json.dumps(values), parse_constant=lambda _: None), indent=2)

    def row(self) -> str:
        """Of the table in the README."""
        command = f'`make bench ARGS="{self.name}"`'
        if self.broke:
            reason = "; ".join(self.why).replace("|", "\\|")
            return f"| {self.name} | {self.what} | | **no** | {reason} | {command} |"
        sample = ", ".join(
            part
            for part in (
                f"{self.viewers} viewers" if self.viewers else "",
                f"{self.packets:,} packets" if self.packets else "",
                f"{self.lost} lost" if self.packets else "",
                f"{self.verified:,} verified" if self.verified else "",
            )
            if part
        )
        value = f"{self.value:.3g} {self.unit}".rstrip()
        return f"| {self.what} | {value} | {self.goal} | {'yes' if self.passed else '**no**'} | {sample} | {command} |"


def table(figures: Iterable[Figure]) -> str:
    """Markdown of all figures, with the machine under it."""
    head = ["| figure | measured | target | reached | sample | command |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *(figure.row() for figure in figures), "", f"Measured on: {machine()}.", ""])


def in_a_line(error: BaseException) -> str:
    """What went wrong and where in the benchmarks, of a group its first."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return in_a_line(group.exceptions[0])
    frames = [each for each in traceback.extract_tb(error.__traceback__) if Path(each.filename).parent == _HERE]
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    words = " ".join(str(error).split())
    if len(words) > 300:  # a server's last words tell more than what it said on the way
        words = f"{words[:100]} ... {words[-190:]}"
    return ": ".join(filter(None, (type(error).__name__, words))) + place


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1] of the values do not exceed; NaN of nothing."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def lost_packets(published: int, received: Sequence[int]) -> int:
    """What is missing over all viewers; one viewer's surplus does not hide another's loss."""
    return sum(max(0, published - count) for count in received)


def mismatches(published: Mapping[bytes, int], received: Sequence[bytes]) -> int:
    """How far one viewer's digests are from the published ones: unknown, repeated and missing payloads."""
    seen: set[bytes] = set()
    wrong = 0
    for digest in received:
        if digest not in published or digest in seen:
            wrong += 1
        seen.add(digest)
    return wrong + len(published.keys() - seen)


def machine() -> str:
    """CPU, cores, kernel."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    cores = sum(line.startswith("processor") for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines())
    return f"{model}, {cores} cores, Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}"


def write_json(path: Path, figures: Sequence[Figure]) -> None:
    """One object for one figure, a list for several."""
    texts = [figure.as_json() for figure in figures]
    text = texts[0] if len(texts) == 1 else json.dumps([json.loads(each) for each in texts], indent=2)
    path.write_text(text + "\n", encoding="utf-8")
