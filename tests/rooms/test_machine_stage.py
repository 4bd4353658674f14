from __future__ import annotations

import pytest

from expo.errors import Conflict, Forbidden, NotFound
from expo.ids import ExhibitorId, ParticipantId, ProductId, SegmentId
from expo.rooms import commands as do
from expo.rooms.commands import Command
from expo.rooms.model import Picture, segment_of
from tests.support.shows import HOA, KERNEL, KIM, LEE, MAI, MINSU, NOON_MS, PARK, Show, person, segment

S1, S2, S3 = (SegmentId(f"s{n}") for n in (1, 2, 3))
P1, P2 = ProductId("p1"), ProductId("p2")


def on_air(show: Show) -> list[str]:
    return [name for name, seat in show.state.seats.items() if seat.on_air]


def test_a_show_goes_from_draft_to_its_end() -> None:
    show = Show()
    phases: list[str] = []
    for command in (do.OpenWaitingRoom(), do.GoLive(), do.Pause(), do.Resume(), do.End()):
        show.do(MAI, command)
        assert show.do(MAI, command) == []  # pressed again
        phases.append(show.state.phase)

    assert phases == ["waiting", "live", "paused", "live", "ended"]


def test_a_waiting_room_closes_again_until_the_show_is_live() -> None:
    show = Show()
    show.do(MAI, do.OpenWaitingRoom())
    show.do(KIM, do.TakeSeat())

    assert show.do(KERNEL, do.CloseWaitingRoom()) == ["WaitingRoomClosed"]
    assert (show.state.phase, [*show.state.seats]) == ("draft", ["kim"])
    assert show.do(KERNEL, do.CloseWaitingRoom()) == []

    show.live()
    with pytest.raises(Conflict, match="already_live"):
        show.do(KERNEL, do.CloseWaitingRoom())


@pytest.mark.parametrize(
    ("before", "command", "code"),
    [
        ([], do.GoLive(), "rooms.draft"),
        ([], do.End(), "rooms.draft"),
        ([], do.Reorder(segments=(S3, S2, S1)), "rooms.draft"),
        ([], do.SetLength(segment=S1, planned_s=600), "rooms.draft"),
        ([do.OpenWaitingRoom()], do.Pause(), "rooms.not_live"),
        ([do.OpenWaitingRoom()], do.ArmNext(segment=S1, anyway=True), "rooms.not_live"),
        ([do.OpenWaitingRoom(), do.GoLive()], do.OpenWaitingRoom(), "rooms.already_live"),
        ([do.OpenWaitingRoom(), do.GoLive(), do.Pause()], do.GoLive(), "rooms.already_live"),
        ([do.OpenWaitingRoom(), do.GoLive(), do.Pause()], do.ArmNext(segment=S1), "rooms.not_live"),
        ([do.OpenWaitingRoom(), do.GoLive(), do.End()], do.Resume(), "rooms.ended"),
        ([do.OpenWaitingRoom(), do.GoLive(), do.End()], do.PointPicture(seat=None), "rooms.ended"),
        ([do.OpenWaitingRoom(), do.GoLive()], do.CancelNext(), "rooms.not_armed"),
        ([do.OpenWaitingRoom(), do.GoLive()], do.UndoNext(), "rooms.undo_over"),
    ],
)
def test_what_does_not_fit_the_phase_is_refused(before: list[Command], command: Command, code: str) -> None:
    show = Show()
    for earlier in before:
        show.do(MAI, earlier)

    with pytest.raises(Conflict) as caught:
        show.do(MAI, command)
    assert caught.value.code == code


def test_the_next_company_begins_after_a_countdown_of_three_seconds() -> None:
    show = Show().live()

    show.do(MAI, do.ArmNext(segment=S1))
    assert show.state.armed
    assert show.state.armed.due_ms == NOON_MS + 3000
    show.later(2.999)
    assert show.state.current is None
    show.later(0.001)

    assert show.state.current == S1
    assert show.state.armed is None
    assert show.state.segments[0].started_ms == NOON_MS + 3000
    assert show.state.picture == Picture(seat=ParticipantId("kim"))
    assert on_air(show) == ["kim"]


