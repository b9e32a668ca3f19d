import numpy as np
import pyarrow as pa
import pytest

from claims_sim.scoring.features import read_features
from claims_sim.scoring.model import Trained, judge
from claims_sim.scoring.reasons import counted, money
from claims_sim.scoring.rules import MOST_CLEAN_SHARE, RULES, calibrate, fire, ruleset_version, weigh
from claims_sim.scoring.scorer import train_scorer


def _flags(scored):
    return [dict(zip(row["flags"], row["reasons"], strict=True)) for row in scored.to_pylist()]


def _ordinary(scorer, claims, at, wanted):
    """Some unflagged claims of full payment that `wanted` accepts, as positions in claims(2_000, 21)."""
    table = claims(2_000, 21)
    quiet = np.array([not flags for flags in scorer.score(table, scored_at=at)["flags"].to_pylist()])
    full = table["amount_paid"].to_numpy() == table["amount_claimed"].to_numpy()
    return table, np.flatnonzero(quiet & full & wanted(table))


def test_a_dear_claim_of_one_day_is_said_so_in_words(scorer, claims, replace, at):
    table, rows = _ordinary(scorer, claims, at, lambda t: t["los"].to_numpy() >= 5)
    table = table.take(rows[:1])
    dear = table["amount_claimed"].to_numpy() * 3
    found = _flags(scorer.score(replace(table, los=[1], amount_claimed=dear, amount_paid=dear), scored_at=at))[0]
    assert "short_stay_high_cost" in found
    dx = table["dx_primary_code"][0].as_py()
    assert found["short_stay_high_cost"].startswith(f"paid Rp {int(dear[0]):,} for a stay of 1 day; peers with {dx}, ")
    assert found["high_cost_full_paid"].startswith(f"Rp {int(dear[0]):,} claimed and paid in full; expected about Rp ")


def test_a_claim_repeated_under_another_id_is_flagged_and_its_original_is_not(scorer, claims, replace, at):
    table, rows = _ordinary(scorer, claims, at, lambda t: t["comorbidity_count"].to_numpy() >= 2)
    pair = replace(table.take([rows[0], rows[0], rows[1]]), claim_id=["a", "b", "c"])
    first, second, other = _flags(scorer.score(pair, scored_at=at))
    assert "1 other claim in the month before, the last one 0 days before" in second["duplicate_pattern"]
    assert "duplicate_pattern" not in first
    assert "duplicate_pattern" not in other


def test_the_same_content_more_than_a_month_apart_is_no_duplicate(scorer, claims, replace, at):
    table, rows = _ordinary(scorer, claims, at, lambda t: t["comorbidity_count"].to_numpy() >= 2)
    pair = table.take([rows[0], rows[0]])
    admit = pair["admit_dt"].to_numpy() + np.array([0, 40], "timedelta64[D]")
    assert not any(
        "duplicate_pattern" in flags for flags in _flags(scorer.score(replace(pair, admit_dt=admit), scored_at=at))
    )


def test_a_repeat_is_the_odder_the_sooner_it_comes_for_chance_has_less_time(scorer, claims, replace, at):
    table, rows = _ordinary(scorer, claims, at, lambda t: t["comorbidity_count"].to_numpy() >= 2)
    found = []
    for days in (1, 25):
        pair = replace(table.take([rows[0], rows[0]]), claim_id=["a", "b"])
        pair = replace(pair, admit_dt=pair["admit_dt"].to_numpy() + np.array([0, days], "timedelta64[D]"))
        judged = judge(scorer.trained, read_features(pair), in_window=2_000.0)
        found.append(judged.view.facts["copied"][1])
        assert judged.view.facts["copied"][0] == 0
        # In so dense a stream that any claim is soon repeated, a repeat is no evidence.
        dense = judge(scorer.trained, read_features(pair), in_window=1e12)
        assert dense.view.facts["copied"][1] == 0
    assert found[0] > found[1] > 0


def test_a_person_seen_twice_for_the_same_thing_within_three_days_is_flagged(scorer, claims, replace, at):
    table, rows = _ordinary(scorer, claims, at, lambda t: t["service_type"].to_numpy(zero_copy_only=False) == "RJTL")
    trio = table.take([rows[0]] * 3)
    admit = trio["admit_dt"].to_numpy() + np.array([0, 2, 20], "timedelta64[D]")
    found = _flags(scorer.score(replace(trio, admit_dt=admit, patient_id_hash=["p1"] * 3), scored_at=at))
    assert ["repeat_visit" in flags for flags in found] == [False, True, False]


def test_a_procedure_of_another_diagnosis_is_flagged(scorer, claims, replace, at):
    table, rows = _ordinary(scorer, claims, at, lambda t: t["dx_primary_code"].to_numpy(zero_copy_only=False) == "J189")
    found = _flags(scorer.score(replace(table.take(rows[:1]), procedure_code=["8000"]), scored_at=at))[0]
    assert found["procedure_mismatch"] == "procedure 8000 hardly ever goes with J189"


