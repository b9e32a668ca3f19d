"""How odd a value is beside another: a procedure, a companion or an admission that does not go with the diagnosis.

The measure is the lift log10 P(value | peers) - log10 P(value | context), with the context's frequencies shrunk towards
the peers'. So a rare value that belongs is not odd, and a context seen a few times cannot make one odd.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.scoring.features import Features, Floats, Ints
from claims_sim.scoring.keys import Codes, Group, encode, find

_PRIOR_CLAIMS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Association:
    """Which value is looked at, in which context, and among whom it is usual or not."""

    name: str
    value: str
    context: tuple[str, ...]
    among: tuple[str, ...]


ASSOCIATIONS: Final = (
    Association("procedure", "procedure", ("service", "dx"), ("service",)),
    Association("companion", "companion", ("dx",), ()),
    Association("admission", "service", ("dx",), ()),
    Association("dx_at_class", "dx", ("service", "class"), ("service",)),
    Association("procedure_at_severity", "procedure", ("service", "dx", "severity"), ("service", "dx")),
)
BESIDE: Final = tuple(a.name for a in ASSOCIATIONS[3:])
"""Those that are too weak to be a reason by themselves, but count beside others."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each key occurred, keys ascending."""

    keys: Ints
    counts: Floats

    @staticmethod
    def learn(key: Ints) -> "Counts":
        """Count `key`."""
        group = Group.by(key)
        return Counts(group.keys, group.counts.astype(np.float64))

    def of(self, key: Ints) -> Floats:
        """The count of each key; 0 where it never occurred."""
        if not len(self.keys):
            return np.zeros(len(key))
        position = find(self.keys, key)
        return np.where(position >= 0, self.counts[position], 0.0)


@dataclass(frozen=True, slots=True)
class Surprise:
    """Counts of an association's context, of context and value, of its peers, and of peers and value."""

    spec: Association
    tables: tuple[Counts, Counts, Counts, Counts]

    @staticmethod
    def learn(spec: Association, codes: Codes) -> "Surprise":
        """Count the training claims (or their secondary codes)."""
        context, pair, peers, peers_pair = (Counts.learn(key) for key in _keys(spec, codes))
        return Surprise(spec, (context, pair, peers, peers_pair))

    def of(self, codes: Codes, *, own: int = 0) -> Floats:
        """The lift of each row in powers of ten; 0 where context and value go together, NaN in an unknown context.

        `own` is 1 for training claims themselves: each is then judged by the counts of the others.
        """
        keys = _keys(self.spec, codes)
        context, pair, peers, peers_pair = (t.of(key) - own for t, key in zip(self.tables, keys, strict=True))
        usual = (peers_pair + 0.5) / (peers + 1.0)
        here = (pair + _PRIOR_CLAIMS * usual) / (context + _PRIOR_CLAIMS)
        lift = np.log10(usual) - np.log10(here)
        return np.where(context > 0, np.maximum(lift, 0.0), np.nan)


def companion_codes(features: Features, codes: Codes, values: pa.Array) -> Codes:
    """One row per secondary code of a claim, with the claim's columns beside it."""
    columns = {name: codes.columns[name][features.secondary_rows] for name in ("dx", "service")}
    columns["companion"] = encode(features.secondary_values, values)
    return Codes(len(features.secondary_rows), columns, codes.sizes)


def most_of(values: Floats, rows: Ints, count: int) -> Floats:
    """The largest value of each of `count` claims; NaN where a claim has none."""
    largest = np.full(count, -np.inf)
    np.maximum.at(largest, rows, np.where(np.isnan(values), -np.inf, values))
    return np.where(np.isfinite(largest), largest, np.nan)


def _keys(spec: Association, codes: Codes) -> tuple[Ints, Ints, Ints, Ints]:
    return (
        codes.key(spec.context),
        codes.key((*spec.context, spec.value)),
        codes.key(spec.among),
        codes.key((*spec.among, spec.value)),
    )
