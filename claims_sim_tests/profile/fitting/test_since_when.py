"""Cases that are grouped from some month on: those of one kind of service, in houses of one owner."""

import numpy as np
import pytest

from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import pick, replaced, tariff_table

ROWS = 12_000


@pytest.fixture(scope="module")
def grouped():
    """Stays have a severity and a weight, visits only in houses of the district and from July on; 24 diagnoses have their own season."""
    g = np.random.default_rng(11)
    table = tariff_table(ROWS, seed=5)
    visit = np.array(table["service_type"].to_pylist()) == "RJTL"
    private = np.array(table["facility_ownership"].to_pylist()) == "Swasta"
    early = np.array([day.month < 7 for day in table["admit_dt"].to_pylist()])
    none = visit & (private | early)
    severity = np.where(none, None, np.array(["ringan", "sedang", "berat"], object)[pick(g, 3, ROWS)])
    weight = [None if lacks else float(w) for lacks, w in zip(none, g.choice([0.5, 0.8, 1.2, 2.0], ROWS), strict=True)]
    return replaced(replaced(table, "severity_group", severity.tolist()), "claim_weight", weight)


def shares(frame):
    visit, private = frame["service_type"] == "RJTL", frame["facility_ownership"] == "Swasta"
    early = frame["admit_dt"].astype("datetime64[ns]").dt.month < 7
    kinds = {
        "early": visit & ~private & early,
        "late": visit & ~private & ~early,
        "private": visit & private,
        "stay": ~visit,
    }
    return {
        kind: [frame.loc[of, c].isna().mean() for c in ("severity_group", "claim_weight")] for kind, of in kinds.items()
    }


def test_claims_lack_severities_and_weights_until_their_houses_group_them(fit, grouped):
    sampler = Sampler(fit(grouped))
    drawn = sampler.draw_claims(1, np.arange(ROWS))
    ours, theirs = (shares(table.to_pandas()) for table in (sampler.leave_empty(1, np.arange(ROWS), drawn), grouped))
    for kind, expected in theirs.items():
        assert ours[kind] == pytest.approx(expected, abs=0.03), kind
