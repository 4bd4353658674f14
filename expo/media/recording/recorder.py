"""The Recorder: sinks on a room's Feeds in the packet path, and behind a bounded queue the thread that writes."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from expo.clock import monotonic_us
from expo.errors import ExpoError
from expo.kit.logging import get_logger
from expo.media.feed import Feed, Source
from expo.media.recording.frames import Frame, PictureSink, SoundSink
from expo.media.recording.writer import DISK_FAILED, NO_PICTURE, Cut, Item, Keep, Trouble, Writer

log = get_logger(__name__)

LEAST_FREE_BYTES = 200_000_000
# Some 8 s of picture and sound; a disk that is slower for longer loses up to the next key frame.
QUEUE_FRAMES = 640
QUEUE_BYTES = 8_000_000
# A killed process loses the part that grows and one step.
STEP_S = 0.1
IDLE_S = 1.0
_OPEN_S = 30.0
_CLOSE_S = 20.0


@dataclass(frozen=True, slots=True)
class RecordingHealth:
    """`kept_ms` and `bytes` are of the whole recording; `failing` is a Trouble's code while nothing can be kept.

    `dropped` counts frames that found no room in the queue or were none; what the network lost is in the gaps.
    `av_offset_ms` is how much later than it was captured the newest sound lies in the recording.
    """

    kept_ms: int
    bytes: int
    gaps: int
    dropped: int
    av_offset_ms: int
    disk_free_bytes: int
    failing: str | None


class Recorder:
    """Records the Feeds of one room for one of its owners. `open` makes one, `close` ends it; `keep` says from when on.

    `clock` is called in the recorder's thread; `on_trouble` in the event loop.
    """

    def __init__(
        self,
        folder: Path,
        recording: str,
        token: int,
        *,
        feeds: Mapping[str, Feed],
        clock: Callable[[], int],
        on_trouble: Callable[[Trouble], None],
        least_free_bytes: int = LEAST_FREE_BYTES,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_trouble = on_trouble
        self._queue: deque[Item] = deque()
        self._queued_bytes = 0
        self._taken_bytes = 0
        self._lost = 0
        self._wake = threading.Event()
        self._on = False
        self._who: tuple[str, ...] = ()
        self._attached = False
        self._closing: str | None = None
        self._failed = False
        self._begun: asyncio.Future[ExpoError | None] = self._loop.create_future()
        self._ended = asyncio.Event()
        self._sinks = [
            PictureSink(feed, self._hand) if feed.kind == "video" else SoundSink(feed, self._hand)
            for feed in feeds.values()
        ]
        self._writer = Writer(
            folder,
            recording,
            token,
            {name: feed.kind for name, feed in feeds.items()},
            clock=clock,
            tell=self._tell,
            least_free_bytes=least_free_bytes,
        )
        self._thread = threading.Thread(target=self._run, name=f"recorder.{recording}", daemon=True)

    @classmethod
    async def open(
        cls,
        folder: Path,
        recording: str,
        token: int,
        *,
        feeds: Mapping[str, Feed],
        clock: Callable[[], int],
        on_trouble: Callable[[Trouble], None],
        least_free_bytes: int = LEAST_FREE_BYTES,
    ) -> Recorder:
        """Take the recording in this folder over. Raises Conflict("recording.stale_token")."""
        recorder = cls(
            folder,
            recording,
            token,
            feeds=feeds,
            clock=clock,
            on_trouble=on_trouble,
            least_free_bytes=least_free_bytes,
        )
        recorder._thread.start()
        try:
            async with asyncio.timeout(_OPEN_S):
                refused = await recorder._begun
        except BaseException:
            recorder._order_end("not_opened")
            raise
        if refused is not None:
            await recorder.close("not_opened")
            raise refused
        return recorder

    @property
    def health(self) -> RecordingHealth:
        writer = self._writer
        return RecordingHealth(
            kept_ms=writer.kept_ms,
            bytes=writer.bytes,
            gaps=writer.gaps,
            dropped=writer.dropped + self._lost,
            av_offset_ms=writer.av_offset_ms,
            disk_free_bytes=writer.free_bytes,
            failing=writer.failing,
        )

    def keep(self, sources: Collection[Source], who: Collection[str] = ()) -> None:
        """Keep what the Feeds show of these, from the next key frame on; after this call nothing of anybody else.

        `who` is on, as the recording's own lines say.
        """
        for sink in self._sinks:
            sink.take_from(sources)
        self._on = on = bool(sources)
        said, self._who = self._who, tuple(sorted(who))
        if on and self._attached and self._who != said:
            self._put(self._keep_on())
        self._attach(on and not self._failed and self._closing is None)

    def cut(self) -> None:
        """A chapter begins: the next key frame, which is asked for, begins a segment in every rendition."""
        if self._attached:
            self._put(Cut())
            self._ask()

    async def close(self, reason: str) -> None:
        """Write what has come, and end. Idempotent."""
        self._order_end(reason)
        if self._thread.ident is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._ended.wait()
        except TimeoutError:
            log.warning("a disk does not answer: what is on its way to it may be lost", recording=self._thread.name)
        else:
            self._thread.join(1)  # it has said its last word

    def _order_end(self, reason: str) -> None:
        self._attach(wanted=False)
        if self._closing is None:
            self._closing = reason
        self._wake.set()

    def _attach(self, wanted: bool) -> None:  # noqa: FBT001
        if wanted == self._attached:
            return
        self._attached = wanted
        if wanted:
            self._put(self._keep_on())
        for sink in self._sinks:
            if wanted:
                sink.start(monotonic_us())
            else:
                sink.stop()
        if not wanted:
            self._put(Keep(on=False))

    def _keep_on(self) -> Keep:
        return Keep(on=True, who=self._who, at_us=monotonic_us())

    def _put(self, command: Keep | Cut) -> None:
        self._queue.append(command)
        self._wake.set()

    def _hand(self, frame: Frame) -> bool:
        size = sum(map(len, frame.payloads))
        if len(self._queue) >= QUEUE_FRAMES or self._queued_bytes - self._taken_bytes + size > QUEUE_BYTES:
            self._lost += 1
            return False
        self._queued_bytes += size
        self._queue.append(frame)
        return True

    def _ask(self) -> None:
        for sink in self._sinks:
            if self._attached and sink.feed.kind == "video":
                sink.feed.request_key_frame()

    def _hear(self, trouble: Trouble) -> None:
        if trouble.code != NO_PICTURE:
            self._failed = not trouble.over
            self._attach(self._on and not self._failed and self._closing is None)
        self._on_trouble(trouble)

    # --- in the thread ---

    def _run(self) -> None:
        refused: ExpoError | None = None
        try:
            self._writer.open(monotonic_us())
        except ExpoError as error:
            refused = error
        self._in_loop(self._opened, refused)
        try:
            while refused is None and self._closing is None:
                self._wake.wait(STEP_S if self._attached else IDLE_S)
                self._wake.clear()
                self._step()
            if refused is None:
                self._step()
                self._writer.close(self._closing or "", monotonic_us())
        except Exception:
            log.exception("a recorder failed", recording=self._thread.name)
            self._writer.failing = DISK_FAILED
            self._tell(Trouble(DISK_FAILED))
            self._writer.close("failed", monotonic_us())
        finally:
            self._in_loop(self._ended.set)

    def _step(self) -> None:
        items: list[Item] = []
        with contextlib.suppress(IndexError):
            while True:
                items.append(self._queue.popleft())
        self._taken_bytes += sum(sum(map(len, item.payloads)) for item in items if isinstance(item, Frame))
        self._writer.step(items, monotonic_us())
        if self._writer.key_wanted:
            self._in_loop(self._ask)

    def _tell(self, trouble: Trouble) -> None:
        self._in_loop(self._hear, trouble)

    def _opened(self, refused: ExpoError | None) -> None:
        if not self._begun.done():
            self._begun.set_result(refused)

    def _in_loop(self, call: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed before us
            self._loop.call_soon_threadsafe(call, *arguments)
