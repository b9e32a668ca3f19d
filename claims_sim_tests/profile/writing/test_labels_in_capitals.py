"""Labels that some houses write in capitals are one label, and are written so again."""

from dataclasses import replace

import duckdb
import pytest

from claims_sim.pipeline.sandbox import write_sandbox
from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.mapping import ColumnMapping
from claims_sim.profile.reading.source import SourceSpec, open_source, read_source
from claims_sim.profile.writing.letters_written import LabelLetters, in_their_letters, read_letters
from claims_sim.profile.writing.reverse import foreign_columns, read_forms
from claims_sim.profile.writing.ways_written import Ways, _of_periods
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
        ways = read_letters(opened, opened.find_columns(ColumnMapping(), str(spec.path)), ColumnMapping(), 11)
    read = read_source(spec).columns["dx_primary_label"].to_pylist()
    assert len(read) == len(columns["dx_primary_label"])
    return read, ways["dx_primary_label"].ways if "dx_primary_label" in ways else None


def test_labels_in_capitals_or_small_letters_are_read_as_the_others(tmp_path):
    letters = [str.upper, str.lower] * 3 + [str] * 4
    claims = claims_of(lambda house, _, label: letters[house](label))
    read, ways = as_read(tmp_path, **claims)
    assert read == [LABELS[code] for code in claims["dx_primary_code"]]
    assert ways == Ways([("", 40), ("capitals", 70), ("small", 100)], "facility_id")


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


def test_one_claims_letters_stand_for_no_others(tmp_path):
    """Nor do they show that a label is written in several ways: HIV stays HIV, whatever one claim says."""
    claims = claims_of(lambda house, _, label: label.upper() if house < 5 else label.lower())
    claims["dx_primary_label"][0] = "PNEUmonia"
    read, _ = as_read(tmp_path, **claims)
    assert read.count("PNEUmonia") == 1
    assert set(read) - {"PNEUmonia"} <= {text for label in LABELS.values() for text in (label.upper(), label.lower())}


def test_where_more_write_capitals_labels_are_read_as_the_fewer_write_them(tmp_path):
    read, ways = as_read(tmp_path, **claims_of(lambda house, _, label: label.upper() if house < 6 else label))
    assert set(read) == set(LABELS.values())
    assert ways == Ways([("capitals", 60), ("", 100)], "facility_id")


@pytest.mark.parametrize("label", ["Fußpilz und Schweißfuß", "Şeker hastalığı", "DİYABET TİP İKİ"])
def test_letters_without_a_pair_are_left_as_they_are(tmp_path, label):
    claims = claims_of(lambda house, _, label: label.upper() if house < 3 else label, labels=LABELS | {"Z99": label})
    read, ways = as_read(tmp_path, **claims)
    assert set(read) == {*LABELS.values(), label, label.upper()}
    assert ways == Ways([("", 70), ("capitals", 100)], "facility_id")
    sql = in_their_letters("label", LabelLetters(Ways([("capitals", 100)]), frozenset({label.upper()})))
    of = f"(SELECT {quote(label)} AS label, 1 AS row)"
    assert duckdb.sql(f"SELECT {sql} FROM {of}").fetchall() == [(label,)]


def test_labels_that_the_mapping_file_maps_are_read_as_it_says(tmp_path):
    claims = claims_of(lambda house, _, label: label.upper() if house < 3 else label)
    spec = parquet(tmp_path / "c.parquet", **claims)
    mapping = ColumnMapping(values={"dx_primary_label": {"PNEUMONIA": "Lungs"}})
    with open_source(SourceSpec(spec.path)) as opened:
        assert read_letters(opened, opened.find_columns(mapping, str(spec.path)), mapping, 11) == {}


