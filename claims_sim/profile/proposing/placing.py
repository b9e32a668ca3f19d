"""Place the columns of a foreign table: for each of ours the one of theirs whose name and content fit it best.

Sees what the columns look like (`column_facts.py`), and no table.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from claims_sim.profile.proposing.column_facts import SURE, Facts, amounts, how_it_fits, keys, speaks_for_itself
from claims_sim.profile.proposing.naming import (
    is_first,
    is_no_amount,
    is_published,
    meanings_of,
    name_score,
    plain,
    says_kind_of_facility,
    says_paid,
    says_service_code,
)
from claims_sim.profile.reading.source_columns import CANONICAL

POSSIBLE: Final = 0.3
"""From here on a line is mentioned."""
_ALL_OWNERS, _MOST_OWNERS = 0.95, 8
"""So many of a column's values are kinds of owners, of which there are so many at most."""
_ALSO: Final = 0.9
"""How well a name fits a column of ours that its values speak for, where it is rather another's name."""
_MANY_CODES: Final = 20
"""Codes of services are acts from here on; fewer are kinds of service."""
_FEW: Final = 0.1
"""Of so few values beside another column's codes are kinds or wards, no diagnoses."""
_NEARLY_ALWAYS: Final = 0.9
_MOSTLY: Final = 0.5
"""Days before 1950 are no dates of claims, but many people were born then."""
_MOST_SEXES: Final = 6
_BY_NUMBER: Final = 0.1
"""The first of numbered diagnoses is the primary one rather where none is called so, or has no number."""
_ID: Final = "id"
"""The name of a column that does not say whose number it is."""
MENTIONED: Final = 0.01
"""Smaller shares of the claims are not worth a word."""


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


def place_columns(facts: Mapping[str, Facts], pairs: list[Placed]) -> tuple[tuple[Placed, ...], tuple[Placed, ...]]:
    """The surest pairs first, each column used once; and what is possible for those of ours that stay without.

    `pairs`: those that are known already.
    """
    pairs, of_persons = [*pairs], _keys_of_persons(facts)
    has_owners = any(name_score(theirs, "facility_ownership") for theirs in facts)
    for theirs, found in facts.items():
        for ours in ("claim_id", *CANONICAL):
            content, why = how_it_fits(ours, found)
            named = name_score(theirs, ours)
            alone = speaks_for_itself(ours, found)
            if theirs in of_persons:
                named = {"claim_id": 0.0, "patient_id_hash": 1.0}.get(ours, named)
            named = _named_by_content(ours, theirs, found, named, has_owners=has_owners)
            confidence = round(max(named * (0.5 + 0.5 * content), alone), 2) if content else 0.0
            if confidence >= POSSIBLE:
                pairs.append(Placed(ours, theirs, confidence, f"name {named:.2f}; {why}"))
    # Of amounts with names alike, what is claimed is the largest.
    size = {name: found["mean"] * found["present"] for name, found in facts.items()}
    pairs.sort(
        key=lambda p: (
            not facts[p.theirs]["filled"],
            _BY_NUMBER * _is_by_number(p) - p.confidence,
            p.ours,
            -size[p.theirs] * (p.ours == "amount_claimed"),
            p.ours == "amount_paid" and not says_paid(p.theirs),
            not is_published(p.theirs),
            p.theirs,
        )
    )
    placed: list[Placed] = []
    for pair in pairs:
        free = all(pair.ours != other.ours and pair.theirs != other.theirs for other in placed)
        if pair.confidence >= SURE and free:
            placed.append(pair)
    _place_the_only_code(placed, pairs, facts)
    _place_the_rest_of_all_diagnoses(placed, facts)
    placed = [_with_the_rest(p, facts, placed) for p in placed]
    placed += _persons_by_parts(facts, {name for p in placed for name in (p.ours, p.theirs, *p.also)})
    done = {name for p in placed for name in (p.ours, p.theirs, *p.also)}
    pairs += [*_amounts_by_content(facts, done), *_other_amounts(facts, done)]
    open_ = tuple(p for p in pairs if not done & {p.ours, p.theirs})
    order = ["claim_id", *CANONICAL]
    return tuple(sorted(placed, key=lambda p: order.index(p.ours))), open_


def _named_by_content(ours: str, theirs: str, found: Facts, named: float, *, has_owners: bool) -> float:
    """How well a name fits, where what the column holds says what it means: types of hospitals that are public and private are owners,
    where none are named (`has_owners`), and many codes of services are acts.
    """  # noqa: D205
    if ours in ("facility_ownership", "facility_type") and not has_owners and says_kind_of_facility(theirs):
        is_owners = found["owner"] > _ALL_OWNERS and 1 < found["kinds"] <= _MOST_OWNERS
        # Where no other column holds types, it stays the one that does.
        return {"facility_ownership": _ALSO, "facility_type": (1 + _ALSO) / 2}[ours] if is_owners else named
    if ours == "procedure_code" and not named and says_service_code(theirs) and found["kinds"] > _MANY_CODES:
        return _ALSO
    return named


def _is_by_number(pair: Placed) -> bool:
    """Is a column the primary diagnosis by its number alone? The first number says the same as a word for it."""
    said = sum("primary" in meanings for meanings in meanings_of(pair.theirs))
    return pair.ours == "dx_primary_code" and is_first(pair.theirs) and said < 2


def _keys_of_persons(facts: Mapping[str, Facts]) -> set[str]:
    """A bare ID beside columns of the day of birth and the sex of the same name: ID, ID_BIRTHDAY, ID_SEX."""
    said = {name: frozenset[str]().union(*meanings_of(name)) for name in facts if plain(name).startswith(_ID)}
    of_whom = {meaning for name in said if plain(name) != _ID for meaning in said[name] & {"birth", "sex"}}
    return {name for name in said if plain(name) == _ID and of_whom == {"birth", "sex"}}


def _persons_by_parts(facts: Mapping[str, Facts], done: set[str]) -> list[Placed]:
    """Where no column is a key of persons: the day of birth, with the sex where that is told.

    Who shares them counts as one person, which hides rather more. An age would not do, nor where people live: who moves is another.
    """
    if "patient_id_hash" in done:
        return []
    filled = [name for name, found in facts.items() if name not in done and found["present"] > _NEARLY_ALWAYS]
    said = {name: frozenset[str]().union(*meanings_of(name)) for name in filled}
    born = [name for name in filled if "birth" in said[name] and facts[name]["date"] > _MOSTLY]
    sex = [name for name in filled if "sex" in said[name] and 2 <= facts[name]["distinct"] <= _MOST_SEXES]
    if not born:
        return []
    why = "no key of persons; who shares these counts as one"
    return [Placed("patient_id_hash", born[0], SURE, why, also=tuple(sex[:1]))]


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
    if not codes and label is not None and facts[label.theirs]["filled"]:
        placed.remove(label)
        placed.append(replace(label, ours=needed))


def _place_the_rest_of_all_diagnoses(placed: list[Placed], facts: Mapping[str, Facts]) -> None:
    """Where the diagnosis is the first of a list, the others are what it is accompanied by, if no column is."""
    primary = next((p for p in placed if p.ours == "dx_primary_code"), None)
    rest = "dx_secondary_codes"
    if primary and facts[primary.theirs]["list"] >= MENTIONED and all(p.ours != rest for p in placed):
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
