"""The pages speak the server's language: its types, and its way to fold events."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

from expo.rooms import events as be
from tests.support import fold_cases

TOOL = Path(__file__).parents[2] / "tools" / "wire_types.py"


def test_the_pages_types_are_those_of_the_server() -> None:
    result = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, timeout=60, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_the_cases_that_the_pages_fold_are_those_of_the_kernel() -> None:
    committed = fold_cases.FILE.read_text(encoding="utf-8")

    assert committed == fold_cases.text(), "python -m tests.support.fold_cases"


def test_the_cases_hold_every_event_and_every_reader() -> None:
    cases = tuple(fold_cases.cases())
    union = (*get_args(be.StageEvent), *get_args(be.SeatEvent), *get_args(be.CrowdEvent))

    assert {type(told.event) for case in cases for told in case.told} == set(union)
    assert {case.reader for case in cases} == set(fold_cases.READERS)
