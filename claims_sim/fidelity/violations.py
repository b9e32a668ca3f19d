"""Which rules claims break, and how often: the product's one table of rules, and identities that the real table keeps."""

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.fidelity.audit import stay_columns
from claims_sim.fidelity.frames import Mask
from claims_sim.rules.table import ADMISSION, IDENTITIES

_RULES = (*ADMISSION, *IDENTITIES)
_NOT_COMPARED = ("claim_id", "patient_id_hash", "facility_id", "episode_ref", "generated_at")


def broken_rules(claims: pa.Table) -> dict[str, Mask]:
    """For each rule of `rules.table`: which of the claims break it. A rule whose columns are absent is not broken."""
    columns = {
        field.name: claims[field.name].cast(field.type, safe=False)
        if field.name in claims.column_names and field.name not in _NOT_COMPARED
        else pa.nulls(claims.num_rows, field.type)
        for field in FLAT_SCHEMA
    }
    flags = ", ".join(f"coalesce({rule.broken}, false) AS {rule.name}" for rule in _RULES)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("claims", pa.table(columns))
        found = connection.sql(f"SELECT {flags} FROM claims").to_arrow_table()
    return {name: found[name].to_numpy().astype(bool) for name in found.column_names}


def identity_columns(name: str) -> set[str]:
    """The columns of an identity that a source may keep or not; none for other rules, which claims of ours always owe."""
    return {column for rule in IDENTITIES if rule.name == name for column in FLAT_SCHEMA.names if column in rule.broken}


def broken_identities(real: pd.DataFrame, claims: pd.DataFrame) -> dict[str, Mask]:
    """Which claims break an identity that every real claim keeps: how days and `los`, list and its length go together."""
    names = {"days_less_los": "stay_not_as_in_the_table", "count_error": "companions_not_as_listed"}
    kept, ours = stay_columns(real), stay_columns(claims)
    broken: dict[str, Mask] = {}
    for column, name in names.items():
        if column in kept and column in ours:
            usual = kept[column][~np.isnan(kept[column])]
            if len(usual) and (usual == usual[0]).all():
                broken[name] = ~np.isnan(ours[column]) & (ours[column] != usual[0])
    return broken
