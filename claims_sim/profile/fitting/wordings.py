"""Which names of different codes go together, because the same houses write them in the same half-years: a list's older edition and its
newer one, official names and short ones. Finds these wordings and adds them to a profile as variables.
"""  # noqa: D205

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import UNTOLD, Ints, Mask, dense_ids
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.counts.structure import sample_rows
from claims_sim.profile.document_parts import PROCEDURE_NAME, Feature
from claims_sim.profile.encoding.encode import MONTH, Encoded
from claims_sim.randomness import stream_key, uniforms

DX_WORDING: Final = "dx_wording"
PROCEDURE_WORDING: Final = "procedure_wording"
"""Of which wording the name of a claim's diagnosis, or procedure, is; the last value: its code has one name, or it has none."""
WORDINGS: Final = {
    "dx_primary_label": DX_WORDING, "procedure_label": PROCEDURE_WORDING, PROCEDURE_NAME: PROCEDURE_WORDING,
}  # fmt: skip
"""Of the columns of names; procedures have theirs in one of two."""
_MOST: Final = 4
_ENOUGH: Final = 500  # claims of codes with several names: fewer do not show what goes together
_TELLS: Final = 0.03
"""Log likelihood a name that another wording must be worth."""
_STARTS, _TRIED, _ROUNDS = 4, 6, 25
"""So many beginnings are followed for a few rounds, and the likeliest for more."""
_SAME: Final = 1.0  # names as which a house's own habits are believed
_HALF_YEAR: Final = 6

Reals = npt.NDArray[np.float64]


def wording_of(name: str) -> str:
    """What the profile calls the wording of each value of the column `name`."""
    return f"{name}~wording"


def add_wording(
    builder: Builder, encoded: Encoded, variable: str, label: str, code: str, candidates: Sequence[Parent]
) -> None:
    """Add the wording of the names in `label` of the codes in `code`, as `variable`, where names are of several."""
    found = find_wordings(encoded, label, code, [parent.name for parent in candidates])
    if found is None:
        return
    groups, wordings = found
    codes = np.array([*groups, wordings], np.int32)[encoded.codes[label]]
    builder.features[wording_of(label)] = Feature(variable=label, size=wordings + 1, groups=groups)
    target = Target(variable, np.where(codes < wordings, codes, np.int32(-1)), wordings)
    has, told = _wordings_of_codes(encoded, code, target)
    # One that may not be told of its code says nothing: of others like it, whose it is, there would be more than of any.
    target = target._replace(codes=np.where(told, target.codes, np.int32(-1)))
    size = max(has) + 1
    of_code = Parent(f"{code}~{variable}~{size}", np.array([*has, -1], np.int32)[encoded.codes[code]], size)
    builder.features[of_code.name] = Feature(variable=code, size=size, groups=has)
    builder.add(target, candidates, learned=[of_code, *builder.learn(target, candidates)])
    builder.variables[variable] = (codes, wordings + 1)


def _wordings_of_codes(encoded: Encoded, code: str, wording: Target) -> tuple[tuple[int, ...], Mask]:
    """A number for each code: those with names of the same wordings, as far as these may be told of them, have the same; and the claims
    of whose code theirs may be told.
    """  # noqa: D205
    codes = len(encoded.vocabularies[code])
    known = np.flatnonzero((encoded.codes[code] >= 0) & (wording.codes >= 0))
    cells = encoded.codes[code][known].astype(np.int64) * wording.size + wording.codes[known]
    told = encoded.population.releasable(cells, codes * wording.size, known).reshape(codes, wording.size)
    numbers, _ = dense_ids(told @ (1 << np.arange(wording.size)))
    shown = np.zeros(encoded.rows, np.bool_)
    shown[known] = told.ravel()[cells]
    return tuple(numbers.tolist()), shown


