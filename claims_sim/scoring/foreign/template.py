"""A scorer to begin with: change `risk_of`, keep the rest. `claims-sim scorer check my_scorer:MyScorer` says if it will do.

Use it with CLAIMS_SIM_SCORER=my_scorer:MyScorer, from the folder that holds this file.
"""

import numpy as np
import pandas as pd


class MyScorer:
    """Made once, without arguments; asked many times, with a few claims or with many thousands."""

    name = "my_scorer"  # stored with every score, and
    version = "1"  # this too: change it with what you change below

    def score(self, claims: pd.DataFrame) -> pd.DataFrame:
        """One row a claim: `claim_id`, `risk_score` from 0 (ordinary) to 1, and `reasons`, a list of short texts.

        The columns are those of claims_normalized. Any of them but claim_id may hold nulls; dx_secondary_codes holds
        lists, amounts are rupiah, dates are the facility's local time.
        """
        risk = self.risk_of(claims)
        reasons = [["a short stay that cost much"] if value > 0.5 else [] for value in risk]
        return pd.DataFrame({"claim_id": claims["claim_id"], "risk_score": risk, "reasons": reasons})

    def risk_of(self, claims: pd.DataFrame) -> np.ndarray:
        """The amount for each day of care, on a scale from 0 to 1: half of it at 2.5 million rupiah a day."""
        days = claims["los"].astype(float).fillna(0).clip(lower=0) + 1
        per_day = claims["amount_claimed"].astype(float).fillna(0).clip(lower=0) / days
        return (per_day / (per_day + 2.5e6)).to_numpy()
