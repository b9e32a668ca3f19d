"""The comparison as a whole: real claims meet every goal, and each way of being wrong misses its own."""

import json
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from claims_sim.errors import SourceError
from claims_sim.fidelity.compare import compare_claims
from claims_sim.fidelity.frames import flatten
from claims_sim.fidelity.learners import taught_r2
from claims_sim.fidelity.scores import MEANINGS


def scores(real, synthetic, **options):
    return {score.name: score for score in compare_claims(real, synthetic, **options).scores}


def replace(table, name, column):
    return table.set_column(table.column_names.index(name), name, column)


def shuffled(table, *names):
    g = np.random.default_rng(1)
    for name in names:
        table = replace(table, name, table[name].take(g.permutation(table.num_rows)))
    return table


def verdicts(found):
    return {name for name, score in found.items() if score.verdict == "misses"}


@pytest.fixture(scope="module")
def of_real_claims(halves):
    return compare_claims(*halves)


def test_real_claims_meet_every_goal_and_every_score_is_there(of_real_claims):
    assert of_real_claims.missed == ()
    assert {score.name for score in of_real_claims.scores} == set(MEANINGS) - {"irregularities"}
    assert all(score.meaning and score.goal for score in of_real_claims.scores)


@pytest.mark.slow
def test_the_same_tables_give_the_same_figures(halves, of_real_claims):
    assert compare_claims(*halves) == of_real_claims


def test_the_comparison_is_json(of_real_claims):
    document = json.loads(json.dumps(of_real_claims.as_dict(), allow_nan=False))
    assert document["rows"]["compared"] == 1000


@pytest.mark.slow
def test_independent_columns_are_told_apart_and_teach_little(halves):
    real, other = halves
    names = [name for name in other.column_names if name.startswith(("amount", "dx_primary", "los", "severity"))]
    missed = verdicts(scores(real, shuffled(other, *names)))
    assert {"c2st", "c2st_audit", "pairs", "tstr", "slices"} <= missed


@pytest.mark.slow
def test_one_column_of_another_distribution_is_named(fewer):
    real, other = fewer
    wrong = replace(other, "facility_class", pa.array(["RS Kelas A"] * 600 + other["facility_class"][600:].to_pylist()))
    columns = scores(real, wrong)["columns"]
    assert (columns.verdict, columns.where) == ("misses", "facility_class")


def test_an_auditor_sees_broken_accounting_that_plain_columns_hide(fewer):
    real, other = fewer
    paid = pc.subtract(other["amount_paid"], 100.0)
    found = scores(real, replace(other, "amount_paid", paid))
    assert found["c2st"].verdict == "meets"
    assert {"c2st_audit", "rule_violations"} <= verdicts(found)


@pytest.mark.slow
def test_amounts_off_their_lattice_are_seen(halves):
    real, other = halves
    noise = np.random.default_rng(2).integers(1, 99, other.num_rows)
    claimed = pc.add(other["amount_claimed"], pa.array(noise.astype(float)))
    wrong = replace(replace(other, "amount_claimed", claimed), "amount_paid", pc.subtract(claimed, other["amount_gap"]))
    assert {"c2st_audit", "money_replay", "amount_repeats"} <= verdicts(scores(real, wrong))


def test_copies_are_found(halves):
    real, other = halves
    copies = pa.concat_tables([real.slice(0, 600), other.slice(0, 600)])
    assert {"exact_copies", "unique_replay", "dcr_share"} <= verdicts(scores(real, copies))


@pytest.mark.slow
def test_a_holdout_serves_as_the_floor(halves):
    real, other = halves
    found = compare_claims(real.slice(0, 2500), other, holdout=real.slice(2500))
    assert (found.rows["compared"], found.missed) == (750, ())


@pytest.mark.slow
def test_claims_of_another_period_are_compared_without_their_dates(fewer):
    real, other = fewer
    later = other
    for name in ("admit_dt", "discharge_dt"):
        later = replace(later, name, pc.add(later[name], timedelta(days=5000)))
    found = compare_claims(real, later)
    assert found.left_out["admit_dt_day"] == "the claims are of another period"
    assert found.missed == ()


def test_what_one_table_lacks_is_said_and_not_scored(fewer):
    real, other = fewer
    found = compare_claims(real, other.select(["los", "dx_primary_code", "amount_paid"]))
    assert found.left_out["amount_claimed"] == "not in the synthetic table"
    assert {column.name for column in found.columns} == {"los", "dx_primary_code", "amount_paid"}


@pytest.mark.slow
def test_a_rule_about_a_column_that_the_real_table_lacks_is_no_rule_of_it(halves):
    real, other = (half.slice(0, 300) for half in halves)
    stays = replace(
        replace(other, "service_type", pa.array(["RJTL"] * other.num_rows)), "los", pa.array([1] * other.num_rows)
    )
    assert "outpatient_stay" in compare_claims(real, stays).rules
    assert "outpatient_stay" not in compare_claims(real.drop_columns("los"), stays).rules


