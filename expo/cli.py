"""The `expo` command: serve, demo, invite, rooms, recordings, migrate, doctor.

Imports stand inside commands: `--help` is quick.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from expo.errors import ExpoError, Invalid

if TYPE_CHECKING:
    from expo.kit.startup import StartFailed
    from expo.settings import Settings

T = TypeVar("T")
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

app = typer.Typer(
    name="expo",
    help="A virtual trade-expo live server. Settings come from EXPO_* variables; docs/operations.md lists them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help; rich would cost a quarter of the start-up
    pretty_exceptions_enable=False,
)

invite = typer.Typer(
    help="Invite people to a showcase by links that need no password.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
app.add_typer(invite, name="invite")
recordings = typer.Typer(help="What was recorded: list it, prove its files, mend them.", rich_markup_mode=None)
app.add_typer(recordings, name="recordings")


def main() -> None:
    """Entry point of the `expo` command."""
    app()


@app.command()
def serve() -> None:
    """Start the server: database, embedded Valkey, workers. Ctrl-C or SIGTERM stops it."""
    from expo.kit.logging import configure

    settings = _settings(os.environ)
    configure(settings.log_format)
    _warn_of_unknown(os.environ)
    raise typer.Exit(asyncio.run(_serve(settings)))


@app.command()
def demo(
    port: Annotated[int | None, typer.Option(help="HTTP port; default: 8080 or, if taken, a free one.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 1,
    ready_file: Annotated[Path | None, typer.Option(help="Write links and tokens there (JSON) once on air.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Data folder; default: EXPO_DATA_DIR or data/demo-PORT.")
    ] = None,
) -> None:
    """Start a sample expo, with a showcase on air right now."""
    from expo.demo.runner import run
    from expo.kit.startup import StartFailed

    try:
        code = run(port=port, workers=workers, ready_file=ready_file, data_dir=data_dir)
    except ExpoError as error:
        _fail(StartFailed.of(error))
    raise typer.Exit(code)


@app.command()
def migrate() -> None:
    """Bring the database up to this version. Harmless to repeat; `serve` does it too."""
    from expo.kit.logging import configure
    from expo.kit.startup import StartFailed
    from expo.store.migrate import upgrade

    settings = _settings(os.environ)
    configure(settings.log_format)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        asyncio.run(upgrade(settings.effective_database_url))
    except OSError as error:
        _fail(StartFailed("run.unwritable", f"cannot write {settings.data_dir}: {error.strerror}"))
    except ExpoError as error:
        _fail(StartFailed.of(error))
    typer.echo("The database is up to date.")


@app.command()
def doctor() -> None:
    """Look at this machine and say what to do.

    Checks ports, addresses, disk, Valkey, database and pages; exit code 1 when something is wrong.
    """
    from expo.ops.doctor import examine, report

    settings = _settings(os.environ)
    findings = asyncio.run(examine(settings, os.environ))
    typer.echo(report(findings))
    raise typer.Exit(0 if all(finding.grade != "bad" for finding in findings) else 1)


@invite.callback()
def invite_one(
    context: typer.Context,
    role: Annotated[
        str | None, typer.Option(help="organiser, exhibitor, buyer, interpreter, moderator or technician.")
    ] = None,
    showcase: Annotated[str | None, typer.Option(help="The showcase's id.")] = None,
    name: Annotated[str | None, typer.Option(help="The person's name, as the person writes it.")] = None,
    language: Annotated[str | None, typer.Option(help="en, ko or vi; default: the language of their side.")] = None,
    company: Annotated[str | None, typer.Option(help="An exhibitor's company: its slug or id.")] = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long the link works.")] = 30,
    url: Annotated[str | None, typer.Option(help="The site's address; default: EXPO_PUBLIC_URL or the bind.")] = None,
) -> None:
    """Invite somebody: `expo invite --role exhibitor --showcase ID --name NAME`. Prints the link, which is not kept."""
    if context.invoked_subcommand is not None:
        return
    from expo.accounts.invitations import Wanted
    from expo.accounts.rules import DEVICES_PER_LINK, INVITABLE
    from expo.accounts.service import known_role
    from expo.edge.i18n import LANGUAGES
    from expo.ids import ShowcaseId
    from expo.ops import invitations

    if role not in INVITABLE:
        raise typer.BadParameter(f"one of {', '.join(INVITABLE)}", param_hint="--role")
    if showcase is None or name is None:
        raise typer.BadParameter("is needed", param_hint="--showcase" if showcase is None else "--name")
    if language not in {None, *LANGUAGES}:
        raise typer.BadParameter(f"one of {', '.join(LANGUAGES)}", param_hint="--language")
    wanted = Wanted(known_role(role), name=name, language=language, company=company, days=days)
    made = _run(invitations.make(_settings(os.environ), ShowcaseId(showcase), wanted, url))
    person, until = made.invitation.person, made.invitation.expires_at
    told = f"{made.invitation.id}: {person.role} {person.name}, until {until:%Y-%m-%d}, on {DEVICES_PER_LINK} devices"
    typer.echo(told, err=True)
    typer.echo(made.url)


@invite.command("list")
def list_invitations(
    showcase: Annotated[str | None, typer.Option(help="Only this showcase's.")] = None,
) -> None:
    """List invitations, newest first: who, until when, on how many devices."""
    from expo.ids import ShowcaseId
    from expo.ops import invitations

    wanted = None if showcase is None else ShowcaseId(showcase)
    typer.echo(invitations.table(_run(invitations.every(_settings(os.environ), wanted))))


@invite.command("revoke")
def revoke_invitation(invitation: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """End a link, sign out every device that came in by it, and end their media."""
    from expo.ids import InvitationId
    from expo.ops import invitations

    if _run(invitations.revoke(_settings(os.environ), InvitationId(invitation))):
        typer.echo("Revoked.")
    else:
        typer.echo("Revoked. Valkey does not answer: media that flows now ends when the server hears Valkey again.")


@app.command("rooms")
def list_rooms() -> None:
    """List the live rooms: phase, owner, viewers, who presents."""
    from expo.ops import rooms

    typer.echo(rooms.table(_run(rooms.every(_settings(os.environ)))))


@recordings.command("list")
def list_recordings() -> None:
    """List recordings: who may see them, length, size, gaps, until when they are kept."""
    from expo.ops import recordings

    typer.echo(recordings.table(_run(recordings.every(_settings(os.environ)))))


@recordings.command("verify")
def verify_recordings(
    recording: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this one.")] = None,
) -> None:
    """Compare every byte of files with their indexes; exit code 1 when something is wrong."""
    from expo.ids import RoomId
    from expo.kit.startup import StartFailed
    from expo.ops import recordings

    try:
        found = recordings.verified(_settings(os.environ), None if recording is None else RoomId(recording))
    except ExpoError as error:
        _fail(StartFailed.of(error))
    typer.echo(recordings.findings_table(found))
    raise typer.Exit(1 if any(found.values()) else 0)


@recordings.command("repair")
def repair_recording(recording: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """End a recording whose server was killed, and make lost lines of its index anew; exit code 1 when that is not all.

    Gives up nothing that is there; harmless to repeat.
    """
    from expo.ids import RoomId
    from expo.ops import recordings

    mended, left = _run(recordings.repaired(_settings(os.environ), RoomId(recording)))
    typer.echo("\n".join(f"{one.file}: {one.problem}" for one in mended) or "Nothing to mend.")
    for one in left:
        typer.echo(f"{one.file}: {one.problem} at byte {one.offset}, which cannot be mended", err=True)
    raise typer.Exit(1 if left else 0)


@app.command(hidden=True)
def worker(
    index: Annotated[int, typer.Option()],
    listen_fd: Annotated[int, typer.Option()],
    ready_fd: Annotated[int, typer.Option()],
) -> None:
    """Run one worker; the supervisor calls this."""
    from expo.worker import run

    raise typer.Exit(run(_settings(os.environ), index, listen_fd, ready_fd))


async def _serve(settings: Settings) -> int:
    from expo.kit.startup import StartFailed
    from expo.supervisor import Supervisor

    supervisor = Supervisor(settings)
    starting = asyncio.create_task(supervisor.start(), name="serve.start")
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not told.is_set():
            told.set()
            starting.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    try:
        ready = await starting
    except StartFailed as error:
        _fail(error)
    except asyncio.CancelledError:
        return 0
    typer.echo(f"Serving on {ready.base_url} (Ctrl-C stops)")
    sys.stdout.flush()
    await told.wait()
    await supervisor.stop()
    return 0


def _run(work: Coroutine[object, object, T]) -> T:
    """The result of some work on rows; errors are said and end the program."""
    from expo.kit.startup import StartFailed

    try:
        return asyncio.run(work)
    except ExpoError as error:
        _fail(StartFailed.of(error))


def _settings(env: Mapping[str, str]) -> Settings:
    from expo.kit.startup import StartFailed
    from expo.settings import Settings

    try:
        return Settings.from_env(env)
    except Invalid as error:
        _fail(StartFailed.of(error))


def _warn_of_unknown(env: Mapping[str, str]) -> None:
    from expo.kit.logging import get_logger
    from expo.settings import unknown_variables

    for name in unknown_variables(env):
        get_logger(__name__).warning("unknown setting is ignored", setting=name)


def _fail(error: StartFailed) -> NoReturn:
    """Say what is wrong and what to do, then leave with the failure's own exit code."""
    typer.secho(f"expo: {error.detail or error.code} [{error.code}]", err=True, fg="red")
    if error.advice:
        typer.echo(f"  {error.advice}", err=True)
    raise typer.Exit(error.exit_code)
