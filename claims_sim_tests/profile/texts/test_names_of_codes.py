"""Labels in words of no code system: they cross where their column names the codes, and nowhere else."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.codes.icd10 import label
from claims_sim.profile.sampler import Sampler
from claims_sim.profile.texts import labels_of_codes
from claims_sim.profile.texts.labels_of_codes import admitted_as_names
from claims_sim_tests.profile.tables import replaced, tariff_table, with_values
from claims_sim_tests.profile.texts.named_codes import (
    CODES,
    NAMES,
    ROWS,
    SYLLABLES,
    VISITS,
    claims_of,
    name_of,
    passing,
)


def test_labels_that_name_the_codes_pass_whatever_their_language():
    assert passing(claims_of(name_of)) == set(NAMES.values())


@pytest.mark.parametrize(
    ("spellings", "pass_"),
    [
        (("{} (procedure)", "Visit: {}"), True),
        (("{} (procedure)", "Visit: {}", "{}, office", "{} at home"), False),
    ],
)
def test_codes_may_have_a_few_names_each_where_these_speak_of_care(spellings, pass_):
    pairs = [(CODES[n % 10], spellings[n // 10 % len(spellings)].format(VISITS[n % 10])) for n in range(ROWS)]
    assert len(passing(pairs)) == (20 if pass_ else 0)
    doctors = [(CODES[n % 10], f"{('Budi', 'Eko')[n // 10 % 2]} Santo{'bcdfghjklm'[n % 10]}o") for n in range(ROWS)]
    assert passing(doctors) == set()


def test_doctors_with_categories_of_codes_of_their_own_name_none_of_these():
    pairs = [(f"{letter}{n}{digit}", f"Doença {letter.lower()}tica") for letter in "ABCDEFGHIJKLMNOPQRSTUV"
             for n in (10, 11) for digit in range(4)] * 30  # fmt: skip
    assert passing(pairs) == set()


IN_SPANISH = {
    "A09": "DIARREA Y GASTROENTERITIS", "B20": "ENFERMEDAD POR VIRUS DE LA INMUNODEFICIENCIA", "C50": "TUMOR MALIGNO DE LA MAMA",
    "D50": "ANEMIAS POR DEFICIENCIA DE HIERRO", "E10": "DIABETES MELLITUS INSULINODEPENDIENTE",
    "E11": "DIABETES MELLITUS NO INSULINODEPENDIENTE", "F20": "ESQUIZOFRENIA", "G40": "EPILEPSIA", "H25": "CATARATA SENIL",
    "I10": "HIPERTENSION ESENCIAL", "I21": "INFARTO AGUDO DEL MIOCARDIO", "J18": "NEUMONIA, ORGANISMO NO ESPECIFICADO",
    "J45": "ASMA", "K35": "APENDICITIS AGUDA", "K80": "COLELITIASIS", "L03": "CELULITIS", "M16": "COXARTROSIS",
    "N18": "INSUFICIENCIA RENAL",
    "N20": "CALCULO DEL RIÑON", "O80": "PARTO UNICO ESPONTANEO", "P07": "TRASTORNOS RELACIONADOS CON LA GESTACION",
    "R10": "DOLOR ABDOMINAL Y PELVICO", "S72": "FRACTURA DEL FEMUR", "T14": "TRAUMATISMO", "Z51": "OTRA ATENCION MEDICA",
}  # fmt: skip
PERSONS = """Siti Aminah, Budi Santoso, Ahmad Hidayat, Dewi Lestari, Joko Susilo, Sri Rahayu, Agus Salim, Rina Wulandari, Hendra Gunawan,
    Made Wirawan, Slamet Riyadi, Nurul Huda, Muhammad Yusuf, Fitri Handayani, Bambang Sutrisno, Eko Prasetyo, Maria Fernanda Lopez,
    Jose Garcia Hernandez, Ana Sofia Torres, Rosa Morales, John Smith, Mary Johnson, Robert Brown, Patricia Young, Linda Davis"""


def test_names_of_categories_pass_where_they_speak_of_diseases():
    """A label of all codes that begin alike: fewer than one to two codes, and one to a category."""
    pairs = [(f"{category}{digit}", name) for category, name in IN_SPANISH.items() for digit in range(4)] * 30
    assert passing(pairs) == set(IN_SPANISH.values())
    fewer = [(code, name) for code, name in pairs if code[:3] < "O"] + [
        (f"{letter}{n}{digit}", "OTRA ENFERMEDAD") for letter in "OPQRST" for n in range(50, 58) for digit in range(4)
    ] * 30
    assert passing(fewer) == set()  # what many categories share names none of them


@pytest.mark.parametrize("before", ["", "Poliklinik ", "Klinik ", "Medico ", "Kardiologi ", "Dokter "])
def test_persons_with_categories_of_codes_of_their_own_name_none_of_these(before):
    persons = [before + name.strip() for name in PERSONS.split(",")]
    pairs = [
        (f"{category}{digit}", name) for category, name in zip(IN_SPANISH, persons, strict=True) for digit in range(4)
    ]
    assert passing(pairs * 30) == set()


def plain(label):
    return label.replace("ç", "c").lower()


SERVICES = ("Konsultation", "Physiotherapie", "Psychotherapie Einzel", "EKG", "Röntgen Thorax", "Gelenkpunktion", "Spirometrie",
    "Ambulante Pauschale", "Besuch", "Labor", "Koloskopie", "Augenuntersuchung")  # fmt: skip


@pytest.mark.parametrize("codes", [3, 12], ids=["a few codes", "many codes"])
def test_a_dozen_names_of_what_is_done_pass_though_each_names_several_codes(codes):
    pairs = [(f"{n:02d}{code:02d}", name) for n, name in enumerate(SERVICES) for code in range(codes)] * 30
    assert passing(pairs) == set(SERVICES)
    assert passing([pair for pair in pairs if pair[1] in SERVICES[:9]]) == set()


DONE_IN_JAPAN = ("胸部単純撮影", "骨単純撮影", "生化学検査", "外来化学療法", "点滴注射", "大腸内視鏡", "水晶体再建術", "腫瘍摘出術",
    "心電図", "創傷処理", "抜髄", "人工腎臓", "白内障手術", "ネブライザー", "末梢血液一般")  # fmt: skip
DOCTORS_IN_JAPAN_AND_CHINA = (
    "佐藤健",
    "鈴木 一郎",
    "山田太郎",
    "田中美咲",
    "高橋さくら",
    "王伟",
    "李秀英",
    "张 敏",
    "刘洋",
    "陈静",
)


def test_names_in_chinese_characters_pass_where_signs_of_care_say_what_is_done():
    pairs = [(f"{n:02d}{code:02d}", name) for n, name in enumerate(DONE_IN_JAPAN) for code in range(4)] * 30
    assert passing(pairs) == set(DONE_IN_JAPAN)
    doctors = [
        (f"{50 + n}{code:02d}", name) for n, name in enumerate(DOCTORS_IN_JAPAN_AND_CHINA) for code in range(4)
    ] * 30
    assert passing(doctors) == passing(doctors + pairs) & set(DOCTORS_IN_JAPAN_AND_CHINA) == set()
    assert passing([(code, f"手術科 {name}") for code, name in doctors] * 2) == set()


DONE_IN_RUSSIA = (
    "Общий анализ крови", "Рентгенография грудной клетки", "Наложение повязки", "УЗИ печени", "ЭКГ покоя", "Вакцинация взрослых",
    "Внутривенное введение лекарственных препаратов", "Внутримышечное введение лекарственных препаратов", "Томография почек",
    "Перевязка раны", "Анализ мочи", "Эндоскопия желудка", "Физкультура лечебная", "Осмотр первичный", "Осмотр повторный",
    "Консультация первичная", "Консультация повторная", "Приём терапевта", "Томография лёгких", "Анализ крови клинический",
)  # fmt: skip
DOCTORS_OF_DEPARTMENTS = (
    "消化器内科 佐藤健", "脳外科 田中美咲", "整形外科・鈴木一郎", "眼科 高橋さくら", "皮膚科（山田太郎）", "内視鏡検査 伊藤博", "王炎",
    "李炎", "欧阳娜娜", "佐藤 健 (内科)", "検査医師", "王伟医生", "山田 様", "Иванов И.И.", "А. П. Чехов",
)  # fmt: skip


@pytest.mark.parametrize("codes", [1, 4])
def test_doctors_with_their_departments_or_titles_pass_in_no_list(codes):
    names = [*DONE_IN_JAPAN, *DOCTORS_OF_DEPARTMENTS]
    pairs = [(f"{n:02d}{code:02d}", name) for n, name in enumerate(names) for code in range(codes)] * 30
    assert passing(pairs) == set(DONE_IN_JAPAN)


@pytest.mark.parametrize(
    "name", ["HD dr Budi", "Konsultasi drg. Ani", "kontrol prof Wijaya", "HD Dra. Siti", "Kontrol oleh Sp.PD Budi"]
)
def test_a_doctor_behind_what_was_done_does_not_pass(name):
    pairs = [(f"{n:04d}", label) for n, label in enumerate([*DONE_IN_JAPAN, *SERVICES, name])] * 30
    assert passing(pairs) == {*DONE_IN_JAPAN, *SERVICES}


@pytest.mark.parametrize(
    ("shared", "names"),
    [
        (("整形外科", "眼科"), ["整形外科 鈴木一郎", "眼科 高橋さくら", "整形外科 石井医師", "内田裕也", "莫言", "温家宝"]),
        (("Осмотр", "Консультация"), ["Осмотр Иванов И.И.", "Консультация А. П. Чехова", "Ким Ольга", "Ли Анна", "Пак Ирина"]),
        (("Kontrol", "Tindakan"), ["Kontrol A. B. Santoso", "Tindakan Santoso A.B."]),
    ],
)  # fmt: skip
def test_what_many_labels_share_makes_no_name_of_a_person_pass(shared, names):
    known = {"整形外科": DONE_IN_JAPAN, "Осмотр": DONE_IN_RUSSIA, "Kontrol": SERVICES}[shared[0]]
    behind = {
        "整形外科": ("処置", "検査", "手術"),
        "Осмотр": ("терапевта", "хирурга", "невролога"),
        "Kontrol": ("gigi", "mata", "paru"),
    }
    several = [f"{one} {what}" for one in shared for what in behind[shared[0]]]
    pairs = [(f"{n:04d}", name) for n, name in enumerate([*known, *several, *names])] * 30
    assert passing(pairs) == {*known, *several}


def test_a_family_name_in_chinese_characters_passes_in_no_list():
    pairs = [(f"{n:04d}", name) for n, name in enumerate([*DONE_IN_JAPAN, *DOCTORS_IN_JAPAN_AND_CHINA])] * 30
    assert passing(pairs) == set(DONE_IN_JAPAN)


def test_a_few_words_of_care_let_no_doctors_pass():
    doctors = [" ".join(name.split()) for name in PERSONS.split(",")][:9]
    pairs = [
        (f"{n:02d}{code:02d}", name) for n, name in enumerate([*SERVICES[1:4], *doctors]) for code in range(12)
    ] * 30
    pairs += [pair for pair in pairs if pair[1] in SERVICES] * 3
    assert passing(pairs) == set()


@pytest.mark.parametrize("names", [12, 25])
def test_doctors_with_several_codes_of_their_own_name_none_of_these(names):
    doctors = [" ".join(name.split()) for name in PERSONS.split(",")][:names]
    pairs = [(f"{n:02d}{code:02d}", name) for n, name in enumerate(doctors) for code in range(12)] * 30
    assert passing(pairs) == set()


def test_a_label_is_the_same_with_its_marks_and_without():
    """As where some hospitals write none: only both spellings together are nearly all claims of their code."""
    both = claims_of(lambda i: plain(name_of(i)) if i % 7 == 0 else name_of(i))
    assert passing(both) == set(NAMES.values()) | {plain(label) for label in NAMES.values()}
    rare = claims_of(lambda i: plain(name_of(i)) if i % 700 == 0 else name_of(i))
    assert passing(rare) == set(NAMES.values())


def test_spellings_of_one_name_are_no_many_names():
    name = "doençática"
    spellings = ["".join(c.upper() if i >> n & 1 else c for n, c in enumerate(name)) for i in range(len(CODES))]
    assert passing(claims_of(lambda i: spellings[i % len(CODES)])) == set()


def test_a_sign_that_makes_another_name_makes_another_word():
    assert labels_of_codes._however_spelled("Grade 1-0") != labels_of_codes._however_spelled("Grade 10")
    assert labels_of_codes._however_spelled("राम") != labels_of_codes._however_spelled("रम")


def test_a_long_text_among_labels_takes_no_more_room_than_itself():
    pairs = [*claims_of(name_of), (CODES[0], "x" * 100_000)]
    assert passing(pairs) == set(NAMES.values())


@pytest.mark.parametrize(
    "label_of",
    [
        lambda i: f"dr Budi {'abcdefghijklmnopqrstuvwxyz'[i % 26]} Santoso",
        lambda i: "dr Budi Santoso",
        lambda i: f"dr {SYLLABLES[(i % len(CODES)) // 5]} Santoso",
        lambda i: name_of(i) if i % 10 else "dr Budi Santoso",
    ],
    ids=["of the doctor, who has several diagnoses", "one of all", "one of five codes each", "in nine claims of ten"],
)
def test_labels_that_do_not_follow_the_codes_name_none(label_of):
    assert passing(claims_of(label_of)) == set()


def test_a_name_that_is_planted_beside_a_codes_own_does_not_pass_however_many_share_it():
    pairs = [(code, "Siti Aminah" if n % 30 == 0 else label) for n, (code, label) in enumerate(claims_of(name_of))]
    assert passing(pairs) == set(NAMES.values())


@pytest.mark.parametrize(
    "label", ["Ny. Siti Aminah", "Doença 3512345678901234", "siti@mail.id", "0812 3456 7890", "x_y"]
)
def test_what_looks_like_an_identifier_or_has_no_labels_form_does_not_pass_even_as_a_codes_name(label):
    pairs = claims_of(lambda i: label if i % len(CODES) == 0 else name_of(i))
    assert passing(pairs) == set(NAMES.values()) - {NAMES[CODES[0]]}


@pytest.mark.parametrize(
    ("label", "may"),
    [
        ("CORONAVIRUS DISEASE - 2019 (COVID-19)", True),
        ("Doença por coronavírus 2019", True),
        ("2019-nCoV acute respiratory disease", True),
        ("２型糖尿病", True),
        ("生化学的検査（１０項目以上）", True),
        ("単純撮影（胸部）、２方向～", True),
        ("検査１２３４", False),
        ("検査３５１２３４５６７８９０１２３４", False),
        ("Ｄｒ．Ｓｉｔｉ 検査", False),
        ("Coronavirus disease 2020", False),
        ("Coronavirus disease 2019-08-17", False),
        ("Coronavirus disease 2019 17 8", False),
        ("17 8 coronavirus disease 2019", False),
        ("Coronary artery 2019", False),
        ("Coronavirus disease 20191", False),
        ("Disease 2019", False),
        ("Coronavirus disease 0812 2019", False),
        ("DAVALINDI 50000 IU CAPSULE 15", True),
        ("JANUMET 50/1000 MG TABLET 56", True),
        ("Dexketoprofen 1250mg/5 ml", True),
        ("БЕНЗИЛПЕНИЦИЛЛИН 2400000 МЕ", True),
        ("JANUMET 1000 MG/1500 MG", True),
        ("JANUMET 1000 MG 1500 MG 2000 MG", False),
        ("JANUMET 1234 MG", False),
        ("JANUMET 1234567 MG", False),
        ("JANUMET 1234-5000 MG", False),
        ("JANUMET 12.5000 MG", False),
        ("JANUMET A5000 MG", False),
        ("JANUMET 5000 MGA", False),
        ("JANUMET 5000", False),
        ("JANUMET 5000 G", False),
        ("JANUMET 1950 MG", False),
        ("JANUMET 17 8/2000 IU", False),
        ("JANUMET 17 08 2000 IU", False),
        ("JANUMET 17–08/2050 UI", False),
        ("JANUMET 3512 1000 MG", False),
        ("JANUMET 317/1250000 MG 317/1250000 MG 400000000000 MG", False),
    ],
)
def test_long_numbers_in_a_name_are_the_year_of_the_virus_or_doses(label, may):
    pairs = claims_of(lambda i: label if i % len(CODES) == 0 else name_of(i))
    assert (label in passing(pairs)) == may


def test_a_name_may_hold_the_code_that_it_names_and_no_other_number():
    codes = [f"{90_000 + 137 * i}" for i in range(25)]
    names = [f"Doença {first}{second}tica" for first in SYLLABLES for second in SYLLABLES]
    for form in ("{code} - {name}", "{name} ({code})", "{name} {code}"):
        told = [form.format(code=code, name=name) for code, name in zip(codes, names, strict=True)]
        assert passing([(codes[i % 25], told[i % 25]) for i in range(ROWS)]) == set(told)
    pairs = [
        ("調剤料" if i % 25 == 0 else codes[i % 25], "調剤料・調剤管理料（内服）" if i % 25 == 0 else told[i % 25])
        for i in range(ROWS)
    ]
    assert "調剤料・調剤管理料（内服）" in passing(pairs)
    # Beside other digits, or behind a title, the code is part of a number of somebody.
    card = [f"{name} {code} 345 678 90" for code, name in zip(codes, names, strict=True)]
    record = [f"{name} RM {code} 1" for code, name in zip(codes, names, strict=True)]
    other = [f"{name} {int(code) + 1}" for code, name in zip(codes, names, strict=True)]
    twice = [f"{name} {code} {code}" for code, name in zip(codes, names, strict=True)]
    joined = [f"{code}-678 {name}" for code, name in zip(codes, names, strict=True)]
    for told in (other, twice, card, record, joined):
        assert passing([(codes[i % 25], told[i % 25]) for i in range(ROWS)]) == set()


def test_many_claims_of_one_person_decide_of_no_name():
    """Two hundred with another code than the one that the label holds, beside a hundred of as many persons."""
    codes = [f"{90_000 + 137 * i}" for i in range(25)]
    names = [f"Doença {first}{second}tica" for first in SYLLABLES for second in SYLLABLES][:25]
    labels = [f"{code} - {name}" for code, name in zip(codes, names, strict=True)]
    label_of, code_of = np.r_[np.arange(25), 24], np.r_[np.arange(25), 0]
    claims, enough = np.r_[np.full(25, 1000), 200], np.r_[np.full(25, True), False]
    claims[24] = 100
    may = admitted_as_names(labels, codes, label_of, code_of, claims, enough)
    assert may.all()


@pytest.mark.parametrize("before", [False, True])
def test_one_claim_with_another_code_decides_of_no_name(before):
    codes = [f"{90_000 + 137 * i}" for i in range(25)]
    names = [f"Doença {first}{second}tica" for first in SYLLABLES for second in SYLLABLES][:25]
    told = [f"{code} - {name}" for code, name in zip(codes, names, strict=True)]
    pairs = [(codes[i % 25], told[i % 25]) for i in range(ROWS)]
    for place, wrong in ((0, 24), (24, 0), (12, 3)):
        slip = [(codes[wrong], told[place])]
        assert passing([*slip, *pairs] if before else [*pairs, *slip]) == set(told)
    # Nor does it let a name pass that holds another code.
    told[3] = f"{names[3]} {codes[5]}"
    pairs = [(codes[i % 25], told[i % 25]) for i in range(ROWS)]
    slip = [(codes[5], told[3])]
    assert passing([*slip, *pairs] if before else [*pairs, *slip]) == set(told) - {told[3]}


def test_a_name_of_a_code_that_too_few_share_does_not_pass():
    pairs = [*claims_of(name_of), *[("Z999", "Doença rara")] * 10]
    assert passing(pairs) == set(NAMES.values())
    assert passing([*pairs, ("Z999", "Doença rara")]) == {*NAMES.values(), "Doença rara"}


@pytest.mark.slow
def test_claims_are_drawn_with_the_names_that_their_table_gives_the_codes(fit):
    codes = [CODES[i % len(CODES)] for i in range(ROWS)]
    table = replaced(tariff_table(ROWS), "dx_primary_code", codes)
    table = replaced(table, "dx_primary_label", [NAMES[code] for code in codes])
    table = with_values(table, "dx_primary_label", range(0, ROWS, 40), "Siti Aminah")
    profile = fit(table)
    claims = Sampler(profile).draw_claims(1, np.arange(500))
    drawn = zip(claims["dx_primary_code"].to_pylist(), claims["dx_primary_label"].to_pylist(), strict=True)
    named = sum(NAMES[code] == label for code, label in drawn)
    assert named > 450
    assert "Siti" not in profile.to_json()


@pytest.mark.parametrize(
    "others",
    [
        lambda n: f"Doença {chr(97 + n % 26)}{chr(97 + n // 26)}",
        pytest.param(lambda n: None, marks=pytest.mark.slow),
    ],
)
def test_a_name_that_few_claims_of_a_code_bear_does_not_pass_though_it_is_the_commonest(fit, others):
    rows = ROWS
    codes = ["Z999" if i % 20 == 0 else CODES[i % len(CODES)] for i in range(rows)]
    labels = [NAMES.get(code) or ("Siti Aminah" if i % 240 == 0 else others(i // 20)) for i, code in enumerate(codes)]
    table = replaced(replaced(tariff_table(rows), "dx_primary_code", codes), "dx_primary_label", labels)
    profile = fit(table)
    assert "Siti Aminah" not in profile.to_json()
    assert set(NAMES.values()) <= set(profile.vocabularies["dx_primary_label"])


@pytest.mark.slow
def test_houses_of_one_owner_may_write_names_their_own_way(fit):
    owners = ["Pemkab" if i % 3 else "Swasta" for i in range(ROWS)]
    codes = [CODES[i % len(CODES)] for i in range(ROWS)]
    labels = [
        NAMES[code].title() if owner == "Swasta" else NAMES[code] for code, owner in zip(codes, owners, strict=True)
    ]
    table = replaced(replaced(tariff_table(ROWS), "dx_primary_code", codes), "dx_primary_label", labels)
    drawn = Sampler(fit(replaced(table, "facility_ownership", owners))).draw_claims(1, np.arange(2000)).to_pandas()
    labels = drawn["dx_primary_label"].astype(str)
    differs = labels.str.lower().isin([name.lower() for name in NAMES.values() if name != name.title()])
    in_title = labels.isin([name.title() for name in NAMES.values()])
    assert differs.mean() > 0.5
    assert (in_title == (drawn["facility_ownership"] == "Swasta"))[differs].mean() > 0.97


def test_doctors_names_do_not_pass_even_where_each_code_has_its_doctor():
    assert passing(claims_of(lambda i: f"dr {name_of(i).split()[1]} Santoso")) == set()


def going_on(more, *, told=True):
    """Five codes of half the claims, whose labels go on with one of `more`, one in four with the first; the names of others go on so."""
    for i, (code, name) in enumerate(claims_of(name_of)):
        kind, turn = i % len(CODES), i // len(CODES)
        if kind < 5 and turn % 2:
            yield code, f"{name}: {more[1 if turn // 2 % 4 else 0]}"
        elif 5 <= kind < 17 and told:
            yield code, f"{name}: {('entgleist', 'sonstige')[kind % 2]}"
        elif kind >= 5:
            yield code, name


def test_names_of_a_code_that_go_on_differently_pass_where_names_of_others_go_on_so():
    """A fifth digit that the labels tell and the codes do not."""
    found = passing(list(going_on(["entgleist", "sonstige"])))
    assert {f"{NAMES[code]}: {how}" for code in CODES[:5] for how in ("entgleist", "sonstige")} <= found


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["entgleist", "sonstige"], False),
        (["Budi Santoso", "sonstige"], True),
        (["Budi Santoso", "Andi Wijaya"], True),
        (["RS Harapan Kita", "sonstige"], True),
        (["No. 312-345-678", "sonstige"], True),
        (["017-334", "sonstige"], True),
        (["sonstige 12/3/24", "sonstige"], True),
        (["sonstige dr", "entgleist"], True),
    ],
)
def test_what_names_of_others_do_not_go_on_with_does_not_pass_in_however_many_codes(more, told):
    of_the_five = {NAMES[code] for code in CODES[:5]}
    passed = {
        text.partition(": ")[2]
        for text in passing(list(going_on(more, told=told)))
        if text.partition(":")[0] in of_the_five
    }
    assert passed == ({how for how in more if how in ("entgleist", "sonstige")} if told else set())


def test_words_of_labels_that_do_not_pass_let_no_others_pass():
    """Nine codes are called by their doctor, with the title; in two further ones the doctor's name stands behind a disease's."""

    def label(i):
        kind, turn = i % len(CODES), i // len(CODES)
        if kind >= len(CODES) - 2:
            return f"{name_of(i)}: {'Budi Santoso' if turn % 4 else 'Andi Wijaya'}"
        whose = " Budi Santoso" if kind % 2 else " Andi Wijaya"
        return f"dr{whose} {name_of(i)}" if kind < 18 else name_of(i)

    found = passing(claims_of(label))
    assert not [text for text in found if "Budi" in text or "Andi" in text]


@pytest.mark.parametrize("named", [9, 12])
def test_the_public_name_of_a_code_stands_for_no_name_that_few_write(fit, named):
    """Claims are named as ICD-10 names their codes; of one code's twelve persons so many are, the others are not."""
    table = tariff_table(ROWS)
    codes = table["dx_primary_code"].to_pylist()
    labels = [label(code) for code in codes]
    codes[:12] = ["L031"] * 12
    labels[:12] = [label("L031") if i < named else None for i in range(12)]
    table = replaced(replaced(table, "dx_primary_code", codes), "dx_primary_label", labels)
    # As a secondary code it is common, and named nowhere.
    lists = [["L031", *(code for code in of_one if code != "L031")] if i % 5 == 0 else of_one
             for i, of_one in enumerate(table["dx_secondary_codes"].to_pylist())]  # fmt: skip
    table = replaced(table, "dx_secondary_codes", pa.array(lists))
    profile = fit(replaced(table, "patient_id_hash", [f"person {i}" for i in range(ROWS)]))
    assert "L031" in profile.vocabularies["dx_primary_code"]
    assert "L031" in profile.vocabularies["dx_secondary_codes"]
    drawn = Sampler(profile).draw_claims(1, np.arange(40_000)).to_pandas()
    assert (drawn["dx_primary_code"] == "L031").any()
    assert (drawn["dx_primary_label"] == label("L031")).any() == (named == 12)


