from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.media.clock_model import CATCH_UP_PER_S_US, IN_STEP_US, SLEW_PER_S_US, ClockModel, Kind
from expo.media.rtcp import ntp_time

AUDIO, VIDEO = 48_000, 90_000
RATES: dict[Kind, int] = {"audio": AUDIO, "video": VIDEO}


@dataclass
class Sender:
    """A publisher on paper: samples at true times, packets after a medium's own delay and some jitter."""

    model: ClockModel
    random: Random
    delay_us: dict[Kind, int]
    jitter_us: int = 0
    drift_ppm: int = 0
    origin: dict[Kind, int] = field(default_factory=lambda: {"audio": 2**32 - 48_000 * 3, "video": 1_234_567})

    def timestamp(self, key: Kind, at_us: int) -> int:
        sender_us = at_us + at_us * self.drift_ppm // 1_000_000
        return (self.origin[key] + sender_us * RATES[key] // 1_000_000) & 0xFFFFFFFF

    def send(self, key: Kind, at_us: int) -> None:
        arrival_us = at_us + self.delay_us[key] + self.random.randint(0, self.jitter_us)
        self.model.on_packet(key, RATES[key], self.timestamp(key, at_us), arrival_us)

    def report(self, key: Kind, at_us: int) -> None:
        ntp = ntp_time(1_700_000_000 + (at_us + at_us * self.drift_ppm // 1_000_000) / 1e6)
        self.model.on_sender_report(key, ntp, self.timestamp(key, at_us))

    def run(self, from_s: float, to_s: float, *, reports: tuple[Kind, ...] = ()) -> None:
        """20 ms of sound and 40 ms pictures; a report a second."""
        for step in range(int(from_s * 50), int(to_s * 50)):
            at_us = step * 20_000
            self.send("audio", at_us)
            if step % 2 == 0:
                self.send("video", at_us)
            if step % 50 == 25:
                for key in reports:
                    self.report(key, at_us)

    def skew_us(self, at_us: int) -> int:
        audio, video = (self.model.server_us(key, self.timestamp(key, at_us)) for key in ("audio", "video"))
        return video - audio


def sender(audio_us: int = 30_000, video_us: int = 90_000, *, jitter_us: int = 0, drift_ppm: int = 0) -> Sender:
    return Sender(ClockModel(), Random(1), {"audio": audio_us, "video": video_us}, jitter_us, drift_ppm)


def test_the_first_packet_places_its_medium_at_its_arrival() -> None:
    model = ClockModel()
    model.on_packet("audio", AUDIO, 1_000, 5_000_000)
    assert model.server_us("audio", 1_000) == 5_000_000
    assert model.server_us("audio", 1_000 + 960) == 5_020_000
    assert model.server_us("audio", 1_000 - 960) == 4_980_000


def test_a_medium_that_was_never_heard_has_no_time() -> None:
    model = ClockModel()
    model.on_sender_report("audio", 1 << 32, 0)
    with pytest.raises(KeyError):
        model.server_us("audio", 0)


def test_without_reports_each_medium_settles_at_its_least_delayed_packet() -> None:
    talk = sender(jitter_us=40_000)
    talk.run(0, 12)
    assert talk.model.server_us("audio", talk.timestamp("audio", 11_000_000)) == pytest.approx(11_030_000, abs=1_500)
    assert talk.skew_us(11_000_000) == pytest.approx(60_000, abs=3_000)


def test_reports_bring_sound_and_picture_together() -> None:
    talk = sender(jitter_us=10_000)
    talk.run(0, 2)
    assert talk.skew_us(2_000_000) > 40_000
    talk.run(2, 17, reports=("audio", "video"))
    assert abs(talk.skew_us(17_000_000)) < 2_000


def test_a_report_for_one_medium_alone_moves_nothing() -> None:
    talk = sender()
    talk.run(0, 10, reports=("video",))
    assert talk.skew_us(10_000_000) == pytest.approx(60_000, abs=30)


@pytest.mark.parametrize(("audio_us", "video_us"), [(30_000, 90_000), (30_000, 330_000), (150_000, 30_000)])
def test_a_picture_is_in_step_as_soon_as_both_were_reported(audio_us: int, video_us: int) -> None:
    """The sound, which can only jump audibly, stays where it is."""
    talk = sender(audio_us, video_us, jitter_us=10_000)
    talk.run(0, 2)
    assert abs(talk.skew_us(2_000_000)) > 40_000
    talk.report("video", 2_000_000)
    talk.report("audio", 2_000_000)
    soon_s = 2.2 + abs(video_us - audio_us) / CATCH_UP_PER_S_US
    talk.run(2, soon_s)
    assert abs(talk.skew_us(round(soon_s * 1e6))) <= IN_STEP_US
    talk.run(soon_s, 40, reports=("audio", "video"))
    assert abs(talk.skew_us(40_000_000)) < 2_000
    placed = talk.model.server_us("audio", talk.timestamp("audio", 40_000_000))
    assert placed == pytest.approx(40_000_000 + min(audio_us, video_us), abs=11_000)


def test_sound_whose_first_packets_were_late_is_placed_within_seconds() -> None:
    talk = sender()
    for number in range(10):  # a burst: they waited for an encoder
        talk.model.on_packet("audio", AUDIO, talk.timestamp("audio", number * 20_000), 230_000)
    talk.run(0.2, 2.5)
    placed = talk.model.server_us("audio", talk.timestamp("audio", 2_500_000))
    assert placed == pytest.approx(2_530_000, abs=IN_STEP_US)


def test_a_report_that_comes_before_its_medium_counts() -> None:
    talk = sender()
    talk.report("audio", 0)
    talk.report("video", 0)
    talk.run(0, 0.8)
    assert abs(talk.skew_us(800_000)) <= IN_STEP_US


def test_sound_moves_by_5_ms_a_second_and_a_picture_never_goes_back() -> None:
    talk = sender(video_us=500_000, jitter_us=60_000)
    talk.run(0, 4)
    placed = {key: talk.model.server_us(key, talk.timestamp(key, 4_000_000)) for key in RATES}
    for step in range(100, 25 * 20):
        talk.run(step * 0.04, (step + 1) * 0.04, reports=("audio", "video"))
        for key in RATES:
            rate = CATCH_UP_PER_S_US if key == "video" else SLEW_PER_S_US
            now_us = talk.model.server_us(key, talk.timestamp(key, (step + 1) * 40_000))
            # Corrections are 0.1 s apart and a picture more, and arrivals vary by 60 ms.
            assert abs(now_us - placed[key] - 40_000) <= rate * 0.2
            placed[key] = now_us
    assert abs(talk.skew_us(20_000_000)) <= IN_STEP_US


def test_a_burst_after_a_stall_moves_a_picture_by_little() -> None:
    talk = sender(video_us=200_000)
    talk.run(0, 2)
    talk.report("audio", 2_000_000)
    talk.report("video", 2_000_000)
    shown_us: list[int] = []
    for number in range(50):  # pictures of two seconds come within 50 ms
        at_us = 2_000_000 + number * 40_000
        timestamp = talk.timestamp("video", at_us)
        talk.model.on_packet("video", VIDEO, timestamp, 4_200_000 + number * 1_000)
        shown_us.append(talk.model.server_us("video", timestamp))
    assert min(later - earlier for earlier, later in pairwise(shown_us)) > 30_000


@pytest.mark.parametrize("drift_ppm", [-200, 200])
def test_a_sender_whose_clock_drifts_is_followed(drift_ppm: int) -> None:
    talk = sender(drift_ppm=drift_ppm, jitter_us=5_000)
    talk.run(0, 120, reports=("audio", "video"))
    placed = talk.model.server_us("audio", talk.timestamp("audio", 120_000_000))
    assert placed == pytest.approx(120_030_000, abs=6_000)
    assert abs(talk.skew_us(120_000_000)) < 4_000


def test_timestamps_may_wrap() -> None:
    talk = sender()
    talk.run(0, 10)
    assert talk.timestamp("audio", 10_000_000) < talk.origin["audio"]
    assert talk.model.server_us("audio", talk.timestamp("audio", 10_000_000)) == pytest.approx(10_030_000, abs=30)


def test_a_stalled_network_changes_nothing() -> None:
    talk = sender()
    talk.run(0, 5)
    for at_us in range(5_000_000, 8_000_000, 20_000):
        talk.model.on_packet("audio", AUDIO, talk.timestamp("audio", at_us), 8_100_000 + at_us // 1_000)
    talk.run(8.2, 9)
    assert talk.model.server_us("audio", talk.timestamp("audio", 9_000_000)) == pytest.approx(9_030_000, abs=30)


@pytest.mark.parametrize("jump_s", [-3_600, -20, 2, 3_600])
def test_a_restarted_timeline_is_placed_anew_at_once(jump_s: int) -> None:
    talk = sender()
    talk.run(0, 5, reports=("audio", "video"))
    talk.origin["audio"] += jump_s * AUDIO
    talk.run(5, 5.1)
    placed = talk.model.server_us("audio", talk.timestamp("audio", 5_100_000))
    assert placed == pytest.approx(5_130_000, abs=30)


def test_late_packets_and_repeated_timestamps_say_nothing() -> None:
    model = ClockModel()
    model.on_packet("video", VIDEO, 90_000, 1_000_000)
    model.on_packet("video", VIDEO, 90_000, 1_500_000)
    model.on_packet("video", VIDEO, 0, 1_600_000)
    assert model.server_us("video", 90_000) == 1_000_000


def test_a_sender_without_a_wall_clock_is_placed_by_arrival() -> None:
    talk = sender()
    for at_us in range(0, 10_000_000, 20_000):
        talk.send("audio", at_us)
        talk.send("video", at_us)
        talk.model.on_sender_report("video", 0, talk.timestamp("video", at_us))
        talk.model.on_sender_report("audio", 0, talk.timestamp("audio", at_us))
    assert talk.skew_us(10_000_000) == pytest.approx(60_000, abs=30)


def test_media_whose_reports_cannot_share_a_clock_are_placed_by_arrival() -> None:
    talk = sender()
    talk.run(0, 2)
    talk.report("audio", 2_000_000)
    talk.model.on_sender_report("video", ntp_time(5_000), talk.timestamp("video", 2_000_000))
    talk.run(2, 10)
    assert talk.skew_us(10_000_000) == pytest.approx(60_000, abs=30)


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("audio", "video")),
            st.integers(0, 0xFFFFFFFF),
            st.integers(0, 3_000_000),
            st.none() | st.integers(0, 2**64 - 1),
        ),
        max_size=60,
    )
)
def test_nonsense_never_raises_and_later_samples_are_later(events: list[tuple[Kind, int, int, int | None]]) -> None:
    model = ClockModel()
    now_us = 0
    for key, timestamp, pause_us, ntp in events:
        now_us += pause_us
        model.on_packet(key, RATES[key], timestamp, now_us)
        if ntp is not None:
            model.on_sender_report(key, ntp, timestamp)
        assert model.server_us(key, timestamp) < model.server_us(key, timestamp + 960)
