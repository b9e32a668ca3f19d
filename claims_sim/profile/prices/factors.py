"""Find the factors of a tariff: variables whose values multiply every amount alike.

Pairs of rows that differ in one variable alone are compared; where their ratios recur exactly, case after case, the
variable is a factor. Sees codes and amounts only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.encoding.directory import is_attribute
from claims_sim.profile.encoding.encode import MONTH, Encoded
from claims_sim.profile.prices.claim_pairs import LEAST_CHANGE, alike, equal_pairs, equal_when_moved
from claims_sim.profile.prices.ratios import factor_by_ratios

FACTOR_CANDIDATES: Final = ("facility_type", "facility_ownership", "facility_class", "severity_group", "province_name")
CASE_ALWAYS: Final = ("service_type", "dx_primary_code")
CONDITIONS: Final = ("procedure_code",)
_NEARLY_ALL: Final = 0.97
"""A variable with one value in so many rows seems to follow from any other."""
_CLEARLY_OFTENER: Final = 1.5
"""How many times as often prices of other months must be equal without a rise, for it to be one of all."""
MAX_CASE_SIZE: Final = 12
"""With more values a variable is no part of a case: hardly any price would be borne by enough."""
_TIME: Final = "price_time"
_QUARTER: Final = 3
_MANY_ROWS: Final = 15_000
"""With fewer rows a ratio recurs by chance among those that agree in less."""
_AS_OFTEN: Final = 0.95
"""So large a share of the pairs that agree in more, and those that agree in less have equal amounts as often."""
NOTHING_KNOWN: Final[Mapping[str, Numbers]] = MappingProxyType({})


class Way(NamedTuple):
    """How factors are sought: comparing claims of one quarter of a year alone, where prices change and each in its own way; and some
    variables being part of the case, where what they multiply by is another of each kind of case.
    """  # noqa: D205

    at_one_time: bool = False
    in_case: tuple[str, ...] = ()


PLAINLY: Final = Way()


def global_factors(
    encoded: Encoded,
    logs: Numbers,
    tolerance: Numbers,
    usable: Mask,
    known: Mapping[str, Numbers] = NOTHING_KNOWN,
    way: Way = PLAINLY,
) -> tuple[dict[str, Numbers], list[str]]:
    """Variables whose every value multiplies the amount alike in all cases; and those that are part of the case.

    NaN stands for what a value multiplies by that no pairs link to others. Factors that are `known` already are not sought again.
    """
    names = [n for n in FACTOR_CANDIDATES if n in encoded.codes and len(encoded.vocabularies[n]) > 1]
    others = what_decides(encoded, names, logs, tolerance, usable)
    factors = dict(known)
    rest, open_ = logs.copy(), list[str](name for name in names if name not in known and name not in way.in_case)
    for name, found in known.items():
        rest -= np.append(found, 0.0)[encoded.codes[name]]
    # Months come first: they are no part of a case, and would thin out the comparisons of all others.
    if MONTH not in known and len(encoded.vocabularies.get(MONTH, ())) > 1:
        rise = _factor_of(encoded, MONTH, [*names, *others], rest, tolerance, usable)
        if rise is not None and np.nanmax(np.abs(rise)) > LEAST_CHANGE:
            without = rest - np.append(np.nan_to_num(rise), 0.0)[encoded.codes[MONTH]]
            valid = np.flatnonzero(usable)
            key = alike(encoded, [*names, *others], valid)
            before, after, *_ = equal_when_moved(key, logs[valid], without[valid], tolerance[valid])
            # Where some prices rise and others do not, there is no rise of all, though some ratio is the commonest one.
            if after > _CLEARLY_OFTENER * before:
                factors[MONTH], rest = rise, without
    if way.at_one_time:
        encoded, others = _at_one_time(encoded, others)
    parts = _parts(encoded, names, usable)
    # A factor that is found leaves the key of the next ones, whose comparisons then become denser: go round twice.
    for _ in range(2):
        for name in list(open_):
            if any((name, other) in parts for other in factors):
                open_.remove(name)
                continue
            # Rows that differ in a class and its owner differ in the class.
            key_names: list[str] = [n for n in names if n != name and n not in factors and (n, name) not in parts]
            factor = _shown_factor(encoded, name, key_names, others, (rest, tolerance), usable)
            if factor is None:
                continue
            factors[name] = factor
            rest = rest - np.append(np.nan_to_num(factor), 0.0)[encoded.codes[name]]
            open_.remove(name)
    failed = [n for n in (*open_, *way.in_case) if len(encoded.vocabularies[n]) <= MAX_CASE_SIZE]
    return factors, failed


def _at_one_time(encoded: Encoded, others: list[str]) -> tuple[Encoded, list[str]]:
    """With the quarter of the year among what makes rows alike."""
    months = encoded.codes[MONTH]
    quarter: Codes = np.where(months >= 0, months // _QUARTER, -1).astype(np.int32)
    quarters = tuple(str(n) for n in range(int(quarter.max(initial=0)) + 1))
    timed = replace(
        encoded,
        codes=encoded.codes | {_TIME: quarter},
        vocabularies=encoded.vocabularies | {_TIME: quarters},
    )
    return timed, [*others, _TIME]


def _shown_factor(
    encoded: Encoded,
    name: str,
    places: Sequence[str],
    others: Sequence[str],
    amounts: tuple[Numbers, Numbers],
    usable: Mask,
) -> Numbers | None:
    """The factor of a variable by rows that agree in all other `places` and in `others`; or in less, of many rows, or in the diagnosis."""
    factor = _factor_of(encoded, name, [*places, *others], *amounts, usable)
    if factor is not None or int(usable.sum()) < _MANY_ROWS:
        return factor
    # What was done may leave too few that are alike; where it does not matter, more of them are.
    fewer = [*places, *(n for n in others if n not in CONDITIONS)]
    factor = _factor_of(encoded, name, fewer, *amounts, usable)
    if factor is None and "dx_primary_code" not in others:
        # By a few operations alone each place is compared a few times: diagnoses make more of it.
        factor = _factor_of(encoded, name, [*fewer, "dx_primary_code"], *amounts, usable)
    return factor


def multiplies_too(
    encoded: Encoded, others: Mapping[str, Numbers], left: Numbers, tolerance: Numbers, rows: Ints
) -> list[str]:
    """Those of the `others`, factors of other claims, without which `rows` that are alike in all else have equal amounts less often;
    `left` are their logarithms without the factors that they are known to have.
    """  # noqa: D205
    told = [name for name in (*CASE_ALWAYS, *CONDITIONS, *FACTOR_CANDIDATES) if name in encoded.codes]
    found = []
    for name, factor in others.items():
        key = alike(encoded, [one for one in told if one != name], rows)
        without = left - np.append(factor, 0.0)[encoded.codes[name][rows]]
        moved = equal_when_moved(key, left, without, tolerance)
        if moved.after > moved.before:
            found.append(name)
    return found


def what_decides(encoded: Encoded, names: Sequence[str], logs: Numbers, tolerance: Numbers, usable: Mask) -> list[str]:
    """What makes a case, beside its place and severity: a diagnosis and what was done, or what was done alone where rows that agree in
    it have equal amounts as often, whatever the diagnosis. Of these there are more to be compared.
    """  # noqa: D205
    others: list[str] = [n for n in (*CASE_ALWAYS, *CONDITIONS) if n in encoded.codes]
    without: list[str] = [n for n in others if n != "dx_primary_code"]
    rows = np.flatnonzero(usable)
    if not {*others} >= {*CONDITIONS, "dx_primary_code"} or _mostly_nothing(encoded, *CONDITIONS, rows):
        return others
    both, done = (
        equal_pairs(alike(encoded, [*names, *some], rows), logs[rows], tolerance[rows]) for some in (others, without)
    )
    return without if done > _AS_OFTEN * both else others


def _mostly_nothing(encoded: Encoded, name: str, rows: Ints) -> bool:
    """Have most of `rows` no value there?"""
    values = encoded.vocabularies[name]
    if None not in values:
        return False
    return 2 * int(np.count_nonzero(encoded.codes[name][rows] == values.index(None))) > len(rows)


def _parts(encoded: Encoded, names: Sequence[str], usable: Mask) -> set[tuple[str, str]]:
    """Pairs of variables of which the first says but a part of what the second does: a class, beside a class and its owner."""
    found = set()
    for one in names:
        for other in names:
            rows = np.flatnonzero(usable & (encoded.codes[one] >= 0) & (encoded.codes[other] >= 0))
            part, whole = encoded.codes[one][rows], encoded.codes[other][rows]
            if one == other or not len(rows) or np.bincount(part).max() > _NEARLY_ALL * len(rows):
                continue
            if is_attribute(part, whole.astype(np.int64) + 1):
                found.add((one, other))
    return found


def _factor_of(
    encoded: Encoded, name: str, key_names: Sequence[str], rest: Numbers, tolerance: Numbers, usable: Mask
) -> Numbers | None:
    """The factor of a variable by rows that agree in all of `key_names`."""
    valid = np.flatnonzero(usable & (encoded.codes[name] >= 0))
    if not len(valid):
        return None
    key = alike(encoded, key_names, valid)
    return factor_by_ratios(
        key, encoded.codes[name][valid], len(encoded.vocabularies[name]), rest[valid], tolerance[valid]
    )
