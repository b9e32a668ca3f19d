"""Split real claims into the parts that a comparison needs, all equally large but one. Measures nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from claims_sim.fidelity.frames import Frames

MOST_CLAIMS: Final = 30_000
"""Claims a side; more would cost more and say hardly more."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Equally large frames, but `reference`, which holds all real claims to look copies up in.

    `untouched` are measured as if they were synthetic, `unseen` serve as price list and test set, `persons` holds a key
    of a person (or of the claim itself) for each claim of `real`.
    """

    reference: pd.DataFrame
    real: pd.DataFrame
    untouched: pd.DataFrame
    unseen: pd.DataFrame
    synthetic: pd.DataFrame
    persons: pd.Series
    fewest: int
    unit: str

    @property
    def rows(self) -> int:
        """Claims a side."""
        return len(self.synthetic)

    def only(self, columns: Sequence[str]) -> "Parts":
        """The same claims with these columns only."""
        kept = list(columns)
        return Parts(
            reference=self.reference[kept],
            real=self.real[kept],
            untouched=self.untouched[kept],
            unseen=self.unseen[kept],
            synthetic=self.synthetic[kept],
            persons=self.persons,
            fewest=self.fewest,
            unit=self.unit,
        )


def split_claims(frames: Frames, claims: pa.Table, k: int, rng: np.random.Generator) -> Parts:
    """Split at random; `claims` is the real table that `frames.real` was made from.

    With a holdout all real claims are the reference and the holdout gives the untouched and the unseen ones; without,
    half of the real claims are the reference, a quarter each is untouched and unseen.
    """
    order = rng.permutation(len(frames.real))
    if frames.holdout is None:
        half, rest = np.split(order, [len(order) // 2])
        untouched, unseen = (frames.real.iloc[part] for part in np.array_split(rest, 2))
    else:
        half = order
        mixed = frames.holdout.iloc[rng.permutation(len(frames.holdout))]
        untouched, unseen = mixed.iloc[: len(mixed) // 2], mixed.iloc[len(mixed) // 2 :]
    rows = min(MOST_CLAIMS, len(half), len(untouched), len(unseen), len(frames.synthetic))
    has_persons = "patient_id_hash" in claims.column_names
    keys = claims["patient_id_hash"].to_pandas().to_numpy()[half[:rows]] if has_persons else half[:rows]
    return Parts(
        reference=frames.real.iloc[half].reset_index(drop=True),
        real=frames.real.iloc[half[:rows]].reset_index(drop=True),
        untouched=untouched.iloc[:rows].reset_index(drop=True),
        unseen=unseen.iloc[:rows].reset_index(drop=True),
        synthetic=frames.synthetic.iloc[rng.permutation(len(frames.synthetic))[:rows]].reset_index(drop=True),
        persons=pd.Series(keys),
        fewest=k if has_persons else max(k, 50),
        unit="persons" if has_persons else "claims",
    )
