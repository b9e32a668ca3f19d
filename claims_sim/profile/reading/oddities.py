"""What is odd about a source, in sentences for its owner. Reports only; mends nothing and repeats no cell value."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counts.counting import CLAIMS_K, PERSONS_K
from claims_sim.profile.counts.telling import SOME, STEP, keys_in, share_where
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import (
    MONEY,
    ONE_DOT,
    canonical_expression,
    canonical_select,
    dots_are_thousands,
    given_expression,
    money_expression,
    quote_identifier,
    text_expression,
)
from claims_sim.profile.texts.admit import ICD10_CODE, ICD10_RANGE

_FIRST_YEAR, _LAST_YEAR = 1950, 2100
_DX_FORM: Final = f"^({ICD10_CODE.pattern}|{ICD10_RANGE.pattern}|[0-9]{{3,5}})$"
_PROCEDURE_FORM: Final = "^[0-9]{2,4}$"
_CENT: Final = 0.011
_RATHER_MANY: Final = 0.01
_SOMETHING_ELSE: Final = 0.05
"""The share of the claims whose gap or count is none, above which the column is something else."""
FOLLOWS: Final = {
    "amount_gap": "what is claimed less what is paid",
    "comorbidity_count": "how many codes dx_secondary_codes holds",
}
"""Columns that follow from others by their name, and from what: so they are in simulated claims, whatever the source's are."""
_RATHER: Final = {
    "amount_gap": "a deductible, the patient's part",
    "comorbidity_count": "an index of comorbidities, a longer list's count",
}
_MANY_REPEATS: Final = 0.05
_OF_ITS_OWN, _TOLD_BY = 0.98, 1000
"""The share of the claims that have a person of their own, above which the key may be one of claims; and of how many at least."""
_LONGEST_FORM: Final = 20
READ_AMOUNTS: Final = (
    "amounts are read where they are written as 1234.5, 1,234.50, 1.234,50, 12 345,67 or Rp 1.234.567."
)


class Reading(NamedTuple):
    """A table while it is open, where its columns were found and how they are named, and what was read of them."""

    connection: duckdb.DuckDBPyConnection
    relation: str
    located: Mapping[str, Located]
    mapping: ColumnMapping
    columns: pa.Table
    given: Mapping[str, int]
    """How many rows of each column of numbers or dates say anything at all, readable or not (`given_values`)."""
    k: int = PERSONS_K
    """Of how many persons a share is told."""


def describe_oddities(reading: Reading) -> tuple[str, ...]:
    """Sentences about the table; empty when nothing is odd."""
    connection, relation, located, mapping, columns, _, k = reading
    return (
        *_unreadable(reading),
        *_one_dot(connection, relation, located),
        *(
            f"{name} tells months alone: their first days stand for them."
            for name, column in located.items()
            if column.months
        ),
        *_empty_columns(columns),
        *_form_oddities(columns, k),
        *_date_oddities(columns, k),
        *_number_oddities(columns, k),
        *_following_oddities(columns, k),
        *_missing_oddities(columns, k),
        *_severity_oddities(columns),
        *_identity_oddities(connection, relation, mapping),
    )


def given_values(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located]
) -> dict[str, int]:
    """How many rows of each column of numbers or dates say anything at all, readable or not."""
    asked = {name: column for name, column in located.items() if column.kind in ("number", "date")}
    if not asked:
        return {}
    counts = ", ".join(f"count({given_expression(column)})" for column in asked.values())
    return dict(zip(asked, connection.execute(f"SELECT {counts} FROM {relation}").fetchone() or (), strict=True))


def _unreadable(reading: Reading) -> Iterator[str]:
    columns, located = reading.columns, reading.located
    for name, total in reading.given.items():
        read = columns.num_rows - columns[name].null_count
        if total > read:
            claims = _with_unreadable(reading, name)
            share = share_where(claims["unreadable"], claims, reading.k)
            form = unread_form(reading, name)
            yield f"{share} of {name} could not be read as a {located[name].kind} and counts as missing.{form}"


def _with_unreadable(reading: Reading, name: str) -> pa.Table:
    """Of all claims whether they say something in a column that cannot be read, beside the keys of persons and facilities."""
    connection, relation, located, mapping, columns, *_ = reading
    keys = {key: located[key] for key in keys_in(columns)}
    value = canonical_expression(name, located[name], located, mapping, relation)
    unreadable = f"{given_expression(located[name])} IS NOT NULL AND {value} IS NULL AS unreadable"
    with connection.cursor() as beside:  # the connection's last result may not be at its end
        return beside.sql(canonical_select(relation, keys, mapping, unreadable)).to_arrow_table()


