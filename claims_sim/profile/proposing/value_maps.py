"""What the values of a foreign column stand for: words and codes that are known, of those that enough persons share."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from claims_sim.privacy.phi import quote
from claims_sim.profile.counts.counting import CLAIMS_K, PERSONS_K
from claims_sim.profile.counts.telling import share_of
from claims_sim.profile.proposing.column_facts import MAX_CATEGORIES
from claims_sim.profile.proposing.naming import coded, has_other_list, plain, spelled
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import Located
from claims_sim.profile.reading.source_sql import (
    NOTHING,
    date_expression,
    key_expression,
    text_expression,
    value_expression,
)
from claims_sim.profile.texts.admit import admit_category
from claims_sim.profile.texts.own_codes import admitted_in_list

MAPPED_VALUES: Final = ("service_type", "severity_group", "facility_class", "facility_ownership", "province_name")
_NEARLY_ALL: Final = 0.8
_PAIR: Final = frozenset("io")


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


def value_map(opened: OpenSource, located: Mapping[str, Located], name: str) -> ValueMap:
    """The values of a category that enough persons share and that pass the grammar, and what they stand for."""
    text, person = value_expression(name, located[name]), located.get("patient_id_hash")
    owners = f"count(DISTINCT {key_expression(person)})" if person else "count(*)"
    found = opened.connection.execute(
        f"SELECT {text} AS value, {owners} AS owners, count(*) AS claims, avg({_stay(located)}) AS stay "
        f"FROM {opened.relation} WHERE {text} NOT IN ({', '.join(map(quote, NOTHING))}) GROUP BY 1 ORDER BY claims DESC, value"
    ).fetchall()
    return _read_values(name, found, PERSONS_K if person else CLAIMS_K, located[name].theirs)


def _read_values(name: str, found: list[tuple[Any, ...]], k: int, theirs: str) -> ValueMap:
    total = sum(claims for _, _, claims, _ in found)
    enough = np.array([owners >= k for _, owners, _, _ in found], np.bool_)
    owners_of = np.array([owners for _, owners, _, _ in found], np.int64)
    codes = admitted_in_list(name, [value for value, _, _, _ in found], owners_of, enough)
    stays: dict[str, float | None] = {
        found[i][0]: found[i][3]
        for i in np.flatnonzero(enough)[:MAX_CATEGORIES]
        if codes[i] or admit_category(found[i][0])
    }
    shown = sum(claims for value, _, claims, _ in found if value in stays)
    numbers = {} if has_other_list(theirs) else coded(name, stays, theirs)
    if name == "province_name" and not _are_most(
        numbers, {value: claims for value, _, claims, _ in found if value in stays}
    ):
        numbers = {}  # other countries count their states by two digits too
    pairs, alike, reasons, unknown = {}, {}, {}, []
    first: dict[str, str] = {}
    for value in stays:
        ours = None if _is_half_of_a_pair(name, value, stays) else spelled(name, value)
        if ours is None and value in numbers:
            ours, reasons[value] = numbers[value], _reason_of_code(name)
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


def _is_half_of_a_pair(name: str, value: str, values: Collection[str]) -> bool:
    """Is a value one letter of two that say something only beside each other? O is outpatient where I is there, else it may be other."""
    return name == "service_type" and plain(value) in _PAIR and not set(map(plain, values)) >= _PAIR


def _reason_of_code(name: str) -> str:
    if name == "service_type":
        return "RITL is the one with the longer stays, where stays are known; else in the order of BPJS's sample data"
    if name == "province_name":
        return "BPS's code"
    return "in the usual order: check it" if name == "severity_group" else "as in BPJS's sample data: check it"


def _stay(located: Mapping[str, Located]) -> str:
    if "los" in located:
        return f"TRY_CAST({text_expression(located['los'])} AS DOUBLE)"
    if {"admit_dt", "discharge_dt"} <= located.keys():
        first, last = (date_expression(located[name]) for name in ("admit_dt", "discharge_dt"))
        return f"CAST(date_diff('day', {first}, {last}) AS DOUBLE)"
    return "CAST(NULL AS DOUBLE)"
