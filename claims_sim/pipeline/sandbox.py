"""A database in which the user's own jobs run unchanged: simulated claims in a table of the source's full schema.

Works in the production zone: it reads the source's column names and types, and how its text columns are written. No
value of the source is in the result.
"""

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from claims_sim.anomalies.kinds import KINDS
from claims_sim.codes.icd10 import label
from claims_sim.errors import SettingsError, SourceError
from claims_sim.generation.batch import none_passed
from claims_sim.pipeline.labelled import LabelledRequest, labelled_batches, truth_of
from claims_sim.pipeline.profiling import check_isolation, check_output, current_profile
from claims_sim.pipeline.resources import database
from claims_sim.pipeline.source_table import source_spec, source_table
from claims_sim.profile.counts.counting import Ints, Mask
from claims_sim.profile.reading.behind_codes import with_further_procedures
from claims_sim.profile.reading.blanks import COLUMNS
from claims_sim.profile.reading.mapping import ColumnMapping, load_mapping
from claims_sim.profile.reading.oddities import FOLLOWS
from claims_sim.profile.reading.source import open_source
from claims_sim.profile.reading.source_columns import CASE_GROUP, FURTHER
from claims_sim.profile.reading.source_sql import quote_identifier
from claims_sim.profile.sampler import Sampler
from claims_sim.profile.writing.reverse import ForeignColumn, foreign_columns, read_forms
from claims_sim.rules.wire import to_flat
from claims_sim.settings import Settings
from claims_sim.store import scores
from claims_sim.store.truth import TRUTH_SCHEMA

KIND: Final = "simulated claims in the shape of another table: no claim, hospital or person in it is real"
# The oldest storage format that holds what we write: users' older clients must be able to open it.
_DUCKDB: Final[dict[str, Any]] = {"storage_compatibility_version": "v1.0.0", "memory_limit": "1GB", "threads": 2}
_TOLD_BY: Final = {
    "los": ("admit_dt", "los", "discharge_dt"),
    "amount_paid": ("amount_paid", "amount_gap"),
    "dx_secondary_codes": ("comorbidity_count",),
}
"""What has to be there for a column to be read that shows an anomaly."""
_CLAIMS_A_PERSON: Final = 0.7  # persons for each claim


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What was written: which of their columns hold claims of ours, which were filled as asked, and which are null."""

    path: Path
    table: str
    claims: int
    anomalies: int
    columns: tuple[ForeignColumn, ...]

    def named(self, origin: str | None = None) -> list[str]:
        """Their columns by where the values come from: ours (None), "filled", or "" for null ones."""
        return [
            c.name for c in self.columns if (c.origin not in ("", "filled") if origin is None else c.origin == origin)
        ]


def write_sandbox(
    settings: Settings,
    out: Path,
    *,
    asked: LabelledRequest,
    from_stream: bool = False,
    truth: Path | None = None,
    fill: Mapping[str, str] | None = None,
) -> Sandbox:
    """Write a DuckDB file whose table has the source's name, columns and types, with claims drawn from the profile.

    With `from_stream` the claims are those of the live stream. `fill` gives SQL expressions for columns that claims of
    ours do not have. Raises SourceError when the source cannot be read, SettingsError for a wrong `fill` or `out`.
    """
    check_isolation(settings)
    check_output(settings, out)
    if truth:
        check_output(settings, truth, "--truth")
    if out.exists() and not _is_sandbox(out):
        raise SettingsError(f"--out {out} exists and is no sandbox: it is left alone; give another file.")
    columns = _columns(settings, fill or {})
    labels: list[pa.Table] = []
    chunks = _stream(settings) if from_stream else _drawn(settings, asked, labels)
    partial, answers = _beside(out), _beside(truth) if truth else None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        claims = _fill_database(partial, source_table(settings), columns, chunks)
        known = pa.concat_tables(labels) if labels else TRUTH_SCHEMA.empty_table()
        if truth and answers:  # before the sandbox takes its place: anomalies are never there without their answers
            truth.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(known, answers, compression="zstd")
            answers.replace(truth)
        partial.replace(out)
    except OSError as error:
        raise SettingsError(f"{error.filename or out} cannot be written: {error.strerror or error}.") from None
    finally:
        for left in filter(None, (partial, partial.with_name(f"{partial.name}.wal"), answers)):
            with suppress(OSError):
                left.unlink(missing_ok=True)
    return Sandbox(out, source_table(settings), claims, len(known), tuple(columns))


def _beside(path: Path) -> Path:
    """Where a file is written before it takes its place whole."""
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def _columns(settings: Settings, fill: Mapping[str, str]) -> list[ForeignColumn]:
    """The source's columns and how each is filled; the source is closed when this returns."""
    spec = source_spec(settings)
    mapping = load_mapping(spec.mapping) if spec.mapping else ColumnMapping()
    with open_source(spec) as opened:
        located = opened.find_columns(mapping, str(spec.path))
        located = with_further_procedures(opened.connection, opened.relation, located)
        strange = sorted(set(fill) - set(opened.types))
        if strange:
            raise SettingsError(
                f"--fill {strange[0]}: {spec.path} has no such column; it has: {', '.join(opened.types)}."
            )
        # What the profile left out, as it is empty or something else than its name says, is a column that claims of ours do not have.
        profile = current_profile(settings)
        left_out = FOLLOWS.keys() & profile.defaults.keys()
        ours = {name: column for name, column in located.items() if name not in left_out}
        forms = read_forms(opened, ours, mapping, settings.privacy_k)
        forms = replace(forms, tells_groups=CASE_GROUP in profile.vocabularies)
        listed = "dx_secondary_codes"
        if listed in forms.codes and forms.codes[listed].named:
            # A claim has the source's own name of its primary diagnosis alone; the others have those of the public code system.
            labels = {code: label(code) for code in profile.vocabularies.get(listed, ()) if code}
            forms = replace(forms, names={code: name for code, name in labels.items() if name})
        return foreign_columns(opened.types, ours, mapping, forms, fill)


