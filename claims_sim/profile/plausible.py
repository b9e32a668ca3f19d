"""How often a source breaks each rule of plausibility, so that what it does often is not held against our claims.

Looks at a sample of the rows. A rate is released like any cell: in units of k, and zero where fewer than k persons are
behind it.
"""

import duckdb
import pyarrow as pa

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.profile.counting import Ints, Population, released_count
from claims_sim.profile.structure import sample_rows
from claims_sim.rules.plausibility import COLUMNS, PLAUSIBILITY


def rule_rates(columns: pa.Table, population: Population) -> dict[str, float]:
    """For each rule that applies to claims of k persons: the share of these claims that break it."""
    rows = sample_rows(columns.num_rows)
    flags = _flags(columns, rows)
    rates = {}
    for number, rule in enumerate(PLAUSIBILITY):
        applies, broken = (flags[f"{what}_{number}"].to_numpy() for what in ("applies", "broken"))
        whole = released_count(applies, population, rows)
        if whole:
            rates[rule.name] = min(float(f"{released_count(broken, population, rows) / whole:.2g}"), 1.0)
    return rates


def _flags(columns: pa.Table, rows: Ints) -> pa.Table:
    sample = {}
    for name in COLUMNS:
        kind = FLAT_SCHEMA.field(name).type
        there = name in columns.column_names
        sample[name] = columns[name].take(pa.array(rows)) if there else pa.nulls(len(rows), kind)
        if there and name != "los":
            sample[name] = sample[name].cast(kind)
    # Whether a rule is broken is asked only where it applies: it looks through texts, and most rules apply to few claims.
    asked = ", ".join(
        f"coalesce({rule.applies}, false) AS applies_{number}, "
        f"CASE WHEN {rule.applies} THEN coalesce({rule.broken}, false) ELSE false END AS broken_{number}"
        for number, rule in enumerate(PLAUSIBILITY)
    )
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("sample", pa.table(sample))
        return connection.sql(f"SELECT {asked} FROM sample").to_arrow_table()
