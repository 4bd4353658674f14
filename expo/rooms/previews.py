"""What the crew sees of a room's backstage: outputs of their own, which no viewer of the stage can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from expo.ids import ResourceId
from expo.media.publication import Publication
from expo.media.router import Router
from expo.rooms.model import State
from expo.rooms.stage import NOBODY, Choice, Published, preview


@dataclass(slots=True)
class _Preview:
    """One output; `lookers` hang on it or are about to."""

    router: Router
    lookers: int = 0
    choice: Choice = NOBODY


class Previews:
    """One output per wish (`stage.preview`), while somebody looks; true while anybody does."""

    def __init__(self, new_router: Callable[[], Router]) -> None:
        self._new_router = new_router
        self._open: dict[str, _Preview] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    def look(self, of: str) -> Router:
        """The output for one more looker, who has to `leave` it; it shows something from the next `follow` on."""
        if of not in self._open:
            self._open[of] = _Preview(self._new_router())
        found = self._open[of]
        found.lookers += 1
        return found.router

    def leave(self, of: str) -> None:
        """One looker less; behind the last one the output takes nothing from anybody any more."""
        found = self._open[of]
        found.lookers -= 1
        if not found.lookers:
            del self._open[of]
            found.router.point(picture=None, floor=None)
            found.router.close()

    def follow(
        self, state: State | None, published: Sequence[Published], media: Mapping[ResourceId, Publication]
    ) -> None:
        """Point every output at whom it is to show by now; nobody stands under another one's name meanwhile."""
        for of, output in self._open.items():
            choice = preview(state, published, of)
            if choice.picture != output.choice.picture:
                output.router.point(picture=None, floor=None)
            output.choice = choice
            seen, heard = choice.picture, next(iter(choice.voices), None)
            output.router.point(picture=seen and media[seen.id], floor=heard and media[heard.id])
