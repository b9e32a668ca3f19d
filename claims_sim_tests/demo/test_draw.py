import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.demo.draw import DEMO_SCHEMA, draw_runs
from claims_sim.demo.facts import MEAN_RITL, MEAN_RJTL, PUBLISHED_ORDER
from claims_sim.demo.world import build_world
from claims_sim.rules.table import ADMISSION, IDENTITIES, judge
from claims_sim.rules.wire import to_flat
from claims_sim_tests.depth import examples

BROKEN = {
    "discharge_before_admit": "discharge_dt < admit_dt",
    "los_is_not_local_days": "los <> date_diff('day', admit_dt, discharge_dt)",
    "gap_is_not_difference": "amount_gap <> amount_claimed - amount_paid",
    "paid_out_of_bounds": "amount_paid < 0 OR amount_paid > amount_claimed",
    "outpatient_stay": "service_type = 'RJTL' AND los <> 0",
    "outpatient_severity": "service_type = 'RJTL' AND severity_group NOT IN ('ringan', 'unknown')",
    "primary_is_secondary": "list_contains(dx_secondary_codes, dx_primary_code)",
    "secondary_repeats": "len(list_distinct(dx_secondary_codes)) <> len(dx_secondary_codes)",
    "comorbidity_is_not_length": "comorbidity_count <> len(dx_secondary_codes)",
    "off_the_grid": "amount_claimed % 100 <> 0 OR amount_paid % 100 <> 0",
    "label_without_code": "(procedure_code IS NULL) <> (procedure_label IS NULL)",
    "outside_the_period": "admit_dt < TIMESTAMP '2022-01-01' OR admit_dt >= TIMESTAMP '2024-01-01'",
    "no_weight": "claim_weight <= 0",
    "missing": " OR ".join(f"{n} IS NULL" for n in DEMO_SCHEMA.names if not n.startswith("procedure")),
}


def _broken(claims):
    columns = ", ".join(f"count(*) FILTER ({condition}) AS {name}" for name, condition in BROKEN.items())
    with duckdb.connect() as connection:
        connection.register("claims", claims)
        counts = connection.execute(f"SELECT {columns} FROM claims").fetchone()
    return {name: count for name, count in zip(BROKEN, counts, strict=True) if count}


def _draw(rows, seed, share=0.35, **how):
    return pa.concat_tables([DEMO_SCHEMA.empty_table(), *draw_runs(build_world(rows, seed, share), **how)])


def test_the_columns_are_those_of_a_claims_table_in_name_type_and_order(claims):
    assert claims.schema == DEMO_SCHEMA
    assert [field for field in FLAT_SCHEMA if field.name in DEMO_SCHEMA.names] == list(DEMO_SCHEMA)


def test_all_identities_hold_exactly(claims):
    assert _broken(claims) == {}


@settings(max_examples=examples(4), deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**63 - 1), st.floats(0, 1))
def test_identities_hold_for_any_size_seed_and_share(rows, seed, share):
    claims = _draw(rows, seed, share)
    assert len(claims) == rows
    assert _broken(claims) == {}
    assert len(set(claims["claim_id"].to_pylist())) == rows


@pytest.mark.slow
def test_every_demo_claim_passes_the_admission_gate(claims):
    sample = to_flat(claims.take(np.arange(0, len(claims), 12)))
    with duckdb.connect() as connection:
        assert {name for names in judge(connection, sample, (*ADMISSION, *IDENTITIES)) for name in names} == set()


def test_the_same_seed_gives_the_same_claims_and_another_seed_others():
    assert _draw(3000, 5).equals(_draw(3000, 5))
    assert not _draw(3000, 5).equals(_draw(3000, 6))


def test_the_claims_do_not_depend_on_how_the_days_are_cut_into_runs():
    assert _draw(6000, 5, run_rows=700).equals(_draw(6000, 5))


def test_claims_come_in_the_order_of_admission(claims):
    admit = claims["admit_dt"].to_numpy()
    assert (np.diff(admit) >= np.timedelta64(0, "D")).all()


def test_published_means_and_shares_are_reproduced(ask):
    ritl, rjtl, secondary, gap = ask(
        """SELECT avg(amount_claimed) FILTER (service_type = 'RITL'), avg(amount_claimed) FILTER (service_type = 'RJTL'),
             avg(comorbidity_count), avg(CAST(amount_gap = 0 AS INTEGER)) FROM claims"""
    )
    assert ritl == pytest.approx(MEAN_RITL, rel=0.04)
    assert rjtl == pytest.approx(MEAN_RJTL, rel=0.03)
    assert secondary == pytest.approx(1.08, abs=0.04)
    assert gap > 0.95


def test_weights_restore_the_national_share_and_volume(ask):
    share, total = ask(
        "SELECT sum(claim_weight) FILTER (service_type = 'RITL') / sum(claim_weight), sum(claim_weight) FROM claims"
    )
    assert share == pytest.approx(0.111, abs=0.002)
    assert total == pytest.approx(12.0e6 + 16.3e6 + 95.9e6 + 129.9e6, rel=0.01)
    assert ask("SELECT avg(CAST(service_type = 'RITL' AS INTEGER)) FROM claims")[0] == pytest.approx(0.35, abs=1e-4)


