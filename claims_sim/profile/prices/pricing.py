"""Prices from a tariff and means from contexts, for many rows at once. Draws nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.counting import Codes
from claims_sim.profile.counts.lookup import Step, steps_of
from claims_sim.profile.counts.numbers import marked_up, on_grid, on_grid_in_turn
from claims_sim.profile.document_parts import BY, DEAR_BANDS, PERIOD, Decisive, Means, Nested, Tariff
from claims_sim.profile.encoding.encode import MONTH
from claims_sim.profile.prices.daily import STAY, log_days
from claims_sim.profile.prices.decided import DECIDED_BY, DIAGNOSIS, PROCEDURE, Deciding, plain_names
from claims_sim.profile.prices.how_dear import above_mean, band_of, nearest_places
from claims_sim.profile.prices.lattice import Lattice
from claims_sim.profile.prices.price_periods import period_of, places_and_periods
from claims_sim.profile.reading.missing_stays import MAX_STAY

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PriceList:
    """A tariff, ready to be looked up."""

    names: tuple[str, ...]
    steps: tuple[Step, ...]
    start: npt.NDArray[np.int64]
    bases: Numbers
    factors: dict[str, Numbers]
    deciding: Deciding | None
    periods: tuple[int, ...]

    @classmethod
    def of_tariff(cls, tariff: Tariff) -> "PriceList":
        """From the profile's document."""
        depth = len(tariff.parents)
        paths = np.array(tariff.contexts, np.int64).reshape(len(tariff.points), depth)
        return cls._build(tariff.parents, tariff.sizes, paths, np.array(tariff.points), np.array(tariff.bases), {
            name: np.array(logs) for name, logs in tariff.factors.items()
        } | ({STAY: log_days()} if tariff.by_day else {}), tariff.decisive, tariff.periods)  # fmt: skip

    @classmethod
    def of_lattice(cls, lattice: Lattice) -> "PriceList":
        """From the fit's working form."""
        points = np.diff(lattice.base_start)
        return cls._build(
            lattice.case_names,
            lattice.case_sizes,
            _paths(lattice)[points > 0],
            points[points > 0],
            lattice.bases,
            lattice.factors,
            lattice.decisive,
            lattice.periods,
        )

    @classmethod
    def _build(
        cls, names: tuple[str, ...], sizes: tuple[int, ...], paths: npt.NDArray[np.int64],
        points: npt.NDArray[np.int64], bases: Numbers, factors: dict[str, Numbers], decisive: Decisive | None,
        periods: tuple[int, ...],
    ) -> "PriceList":  # fmt: skip
        levels = []
        for depth in range(len(names) + 1):
            distinct = np.unique(paths[:, :depth], axis=0) if depth < len(names) else paths
            levels.append((tuple(distinct.ravel().tolist()), len(distinct)))
        start = np.r_[0, np.cumsum(points)].astype(np.int64)
        padded = {name: np.append(logs, 0.0) for name, logs in factors.items()}
        deciding = None if decisive is None else Deciding(decisive)
        return cls(names, tuple(steps_of(levels, sizes)), start, bases, padded, deciding, periods)

    @property
    def cases(self) -> int:
        """How many cases it prices."""
        return len(self.start) - 1

    def case(self, given: dict[str, Codes], rows: int) -> Codes:
        """The number of each claim's case; -1 where it is not priced."""
        given = self.with_what_follows(given)
        case = np.zeros(rows, np.int32)
        for step, name in zip(self.steps, self.names, strict=True):
            case = step.descend(case, given[name]) if name in given else np.full(rows, -1, np.int32)
        return case

    def with_what_follows(self, given: dict[str, Codes]) -> dict[str, Codes]:
        """With the list's own variables, as far as these follow from what is given and are not given themselves."""
        follows: dict[str, Codes] = {}
        if self.deciding is not None and DECIDED_BY not in given and {DIAGNOSIS, PROCEDURE} <= given.keys():
            follows[DECIDED_BY] = self.deciding.decided_by(given)
        if self.periods and MONTH in given:
            if PERIOD not in given:
                follows[PERIOD] = period_of(self.periods, given[MONTH])
            for name in (name for name in self.factors if name.startswith(BY) and name not in given):
                if name.removeprefix(BY) in given:
                    follows[name] = places_and_periods(self.periods, given[name.removeprefix(BY)], given[MONTH])
        return follows | given

    def logs(self, given: dict[str, Codes], point: Codes, *, strict: bool = False) -> Numbers:
        """Log price at hidden level 0; NaN where the case has none. A point that a case lacks is its commonest one,
        or NaN with `strict`.
        """  # noqa: D205
        given = self.with_what_follows(given)
        case = self.case(given, len(point))
        if not len(self.bases):
            return np.full(len(point), np.nan)
        count = self.start[case + 1] - self.start[case]
        lacks = point >= count
        base = self.bases[np.minimum(self.start[case] + np.where(lacks, 0, point), len(self.bases) - 1)].copy()
        base[(case < 0) | (lacks & strict)] = np.nan
        return np.asarray(base + self.factor(given, len(point)))

    def factor(self, given: dict[str, Codes], rows: int) -> Numbers:
        """The logarithm of what each claim's price is multiplied by; `given` holds also `with_what_follows`."""
        total = np.zeros(rows)
        for name, factor in self.factors.items():
            if name in given:
                # A stay that is given may be any number of days, and none that there is.
                total += factor[np.clip(given[name], 0, MAX_STAY) if name == STAY else given[name]]
        return total


