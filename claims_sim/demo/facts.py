"""What the demo source is built on: published figures with their sources, and what we had to assume. Holds figures only.

Everything that `FACTS` lists is reproduced within the tolerance that the tests state. Everything that `ASSUMPTIONS`
lists is invented: no source within reach gives it. Both lists are stored in every demo source.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class Fact:
    """A published figure; `source` says where, and whether it was derived by arithmetic."""

    key: str
    figure: str
    source: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """A figure of ours; `reason` says why it is needed and why it has this value."""

    key: str
    figure: str
    reason: str


# Volumes and money, national (bisnis.com, 25 July 2023 and 11 January 2024).
RITL_CASES: Final = {2022: 12.0e6, 2023: 16.3e6}
RJTL_VISITS: Final = {2022: 95.9e6, 2023: 129.9e6}
MEAN_RITL: Final = 5.20e6
MEAN_RJTL: Final = 360e3
NATIONAL_RITL_SHARE: Final = 0.111
YEARLY_GROWTH: Final = 1.36
FIRST_DAY: Final = date(2022, 1, 1)
LAST_DAY: Final = date(2023, 12, 31)

SEVERITY_FACTORS: Final = (1.0, 1.43, 1.85)
SEVERITY_RANGES: Final = ((1.0, 1.0), (1.25, 1.64), (1.33, 2.13))
WARD_FACTORS: Final = (1.0, 1.2, 1.4)  # ward class 3, 2, 1
MEAN_SECONDARY: Final = 1.08

# Tariffs of ward class 3, severity I to III, government hospital of class C in region 3 (2016): by our case group.
PUBLISHED_TARIFFS: Final[dict[str, tuple[int, int, int]]] = {
    "fever": (2_800_000, 3_487_000, 3_721_500),
    "anaemia": (2_474_800, 3_502_600, 4_480_000),
    "blood": (2_654_300, 4_345_800, 5_315_300),
    "diabetes": (3_716_000, 5_192_500, 6_444_900),
    "fluid": (2_448_200, 3_732_400, 5_057_700),
}
# The order of common inpatient diagnoses, as prefixes of codes.
PUBLISHED_ORDER: Final = (("A09",), ("A01",), ("A90", "A91"), ("S06",), ("R50",), ("T07",), ("B5",))

# What we assume.
DEFAULT_RITL_SHARE: Final = 0.35
CLASS_FACTORS: Final = (1.50, 1.18, 1.0, 0.86, 0.78, 0.78)  # A, B, C, D, D pratama, not yet classed
REGION_FACTORS: Final = (0.98, 0.99, 1.0, 1.03, 1.05)  # tariff regions 1 to 5
PRIVATE_FACTOR: Final = 1.03
SEVERITY_MIXES: Final = {"light": (0.72, 0.22, 0.06), "middle": (0.56, 0.31, 0.13), "heavy": (0.37, 0.38, 0.25)}
SEVERITY_UNKNOWN_SHARE: Final = 0.003
WARD_MIXES: Final = ((0.62, 0.20, 0.18), (0.55, 0.24, 0.21), (0.52, 0.26, 0.22), (0.60, 0.24, 0.16))  # A, B, C, D
CUT_SHARE_RITL: Final = 0.035
CUT_SHARE_RJTL: Final = 0.015
TYPE_SHARES: Final = {
    "RS Umum": 0.840,
    "RS Khusus Ibu dan Anak": 0.105,
    "RS Khusus Mata": 0.014,
    "RS Khusus Jantung": 0.005,
    "RS Khusus Paru": 0.006,
    "RS Khusus Jiwa": 0.014,
    "RS Khusus Bedah": 0.016,
}

_BISNIS: Final = "bisnis.com, 25 July 2023 and 11 January 2024"
_TARIFF: Final = "INA-CBG tariff 2016, region 3, class C (scribd.com document 428547411)"
FACTS: Final = (
    Fact("ritl_cases", "12.0 m (2022), 16.3 m (2023)", _BISNIS),
    Fact("rjtl_visits", "95.9 m (2022), 129.9 m (2023)", _BISNIS),
    Fact("ritl_share_national", "0.111", f"{_BISNIS}; derived; restored by claim_weight"),
    Fact("yearly_growth", "1.36 (RITL), 1.35 (RJTL), 2022 to 2023", f"{_BISNIS}; derived"),
    Fact("mean_ritl", "Rp 5.20 m a case (2022)", f"{_BISNIS}; derived: 62.39 T / 12.0 m"),
    Fact("mean_rjtl", "Rp 360,000 a visit (2022)", f"{_BISNIS}; derived: 34.57 T / 95.9 m"),
    Fact(
        "severity_factors", "II/I 1.43 (1.25-1.64), III/I 1.85 (1.33-2.13)", f"{_TARIFF}; derived from six case groups"
    ),
    Fact("ward_factors", "class 2 = 1.2, class 1 = 1.4 times class 3", f"{_TARIFF}; derived"),
    Fact("tariff_rows", "five case groups by severity, to the nearest Rp 100", _TARIFF),
    Fact("lattice", "an amount is a tariff by case, severity, class, region and ward", f"{_TARIFF}; derived"),
    Fact(
        "gap",
        "0 in most claims",
        "BPJS Data Sampel 2022: billed and verified agree in all five claims of its public document",
    ),
    Fact("secondary_codes", "1.08 a claim", "BPJS Data Sampel 2022: 1,267,008 rows for 1,176,438 claims; derived"),
    Fact(
        "hospitals",
        "3,151 hospitals and 392,469 beds by province, class and ownership",
        "Ministry of Health hospital register, copied in GitHub wildan-wicaksono/hospital-indonesia@d497378 (May 2025)",
    ),
    Fact(
        "diagnosis_order",
        "gastroenteritis, typhoid, dengue, intracranial injury, fever, multiple injuries, malaria",
        "Ditjen Yanmedik 2005, hospital inpatients (Profil Kesehatan, table 3.10); the order only",
    ),
    Fact("caesarean_share", "60.5 % of deliveries in hospitals", "Mustofa and Meliala 2024, JJKN 4(1), East Java"),
    Fact("caesarean_tariff", "Rp 5.31 m on average", "RSUD Tangerang Selatan 2018, 65 cases; derived"),
    Fact("maternal_stay", "fewer than 10 % stay above 5 days", "Rachmawaty et al., Gac Sanit 2021;35(S2):S613"),
)
ASSUMPTIONS: Final = (
    Assumption(
        "ritl_share",
        str(DEFAULT_RITL_SHARE),
        "the national 0.111 would leave few inpatients in a small table; claim_weight restores it",
    ),
    Assumption(
        "facility_shares",
        "beds for RITL, hospitals for RJTL",
        "shares of claims are not published; the register is a proxy",
    ),
    Assumption("facility_type", "84 % general, the rest special", "the register's cross-table leaves the type out"),
    Assumption(
        "district", "a few districts a province", "real names of districts, but which hospital lies where is invented"
    ),
    Assumption("diagnosis_shares", "diagnoses.csv", "shares of JKN diagnoses are not published; only an old order is"),
    Assumption("procedure_shares", "diagnoses.csv", "not published"),
    Assumption("severity_shares", str(SEVERITY_MIXES), "the national shares of severity are not published"),
    Assumption("severity_unknown", str(SEVERITY_UNKNOWN_SHARE), "real tables hold such values; rare here"),
    Assumption("severity_rjtl", "ringan", "outpatient claims have no level of severity; they need a value"),
    Assumption("stay", "groups.csv", "mean stays by diagnosis and severity are not published"),
    Assumption("ward_shares", str(WARD_MIXES), "more than half in class 3, as in the one hospital that is published"),
    Assumption(
        "tariffs", "groups.csv, procedures.csv", "but for five case groups; scaled so that the published means hold"
    ),
    Assumption("class_factors", str(CLASS_FACTORS), "the tariff annex by class is not within reach"),
    Assumption("region_factors", str(REGION_FACTORS), "the tariff annex by region is not within reach"),
    Assumption("tariff_regions", "provinces.csv", "the regions of the tariff, from memory"),
    Assumption("private_factor", str(PRIVATE_FACTOR), "private hospitals have tariffs of their own"),
    Assumption(
        "cut_share", f"{CUT_SHARE_RITL} RITL, {CUT_SHARE_RJTL} RJTL", "how often less is paid is not published; seldom"
    ),
    Assumption(
        "cut_size",
        "a lower severity, ward or case, or nothing paid",
        "a cut claim is paid by another tariff of the lattice",
    ),
    Assumption(
        "season", "dengue and infections in the rainy months", "the shape is common knowledge, the size is ours"
    ),
    Assumption("weekday_and_hour", "day clinics on workdays, births at any hour", "not published"),
    Assumption("repeat_patients", "groups.csv: visits", "visits a person are not published"),
    Assumption(
        "claim_weight",
        "national cases per drawn claim, by province and service",
        "the real weights' strata are not published",
    ),
)
