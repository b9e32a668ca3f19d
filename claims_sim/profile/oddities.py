"""What is odd about a source, in sentences for its owner. Reports only; mends nothing and repeats no cell value."""

from collections.abc import Iterator, Mapping
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.source_sql import Located, quote_identifier, text_expression

_FIRST_YEAR, _LAST_YEAR = 1950, 2100
_DX_FORM: Final = "^[A-Z][0-9][0-9A-Z]{1,5}$"
_PROCEDURE_FORM: Final = "^[0-9]{2,4}$"


def describe_oddities(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located], columns: pa.Table
) -> tuple[list[str], dict[str, float]]:
    """Sentences, and for each number or date column the share of values that could not be read."""
    rows = columns.num_rows
    unreadable = dict(_unreadable(connection, relation, located, columns))
    sentences = [
        f"{percent(share)} of {name} could not be read as a {located[name].kind} and counts as missing."
        for name, share in unreadable.items()
    ]
    sentences += _empty_columns(columns)
    sentences += _form_oddities(columns)
    sentences += _date_oddities(columns)
    sentences += _severity_oddities(columns)
    sentences += _identity_oddities(connection, relation)
    negative = [
        name
        for name in ("amount_claimed", "amount_paid")
        if name in columns.column_names and rows and (pc.min(columns[name]).as_py() or 0) < 0
    ]
    sentences += [f"{name} holds negative amounts; they count as missing." for name in negative]
    return sentences, unreadable


def _unreadable(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located], columns: pa.Table
) -> Iterator[tuple[str, float]]:
    checked = [
        (name, column)
        for name, column in located.items()
        if column.kind in ("number", "date") and column.type in ("VARCHAR", "JSON", "BLOB")
    ]
    for name, column in checked:
        given = connection.execute(f"SELECT count({text_expression(column)}) FROM {relation}").fetchone()
        total = int(given[0]) if given else 0
        read = columns.num_rows - columns[name].null_count
        if total > read:
            yield name, (total - read) / max(columns.num_rows, 1)


def _empty_columns(columns: pa.Table) -> Iterator[str]:
    for name in columns.column_names:
        if columns[name].null_count == columns.num_rows:
            yield f"{name} is empty: it counts as absent."


def _form_oddities(columns: pa.Table) -> Iterator[str]:
    for name, form, kind in (
        ("dx_primary_code", _DX_FORM, "an ICD-10 code"),
        ("procedure_code", _PROCEDURE_FORM, "an ICD-9-CM code"),
    ):
        if name not in columns.column_names:
            continue
        column = columns[name].combine_chunks()
        odd = pc.invert(pc.match_substring_regex(column.dictionary, form))
        counts = pc.filter(pc.take(odd, pc.drop_null(column.indices)), pc.take(odd, pc.drop_null(column.indices)))
        known = len(column) - column.null_count
        if known and len(counts):
            yield f"{percent(len(counts) / known)} of {name} does not look like {kind} (a label, perhaps)."


def _date_oddities(columns: pa.Table) -> Iterator[str]:
    names = set(columns.column_names)
    for name in {"admit_dt", "discharge_dt"} & names:
        years = pc.year(columns[name])
        strange = pc.sum(pc.or_(pc.less(years, _FIRST_YEAR), pc.greater(years, _LAST_YEAR))).as_py() or 0
        if strange:
            yield f"{percent(strange / columns.num_rows)} of {name} lies outside {_FIRST_YEAR} to {_LAST_YEAR} and counts as missing."
    if {"admit_dt", "discharge_dt"} <= names:
        reversed_ = pc.sum(pc.less(columns["discharge_dt"], columns["admit_dt"])).as_py() or 0
        if reversed_:
            share = percent(reversed_ / columns.num_rows)
            yield f"{share} of claims are discharged before they are admitted; their dates count as missing."


def _severity_oddities(columns: pa.Table) -> Iterator[str]:
    if "severity_group" not in columns.column_names:
        return
    values = {value.lower() for value in columns["severity_group"].combine_chunks().dictionary.to_pylist() if value}
    if "fatal" in values:
        yield "severity_group holds 'fatal': the four levels of INA-CBG are none, I, II, III, so severity looks shifted by one."


def _identity_oddities(connection: duckdb.DuckDBPyConnection, relation: str) -> Iterator[str]:
    types = {
        str(row[0]).lower(): str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    }
    if "claim_id" not in types:
        return
    name = quote_identifier(types["claim_id"])
    row = connection.execute(
        f"SELECT count(h), count(DISTINCT h) FROM (SELECT CASE WHEN {name} IS NOT NULL THEN hash({name}) END AS h FROM {relation})"
    ).fetchone()
    if row and row[0] > row[1]:
        yield f"{percent((row[0] - row[1]) / row[0])} of claim_id are repeats of another claim's."


def percent(share: float) -> str:
    """A share as text, too coarse to tell of single claims."""
    return f"{share:.1%}" if share >= 0.001 else "Less than 0.1%"
