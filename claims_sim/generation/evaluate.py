"""Measure an author that is a language model: what it writes, what it chooses, and what of that is its own.

Works in steps that are JSON-ready, so that a long measurement can stop and go on. Stores nothing and opens no source.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from claims_sim.claim_ids import numbered_batch_id
from claims_sim.generation.author import Assignment, joined
from claims_sim.generation.bands import Bands
from claims_sim.generation.batch import BatchRequest, BatchWriter
from claims_sim.generation.coherence import Coherence
from claims_sim.generation.diversity import Diversity, diversity_of
from claims_sim.generation.llm_author import LLMAuthor
from claims_sim.generation.options import Options
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.rules.plausibility import find_implausible

STEP: Final = 20
WITHIN: Final = 1000
"""Claims among which repeats are counted."""
_COUNTED: Final = pa.schema(
    [
        ("dx_primary_code", pa.string()),
        ("procedure_code", pa.string()),
        ("dx_secondary_codes", pa.list_(pa.string())),
        ("los", pa.int64()),
        ("amount_claimed", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Pick:
    """One choice: the number taken (from 1), and of each option how well it fits and whether it is implausible."""

    number: int
    fits: tuple[float, ...]
    implausible: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What came of some briefs; `claims` are the payloads that the model wrote and review accepted."""

    number: int
    planned: int
    first_try: int
    repaired: int
    reasons: dict[str, int]
    warnings: dict[str, int]
    tokens_in: int
    tokens_out: int
    seconds: float
    fit: float
    picks: tuple[Pick, ...]
    claims: tuple[str, ...]
    model: str
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; `of` reads it back."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Step":
        """From `as_dict`, also through JSON."""
        picks = tuple(Pick(p["number"], tuple(p["fits"]), tuple(p["implausible"])) for p in document["picks"])
        return cls(
            **{**document, "picks": picks, "claims": tuple(document["claims"]), "problems": tuple(document["problems"])}
        )


def run_step(writer: BatchWriter, coherence: Coherence, number: int, size: int, seed: int, as_of: datetime) -> Step:
    """Let the writer's author write `size` claims of step `number`; the same step asks the same."""
    author = writer.author
    seen: list[tuple[pa.Table, Options, dict[int, int]]] = []

    def watch(assignment: Assignment, form: Options | Bands, answers: Mapping[int, Any]) -> None:
        if isinstance(form, Options):
            seen.append((assignment.briefs, form, dict(answers)))

    if isinstance(author, LLMAuthor):
        author.watch = watch
    request = BatchRequest(numbered_batch_id(as_of, number), size, seed, as_of, "history")
    batch = writer.write(request)
    own = np.array(batch.log["author"].to_pylist(), object) == author.name
    attempts = batch.log["attempts"].to_numpy()
    claims = batch.claims.filter(pa.array(own))
    return Step(
        number=number,
        planned=size,
        first_try=int((own & (attempts == 1)).sum()),
        repaired=int((own & (attempts > 1)).sum()),
        reasons=batch.reasons,
        warnings=batch.warnings,
        tokens_in=batch.tokens_in,
        tokens_out=batch.tokens_out,
        seconds=batch.seconds,
        fit=float(coherence.score(claims).mean()) if len(claims) else 0.0,
        picks=_picks(coherence, *seen[0]) if seen else (),
        claims=tuple(line for line, mine in zip(batch.payloads, own, strict=True) if mine),
        model=author.model,
        problems=batch.problems,
    )


def _picks(coherence: Coherence, briefs: pa.Table, options: Options, answers: Mapping[int, int]) -> tuple[Pick, ...]:
    """The choices of one round, which were made among `options` for `briefs`."""
    which = np.repeat(np.arange(len(options)), options.count)
    offered = joined(briefs.take(pa.array(which, pa.int64())), options.drawn)
    fits = coherence.score(offered)
    implausible = find_implausible(offered)
    found = []
    for position, number in sorted(answers.items()):
        rows = range(position * options.count, (position + 1) * options.count)
        found.append(Pick(number, tuple(fits[list(rows)].tolist()), tuple(row in implausible for row in rows)))
    return tuple(found)


