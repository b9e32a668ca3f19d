"""Procedures of which one code has several names, as a price list has more items than the code system: each claim has its name."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import PROCEDURE_NAME
from claims_sim.profile.encoding.encode import Encoded, _tell_more_than
from claims_sim.profile.sampler import Sampler
from claims_sim.profile.texts.admit import _is_phrase
from claims_sim.profile.texts.names_of_persons import may_be_persons
from claims_sim_tests.profile.tables import replaced, tariff_table
from claims_sim_tests.profile.texts.test_procedure_names import DOCTORS

ROWS = 6000
ITEMS = {
    "9059": ("Gula darah puasa", "Gula darah post prandial", "Kolesterol total", "Kolesterol HDL", "Trigliserida", "Asam urat darah"),
    "8926": ("ANC trimester pertama oleh bidan", "ANC trimester kedua dengan USG", "PNC kunjungan nifas"),
    "9924": ("KB suntik", "KB suntik dan konsultasi obat tanpa rawat inap", "Pil KB"),
}  # fmt: skip
PRICES = {item: 20_000.0 + 7_500 * at for at, item in enumerate(item for items in ITEMS.values() for item in items)}


def of_items(items=ITEMS, several=1.0):
    """A table in which each code has its items, as often one as another, or `several` of its claims do and the rest the first."""
    g = np.random.default_rng(83)
    table = tariff_table(ROWS)
    code = np.array([*items], object)[g.integers(0, len(items), ROWS)]
    which = np.where(g.random(ROWS) < several, g.integers(0, 60, ROWS), 0)
    label = np.array([items[one][at % len(items[one])] for one, at in zip(code, which, strict=True)], object)
    amount = np.array([PRICES.get(item, 50_000.0) for item in label])
    table = replaced(replaced(table, "amount_claimed", amount), "amount_paid", amount)
    table = replaced(replaced(table, "amount_gap", np.zeros(ROWS)), "procedure_code", code.tolist())
    return table.append_column("procedure_label", pa.array(label.tolist(), pa.string()))


def pairs(table):
    return list(zip(table["procedure_code"].to_pylist(), table["procedure_label"].to_pylist(), strict=True))


@pytest.fixture(scope="module")
def profile(fit):
    return fit(of_items())


@pytest.fixture(scope="module")
def drawn(profile):
    return Sampler(profile).draw_claims(5, np.arange(ROWS))


def test_each_code_has_its_names_as_often_as_in_the_table(profile, drawn):
    assert {name for name in profile.vocabularies[PROCEDURE_NAME] if name} == {*PRICES}
    assert "procedure_label" not in profile.vocabularies
    assert Profile.from_json(profile.to_json()) == profile
    found, there = pairs(drawn), pairs(of_items())
    assert {*found} == {*there}
    for one in {*there}:
        assert found.count(one) / ROWS == pytest.approx(there.count(one) / ROWS, abs=0.02)


def test_what_is_claimed_follows_the_name(drawn):
    claimed = zip(drawn["procedure_label"].to_pylist(), drawn["amount_claimed"].to_pylist(), strict=True)
    assert np.mean([amount == PRICES[name] for name, amount in claimed]) > 0.99


def test_what_is_asked_for_by_name_costs_what_it_does(profile, drawn):
    sampler, rows = Sampler(profile), np.arange(200)
    given = replaced(
        replaced(drawn.slice(0, 200), "procedure_code", ["9059"] * 200), "procedure_label", ["Kolesterol total"] * 200
    )
    amounts = sampler.draw_money(7, rows, given)["amount_claimed"].to_numpy()
    assert np.mean(amounts == PRICES["Kolesterol total"]) > 0.99


def test_names_that_a_claim_may_hold_are_those_of_the_list(profile):
    known = profile.vocabulary().filter(pa.compute.equal(profile.vocabulary()["column_name"], "procedure_label"))
    assert {*PRICES} <= {*known["value"].to_pylist()}


def test_a_name_that_too_few_bear_is_said_to_be_withheld(fit):
    table = of_items()
    rare = ["Kolesterol sekali" if i < 3 else label for i, label in enumerate(table["procedure_label"].to_pylist())]
    found = fit(replaced(table, "procedure_label", rare))
    assert "Kolesterol sekali" not in found.to_json()
    assert any(sentence.startswith("Some of procedure_label") for sentence in found.oddities)


def test_a_code_whose_names_may_not_be_told_has_the_code_systems_and_no_other_codes(fit):
    table = of_items()
    other = np.arange(ROWS) % 25 == 0
    code = np.where(other, "8744", table["procedure_code"].to_pylist())
    label = np.where(other, "Foto toraks 12345", table["procedure_label"].to_pylist())
    found = fit(replaced(replaced(table, "procedure_code", code.tolist()), "procedure_label", label.tolist()))
    assert "12345" not in found.to_json()
    claims = Sampler(found).draw_claims(5, np.arange(ROWS))
    assert {label for code, label in pairs(claims) if code == "8744"} == {found.procedure_names["8744"]}
    assert {label for code, label in pairs(claims) if code == "9059"} == {*ITEMS["9059"]}
    assert any("of procedure_label is rare" in s and "code system's name" in s for s in found.oddities)


def tell_more(codes, labels, person=None):
    """Whether names tell more than codes; without the key of persons where none is given."""
    codes, labels = np.asarray(codes), np.asarray(labels)
    population = Population(len(codes), 11, None if person is None else np.asarray(person) + 1, None)
    return _tell_more_than(Encoded(population=population, rows=len(codes)), codes, labels)


def test_a_few_other_names_of_a_code_do_not_make_names_tell_more():
    codes, others = np.arange(1000) % 4, np.arange(1000) // 4 % 20
    assert not tell_more(codes, 10 * codes + (others < 3), np.arange(1000))
    assert tell_more(codes, 10 * codes + (others < 5), np.arange(1000))
    assert not tell_more(np.full(1000, -1), others, np.arange(1000))


def test_one_persons_many_names_do_not_make_names_tell_more():
    """Two in five claims are hers, each with another name than others have."""
    codes, hers = np.arange(1000) % 4, np.arange(1000) < 400
    labels, person = 10 * codes + hers, np.where(hers, 0, np.arange(1000))
    assert tell_more(codes, labels, np.arange(1000))
    assert not tell_more(codes, labels, person)


@pytest.mark.parametrize("keyed", [True, False])
def test_spellings_that_are_each_of_few_do_not_make_names_tell_more(keyed):
    codes, rows = np.zeros(1000, np.int64), np.arange(1000)
    assert not tell_more(codes, np.where(rows < 400, 0, 1 + rows // 2), rows if keyed else None)


def test_a_procedure_that_is_made_up_has_a_name_that_others_of_its_code_have(profile, drawn):
    sampler, rows = Sampler(profile), np.arange(500)
    for code, names in ITEMS.items():
        given = replaced(drawn.slice(0, 500), "procedure_code", [code] * 500)
        found = sampler.draw_procedure_labels(3, rows, given).to_pylist()
        assert {*found} == {*names}


def test_a_code_with_one_name_has_that_whatever_is_drawn(any_sampler):
    claims = any_sampler.draw_claims(5, np.arange(200))
    assert any_sampler.draw_procedure_labels(3, np.arange(200), claims).equals(
        claims["procedure_label"].combine_chunks()
    )


def test_doctors_beside_codes_stay_where_they_are(fit):
    found = fit(of_items({"9059": DOCTORS[:6], "8926": DOCTORS[6:9], "9924": DOCTORS[9:]}))
    assert not any(doctor in found.to_json() for doctor in DOCTORS)


@pytest.mark.parametrize(
    ("text", "is_phrase"),
    [
        ("Rawat inap tingkat pertama per hari", True),
        ("Pemeriksaan darah dan konsultasi", True),
        ("Pemeriksaan darah dan konsultasi Budi", False),
        ("PEMERIKSAAN DARAH RAWAT BUDI", False),
        ("pemeriksaan darah rawat budi", False),
        ("Konsultasi rawat inap Siti Rahayu", False),
        ("Pemeriksaan budi santoso", False),
        ("", False),
    ],
)
def test_a_phrase_has_known_words_and_no_capital_of_a_name(text, is_phrase):
    assert _is_phrase(text) == is_phrase


def test_an_abbreviation_in_capitals_is_no_name_but_iva_is_one():
    """Inspeksi visual asam asetat is looked for in clinics; Iva Susanti is a person, in capitals, too."""
    texts = [
        "Pemeriksaan IVA",
        "IVA",
        "IVA SUSANTI",
        "Iva Susanti",
        "IVA Susanti",
        "PEMERIKSAAN IVA",
        "Pemeriksaan Iva",
    ]
    assert may_be_persons(texts, np.ones(len(texts), np.bool_)).tolist() == [False, False, *[True] * 5]


@pytest.mark.parametrize("how", ["高危", "极高危", "陈旧性", "左侧", "周围型"])
def test_how_grave_it_is_and_where_is_no_name_though_it_begins_like_one(how):
    assert not may_be_persons([f"高血压病2级({how})"], np.ones(1, np.bool_))[0]


@pytest.mark.parametrize("who", ["高伟", "高危伟", "陈明", "白明", "左明", "周围伟"])
def test_a_family_name_with_another_behind_it_is_one_beside_them(who):
    texts = [f"高血压病2级({who})", f"高血压病2级 {who}"]
    assert may_be_persons(texts, np.ones(2, np.bool_)).all()
