"""Invented claims tables whose structure claims_sim was not written for, to measure its profile on. Nothing here is used by it.

    python benchmarks/other_tables.py coastal --rows 120000 --seed 1 --out coastal.duckdb      # mapping file beside it

coastal   14 districts; money continuous and heavy-tailed, with cents; a stay counts both days; three kinds of service; times to
          the minute; outpatients pay 12.50 themselves, inpatients a fifth, and above a ceiling the rest.
register  300 facilities, each with a rate of its own, 2,000 diagnoses, persons; accounting holds in 99.4 % of the rows only;
          a weight per province and class; severities 'fatal' and 'unknown'.
counter   other column names and coded values, read through a mapping file; no province, no persons, no severity for a fifth of
          the rows; a price list of procedures, by quantity; one claim in twelve costs nothing; a constant and an empty column.
raised    named and coded as BPJS's sample data; severity only as the last part of a case group; one price list by group, severity,
          class and region, a ward class that no column names, all of it raised by 6 % in the second year; supplements
          to the rupiah on 1.5 % of the stays, between prices in hundreds.
wide      as Medicare's public files: ICD-9-CM codes, nine columns of secondary diagnoses, dates as whole numbers, one amount,
          continuous and told to the thousand, with a ceiling.
charges   no dates at all; diagnoses as names, not codes; a hospital's charges and its costs, both continuous, with cents.
casemix   case groups: some procedures decide the group, else the diagnosis; prices by group, severity and class of hospital, a ward
          class that no column names, renewed in the midst of a month for two groups in three; holidays; claims unpaid at the end.
billed    charges of any size beside case payments; of visits the patient pays a share in whole fives; half of the claims are dated on
          the last day of their month; no procedures.

One world each: another seed draws other claims of it (a holdout). Every row is invented.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from claims_sim.codes import icd9cm, icd10

Ints = np.ndarray
Rng = np.random.Generator
WORLD = 20_260_101
DAY, MINUTE = np.timedelta64(1, "D"), np.timedelta64(1, "m")


def codes_of_chapters(letters: str, count: int, g: Rng) -> list[str]:
    """`count` ICD-10 codes of at least four characters whose first letter is among `letters`."""
    every = [code for code in icd10.all_codes() if len(code) >= 4 and code[0] in letters and code.isalnum()]
    return sorted(g.choice(every, count, replace=False).tolist())


def zipf(count: int, power: float, g: Rng) -> np.ndarray:
    weight = 1 / (g.permutation(count) + 3.0) ** power
    return weight / weight.sum()


def draw(table: np.ndarray, row: Ints, g: Rng) -> Ints:
    """A column for each row of a table of weights."""
    steps = np.cumsum(table / table.sum(1, keepdims=True), 1)
    flat = (steps + np.arange(len(table))[:, None]).ravel()
    at = np.searchsorted(flat, row + g.random(len(row)) * (1 - 1e-12), side="right") - row * table.shape[1]
    return np.minimum(at, table.shape[1] - 1)


def text(values: list[str], codes: Ints, missing: np.ndarray | None = None) -> pa.Array:
    index = pa.array(codes.astype(np.int32), mask=(codes < 0) if missing is None else missing | (codes < 0))
    return pa.DictionaryArray.from_arrays(index, pa.array(values)).cast(pa.string())


def companions(dx: Ints, rate: np.ndarray, partners: np.ndarray, codes: list[str], most: int, g: Rng) -> pa.ListArray:
    """Lists without repeats: each diagnosis has its own partners, the first of them the likeliest."""
    count = np.minimum(g.poisson(rate), most)
    keys = g.gumbel(size=(len(dx), partners.shape[1])) - 0.9 * np.log(np.arange(1, partners.shape[1] + 1))
    chosen = partners[dx[:, None], np.argsort(-keys, 1)[:, :most]]
    members = chosen[np.arange(most) < count[:, None]]
    offsets = np.r_[0, np.cumsum(count)].astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), text(codes, members))


def partners_of(count: int, each: int, weight: np.ndarray, w: Rng) -> np.ndarray:
    return np.array(
        [w.choice(np.delete(np.arange(count), i), each, replace=False, p=_without(weight, i)) for i in range(count)]
    )


def _without(weight: np.ndarray, i: int) -> np.ndarray:
    left = np.delete(weight, i)
    return left / left.sum()


def coastal(rows: int, g: Rng) -> pa.Table:
    w = np.random.default_rng([WORLD, 1])
    dx_codes = codes_of_chapters("ABCEIJKMNOSZ", 220, w)
    n = len(dx_codes)
    services, classes, owners = (
        ["Outpatient", "Inpatient", "Day care"],
        ["General", "Regional", "Private clinic"],
        ["Public", "Private"],
    )
    districts = [
        "NORD",
        "PORT-LOUE",
        "LES DUNES",
        "BAIE",
        "CAP",
        "EST",
        "HAUTE RIVE",
        "ILET",
        "LAGON",
        "MORNE",
        "OUEST",
        "PLAINE",
        "SUD",
        "VAL",
    ]
    district = draw(zipf(14, 0.8, w)[None], np.zeros(rows, int), g)
    kind = draw(w.dirichlet([3, 1.5, 2], 14), district, g)
    owner = np.where(kind == 2, 1, np.where(g.random(rows) < 0.04 + 0.1 * (district % 3 == 0), 1, 0))
    service = draw(np.array([[6, 3, 1], [4, 5, 1], [8, 0.6, 1.4]]), kind, g)
    weights = zipf(n, 0.9, w) * w.gamma(0.7, 1, (9, n))
    dx = draw(weights, service * 3 + kind, g)
    month = draw(w.dirichlet(np.full(12, 6), 6)[[*range(6)] * 37][:n], dx, g)
    day = np.datetime64("2021-01") + np.where(g.random(rows) < 0.47, 0, 12) + month
    days_in = ((day + 1).astype("datetime64[D]") - day.astype("datetime64[D]")).astype(int)
    admit_day = day.astype("datetime64[D]") + (g.random(rows) * days_in).astype(int)
    sunday = (admit_day.astype(int) + 3) % 7 == 6
    admit_day = admit_day + np.where(sunday & (service != 1), 1, 0)
    nights = np.where(service == 1, 1 + g.negative_binomial(1.4, 1 / (1 + w.gamma(2, 1.4, n)[dx])), 0)
    minute = np.where(service == 1, g.normal(15.5, 4.5, rows), 8 + g.gamma(2.2, 1.1, rows)).clip(0, 23.9) * 60
    admit = admit_day.astype("datetime64[m]") + minute.astype(int) * MINUTE
    leave = np.where(
        nights > 0,
        (admit_day + nights).astype("datetime64[m]") + g.normal(660, 60, rows).clip(30, 1400).astype(int) * MINUTE,
        np.minimum(
            admit + g.gamma(3, 35, rows).astype(int) * MINUTE, admit_day.astype("datetime64[m]") + 1439 * MINUTE
        ),
    )
    procs = ["4516", "8154", "1341", "3722", "5123", "8703", "8952", "9394", "9925", "741"]
    proc = draw(np.c_[w.dirichlet(np.full(10, 0.15), n), w.uniform(0.2, 2.0, n)], dx, g)
    mean = 4.1 + w.normal(0, 0.6, n)[dx] + np.array([0, 2.0, 1.1])[service] + np.array([0, 0.25, 0.4])[kind]
    mean += np.append(w.normal(0, 0.35, 10), 0)[proc] + 0.55 * np.log1p(nights) + 0.1 * (district % 4 == 1)
    tail = np.where(g.random(rows) < 0.02, g.pareto(1.6, rows), 0)
    claimed = np.round(np.exp(mean + (0.3 + 0.15 * (kind == 2)) * g.standard_t(5, rows)) * (1 + tail), 2).clip(0.5, 5e6)
    share = np.round(claimed * 0.8, 2)
    paid = np.where(
        service == 1,
        np.where(share > 4000, 4000 + np.round((share - 4000) * 0.5, 2), share),
        np.maximum(claimed - 12.5, 0),
    )
    paid = np.where(g.random(rows) < 0.03 + 0.05 * (owner == 1), 0, paid)
    sec = companions(
        dx, w.gamma(1.5, 0.4, n)[dx] * (0.4 + service % 2), partners_of(n, 10, zipf(n, 0.8, w), w), dx_codes, 5, g
    )
    person = g.integers(0, rows // 2 + 1, rows)
    return pa.table({
        "claim_id": pa.array([f"C{i:07d}" for i in range(rows)]),
        "admit_dt": pa.array(admit.astype("datetime64[us]")), "discharge_dt": pa.array(leave.astype("datetime64[us]")),
        "los": pa.array((nights + 1).astype(np.int32)), "province_name": text(districts, district),
        "facility_class": text(classes, kind), "facility_ownership": text(owners, owner), "service_type": text(services, service),
        "dx_primary_code": text(dx_codes, dx), "dx_secondary_codes": sec, "procedure_code": text(procs, np.where(proc < 10, proc, -1)),
        "amount_claimed": pa.array(claimed), "amount_paid": pa.array(np.round(paid, 2)),
        "amount_gap": pa.array(np.round(claimed - paid, 2)),
        "patient_id_hash": text([f"p{i}" for i in range(rows // 2 + 1)], person),
    })  # fmt: skip


def register(rows: int, g: Rng) -> pa.Table:
    w = np.random.default_rng([WORLD, 2])
    dx_codes = codes_of_chapters("ABCDEFGHIJKLMNOPQRSTZ", 2000, w)
    n, places, houses = len(dx_codes), 24, 300
    provinces = [f"PROVINCE {a}{b}" for a in "ABCD" for b in "UVWXYZ"]
    classes, owners = (
        ["Level 1", "Level 2", "Level 3", "Specialist"],
        ["State", "Province", "Army", "Church", "Company"],
    )
    house_place = draw(zipf(places, 0.7, w)[None], np.zeros(houses, int), w)
    house_class = draw(np.array([[5, 4, 2, 1.0]]), np.zeros(houses, int), w)
    house_owner = draw(
        np.array([[1, 8, 1, 2, 0.0], [2, 6, 1, 2, 2], [5, 1, 2, 1, 2], [1, 0, 0, 2, 6.0]]), house_class, w
    )
    rate = np.exp(w.normal(0, 0.18, houses) + np.array([-0.2, 0, 0.25, 0.3])[house_class])
    person = g.permutation(
        np.repeat(np.arange(rows), 1 + g.choice(6, rows, p=[0.5, 0.2, 0.12, 0.08, 0.06, 0.04]))[:rows]
    )
    own = g.random(rows)[person]
    size = zipf(houses, 0.75, w)
    house = np.minimum(
        np.searchsorted(np.cumsum(size), np.where(g.random(rows) < 0.9, own, g.random(rows))), houses - 1
    )
    place, kind, owner = house_place[house], house_class[house], house_owner[house]
    inpatient = (g.random(rows) < np.array([0.15, 0.4, 0.6, 0.25])[kind]).astype(int)
    chapter = np.array([ord(code[0]) for code in dx_codes]) % 7
    weights = zipf(n, 1.05, w) * np.exp(w.normal(0, 0.9, (8, 7)))[:, chapter] * w.gamma(1.5, 1, (8, n))
    dx = draw(weights, inpatient * 4 + kind, g)
    severe = g.logistic(0, 0.8, rows) + w.normal(0, 0.8, n)[dx] + 0.4 * (kind == 2)
    severity = np.where(
        inpatient, (severe > 0.2).astype(int) + (severe > 1.8) + (severe > 3.6), np.where(g.random(rows) < 0.1, 4, 0)
    )
    los = np.where(inpatient, 1 + g.poisson(g.gamma(1.5, w.gamma(3, 0.7, n)[dx] * (1 + 0.5 * severity), rows)), 0)
    procs = [
        f"{a}{b}"
        for a in ("45", "87", "88", "93", "99", "03", "54", "79", "81", "86")
        for b in ("11", "20", "39", "52")
    ]
    proc = draw(np.c_[w.dirichlet(np.full(40, 0.05), n), w.uniform(0.1, 1.5, n)], dx, g)
    group = w.integers(0, 180, n)
    price = (
        np.exp(w.normal(13, 0.7, 180))[group[dx]] * np.exp(0.35 * severity) * np.where(inpatient, 6, 1) * rate[house]
    )
    price *= np.append(np.exp(w.normal(0.2, 0.3, 40)), 1)[proc] * (1 + 0.06 * los) * np.exp(g.normal(0, 0.12, rows))
    claimed = np.rint(price)
    share = np.array([1.0, 0.95, 1.0, 0.9, 0.85])[owner]
    paid = np.where(
        g.random(rows) < 0.7, claimed, np.rint(claimed * np.where(g.random(rows) < 0.5, share, g.beta(8, 2, rows)))
    )
    wrong = g.random(rows) < 0.006
    paid = np.where(wrong, np.rint(claimed * g.uniform(1.0, 1.3, rows)), paid)
    gap = np.where(g.random(rows) < 0.006, np.rint(g.normal(0, 1e5, rows)), claimed - paid)
    t = np.arange(730)
    week = np.array([[1, 1, 1, 1, 0.9, 0.3, 0.1], [1, 1, 1, 1, 1, 0.8, 0.7]])[:, (t + 5) % 7]
    day = draw(week * (1 + 0.3 * np.sin(t / 58))[None] * (1 + t / 1500)[None], inpatient, g)
    admit = np.datetime64("2022-01-01") + day
    stay = np.where(g.random(rows) < 0.006, np.maximum(los + g.integers(-1, 2, rows), 0), los)
    labels = [icd10.label(code) or code for code in dx_codes]
    sec = companions(
        dx, w.gamma(1.2, 0.6, n)[dx] * (0.3 + inpatient), partners_of(n, 12, zipf(n, 1.0, w), w), dx_codes, 8, g
    )
    counts = sec.value_lengths().to_numpy(zero_copy_only=False)
    return pa.table({
        "claim_id": pa.array([f"R{i:08d}" for i in range(rows)]), "admit_dt": pa.array(admit), "discharge_dt": pa.array(admit + stay),
        "los": pa.array(los.astype(np.int32)), "province_name": text(provinces, place),
        "district_name": text([f"DISTRICT {i // 12}{'ABCDEFGHIJKL'[i % 12]}" for i in range(places * 3)], place * 3 + house % 3),
        "facility_id": text([f"H{i:03d}" for i in range(houses)], house), "facility_class": text(classes, kind),
        "facility_ownership": text(owners, owner), "service_type": text(["RJTL", "RITL"], inpatient),
        "severity_group": text(["ringan", "sedang", "berat", "fatal", "unknown"], severity),
        "dx_primary_code": text(dx_codes, dx), "dx_primary_label": text(labels, dx), "dx_secondary_codes": sec,
        "comorbidity_count": pa.array(counts.astype(np.int32)), "procedure_code": text(procs, np.where(proc < 40, proc, -1)),
        "amount_claimed": pa.array(claimed), "amount_paid": pa.array(paid), "amount_gap": pa.array(gap),
        "patient_id_hash": text([f"{i:x}" for i in range(rows)], person),
        "claim_weight": pa.array(np.round(np.exp(w.normal(3, 0.6, (places, 4))), 4)[place, kind]),
    })  # fmt: skip


def counter(rows: int, g: Rng) -> pa.Table:
    w = np.random.default_rng([WORLD, 3])
    dx_codes = codes_of_chapters("AEHJKLMR", 340, w)
    n = len(dx_codes)
    kind = draw(np.array([[5, 3, 1.0]]), np.zeros(rows, int), g)
    owner = draw(np.array([[6, 2, 2.0], [1, 7, 2], [0, 1, 9]]), kind, g)
    dx = draw(zipf(n, 0.95, w) * w.gamma(1, 1, (3, n)), kind, g)
    procs = [
        f"{a}{b:02d}" for a in ("89", "93", "99", "95", "88") for b in w.choice(np.arange(10, 60), 12, replace=False)
    ]
    proc = draw(np.c_[w.dirichlet(np.full(60, 0.06), n), w.uniform(0.02, 0.4, n)], dx, g)
    bed = (g.random(rows) < np.array([0.04, 0.2, 0.5])[kind]).astype(int)
    los = np.where(bed, 1 + g.geometric(0.35, rows), 0)
    listed = np.append(np.rint(np.exp(w.normal(4.2, 0.9, 60)) * 4) / 4, 15.0)
    quantity = np.where(g.random(rows) < 0.75, 1, 1 + g.poisson(1.2, rows))
    claimed = listed[proc] * quantity * np.array([1, 1.25, 1.5])[kind] + los * np.array([80, 110, 160])[kind]
    claimed = np.where(g.random(rows) < 1 / 12, 0, np.round(claimed, 2))
    paid = np.where(g.random(rows) < 0.85, claimed, np.round(claimed * np.array([0.9, 0.5, 0.75])[owner], 2))
    severity = np.where(g.random(rows) < 0.2, -1, draw(w.dirichlet([3, 2, 1, 0.5], n), dx, g))
    hour = np.where(bed, g.integers(0, 24, rows), 8 + g.binomial(9, 0.35, rows))
    admit = (np.datetime64("2024-04-01") + (g.beta(2, 1.5, rows) * 365).astype(int)).astype("datetime64[h]") + hour
    second = g.integers(0, n, rows)
    listed_second = [
        [dx_codes[b]] if u < 0.3 and b != a else [] for a, b, u in zip(dx, second, g.random(rows), strict=True)
    ]
    return pa.table({
        "nomor": pa.array(np.arange(rows)), "tgl_masuk": pa.array(admit.astype("datetime64[s]")),
        "tgl_pulang": pa.array((admit.astype("datetime64[D]") + los).astype("datetime64[s]") + np.timedelta64(17, "h") * (los > 0)
                               + (admit - admit.astype("datetime64[D]")) * (los == 0)),
        "lama": pa.array(los.astype(np.int32)), "kelas": pa.array(np.array(["1", "2", "3"])[kind]),
        "pemilik": pa.array(np.array(["A", "B", "C"])[owner]), "jenis": pa.array(np.array(["J", "I"])[bed]),
        "berat": text(["low", "mid", "high", "fatal"], severity), "diag": text([f"{c[:3]}.{c[3:]}" for c in dx_codes], dx),
        "diag2": pa.array([";".join(codes) for codes in listed_second]), "tind": text(procs, np.where(proc < 60, proc, -1)),
        "biaya": pa.array(claimed), "dibayar": pa.array(paid), "negara": pa.array(["ID"] * rows),
        "wilayah": pa.nulls(rows, pa.string()),
    })  # fmt: skip


COUNTER_MAPPING = """\
[columns]
admit_dt = "tgl_masuk"
discharge_dt = "tgl_pulang"
los = "lama"
facility_class = "kelas"
facility_type = "negara"
facility_ownership = "pemilik"
service_type = "jenis"
severity_group = "berat"
province_name = "wilayah"
dx_primary_code = "diag"
dx_secondary_codes = "diag2"
procedure_code = "tind"
amount_claimed = "biaya"
amount_paid = "dibayar"

