"""Propose how a foreign table maps to ours: columns by name, type and content, and what its coded values stand for.

Looks at shares and at values that many persons share, never at a row. Writes nothing; `proposal_toml.py` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import duckdb

from claims_sim.profile.counts.counting import CLAIMS_K
from claims_sim.profile.proposing.column_facts import (
    SURE,
    Facts,
    amounts,
    look_at,
    whole_numbers,
)
from claims_sim.profile.proposing.naming import meanings_of, name_score, says_gap
from claims_sim.profile.proposing.placing import MENTIONED, Placed, place_columns
from claims_sim.profile.proposing.stay_columns import StayColumns, find_days, find_stay, is_gap, leaves, says_level
from claims_sim.profile.proposing.value_maps import MAPPED_VALUES, ValueMap, value_map
from claims_sim.profile.reading.date_order import with_date_order
from claims_sim.profile.reading.oddities import repeats_in_words
from claims_sim.profile.reading.source import OpenSource, SourceSpec, is_out_of_memory, open_source, wide_columns
from claims_sim.profile.reading.source_columns import (
    CANONICAL,
    CLAIM_ID,
    CLAIMED_AND_PAID,
    DIAGNOSIS,
    ColumnMapping,
    Located,
    has_no_amounts,
    still_needed,
)
from claims_sim.profile.reading.source_sql import canonical_expression, quote_identifier

_LOOKED_AT: Final = 20_000
_LOOKED_AT_CHARACTERS: Final = 1000
_FITS_EACH_OTHER: Final = 0.6
_NEVER_BEFORE: Final = SURE
_MOST_LEVELS: Final = 5
_NO_STAY: Final = frozenset({"birth", "paid", "claimed"})
_NEARLY_ALL: Final = 0.8
_MOST_AMOUNTS: Final = 5
_MUCH_SMALLER: Final = 0.5
"""An amount of less than so much of another, on average, is a part of the bill."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A mapping as far as it can be guessed; `options` are how the commands are told of the table."""

    where: str
    options: str
    rows: int
    placed: tuple[Placed, ...]
    possible: tuple[Placed, ...]
    not_found: tuple[str, ...]
    left_over: tuple[tuple[str, str], ...]
    values: tuple[ValueMap, ...]

    @property
    def still_needed(self) -> tuple[str, ...]:
        """What a profile cannot do without, and the diagnosis and the amounts, too, where a column may be it: a line each."""
        needed, possible = still_needed(self.not_found), {one.ours for one in self.possible}
        may_be_diagnosis = DIAGNOSIS in self.not_found and DIAGNOSIS in possible
        if may_be_diagnosis and not any(DIAGNOSIS in line for line in needed):
            needed.append(DIAGNOSIS)
        if has_no_amounts(self.not_found) and possible & set(CLAIMED_AND_PAID):
            needed.append(f"{' or '.join(CLAIMED_AND_PAID)}, if the table has any amounts")
        return tuple(needed)


def propose_mapping(spec: SourceSpec) -> Proposal:
    """Look at the table and propose a mapping. Raises SourceError when it cannot be read."""
    with open_source(spec) as opened:
        rows = _count(opened)
        facts = {name: look_at(opened.connection, name, kind) for name, kind in _sampled(opened).items()}
        placed, possible = place_columns(facts, _stay_pairs(opened, facts))
        placed = _with_amounts_that_leave_the_gap(opened, facts, placed)
        placed, possible = _without_other_gaps(opened, placed, (*possible, *_further_gaps(facts, placed)))
        placed = (*placed, *_gap_by_content(opened, facts, placed))
        placed = _with_plain_severity(opened, facts, placed)
        placed = tuple(replace(p, note=_note(opened, p)) for p in placed)
        located = {
            p.ours: Located(p.theirs, opened.types[p.theirs], CANONICAL[p.ours], p.also)
            for p in placed
            if p.ours in CANONICAL
        }
        located = with_date_order(opened.connection, "looked_at", located)
        values = tuple(value_map(opened, located, name) for name in MAPPED_VALUES if name in located)
    taken = {theirs for p in placed for theirs in (p.theirs, *p.also)}
    return Proposal(
        where=opened.where,
        options=spec.options(),
        rows=round(rows / CLAIMS_K) * CLAIMS_K,
        placed=placed,
        possible=possible,
        not_found=tuple(name for name in CANONICAL if name not in located),
        left_over=tuple((name, kind) for name, kind in opened.types.items() if name not in taken),
        values=tuple(found for found in values if found.pairs or found.alike or found.unknown or found.not_shown),
    )


def _count(opened: OpenSource) -> int:
    row = opened.connection.execute(f"SELECT count(*) FROM {opened.relation}").fetchone()
    return int(row[0]) if row else 0


