"""Which ways of several columns a source's houses, or its claims, have together, and where: who writes codes without dots writes labels in
capitals, too, and is in the east.
"""  # noqa: D205

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from claims_sim.profile.counts.counting import MIN_FACILITIES, claims_needed
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import canonical_expression, key_expression
from claims_sim.profile.texts.admit import NAMES_OF
from claims_sim.profile.writing.ways_written import ENOUGH, HOUSE, PLACE_OF_HOUSES, Ways, share_alike, shares_of

Key = tuple[str, str]
"""What is written in several ways, and the column."""
Way = str | None
Together = tuple[Way, ...]
"""The ways of each column; None where there is nothing to be seen of one."""
Place = tuple[str | None, ...]
"""The values of the columns by which ways are told; of the first of them alone, or of none."""
_MOST_TOGETHER: Final = 50
_MOST_PLACES: Final = 100
_MOST_COLUMNS: Final = 2
_TELLS: Final = 0.02
"""So many more of the pairs of cells of a column, or of several, must be written alike where a further column tells them apart."""
_OF_HOUSES: Final = 0.5
"""So many of the pairs of cells that are written otherwise are so in one house, too, and it is not the houses that differ."""
_OFTEN: Final = 0.1
"""Of a smaller share of the claims too few show with which other ways a column's go."""
_ROUNDS: Final = 10
_MOST_OF, _NEARLY_ALL = 0.9, 0.9
_UNSEEN: Final = "no way is seen"
_PERSON: Final = "patient_id_hash"


class _Seen(NamedTuple):
    """Claims that are alike: their house (None: nobody's), their place, the ways of their cells, and how many they are."""

    house: str | None
    place: Place
    together: Together
    claims: int


def ways_together(
    opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping, ways: Mapping[Key, Ways], k: int
) -> dict[Key, Ways]:
    """The same ways, those that houses keep and those that claims have by themselves each drawn together, by the columns that tell most.

    Houses that change theirs in some month are left as they are, and so is what a column tells better by itself. A place's ways are
    told of `k` persons and three of its houses, none of them with nearly all of its claims.
    """
    source = _Source(opened, located, mapping, k)
    several = {
        key: one
        for key, one in ways.items()
        if one.cells is not None and len(one.shares) > 1 and source.share_seen(one) >= _OFTEN
    }
    kept = {key: one for key, one in several.items() if one.by == HOUSE and not one.of}
    seen = source.seen(list(kept.values()), [])
    # A way that few cells have by chance, or by something else than their house, is no house's.
    of_houses = {key: one for column, (key, one) in enumerate(kept.items()) if _tell_houses(seen, column)}
    of_claims = {key: one for key, one in several.items() if key not in of_houses and not (one.by == HOUSE and one.of)}
    found = dict(ways)
    if of_houses:
        found |= _together(source, of_houses, by_house=True)
    while len(of_claims) > 1:
        together = _together(source, of_claims, by_house=False)
        worse = {key for key, one in of_claims.items() if source.tells_better(one, together[key])}
        if not worse:
            found |= together
            break
        of_claims = {key: one for key, one in of_claims.items() if key not in worse}
    return found


