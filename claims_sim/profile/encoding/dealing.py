"""From a source's columns to the same with claims dealt out, and who was grouped with whom. `directory.py` has the rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from claims_sim.profile.counts.counting import UNTOLD, Codes, Ints, Mask, Population, dense_ids, sorted_distinct
from claims_sim.profile.encoding.directory import COLUMNS, Dealt, Grouped, deal_out, group_facilities, is_attribute
from claims_sim.profile.encoding.directory_order import OWNER, PLACE, owner_comes_first
from claims_sim.profile.encoding.facilities import KNOWN_BY, text_codes
from claims_sim.profile.reading.source import SourceTable


@dataclass(frozen=True, slots=True)
class Groups:
    """Who was grouped with whom before the claims were dealt out: names, and nothing of which claim was whose."""

    of_row: Ints
    """The group of each row; -1 where its kind of facility stands alone."""
    start: Ints
    codes: dict[str, Codes]
    """The codes of the groups' kinds: those of group g lie from start[g] to start[g + 1]."""


class Dealing(NamedTuple):
    """The columns that describe facilities as dealt out, as the groups' kinds have them and as they came, in the source's own codes."""

    columns: dict[str, Codes]
    members: dict[str, Codes]
    came: dict[str, Codes]
    dealt: Dealt | None

    @property
    def rows(self) -> int:
        """How many claims were dealt out."""
        return 0 if self.dealt is None else int(np.count_nonzero(self.dealt.group >= 0))

    def groups(self, codes: Mapping[str, Codes]) -> Groups | None:
        """The groups in the `codes` by which the columns were released; what was not has none."""
        if self.dealt is None or not self.rows:
            return None
        rows = np.flatnonzero(self.dealt.group >= 0)
        found = {}
        for name, raw in self.columns.items():
            if name in codes:
                members = self.members[name]
                code_of = np.full(max(int(raw.max(initial=0)), int(members.max(initial=0))) + 2, -1, np.int32)
                code_of[raw[rows]] = codes[name][rows]
                found[name] = code_of[members]
        return Groups(self.dealt.group, self.dealt.start, found)


_USUALLY: Final = 0.9
"""A column describes facilities when so many claims say what most of their facility's do; the others are slips of the pen."""
_NOBODYS: Final = 0.1
"""So few of the facilities of which claims say it usually do."""
_CASE: Final = ("service_type", "dx_primary_code", "severity_group", "procedure_code")
"""What a claim is for, as far as its own columns say."""
NOT_DEALT: Final = Dealing({}, {}, {}, None)


def deal_out_facilities(source: SourceTable, population: Population) -> Dealing:
    """The columns that describe facilities, with the claims of those that may not be told apart dealt out.

    Where the source has no key of facilities these are the hospitals that the public register names.
    """
    facilities, columns = population.facilities, source.columns
    names = columns.column_names
    if facilities is None:
        return NOT_DEALT
    raw = {
        name: text_codes(columns[name]) for name in COLUMNS if name in names and columns[name].null_count < source.rows
    }
    raw = {name: codes for name, codes in raw.items() if _describes(name, raw, facilities)}
    if not raw:
        return NOT_DEALT
    own = raw
    says_nothing = {name: _is_nobodys(codes, facilities, population) for name, codes in raw.items()}
    raw = {name: np.where(says_nothing[name], np.int32(-1), codes) for name, codes in raw.items()}
    apart = {name: codes < 0 for name, codes in raw.items()}
    raw = {name: _usual(_filled(name, raw, facilities), facilities) for name in raw}
    # By the order of their names: that in which they come would be one of the claims.
    orders = {name: _by_name(columns[name]) for name in raw}
    ranked = {name: np.append(np.argsort(orders[name]), -1).astype(np.int32)[codes] for name, codes in raw.items()}
    names, grouped = _grouped(ranked, source, population)
    raw = {name: raw[name] for name in names}
    dealt = deal_out(grouped, population)
    back = {name: np.append(order, -1).astype(np.int32) for name, order in orders.items()}
    return Dealing(
        {
            # What its kind says, whatever the claim did, but where it said nothing, or nothing of a facility, and others of its kind do.
            name: np.where(apart[name] & (raw[name] >= 0), own[name], back[name][codes]).astype(np.int32)
            for name, codes in zip(raw, dealt.columns, strict=True)
        },
        {name: back[name][codes] for name, codes in zip(raw, dealt.members, strict=True)},
        raw,
        dealt,
    )


