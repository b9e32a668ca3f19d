"""Propose how a foreign table maps to ours: columns by name, type and content, and what its coded values stand for.

Looks at shares and at values that many persons share, never at a row. Writes nothing; `proposal_toml.py` does.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import duckdb
import numpy as np

from claims_sim.profile.admit import admit_category, admitted_in_list
from claims_sim.profile.column_facts import (
    MAX_CATEGORIES,
    SURE,
    Facts,
    amounts,
    how_it_fits,
    keys,
    look_at,
    speaks_for_itself,
    whole_numbers,
)
from claims_sim.profile.counting import CLAIMS_K, PERSONS_K
from claims_sim.profile.date_order import with_date_order
from claims_sim.profile.naming import (
    coded,
    has_other_list,
    is_no_amount,
    meanings_of,
    name_score,
    plain,
    says_gap,
    spelled,
)
from claims_sim.profile.oddities import repeats_in_words, share_of
from claims_sim.profile.source import OpenSource, SourceSpec, is_out_of_memory, open_source, wide_columns
from claims_sim.profile.source_sql import (
    CANONICAL,
    CLAIM_ID,
    ColumnMapping,
    Located,
    canonical_expression,
    date_expression,
    quote_identifier,
    text_expression,
    value_expression,
)
from claims_sim.profile.stay_columns import StayColumns, find_days, find_stay, is_gap, says_level

_LOOKED_AT: Final = 20_000
_LOOKED_AT_CHARACTERS: Final = 1000
POSSIBLE: Final = 0.3
"""From here on a line is mentioned."""
_FITS_EACH_OTHER: Final = 0.6
_NEVER_BEFORE: Final = SURE
_FEW: Final = 0.1
"""Of so few values beside another column's codes are kinds or wards, no diagnoses."""
_MOST_LEVELS: Final = 5
_NO_STAY: Final = frozenset({"birth", "paid", "claimed"})
MAPPED_VALUES: Final = ("service_type", "severity_group", "facility_class", "facility_ownership", "province_name")
_NEARLY_ALL, _MENTIONED = 0.8, 0.01


@dataclass(frozen=True, slots=True)
class Placed:
    """A column of theirs for one of ours, how sure that is (0 to 1), and why, in shares; `also`: the rest of a list.

    `note`: what its user should know of it, in a sentence.
    """

    ours: str
    theirs: str
    confidence: float
    why: str
    also: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ValueMap:
    """What the values of a column stand for; `unknown` are shared and plain, but not understood; others are not shown.

    `alike` mean what a commoner value of `pairs` means already; counting both as one would lose what tells them apart.
    """

    ours: str
    pairs: Mapping[str, str]
    alike: Mapping[str, str]
    reasons: Mapping[str, str]
    unknown: tuple[str, ...]
    not_shown: str


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


def propose_mapping(spec: SourceSpec) -> Proposal:
    """Look at the table and propose a mapping. Raises SourceError when it cannot be read."""
    with open_source(spec) as opened:
        rows = _count(opened)
        facts = {name: look_at(opened.connection, name, kind) for name, kind in _sampled(opened).items()}
        placed, possible = _place(facts, _stay_pairs(opened, facts))
        placed, possible = _without_other_gaps(opened, placed, possible)
        placed = _with_plain_severity(opened, facts, placed)
        placed = tuple(replace(p, note=_note(opened, p)) for p in placed)
        located = {
            p.ours: Located(p.theirs, opened.types[p.theirs], CANONICAL[p.ours], p.also)
            for p in placed
            if p.ours in CANONICAL
        }
        located = with_date_order(opened.connection, "looked_at", located)
        values = tuple(_value_map(opened, located, name) for name in MAPPED_VALUES if name in located)
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


