"""What every scorer is, ours or anyone's: a table in, `claim_id`, `risk_score` and `reasons` out. Scores nothing itself.

A user writes a `Scorer`; `open_scorer` makes an `OpenedScorer` of whatever a setting or an option names. Both take and
give the same table; opened ones also take Arrow, check every answer, and know their name and version.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.claim import FLAT_COLUMNS
from claims_sim.errors import ScorerError
from claims_sim.scoring.access import ScorerAccess, is_address
from claims_sim.store.tables import SCORE_VALUES, conform

if TYPE_CHECKING:
    import pandas as pd

    from claims_sim.scoring.duplicates import Earlier

DEFAULT_SPEC: Final = "default"
"""Names the scorer that belongs to the profile; an empty text does too."""
VERDICTS: Final = pa.schema(
    [("claim_id", pa.string()), ("risk_score", pa.float64()), ("reasons", pa.list_(pa.string()))]
)
MOST_REASONS: Final = 20
MOST_REASON_CHARACTERS: Final = 300


class Scorer(Protocol):
    """What a scorer of your own has to be; a class that can be made without arguments.

    `name` and `version` may be attributes; they are stored with every score.
    """

    def score(self, claims: "pd.DataFrame") -> "pd.DataFrame":
        """One row a claim, in any order: `claim_id`, `risk_score` from 0 (ordinary) to 1, and, if you like, `reasons`.

        `claims` has the columns of `claims_normalized` (`claims_sim.claim.FLAT_COLUMNS`); any but claim_id may hold
        nulls. `reasons` is a list of short texts.
        """


class OpenedScorer(ABC):
    """A scorer that is ready, whatever it is. Close it, or use it in a `with` statement."""

    name: str
    version: str

    @abstractmethod
    def score_table(self, claims: pa.Table) -> pa.Table:
        """The verdicts (`VERDICTS`, one row a claim, same order) on `claims` (flat columns).

        Raises ScorerError, one line, when the scorer fails or its answer is not as the protocol says.
        """

    def score_rows(
        self,
        claims: pa.Table,
        *,
        scored_at: datetime,
        source: str = "simulated",
        earlier: "Earlier | None" = None,  # noqa: ARG002 - of use to a scorer that looks for repeats
    ) -> pa.Table:
        """What is stored of the verdicts: `SCORE_VALUES`, one row a claim, same order; `scored_at` in UTC.

        A foreign scorer's risk is all there is of it: it stands as the model's score too, and no rule of ours has a say.
        It is given the claims alone, not the `earlier` ones.
        """
        verdicts = self.score_table(claims)
        rows, risk = len(verdicts), verdicts["risk_score"]
        nothing = pa.array(np.zeros(rows))
        columns = {
            "claim_id": verdicts["claim_id"],
            "source": pa.repeat(pa.scalar(source), rows),
            "rule_score": nothing,
            "ml_score": risk,
            "ml_score_normalized": risk,
            "risk_score": risk,
            "flags": pa.repeat(pa.scalar([], pa.list_(pa.string())), rows),
            "reasons": pc.coalesce(verdicts["reasons"], pa.scalar([], pa.list_(pa.string()))),
            "model_version": pa.repeat(pa.scalar(self.version), rows),
            "ruleset_version": pa.repeat(pa.scalar("none"), rows),
            "scored_at": pa.repeat(pa.scalar(scored_at.astimezone(UTC).replace(tzinfo=None), pa.timestamp("us")), rows),
            "scorer": pa.repeat(pa.scalar(self.name), rows),
        }
        return conform(pa.table(columns), SCORE_VALUES)

    def score(self, claims: "pd.DataFrame") -> "pd.DataFrame":
        """`score_table` for data frames."""
        frame: pd.DataFrame = self.score_table(pa.Table.from_pandas(claims, preserve_index=False)).to_pandas()
        return frame

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of what the scorer holds (a process, connections)."""

    def __enter__(self) -> "OpenedScorer":
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()


