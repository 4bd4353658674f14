"""The built pages: Jinja2 templates and the manifest of hashed assets, read only from the folder that vite wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from expo.errors import Unavailable

WEB_FOLDER = Path(__file__).parent / "web"
"""Written by `npm run build`, shipped inside the wheel."""
STATIC_URL = "/static/"


@dataclass(frozen=True, slots=True)
class Templates:
    """`environment` raises on undefined names; `manifest` maps a source path (`src/pages/stage.ts`) to its file."""

    environment: Environment
    manifest: Mapping[str, Mapping[str, object]]

    @classmethod
    def open(cls, folder: Path = WEB_FOLDER) -> Templates:
        """Unavailable (`web.not_built`) when the front end has not been built."""
        try:
            manifest = json.loads((folder / "static" / "manifest.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Unavailable("web.not_built", "run `npm run build` first: the pages' folder is missing") from None
        environment = Environment(
            loader=FileSystemLoader(folder / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        templates = cls(environment, manifest)
        environment.globals["asset"] = templates.asset  # pyright: ignore[reportArgumentType] - jinja2 types globals narrowly
        return templates

    def asset(self, source: str) -> str:
        """The URL of a built source; LookupError when the build does not know it."""
        return STATIC_URL + str(self._entry(source)["file"])

    def hashed_files(self) -> frozenset[str]:
        """Every built file whose name carries a hash of its content, relative to the static folder."""
        found: set[str] = set()
        for entry in self.manifest.values():
            found.add(str(entry["file"]))
            for kind in ("css", "assets"):
                found.update(cast("list[str]", entry.get(kind, [])))
        return frozenset(found)

    def render(self, template: str, context: Mapping[str, object]) -> str:
        return self.environment.get_template(template).render(context)

    def _entry(self, source: str) -> Mapping[str, object]:
        try:
            return self.manifest[source]
        except KeyError:
            raise LookupError(f"the built pages have no asset {source!r}") from None


def json_block(value: object) -> Markup:
    """JSON that may stand inside `<script type="application/json">`: nothing in it can close the element."""
    text = msgspec.json.encode(value).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - every character that HTML could see is escaped just above
