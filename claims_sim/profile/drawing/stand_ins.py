"""What stands in for values that the source lacks or may not tell, taken out again where claims are to be as the source's."""

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counts.companions import MEMBER
from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.drawn_columns import BRIEF, UNKNOWN
from claims_sim.profile.reading.blanks import with_nulls
from claims_sim.profile.reading.oddities import FOLLOWS
from claims_sim.profile.reading.source_columns import has_no_amounts
from claims_sim.profile.reading.source_sql import MONEY
from claims_sim.profile.texts.admit import NAMES_OF


def without_stand_ins(profile: Profile, claims: pa.Table, asked: Collection[str] = ()) -> pa.Table:
    """The claims without what stands in for values that the source lacks or may not tell, but in columns that were `asked` for."""
    for name in (name for name in BRIEF if name in claims.column_names and name not in asked):
        values, default = profile.vocabularies.get(name, ()), profile.defaults.get(name, UNKNOWN)
        if None in values and default not in values:
            claims = with_nulls(claims, name, pc.equal(claims[name].cast(pa.string()), default).fill_null(False))
    for name in (name for name in FOLLOWS if name in profile.defaults and name in claims.column_names):
        if name not in asked:
            claims = with_nulls(claims, name, pa.array(np.ones(claims.num_rows, np.bool_)))
    if has_no_amounts(profile.absent):
        for name in (name for name in MONEY if name in claims.column_names and name not in asked):
            claims = with_nulls(claims, name, pa.array(np.ones(claims.num_rows, np.bool_)))
    lists = {"dx_secondary_codes"} & set(claims.column_names) - set(asked)
    if lists and "secondary_count" in profile.tables and MEMBER not in profile.tables:
        # How many they are is the source's; which is not.
        claims = with_nulls(claims, "dx_secondary_codes", pa.array(np.ones(claims.num_rows, np.bool_)))
    for label in (name for name in NAMES_OF if name in claims.column_names and name not in asked):
        claims = _without_repeated_codes(profile, claims, label)
    return claims if "dx_primary_code" in asked else _without_stand_in_for_diagnosis(profile, claims)


def _without_repeated_codes(profile: Profile, claims: pa.Table, name: str) -> pa.Table:
    """The claims without labels that are just the code, as payloads have where none may be told; not where the source has such."""
    code = NAMES_OF[name]
    if code not in claims.column_names or name in profile.absent:
        return claims
    label = claims[name].cast(pa.string())
    told = pc.is_in(label, value_set=pa.array(profile.vocabularies.get(name, ()), pa.string()))
    repeats = pc.equal(label, claims[code].cast(pa.string())).fill_null(False)
    return with_nulls(claims, name, pc.and_not(repeats, told))


def _without_stand_in_for_diagnosis(profile: Profile, claims: pa.Table) -> pa.Table:
    """The claims without the code that stands where there is no diagnosis, and without its name."""
    code = profile.defaults.get("dx_primary_code")
    if code is None or "dx_primary_code" not in claims.column_names:
        return claims
    name = profile.dx_names.get(code, code)
    gone = pc.equal(claims["dx_primary_code"].cast(pa.string()), code).fill_null(False)
    if "dx_primary_label" in claims.column_names:
        named = pc.equal(claims["dx_primary_label"].cast(pa.string()), name).fill_null(False)
        claims = with_nulls(claims, "dx_primary_label", pc.and_(gone, named))
    return with_nulls(claims, "dx_primary_code", gone)
