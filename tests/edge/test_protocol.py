"""The protocol document keeps up with the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from expo import errors
from expo.kit.startup import EXIT_CODES
from tests.edge.test_i18n import ROOT, raised_codes

DOCUMENT = ROOT / "docs" / "protocol.md"
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


def told_statuses() -> dict[str, set[int]]:
    """The statuses in the second column, of each code in the first."""
    told: dict[str, set[int]] = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            codes, statuses = line.split("|")[1:3]
            found = {int(word) for word in re.findall(r"\b[45]\d\d\b", statuses)}
            told |= dict.fromkeys(CODES.findall(codes), found)
    return told


def raised_statuses() -> Iterator[tuple[str, int]]:
    """Code and status of what is raised with both in plain sight."""
    for path in sorted((ROOT / "expo").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Name(name), [ast.Constant(str(code)), *_], keywords) if hasattr(errors, name):
                    match [each.value for each in keywords if each.arg == "status"]:
                        case [ast.Constant(int(status))]:
                            yield code, status
                        case []:
                            yield code, getattr(errors, name).status
                        case _:
                            pass
                case _:
                    pass


def test_every_code_that_a_client_can_meet_is_told() -> None:
    raised = {code for code in raised_codes() if not code.startswith(("settings.", "demo.", "worker."))}
    assert raised - told_codes() - set(EXIT_CODES) == set()


def test_no_code_is_told_that_nobody_raises() -> None:
    by_aiohttp = {"request.method", "request.unknown_address", "server.error", "server.too_slow"}
    assert told_codes() - set(raised_codes()) - by_aiohttp == set()


def test_every_status_is_the_one_that_is_told() -> None:
    told = told_statuses()
    assert {(code, status) for code, status in raised_statuses() if code in told and status not in told[code]} == set()
