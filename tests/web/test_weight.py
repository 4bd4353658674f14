"""What a phone must load for the stage, from the built pages."""

from __future__ import annotations

import gzip
import json
import tomllib
from pathlib import Path

from expo.edge.templates import WEB_FOLDER

SCRIPT_BYTES = 120_000
STYLE_BYTES = 20_000
STATIC = WEB_FOLDER / "static"


def weight(paths: set[str]) -> int:
    return sum(len(gzip.compress((STATIC / path).read_bytes())) for path in paths)


def manifest() -> dict[str, dict[str, object]]:
    return json.loads((STATIC / "manifest.json").read_text(encoding="utf-8"))


def scripts(source: str, entries: dict[str, dict[str, object]]) -> set[str]:
    entry = entries[source]
    imports = entry.get("imports", [])
    assert isinstance(imports, list)
    return {str(entry["file"])}.union(*(scripts(str(name), entries) for name in imports))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - JSON


def test_the_stages_script_is_light() -> None:
    assert weight(scripts("src/pages/stage.ts", manifest())) < SCRIPT_BYTES


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
