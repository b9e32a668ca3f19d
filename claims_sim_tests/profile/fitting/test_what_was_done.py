"""What was done says more: which month and weekday a claim is of, and which amounts it can have; and a house says what its code
stands for there.
"""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import months_of, pick, replaced, tariff_table

ROWS = 8000


def weekdays_of(table):
    return (table["admit_dt"].to_numpy().astype("datetime64[D]").astype(int) + 3) % 7


def share_of(table, code, where):
    return np.mean(where[np.array(table["procedure_code"].to_pylist()) == code])


@pytest.mark.slow
def test_procedures_whose_codes_are_renewed_are_of_the_months_in_which_they_were_used(fit):
    table = tariff_table(ROWS)
    visit, is_new = np.random.default_rng(3).random(ROWS) < 0.7, months_of(table) >= 7
    codes = np.where(visit, np.where(is_new, "9921", "8901"), np.where(is_new, "9955", "8952"))
    table = replaced(table, "procedure_code", codes.tolist())
    claims = Sampler(fit(table)).draw_claims(1, np.arange(ROWS))
    for code in ("9921", "9955", "8901", "8952"):
        assert share_of(claims, code, months_of(claims) >= 7) == pytest.approx(float(code.startswith("99")), abs=0.005)


def test_who_comes_without_an_appointment_comes_at_weekends(fit):
    table, g = tariff_table(ROWS), np.random.default_rng(4)
    urgent = g.random(ROWS) < 0.3
    days = g.integers(0, 52, ROWS) * 7 + np.where(urgent, g.integers(0, 7, ROWS), g.integers(0, 5, ROWS))
    table = replaced(table, "admit_dt", np.datetime64("2024-01-01") + days)  # a Monday
    table = replaced(table, "discharge_dt", table["admit_dt"].to_numpy() + table["los"].to_numpy())
    table = replaced(table, "procedure_code", np.where(urgent, "8952", "8901").tolist())
    claims = Sampler(fit(table)).draw_claims(1, np.arange(ROWS))
    assert share_of(claims, "8901", weekdays_of(claims) >= 5) < 0.01
    assert share_of(claims, "8952", weekdays_of(claims) >= 5) == pytest.approx(2 / 7, abs=0.03)


@pytest.mark.slow
def test_kinds_of_houses_have_weekdays_of_their_own(fit):
    rows, g = 2 * ROWS, np.random.default_rng(4)
    table = tariff_table(rows)
    urgent = g.random(rows) < 0.3
    days = g.integers(0, 52, rows) * 7 + np.where(urgent, g.integers(0, 7, rows), g.integers(0, 5, rows))
    table = replaced(table, "admit_dt", np.datetime64("2024-01-01") + days)  # a Monday
    table = replaced(table, "discharge_dt", table["admit_dt"].to_numpy() + table["los"].to_numpy())
    kinds = np.where(urgent, "emergency centre", "polyclinic")
    claims = Sampler(fit(replaced(table, "facility_type", kinds.tolist()))).draw_claims(1, np.arange(rows))
    at_weekend = weekdays_of(claims) >= 5
    of_polyclinic = np.array(claims["facility_type"].to_pylist()) == "polyclinic"
    assert at_weekend[of_polyclinic].mean() < 0.01
    assert at_weekend[~of_polyclinic].mean() == pytest.approx(2 / 7, abs=0.03)


def test_a_code_whose_names_are_too_rare_is_called_by_none_of_another_code(fit):
    """Thirty claims of a code bear ten names, too few each: the public list's name stands for all of them."""
    rows = 4000
    rare = np.arange(rows) % 133 == 0
    names = np.where(
        rare, [f"Repair of finger type {'ABCDEFGHIJ'[i % 10]}" for i in np.cumsum(rare)], "Biopsy of liver"
    )
    table = replaced(tariff_table(rows), "procedure_code", np.where(rare, "8952", "5011").tolist())
    claims = (
        Sampler(fit(replaced(table, "procedure_label", names.tolist()))).draw_claims(1, np.arange(20_000)).to_pandas()
    )
    called = claims.loc[claims["procedure_code"] == "8952", "procedure_label"]
    assert len(called) > 50
    assert set(called) == {"Electrocardiogram"}


@pytest.mark.slow
def test_a_code_is_called_what_it_stands_for_in_each_kind_of_house(fit):
    table = tariff_table(ROWS)
    special = np.array(table["facility_class"].to_pylist()) == "RS Khusus Ibu dan Anak"
    names = np.where(special, "Obstetric ultrasound", "Ultrasound of abdomen")
    table = replaced(replaced(table, "procedure_code", ["8876"] * ROWS), "procedure_label", names.tolist())
    claims = Sampler(fit(table)).draw_claims(1, np.arange(ROWS)).to_pandas()
    of_special = claims["facility_class"] == "RS Khusus Ibu dan Anak"
    assert (claims["procedure_label"] == "Obstetric ultrasound").equals(of_special)


@pytest.mark.slow
def test_rarer_codes_keep_their_names_where_others_stand_for_several_things(fit):
    table, g = tariff_table(12_000), np.random.default_rng(3)
    special = np.array(table["facility_class"].to_pylist()) == "RS Khusus Ibu dan Anak"
    code = pick(g, 120, 12_000, 1.3)
    names = np.array(["Biopsy of liver", "Repair of hernia", "Dialysis", "Suture of tendon"])[code % 4]
    names = np.where(special & (code % 3 == 0), "Obstetric ultrasound", names)
    table = replaced(table, "procedure_code", [f"{8100 + number}" for number in code])
    profile = fit(replaced(table, "procedure_label", names.tolist()))
    assert "procedure_wording" in profile.tables["procedure_label"].parents
    assert "facility_class" in profile.tables["procedure_wording"].parents
    claims = Sampler(profile).draw_claims(1, np.arange(12_000)).to_pandas()
    named = claims["procedure_label"].isin(np.unique(names))
    assert named.groupby(claims["facility_class"]).mean().min() > 0.96


