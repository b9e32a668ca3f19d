"""Counts of real claims' scores as they were told before, so that the next ones do not tell of a few persons.

Two histograms of nearly the same claims differ by the claims that came or went. So what was told is remembered in the
production zone, with a sketch of the claims that it counted (profile/sketch.py) and the scorer's version; claims that
differ from any of these in fewer than k persons or three facilities are not counted anew, nor are claims of the same
source of which that cannot be told.

    production/released_scores/<refresh>.json      for its owner alone; the newest are kept
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from claims_sim.pipeline.fidelity import write_whole
from claims_sim.profile.counts.counting import MIN_FACILITIES, Population
from claims_sim.profile.reading.sketch import Change, Sketch
from claims_sim.scoring.bins import Bin

_KEPT: Final = 30


@dataclass(frozen=True, slots=True)
class Told:
    """Counts that may leave the production zone, and why they are not those of today's claims ("" when they are)."""

    bins: list[Bin]
    held_back: str = ""

    @property
    def is_new(self) -> bool:
        """Whether these counts are today's, so that they have to be remembered."""
        return not self.held_back


@dataclass(frozen=True, slots=True)
class Counted:
    """Claims that were counted: their source ("" where it is not known), their sketch, and who scored them."""

    source: str
    sketch: Sketch
    scorer: str


def tell(folder: Path, counted: list[Bin], claims: Counted, population: Population) -> Told:
    """What may be told of `claims`: `counted`, or what was told of nearly the same claims before.

    Counts of the same scorer are told again as they were; of another scorer nothing is told until more has changed.
    """
    for known in _known(folder, population.k):
        why = _why_not_anew(folder, known, claims, population)
        if not why:
            continue
        if known.claims.scorer == claims.scorer:
            return Told(known.bins, f"{why}, whose counts these are")
        return Told([], f"{why}, which another scorer counted")
    return Told(counted)


def remember(folder: Path, refresh: str, told: Told, claims: Counted, k: int) -> None:
    """Keep what is told for the first time; the oldest are forgotten."""
    if not told.is_new:
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    bins = [one.as_dict() for one in told.bins]
    path = folder / f"{refresh}.json"
    kept = {"k": k, "scorer": claims.scorer, "bins": bins, "source": claims.source, "sketch": claims.sketch.to_json()}
    write_whole(path, json.dumps(kept))
    path.chmod(0o600)
    for old in sorted(folder.glob("*.json"))[:-_KEPT]:
        old.unlink(missing_ok=True)


def _why_not_anew(folder: Path, known: "_Known", claims: Counted, population: Population) -> str:
    """Why `claims` may not be told beside what is `known`; empty when they may."""
    change = known.claims.sketch.change_to(claims.sketch)
    if change is None:
        if known.claims.source not in ("", claims.source):
            return ""
        return (
            f"the claims were read or hashed otherwise than those of {known.refresh} (other columns or mapping, another key, an "
            f"upgrade of claims-sim or DuckDB; to have them counted anew all the same, remove {folder})"
        )
    k = population.k
    if not _is_too_little(change, k):
        return ""
    return f"the claims of fewer than {k} {population.unit} or {MIN_FACILITIES} facilities have changed since {known.refresh}"


def _is_too_little(change: Change, k: int) -> bool:
    if not change.owners:
        return False  # the very same claims: nobody came or went
    return change.owners < k or (change.facilities is not None and change.facilities < MIN_FACILITIES)


@dataclass(frozen=True, slots=True)
class _Known:
    refresh: str
    bins: list[Bin]
    claims: Counted


def _known(folder: Path, k: int) -> list[_Known]:
    """What was told under this k, the newest first."""
    found = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if kept["k"] == k:
                bins = [Bin(one["from"], one["to"], one["claims"]) for one in kept["bins"]]
                claims = Counted(kept.get("source", ""), Sketch.from_json(kept["sketch"]), kept["scorer"])
                found.append(_Known(path.stem, bins, claims))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found
