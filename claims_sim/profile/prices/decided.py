"""What a price is decided by: some procedures decide it whatever the diagnosis, else the diagnosis does.

Case groups are made so: an operation has a group of its own, and a claim without one is grouped by its diagnosis. Which
procedures decide is learned for each kind of service. Sees codes and amounts.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, dense_ids
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import BY, PERIOD, Decisive
from claims_sim.profile.encoding.encode import MONTH, Encoded
from claims_sim.profile.prices.claim_pairs import alike

DECIDED_BY: Final = "priced_by"
"""A variable of the price lists' own: the code of the diagnosis, or, after all of these, of the procedure that decides, in each
group of diagnoses where it is told by these.
"""
SERVICE: Final = "service_type"
DIAGNOSIS: Final = "dx_primary_code"
PROCEDURE: Final = "procedure_code"
_UNSEEN: Final = float(np.exp(-8.0))
"""The weight of a price that no other claim of the case bears."""
_ROUNDS: Final = 3


class Deciding:
    """Which procedures decide, ready to be looked up."""

    def __init__(self, decisive: Decisive) -> None:
        self._diagnoses, self._procedures = decisive.diagnoses, decisive.procedures
        self._pairs = np.sort(np.array(decisive.pairs, np.int64))
        self._groups = np.array((*(decisive.groups or [0] * decisive.diagnoses), 0), np.int32)

    def decided_by(self, given: Mapping[str, Codes]) -> Codes:
        """What decides the price of each claim; -1 where that is not known. `given` holds the codes of DECIDED_BY's variables."""
        diagnosis, procedure = given[DIAGNOSIS], given[PROCEDURE]
        pair = _pair(given.get(SERVICE), procedure, self._procedures)
        at = np.minimum(np.searchsorted(self._pairs, pair), len(self._pairs) - 1)
        decisive = self._diagnoses + self._groups[diagnosis] * self._procedures + procedure
        known = (self._pairs[at] == pair) & (diagnosis >= 0)
        return np.where(known, decisive, diagnosis).astype(np.int32)


def sizes_of(decisive: Decisive) -> int:
    """How many codes DECIDED_BY has."""
    return decisive.diagnoses + (max(decisive.groups, default=0) + 1) * decisive.procedures


def plain_names(names: Iterable[str]) -> tuple[str, ...]:
    """`names` of a case, with the variables that DECIDED_BY and PERIOD follow from in their place."""
    made_of = {DECIDED_BY: (SERVICE, DIAGNOSIS, PROCEDURE), PERIOD: (MONTH,)}
    plain = ((MONTH, name.removeprefix(BY)) if name.startswith(BY) else made_of.get(name, (name,)) for name in names)
    return tuple(dict.fromkeys(chain.from_iterable(plain)))


def find_decisive(
    encoded: Encoded, price: Ints, rows: Ints, extra: Sequence[str], groups: Sequence[int] = ()
) -> Decisive | None:
    """The procedures of which `price`, a number for each of `rows`, is told better by themselves than by the diagnoses.

    Prices are compared among claims alike in service and `extra`, and in the group of the diagnosis where `groups` say which
    each is of. None where there are no such procedures.
    """
    if DIAGNOSIS not in encoded.codes or PROCEDURE not in encoded.codes:
        return None
    names = [name for name in (SERVICE, *extra) if name in encoded.codes]
    diagnoses, procedures = (len(encoded.vocabularies[name]) for name in (DIAGNOSIS, PROCEDURE))
    procedure = encoded.codes[PROCEDURE][rows]
    none = np.array([code is None for code in encoded.vocabularies[PROCEDURE]] + [True])
    service = encoded.codes.get(SERVICE)
    pair = np.where(none[procedure], -1, _pair(None if service is None else service[rows], procedure, procedures))
    known = np.flatnonzero(pair >= 0)
    if not len(known):
        return None
    own, pairs = dense_ids(pair[known])
    allowed = encoded.population.releasable(own, len(pairs), rows[known])
    by_procedure = alike(encoded, [*names, PROCEDURE], rows)
    if groups:
        group = np.array([*groups, -1], np.int64)[encoded.codes[DIAGNOSIS][rows]]
        by_procedure, _ = dense_ids(by_procedure * (max(groups) + 2) + group + 1)
    by_diagnosis = alike(encoded, [*names, DIAGNOSIS], rows)
    alone = _told(by_procedure[known], price[known], np.arange(len(known)))
    decides = np.zeros(len(pairs), np.bool_)
    for _ in range(_ROUNDS):
        # Claims of procedures that decide tell nothing of their diagnoses' prices.
        counted = np.ones(len(rows), np.bool_)
        counted[known] = ~decides[own]
        together = _told_by_others(by_diagnosis, price, counted, known, own)
        before, decides = decides, allowed & (np.bincount(own, weights=alone - together) > 0)
        if (before == decides).all():
            break
    found = pairs[decides]
    if not len(found):
        return None
    return Decisive(pairs=tuple(found.tolist()), diagnoses=diagnoses, procedures=procedures, groups=tuple(groups))


def _pair(service: Codes | None, procedure: Codes, procedures: int) -> Ints:
    """A number of service and procedure; -1 where one of them is not known."""
    of_service = np.zeros(len(procedure), np.int64) if service is None else service.astype(np.int64)
    return np.where((of_service >= 0) & (procedure >= 0), of_service * procedures + procedure, -1)


def _told(key: Ints, price: Ints, at: Ints) -> Numbers:
    """The log likelihood of the prices `at` among the other prices with the same key."""
    cell, _ = dense_ids(key * (int(price.max(initial=0)) + 1) + price)
    same, all_ = np.bincount(cell)[cell[at]] - 1, np.bincount(key)[key[at]] - 1
    return np.log((same + _UNSEEN) / (all_ + 1))


def _told_by_others(key: Ints, price: Ints, counted: np.ndarray, at: Ints, owner: Ints) -> Numbers:
    """The log likelihood of the prices `at` among the prices of those `counted` with the same key that are not of their owner."""
    cell, distinct = dense_ids(key * (int(price.max(initial=0)) + 1) + price)
    same = np.bincount(cell, weights=counted, minlength=len(distinct))[cell[at]]
    all_ = np.bincount(key, weights=counted)[key[at]]
    of_own, _ = dense_ids(cell[at] * (int(owner.max()) + 1) + owner)
    own_key, _ = dense_ids(key[at] * (int(owner.max()) + 1) + owner)
    own = counted[at].astype(float)
    same = same - np.bincount(of_own, weights=own)[of_own]
    all_ = all_ - np.bincount(own_key, weights=own)[own_key]
    return np.log((same + _UNSEEN) / (all_ + 1))