def unread_form(reading: Reading, name: str) -> str:
    """In a sentence the commonest form of what is no amount: 9 for its digits, x for its letters, however many; nothing where it
    is rare, or the column holds no amounts.
    """  # noqa: D205
    if name not in MONEY:
        return ""
    text = text_expression(reading.located[name])
    form = f"regexp_replace(regexp_replace({text}, '[0-9]+', '9', 'g'), '[^\\x00-\\x7F]+|[A-Za-z]+', 'x', 'g')"
    row = reading.connection.execute(
        f"SELECT {form} AS form, count(*) AS claims FROM {reading.relation} "
        f"WHERE {text} IS NOT NULL AND {money_expression(text)} IS NULL GROUP BY 1 ORDER BY claims DESC, form LIMIT 1"
    ).fetchone()
    if row is None or row[1] < STEP or len(row[0]) > _LONGEST_FORM:
        return ""
    return f" Its commonest form is {row[0]!r} (9 for digits, x for letters); {READ_AMOUNTS}"


def _one_dot(connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located]) -> Iterator[str]:
    """Amounts such as 150.000, which are thousands to half the world, in a column that does not show which is meant."""
    for name in (name for name in MONEY if name in located and located[name].type == "VARCHAR"):
        text = text_expression(located[name])
        row = connection.execute(
            f"SELECT count(*) FILTER (WHERE regexp_full_match({text}, ?)), count({text}), "
            f"{dots_are_thousands(text, relation)} FROM {relation}",
            [ONE_DOT],
        ).fetchone()
        if row and not row[2] and row[0] > row[1] / 2:
            yield (
                f"Most of {name} is written like 1.234 and read as a little more than one: if the dot parts thousands there, "
                "give a view that takes it out."
            )


def _empty_columns(columns: pa.Table) -> Iterator[str]:
    for name in columns.column_names:
        if columns[name].null_count == columns.num_rows:
            yield f"{name} is empty: it counts as absent."


def _form_oddities(columns: pa.Table, k: int) -> Iterator[str]:
    for name, form, kind in (
        ("dx_primary_code", _DX_FORM, "a code of ICD-10 or ICD-9-CM"),
        ("procedure_code", _PROCEDURE_FORM, "an ICD-9-CM code"),
    ):
        if name not in columns.column_names:
            continue
        column = columns[name].combine_chunks()
        odd = pc.take(pc.invert(pc.match_substring_regex(column.dictionary, form)), column.indices)
        if pc.any(odd).as_py():
            share = share_where(odd, columns, k, column.is_valid())
            yield f"{share} of {name} does not look like {kind} (a label or a code of another list, perhaps)."


def _date_oddities(columns: pa.Table, k: int) -> Iterator[str]:
    names = set(columns.column_names)
    for name in ("admit_dt", "discharge_dt"):
        if name not in names:
            continue
        years = pc.year(columns[name])
        strange = pc.or_(pc.less(years, _FIRST_YEAR), pc.greater(years, _LAST_YEAR))
        if pc.any(strange).as_py():
            share = share_where(strange, columns, k)
            yield f"{share} of {name} lies outside {_FIRST_YEAR} to {_LAST_YEAR} and counts as missing."
    if {"admit_dt", "discharge_dt"} <= names:
        reversed_ = pc.less(columns["discharge_dt"], columns["admit_dt"])
        if pc.any(reversed_).as_py():
            share = share_where(reversed_, columns, k)
            yield f"{share} of claims are discharged before they are admitted; their dates count as missing."


def _number_oddities(columns: pa.Table, k: int) -> Iterator[str]:
    for name in ("amount_claimed", "amount_paid", "los", "claim_weight"):
        if name in columns.column_names:
            negative = pc.less(columns[name], 0)
            if pc.any(negative).as_py():
                yield f"{share_where(negative, columns, k)} of {name} is negative and counts as missing."


def _following_oddities(columns: pa.Table, k: int) -> Iterator[str]:
    """Of columns that follow from others by their name: in how many claims they do not, and what then becomes of them."""
    for name, odd in _that_do_not_follow(columns).items():
        share = _share_if_many(odd, columns, k)
        if share and _are_no_slips(odd, columns):
            yield f"{share} of {name} is not {FOLLOWS[name]}: it is something else ({_RATHER[name]}) and left out."
        elif share:
            yield f"{share} of {name} is not {FOLLOWS[name]}; simulated claims hold just that."


def something_else(columns: pa.Table) -> dict[str, str]:
    """Columns that follow from others by their name, and do not: in so many claims that they are something else, or in any."""
    empty = (name for name in FOLLOWS if name in columns.column_names and columns[name].null_count == columns.num_rows)
    odd = (name for name, odd in _that_do_not_follow(columns).items() if _are_no_slips(odd, columns))
    return {**dict.fromkeys(odd, "is something else"), **dict.fromkeys(empty, "is empty")}


