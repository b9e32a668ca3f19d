"""Labels that some houses write in capitals, or in small letters, and others as usual: read as one."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from claims_sim.profile.counts.counting import MIN_FACILITIES, NO_KEY, Ints, Mask, Population, claims_needed

_MIXED: Final = 0.02
"""Of the pairs of cells with a common label, so many must be written in different letters; and of a label's cells, those that are
written otherwise than most.
"""
_OF_THE_LABEL: Final = 0.5
"""So much less seldom may two cells with one label be alike in their letters than any two: else it is the label that tells these."""
_NO_PAIR: Final = frozenset("ßẞİı")
"""Letters whose capitals, or small ones, are others in other languages and programs: a label with one stays as it is."""
HAS_NO_PAIR: Final = f"[{''.join(sorted(_NO_PAIR))}]"


class Letters(NamedTuple):
    """Labels, as places among the texts that they were told of: what each is read as, and which are of those written in several ways."""

    read_as: Ints
    several: Mask

    @property
    def differ(self) -> bool:
        """Are there any?"""
        return bool(self.several.any())


def letters_of(texts: Sequence[str], cells: Ints, told: Mask, enough: int) -> Letters:
    """What each of the distinct `texts` is read as, where it is not the label that tells in which letters it is written: those in capitals
    or small letters as the commonest of the same text in other letters; where there is none, as the commonest of all.

    Those that may not be `told` stand for no others. Labels of fewer than `enough` cells show nothing.
    """  # noqa: D205
    lower, upper = [text.lower() for text in texts], [text.upper() for text in texts]
    pairs = np.array(
        [
            small != capital and len(small) == len(capital) == len(text) and _NO_PAIR.isdisjoint(text)
            for text, small, capital in zip(texts, lower, upper, strict=True)
        ],
        np.bool_,
    )
    way = np.array([2 * (text == big) + (text == small) for text, small, big in zip(texts, lower, upper, strict=True)])
    names = [capital if pair else text for text, capital, pair in zip(texts, upper, pairs, strict=True)]
    label = np.unique(np.array(names, object), return_inverse=True)[1].ravel()
    itself, whole = np.arange(len(texts)), np.bincount(label, cells)
    common = pairs & (whole[label] >= enough)
    of_any, of_one = (_alike(part, way, cells, common) for part in (np.zeros_like(label), label))
    if of_any > 1 - _MIXED or of_one - of_any > _OF_THE_LABEL * (1 - of_any):
        return Letters(itself, np.zeros(len(texts), np.bool_))
    marked = pairs & (way > 0)
    order = np.lexsort((-cells, marked, ~told))
    usual = order[np.unique(label[order], return_index=True)[1]][label]
    most = np.zeros(len(whole), np.int64)
    np.maximum.at(most, label, cells)
    several = common & (most <= (1 - _MIXED) * whole)[label]
    return Letters(np.where(marked & told[usual], usual, itself), several)


def _alike(part: Ints, way: Ints, cells: Ints, rows: Mask) -> float:
    """Of the pairs of cells of one part, which share is written the same way; 1 where there are none."""
    counts = np.bincount(4 * part[rows] + way[rows], cells[rows], 4 * (int(part.max(initial=0)) + 1)).reshape(-1, 4)
    whole = counts.sum(axis=1)
    some = whole > 1
    pairs = (counts[some] * (counts[some] - 1)).sum(axis=1) / (whole[some] - 1)
    return float(pairs.sum() / whole[some].sum()) if some.any() else 1.0


def read_as_one(labels: pa.DictionaryArray, claims: pa.Table, k: int) -> pa.DictionaryArray:
    """The labels of `claims`, each as `letters_of` says: borne by enough is what `k` of their persons have, in facilities enough."""
    texts, known = labels.dictionary.to_pylist(), np.flatnonzero(labels.is_valid().to_numpy(zero_copy_only=False))
    codes = labels.indices.drop_null().to_numpy().astype(np.int64)
    cells = np.bincount(codes, minlength=len(texts))
    if not len(codes) or not letters_of(texts, cells, cells >= k, k).differ:
        return labels  # with so many claims none need be asked whose they are
    persons, facilities = (_numbered(claims, name, known) for name in ("patient_id_hash", "facility_id"))
    if facilities is not None and len(np.unique(facilities)) < MIN_FACILITIES:
        facilities = None
    needed = k if persons is not None else claims_needed(k)
    told = Population(len(codes), needed, persons, facilities).releasable(codes, len(texts))
    read_as = letters_of(texts, cells, told, needed).read_as
    return pa.DictionaryArray.from_arrays(pa.array(read_as, pa.int32()).take(labels.indices), labels.dictionary)


def _numbered(claims: pa.Table, key: str, rows: Ints) -> Ints | None:
    """The key of each row as a number from 1, NO_KEY for none; None where no claim has any."""
    if key not in claims.column_names or claims[key].null_count == claims.num_rows:
        return None
    column = claims[key]
    numbers = np.unique(column.fill_null(0).to_numpy(), return_inverse=True)[1].ravel().astype(np.int64) + 1
    return np.where(column.is_null().to_numpy(zero_copy_only=False), NO_KEY, numbers)[rows]