def _drawn(settings: Settings, asked: LabelledRequest, labels: list[pa.Table]) -> Iterator[pa.Table]:
    profile = current_profile(settings)
    sampler, written, reasons = Sampler(profile), 0, Counter[str]()
    for batch in labelled_batches(profile, asked, sampler):
        reasons.update(batch.reasons)
        truth = truth_of(batch)
        labels.append(truth)
        places = np.arange(written, written + len(batch.claims))
        shown, like = _shows(truth, batch.claims, profile.absent)
        claims = sampler.leave_empty(asked.seed, places, batch.claims, shown, like)
        # A claim that repeats another lists the same procedures.
        done = batch.claims["procedure_code"]
        as_before = pc.equal(done, done.take(pa.array(like))).fill_null(False).to_numpy()
        further = sampler.further_procedures(asked.seed, places, batch.claims)
        further = further.take(pa.array(np.where(as_before, like, np.arange(len(like)))))
        group = sampler.case_groups(asked.seed, places, batch.claims)
        yield claims.append_column(FURTHER, further).append_column(CASE_GROUP, group)
        written += len(batch.claims)
    if not written:
        raise none_passed(asked.count, reasons)


def _shows(truth: pa.Table, claims: pa.Table, absent: Collection[str]) -> tuple[dict[str, Mask], Ints]:
    """Column by column which claims show by it that they are anomalies; and for each the place of the claim whose empty cells it has:
    the one that it was made of, or its own. The source has no columns that are `absent`. What else were full in anomalies alone would
    tell them to any scorer.
    """  # noqa: D205
    place = {claim: at for at, claim in enumerate(claims["claim_id"].to_pylist())}
    like = np.arange(len(claims), dtype=np.int64)
    shown: dict[str, Mask] = {name: np.zeros(len(claims), np.bool_) for name in COLUMNS}
    anomalies = truth.filter(pc.invert(truth["is_decoy"]))
    for claim, kind, related in zip(
        *(anomalies[name].to_pylist() for name in ("claim_id", "kind", "related_claims")), strict=True
    ):
        both = [place[one] for one in (claim, *related) if one in place]
        if related and len(both) > 1:
            like[both[0]] = both[1]
        # What is billed is there in any case, or where a source has but what is paid of it, that; and when a claim was made again.
        names = {*KINDS[kind].changes, "amount_paid" if "amount_claimed" in absent else "amount_claimed"}
        names |= {"admit_dt"} if related else set()
        for name in {column for one in names for column in _TOLD_BY.get(one, (one,))} & shown.keys():
            shown[name][both] = True
    return shown, like


