from __future__ import annotations

import json
import logging
from collections.abc import Generator

import pytest
import structlog

from expo.kit.logging import configure, get_logger


@pytest.fixture(autouse=True)
def restored() -> Generator[None]:
    """Logging is the process's own; leave it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_json_lines_hold_the_facts_in_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", worker=3)

    get_logger("expo.test").info("worker ready", udp_port=40003, name="박")

    line = json.loads(capsys.readouterr().err)
    assert line["event"] == "worker ready"
    assert (line["worker"], line["udp_port"], line["name"], line["level"]) == (3, 40003, "박", "info")
    assert line["timestamp"].endswith("Z")


def test_libraries_log_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", worker=0)

    logging.getLogger("some.library").warning("took %d s", 7)

    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"], line["worker"]) == ("took 7 s", "warning", 0)


def test_auto_is_json_where_no_terminal_reads(capsys: pytest.CaptureFixture[str]) -> None:
    configure("auto")

    get_logger("expo.test").info("event")

    assert json.loads(capsys.readouterr().err)["event"] == "event"


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_traceback_shows_no_local_variables(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    configure("json" if log_format == "json" else "text")

    def fails(token: str) -> None:
        raise ValueError(f"{len(token)} characters are too many")

    try:
        fails("secret-" + "token")
    except ValueError:
        get_logger("expo.test").exception("it failed")

    text = capsys.readouterr().err
    assert "12 characters are too many" in text
    assert "secret-token" not in text


def test_debug_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")

    get_logger("expo.test").debug("negotiation")
    logging.getLogger("some.library").debug("chatter")

    assert capsys.readouterr().err == ""
