"""How often a source breaks each rule of plausibility, so that what it does often is not held against our claims.

Looks at a sample of the rows. A rate is released like any cell: in units of k, and zero where fewer than k persons are
behind it.
"""

import pyarrow as pa

from claims_sim.profile.counts.counting import Population, released_count
from claims_sim.profile.counts.structure import sample_rows
from claims_sim.rules.plausibility import COLUMNS, PLAUSIBILITY, Coded


def rule_rates(columns: pa.Table, population: Population) -> dict[str, float]:
    """For each rule that applies to claims of k persons: the share of these claims that break it."""
    rows = sample_rows(columns.num_rows)
    asked = columns.select([name for name in COLUMNS if name in columns.column_names])
    coded, rates = Coded(asked.take(pa.array(rows))), {}
    for rule in PLAUSIBILITY:
        applies = rule.applies(coded)
        whole = released_count(applies, population, rows)
        if whole:
            broken = released_count(applies & rule.wrong(coded), population, rows)
            rates[rule.name] = min(float(f"{broken / whole:.2g}"), 1.0)
    return rates
