from __future__ import annotations

from expo.errors import Invalid, Unavailable
from expo.kit.startup import ADVICE, EXIT_CODES, EXIT_OTHER, EXIT_SETTINGS, StartFailed


def test_every_failure_with_an_exit_code_has_advice() -> None:
    assert set(EXIT_CODES) <= set(ADVICE)


def test_exit_codes_stay_clear_of_the_shells_and_of_each_other() -> None:
    codes = {EXIT_SETTINGS, EXIT_OTHER, *EXIT_CODES.values()}

    assert all(1 < code < 64 for code in codes)
    assert EXIT_OTHER not in EXIT_CODES.values()


def test_a_foreign_error_keeps_its_code_and_words() -> None:
    failed = StartFailed.of(Unavailable("store.full", "no space on the disk"))

    assert (failed.code, failed.detail, failed.exit_code) == ("store.full", "no space on the disk", 15)
    assert StartFailed.of(failed) is failed


def test_settings_share_one_exit_code() -> None:
    assert StartFailed.of(Invalid("settings.workers", "write a number")).exit_code == EXIT_SETTINGS
    assert StartFailed("worker.crashed").exit_code == EXIT_OTHER
