"""The form of one showcase to make: its fields as a plan, and what its buttons do where there is no script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from expo.edge.forms import convert
from expo.errors import Invalid
from expo.showcases.plan_api import NewPlan, PlanPart
from expo.showcases.plans import PART_S

MAX_FIELDS = 4000
"""A hundred companies with forty fields each."""
DO = "^(save|announce|withdraw|delete|copy|add|(up|down|remove):[^:]+)$"
_ONCE = ("version", "delegation", "starts", "minutes", "openToAll", "autoLive", "do", "add")
_TITLES = ("title-ko", "title-vi", "title-en")


class PostedPlan(msgspec.Struct, frozen=True):
    """The form of one showcase. `do` is `save`, `announce`, `withdraw`, `delete`, `copy`, or a row's button: `up:ID`.

    The first two and the rows' buttons need the whole form: `title-ko` and its like too, for each part `company` and
    `length`, and of its products all as `known:ID` and those that it shows as `shown:ID`.
    """

    do: Annotated[str, msgspec.Meta(max_length=80, pattern=DO)] = "save"
    version: Annotated[str, msgspec.Meta(max_length=64)] = ""
    delegation: Annotated[str, msgspec.Meta(max_length=64)] = ""
    starts: Annotated[str, msgspec.Meta(max_length=64)] = ""
    minutes: Annotated[str, msgspec.Meta(max_length=10)] = ""
    add: Annotated[str, msgspec.Meta(max_length=64)] = ""


def plan_of_form(posted: Sequence[tuple[str, str]]) -> NewPlan:
    """The form as a plan. `company` and `length` repeat in the parts' order, `known:ID` and `shown:ID` are products."""
    values: dict[str, list[str]] = {}
    for name, value in posted:
        if name.partition(":")[0] not in {*_ONCE, *_TITLES, "company", "length", "known", "shown"}:
            raise Invalid("request.refused", f"unknown field {name!r}", status=422)
        values.setdefault(name, []).append(value)
    if twice := [name for name in (*_ONCE, *_TITLES) if len(values.get(name, ())) > 1]:
        raise Invalid("request.refused", f"field {twice[0]!r} stands twice", status=422)
    companies, lengths = values.get("company", []), values.get("length", [])
    if len(companies) != len(lengths):
        raise Invalid("request.refused", "each company has one length", status=422)
    once = {name: values[name][0] for name in ("version", "delegation", "starts", "minutes") if name in values}
    if len(once.get("starts", "")) == len("2026-11-24T14:00"):
        once["starts"] += ":00"
    return convert(
        {
            **once,
            "titles": {name.removeprefix("title-"): values.get(name, [""])[0] for name in _TITLES},
            "openToAll": values.get("openToAll", ["false"])[0],
            "autoLive": "autoLive" in values,
            "parts": [
                {
                    "company": company,
                    "minutes": length,
                    "leftOut": sorted({*values.get(f"known:{company}", ())} - {*values.get(f"shown:{company}", ())}),
                }
                for company, length in zip(companies, lengths, strict=True)
            ],
        },
        NewPlan,
    )


def arranged(plan: NewPlan, verb: str, company: str) -> NewPlan:
    """The plan after a button without script: `up`, `down`, `remove` or `add` a company."""
    parts = list(plan.parts)
    at = next((index for index, part in enumerate(parts) if part.company == company), None)
    match verb:
        case "add" if at is None and company:
            parts.append(PlanPart(company, PART_S // 60))
        case "remove" if at is not None:
            del parts[at]
        case "up" | "down" if at is not None:
            parts.insert(max(0, at + (-1 if verb == "up" else 1)), parts.pop(at))
        case _:
            pass
    return msgspec.structs.replace(plan, parts=tuple(parts))
