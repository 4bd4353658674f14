"""Plans without rows: what is missing, what is worth a hint, times on the host's wall."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from expo.errors import Invalid
from expo.ids import DelegationId, ExhibitorId, ProductId
from expo.showcases.plans import Part, Plan, checks, local_minute, moment_of, usual_length, usual_start, version_of

NOW = datetime(2026, 11, 24, 7, 42, tzinfo=UTC)
A, B = ExhibitorId("a"), ExhibitorId("b")
PRODUCTS = {A: {ProductId("p"), ProductId("q")}, B: {ProductId("r")}}
PLAN = Plan(
    delegation_id=DelegationId("d"),
    titles={"ko": "가", "vi": "b", "en": "c"},
    starts_at=NOW + timedelta(days=1),
    ends_at=NOW + timedelta(days=1, minutes=20),
    open_to_all=True,
    auto_live=False,
    parts=(Part(A, 600), Part(B, 600)),
)
LESS = (Part(A, 600, frozenset(PRODUCTS[A])), Part(B, 601))


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (PLAN, {}),
        (replace(PLAN, parts=()), {"companies": "missing"}),
        (replace(PLAN, starts_at=NOW), {"start": "missing"}),
        (replace(PLAN, titles={"en": "c", "ko": ""}), {"titles": "hint"}),
        (replace(PLAN, parts=LESS), {"products": "hint", "length": "hint"}),
    ],
)
def test_what_is_missing_and_what_is_a_hint(plan: Plan, told: dict[str, str]) -> None:
    found = checks(plan, PRODUCTS, NOW)
    assert {check.code: check.standing for check in found if check.standing != "done"} == told
    assert [check.count for check in found if check.standing == "hint"] == [2 if "titles" in told else 1] * len(
        [each for each in told.values() if each == "hint"]
    )


def test_every_change_is_another_version_and_the_order_of_products_is_none() -> None:
    changed = [
        replace(PLAN, titles={"en": "c"}),
        replace(PLAN, starts_at=NOW),
        replace(PLAN, open_to_all=False),
        replace(PLAN, auto_live=True),
        replace(PLAN, parts=PLAN.parts[::-1]),
        replace(PLAN, parts=LESS),
        replace(PLAN, delegation_id=DelegationId("e")),
    ]
    assert (
        len({version_of("draft", PLAN), version_of("scheduled", PLAN), *(version_of("draft", p) for p in changed)}) == 9
    )
    assert version_of("draft", replace(PLAN, starts_at=PLAN.starts_at.astimezone())) == version_of("draft", PLAN)


def test_a_start_is_read_and_shown_on_the_host_s_clock_even_where_that_clock_jumps() -> None:
    at = moment_of(datetime(2026, 11, 25, 14), "Asia/Ho_Chi_Minh")  # noqa: DTZ001 - local
    assert at == datetime(2026, 11, 25, 7, tzinfo=UTC)
    assert local_minute(at, "Asia/Ho_Chi_Minh") == datetime(2026, 11, 25, 14)  # noqa: DTZ001 - local
    skipped = moment_of(datetime(2026, 3, 29, 2, 30), "Europe/Berlin")  # noqa: DTZ001 - local
    assert local_minute(skipped, "Europe/Berlin") == datetime(2026, 3, 29, 3, 30)  # noqa: DTZ001 - local
    assert usual_start(datetime(2026, 11, 24, 23, tzinfo=UTC), "Asia/Ho_Chi_Minh") == datetime(
        2026, 11, 26, 7, tzinfo=UTC
    )
    with pytest.raises(Invalid):
        moment_of(datetime(9999, 12, 31, 23), "America/New_York")  # noqa: DTZ001 - local


def test_a_show_is_as_long_as_its_parts_within_reason() -> None:
    assert usual_length([]) == timedelta(minutes=30)
    assert usual_length(PLAN.parts * 3) == timedelta(minutes=60)
    assert usual_length([Part(A, 14_400)] * 9) == timedelta(hours=12)
