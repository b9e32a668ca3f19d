"""The one table of rules that claims must pass, as SQL over flat rows (`claim.FLAT_SCHEMA`).

Two gates use it. *Admission* is what any payload must pass, whoever made it. *Authoring* adds what our own claims owe
to the profile: its exact identities, its closed vocabularies and plausibility (`plausibility.py`, whose rules look at
codes and are no SQL). A rule never mends a claim; it names what is wrong.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.claim import MAX_AMOUNT, MAX_TEXT, REF_PATTERN
from claims_sim.privacy.phi import (
    CATEGORY_GRAMMAR,
    CODE_GRAMMAR,
    LABEL_GRAMMAR,
    fits_sql,
    identifier_sql,
    quote,
    suspicion_sql,
)

Gate = Literal["admission", "identity", "vocabulary"]


@dataclass(frozen=True, slots=True)
class Rule:
    """`broken` is an SQL condition over flat columns that is true for a claim that breaks the rule; NULL passes."""

    name: str
    gate: Gate
    broken: str
    meaning: str


_TEXTS: Final = {
    "province_name": CATEGORY_GRAMMAR,
    "facility_class": CATEGORY_GRAMMAR,
    "facility_ownership": CATEGORY_GRAMMAR,
    "severity_group": CATEGORY_GRAMMAR,
    "service_type": CATEGORY_GRAMMAR,
    "dx_primary_code": CODE_GRAMMAR,
    "dx_primary_label": LABEL_GRAMMAR,
    "procedure_code": CODE_GRAMMAR,
    "procedure_label": LABEL_GRAMMAR,
}
_REFS: Final = ("patient_id_hash", "facility_id", "episode_ref")
_AMOUNTS: Final = ("amount_claimed", "amount_paid", "amount_gap")
_CLAIM_ID: Final = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$"


# One scan over everything textual: a fraction of the regular expressions that a scan per column would run. The separator
# is a character that no pattern can bridge.
_EVERYTHING: Final = (
    f"concat_ws(chr(31), {', '.join(('claim_id', *_TEXTS, *_REFS))}, array_to_string(dx_secondary_codes, chr(31)))"
)
IDENTIFIES_A_PERSON: Final = identifier_sql(_EVERYTHING)
"""An SQL condition over a flat row: some value of it looks like an identifier of a person."""


def _off_cents(column: str) -> str:
    return f"abs({column} * 100 - round({column} * 100)) > 1e-4 * greatest(1, abs({column}) * 1e-6)"


def _admission() -> Iterable[Rule]:
    yield Rule(
        "claim_id_form", "admission", f"NOT regexp_matches(claim_id, '{_CLAIM_ID}')", "claim_id has another form"
    )
    yield Rule("discharge_before_admit", "admission", "discharge_dt < admit_dt", "discharge_dt lies before admit_dt")
    yield Rule(
        "amount_not_money",
        "admission",
        " OR ".join(f"NOT isfinite({c}) OR abs({c}) > {MAX_AMOUNT:.0f} OR {_off_cents(c)}" for c in _AMOUNTS),
        "an amount is no money: not finite, too large, or with more than two decimals",
    )
    yield Rule("negative_amount", "admission", "amount_claimed < 0 OR amount_paid < 0", "an amount is negative")
    yield Rule(
        "gap_not_difference",
        "admission",
        "abs(amount_claimed - amount_paid - amount_gap) > 0.005",
        "amount_gap is not amount_claimed - amount_paid",
    )
    yield Rule(
        "primary_among_secondary",
        "admission",
        "list_contains(dx_secondary_codes, dx_primary_code)",
        "the secondary codes hold the primary code",
    )
    yield Rule(
        "secondary_repeated",
        "admission",
        "len(list_distinct(dx_secondary_codes)) < len(dx_secondary_codes)",
        "the secondary codes hold a code twice",
    )
    for column, grammar in _TEXTS.items():
        yield Rule(
            f"{column}_grammar",
            "admission",
            f"length({column}) > {MAX_TEXT} OR NOT {fits_sql(column, grammar)}",
            f"{column} is no short phrase or code",
        )
    yield Rule(
        "secondary_grammar",
        "admission",
        f"len(list_filter(dx_secondary_codes, lambda c: NOT coalesce({fits_sql('c', CODE_GRAMMAR)}, false))) > 0",
        "a secondary code is no code",
    )
    for column in _REFS:
        yield Rule(
            f"{column}_form", "admission", f"NOT regexp_matches({column}, '{REF_PATTERN}')", f"{column} is no pseudonym"
        )
    yield Rule("identifies_a_person", "admission", IDENTIFIES_A_PERSON, "a value looks like an identifier of a person")


# Identities that a source may keep. The profile finds at which rate; those found exact are enforced.
IDENTITIES: Final = (
    Rule("paid_over_claimed", "identity", "amount_paid > amount_claimed", "amount_paid exceeds amount_claimed"),
    Rule("outpatient_stay", "identity", "service_type = 'RJTL' AND los > 0", "an outpatient (RJTL) claim has a stay"),
)
VOCABULARY_COLUMNS: Final = (
    "province_name",
    "facility_class",
    "facility_ownership",
    "service_type",
    "severity_group",
    "dx_primary_code",
    "dx_primary_label",
    "procedure_code",
    "procedure_label",
)
ADMISSION: Final = tuple(_admission())


def _suspicious() -> Iterable[str]:
    """Conditions of which one holds wherever an admission rule is broken; clean claims hardly ever meet one."""
    labels = tuple(name for name in _TEXTS if name.endswith("_label"))
    phrases = (*(name for name in _TEXTS if name not in labels), _SECONDARY)
    for columns, item in ((phrases, _PLAIN_PHRASE), (labels, _PLAIN_LABEL)):
        joined = f"concat_ws(chr(31), {', '.join(columns)})"
        yield f"NOT regexp_matches({joined}, {quote(f'^(?:{item}(?:{chr(31)}{item})*)?$')})"
    yield f"greatest({', '.join(f'length({name})' for name in _TEXTS)}) > {MAX_TEXT}"
    yield "list_count(dx_secondary_codes) < len(dx_secondary_codes)"
    yield suspicion_sql(_EVERYTHING)
    dear = ("_grammar", "identifies_a_person")
    yield from (rule.broken for rule in ADMISSION if not rule.name.endswith(dear))


# Plain ASCII, as nearly all values are: the letters of all scripts take milliseconds to compile.
_PLAIN_PHRASE: Final = r"[A-Za-z0-9][A-Za-z0-9 .,/&()'+\-]*"
_PLAIN_LABEL: Final = r"[A-Za-z0-9\[(][A-Za-z0-9 .,;:/&()\[\]'+%<>=\-]*"
_SECONDARY: Final = "CASE WHEN len(dx_secondary_codes) > 0 THEN array_to_string(dx_secondary_codes, chr(31)) END"
MAY_BREAK_ADMISSION: Final = " OR ".join(f"coalesce({condition}, false)" for condition in _suspicious())
"""An SQL condition over a flat row, true for every row that breaks an admission rule and for few others.

