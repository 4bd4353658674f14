"""What pages and the JSON API show of showcases: plain values in one reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from expo.catalogue.views import Clock, DelegationView, ExhibitorView, ExpoView, Phase, ProductView
from expo.ids import ExhibitorId, SegmentId, ShowcaseId
from expo.showcases.rules import State


@dataclass(frozen=True, slots=True)
class SegmentView:
    """One company's part. `position` counts from 1; times are the plan until the part has begun, then what happened."""

    id: SegmentId
    position: int
    exhibitor_id: ExhibitorId
    exhibitor_name: str
    title: str
    image: str
    starts_at: datetime
    ends_at: datetime
    phase: Phase


@dataclass(frozen=True, slots=True)
class ShowcaseCard:
    """A showcase in a list. `current` is the part on now, or the first to come; None when there is none left."""

    id: ShowcaseId
    title: str
    summary: str
    state: State
    delegation_name: str
    province: str
    image: str
    starts_at: datetime
    ends_at: datetime
    company_count: int
    current: SegmentView | None
    segments: tuple[SegmentView, ...]


@dataclass(frozen=True, slots=True)
class DelegationCard:
    """A delegation with its next moment: `live` now, or `next_starts_at`; `showcase_id` is where its card leads."""

    delegation: DelegationView
    live: bool
    next_starts_at: datetime | None
    showcase_id: ShowcaseId | None


@dataclass(frozen=True, slots=True)
class HomeView:
    """The expo's front page: `live` longest on air first, `next` soonest first, `ended` newest first (at most 8)."""

    expo: ExpoView
    live: tuple[ShowcaseCard, ...]
    next: tuple[ShowcaseCard, ...]
    ended: tuple[ShowcaseCard, ...]
    delegations: tuple[DelegationCard, ...]
    products: tuple[ProductView, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the programme, by the calendar of the expo's first city: its showcases, soonest first."""

    starts_at: datetime
    cards: tuple[ShowcaseCard, ...]


@dataclass(frozen=True, slots=True)
class StageView:
    """All that a buyer's page shows of one showcase.

    `exhibitor` is the company of `current`, or of the last part once all are done; its `products` are the page's list.
    `pinned` is the product on show, if any; it may belong to another company.
    """

    id: ShowcaseId
    title: str
    summary: str
    state: State
    auto_live: bool
    open_to_all: bool
    starts_at: datetime
    ends_at: datetime
    image: str
    delegation: DelegationView
    exhibitor: ExhibitorView
    current: SegmentView | None
    segments: tuple[SegmentView, ...]
    pinned: ProductView | None
    clocks: tuple[Clock, ...]


@dataclass(frozen=True, slots=True)
class StudioView:
    """All that the presenter's page shows. `following` is the part after `current`."""

    stage: StageView
    following: SegmentView | None


@dataclass(frozen=True, slots=True)
class ShowcaseState:
    """What changes while people look; the JSON API adds what the room knows (on air, viewers)."""

    id: ShowcaseId
    title: str
    state: State
    auto_live: bool
    open_to_all: bool
    starts_at: datetime
    went_live_at: datetime | None
    ended_at: datetime | None
