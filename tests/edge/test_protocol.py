"""The protocol document keeps up with the code."""

from __future__ import annotations

import re
from pathlib import Path

from expo.kit.startup import EXIT_CODES
from tests.edge.test_i18n import raised_codes

DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol.md"
CODES = re.compile(r"`([a-z]*\.[a-z0-9_]+)`")


def told_codes() -> set[str]:
    """Codes in the first column of the table of errors; `.expired` behind `token.missing` is `token.expired`."""
    told: set[str] = set()
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        family = ""
        for code in CODES.findall(line.split("|")[1]) if line.startswith("| `") else ():
            family = code.split(".")[0] or family
            told.add(code if not code.startswith(".") else family + code)
    return told


def test_every_code_that_a_client_can_meet_is_told() -> None:
    raised = {code for code in raised_codes() if not code.startswith(("settings.", "demo.", "worker."))}
    assert raised - told_codes() - set(EXIT_CODES) == set()


def test_no_code_is_told_that_nobody_raises() -> None:
    by_aiohttp = {"request.method", "request.unknown_address", "server.error", "server.too_slow"}
    assert told_codes() - set(raised_codes()) - by_aiohttp == set()