class _Source(NamedTuple):
    """A source whose claims are looked at."""

    opened: OpenSource
    located: Mapping[str, Located]
    mapping: ColumnMapping
    k: int

    def seen(self, ways: Sequence[Ways], columns: Sequence[str]) -> list[_Seen]:
        """The claims as they are written, with the `columns` as their place."""
        if not ways:
            return []
        written = [f"CASE WHEN {_where(one)} THEN coalesce({_way(one)}, '') ELSE '{_UNSEEN}' END" for one in ways]
        shown = ", ".join([f"CAST({self._key(HOUSE)} AS VARCHAR)", *self._places(columns), *written])
        rows = self.opened.connection.execute(
            f"SELECT {shown}, count(*) FROM {self.opened.relation} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        told, width = [{way for way, _ in one.shares} for one in ways], len(columns)
        return [
            _Seen(
                house,
                tuple(values[:width]),
                tuple(way if way in those else None for way, those in zip(values[width:], told, strict=True)),
                claims,
            )
            for house, *values, claims in rows
        ]

    def share_seen(self, ways: Ways) -> float:
        """Of which share of the claims a way is seen."""
        ((share,),) = self.opened.connection.execute(
            f"SELECT avg(CAST(coalesce({_where(ways)}, false) AS INTEGER)) FROM {self.opened.relation}"
        ).fetchall()
        return float(share or 0)

    def may_be_told(self, ways: Sequence[Ways], columns: Sequence[str]) -> set[Place]:
        """The places with claims of which a way is seen that are of enough persons, or as many as stand for them without a key; and of
        three houses where houses have keys.
        """  # noqa: D205
        person, house = self._key(_PERSON), self._key(HOUSE)
        several = f"count(DISTINCT {person}) >= {self.k}" if _PERSON in self.located else "true"
        spread = f"count(DISTINCT {house}) >= {MIN_FACILITIES}" if HOUSE in self.located else "true"
        enough = max(ENOUGH, claims_needed(self.k))
        is_seen = " OR ".join(f"({_where(one)})" for one in ways)
        rows = self.opened.connection.execute(
            f"SELECT {', '.join(self._places(columns))} FROM {self.opened.relation} WHERE {is_seen} GROUP BY ALL "
            f"HAVING count(*) >= {enough} AND {several} AND {spread}"
        ).fetchall()
        return set(rows)

    def tells_better(self, own: Ways, together: Ways) -> bool:
        """Do the values of a way's own column tell more of it than the places do that it is told of together with others?"""
        if not own.of or not own.by:
            return False
        seen = self.seen([own], [own.by, *together.places])
        by_itself = [one.place[:1] for one in seen]
        by_place = [
            next((place for n in range(len(one.place), 1, -1) if (place := one.place[1:n]) in together.at), ())
            for one in seen
        ]
        return _alike(seen, by_itself, 0) > _alike(seen, by_place, 0) + _TELLS

    def _key(self, name: str) -> str:
        return key_expression(self.located[name]) if name in self.located else "NULL"

    def _places(self, columns: Sequence[str]) -> list[str]:
        return [
            canonical_expression(name, self.located[name], self.located, self.mapping, self.opened.relation)
            for name in columns
        ]


def _where(ways: Ways) -> str:
    assert ways.cells is not None  # noqa: S101 - the caller has looked
    return ways.cells.where


def _way(ways: Ways) -> str:
    assert ways.cells is not None  # noqa: S101 - the caller has looked
    return ways.cells.way


def _together(source: _Source, ways: Mapping[Key, Ways], *, by_house: bool) -> dict[Key, Ways]:
    written = {one.cells.name for one in ways.values() if one.cells is not None}
    columns = [
        name
        for name, column in source.located.items()
        if column.kind == "text" and name not in (*NAMES_OF, *written) and (name in PLACE_OF_HOUSES or not by_house)
    ]
    seen = source.seen(list(ways.values()), columns)
    if by_house:
        seen = _as_houses_do(seen, len(ways))
    every = _by_ways(seen)
    complete = {one: claims for one, claims in every.items() if None not in one}
    common = sorted(complete.items(), key=lambda told: (-told[1], told[0]))[:_MOST_TOGETHER]
    whole = {one: claims for one, claims in common if claims >= ENOUGH}
    if sum(whole.values()) < _NEARLY_ALL * sum(complete.values()) or not whole:
        # Ways that have nothing to do with each other come in too many combinations.
        return dict(ways)
    left_out = _left_out(seen, list(ways.values()), whole)
    whole = _completed(every, whole)
    by, of = _by_place(source, list(ways.values()), seen, columns, whole)
    if not by and len(ways) == 1:
        return dict(ways)
    at = {place: list(_with_rare(own, left_out).items()) for place, own in of.items()}
    return {
        key: replace(
            one,
            by=HOUSE if by_house else "",
            of={},
            places=by,
            at={
                place: shares_of([(together[column], claims) for together, claims in own]) for place, own in at.items()
            },
        )
        for column, (key, one) in enumerate(ways.items())
    }


def _left_out(seen: Sequence[_Seen], ways: Sequence[Ways], whole: Mapping[Together, float]) -> dict[Together, float]:
    """Ways that are in none of those of the `whole`, each beside what is commonest in the other columns; and their shares."""
    commonest, found = max(whole, key=lambda together: whole[together]), {}
    for column, one in enumerate(ways):
        for way, _ in one.shares:
            if all(together[column] != way for together in whole):
                cells = [seen_.claims for seen_ in seen if seen_.together[column] is not None]
                own = sum(seen_.claims for seen_ in seen if seen_.together[column] == way)
                found[(*commonest[:column], way, *commonest[column + 1 :])] = own / max(sum(cells), 1)
    return found


def _with_rare(own: Mapping[Together, float], left_out: Mapping[Together, float]) -> dict[Together, float]:
    """The claims of a place with a share of each of what was `left_out`, taken from the commonest."""
    claims, total = dict(own), sum(own.values())
    for together, share in left_out.items():
        claims[together] = share * total
        commonest = max(own, key=lambda one: own[one])
        claims[commonest] = max(claims[commonest] - share * total, 0.0)
    return claims


def _by_ways(seen: Iterable[_Seen]) -> dict[Together, float]:
    claims: dict[Together, float] = defaultdict(float)
    for one in seen:
        claims[one.together] += one.claims
    return claims


def _as_houses_do(seen: Sequence[_Seen], columns: int) -> list[_Seen]:
    """What most cells of each house say in the place of what its claims do; claims of nobody's house say nothing."""
    cells: dict[str, list[dict[str, int]]] = defaultdict(lambda: [defaultdict(int) for _ in range(columns)])
    for house, _, together, claims in seen:
        for column, way in enumerate(together):
            if way is not None and house is not None:
                cells[house][column][way] += claims
    usual = {
        house: tuple(max(own, key=lambda way: own[way], default=None) for own in of_columns)
        for house, of_columns in cells.items()
    }
    return [one._replace(together=usual[one.house]) for one in seen if one.house is not None and one.house in usual]


def _completed(seen: Mapping[Together, float], whole: Mapping[Together, float]) -> dict[Together, float]:
    """How many claims have each of the ways `whole`, where of some claims some are not seen: these are as the others that have the rest.

    As in `whole` where there are none.
    """
    like = {
        one: [other for other in whole if all(way in (None, own) for way, own in zip(one, other, strict=True))]
        for one in seen
    }
    weights = dict(whole)
    for _ in range(_ROUNDS):
        after = dict.fromkeys(whole, 0.0)
        for one, claims in seen.items():
            total = sum(weights[other] for other in like[one])
            for other in like[one] if total else ():
                after[other] += claims * weights[other] / total
        if not any(after.values()):
            break
        weights = after
    return weights


def _by_place(
    source: _Source,
    ways: Sequence[Ways],
    seen: Sequence[_Seen],
    columns: Sequence[str],
    whole: Mapping[Together, float],
) -> tuple[tuple[str, ...], dict[Place, Mapping[Together, float]]]:
    """The columns that tell most of the ways, and how many claims are written how at each place that may be told; () is all claims."""
    chosen: list[int] = []
    of: dict[Place, Mapping[Together, float]] = {(): whole}
    best = _alike_by(seen, chosen)
    while len(chosen) < _MOST_COLUMNS:
        tried = [(_alike_by(seen, [*chosen, one]), -one) for one in range(len(columns)) if one not in chosen]
        most, one = max(tried, default=(0.0, 0))
        if most < best + _TELLS:
            break
        best, chosen = most, [*chosen, -one]
        told = source.may_be_told(ways, [columns[one] for one in chosen])
        of |= {place: _completed(_by_ways(own), whole) for place, own in _told(seen, chosen) if place in told}
    return tuple(columns[one] for one in chosen), of


def _told(seen: Sequence[_Seen], chosen: Sequence[int]) -> list[tuple[Place, list[_Seen]]]:
    """The places of the most claims, with these; none of which one house has nearly all."""
    places: dict[Place, list[_Seen]] = defaultdict(list)
    for one in seen:
        if any(way is not None for way in one.together):
            places[tuple(one.place[column] for column in chosen)].append(one)
    told = []
    for place, own in places.items():
        claims: dict[str, int] = defaultdict(int)
        for one in own:
            if one.house is not None:
                claims[one.house] += one.claims
        whole = sum(one.claims for one in own)
        if max(claims.values(), default=0) <= _MOST_OF * whole:
            told.append((-whole, str(place), place, own))
    return [(place, own) for *_, place, own in sorted(told)[: _MOST_PLACES * len(chosen)]]


def _alike_by(seen: Sequence[_Seen], chosen: Sequence[int]) -> float:
    """Of pairs of cells at one place, the share that is written alike, summed over the columns."""
    places = [tuple(one.place[column] for column in chosen) for one in seen]
    return sum(_alike(seen, places, column) for column in range(len(seen[0].together) if seen else 0))


def _tell_houses(seen: Sequence[_Seen], column: int) -> bool:
    houses = [one.house for one in seen]
    return 1 - _alike(seen, houses, column) < _OF_HOUSES * (1 - _alike(seen, [None] * len(seen), column))


def _alike(seen: Sequence[_Seen], groups: Sequence[Hashable], column: int) -> float:
    """Of pairs of cells of a column in one of the groups, the share that is written alike."""
    cells: dict[Hashable, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one, group in zip(seen, groups, strict=True):
        way = one.together[column]
        if way is not None:
            cells[group][way] += one.claims
    return share_alike([list(own.values()) for own in cells.values()])
