"""Claims without a stay where only inpatients have one: no discharge and no days, in rows of a table that has such columns.

An outpatient's day has no end that anybody writes down. Such a claim counts as one without a night; a stay that is
merely unknown is left so. Where either days of stay or a discharge is told, the other follows. Nor has a visit a length whose
beginning alone has a time.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counts.counting import PERSONS_K, Mask
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.counts.telling import share_where, whose

STAYS_FILLED: Final = ("stays", "5")
"""Names this way of filling stays."""
MAX_STAY: Final = 3660
"""Days: longer ones are none."""
OF_STAYS: Final = ("admit_dt", "discharge_dt", "los")
_SERVICE: Final = "service_type"
_INPATIENT: Final = "RITL"
_HALF: Final = 0.5
_USUAL: Final = 0.2
"""The share of a service's claims without a stay from which on they have none, where fewer only lack it."""


def end_within_their_day(columns: pa.Table) -> tuple[pa.Table, Mask]:
    """Claims that are discharged at midnight of the day on which they come, later, as ones that end as they begin; and which these are.

    Where dates of admission have times and those of discharge have none, that is how visits look; elsewhere, too, it tells the day alone.
    """
    if not {"admit_dt", "discharge_dt"} <= set(columns.column_names):
        return columns, np.zeros(columns.num_rows, np.bool_)
    admit, discharge = (columns[name].to_numpy().astype("datetime64[us]") for name in ("admit_dt", "discharge_dt"))
    bare: Mask = (discharge < admit) & (discharge == admit.astype("datetime64[D]"))
    if not bare.any():
        return columns, bare
    column = columns["discharge_dt"].combine_chunks()
    ends = pc.if_else(pa.array(bare), columns["admit_dt"].combine_chunks().cast(column.type), column)
    return columns.set_column(columns.column_names.index("discharge_dt"), "discharge_dt", ends), bare


def fill_stays(columns: pa.Table, k: int = PERSONS_K) -> tuple[pa.Table, tuple[str, ...]]:
    """Give claims that have no stay one without a night, and those that lack a discharge or days alone what the other tells; and
    say of how many, in sentences that tell shares of `k` persons. A column without any value counts as absent: nothing follows from
    it, and it stays empty.
    """  # noqa: D205
    order = columns.column_names
    empty = [name for name in OF_STAYS if name in order and columns[name].null_count == columns.num_rows]
    filled, told = _fill(columns.drop_columns(empty), k)
    for name in empty:
        filled = filled.append_column(name, columns[name])
    return filled.select(order), told


def _fill(columns: pa.Table, k: int) -> tuple[pa.Table, tuple[str, ...]]:
    columns, completed = _from_each_other(columns, k)
    told: tuple[str, ...] = ()
    if completed.any():
        share = share_where(completed, columns, k)
        told = (f"{share} of the claims lack a discharge or days of stay; one follows from the other.",)
    filled = without_night(columns)
    if not filled.any():
        return columns, told
    known = {
        name: columns[name].combine_chunks() for name in ("admit_dt", "discharge_dt") if name in columns.column_names
    }
    instead = {"los": pa.scalar(0.0, pa.float64())}
    if len(known) == 2:
        instead |= {"admit_dt": known["discharge_dt"], "discharge_dt": known["admit_dt"]}
    for name, value in instead.items():
        if name in columns.column_names:
            column = columns[name].combine_chunks()
            missing = pa.array(filled & column.is_null().to_numpy(zero_copy_only=False))
            columns = columns.set_column(columns.column_names.index(name), name, pc.if_else(missing, value, column))
    return columns, (
        *told,
        f"{share_where(filled, columns, k)} of the claims have neither a discharge nor days of stay, as is usual of their kind; they "
        "count as claims without a night.",
    )


