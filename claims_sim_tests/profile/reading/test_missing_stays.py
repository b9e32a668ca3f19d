"""Tables in which only inpatients have a discharge: the others are claims without a night, and not ones of unknown stay."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claims_sim.profile.reading.missing_stays import end_within_their_day, fill_stays
from claims_sim.profile.reading.source import SourceSpec, read_claims, read_claims_to_score
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import tariff_table

ROWS = 4000
COLUMNS = ("los", "discharge_dt")


def blanked(table, columns, rows):
    """`table` with nothing in `columns` of `rows`."""
    for name in columns:
        values = pa.array(
            [None if blank else v for v, blank in zip(table[name].to_pylist(), rows, strict=True)], table[name].type
        )
        table = table.set_column(table.column_names.index(name), name, values)
    return table


@pytest.fixture(scope="module")
def without_stays():
    """Outpatients have neither a discharge nor days, and of inpatients each fiftieth lacks them."""
    table = tariff_table(ROWS)
    inpatient = np.array(table["service_type"].to_pylist()) == "RITL"
    return blanked(table, COLUMNS, ~inpatient | (np.arange(ROWS) % 50 == 0))


@pytest.mark.parametrize("columns", [COLUMNS, pytest.param(("discharge_dt",), marks=pytest.mark.slow)])
def test_outpatients_have_no_nights_and_inpatients_theirs(fit, without_stays, columns):
    profile = fit(without_stays.drop_columns([name for name in COLUMNS if name not in columns]))
    drawn = Sampler(profile).draw_claims(1, np.arange(2000)).to_pandas()
    assert (drawn.loc[drawn["service_type"] == "RJTL", "los"] == 0).all()
    assert drawn.loc[drawn["service_type"] == "RITL", "los"].mean() > 2
    assert any("neither a discharge nor days of stay" in sentence for sentence in profile.oddities)


@pytest.mark.slow
def test_amounts_are_those_of_claims_without_a_night(fit, without_stays):
    whole = tariff_table(ROWS).to_pandas()
    drawn = Sampler(fit(without_stays)).draw_claims(1, np.arange(4000)).to_pandas()
    medians = [frame.loc[frame["service_type"] == "RJTL", "amount_claimed"].median() for frame in (whole, drawn)]
    assert medians[1] == pytest.approx(medians[0], rel=0.1)


def test_without_a_kind_of_service_claims_without_a_stay_are_outpatients(fit, without_stays):
    profile = fit(without_stays.drop_columns(["service_type"]))
    drawn = Sampler(profile).draw_claims(1, np.arange(4000)).to_pandas()
    share = np.mean(np.array(without_stays["service_type"].to_pylist()) == "RJTL")
    assert (drawn["los"] == 0).mean() == pytest.approx(share, abs=0.05)


def test_visits_without_dates_cost_what_they_do_beside_stays_that_end_on_their_day(fit):
    """No column of stays says of either that it has no night."""
    g, table = np.random.default_rng(3), tariff_table(ROWS)
    inpatient = np.arange(ROWS) % 10 == 0
    table = blanked(table.drop_columns(["los", "service_type"]), ("admit_dt", "discharge_dt"), ~inpatient)
    same_day = np.arange(ROWS) % 30 == 0
    discharge = pa.array([
        admit if same else end
        for admit, end, same in zip(table["admit_dt"].to_pylist(), table["discharge_dt"].to_pylist(), same_day, strict=True)
    ], table["discharge_dt"].type)  # fmt: skip
    money = np.round(np.exp(g.normal(0, 0.5, ROWS)) * np.where(inpatient, 9000, 90), 2)
    for name, values in (("discharge_dt", discharge), ("amount_claimed", money), ("amount_paid", money)):
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(8000)).to_pandas()
    visits = drawn["amount_claimed"][drawn["los"] == 0]
    assert visits.median() == pytest.approx(90, rel=0.15)
    nightless = ~inpatient | np.equal(*(table[name].to_numpy() for name in ("admit_dt", "discharge_dt")))
    assert (visits > 2000).mean() == pytest.approx((money[nightless] > 2000).mean(), abs=0.02)


def test_a_stay_that_few_claims_lack_is_unknown_and_drawn_from_the_others(read):
    table = read(blanked(tariff_table(ROWS).drop_columns(["service_type"]), COLUMNS, np.arange(ROWS) % 10 == 0))
    assert table.columns["los"].null_count == ROWS // 10
    assert not any("neither" in sentence for sentence in table.oddities)


def test_claims_that_are_compared_are_read_as_a_profile_reads_them(tmp_path, without_stays):
    pq.write_table(without_stays, tmp_path / "claims.parquet")
    claims = read_claims(SourceSpec(tmp_path / "claims.parquet"), ROWS).to_pandas()
    outpatient = claims[claims["service_type"] == "RJTL"]
    assert (outpatient["los"] == 0).all()
    assert (outpatient["discharge_dt"] == outpatient["admit_dt"]).all()


def test_a_table_without_any_stay_or_discharge_is_left_as_it_is():
    table = pa.table({"amount_claimed": [1.0, 2.0]})
    assert fill_stays(table) == (table, ())


@pytest.mark.parametrize("first_day_counts", [False, True])
def test_a_discharge_alone_that_is_missing_lies_the_days_of_stay_later(read, first_day_counts):
    table = tariff_table(ROWS)
    admit, whole = (np.array(table[name].to_pylist(), "datetime64[us]") for name in ("admit_dt", "discharge_dt"))
    nights = (whole.astype("datetime64[D]") - admit.astype("datetime64[D]")).astype(int)
    table = table.set_column(table.column_names.index("los"), "los", pa.array(nights + first_day_counts, pa.float64()))
    inpatient = np.array(table["service_type"].to_pylist()) == "RITL"
    filled = read(blanked(table, ["discharge_dt"], ~inpatient | (np.arange(ROWS) % 50 == 0)))
    assert (filled.columns["discharge_dt"].to_numpy().astype("datetime64[D]") == whole.astype("datetime64[D]")).all()
    assert not any("neither" in sentence for sentence in filled.oddities)


@pytest.mark.parametrize("first_day_counts", [False, True])
def test_days_of_stay_alone_that_are_missing_are_those_between_the_dates(read, first_day_counts):
    table = tariff_table(ROWS)
    admit, end = (np.array(table[name].to_pylist(), "datetime64[D]") for name in ("admit_dt", "discharge_dt"))
    nights = (end - admit).astype(int)
    days = np.where(nights > 0, nights + first_day_counts, 0)
    table = table.set_column(table.column_names.index("los"), "los", pa.array(days, pa.float64()))
    outpatient = np.array(table["service_type"].to_pylist()) != "RITL"
    found = read(blanked(table, ["los"], outpatient | (np.arange(ROWS) % 50 == 0)))
    assert (found.columns["los"].to_numpy() == days).all()


def test_where_a_stay_without_a_night_counts_a_day_a_missing_one_does_too(read):
    table = tariff_table(ROWS)
    admit, end = (np.array(table[name].to_pylist(), "datetime64[D]") for name in ("admit_dt", "discharge_dt"))
    days = (end - admit).astype(int) + 1
    table = table.set_column(table.column_names.index("los"), "los", pa.array(days, pa.float64()))
    found = read(blanked(table, ["los"], np.arange(ROWS) % 40 == 0))
    assert (found.columns["los"].to_numpy() == days).all()
    assert any("one follows from the other" in sentence for sentence in found.oddities)


@pytest.mark.parametrize("persons", [10, 11])
@pytest.mark.parametrize("los", [1, 3])
def test_how_few_persons_count_their_days_is_no_habit(los, persons):
    """So many persons' visits end the day they begin, or the third day counts as the fourth; others lack their discharge."""
    rows = 300
    admit, few = np.full(rows, np.datetime64("2024-01-05", "us")), np.arange(rows) < 15
    nights = np.timedelta64(los - 1, "D")
    table = pa.table(
        {
            "admit_dt": admit,
            "discharge_dt": np.where(few, admit + nights, np.datetime64("NaT")),
            "los": np.full(rows, float(los)),
            "service_type": ["RJTL"] * rows,
            "patient_id_hash": [f"p{i % persons if i < 15 else i}" for i in range(rows)],
        }
    )
    filled, _ = fill_stays(table, 11)
    stays = (filled["discharge_dt"].to_numpy() - admit) / np.timedelta64(1, "D")
    assert np.unique(stays[~few]).tolist() == [los - (persons == 11)]


