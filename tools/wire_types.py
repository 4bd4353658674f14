"""Write `web/src/wire.gen.ts`: the room's messages as TypeScript, made from the Python types that the server uses.

`python tools/wire_types.py` writes it, `--check` fails (exit 1) where it would change.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from expo.accounts.elsewhere import CodeAnswer
from expo.accounts.guests import COMPANY_CHARS
from expo.rooms import model
from expo.rooms.commands import Ack, Request
from expo.rooms.projections import Delivered, Snapshot
from expo.rooms.readers import Hello
from expo.rooms.socket import Goodbye, JoinRoom

TARGET = Path(__file__).parents[1] / "web" / "src" / "wire.gen.ts"
SENT = (JoinRoom, Request)
"""What clients write: members with a default may be left out."""
RECEIVED = (Hello, Delivered, Snapshot, Goodbye, Ack, CodeAnswer)
"""What the server writes: every member is there."""
UNIONS = {"Request": ("command", "Command"), "Delivered": ("event", "RoomEvent")}
"""Members that deserve a name of their own."""
LIMITS = {
    "nameChars": model.MAX_NAME_CHARS,
    "companyChars": COMPANY_CHARS,
    "textChars": model.MAX_TEXT_CHARS,
    "noteChars": model.MAX_NOTE_CHARS,
    "messages": model.MAX_MESSAGES,
    "removed": model.MAX_REMOVED,
    "leastPartS": model.LEAST_PART_S,
    "mostPartS": model.MOST_PART_S,
    "undoMs": model.UNDO_MS,
    "countdownMs": model.COUNTDOWN_MS,
}
WIDTH = 120
"""The formatter's line; our lines must look as it would write them."""

Schema = Mapping[str, Any]


def generate() -> str:
    """The whole file."""
    blocks = [
        "/** Made from the types of the server by `python tools/wire_types.py`; do not edit. */",
        f"export const SCHEMA = {model.SCHEMA};",
        "export const LIMITS = {\n"
        + "".join(f"  {name}: {value},\n" for name, value in LIMITS.items())
        + "} as const;",
    ]
    for roots, whole in ((SENT, False), (RECEIVED, True)):
        _, components = msgspec.json.schema_components(roots, ref_template="{name}")
        blocks += _declared(components, whole=whole)
    return "\n\n".join(blocks) + "\n"


def _declared(components: Mapping[str, Schema], *, whole: bool) -> Iterator[str]:
    for name, schema in components.items():
        properties: Mapping[str, Schema] = schema["properties"]
        member, union = UNIONS.get(name, ("", ""))
        if union:
            yield _union(union, [each["$ref"] for each in properties[member]["anyOf"]])
        required = set(properties) if whole else set(schema.get("required", ()))
        lines = [
            f"  readonly {key}{'' if key in required else '?'}: {union if key == member else _type(value)};\n"
            for key, value in properties.items()
        ]
        about = f"/** {schema['description'].splitlines()[0]} */\n" if "description" in schema else ""
        yield f"{about}export interface {name} {{\n{''.join(lines)}}}"


def _union(name: str, members: list[str]) -> str:
    line = f"export type {name} = {' | '.join(members)};"
    if len(line) <= WIDTH:
        return line
    return f"export type {name} =\n" + "\n".join(f"  | {member}" for member in members) + ";"


def _type(schema: Schema) -> str:
    match schema:
        case {"$ref": name}:
            return name
        case {"enum": values}:
            return " | ".join(json.dumps(value) for value in values)
        case {"anyOf": choices}:
            return " | ".join(map(_type, choices))
        case {"type": "array", "items": items}:
            item = _type(items)
            return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"
        case {"type": "object", "additionalProperties": values}:
            return f"Readonly<Record<string, {_type(values)}>>"
        case {"type": "integer" | "number"}:
            return "number"
        case {"type": ("string" | "boolean" | "null") as plain}:
            return plain
        case _:
            raise ValueError(f"no TypeScript for {schema}")


def main(arguments: list[str]) -> int:
    text = generate()
    if "--check" not in arguments:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    print(f"{TARGET.name} is stale: python tools/wire_types.py")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