def test_two_organisers_who_press_next_together_advance_once() -> None:
    show = Show().live()

    assert show.do(MAI, do.ArmNext(segment=S1)) == ["NextArmed"]
    assert show.do(MINSU, do.ArmNext(segment=S1)) == []
    show.later(3)
    with pytest.raises(Conflict, match=r"rooms\.next_changed"):  # pressed with the old page in view
        show.do(MINSU, do.ArmNext(segment=S1))

    assert show.state.current == S1
    assert show.state.armed is None


def test_a_second_company_cannot_be_armed_beside_the_first() -> None:
    show = Show().live()
    show.do(MAI, do.ArmNext(segment=S1))

    with pytest.raises(Conflict, match=r"rooms\.next_changed"):
        show.do(MINSU, do.ArmNext(segment=S2))


def test_a_company_with_nobody_ready_needs_a_confirmation() -> None:
    show = Show().live()
    show.do(KIM, do.SetReady(ready=False))

    with pytest.raises(Conflict, match=r"rooms\.next_not_ready"):
        show.do(MAI, do.ArmNext(segment=S1))
    assert show.do(MAI, do.ArmNext(segment=S1, anyway=True)) == ["NextArmed"]


def test_cancel_stops_the_countdown_and_a_pause_does_too() -> None:
    show = Show().live()
    show.do(MAI, do.ArmNext(segment=S1))
    show.do(MINSU, do.CancelNext())
    show.later(5)
    assert show.state.current is None

    show.do(MAI, do.ArmNext(segment=S1))
    show.do(MAI, do.Pause())
    show.later(5)
    assert show.state.current is None


def test_after_the_last_company_there_is_no_next() -> None:
    show = Show().live().next(1).next(2).next(3)

    with pytest.raises(Conflict, match=r"rooms\.no_next"):
        show.do(MAI, do.ArmNext(segment=S3))


def test_undo_brings_the_company_before_back_with_its_picture_and_pin() -> None:
    show = Show().live().next(1)
    show.do(KIM, do.Pin(product=P1))
    before = show.state
    show.next(2)
    assert show.state.pin is None
    show.later(10)

    show.do(MAI, do.UndoNext())

    assert (show.state.current, show.state.pin, show.state.picture) == (before.current, before.pin, before.picture)
    assert show.state.segments == before.segments
    assert on_air(show) == ["kim"]
    with pytest.raises(Conflict, match=r"rooms\.undo_over"):
        show.do(MAI, do.UndoNext())
    assert show.do(MAI, do.ArmNext(segment=S2)) == ["NextArmed"]


def test_undo_is_over_after_ten_seconds() -> None:
    show = Show().live().next(1)
    show.later(10.001)

    with pytest.raises(Conflict, match=r"rooms\.undo_over"):
        show.do(MAI, do.UndoNext())


def test_undo_forgets_the_picture_of_somebody_who_has_left() -> None:
    show = Show().live().next(1).next(2)
    show.do(KIM, do.LeaveSeat())

    show.do(MAI, do.UndoNext())

    assert show.state.current == S1
    assert show.state.picture is None


def test_undo_takes_back_a_company_that_has_finished_already() -> None:
    show = Show().live().next(1)
    show.do(KIM, do.Finish())

    show.do(MAI, do.UndoNext())

    assert show.state.current is None
    assert show.state.segments[0].started_ms is None


def test_finishing_ends_the_own_part_and_nothing_follows_by_itself() -> None:
    show = Show().live().next(1)
    show.do(KIM, do.Pin(product=P1))
    with pytest.raises(Forbidden, match=r"rooms\.not_your_part"):
        show.do(PARK, do.Finish())
    show.later(60)

    show.do(KIM, do.Finish())

    first = segment_of(show.state, S1)
    assert first
    assert first.ended_ms == show.now_ms
    assert (show.state.current, show.state.pin, on_air(show)) == (None, None, ["kim"])  # still in the picture
    with pytest.raises(Conflict, match=r"rooms\.nobody_on"):
        show.do(KIM, do.Finish())


