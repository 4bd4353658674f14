from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from expo.edge.calendars import Event, calendar_file

NOON = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
EVENT = Event("chungbuk@expo", "Chungbuk", "Sandeul Foods", "https://expo.example/s/chungbuk", NOON, NOON)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r,;\\"), max_size=200)


def properties(file: bytes) -> list[tuple[str, str]]:
    """What a calendar reads: folded lines joined (RFC 5545 3.1), each a name and a value."""
    lines = file.decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n")
    return [(name, value) for name, _, value in (line.partition(":") for line in lines)]


def unescaped(text: str) -> str:
    return text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\,", ",").replace("\\;", ";").replace("\0", "\\")


@given(WORDS)
def test_whatever_a_name_holds_there_is_one_event_with_it_in_short_lines(words: str) -> None:
    file = calendar_file(Event("u", words, words, "https://e/s/x", NOON, NOON + timedelta(hours=1)), NOON)
    assert all(len(line) <= 75 for line in file.split(b"\r\n"))
    found = properties(file)
    assert [name for name, _ in found].count("BEGIN") == 3
    assert unescaped(next(value for name, value in found if name == "SUMMARY")) == "\n".join(words.splitlines())


def test_times_are_in_utc_and_a_copy_replaces_an_earlier_one() -> None:
    moved = Event(EVENT.uid, "Chungbuk", "", EVENT.url, NOON + timedelta(days=1), NOON + timedelta(days=1, hours=1))
    first, second = dict(properties(calendar_file(EVENT, NOON))), dict(properties(calendar_file(moved, NOON)))
    assert first["UID"] == second["UID"]
    assert (first["DTSTART"], second["DTSTART"]) == ("20261124T070000Z", "20261125T070000Z")
    assert first["TRIGGER"] == "-PT10M"
