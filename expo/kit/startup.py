"""What can go wrong at the start: each has words, advice and an exit code of its own.

The exit codes are a contract with service managers and scripts; docs/operations.md lists them.
"""

from __future__ import annotations

import msgspec

from expo.errors import ExpoError, Unavailable

DRAIN_S = 5.0
"""Requests that run when a worker is told to stop get this long; the supervisor's patience is longer."""

EXIT_SETTINGS = 2
EXIT_CODES: dict[str, int] = {
    "run.in_use": 10,
    "run.unwritable": 11,
    "http.port_taken": 12,
    "http.unbindable": 12,
    "media.port_taken": 13,
    "media.unbindable": 13,
    "cluster.no_binary": 14,
    "cluster.not_started": 14,
    "cluster.away": 14,
    "cluster.too_old": 14,
    "store.full": 15,
    "store.busy": 15,
    "store.away": 15,
    "store.newer": 15,
    "web.not_built": 17,
}
EXIT_OTHER = 16
"""A worker could not start for a reason without a row of its own."""

ADVICE: dict[str, str] = {
    "run.in_use": "Stop the other server, or give this one its own folder with EXPO_DATA_DIR.",
    "run.unwritable": "Make the folder writable for this user, free some space, or choose another with EXPO_DATA_DIR.",
    "settings.secret": "Make the file readable for this user only, or set EXPO_SECRET.",
    "http.port_taken": "Stop the program that uses the port (`ss -ltnp` names it), or set EXPO_HTTP_BIND.",
    "http.unbindable": "Set EXPO_HTTP_BIND to an address of this machine and a port this user may open.",
    "media.port_taken": "Stop the program that uses the port (`ss -lunp` names it), or set EXPO_UDP_PORT.",
    "media.unbindable": "Set EXPO_UDP_BIND to an address of this machine, for example 0.0.0.0.",
    "cluster.no_binary": "Install valkey-server or redis-server 7 or newer, or set EXPO_REDIS_URL to a running one.",
    "cluster.not_started": "Read its log, named above; or set EXPO_REDIS_URL to a running Valkey or Redis.",
    "cluster.away": "Start the server that EXPO_REDIS_URL names, or unset it to use the embedded one.",
    "cluster.too_old": "Run Valkey, or Redis 7 or newer, there; or unset EXPO_REDIS_URL to use the embedded one.",
    "store.full": "Free some space on the disk of the database.",
    "store.busy": "Stop what holds the database's lock.",
    "store.away": "Start the server that EXPO_DATABASE_URL names, or unset it to use SQLite.",
    "store.newer": "Install the newer version of this program that made the database, or use another database.",
    "web.not_built": "Run `make setup`, which builds the pages.",
}


class StartFailed(Unavailable):
    """The server cannot start; `exit_code` and `advice` are for the operator's shell."""

    @classmethod
    def of(cls, error: ExpoError) -> StartFailed:
        """The same failure as seen by the operator."""
        return error if isinstance(error, StartFailed) else cls(error.code, error.detail)

    @property
    def exit_code(self) -> int:
        """Distinct per kind of failure, see EXIT_CODES."""
        if self.code.startswith("settings."):
            return EXIT_SETTINGS
        return EXIT_CODES.get(self.code, EXIT_OTHER)

    @property
    def advice(self) -> str:
        """What to do about it; empty where nobody can know."""
        return ADVICE.get(self.code, "")


class WorkerReport(msgspec.Struct, frozen=True):
    """What a worker writes into its ready pipe, once: ready, or the error that kept it from starting."""

    ready: bool
    code: str = ""
    detail: str = ""