def test_ending_the_show_ends_the_part_that_is_on() -> None:
    show = Show().live().next(1)
    show.do(MAI, do.End())

    assert show.state.segments[0].ended_ms == show.now_ms
    assert on_air(show) == []


def test_segments_still_to_come_are_reordered_and_no_others() -> None:
    show = Show().live().next(1)

    show.do(MAI, do.Reorder(segments=(S3, S2)))
    assert [each.id for each in show.state.segments] == [S1, S3, S2]
    assert show.do(MAI, do.Reorder(segments=(S3, S2))) == []
    for stale in ((S1, S2, S3), (S3,), (S3, S3)):
        with pytest.raises(Conflict, match=r"rooms\.order_stale"):
            show.do(MAI, do.Reorder(segments=stale))

    show.do(MAI, do.ArmNext(segment=S3))
    with pytest.raises(Conflict, match=r"rooms\.order_stale"):
        show.do(MINSU, do.Reorder(segments=(S2, S3)))


def test_a_part_that_is_not_over_gets_another_length() -> None:
    show = Show().live().next(1)

    assert show.do(MAI, do.SetLength(segment=S1, planned_s=960)) == ["LengthSet"]
    assert show.do(MAI, do.SetLength(segment=S3, planned_s=540)) == ["LengthSet"]
    assert show.do(MAI, do.SetLength(segment=S3, planned_s=540)) == []
    assert [each.planned_s for each in show.state.segments] == [960, segment(2).planned_s, 540]

    show.next(2)
    for over in (S1, SegmentId("none")):
        with pytest.raises(Conflict, match=r"rooms\.order_stale"):
            show.do(MAI, do.SetLength(segment=over, planned_s=600))


def test_changed_rows_replace_what_is_still_to_come() -> None:
    show = Show().live().next(1)

    assert show.do(KERNEL, do.SetProgramme(segments=(segment(1), segment(4), segment(2)))) == ["ProgrammeSet"]

    assert [each.id for each in show.state.segments] == ["s1", "s4", "s2"]
    assert show.state.segments[0].started_ms is not None
    assert show.do(KERNEL, do.SetProgramme(segments=(segment(4), segment(2)))) == []


def test_the_organiser_points_the_picture_at_a_camera_or_a_screen() -> None:
    show = Show().live().next(1)
    park = ParticipantId("park")
    with pytest.raises(Conflict, match=r"rooms\.no_screen"):
        show.do(MAI, do.PointPicture(seat=park, source="screen"))
    with pytest.raises(NotFound, match=r"rooms\.no_seat"):
        show.do(MAI, do.PointPicture(seat=ParticipantId("nobody")))

    show.do(KERNEL, do.ReportMedia(seat=park, camera=True, screen=True))
    show.do(MAI, do.PointPicture(seat=park, source="screen"))
    assert show.state.picture == Picture(seat=park, source="screen")
    assert on_air(show) == ["kim", "park"]  # two at once

    show.do(KERNEL, do.ReportMedia(seat=park, camera=True, screen=False))
    assert show.state.picture == Picture(seat=park)
    show.do(PARK, do.LeaveSeat())
    assert show.state.picture is None


def test_a_screen_takes_the_picture_from_its_own_camera_and_one_command_takes_it_back() -> None:
    show = Show().live().next(1)
    kim, park = ParticipantId("kim"), ParticipantId("park")
    show.do(KERNEL, do.ReportMedia(seat=park, camera=True, screen=True))
    assert show.state.picture == Picture(seat=kim)  # another's screen takes nothing

    show.do(KERNEL, do.ReportMedia(seat=kim, camera=True, screen=True))
    assert show.state.picture == Picture(seat=kim, source="screen")
    show.do(KIM, do.PointPicture(seat=kim))
    show.do(KERNEL, do.ReportMedia(seat=kim, camera=False, screen=True))
    assert show.state.picture == Picture(seat=kim)  # only a screen that begins