def _stream(settings: Settings) -> Iterator[pa.Table]:
    sampler, written = Sampler(current_profile(settings)), 0
    for claims in scores.all_chunks(database(settings)):
        # Which of them are anomalies, whose cells have to stay, is not to be seen: all others stay too.
        flat = sampler.leave_out_stand_ins(to_flat(claims))
        group = sampler.case_groups(0, np.arange(written, written + len(flat)), flat)
        written += len(flat)
        yield flat.append_column(FURTHER, pa.nulls(len(flat), pa.list_(pa.string()))).append_column(CASE_GROUP, group)


def _fill_database(path: Path, table: str, columns: Sequence[ForeignColumn], chunks: Iterator[pa.Table]) -> int:
    name, rows = quote_identifier(table), 0
    with duckdb.connect(str(path), config=_DUCKDB) as connection:
        connection.execute("SET TimeZone='UTC'")
        try:
            listed = ", ".join(f"{quote_identifier(column.name)} {column.type}" for column in columns)
            connection.execute(f"CREATE TABLE {name} ({listed})")
        except duckdb.Error as error:
            raise SourceError(f"A table of the source's schema cannot be made: {_told(error)}.") from None
        for chunk in chunks:
            connection.register("flat_claims", chunk)
            _insert(connection, name, columns, rows)
            connection.unregister("flat_claims")
            rows += len(chunk)
        if not rows:
            raise SettingsError("There are no claims to write: the live stream is empty.")
        connection.execute(f"COMMENT ON TABLE {name} IS '{KIND}'")
        connection.execute("CHECKPOINT")
    return rows


def _insert(connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[ForeignColumn], first: int) -> None:
    numbered = (
        f"SELECT *, {first} + row_number() OVER () AS row, "
        f"1 + CAST(floor(hash({first} + row_number() OVER ()) / 18446744073709551616.0 * {_CLAIMS_A_PERSON} "
        f"* ({first} + row_number() OVER ())) AS BIGINT) AS person FROM flat_claims"
    )
    listed = ", ".join(column.expression for column in columns)
    try:
        connection.execute(f"INSERT INTO {name} SELECT {listed} FROM ({numbered})")
    except duckdb.Error as error:
        for column in columns:  # only to say which one it is
            try:
                connection.execute(f"SELECT {column.expression} FROM ({numbered})").fetchall()
            except duckdb.Error as one:
                is_filled = column.origin == "filled"
                what, instead = (
                    ("--fill", "") if is_filled else ("column", f' Give it with --fill "{column.name}=...".')
                )
                told = f"{what} {column.name}: no {column.type} comes of it: {_told(one)}.{instead}"
                raise SettingsError(told) from None
        raise SettingsError(f"The claims cannot be written in the source's shape: {_told(error)}.") from None


def _told(error: duckdb.Error) -> str:
    """The first line of an error about simulated claims, which hold nothing of anybody."""
    return str(error).splitlines()[0][:300].rstrip(".")


def _is_sandbox(path: Path) -> bool:
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            found = connection.execute("SELECT 1 FROM duckdb_tables() WHERE comment = ?", [KIND]).fetchone()
    except duckdb.Error:
        return False
    return found is not None
