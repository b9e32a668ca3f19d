"""Read a real claims table: briefly, read-only, needed columns only. Decides nothing about what may be released.

The database file is open only while its columns are copied, because an open reader keeps the owner's writer out.
Identities of persons and facilities are copied as 64-bit hashes: enough to count them, nothing to read.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.claim import MAX_AMOUNT
from claims_sim.codes import icd9cm
from claims_sim.errors import SourceError
from claims_sim.privacy.phi import quote
from claims_sim.profile.counts.counting import PERSONS_K, Ints, Mask
from claims_sim.profile.counts.telling import share_where
from claims_sim.profile.reading.behind_codes import (
    has_case_groups,
    with_first_told,
    with_further_procedures,
    with_names_behind,
)
from claims_sim.profile.reading.blanks import empty_cells
from claims_sim.profile.reading.date_order import with_date_order
from claims_sim.profile.reading.diagnosis_count import counts_all, without_the_primary
from claims_sim.profile.reading.distinct import encoded, with_canonical_values
from claims_sim.profile.reading.gap_sign import with_gap_sign
from claims_sim.profile.reading.mapping import ColumnMapping, load_mapping
from claims_sim.profile.reading.mapping_faults import mapping_notes, refuse_amounts_for_codes, refuse_unreadable
from claims_sim.profile.reading.missing_amounts import (
    AMOUNTS_FILLED,
    fill_amounts,
    says_no_amount,
    without_what_it_says,
)
from claims_sim.profile.reading.missing_stays import STAYS_FILLED, end_within_their_day, fill_stays
from claims_sim.profile.reading.oddities import Reading, describe_oddities, given_values, something_else
from claims_sim.profile.reading.source_columns import (
    CANONICAL,
    CASE_GROUP,
    CLAIMED_AND_PAID,
    FURTHER,
    NO_DIAGNOSIS,
    Located,
    find_columns,
)
from claims_sim.profile.reading.source_sql import MONEY, canonical_select, quote_identifier, raw_select
from claims_sim.profile.reading.union_view import union_view_sql
from claims_sim.randomness import stream_key

READING: Final = b"reading"
"""Key of what a copied table's metadata tell of the statement that read it: the same number, the same statement."""
_READ_AS: Final = (
    *STAYS_FILLED,
    AMOUNTS_FILLED,
    "claims without a diagnosis",
    "claims that say no amount",
    "labels in capitals",
)
"""Names this way of reading: claims that were read in another way cannot be compared."""
_NOTHING_KNOWN: Final = (NO_DIAGNOSIS, "Z769", "R99", "R688")
_NOTHING_KNOWN_ICD9: Final = ("7999", "79989")
"""Codes of ICD-10 and of ICD-9-CM for illnesses of which nothing is known."""
_BATCH_ROWS: Final = 100_000
_MEMORY: Final = "1GB"
_LONG_VALUE: Final = 65_536  # bytes
_CSV_NAMES: Final = (".csv", ".csv.gz", ".tsv")
_TABLES: Final = "SELECT table_name FROM information_schema.tables ORDER BY 1 LIMIT 20"


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Where the real table is: a DuckDB file and its table or view, a Parquet or a CSV file; `mapping` is a TOML file."""

    path: Path
    table: str = "claims_normalized"
    mapping: Path | None = None

    def options(self) -> str:
        """The same as options of a command."""
        named = {"source": str(self.path)} | ({} if is_single_table(self.path) else {"table": self.table})
        if self.mapping:
            named["mapping"] = str(self.mapping)
        return " ".join(f"--{name} {shlex.quote(value)}" for name, value in named.items())


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The copied columns under their canonical names (text dictionary-encoded, persons and facilities hashed)."""

    columns: pa.Table
    present: tuple[str, ...]
    absent: tuple[str, ...]
    oddities: tuple[str, ...]
    describe: str
    empty: Ints | None = None
    """Which cells of each claim the source leaves empty (`blanks`), also where something stands in for them in `columns`."""
    says_amount: Mask | None = None
    """Which claims say something of what is claimed or paid, whether it can be read or not; None: none does."""
    no_diagnosis: str = ""
    """The code that stands for a diagnosis where there is none, and nowhere else; empty where none is missing."""
    further: pa.ListArray | None = None
    """The procedures of each claim behind its first, where the source has lists of them."""
    case_group: pa.DictionaryArray | None = None
    """The group of cases of each claim, where severities are read from INA-CBG codes."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """The source's columns that follow from others by their names and do not, and why: each is something else, or empty."""

    @property
    def rows(self) -> int:
        """How many claims the table holds."""
        return int(self.columns.num_rows)

    def without_diagnoses(self, unit: str, k: int) -> "SourceTable":
        """The claims with a code that says of all that nothing is known, and a sentence that says so."""
        columns = _of_nothing_known(self.columns)
        told = (
            f"No diagnosis code is shared by {k} {unit}, nearly every claim has one of its own: {NO_DIAGNOSIS} stands for all of them. "
            "See that the mapping file names the right column."
        )
        return replace(self, columns=columns, oddities=(*self.oddities, told))

    def only_possible(self, k: int = PERSONS_K) -> "SourceTable":
        """The claims without those whose only amounts cannot be, such as negative ones; and a sentence when some are left out.

        Raises SourceError where no claim has an amount.
        """
        amounts = [
            self.columns[name] for name in ("amount_claimed", "amount_paid") if name in self.columns.column_names
        ]
        if not amounts:
            return self
        possible = [
            pc.and_(pc.greater_equal(amount, 0), pc.less_equal(amount, MAX_AMOUNT)).fill_null(False)
            for amount in amounts
        ]
        has_one, has_none = reduce(pc.or_, possible), reduce(pc.and_, map(pc.is_null, amounts))
        if self.says_amount is not None:
            has_none = pc.and_(has_none, pc.invert(pa.array(self.says_amount)))
        if not pc.any(has_one).as_py():
            told = " ".join(sentence for sentence in self.oddities if sentence.startswith("All of amount_"))
            raise SourceError(
                f"No amount could be read as a number of at least 0: name the right column in a mapping file. {told}".strip()
            )
        kept = pc.or_(has_one, has_none)
        if pc.all(kept).as_py():
            return self
        share = share_where(pc.invert(kept), self.columns, k)
        sentence = f"{share} of the claims have no amount that can be; they are left out."
        rows = kept.to_numpy()
        empty, says = (None if of_rows is None else of_rows[rows] for of_rows in (self.empty, self.says_amount))
        columns = self.columns.filter(kept)
        further, group = (None if of is None else of.filter(pa.array(rows)) for of in (self.further, self.case_group))
        oddities = (*self.oddities, sentence)
        return replace(
            self, columns=columns, oddities=oddities, empty=empty, says_amount=says, further=further, case_group=group
        )


