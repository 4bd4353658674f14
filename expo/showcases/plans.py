"""A showcase as its organiser plans it: who, when, in which order, and what is missing before it is announced. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from expo.errors import Conflict, Invalid
from expo.ids import DelegationId, ExhibitorId, ProductId
from expo.rooms.model import MOST_PART_S
from expo.rooms.text import clean
from expo.showcases.rules import State
from expo.store.base import to_json
from expo.store.words import LANGUAGES, Words

PART_S = 600
"""How long a company has unless somebody says otherwise."""
MOST_PART_MINUTES = MOST_PART_S // 60
LEAST_MINUTES, MOST_MINUTES = 5, 720
USUAL_HOUR = 14
"""A good hour in Hanoi and in Seoul."""
YEARS = range(2000, 2100)

Standing = Literal["done", "hint", "missing"]
CheckCode = Literal["companies", "start", "titles", "products", "length"]


@dataclass(frozen=True, slots=True)
class Part:
    """One company's part; it shows all of the company's products but `left_out`."""

    exhibitor_id: ExhibitorId
    length_s: int
    left_out: frozenset[ProductId] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be changed until the show is live. Each company has one part at most."""

    delegation_id: DelegationId
    titles: Words
    starts_at: datetime
    ends_at: datetime
    open_to_all: bool
    auto_live: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the list before announcing. `missing` keeps from it, `hint` does not; `count` says how many."""

    code: CheckCode
    standing: Standing
    count: int = 0


def version_of(state: State, plan: Plan) -> str:
    """A tag that is another one whenever anybody changed anything of the plan."""
    content = [
        state,
        plan.delegation_id,
        sorted(plan.titles.items()),
        [at.astimezone(UTC).isoformat() for at in (plan.starts_at, plan.ends_at)],
        [plan.open_to_all, plan.auto_live],
        [[part.exhibitor_id, part.length_s, sorted(part.left_out)] for part in plan.parts],
    ]
    return hashlib.blake2s(to_json(content).encode(), digest_size=12).hexdigest()


def checks(plan: Plan, products: Mapping[ExhibitorId, Collection[ProductId]], now: datetime) -> tuple[Check, ...]:
    """What stands between the plan and its announcement, always in the same order."""
    untold = sum(not plan.titles.get(language) for language in LANGUAGES)
    bare = sum(not set(products.get(part.exhibitor_id, ())) - part.left_out for part in plan.parts)
    over_s = sum(part.length_s for part in plan.parts) - (plan.ends_at - plan.starts_at).total_seconds()
    return (
        Check("companies", "done" if plan.parts else "missing", len(plan.parts)),
        Check("start", "done" if plan.starts_at > now else "missing"),
        Check("titles", "hint" if untold else "done", untold),
        Check("products", "hint" if bare else "done", bare),
        Check("length", "hint" if over_s > 0 else "done", -int(-over_s // 60) if over_s > 0 else 0),
    )


def require_announceable(found: Iterable[Check]) -> None:
    """Conflict `showcase.incomplete` while something is missing."""
    if missing := [check.code for check in found if check.standing == "missing"]:
        raise Conflict("showcase.incomplete", f"missing: {', '.join(missing)}")


def usual_parts(exhibitor_ids: Iterable[str]) -> tuple[Part, ...]:
    """Ten minutes each, in the given order, with all products."""
    return tuple(Part(ExhibitorId(exhibitor_id), PART_S) for exhibitor_id in exhibitor_ids)


def usual_start(now: datetime, zone: str) -> datetime:
    """Tomorrow afternoon in an IANA zone, in UTC."""
    there = ZoneInfo(zone)
    return datetime.combine(now.astimezone(there).date() + timedelta(days=1), time(USUAL_HOUR), there).astimezone(UTC)


def usual_length(parts: Collection[Part]) -> timedelta:
    """As long as all parts together, at least half an hour."""
    return timedelta(seconds=min(max(sum(part.length_s for part in parts), 1800), MOST_MINUTES * 60))


def told(titles: Mapping[str, str], most_chars: int) -> Words:
    """Titles as they are kept: cleaned, without empty ones.

    Invalid `text.no_words` when none is left, `text.too_long`.
    """
    kept = {language: clean(text, most_chars) for language, text in titles.items() if text.strip()}
    if not kept:
        raise Invalid("text.no_words", "a showcase needs a title in one language at least")
    return kept


def local_minute(at: datetime, zone: str) -> datetime:
    """A moment as the clock on the wall has it there: naive, whole minutes."""
    return at.astimezone(ZoneInfo(zone)).replace(second=0, microsecond=0, tzinfo=None)


def moment_of(local: datetime, zone: str) -> datetime:
    """The moment of a naive local time, in UTC. Invalid `showcase.bad_start` outside of this century."""
    if local.year not in YEARS:
        raise Invalid("showcase.bad_start", "no show starts in that year")
    return local.replace(second=0, microsecond=0, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def minutes_of(length_s: float) -> int:
    """Whole minutes of a length, at least one."""
    return max(1, round(length_s / 60))
