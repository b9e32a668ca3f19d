"""Invented source tables of many shapes, small enough to profile in a test. Every row is invented."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

DX = [
    f"{letter}{number:02d}{digit}" for letter in "ABCDEFGHIJKLMNO" for number in range(0, 99, 7) for digit in range(10)
]
SECONDARY = ["I10", "E119", "N189", "D649", "J189", "E785", "K219", "A099"]
GRAVE = ["A419", "J960", "R571"]


def pick(g, size, rows, power=1.0):
    weight = 1 / (np.arange(size) + 2.0) ** power
    return g.choice(size, rows, p=weight / weight.sum())


def names(values, codes, missing=None):
    array = pa.array(np.array(values, object)[codes])
    return array if missing is None else pa.array(np.array(values, object)[codes].tolist(), mask=missing)


def gravest_first(rows, seed=6):
    """Lists of secondary codes: the few that are grave before all others, in their order."""
    g = np.random.default_rng(seed)
    usual, grave = np.array(SECONDARY[:6]), np.array(GRAVE)
    return [
        [*grave[g.random(3) < 0.15].tolist(), *g.permutation(usual[g.random(6) < 0.5]).tolist()] for _ in range(rows)
    ]


def tariff_table(rows=4000, seed=1, persons=True):
    """A lattice with whole thousands, twelve diagnoses, a hidden ward class, and what is paid is what is claimed."""
    g = np.random.default_rng(seed)
    dx, service = pick(g, 12, rows), (g.random(rows) < 0.4).astype(int)
    place, kind, ward = pick(g, 5, rows), pick(g, 3, rows), pick(g, 3, rows)
    severity = np.where(service, pick(g, 3, rows), 0)
    base = 200_000 * 1.37 ** (dx % 7) * np.where(service, 9.0, 1.0)
    wards = np.where(service, np.array([1.0, 1.2, 1.4])[ward], 1.0)
    price = base * np.array([1.0, 1.31, 1.74])[severity] * np.array([1.0, 1.05, 1.1, 1.02, 0.95])[place]
    claimed = np.rint(price * np.array([1.0, 1.12, 0.9])[kind] * wards / 1000) * 1000
    los = np.where(service, 1 + g.poisson(2 + severity), 0)
    admit = np.datetime64("2024-01-01") + g.integers(0, 366, rows)
    n = np.where(g.random(rows) < 0.4, g.integers(1, 4, rows), 0)
    table = {
        "claim_id": pa.array([f"CLM-{i}" for i in range(rows)]),
        "admit_dt": pa.array(admit),
        "discharge_dt": pa.array(admit + los),
        "los": pa.array(los),
        "province_name": names(["JAWA TIMUR", "BALI", "PAPUA", "ACEH", "RIAU"], place),
        "facility_class": names(["RS Kelas C", "RS Kelas B", "RS Khusus Ibu dan Anak"], kind),
        "facility_ownership": names(["Pemkab", "Swasta"], pick(g, 2, rows)),
        "service_type": names(["RJTL", "RITL"], service),
        "severity_group": names(["ringan", "sedang", "berat"], severity),
        "dx_primary_code": names(DX[::180][:12], dx),
        "dx_secondary_codes": pa.array([[SECONDARY[(i + j) % 8] for j in range(k)] for i, k in enumerate(n.tolist())]),
        "procedure_code": names(["741", "8751", "9904"], pick(g, 3, rows), g.random(rows) < 0.3),
        "amount_claimed": pa.array(claimed),
        "amount_paid": pa.array(claimed),
    }
    if persons:
        table["patient_id_hash"] = names([f"person {i}" for i in range(rows)], g.integers(0, rows, rows))
    return pa.table(table)


def foreign_table(rows=20_000, seed=1):
    """No lattice and no persons' key: cents, hours, many diagnoses and places, nulls, two-day counting, odd values."""
    g = np.random.default_rng(seed)
    many = np.array(DX)[: min(len(DX), 1500)]
    dx, place = pick(g, len(many), rows, 1.2), pick(g, 120, rows)
    service = (g.random(rows) < 0.15 + 0.5 * (dx % 3 == 0)).astype(int)
    severity = np.where(g.random(rows) < 0.3, 3, np.minimum(g.poisson(0.6 * service + (dx % 4) / 4), 2))
    los = np.where(service, 1 + g.negative_binomial(2, 1 / (2.0 + severity)), 1)
    admit = np.datetime64("2022-03-01T00:00:00") + g.integers(0, 518, rows) * np.timedelta64(1, "D")
    hour = np.clip(g.normal(10, 3, rows), 0, 23.9)
    stay = np.where(service, (los - 1) * 24.0 + g.uniform(1, 5, rows) - 0.0, g.uniform(0.1, 2, rows))
    entry = admit + (hour * 3600).astype(int) * np.timedelta64(1, "s")
    leave = np.where(
        los > 1, admit + ((los - 1) * 86400 + 12 * 3600).astype(int) * np.timedelta64(1, "s"),
        np.minimum(entry + (stay * 3600).astype(int) * np.timedelta64(1, "s"), admit + np.timedelta64(86399, "s")),
    )  # fmt: skip
    level = (
        4
        + 0.4 * g.standard_normal(len(many))[dx] * 0
        + 0.3 * (dx % 5)
        + 1.5 * service
        + 0.5 * severity
        + 0.1 * np.log(los)
    )
    claimed = np.round(np.exp(level + 0.6 * g.standard_t(4, rows)), 2)
    claimed = np.where(g.random(rows) < 0.02, 0.0, np.minimum(claimed, 1e9))
    share = np.where(g.random(rows) < 0.7, 0.8, np.where(g.random(rows) < 0.5, 1.0, g.beta(5, 2, rows)))
    table = {
        "admit_dt": pa.array(entry.astype("datetime64[us]")),
        "discharge_dt": pa.array(leave.astype("datetime64[us]")),
        "los": pa.array(los),
        "province_name": names([f"District {chr(65 + i // 26)}{chr(65 + i % 26)}" for i in range(120)], place),
        "facility_class": names(
            ["general", "clinic", "RS Khusus Ibu dan Anak", "unknown"], (place + pick(g, 2, rows)) % 4
        ),
        "facility_id": names([f"F{i:03d}" for i in range(600)], place * 5 + g.integers(0, 5, rows)),
        "service_type": names(["Outpatient", "Inpatient"], service),
        "severity_group": names(["low", "mid", "fatal", "unknown"], severity, g.random(rows) < 0.05),
        "dx_primary_code": names(many[np.random.default_rng(5).permutation(len(many))], dx),
        "procedure_code": names(["Acute appendicitis", "8751", "9904", "0066"], (dx + pick(g, 2, rows)) % 4),
        "amount_claimed": pa.array(claimed),
        "amount_paid": pa.array(np.round(claimed * share, 2)),
    }
    return pa.table(table)


