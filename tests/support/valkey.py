"""A real Valkey for one test: the embedded one, started and stopped as the supervisor does."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

from expo.cluster.embedded import STOP_S, EmbeddedValkey
from expo.kit.runfolder import RunFolder
from expo.settings import Settings


@contextlib.asynccontextmanager
async def running_valkey(data_dir: Path) -> AsyncGenerator[str]:
    """The address of a Valkey with its data in `data_dir`."""
    settings = Settings.from_env({"EXPO_DATA_DIR": str(data_dir)})
    folder = RunFolder(settings.run_dir, settings.socket_dir)
    await folder.take()
    try:
        child = await EmbeddedValkey(settings).start()
        try:
            yield settings.effective_redis_url
        finally:
            await child.stop(STOP_S)
    finally:
        folder.release()