# --- what the model makes of options that are arranged on purpose ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Trials:
    """Shares of briefs, each with its number of briefs behind it.

    `again`: the same care was chosen when asked again under another seed; `reversed`: when asked with the options in
    reverse order; `recognised`: of care for this brief among care for other diseases, the right one was chosen, where
    `by_chance` is guessing.
    """

    again: float
    reversed: float
    orders: int
    recognised: float
    by_chance: float
    recognitions: int


def run_trials(author: LLMAuthor, sampler: Sampler, seed: int, count: int) -> Trials:
    """Ask about `count` briefs in the author's *choice* form: twice as they are, in reverse, and among foreign care."""
    key, rows = stream_key(seed, "trials"), np.arange(count)
    briefs = sampler.draw_briefs(key, rows)
    plain = author.form_of(Assignment(briefs, rows, key))
    if not isinstance(plain, Options):
        return Trials(0.0, 0.0, 0, 0.0, 0.0, 0)
    differs = [i for i in range(count) if len(set(_texts(plain, i))) > 1]
    turned = arranged(plain, np.arange(plain.count)[::-1])
    first, again = (_chosen(author, plain, briefs, rows, stream_key(key, name)) for name in ("first", "again"))
    back = _chosen(author, turned, briefs, rows, stream_key(key, "first"))
    both = [i for i in differs if i in first and i in again and i in back]
    asked, right = _with_foreign(plain, briefs, key)
    picked = _chosen(author, asked, briefs.take(pa.array(right.briefs)), right.briefs, stream_key(key, "foreign"))
    known = [i for i in range(len(right.briefs)) if i in picked]
    return Trials(
        again=_share(_texts(plain, i)[first[i] - 1] == _texts(plain, i)[again[i] - 1] for i in both),
        reversed=_share(_texts(plain, i)[first[i] - 1] == _texts(turned, i)[back[i] - 1] for i in both),
        orders=len(both),
        recognised=_share(picked[i] == right.numbers[i] for i in known),
        by_chance=1 / plain.count,
        recognitions=len(known),
    )


@dataclass(frozen=True, slots=True)
class _Right:
    briefs: np.ndarray
    numbers: np.ndarray


def arranged(options: Options, order: np.ndarray) -> Options:
    """The same options of each brief in another order."""
    starts = np.repeat(np.arange(len(options)) * options.count, options.count)
    return Options(options.drawn.take(pa.array(starts + np.tile(order, len(options)))), options.count)


def _with_foreign(options: Options, briefs: pa.Table, key: int) -> tuple[Options, _Right]:
    """Briefs whose first option names care, hidden among first options of briefs of other chapters of disease."""
    firsts = options.drawn.take(pa.array(np.arange(len(options)) * options.count))
    chapter = np.array([str(code)[:1] for code in briefs["dx_primary_code"].to_pylist()])
    named = np.array([bool(row["procedure_code"] or row["dx_secondary_codes"]) for row in firsts.to_pylist()])
    rng, rows, usable, numbers = np.random.default_rng(key), list[int](), list[int](), list[int]()
    for i in np.flatnonzero(named):
        others = np.flatnonzero(named & (chapter != chapter[i]))
        if len(others) < options.count - 1:
            continue
        place = int(rng.integers(options.count))
        foreign = rng.choice(others, options.count - 1, replace=False)
        rows.extend(np.insert(foreign, place, i))
        usable.append(int(i))
        numbers.append(place + 1)
    drawn = firsts.take(pa.array(np.array(rows, np.int64)))
    return Options(drawn, options.count), _Right(np.array(usable, np.int64), np.array(numbers, np.int64))


def _chosen(author: LLMAuthor, options: Options, briefs: pa.Table, rows: np.ndarray, key: int) -> dict[int, int]:
    """The numbers that the model takes of these very options, by brief."""
    kept, answers = author.form_of, dict[int, int]()
    author.form_of = lambda _assignment: options
    author.watch = lambda _assignment, _form, given: answers.update(given)
    try:
        author.write(Assignment(briefs, rows, key))
    finally:
        author.form_of = kept
    return answers


def _texts(options: Options, position: int) -> list[str]:
    return [repr(option) for option in options.of(position)]