def write_duckdb(table: pa.Table, path: Path, name: str = "claims_normalized") -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.register("built", table)
        connection.execute(f'CREATE TABLE "{name}" AS SELECT * FROM built')
    return path


def replaced(table: pa.Table, name: str, values) -> pa.Table:
    return (
        table.set_column(table.column_names.index(name), name, pa.array(values))
        if name in table.column_names
        else table.append_column(name, pa.array(values))
    )


def paid_in_full(table: pa.Table, price) -> pa.Table:
    return replaced(replaced(table, "amount_claimed", price), "amount_paid", price)


def with_values(table: pa.Table, name: str, rows, value) -> pa.Table:
    values = table[name].to_pylist()
    for row in rows:
        values[row] = value
    return replaced(table, name, values)


def months_of(table):
    return table["admit_dt"].to_numpy().astype("datetime64[M]").astype(int) % 12


def two_lists(rows):
    """Visits cost what was done, at weekends a tenth more; stays cost their diagnosis, some of these more from July on; what
    the class of the house multiplies by is another for either.
    """
    g, w = np.random.default_rng(19), np.random.default_rng(20)
    table = tariff_table(rows)
    stays = np.array(table["service_type"].to_pylist()) == "RITL"
    house, dx = (np.unique(table[n].to_pylist(), return_inverse=True)[1] for n in ("facility_class", "dx_primary_code"))
    procedure = g.integers(0, 30, rows)
    of_stay = np.exp(w.normal(15, 0.5, 12))[dx] * np.array([1.0, 1.31, 0.77])[house]
    of_visit = np.exp(w.normal(12, 0.5, 30))[procedure] * np.array([1.0, 1.17, 0.92])[house]
    weekend = (table["admit_dt"].to_numpy().astype("datetime64[D]").astype(int) + 3) % 7 >= 5
    later = stays & (dx % 3 == 0) & (months_of(table) >= 6)
    price = np.rint(np.where(stays, of_stay, of_visit) / 100) * 100
    price = np.rint(price * np.where(later, 1.073, np.where(~stays & weekend, 1.1, 1.0)) / 100) * 100
    # No provinces of the public register: claims of hospitals that it names would be dealt out.
    zones = {name: f"ZONE {name[0]}" for name in set(table["province_name"].to_pylist())}
    table = replaced(table, "province_name", [zones[name] for name in table["province_name"].to_pylist()])
    table = replaced(table, "procedure_code", [f"{10 + code}" for code in procedure])
    return replaced(replaced(table, "amount_claimed", price), "amount_paid", price)
