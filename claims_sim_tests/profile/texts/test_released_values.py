"""What codes count as that are too rare to be told."""

from collections import Counter

import numpy as np
import pytest

from claims_sim.profile.counts.counting import Codes, Ints, Population
from claims_sim.profile.texts.released_values import release_values


def counted(claims: dict[str, int], name: str = "dx_primary_code", hers: frozenset[str] = frozenset()) -> Counter[str]:
    """How many claims each code has after its column was released; all claims of `hers` are of one person, each other of one."""
    values = sorted(claims)
    raw = np.repeat(np.arange(len(values)), [claims[value] for value in values])
    persons = np.where(np.isin(np.array(values)[raw], sorted(hers)), 1, np.arange(2, len(raw) + 2))
    population = Population(len(raw), 11, persons, None)
    codes, vocabulary = release_values(population, name, values, raw, None)
    return Counter("withheld" if code < 0 else str(vocabulary[code]) for code in codes.tolist())


def of_others(claims: dict[str, int], hers: list[str]) -> Counter[str]:
    """How many claims each code has of all persons but one, who claims `hers` beside them; each of the others has one claim."""
    values = sorted({*claims, *hers})
    raw = np.array(
        [values.index(code) for code in claims for _ in range(claims[code])] + [values.index(code) for code in hers]
    )
    persons = np.r_[np.arange(2, sum(claims.values()) + 2), np.ones(len(hers), np.int64)]
    codes, vocabulary = release_values(Population(len(raw), 11, persons, None), "dx_primary_code", values, raw, None)
    return Counter("withheld" if code < 0 else str(vocabulary[code]) for code in codes[persons > 1].tolist())


RARE = {f"A03{digit}": 5 for digit in range(8)}


def test_the_rarest_released_code_of_their_category_stands_for_rare_ones():
    found = counted({**RARE, "A038": 1000, "A039": 20, "B020": 500})
    assert found == {"A038": 1000, "A039": 20 + 40, "B020": 500}


def test_rare_codes_make_those_that_stand_for_them_as_common_as_the_next():
    more = {f"A03{letter}": 10 for letter in "ABCDEFGHIJKLM"}
    found = counted({**more, "A037": 90, "A038": 90, "A039": 33, "A03X": 1000})
    # Of 130 claims the first 57 make A039 as common as the other two; each then has a third of the others.
    assert found["A03X"] == 1000
    assert all(found[code] == pytest.approx(114, abs=12) for code in ("A037", "A038", "A039"))


def test_no_code_stands_for_many_times_its_own_claims_while_a_wider_group_has_others():
    found = counted({**RARE, "A039": 11, "A040": 400})
    assert found["A039"] == 11 + 40  # four times eleven are as many
    more = {f"A03{digit}": 10 for digit in range(8)}
    found = counted({**more, "A039": 11, "A040": 400})
    assert 11 + 20 < found["A039"] <= 11 + 4 * 11 + 12
    assert found["A040"] == 400 + 80 + 11 - found["A039"]


@pytest.mark.parametrize("name", ["dx_primary_code", "procedure_code"])
def test_where_nearly_all_are_rare_the_released_ones_stand_for_them_as_common_as_they_are(name):
    common = {"0011": 400, "0012": 100} if name == "procedure_code" else {"A030": 400, "B020": 100}
    digits = range(1000, 2000) if name == "procedure_code" else range(100, 1000)
    rare = {f"{digit}" if name == "procedure_code" else f"C{digit}": 5 for digit in digits}
    found = counted({**rare, **common}, name)
    assert set(found) == set(common)
    first, second = (found[code] - common[code] for code in common)
    assert first / second == pytest.approx(4, rel=0.15)


