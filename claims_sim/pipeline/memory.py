"""What the production zone remembers between two profiles, in a folder of its own that only its owner may read.

A secret from which counts are rounded, and for each of the last profiles a sketch of the snapshot that it was made of:
enough to tell how few persons' claims differ in the next one. Nothing here is part of a profile.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from claims_sim.errors import ProfileError
from claims_sim.profile.document import PROFILE_SCHEMA_VERSION
from claims_sim.profile.reading.sketch import Sketch
from claims_sim.settings import Settings

_SKETCHES_KEPT: Final = 30


def source_identity(settings: Settings) -> dict[str, str]:
    """The source's file and table, a digest of its mapping, k, and the format of profiles that are made of it.

    The table is as the settings name it, since nothing is opened for this.
    """
    mapping = settings.mapping
    content = mapping.read_bytes() if mapping and mapping.is_file() else b""
    return {
        "source": str(settings.source_path.absolute()),
        "table": settings.source_table,
        "mapping": hashlib.sha256(content).hexdigest() if mapping else "",
        "k": str(settings.privacy_k),
        "format": PROFILE_SCHEMA_VERSION,
    }


def rounding_key(settings: Settings) -> int:
    """The secret from which counts are rounded, drawn when it is first asked for; it must stay the same."""
    path = _folder(settings) / "rounding.key"
    if not path.exists():
        _write_once(path, f"{secrets.randbits(62)}\n")
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        raise ProfileError(
            f"{path} cannot be read: restore it from a copy, or remove it together with the profiles."
        ) from None


def remember(settings: Settings, profile_hash: str, rules: Mapping[str, str], source: str, sketch: Sketch) -> None:
    """Keep the sketch of what a profile was made of, from where, and by which rules; the oldest are forgotten."""
    folder = _folder(settings)
    known = _read_entry(folder / f"{profile_hash}.sketch")
    entry = {"rules": dict(rules), "source": source, "sketch": sketch.to_json()}
    _replace(folder, profile_hash, {**entry, "released": known.get("released", False)})
    kept = sorted(folder.glob("*.sketch"), key=lambda path: path.stat().st_mtime)
    for path in kept[:-_SKETCHES_KEPT]:
        path.unlink(missing_ok=True)


def recall(settings: Settings, rules: Mapping[str, str]) -> list[Sketch]:
    """The sketches of the last profiles that were made by the same rules, from whichever file."""
    return [found for path in _folder(settings).glob("*.sketch") if (found := _read(path, dict(rules))) is not None]


def mark_released(settings: Settings, profile_hash: str) -> None:
    """Note that a profile has been put in force: from now on it counts as known outside the production zone."""
    entry = _read_entry(_folder(settings) / f"{profile_hash}.sketch")
    if entry and not entry.get("released"):
        _replace(_folder(settings), profile_hash, {**entry, "released": True})


def made_otherwise(settings: Settings, profile_hash: str, *, released: bool = True) -> str:
    """How another profile of the same source was made (and `released`) otherwise, so that the two are no safe pair.

    Empty where none was, and of a profile that was released itself.
    """
    own = _read_entry(_folder(settings) / f"{profile_hash}.sketch")
    if not own or own.get("released"):
        return ""
    others = [entry for _, entry in _others(settings, profile_hash, own) if entry.get("released") or not released]
    if any(entry.get("rules") != own.get("rules") for entry in others):
        return "with another k or mapping"
    if not all(_are_comparable(entry, own) for entry in others):
        return (
            "of claims that were read or hashed otherwise (other columns, another key, an upgrade of claims-sim or DuckDB), "
            "so that nobody can tell how few persons' have changed"
        )
    return ""


def forget_incomparable(settings: Settings, profile_hash: str) -> None:
    """Forget the profiles of the same source and rules that cannot be compared with one that is known beside them."""
    own = _read_entry(_folder(settings) / f"{profile_hash}.sketch")
    for path, entry in _others(settings, profile_hash, own):
        if entry.get("rules") == own.get("rules") and not _are_comparable(entry, own):
            path.unlink(missing_ok=True)


def _others(settings: Settings, profile_hash: str, own: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """What is remembered of the other profiles of the same source."""
    for path in _folder(settings).glob("*.sketch"):
        entry = _read_entry(path) if path.stem != profile_hash else {}
        if entry and entry.get("source") == own.get("source"):
            yield path, entry


def _are_comparable(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    sketches = _sketch_of(one), _sketch_of(other)
    return sketches[0] is not None and sketches[1] is not None and sketches[0].change_to(sketches[1]) is not None


def _read(path: Path, rules: dict[str, str]) -> Sketch | None:
    entry = _read_entry(path)
    return _sketch_of(entry) if entry.get("rules") == rules else None


def _sketch_of(entry: Mapping[str, Any]) -> Sketch | None:
    try:
        return Sketch.from_json(entry["sketch"])
    except (ValueError, KeyError, TypeError):
        return None


def _read_entry(path: Path) -> dict[str, Any]:
    """What is remembered of a profile; nothing, where that cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _replace(folder: Path, profile_hash: str, entry: Mapping[str, Any]) -> None:
    part = folder / f".{profile_hash}.part"
    part.write_text(json.dumps(entry), encoding="utf-8")
    part.replace(folder / f"{profile_hash}.sketch")


def _folder(settings: Settings) -> Path:
    folder = settings.production_path
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _write_once(path: Path, text: str) -> None:
    """Write a file that only its owner may read, unless another process was faster."""
    with suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
