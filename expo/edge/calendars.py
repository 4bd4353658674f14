"""One event as a calendar file (RFC 5545) that phones and desks take up, with a reminder ten minutes before. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

ICS = "text/calendar"
_OCTETS = 75
"""Of a line, without its end (RFC 5545 3.1)."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a calendar keeps. `uid` is the same for every copy, so that a later one replaces an earlier."""

    uid: str
    title: str
    text: str
    url: str
    starts_at: datetime
    ends_at: datetime


def calendar_file(event: Event, now: datetime) -> bytes:
    """The file, written at `now`."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Expo live server//Showcases//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{_words(event.uid)}",
        f"DTSTAMP:{_utc(now)}",
        f"DTSTART:{_utc(event.starts_at)}",
        f"DTEND:{_utc(event.ends_at)}",
        f"SUMMARY:{_words(event.title)}",
        f"DESCRIPTION:{_words(event.text)}",
        f"LOCATION:{_words(event.url)}",
        f"URL:{event.url}",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_words(event.title)}",
        "TRIGGER:-PT10M",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return b"".join(piece + b"\r\n" for line in lines for piece in _folded(line.encode()))


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _words(text: str) -> str:
    """TEXT (RFC 5545 3.3.11): line ends, commas and the like escaped, so that no name ends the event."""
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return "\\n".join(escaped.splitlines())


def _folded(line: bytes) -> Iterator[bytes]:
    """A line as pieces of at most 75 octets, cut between characters; those behind the first begin with a space."""
    at, room = 0, _OCTETS
    while len(line) - at > room:
        cut = at + room
        while line[cut] & 0xC0 == 0x80:
            cut -= 1
        yield (b" " if at else b"") + line[at:cut]
        at, room = cut, _OCTETS - 1
    yield (b" " if at else b"") + line[at:]