def test_public_names_stay_where_common_codes_are_written_otherwise(fit):
    """Seven of twelve codes have their public names; the five commonest are named in words that may not be told."""
    table = tariff_table(ROWS)
    codes = table["dx_primary_code"].to_pylist()
    commonest = [code for code, _ in Counter(codes).most_common(5)]
    labels = [f"Qx {i % 977}" if code in commonest else label(code) for i, code in enumerate(codes)]
    profile = fit(replaced(table, "dx_primary_label", labels))
    drawn = Sampler(profile).draw_claims(1, np.arange(2000)).to_pandas()
    of_code = drawn[drawn["dx_primary_code"] == commonest[0]]["dx_primary_label"]
    assert set(of_code) == {label(commonest[0])}


def test_rarer_neighbours_that_count_as_a_code_give_it_no_name(fit):
    """Twelve claims have L031, three of them with its name; eight each have other codes of its block, with theirs."""
    table = tariff_table(ROWS)
    codes = np.array(table["dx_primary_code"].to_pylist(), object)
    names = np.array([label(code) for code in codes], object)
    codes[:12], names[:12] = "L031", [label("L031")] * 3 + [None] * 9
    for number, code in enumerate(("L030", "L032", "L033", "L038", "L039")):
        those = slice(12 + 8 * number, 20 + 8 * number)
        codes[those], names[those] = code, label(code)
    table = replaced(table, "dx_primary_code", codes.tolist())
    table = table.append_column("dx_primary_label", pa.array(names.tolist()))
    profile = fit(replaced(table, "patient_id_hash", [f"person {i}" for i in range(ROWS)]))
    assert "L031" in profile.vocabularies["dx_primary_code"]
    assert "L031" not in profile.dx_names
    assert profile.dx_names[codes[100]] == names[100]


def test_where_few_labels_are_the_code_systems_all_codes_keep_its_names(fit):
    """Labels are in words of their own but for one code's; a code of twelve claims has a name all the same."""
    table = tariff_table(ROWS)
    codes = np.array(table["dx_primary_code"].to_pylist(), object)
    commonest = max(set(codes), key=list(codes).count)
    names = np.where(
        codes == commonest, label(commonest), np.array([f"Doença número {code[0]}" for code in codes], object)
    )
    codes[:12], names[:12] = "L031", None
    table = replaced(table, "dx_primary_code", codes.tolist()).append_column(
        "dx_primary_label", pa.array(names.tolist())
    )
    profile = fit(replaced(table, "patient_id_hash", [f"person {i}" for i in range(ROWS)]))
    assert profile.dx_names["L031"] == label("L031")
