"""What is paid where no rule says it: about the mean of the claim's context, of the amount or of the share of what is claimed.

A case payment beside charges of any size follows the case, and is the smaller a share the more is charged; a share that is
negotiated follows the claimed amount; case groups that no column tells make claims dearer on either side. Whichever makes what is
paid likeliest is told, with its means; or none, where shares in ranges do.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.as_released import log_likelihood, of_sample
from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Codes, Ints, Population
from claims_sim.profile.counts.numbers import Numbers, bin_numbers, rise
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.counts.structure import sample_rows
from claims_sim.profile.document_parts import Bins, Means, PaidMeans
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.context_means import features_of, find_means, locate
from claims_sim.profile.prices.following import SERVICE
from claims_sim.profile.prices.rounding import amount_grid

PAID_RESIDUAL: Final = "paid_residual"
"""The table, and the ranges, of how far what is paid lies from its mean."""
_LEAST_SHARE: Final = 0.03
"""The share of the claims that must be paid so for it to be worth means of its own."""
_BETWEEN: Final = 0.025
"""How much likelier, log likelihood a claim, something between an amount and a share must make what is paid than either: as much likelier
is a normal variable of a twentieth less variance.
"""
_CLEARLY: Final = 0.02
"""And how much likelier means must make it than shares in ranges do, which keep to what is paid as it is."""
_RANGES: Final = 80
"""So many ranges of residuals are told at the most."""
_FEWER_RANGES: Final = 40
"""In so many are means compared with shares, too: in more, one house's own share may weigh more than all that others' shares follow."""
_RARE, _NARROW = 0.001, 1e-6
"""The outer ranges end where so few lie beyond; none counts as narrower, however many payments are alike."""


def find_paid_means(
    builder: Builder,
    encoded: Encoded,
    candidates: Sequence[Parent],
    of_claimed: Sequence[Parent],
    rows: Ints,
    grid: float,
) -> tuple[PaidMeans | None, Ints]:
    """The means of the amounts paid to `rows`, or of their shares of what is claimed, and which rows are paid about these: those of the
    kinds of service of which they tell more than shares in ranges do. They depend on the `candidates`, and where that makes what is
    paid clearly likelier on what is known `of_claimed` amounts.
    """  # noqa: D205
    best, about = _best_means(builder, encoded, candidates, of_claimed, rows)
    if best is None or not best.means.levels or not len(about):
        return None, rows[:0]
    builder.features |= {name: best.builder.features[name] for name in features_of(best.means)}
    assert encoded.paid is not None  # noqa: S101 - the caller has both amounts
    own_grid = max(grid, amount_grid(encoded.paid[about]))
    return PaidMeans(follows_claimed=best.share, means=best.means, grid=own_grid), about


def _best_means(
    builder: Builder, encoded: Encoded, candidates: Sequence[Parent], of_claimed: Sequence[Parent], rows: Ints
) -> tuple["_Tried | None", Ints]:
    """The likeliest means of what is paid to `rows`, and those of `rows` of whose kind of service they tell more than shares do."""
    enough = max(_LEAST_SHARE * encoded.rows, 20 * encoded.population.k)
    if len(rows) < enough or not encoded.population.may_be_told(rows):
        return None, rows[:0]
    some = sample_rows(len(rows))
    few = rows[some]
    known = [Parent(parent.name, parent.codes[few], parent.size) for parent in (*candidates, *of_claimed)]
    sample = of_sample(encoded.population, few, rows)
    of_share, of_amount = (_try_out(builder, encoded, candidates, rows, share) for share in (1.0, 0.0))
    tried = [(_likely(found.rest[some], known, sample), 0.0, found) for found in (of_amount, of_share)]
    # What contexts leave of what is claimed is what they leave of the amount, less what they leave of the share.
    one = encoded.population.one_of_each(rows)
    follows = rise(of_amount.rest[one], (of_amount.rest - of_share.rest)[one])
    # An amount of its own, or a share, is simpler than something between.
    if 0.0 < follows < 1.0:
        between = _try_out(builder, encoded, candidates, rows, follows)
        tried.append((_likely(between.rest[some], known, sample) - _BETWEEN, _BETWEEN, between))
    if of_claimed:
        # Houses that no column tells charge each so many times their costs: what is paid rises with the charge, and by steps.
        by_steps = _try_out(builder, encoded, [*candidates, *of_claimed], rows, 0.0)
        tried.append((_likely(by_steps.rest[some], known, sample) - _BETWEEN, _BETWEEN, by_steps))
    _, less, best = max(tried, key=lambda each: each[0])

    def tell(at: Ints, whose: Population) -> bool:
        """Do means make what is paid to the sampled rows `at`, whose these are, clearly likelier than shares do?"""
        there = [Parent(parent.name, parent.codes[at], parent.size) for parent in known]
        rest, shares = best.rest[some[at]], _logs(encoded, few[at], 1.0)
        return any(
            _likely(rest, there, whose, ranges) - less >= _likely(shares, there, whose, ranges) + _CLEARLY
            for ranges in (_RANGES, _FEWER_RANGES)
        )

    all_do = tell(np.arange(len(few)), sample)
    service = encoded.codes.get(SERVICE, np.full(encoded.rows, -1, np.int32))
    kinds, does = service[rows], np.full(len(rows), all_do)
    several = np.unique(kinds)
    for kind in several if len(several) > 1 else ():
        at, of_kind = np.flatnonzero(service[few] == kind), rows[kinds == kind]
        if len(of_kind) >= enough and encoded.population.may_be_told(of_kind):
            does[kinds == kind] = tell(at, of_sample(encoded.population, few[at], of_kind))
    about = rows[does]
    is_told = len(about) >= enough and encoded.population.may_be_told(about)
    return best, about if is_told else rows[:0]


class _Tried(NamedTuple):
    """Means of what is paid less a `share` of what is claimed, all as logarithms, what they were learned with and what they leave."""

    share: float
    means: Means
    builder: Builder
    rest: Numbers


def _likely(rest: Numbers, known: Sequence[Parent], sample: Population, ranges: int = _RANGES) -> float:
    """How likely `rest` is, log density a claim, as so many ranges and what is known that tells most of it would tell it.

    Where houses have each their own share of what is claimed, and a district has few houses, shares of it are a few: likelier there
    than about means that vary less.
    """
    edges = np.unique(np.quantile(rest, np.linspace(0, 1, ranges + 1)[1:-1]))
    ends = np.r_[np.quantile(rest, _RARE), edges, np.quantile(rest, 1 - _RARE)]
    target = Target(PAID_RESIDUAL, np.searchsorted(edges, rest).astype(np.int32), len(edges) + 1)
    width = np.log(np.maximum(np.diff(ends), _NARROW))[target.codes].mean()
    return max(log_likelihood(target, given, sample) for given in ([], *([parent] for parent in known))) - float(width)


def _try_out(builder: Builder, encoded: Encoded, candidates: Sequence[Parent], rows: Ints, share: float) -> _Tried:
    trial, logs = Builder(builder.population, builder.variables), _logs(encoded, rows, share)
    means = find_means(trial, "paid", logs, rows, candidates, encoded.population)
    return _Tried(share, means, trial, logs - locate(trial, means, rows))


def add_paid_residuals(
    builder: Builder,
    encoded: Encoded,
    bins: dict[str, Bins],
    candidates: Sequence[Parent],
    found: PaidMeans,
    rows: Ints,
) -> None:
    """Release how far what is paid to `rows` lies from `found`."""
    residual = np.full(encoded.rows, np.nan)
    residual[rows] = _logs(encoded, rows, found.follows_claimed) - locate(builder, found.means, rows)
    binned = bin_numbers(residual, encoded.population, most=_RANGES, most_single=0)
    bins[PAID_RESIDUAL] = binned.bins
    codes: Codes = binned.codes
    builder.add(Target(PAID_RESIDUAL, codes, len(binned.bins.lo)), candidates, most=4)


def _logs(encoded: Encoded, rows: Ints, share: float) -> Numbers:
    """The logarithms of what is paid to `rows`, less so much of the logarithms of what they claim."""
    assert encoded.claimed is not None  # noqa: S101 - as above
    assert encoded.paid is not None  # noqa: S101
    return np.asarray(np.log(np.maximum(encoded.paid[rows], 0.005)) - share * np.log(encoded.claimed[rows]))
