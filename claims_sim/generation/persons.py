"""Whose claims they are: made-up persons who come back, and the hospitals and episodes that go with it.

A claim's content is drawn before and is never touched here: a claim is given to a person whose earlier claims it fits,
so that every share and amount of the stream stays as it is. How often patients return is no part of a profile (it would
tell of persons), and is not published: the shares and gaps below are assumptions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.codes.hospitals import class_of
from claims_sim.generation.facilities import PLACE, draw_facilities
from claims_sim.randomness import letters, stream_key, uniforms

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
KEY_COLUMNS: Final = ("patient_id_hash", "facility_id", "episode_ref")
LOOKED_AT: Final = ("claim_id", "admit_dt", "discharge_dt", "service_type", "dx_primary_code", "procedure_code",
                    *PLACE, *KEY_COLUMNS)  # fmt: skip
"""The columns of earlier claims that are needed to find out who comes back."""
_DAY: Final = 86_400
_STEPS: Final = (0, -1, 1, -2, 2)  # from the claim that ended nearest to the wanted time
_EPISODE_DAYS: Final = 14
_SAME_EPISODE: Final = 0.5  # of the returns within these days
# Illnesses of one sex or age: such a person is not given another one's illness.
_APART: Final = ("O", "P", "Q", "N4", "N7", "N8", "C5", "C6", "Z3")


@dataclass(frozen=True, slots=True)
class Return:
    """One reason to come back: for which claims, after which, to where, how soon, and how often it is the reason.

    `shares` are of visits and of stays; `gaps` are a share of early returns and the days from and to of early and late
    ones, counted from the discharge before.
    """

    name: str
    shares: tuple[float, float]
    after: str  # any, visit or stay
    same_place: bool
    same_illness: bool
    goes_up: bool
    gaps: tuple[float, tuple[float, float], tuple[float, float]]


RETURNS: Final = (
    Return("control_visit", (0.50, 0.0), "any", True, True, False, (0.25, (1, 7), (7, 60))),
    Return("planned_stay", (0.0, 0.08), "visit", True, True, False, (0.5, (0, 5), (5, 21))),
    Return("relapse", (0.0, 0.08), "stay", True, True, False, (0.2, (1, 14), (14, 150))),
    Return("referral", (0.04, 0.08), "any", False, True, True, (0.6, (0, 5), (5, 21))),
    Return("elsewhere", (0.05, 0.06), "any", False, True, False, (0.3, (1, 7), (7, 60))),
    Return("other_illness", (0.12, 0.12), "any", False, False, False, (0.1, (1, 14), (14, 180))),
)
# Of returns that find no claim to follow a quarter go elsewhere and a quarter come for another illness (places in RETURNS).
_ELSE: Final = ((0.25, 4), (0.5, 5))
# Treatments whose rhythm is known: days between two of them.
_RHYTHMS: Final = ((("3995", "5498"), (2.0, 5.0)), (("Z511", "Z512", "9925"), (13.0, 29.0)))


@dataclass(frozen=True, slots=True)
class Known:
    """Earlier claims of the stream (LOOKED_AT), and a way to ask for all that is known of some persons.

    `of_persons` gives patient_id_hash, admit_dt and discharge_dt of their claims.
    """

    claims: pa.Table
    of_persons: Callable[[list[str]], pa.Table]

    @staticmethod
    def nobody() -> "Known":
        """The beginning of a stream."""
        nothing = pa.table({name: pa.array([], pa.timestamp("us") if name.endswith("_dt") else pa.string())
                            for name in LOOKED_AT})  # fmt: skip
        return Known(nothing, lambda _: nothing)


@dataclass(frozen=True, slots=True)
class Keys:
    """For each claim its person, hospital and episode, why the person came back ("" for a new one) and after how many days."""

    persons: npt.NDArray[Any]
    facilities: npt.NDArray[Any]
    episodes: npt.NDArray[Any]
    reasons: npt.NDArray[Any]
    days_since: Floats  # NaN for a new person

    def put_into(self, claims: pa.Table) -> pa.Table:
        """The claims with their keys."""
        for name, texts in zip(KEY_COLUMNS, (self.persons, self.facilities, self.episodes), strict=True):
            place = claims.schema.get_field_index(name)
            claims = claims.set_column(place, claims.schema.field(name), pa.array(texts.tolist(), pa.string()))
        return claims


def assign_keys(claims: pa.Table, key: int, rows: npt.NDArray[Any], known: Known) -> Keys:
    """Keys for `claims` (flat rows with times), which follow the `known` ones. `rows` count for `key`."""
    old, count = len(known.claims), len(claims)
    both = pa.concat_tables([known.claims.select(LOOKED_AT), claims.select(LOOKED_AT)])
    seen = _Seen.of(both)
    before, reason = _match(seen, key, rows, old, has_successor(known.claims))
    before, reason = _settle(both, seen, before, reason, old, known)
    facilities = np.concatenate([_texts(known.claims["facility_id"]), draw_facilities(key, rows, claims)])
    stays_there = (before >= 0) & np.isin(reason, [i for i, one in enumerate(RETURNS) if one.same_place])
    place = _first(np.where(stays_there, before, -1))
    facilities = facilities[place]
    gap = np.where(before >= 0, seen.admit - seen.discharge[before], 0)
    in_step = (
        uniforms(stream_key(key, "episode goes on"), np.concatenate([np.zeros(old, np.int64), rows])) < _SAME_EPISODE
    )
    same_illness = np.isin(reason, [i for i, one in enumerate(RETURNS) if one.same_illness])
    goes_on = (before >= 0) & same_illness & (gap <= _EPISODE_DAYS * _DAY) & in_step
    numbers = np.concatenate([np.zeros(old, np.int64), rows])
    persons = np.concatenate(
        [_texts(known.claims["patient_id_hash"]), letters(stream_key(key, "person"), rows, "P", 16)]
    )
    episodes = np.concatenate(
        [_texts(known.claims["episode_ref"]), letters(stream_key(key, "episode"), numbers[old:], "E", 16)]
    )
    names = np.array([*(one.name for one in RETURNS), ""], object)
    return Keys(
        persons[_first(before)][old:],
        facilities[old:],
        episodes[_first(np.where(goes_on, before, -1))][old:],
        names[reason[old : old + count]],
        np.where(before >= 0, gap / _DAY, np.nan)[old:],
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What matching looks at, as numbers. Times are seconds; `level` is the hospital's class, 0 the highest."""

    admit: Ints
    discharge: Ints
    is_stay: Bools
    province: Ints
    place: Ints
    illness: Ints
    level: Ints
    rhythm: Ints
    is_apart: Bools

    @staticmethod
    def of(claims: pa.Table) -> "_Seen":
        admit, discharge = (
            claims[name].to_numpy().astype("datetime64[s]").astype(np.int64) for name in ("admit_dt", "discharge_dt")
        )
        dx, procedure = _texts(claims["dx_primary_code"]), _texts(claims["procedure_code"])
        service = _texts(claims["service_type"])
        levels = {name: "ABCD".find((class_of(name or "") or "C")[0]) for name in set(_texts(claims["facility_class"]))}
        rhythm = np.full(len(claims), -1)
        for number, (codes, _) in enumerate(_RHYTHMS):
            rhythm[np.isin(dx, codes) | np.isin(procedure, codes)] = number
        places = [_numbered(_texts(claims[name])) for name in PLACE]
        place = np.zeros(len(claims), np.int64)
        for part in places:
            place = place * (part.max(initial=0) + 1) + part
        return _Seen(
            admit,
            discharge,
            np.where(service == "RJTL", False, (service == "RITL") | (discharge - admit >= _DAY)).astype(bool),
            places[0],
            _numbered(place),
            _numbered(np.array([(code or "")[:3] for code in dx], object)),
            np.array([levels[name] for name in _texts(claims["facility_class"])]),
            rhythm,
            np.array([(code or "").startswith(_APART) for code in dx], bool),
        )


