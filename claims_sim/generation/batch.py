"""One batch of claims: plan, author, review, repair, fall back. Pure but for the author it is given."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Self

import numpy as np
import pyarrow as pa

from claims_sim.claim_ids import claim_ids
from claims_sim.errors import AuthorError, in_one_line
from claims_sim.generation.author import Assignment, Author, Draft, StatisticalAuthor, draw_money, joined
from claims_sim.generation.clock import add_times
from claims_sim.generation.review import BRIEF_COLUMNS, Reviewer, borrowed_reviewer
from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.conditional import Conditions
from claims_sim.profile.drawing.wanted import NO_FILTER, NO_MIX, ClaimFilter, Mix
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.rules.wire import to_flat, to_payloads
from claims_sim.settings import Clock
from claims_sim.store.truth import TruthBatch

MAX_REPAIRS = 2
_MOST_BRIEFS = 10_000
_MAX_PLANS = 6
_MAX_REDRAWS = 20  # of the statistical author, which is drawn from the profile and seldom breaks a rule


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What to generate: everything the result depends on, besides profile and author.

    Every claim holds `where`; `mix` replaces shares of the profile. Claims are named after `named_by`, a batch id
    that no other file has, where a file's batches are numbered: batches of equal seed and number hold the same claims,
    so that sets with other anomalies can be compared.
    """

    batch_id: str
    count: int
    seed: int
    as_of: datetime
    clock: Clock = "admission"
    claim_prefix: str = "SIM"
    first_index: int = 0
    where: ClaimFilter = NO_FILTER
    mix: Mix = NO_MIX
    named_by: str = ""

    @property
    def asked(self) -> dict[str, str]:
        """What was asked beyond the profile's own shares, as a label for logs and metadata; empty when nothing was."""
        label = {"where": str(self.where), "mix": str(self.mix)}
        return {name: text for name, text in label.items() if text}

    def document(self) -> dict[str, Any]:
        """JSON-ready: all but id, seed and time, which have columns of their own wherever a batch is kept.

        Batches of files are not kept, so `named_by` is no part of it.
        """
        return {
            "count": self.count,
            "clock": self.clock,
            "claim_prefix": self.claim_prefix,
            "first_index": self.first_index,
            "where": self.where.as_dict(),
            "mix": [list(share) for share in self.mix.shares],
        }

    @classmethod
    def read(cls, batch_id: str, seed: int, as_of: datetime, document: Mapping[str, Any]) -> Self:
        """From `document()`. Raises RequestError or KeyError when it is none."""
        return cls(
            batch_id,
            document["count"],
            seed,
            as_of,
            document["clock"],
            document["claim_prefix"],
            document["first_index"],
            ClaimFilter.from_dict(document["where"]),
            Mix.checked((name, value, share) for name, value, share in document["mix"]),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Reviewed claims, ready for the outbox: `claims` are flat rows, `payloads` their lines, `log` their provenance.

    `reasons` counts the rules that drafts were rejected for, `warnings` those that accepted claims break.
    """

    request: BatchRequest
    profile_hash: str
    author: str
    model: str
    prompt_version: str
    claims: pa.Table
    payloads: tuple[str, ...]
    log: pa.Table
    planned: int
    authored: int
    repaired: int
    fallen_back: int
    reasons: dict[str, int]
    warnings: dict[str, int]
    tokens_in: int
    tokens_out: int
    seconds: float
    problems: tuple[str, ...] = field(default=())
    cost: float = 0.0
    truth: TruthBatch | None = None

    @property
    def rejected(self) -> int:
        """Planned claims that no author could write acceptably."""
        return self.planned - len(self.claims)


def none_passed(claims: int, reasons: Counter[str]) -> AuthorError:
    """Not one of so many `claims` could be written; `reasons` counts the rules that their drafts broke."""
    most = ", ".join(f"{rule} ({count:,})" for rule, count in reasons.most_common(3))
    why = f"their drafts broke {most}" if most else "no author drafted any"
    return AuthorError(f"Not one of {claims:,} claims passed the review; {why}. Nothing was written.")


@dataclass(slots=True)
class _Work:
    """The state of one batch while it is being written: per brief, its accepted claim and how it came about."""

    rows: np.ndarray
    briefs: pa.Table
    claims: list[pa.Table]
    positions: list[np.ndarray]
    author: np.ndarray
    attempts: np.ndarray
    errors: list[tuple[str, ...]]
    open: np.ndarray
    wanted: Conditions
    authored: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    problems: list[str] = field(default_factory=list)
    answers: dict[int, dict[int, str]] = field(default_factory=dict)  # by brief and attempt, as JSON

    @classmethod
    def of(cls, rows: np.ndarray, briefs: pa.Table, wanted: Conditions) -> Self:
        """All briefs open."""
        count = len(rows)
        nobody, never = np.full(count, "", object), np.zeros(count, int)
        return cls(rows, briefs, [], [], nobody, never, [()] * count, np.arange(count), wanted)


class BatchWriter:
    """Writes batches from one profile with one author; the statistical author is the fallback of every other."""

    def __init__(
        self,
        profile: Profile,
        author: Author | None = None,
        *,
        force_author: bool = False,
        sampler: Sampler | None = None,
    ) -> None:
        self.profile = profile
        self.sampler = sampler or Sampler(profile)
        self.statistical = StatisticalAuthor(self.sampler)
        self.author: Author = author or self.statistical
        self.force_author = force_author

    def write(self, request: BatchRequest) -> Batch:
        """Plan, author, review and repair `request.count` claims.

        Reproducible given profile, seed, batch id and as-of time wherever the author is. Raises AuthorError when
        `force_author` is set and the author left a brief unwritten.
        """
        started = perf_counter()
        key = stream_key(request.seed, request.batch_id)
        rows = np.arange(request.first_index, request.first_index + request.count)
        wanted = self.sampler.conditions(request.where, request.mix)
        with borrowed_reviewer(self.profile.profile_hash, lambda: self.profile) as reviewer:
            work = _Work.of(rows, self._plan(stream_key(key, "brief"), rows, wanted, reviewer), wanted)
            if self.author is not self.statistical:
                for attempt in range(MAX_REPAIRS + 1):
                    self._attempt(work, self.author, attempt, key, request, reviewer)
                if len(work.open) and self.force_author:
                    why = in_one_line(work.problems) or f"rejected for {', '.join(work.reasons)}."
                    raise AuthorError(
                        f"{self.author.model} left {len(work.open)} of {request.count} claims unwritten: {why}"
                    )
            fallen_back = len(work.open) if self.author is not self.statistical else 0
            for attempt in range(_MAX_REDRAWS):
                self._attempt(work, self.statistical, attempt, key, request, reviewer)
            return self._finished(work, request, fallen_back, reviewer, perf_counter() - started)

    def _attempt(
        self, work: _Work, author: Author, attempt: int, key: int, request: BatchRequest, reviewer: Reviewer
    ) -> None:
        """Let `author` write the briefs that are still open, and keep what passes review."""
        if not len(work.open):
            return
        briefs, rows = work.briefs.take(work.open), work.rows[work.open]
        errors = tuple(work.errors[i] for i in work.open)
        draft = author.write(Assignment(briefs, rows, key, attempt, work.wanted, errors))
        work.tokens_in, work.tokens_out = work.tokens_in + draft.tokens_in, work.tokens_out + draft.tokens_out
        work.cost += draft.cost
        work.problems.extend(draft.problems)
        if not len(draft.positions):
            return
        where = work.open[draft.positions]
        for i, answer in zip(where.tolist(), draft.answers, strict=False):
            work.answers.setdefault(i, {})[attempt] = json.dumps(answer, ensure_ascii=False)
        finish_key = stream_key(key, author.name, attempt)
        claims = self._finish_claims(draft, work.rows[where], finish_key, request, work.wanted)
        # A brief that nobody fills plausibly is filled all the same: dropping it would bend the shares.
        is_last = author is self.statistical and attempt == _MAX_REDRAWS - 1
        briefs = work.briefs.take(where)
        verdicts = reviewer.judge(claims, briefs, work.wanted.where, lets_implausible_pass=is_last)
        work.authored += len(claims) if attempt == 0 and author is self.author else 0
        work.attempts[where] += 1
        work.reasons.update(verdicts.reasons)
        work.warnings.update(verdicts.warnings)
        for i in verdicts.rejected:
            work.errors[where[i]] = verdicts.broken[i]
        work.author[where[verdicts.accepted]] = author.name
        work.claims.append(claims.take(verdicts.accepted))
        work.positions.append(where[verdicts.accepted])
        work.open = np.setdiff1d(work.open, where[verdicts.accepted])

    def _plan(self, key: int, rows: np.ndarray, wanted: Conditions, reviewer: Reviewer) -> pa.Table:
        """The batch's briefs, such that claims as they are wanted can be written inside them.

        Who asks for a procedure is not served by a diagnosis that goes with it in a back-off table alone: where the claim
        that was found is implausible, another is looked for.
        """
        if not wanted:
            return self.sampler.draw_briefs(key, rows, stratify=True)
        if not wanted.where:
            return self.sampler.draw_briefs(key, self.sampler.find_claims(key, rows, wanted, stratify=True))
        briefs, left = pa.table({}), np.arange(len(rows))
        for turn in range(_MAX_PLANS):
            own = stream_key(key, "again", turn) if turn else key
            found = self.sampler.find_claims(own, rows[left], wanted, stratify=True)
            drawn = self.sampler.draw_briefs(own, found)
            order = np.arange(len(rows))
            order[left] = len(briefs) + np.arange(len(left))
            briefs = pa.concat_tables([briefs, drawn]).take(order) if turn else drawn
            left = left[reviewer.implausible(joined(drawn, self.sampler.draw_open(own, found, drawn)))]
            if not len(left):
                break
        return briefs

    def _finish_claims(
        self, draft: Draft, rows: np.ndarray, key: int, request: BatchRequest, wanted: Conditions
    ) -> pa.Table:
        """Add what is drawn after the author: times, amounts of their day (unless it wrote them) and identifiers."""
        days, time_key = wanted.where.admit_dt, stream_key(key, "time")
        dated = add_times(draft.claims, self.sampler, request.clock, time_key, rows, request.as_of, days)
        # Amounts that are asked for were found without dates, at the prices of the last month.
        claims = dated if wanted.where.amount_claimed is None else draft.claims
        if "amount_claimed" not in claims.column_names:
            claims = joined(claims, draw_money(self.sampler, stream_key(key, "money"), rows, claims, wanted))
        claims = joined(dated, claims)
        claims = joined(claims, self.sampler.draw_extra(stream_key(key, "extra"), rows, claims))
        named_by = request.named_by or request.batch_id
        ids = np.array(claim_ids(request.claim_prefix, named_by, int(rows.max()) + 1), object)[rows]
        return to_flat(joined(claims, pa.table({"claim_id": pa.array(ids, pa.string())})))

    def _finished(
        self, work: _Work, request: BatchRequest, fallen_back: int, reviewer: Reviewer, seconds: float
    ) -> Batch:
        order = np.concatenate(work.positions) if work.positions else np.zeros(0, int)
        claims = (
            pa.concat_tables(work.claims).take(np.argsort(order, kind="stable"))
            if work.claims
            else to_flat(pa.table({}))
        )
        kept = np.sort(order)
        own = work.author[kept] == self.author.name
        repaired = int(((work.attempts[kept] > 1) & own).sum())
        briefs = _told(work.briefs.take(kept), request.asked)
        log = pa.table(
            {
                "claim_id": claims["claim_id"],
                "claim_index": pa.array(work.rows[kept].astype(np.int32)),
                "author": pa.array(work.author[kept].tolist(), pa.string()),
                "model": pa.array(np.where(own, self.author.model, self.statistical.model).tolist(), pa.string()),
                "prompt_version": pa.array(np.where(own, self.author.prompt_version, "").tolist(), pa.string()),
                "attempts": pa.array(work.attempts[kept].astype(np.int32)),
                "repaired": pa.array(work.attempts[kept] > 1),
                "errors": pa.array([list(work.errors[i]) for i in kept], pa.list_(pa.string())),
                "brief": pa.array(briefs, pa.string()),
                "answers": pa.array([_by_attempt(work.answers.get(i)) for i in kept.tolist()], pa.list_(pa.string())),
            }
        )
        wrote = self.author if own.any() or not len(kept) else self.statistical
        return Batch(
            request=request,
            profile_hash=self.profile.profile_hash,
            author=batch_author(work.author[kept]) or wrote.name,
            model=wrote.model,
            prompt_version=wrote.prompt_version,
            claims=claims,
            payloads=tuple(to_payloads(reviewer.connection, claims)),
            log=log,
            planned=len(work.rows),
            authored=work.authored,
            repaired=repaired,
            fallen_back=fallen_back,
            reasons=dict(work.reasons.most_common()),
            warnings=dict(work.warnings.most_common()),
            tokens_in=work.tokens_in,
            tokens_out=work.tokens_out,
            seconds=seconds,
            problems=tuple(dict.fromkeys(work.problems)),
            cost=work.cost,
        )


def batch_author(authors: Iterable[str]) -> str:
    """Who wrote a batch, given who wrote each of its claims: `llm`, `statistical` or `llm+statistical`."""
    return "+".join(sorted({str(name) for name in authors}))


def _told(briefs: pa.Table, asked: dict[str, str]) -> list[str]:
    """What each claim was to be, as JSON; of a large batch only what was asked of all its claims."""
    if len(briefs) > _MOST_BRIEFS:
        return [json.dumps(asked, ensure_ascii=False)] * len(briefs)
    return [json.dumps(brief | asked, ensure_ascii=False) for brief in briefs.select(BRIEF_COLUMNS).to_pylist()]


def _by_attempt(answers: dict[int, str] | None) -> list[str | None] | None:
    """What an author decided on a brief, attempt by attempt; None at those that brought nothing."""
    return [answers.get(attempt) for attempt in range(max(answers) + 1)] if answers else None


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)
