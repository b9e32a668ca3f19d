"""What moved from one profile to another: rows, and each column's distribution. Compares two documents; opens nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.companions import FIRST_MEMBER, MEMBER
from claims_sim.profile.counts.telling import about
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import Bins, Table
from claims_sim.profile.fitting.calendar import MIDNIGHT

_NUMBERED: Final = ("secondary_count", "admit_weekday", "admit_hour", "discharge_hour")
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LISTED: Final = {MEMBER: "dx_secondary_codes", FIRST_MEMBER: "dx_secondary_codes"}
_ROUNDING_VARIANCE: Final = 1 / 6
"""Of a count that is rounded to a whole unit up or down without bias, averaged over where it lies."""
Shares = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Mover:
    """A value and its share of the claims, then and now."""

    value: str
    then: float
    now: float


@dataclass(frozen=True, slots=True)
class FieldMovement:
    """How far a column's distribution moved: total variation (0 to 1), and what rounding alone would show as movement."""

    name: str
    distance: float
    rounding: float
    movers: tuple[Mover, ...]
    appeared: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Movement:
    """From one profile to another; fields that moved furthest come first."""

    then_hash: str
    now_hash: str
    then_at: datetime
    now_at: datetime
    rows_then: int
    rows_now: int
    period_then: tuple[str, str]
    period_now: tuple[str, str]
    fields: tuple[FieldMovement, ...]
    only_then: tuple[str, ...]
    only_now: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """The movement in one line."""
        if self.then_hash == self.now_hash:
            return "nothing moved: the profiles are the same"
        change = (self.rows_now - self.rows_then) / max(self.rows_then, 1)
        rows = f"{about(self.rows_then)} claims then, {about(self.rows_now)} now ({change:+.1%})"
        moved = [f for f in self.fields if f.distance > 2 * f.rounding]
        if not moved:
            return f"{rows}; no column moved further than rounding explains"
        return f"{rows}; moved most: " + ", ".join(f"{f.name} {f.distance:.3f}" for f in moved[:3])


def compare_profiles(then: Profile, now: Profile, movers: int = 5) -> Movement:
    """What moved from `then` to `now`, with the `movers` values of each column whose shares changed most."""
    before, after = _columns(then), _columns(now)
    fields = [_field(name, before[name], after[name], movers) for name in before if name in after]
    return Movement(
        then_hash=then.profile_hash,
        now_hash=now.profile_hash,
        then_at=then.created_at,
        now_at=now.created_at,
        rows_then=then.rows,
        rows_now=now.rows,
        period_then=then.period,
        period_now=now.period,
        fields=tuple(sorted(fields, key=lambda field: -field.distance)),
        only_then=tuple(sorted(before.keys() - after.keys())),
        only_now=tuple(sorted(after.keys() - before.keys())),
    )


@dataclass(frozen=True, slots=True)
class _Column:
    """A column's units and cells for each of its values or ranges."""

    units: npt.NDArray[np.int64]
    cells: npt.NDArray[np.int64]
    values: tuple[str, ...] | Bins


def _columns(profile: Profile) -> dict[str, _Column]:
    found: dict[str, _Column] = {}
    for name, table in profile.tables.items():
        column = _LISTED.get(name, name)
        values: tuple[str, ...] | Bins
        if column in profile.vocabularies:
            values = tuple("(none)" if value is None else value for value in profile.vocabularies[column])
        elif column in _NUMBERED:
            values = _WEEKDAYS if column == "admit_weekday" else tuple(str(i) for i in range(table.size))
            if column.endswith("_hour"):
                values = (*values[:MIDNIGHT], *("0:00 sharp" for _ in values[MIDNIGHT:]))
        elif column in profile.bins and column not in ("paid", "amount_residual"):
            values = profile.bins[column]
        else:
            continue
        units, cells = table.marginal(), _cells(table)
        if column in found:
            units, cells = units + found[column].units, cells + found[column].cells
        found[column] = _Column(units, cells, values)
    return found


def _cells(table: Table) -> npt.NDArray[np.int64]:
    values = np.concatenate([np.array(level.values, np.int64) for level in table.levels])
    return np.bincount(values[values >= 0], minlength=table.size)


def _field(name: str, then: _Column, now: _Column, movers: int) -> FieldMovement:
    before, after = _shares(then), _shares(now)
    if isinstance(then.values, Bins) and isinstance(now.values, Bins):
        before, after = _on_common_ranges(then.values, before, now.values, after)
    names = list(dict.fromkeys((*before, *after)))
    change = {value: after.get(value, 0.0) - before.get(value, 0.0) for value in names}
    furthest = sorted(names, key=lambda value: -abs(change[value]))[:movers]
    is_listed = not isinstance(now.values, Bins)
    return FieldMovement(
        name=name,
        distance=sum(abs(moved) for moved in change.values()) / 2,
        rounding=(_rounding(then) + _rounding(now)) / 2,
        movers=tuple(Mover(v, before.get(v, 0.0), after.get(v, 0.0)) for v in furthest if change[v]),
        appeared=tuple(v for v in after if v not in before) if is_listed else (),
        gone=tuple(v for v in before if v not in after) if is_listed else (),
    )


def _rounding(column: _Column) -> float:
    """The total variation that rounding to units explains: the mean of a normal's size is 0.8 standard deviations."""
    total = max(int(column.units.sum()), 1)
    return float(0.8 * np.sqrt(column.cells * _ROUNDING_VARIANCE).sum() / total / 2)


def _shares(column: _Column) -> dict[str, float]:
    total = max(int(column.units.sum()), 1)
    values = column.values
    names = [f"{i}" for i in range(len(values.lo))] if isinstance(values, Bins) else list(values)
    return {name: int(units) / total for name, units in zip(names, column.units, strict=True)}


def _on_common_ranges(
    then: Bins, before: Shares, now: Bins, after: Shares
) -> tuple[dict[str, float], dict[str, float]]:
    """Both distributions on the ranges that all edges make together; a range's share is spread evenly within it."""
    step = 1.0 if then.whole and now.whole else 0.0
    edges = np.unique([*then.lo, *now.lo, *(hi + step for bins in (then, now) for hi in bins.hi)])
    points = sorted(
        {lo for bins in (then, now) for lo, hi in zip(bins.lo, bins.hi, strict=True) if lo == hi and not step}
    )

    def spread(bins: Bins, shares: Shares) -> dict[str, float]:
        out = np.zeros(max(len(edges) - 1, 0))
        single = dict.fromkeys(points, 0.0)
        for lo, hi, share in zip(bins.lo, bins.hi, shares.values(), strict=True):
            if lo == hi and not step:
                single[lo] += share
                continue
            first, last = np.searchsorted(edges, [lo, hi + step])
            width = np.diff(edges[first : last + 1])
            out[first:last] += share * width / width.sum()
        named = {_range(edges[i], edges[i + 1] - step): float(share) for i, share in enumerate(out)}
        return named | {f"{value:,.10g}": share for value, share in single.items()}

    return spread(then, before), spread(now, after)


def _range(lo: float, hi: float) -> str:
    return f"{lo:,.10g}" if lo == hi else f"{lo:,.10g}–{hi:,.10g}"
