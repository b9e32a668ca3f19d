"""Secondary codes that one diagnosis brings with it, beside hundreds that any claim may have."""

import numpy as np
import pytest

from claims_sim.profile.counts.as_released import as_released, log_likelihood, of_sample, others_of_cell
from claims_sim.profile.counts.builder import Builder, _in_likeliest_order
from claims_sim.profile.counts.counting import Population, dense_ids
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.counts.structure import choose_parents
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 20_000
COMMON = [f"{letter}{number:02d}" for letter in "EIJKLMN" for number in range(10, 99)]
"""More codes than a diagnosis has claims of each."""
DELIVERY, NEWBORN = "O80", "Z380"


def common_codes(g, rows):
    weight = 1 / (np.arange(len(COMMON)) + 8.0)
    return g.choice(len(COMMON), rows, p=weight / weight.sum())


def companions():
    """Sixty diagnoses; the first brings code 0 in every second row, the second never; all else is any of 600 codes."""
    g = np.random.default_rng(3)
    dx, code = g.integers(0, 60, ROWS), 1 + common_codes(g, ROWS)
    code[(dx == 0) & (g.random(ROWS) < 0.5)] = 0
    return Target("member", code.astype(np.int32), len(COMMON) + 1), Parent("dx_primary_code", dx.astype(np.int32), 60)


def everybody(rows):
    """Each claim another person's."""
    return Population(rows, 11, np.arange(1, rows + 1), None)


