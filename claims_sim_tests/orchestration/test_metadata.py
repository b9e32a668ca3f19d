"""What the UI shows of scores."""

import pyarrow as pa
import pytest

from claims_sim.orchestration.columns import batch_columns, score_columns, stream_columns
from claims_sim.orchestration.metadata import ScoreTally
from claims_sim.store.tables import SCORE_VALUES, conform


def chunk(*scores: tuple[str, float, list[str]]):
    rows = [
        {
            "claim_id": claim_id,
            "source": "simulated",
            "rule_score": risk,
            "ml_score": risk,
            "ml_score_normalized": risk,
            "risk_score": risk,
            "flags": flags,
            "reasons": [f"because of {flag}" for flag in flags],
            "model_version": "m1",
            "ruleset_version": "r1",
        }
        for claim_id, risk, flags in scores
    ]
    return conform(
        pa.Table.from_pylist([{name: row.get(name) for name in SCORE_VALUES.names} for row in rows], SCORE_VALUES),
        SCORE_VALUES,
    )


def test_scores_of_a_run_are_told_with_the_riskiest_first_and_their_reasons(settings):
    tally = ScoreTally()
    tally.add(chunk(("SIM-1", 0.1, []), ("SIM-2", 0.9, ["short_stay_high_cost"])))
    tally.add(chunk(*((f"SIM-{n}", n / 100, ["high_cost"]) for n in range(10, 60, 10))))
    told = tally.as_metadata(settings)
    assert (told["claims scored"], told["high risk (at least 0.5)"], told["mean risk"]) == (7, 2, 0.3571)
    assert (told["scorer"], told["rules"]) == ("m1", "r1")
    assert told["flags"] == {"high_cost": 5, "short_stay_high_cost": 1}
    shown = [record.data for record in told["riskiest claims"].records]
    assert [row["claim_id"] for row in shown] == ["SIM-2", "SIM-50", "SIM-40", "SIM-30", "SIM-20"]
    assert shown[0]["why"] == "because of short_stay_high_cost"


def test_a_run_that_scored_nothing_says_so(settings):
    tally = ScoreTally()
    tally.add(chunk().slice(0, 0))
    assert tally.as_metadata(settings) == {"claims scored": 0}


@pytest.mark.parametrize("columns", [batch_columns, stream_columns, score_columns])
def test_every_column_says_what_it_holds(columns):
    assert [column.name for column in columns().columns if not column.description] == []
