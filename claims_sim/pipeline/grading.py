"""The step that grades anyone's verdicts against the truth: an agent's, a rule set's, a person's. Stores nothing."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.errors import RequestError
from claims_sim.pipeline.examining import claims_per_day
from claims_sim.pipeline.profiling import current_profile
from claims_sim.pipeline.resources import database
from claims_sim.scoring.evaluation.answers import answers_of
from claims_sim.scoring.evaluation.evaluate import REVIEWS_PER_DAY, Evaluation, evaluate
from claims_sim.settings import Settings
from claims_sim.store import scores, truth
from claims_sim.store.query import fetch_arrow

MOST_CLAIMS: Final = 2_000_000
SCORE_COLUMNS: Final = ("score", "risk_score", "verdict", "is_anomaly", "flagged", "label")
"""The column that holds the verdict, the first that is there."""
_WORDS: Final = {
    1.0: "anomaly anomalous fraud fraudulent suspicious flag flagged reject rejected review true yes y anomali curang ya",
    0.0: "clean normal ok okay valid approve approved accept pass false no n none bersih wajar tidak",
}
_NAMELESS: Final = "column0"  # what DuckDB calls the one column of an empty file
_READERS: Final = {".csv": "read_csv", ".parquet": "read_parquet", ".jsonl": "read_json", ".json": "read_json"}
# An exported claim's place: payloads nest it, flat rows do not.
_PLACES: Final = {
    "province_name": ("province_name", "facility.province"),
    "facility_class": ("facility_class", "facility.class"),
}


@dataclass(frozen=True, slots=True)
class Grade:
    """What the verdicts are worth; `unknown` verdicts are about claims that the truth does not cover."""

    found: Evaluation
    verdicts: int
    unknown: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"verdicts": self.verdicts, "unknown_claims": self.unknown, **self.found.as_dict()}


def grade(
    settings: Settings,
    verdicts: Path,
    *,
    truth_file: Path | None = None,
    claims_file: Path | None = None,
    volume: float | None = None,
    reviews: int = REVIEWS_PER_DAY,
) -> Grade:
    """Compare the verdicts in a file with an exported truth, or with that of the stream.

    `volume` is how many claims a day come in; by default the source's own number, where there is a profile.
    Raises RequestError, one line, when a file cannot be read or is not what it should be.
    """
    given = read_verdicts(verdicts)
    if not len(given):
        raise RequestError(f"{verdicts} holds no verdict: give rows with claim_id and score or verdict.")
    if truth_file is not None:
        answers = _read(truth_file, "truth")
        _need(answers, truth_file, ("claim_id", "label", "kind", "strength", "rupiah_lost"))
        claims = _claims(claims_file) if claims_file else answers.select(["claim_id"])
        labelled = np.ones(len(claims), np.bool_)
        if claims_file is None and not pc.any(pc.equal(answers["label"], "clean")).as_py():
            raise RequestError(f"{truth_file} holds anomalies only: give the claims, too (--claims FILE).")
    else:
        claims = scores.newest_scored(database(settings), MOST_CLAIMS)
        path = truth.truth_path(settings.state_dir)
        answers = truth.read_truth(path)
        known = pa.array(sorted(truth.known_batches(path)), pa.string())
        labelled = np.asarray(pc.is_in(claims["batch_id"], value_set=known), np.bool_)
    covered = claims["claim_id"].filter(pa.array(labelled))
    mine = pc.is_in(given["claim_id"], value_set=covered.combine_chunks())
    unknown = len(given) - int(pc.sum(mine).as_py() or 0)
    if unknown == len(given):
        raise RequestError(f"None of the {len(given)} claims in {verdicts} has a known answer: is it the right truth?")
    if volume is None:
        volume = claims_per_day(current_profile(settings) if settings.profile_path.exists() else None)
    judged = answers_of(claims, given.filter(mine), answers, is_labelled=labelled)
    found = evaluate(judged, claims_per_day=volume, reviews=reviews)
    return Grade(replace(found, unlabelled=0), len(given), unknown)


def read_verdicts(path: Path) -> pa.Table:
    """claim_id and score from a .csv, .parquet, .jsonl or .json file; yes and no count as 1 and 0.

    A row whose verdict is empty is none: whoever gave the file did not say.
    """
    table = _read(path, "verdicts")
    if not table.num_rows and table.column_names == [_NAMELESS]:
        return pa.table({"claim_id": pa.array([], pa.string()), "score": pa.array([], pa.float64())})
    _need(table, path, ("claim_id",))
    names = [name for name in SCORE_COLUMNS if name in table.column_names]
    if not names:
        raise RequestError(f"{path} has no column for the verdict: call it {', '.join(SCORE_COLUMNS[:-1])} or label.")
    table = table.filter(pc.is_valid(table[names[0]]))
    column = table[names[0]].combine_chunks()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = _from_words(column, path, names[0])
    return pa.table({"claim_id": table["claim_id"].cast(pa.string()), "score": column.cast(pa.float64())})


def _from_words(column: pa.Array, path: Path, name: str) -> pa.Array:
    words = pc.utf8_trim_whitespace(pc.utf8_lower(column))
    numbers = {word: number for number, words_of in _WORDS.items() for word in words_of.split()}
    strange = []
    for word in pc.unique(words).to_pylist():
        if word in numbers:
            continue
        try:
            numbers[word] = float(word.replace(",", "."))  # as spreadsheets write numbers in Indonesia
        except ValueError:
            strange.append(repr(word))
    if strange:
        raise RequestError(
            f"{path}: {name} says {', '.join(strange[:3])}; write a score from 0 to 1, or anomaly and clean (yes and no)."
        )
    keys = pa.array(list(numbers), pa.string())
    return pa.array(list(numbers.values()), pa.float64()).take(pc.index_in(words, value_set=keys))


def _claims(path: Path) -> pa.Table:
    table = _read(path, "claims")
    _need(table, path, ("claim_id",))
    columns = {"claim_id": table["claim_id"]}
    for name, places in _PLACES.items():
        for place in places:
            outer, _, inner = place.partition(".")
            if outer in table.column_names:
                columns[name] = pc.struct_field(table[outer], inner) if inner else table[outer]
    return pa.table(columns)


def _read(path: Path, what: str) -> pa.Table:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise RequestError(f"{path}: the {what} must be a {', '.join(_READERS)} file.")
    if not path.is_file():
        raise RequestError(f"{path} is not there: give the file with the {what}.")
    try:
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute("SET TimeZone='UTC'")
            return fetch_arrow(connection, f"SELECT * FROM {reader}(?)", [str(path)])
    except duckdb.Error as error:
        raise RequestError(f"{path} cannot be read as {path.suffix[1:]}: {type(error).__name__}.") from None


def _need(table: pa.Table, path: Path, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise RequestError(f"{path} has no column {', '.join(missing)}; it has {', '.join(table.column_names[:12])}.")