def test_an_exhibitor_points_the_picture_at_its_own_company_while_the_stage_is_theirs() -> None:
    show = Show().live()
    kim, park = ParticipantId("kim"), ParticipantId("park")
    with pytest.raises(Forbidden, match=r"rooms\.not_your_part"):
        show.do(PARK, do.PointPicture(seat=park))
    show.do(KERNEL, do.ReportShown(picture=Picture(seat=park)))  # nobody runs the show, and viewers see Park
    assert on_air(show) == ["park"]
    assert show.do(PARK, do.PointPicture(seat=park)) == ["PicturePointed"]

    show.next(1)
    show.do(MAI, do.PointPicture(seat=park))
    with pytest.raises(Forbidden, match=r"rooms\.not_your_part"):
        show.do(PARK, do.PointPicture(seat=park, source="screen"))
    for seat in (park, None, ParticipantId("nobody")):
        with pytest.raises(Forbidden, match=r"rooms\.not_your_part"):
            show.do(KIM, do.PointPicture(seat=seat))
    assert show.do(KIM, do.PointPicture(seat=kim)) == ["PicturePointed"]


def test_what_viewers_see_is_told_where_it_has_a_seat() -> None:
    show = Show().live().next(1)
    park = Picture(seat=ParticipantId("park"))
    assert show.do(KERNEL, do.ReportShown(picture=park)) == ["PictureShown"]
    assert on_air(show) == ["kim", "park"]  # Park stays until Kim's picture is there
    assert show.do(KERNEL, do.ReportShown(picture=park)) == []
    assert show.do(KERNEL, do.ReportShown(picture=Picture(seat=ParticipantId("encoder")))) == ["PictureShown"]
    assert show.state.shown is None


def test_an_exhibitor_pins_its_own_products_while_it_is_on() -> None:
    show = Show().live()
    with pytest.raises(Forbidden, match=r"rooms\.not_your_part"):
        show.do(KIM, do.Pin(product=P1))
    show.next(1)
    with pytest.raises(Forbidden, match=r"rooms\.not_your_part"):
        show.do(KIM, do.Pin(product=P2))
    with pytest.raises(Forbidden, match=r"rooms\.not_your_part"):
        show.do(PARK, do.Pin(product=P1))
    with pytest.raises(NotFound, match=r"rooms\.no_product"):
        show.do(KIM, do.Pin(product=ProductId("p9")))

    show.do(KIM, do.Pin(product=P1))
    assert show.do(KIM, do.Pin(product=P1)) == []
    show.do(KIM, do.Pin(product=ProductId("p1b")))
    show.do(KIM, do.Pin(product=P1))  # undo is pinning the former
    assert show.state.pin == P1
    with pytest.raises(Forbidden, match=r"rooms\.not_your_part"):
        show.do(LEE, do.Unpin())
    show.do(MAI, do.Pin(product=P2))  # crew: any company's
    show.do(MAI, do.Unpin())
    assert show.state.pin is None
    assert show.do(KIM, do.Unpin()) == []


def test_two_parts_of_one_exhibitor_share_its_seats() -> None:
    show = Show()
    show.do(KERNEL, do.SetProgramme(segments=(segment(1), segment(2))))
    assistant = person("Choi", "present", exhibitor="e1", role="exhibitor")
    show.live()
    show.do(assistant, do.TakeSeat())
    show.next(1)

    assert on_air(show) == ["kim", "choi"]
    assert show.state.seats[ParticipantId("choi")].exhibitor == ExhibitorId("e1")
    with pytest.raises(Forbidden, match=r"token\.not_granted"):
        show.do(HOA, do.TakeSeat())
