"""What a mapping file says that its table belies: columns that cannot be what they are named, values that are not there.

Reports and refuses; mends nothing and repeats no cell value. Columns and keys of the mapping file are its owner's own words,
but only our names and its keys are in sentences: these are part of a profile.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.codes import icd9cm, icd10
from claims_sim.codes.hospitals import CLASSES, ownership_of
from claims_sim.codes.places import PROVINCES
from claims_sim.errors import SourceError
from claims_sim.profile.counts.telling import STEP, share_of, share_where
from claims_sim.profile.reading.oddities import Reading, unread_form
from claims_sim.profile.reading.source_columns import CANONICAL, ColumnMapping, Located
from claims_sim.profile.reading.source_sql import named_expressions
from claims_sim.profile.reading.value_words import CODED_VALUES, SPELLED_VALUES

_HARDLY_ANY: Final = 0.01
_MOSTLY: Final = 0.5
_OFTEN_EMPTY: Final = ("dx_secondary_codes", "procedure_code", "procedure_label")
"""Most claims have none of these."""
_NEARLY_ALL: Final = 0.99
_LONGEST_NUMBER: Final = 18  # digits
_SUM: Final = 10_000
_MANY: Final = 1000  # claims
_NAMED: Final = 5
_UNMAPPED_KINDS: Final = {"hash": "ids", "date": "dates", "list": "lists"}


def refuse_unreadable(reading: Reading) -> None:
    """Raise SourceError where the mapping file gives a number or a date a column in which hardly anything is one."""
    for name, total in reading.given.items():
        read = reading.columns.num_rows - reading.columns[name].null_count
        if name in reading.mapping.columns and total >= STEP and read < _HARDLY_ANY * total:
            column, form = reading.located[name], unread_form(reading, name)
            raise SourceError(
                f"{share_of(total - read, total)} of {column.theirs!r}, which the mapping file gives for {name}, could not be "
                f"read as a {column.kind}: name the right column under [columns], or take the line out.{form}"
            )


def refuse_amounts_for_codes(reading: Reading) -> None:
    """Raise SourceError where the mapping file gives diagnoses a column of numbers that are no codes of any list."""
    name = "dx_primary_code"
    if name not in reading.mapping.columns or not _are_amounts(reading.columns[name].combine_chunks()):
        return
    raise SourceError(
        f"{reading.located[name].theirs!r}, which the mapping file gives for {name}, holds amounts or running numbers and no codes of "
        "diagnoses: name the right column under [columns]."
    )


def _are_amounts(column: pa.DictionaryArray) -> bool:
    """Are nearly all values numbers, and most of them round sums that are no codes of ICD-9-CM, or of one claim each?

    Numbers of other lists (SNOMED CT, a country's own) are seldom round, and many claims share each.
    """
    claims = np.bincount(column.indices.drop_null().to_numpy(), minlength=len(column.dictionary))
    total = claims.sum()
    if total == 0:
        return False
    is_number = pc.match_substring_regex(column.dictionary, f"^[0-9]{{1,{_LONGEST_NUMBER}}}$").to_numpy(
        zero_copy_only=False
    )
    if claims[is_number].sum() < _NEARLY_ALL * total:
        return False
    known = pa.array([code for code in icd9cm.diagnoses() if code.isdigit()])
    is_known = pc.is_in(column.dictionary, known).to_numpy(zero_copy_only=False)
    if claims[is_known].sum() > _MOSTLY * total:
        return False
    numbers = column.dictionary.filter(pa.array(is_number)).cast(pa.int64()).to_numpy()
    is_round = np.zeros(len(claims), np.bool_)
    is_round[is_number] = (numbers >= _SUM) & (numbers % 10 == 0)
    is_single = total >= _MANY and int((claims > 0).sum()) > _MOSTLY * total
    return bool(is_single or claims[is_round & ~is_known].sum() > _MOSTLY * total)


def mapping_notes(reading: Reading) -> Iterator[str]:
    """Sentences about what a mapping file says that does nothing, or may be meant otherwise."""
    connection, relation, located, mapping, columns, given, k = reading
    yield from _shared_columns(located, mapping)
    yield from _mostly_empty(mapping, columns, given)
    yield from _idle_sections(located, mapping)
    yield from _idle_keys(connection, relation, located, mapping)
    yield from _unnamed(located, mapping, columns, k)


def _shared_columns(located: Mapping[str, Located], mapping: ColumnMapping) -> Iterator[str]:
    """Two of ours from one of theirs, unless it holds both: codes with their labels, or all diagnoses of a claim."""
    named: dict[str, list[str]] = {}
    for name, column in located.items():
        named.setdefault(column.theirs, []).append(name)
    for names in named.values():
        subjects = {name.split("_")[0] if name.startswith(("dx_", "procedure_")) else name for name in names}
        if len(subjects) > 1 and set(names) & set(mapping.columns):
            yield (
                f"{' and '.join(names)} are read from the same column: if one of them is another, correct the mapping file; "
                "one that is left out there gets a default."
            )


def _mostly_empty(mapping: ColumnMapping, columns: pa.Table, given: Mapping[str, int]) -> Iterator[str]:
    for name in columns.column_names:
        # What could not be read is told elsewhere.
        empty = columns.num_rows - given[name] if name in given else columns[name].null_count
        if (
            name in mapping.columns
            and name not in _OFTEN_EMPTY
            and _MOSTLY * columns.num_rows < empty < columns.num_rows
        ):
            yield f"Most of {name} has no value: see that the mapping file names the right column."


def _idle_sections(located: Mapping[str, Located], mapping: ColumnMapping) -> Iterator[str]:
    for name in mapping.values:
        kind = _UNMAPPED_KINDS.get(CANONICAL.get(name, "hash"))
        if kind:
            yield f"[values.{name}] of the mapping file does nothing: {kind} are read as they are."
        elif name not in located:
            yield f"[values.{name}] of the mapping file does nothing: no column is read as {name}; name it under [columns]."


def _idle_keys(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located], mapping: ColumnMapping
) -> Iterator[str]:
    """Keys that hardly any claim holds: they are the user's own words; whether few hold one or nobody is not told."""
    for name, values in mapping.values.items():
        keys = [key for key in values if key]
        if name not in located or located[name].kind in _UNMAPPED_KINDS or not keys:
            continue
        marks, held = ", ".join("?" for _ in keys), set[str]()
        for text in named_expressions(name, located[name]):
            query = (
                f"SELECT text FROM (SELECT {text} AS text FROM {relation}) WHERE text IN ({marks}) "
                f"GROUP BY text HAVING count(*) >= {STEP}"
            )
            held |= {key for (key,) in connection.execute(query, keys).fetchall()}
        idle = [key for key in keys if key not in held]
        if idle:
            more = f" and {len(idle) - _NAMED} more" if len(idle) > _NAMED else ""
            yield (
                f"[values.{name}] of the mapping file names {', '.join(map(repr, idle[:_NAMED]))}{more}, which hardly "
                "any claim holds: see how it is written in the table."
            )


def _unnamed(located: Mapping[str, Located], mapping: ColumnMapping, columns: pa.Table, k: int) -> Iterator[str]:
    """Values that a value map does not name, and that are neither its results nor ours already."""
    for name, values in mapping.values.items():
        if name not in located or located[name].kind not in ("text", "code") or not values.keys() - {""}:
            continue
        column = columns[name].combine_chunks()
        known = {*values, *values.values()}
        is_other = pa.array(not (value in known or _is_ours(name, value)) for value in column.dictionary.to_pylist())
        other = pc.take(is_other.cast(pa.bool_()), column.indices)
        if pc.any(other).as_py():
            share = share_where(other, columns, k, column.is_valid())
            yield f"{share} of {name} is not named in [values.{name}] of the mapping file; it is kept as it is."


def _is_ours(name: str, value: str | None) -> bool:
    """Is a value written as ours are, so that a value map need not name it?"""
    if value is None:
        return True
    if name == "dx_primary_code":
        return icd10.is_known(value) or icd9cm.is_diagnosis(value)
    if name == "procedure_code":
        return icd9cm.is_known(value)
    if name == "facility_ownership" and ownership_of(value) == value:
        return True
    return value in _OURS.get(name, ())


_OURS: Final[dict[str, frozenset[str]]] = {
    name: frozenset({*SPELLED_VALUES.get(name, {}), *CODED_VALUES.get(name, {}).values(), *more})
    for name, more in {
        "province_name": tuple(PROVINCES),
        "facility_class": tuple(CLASSES.values()),
        "facility_ownership": (),
        "service_type": (),
        "severity_group": ("none", "unknown"),
    }.items()
}