def _sampled(opened: OpenSource) -> dict[str, str]:
    """Put a sample of the rows aside; their columns and types, without those whose values are too long to be read."""
    names = list(opened.types)
    try:
        _put_aside(opened, names)
    except duckdb.Error as error:
        if not is_out_of_memory(error):
            raise
        wide = set(wide_columns(opened.connection, opened.relation, names))
        names = [name for name in names if name not in wide]
        _put_aside(opened, names)
    return {name: opened.types[name] for name in names}


def _put_aside(opened: OpenSource, names: Sequence[str]) -> None:
    # No value needs more characters than that to show what its column holds.
    listed = ", ".join(
        f"left({quoted}, {_LOOKED_AT_CHARACTERS}) AS {quoted}" if opened.types[name] == "VARCHAR" else quoted
        for name in names
        for quoted in (quote_identifier(name),)
    )
    opened.connection.execute(
        f"CREATE TEMP TABLE looked_at AS SELECT * FROM (SELECT {listed} FROM {opened.relation}) "
        f"USING SAMPLE reservoir({_LOOKED_AT} ROWS) REPEATABLE (1)"
    )


def _dates_and_numbers(opened: OpenSource, facts: Mapping[str, Facts]) -> StayColumns:
    # Dates before text that may be read as such: a number that begins with a day is one of a claim.
    by_type = sorted(facts, key=lambda name: not opened.types[name].startswith(("DATE", "TIMESTAMP")))
    dates = {name: Located(name, opened.types[name], "date") for name in by_type if facts[name]["date"] > 0.9}
    wholes = {
        name: Located(name, opened.types[name], "number") for name, found in facts.items() if whole_numbers(found)
    }
    return StayColumns(with_date_order(opened.connection, "looked_at", dates), wholes)


def _stay_pairs(opened: OpenSource, facts: Mapping[str, Facts]) -> list[Placed]:
    """The columns that fit each other as admission, discharge and stay, and how that is told."""
    columns = _dates_and_numbers(opened, facts)
    stay = find_stay(opened.connection, columns)
    if stay:
        return [Placed(ours, theirs, _FITS_EACH_OTHER, why) for ours, (theirs, why) in stay.items()]
    if any(name_score(name, ours) >= SURE for name in columns.dates for ours in ("admit_dt", "discharge_dt")):
        return []  # beside a date with a name, days of birth, payment and extraction are not before it or not after it too
    others = {
        name: column
        for name, column in columns.dates.items()
        if not _NO_STAY & frozenset().union(*meanings_of(name)) and facts[name]["present"] > _NEARLY_ALL
    }
    days = find_days(opened.connection, others)
    return [Placed(ours, theirs, _NEVER_BEFORE, why) for ours, (theirs, why) in days.items()]


def _with_amounts_that_leave_the_gap(
    opened: OpenSource, facts: Mapping[str, Facts], placed: tuple[Placed, ...]
) -> tuple[Placed, ...]:
    """Of several columns that are as well called what is claimed, or paid, those whose difference a further column holds.

    None that is much smaller than the one that was placed: drugs that are charged, paid and left add up, too.
    """
    chosen = {p.ours: p for p in placed}
    if not {"amount_claimed", "amount_paid"} <= chosen.keys():
        return placed
    claimed, paid = (_as_good(chosen[name], facts) for name in ("amount_claimed", "amount_paid"))
    gaps = [their for their in facts if amounts(facts[their]) and name_score(their, "amount_gap") >= SURE][
        :_MOST_AMOUNTS
    ]
    column = {their: Located(their, opened.types[their], "number") for their in facts}
    for one, other, gap in product(claimed, paid, gaps):
        if len({one, other, gap}) < 3 or not leaves(opened.connection, column[one], column[other], column[gap]):
            continue
        told = {}
        for ours, theirs in (("amount_claimed", one), ("amount_paid", other)):
            if theirs != chosen[ours].theirs:
                told[ours] = replace(chosen[ours], theirs=theirs, why=f"{one} less {other} is {gap}")
        if told:
            left = Placed("amount_gap", gap, SURE, f"{one} less {other}")
            kept = [told.get(p.ours, p) for p in placed if p.ours != left.ours]
            others = {one: "amount_claimed", other: "amount_paid", gap: left.ours}
            return (*(p for p in kept if others.get(p.theirs, p.ours) == p.ours), left)
        break
    return placed


def _as_good(placed: Placed, facts: Mapping[str, Facts]) -> list[str]:
    """The column that was placed, and a few others whose names fit as well and whose amounts are not much smaller."""
    score, size = name_score(placed.theirs, placed.ours), facts[placed.theirs]["mean"]
    others = [
        their
        for their, found in facts.items()
        if their != placed.theirs
        and amounts(found)
        and name_score(their, placed.ours) >= score
        and found["mean"] > _MUCH_SMALLER * size
    ]
    return [placed.theirs, *others[:_MOST_AMOUNTS]]


