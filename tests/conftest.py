"""Rules for every test: a skipped or expected failure is a failure, and settings of the shell do not leak in."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from expo.settings import PREFIX

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