[values.service_type]
J = "RJTL"
I = "RITL"

[values.facility_class]
1 = "Klinik"
2 = "RS Kelas D"
3 = "RS Kelas C"

[values.facility_ownership]
A = "Swasta"
B = "Pemkab"
C = "Pemprov"
"""


def charges(rows: int, g: Rng) -> pa.Table:
    w = np.random.default_rng([WORLD, 4])
    every = [code for code in icd10.all_codes() if len(code) == 3 and code[0] in "ACEFGIJKMNOPSZ"]
    names = sorted(
        {label for code in every if (label := icd10.label(code) or "").replace(" ", "").isalpha() and len(label) < 60}
    )
    names = sorted(w.choice(names, 240, replace=False).tolist())
    n, counties, houses = len(names), 57, 180
    sides, ends = (
        ("North", "South", "East", "West", "Upper", "Lower"),
        ("field", "brook", "ton", "ham", "port", "wick", "dale", "mont"),
    )
    county_names = [f"{side}{end} County" for side in sides for end in (*ends, "ford", "lake")]
    house_county = draw(zipf(counties, 0.9, w)[None], np.zeros(houses, int), w)
    house = draw(zipf(houses, 0.6, w)[None], np.zeros(rows, int), g)
    urban = w.random(counties) < 0.4
    ratio, level = w.beta(6, 10, houses), w.normal(0, 0.35, houses)
    dx = draw(zipf(n, 0.85, w) * w.gamma(1.2, 1, (2, n)), urban[house_county[house]].astype(int), g)
    risk = draw(w.dirichlet([4, 4, 2, 0.8], n), dx, g)
    kind = draw(np.array([[6, 3, 2, 0.2], [5, 3, 1, 0.3], [8, 2, 0.5, 0.1], [9, 1, 0.2, 0.1]]), risk, g)
    los = np.minimum(1 + g.poisson(g.gamma(1.3, w.gamma(3, 1, n)[dx] * (0.5 + 0.7 * risk), rows)), 120)
    amount = np.exp(
        8 + w.normal(0, 0.5, n)[dx] + 0.75 * np.log(los) + 0.22 * risk + level[house] + g.normal(0, 0.35, rows)
    )
    cost = amount * ratio[house] * np.exp(g.normal(0, 0.15, rows))
    procs = [f"{a}{b:02d}" for a in ("45", "81", "37", "74", "99", "88") for b in (11, 29, 38, 51)]
    proc = draw(np.c_[w.dirichlet(np.full(24, 0.1), n), w.uniform(0.3, 2.5, n)], dx, g)
    return pa.table({
        "Facility Id": text([str(10_000 + i) for i in range(houses)], house),
        "Hospital County": text(county_names[:counties], house_county[house]),
        "Length of Stay": text([*map(str, range(120)), "120 +"], los),
        "Type of Admission": text(["Emergency", "Elective", "Urgent", "Newborn"], kind),
        "Diagnosis Description": text(names, dx), "Procedure Code": text(procs, np.where(proc < 24, proc, -1)),
        "Severity of Illness": text(["Minor", "Moderate", "Major", "Extreme"], risk),
        "Total Charges": pa.array(np.round(amount, 2)), "Total Costs": pa.array(np.round(cost, 2)),
    })  # fmt: skip


CHARGES_MAPPING = """\
[columns]
facility_id = "Facility Id"
province_name = "Hospital County"
los = "Length of Stay"
facility_class = "Type of Admission"
dx_primary_code = "Diagnosis Description"
procedure_code = "Procedure Code"
severity_group = "Severity of Illness"
amount_claimed = "Total Charges"
amount_paid = "Total Costs"

