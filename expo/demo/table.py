"""What a started demo prints: who can be played with which link, in a table that stays calm in 80 columns."""

from __future__ import annotations

import io
from collections.abc import Mapping
from unicodedata import east_asian_width

import segno

from expo.demo.ready import PersonLine, ReadyFile

LANGUAGES: Mapping[str, str] = {"ko": "한국어", "vi": "Tiếng Việt", "en": "English"}
STATES: Mapping[str, str] = {"live": "on air", "scheduled": "next", "ended": "over", "draft": "draft"}


def welcome(ready: ReadyFile, lan_url: str | None, lan_address: str | None) -> str:
    """The whole text. With `lan_url` a QR code leads phones of the network to what is on air.

    Without, `lan_address` is this machine's own one, for the hint that says how to let phones in.
    """
    live = next(showcase for showcase in ready.showcases if showcase.state == "live")
    lines = [
        "",
        f"  On air: {live.title}",
        f"  {live.page_url}",
        "",
        "  Be one of these people (open a link; two browsers or private windows for two people):",
        "",
    ]
    for person in ready.people:
        lines += [f"  {_person(person)}", f"    {person.url}"]
    lines += ["", "  All showcases:", ""]
    width = max(_cells(showcase.title) for showcase in ready.showcases)
    for showcase in ready.showcases:
        padded = showcase.title + " " * (width - _cells(showcase.title))
        lines.append(f"  {STATES[showcase.state]:<8}{padded}  {showcase.page_url}")
    idle = next((showcase for showcase in ready.showcases if isinstance(showcase.whip_url, str)), None)
    if idle is not None:
        lines += [
            "",
            f"  “{idle.title}” goes live by itself when an encoder connects:",
            f"    WHIP  {idle.whip_url}",
            f"    token {idle.whip_token}",
        ]
    if lan_url is not None:
        page = live.page_url.replace(ready.base_url, lan_url)
        lines += ["", f"  On a phone in this network: {page}", "", _qr(page)]
    elif lan_address is not None:
        lines += ["", f"  To let phones of this network in: EXPO_ANNOUNCE={lan_address} make demo"]
    lines += ["", "  Ctrl-C stops everything.", ""]
    return "\n".join(lines)


def _person(person: PersonLine) -> str:
    language = LANGUAGES.get(person.language, person.language)
    return f"{person.role:<13}{person.name}{' ' * max(1, 22 - _cells(person.name))}{language}"


def _qr(text: str) -> str:
    drawn = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(drawn, border=2, compact=True)
    return drawn.getvalue().rstrip("\n")


def _cells(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
