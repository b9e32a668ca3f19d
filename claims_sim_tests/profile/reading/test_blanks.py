"""Cells that the source leaves empty: as often, and of the same claims, in a table that stands for it; never in the stream."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.codes import icd10
from claims_sim.errors import ProfileError
from claims_sim.profile.counts.counting import Population
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.document import Profile
from claims_sim.profile.encoding import encode
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 8000


def emptied(table, name, rows):
    """`table` with nothing in the column `name` of `rows`."""
    values = [None if gone else value for value, gone in zip(table[name].to_pylist(), rows, strict=True)]
    return table.set_column(table.column_names.index(name), name, pa.array(values, table[name].type))


@pytest.fixture(scope="module")
def pending():
    """Visits have no severity, most claims of December are not yet paid, and some stays have no discharge but days."""
    g = np.random.default_rng(3)
    table = tariff_table(ROWS)
    stays = np.array(table["service_type"].to_pylist()) == "RITL"
    december = np.array([day.month == 12 for day in table["admit_dt"].to_pylist()])
    table = emptied(table, "severity_group", ~stays)
    table = emptied(table, "amount_paid", december & (g.random(ROWS) < 0.7))
    return emptied(table, "discharge_dt", stays & (g.random(ROWS) < 0.1))


@pytest.fixture(scope="module")
def profile(fit, pending):
    return fit(pending)


@pytest.fixture(scope="module")
def drawn(profile):
    """The claims as a stream would have them, and as a table that stands for the source's has them."""
    sampler = Sampler(profile)
    claims = sampler.draw_claims(1, np.arange(ROWS))
    return claims.to_pandas(), sampler.leave_empty(1, np.arange(ROWS), claims).to_pandas()


def shares(frame):
    december = frame["admit_dt"].astype("datetime64[ns]").dt.month == 12
    stays = frame["service_type"] == "RITL"
    return {
        "severity of visits": frame.loc[~stays, "severity_group"].isna().mean(),
        "severity of stays": frame.loc[stays, "severity_group"].isna().mean(),
        "paid in December": frame.loc[december, "amount_paid"].isna().mean(),
        "paid before": frame.loc[~december, "amount_paid"].isna().mean(),
        "discharge of stays": frame.loc[stays, "discharge_dt"].isna().mean(),
        "discharge of visits": frame.loc[~stays, "discharge_dt"].isna().mean(),
        "days": frame["los"].isna().mean(),
    }


def test_as_many_cells_of_the_same_claims_are_empty(pending, drawn):
    assert shares(drawn[1]) == pytest.approx(shares(pending.to_pandas()), abs=0.04)


def test_payments_that_are_not_decided_are_empty_where_the_gap_is_all_that_is_claimed(fit):
    """One claim in twelve is not decided, and its gap is what it claims; of one in twenty-five nothing is paid, and one in a hundred lacks
    what was paid.
    """
    g, table = np.random.default_rng(8), tariff_table(ROWS)
    kind = g.choice(4, ROWS, p=[0.08, 0.04, 0.01, 0.87])
    claimed = table["amount_claimed"].to_numpy()
    paid = np.where(kind < 2, 0.0, claimed)
    table = replaced(replaced(table, "amount_paid", paid), "amount_gap", claimed - paid)
    table = emptied(table, "amount_paid", (kind == 0) | (kind == 2))
    sampler = Sampler(fit(table))
    claims = sampler.leave_empty(1, np.arange(ROWS), sampler.draw_claims(1, np.arange(ROWS)))

    def kinds(of):
        frame = of.to_pandas()
        empty, all_left = frame["amount_paid"].isna(), frame["amount_gap"] == frame["amount_claimed"]
        return [(empty & all_left).mean(), (empty & ~all_left).mean(), (frame["amount_paid"] == 0).mean()]

    assert kinds(claims) == pytest.approx(kinds(table), abs=0.012)