def _from_each_other(columns: pa.Table, k: int) -> tuple[pa.Table, Mask]:
    """With a discharge where only that is missing, so many days after the admission as stays of so many days mostly take; and
    with the days of stay that the dates tell, as other claims count them. Which claims have been given either.
    """  # noqa: D205
    if not {"los", "admit_dt", "discharge_dt"} <= set(columns.column_names):
        return columns, np.zeros(columns.num_rows, np.bool_)
    los = columns["los"].to_numpy()
    admit, discharge = (columns[name].to_numpy().astype("datetime64[us]") for name in ("admit_dt", "discharge_dt"))
    nights = (discharge.astype("datetime64[D]") - admit.astype("datetime64[D]")) / np.timedelta64(1, "D")
    ends = np.isnat(discharge) & ~np.isnat(admit) & (los >= 0) & (los <= MAX_STAY)
    counted = np.isnan(los) & (nights >= 0)
    if not (ends.any() or counted.any()):
        return columns, ends

    population = whose(columns, k)

    def count_first_day(beyond: Numbers, those: Mask, otherwise: int) -> int:
        """1 where the days of `those` are mostly one `beyond` what they would be without the first, else 0. Of few persons it is no
        habit, and each person counts once.
        """  # noqa: D205
        rows = np.flatnonzero(those & ((beyond == 1) | (beyond == 0)))
        if not population.may_be_told(rows):
            return otherwise
        return int(beyond[rows[population.one_of_each(rows)]].mean() > _HALF)

    # Days that count the first one too are one more than the nights.
    first = count_first_day(los - nights, nights > 0, 0)
    later = np.maximum(np.where(ends, los, 0.0) - first, 0)
    days = nights + first
    for service in _services(columns):
        # Whoever stays for no night may have a day all the same, and a visit none.
        days[service & (nights == 0)] = count_first_day(los, service & (nights == 0), 0)
        of_a_day = service & (los == 1)
        later[of_a_day] = 1 - count_first_day(1 - nights, of_a_day & (nights >= 0), first)
    for name, filled, values in (
        ("discharge_dt", ends, admit + later.astype(np.int64) * np.timedelta64(1, "D")),
        ("los", counted, days),
    ):
        if filled.any():
            column = columns[name].combine_chunks()
            known = pc.if_else(pa.array(filled), pa.array(values, mask=~filled).cast(column.type), column)
            columns = columns.set_column(columns.column_names.index(name), name, known)
    return columns, ends | counted


def _services(columns: pa.Table) -> list[Mask]:
    """The claims of each kind of service; all together where none is told."""
    if _SERVICE not in columns.column_names:
        return [np.ones(columns.num_rows, np.bool_)]
    code = _encoded_service(columns).indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return [code == value for value in np.unique(code)]


def without_night(columns: pa.Table) -> Mask:
    """Which claims have no stay and are of a service whose claims often have none."""
    missing = np.ones(columns.num_rows, np.bool_)
    names = set(columns.column_names)
    if "los" in names:
        missing &= _is_null(columns, "los")
    if {"admit_dt", "discharge_dt"} <= names:
        missing &= _is_null(columns, "admit_dt") | _is_null(columns, "discharge_dt")
    elif "los" not in names:
        return np.zeros(columns.num_rows, np.bool_)
    if _SERVICE not in names:
        return missing & bool(missing.mean() >= _USUAL)
    service = _encoded_service(columns)
    code = service.indices.fill_null(len(service.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    share = np.bincount(code, missing) / np.maximum(np.bincount(code), 1)
    usual = share >= _USUAL
    stays = pc.index(service.dictionary, _INPATIENT).as_py()
    if 0 <= stays < len(usual):
        usual[stays] = False
    return np.asarray(missing & usual[code])


def _encoded_service(columns: pa.Table) -> pa.DictionaryArray:
    column = columns[_SERVICE]
    encoded = column if pa.types.is_dictionary(column.type) else column.cast(pa.string()).dictionary_encode()
    return pa.concat_arrays(encoded.unify_dictionaries().chunks)


def _is_null(columns: pa.Table, name: str) -> Mask:
    return np.asarray(columns[name].is_null().to_numpy())
