"""Labels that some houses write in capitals are one label, and are written so again."""

import duckdb
import pytest

from claims_sim.pipeline.sandbox import write_sandbox
from claims_sim.profile.reading.mapping import ColumnMapping
from claims_sim.profile.reading.source import SourceSpec, open_source, read_source
from claims_sim.profile.writing.letters_written import in_their_letters, read_letters
from claims_sim.profile.writing.ways_written import Ways
from claims_sim_tests.profile.reading.test_source import parquet
from claims_sim_tests.test_sandbox import asked, query, simulation_of

LABELS = {"J18": "Pneumonia", "A09": "Diarrhoea and gastroenteritis", "B50": "Malaria due to P. falciparum"}
MONTHS = ["2024-01-15", "2024-02-15"]


def claims_of(written, cells=20, labels=None):
    """Claims of the houses that `written` is asked about: of each label so many in each of two months."""
    rows = [
        (house, code, written(house, month, label), day)
        for house in range(10)
        for month, day in enumerate(MONTHS)
        for code, label in (labels or LABELS).items()
        for _ in range(cells)
    ]
    return {
        "facility_id": [f"H{house}" for house, *_ in rows],
        "dx_primary_code": [code for _, code, *_ in rows],
        "dx_primary_label": [label for *_, label, _ in rows],
        "admit_dt": [day for *_, day in rows],
        "amount_claimed": [1.0] * len(rows),
    }


def as_read(path, **columns):
    """The labels that a table's claims have when they are read, and in which letters they are found to be written."""
    spec = SourceSpec(parquet(path / "c.parquet", **columns).path)
    with open_source(spec) as opened:
        ways = read_letters(opened, opened.find_columns(ColumnMapping(), str(spec.path)), ColumnMapping())
    read = read_source(spec).columns["dx_primary_label"].to_pylist()
    assert len(read) == len(columns["dx_primary_label"])
    return read, ways.get("dx_primary_label")


def test_labels_in_capitals_or_small_letters_are_read_as_the_others(tmp_path):
    letters = [str.upper, str.upper, str.lower, *[str] * 7]
    claims = claims_of(lambda house, _, label: letters[house](label))
    read, ways = as_read(tmp_path, **claims)
    assert read == [LABELS[code] for code in claims["dx_primary_code"]]
    assert ways == Ways([("", 70), ("capitals", 90), ("small", 100)], "facility_id")


def test_houses_of_one_owner_may_write_in_capitals(tmp_path):
    claims = claims_of(lambda house, _, label: label.upper() if house < 3 else label)
    owners = ["Swasta" if int(house[1:]) < 3 else "Pemkab" for house in claims["facility_id"]]
    read, ways = as_read(tmp_path, **claims, facility_ownership=owners)
    assert set(read) == set(LABELS.values())
    of = {"Pemkab": [("", 100)], "Swasta": [("capitals", 100)]}
    assert ways == Ways([("", 70), ("capitals", 100)], "facility_ownership", of)


def test_labels_that_none_writes_otherwise_are_read_as_most_write_them(tmp_path):
    read, ways = as_read(tmp_path, **claims_of(lambda house, _, label: label.upper() if house < 7 else label.lower()))
    assert set(read) == {label.upper() for label in LABELS.values()}
    assert ways == Ways([("capitals", 70), ("small", 100)], "facility_id")


def test_of_two_spellings_with_small_letters_each_is_kept(tmp_path):
    """Those in capitals are one with the commoner."""

    def written(house, _, label):
        return label.upper() if house < 3 else label.title() if house == 3 else label

    read, _ = as_read(tmp_path, **claims_of(written))
    labels = set(LABELS.values())
    assert set(read) == labels | {label.title() for label in labels}
    assert read.count("Diarrhoea And Gastroenteritis") == 40
    assert read.count("DIARRHOEA AND GASTROENTERITIS") == 0


def test_labels_each_of_which_has_its_own_letters_stay_as_they_are(tmp_path):
    """One of three in capitals by all, and another in two ways by chance."""

    def written(house, _, label):
        return label.upper() if label == "Pneumonia" or (house == 0 and "Malaria" in label) else label

    claims = claims_of(written)
    assert as_read(tmp_path, **claims) == (claims["dx_primary_label"], None)


