"""Where a recording lies: one folder per recording, one media file per rendition and owner, one index per owner."""

from __future__ import annotations

import re
from pathlib import Path

_RECORDING = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RENDITION = re.compile(r"[a-z0-9-]{1,64}")
_INDEX = re.compile(r"index-([0-9]{1,20})\.jsonl")
_MEDIA = re.compile(r"([a-z0-9-]{1,64})-([0-9]{1,20})\.mp4")


def recording_folder(root: Path, recording: str) -> Path:
    """The folder of this recording below `root`. Raises ValueError for what is no id: it never leads outside."""
    if not _RECORDING.fullmatch(recording):
        raise ValueError("no id of a recording")
    return root / recording


def index_name(token: int) -> str:
    """The index that the owner with this fencing token writes."""
    return f"index-{token}.jsonl"


def media_name(rendition: str, token: int) -> str:
    """The file of one rendition by this owner. Raises ValueError for a name that no rendition can have."""
    if not _RENDITION.fullmatch(rendition):
        raise ValueError("no name of a rendition")
    return f"{rendition}-{token}.mp4"


def is_media_name(name: str) -> bool:
    """Whether this is a media file's name: a name in an index is believed only then."""
    return _MEDIA.fullmatch(name) is not None


def media_files(folder: Path) -> list[tuple[str, str, int]]:
    """Name, rendition and fencing token of every media file; none when there is no folder. Blocking."""
    try:
        found = [_MEDIA.fullmatch(path.name) for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted((each[0], each[1], int(each[2])) for each in found if each)


def owners(folder: Path) -> list[int]:
    """The fencing tokens that have an index here, oldest first; none when there is no folder. Blocking."""
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(found[1]) for found in map(_INDEX.fullmatch, names) if found)