def test_a_claim_of_the_stream_lacks_nothing(drawn):
    whole = drawn[0]
    assert not whole[["severity_group", "amount_paid", "amount_gap", "discharge_dt"]].isna().any().any()
    assert (whole.loc[whole["service_type"] == "RJTL", "severity_group"] == "unknown").all()


def test_what_is_not_empty_is_what_it_was(drawn):
    whole, left = drawn
    for name in left.columns:
        if name != "dx_secondary_codes":
            there = left[name].notna()
            assert (left.loc[there, name] == whole.loc[there, name]).all()


def test_a_gap_that_would_tell_what_is_left_out_is_left_out(drawn):
    left = drawn[1]
    assert (left["amount_gap"].isna() == left["amount_paid"].isna()).all()


def test_cells_that_are_shown_stay_and_a_claim_is_as_empty_as_the_one_it_is_like(profile):
    sampler, rows = Sampler(profile), np.arange(2000)
    claims = sampler.draw_claims(2, rows)
    plain = sampler.leave_empty(2, rows, claims).to_pandas()
    left = sampler.leave_empty(2, rows, claims, {"amount_paid": rows % 2 == 0}).to_pandas()
    assert left.loc[::2, "amount_paid"].notna().all()
    assert left.loc[::2, "severity_group"].isna().any()
    assert (left.loc[1::2].isna() == plain.loc[1::2].isna()).all(axis=None)
    like = sampler.leave_empty(2, rows, claims, like=rows // 2 * 2).to_pandas()["amount_paid"].isna()
    assert (like[::2].to_numpy() == like[1::2].to_numpy()).all()
    assert (like[::2] == plain["amount_paid"].isna()[::2]).all()


def test_the_same_claims_are_emptied_whatever_the_partitioning(profile):
    sampler, rows = Sampler(profile), np.arange(1000)
    claims = sampler.draw_claims(4, rows)
    parts = [sampler.leave_empty(4, rows[at], claims.slice(at.start, 500)) for at in (slice(0, 500), slice(500, 1000))]
    assert pa.concat_tables(parts).equals(sampler.leave_empty(4, rows, claims))


def test_empty_cells_of_fewer_than_k_persons_are_not_told(fit):
    table, rows = tariff_table(ROWS), np.arange(ROWS)
    table = replaced(table, "patient_id_hash", [f"person {i // 2}" for i in rows])
    few, enough = (fit(emptied(table, "amount_paid", rows < 2 * persons)) for persons in (10, 11))
    assert (few.blanks, enough.blanks) == ((), ((), ("amount_paid",)))
    assert "blanks" not in few.tables


@pytest.mark.slow
def test_they_are_those_of_the_claims_that_are_profiled(fit):
    """Of the claims before them, whose amounts cannot be and which are left out, none lacks a discharge."""
    table, rows = tariff_table(ROWS), np.arange(ROWS)
    stays = np.array(table["service_type"].to_pylist()) == "RITL"
    for name in ("amount_claimed", "amount_paid"):
        table = replaced(table, name, np.where(rows < ROWS // 8, -1.0, table[name].to_numpy()))
    sampler = Sampler(fit(emptied(table, "discharge_dt", stays & (rows >= ROWS // 8))))
    left = sampler.leave_empty(1, rows, sampler.draw_claims(1, rows)).to_pandas()
    assert (left["discharge_dt"].isna() == (left["service_type"] == "RITL")).mean() > 0.99


@pytest.mark.slow
def test_what_is_not_decided_before_the_discharge_is_empty_of_those_who_leave_late(fit):
    """Claims of stays that end after the last month of admission have no amounts yet; claims of other years have all theirs."""
    table = tariff_table(ROWS)
    late = np.array([day.year > 2024 for day in table["discharge_dt"].to_pylist()])
    assert late.sum() > 20
    for name in ("amount_claimed", "amount_paid"):
        table = emptied(table, name, late)
    sampler, rows = Sampler(fit(table)), np.arange(10 * ROWS)
    claims = sampler.draw_claims(1, rows)
    left = sampler.leave_empty(1, rows, claims).to_pandas()
    is_late = left["discharge_dt"].astype("datetime64[ns]").dt.year > 2024
    assert is_late.mean() == pytest.approx(late.mean(), rel=0.3)
    assert (left["amount_claimed"].isna() == is_late).mean() > 0.999
    later = claims.slice(0, ROWS)
    for name in ("admit_dt", "discharge_dt"):
        at = claims.column_names.index(name)
        moved = later[name].to_numpy() + np.timedelta64(4 * 365, "D")
        later = later.set_column(at, claims.schema.field(name), pa.array(moved, claims.schema.field(name).type))
    assert later["admit_dt"].to_numpy().min() > np.datetime64("2027-01-01")
    assert sampler.leave_empty(1, rows[:ROWS], later)["amount_claimed"].null_count < 0.01 * ROWS


@pytest.mark.slow
def test_a_table_without_empty_cells_has_none(fit):
    profile = fit(tariff_table(ROWS))
    assert profile.blanks == ()
    claims = Sampler(profile).draw_claims(1, np.arange(100))
    assert Sampler(profile).leave_empty(1, np.arange(100), claims).equals(claims)


def test_they_are_part_of_the_document(profile):
    assert ("amount_paid",) in profile.blanks
    assert Profile.from_json(profile.to_json()) == profile


@pytest.mark.slow
def test_a_procedure_that_was_not_done_lacks_no_label(fit):
    table = tariff_table(ROWS)
    named = ["Other" if code else None for code in table["procedure_code"].to_pylist()]
    assert fit(table.append_column("procedure_label", pa.array(named))).blanks == ()


@pytest.fixture(scope="module")
def undiagnosed():
    """A fifth of the visits have no diagnosis, nor a name of one."""
    table = tariff_table(ROWS)
    visits = np.array(table["service_type"].to_pylist()) == "RJTL"
    table = emptied(table, "dx_primary_code", visits & (np.arange(ROWS) % 5 == 0))
    names = [code and (icd10.label(code) or "Other") for code in table["dx_primary_code"].to_pylist()]
    return table.append_column("dx_primary_label", pa.array(names, pa.string()))


@pytest.mark.slow
def test_claims_without_a_diagnosis_are_drawn_as_often_and_have_none_in_a_table_of_theirs(fit, undiagnosed):
    profile = fit(undiagnosed)
    assert profile.rows == pytest.approx(ROWS, abs=profile.k)
    assert any("no primary diagnosis: R69 stands for it" in told for told in profile.oddities)
    sampler, rows = Sampler(profile), np.arange(ROWS)
    claims = sampler.draw_claims(1, rows)
    whole, left = claims.to_pandas(), sampler.leave_empty(1, rows, claims).to_pandas()
    real = undiagnosed.to_pandas()
    for service in ("RITL", "RJTL"):
        shares = [
            frame.loc[frame["service_type"] == service, "dx_primary_code"].isna().mean() for frame in (real, left)
        ]
        assert shares[1] == pytest.approx(shares[0], abs=0.02)
    assert not whole["dx_primary_code"].isna().any()
    assert set(whole.loc[left["dx_primary_code"].isna(), "dx_primary_code"]) == {"R69"}
    assert (left["dx_primary_label"].isna() == left["dx_primary_code"].isna()).all()
    assert profile.blanks == ()
    asked = sampler.leave_empty(1, rows, claims, asked=("dx_primary_code",)).to_pandas()
    assert not asked["dx_primary_code"].isna().any()


@pytest.mark.slow
def test_what_stands_for_a_missing_diagnosis_is_no_code_of_the_source(fit, undiagnosed):
    codes = undiagnosed["dx_primary_code"].to_pylist()
    common = max({code for code in codes if code}, key=codes.count)
    theirs = replaced(undiagnosed, "dx_primary_code", ["R69" if code == common else code for code in codes])
    profile = fit(theirs.drop_columns("dx_primary_label"))
    assert profile.defaults["dx_primary_code"] == "Z769"
    rows = np.arange(ROWS)
    left = Sampler(profile).leave_empty(1, rows, Sampler(profile).draw_claims(1, rows)).to_pandas()
    assert (left["dx_primary_code"] == "R69").mean() == pytest.approx(codes.count(common) / ROWS, abs=0.02)
    with pytest.raises(ProfileError, match="stands for a missing diagnosis"):
        Profile.from_json(profile.to_json().replace('"dx_primary_code":"Z769"', '"dx_primary_code":"Z768"'))


def test_missing_diagnoses_of_fewer_than_k_persons_are_none(fit):
    table, rows = tariff_table(ROWS), np.arange(ROWS)
    table = replaced(table, "patient_id_hash", [f"person {i // 2}" for i in rows])
    few, enough = (fit(emptied(table, "dx_primary_code", rows < 2 * persons)) for persons in (10, 11))
    assert ("dx_primary_code" in few.defaults, "dx_primary_code" in enough.defaults) == (False, True)
    assert "R69" not in few.vocabularies["dx_primary_code"]


def test_procedures_that_may_not_be_told_are_missing_where_they_are_many_and_what_goes_with_them_is_as_common_as_it_is(
    fit,
):
    """Until July everything is written by hand, and then by codes that may be told; few that may not be are as others."""
    table = tariff_table(ROWS)
    by_hand = np.array([day.month < 7 for day in table["admit_dt"].to_pylist()])
    codes = table["procedure_code"].to_pylist()
    for hidden, missing in ((by_hand, True), (by_hand & (np.arange(ROWS) % 20 == 0), False)):
        theirs = [
            f"as told by person {i % 40}" if own else code
            for i, (code, own) in enumerate(zip(codes, hidden, strict=True))
        ]
        profile = fit(replaced(table, "procedure_code", theirs))
        assert any("it counts as missing" in told for told in profile.oddities) == missing
        claims = Sampler(profile).draw_claims(1, np.arange(ROWS)).to_pandas()
        early = claims["admit_dt"].astype("datetime64[ns]").dt.month < 7
        assert early.mean() == pytest.approx(by_hand.mean(), abs=0.03)
        if missing:
            assert claims.loc[early, "procedure_code"].isna().mean() > 0.98


def test_how_many_claims_hold_what_may_not_be_told_is_not_told_of_one_facility(fit):
    table, rows = tariff_table(ROWS), np.arange(ROWS)
    table = replaced(table, "facility_id", [f"H{i % 9}" for i in rows])
    codes = table["procedure_code"].to_pylist()
    for houses, told in ((1, "Some of procedure_code is rare"), (4, "44.")):
        theirs = [f"as person {i % 70} told" if i % 9 < houses else code for i, code in enumerate(codes)]
        sentences = fit(replaced(table, "procedure_code", theirs)).oddities
        assert any(one.startswith(told) and "of procedure_code is rare" in one for one in sentences)


@pytest.mark.parametrize(("odd", "left_out"), [(12, True), (50, False)])
@pytest.mark.slow
def test_a_gap_that_is_something_else_is_left_out(fit, odd, left_out):
    """Every twelfth claim has a deductible in its place; of slips in every fiftieth the others are gaps."""
    table = tariff_table(ROWS)
    claimed, paid = (table[name].to_numpy().astype(float) for name in ("amount_claimed", "amount_paid"))
    paid = np.where(np.arange(ROWS) % 3 == 0, claimed * 0.8, paid)
    gap = np.where(np.arange(ROWS) % odd == 0, 385.0, claimed - paid)
    table = replaced(table, "amount_paid", paid).append_column("amount_gap", pa.array(gap))
    profile = fit(table)
    assert ("amount_gap" in profile.absent) == ("amount_gap" in profile.defaults) == left_out
    assert any("is something else" in told for told in profile.oddities) == left_out
    sampler, rows = Sampler(profile), np.arange(2000)
    claims = sampler.draw_claims(1, rows)
    assert claims["amount_gap"].null_count == 0
    left = sampler.leave_empty(1, rows, claims)
    assert left["amount_gap"].null_count == (2000 if left_out else 0)
    assert left["amount_paid"].null_count == 0


@pytest.mark.parametrize("name", ["amount_gap", "comorbidity_count"])
@pytest.mark.slow
def test_a_column_that_follows_from_others_and_is_empty_stays_so_in_a_table_that_stands_for_the_source(fit, name):
    profile, rows = fit(tariff_table(ROWS).append_column(name, pa.nulls(ROWS, pa.float64()))), np.arange(300)
    assert profile.defaults[name].endswith("though the source's is empty")
    claims = Sampler(profile).draw_claims(1, rows)
    assert claims[name].null_count == 0
    assert Sampler(profile).leave_empty(1, rows, claims)[name].null_count == 300


def test_a_few_persons_claims_do_not_make_a_column_something_else(fit):
    table, rows = tariff_table(ROWS), np.arange(ROWS)
    claimed, paid = (table[name].to_numpy().astype(float) for name in ("amount_claimed", "amount_paid"))
    few = rows < 60
    gap = np.where(few & (rows % 2 == 0), 385.0, claimed - paid)
    known = [None if not one else float(value) for one, value in zip(few, gap, strict=True)]
    table = table.append_column("amount_gap", pa.array(known, pa.float64()))
    for persons, left_out in ((10, False), (30, True)):
        theirs = [f"person {i % persons if i < 60 else i}" for i in rows.tolist()]
        assert ("amount_gap" in fit(replaced(table, "patient_id_hash", theirs)).defaults) == left_out


@pytest.mark.slow
def test_a_count_of_more_than_the_secondary_codes_is_left_out(fit):
    table = tariff_table(ROWS)
    listed = [len(codes or ()) for codes in table["dx_secondary_codes"].to_pylist()]
    counts = [count + 2 * (i % 8 == 0) for i, count in enumerate(listed)]
    profile, rows = fit(table.append_column("comorbidity_count", pa.array(counts))), np.arange(500)
    claims = Sampler(profile).draw_claims(1, rows)
    assert claims["comorbidity_count"].to_pylist() == [len(c or ()) for c in claims["dx_secondary_codes"].to_pylist()]
    assert Sampler(profile).leave_empty(1, rows, claims)["comorbidity_count"].null_count == 500
    assert any("comorbidity_count" in told and "left out" in told for told in profile.oddities)


@pytest.mark.slow
def test_a_label_that_only_repeats_its_code_is_none_in_a_table_that_stands_for_the_sources(fit):
    table = tariff_table(ROWS)
    codes = [f"P{10_000 + i % 30}" if i % 3 else None for i in range(ROWS)]
    named = [code and f"as {code[::-1]} was told by person {i % 97}" for i, code in enumerate(codes)]
    table = replaced(table, "procedure_code", codes).append_column("procedure_label", pa.array(named, pa.string()))
    profile, rows = fit(table), np.arange(2000)
    claims = Sampler(profile).draw_claims(1, rows)
    done = claims["procedure_code"].is_valid().to_numpy()
    assert done.mean() > 0.2
    assert (claims["procedure_label"].to_pylist() == np.array(claims["procedure_code"].to_pylist(), object))[done].all()
    assert Sampler(profile).leave_empty(1, rows, claims)["procedure_label"].null_count == 2000


OTHERS = ("amount_claimed", "amount_paid", "dx_primary_label")
# What columns of the stay are told by depends on which of them there are; what others are told by does not.
EMPTIED = [
    ("admit_dt", ()),
    ("discharge_dt", ()),
    ("amount_claimed", ()),
    ("los", ("admit_dt", "discharge_dt")),
    *(
        pytest.param(name, without, marks=pytest.mark.slow)
        for name, without in (
            *((name, ()) for name in ("los", "amount_paid", "dx_primary_label")),
            *((name, ("los",)) for name in ("admit_dt", "discharge_dt", *OTHERS)),
            *((name, ("admit_dt", "discharge_dt")) for name in ("admit_dt", "discharge_dt", *OTHERS)),
        )
    ),
]


@pytest.mark.parametrize(("name", "without"), EMPTIED)
@pytest.mark.slow
def test_each_column_is_as_often_empty_as_it_is_though_others_are_told_by_it(fit, name, without):
    table, count = tariff_table(), 4000
    table = table.append_column("dx_primary_label", table["dx_primary_code"])
    table = emptied(
        table.drop_columns([column for column in without if column != name]), name, np.arange(count) % 5 == 0
    )
    sampler, rows = Sampler(fit(table)), np.arange(count)
    left = sampler.leave_empty(3, rows, sampler.draw_claims(3, rows))
    assert left[name].null_count / count == pytest.approx(0.2, abs=0.03)


def test_what_is_withheld_is_not_what_another_table_counts_more(fit):
    """Two persons' many claims lack two columns together, which is not told; how many these are is no difference of totals."""
    table, rows = tariff_table(ROWS), np.arange(ROWS)
    few = rows < 300
    table = replaced(table, "patient_id_hash", [f"person {i % 2 if i < 300 else i}" for i in rows])
    table = emptied(emptied(table, "amount_paid", few | (rows % 8 == 1)), "discharge_dt", few)
    profile = fit(table)
    assert profile.blanks == ((), ("amount_paid",))
    claims = [sum(sum(level.units) for level in profile.tables[name].levels) for name in ("blanks", "service_type")]
    assert abs(claims[0] - claims[1]) <= 2


@pytest.mark.slow
def test_at_most_sixty_sets_of_empty_cells_are_told(fit):
    table, g = tariff_table(20_000), np.random.default_rng(8)
    further = {
        "dx_primary_label": [f"Label {i}" for i in g.integers(0, 9, 20_000)],
        "amount_gap": table["amount_claimed"].to_numpy() - table["amount_paid"].to_numpy(),
        "comorbidity_count": [len(codes or ()) for codes in table["dx_secondary_codes"].to_pylist()],
    }
    for name, column in further.items():
        table = table.append_column(name, pa.array(column))
    for name in ("amount_paid", "los", "admit_dt", "discharge_dt", *further):
        table = emptied(table, name, g.random(20_000) < 0.4)
    assert 40 < len(fit(table).blanks) <= 61


def test_what_was_asked_for_is_never_left_out(profile):
    sampler, rows = Sampler(profile), np.arange(2000)
    claims = sampler.draw_claims(2, rows)
    left = sampler.leave_empty(2, rows, claims, asked=("amount_paid", "severity_group"))
    assert left["amount_paid"].null_count == left["severity_group"].null_count == 0
    assert left["discharge_dt"].null_count > 0


def test_a_discharge_that_nobody_wrote_down_says_nothing_of_its_month(fit):
    """Stays of one to twenty-four days, whose days nobody tells; of some the discharge is missing, whenever it was."""
    g, rows = np.random.default_rng(21), 12_000
    table = replaced(tariff_table(rows).drop_columns(["los"]), "service_type", ["RITL"] * rows)
    admit = table["admit_dt"].to_numpy().astype("datetime64[D]")
    table = replaced(table, "discharge_dt", admit + g.integers(1, 25, rows) * np.timedelta64(1, "D"))
    table = emptied(table, "discharge_dt", g.random(rows) < 0.15)
    sampler = Sampler(fit(table))
    claims = sampler.draw_claims(5, np.arange(rows))
    left = sampler.leave_empty(5, np.arange(rows), claims)["discharge_dt"].is_null().to_numpy()
    months = [claims[name].to_numpy().astype("datetime64[M]") for name in ("admit_dt", "discharge_dt")]
    across = months[0] != months[1]
    assert left[across].mean() == pytest.approx(0.15, abs=0.03)
    assert left[~across].mean() == pytest.approx(0.15, abs=0.03)


@pytest.mark.slow
def test_drawn_claims_with_empty_days_and_discharges_are_read_as_the_source_is(fit):
    g, table = np.random.default_rng(2), tariff_table(ROWS)
    for name in ("los", "discharge_dt"):
        table = emptied(table, name, g.random(ROWS) < 0.1)
    sampler, rows = Sampler(fit(table)), np.arange(ROWS)
    read = sampler.draw_as_read(3, rows)
    assert 0 < read["los"].null_count < 0.03 * ROWS


@pytest.mark.slow
def test_stays_that_most_inpatients_lack_are_as_long_and_as_often_there_as_the_sources(fit):
    """Lines of bills: visits have no discharge, and of those that stay one line in five has the day they left."""
    table = tariff_table(ROWS).drop_columns(["los"])
    stays = np.array(table["service_type"].to_pylist()) == "RITL"
    known = stays & (np.random.default_rng(3).random(ROWS) < 0.2)
    profile = fit(emptied(table, "discharge_dt", ~known))
    read = Sampler(profile).draw_as_read(4, np.arange(ROWS))
    drawn = np.array(read["service_type"].to_pylist()) == "RITL"
    assert "los" not in read.column_names
    assert np.mean(read["discharge_dt"].is_null().to_numpy()[drawn]) == pytest.approx(0.8, abs=0.05)

    def nights(claims, those):
        admit, discharge = (claims[name].to_numpy().astype("datetime64[D]") for name in ("admit_dt", "discharge_dt"))
        days = (discharge - admit)[those]
        return float(np.mean(days[~np.isnat(days)].astype(int)))

    assert nights(read, drawn) == pytest.approx(nights(table, known), rel=0.15)


def test_it_is_shown_which_cells_are_empty_together(profile):
    shown = {found.column: found.values for found in describe_crossing(profile).lists}
    assert shown["blanks"] == ("none", *(" and ".join(names) for names in profile.blanks[1:]))


@pytest.mark.parametrize("own", [3, 40])
def test_what_hides_others_makes_no_blanks_of_what_a_few_have(own):
    """A third of the claims have an operation that may not be told, of three persons or of forty; others', that are told, hide some."""
    rows = 300
    codes = np.repeat(np.array([-1, -1, 0], np.int32), 100)
    person = np.r_[np.arange(100) % own, 1000 + np.arange(200)]
    out = Encoded(Population(rows, 11, person, None), rows)
    out.codes["procedure_code"], out.vocabularies["procedure_code"] = codes, ("741",)
    untold = np.arange(rows) < 100
    assert encode._count_as_missing(out, "procedure_code", untold) == (own >= 11)


@pytest.mark.many(daily=2)
@pytest.mark.parametrize(
    ("own", "hers", "told"),
    [(0.8, 0, False), (0.7, 0, True), (0.7, 8000, True)],
    ids=["four in five", "seven in ten", "seven in ten, and one person's many"],
)
def test_a_column_of_places_that_hardly_any_share_is_none(fit, own, hers, told):
    """Most towns are one claim's. What is left of such a column would be odd, and blank for nearly all."""
    table = tariff_table(ROWS)
    towns = np.array(table["facility_ownership"].to_pylist(), object)
    theirs = np.random.default_rng(221).random(ROWS) < own
    towns[theirs] = [f"Kampung {i:b}".replace("1", "i").replace("0", "o") for i in np.flatnonzero(theirs)]
    owners = [f"p{i}" for i in range(ROWS)] + ["hers"] * hers
    table = pa.concat_tables([replaced(table, "facility_ownership", towns.tolist())] * (2 if hers else 1))
    table = replaced(table, "claim_id", [f"C{i}" for i in range(len(table))])
    profile = fit(replaced(table, "patient_id_hash", owners))
    assert ("facility_ownership" in profile.vocabularies) is told
    assert any("counts as absent" in said for said in profile.oddities) is not told