def _place(facts: Mapping[str, Facts], pairs: list[Placed]) -> tuple[tuple[Placed, ...], tuple[Placed, ...]]:
    """The surest pairs first, each column used once; and what is possible for those of ours that stay without.

    `pairs`: those that are known already.
    """
    pairs = [*pairs]
    for theirs, found in facts.items():
        for ours in ("claim_id", *CANONICAL):
            content, why = how_it_fits(ours, found)
            named = name_score(theirs, ours)
            alone = speaks_for_itself(ours, found)
            confidence = round(max(named * (0.5 + 0.5 * content), alone), 2) if content else 0.0
            if confidence >= POSSIBLE:
                pairs.append(Placed(ours, theirs, confidence, f"name {named:.2f}; {why}"))
    # Of amounts with names alike, what is claimed is the largest.
    size = {name: found["mean"] * found["present"] for name, found in facts.items()}
    pairs.sort(key=lambda p: (-p.confidence, p.ours, -size[p.theirs] * (p.ours == "amount_claimed"), p.theirs))
    placed: list[Placed] = []
    for pair in pairs:
        free = all(pair.ours != other.ours and pair.theirs != other.theirs for other in placed)
        if pair.confidence >= SURE and free:
            placed.append(pair)
    _place_the_only_code(placed, pairs, facts)
    _place_the_rest_of_all_diagnoses(placed, facts)
    placed = [_with_the_rest(p, facts, placed) for p in placed]
    done = {name for p in placed for name in (p.ours, p.theirs, *p.also)}
    pairs += [*_amounts_by_content(facts, done), *_other_amounts(facts, done)]
    open_ = tuple(p for p in pairs if not done & {p.ours, p.theirs})
    order = ["claim_id", *CANONICAL]
    return tuple(sorted(placed, key=lambda p: order.index(p.ours))), open_


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
    return f"{missing:.0%} of the claims have none; a profile leaves them out" if missing >= _MENTIONED else ""


def _amounts_by_content(facts: Mapping[str, Facts], done: set[str]) -> list[Placed]:
    """Where no amount is called one: columns of numbers that are no codes, those with the largest numbers first."""
    if {"amount_claimed", "amount_paid"} & done:
        return []
    money = [
        name
        for name, found in facts.items()
        if name not in done
        and not is_no_amount(name)
        and not keys(found)
        and min(amounts(found), found["distinct"] > 20)
        and found["mean"] >= 60
        and (found["whole"] < 0.9 or found["distinct"] < 0.9 * found["filled"])
    ]
    money.sort(key=lambda name: -facts[name]["mean"])
    return [Placed("amount_claimed", name, POSSIBLE, f"{facts[name]['money']:.0%} numbers") for name in money]


def _other_amounts(facts: Mapping[str, Facts], done: set[str]) -> list[Placed]:
    """Where one of the amounts is found: what else is called an amount may be the other, such as what a stay cost."""
    lacking = {"amount_claimed", "amount_paid"} - done
    if len(lacking) != 1:
        return []
    (ours,) = lacking
    named = {name: name_score(name, "amount_claimed") for name in facts if name not in done}
    likely = sorted((name for name, score in named.items() if score >= SURE), key=lambda name: -named[name])
    fits = [
        name for name in likely if min(amounts(facts[name]), facts[name]["distinct"] > 20) and facts[name]["mean"] >= 60
    ]
    return [Placed(ours, name, POSSIBLE, f"an amount too; {facts[name]['money']:.0%} numbers") for name in fits]


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


def _place_the_only_code(placed: list[Placed], pairs: Sequence[Placed], facts: Mapping[str, Facts]) -> None:
    """A diagnosis is needed: the only column with (many) codes is it, else the one with its name in words."""
    needed = "dx_primary_code"
    if any(p.ours == needed for p in placed):
        return
    taken = {p.theirs for p in placed}
    codes = [p for p in pairs if p.ours == needed and p.theirs not in taken]
    most = max((facts[p.theirs]["distinct"] for p in codes), default=0.0)
    codes = [p for p in codes if facts[p.theirs]["distinct"] >= _FEW * most]
    if len(codes) == 1:
        placed.append(codes[0])
    label = next((p for p in placed if p.ours == "dx_primary_label"), None)
    if not codes and label is not None:
        placed.remove(label)
        placed.append(replace(label, ours=needed))


def _place_the_rest_of_all_diagnoses(placed: list[Placed], facts: Mapping[str, Facts]) -> None:
    """Where the diagnosis is the first of a list, the others are what it is accompanied by, if no column is."""
    primary = next((p for p in placed if p.ours == "dx_primary_code"), None)
    rest = "dx_secondary_codes"
    if primary and facts[primary.theirs]["list"] >= _MENTIONED and all(p.ours != rest for p in placed):
        placed.append(replace(primary, ours=rest, why="the codes behind the first, which is the primary one"))


