"""Procedures that the source names and gives no code: their names are a list, or they stay where they are."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import PROCEDURE_NAME
from claims_sim.profile.sampler import Sampler
from claims_sim.profile.texts.admit import admit_label, admitted_without_codes
from claims_sim.profile.texts.names_of_persons import may_be_persons
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 6000
NAMES = (
    "LAB HEMATOLOGI LENGKAP", "USG ABDOMEN", "RONTGEN THORAX", "KIMIA DARAH", "FISIOTERAPI", "LENSA + FRAME", "EKG", "HBA1C",
    "PROFIL LIPID", "SCALING", "TUMPATAN", "NEBULIZER",
)  # fmt: skip
DOCTORS = (
    "SITI AMINAH", "BUDI SANTOSO", "AGUS WIJAYA", "RINA WULANDARI", "JOKO SUSILO", "TRI HANDAYANI", "ENDANG LESTARI",
    "JOHN WILSON", "MARY YOUNG", "RAVI PATEL", "ANNA MORGAN", "GARY NELSON",
)  # fmt: skip


def named(names, share=0.4, coded=True):
    """A table in which so many of the claims without a code have one of the `names`, as the class of the house has it."""
    g = np.random.default_rng(81)
    table = tariff_table(ROWS)
    code = np.array(table["procedure_code"].to_pylist(), object)
    house = np.unique(table["facility_class"].to_pylist(), return_inverse=True)[1]
    which = (g.integers(0, 4, ROWS) + 4 * house) % len(names)
    has_name = (g.random(ROWS) < share) & (np.equal(code, None) | (not coded))
    label = np.where(has_name, np.array(names, object)[which], np.where(np.equal(code, None), None, "Cesarean section"))
    if not coded:
        label = np.where(has_name, label, None)
        table = table.drop_columns(["procedure_code"])
    return table.append_column("procedure_label", pa.array(label.tolist(), pa.string()))


def labels(table):
    """The labels of claims whose procedure has no code."""
    label = np.array(table["procedure_label"].to_pylist(), object)
    if "procedure_code" not in table.column_names:
        return label
    return label[[code is None for code in table["procedure_code"].to_pylist()]]


def shares(found):
    return {name: float(np.mean(found == name)) for name in NAMES}


@pytest.mark.slow
@pytest.mark.parametrize("coded", [True, False], ids=["beside codes", "without any"])
def test_names_come_as_often_as_in_the_table_and_in_the_houses_that_do_this(fit, coded):
    table = named(NAMES, coded=coded)
    profile = fit(table)
    assert [name for name in profile.vocabularies[PROCEDURE_NAME] if name] == sorted(NAMES)
    assert Profile.from_json(profile.to_json()) == profile
    drawn = Sampler(profile).draw_claims(5, np.arange(ROWS))
    assert shares(labels(drawn)) == pytest.approx(shares(labels(table)), abs=0.03)
    here = np.array(drawn["facility_class"].to_pylist()) == "RS Kelas C"
    there = np.array(table["facility_class"].to_pylist()) == "RS Kelas C"
    done = set(np.array(table["procedure_label"].to_pylist(), object)[there])
    assert np.mean([name not in done for name in np.array(drawn["procedure_label"].to_pylist(), object)[here]]) < 0.02
    assert not set(NAMES) <= done
    known = profile.vocabulary().filter(pa.compute.equal(profile.vocabulary()["column_name"], "procedure_label"))
    assert set(NAMES) <= set(known["value"].to_pylist())
    assert PROCEDURE_NAME not in profile.vocabulary()["column_name"].to_pylist()


@pytest.mark.slow
def test_a_claim_with_a_code_has_its_label_and_no_name(fit):
    drawn = Sampler(fit(named(NAMES))).draw_claims(5, np.arange(ROWS))
    code, label = (np.array(drawn[name].to_pylist(), object) for name in ("procedure_code", "procedure_label"))
    assert not np.isin(label[[one is not None for one in code]], NAMES).any()


@pytest.mark.parametrize(
    ("names", "share"),
    [
        (DOCTORS, 0.4),
        (tuple(f"Prof {name}" for name in NAMES), 0.4),
        (NAMES, 0.02),
        (tuple(f"USG {i:04d}{i:04d}{i:04d}" for i in range(12)), 0.4),
        (NAMES[:9], 0.4),
        (tuple(f"{name} OLEH DR. {doctor}" for name, doctor in zip(NAMES, DOCTORS, strict=True)), 0.4),
        (tuple(f"{name} {doctor} SPPD" for name, doctor in zip(NAMES, DOCTORS, strict=True)), 0.4),
        (("LAB HEMATOLOGI", "USG ABDOMEN", *DOCTORS[:9]), 0.4),
    ],
    ids=["doctors", "titled", "few", "numbers", "short list", "doctors behind", "specialists", "doctors among"],
)
@pytest.mark.slow
def test_what_is_no_list_of_procedures_stays_where_it_is(fit, names, share):
    profile = fit(named(names, share))
    assert PROCEDURE_NAME not in profile.vocabularies
    assert not any(name in profile.to_json() for name in names if not admit_label(name))


@pytest.mark.slow
def test_a_list_of_three_in_a_hundred_claims_passes(fit):
    assert PROCEDURE_NAME in fit(named(NAMES, 0.12)).vocabularies


def test_names_written_by_hand_are_no_list(fit):
    """A third of the names are of one claim each."""
    table = named(NAMES)
    label = np.array(table["procedure_label"].to_pylist(), object)
    own = np.flatnonzero(np.isin(label, NAMES))[::3]
    label[own] = [
        f"USG ABDOMEN {chr(65 + i % 26)}{chr(65 + i // 26 % 26)}{chr(65 + i // 676)}" for i in range(len(own))
    ]
    table = replaced(table, "procedure_label", label.tolist())
    assert PROCEDURE_NAME not in fit(table).vocabularies


@pytest.mark.slow
def test_amounts_follow_the_name(fit):
    table = named(NAMES)
    label = np.array(table["procedure_label"].to_pylist(), object)
    g = np.random.default_rng(82)
    times = np.array([7.0 if one == "FISIOTERAPI" else 1.0 for one in label])
    amount = np.rint(np.exp(g.normal(12, 0.2, ROWS)) * times)
    table = replaced(replaced(table, "amount_claimed", amount), "amount_paid", amount)
    profile = fit(table)
    sampler = Sampler(profile)
    drawn = sampler.draw_claims(5, np.arange(ROWS))
    is_so = np.array(drawn["procedure_label"].to_pylist(), object) == "FISIOTERAPI"
    apart = np.log(drawn["amount_claimed"].to_numpy())
    assert apart[is_so].mean() - apart[~is_so].mean() == pytest.approx(np.log(7), abs=0.2)
    # Also where the claims are given and only their amounts are drawn.
    money = sampler.draw_money(6, np.arange(ROWS), drawn.drop_columns(["amount_claimed", "amount_paid", "amount_gap"]))
    apart = np.log(money["amount_claimed"].to_numpy())
    assert apart[is_so].mean() - apart[~is_so].mean() == pytest.approx(np.log(7), abs=0.2)


def test_one_doctor_in_the_list_stays_where_he_is(fit):
    """Of many names one has a title within, as visits are billed."""
    names = [*NAMES, "VISITE DR. BUDI SANTOSO"]
    table = named(NAMES)
    label = np.array(table["procedure_label"].to_pylist(), object)
    at = np.flatnonzero(np.isin(label, NAMES))[::40]
    label[at] = names[-1]
    profile = fit(replaced(table, "procedure_label", label.tolist()))
    assert "EKG" in profile.vocabularies[PROCEDURE_NAME]
    assert "BUDI" not in profile.to_json()


@pytest.mark.slow
def test_a_name_is_one_that_a_row_may_hold(fit):
    """A category may hold an underscore, a label may not."""
    names = tuple(name.replace("LAB ", "LAB_").replace("USG ", "USG_") for name in NAMES)
    profile = fit(named(names))
    assert not any("_" in (name or "") for name in profile.vocabularies.get(PROCEDURE_NAME, ()))


@pytest.mark.slow
def test_a_list_of_names_leaves_no_cell_empty_twice(fit):
    """Without a column of codes: what has no name has no procedure, and no label to lack."""
    table = named(NAMES, coded=False)
    profile = fit(table)
    assert not any("procedure_label" in cells for cells in profile.blanks)
    sampler = Sampler(profile)
    drawn = sampler.leave_empty(5, np.arange(ROWS), sampler.draw_claims(5, np.arange(ROWS)))
    assert np.mean(labels(drawn) != None) == pytest.approx(np.mean(labels(table) != None), abs=0.02)  # noqa: E711


def test_what_crosses_by_name_is_not_said_to_be_withheld(fit):
    assert not any("procedure_label" in sentence for sentence in fit(named(NAMES, coded=False)).oddities)


@pytest.mark.slow
def test_a_name_beside_a_code_is_the_codes_label(fit):
    sampler = Sampler(fit(named(NAMES)))
    claims = sampler.draw_claims(5, np.arange(50))
    given = replaced(replaced(claims, "procedure_code", ["741"] * 50), "procedure_label", ["EKG"] * 50)
    other = replaced(given, "procedure_label", ["Cesarean section"] * 50)
    money = [sampler.draw_money(7, np.arange(50), table) for table in (given, other)]
    assert money[0].equals(money[1])


@pytest.mark.slow
def test_groups_of_cases_in_the_place_of_names_are_codes_of_a_list(fit):
    """Bills of hospitals name a group of cases where others name what was done."""
    groups = ("871", "291", "189", "470", "177", "690", "193", "682", "190", "872", "293", "064")
    table = named(groups)
    found = labels(Sampler(fit(table)).draw_claims(5, np.arange(ROWS)))
    assert {name: np.mean(found == name) for name in groups} == pytest.approx(
        {name: np.mean(labels(table) == name) for name in groups}, abs=0.03
    )


@pytest.mark.many(daily=3)
@pytest.mark.parametrize(
    "written",
    [
        lambda i: str(10_234 + 17 * i), lambda i: f"{400_000 + 31 * i}", lambda i: f"00-12-{30 + i}", lambda i: f"81234567{i % 10}{i}",
        lambda i: f"446/100/{23 + i}", lambda i: f"{i + 1}A", lambda i: f"BD-{i:02d}", lambda i: f"D{i:02d}", lambda i: f"{10 + i}0160",
    ],
    ids=["record", "staff", "dashed", "phone", "licence", "bed", "room", "doctor", "birthday"],
)  # fmt: skip
def test_numbers_of_persons_in_the_place_of_names_stay_where_they_are(fit, written):
    numbers = tuple(written(i) for i in range(12))
    profile = fit(named(numbers))
    assert PROCEDURE_NAME not in profile.vocabularies


def test_groups_of_cases_are_none_where_no_key_of_persons_says_whose_numbers_these_are(fit):
    groups = tuple(f"{101 + 7 * i}" for i in range(12))
    assert PROCEDURE_NAME not in fit(named(groups).drop_columns(["patient_id_hash"])).vocabularies


def test_names_behind_what_somebody_did_stay_where_they_are(fit):
    done = ("KONSULTASI", "PEMERIKSAAN", "PERAWATAN", "PERSALINAN", "TINDAKAN", "KUNJUNGAN")
    names = tuple(f"{done[i % 6]} {doctor}" for i, doctor in enumerate(DOCTORS))
    assert PROCEDURE_NAME not in fit(named(names)).vocabularies


@pytest.mark.slow
def test_where_no_procedure_has_a_code_few_claims_with_a_name_make_a_list(fit):
    """As in primary care, where most visits have nothing done that is paid for."""
    names = ("PERSALINAN NORMAL", "EVAKUASI AMBULANS", "KB SUNTIK", "KIMIA DARAH", "PROTESA GIGI", "ANC KUNJUNGAN", "RITP",
             "KRIOTERAPI", "PAP SMEAR", "IVA", "PNC", "PEMASANGAN IUD")  # fmt: skip
    table = named(names, share=0.06, coded=False)
    found = labels(Sampler(fit(table)).draw_claims(5, np.arange(ROWS)))
    assert np.mean(np.equal(found, None)) == pytest.approx(0.94, abs=0.015)
    assert set(found) - {None} == set(names)
    with_codes = table.append_column("procedure_code", pa.nulls(ROWS, pa.string()))
    assert PROCEDURE_NAME in fit(with_codes).vocabularies


CARE = (
    "Appendektomi",
    "Imunisasi anak",
    "Suntik insulin",
    "Transfusi darah",
    "Skrining jantung",
    "Ambulans",
    "Kolonoskopi",
    "Radiografi thorax",
)


def refused(labels):
    return [
        label for label, yes in zip(labels, may_be_persons(labels, np.ones(len(labels), np.bool_)), strict=True) if yes
    ]


def test_what_may_be_a_name_is_told_from_what_is_done():
    persons = ["Budi Santoso", "SITI AMINAH", "Nguyen Van Anh", "Ng Mei Ling", "Maria Da Silva", "Budi Santoso 2", "Eko Prasetyo (L)",
               "Agus/Wijaya", "Dewi Lestari, A.Md.Keb", "joko susilo S.Kep", "Rina Wulandari, Ners",
               "KVSR Murthy", "PVRK PRASAD", "Mhmd Yusuf", "Schwrz Karl"]  # fmt: skip
    care = ["RAWAT LUKA", "Cabut Gigi", "FOTO RONTGEN", "Diş Çekimi", "Großes Blutbild", "Radiografía De Torax", "USG ABDOMEN", "NO PROC",
            "Hip Replacement", "Cesarean Section", "ECG", "Konsultation 16-30 min", "Biaya Administrasi Pasien Rawat Inap",
            "CRNRY ATHRSCL NATVE VSSL"]  # fmt: skip
    assert refused(persons) == persons
    assert refused(care) == []
    # A word of one other label pardons nobody, one of two does.
    assert refused(["Kartu Berobat", "sewa kartu"]) == ["Kartu Berobat"]
    assert refused(["Kartu Berobat", "sewa kartu", "ganti kartu"]) == []
    assert refused(["Budi Santoso", "jaga: budi santoso"]) == ["Budi Santoso"]
    # Nothing pardons a degree.
    assert refused(["Siti Luka, S.Kep", "rawat siti", "kontrol siti"]) == ["Siti Luka, S.Kep"]


@pytest.mark.many(daily=2)
@pytest.mark.parametrize(("care", "doctors", "coded"), [(8, 11, False), (8, 11, True), (0, 12, True), (0, 24, True)])
def test_names_of_doctors_are_told_in_no_list(fit, care, doctors, coded):
    """Whether they stand among names of care or alone, one for each code or for none."""
    first, last = ("Budi", "Siti", "Eko", "Rina", "Joko", "Dewi", "Agus", "Sri"), ("Santoso", "Aminah", "Wulandari")
    names = [*CARE[:care], *(f"{first[n % 8]} {last[n // 8]}" for n in range(doctors))]
    table = replaced(tariff_table(ROWS), "procedure_label", [names[n % len(names)] for n in range(ROWS)])
    table = replaced(
        table, "procedure_code", [str(1000 + 37 * (n % len(names))) if coded else None for n in range(ROWS)]
    )
    told = fit(table).to_json()
    assert [name for name in names[care:] if name in told] == []
    assert [name in told for name in CARE[:care]] == [True] * care


@pytest.mark.many(daily=2)
@pytest.mark.parametrize(("label", "told"), [("NO PROC", True), ("Tanpa tindakan", True), ("BUDI SANTOSO", False)])
def test_what_says_that_nothing_was_done_is_told_beside_claims_without_a_code(fit, label, told):
    table = tariff_table(ROWS)
    done = [code is not None for code in table["procedure_code"].to_pylist()]
    table = table.append_column("procedure_label", pa.array(["Cesarean section" if yes else label for yes in done]))
    drawn = Sampler(fit(table)).draw_claims(5, np.arange(ROWS))
    found = labels(drawn)
    assert np.mean(found == label) == told


@pytest.mark.many(daily=2)
@pytest.mark.parametrize("label", [None, "-"])
@pytest.mark.parametrize("coded", [True, False])
def test_names_that_are_missing_everywhere_are_absent(fit, label, coded):
    table = tariff_table(ROWS).append_column("procedure_label", pa.array([label] * ROWS, pa.string()))
    table = (
        replaced(table, "procedure_code", pa.nulls(ROWS, pa.string()))
        if coded
        else table.drop_columns(["procedure_code"])
    )
    assert PROCEDURE_NAME not in fit(table).vocabularies


def dispensed(names, number, share=0.4):
    """The table of `named` in which each name stands with a number instead of no code."""
    table = named(names, share)
    both = zip(table["procedure_code"].to_pylist(), table["procedure_label"].to_pylist(), strict=True)
    numbers = {name: number(at) for at, name in enumerate(names)}
    return replaced(table, "procedure_code", [code or numbers.get(label) for code, label in both])


@pytest.mark.many(daily=2)
@pytest.mark.parametrize("all_so", [False, True])
def test_what_is_named_behind_a_number_that_may_not_be_told_is_drawn_by_name(fit, all_so):
    """Numbers of articles of drugs are written as those of persons are."""
    table = dispensed(NAMES, lambda at: str(8699500000007 + 13 * at), share=1.0 if all_so else 0.4)
    if all_so:
        table = table.filter(pa.compute.is_in(table["procedure_label"], pa.array(NAMES)))
    profile = fit(table)
    assert [name for name in profile.vocabularies[PROCEDURE_NAME] if name] == sorted(NAMES)
    assert "86995" not in profile.to_json()
    drawn = Sampler(profile).draw_claims(5, np.arange(ROWS))
    of_table = np.array(table["procedure_label"].to_pylist(), object)
    of_draws = np.array(drawn["procedure_label"].to_pylist(), object)
    assert shares(of_draws) == pytest.approx(shares(of_table), abs=0.03)
    if not all_so:
        codes = np.array(drawn["procedure_code"].to_pylist(), object)
        assert set(codes[np.isin(of_draws, NAMES)]) == {None}


BRANDS = (
    "PAROL", "MAJEZIK", "APRANAX", "KLAMOKS", "GLIFOR", "BELOC", "CORASPIN", "DELIX", "NEXIUM", "LANSOR", "AERIUS", "XYZAL",
)  # fmt: skip
STRENGTHS = ("1000 MG", "0,1% 5 ML", "50/1000 MG", "4000 IU", *(f"{10 * at + 5} MG" for at in range(8)))
DRUGS = tuple(f"{brand} {strength} 20 TABLET" for brand, strength in zip(BRANDS, STRENGTHS, strict=True))


def barcode(at):
    return str(8699500000007 + 13 * at)


@pytest.mark.many(daily=2)
@pytest.mark.parametrize(
    "persons",
    [
        (),
        ("SUHARTO", "siti aminah", "SITI NUR AINI BINTI ALI", "BUDI SANTOSO 12"),
    ],
)
def test_brands_are_told_where_strength_and_form_show_that_they_are_drugs(fit, persons):
    """No word of theirs is one of care; what else stands among them is not told."""
    names = (*persons, *DRUGS[len(persons) :])
    table = dispensed(names, barcode)
    assert set(names) <= set(table["procedure_label"].to_pylist())
    told = fit(table).to_json()
    assert [name for name in names if name in told] == list(DRUGS[len(persons) :])


CARES = (*NAMES, "MR, lumbal", "DILAUDID MR 60 MG")
"""A list of care, in which nobody is."""


@pytest.mark.parametrize(
    ("names", "label", "told"),
    [
        (CARES, "MR, lumbal", True), (CARES, "DILAUDID MR 60 MG", True), (CARES, "EPREX 4000 IU 6 AMPUL", True),
        (CARES, "SMITH MR, JOHN", False), (CARES, "MR, PETER JONES", False), (CARES, "PATEL MR,RAVI", False),
        (CARES, "WILSON MR 3", False), (CARES, "MR 2 JOHN SMITH", False), (CARES, "SITI AMINAH 5000 IU", False),
        (CARES, "BUDI SANTOSO %5", False), (CARES, "SITI %5 AMINAH", False),
        (DRUGS, "XALATAN 2,5 ML DAMLA", True), (DRUGS, "VOLTAREN %1 JEL 50 G", True), (DRUGS, "FORLAX 10 G SAŞE", True),
        (DRUGS, "SUHARTO", False), (DRUGS, "DAMLA YILMAZ %10", False), (DRUGS, "KAYA GEL 5 G", False),
        (DRUGS, "TB SIMATUPANG 10%", False), (DRUGS, "PAROL 20 MG TABLET SITI AMINAH", False), (DRUGS, "INJ 5 ML J. K. SMITH", False),
        (DRUGS, "500 ML FLAKON OLEH BUDI SANTOSO", False), (DRUGS, "BUDI, AMD.KEP 5 ML INJ", False),
        (DRUGS, "医師 田中美咲 5 ml amp", False),
    ],
)  # fmt: skip
def test_what_is_care_or_a_drug_passes_in_a_list_of_such_and_nobody_does(names, label, told):
    values = [*dict.fromkeys((*names, label))]
    persons = np.array([40.0 if value == label else 100.0 for value in values])
    passes = admitted_without_codes(values, persons, np.ones(len(values), np.bool_))
    assert passes[values.index(label)] == told
    assert passes[[values.index(name) for name in names]].all()


@pytest.mark.many(daily=2)
@pytest.mark.parametrize("names", [BRANDS, tuple(f"{doctor} {at + 1} ML" for at, doctor in enumerate(DOCTORS))])
@pytest.mark.parametrize("number", [barcode, lambda at: str(9000 + 7 * at)])
def test_brands_alone_and_names_with_a_mere_strength_are_told_in_no_list(fit, names, number):
    told = fit(dispensed(names, number)).to_json()
    assert [name for name in names if name in told] == []


@pytest.mark.many(daily=2)
def test_doctors_behind_numbers_of_theirs_stay_where_they_are(fit):
    profile = fit(dispensed(DOCTORS, lambda at: str(3201010101700001 + 13 * at)))
    assert PROCEDURE_NAME not in profile.vocabularies
    assert not any(doctor in profile.to_json() for doctor in DOCTORS)


def test_what_is_named_behind_a_code_that_may_be_told_is_its_codes_label(fit):
    assert PROCEDURE_NAME not in fit(dispensed(NAMES, lambda at: f"99{at:02d}")).vocabularies