def test_names_of_procedures_are_read_so_too(tmp_path):
    claims = claims_of(lambda *_: "Pneumonia", labels={"J18": "Pneumonia", "A09": "Pneumonia"})
    names = ["Chest X-ray", "Blood count"]
    written = [
        name.lower() if house in ("H1", "H2", "H3") else name.upper()
        for house, name in zip(claims["facility_id"], names * 400, strict=True)
    ]
    spec = parquet(tmp_path / "c.parquet", **claims, procedure_code=["8744", "9059"] * 400, procedure_label=written)
    with open_source(SourceSpec(spec.path)) as opened:
        ways = read_letters(opened, opened.find_columns(ColumnMapping(), str(spec.path)), ColumnMapping(), 11)
    assert ways["procedure_label"].ways == Ways([("capitals", 70), ("small", 100)], "facility_id")
    assert ways.keys() == {"procedure_label"}
    assert ways["procedure_label"].told == {text for name in names for text in (name.upper(), name.lower())}
    sql = in_their_letters("label", LabelLetters(Ways([("small", 100)]), frozenset({"blood count"})))
    rare = "SELECT unnest(['Blood Count', 'Rare Count']) AS label, 1 AS row"
    assert duckdb.sql(f"SELECT {sql} FROM ({rare})").fetchall() == [("blood count",), ("Rare Count",)]


@pytest.mark.parametrize("name", ["label", "way", "text", "person"])
def test_a_column_of_labels_may_have_any_name(tmp_path, name):
    claims = claims_of(lambda house, _, label: label.upper() if house < 3 else label)
    claims[name] = claims.pop("dx_primary_label")
    mapping, spec = ColumnMapping(columns={"dx_primary_label": name}), parquet(tmp_path / "c.parquet", **claims)
    with open_source(SourceSpec(spec.path)) as opened:
        ways = read_letters(opened, opened.find_columns(mapping, str(spec.path)), mapping, 11)
    assert ways["dx_primary_label"].told == {label.upper() for label in LABELS.values()}


@pytest.mark.parametrize(
    ("persons", "houses", "k", "is_told"),
    [(20, 3, 11, True), (20, 3, 50, False), (8, 3, 11, False), (20, 1, 11, False), (0, 3, 11, False)],
)
def test_a_label_is_in_capitals_where_enough_persons_of_several_houses_have_it_so(
    tmp_path, persons, houses, k, is_told
):
    claims = claims_of(lambda house, _, label: label.upper() if house < 3 else label)
    of_capitals = [(f"H{n % houses}", "HIV DISEASE", f"c{n % max(persons, 1)}") for n in range(40)]
    for house, label, person in of_capitals + [(f"H{3 + n % 7}", "Hiv disease", f"s{n}") for n in range(400)]:
        for column, value in zip(claims, (house, "B20", label, "2024-01-15", 1.0), strict=False):
            claims[column].append(value)
        claims.setdefault("patient_id_hash", [f"p{n}" for n in range(len(claims["facility_id"]) - 1)]).append(person)
    if not persons:
        del claims["patient_id_hash"]
    spec = parquet(tmp_path / "c.parquet", **claims)
    with open_source(SourceSpec(spec.path)) as opened:
        ways = read_letters(opened, opened.find_columns(ColumnMapping(), str(spec.path)), ColumnMapping(), k)
    assert ("HIV DISEASE" in ways["dx_primary_label"].told) == is_told


def test_cells_in_ways_that_are_rare_tell_of_no_month():
    assert _of_periods([("2024-01", "small", 20)], ["", "capitals"]) == {}


def test_a_house_keeps_its_way_when_most_others_change_theirs(tmp_path):
    """In capitals are eight of ten houses at first, and two at last: none that has left them comes back."""
    until = [6, 6, 3, 3, 2, 2, 1, 1, 0, 0]
    rows = [
        (house, month, label)
        for house in range(10)
        for month in range(6)
        for label in LABELS.values()
        for _ in range(20)
    ]
    claims = {
        "facility_id": [f"H{house}" for house, *_ in rows],
        "dx_primary_code": ["J18"] * len(rows),
        "dx_primary_label": [label.upper() if month < until[house] else label for house, month, label in rows],
        "discharge_dt": [f"2024-0{month + 1}-15" for _, month, _ in rows],
        "los": [0] * len(rows),
        "amount_claimed": [1.0] * len(rows),
    }
    _, ways = as_read(tmp_path, **claims)
    shares = [dict(ways.of[f"2024-0{month}"]) for month in range(1, 7)]
    first = ways.shares[0][0]
    assert [share[first] for share in shares] == sorted((share[first] for share in shares), reverse=first == "capitals")
    assert {share for one in shares for share in one.values()} == {20, 40, 60, 80, 100}