def test_too_few_claims_are_refused_in_one_line(halves):
    with pytest.raises(
        SourceError, match=r"The synthetic table holds about 100 claims; a comparison needs 200 or more"
    ):
        compare_claims(halves[0], halves[1].slice(0, 100))


@pytest.mark.slow
def test_slices_of_few_persons_are_left_out(halves):
    real, other = halves
    codes = pa.array(["Z990"] * 15 + real["dx_primary_code"][15:].to_pylist())
    persons = pa.array([1] * 15 + list(range(15, real.num_rows)), pa.int64())
    few = replace(replace(real, "dx_primary_code", codes), "patient_id_hash", persons)
    theirs = pa.array(["Z990"] * 40 + other["dx_primary_code"][40:].to_pylist())
    found = compare_claims(few, replace(other, "dx_primary_code", theirs), k=11)
    assert found.cell == "11 persons"
    assert "Z990" not in {part.name for part in found.slices}


@pytest.mark.slow
def test_real_claims_that_lack_what_every_claim_holds_are_not_compared(halves):
    real, other = halves
    gone = np.arange(real.num_rows) % 5 == 0
    lacking = replace(real, "amount_claimed", pa.array(real["amount_claimed"].to_numpy(), mask=gone))
    found = compare_claims(lacking, other)
    assert found.rows["real"] == int((~gone).sum())
    (why,) = [why for what, why in found.left_out.items() if what.startswith("claims without")]
    assert why.startswith("20.0% of the real table")
    assert "c2st" not in verdicts({score.name: score for score in found.scores})


@pytest.mark.slow
def test_empty_cells_are_compared_where_both_tables_have_them(fewer):
    def emptied(table):
        gone = np.arange(table.num_rows) % 5 == 0
        return replace(table, "amount_paid", pa.array(table["amount_paid"].to_numpy(), mask=gone))

    real, other = fewer
    assert compare_claims(emptied(real), emptied(other)).rows["real"] == real.num_rows


@pytest.mark.slow
def test_claims_without_any_amount_are_compared_where_both_tables_have_them_and_teach_no_cost(fewer):
    """An amount that is not known is none of nothing: what a cost model learns is as good as before."""

    def emptied(table):
        gone = np.arange(table.num_rows) % 5 == 0
        for name in ("amount_claimed", "amount_paid", "amount_gap"):
            table = replace(table, name, pa.array(table[name].to_numpy(), mask=gone))
        return table

    real, other = fewer
    found = compare_claims(emptied(real), emptied(other))
    assert found.rows["real"] == real.num_rows
    assert not found.missed
    assert learned(emptied(real)) == pytest.approx(learned(real), abs=0.1)


def test_of_a_table_without_amounts_stays_are_taught_and_no_day_of_discharge_tells_them(fewer):
    real, other = (table.drop_columns(["amount_claimed", "amount_paid", "amount_gap"]) for table in fewer)
    of_real = learned(real)
    assert 0.1 < of_real < 0.95
    assert learned(other) == pytest.approx(of_real, abs=0.1)
    shuffled_stays = learned(shuffled(real, "los"))
    assert shuffled_stays < 0.05
    assert "tstr" in {score.name for score in compare_claims(real, other).scores}


def learned(claims):
    """How well a cost model learned on one half of the claims predicts the other."""
    frame = flatten(claims)
    half = len(frame) // 2
    return taught_r2(frame.iloc[:half], frame.iloc[half:])


@pytest.mark.slow
def test_what_a_stream_has_for_a_missing_diagnosis_is_no_difference(fewer):
    def emptied(table, instead):
        codes = [instead if i % 5 == 0 else code for i, code in enumerate(table["dx_primary_code"].to_pylist())]
        return replace(table, "dx_primary_code", pa.array(codes, pa.string()))

    real, other = (table.drop_columns("dx_primary_label") for table in fewer)
    for instead in (None, "R69"):
        found = compare_claims(emptied(real, None), emptied(other, instead))
        assert found.rows["real"] == real.num_rows
        assert not found.missed


@pytest.mark.slow
def test_reversals_are_not_compared_as_a_profile_reads_no_amount_in_them(fewer):
    real, other = fewer
    amounts = real["amount_claimed"].to_numpy().copy()
    amounts[::20] *= -1
    found = compare_claims(replace(real, "amount_claimed", pa.array(amounts)), other)
    assert found.rows["real"] == real.num_rows - len(amounts[::20])
    assert any("at least 0" in name for name in found.left_out)
    assert not found.missed
