"""Made-up claims with known dependencies, and one scorer trained on them: no profile, no store."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.scoring.scorer import train_scorer

DIAGNOSES = np.array(
    ["A090", "A91", "E119", "I10", "I219", "J189", "J459", "K358", "N185", "O820", "S065", "Z491"], object
)
SEVERITIES = np.array(["ringan", "sedang", "berat"], object)
CLASSES = np.array(["RS Kelas A", "RS Kelas B", "RS Kelas C", "RS Kelas D"], object)
PROVINCES = np.array(["ACEH", "BALI", "DKI JAKARTA", "JAWA TIMUR", "PAPUA"], object)
OWNERS = np.array(["Pemkab", "Swasta", "TNI AD"], object)
SEVERITY_STEPS = np.array([1.0, 1.4, 1.9])
WARDS = np.array([1.0, 1.2, 1.4])


def make_claims(rows: int, seed: int) -> pa.Table:
    """Flat claims: a diagnosis decides procedures, stay and tariff; severity steps the tariff; amounts are a lattice."""
    g = np.random.default_rng(seed)
    fixed = np.random.default_rng(1)
    base = np.exp(fixed.normal(15.0, 0.5, len(DIAGNOSES)))
    usual_stay = fixed.uniform(2, 7, len(DIAGNOSES))
    inpatient_share = fixed.uniform(0.1, 0.9, len(DIAGNOSES))
    dx, province = g.integers(0, len(DIAGNOSES), rows), g.integers(0, len(PROVINCES), rows)
    place, owner, ward = g.choice(4, rows, p=[0.1, 0.25, 0.45, 0.2]), g.integers(0, 3, rows), g.integers(0, 3, rows)
    inpatient = g.random(rows) < inpatient_share[dx]
    companions = np.where(inpatient, g.poisson(1.0, rows), 0).clip(0, 4)
    severe = companions + g.logistic(0, 0.6, rows)
    severity = np.where(inpatient, (severe > 1.2).astype(int) + (severe > 2.8), 0)
    stay = np.where(inpatient, 1 + g.poisson(usual_stay[dx] * (1 + 0.3 * severity) - 1), 0)
    step = SEVERITY_STEPS[severity] * np.array([1.3, 1.15, 1.0, 0.9])[place]
    claimed = np.rint(np.where(inpatient, base[dx] * step * WARDS[ward], 0.08 * base[dx]) / 100) * 100
    paid = np.where(g.random(rows) < 0.08, np.rint(claimed * g.uniform(0.5, 1, rows)), claimed)
    admit = np.datetime64("2025-01-01T08:00:00", "us") + g.integers(0, 365 * 24, rows) * np.timedelta64(1, "h")
    offsets = np.concatenate([[0], companions.cumsum()]).astype(np.int32)
    which = (np.repeat(dx, companions) + 1 + (np.arange(offsets[-1]) - np.repeat(offsets[:-1], companions))) % len(
        DIAGNOSES
    )
    columns = {
        "claim_id": [f"T-{seed}-{i}" for i in range(rows)],
        "admit_dt": admit,
        "discharge_dt": admit + stay * np.timedelta64(1, "D"),
        "los": stay.astype(np.int32),
        "province_name": PROVINCES[province],
        "facility_class": CLASSES[place],
        "facility_ownership": OWNERS[owner],
        "service_type": np.where(inpatient, "RITL", "RJTL").astype(object),
        "severity_group": SEVERITIES[severity],
        "dx_primary_code": DIAGNOSES[dx],
        "dx_secondary_codes": pa.ListArray.from_arrays(offsets, pa.array(DIAGNOSES[which])),
        "comorbidity_count": companions.astype(np.int32),
        "procedure_code": np.array([f"{8000 + i}" for i in range(40)], object)[dx * 3 + g.integers(0, 3, rows)],
        "amount_claimed": claimed,
        "amount_paid": paid,
        "amount_gap": claimed - paid,
    }
    given = {name: pa.array(values, FLAT_SCHEMA.field(name).type) for name, values in columns.items()}
    return pa.table([given.get(field.name, pa.nulls(rows, field.type)) for field in FLAT_SCHEMA], schema=FLAT_SCHEMA)


@pytest.fixture(scope="session")
def claims():
    """A function: (rows, seed) -> made-up claims."""
    return make_claims


@pytest.fixture(scope="session")
def scorer():
    return train_scorer(make_claims(12_000, 1), profile_hash="f" * 64, seed=7)


@pytest.fixture(scope="session")
def at():
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def score(scorer, at):
    """A function: claims -> scores."""
    return lambda claims: scorer.score(claims, scored_at=at)


@pytest.fixture(scope="session")
def replace():
    """A function: (claims, column=values, …) -> claims with these columns instead."""

    def put(table: pa.Table, **columns) -> pa.Table:
        for name, values in columns.items():
            position = table.schema.get_field_index(name)
            table = table.set_column(position, name, pa.array(values, table.schema.field(name).type))
        return table

    return put
