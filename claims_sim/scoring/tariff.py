"""What care of this content costs at this place: a learned price list, and how unusual an amount is on it.

Case tariffs multiply: a price for the case, a factor for the place, a step for the ward. A polish of log amounts
(Tukey, Exploratory Data Analysis, 1977, ch. 10; by the lowest step instead of the median) takes case and place apart;
what is left is the few steps that a claim does not show. Amounts that recur on top of prices (special drugs, implants)
are learned as usual extras. An amount is unusual where neither a step nor a usual extra explains it. A source without a
price list leaves a smooth rest, and then only what lies far above it is unusual.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from claims_sim.scoring.features import Features, Floats, Ints
from claims_sim.scoring.keys import UNSEEN, Cells, Codes, Group, Ladder, assemble
from claims_sim.scoring.listing import Listing
from claims_sim.scoring.peers import quantiles
from claims_sim.scoring.tails import Tail

CONTENT: Final[Ladder] = (
    ("service", "dx", "severity", "procedure"),
    ("service", "dx", "severity"),
    ("service", "dx_category", "severity"),
    ("service", "severity"),
    ("service",),
    (),
)
PLACE: Final[Ladder] = (
    ("service", "class", "province", "owner"),
    ("service", "class", "province"),
    ("service", "class"),
    ("service",),
    (),
)
_LEAST_CLAIMS: Final = 3
_ROUNDS: Final = 4  # of the polish; it hardly moves after three
_STEP: Final = 0.2
"""The quantile that is polished: it lies on the lowest step, where the median may lie between two."""
_BIN: Final = 0.01  # of log amounts: 1 %, wider than what rounding leaves
_LOW, _HIGH = -2.0, 3.0  # log amounts beyond are counted at the edge
_BINS: Final = round((_HIGH - _LOW) / _BIN)
_LEAST_REST: Final = 0.02  # what rounding may leave
_SURE: Final = (200, 60, 20, 10)
"""Claims that a price was learned from: the fewer, the less sure it is, and the less odd an amount beside it."""
_QUALITIES: Final = len(_SURE) + 3
_KINDS: Final = (
    2 * _QUALITIES
)  # of claims whose rests are looked at together: with a stay or not × how sure the price is
_MOST_EXTRAS: Final = 8
_FIRST_SHARE: Final = 0.01
_DEAR: Final = 0.4  # log amount over the price from which an extra is looked for


@dataclass(frozen=True, slots=True)
class Polish:
    """Log prices of contents and log factors of places, each with the number of claims that it was learned from."""

    content: Cells
    place: Cells

    @staticmethod
    def learn(codes: Codes, logs: Floats) -> "Polish":
        """Polish the known log amounts."""
        known = np.isfinite(logs)
        codes = Codes(int(known.sum()), {name: column[known] for name, column in codes.columns.items()}, codes.sizes)
        values = logs[known]
        ladders = [[Group.by(codes.key(names)) for names in ladder] for ladder in (CONTENT, PLACE)]
        fitted = [np.zeros(len(values)), np.zeros(len(values))]
        tables: list[Cells] = []
        for _ in range(_ROUNDS):
            tables = []
            for side, (ladder, groups) in enumerate(zip((CONTENT, PLACE), ladders, strict=True)):
                rest = values - fitted[1 - side]
                cells = _steps_of(ladder, groups, rest)
                rows, _ = cells.locate(codes)
                fitted[side] = cells.statistics["value"][rows]
                tables.append(cells)
        return Polish(*tables)

    def fit(self, codes: Codes) -> tuple[Floats, Ints]:
        """The log price of each claim, and how sure it is: from 0, its case in very many claims, to a much coarser case."""
        rows, level = self.content.locate(codes)
        places, _ = self.place.locate(codes)
        n = self.content.statistics["n"]
        fewer = np.searchsorted(-np.array(_SURE), -n[rows], side="left")
        sure = np.where(level == 0, fewer, len(_SURE) + np.minimum(level, 2))
        return self.content.statistics["value"][rows] + self.place.statistics["value"][places], sure


@dataclass(frozen=True, slots=True)
class Priced:
    """Claims beside the price list.

    `evidence` that the amount is not on it (see tails.py; NaN where it is no dearer than its price); `price` (log);
    `uncommon`: how uncommon the amount is, dearer or cheaper, as -log10 of its likelihood; `made_up`: how much likelier
    it is made up than right, by whether other claims have it (log10); `doubt`: how coarse the price is (see `Polish.fit`).
    """

    evidence: Floats
    price: Floats
    uncommon: Floats
    made_up: Floats
    doubt: Floats


@dataclass(frozen=True, slots=True)
class Tariff:
    """The price list and the usual extras, and what is left over them.

    Per kind of claim: the shares of claims without and with each extra, of each rest, and the tail of uncommon amounts.
    """

    polish: Polish
    extras: Floats
    shares: Floats
    density: Floats
    tails: tuple[Tail, ...]
    listing: Listing

    @staticmethod
    def learn(features: Features, codes: Codes, *, seed: int) -> "Tariff":
        """Learn from claims; what is left over is measured on claims that the measuring half has not seen."""
        logs = features.log_amount
        half = np.random.default_rng([seed, 9]).permutation(features.rows) % 2
        price, sure = np.zeros(features.rows), np.zeros(features.rows, np.int64)
        for side in (0, 1):
            there = half == side
            polish = Polish.learn(codes, np.where(there, np.nan, logs))
            fitted, quality = polish.fit(codes)
            price[there], sure[there] = fitted[there], quality[there]
        kind = _kinds(features, sure)
        extras = find_extras(features.claimed, codes.key(("service", "dx", "severity", "class")), price)
        kept = np.flatnonzero(np.isfinite(logs))
        options = _options(features.claimed, extras, price)[kept]
        kind = kind[kept]
        share = np.full((_KINDS, 1 + len(extras)), _FIRST_SHARE)
        share[:, 0] = 1.0
        # To begin with, what lies far over the price is no step: it would explain itself.
        usual = options[:, 0] <= _DEAR
        density = density_of(options[usual, 0], kind[usual])
        for _ in range(_ROUNDS):  # a claim belongs to the extra, or to none, that makes what is left commonest
            best = _likelihoods(options, kind, density, share).argmax(axis=1)
            counts = np.zeros_like(share)
            np.add.at(counts, (kind, best), 1.0)
            share = (counts + 1e-2) / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
            density = density_of(options[np.arange(len(best)), best], kind)
        rare = np.full(features.rows, np.nan)
        rare[kept] = _among_dear(options, _likelihoods(options, kind, density, share).max(axis=1))
        group = _groups(_kinds(features, sure), logs - price)
        listing = Listing.learn(features, codes, extras, group, 2 * _KINDS)
        rare += listing.says(features, codes, extras, group, own=1)
        tails = tuple(Tail.learn(rare[_kinds(features, sure) == k]) for k in range(_KINDS))
        return Tariff(Polish.learn(codes, logs), extras, share, density, tails, listing)

    def look(self, features: Features, codes: Codes, *, own: int = 0) -> Priced:
        """Each claim beside the list; `own` is 1 for the very claims that were learned from."""
        price, sure = self.polish.fit(codes)
        kind = _kinds(features, sure)
        options = _options(features.claimed, self.extras, price)
        likely = _likelihoods(options, kind, self.density, self.shares).max(axis=1)
        group = _groups(kind, features.log_amount - price)
        made_up = self.listing.says(features, codes, self.extras, group, own=own)
        rare = _among_dear(options, likely) + made_up
        evidence = np.full(features.rows, np.nan)
        for k, tail in enumerate(self.tails):
            mine = (kind == k) & np.isfinite(rare)
            evidence[mine] = tail.evidence_of(rare[mine])
        uncommon = np.where(np.isfinite(options[:, 0]), _uncommon(likely), np.nan)
        return Priced(evidence, price, uncommon, made_up, sure.astype(np.float64))


def density_of(rest: Floats, kind: Ints) -> Floats:
    """The share of claims of each kind per bin, smoothed over neighbours and, where there are few, over kinds."""
    counts = np.zeros((_KINDS, _BINS))
    np.add.at(counts, (kind, _bins(rest)), 1.0)
    everybody = counts.sum(axis=0)
    everybody = everybody / max(everybody.sum(), 1.0)
    padded = np.pad(counts, ((0, 0), (1, 1)), mode="edge")
    smooth = 0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:]
    # Where single claims stand far out, the neighbourhood says more than the bin itself.
    wide = _box(counts, 12) / 25
    prior = 5.0
    floor = 1.0 / _BINS * 1e-3
    estimate = smooth + 0.3 * wide + prior * (0.9 * _box(everybody[None, :], 5) / 11 + floor)
    return np.asarray(estimate / estimate.sum(axis=1, keepdims=True), np.float64)


def find_extras(claimed: Floats, cell: Ints, price: Floats) -> Floats:
    """Amounts that many dear claims cost more than some other claim of their cell: greedily, the commonest first."""
    logs = np.log(np.maximum(claimed, 1.0))
    known = np.isfinite(claimed) & (claimed > 0) & (cell != UNSEEN)
    dear = np.flatnonzero(known & (logs - price > _DEAR))
    plain = np.flatnonzero(known & (np.abs(logs - price) <= _DEAR))
    pairs = np.unique(np.column_stack([cell[plain].astype(np.float64), claimed[plain]]), axis=0)
    first = np.searchsorted(pairs[:, 0], cell[dear], side="left")
    last = np.searchsorted(pairs[:, 0], cell[dear], side="right")
    count = last - first
    owner = np.repeat(dear, count)
    at = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    differences = np.round(claimed[owner] - pairs[at, 1], 2)
    owner, differences = owner[differences > 0], differences[differences > 0]
    found: list[float] = []
    needed = max(20, 0.01 * len(dear))
    while len(owner) and len(found) < _MOST_EXTRAS:
        votes = np.unique(np.column_stack([owner.astype(np.float64), differences]), axis=0)[:, 1]
        values, times = np.unique(votes, return_counts=True)
        if times.max() < needed or times.max() < 2 * np.sort(times)[-min(len(times), 10)]:
            break
        extra = float(values[times.argmax()])
        found.append(extra)
        explained = np.unique(owner[differences == extra])
        left = ~np.isin(owner, explained)
        owner, differences = owner[left], differences[left]
    return np.array(sorted(found), np.float64)


def _steps_of(ladder: Ladder, groups: Sequence[Group], values: Floats) -> Cells:
    """The lowest step of each cell that has enough claims, and of everybody, were it nobody."""
    parts: list[tuple[Ints, dict[str, Floats]]] = []
    for names, group in zip(ladder, groups, strict=True):
        if not names and not len(group.keys):
            parts.append((np.zeros(1, np.int64), {"value": np.zeros(1), "n": np.zeros(1)}))
            continue
        kept = group.counts >= _LEAST_CLAIMS if names else np.ones(len(group.keys), bool)
        statistics = {"value": quantiles(group, values, _STEP)[kept], "n": group.counts[kept].astype(np.float64)}
        parts.append((group.keys[kept], statistics))
    return assemble(ladder, parts)


def _kinds(features: Features, sure: Ints) -> Ints:
    return np.asarray((np.nan_to_num(features.stay) > 0) * _QUALITIES + sure, np.int64)


def _groups(kind: Ints, rest: Floats) -> Ints:
    """Kinds, and amounts far over their price apart: these are less often on the list."""
    return kind + _KINDS * (np.nan_to_num(rest) > _DEAR)


def _options(claimed: Floats, extras: Floats, price: Floats) -> Floats:
    """The rest over the price as it is, and once each extra is taken off; NaN where nothing would be left."""
    less = claimed[:, None] - np.append(0.0, extras)
    known = np.isfinite(less) & (less > 0)
    logs: Floats = np.log(less, out=np.full(less.shape, np.nan), where=known)
    return logs - price[:, None]


def _among_dear(options: Floats, likely: Floats) -> Floats:
    """How uncommon each amount is among those dearer than their price; NaN for the others."""
    return np.where(options[:, 0] > _LEAST_REST, _uncommon(likely), np.nan)


def _uncommon(likely: Floats) -> Floats:
    return np.asarray(-np.log10(np.maximum(likely, 1e-12)), np.float64)


def _likelihoods(options: Floats, kind: Ints, density: Floats, share: Floats) -> Floats:
    there = np.isfinite(options)
    likely = density[kind[:, None], _bins(np.where(there, options, 0.0))] * share[kind]
    return np.where(there, likely, 0.0)


def _bins(rest: Floats) -> Ints:
    return np.clip(np.floor((rest - _LOW) / _BIN), 0, _BINS - 1).astype(np.int64)


def _box(counts: Floats, reach: int) -> Floats:
    """Sums over `reach` bins on either side."""
    total = np.cumsum(np.pad(counts, ((0, 0), (reach + 1, reach))), axis=1)
    return np.asarray(total[:, 2 * reach + 1 :] - total[:, : -2 * reach - 1], np.float64)
