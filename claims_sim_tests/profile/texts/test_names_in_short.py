"""Names of codes that some write in short: with c/ for com, or cut where a column holds no more."""

import pytest

from claims_sim_tests.profile.texts.named_codes import CODES, NAMES, claims_of, name_of, passing


@pytest.mark.parametrize(
    ("whole", "short"),
    [
        ("tratamento com zelutagem", "tratamento c/ zelutagem"),
        ("tratamento para zelutagem", "tratamento p/zelutagem"),
        ("vesutamia sin zelutagem", "vesutamia s/ zelutagem"),
        ("VESUTAMIA WITHOUT ZELUTAGEM", "VESUTAMIA W/O ZELUTAGEM"),
    ],
)
def test_a_preposition_in_short_is_the_same_name(whole, short):
    """As where a list is written out from some month on: each way alone is half of its code's claims."""
    pairs = claims_of(lambda i: (whole, short)[i // 25 % 2] if i % 25 == 0 else name_of(i))
    assert passing(pairs) == {whole, short, *list(NAMES.values())[1:]}


@pytest.mark.parametrize(
    "labels",
    [
        ("Sin Kim", "Sem Kim"),
        ("tratamento batica Sin", "tratamento batica Con"),
        ("s/ Kim", "Sin Kim"),
        ("Dialysis c/", "Dialysis com"),
    ],
)
def test_what_is_no_preposition_between_words_is_none(labels):
    pairs = claims_of(lambda i: labels[i // 25 % 2] if i % 25 == 0 else name_of(i))
    assert passing(pairs) == set(list(NAMES.values())[1:])


def test_other_words_are_other_names():
    pairs = claims_of(
        lambda i: ("vesutamia com zelutagem", "vesutamia sem zelutagem")[i // 25 % 2] if i % 25 == 0 else name_of(i)
    )
    assert passing(pairs) == set(list(NAMES.values())[1:])


WHOLE = "vesutamia de zelutagem das vias tresanas inferiores"


@pytest.mark.parametrize(
    ("cut", "passes"),
    [
        (WHOLE[:40], True),  # within a word
        (WHOLE[:12], False),  # less than half
        (WHOLE[1:40], False),
        (f"{WHOLE[:30]} Siti", False),
    ],
)
def test_what_begins_a_name_passes_with_it(cut, passes):
    pairs = claims_of(lambda i: (cut if i // 25 % 8 == 0 else WHOLE) if i % 25 == 0 else name_of(i))
    assert passing(pairs) == {WHOLE, *list(NAMES.values())[1:], *[cut] * passes}


def test_what_begins_another_codes_name_does_not():
    pairs = claims_of(
        lambda i: WHOLE if i % 25 == 0 else WHOLE[:40] if i % 25 == 1 and i // 25 % 8 == 0 else name_of(i)
    )
    assert passing(pairs) == {WHOLE, *list(NAMES.values())[1:]}


def test_of_a_name_cut_short_that_few_bear_none_passes():
    pairs = claims_of(lambda i: (WHOLE[:40] if i // 25 < 5 else WHOLE) if i % 25 == 0 else name_of(i))
    assert passing(pairs) == {WHOLE, *list(NAMES.values())[1:]}
    assert len({code for code, _ in pairs}) == len(CODES)


@pytest.mark.parametrize(
    ("whole", "cut"),
    [
        ("Santoso Budi", "Santoso"),
        ("Wijayakusuma, Ani", "Wijayakusuma"),
        ("Perawatan luka Siti Aminah S.Kep", "Perawatan luka Siti Amin"),
        ("換薬処置 王小明", "換薬処置 王"),
        ("脳外科 田中美咲医師", "脳外科 田中"),
    ],
)
def test_what_begins_a_persons_name_passes_no_more_than_that_does(whole, cut):
    pairs = claims_of(lambda i: (cut if i // 25 % 8 == 0 else whole) if i % 25 == 0 else name_of(i))
    assert passing(pairs) == set(list(NAMES.values())[1:])
