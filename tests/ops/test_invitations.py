"""`expo invite` as an operator types it, on the demonstration's rows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from expo.clock import utc_now
from expo.demo.seed import seed
from expo.settings import Settings
from expo.store.db import Database
from expo.store.migrate import upgrade

pytestmark = pytest.mark.cluster

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
async def run(tmp_path: Path) -> Run:
    """`expo invite ...` on a seeded database without a server."""
    env = {"EXPO_DATA_DIR": str(tmp_path), "EXPO_HTTP_BIND": "0.0.0.0:9090"}
    settings = Settings.from_env(env)
    await upgrade(settings.effective_database_url)
    database = await Database.open(settings.effective_database_url)
    await seed(database, utc_now())
    await database.close()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "expo", "invite", *arguments]
        return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)

    return run


async def test_an_invitation_is_made_listed_and_revoked(run: Run) -> None:
    made = run("--role", "exhibitor", "--showcase", "chungbuk", "--name", "김민수", "--language", "ko", "--days", "3")
    assert made.returncode == 0, made.stderr
    assert re.fullmatch(r"http://127\.0\.0\.1:9090/i/[a-z0-9]{39}\n", made.stdout)
    invitation = made.stderr.split(":")[0]
    listed = run("list", "--showcase", "chungbuk").stdout
    assert re.search(rf"{invitation} +exhibitor +open +0/3 +[\d-]+ +chungbuk +김민수", listed)
    assert "No invitations yet" in run("list", "--showcase", "daegu").stdout
    for _ in range(2):
        revoked = run("revoke", invitation)
        assert revoked.returncode == 0
        assert "Revoked. Valkey does not answer" in revoked.stdout
    assert " revoked " in run("list").stdout


async def test_the_site_may_be_named(run: Run) -> None:
    made = run(
        "--role", "interpreter", "--showcase", "chungbuk", "--name", "Yến", "--url", "https://live.hanbit.example/"
    )
    assert made.stdout.startswith("https://live.hanbit.example/i/")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--role", "king", "--showcase", "chungbuk", "--name", "X"], 2, "organiser, exhibitor"),
        (["--role", "buyer", "--name", "X"], 2, "--showcase"),
        (["--role", "buyer", "--showcase", "nowhere", "--name", "X"], 16, "showcase.not_found"),
        (["--role", "buyer", "--showcase", "chungbuk", "--name", " "], 16, "text.no_words"),
        (["--role", "buyer", "--showcase", "chungbuk", "--name", "X", "--days", "400"], 2, "365"),
        (["--role", "exhibitor", "--showcase", "chungbuk", "--name", "X", "--company", "dalgu"], 16, "companies are"),
        (["revoke", "nobody"], 16, "invitation.unknown"),
    ],
)
async def test_what_cannot_be_done_is_said_in_words(run: Run, arguments: list[str], code: int, words: str) -> None:
    done = run(*arguments)
    assert (done.returncode, words in done.stderr, done.stdout) == (code, True, "")
    assert "Traceback" not in done.stderr