@pytest.mark.slow
def test_nobody_is_paid_by_name_more_than_is_claimed_where_that_is_seldom(fit):
    """A package is what most of a rare kind are paid, whose charges are a little more; one claim in five hundred is paid more."""
    g = np.random.default_rng(5)
    claimed = np.round(np.exp(g.normal(13, 0.4, ROWS)), 2)
    package = np.rint(np.exp(np.random.default_rng(22).normal(12.2, 0.3, 40)) / 100)[g.integers(0, 40, ROWS)] * 100
    packaged, above = g.random(ROWS) < 0.15, g.random(ROWS) < 0.002
    charged = np.where(packaged, np.round(package * (1 + g.beta(1, 4, ROWS)), 2), claimed)
    paid = np.where(above, charged + 1000, np.where(packaged, package, np.round(charged * g.beta(20, 3, ROWS), 2)))
    table = replaced(replaced(tariff_table(ROWS), "amount_claimed", charged), "amount_paid", paid)
    profile = fit(table)
    assert len(profile.money.paid_exact) > 30
    assert profile.identities["paid_over_claimed"] > 0
    drawn = Sampler(profile).draw_claims(1, np.arange(20_000)).to_pandas()
    named = drawn["amount_paid"].isin(profile.money.paid_exact)
    assert named.mean() > 0.05
    assert not (drawn["amount_paid"] > drawn["amount_claimed"])[named].any()


@pytest.mark.slow
def test_visits_of_round_amounts_are_mostly_those_without_a_procedure(fit):
    """Each place has dozens of round amounts that many share; half of the visits bear one, of those with a procedure fewer."""
    g, rows = np.random.default_rng(6), 2 * ROWS
    table = tariff_table(rows)
    place = np.unique(table["province_name"].to_pylist(), return_inverse=True)[1]
    done = g.random(rows) < 0.3
    plain = 5000.0 * (10 + 20 * place + g.integers(0, 60, rows))
    other = np.round(np.exp(g.normal(13, 0.5, rows)), 2)
    amounts = np.where(g.random(rows) < np.where(done, 0.2, 0.5), plain, other)
    table = replaced(table, "procedure_code", np.where(done, "8952", None).tolist())
    table = replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts)
    profile = fit(table)
    assert len(profile.money.exact) > 50
    claims = Sampler(profile).draw_claims(1, np.arange(rows))
    shares = []
    for t in (table, claims):
        shared = np.isin(t["amount_claimed"].to_numpy(), profile.money.exact)
        with_one = np.array(t["procedure_code"].is_valid().to_pylist())
        shares.append((shared[with_one].mean(), shared[~with_one].mean()))
    assert shares[1] == pytest.approx(shares[0], abs=0.03)


@pytest.mark.slow
def test_kinds_of_procedures_go_with_the_houses_that_do_these_though_the_diagnosis_tells_more_of_each(fit):
    """A pharmacy hands out drugs, clinics of one province do so rather than others, and each diagnosis has its own drugs and its own
    tests: 640 codes of 40 diagnoses.
    """
    rows, g = 24_000, np.random.default_rng(8)
    diagnosis, pharmacy = pick(g, 40, rows), g.random(rows) < 0.25
    here = np.array(tariff_table(rows)["province_name"].to_pylist()) == "BALI"
    drug = np.where(pharmacy, True, g.random(rows) < np.where(here, 0.6, 0.2))
    which = g.integers(0, 8, rows)
    codes = [
        f"X-{1000 + 7 * d:04d}-{n + 1:05d}-01" if is_drug else f"8{1000 + 11 * d + n}"
        for d, n, is_drug in zip(diagnosis.tolist(), which.tolist(), drug.tolist(), strict=True)
    ]
    table = replaced(
        tariff_table(rows), "dx_primary_code", [f"{'ABCDEFGH'[d % 8]}{10 + d}" for d in diagnosis.tolist()]
    )
    table = replaced(table, "facility_type", np.where(pharmacy, "Pharmacy", "Clinic").tolist())
    house = [
        f"{'PC'[kind]}{number}" for kind, number in zip((~pharmacy).astype(int), g.integers(0, 12, rows), strict=True)
    ]
    table = table.append_column("facility_id", pa.array(house))
    profile = fit(replaced(table, "procedure_code", codes))
    assert {"facility_type", "province_name"} <= set(profile.tables["procedure_group"].parents)
    claims = Sampler(profile).draw_claims(1, np.arange(rows))
    drawn = np.array([code.startswith("X-") for code in claims["procedure_code"].to_pylist()])
    in_pharmacy = np.array(claims["facility_type"].to_pylist()) == "Pharmacy"
    assert drawn[in_pharmacy].mean() == 1
    assert drawn[~in_pharmacy].mean() == pytest.approx(drug[~pharmacy].mean(), abs=0.02)
    in_bali = np.array(claims["province_name"].to_pylist()) == "BALI"
    for ours, theirs in ((in_bali, here), (~in_bali, ~here)):
        assert drawn[~in_pharmacy & ours].mean() == pytest.approx(drug[~pharmacy & theirs].mean(), abs=0.03)
    briefs = claims.select([name for name in claims.column_names if name not in ("procedure_code", "procedure_label")])
    opened = Sampler(profile).draw_open(3, np.arange(rows), briefs)["procedure_code"].to_pylist()
    assert np.mean([code.startswith("X-") for code in opened]) == pytest.approx(drawn.mean(), abs=0.02)
