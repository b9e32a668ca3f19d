import subprocess
import sys
import textwrap
from datetime import date, datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claims_sim.errors import SourceError
from claims_sim.profile.reading.source import SourceSpec, read_claims, read_source
from claims_sim_tests.profile.tables import tariff_table, write_duckdb


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return write_duckdb(tariff_table(300), tmp_path_factory.mktemp("db") / "claims.duckdb")


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return SourceSpec(path)


SMALL = {"dx_primary_code": ["A00", "B00", "A00"], "los": [0, 1, 2], "amount_claimed": [1.0, 2.0, 3.0]}


def test_a_duckdb_table_and_its_parquet_copy_read_alike(database, tmp_path):
    pq.write_table(tariff_table(300), tmp_path / "copy.parquet")
    one, two = read_source(SourceSpec(database)), read_source(SourceSpec(tmp_path / "copy.parquet"))
    assert one.rows == two.rows == 300
    assert one.columns.to_pydict() == two.columns.to_pydict()
    assert "district_name" in one.absent


def test_a_view_reads_like_its_table(tmp_path):
    path = write_duckdb(tariff_table(50), tmp_path / "c.duckdb", "raw")
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE VIEW claims_normalized AS SELECT * FROM raw")
    assert read_source(SourceSpec(path)).rows == 50


def test_the_file_can_be_written_by_its_owner_as_soon_as_it_is_read(database):
    read_source(SourceSpec(database))
    with duckdb.connect(str(database)) as owner:
        owner.execute("CREATE OR REPLACE TABLE later AS SELECT 1")


def test_persons_are_copied_as_hashes_only(database):
    assert read_source(SourceSpec(database)).columns.schema.field("patient_id_hash").type == pa.uint64()


def test_a_text_file_is_said_to_be_no_source(tmp_path):
    (tmp_path / "claims.json").write_text("claim_id,los\n1,2\n")
    with pytest.raises(SourceError, match="is neither a DuckDB database nor a Parquet or CSV file"):
        read_source(SourceSpec(tmp_path / "claims.json"))


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_csv_file_is_read_as_text_so_that_codes_keep_their_zeros(tmp_path, mark):
    rows = [
        ["dx_primary_code", "admit_dt", "los", "amount_claimed", "service_type"],
        ["0010", "20240105", "2", "10.5", "RITL"],
        ["4019", "20240106", "", "7", "RITL"],
    ]
    path = tmp_path / "claims.csv"
    path.write_text("".join(mark.join(row) + "\n" for row in rows))
    columns = read_source(SourceSpec(path)).columns
    assert columns["dx_primary_code"].to_pylist() == ["0010", "4019"]
    assert columns["los"].to_pylist() == [2.0, None]
    assert columns["admit_dt"].to_pylist() == [datetime(2024, 1, 5), datetime(2024, 1, 6)]  # noqa: DTZ001 - local


def test_an_empty_csv_file_is_one_clear_line(tmp_path):
    (tmp_path / "claims.csv").write_bytes(b"")
    with pytest.raises(SourceError) as error:
        read_source(SourceSpec(tmp_path / "claims.csv"))
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere\.duckdb does not exist"):
        read_source(SourceSpec(tmp_path / "nowhere.duckdb"))


@pytest.mark.parametrize("content", [b"", b"hello" * 3000, b"PAR1" + b"x" * 100])
def test_a_file_of_another_kind_is_one_clear_line(tmp_path, content):
    path = tmp_path / "claims.duckdb"
    path.write_bytes(content)
    with pytest.raises(SourceError) as error:
        read_source(SourceSpec(path))
    assert "neither a DuckDB database nor" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_another_process_writes_is_said_to_be_locked(tmp_path):
    path = write_duckdb(tariff_table(20), tmp_path / "busy.duckdb")
    script = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        owner.stdout.readline()
        with pytest.raises(SourceError, match="being written by another process"):
            read_source(SourceSpec(path))
        owner.communicate("\n")


def test_a_missing_table_names_the_tables_there_are(database):
    with pytest.raises(SourceError, match="'claims_normalized'"):
        read_source(SourceSpec(database, table="claims"))


