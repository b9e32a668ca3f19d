"""Texts that are read once each mean what they mean claim by claim."""

from pathlib import Path

import duckdb
import pytest

from claims_sim.profile.reading.mapping import load_mapping
from claims_sim.profile.reading.source import SourceSpec, open_source, read_source
from claims_sim.profile.reading.source_sql import canonical_select

_CODES = "['A00.1', ' a001 ', 'A00.1 - Cholera', 'S71.0#A00.1', '-', 'NA', NULL, '', 'J18.9+', 'x-1', '99213', 'A00.1']"
_LISTS = {
    "lists": "[['e11.9', 'I10', '-', NULL, ''], [], NULL, ['I10'], [' i10+ '], ['NA']]",
    "texts": """['E11.9;I10', '["E119","I10"]', '', NULL, '-', 'I10,,E119']""",
}
_COMPARED = (
    "dx_primary_code, facility_class, severity_group, coalesce(dx_secondary_codes, []), province_name, facility_type"
)


@pytest.mark.parametrize("lists", _LISTS.values(), ids=_LISTS)
def test_each_text_means_the_same_as_in_the_statement_over_all_claims(tmp_path: Path, lists: str) -> None:
    path, mapping = tmp_path / "claims.duckdb", tmp_path / "claims.toml"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"""CREATE TABLE claims_normalized AS SELECT DATE '2025-01-01' + CAST(i % 50 AS INT) AS admit_dt, i % 3 AS los,
            {_CODES}[1 + i % 12] AS dx_primary_code, {lists}[1 + i % 6] AS dx_secondary_codes, 100000.0 + i AS amount_paid,
            ['1', '2', ' 2', '', NULL, '?', repeat('ä', 600)][1 + i % 7] AS facility_class,
            ['K-4-17-II', 'II', 'J-1-20-X', '0'][1 + i % 4] AS severity_group, ['BALI', NULL, ' ACEH'][1 + i % 3] AS province_name,
            ['RS', 'Klinik', '-', 'BALI', NULL][1 + i % 5] AS facility_type FROM range(4000) r(i)"""
        )
    mapping.write_text('[values.facility_class]\n"1" = "C"\n"2" = "D"\n"" = "unknown"\n', encoding="utf-8")
    spec = SourceSpec(path, mapping=mapping)

    columns = read_source(spec).columns

    with open_source(spec) as opened:
        ours = load_mapping(mapping)
        statement = canonical_select(opened.relation, opened.find_columns(ours, "here"), ours)
        named = f"SELECT {_COMPARED} FROM ({statement})"
        expected = opened.connection.sql(named).fetchall()
    with duckdb.connect() as connection:
        connection.register("columns_read", columns)
        assert connection.sql(f"SELECT {_COMPARED} FROM columns_read").fetchall() == expected
    assert {"C", "D", "unknown"} < {row[1] for row in expected}
    assert {("E119", "I10"), ()} < {tuple(row[3]) for row in expected}


@pytest.mark.parametrize("theirs", ["place of the text", "text_as_written", 'an "odd" one', "V"])
def test_a_column_may_have_any_name(tmp_path: Path, theirs: str) -> None:
    path, mapping = tmp_path / "claims.duckdb", tmp_path / "claims.toml"
    quoted = theirs.replace('"', '""')
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"""CREATE TABLE claims_normalized AS SELECT DATE '2025-01-01' AS admit_dt, 1 AS los, 100000.0 + i AS amount_paid,
            ['J18.9', 'A00.1', 'E119'][1 + i % 3] AS "{quoted}", [['I10', 'e11.9'], NULL][1 + i % 2] AS dx_secondary_codes
            FROM range(90) r(i)"""
        )
    mapping.write_text(f"[columns]\ndx_primary_code = '{theirs}'\n", encoding="utf-8")
    columns = read_source(SourceSpec(path, mapping=mapping)).columns
    assert columns["dx_primary_code"].to_pylist() == ["J189", "A001", "E119"] * 30
    assert columns["dx_secondary_codes"].to_pylist() == [["I10", "E119"], []] * 45