def test_one_persons_many_claims_do_not_move_those_of_others():
    others = {**RARE, "A039": 20, "A040": 400}
    without, with_hers = counted(others), counted({**others, "A03X": 300}, hers=frozenset({"A03X"}))
    assert without["A040"] == 400
    assert with_hers["A040"] == 400
    of_many = {f"A03{letter}": 10 for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    assert counted({**others, **of_many})["A040"] > 500


FEW = {f"A03{letter}": 10 for letter in "ABCDEFGHIJKL"}


@pytest.mark.parametrize(
    ("claims", "hers"),
    [
        ({**FEW, **RARE, "A039": 20, "A040": 400}, ["A039"] * 300),
        ({**RARE, "A039": 20, "A040": 400}, [f"A03{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]),
        ({**dict.fromkeys(["A03A", "A03B", "A03C", "A03D"], 10), "A03E": 4, "A039": 11, "A040": 400}, ["A03"]),
    ],
    ids=["of a released code", "of many rare codes", "of a code of another length"],
)
def test_nothing_that_one_person_claims_moves_what_others_count_as(claims, hers):
    assert of_others(claims, hers) == of_others(claims, [])


def test_words_neither_count_as_codes_nor_stand_for_any():
    found = counted({**RARE, "Kontrol ulang": 1000, "A039": 100, "B020": 100, "Budi": 5})
    assert found == {"A039": 100 + 40, "B020": 100, "withheld": 1005}


def test_of_the_tables_own_codes_the_next_one_stands_for_a_rare_one():
    common = {f"{n}": 30 for n in range(900_101, 900_160)}
    found = counted({**common, "950999": 300, "950012": 25, "950011": 5}, "procedure_code")
    assert found["950012"] == 30
    assert found["950999"] == 300


def test_a_label_that_is_told_stands_for_no_rare_code():
    found = counted({**RARE, "Gout": 1000, "B020": 100})
    assert found == {"Gout": 1000, "B020": 100 + 40}


def test_what_stands_in_its_own_category_takes_no_share_of_a_wider_group():
    category = {f"A03{letter}": 10 for letter in "BCDEFGHIJKLMNOPQRSTUVWXYZ"}
    found = counted({**category, "A039": 55, "A040": 4000, "A041": 11})
    # Of 250 claims 220 stay in the category; A041, the rarest of the wider group, has the others.
    assert found["A039"] == pytest.approx(55 + 220, abs=12)
    assert found["A041"] == pytest.approx(11 + 30, abs=10)


def test_where_all_that_is_released_is_full_it_stands_for_all_the_same():
    short = {f"{letter}{n}": 5 for n in range(10, 100) for letter in "CDEFG"}
    long = {f"C{n}": 5 for n in range(100, 1000)}
    found = counted({**short, **long, "A030": 400, "B020": 100})
    assert set(found) == {"A030", "B020"}
    assert found["A030"] / found["B020"] == pytest.approx(4, rel=0.15)


def test_where_no_released_code_tells_what_a_rare_one_does_any_stands_for_it():
    """A severity that goes with rare codes alone."""
    texts = sorted(["A039", "B020", *RARE])
    raw = np.repeat(np.arange(len(texts)), [{"A039": 100, "B020": 100}.get(text, 5) for text in texts])
    severity = np.array([{"A039": 0, "B020": 1}.get(text, 2) for text in texts], np.int32)[raw]
    population = Population(len(raw), 11, np.arange(1, len(raw) + 1), None)
    codes, vocabulary = release_values(population, "dx_primary_code", list(texts), raw, None, decided=[severity])
    assert Counter(vocabulary[code] for code in codes.tolist()) == {"A039": 100 + 40, "B020": 100}


def kinds_of(rare_of: int, others: dict[str, int]) -> tuple[list[str], Codes, Ints]:
    """The kinds that are told, each claim's (-1: none) and its person; `rare_of` persons share the 600 claims of a kind of their own."""
    values = sorted({"HD", *others})
    raw = np.array([values.index(kind) for kind, claims in {"HD": 600, **others}.items() for _ in range(claims)])
    persons = np.r_[1 + np.arange(600) % rare_of, 100 + np.arange(len(raw) - 600) // 4]
    codes, vocabulary = release_values(
        Population(len(raw), 11, persons, None, 0, np.arange(persons.max() + 1, dtype=np.uint64)),
        "service_type",
        values,
        raw,
        None,
    )
    return [str(value) for value in vocabulary], codes, persons


def test_what_a_few_heavy_users_have_alone_hides_no_kind_of_service_but_some_claims_of_the_largest():
    told, codes, persons = kinds_of(5, {"IP": 2500, "OP": 40_000})
    assert told == ["IP", "OP"]
    withheld = np.flatnonzero(codes < 0)
    assert len(np.unique(persons[withheld])) >= 11
    assert 2 * 600 <= len(withheld) < 4 * 600
    assert np.count_nonzero(codes == told.index("IP")) == 2500
    assert kinds_of(11, {"IP": 2500, "OP": 40_000})[0] == ["HD", "IP", "OP"]


def test_a_smaller_kind_of_service_hides_them_as_a_whole():
    told, codes, _ = kinds_of(5, {"ER": 700, "OP": 40_000})
    assert told == ["OP"]
    assert np.count_nonzero(codes < 0) == 1300