def test_a_table_name_cannot_smuggle_in_sql(database):
    with pytest.raises(SourceError, match="has no table"):
        read_source(SourceSpec(database, table='claims_normalized"; DROP TABLE claims_normalized; --'))
    assert read_source(SourceSpec(database)).rows == 300


def test_all_missing_required_columns_are_told_at_once_with_what_was_found(tmp_path):
    with pytest.raises(SourceError) as error:
        read_source(parquet(tmp_path / "c.parquet", tarif=[1], kota=["x"]))
    for part in ("dx_primary_code", "admit_dt or discharge_dt or los", "kota, tarif"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_table_is_an_error(tmp_path):
    empty = {name: pa.array([], pa.int64()) for name in ("los", "amount_claimed")}
    with pytest.raises(SourceError, match="holds no claims"):
        read_source(parquet(tmp_path / "c.parquet", dx_primary_code=pa.array([], pa.string()), **empty))


def test_text_in_a_number_column_is_reported_and_never_quoted(tmp_path):
    source = read_source(parquet(tmp_path / "c.parquet", **SMALL | {"amount_claimed": ["1", "Siti", None]}))
    assert source.columns["amount_claimed"].to_pylist() == [1.0, None, None]
    assert "A few (fewer than 50) of amount_claimed could not be read as a number and counts as missing." in (
        source.oddities
    )
    assert "Siti" not in " ".join(source.oddities)


def test_codes_are_read_without_dots_and_labels_are_left_alone(tmp_path):
    source = read_source(
        parquet(tmp_path / "c.parquet", **SMALL | {"dx_primary_code": ["o63.0", "J18", "Pneumonia, not typed"]})
    )
    assert source.columns["dx_primary_code"].to_pylist() == ["O630", "J18", "Pneumonia, not typed"]


@pytest.mark.parametrize("text", ["A00;B01", "A00, B01", '["A00", "B01"]', "[A00, B01]"])
def test_secondary_codes_in_text_are_read_as_lists(tmp_path, text):
    source = read_source(parquet(tmp_path / "c.parquet", **SMALL, dx_secondary_codes=[text, None, ""]))
    assert source.columns["dx_secondary_codes"].to_pylist() == [["A00", "B01"], [], []]


@pytest.mark.parametrize(
    ("texts", "second"),
    [
        (["03/04/2024", "12/25/2024", "01/02/2025"], "2024-12-25T00:00:00"),
        (["03/04/2024", "25/12/2024", "01/02/2025"], "2024-12-25T00:00:00"),
        (["03-04-2024 10:30", "12-25-2024 10:30", "01-02-2025 09:00"], "2024-12-25T10:30:00"),
        (["3/4/2024 12:00:00 AM", "12/25/2024 3:04:05 PM", "1/2/2025 9:00:00 AM"], "2024-12-25T15:04:05"),
        (["03/04/2024 11:00 am", "25/12/2024 12:30 pm", "01/02/2025 9:00 AM"], "2024-12-25T12:30:00"),
        (["3/4/2024 3:04PM", "12/25/2024 3:04PM", "1/2/2025 9:00AM"], "2024-12-25T15:04:00"),
        (["03-04-2024 11:00 PM", "25-12-2024 03:04:05 PM", "01-02-2025 09:00 AM"], "2024-12-25T15:04:05"),
        (["2024-04-03 11:00 PM", "2024-12-25 03:04:05 PM", "2025-02-01 09:00 AM"], "2024-12-25T15:04:05"),
        (["03.04.2024", "25.12.2024", "01.02.2025"], "2024-12-25T00:00:00"),
        (["3.4.2024 11:00", "25.12.2024 15:04:05", "1.2.2025 09:00"], "2024-12-25T15:04:05"),
        (["2024.04.03", "2024.12.25 15:04", "2025.02.01"], "2024-12-25T15:04:00"),
        (["03.04.24", "25.12.24", "01.02.25"], "2024-12-25T00:00:00"),
        (["03/04/24", "25/12/24 15:04", "01/02/25"], "2024-12-25T15:04:00"),
        (["3/4/24 9:00 AM", "12/25/24 3:04 PM", "1/2/25 9:00 AM"], "2024-12-25T15:04:00"),
    ],
)
@pytest.mark.slow
def test_the_whole_column_says_whether_months_come_before_days(tmp_path, texts, second):
    column = read_source(parquet(tmp_path / "c.parquet", **SMALL, admit_dt=texts)).columns["admit_dt"].to_pylist()
    assert column[1].isoformat() == second
    assert column[0].month == (3 if texts[1].startswith("12") else 4)


@pytest.mark.parametrize("days", [range(1, 29), [1]], ids=["daily", "monthly"])
@pytest.mark.parametrize("form", ["{y}/{m:02}/{d:02}", "{y}.{m:02}.{d:02}", "{d:02}/{m:02}/67", "{d:02}-{m:02}-{y}"])
def test_two_digits_that_are_no_years_of_claims_are_no_dates(tmp_path, form, days):
    """A year first has days behind it, and 67 is of the Buddhist era: read as days of 2001 to 2031 or of 2067 they would be wrong."""
    dates = [form.format(y=year, m=month, d=day) for year in (23, 24) for month in range(1, 13) for day in days]
    told = {"dx_primary_code": ["A00"] * len(dates), "amount_claimed": [1.0] * len(dates), "admit_dt": dates}
    read = read_source(parquet(tmp_path / "c.parquet", **told)).columns["admit_dt"].to_pylist()
    # Years of the first century lie outside those that count.
    assert all(day is None or day.year < 100 for day in read)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("02-Jan-2025", "2025-01-02T00:00:00"), ("02-JAN-25", "2025-01-02T00:00:00"), ("2-jan-99", "1999-01-02T00:00:00"),
        ("2 Agustus 2025", "2025-08-02T00:00:00"), ("31/Mei/2025 14:05", "2025-05-31T14:05:00"), ("02Des2024", "2024-12-02T00:00:00"),
        ("02JAN2025:10:15:30", "2025-01-02T10:15:30"), ("Jan 2, 2025", "2025-01-02T00:00:00"),
        ("Jan  2 2025 12:00AM", "2025-01-02T00:00:00"),
        ("02-JAN-25 10.15.30.000000 PM", "2025-01-02T22:15:30"), ("2 de enero de 2025", "2025-01-02T00:00:00"),
        ("2025-Jan-02 10:15:30.5", "2025-01-02T10:15:30.500000"), ("2. März 2025", "2025-03-02T00:00:00"),
        ("2-jan-69", "2069-01-02T00:00:00"),
        ("02-JAN-25 10.15.30.123456789 AM", "2025-01-02T10:15:30.123456"),
        ("02-Jax-2025", None), ("31-Feb-2025", None), ("Jan 2025", None), ("2 Janet 2025", None), ("02-Jan-2025 25:00", None),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_dates_with_names_of_months_are_read(tmp_path, text, read):
    dates = [text, "2024-03-04", "04/03/2024"]
    column = read_source(parquet(tmp_path / "c.parquet", **SMALL, admit_dt=dates)).columns["admit_dt"].to_pylist()
    assert column[0] == (None if read is None else datetime.fromisoformat(read))
    assert [day.isoformat() for day in column[1:]] == ["2024-03-04T00:00:00"] * 2


@pytest.mark.parametrize("text", ["1/25/2024", "01-25-2024"])
def test_a_claim_in_a_hundred_thousand_may_say_that_months_come_first(tmp_path, text):
    texts = ["3/4/2024"] * 100_000 + [text]
    columns = {name: [value] * len(texts) for name, value in (("dx_primary_code", "A00"), ("amount_claimed", 1.0))}
    days = read_source(parquet(tmp_path / "c.parquet", **columns, admit_dt=texts)).columns["admit_dt"].to_pylist()
    assert (days[0].month, days[-1].month) == (3, 1)


def test_one_odd_date_turns_no_column_round(tmp_path):
    texts = ["25/1/2024", "26/2/2024", "1/27/2024"]
    source = read_source(parquet(tmp_path / "c.parquet", **SMALL, admit_dt=texts))
    assert [day and day.day for day in source.columns["admit_dt"].to_pylist()] == [25, 26, None]


def test_a_column_that_says_neither_is_read_as_the_other_dates_are(tmp_path):
    columns = {
        "admit_dt": ["01/28/2024", "02/28/2024", "03/01/2024"],
        "discharge_dt": ["02/03/2024", "03/04/2024", "03/05/2024"],
    }
    days = read_source(parquet(tmp_path / "c.parquet", **SMALL, **columns)).columns["discharge_dt"].to_pylist()
    assert [day.month for day in days] == [2, 3, 3]
    sample = read_claims(parquet(tmp_path / "c.parquet", **SMALL, **columns), 3)["discharge_dt"].to_pylist()
    assert sorted(day.month for day in sample) == [2, 3, 3]


@pytest.mark.parametrize("of", [int, str])
def test_months_alone_are_their_first_days(read, of):
    months = [of(month) for month in (202203, 202112, 202301)]
    table = read(pa.table(SMALL | {"admit_dt": months}))
    read_as = table.columns["admit_dt"].to_pylist()
    assert "admit_dt tells months alone: their first days stand for them." in table.oddities
    assert [str(day) for day in read_as] == ["2022-03-01 00:00:00", "2021-12-01 00:00:00", "2023-01-01 00:00:00"]


def test_days_in_six_digits_are_no_months(read):
    table = read(pa.table(SMALL | {"admit_dt": ["200315", "200312", "210728"]}))
    assert table.columns["admit_dt"].null_count == 3
    assert any("admit_dt could not be read as a date" in sentence for sentence in table.oddities)


def test_dates_of_an_enumeration_are_read_like_texts(tmp_path):
    with duckdb.connect(str(tmp_path / "c.duckdb")) as connection:
        connection.execute("CREATE TYPE days AS ENUM ('01/28/2024', '02/03/2024', '03/04/2024')")
        connection.execute("CREATE TABLE c AS SELECT 'A00' AS dx_primary_code, 1.0 AS amount_claimed, d::days AS admit_dt "
                           "FROM (VALUES ('01/28/2024'), ('02/03/2024'), ('03/04/2024')) AS v(d)")  # fmt: skip
    source = read_source(SourceSpec(tmp_path / "c.duckdb", table="c"))
    assert [day.month for day in source.columns["admit_dt"].to_pylist()] == [1, 2, 3]


def test_dates_that_are_as_good_either_way_have_the_day_first(tmp_path):
    source = read_source(parquet(tmp_path / "c.parquet", **SMALL, admit_dt=["03/04/2024", "05/06/2024", None]))
    assert source.columns["admit_dt"].to_pylist()[0].month == 4


def test_secondary_codes_spread_over_columns_are_one_list(tmp_path):
    (tmp_path / "map.toml").write_text('[columns]\ndx_secondary_codes = ["dx2", "DX3"]')
    spec = parquet(tmp_path / "c.parquet", **SMALL, dx2=["E11.9", None, "I10"], dx3=[None, "", "j18"])
    source = read_source(SourceSpec(spec.path, mapping=tmp_path / "map.toml"))
    assert source.columns["dx_secondary_codes"].to_pylist() == [["E119"], [], ["I10", "J18"]]


def persons(tmp_path, rows, *, parts=("born", "sex", "home")):
    """The keys of persons of rows of (born, sex, home), read by a mapping of several columns."""
    (tmp_path / "map.toml").write_text(f"[columns]\npatient_id_hash = {list(parts)}")
    columns = dict(zip(("born", "sex", "home"), map(list, zip(*rows, strict=True)), strict=True))
    claims = {"dx_primary_code": ["A00"] * len(rows), "los": [0] * len(rows), "amount_claimed": [1.0] * len(rows)}
    spec = parquet(tmp_path / "c.parquet", **claims, **columns)
    return read_source(SourceSpec(spec.path, mapping=tmp_path / "map.toml")).columns["patient_id_hash"].to_pylist()


def test_several_columns_together_are_a_key_of_persons(tmp_path):
    born = date(1980, 5, 17)
    one, same, sex, home, other = persons(
        tmp_path, [(born, 1, "12"), (born, 1, "12"), (born, 2, "12"), (born, 1, "13"), (date(1981, 5, 17), 1, "12")]
    )
    assert one == same
    assert len({one, sex, home, other}) == 4


def test_the_parts_of_a_key_are_not_run_together(tmp_path):
    one, other = persons(tmp_path, [("1", 12, "3"), ("11", 2, "3")])
    assert one != other


def test_a_key_of_which_a_part_is_missing_is_none(tmp_path):
    assert persons(tmp_path, [("a", 1, None), (None, 1, "x"), ("a", None, "x")]) == [None, None, None]


@pytest.mark.parametrize(("claims_each", "is_told"), [(1, True), (2, False)])
def test_a_key_that_nearly_every_claim_has_of_its_own_may_be_one_of_claims(tmp_path, claims_each, is_told):
    claims = 1_200
    columns = {"dx_primary_code": ["A00"] * claims, "los": [0] * claims, "amount_claimed": [1.0] * claims}
    key = [str(i // claims_each) for i in range(claims)]
    oddities = read_source(parquet(tmp_path / "c.parquet", **columns, patient_id_hash=key)).oddities
    assert any("patient_id_hash of its own: if it is a key of claims" in told for told in oddities) == is_told


LISTS_OF_TWO = ["E11.9/I10", "E11.9 / I10", "E11.9，I10", "E11.9、I10",
    "E11.9;I10", "E11.9, I10", "E11.9#I10", "E11.9 | I10", "E11.9~I10", "E119  I10 ", "E11.9\nI10", '["E119","I10"]',
    "E11.9;\tI10", "E119;\nI10;", "E119\xa0I10", "E119 I10;",
]  # fmt: skip


def listed(tmp_path, texts):
    columns = {name: [values[0]] * len(texts) for name, values in SMALL.items()} | {"dx_secondary_codes": texts}
    source = read_source(parquet(tmp_path / "c.parquet", **columns | {"claim_id": list(range(len(texts)))}))
    return source.columns["dx_secondary_codes"].to_pylist()


def test_secondary_codes_in_one_text_are_a_list_whatever_stands_between_them(tmp_path):
    assert listed(tmp_path, LISTS_OF_TWO) == [["E119", "I10"]] * len(LISTS_OF_TWO)
    assert listed(tmp_path, ["A00 B00;C00", "A00,B00 C00"]) == [["A00", "B00", "C00"]] * 2


def test_words_between_spaces_are_no_codes_and_a_code_may_have_a_space_inside(tmp_path):
    words = ["Vitamin B12 deficiency anaemia", "lihat berkas A10 lantai 3", "E11.9 Kelas A09"]
    assert not {"B12", "A10", "A09", "E119"} & {code for codes in listed(tmp_path, words) for code in codes}
    assert listed(tmp_path, ["E11 9", "E11 .9; I10"]) == [["E119"], ["E119", "I10"]]


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\xa0"])
def test_a_column_of_all_diagnoses_with_white_space_between_them_is_the_primary_one_and_the_others(tmp_path, space):
    (tmp_path / "map.toml").write_text('[columns]\ndx_primary_code = "all_dx"\ndx_secondary_codes = "all_dx"')
    texts = [text.replace(" ", space) for text in ("A09", "I501 I10 E119", " J18.9 J90")]
    spec = parquet(tmp_path / "c.parquet", all_dx=texts, los=[0, 1, 2], amount_claimed=[1.0, 2.0, 3.0])
    source = read_source(SourceSpec(spec.path, mapping=tmp_path / "map.toml")).columns.to_pydict()
    assert source["dx_primary_code"] == ["A09", "I501", "J189"]
    assert source["dx_secondary_codes"] == [[], ["I10", "E119"], ["J90"]]


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.decimal128(9, 1), pa.string()])
def test_codes_that_were_read_as_numbers_are_codes(tmp_path, kind):
    """As tables of numbers with gaps are written: 70.92 is 7092, then 7092.0."""
    columns = {"dx_primary_code": ["4019.0", "V5789", "311"], "los": [0, 1, 2], "amount_claimed": [1.0, 2.0, 3.0]}
    severity = pa.array([1.0, None, 2.0], pa.float64())
    codes = (
        pa.array([7092.0, None, 8154.0], pa.float64()).cast(kind) if kind != pa.string() else ["7092.0", None, "8154"]
    )
    spec = parquet(tmp_path / "c.parquet", **columns, procedure_code=codes, severity_group=severity,
                   dx_secondary_codes=["4280.0;V4501", "", "25000.0"])  # fmt: skip
    found = read_source(spec).columns
    assert found["procedure_code"].to_pylist() == ["7092", None, "8154"]
    assert found["dx_primary_code"].to_pylist() == ["4019", "V5789", "311"]
    assert found["severity_group"].to_pylist() == ["1", None, "2"]
    assert found["dx_secondary_codes"].to_pylist() == [["4280", "V4501"], [], ["25000"]]


def test_letters_with_several_dots_behind_them_are_no_code_of_icd_and_keep_these(tmp_path):
    codes = ["B01.047.001", "83.62.17", "a16.20.004.001 - Name", "39.10", "E11.9."]
    rows = {"dx_primary_code": ["A00"] * 5, "admit_dt": ["2024-01-02"] * 5, "amount_claimed": [1.0] * 5}
    read = (
        read_source(parquet(tmp_path / "c.parquet", **rows, procedure_code=codes)).columns["procedure_code"].to_pylist()
    )
    assert read == ["B01.047.001", "836217", "A16.20.004.001", "3910", "E119"]


def test_a_dotted_code_in_a_column_of_numbers_keeps_what_is_behind_its_dot(tmp_path):
    dx = pa.array([428.0, 401.9, 276.51], pa.float64())
    found = read_source(
        parquet(tmp_path / "c.parquet", dx_primary_code=dx, los=[0, 1, 2], amount_claimed=[1.0, 2.0, 3.0])
    ).columns
    assert found["dx_primary_code"].to_pylist() == ["4280", "4019", "27651"]


@pytest.mark.parametrize("keys", [("1.0", "2.0"), ("1", "2")])
def test_a_value_map_may_name_numbers_with_their_decimals_or_without(tmp_path, keys):
    (tmp_path / "map.toml").write_text(f'[values.severity_group]\n"{keys[0]}" = "ringan"\n"{keys[1]}" = "berat"')
    spec = parquet(tmp_path / "c.parquet", **SMALL, severity_group=pa.array([1.0, None, 2.0], pa.float64()))
    source = read_source(SourceSpec(spec.path, mapping=tmp_path / "map.toml"))
    assert source.columns["severity_group"].to_pylist() == ["ringan", None, "berat"]


def test_a_key_of_which_a_part_is_empty_is_none(tmp_path):
    assert persons(tmp_path, [("a", 1, ""), ("", 1, "x"), ("a", 1, " ")]) == [None, None, None]


def test_what_stands_for_no_value_is_none_unless_the_mapping_gives_it_a_name(tmp_path):
    columns = SMALL | {
        "procedure_code": ["0", "NA", "8952"],
        "dx_secondary_codes": ["0;A00", "-", "NULL,none,b00"],
        "severity_group": ["-", "0", "None"],
        "facility_class": ["?", "A", "drop"],
    }
    spec = parquet(tmp_path / "c.parquet", **columns)
    source = read_source(spec).columns.to_pydict()
    assert source["procedure_code"] == [None, None, "8952"]
    assert source["dx_secondary_codes"] == [["A00"], [], ["B00"]]
    assert source["severity_group"] == [None, "0", "None"]
    assert source["facility_class"] == [None, "A", "drop"]
    (tmp_path / "map.toml").write_text('[values.severity_group]\n"-" = "unknown"\n[values.facility_class]\ndrop = ""')
    source = read_source(SourceSpec(spec.path, mapping=tmp_path / "map.toml")).columns.to_pydict()
    assert source["severity_group"] == ["unknown", "0", "None"]
    assert source["facility_class"] == [None, "A", None]


def test_the_severity_of_a_case_group_code_is_its_last_part(tmp_path):
    spec = parquet(tmp_path / "c.parquet", **SMALL, severity_group=["K-4-17-II", "Q-5-44-0", "berat"])
    assert read_source(spec).columns["severity_group"].to_pylist() == ["II", "0", "berat"]


def test_a_mapping_file_renames_columns_and_values(tmp_path):
    mapping = tmp_path / "map.toml"
    mapping.write_text(
        textwrap.dedent("""
        [columns]
        los = "stay days"
        [values.facility_ownership]
        "3" = "Pemkab"
    """)
    )
    columns = {"dx_primary_code": ["A00"], "stay days": [2], "amount_claimed": [5], "facility_ownership": [3]}
    spec = parquet(tmp_path / "c.parquet", **columns)
    source = read_source(SourceSpec(spec.path, mapping=mapping))
    assert source.columns["los"].to_pylist() == [2.0]
    assert source.columns["facility_ownership"].to_pylist() == ["Pemkab"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[columns", "is no TOML"),
        ('[columns]\nstay = "x"', "'stay' is no column of claims"),
        ('[columns]\nlos = "stay days"', "has no column 'stay days'"),
        ('[columns]\ndx_secondary_codes = ["dx2", "dx3"]', "has no column 'dx2'"),
        ('[columns]\nlos = ["a", "b"]', "no column name in quotes"),
        ("[other]", r"section \[other\]"),
        ("[values]\nlos = 3", "needs lines such as"),
    ],
)
def test_a_faulty_mapping_file_says_what_is_wrong(tmp_path, text, message):
    (tmp_path / "map.toml").write_text(text)
    spec = parquet(tmp_path / "c.parquet", **SMALL)
    with pytest.raises(SourceError, match=message):
        read_source(SourceSpec(spec.path, mapping=tmp_path / "map.toml"))


def test_oddities_are_reported_in_sentences(tmp_path):
    columns = {
        "claim_id": ["1", "1", "2"], "severity_group": ["fatal", "ringan", None], "facility_class": pa.nulls(3, pa.string()),
        "admit_dt": ["2024-01-05", "1900-01-01", "2024-01-01"], "discharge_dt": ["2024-01-01", "1900-01-02", "2024-01-02"],
    }  # fmt: skip
    report = " ".join(read_source(parquet(tmp_path / "c.parquet", **SMALL, **columns)).oddities)
    for part in (
        "shifted by one",
        "facility_class is empty",
        "outside 1950 to 2100",
        "before they are admitted",
        "repeats",
    ):
        assert part in report


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("12 345,67", 12345.67), ("1\u2009234\u2009567,00", 1234567.0), ("-1\xa0234", -1234.0), ("12'345.60", 12345.6),
        ("1 234,50 ₽", 1234.5), ("1'234.-", 1234.0), ("900.-", 900.0), ("900.–", 900.0), ("CHF 1’234.50", 1234.5),
        ("Fr. 900.-", 900.0), ("SFr. 1'234.50", 1234.5),
        ("1 23", None), ("12 3456", None),
        ("1 234 567 руб.", 1234567.0),
        ("$1,234.50", 1234.5), ("Rp 1.234.567,00", 1234567.0), ("€ 12,50", 12.5), ("1.234,56 €", 1234.56), ("1,234.50", 1234.5),
        ("1.234.567", 1234567.0), ("-$5.00", -5.0), ("Rp. 150.000", 150_000.0), ("Rp 1.234.567,-", 1234567.0), ("1.234,5", 1234.5),
        ("1,234", 1234.0), ("0,125", 0.125), ("1.234", 1.234), ("1234.567", 1234.567), ("1e3", 1000.0), ("IDR -5.000", -5000.0),
        ("(12.50)", None), ("1,23,456", None), ("1.2.3", None), ("KWD 1.234", None), ("Rp", None),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_amounts_are_read_with_currencies_and_marks_of_thousands_where_their_form_tells(read, written, amount):
    table = pa.table(SMALL | {"amount_claimed": [written, "7.25", "0"]})
    assert read(table).columns["amount_claimed"].to_pylist() == [amount, 7.25, 0.0]


def test_a_dot_before_three_digits_parts_thousands_where_the_column_shows_it(read):
    table = pa.table(SMALL | {"amount_claimed": ["150.000", "1.234.567", "800"]})
    assert read(table).columns["amount_claimed"].to_pylist() == [150_000.0, 1_234_567.0, 800.0]
    unsure = read(pa.table(SMALL | {"amount_claimed": ["150.000", "225.000", "800"]}))
    assert unsure.columns["amount_claimed"].to_pylist() == [150.0, 225.0, 800.0]
    assert any(
        "amount_claimed is written like 1.234 and read as a little more than one" in told for told in unsure.oddities
    )
    assert not any("like 1.234" in told for told in read(table).oddities)


@pytest.mark.parametrize(
    ("others", "amount"),
    [
        (["1 234,500", "12"], 900.25), (["0,125", "12"], 900.25), (["12,5", "12"], 900_250.0), (["1.234,500", "12"], 900.25),
        (["3", "12"], 900_250.0), (["1,234,500", "12"], 900_250.0), (["1,234.50", "12"], 900_250.0), (["12,5", "1,234.50"], 900_250.0),
        (["A, 12,5", "12"], 900_250.0), (["0,125", *["2,500"] * 9], 900_250.0), (["0,125", *["2,500"] * 8], 900.25),
        (["0,125", *["99.50"] * 9], 900_250.0), (["1,234.50", *["0,125"] * 101], 900.25),
        (["1000,000", *["2,500"] * 80], 900_250.0),
    ],
)  # fmt: skip
def test_a_comma_before_three_digits_is_a_point_where_the_column_shows_it(read, others, amount):
    rows = len(others) + 1
    small = {name: [values[0]] * rows for name, values in SMALL.items()}
    table = pa.table(small | {"amount_claimed": ["900,250", *others]})
    assert read(table).columns["amount_claimed"].to_pylist()[0] == amount


def test_several_groups_of_thousands_are_such_whatever_the_others_show(read):
    amounts = ["1,234,567", *["0,125"] * 150]
    table = pa.table({name: [values[0]] * len(amounts) for name, values in SMALL.items()} | {"amount_claimed": amounts})
    assert read(table).columns["amount_claimed"].to_pylist()[0] == 1_234_567.0


@pytest.mark.parametrize("name", ["r", "bare", "comma", "t"])
def test_amounts_are_read_beside_a_column_of_any_name(read, name):
    assert read(pa.table(SMALL | {"amount_claimed": ["12,5", "7", "1,234"], name: ["x"] * 3})).columns[
        "amount_claimed"
    ].to_pylist() == [12.5, 7.0, 1234.0]


def test_the_amounts_of_a_table_are_read_alike(read):
    """What is paid shows that decimals stand behind the comma of what is claimed."""
    table = pa.table(
        SMALL | {"amount_claimed": ["900,250", "850,000", "12,500"], "amount_paid": ["900,250", "0,000", "2,000"]}
    )
    amounts = read(table).columns
    assert amounts["amount_claimed"].to_pylist() == [900.25, 850.0, 12.5]
    assert amounts["amount_paid"].to_pylist() == [900.25, 0.0, 2.0]


def test_stays_are_no_amounts(read):
    assert read(pa.table(SMALL | {"service_type": ["RITL"] * 3, "los": ["1,000", "2", "3"]})).columns[
        "los"
    ].to_pylist() == [None, 2, 3]


def test_a_value_map_may_say_what_stands_where_there_is_no_value(tmp_path):
    columns = SMALL | {
        "dx_primary_code": ["A00", None, " "],
        "facility_class": ["A", "-", "x"],
        "province_name": ["BALI", None, "?"],
    }
    (tmp_path / "m.toml").write_text(
        '[values.dx_primary_code]\n"" = "R69"\n[values.facility_class]\n"" = "none"\nx = ""\n'
        '[values.province_name]\n"" = "ACEH"\nBALI = "Bali"\n',
        encoding="utf-8",
    )
    pq.write_table(pa.table(columns), tmp_path / "c.parquet")
    source = read_source(SourceSpec(tmp_path / "c.parquet", mapping=tmp_path / "m.toml"))
    assert source.columns["dx_primary_code"].to_pylist() == ["A00", "R69", "R69"]
    assert source.columns["facility_class"].to_pylist() == ["A", "none", "none"]
    assert source.columns["province_name"].to_pylist() == ["Bali", "ACEH", "ACEH"]
    assert not [told for told in source.oddities if "dx_primary_code" in told or "primary diagnosis" in told]