def test_one_persons_many_stays_do_not_outvote_the_others():
    """Stays of three days end after three nights, but those of one person, who comes more often than all others together."""
    rows = 2000
    admit, hers = np.full(rows, np.datetime64("2024-01-05", "us")), np.arange(rows) < 1100
    table = pa.table(
        {
            "admit_dt": admit,
            "discharge_dt": admit + np.where(hers, 2, 3) * np.timedelta64(1, "D"),
            "los": pa.array(np.full(rows, 3.0), mask=np.arange(rows) >= 1900),
            "service_type": ["RITL"] * rows,
            "patient_id_hash": ["she" if one else f"p{i}" for i, one in enumerate(hers)],
        }
    )
    filled, _ = fill_stays(table, 11)
    assert set(filled["los"].to_pylist()) == {3.0}


def test_a_visit_that_counts_a_day_ends_that_day_where_stays_count_nights(read):
    table = tariff_table(ROWS)
    admit, whole = (np.array(table[name].to_pylist(), "datetime64[D]") for name in ("admit_dt", "discharge_dt"))
    visit = np.array(table["service_type"].to_pylist()) != "RITL"
    days = np.where(visit, 1, (whole - admit).astype(int))
    table = table.set_column(table.column_names.index("los"), "los", pa.array(days, pa.float64()))
    found = read(blanked(table, ["discharge_dt"], np.arange(ROWS) % 40 == 0))
    assert (days[~visit] == 1).any()
    assert (found.columns["discharge_dt"].to_numpy().astype("datetime64[D]") == whole).all()


