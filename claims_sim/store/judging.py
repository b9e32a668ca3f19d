"""Which of many flat rows break an admission rule, and which rules. The rules themselves are `rules.table`'s.

Most rules look at one column that holds few different values: those are judged value by value, and only rows that hold
a bad value, or break one of the other rules, are looked at rule by rule. The verdicts are those of judging every row.
"""

import re
from functools import lru_cache
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.claim import FLAT_COLUMNS, FLAT_SCHEMA
from claims_sim.rules.table import ADMISSION, Rule, broken_sql, may_break
from claims_sim.store.query import fetch_arrow, run

FAULTS_SCHEMA: Final = pa.schema([("place", pa.int64()), ("reason", pa.string())])
_FEW_ROWS: Final = 1_000
"""For so few, judging value by value takes longer to plan than to run."""
# Texts that differ from claim to claim: judging their values would be judging every row.
_MANY_VALUED: Final = ("claim_id", "patient_id_hash", "facility_id", "episode_ref")


@lru_cache(maxsize=1)
def _rules_by_column() -> tuple[dict[str, tuple[Rule, ...]], tuple[Rule, ...]]:
    """Rules that look at nothing but one text column of few values, by column; and the others."""
    by_column: dict[str, list[Rule]] = {}
    others = []
    for rule in ADMISSION:
        names = [name for name in FLAT_COLUMNS if re.search(rf"\b{name}\b", rule.broken)]
        if len(names) == 1 and names[0] not in _MANY_VALUED and FLAT_SCHEMA.field(names[0]).type == pa.string():
            by_column.setdefault(names[0], []).append(rule)
        else:
            others.append(rule)
    return {name: tuple(rules) for name, rules in by_column.items()}, tuple(others)


def admission_faults(connection: duckdb.DuckDBPyConnection, flat: pa.Table) -> pa.Table:
    """The rows of `flat` (flat columns and `place`) that may not pass: `place` and `reason` (FAULTS_SCHEMA), by place."""
    if len(flat) < _FEW_ROWS and not may_break(connection, flat):
        return FAULTS_SCHEMA.empty_table()
    connection.register("judged", flat)
    _, others = _rules_by_column()
    suspicions = [f"coalesce({rule.broken}, false)" for rule in others]
    suspicions += [
        f"{name} IN (SELECT value FROM bad_values WHERE column_name = '{name}')"
        for name in _find_bad_values(connection, flat)
    ]
    # Into a table first: a query that yields Arrow is planned twice, and these patterns are dear to compile.
    run(connection, f"CREATE OR REPLACE TEMP TABLE suspects AS SELECT * FROM judged WHERE {' OR '.join(suspicions)}")
    if not run(connection, "SELECT count(*) FROM suspects")[0][0]:
        return FAULTS_SCHEMA.empty_table()
    faults = fetch_arrow(
        connection,
        f"SELECT place, 'rule: ' || array_to_string({broken_sql(ADMISSION)}, ', ') AS reason FROM suspects ORDER BY place",
    )
    return faults.cast(FAULTS_SCHEMA)


def _find_bad_values(connection: duckdb.DuckDBPyConnection, flat: pa.Table) -> list[str]:
    """Leave the values that break a rule of their column in table `bad_values`; the columns that have such."""
    by_column, _ = _rules_by_column()
    queries = []
    for name, rules in by_column.items():
        connection.register(f"values_of_{name}", pa.table({name: pc.unique(flat[name])}))
        broken = " OR ".join(f"coalesce({rule.broken}, false)" for rule in rules)
        queries.append(f"SELECT '{name}' AS column_name, {name} AS value FROM values_of_{name} WHERE {broken}")
    run(connection, f"CREATE OR REPLACE TEMP TABLE bad_values AS {' UNION ALL '.join(queries)}")
    return [row[0] for row in run(connection, "SELECT DISTINCT column_name FROM bad_values")]
