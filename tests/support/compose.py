"""Reads compose files of the plain kind: block mappings and lists, one-line values. Anything cleverer is an error.

No YAML library is among our dependencies; what this reads means the same to one (YAML 1.2, chapters 7.3 to 8.2).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

Value: TypeAlias = "str | bool | list[Value] | dict[str, Value]"

_KEY = re.compile(r"([A-Za-z_][\w.-]*):(?: (.*))?$")
_PLAIN = re.compile(r"[A-Za-z./][\w./:=-]*$")
_SECRET = re.compile(r"\$\{(\w+)(?::\?([^}]+)|:-([^}]*))?\}")


class UnreadableError(ValueError):
    """The line is beyond what we read."""


def read(path: Path) -> dict[str, Value]:
    """The file as a mapping. Raises UnreadableError, also for a key that stands twice."""
    lines: list[tuple[int, str]] = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        indent = len(text) - len(text.lstrip(" "))
        if "\t" in text or indent % 2 or text != text.rstrip():
            raise UnreadableError(f"line {number}: {text!r}")
        lines.append((indent, text.strip()))
    value, rest = _block(lines, 0)
    if rest or not isinstance(value, dict):
        raise UnreadableError(f"left over: {rest[:1]}")
    return value


def fill(value: Value, variables: Mapping[str, str]) -> Value:
    """`${NAME:?why}` and `${NAME:-default}` replaced everywhere, as compose does. KeyError names what is missing."""
    if isinstance(value, dict):
        return {key: fill(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [fill(one, variables) for one in value]
    return value if isinstance(value, bool) else _SECRET.sub(lambda found: _filled(found, variables), value)


def _filled(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, _why, default = found.groups()
    return variables.get(name) or (variables[name] if default is None else default)


def _block(lines: list[tuple[int, str]], indent: int) -> tuple[Value, list[tuple[int, str]]]:
    """The lines at this indent as one value, and the lines after them."""
    if lines[0][1].startswith("- "):
        return _list(lines, indent)
    found: dict[str, Value] = {}
    while lines and lines[0][0] == indent:
        match = _KEY.match(lines[0][1])
        if match is None or match[1] in found:
            raise UnreadableError(f"not a new key: {lines[0][1]!r}")
        key, text = match[1], match[2]
        lines = lines[1:]
        if text is not None:
            found[key] = _scalar(text)
        elif lines and lines[0][0] == indent + 2:
            found[key], lines = _block(lines, indent + 2)
        else:
            raise UnreadableError(f"nothing under {key!r}")
    return found, lines


def _list(lines: list[tuple[int, str]], indent: int) -> tuple[Value, list[tuple[int, str]]]:
    found: list[Value] = []
    while lines and lines[0][0] == indent and lines[0][1].startswith("- "):
        text = lines[0][1][2:]
        match = _KEY.match(text)
        found.append({match[1]: _scalar(match[2])} if match and match[2] is not None else _scalar(text))
        lines = lines[1:]
    return found, lines


def _scalar(text: str) -> Value:
    """JSON texts (YAML's flow style), a boolean, a number (as text), or a word that every YAML reads alike."""
    if text in {"true", "false"}:
        return text == "true"
    if text[0] in '"[{':
        return json.loads(text)
    if re.fullmatch(r"(0|[1-9]\d*)[smh]?", text) or _PLAIN.match(text):
        return text
    raise UnreadableError(f"quote this: {text!r}")
