"""Names that stand behind their codes in one column are that column's labels."""

import duckdb
import pytest

from claims_sim import pipeline
from claims_sim.generation.batch import utc_now
from claims_sim.pipeline.labelled import LabelledRequest
from claims_sim.pipeline.sandbox import write_sandbox
from claims_sim.profile.reading.mapping import ColumnMapping
from claims_sim.profile.reading.source import SourceSpec, open_source, read_claims
from claims_sim_tests.profile.reading.test_source import parquet
from claims_sim_tests.test_sandbox import simulation_of

CODES = ["8744 - FOTO THORAX", "9039 - Darah lain - lengkap", "8952", None]


def table(path, **columns):
    rows = len(next(iter(columns.values())))
    told = {"dx_primary_code": ["A00"] * rows, "admit_dt": ["2024-01-02"] * rows, "amount_claimed": [1.0] * rows}
    return parquet(path / "c.parquet", **{**told, **columns})


def labels(spec, of="procedure_label"):
    read = read_claims(spec, 100)
    return sorted(read[of].to_pylist(), key=str) if of in read.column_names else None


def test_what_stands_behind_a_code_is_its_label(tmp_path):
    spec = table(tmp_path, procedure_code=CODES)
    assert labels(spec) == ["Darah lain - lengkap", "FOTO THORAX", None, None]
    assert labels(spec, "procedure_code") == ["8744", "8952", "9039", None]


def test_names_behind_codes_of_an_enumeration_are_labels_too(tmp_path):
    with duckdb.connect(str(tmp_path / "c.duckdb")) as connection:
        connection.execute("CREATE TYPE done AS ENUM ('8744 - FOTO THORAX', '9039 - Darah')")
        connection.execute("CREATE TABLE c AS SELECT 'A00' AS dx_primary_code, 1.0 AS amount_claimed, DATE '2024-01-02' AS admit_dt, "
                           "p::done AS procedure_code FROM (VALUES ('8744 - FOTO THORAX'), ('9039 - Darah')) AS v(p)")  # fmt: skip
    assert labels(SourceSpec(tmp_path / "c.duckdb", table="c")) == ["Darah", "FOTO THORAX"]


@pytest.mark.parametrize(
    "codes", [["8744 - FOTO THORAX", "9039", "8952"], ["8744-2", "9039-1", "8952-3"], ["8744 -", "9039 - ", "8952 - "]]
)
def test_where_most_codes_have_no_name_there_are_no_labels(tmp_path, codes):
    assert labels(table(tmp_path, procedure_code=codes)) is None


def test_labels_of_another_column_stay_and_those_of_the_same_are_without_their_codes(tmp_path):
    assert labels(table(tmp_path, procedure_code=CODES, procedure_label=["a", "b", "c", None])) == [None, "a", "b", "c"]
    same = table(tmp_path, both=CODES)
    for mapped in ({"procedure_code": "both"}, {"procedure_code": "both", "procedure_label": "both"}):
        with open_source(SourceSpec(same.path)) as opened:
            located = opened.find_columns(ColumnMapping(columns=mapped), "c.parquet")
        assert located["procedure_label"].behind
        assert not located["procedure_code"].behind


@pytest.mark.slow
def test_a_sandbox_has_the_sources_own_names_behind_its_codes(settings, tmp_path):
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    own = simulation_of(
        settings,
        path,
        """
        SELECT * EXCLUDE (procedure_label) REPLACE (procedure_code || ' - ' || upper(procedure_label) AS procedure_code)
        FROM src.claims_normalized
    """,
    )
    write_sandbox(own, out, asked=LabelledRequest(count=2_000, rate=0.0))
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{out}' AS ours (READ_ONLY); ATTACH '{path}' AS real (READ_ONLY)")
        known, all_ = connection.execute("""
            SELECT count(*) FILTER (procedure_code IN (SELECT procedure_code FROM real.claims_normalized)), count(procedure_code)
            FROM ours.claims_normalized
        """).fetchone()
        share = connection.execute("SELECT count(procedure_code) / count(*) FROM real.claims_normalized").fetchone()[0]
    assert all_ / 2_000 == pytest.approx(share, abs=0.05)
    assert known > 0.95 * all_


@pytest.mark.slow
def test_a_name_that_differs_among_the_claims_of_a_code_is_no_label(settings, tmp_path):
    path = tmp_path / "theirs.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"ATTACH '{settings.source}' AS src (READ_ONLY)")
        connection.execute("""
            CREATE TABLE claims_normalized AS
            SELECT * EXCLUDE (procedure_label) REPLACE (procedure_code || ' - ' || person AS procedure_code)
            FROM (SELECT *, CASE hash(claim_id) % 3 WHEN 0 THEN 'dr Budi Santoso' WHEN 1 THEN 'Siti Aminah' ELSE 'Agus Wijaya' END AS person
                  FROM src.claims_normalized)
        """)
    text = pipeline.profile_source(settings.model_copy(update={"source": path}), utc_now()).profile.to_json()
    assert not any(name in text for name in ("Budi", "Aminah", "Wijaya"))