def _with_the_rest(placed: Placed, facts: Mapping[str, Facts], everything: Sequence[Placed]) -> Placed:
    """A list's first column with the others that are called like it but for a number (dx2, dx3, ...)."""
    if placed.ours != "dx_secondary_codes" or facts[placed.theirs]["list"] > 0:
        return placed
    taken = {p.theirs for p in everything if p is not placed}
    alike = {name for name in facts if _unnumbered(name) == _unnumbered(placed.theirs)} - taken
    first, *rest = sorted(alike, key=lambda name: [int(number) for number in re.findall(r"[0-9]+", name)])
    return replace(placed, theirs=first, also=tuple(rest))


def _unnumbered(name: str) -> str:
    return re.sub(r"[0-9]+", "#", name.lower())


def _value_map(opened: OpenSource, located: Mapping[str, Located], name: str) -> ValueMap:
    """The values of a category that enough persons share and that pass the grammar, and what they stand for."""
    text, person = value_expression(name, located[name]), located.get("patient_id_hash")
    owners = f"count(DISTINCT {quote_identifier(person.theirs)})" if person else "count(*)"
    found = opened.connection.execute(
        f"SELECT {text} AS value, {owners} AS owners, count(*) AS claims, avg({_stay(located)}) AS stay "
        f"FROM {opened.relation} WHERE {text} IS NOT NULL GROUP BY 1 ORDER BY claims DESC, value"
    ).fetchall()
    return _read_values(
        name, found, PERSONS_K if person else CLAIMS_K, is_coded=not has_other_list(located[name].theirs)
    )


def _read_values(name: str, found: list[tuple[Any, ...]], k: int, *, is_coded: bool) -> ValueMap:
    total = sum(claims for _, _, claims, _ in found)
    enough = np.array([owners >= k for _, owners, _, _ in found], np.bool_)
    claims_of = np.array([claims for _, _, claims, _ in found], np.int64)
    codes = admitted_in_list(name, [value for value, _, _, _ in found], claims_of, enough)
    stays: dict[str, float | None] = {
        found[i][0]: found[i][3]
        for i in np.flatnonzero(enough)[:MAX_CATEGORIES]
        if codes[i] or admit_category(found[i][0])
    }
    shown = sum(claims for value, _, claims, _ in found if value in stays)
    numbers = coded(name, stays) if is_coded else {}
    if name == "province_name" and not _are_most(
        numbers, {value: claims for value, _, claims, _ in found if value in stays}
    ):
        numbers = {}  # other countries count their states by two digits too
    pairs, alike, reasons, unknown = {}, {}, {}, []
    first: dict[str, str] = {}
    for value in stays:
        ours = spelled(name, value)
        if ours is None and value in numbers:
            ours, reasons[value] = numbers[value], _reason_of_code(name, numbers)
        if ours is None:
            unknown.append(value)
            continue
        commonest = ours if ours in stays else first.setdefault(ours, value)
        if plain(value) != plain(commonest) and name != "province_name":  # of a place all spellings are one
            alike[value] = ours
        elif ours != value:
            pairs[value] = ours
    hidden = total - shown
    note = (
        f"{share_of(hidden, total)} of the claims hold values that fewer than {k} share or that may not be shown"
        if hidden
        else ""
    )
    return ValueMap(name, pairs, alike, reasons, tuple(unknown), note)


def _are_most(known: Collection[str], claims: Mapping[str, int]) -> bool:
    """Are nearly all claims, and nearly all values, those of what is known?"""
    borne = sum(claims[value] for value in known)
    return borne >= _NEARLY_ALL * sum(claims.values()) and len(known) >= _NEARLY_ALL * len(claims)


def _reason_of_code(name: str, numbers: Mapping[str, str]) -> str:
    if name == "service_type":
        return "RITL is the one with the longer stays, where stays are known; else in the order of BPJS's sample data"
    if name == "province_name":
        return "BPS's code"
    return (
        "in the usual order: check it"
        if name == "severity_group" and len(numbers)
        else "as in BPJS's sample data: check it"
    )


def _stay(located: Mapping[str, Located]) -> str:
    if "los" in located:
        return f"TRY_CAST({text_expression(located['los'])} AS DOUBLE)"
    if {"admit_dt", "discharge_dt"} <= located.keys():
        first, last = (date_expression(located[name]) for name in ("admit_dt", "discharge_dt"))
        return f"CAST(date_diff('day', {first}, {last}) AS DOUBLE)"
    return "CAST(NULL AS DOUBLE)"
