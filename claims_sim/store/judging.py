"""Which of many flat rows break an admission rule, and which rules. The rules themselves are `rules.table`'s.

Most rules look at columns that hold few different values, among them the secondary codes: those are judged value by
value, and only rows that hold a bad value, or may break one of the other rules, are looked at rule by rule. The verdicts
are those of judging every row.
"""

import re
from functools import lru_cache
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.claim import FLAT_COLUMNS, FLAT_SCHEMA
from claims_sim.privacy.phi import CODE_GRAMMAR, fits_sql, suspicion_sql
from claims_sim.rules.table import ADMISSION, Rule, broken_sql, may_break
from claims_sim.store.query import fetch_arrow, run

FAULTS_SCHEMA: Final = pa.schema([("place", pa.int64()), ("reason", pa.string())])
_FEW_ROWS: Final = 1_000
"""For so few, judging value by value takes longer to plan than to run."""
# Texts that differ from claim to claim: judging their values would be judging every row.
_MANY_VALUED: Final = ("claim_id", "patient_id_hash", "facility_id", "episode_ref")
_LISTED: Final = "dx_secondary_codes"


@lru_cache(maxsize=1)
def _rules_by_column() -> tuple[dict[str, tuple[Rule, ...]], tuple[Rule, ...]]:
    """Rules that look at nothing but one text column of few values, by column; and the others.

    Four are in neither: `_suspicions` and `_find_bad_values` have forms of their own for them.
    """
    by_column: dict[str, list[Rule]] = {}
    others = []
    for rule in ADMISSION:
        names = [name for name in FLAT_COLUMNS if re.search(rf"\b{name}\b", rule.broken)]
        if len(names) == 1 and names[0] not in _MANY_VALUED and FLAT_SCHEMA.field(names[0]).type == pa.string():
            by_column.setdefault(names[0], []).append(rule)
        elif rule not in (_SECONDARY_GRAMMAR, _IDENTIFIES, _ID_FORM, _REPEATED):
            others.append(rule)
    return {name: tuple(rules) for name, rules in by_column.items()}, tuple(others)


def _rule(name: str) -> Rule:
    return next(rule for rule in ADMISSION if rule.name == name)


_SECONDARY_GRAMMAR: Final = _rule("secondary_grammar")
_IDENTIFIES: Final = _rule("identifies_a_person")
_ID_FORM: Final = _rule("claim_id_form")
_REPEATED: Final = _rule("secondary_repeated")

# What costs most for every row, with a cheap answer first for a value as most are: an id that begins with a letter and
# has at most five digits between letters, up to three codes.
_PLAIN_ID: Final = "^[A-Za-z]-?(?:(?:[0-9]-?){0,5}[A-Za-z]-?)*(?:[0-9]-?){0,5}$"
_SUSPICIOUS_ID: Final = (
    f"CASE WHEN length(claim_id) <= 80 AND regexp_matches(claim_id, '{_PLAIN_ID}') THEN false "
    f"ELSE ({_ID_FORM.broken}) OR {suspicion_sql('claim_id')} END"
)
_SUSPICIOUS_LIST: Final = (
    f"list_count({_LISTED}) < len({_LISTED}) OR CASE WHEN len({_LISTED}) < 2 THEN false WHEN len({_LISTED}) <= 3 THEN "
    f"{_LISTED}[1] = {_LISTED}[2] OR {_LISTED}[1] = {_LISTED}[3] OR {_LISTED}[2] = {_LISTED}[3] ELSE {_REPEATED.broken} END"
)
_known_good: dict[str, set[str]] = {}
_KNOWN_VALUES: Final = 20_000


def _suspicions(flat: pa.Table) -> list[str]:
    """Conditions of which one holds for every row that breaks a rule which is not judged value by value."""
    _, others = _rules_by_column()
    # No pattern reaches from one value into the next, so that each column can be looked at by itself.
    used = [name for name in _MANY_VALUED if name != "claim_id" and flat[name].null_count < len(flat)]
    conditions = [_SUSPICIOUS_ID, _SUSPICIOUS_LIST, *(rule.broken for rule in others), *map(suspicion_sql, used)]
    return [f"coalesce({condition}, false)" for condition in conditions]


def admission_faults(connection: duckdb.DuckDBPyConnection, flat: pa.Table) -> pa.Table:
    """The rows of `flat` (flat columns and `place`) that may not pass: `place` and `reason` (FAULTS_SCHEMA), by place."""
    if len(flat) < _FEW_ROWS and not may_break(connection, flat):
        return FAULTS_SCHEMA.empty_table()
    connection.register("judged", flat)
    suspicions = _suspicions(flat)
    for name in _find_bad_values(connection, flat):
        bad = f"(SELECT list(value) FROM bad_values WHERE column_name = '{name}')"
        suspicions.append(f"list_has_any({name}, {bad})" if name == _LISTED else f"list_contains({bad}, {name})")
    # Into a table first: a query that yields Arrow is planned twice, and these patterns are dear to compile.
    run(connection, f"CREATE OR REPLACE TEMP TABLE suspects AS SELECT * FROM judged WHERE {' OR '.join(suspicions)}")
    if not run(connection, "SELECT count(*) FROM suspects")[0][0]:
        return FAULTS_SCHEMA.empty_table()
    faults = fetch_arrow(
        connection,
        "SELECT place, 'rule: ' || array_to_string(names, ', ') AS reason "
        f"FROM (SELECT place, {broken_sql(ADMISSION)} AS names FROM suspects) WHERE len(names) > 0 ORDER BY place",
    )
    return faults.cast(FAULTS_SCHEMA)


def _find_bad_values(connection: duckdb.DuckDBPyConnection, flat: pa.Table) -> list[str]:
    """Leave the values that break a rule of their column in table `bad_values`; the columns that have such.

    Values that passed before are not judged again: most chunks bring few new ones, and the patterns are dear to compile.
    """
    by_column, _ = _rules_by_column()
    judged = {name: [rule.broken for rule in rules] for name, rules in by_column.items()}
    judged[_LISTED] = [f"NOT coalesce({fits_sql(_LISTED, CODE_GRAMMAR)}, false)"]
    queries, fresh = [], {}
    for name, rules in judged.items():
        values = pc.unique(pc.list_flatten(flat[name]) if name == _LISTED else flat[name]).drop_null().to_pylist()
        fresh[name] = [value for value in values if value not in _known_good.get(name, ())]
        if fresh[name]:
            connection.register(f"values_of_{name}", pa.table({name: pa.array(fresh[name], pa.string())}))
            broken = " OR ".join(f"coalesce({condition}, false)" for condition in [*rules, suspicion_sql(name)])
            queries.append(f"SELECT '{name}' AS column_name, {name} AS value FROM values_of_{name} WHERE {broken}")
    if not queries:
        return []
    run(connection, f"CREATE OR REPLACE TEMP TABLE bad_values AS {' UNION ALL '.join(queries)}")
    for name in filter(fresh.get, fresh):
        connection.unregister(f"values_of_{name}")
    bad = run(connection, "SELECT column_name, list(value) FROM bad_values GROUP BY column_name")
    _remember_good(fresh, {name: set(values) for name, values in bad})
    return [name for name, _ in bad]


def _remember_good(fresh: dict[str, list[str]], bad: dict[str, set[str]]) -> None:
    for name, values in fresh.items():
        known = _known_good.setdefault(name, set())
        if len(known) + len(values) > _KNOWN_VALUES:
            known.clear()  # a column of ever new values: what was kept is no use
        known.update(value for value in values[:_KNOWN_VALUES] if value not in bad.get(name, ()))