def _match(seen: _Seen, key: int, rows: npt.NDArray[Any], old: int, used: Bools) -> tuple[Ints, Ints]:
    """For each claim the one that its person had before (-1: none), and the number of the reason (-1: none)."""
    total = len(seen.admit)
    before, reason = np.full(total, -1, np.int64), np.full(total, -1, np.int64)
    taken = np.concatenate([used, np.zeros(total - old, bool)])
    chance = uniforms(stream_key(key, "return"), rows)
    other = uniforms(stream_key(key, "return else"), rows)
    is_stay = seen.is_stay[old:]
    edges = np.cumsum([one.shares for one in RETURNS], axis=0)[:, is_stay.astype(np.int64)]
    wanted = (chance >= edges).sum(axis=0)
    instead = np.select([other < low for low, _ in _ELSE], [number for _, number in _ELSE], len(RETURNS))
    for number, one in enumerate(RETURNS):
        wanted[(wanted < number) & (before[old:] < 0) & (instead == number)] = number
        who = np.flatnonzero(wanted == number) + old
        gap = _gaps(one, seen.rhythm[who], stream_key(key, "gap", one.name), rows[who - old])
        found = _follow(seen, one, who, gap, taken)
        before[who], reason[who] = found, np.where(found >= 0, number, -1)
    return before, reason