def _that_do_not_follow(columns: pa.Table) -> dict[str, pa.ChunkedArray]:
    """For each such column that is there with what it follows from: which claims hold something else."""
    there, found = set(columns.column_names), {}
    if {"amount_claimed", "amount_paid", "amount_gap"} <= there:
        gap = pc.subtract(columns["amount_claimed"], columns["amount_paid"])
        found["amount_gap"] = pc.greater(pc.abs(pc.subtract(gap, columns["amount_gap"])), _CENT)
    if {"comorbidity_count", "dx_secondary_codes"} <= there:
        listed = pc.cast(pc.fill_null(pc.list_value_length(columns["dx_secondary_codes"]), 0), pa.float64())
        found["comorbidity_count"] = pc.not_equal(columns["comorbidity_count"], listed)
    return found


def _are_no_slips(odd: pa.ChunkedArray, columns: pa.Table) -> bool:
    """Are so many claims odd, of enough persons, that it is no matter of one of them?"""
    many = pc.sum(odd).as_py() or 0
    if many <= _SOMETHING_ELSE * (len(odd) - odd.null_count):
        return False
    if "patient_id_hash" not in columns.column_names:
        return bool(many >= CLAIMS_K)
    persons = pc.count_distinct(columns["patient_id_hash"].filter(pc.fill_null(odd, False))).as_py() or 0
    return bool(persons >= PERSONS_K)


def _share_if_many(odd: pa.ChunkedArray, columns: pa.Table, k: int) -> str | None:
    """The share of the claims that are `odd`, of those of which that is known; None where they are few."""
    known, many = len(odd) - odd.null_count, pc.sum(odd).as_py() or 0
    return share_where(odd, columns, k, odd.is_valid()) if many > _RATHER_MANY * known else None


def _missing_oddities(columns: pa.Table, k: int) -> Iterator[str]:
    """What is missing in part, and what stands in for it."""
    names = set(columns.column_names)
    if "patient_id_hash" in names:
        keyless = pc.is_null(columns["patient_id_hash"])
        if pc.any(keyless).as_py() and not pc.all(keyless).as_py():
            share = share_where(keyless, columns, k)
            yield f"{share} of claims have no patient_id_hash: these count as one person's, so that no count rests on them."
        known = columns.num_rows - columns["patient_id_hash"].null_count
        if known >= _TOLD_BY and pc.count_distinct(columns["patient_id_hash"]).as_py() > _OF_ITS_OWN * known:
            yield (
                "Nearly every claim has a patient_id_hash of its own: if it is a key of claims and not of persons, leave it out "
                f"of the mapping file; counts then stand for {CLAIMS_K} claims."
            )
    for label, code in (("dx_primary_label", "dx_primary_code"), ("procedure_label", "procedure_code")):
        if {label, code} <= names and columns[label].null_count < columns.num_rows:
            given = pc.is_valid(columns[code])
            unnamed = pc.and_(given, pc.is_null(columns[label]))
            if pc.any(unnamed).as_py():
                share = share_where(unnamed, columns, k, given)
                yield f"{share} of {code} has no {label}: simulated claims have the code system's name there, else the code."


def _severity_oddities(columns: pa.Table) -> Iterator[str]:
    if "severity_group" not in columns.column_names:
        return
    values = {value.lower() for value in columns["severity_group"].combine_chunks().dictionary.to_pylist() if value}
    if "fatal" in values:
        yield "severity_group holds 'fatal': the four levels of INA-CBG are none, I, II, III, so severity looks shifted by one."


def _identity_oddities(connection: duckdb.DuckDBPyConnection, relation: str, mapping: ColumnMapping) -> Iterator[str]:
    types = {
        str(row[0]).lower(): str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    }
    theirs = types.get(mapping.columns.get("claim_id", "claim_id").lower())
    if theirs is None:
        return
    told = repeats_in_words(connection, relation, theirs)
    if told:
        yield f"{told}."


def repeats_in_words(connection: duckdb.DuckDBPyConnection, relation: str, theirs: str) -> str | None:
    """By and large how many rows repeat the id of another, and what that may mean; None where no row does."""
    # 128 bits stand for an id, whatever its length. DuckDB's own hash() is as fast, but gives some ids that differ in two
    # places, as numbers that count on do, the same one.
    key = f"md5_number(CAST({quote_identifier(theirs)} AS VARCHAR))"
    row = connection.execute(f"SELECT count(h), count(DISTINCT h) FROM (SELECT {key} AS h FROM {relation})").fetchone()
    if row is None or row[0] == row[1]:
        return None
    repeats, total = row[0] - row[1], row[0]
    many = repeats > _MANY_REPEATS * total
    share = "Most" if repeats > total / 2 else "Many" if many else SOME if repeats >= STEP else "A few (fewer than 50)"
    told = f"{share} of claim_id are repeats of another claim's"
    if many:
        told += ": the rows may be lines of bills, and each counts as a claim"
    return told