def test_of_few_claims_a_month_months_are_told_together(tmp_path):
    """Ninety a month, of thirty houses, nine of which write capitals until July: six months show how many do."""
    rows = [(house, month) for month in range(12) for house in range(30) for _ in range(3)]
    names = list(LABELS.values())
    labels = [
        names[i % 3].upper() if house < 9 and month < 6 else names[i % 3] for i, (house, month) in enumerate(rows)
    ]
    claims = {
        "facility_id": [f"H{house}" for house, _ in rows],
        "dx_primary_code": ["J18"] * len(rows),
        "dx_primary_label": labels,
        "admit_dt": [f"2024-{month + 1:02d}-15" for _, month in rows],
        "amount_claimed": [1.0] * len(rows),
    }
    _, ways = as_read(tmp_path, **claims)
    assert ways.by == "facility_id"
    assert ways.of == {"2024-06": [("", 70), ("capitals", 100)], "2024-12": [("", 100), ("capitals", 100)]}


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
    written = in_their_letters(
        "label", LabelLetters(Ways([("", 70), ("capitals", 100)], "facility_id", of), frozenset({"MALARIA"}))
    )
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
    assert [count / 400 for count, _ in capitals] == pytest.approx([0.4, 0.2, 0.2], abs=0.08)
    assert capitals[2][1] == capitals[1][1] < capitals[0][1], "behind the last month it is as in that"


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
    # Rare labels are told, and written, in one way alone.
    commonest = "SELECT upper(dx_primary_label) AS label FROM claims_normalized GROUP BY label ORDER BY count(*) DESC, label LIMIT 15"
    labels = ", ".join(quote(label) for (label,) in query(path, commonest))
    common = f"""WITH claims AS (SELECT *, dx_primary_label = upper(dx_primary_label) AS capitals FROM claims_normalized
      WHERE upper(dx_primary_label) IN ({labels}))"""
    told = f"""{common} SELECT admit_dt < DATE '2023-03-01' AS before, avg(capitals::INT) FROM claims
      GROUP BY before ORDER BY before"""
    real, ours = query(path, told), query(out, told)
    assert [share for _, share in ours] == pytest.approx([share for _, share in real], abs=0.1)
    assert real[1][1] - real[0][1] > 0.2
    ways = f"""{common} SELECT count(DISTINCT capitals) FROM claims GROUP BY facility_id, strftime(admit_dt, '%Y-%m')"""
    assert {count for (count,) in query(out, ways)} == {1}


def test_names_behind_codes_are_written_in_their_houses_letters(tmp_path):
    claims = claims_of(lambda house, _, label: label.upper() if house < 3 else label)
    both = zip(claims["dx_primary_code"], claims["dx_primary_label"], strict=True)
    claims["dx_primary_code"] = [f"{code} - {label}" for code, label in both]
    del claims["dx_primary_label"]
    lists = ["J18 - Pneumonia; A09 - Cholera"] * len(claims["dx_primary_code"])
    spec = SourceSpec(parquet(tmp_path / "c.parquet", **claims, dx_secondary_codes=lists).path)
    with open_source(spec) as opened:
        located = opened.find_columns(ColumnMapping(), str(spec.path))
        forms = replace(read_forms(opened, located, ColumnMapping(), 11), names={"E119": "Pneumonia"})
        columns = foreign_columns(opened.types, located, ColumnMapping(), forms, {})
    letters = forms.letters["dx_primary_label"]
    assert letters.ways == Ways([("", 70), ("capitals", 100)], "facility_id")
    assert letters.told == {label.upper() for label in LABELS.values()}
    written = {column.name: column.expression for column in columns}
    rows = """SELECT i AS row, 'SIM-' || i AS facility_id, 'J18' AS dx_primary_code, 'Pneumonia' AS dx_primary_label,
      ['E119'] AS dx_secondary_codes, NULL AS province_name, NULL AS facility_class, NULL AS facility_ownership
      FROM range(300) AS r(i)"""
    told = duckdb.sql(
        f"SELECT {written['dx_primary_code']} AS code, {written['dx_secondary_codes']} AS list, count(*) FROM ({rows}) GROUP BY ALL"
    ).fetchall()
    shares = {(code, others): count / 300 for code, others, count in told}
    usual, capitals = ("J18 - Pneumonia", "E119 - Pneumonia"), ("J18 - PNEUMONIA", "E119 - PNEUMONIA")
    assert shares == {usual: pytest.approx(0.7, abs=0.1), capitals: pytest.approx(0.3, abs=0.1)}