def test_a_few_cells_do_not_show_in_which_letters_labels_are_written(tmp_path):
    claims = claims_of(lambda house, _, label: label.upper() if house < 3 else label, cells=2)
    assert as_read(tmp_path, **claims) == (claims["dx_primary_label"], None)


def test_texts_without_letters_tell_of_none(tmp_path):
    labels = {f"A0{n}": text for n, text in enumerate(["肺炎", "下痢", "1", "2"])} | LABELS
    claims = claims_of(lambda house, _, label: label.upper() if house < 3 else label, labels=labels)
    read, ways = as_read(tmp_path, **claims)
    assert set(read) == set(labels.values())
    assert ways == Ways([("", 70), ("capitals", 100)], "facility_id")


def test_houses_may_change_their_letters_in_some_month(tmp_path):
    read, ways = as_read(
        tmp_path, **claims_of(lambda house, month, label: label.upper() if house < 4 - 2 * month else label)
    )
    assert set(read) == set(LABELS.values())
    of = {"2024-01": [("", 60), ("capitals", 100)], "2024-02": [("", 80), ("capitals", 100)]}
    assert ways == Ways([("", 70), ("capitals", 100)], "facility_id", of)


def test_a_house_that_has_left_its_way_does_not_come_back_to_it():
    of = {"2024-01": [("", 60), ("capitals", 100)], "2024-02": [("", 80), ("capitals", 100)]}
    written = in_their_letters("label", Ways([("", 70), ("capitals", 100)], "facility_id", of))
    claims = """SELECT i AS row, 'SIM-' || (i % 400) AS facility_id, 'Malaria' AS label, NULL AS province_name, NULL AS facility_class,
      NULL AS facility_ownership, NULL::TIMESTAMP AS discharge_dt,
      TIMESTAMP '2024-01-15' + INTERVAL (i // 400 % 3) MONTH AS admit_dt FROM range(4000) AS r(i)"""
    told = duckdb.sql(
        f"SELECT month, label, count(DISTINCT facility_id), list(DISTINCT facility_id) "
        f"FROM (SELECT month(admit_dt) AS month, {written} AS label, facility_id FROM ({claims})) GROUP BY ALL"
    ).fetchall()
    houses = {(month, label): (count, set(ids)) for month, label, count, ids in told}
    assert all(houses[month, "Malaria"][0] + houses[month, "MALARIA"][0] == 400 for month in (1, 2, 3)), (
        "each has one way"
    )
    capitals = [houses[month, "MALARIA"] for month in (1, 2, 3)]
    assert [count / 400 for count, _ in capitals] == pytest.approx([0.4, 0.2, 0.3], abs=0.08)
    assert capitals[1][1] < capitals[0][1]


@pytest.mark.slow
def test_houses_of_the_sandbox_write_labels_in_capitals_until_some_month_as_in_the_source(
    settings, demo_source, tmp_path
):
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    own = simulation_of(
        settings.model_copy(update={"source": demo_source}),
        path,
        """
        SELECT * EXCLUDE (house) REPLACE ('H' || house AS facility_id, CASE WHEN house < 12 OR (house < 36 AND admit_dt < DATE '2023-03-01')
          THEN upper(dx_primary_label) ELSE dx_primary_label END AS dx_primary_label)
        FROM (SELECT *, hash(facility_id) % 60 AS house FROM src.claims_normalized)
    """,
    )
    profile = write_sandbox(own, out, asked=asked())
    assert profile.named("") == []
    told = """SELECT admit_dt < DATE '2023-03-01' AS before, avg((dx_primary_label = upper(dx_primary_label))::INT)
      FROM claims_normalized GROUP BY before ORDER BY before"""
    real, ours = query(path, told), query(out, told)
    assert [share for _, share in ours] == pytest.approx([share for _, share in real], abs=0.1)
    assert real[1][1] - real[0][1] > 0.2
    ways = """SELECT count(DISTINCT dx_primary_label = upper(dx_primary_label)) FROM claims_normalized
      WHERE dx_primary_label <> upper(dx_primary_label) OR length(dx_primary_label) > 3 GROUP BY facility_id, strftime(admit_dt, '%Y-%m')"""
    assert {count for (count,) in query(out, ways)} == {1}
    # DBG