def test_volumes_grow_as_published(ask):
    growth = ask(
        "SELECT count(*) FILTER (year(admit_dt) = 2023) / count(*) FILTER (year(admit_dt) = 2022) FROM claims"
    )[0]
    assert growth == pytest.approx(1.36, abs=0.03)


def test_common_diagnoses_come_in_the_published_order(ask):
    counts = [
        ask(
            "SELECT count(*) FROM claims WHERE service_type = 'RITL' AND ("
            + " OR ".join(f"starts_with(dx_primary_code, '{prefix}')" for prefix in prefixes)
            + ")"
        )[0]
        for prefixes in PUBLISHED_ORDER
    ]
    assert counts == sorted(counts, reverse=True)
    top = ask("SELECT mode(dx_primary_code) FROM claims WHERE service_type = 'RITL'")[0]
    assert top == "A09"


def test_caesareans_have_the_published_share_and_cost_and_belong_to_births(ask):
    caesarean = "procedure_code IN ('740', '741', '742', '744', '7499')"
    vaginal = "procedure_code IN ('7359', '7279', '7271', '736', '7569') OR dx_primary_code IN ('O800', 'O809', 'O814')"
    share, cost, elsewhere = ask(
        f"""SELECT count(*) FILTER ({caesarean}) / count(*) FILTER ({caesarean} OR {vaginal}),
              avg(amount_claimed) FILTER ({caesarean}),
              count(*) FILTER ({caesarean} AND NOT starts_with(dx_primary_code, 'O'))
            FROM claims WHERE service_type = 'RITL'"""
    )
    assert share == pytest.approx(0.605, abs=0.06)
    assert cost == pytest.approx(5.31e6, rel=0.10)
    assert elsewhere == 0


def test_few_stay_long_in_hospitals_for_mothers_and_children(ask):
    long = ask(
        """SELECT avg(CAST(los > 5 AS INTEGER)) FROM claims
           WHERE facility_type = 'RS Khusus Ibu dan Anak' AND service_type = 'RITL'"""
    )[0]
    assert long < 0.10


def test_money_is_a_lattice_with_many_repeats(ask):
    distinct, repeated = ask(
        """WITH amounts AS (SELECT amount_claimed, count(*) AS n FROM claims GROUP BY 1)
           SELECT count(*), sum(n) FILTER (n > 1) / sum(n) FROM amounts"""
    )
    assert distinct < 15_000
    assert repeated > 0.95


def test_each_link_of_the_chain_depends_on_the_one_before(ask):
    los, money, codes = ask(
        "SELECT "
        + ", ".join(
            f"avg({column}) FILTER (severity_group = 'berat') / avg({column}) FILTER (severity_group = 'ringan')"
            for column in ("los", "amount_claimed", "comorbidity_count")
        )
        + " FROM claims WHERE service_type = 'RITL'"
    )
    assert los > 1.7
    assert money > 1.7
    assert codes > 2
    eye, general = ask(
        """SELECT avg(CAST(starts_with(dx_primary_code, 'H') AS INTEGER)) FILTER (facility_type = 'RS Khusus Mata'),
             avg(CAST(starts_with(dx_primary_code, 'H') AS INTEGER)) FILTER (facility_type = 'RS Umum') FROM claims"""
    )
    assert eye > 0.7
    assert general < 0.2


def test_dengue_follows_the_rains_and_clinics_the_working_week(ask):
    wet, dry = ask(
        """SELECT count(*) FILTER (month(admit_dt) IN (1, 2, 3)), count(*) FILTER (month(admit_dt) IN (8, 9, 10))
           FROM claims WHERE dx_primary_code = 'A91'"""
    )
    assert wet > 1.8 * dry
    monday, sunday = ask(
        """SELECT count(*) FILTER (dayofweek(admit_dt) = 1), count(*) FILTER (dayofweek(admit_dt) = 0)
           FROM claims WHERE service_type = 'RJTL'"""
    )
    assert monday > 10 * sunday
    day, night = ask(
        """SELECT count(*) FILTER (hour(admit_dt) BETWEEN 8 AND 11), count(*) FILTER (hour(admit_dt) BETWEEN 0 AND 3)
           FROM claims WHERE service_type = 'RJTL'"""
    )
    assert day > 0
    assert night == 0


def test_patients_return_and_the_chronically_ill_return_more_often(ask):
    dialysis, appendix = ask(
        """WITH visits AS (SELECT patient_id_hash, any_value(dx_primary_code) AS code, count(*) AS n
             FROM claims GROUP BY patient_id_hash)
           SELECT avg(n) FILTER (code = 'Z491'), avg(n) FILTER (code = 'K358') FROM visits"""
    )
    assert dialysis > 1.2 * appendix
    assert ask("SELECT count(*) / count(DISTINCT patient_id_hash) FROM claims")[0] > 1.5


def test_nobody_is_in_two_beds_at_once(ask):
    overlaps = ask(
        """SELECT count(*) FROM (
             SELECT discharge_dt, lead(admit_dt) OVER (PARTITION BY patient_id_hash ORDER BY admit_dt) AS next_admit
             FROM claims WHERE service_type = 'RITL') WHERE next_admit < discharge_dt"""
    )[0]
    assert overlaps == 0


def test_unknown_severity_occurs_and_is_rare(ask):
    assert 0 < ask("SELECT avg(CAST(severity_group = 'unknown' AS INTEGER)) FROM claims")[0] < 0.01
