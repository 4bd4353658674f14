"""What may be kept of a show, and that nothing else is."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from expo.ids import ParticipantId, ResourceId
from expo.rooms.model import Phase
from expo.rooms.recording import kept
from expo.rooms.stage import Choice, Published
from tests.support.shows import KIM, PARK, Show

KIMS, PARKS = KIM.participant, PARK.participant


def published(seat: ParticipantId) -> Published:
    return Published(ResourceId(f"of {seat}"), seat, "camera", 0)


@pytest.mark.parametrize(
    ("phase", "picture", "voices", "agreed", "may"),
    [
        ("live", KIMS, (KIMS,), {KIMS}, True),
        ("live", KIMS, (KIMS,), {PARKS}, False),
        ("live", KIMS, (KIMS, PARKS), {KIMS}, False),
        ("live", KIMS, (KIMS, PARKS), {KIMS, PARKS}, True),
        ("live", KIMS, (PARKS,), {KIMS}, False),
        ("live", None, (KIMS,), {KIMS}, True),
        ("live", None, (), {KIMS}, False),
        ("paused", KIMS, (KIMS,), {KIMS}, False),
        ("waiting", KIMS, (KIMS,), {KIMS}, False),
        ("ended", KIMS, (KIMS,), {KIMS}, False),
    ],
)
def test_a_show_is_kept_while_it_is_live_and_everybody_seen_or_heard_agrees(
    phase: Phase,
    picture: ParticipantId | None,
    voices: tuple[ParticipantId, ...],
    agreed: set[ParticipantId],
    may: bool,
) -> None:
    state = Show().state
    choice = Choice(published(picture) if picture else None, tuple(map(published, voices)))

    assert kept(replace(state, phase=phase), choice, agreed) is may
