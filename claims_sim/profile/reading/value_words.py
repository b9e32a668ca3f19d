"""What values of claims tables stand for: how they are spelled, and the numbers that stand for them."""

from typing import Final

# What values stand for. Keys are compared without case, spaces and punctuation. Bare numbers are in CODED_VALUES, but for those of
# OMOP's visits (9201, 9202), which are of no other list.
SPELLED_VALUES: Final[dict[str, dict[str, str]]] = {
    "service_type": {
        "RITL": "ritl rawatinap rawatinaptingkatlanjut ranap inap inpatient inpatientvisit ri ip ipd i 9201",
        "RJTL": "rjtl rawatjalan rawatjalantingkatlanjut rajal jalan outpatient outpatientvisit ambulatory rj op opd o 9202",
    },
    "severity_group": {
        # A fourth level ("sangat berat", "extreme") has none of ours: it stays one of its own.
        "none": "none tanpa tanpakeparahan tidakada",
        "ringan": "ringan i mild low minor levelringan",
        "sedang": "sedang ii moderate medium levelsedang",
        "berat": "berat iii severe high major levelberat",
    },
    "facility_class": {
        "RS Kelas A": "a kelasa rskelasa tipea typea rstipea",
        "RS Kelas B": "b kelasb rskelasb tipeb typeb rstipeb",
        "RS Kelas C": "c kelasc rskelasc tipec typec rstipec",
        "RS Kelas D": "d kelasd rskelasd tiped typed rstiped",
        "RS Kelas D Pratama": "dpratama kelasdpratama rskelasdpratama",
    },
    "facility_ownership": {
        "Pemkab": "pemkab pemerintahkabupaten kabupaten pemdakabupaten",
        "Pemkot": "pemkot pemerintahkota kota",
        "Pemprov": "pemprov pemprop pemerintahprovinsi provinsi",
        "Vertikal": "vertikal vertikalkemkes vertikalkemenkes kemenkes kemkes kementeriankesehatan",
        "Swasta": "swasta private perusahaan",
    },
}


CODED_VALUES: Final[dict[str, dict[str, str]]] = {
    # The order of BPJS's sample data. Other sources count the other way round: stays decide, where they are known.
    "service_type": {"1": "RJTL", "2": "RITL"},
    "severity_group": {"1": "ringan", "2": "sedang", "3": "berat"},
    "facility_class": {
        "1": "RS Kelas A", "2": "RS Kelas B", "3": "RS Kelas C", "4": "RS Kelas D", "25": "Klinik",
    },
    "facility_ownership": {
        "1": "Vertikal", "2": "Pemprov", "3": "Pemkab", "4": "POLRI", "5": "TNI AD", "6": "TNI AL", "7": "TNI AU",
        "8": "BUMN", "9": "Swasta",
    },
    # BPS's codes. Those of Papua are left out: official lists disagree on them.
    "province_name": {
        "11": "ACEH", "12": "SUMATERA UTARA", "13": "SUMATERA BARAT", "14": "RIAU", "15": "JAMBI",
        "16": "SUMATERA SELATAN", "17": "BENGKULU", "18": "LAMPUNG", "19": "KEPULAUAN BANGKA BELITUNG",
        "21": "KEPULAUAN RIAU", "31": "DKI JAKARTA", "32": "JAWA BARAT", "33": "JAWA TENGAH", "34": "DI YOGYAKARTA",
        "35": "JAWA TIMUR", "36": "BANTEN", "51": "BALI", "52": "NUSA TENGGARA BARAT", "53": "NUSA TENGGARA TIMUR",
        "61": "KALIMANTAN BARAT", "62": "KALIMANTAN TENGAH", "63": "KALIMANTAN SELATAN", "64": "KALIMANTAN TIMUR",
        "65": "KALIMANTAN UTARA", "71": "SULAWESI UTARA", "72": "SULAWESI TENGAH", "73": "SULAWESI SELATAN",
        "74": "SULAWESI TENGGARA", "75": "GORONTALO", "76": "SULAWESI BARAT", "81": "MALUKU", "82": "MALUKU UTARA",
    },
}  # fmt: skip