def _further_gaps(facts: Mapping[str, Facts], placed: tuple[Placed, ...]) -> list[Placed]:
    """The other columns that are called a gap beside the one that was placed: which of them is it, the amounts tell."""
    if all(p.ours != "amount_gap" for p in placed):
        return []
    taken = {theirs for p in placed for theirs in (p.theirs, *p.also)}
    named = {name: name_score(name, "amount_gap") for name in facts if name not in taken and amounts(facts[name])}
    return [
        Placed("amount_gap", name, round(score, 2), f"name {score:.2f}")
        for name, score in sorted(named.items(), key=lambda found: -found[1])
        if score >= SURE
    ][:_MOST_AMOUNTS]


def _gap_by_content(opened: OpenSource, facts: Mapping[str, Facts], placed: tuple[Placed, ...]) -> list[Placed]:
    """Where nothing is called a gap: the first column that holds what is claimed less what is paid, whatever its name."""
    theirs = {p.ours: p.theirs for p in placed}
    if "amount_gap" in theirs or not {"amount_claimed", "amount_paid"} <= theirs.keys():
        return []
    taken = {their for p in placed for their in (p.theirs, *p.also)}
    claimed, paid = (theirs[name] for name in ("amount_claimed", "amount_paid"))
    column = {their: Located(their, opened.types[their], "number") for their in facts}
    for their, found in facts.items():
        # An amount of any other name may be it: an adjustment, cash.
        if their in taken or name_score(their, "amount_paid") >= SURE or not amounts(found):
            continue
        if leaves(opened.connection, column[claimed], column[paid], column[their]):
            return [Placed("amount_gap", their, SURE, f"{claimed} less {paid}")]
    return []


def _without_other_gaps(
    opened: OpenSource, placed: tuple[Placed, ...], possible: tuple[Placed, ...]
) -> tuple[tuple[Placed, ...], tuple[Placed, ...]]:
    """What is called a gap, a share or a copayment is placed only if it is what is claimed less what is paid.

    Where only one of these is there, a name has to say so: the other will be computed from it.
    """
    theirs = {p.ours: Located(p.theirs, opened.types[p.theirs], "number") for p in placed}
    gap = "amount_gap"
    named = [p for p in (*placed, *possible) if p.ours == gap]
    if not {"amount_claimed", "amount_paid"} <= theirs.keys():
        unsure = [p for p in named if p in placed and not says_gap(p.theirs)]
        return tuple(p for p in placed if p not in unsure), (*possible, *unsure)
    fits = [
        p
        for p in named
        if is_gap(
            opened.connection,
            theirs["amount_claimed"],
            theirs["amount_paid"],
            Located(p.theirs, opened.types[p.theirs], "number"),
        )
    ]
    best = [p for p in fits if p.confidence >= SURE][:1]
    kept = [p for p in named if p not in best and (p in fits or says_gap(p.theirs))]
    return (
        tuple(p for p in placed if p.ours != gap) + tuple(best),
        tuple(p for p in possible if p.ours != gap) + tuple(kept),
    )


def _note(opened: OpenSource, placed: Placed) -> str:
    if placed.ours == CLAIM_ID:
        return repeats_in_words(opened.connection, opened.relation, placed.theirs) or ""
    if placed.ours != "dx_primary_code":
        return ""
    code = canonical_expression(
        placed.ours, Located(placed.theirs, opened.types[placed.theirs], "code"), {}, ColumnMapping(), opened.relation
    )
    row = opened.connection.execute(f"SELECT coalesce(avg(({code} IS NULL)::INT), 0) FROM looked_at").fetchone()
    missing = row[0] if row else 0.0
    return (
        f"{missing:.0%} of the claims have none; a payload then names one that says so (R69)"
        if missing >= MENTIONED
        else ""
    )


def _with_plain_severity(
    opened: OpenSource, facts: Mapping[str, Facts], placed: tuple[Placed, ...]
) -> tuple[Placed, ...]:
    """A level that stands in a column of its own is taken rather than the end of a case group's code."""
    severity = next((p for p in placed if p.ours == "severity_group"), None)
    if severity is None or facts[severity.theirs]["cbg"] <= _NEARLY_ALL:
        return placed
    group = Located(severity.theirs, opened.types[severity.theirs], "text")
    taken = {name for p in placed for name in (p.theirs, *p.also)}
    for name, found in facts.items():
        is_likely = name not in taken and found["distinct"] <= _MOST_LEVELS and found["present"] >= _NEARLY_ALL
        if is_likely and says_level(opened.connection, group, Located(name, opened.types[name], "text")):
            told = replace(
                severity, theirs=name, confidence=_FITS_EACH_OTHER, why=f"what the codes of {severity.theirs} end in"
            )
            return tuple(told if p is severity else p for p in placed)
    return placed
