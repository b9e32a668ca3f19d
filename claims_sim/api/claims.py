"""Stored claims with their scores: by arrival, by risk, and one in full."""

import json
from bisect import bisect_right
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from claims_sim.api.documents import ClaimDetail, ClaimPage, RiskPage
from claims_sim.api.filters import ClaimQuery, PageQuery, RiskQuery
from claims_sim.api.problems import problem, problem_responses
from claims_sim.api.snapshots import Row, Snapshots, newest_first
from claims_sim.rules.wire import payload_sql

router = APIRouter(tags=["claims"])

_SCORE: Final = (
    "risk_score", "rule_score", "ml_score", "ml_score_normalized", "flags", "reasons", "model_version",
    "ruleset_version", "scored_at",
)  # fmt: skip
_RECORD: Final = f"stream_seq, ingested_at, batch_id, channel, payload, {', '.join(_SCORE)}"
_NO_SCORES: Final = "(SELECT NULL::BIGINT AS stream_seq, " + ", ".join(f"NULL AS {name}" for name in _SCORE) + ")"
_ORDERS: Final = {
    "risk": "s.risk_score DESC, c.stream_seq DESC",
    "amount": "c.amount_claimed DESC, c.stream_seq DESC",
    "newest": "c.stream_seq DESC",
}
ClaimId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$", examples=["SIM-2026-0199d2f0a1b2c3-0001"])]


def snapshots_of(request: Request) -> Snapshots:
    """The reader that the application opened."""
    found: Snapshots = request.app.state.snapshots
    return found


def record(row: Row) -> dict[str, Any]:
    """A row of `select_claims` as ClaimRecord, JSON-ready."""
    scored = row["risk_score"] is not None
    score = {name: row[name] for name in _SCORE} if scored else None
    if score:
        score["scored_at"] = _utc(row["scored_at"])
    return {
        "seq": row["stream_seq"],
        "ingested_at": _utc(row["ingested_at"]),
        "batch_id": row["batch_id"],
        "channel": row["channel"],
        "claim": json.loads(row["payload"]),
        "score": score,
    }


def select_claims(
    snapshots: Snapshots,
    query: ClaimQuery,
    *,
    lowest: int,
    highest: int,
    files: list[Any],
    order: str = _ORDERS["newest"],
    limit: int,
    numbers: list[int] | None = None,
) -> list[Row]:
    """Rows with `lowest` <= number <= `highest` in `files` that hold the query; of `numbers` only, where given."""
    conditions, values = query.conditions()
    if numbers is not None:
        conditions, values = [*conditions, "c.stream_seq IN (SELECT unnest(?))"], [*values, numbers]
    lowest = max(lowest, int(files[0].stem))  # a file is named for its first row
    scores = snapshots.files_with("ml_scores", lowest, highest)
    where = " AND ".join(["c.stream_seq BETWEEN ? AND ?", *conditions])
    found = f"""
        SELECT c.*, {", ".join(f"s.{name}" for name in _SCORE)}
        FROM {{claims}} AS c
        {"JOIN" if query.needs_scores else "LEFT JOIN"}
          (SELECT * FROM {{scores}} WHERE stream_seq BETWEEN {lowest:d} AND {highest:d}) AS s USING (stream_seq)
        WHERE {where} ORDER BY {order} LIMIT {limit:d}"""
    relations = {"claims": files} | ({"scores": scores} if scores else {})
    sql = found if scores else found.replace("{scores}", _NO_SCORES)
    chosen = (
        f"WITH chosen AS ({sql}) SELECT {_RECORD} FROM ({payload_sql('chosen').replace('{', '{{').replace('}', '}}')})"
    )
    return snapshots.query(chosen, [lowest, highest, *values], **relations)


@router.get(
    "/claims",
    response_model=ClaimPage,
    responses=problem_responses(503),
    summary="List stored claims, the newest first",
    description="Pages are stable while claims keep arriving: continue with `before`. `since` asks for what is new.",
)
def list_claims(request: Request, query: Annotated[PageQuery, Query()]) -> JSONResponse:
    """A page of claims."""
    snapshots = snapshots_of(request)
    rows: list[Row] = []
    lowest = (query.since or 0) + 1
    highest = (query.before or 2**62) - 1
    for files in newest_first(snapshots.files("claims_live_stream"), query.before):
        rows += select_claims(
            snapshots, query, lowest=lowest, highest=highest, files=files, limit=query.limit + 1 - len(rows)
        )
        if len(rows) > query.limit or int(files[0].stem) <= lowest:
            break
        highest = int(files[0].stem) - 1
    rows.sort(key=lambda row: -row["stream_seq"])
    more = len(rows) > query.limit
    page = [record(row) for row in rows[: query.limit]]
    return JSONResponse({"claims": page, "next_before": page[-1]["seq"] if more else None})