def find_wordings(encoded: Encoded, label: str, code: str, place: Sequence[str]) -> tuple[tuple[int, ...], int] | None:
    """The wording of each value of `label`, and how many wordings there are, which is that of values that stand with no code of several
    names and of none. None where no wordings tell clearly more of the names than their codes alone.

    Each person counts once in a house's half-year. Without a key of houses those are claims that are alike in what `place` names.
    """  # noqa: D205
    sizes = len(encoded.vocabularies[label]), len(encoded.vocabularies[code])
    rows = np.flatnonzero(
        stand_for_several(encoded, label, code) & _has_value(encoded, label) & _has_value(encoded, code)
    )
    rows = rows[sample_rows(len(rows))]
    if len(rows) < _ENOUGH:
        return None
    house = _houses(encoded, place, rows)
    names = encoded.codes[label][rows].astype(np.int64)
    owners = encoded.codes[code][rows].astype(np.int64)
    pair, distinct = dense_ids(owners * sizes[0] + names)
    # A name may stand with several codes: it is of the wording that most of its claims are of.
    counted = _Counted.of(house, pair, distinct // sizes[0], encoded, rows)
    found = None
    for wordings, shares, of_house in _likelier_and_likelier(counted):
        # Of which wording a claim's house is must be told of every wording: none is one house's own, or few persons'.
        if not encoded.population.releasable(of_house.argmax(1)[house], wordings, rows).all():
            break
        found = wordings, shares
    if found is None:
        return None
    wordings, shares = found
    # A name is of the wording in which most who name its code name it so.
    claims = np.bincount(pair, minlength=len(distinct))
    weight = np.zeros((sizes[0], wordings))
    np.add.at(weight, distinct % sizes[0], shares / shares.sum(1, keepdims=True) * claims[:, None])
    groups = np.where(weight.any(1), weight.argmax(1), wordings)
    if len({*groups.tolist()} - {wordings}) == 1:
        return None
    return _in_order_of_names(groups, wordings), wordings


def _in_order_of_names(groups: Ints, wordings: int) -> tuple[int, ...]:
    """The same groups, numbered as they come in the order of the names."""
    place = {
        group: number
        for number, group in enumerate(dict.fromkeys(group for group in groups.tolist() if group < wordings))
    }
    return tuple(place.get(group, wordings) for group in groups.tolist())


def stand_for_several(encoded: Encoded, label: str, code: str) -> Mask:
    """The claims of codes that have two labels or more that may be told of them."""
    size, labels = len(encoded.vocabularies[code]), len(encoded.vocabularies[label])
    known = np.flatnonzero((encoded.codes[code] >= 0) & _has_value(encoded, label))
    pair = encoded.codes[code][known].astype(np.int64) * labels + encoded.codes[label][known]
    told = encoded.population.releasable(pair, size * labels, known).reshape(size, labels).sum(1)
    return np.append(told > 1, False)[encoded.codes[code]]


def _has_value(encoded: Encoded, name: str) -> Mask:
    return np.array([*(value is not None for value in encoded.vocabularies[name]), False])[encoded.codes[name]]


def _houses(encoded: Encoded, place: Sequence[str], rows: Ints) -> Ints:
    """The house and half-year of each of the rows."""
    house, facilities = np.zeros(len(rows), np.int64), encoded.population.facilities
    for name in (name for name in place if name in encoded.codes):
        house, _ = dense_ids(house * (len(encoded.vocabularies[name]) + 1) + encoded.codes[name][rows] + 1)
    if facilities is not None:
        own = facilities[rows]
        house, _ = dense_ids(np.where(own == UNTOLD, house, house.max(initial=0) + 1 + own))
    if MONTH in encoded.codes:
        half = encoded.codes[MONTH][rows].astype(np.int64) // _HALF_YEAR + 1
        house, _ = dense_ids(house * (int(half.max(initial=0)) + 1) + half)
    return house


class _Counted(NamedTuple):
    """How many persons have a name (of a code) in a house: numbers of houses and of names, counts; and the code of each name."""

    house: Ints
    name: Ints
    persons: Reals
    code: Ints

    @classmethod
    def of(cls, house: Ints, name: Ints, code: Ints, encoded: Encoded, rows: Ints) -> "_Counted":
        """Count the `name` of each of the rows in its `house`; `code` is that of each name."""
        cells, distinct = dense_ids(house * len(code) + name)
        persons = np.arange(len(rows)) if encoded.population.persons is None else encoded.population.persons[rows]
        once, _ = dense_ids(cells * (int(persons.max(initial=0)) + 1) + persons)
        first = np.unique(once, return_index=True)[1]
        counts = np.bincount(cells[first], minlength=len(distinct)).astype(np.float64)
        return cls(distinct // len(code), distinct % len(code), counts, code)

    @property
    def houses(self) -> int:
        """How many houses there are."""
        return int(self.house.max()) + 1

    def share_in_code(self, counts: Reals, prior: Reals) -> Reals:
        """Of each name the share of its code's `counts`, beside so many more as `prior` says."""
        codes = int(self.code.max()) + 1
        weight = counts + prior
        return weight / np.bincount(self.code, weight, codes)[self.code]


def _likelier_and_likelier(counted: _Counted) -> Iterator[tuple[int, Reals, Reals]]:
    """More and more wordings, as long as one more makes the names clearly likelier: how many, each name's share of its code in each, and
    how surely each house is of each.
    """  # noqa: D205
    names = len(counted.code)
    usual = counted.share_in_code(np.bincount(counted.name, counted.persons, names).astype(np.float64), np.zeros(names))
    before = float((counted.persons * np.log(usual[counted.name])).sum())
    free = names - len(np.unique(counted.code))
    whole = float(counted.persons.sum())
    for wordings in range(2, _MOST + 1):
        begun = (_rounds(counted, usual, _begin(counted, usual, wordings, start), _TRIED) for start in range(_STARTS))
        best = max(begun, key=lambda mixture: mixture.likely)
        best = _rounds(counted, usual, best, _ROUNDS)
        if best.likely - before < max(_TELLS * whole, free * np.log(whole) / 2):
            return
        before = best.likely
        yield wordings, best.shares, best.of_house


class _Mixture(NamedTuple):
    """Houses, each of one wording: the log likelihood; each name's share of its code in each wording; the share of the houses that are of
    each; and how surely each house is.
    """  # noqa: D205

    likely: float
    shares: Reals
    sizes: Reals
    of_house: Reals


def _begin(counted: _Counted, usual: Reals, wordings: int, start: int) -> _Mixture:
    """Each name is commoner in one wording by chance, whatever the houses' keys are."""
    key = stream_key("wordings", wordings, start)
    tilted = [usual * np.exp(uniforms(key, np.arange(len(usual)), lane)) for lane in range(wordings)]
    shares = np.column_stack([counted.share_in_code(one, np.zeros(len(usual))) for one in tilted])
    return _Mixture(-np.inf, shares, np.full(wordings, 1 / wordings), np.zeros((counted.houses, wordings)))


def _rounds(counted: _Counted, usual: Reals, begun: _Mixture, rounds: int) -> _Mixture:
    """Expectation and maximisation."""
    likely, shares, sizes, of_house = begun
    for _ in range(rounds):
        logs = counted.persons[:, None] * np.log(shares)[counted.name]
        said = np.column_stack([np.bincount(counted.house, own, counted.houses) for own in logs.T])
        of_house = said.astype(np.float64) + np.log(sizes)
        most = of_house.max(1, keepdims=True)
        of_house = np.exp(of_house - most)
        whole = of_house.sum(1, keepdims=True)
        likely = float((most + np.log(whole)).sum())
        of_house = np.asarray(of_house / whole, np.float64)
        shares, sizes = _names_given(counted, usual, of_house)
    return _Mixture(likely, shares, sizes, of_house)


def _names_given(counted: _Counted, usual: Reals, of_house: Reals) -> tuple[Reals, Reals]:
    shares = np.column_stack([
        counted.share_in_code(
            np.bincount(counted.name, counted.persons * own[counted.house], len(usual)).astype(np.float64), _SAME * usual
        )
        for own in of_house.T
    ])  # fmt: skip
    return shares, np.maximum(of_house.mean(0), 1e-9)
