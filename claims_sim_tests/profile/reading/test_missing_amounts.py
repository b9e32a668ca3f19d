"""Claims that have no amount since their kind has none, as visits that a payment by head covers; and ones whose amount is not known."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claims_sim.profile.reading.missing_amounts import fill_amounts
from claims_sim.profile.reading.source import SourceSpec, read_claims, read_source
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import names, pick, replaced, tariff_table

ROWS = 6000
CLINIC, CENTRE, HOSPITAL = TYPES = ("Klinik Pratama", "Puskesmas", "Rumah Sakit")


def by_head(unknown=0.0):
    """Clinics claim nothing and leave amounts empty, health centres write 0; hospitals lack so large a share of theirs."""
    g, table = np.random.default_rng(7), tariff_table(ROWS)
    kind = pick(g, 3, ROWS)
    visit = np.array(table["service_type"].to_pylist()) == "RJTL"
    empty = (visit & (kind == 0)) | (g.random(ROWS) < unknown)
    price = np.where(visit & (kind == 1), 0.0, table["amount_claimed"].to_numpy())
    amounts = pa.array(price, mask=empty)
    table = replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts)
    # Without places nobody's claims are dealt out.
    return table.drop_columns(["province_name", "facility_class"]).append_column("facility_type", names(TYPES, kind))


def shares(table):
    """Of the visits to each type of house: how many have no amount, and how many one of 0."""
    frame = table.select(["service_type", "facility_type", "amount_claimed"]).to_pandas()
    visits = frame[frame.service_type == "RJTL"].groupby("facility_type").amount_claimed
    return visits.agg(lambda amount: amount.isna().mean()), visits.agg(lambda amount: (amount == 0).mean())


@pytest.mark.slow
def test_what_is_paid_by_the_head_claims_nothing_in_a_payload_and_has_no_amount_in_a_table_that_stands_for_the_sources(
    fit,
):
    table = by_head()
    profile = fit(table)
    sampler, rows = Sampler(profile), np.arange(ROWS)
    claims = sampler.draw_claims(3, rows)
    assert claims["amount_claimed"].null_count == claims["amount_paid"].null_count == 0
    none, zero = shares(claims)
    assert zero[[CLINIC, CENTRE, HOSPITAL]].tolist() == pytest.approx([1, 1, 0], abs=0.01)
    none, zero = shares(sampler.leave_empty(3, rows, claims))
    assert none[[CLINIC, CENTRE, HOSPITAL]].tolist() == pytest.approx([1, 0, 0], abs=0.01)
    assert zero[[CLINIC, CENTRE]].tolist() == pytest.approx([0, 1], abs=0.01)
    (told,) = (sentence for sentence in profile.oddities if "no amount" in sentence)
    assert "as is usual of their kind; they count as claims of nothing" in told


@pytest.mark.slow
def test_only_claims_of_nothing_are_left_without_an_amount(fit):
    table = by_head().append_column("province_name", tariff_table(ROWS)["province_name"])
    sampler, rows = Sampler(fit(table)), np.arange(ROWS)
    claims = sampler.draw_claims(4, rows)
    empty = sampler.leave_empty(4, rows, claims)["amount_claimed"].is_null().to_numpy()
    assert empty.any()
    assert (claims["amount_claimed"].to_numpy()[empty] == 0).all()


@pytest.mark.slow
def test_of_a_kind_of_which_two_fifths_have_no_amount_so_many_are_left_without(fit):
    table = by_head()
    none = np.random.default_rng(8).random(ROWS) < 0.4
    table = replaced(table, "amount_claimed", pa.array(tariff_table(ROWS)["amount_claimed"].to_numpy(), mask=none))
    table = replaced(table, "amount_paid", table["amount_claimed"])
    sampler, rows = Sampler(fit(table)), np.arange(ROWS)
    left = sampler.leave_empty(5, rows, sampler.draw_claims(5, rows))
    assert np.mean(left["amount_claimed"].is_null().to_numpy()) == pytest.approx(0.4, abs=0.03)


@pytest.mark.parametrize("columns", [("amount_claimed",), ("amount_paid",), ("amount_claimed", "amount_paid")])
@pytest.mark.slow
def test_what_stands_for_the_sources_claims_is_read_as_these_are(fit, tmp_path, columns):
    table = by_head()
    table = table.drop_columns([name for name in ("amount_claimed", "amount_paid") if name not in columns])
    pq.write_table(table, tmp_path / "claims.parquet")
    sampler, rows = Sampler(fit(table)), np.arange(ROWS)
    real, drawn = read_claims(SourceSpec(tmp_path / "claims.parquet"), 10 * ROWS), sampler.draw_as_read(6, rows)
    left = sampler.leave_empty(6, rows, sampler.draw_claims(6, rows))
    for name in columns:
        assert real[name].null_count == drawn[name].null_count == 0
        of_real, of_drawn = (np.mean(one[name].to_numpy() == 0) for one in (real, drawn))
        assert of_drawn == pytest.approx(of_real, abs=0.02)
        assert left[name].null_count / ROWS == pytest.approx(table[name].null_count / ROWS, abs=0.02)


def test_kinds_are_of_service_and_type_of_facility_together():
    """Visits to clinics have no amount, and neither have other visits nor other claims of clinics fewer."""
    service, kind = ["RJTL", "RJTL", "RITL", "RITL"] * 300, ["clinic", "hospital", "clinic", "hospital"] * 300
    known = [i % 4 != 0 and i % 37 != 0 for i in range(1200)]
    amounts = pa.array([5.0 if one else None for one in known])
    table = pa.table({"service_type": service, "facility_type": kind, "amount_claimed": amounts})
    filled, _ = fill_amounts(table)
    assert filled["amount_claimed"].null_count == sum(not one and i % 4 != 0 for i, one in enumerate(known))


def test_what_is_not_paid_yet_is_not_nothing(read):
    """Of a third of the payments nobody knows yet."""
    table = tariff_table(ROWS).drop_columns(["amount_claimed"])
    pending = np.random.default_rng(9).random(ROWS) < 0.35
    table = replaced(table, "amount_paid", pa.array(table["amount_paid"].to_numpy(), mask=pending))
    assert read(table).columns["amount_paid"].null_count == pending.sum()


def test_a_few_of_a_small_kind_are_not_usual():
    table = pa.table(
        {"facility_type": ["clinic"] * 12 + ["hospital"] * 500, "amount_claimed": [None] * 6 + [5.0] * 506}
    )
    assert fill_amounts(table)[0]["amount_claimed"].null_count == 6


def test_claims_are_read_for_comparing_as_a_profile_reads_them(tmp_path):
    pq.write_table(by_head(), tmp_path / "claims.parquet")
    spec = SourceSpec(tmp_path / "claims.parquet")
    assert read_claims(spec, 10 * ROWS)["amount_claimed"].null_count == 0
    assert sorted(read_claims(spec, 10 * ROWS)["amount_claimed"].to_pylist()) == sorted(
        read_source(spec).columns["amount_claimed"].to_pylist()
    )


@pytest.mark.slow
def test_where_a_few_of_a_kind_lack_their_amounts_as_many_are_left_without_beside_those_that_claim_nothing(fit):
    profile = fit(by_head(unknown=0.05))
    sampler, rows = Sampler(profile), np.arange(ROWS)
    claims = sampler.draw_claims(9, rows)
    assert claims["amount_claimed"].null_count == 0
    none, zero = shares(sampler.leave_empty(9, rows, claims))
    assert none[[CLINIC, CENTRE, HOSPITAL]].tolist() == pytest.approx([1, 0.05, 0.05], abs=0.015)
    assert zero[CENTRE] == pytest.approx(0.95, abs=0.015)
    (usual, few) = (sentence for sentence in profile.oddities if "no amount" in sentence)
    assert "as is usual of their kind" in usual
    assert "as much as others like them" in few


def test_a_gap_alone_is_no_amount(read):
    table = by_head(unknown=0.05)
    table = table.append_column("amount_gap", pa.array(np.zeros(ROWS)))
    few = np.array(table["amount_claimed"].is_null().to_pylist())
    told = read(table)
    assert told.columns["amount_claimed"].null_count == few.sum()
    assert any("as much as others like them" in sentence for sentence in told.oddities)


@pytest.mark.parametrize("precision", [pa.float32(), pa.float64()])
def test_what_is_no_number_is_no_amount(read, precision):
    """As a table with gaps is written by programs that have no other word for a gap."""
    amounts = by_head()["amount_claimed"].to_pandas().to_numpy()
    assert np.isnan(amounts).any()
    table = by_head().drop_columns(["amount_paid"])
    told = read(replaced(table, "amount_claimed", pa.array(amounts, precision)))
    assert (told.columns["amount_claimed"].to_numpy() == 0).sum() > np.isnan(amounts).sum()
    assert told.only_possible().rows == ROWS


def test_what_cannot_be_read_is_not_nothing(read, tmp_path):
    table = by_head()
    texts = [None if value is None else str(value) for value in table["amount_claimed"].to_pylist()]
    odd = np.array(table["facility_type"].to_pylist()) == HOSPITAL
    texts = ["on request" if wrong else text for text, wrong in zip(texts, odd, strict=True)]
    table = replaced(table.drop_columns(["amount_paid"]), "amount_claimed", texts)
    found = read(table).columns["amount_claimed"]
    assert found.is_null().to_numpy().tolist() == odd.tolist()
    pq.write_table(table, tmp_path / "claims.parquet")
    assert read_claims(SourceSpec(tmp_path / "claims.parquet"), 10 * ROWS)["amount_claimed"].null_count == odd.sum()


def test_claims_with_one_amount_keep_the_other_unknown():
    table = pa.table({"amount_claimed": [None, None, 5.0], "amount_paid": pa.array([None, 3.0, None], pa.float64())})
    filled, _ = fill_amounts(table, k=1)
    assert filled.to_pydict() == {"amount_claimed": [0.0, None, 5.0], "amount_paid": [0.0, 3.0, None]}


@pytest.mark.parametrize("word", ["-", "n/a", "NULL", "on request"])
@pytest.mark.slow
def test_a_word_in_the_place_of_an_amount_leaves_no_claim_out(read, word):
    table = by_head()
    hospital = np.array(table["facility_type"].to_pylist()) == HOSPITAL
    for name in ("amount_claimed", "amount_paid"):
        texts = [word if odd else str(v) for v, odd in zip(table[name].to_pylist(), hospital, strict=True)]
        table = replaced(table, name, texts)
    told = read(table)
    assert told.only_possible().rows == ROWS
    assert not any("left out" in sentence for sentence in told.only_possible().oddities)


@pytest.mark.parametrize("nothing", [0.3, 0.45, 0.55])
@pytest.mark.slow
def test_what_is_not_known_is_nothing_as_often_as_what_is_known(fit, nothing):
    """Visits claim nothing or their price, and of more than a quarter nobody knows."""
    g, table = np.random.default_rng(17), tariff_table(ROWS)
    table = replaced(table.drop_columns(["amount_paid"]), "service_type", ["RJTL"] * ROWS)
    price = np.where(g.random(ROWS) < nothing, 0.0, table["amount_claimed"].to_numpy())
    sampler = Sampler(fit(replaced(table, "amount_claimed", pa.array(price, mask=g.random(ROWS) < 0.28))))
    drawn = sampler.draw_as_read(3, np.arange(ROWS))["amount_claimed"].to_pandas()
    assert drawn.isna().mean() == pytest.approx(0.28, abs=0.02)
    assert (drawn.dropna() == 0).mean() == pytest.approx(nothing, abs=0.03)


def test_reversals_in_words_are_left_out_as_those_in_numbers_are(read):
    table = tariff_table(ROWS)
    odd = np.arange(ROWS) % 5 == 0
    for name in ("amount_claimed", "amount_paid"):
        texts = [
            f"({value:.0f})" if wrong else f"{value:.0f}"
            for value, wrong in zip(table[name].to_pylist(), odd, strict=True)
        ]
        table = replaced(table, name, texts)
    source = read(table)
    assert source.rows == ROWS
    possible = source.only_possible()
    assert possible.rows == (~odd).sum()
    assert any("they are left out" in sentence for sentence in possible.oddities)


def test_a_negative_amount_beside_an_unknown_one_is_none(read):
    table = tariff_table(ROWS)
    odd = np.arange(ROWS) % 5 == 0
    table = replaced(table, "amount_claimed", np.where(odd, -1.0, table["amount_claimed"].to_numpy()))
    table = replaced(table, "amount_paid", pa.array(table["amount_paid"].to_numpy(), mask=odd))
    assert read(table).only_possible().rows == (~odd).sum()