[values.los]
"120 +" = "120"
"""


def raised(rows: int, g: Rng) -> pa.Table:
    w = np.random.default_rng([WORLD, 5])
    dx_codes = codes_of_chapters("AEGHIJKLMNOPRSZ", 800, w)
    n, provinces = len(dx_codes), 34
    place = draw(zipf(provinces, 0.9, w)[None], np.zeros(rows, int), g)
    owner = draw(w.dirichlet([1, 1.2, 3, 0.5, 4], provinces), place, g)
    kind = draw(np.array([[2, 3, 1, 0.1], [1, 4, 3, 0.5], [0.2, 2, 5, 2], [0.1, 2, 3, 1], [0.1, 1.5, 4, 3]]), owner, g)
    person = draw(g.gamma(0.8, 1, rows // 3 + 1)[None], np.zeros(rows, int), g)
    stays = (g.random(rows) < np.array([0.12, 0.2, 0.3, 0.35])[kind]).astype(int)
    dx = draw(zipf(n, 1.0, w) * w.gamma(1, 1, (8, n)), stays * 4 + kind, g)
    ward = draw(np.array([[1, 2, 6.0]]), np.zeros(rows, int), g)
    severe = g.logistic(0, 0.9, rows) + w.normal(0, 0.7, n)[dx]
    severity = np.where(stays, 1 + (severe > 0.6) + (severe > 2.2), 0)
    group, number = w.integers(0, 60, n)[dx], w.integers(10, 60, 60)
    names = [
        f"{'ABCDEFGHIJKLMNOPQRSTUVWZ'[i % 24]}-{4 if level else 5}-{number[i]}-{('0', 'I', 'II', 'III')[level]}"
        for i in range(60)
        for level in range(4)
    ]
    t = np.arange(730)
    week = np.array([[1, 0.95, 0.9, 0.95, 0.8, 0.5, 0.12], [1, 1, 1, 1, 1, 0.8, 0.8]])[:, (t + 1) % 7]
    day = draw(week * (1 + 0.15 * np.sin(t / 50)) * (1 + t / 1500), stays, g)
    base = np.where(stays, np.exp(w.normal(14.6, 0.55, 60))[group], np.exp(w.normal(12.2, 0.5, 60))[group])
    price = base * np.where(stays, np.array([1.4, 1.2, 1.0])[ward], 1.0) * np.array([1, 1, 1.45, 2.05])[severity]
    price *= (
        np.array([1.55, 1.2, 1.0, 0.86])[kind]
        * np.array([1, 1.01, 1.03, 1.05, 1.1])[w.integers(0, 5, provinces)[place]]
    )
    claimed = np.rint(price * np.where(day < 365, 1.0, 1.06) / 100) * 100
    claimed += np.where((g.random(rows) < 0.015) & (stays == 1), np.rint(np.exp(g.normal(15, 0.6, rows))), 0)
    part = np.where(g.random(rows) < 0.5, 0, g.beta(6, 2, rows))
    paid = np.rint(claimed * np.where(g.random(rows) < 0.985, 1, part))
    los = np.where(stays, 1 + g.negative_binomial(1.5, 1 / (1 + w.gamma(3, 0.7, n)[dx] * (0.6 + 0.4 * severity))), 0)
    admit = np.datetime64("2018-01-01") + day
    procs = [f"{a}.{b}" for a in (89, 93, 99, 95, 88, 87) for b in w.choice(np.arange(10, 99), 10, replace=False)]
    proc = draw(np.c_[w.dirichlet(np.full(60, 0.06), n), w.uniform(0.2, 2, n)], dx, g)
    sec = companions(dx, w.gamma(1.2, 0.9, n)[dx] * (0.1 + stays), partners_of(n, 12, zipf(n, 1, w), w), dx_codes, 6, g)
    return pa.table({
        "FKL02": pa.array(324_340_120_000_000_000 + np.arange(rows) * 31), "FKL03": pa.array(admit), "FKL04": pa.array(admit + los),
        "FKL05": text([str(11 + i) for i in range(provinces)], place), "FKL07": pa.array(np.array([1, 2, 3, 5, 9])[owner]),
        "FKL09": pa.array(kind + 1), "FKL10": pa.array(stays + 1), "FKL18": text(dx_codes, dx),
        "FKL19A": text(names, group * 4 + severity), "FKL24": pa.array([";".join(codes) or None for codes in sec.to_pylist()]),
        "FKL30": text(procs, np.where(proc < 60, proc, -1)), "FKL47": pa.array(claimed.astype(np.int64)),
        "FKL48": pa.array(paid.astype(np.int64)), "PSTV01": pa.array(1_000_000 + person * 97),
        "PSTV15": pa.array(np.round(np.exp(w.normal(3, 0.5, provinces)), 4)[place]),
    })  # fmt: skip


RAISED_MAPPING = """\
[columns]
claim_id = "FKL02"
admit_dt = "FKL03"
discharge_dt = "FKL04"
province_name = "FKL05"
facility_ownership = "FKL07"
facility_class = "FKL09"
service_type = "FKL10"
dx_primary_code = "FKL18"
severity_group = "FKL19A"
dx_secondary_codes = "FKL24"
procedure_code = "FKL30"
amount_claimed = "FKL47"
amount_paid = "FKL48"
patient_id_hash = "PSTV01"
claim_weight = "PSTV15"