def _grouped(ranked: dict[str, Codes], source: SourceTable, population: Population) -> tuple[list[str], Grouped]:
    """The columns in the order in which kinds that are grouped agree in them, and these groups."""
    names, columns = list(ranked), source.columns
    grouped = group_facilities([ranked[name] for name in names], population)
    # Where nobody can tell most facilities, none can be said to be dear.
    if not {PLACE, OWNER}.issubset(names) or np.any(population.facilities == UNTOLD):
        return names, grouped
    others = [name for name in names if name != OWNER]
    others.insert(others.index(PLACE), OWNER)
    otherwise = group_facilities([ranked[name] for name in others], population)
    # What is dealt out by either order says nothing.
    told = population.releasable(grouped.kind, len(grouped.kinds))[grouped.kind]
    alone = np.flatnonzero(told & grouped.alone() & otherwise.alone())
    cases = [text_codes(columns[name]) for name in _CASE if name in columns.column_names]
    amounts = [columns[name].to_numpy() for name in ("amount_claimed", "amount_paid") if name in columns.column_names]
    first = owner_comes_first(ranked, alone, cases, amounts, population)
    return (others, otherwise) if first else (names, grouped)


def _describes(name: str, columns: Mapping[str, Codes], facilities: Ints) -> bool:
    """Does the column describe facilities? Where nobody can tell them apart, by its name; a district, if it lies in one province."""
    known = columns[name] >= 0
    if (facilities != UNTOLD).all():
        return is_attribute(columns[name][known], facilities[known], _USUALLY)
    if name == "district_name" and "province_name" in columns:
        return is_attribute(columns["province_name"][known], columns[name][known].astype(np.int64) + 1)
    return True


def _filled(name: str, columns: Mapping[str, Codes], facilities: Ints) -> Codes:
    """The column with what is usual of a claim's facility, or of its kind of facility, where a claim says nothing.

    Else what is missing would be a kind of its own, and get as many claims as any.
    """
    codes = columns[name]
    if (codes >= 0).all() or (name in KNOWN_BY and (facilities == UNTOLD).any()):
        # A claim that says less than the register asks for is of a facility that nobody can tell.
        return codes
    owner = facilities
    if (facilities == UNTOLD).any():
        owner = np.zeros(len(codes), np.int64)
        for other in (column for n, column in columns.items() if n != name):
            owner, _ = dense_ids(owner * (int(other.max(initial=0)) + 2) + other + 1)
    return np.where(codes >= 0, codes, _commonest(codes, owner)).astype(np.int32)


def _usual(codes: Codes, facilities: Ints) -> Codes:
    """What is usual of each claim's facility, whatever the claim says; as it is where nobody can tell the facility.

    Else each way of writing a place would be a kind of its own.
    """
    return np.where(facilities > 0, _commonest(codes, np.maximum(facilities, 0)), codes).astype(np.int32)


def _is_nobodys(codes: Codes, facilities: Ints, population: Population) -> Mask:
    """Which claims say what hardly any facility usually does, and theirs does not, though enough claims do, such as a number for all
    from some month on. It says as little of the facility as nothing does.

    Facilities are counted, not their claims: which of them bears which name decides nothing.
    """  # noqa: D205
    usual = _usual(codes, facilities)
    size, width = int(codes.max(initial=-1)) + 1, int(facilities.max(initial=0)) + 1
    known = (codes >= 0) & (facilities > 0)
    say, usually = (
        np.bincount(sorted_distinct(said[known].astype(np.int64) * width + facilities[known]) // width, minlength=size)
        for said in (codes, usual)
    )
    other = np.flatnonzero(known & (codes != usual))
    told = population.releasable(codes[other].astype(np.int64), size, other)
    nobodys = np.append((usually <= _NOBODYS * say) & told, False)
    return np.asarray(nobodys[codes] & known & (codes != usual))


def _commonest(codes: Codes, owner: Ints) -> Ints:
    """For each claim the commonest code of its owner's; -1 where there is none."""
    known = codes >= 0
    width = int(codes.max(initial=0)) + 1
    cells, distinct = dense_ids(owner[known] * width + codes[known])
    counts = np.bincount(cells)
    order = np.lexsort((distinct % width, counts))  # the commonest is written last, and stays
    usual = np.full(int(owner.max(initial=0)) + 1, -1, np.int64)
    usual[distinct[order] // width] = distinct[order] % width
    return usual[owner]


def _by_name(column: pa.ChunkedArray) -> Ints:
    """The places of a column's values in the order of their text."""
    values = column.combine_chunks().dictionary.to_pylist()
    return np.array(sorted(range(len(values)), key=lambda i: str(values[i])), np.int64)
