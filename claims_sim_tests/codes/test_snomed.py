import pytest

from claims_sim.codes.snomed import is_of_united_states

# Concepts of the United States' edition: problems and procedures that its public value sets name.
PUBLISHED = ("449381000124108", "428211000124100", "454711000124102", "124171000119105", "90781000119102")


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_codes_are_known_by_their_form_and_check_digit(code):
    assert is_of_united_states(code)


def test_a_digit_that_is_another_and_two_that_change_places_are_found():
    for code in PUBLISHED:
        free = range(len(code) - 10)  # the digits of the publisher and the kind are the same in all
        others = {code[:i] + str(d) + code[i + 1 :] for i in free for d in range(10) if str(d) != code[i]}
        others |= {code[:i] + code[i + 1] + code[i] + code[i + 2 :] for i in free[:-1] if code[i] != code[i + 1]}
        assert not [other for other in others if is_of_united_states(other)]


@pytest.mark.parametrize(
    "text",
    ["73211009", "1501000119109", "1015401000000102", "012345678901000", "449381000124108 ", "", "4493810001241O8"],
)
def test_others_are_none(text):
    assert not is_of_united_states(text)