[values.service_type]
1 = "RJTL"
2 = "RITL"
"""


def wide(rows: int, g: Rng) -> pa.Table:
    w = np.random.default_rng([WORLD, 6])
    dx_codes = sorted(
        w.choice([code for code in sorted(icd9cm.diagnoses()) if code[0] != "E"], 700, replace=False).tolist()
    )
    n, houses = len(dx_codes), 260
    size = zipf(houses, 0.8, w)
    person = draw(g.gamma(0.8, 1, rows // 2 + 1)[None], np.zeros(rows, int), g)
    own = draw(size[None], np.zeros(rows, int), g)[person]
    house = np.where(g.random(rows) < 0.8, own, draw(size[None], np.zeros(rows, int), g))
    ill = g.random(rows)[person]
    dx = draw(zipf(n, 0.95, w) * w.gamma(1, 1, (3, n)), (ill * 3).astype(int), g)
    group = w.integers(0, 120, n)[dx]
    t = np.arange(1096)
    season = (1 + 0.25 * np.cos(t / 58.1)) * np.where((t + 1) % 7 >= 5, 0.75, 1) * np.exp(-np.maximum(t - 800, 0) / 500)
    day = draw(season[None], np.zeros(rows, int), g)
    los = np.minimum(g.negative_binomial(1.6, 1 / (1 + w.gamma(3, 1.4, n)[dx] * (0.7 + 0.6 * ill))), 90)
    paid = np.exp(w.normal(9, 0.65, 120)[group] + w.normal(0, 0.12, houses)[house] + 0.05 * (day // 365))
    paid *= np.exp(g.normal(0, 0.18, rows)) * (1 + 0.02 * np.maximum(los - 8, 0))
    paid = np.where(g.random(rows) < 0.03, 0, np.minimum(np.round(paid, -3), 57_000))
    admit = np.datetime64("2008-01-01") + day
    sec = companions(dx, w.gamma(2, 1.4, n)[dx] * (0.6 + ill), partners_of(n, 20, zipf(n, 0.9, w), w), dx_codes, 9, g)
    spread = np.array([[*codes, *[None] * (9 - len(codes))] for codes in sec.to_pylist()], object)
    procs = [
        f"{a}{b:02d}" for a in (36, 37, 39, 45, 51, 54, 79, 81) for b in w.choice(np.arange(1, 99), 12, replace=False)
    ]
    proc = draw(np.c_[w.dirichlet(np.full(96, 0.05), n), w.uniform(0.2, 2, n)], dx, g)

    def as_number(days: np.ndarray) -> pa.Array:
        return pa.array(np.char.replace(days.astype("datetime64[D]").astype(str), "-", "").astype(np.int64))

    return pa.table({
        "DESYNPUF_ID": text([f"{i * 2_654_435_761 % 2**64:016X}" for i in range(rows // 2 + 1)], person),
        "CLM_ID": pa.array(196_661_176_000_000 + np.arange(rows) * 7), "CLM_ADMSN_DT": as_number(admit),
        "CLM_THRU_DT": as_number(admit + los), "PRVDR_NUM": text([f"{i % 40 + 1:02d}{i:03d}{'AEGH'[i % 4]}" for i in range(houses)], house),
        "CLM_PMT_AMT": pa.array(paid), "CLM_UTLZTN_DAY_CNT": pa.array(los), "ICD9_DGNS_CD_1": text(dx_codes, dx),
        **{f"ICD9_DGNS_CD_{i + 2}": pa.array(spread[:, i].tolist(), pa.string()) for i in range(9)},
        "ICD9_PRCDR_CD_1": text(procs, np.where(proc < 96, proc, -1)),
    })  # fmt: skip


def casemix(rows: int, g: Rng) -> pa.Table:
    w = np.random.default_rng([WORLD, 7])
    dx_codes = codes_of_chapters("ABCDEFGHIJKLMNOPQRSTZ", 700, w)
    n, places, houses, groups = len(dx_codes), 33, 800, 160
    size = zipf(houses, 0.5, w)
    house_place, house_kind = w.integers(0, places, houses), draw(np.array([[0.6, 3, 8, 6]]), np.zeros(houses, int), w)
    house_owner = draw(np.array([[5, 3, 1, 1.0], [2, 5, 2, 3], [1, 3, 4, 7], [0, 3, 3, 6]]), house_kind, w)
    person = draw(g.gamma(0.8, 1, rows // 3 + 1)[None], np.zeros(rows, int), g)
    home = draw(size[None], np.zeros(rows // 3 + 1, int), g)
    house = np.where(g.random(rows) < 0.8, home[person], draw(size[None], np.zeros(rows, int), g))
    kind, place = house_kind[house], house_place[house]
    stays = (g.random(rows) < np.array([0.12, 0.17, 0.24, 0.27])[kind]).astype(int)
    dx = draw(zipf(n, 1.0, w) * w.gamma(0.8, 1, (8, n)), stays * 4 + kind, g)
    procs = [f"{a}{b}" for a in (45, 54, 79, 81, 86, 87, 88, 89, 93, 99) for b in w.choice(90, 8, replace=False) + 10]
    decides = np.r_[np.array([int(code[:2]) < 87 for code in procs]), False]
    wanted = np.c_[w.dirichlet(np.full(80, 0.03), n), w.uniform(0.3, 3, n)]
    proc = np.where(stays, draw(wanted, dx, g), draw(wanted * np.where(decides, 0.05, 1.0), dx, g))
    of_dx, of_proc = w.integers(0, 100, n), 100 + w.integers(0, 60, 81)
    group = np.where(decides[proc], of_proc[proc], of_dx[dx]) + stays * groups
    sec = companions(
        dx,
        w.gamma(1.3, 0.7, n)[dx] * np.where(stays, 1.3, 0.35),
        partners_of(n, 12, zipf(n, 0.9, w), w),
        dx_codes,
        8,
        g,
    )
    severe = (
        g.logistic(0, 0.7, rows) + w.normal(0, 0.6, n)[dx] + 0.5 * sec.value_lengths().to_numpy(zero_copy_only=False)
    )
    severity = np.where(stays, (severe > 1.0).astype(int) + (severe > 2.7), 0)
    ward = draw(np.array([[2, 3, 5.0]]), np.zeros(rows // 3 + 1, int), g)[person]
    days = np.arange(730)
    week = np.array([[1.1, 1, 1, 1, 0.85, 0.5, 0.08], [1, 1, 1, 1, 0.95, 0.85, 0.8]])[:, (days + 5) % 7]
    day = draw(
        week * np.where(np.isin(days, [0, 62, 121, 122, 123, 124, 229, 358, 386, 476, 477, 478, 594]), 0.35, 1),
        stays,
        g,
    )
    base = np.exp(np.r_[w.normal(12.6, 0.6, groups), w.normal(15.0, 0.55, groups)])
    of_class = np.array([1.38, 1.17, 1.0, 0.86]) * np.exp(w.normal(0, 0.03, (2 * groups, 4)))
    of_level = np.cumsum(np.c_[np.ones(2 * groups), w.gamma(2, [0.13, 0.2], (2 * groups, 2))], axis=1)
    renewed = np.where(w.random(2 * groups) < 0.3, 1.0, np.exp(w.normal(0.04, 0.09, 2 * groups)))
    region = np.array([1, 1.005, 1.012, 1.03, 1.05])[w.integers(0, 5, places)]

    def tariff(level: Ints) -> np.ndarray:
        price = base[group] * of_class[group, kind] * of_level[group, level] * np.where(day < 373, 1.0, renewed[group])
        return np.rint(price * np.where(stays, np.array([1.4, 1.2, 1.0])[ward], 1.0) * region[place] / 100) * 100

    claimed, lowered = tariff(severity), (severity > 0) & (g.random(rows) < 0.04)
    paid = np.where(lowered, tariff(np.maximum(severity - 1, 0)), claimed)
    paid = np.where(g.random(rows) < np.where(day > 690, 0.06, 0.004), 0, paid)
    los = np.where(stays, 1 + g.negative_binomial(2.2, 1 / (1 + w.gamma(3, 0.45, n)[dx] * (0.7 + 0.25 * severity))), 0)
    admit = np.datetime64("2022-01-01") + day
    labels = [icd10.label(code) or code for code in dx_codes]
    return pa.table({
        "claim_id": pa.array([f"{i:09d}V" for i in range(rows)]), "admit_dt": pa.array(admit), "discharge_dt": pa.array(admit + los),
        "los": pa.array(los.astype(np.int32)), "province_name": text([f"PROVINSI {a}{b}" for a in "ABC" for b in "KLMNOPQRSTU"], place),
        "district_name": text([f"KAB {i}{a}" for i in range(places) for a in "ABCDEF"], place * 6 + house % 6),
        "facility_id": text([f"{i:04d}R" for i in range(houses)], house),
        "facility_class": text(["RS Kelas A", "RS Kelas B", "RS Kelas C", "RS Kelas D"], kind),
        "facility_ownership": text(["Vertikal", "Pemda", "Yayasan", "Swasta"], house_owner[house]),
        "service_type": text(["RJTL", "RITL"], stays), "severity_group": text(["ringan", "sedang", "berat"], severity),
        "dx_primary_code": text(dx_codes, dx), "dx_primary_label": text(labels, dx), "dx_secondary_codes": sec,
        "procedure_code": text(procs, np.where(proc < 80, proc, -1)), "amount_claimed": pa.array(claimed), "amount_paid": pa.array(paid),
        "amount_gap": pa.array(claimed - paid), "patient_id_hash": text([f"{i:x}" for i in range(rows // 3 + 1)], person),
    })  # fmt: skip


def billed(rows: int, g: Rng) -> pa.Table:
    w = np.random.default_rng([WORLD, 8])
    dx_codes = codes_of_chapters("ACEFGIJKLMNRS", 400, w)
    n, places = len(dx_codes), 40
    place = draw(zipf(places, 0.7, w)[None], np.zeros(rows, int), g)
    kind = draw(w.dirichlet([2, 4, 3], places), place, g)
    person = draw(g.gamma(0.9, 1, rows // 2 + 1)[None], np.zeros(rows, int), g)
    stays = (g.random(rows) < np.array([0.5, 0.3, 0.12])[kind]).astype(int)
    dx = draw(zipf(n, 0.95, w) * w.gamma(1, 1, (6, n)), stays * 3 + kind, g)
    severity = np.where(stays, draw(w.dirichlet([4, 2, 1], n), dx, g), 0)
    los = np.where(stays, 1 + g.negative_binomial(1.6, 1 / (1 + w.gamma(2, 1.0, n)[dx] * (1 + 0.5 * severity))), 0)
    rate = np.exp(w.normal(8.7, 0.08, places))[place]
    weight = np.exp(w.normal(0, 0.5, n))[dx] * np.array([1, 1.5, 2.3])[severity]
    case = weight * rate * np.exp(g.normal(0, 0.06, rows))
    charge = case * np.array([4.5, 3.2, 2.4])[kind] * np.exp(g.normal(0, 0.4, rows))
    visit = np.exp(w.normal(5.2, 0.5, n))[dx] * np.exp(g.normal(0, 0.45, rows))
    claimed = np.where(stays, np.round(charge, 2), np.maximum(np.rint(visit), 5))
    own = np.floor(np.round(claimed * np.array([0.5, 0.4, 0.3])[kind], 6) / 5) * 5
    paid = np.where(stays, np.round(np.minimum(case, charge), 2), claimed - own)
    paid = np.where(g.random(rows) < 0.03, 0, paid)
    months = np.arange("2021-01", "2022-07", dtype="datetime64[M]")
    ends = (months + 1).astype("datetime64[D]") - 1
    sent = g.random(rows) < 0.5
    admit = np.where(sent, ends[g.integers(0, len(ends), rows)], np.datetime64("2021-01-01") + g.integers(0, 546, rows))
    return pa.table({
        "member_id": text([f"M{i * 37 % 10**7:07d}" for i in range(rows // 2 + 1)], person), "date_of_claim": pa.array(admit),
        "nights": pa.array(los), "state": text([f"State {a}{b}" for a in "ABCD" for b in "EFGHIJKLMN"], place),
        "tier": text(["Teaching", "General", "Office"], kind), "setting": text(["O", "I"], stays),
        "complexity": text(["none", "some", "major"], severity), "icd": text(dx_codes, dx),
        "billed": pa.array(claimed), "allowed": pa.array(paid),
    })  # fmt: skip


BILLED_MAPPING = """\
[columns]
patient_id_hash = "member_id"
admit_dt = "date_of_claim"
los = "nights"
province_name = "state"
facility_class = "tier"
service_type = "setting"
severity_group = "complexity"
dx_primary_code = "icd"
amount_claimed = "billed"
amount_paid = "allowed"

