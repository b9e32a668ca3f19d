"""How much claims differ from one another, and how much claims of a profile would. Counts tables; knows no author.

A claim was seen before when diagnosis, procedure, companions, stay and amount are all those of an earlier one.
"""

import json
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

COLUMNS: Final = ("dx_primary_code", "procedure_code", "dx_secondary_codes", "los", "amount_claimed")
SIZES: Final = (1000, 500, 250, 100)
"""Claims that are looked at together, as many of these as there are; figures of unlike sizes do not compare."""
_CERTAINTY: Final = 5.0  # standard deviations between such sets of claims
_SETS_TOLERANCE: Final = 0.2  # of the sets to be expected
_REPEATS_TOLERANCE: Final = 0.05
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Diversity:
    """Of `claims`: distinct sets of procedure and companions, and the share of claims seen before."""

    claims: int
    sets: int
    repeats: float


@dataclass(frozen=True, slots=True)
class Usual:
    """What `claims` drawn from a profile show: means and standard deviations of both figures."""

    claims: int
    sets: float
    sets_error: float
    repeats: float
    repeats_error: float

    @property
    def fewest_sets(self) -> float:
        """Fewer are beyond chance and tolerance."""
        return self.sets - max(_CERTAINTY * self.sets_error, _SETS_TOLERANCE * self.sets)

    @property
    def most_repeats(self) -> float:
        """More are beyond chance and tolerance."""
        return self.repeats + max(_CERTAINTY * self.repeats_error, _REPEATS_TOLERANCE)

    @staticmethod
    def read(text: str) -> "tuple[Usual, ...]":
        """From `as_json`."""
        return tuple(Usual(*row) for row in json.loads(text))


def as_json(usual: tuple[Usual, ...]) -> str:
    """For keeping."""
    return json.dumps([[u.claims, u.sets, u.sets_error, u.repeats, u.repeats_error] for u in usual])


def diversity_of(claims: pa.Table) -> Diversity:
    """Figures of claims with COLUMNS, in order of time."""
    care, whole = _codes(claims)
    return _measured(care, whole)


def usual_diversity(claims: pa.Table) -> tuple[Usual, ...]:
    """What many claims of a profile show, taken together in each of SIZES; of those that are there often enough."""
    care, whole = _codes(claims)
    found = []
    for size in SIZES:
        starts = range(0, len(care) - size + 1, size)
        parts = [_measured(care[i : i + size], whole[i : i + size]) for i in starts]
        if len(parts) > 1:
            sets, repeats = (np.array([getattr(part, name) for part in parts]) for name in ("sets", "repeats"))
            found.append(
                Usual(size, float(sets.mean()), float(sets.std()), float(repeats.mean()), float(repeats.std()))
            )
    return tuple(found)


def comparable(claims: pa.Table, usual: tuple[Usual, ...]) -> tuple[Diversity, Usual] | None:
    """The newest claims, as many as there is a usual figure for, and that figure; None where there are too few."""
    for figure in usual:
        if len(claims) >= figure.claims:
            return diversity_of(claims.slice(len(claims) - figure.claims)), figure
    return None


def _measured(care: Codes, whole: Codes) -> Diversity:
    count = len(care)
    return Diversity(count, len(np.unique(care)), 1 - len(np.unique(whole)) / count if count else 0.0)


def _codes(claims: pa.Table) -> tuple[Codes, Codes]:
    """For each claim a number that stands for its care, and one that stands for all that counts."""
    care = _numbers(pc.binary_join_element_wise(_text(claims["procedure_code"]), _companions(claims), "|"))
    whole = [_text(claims[name]) for name in ("dx_primary_code", "los", "amount_claimed")]
    return care, _numbers(pc.binary_join_element_wise(*whole, pa.array(care).cast(pa.string()), "|"))


def _text(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return pc.fill_null(pc.cast(whole, pa.string()), "")


def _companions(claims: pa.Table) -> pa.Array:
    """The secondary codes of each claim as one text, whatever their order."""
    lists = claims["dx_secondary_codes"].cast(pa.list_(pa.string())).combine_chunks()
    encoded = pc.fill_null(pc.binary_join(lists, ","), "").dictionary_encode()
    known = pa.array([",".join(sorted(text.split(","))) for text in encoded.dictionary.to_pylist()], pa.string())
    return known.take(encoded.indices)


def _numbers(texts: pa.Array) -> Codes:
    return np.asarray(texts.dictionary_encode().indices.to_numpy(zero_copy_only=False), np.int64)
