"""Rules for every test: a skipped or expected failure is a failure, and settings of the shell do not leak in.

Temporary folders are in memory where there is enough of it, and go with the test that passed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from expo.settings import PREFIX

MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux has memory as files
MEMORY_WANTED = 4 << 30
"""Free bytes there; a run needs some hundred million. Docker's usual 64 MB are too few."""

# Databases and logs of servers that live for one test: where a disk has to write and discard them, tests wait longer
# for it than for the servers.
if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_WANTED:
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # asked before, and kept

# Hypothesis' own deadlines are wall-clock time, which on a busy machine says nothing about the code.
settings.register_profile("expo", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("expo")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, None]:
    """A skip or xfail is a test that did not run: say so as a failure."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()  # pyright: ignore[reportAttributeAccessIssue] - pluggy's old-style wrapper
    if report.skipped or hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skips and expected failures count as failures here: {report.longrepr}"
        vars(report).pop("wasxfail", None)  # with it, pytest would print a failure and exit with 0


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, None]:
    """The same for a module that skips itself while it is collected."""
    outcome = yield
    report: pytest.CollectReport = outcome.get_result()  # pyright: ignore[reportAttributeAccessIssue] - pluggy's old-style wrapper
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skips count as failures here: {report.longrepr}"


@pytest.fixture(autouse=True)
def no_settings_from_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests say every setting themselves."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