def open_scorer(spec: str, access: ScorerAccess, *, default: Callable[[], OpenedScorer]) -> OpenedScorer:
    """The scorer that `spec` names: ``default``, `package.module:Class`, `joblib:path` or `http(s)://…`.

    `default` makes the one that belongs to the profile. Raises ScorerError when there is no such scorer, or when it
    may not be used.
    """
    if spec in ("", DEFAULT_SPEC):
        return default()
    if is_address(spec):
        from claims_sim.scoring.foreign.http import HttpScorer  # noqa: PLC0415 - a tick of ours needs no HTTP

        return HttpScorer(spec, access)
    from claims_sim.scoring.foreign.process import open_process  # noqa: PLC0415 - as above

    return open_process(spec, access)


def claims_for_scorers(claims: pa.Table) -> pa.Table:
    """What a foreign scorer is given: the flat columns that are there, and nothing of how a claim was made or sent."""
    return claims.select([name for name in FLAT_COLUMNS if name in claims.column_names])


def check_verdicts(answer: pa.Table, claim_ids: pa.ChunkedArray, who: str) -> pa.Table:
    """`answer` as `VERDICTS`, in the order of `claim_ids`. Raises ScorerError that says what of it is wrong, and where."""
    lacking = [name for name in ("claim_id", "risk_score") if name not in answer.column_names]
    if lacking:
        raise ScorerError(
            f"{who} gave no column {' and no column '.join(lacking)}; it gave {', '.join(answer.column_names) or 'none'}."
        )
    try:
        ids = answer["claim_id"].cast(pa.string())
        scores = answer["risk_score"].cast(pa.float64())
    except pa.ArrowException as error:
        raise ScorerError(f"{who} gave a column of another kind than text and number: {_first_line(error)}.") from None
    places = _places(ids, claim_ids, who)
    _check_range(ids, scores, who)
    reasons = _reasons(answer["reasons"], who) if "reasons" in answer.column_names else None
    reasons = pa.nulls(len(answer), VERDICTS.field("reasons").type) if reasons is None else reasons
    ordered = pa.table({"claim_id": ids, "risk_score": scores, "reasons": reasons}, schema=VERDICTS).take(places)
    return ordered.combine_chunks()


def _places(ids: pa.ChunkedArray, claim_ids: pa.ChunkedArray, who: str) -> pa.Array:
    """Where in the answer each claim stands."""
    wanted = claim_ids.cast(pa.string()).combine_chunks()
    given = ids.combine_chunks()
    places = pc.index_in(wanted, given)
    if places.null_count:
        missing = wanted.filter(pc.is_null(places))
        raise ScorerError(f"{who} left out {len(missing)} of {len(wanted)} claims, for one {missing[0].as_py()}.")
    if len(given) != len(wanted):
        strange = given.filter(pc.invert(pc.fill_null(pc.is_in(given, wanted), False)))
        what = f"a claim that was not asked for, {strange[0].as_py()}" if len(strange) else "a claim twice"
        raise ScorerError(f"{who} gave {len(given)} rows for {len(wanted)} claims: {what}.")
    return places


def _check_range(ids: pa.ChunkedArray, scores: pa.ChunkedArray, who: str) -> None:
    values = np.asarray(scores.to_numpy(), np.float64)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0) & (values <= 1)))
    if len(wrong):
        first = int(wrong[0])
        raise ScorerError(
            f"{who} gave {len(wrong)} of {len(values)} risk_scores that are no numbers from 0 to 1; the first is "
            f"{values[first]:g}, of claim {ids[first].as_py()}."
        )


def _reasons(column: pa.ChunkedArray, who: str) -> pa.Array | None:
    """Reasons as lists of texts, cut to a length that can be shown; a single text counts as a list of one."""
    kind = VERDICTS.field("reasons").type
    if pa.types.is_null(column.type):
        return None
    given = column.combine_chunks()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts = given.cast(pa.string())
        lists = pa.ListArray.from_arrays(np.arange(len(given) + 1, dtype=np.int32), texts, mask=texts.is_null())
    else:
        try:
            lists = given.cast(kind)
        except pa.ArrowException:
            raise ScorerError(f"{who} gave reasons that are no lists of texts but {column.type}.") from None
    lists = pc.list_slice(lists, 0, MOST_REASONS).cast(kind)
    short = pc.utf8_slice_codeunits(lists.values, 0, MOST_REASON_CHARACTERS)
    return pa.ListArray.from_arrays(lists.offsets, short, mask=lists.is_null())


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["unknown"])[0][:200]
