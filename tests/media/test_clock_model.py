from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.media.clock_model import SLEW_PER_S_US, ClockModel
from expo.media.rtcp import ntp_time

AUDIO, VIDEO = 48_000, 90_000
RATES = {"audio": AUDIO, "video": VIDEO}


@dataclass
class Sender:
    """A publisher on paper: samples at true times, packets after a medium's own delay and some jitter."""

    model: ClockModel
    random: Random
    delay_us: dict[str, int]
    jitter_us: int = 0
    drift_ppm: int = 0
    origin: dict[str, int] = field(default_factory=lambda: {"audio": 2**32 - 48_000 * 3, "video": 1_234_567})

    def timestamp(self, key: str, at_us: int) -> int:
        sender_us = at_us + at_us * self.drift_ppm // 1_000_000
        return (self.origin[key] + sender_us * RATES[key] // 1_000_000) & 0xFFFFFFFF

    def send(self, key: str, at_us: int) -> None:
        arrival_us = at_us + self.delay_us[key] + self.random.randint(0, self.jitter_us)
        self.model.on_packet(key, RATES[key], self.timestamp(key, at_us), arrival_us)

    def report(self, key: str, at_us: int) -> None:
        ntp = ntp_time(1_700_000_000 + (at_us + at_us * self.drift_ppm // 1_000_000) / 1e6)
        self.model.on_sender_report(key, ntp, self.timestamp(key, at_us), at_us + 20_000)

    def run(self, from_s: float, to_s: float, *, reports: tuple[str, ...] = ()) -> None:
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
    model.on_sender_report("audio", 1 << 32, 0, 0)
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


def test_time_never_moves_by_more_than_5_ms_a_second() -> None:
    talk = sender(video_us=500_000, jitter_us=60_000)
    talk.run(0, 1)
    placed = {key: talk.model.server_us(key, talk.timestamp(key, 0)) for key in RATES}
    for half_s in range(2, 40):
        talk.run(half_s / 2, (half_s + 1) / 2, reports=("audio", "video"))
        for key in RATES:
            now = talk.model.server_us(key, talk.timestamp(key, 0))
            # Half a second, and the 0.1 s between corrections, and the 60 ms by which arrivals vary.
            assert abs(now - placed[key]) <= SLEW_PER_S_US * 0.66
            placed[key] = now


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
        talk.model.on_sender_report("video", 0, talk.timestamp("video", at_us), at_us)
        talk.model.on_sender_report("audio", 0, talk.timestamp("audio", at_us), at_us)
    assert talk.skew_us(10_000_000) == pytest.approx(60_000, abs=30)


def test_media_whose_reports_cannot_share_a_clock_are_placed_by_arrival() -> None:
    talk = sender()
    talk.run(0, 2)
    talk.report("audio", 2_000_000)
    talk.model.on_sender_report("video", ntp_time(5_000), talk.timestamp("video", 2_000_000), 2_000_000)
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
def test_nonsense_never_raises_and_later_samples_are_later(events: list[tuple[str, int, int, int | None]]) -> None:
    model = ClockModel()
    now_us = 0
    for key, timestamp, pause_us, ntp in events:
        now_us += pause_us
        model.on_packet(key, RATES[key], timestamp, now_us)
        if ntp is not None:
            model.on_sender_report(key, ntp, timestamp, now_us)
        assert model.server_us(key, timestamp) < model.server_us(key, timestamp + 960)