def read_source(spec: SourceSpec, k: int = PERSONS_K) -> SourceTable:
    """Copy the columns that a profile needs. Sentences about them tell shares of at least `k` persons' claims.

    Raises SourceError, one line, when the file, the table or a required column is not there or not readable.
    """
    mapping = load_mapping(spec.mapping) if spec.mapping else ColumnMapping()
    with open_source(spec) as opened:
        located = opened.find_columns(mapping, str(spec.path))
        with_lists = with_further_procedures(opened.connection, opened.relation, located)
        if has_case_groups(opened.connection, opened.relation, located):
            with_lists[CASE_GROUP] = located["severity_group"]
        columns = _copy(opened.connection, opened.relation, with_lists, mapping, says_no_amount(located), k)
        beside = {name: columns[name].combine_chunks() for name in (FURTHER, CASE_GROUP) if name in with_lists}
        columns, day_alone = end_within_their_day(columns.drop_columns([*beside]))
        columns, says_none, says_not_what = without_what_it_says(columns)
        columns, counts_all = without_the_primary(columns)
        given = given_values(opened.connection, opened.relation, located)
        reading = Reading(opened.connection, opened.relation, located, mapping, columns, given, k)
        refuse_unreadable(reading)
        refuse_amounts_for_codes(reading)
        oddities = (*counts_all, *describe_oddities(reading), *mapping_notes(reading))
    if day_alone.any():
        share = share_where(pa.array(day_alone), columns, k)
        told = f"{share} of the claims are discharged at 0:00 of the day of their admission, before it: they count as ending with it."
        oddities = (*oddities, told)
    left_out = something_else(columns)
    columns = columns.drop_columns([*left_out])
    lacks_amounts = not any(reading.given.get(name) for name in CLAIMED_AND_PAID)
    lacks_diagnoses = "dx_primary_code" not in columns.column_names
    if lacks_diagnoses:
        columns = _of_nothing_known(columns)
        oddities = (*oddities, f"No column is known as dx_primary_code: {NO_DIAGNOSIS} stands for all diagnoses.")
    no_diagnosis = stand_in_for_diagnosis(columns["dx_primary_code"].combine_chunks())
    nameless = _missing_diagnoses(columns, no_diagnosis, k)
    empty = empty_cells(columns)
    columns, nightless = fill_stays(columns, k)
    columns, without_amounts = fill_amounts(columns, k, says_none)
    stands_in = {"dx_primary_code"} if lacks_diagnoses else set()
    if lacks_amounts:
        columns, says_not_what = _of_nothing_claimed(columns), None
        without_amounts = ("No column has amounts: simulated claims claim 0.",)
        stands_in |= {"amount_claimed"}
    present = tuple(name for name in columns.column_names if name not in stands_in)
    return SourceTable(
        columns=columns,
        present=present,
        absent=tuple(name for name in CANONICAL if name not in present),
        oddities=(*oddities, *nameless, *nightless, *without_amounts),
        describe=f"{opened.where}: {columns.num_rows} claims, {len(present)} of {len(CANONICAL)} columns",
        empty=empty,
        says_amount=None if says_not_what is None or says_not_what.all() else ~says_not_what,
        no_diagnosis=no_diagnosis,
        further=beside.get(FURTHER),
        case_group=beside.get(CASE_GROUP),
        left_out=left_out,
    )


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A source while it is open: `relation` is what to select from, `types` its columns and their DuckDB types."""

    connection: duckdb.DuckDBPyConnection
    relation: str
    types: Mapping[str, str]
    where: str

    def find_columns(self, mapping: ColumnMapping, where: str) -> dict[str, Located]:
        """Where each canonical column is, and how it is written; raises SourceError when a mapped or a required one is missing."""
        return _find_columns(self.connection, self.relation, self.types, mapping, where)


def _find_columns(
    connection: duckdb.DuckDBPyConnection, relation: str, types: Mapping[str, str], mapping: ColumnMapping, where: str
) -> dict[str, Located]:
    located = with_date_order(connection, relation, find_columns(types, mapping, where))
    located = with_first_told(connection, relation, with_names_behind(connection, relation, located))
    return with_gap_sign(connection, relation, located, mapping)


@contextmanager
def open_source(spec: SourceSpec) -> Iterator[OpenSource]:
    """Open the source read-only for the block; a database error in it becomes a SourceError that quotes no data."""
    path = Path(spec.path)
    if not path.is_file():
        raise SourceError(f"{path} does not exist: give the DuckDB, Parquet or CSV file that holds the claims.")
    connection, relation = _open(path, spec.table)
    where = path.name if is_single_table(path) else f"{path.name}, table {spec.table}"
    try:
        yield OpenSource(connection, relation, _column_types(connection, relation, path), where)
    except duckdb.Error as error:
        raise _scrubbed(path, error) from None
    finally:
        connection.close()


def union_view(spec: SourceSpec, snapshots: Path) -> str:
    """The SQL of a view over this table and the simulated claims in `snapshots`.

    Raises SourceError as `read_source` does.
    """
    mapping = load_mapping(spec.mapping) if spec.mapping else ColumnMapping()
    with open_source(spec) as opened:
        located = opened.find_columns(mapping, str(spec.path))
        is_count_of_all = counts_all(opened.connection, opened.relation, located, mapping)
    return union_view_sql(
        Path(spec.path).absolute(),
        spec.table,
        opened.types,
        located,
        mapping,
        snapshots.absolute(),
        file=_relation_of_file(Path(spec.path).absolute()),
        counts_all=is_count_of_all,
    )


def read_claims(spec: SourceSpec, at_most: int) -> pa.Table:
    """At most so many claims of a table, drawn at random, as a profile reads them: for comparing, not for profiling.

    Raises SourceError as `read_source` does.
    """
    mapping = load_mapping(spec.mapping) if spec.mapping else ColumnMapping()
    path = Path(spec.path)
    if not path.is_file():
        raise SourceError(f"{path} does not exist: give the DuckDB, Parquet or CSV file that holds the claims.")
    connection, relation = _open(path, spec.table)
    try:
        types = _column_types(connection, relation, path)
        located = _find_columns(connection, relation, types, mapping, str(path))
        sample = f"{relation} USING SAMPLE reservoir({at_most:d} ROWS) REPEATABLE (1)"
        columns, _ = end_within_their_day(_copy(connection, sample, located, mapping, says_no_amount(located)))
        columns, says_none, _ = without_what_it_says(columns)
        columns = without_the_primary(columns)[0]
        columns = fill_amounts(fill_stays(columns)[0], says_none=says_none)[0]
        return columns.drop_columns([*something_else(columns)])
    except duckdb.Error as error:
        raise _scrubbed(path, error) from None
    finally:
        connection.close()


def read_claims_to_score(spec: SourceSpec) -> pa.Table:
    """All claims with their ids, under their canonical names: for scoring within the production zone.

    The source is closed when this returns. Raises SourceError as `read_source` does, and where no column holds ids.
    """
    mapping = load_mapping(spec.mapping) if spec.mapping else ColumnMapping()
    with open_source(spec) as opened:
        located = opened.find_columns(mapping, str(spec.path))
        wanted = mapping.columns.get("claim_id", "claim_id")
        theirs = next((name for name in opened.types if name.lower() == wanted.lower()), None)
        if theirs is None:
            raise SourceError(
                f"{spec.path} has no column {wanted!r}: its claims cannot be scored; name the ids as claim_id under "
                "[columns] of a mapping file."
            )
        ids = f"CAST({quote_identifier(theirs)} AS VARCHAR) AS claim_id"
        copied = _copy(opened.connection, opened.relation, located, mapping, first=ids)
        return without_the_primary(end_within_their_day(copied)[0])[0]


def _of_nothing_known(columns: pa.Table) -> pa.Table:
    """The columns with a diagnosis that says of all claims that nothing is known."""
    unknown = pa.repeat(NO_DIAGNOSIS, columns.num_rows).dictionary_encode()
    if "dx_primary_code" not in columns.column_names:
        return columns.append_column("dx_primary_code", unknown)
    return columns.set_column(columns.column_names.index("dx_primary_code"), "dx_primary_code", unknown)


def _of_nothing_claimed(columns: pa.Table) -> pa.Table:
    """The columns with a claim of nothing throughout, and no other amount."""
    named = [name for name in MONEY if name in columns.column_names]
    nothing = pa.array(np.zeros(columns.num_rows))
    return columns.drop_columns(named).append_column("amount_claimed", nothing)


def stand_in_for_diagnosis(diagnoses: pa.Array) -> str:
    """The code that stands for a missing diagnosis where some are, since a payload cannot be without one; empty where none is.

    One that says that nothing is known and that the source itself has nowhere, so that it says so of these claims alone.
    """
    if not 0 < diagnoses.null_count < len(diagnoses):
        return ""
    written = set(diagnoses.dictionary.drop_null().to_pylist())
    codes = _NOTHING_KNOWN_ICD9 if icd9cm.are_diagnoses(written) else _NOTHING_KNOWN
    return next((code for code in codes if code not in written), "")


def _missing_diagnoses(columns: pa.Table, stand_in: str, k: int) -> Iterator[str]:
    missing = columns["dx_primary_code"].is_null()
    if pc.any(missing).as_py() and not pc.all(missing).as_py():
        instead = f"{stand_in} stands for it in a payload" if stand_in else "others' diagnoses stand for it"
        yield f"{share_where(missing, columns, k)} of the claims have no primary diagnosis: {instead}."


def is_single_table(path: Path) -> bool:
    """Is the source a file that is one table (Parquet or CSV), and no database?"""
    return _relation_of_file(path) is not None


def _relation_of_file(path: Path) -> str | None:
    """What to select from where the file is one table; None where it is a database, or not there."""
    if _is_parquet(path):
        return f"read_parquet({quote(str(path))})"
    if path.name.lower().endswith(_CSV_NAMES):
        # All as text: a code such as 0010 would lose its zeros as a number.
        return f"read_csv({quote(str(path))}, all_varchar = true, header = true)"
    return None


def _is_parquet(path: Path) -> bool:
    if not path.is_file():
        return path.suffix == ".parquet"
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _open(path: Path, table: str) -> tuple[duckdb.DuckDBPyConnection, str]:
    # An empty temp_directory: nothing is ever spilled beside the owner's file.
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": "",
        "memory_limit": _MEMORY,
        "threads": 2,
    }
    try:
        file = _relation_of_file(path)
        if file is not None:
            connection, relation = duckdb.connect(":memory:", config=config), file
        else:
            connection, relation = duckdb.connect(str(path), read_only=True, config=config), quote_identifier(table)
        connection.execute("SET TimeZone='UTC'")
        # A file's statistics know nothing of what is no number (NaN): DuckDB 2.0 takes it for one because of them.
        connection.execute("SET disabled_optimizers = 'statistics_propagation'")
        with suppress(duckdb.InvalidInputException):  # a notebook without widgets has no bar, nor a switch for it
            connection.execute("SET enable_progress_bar = false")
    except duckdb.Error as error:
        raise _scrubbed(path, error) from None
    return connection, relation


def only_table(path: Path, usual: str) -> str:
    """`usual` where the database has a table or view of that name or has several; else its only one."""
    if not path.is_file() or is_single_table(path):
        return usual
    connection, _ = _open(path, usual)
    try:
        names = [name for (name,) in connection.execute(_TABLES).fetchall()]
    except duckdb.Error as error:
        raise _scrubbed(path, error) from None
    finally:
        connection.close()
    return str(names[0]) if len(names) == 1 else usual


def _column_types(connection: duckdb.DuckDBPyConnection, relation: str, path: Path) -> dict[str, str]:
    try:
        rows = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    except duckdb.CatalogException:
        names = connection.execute(_TABLES).fetchall()
        there = ", ".join(repr(name) for (name,) in names) or "none"
        raise SourceError(
            f"{path} has no table {relation}; its tables and views are: {there}. Name one with --table, or in CLAIMS_SIM_SOURCE_TABLE."
        ) from None
    return {str(row[0]): str(row[1]) for row in rows}


def _copy(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    located: dict[str, Located],
    mapping: ColumnMapping,
    first: str = "",
    k: int = PERSONS_K,
) -> pa.Table:
    select = raw_select(relation, located, mapping, first)
    try:
        reader = connection.sql(select).to_arrow_reader(_BATCH_ROWS)
        batches = [
            pa.table({name: batch[name] if name == "claim_id" else encoded(batch[name]) for name in batch.schema.names})
            for batch in reader
        ]
        if not any(batch.num_rows for batch in batches):
            raise SourceError(f"{relation} holds no claims: a profile needs at least one.")
        raw = pa.concat_tables(batches).unify_dictionaries()
        table = with_canonical_values(connection, raw, located, mapping, k).combine_chunks()
    except duckdb.Error as error:
        read = [theirs for column in located.values() for theirs in (column.theirs, *column.also)]
        wide = wide_columns(connection, relation, read) if is_out_of_memory(error) else []
        if not wide:
            raise
        raise SourceError(
            f"The source holds values in {', '.join(map(repr, wide))} that are too long to be read within {_MEMORY}: "
            "leave that column out of the mapping file, or give a view that shortens its values."
        ) from None
    reading = stream_key(canonical_select("source", located, mapping), *_READ_AS)
    return table.replace_schema_metadata({READING: f"{reading:016x}"})


def wide_columns(connection: duckdb.DuckDBPyConnection, relation: str, names: Iterable[str]) -> list[str]:
    """Those of the columns `names` that hold values which no category, code or label is as long as, by far."""
    wide = []
    for name in names:
        longest = f"SELECT max(strlen(CAST({quote_identifier(name)} AS VARCHAR))) FROM {relation}"
        try:
            row = connection.execute(longest).fetchone()
        except duckdb.Error as error:
            if not is_out_of_memory(error):
                raise
            row = None
        if row is None or (row[0] or 0) > _LONG_VALUE:
            wide.append(name)
    return wide


def is_out_of_memory(error: duckdb.Error) -> bool:
    """Did DuckDB need more memory than it may take? An error that comes through Arrow has lost its class."""
    return "out of memory" in str(error).lower()


# DuckDB quotes cell values and file contents in its errors: only what we recognise is told, in our own words.
_KNOWN: Final = (
    ("could not set lock", "is being written by another process: try again when it has finished"),
    ("not a valid duckdb database", "is neither a DuckDB database nor a Parquet or CSV file"),
    ("cannot launch in-memory", "is neither a DuckDB database nor a Parquet or CSV file"),  # so it takes .json
    ("version number", "was written by a newer DuckDB than the one here: update the duckdb package"),
    ("newer version", "was written by a newer DuckDB than the one here: update the duckdb package"),
    ("corrupt", "is damaged: its checksums do not match"),
    ("magic bytes", "is neither a DuckDB database nor a whole Parquet file"),
    ("csv", "is no CSV file whose lines all have the columns that its first line names"),
    ("permission denied", "may not be read: check its permissions"),
    (
        "out of memory",
        f"needs more than {_MEMORY} of memory: give a Parquet copy or a view of fewer or shorter columns",
    ),
)


def _scrubbed(path: Path, error: duckdb.Error) -> SourceError:
    text = str(error).lower()
    for sign, meaning in _KNOWN:
        if sign in text:
            return SourceError(f"{path} {meaning}.")
    return SourceError(
        f"{path} cannot be read: DuckDB reports a {type(error).__name__} (its text may hold data and is left out)."
    )