Judging rule by rule costs a query tens of milliseconds before its first row; this tells a small batch in a few."""


def vocabulary_rules(relation: str) -> tuple[Rule, ...]:
    """Rules that hold every categorical value against `relation` (column_name, value): a closed vocabulary."""
    one = [
        Rule(
            f"{column}_unknown",
            "vocabulary",
            f"{column} IS NOT NULL AND {column} NOT IN (SELECT value FROM {relation} WHERE column_name = '{column}')",
            f"{column} does not occur in the profile",
        )
        for column in VOCABULARY_COLUMNS
    ]
    # The list is looked up once: DuckDB allows no subquery inside a lambda.
    known = f"(SELECT coalesce(list(value), []) FROM {relation} WHERE column_name = 'dx_secondary_codes')"
    secondary = Rule(
        "secondary_unknown",
        "vocabulary",
        f"NOT list_has_all({known}, dx_secondary_codes)",
        "a secondary code does not occur in the profile",
    )
    return (*one, secondary)


def may_be_unknown(claims: pa.Table, vocabulary: Mapping[str, pa.Array]) -> bool:
    """Whether any claim of `claims` may break a vocabulary rule; False is certain. `vocabulary` has a column's values.

    The rules' subqueries take milliseconds to plan, for a few claims many times as long as looking their values up.
    """
    asked = {name: claims[name].drop_null() for name in VOCABULARY_COLUMNS}
    asked["dx_secondary_codes"] = pc.list_flatten(claims["dx_secondary_codes"])
    return not all(
        pc.all(pc.is_in(values, value_set=vocabulary[name]), min_count=0).as_py() for name, values in asked.items()
    )


def broken_sql(rules: Iterable[Rule]) -> str:
    """An SQL expression: the list of names of the rules that a flat row breaks."""
    cases = ", ".join(f"CASE WHEN {rule.broken} THEN '{rule.name}' END" for rule in rules)
    return f"list_filter([{cases}], lambda r: r IS NOT NULL)"


def may_break(connection: duckdb.DuckDBPyConnection, claims: pa.Table) -> bool:
    """Whether any claim of `claims` may break an admission rule; False is certain."""
    connection.register("claims_to_judge", claims)
    try:
        query = f"SELECT count(*) FROM claims_to_judge WHERE {MAY_BREAK_ADMISSION}"
        return bool(connection.execute(query).fetchall()[0][0])
    finally:
        connection.unregister("claims_to_judge")


def judge(connection: duckdb.DuckDBPyConnection, claims: pa.Table, rules: Iterable[Rule]) -> list[list[str]]:
    """The names of the broken rules of each claim, in the order of `claims`; an empty list means that it passes."""
    connection.register("claims_to_judge", claims)
    try:
        rows = connection.execute(f"SELECT {broken_sql(rules)} FROM claims_to_judge").fetchall()
    finally:
        connection.unregister("claims_to_judge")
    return [row[0] for row in rows]