@router.get(
    "/high-risk",
    response_model=RiskPage,
    responses=problem_responses(503),
    summary="List claims by risk, the highest first",
    description="For dashboards: filters, paging by offset and the number of matches.",
)
def high_risk(request: Request, query: Annotated[RiskQuery, Query()]) -> JSONResponse:
    """A page of the riskiest claims."""
    snapshots = snapshots_of(request)
    claims, scores = snapshots.files("claims_live_stream"), snapshots.files("ml_scores")
    if not claims or not scores:
        return JSONResponse({"claims": [], "total": 0, "next_offset": None})
    conditions, values = query.conditions()
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    # Only the columns that conditions and order need; the rows of the page are looked up by their numbers afterwards.
    found = snapshots.query(
        f"""SELECT c.stream_seq, count(*) OVER () AS total FROM {{claims}} AS c JOIN {{scores}} AS s USING (stream_seq)
        {where} ORDER BY {_ORDERS[query.order]} LIMIT {query.limit:d} OFFSET {query.offset:d}""",
        values,
        claims=claims,
        scores=scores,
    )
    if not found:
        return JSONResponse({"claims": [], "total": 0, "next_offset": None})
    numbers = [row["stream_seq"] for row in found]
    rows = _by_numbers(snapshots, numbers)
    total, end = found[0]["total"], query.offset + len(numbers)
    page = [record(rows[number]) for number in numbers if number in rows]
    return JSONResponse({"claims": page, "total": total, "next_offset": end if end < total else None})


def _by_numbers(snapshots: Snapshots, numbers: list[int]) -> dict[int, Row]:
    """The rows of these numbers, out of the files that hold them; payloads are built for no others."""
    files = snapshots.files("claims_live_stream")
    firsts = [int(path.stem) for path in files]
    places = {bisect_right(firsts, number) - 1 for number in numbers} - {-1}
    if not places:
        return {}
    rows = select_claims(
        snapshots,
        ClaimQuery(),
        lowest=min(numbers),
        highest=max(numbers),
        files=[files[place] for place in sorted(places)],
        limit=len(numbers),
        numbers=numbers,
    )
    return {row["stream_seq"]: row for row in rows}


@router.get(
    "/claims/{claim_id}",
    response_model=ClaimDetail,
    responses=problem_responses(404, 503),
    summary="One claim in full: payload, score, reasons and how it was made",
)
def one_claim(request: Request, claim_id: ClaimId) -> Response:
    """One claim."""
    snapshots = snapshots_of(request)
    files = snapshots.files("claims_live_stream")
    found = (
        snapshots.query("SELECT stream_seq FROM {claims} WHERE claim_id = ? LIMIT 1", [claim_id], claims=files)
        if files
        else []
    )
    if not found:
        return problem(request, 404, f"There is no claim {claim_id} in the snapshots.")
    number = found[0]["stream_seq"]
    rows = _by_numbers(snapshots, [number])
    if number not in rows:
        return problem(request, 404, f"There is no claim {claim_id} in the snapshots any more.")
    return JSONResponse(record(rows[number]) | {"provenance": _provenance(snapshots, number)})


def _provenance(snapshots: Snapshots, number: int) -> dict[str, Any] | None:
    files = snapshots.files_with("provenance", number, number)
    rows = snapshots.query("SELECT * FROM {made} WHERE stream_seq = ?", [number], made=files) if files else []
    if not rows or rows[0]["author"] is None:
        return None
    row = rows[0]
    names = ("author", "model", "prompt_version", "profile_hash", "seed", "attempts", "repaired", "errors", "tokens_in",
             "tokens_out", "seconds")  # fmt: skip
    return {name: row[name] for name in names} | {"brief": json.loads(row["brief"]) if row["brief"] else None}


def _utc(instant: Any) -> str:  # noqa: ANN401 - a datetime as DuckDB hands it over
    return f"{instant.isoformat()}Z"
