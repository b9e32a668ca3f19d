"""Claims that an anomaly of the same person may follow: right ones, each the last of its person, each followed once."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.anomalies.change import texts
from claims_sim.anomalies.pair import Moments, Pair
from claims_sim.anomalies.world import Floats, Ints
from claims_sim.generation.persons import LOOKED_AT, Known, has_successor
from claims_sim.profile.drawing.wanted import ClaimFilter


class Originals:
    """`claims` are flat rows with persons, of which `allowed` may be followed; `known` tells of later ones."""

    def __init__(self, claims: pa.Table, allowed: npt.NDArray[np.bool_], known: Known) -> None:
        last = ~has_successor(claims.select(LOOKED_AT))
        self._claims = claims.filter(pa.array(allowed & last))
        self._moments = Moments.of(self._claims)
        self._known = known
        self._free = np.ones(len(self._claims), bool)

    def choose(
        self, kind: Pair, strength: int, where: ClaimFilter, claims: pa.Table, chances: Floats, *, is_past: bool
    ) -> tuple[Ints, pa.Table]:
        """Which of `claims` found an original that fits them, and these originals."""
        fitting = where.holds(self._claims)
        kept, chosen = [], []
        for i in range(len(claims)):
            own = Moments.of(claims.slice(i, 1))
            options = np.flatnonzero(fitting & self._free & kind.allows(self._moments, own, strength, is_past=is_past))
            if len(options):
                one = int(options[int(chances[i] * len(options))])
                self._free[one] = False
                kept.append(i)
                chosen.append(one)
        alone = self._are_last(np.array(chosen, np.int64))
        return np.array(kept, np.int64)[alone], self._claims.take(np.array(chosen, np.int64)[alone])

    def _are_last(self, chosen: Ints) -> npt.NDArray[np.bool_]:
        """Whether nothing later is stored of their persons."""
        persons = texts(self._claims, "patient_id_hash")[chosen]
        theirs = self._known.of_persons(sorted(set(persons.tolist()))) if len(chosen) else pa.table({})
        if not len(theirs):
            return np.ones(len(chosen), bool)
        latest: dict[str, int] = {}
        admits = theirs["admit_dt"].to_numpy().astype("datetime64[s]").astype(np.int64)
        for person, admit in zip(theirs["patient_id_hash"].to_pylist(), admits.tolist(), strict=True):
            latest[person] = max(latest.get(person, admit), admit)
        own = self._moments.admit[chosen]
        return np.array([latest.get(p, at) <= at for p, at in zip(persons, own.tolist(), strict=True)], bool)
