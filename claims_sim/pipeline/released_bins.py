"""Counts of real claims' scores as they were told before, so that the next ones do not tell of a few persons.

Two histograms of nearly the same claims differ by the claims that came or went. So what was told is remembered in the
production zone, with a sketch of the claims that it counted (profile/sketch.py) and the scorer's version; claims that
differ from any of these in fewer than k persons or three facilities are not counted anew.

    production/released_scores/<refresh>.json      for its owner alone; the newest are kept
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from claims_sim.pipeline.fidelity import write_whole
from claims_sim.profile.counting import MIN_FACILITIES, Population
from claims_sim.profile.sketch import Change, Sketch
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


def tell(folder: Path, counted: list[Bin], sketch: Sketch, population: Population, scorer: str) -> Told:
    """What may be told of claims of this `sketch`: `counted`, or what was told of nearly the same claims before.

    Counts of the same scorer are told again as they were; of another scorer nothing is told until more has changed.
    """
    k, unit = population.k, population.unit
    for known in _known(folder, k):
        change = known.sketch.change_to(sketch)
        if change is None or not _is_too_little(change, k):
            continue
        why = f"the claims of fewer than {k} {unit} or {MIN_FACILITIES} facilities have changed since {known.refresh}"
        if known.scorer == scorer:
            return Told(known.bins, f"{why}, whose counts these are")
        return Told([], f"{why}, which another scorer counted")
    return Told(counted)


def remember(folder: Path, refresh: str, told: Told, sketch: Sketch, k: int, scorer: str) -> None:
    """Keep what is told for the first time; the oldest are forgotten."""
    if not told.is_new:
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    bins = [one.as_dict() for one in told.bins]
    path = folder / f"{refresh}.json"
    write_whole(path, json.dumps({"k": k, "scorer": scorer, "bins": bins, "sketch": sketch.to_json()}))
    path.chmod(0o600)
    for old in sorted(folder.glob("*.json"))[:-_KEPT]:
        old.unlink(missing_ok=True)


def _is_too_little(change: Change, k: int) -> bool:
    if not change.owners:
        return False  # the very same claims: nobody came or went
    return change.owners < k or (change.facilities is not None and change.facilities < MIN_FACILITIES)


@dataclass(frozen=True, slots=True)
class _Known:
    refresh: str
    scorer: str
    bins: list[Bin]
    sketch: Sketch


def _known(folder: Path, k: int) -> list[_Known]:
    """What was told under this k, the newest first."""
    found = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if kept["k"] == k:
                bins = [Bin(one["from"], one["to"], one["claims"]) for one in kept["bins"]]
                found.append(_Known(path.stem, kept["scorer"], bins, Sketch.from_json(kept["sketch"])))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found