def with_times_of_admission_alone(rows=ROWS):
    """Visits and stays of a table of days, who come at any hour of the day and leave on a day."""
    table = tariff_table(rows)
    admit = table["admit_dt"].to_numpy().astype("datetime64[m]")
    hours = np.random.default_rng(8).integers(7 * 60, 18 * 60, rows)
    table = table.set_column(
        table.column_names.index("admit_dt"), "admit_dt", pa.array((admit + hours).astype("datetime64[s]"))
    )
    days = pa.array(table["discharge_dt"].to_numpy().astype("datetime64[D]"))
    return table.set_column(table.column_names.index("discharge_dt"), "discharge_dt", days)


def test_visits_whose_admission_alone_has_a_time_end_with_it_and_keep_their_dates(fit):
    profile = fit(with_times_of_admission_alone())
    assert not any("before they are admitted" in sentence for sentence in profile.oddities)
    (told,) = (sentence for sentence in profile.oddities if "0:00" in sentence)
    visits = np.mean(np.array(with_times_of_admission_alone()["service_type"].to_pylist()) == "RJTL")
    assert float(told.split("%")[0]) == pytest.approx(100 * visits, abs=1)
    drawn = Sampler(profile).draw_claims(1, np.arange(4000)).to_pandas()
    visit = drawn["service_type"] == "RJTL"
    assert (drawn["discharge_dt"] >= drawn["admit_dt"]).all()
    assert (drawn.loc[visit, "discharge_dt"] == drawn.loc[visit, "admit_dt"]).mean() > 0.97
    nights = (drawn["discharge_dt"].dt.normalize() - drawn["admit_dt"].dt.normalize()).dt.days
    assert (nights == drawn["los"]).all()
    assert drawn.loc[visit, "admit_dt"].dt.hour.between(7, 17).mean() > 0.97


def test_who_is_discharged_on_an_earlier_day_or_at_a_time_before_admission_stays_so():
    admit = np.array(
        ["2024-03-02T10:30", "2024-03-02T10:30", "2024-03-02T10:30", "2024-03-02T00:00", "NaT"], "datetime64[us]"
    )
    leave = np.array(
        ["2024-03-02T00:00", "2024-03-01T00:00", "2024-03-02T10:00", "2024-03-02T00:00", "NaT"], "datetime64[us]"
    )
    table, bare = end_within_their_day(pa.table({"admit_dt": admit, "discharge_dt": leave}))
    assert bare.tolist() == [True, False, False, False, False]
    assert table["discharge_dt"].to_pylist() == [admit.tolist()[0], *leave.tolist()[1:]]


def test_claims_to_compare_and_to_score_end_with_their_visits_too(tmp_path):
    path = tmp_path / "claims.parquet"
    pq.write_table(with_times_of_admission_alone(), path)
    for claims in (read_claims(SourceSpec(path), ROWS), read_claims_to_score(SourceSpec(path))):
        admit, discharge = (claims[name].to_numpy() for name in ("admit_dt", "discharge_dt"))
        assert (discharge >= admit).all()
        assert (discharge == admit).sum() == np.sum(np.array(claims["service_type"].to_pylist()) == "RJTL")