def _follow(seen: _Seen, one: Return, who: Ints, gap: Floats, taken: Bools) -> Ints:
    """For each claim of `who` one that ended about `gap` seconds before, that it fits, and that nobody else follows."""
    found = np.full(len(who), -1, np.int64)
    pool = ~taken & ~(seen.is_apart & (not one.same_illness))
    pool &= {"any": np.ones(len(taken), bool), "stay": seen.is_stay, "visit": ~seen.is_stay}[one.after]
    pooled = np.flatnonzero(pool)
    if not len(pooled) or not len(who):
        return found
    group = seen.place if one.same_place else seen.province
    if one.same_illness:
        group = group * (seen.illness.max() + 1) + seen.illness
    far = np.int64(1 << 36)  # seconds; no two groups come near each other
    axis = group * far + seen.discharge
    pooled = pooled[np.argsort(axis[pooled], kind="stable")]
    ordered = axis[pooled]
    target = axis[who] - seen.discharge[who] + seen.admit[who] - gap.astype(np.int64)
    at = np.searchsorted(ordered, target)
    slack = np.maximum(0.6 * gap, 1.5 * _DAY)
    for step in _STEPS:
        place = np.clip(at + step, 0, len(pooled) - 1)
        other = pooled[place]
        away = seen.admit[who] - seen.discharge[other]
        fits = (found < 0) & (group[other] == group[who]) & (other != who) & ~taken[other] & (away >= 0)
        fits &= np.abs(away - gap) <= slack
        if one.goes_up:
            fits &= seen.level[other] > seen.level[who]
        if not one.same_illness:
            fits &= ~seen.is_apart[who]
        some = np.flatnonzero(fits)
        first = some[np.unique(other[some], return_index=True)[1]]
        found[first] = other[first]
        taken[other[first]] = True
    return found


def _gaps(one: Return, rhythm: Ints, key: int, rows: npt.NDArray[Any]) -> Floats:
    """Seconds from the discharge before to the admission."""
    early, (low, high), (late_low, late_high) = one.gaps
    spread, is_early = uniforms(key, rows, 1), uniforms(key, rows) < early
    days = np.where(is_early, low + spread * (high - low), late_low + spread**2 * (late_high - late_low))
    if one.same_place:
        for number, (_, (least, most)) in enumerate(_RHYTHMS):
            days = np.where(rhythm == number, least + spread * (most - least), days)
    return np.asarray(days * _DAY, np.float64)


def _settle(both: pa.Table, seen: _Seen, before: Ints, reason: Ints, old: int, known: Known) -> tuple[Ints, Ints]:
    """Let go of returns to persons who lie in another bed at that time: their earlier claims are asked for."""
    root = _first(before)
    asked = np.flatnonzero((np.arange(len(before)) >= old) & (root < old))
    if not len(asked):
        return before, reason
    persons = _texts(both["patient_id_hash"])[root[asked]]
    theirs = known.of_persons(sorted(set(persons.tolist())))
    busy: dict[str, list[tuple[int, int]]] = {}
    times = (
        theirs[n].to_numpy().astype("datetime64[s]").astype(np.int64).tolist() for n in ("admit_dt", "discharge_dt")
    )
    for person, begin, end in zip(theirs["patient_id_hash"].to_pylist(), *times, strict=True):
        busy.setdefault(person, []).append((begin, end))
    before, reason = before.copy(), reason.copy()
    for i, person in zip(asked.tolist(), persons, strict=True):
        begin, end = int(seen.admit[i]), int(seen.discharge[i])
        if any(begin < until and since < end for since, until in busy.get(person, ())):
            before[i] = reason[i] = -1
    return before, reason


def has_successor(claims: pa.Table) -> Bools:
    """Of earlier claims: those that are not their person's last one, and those without a person."""
    persons, discharge = _texts(claims["patient_id_hash"]), claims["discharge_dt"].to_numpy()
    last: dict[str, int] = {}
    for i in np.argsort(discharge, kind="stable").tolist():
        last[persons[i]] = i
    return np.array([person is None or last[person] != i for i, person in enumerate(persons)], bool)


def _first(before: Ints) -> Ints:
    """The beginning of each claim's chain."""
    place = np.where(before >= 0, before, np.arange(len(before)))
    while True:
        further = place[place]
        if (further == place).all():
            return place
        place = further


def _texts(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    return np.array(column.to_pylist(), object)


def _numbered(values: npt.NDArray[Any]) -> Ints:
    if values.dtype == object:
        values = np.array([value or "" for value in values], object).astype(str)
    return np.asarray(np.unique(values, return_inverse=True)[1], np.int64)