[values.service_type]
O = "RJTL"
I = "RITL"
"""


WIDE_MAPPING = """\
[columns]
claim_id = "CLM_ID"
admit_dt = "CLM_ADMSN_DT"
discharge_dt = "CLM_THRU_DT"
los = "CLM_UTLZTN_DAY_CNT"
facility_id = "PRVDR_NUM"
dx_primary_code = "ICD9_DGNS_CD_1"
dx_secondary_codes = [
  "ICD9_DGNS_CD_2", "ICD9_DGNS_CD_3", "ICD9_DGNS_CD_4", "ICD9_DGNS_CD_5", "ICD9_DGNS_CD_6", "ICD9_DGNS_CD_7", "ICD9_DGNS_CD_8",
  "ICD9_DGNS_CD_9", "ICD9_DGNS_CD_10",
]
procedure_code = "ICD9_PRCDR_CD_1"
amount_paid = "CLM_PMT_AMT"
patient_id_hash = "DESYNPUF_ID"
"""

TABLES: dict[str, Callable[[int, Rng], pa.Table]] = {
    "coastal": coastal,
    "register": register,
    "counter": counter,
    "charges": charges,
    "raised": raised,
    "wide": wide,
    "casemix": casemix,
    "billed": billed,
}
MAPPINGS = {
    "counter": COUNTER_MAPPING,
    "charges": CHARGES_MAPPING,
    "raised": RAISED_MAPPING,
    "wide": WIDE_MAPPING,
    "billed": BILLED_MAPPING,
}


def write_table(name: str, rows: int, seed: int, out: Path) -> Path | None:
    """Write the table as `claims_normalized` of a DuckDB file; the path of its mapping file, where it needs one."""
    table = TABLES[name](rows, np.random.default_rng([WORLD, seed, len(name)]))
    out.unlink(missing_ok=True)
    with duckdb.connect(str(out)) as connection:
        connection.register("built", table)
        connection.execute("CREATE TABLE claims_normalized AS SELECT * FROM built")
    if name not in MAPPINGS:
        return None
    mapping = out.with_suffix(".toml")
    mapping.write_text(MAPPINGS[name])
    return mapping


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--rows", type=int, default=120_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="FILE.duckdb")
    options = parser.parse_args()
    mapping = write_table(options.table, options.rows, options.seed, options.out)
    print(f"{options.out}: {options.rows} rows" + (f"; read it with --mapping {mapping}" if mapping else ""))


if __name__ == "__main__":
    main()
