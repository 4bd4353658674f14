"""What a phone must load for the stage, from the built pages."""

from __future__ import annotations

import gzip
import json
import tomllib
from pathlib import Path
from typing import cast

from expo.edge.templates import WEB_FOLDER

SCRIPT_BYTES = 120_000
PICTURE_BYTES = 30_000
"""What stands between the page and its picture."""
STYLE_BYTES = 20_000
STATIC = WEB_FOLDER / "static"


def weight(paths: set[str]) -> int:
    return sum(len(gzip.compress((STATIC / path).read_bytes())) for path in paths)


def manifest() -> dict[str, dict[str, object]]:
    return json.loads((STATIC / "manifest.json").read_text(encoding="utf-8"))


def scripts(source: str, entries: dict[str, dict[str, object]], *, later: bool = False) -> set[str]:
    """The files of a script with its imports; with `later`, also with what it loads once it runs."""
    entry = entries[source]
    imports = [*cast("list[str]", entry.get("imports", []))]
    if later:
        imports += cast("list[str]", entry.get("dynamicImports", []))
    return {str(entry["file"])}.union(*(scripts(name, entries, later=later) for name in imports))


def test_the_stages_script_is_light_with_its_room() -> None:
    everything = scripts("src/pages/stage.ts", manifest(), later=True)

    assert any("stage-room" in name for name in everything)
    assert weight(everything) < SCRIPT_BYTES


def test_the_picture_does_not_wait_for_the_room() -> None:
    first = scripts("src/pages/stage.ts", manifest())

    assert not any("room" in name for name in first)
    assert weight(first) < PICTURE_BYTES


def test_the_replays_own_script_is_light_and_its_player_comes_when_it_is_needed() -> None:
    first = scripts("src/pages/replay.ts", manifest())

    assert not any("hls" in name for name in first)
    assert weight(first) < PICTURE_BYTES


def test_the_stages_styles_are_light() -> None:
    entries = manifest()
    sheets = {str(entries[f"styles/{name}.css"]["file"]) for name in ("site", "stage")}
    assert weight(sheets) < STYLE_BYTES


def test_old_engines_get_srgb_colours() -> None:
    """oklch() needs an engine of 2023; every token has a plain colour before it."""
    entries = manifest()
    css = (STATIC / str(entries["styles/site.css"]["file"])).read_text(encoding="utf-8")
    plain = css.split("@supports", 1)[0]
    assert "--paper:#" in plain
    assert "oklch(" not in plain


def test_every_picture_of_the_sample_expo_exists() -> None:
    seed = tomllib.loads((Path(__file__).parents[2] / "expo" / "demo" / "seed.toml").read_text(encoding="utf-8"))
    wanted = [f"delegations/{delegation['slug']}" for delegation in seed["delegations"]]
    wanted += [
        f"products/{product['slug']}"
        for delegation in seed["delegations"]
        for company in delegation["exhibitors"]
        for product in company["products"]
    ]
    assert len(wanted) > 15
    assert [name for name in wanted if not (STATIC / "img" / f"{name}.svg").is_file()] == []