def test_a_cell_is_told_in_a_sample_where_enough_persons_are_in_it():
    """Each of four hundred contexts brings a value of its own in all its thirty claims: of thirty persons, or of two."""
    context = np.repeat(np.arange(400), 30).astype(np.int32)
    target, parents, rows = Target("value", context, 400), [Parent("context", context, 400)], np.arange(12_000)
    for persons, is_told in ((rows, True), (rows // 15, False)):
        sample = of_sample(Population(len(rows), 11, persons, None), rows, rows)
        gain = log_likelihood(target, parents, sample) - log_likelihood(target, [], sample)
        assert (gain > 5) == is_told


def test_in_a_sample_so_many_persons_stand_for_k_as_are_in_it_of_all():
    """Of each second claim of a thousand persons with fifteen claims all are in the sample; of as many with one, half of them."""
    rows = np.arange(15_000)
    for persons, k in ((rows // 15, 12), (rows, 7)):
        sample = of_sample(Population(len(rows), 11, persons, None), rows[::2], rows)
        assert sample.k == k
        assert (sample.persons == persons[::2]).all()


def test_of_persons_with_many_claims_each_no_table_follows_what_few_of_them_have():
    """Two thousand persons with a weight that goes by the place, and one of 64 houses: claims of a house and a weight are a person's."""
    g, persons = np.random.default_rng(41), ROWS // 10
    who = g.integers(0, persons, ROWS)
    place, house = g.integers(0, 6, persons), g.integers(0, 64, persons)
    weight = (10 * place + g.integers(0, 10, persons))[who].astype(np.int32)
    parents = [
        Parent("facility_class", house[who].astype(np.int32), 64),
        Parent("province_name", place[who].astype(np.int32), 6),
    ]
    for population, expected in ((everybody(ROWS), True), (Population(ROWS, 11, who + 1, None), False)):
        builder = Builder(population, {parent.name: (parent.codes, parent.size) for parent in parents})
        builder.add(Target("claim_weight", weight, 60), parents, has_many=True)
        assert ("facility_class" in builder.tables["claim_weight"].parents) == expected


def test_what_one_diagnosis_brings_is_worth_its_while_only_by_the_table_as_it_is_released():
    target, parent = companions()
    assert choose_parents(target, [parent])[0] == []
    chosen, _ = choose_parents(target, [parent], sample=of_sample(everybody(ROWS), np.arange(ROWS), np.arange(ROWS)))
    assert [one.name.partition("~")[0] for one in chosen] == ["dx_primary_code"]


def operations():
    """Eight types of hospitals, each with an operation of its own; all others are any of three hundred of stays or of visits."""
    g = np.random.default_rng(9)
    kinds, stays = g.integers(0, 8, ROWS), g.integers(0, 2, ROWS)
    code = np.where(g.random(ROWS) < 0.4, kinds, 8 + 300 * stays + g.integers(0, 300, ROWS))
    of_type, service = (
        Parent("facility_type", kinds.astype(np.int32), 8),
        Parent("service_type", stays.astype(np.int32), 2),
    )
    return Target("procedure_code", code.astype(np.int32), 608), of_type, service


@pytest.mark.parametrize("in_order", [False, True])
def test_what_tells_most_of_what_is_too_rare_to_be_told_comes_first_unless_the_order_is_to_stay(in_order):
    target, of_type, service = operations()
    builder = Builder(everybody(ROWS))
    builder.variables |= {one.name: (one.codes, one.size) for one in (of_type, service)}
    builder.add(target, [of_type, service], in_order=in_order)
    found = [name for name in builder.tables["procedure_code"].parents if "thin" not in name]
    assert found == (["facility_type", "service_type"] if in_order else ["service_type", "facility_type"])


def test_another_order_of_parents_has_all_of_them_and_is_worth_it():
    target, of_type, service = operations()
    population = everybody(ROWS)
    noise = service._replace(name="noise", codes=np.random.default_rng(1).integers(0, 2, ROWS).astype(np.int32))
    seldom = service._replace(codes=np.where(np.random.default_rng(2).random(ROWS) < 0.3, service.codes, noise.codes))
    for given, fixed, expected in (
        ([of_type, service], 0, [service, of_type]),
        ([of_type, service], 1, [of_type, service]),
        ([service, of_type], 0, [service, of_type]),
        ([of_type, service, noise], 0, [service, of_type, noise]),
        ([of_type, noise], 0, [of_type, noise]),
        ([of_type, seldom], 0, [of_type, seldom]),
    ):
        assert _in_likeliest_order(target, given, fixed, population) == expected


def test_a_parent_stays_behind_its_own_groups():
    target, of_type, service = operations()
    population = everybody(ROWS)
    groups = Parent("service_type~procedure_code", np.zeros(ROWS, np.int32), 1)
    assert _in_likeliest_order(target, [groups, of_type, service], 0, population) == [groups, of_type, service]


def test_the_likelihoods_of_a_context_add_up_to_one():
    target, parent = companions()
    value, context = target.codes.astype(np.int64), parent.codes.astype(np.int64)
    above = np.bincount(value, minlength=target.size) / ROWS
    others = others_of_cell(dense_ids(context * target.size + value)[0])
    likely = as_released(context, others, others >= 11, above[value])
    here = context == 0
    values, first = np.unique(value[here], return_index=True)
    there = likely[here][first].sum()
    # Values that the context lacks have what is left: their share above of what is not told here.
    told = np.bincount(value[here], minlength=target.size) - 1 >= 11
    lacking = np.setdiff1d(np.arange(target.size), values)
    rest = 1 - (np.bincount(value[here], minlength=target.size)[told].sum() / here.sum())
    there += (above[lacking] * rest / (1 - above[told].sum())).sum()
    assert there == pytest.approx(1, abs=0.002)  # a row is predicted from the others


def lists_of_deliveries():
    """A delivery has Z37 first, a newborn P59, both before what else there is; all other claims have any codes in any order."""
    g = np.random.default_rng(4)
    table = tariff_table(ROWS, seed=7)
    dx = np.array(table["dx_primary_code"].to_pylist(), object)
    which = g.random(ROWS)
    dx[which < 0.06], dx[(which >= 0.06) & (which < 0.14)] = DELIVERY, NEWBORN
    lists = []
    for one, number in zip(dx, g.integers(0, 4, ROWS), strict=True):
        begins = {DELIVERY: ["Z370"], NEWBORN: ["P599"]}.get(one, [])
        lists.append([*begins, *(COMMON[code] for code in dict.fromkeys(common_codes(g, number).tolist()))])
    return replaced(replaced(table, "dx_primary_code", dx.tolist()), "dx_secondary_codes", lists)


@pytest.mark.slow
def test_a_code_that_one_diagnosis_brings_comes_with_it_and_with_no_other(fit):
    drawn = Sampler(fit(lists_of_deliveries())).draw_claims(1, np.arange(20_000))
    lists = drawn["dx_secondary_codes"].to_pylist()
    dx = np.array(drawn["dx_primary_code"].to_pylist(), object)
    for code, diagnosis in (("Z370", DELIVERY), ("P599", NEWBORN)):
        first = np.array([bool(one) and one[0] == code for one in lists])
        assert first[dx == diagnosis].mean() > 0.95
        assert sum(code in one for one, d in zip(lists, dx, strict=True) if d != diagnosis) <= 5


@pytest.mark.slow
def test_lists_of_each_length_hold_a_code_as_often_as_the_tables_do(fit):
    """Every second list of a diagnosis holds its own code, whatever the length; else it is of any codes."""
    g = np.random.default_rng(8)
    table = tariff_table(2 * ROWS, seed=11)
    _, dx = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)
    number = g.integers(1, 5, 2 * ROWS)
    lists = []
    for one, n, has in zip(dx.tolist(), number.tolist(), (g.random(2 * ROWS) < 0.5).tolist(), strict=True):
        others = [COMMON[code] for code in dict.fromkeys(common_codes(g, n).tolist())][: n - has]
        lists.append(g.permutation([*others, *([f"Z{10 + one}"] if has else [])]).tolist())
    drawn = Sampler(fit(replaced(table, "dx_secondary_codes", lists))).draw_claims(5, np.arange(2 * ROWS))
    found = np.unique(drawn["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    of_two = [
        {
            n: np.mean([f"Z{10 + d}" in one for d, one in zip(code, them, strict=True) if len(one) == n])
            for n in (1, 2, 3)
        }
        for code, them in ((dx, lists), (found, drawn["dx_secondary_codes"].to_pylist()))
    ]
    for n in (1, 2, 3):
        assert of_two[1][n] == pytest.approx(of_two[0][n], abs=0.08)