class PriceLists:
    """Tariffs, no two of which price one claim. A code says which point and hidden level of its list a claim has:
    point × `levels` + level; behind the levels of a list its mark-ups have one each. `finest` is the grid of all amounts, `ceiling`
    about how dear the dearest are.
    """  # noqa: D205

    def __init__(self, tariffs: Sequence[Tariff], finest: float, ceiling: float) -> None:
        self._ceiling = np.log(ceiling)
        self._tariffs = [(PriceList.of_tariff(tariff), tariff.grid or finest, tariff.ties) for tariff in tariffs]
        self.levels = most_levels(tariffs)
        by_day = (STAY,) if any(tariff.by_day for tariff in tariffs) else ()
        priced_by = (name for tariff in tariffs for name in plain_names((*tariff.parents, *tariff.factors)))
        self.names = frozenset((*priced_by, *by_day))
        # A list that lacks a level has the price itself there.
        self._above = [above_mean(prices.bases, prices.start) for prices, _, _ in self._tariffs]
        self._plain, self._levels, self._times = [len(tariff.levels) for tariff in tariffs], [], []
        for tariff in tariffs:
            marked = [tariff.levels[level] for level, _ in tariff.mark_ups]
            lacking = self.levels - len(tariff.levels) - len(marked)
            self._levels.append(np.r_[tariff.levels, marked, np.zeros(lacking)])
            self._times.append(
                np.r_[np.ones(len(tariff.levels)), [times for _, times in tariff.mark_ups], np.ones(lacking)]
            )
        # The hidden level whose prices are rounded before they are multiplied to the others'.
        self._first = [None if t.rounded_at is None else t.levels[t.rounded_at] for t in tariffs]
        self._finest = finest

    def logs(self, given: dict[str, Codes], rows: int) -> Numbers:
        """The logarithm of the commonest price of each claim's case; NaN where no list has it."""
        out = np.full(rows, np.nan)
        for prices, _, _ in self._tariffs:
            logs = prices.logs(given, np.zeros(rows, np.int32))
            out = np.where(np.isfinite(logs), logs, out)
        return out

    @property
    def cases(self) -> int:
        """How many cases they price, all lists together."""
        return sum(prices.cases for prices, _, _ in self._tariffs)

    def case(self, given: dict[str, Codes], rows: int) -> Codes:
        """The number of each claim's case, counted over all lists; one more than the last where none has it."""
        return case_over([prices for prices, _, _ in self._tariffs], given, rows)

    def amounts(self, given: dict[str, Codes], code: Codes, *, marked: bool = True) -> Numbers:
        """The price of each claim's case at its code, on the list's grid, and what it is multiplied by then unless it is not to be
        `marked` up; NaN where no list has the case.
        """  # noqa: D205
        out = np.full(len(code), np.nan)
        for (prices, grid, ties), levels, times, first in zip(
            self._tariffs, self._levels, self._times, self._first, strict=True
        ):
            above = levels[code % self.levels]
            logs = prices.logs(given, code // self.levels) + above
            if STAY in prices.factors and STAY in given:
                logs = self._no_dearer(logs, given[STAY])
            priced = np.isfinite(logs)
            if first is None:
                out[priced] = on_grid(logs[priced], grid, ties)
            else:
                again = above[priced] - first
                out[priced] = on_grid_in_turn(logs[priced] - again, again, grid, ties)
            if marked:
                out[priced] = marked_up(out[priced], times[code[priced] % self.levels], self._finest)
        return out

    def as_dear(self, given: dict[str, Codes], code: Codes, band: Codes) -> Codes:
        """The codes, each that is not as dear for its case as its `band` says being that of the price of its case that is nearest to it."""
        out = code.copy()
        for (prices, _, _), above, levels, plain in zip(
            self._tariffs, self._above, self._levels, self._plain, strict=True
        ):
            if not len(above):
                continue
            case = prices.case(given, len(code))
            point = code // self.levels
            lacks = point >= prices.start[case + 1] - prices.start[case]
            times = above[np.minimum(prices.start[case] + point, len(above) - 1)] + levels[code % self.levels]
            other = np.flatnonzero((case >= 0) & (lacks | (band_of(times) != band)) & (band >= 0) & (band < DEAR_BANDS))
            if not len(other):
                continue
            points, level = nearest_places(above, prices.start, levels[:plain], case[other], band[other])
            out[other] = points * self.levels + level
        return out

    def times(self, given: dict[str, Codes], code: Codes) -> Numbers:
        """What each claim's price is multiplied by once it is rounded."""
        out = np.ones(len(code))
        for (prices, _, _), times in zip(self._tariffs, self._times, strict=True):
            if (times != 1.0).any():
                out = np.where(prices.case(given, len(code)) >= 0, times[code % self.levels], out)
        return out

    def _no_dearer(self, logs: Numbers, stay: Codes) -> Numbers:
        """Prices of days for fewer of them where the stay would be dearer than the dearest claims: long ones are of wide ranges."""
        days = log_days()[np.clip(stay, 0, MAX_STAY)]
        allowed = np.floor(np.exp(np.clip(self._ceiling - (logs - days), 0, days)) + 1e-6)
        return np.asarray(logs - days + np.minimum(days, np.log(allowed)))


def case_over(lists: Sequence[PriceList], given: dict[str, Codes], rows: int) -> Codes:
    """The number of each claim's case, counted over all `lists`; where none has it, one more than the last.

    Claims without a case are claims like others, of which all else may be told.
    """
    out, before = np.full(rows, sum(prices.cases for prices in lists), np.int32), 0
    for prices in lists:
        case = prices.case(given, rows)
        out[case >= 0] = case[case >= 0] + before
        before += prices.cases
    return out


def most_levels(lists: Sequence[Tariff] | Sequence[Lattice]) -> int:
    """The hidden levels, and mark-ups behind them, of the list that has most."""
    return max((len(one.levels) + len(one.mark_ups) for one in lists), default=1)


class Places(NamedTuple):
    """Where each row lies on some lists, of which no two price one: its point, the code of point and hidden level, and its top-up,
    counted over all lists; -1 where it lies on none. And how many points a case has at most, and top-ups there are.
    """  # noqa: D205

    point: Codes
    code: Codes
    top_up: Codes
    points: int
    top_ups: int


def place_on_lists(lattices: Sequence[Lattice], rows: int) -> Places:
    """Where each of so many rows lies on the lists."""
    point, code, top_up = (np.full(rows, -1, np.int32) for _ in range(3))
    levels, before = most_levels(lattices), 0
    for lattice in lattices:
        on = lattice.point >= 0
        point[on] = lattice.point[on]
        level = lattice.level[on]
        if len(lattice.mark_ups):
            level = np.where(lattice.mark_up[on] > 0, len(lattice.levels) - 1 + lattice.mark_up[on], level)
        code[on] = lattice.point[on] * levels + level
        top_up[on] = np.where(lattice.top_up[on] > 0, lattice.top_up[on] + before, 0)
        if len(lattice.mark_ups):
            top_up[on & (lattice.mark_up > 0)] = -1
        before += len(lattice.top_ups)
    points = max((int(np.diff(lattice.base_start).max(initial=0)) for lattice in lattices), default=0)
    return Places(point, code, top_up, points, before)


def tariff_of(lattice: Lattice, grid: float) -> Tariff:
    """The profile's document of a tariff; `grid` is the one of all amounts."""
    points = np.diff(lattice.base_start)
    return Tariff(
        parents=lattice.case_names,
        sizes=lattice.case_sizes,
        contexts=tuple(_paths(lattice)[points > 0].ravel().tolist()),
        points=tuple(points[points > 0].tolist()),
        bases=tuple(np.round(lattice.bases, 9).tolist()),
        factors={n: tuple(np.round(logs, 9).tolist()) for n, logs in lattice.factors.items() if n != STAY},
        by_day=STAY in lattice.factors,
        levels=tuple(np.round(lattice.levels, 9).tolist()),
        top_ups=tuple(lattice.top_ups.tolist()),
        mark_ups=tuple(zip(lattice.marked_levels.tolist(), lattice.mark_ups.tolist(), strict=True)),
        ties=lattice.ties,
        rounded_at=None if lattice.rounded_at < 0 else lattice.rounded_at,
        grid=lattice.grid if lattice.grid != grid else None,
        decisive=lattice.decisive,
        periods=lattice.periods,
    )


def _paths(lattice: Lattice) -> npt.NDArray[np.int64]:
    """The codes of each case, a row each."""
    key, paths = lattice.case_keys, []
    for size in reversed(lattice.case_sizes):
        paths.append(key % size)
        key = key // size
    return np.column_stack(paths[::-1]) if paths else np.zeros((len(key), 0), np.int64)


class Locator:
    """Where logarithms lie, by the effects of single variables and the means of nested contexts."""

    def __init__(self, means: Means) -> None:
        self._effects = {name: np.array((*effect, 0.0)) for name, effect in means.effects.items()}
        self._nested = [_NestedMeans(nested) for nested in (means, *means.further)]
        self.names = tuple(dict.fromkeys((*(p for nested in self._nested for p in nested.parents), *self._effects)))

    def locate(self, given: dict[str, Codes], rows: int) -> Numbers:
        """The effects and the means of each row's deepest released contexts; `given` holds `names`."""
        out = np.zeros(rows)
        for nested in self._nested:
            out += nested.locate(given, rows)
        for name, effect in self._effects.items():
            out += effect[given[name]]
        return out


class _NestedMeans:
    """Means of nested contexts, ready to be looked up."""

    def __init__(self, nested: Nested) -> None:
        self.parents = nested.parents
        self._means = [np.array(values) for _, values in nested.levels]
        levels = [(paths, len(values)) for paths, values in nested.levels]
        self._steps = steps_of(levels, nested.sizes) if levels else []

    def locate(self, given: dict[str, Codes], rows: int) -> Numbers:
        """The mean of each row's deepest released context."""
        out = np.full(rows, self._means[0][0] if self._means else 0.0)
        context = np.zeros(rows, np.int32)
        for step, parent, means in zip(self._steps, self.parents, self._means[1:], strict=True):
            context = step.descend(context, given[parent])
            out = np.where(context >= 0, means[context], out)
        return out