def test_an_amount_far_below_the_price_of_its_content_is_said_and_adds_nothing_by_itself(scorer, claims, replace, at):
    table, rows = _ordinary(scorer, claims, at, lambda t: t["los"].to_numpy() > 0)
    table = table.take(rows[:1])
    cheap = np.rint(table["amount_claimed"].to_numpy() * 0.437 / 100) * 100
    odd = scorer.score(replace(table, amount_claimed=cheap, amount_paid=cheap, amount_gap=[0.0]), scored_at=at)
    assert "hardly any claim costs so much less" in _flags(odd)[0]["cost_below_expected"]
    assert weigh(np.array([[rule.name == "cost_below_expected" for rule in RULES]])) == [0.0]


def test_more_paid_than_claimed_is_flagged(scorer, claims, replace, at):
    table, rows = _ordinary(scorer, claims, at, lambda t: t["los"].to_numpy() == 0)
    table = table.take(rows[:1])
    found = _flags(scorer.score(replace(table, amount_paid=table["amount_claimed"].to_numpy() + 100), scored_at=at))[0]
    assert "paid_share_unusual" in found


def test_a_rule_that_fires_on_many_clean_claims_switches_itself_off_and_says_so(claims, replace, at):
    table = claims(1_000, 1)
    over = np.where(np.arange(1_000) % 10 == 0, table["amount_claimed"].to_numpy() + 1, table["amount_paid"].to_numpy())
    trained = train_scorer(replace(table, amount_paid=over), profile_hash="x", seed=1)
    assert trained.disabled_rules["paid_share_unusual"] == "fires on 10.0% of clean claims, more than 5%"
    scored = trained.score(replace(table, amount_paid=over), scored_at=at)
    assert not any("paid_share_unusual" in flags for flags in scored["flags"].to_pylist())


def test_no_enabled_rule_fires_on_more_than_one_clean_claim_in_twenty(scorer, claims, at):
    flags = scorer.score(claims(10_000, 31), scored_at=at)["flags"].combine_chunks().flatten().to_pylist()
    assert not scorer.disabled_rules
    assert all(flags.count(rule.name) <= MOST_CLEAN_SHARE * 10_000 for rule in RULES)


def test_rules_are_named_once_weighed_below_one_and_explained():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert {"short_stay_high_cost", "high_cost_full_paid", "severity_mismatch", "duplicate_pattern"} <= {
        r.name for r in RULES
    }
    assert all(0 <= rule.weight < 1 and rule.description and rule.source and rule.wording for rule in RULES)
    assert ruleset_version().startswith("rules-")


def test_unknown_signals_fire_no_rule():
    names = {condition.signal for rule in RULES for condition in rule.conditions}
    assert not fire({name: np.full(3, np.nan) for name in names}, 3).any()


def test_more_rules_weigh_more_and_never_more_than_one():
    fired = np.tri(len(RULES) + 1, len(RULES), -1, dtype=bool)
    weights = weigh(fired)
    assert weights[0] == 0
    assert ((np.diff(weights) > 0) == [rule.weight > 0 for rule in RULES]).all()
    assert weights[-1] < 1
    assert not calibrate(fired[:1]).disabled


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "Rp 0"),
        (7, "Rp 7"),
        (999.6, "Rp 1,000"),
        (1_000, "Rp 1,000"),
        (12_400_000, "Rp 12,400,000"),
        (float("nan"), "Rp 0"),
        (1e13, "Rp 10,000,000,000,000"),
    ],
)
def test_money_is_written_with_thousands(amount, text):
    assert money(np.array([amount])).to_pylist() == [text]


def test_counts_know_their_singular():
    assert counted(np.array([0.0, 1.0, 2.0]), "day", "days").to_pylist() == ["0 days", "1 day", "2 days"]


def test_what_a_scorer_knows_is_frozen(scorer):
    assert isinstance(scorer.trained, Trained)
    with pytest.raises(AttributeError):
        scorer.trained.learned = None


def test_a_copy_is_seen_among_many_claims_too(scorer, claims, replace, at):
    """What training saw once is not taken for something that chance repeats as often: the more so, the more claims."""
    table = claims(40_000, 31)
    stays = np.flatnonzero(table["los"].to_numpy() >= 3)[:200]
    later = table.take(stays)
    day = np.timedelta64(1, "D")
    later = replace(
        later,
        claim_id=[f"COPY-{i}" for i in range(len(later))],
        admit_dt=later["admit_dt"].to_numpy() + day,
        discharge_dt=later["discharge_dt"].to_numpy() + day,
    )
    scored = scorer.score(pa.concat_tables([table, later]), scored_at=at)
    flagged = np.array(["duplicate_pattern" in flags for flags in scored["flags"].to_pylist()])
    assert flagged[len(table) :].mean() > 0.5
    assert flagged[: len(table)].mean() < 0.01