def _share(outcomes: Iterable[bool]) -> float:
    found = list(outcomes)
    return float(sum(found) / len(found)) if found else 0.0


# --- figures -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choices:
    """What the model's choices add: each figure beside that of a random pick among the same options.

    `wins` is how often the chosen option fits better than another one (0.5 without understanding; ties count half) with
    its standard error, `lift` by how much, in standard deviations of the options; `implausible` the share of choices
    that break a rule of plausibility. `numbers` are the shares of the numbers taken.
    """

    picks: int
    differing: float
    numbers: tuple[float, ...]
    wins: float
    wins_error: float
    lift: float
    implausible: float
    implausible_at_random: float


def choices_of(picks: Sequence[Pick]) -> Choices | None:
    """Figures of choices; None where there are none."""
    if not picks:
        return None
    fits = np.array([pick.fits for pick in picks])
    broken = np.array([pick.implausible for pick in picks])
    taken = np.array([pick.number for pick in picks]) - 1
    rows, count = np.arange(len(picks)), fits.shape[1]
    own = fits[rows, taken]
    decides = np.ptp(fits, axis=1) > 0
    others = (np.sign(own[:, None] - fits).sum(1) / (count - 1) + 1) / 2
    wins = others[decides]
    spread = float(fits[decides].std(axis=1).mean()) if decides.any() else 0.0
    return Choices(
        picks=len(picks),
        differing=float(decides.mean()),
        numbers=tuple(float((taken == number).mean()) for number in range(count)),
        wins=float(wins.mean()) if len(wins) else 0.5,
        wins_error=float(wins.std() / np.sqrt(len(wins))) if len(wins) else 0.0,
        lift=float((own - fits.mean(1))[decides].mean() / spread) if spread else 0.0,
        implausible=float(broken[rows, taken].mean()),
        implausible_at_random=float(broken.mean()),
    )


def diversity_of_payloads(claims: Sequence[Mapping[str, Any]]) -> Diversity:
    """How the first 1,000 of payloads (as JSON objects) differ."""
    rows = [
        {
            "dx_primary_code": claim["diagnosis"]["primary_code"],
            "procedure_code": claim["procedure"]["code"] if claim["procedure"] else None,
            "dx_secondary_codes": claim["diagnosis"]["secondary_codes"],
            "los": _days(claim),
            "amount_claimed": float(claim["amount_claimed"]),
        }
        for claim in claims[:WITHIN]
    ]
    return diversity_of(pa.Table.from_pylist(rows, schema=_COUNTED))


def _days(claim: Mapping[str, Any]) -> int:
    first, last = (datetime.fromisoformat(claim[name]) for name in ("admit_dt", "discharge_dt"))
    return (last - first).days


@dataclass(frozen=True, slots=True)
class Output:
    """What the model delivered, all shares of the planned claims; costs and times are of an accepted claim."""

    model: str
    planned: int
    first_try: float
    repaired: float
    accepted: float
    reasons: dict[str, int]
    warnings: dict[str, int]
    tokens_in: float
    tokens_out: float
    seconds: float
    problems: tuple[str, ...]


def output_of(steps: Sequence[Step]) -> Output:
    """Sum up steps; there is at least one."""
    planned = sum(step.planned for step in steps)
    accepted = sum(len(step.claims) for step in steps)
    reasons, warnings = Counter[str](), Counter[str]()
    for step in steps:
        reasons.update(step.reasons)
        warnings.update(step.warnings)

    def each(total: Callable[[Step], float]) -> float:
        return sum(map(total, steps)) / max(accepted, 1)

    return Output(
        model=steps[-1].model,
        planned=planned,
        first_try=sum(step.first_try for step in steps) / planned,
        repaired=sum(step.repaired for step in steps) / planned,
        accepted=accepted / planned,
        reasons=dict(reasons.most_common()),
        warnings=dict(warnings.most_common()),
        tokens_in=each(lambda step: step.tokens_in),
        tokens_out=each(lambda step: step.tokens_out),
        seconds=each(lambda step: step.seconds),
        problems=tuple(dict.fromkeys(problem for step in steps for problem in step.problems)),
    )
