"""The 38 provinces and their time zones. Names, never codes: two official code systems disagree on Papua."""

from typing import Final

# Time zones by Keputusan Presiden 41/1987: WIB UTC+7, WITA UTC+8, WIT UTC+9.
WIB_HOURS, WITA_HOURS, WIT_HOURS = 7, 8, 9
PROVINCES: Final[dict[str, int]] = {
    "ACEH": 7, "SUMATERA UTARA": 7, "SUMATERA BARAT": 7, "RIAU": 7, "JAMBI": 7, "SUMATERA SELATAN": 7, "BENGKULU": 7,
    "LAMPUNG": 7, "KEPULAUAN BANGKA BELITUNG": 7, "KEPULAUAN RIAU": 7, "DKI JAKARTA": 7, "JAWA BARAT": 7,
    "JAWA TENGAH": 7, "DI YOGYAKARTA": 7, "JAWA TIMUR": 7, "BANTEN": 7, "KALIMANTAN BARAT": 7, "KALIMANTAN TENGAH": 7,
    "BALI": 8, "NUSA TENGGARA BARAT": 8, "NUSA TENGGARA TIMUR": 8, "KALIMANTAN SELATAN": 8, "KALIMANTAN TIMUR": 8,
    "KALIMANTAN UTARA": 8, "SULAWESI UTARA": 8, "SULAWESI TENGAH": 8, "SULAWESI SELATAN": 8, "SULAWESI TENGGARA": 8,
    "GORONTALO": 8, "SULAWESI BARAT": 8,
    "MALUKU": 9, "MALUKU UTARA": 9, "PAPUA": 9, "PAPUA BARAT": 9, "PAPUA SELATAN": 9, "PAPUA TENGAH": 9,
    "PAPUA PEGUNUNGAN": 9, "PAPUA BARAT DAYA": 9,
}  # fmt: skip
SPELLINGS: Final[dict[str, str]] = {
    "YOGYAKARTA": "DI YOGYAKARTA",
    "DAERAH ISTIMEWA YOGYAKARTA": "DI YOGYAKARTA",
    "D.I. YOGYAKARTA": "DI YOGYAKARTA",
    "JAKARTA": "DKI JAKARTA",
    "BANGKA BELITUNG": "KEPULAUAN BANGKA BELITUNG",
    "KEP. BANGKA BELITUNG": "KEPULAUAN BANGKA BELITUNG",
    "KEP. RIAU": "KEPULAUAN RIAU",
    "NTB": "NUSA TENGGARA BARAT",
    "NTT": "NUSA TENGGARA TIMUR",
    "SUMATRA UTARA": "SUMATERA UTARA",
    "SUMATRA BARAT": "SUMATERA BARAT",
    "SUMATRA SELATAN": "SUMATERA SELATAN",
    "NAD": "ACEH",
    "NANGGROE ACEH DARUSSALAM": "ACEH",
    "SUMUT": "SUMATERA UTARA",
    "SUMBAR": "SUMATERA BARAT",
    "SUMSEL": "SUMATERA SELATAN",
    "BABEL": "KEPULAUAN BANGKA BELITUNG",
    "KEPRI": "KEPULAUAN RIAU",
    "DKI": "DKI JAKARTA",
    "JABAR": "JAWA BARAT",
    "JAWA BRT": "JAWA BARAT",
    "JATENG": "JAWA TENGAH",
    "JAWA TGH": "JAWA TENGAH",
    "DIY": "DI YOGYAKARTA",
    "JOGJA": "DI YOGYAKARTA",
    "JOGJAKARTA": "DI YOGYAKARTA",
    "D.I YOGYAKARTA": "DI YOGYAKARTA",
    "JATIM": "JAWA TIMUR",
    "JAWA TMR": "JAWA TIMUR",
    "KALBAR": "KALIMANTAN BARAT",
    "KALTENG": "KALIMANTAN TENGAH",
    "KALSEL": "KALIMANTAN SELATAN",
    "KALTIM": "KALIMANTAN TIMUR",
    "KALTARA": "KALIMANTAN UTARA",
    "SULUT": "SULAWESI UTARA",
    "SULTENG": "SULAWESI TENGAH",
    "SULSEL": "SULAWESI SELATAN",
    "SULTRA": "SULAWESI TENGGARA",
    "SULBAR": "SULAWESI BARAT",
    "MALUT": "MALUKU UTARA",
    "PABAR": "PAPUA BARAT",
}


def utc_offset_hours(province: str | None) -> int:
    """Hours that the province's clock is ahead of UTC; WIB where the province is unknown."""
    name = (province or "").strip().upper()
    return PROVINCES.get(SPELLINGS.get(name, name), WIB_HOURS)


def utc_offset_sql(column: str) -> str:
    """The same as an SQL expression over a province column (a name of ours, never text from outside)."""
    eastern = {name: hours for name, hours in PROVINCES.items() if hours != WIB_HOURS}
    eastern |= {spelling: PROVINCES[name] for spelling, name in SPELLINGS.items() if name in eastern}
    cases = [
        f"WHEN upper(trim({column})) IN ({', '.join(repr(n) for n in eastern if eastern[n] == hours)}) THEN {hours}"
        for hours in (WITA_HOURS, WIT_HOURS)
    ]
    return f"(CASE {' '.join(cases)} ELSE {WIB_HOURS} END)"
