"""Case groups as they are: a letter of diagnoses with an operation, factors of houses, ward classes that no column tells, and charges
that follow all of it."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 20_000
OWNERS = {"AP": 1.32, "AS": 1.36, "BP": 1.0, "BS": 1.03, "CP": 0.83, "CS": 0.855}
OPERATIONS = ("741", "4709", "5300", "3995")


def case_groups(seed=71, visits=0, hers=0, rises=0.5):
    """Paid is the case group's price, by the house's class and owner, by ward class and by zone, which no column tells; charges
    follow about half of it.

    The first claims are `visits`, all paid the usual price but `hers`, of one person, whose charges rise by `rises` with it.
    """
    g, w = np.random.default_rng(seed), np.random.default_rng(70)
    codes = [f"{letter}{number:02d}{digit}" for letter in "IJKN" for number in (10, 20, 30, 40) for digit in range(4)]
    dx = np.minimum(g.geometric(0.05, ROWS) - 1, len(codes) - 1)
    dx = w.permutation(len(codes))[dx]
    chapter, group = dx // 16, dx // 2
    severity, house, ward, zone = (g.integers(0, n, ROWS) for n in (3, 6, 3, 4))
    operation = np.where(g.random(ROWS) < 0.4, g.integers(0, 4, ROWS), -1)
    of_group, of_operation = np.exp(w.normal(15, 0.5, len(codes) // 2)), np.exp(w.normal(16, 0.5, (4, 4)))
    case = np.where(operation >= 0, of_operation[chapter, operation], of_group[group])
    case = case * np.array([1.0, 1.4, 2.1])[severity]
    hidden = np.array([1.0, 1.2, 1.4])[ward] * np.array([1.0, 1.013, 1.031, 1.066])[zone]
    visit, one = np.arange(ROWS) < visits, np.arange(ROWS) < hers
    hidden = np.where(one, 1.4, np.where(visit, 1.0, hidden))
    usual = case * np.array(list(OWNERS.values()))[house]
    paid = np.rint(usual * hidden / 100) * 100
    charges = 7.5 + 0.5 * np.log(usual) + np.where(one, rises, 0.5) * np.log(hidden)
    claimed = np.rint(np.exp(charges + g.normal(0, 0.2, ROWS)))
    admit = np.datetime64("2024-01-01") + g.integers(0, 366, ROWS)
    los = 1 + g.poisson(2 + severity)
    return pa.table(
        {
            "patient_id_hash": [
                "she" if i < hers else f"person {who}" for i, who in enumerate(g.integers(0, ROWS, ROWS).tolist())
            ],
            "admit_dt": admit,
            "discharge_dt": admit + los,
            "los": los,
            "service_type": np.where(visit, "RJTL", "RITL").tolist(),
            "facility_ownership": np.array(list(OWNERS), object)[house].tolist(),
            "severity_group": np.array(["ringan", "sedang", "berat"], object)[severity].tolist(),
            "dx_primary_code": np.array(codes, object)[dx].tolist(),
            "procedure_code": [None if i < 0 else OPERATIONS[i] for i in operation.tolist()],
            "amount_claimed": claimed,
            "amount_paid": paid,
        }
    )


@pytest.fixture(scope="module")
def grouped(fit):
    table = case_groups()
    return fit(table), table


@pytest.mark.slow
def test_what_a_house_multiplies_prices_by_is_found_beside_many_hidden_levels(grouped):
    profile, _ = grouped
    (tariff,) = profile.money.paid_tariffs
    found = dict(
        zip(profile.vocabularies["facility_ownership"], np.exp(tariff.factors["facility_ownership"]), strict=True)
    )
    assert {name: factor / found["BP"] for name, factor in found.items()} == pytest.approx(OWNERS, rel=1e-3)
    levels = np.exp(tariff.levels)
    assert len(levels) > 6
    assert np.abs(levels[:, None] / levels[None] - 1.2).min() < 1e-3
    assert Profile.from_json(profile.to_json()) == profile


@pytest.mark.slow
def test_an_operation_has_a_price_in_each_letter_of_diagnoses(grouped):
    profile, _ = grouped
    decisive = profile.money.paid_tariffs[0].decisive
    assert len(decisive.pairs) == len(OPERATIONS)
    first = [str(code)[0] for code in profile.vocabularies["dx_primary_code"]]
    assert [first[i] == first[j] for i in range(64) for j in range(64)] == [
        decisive.groups[i] == decisive.groups[j] for i in range(64) for j in range(64)
    ]


def prices(table):
    """Of each claim: the letter of its diagnosis, its operation, severity and house, and what is paid."""
    columns = (table[n].to_pylist() for n in ("procedure_code", "severity_group", "facility_ownership", "amount_paid"))
    letters = [code[0] for code in table["dx_primary_code"].to_pylist()]
    return [row for row in zip(letters, *columns, strict=True) if row[1] is not None]


def test_drawn_claims_are_paid_the_prices_of_their_cases(grouped):
    profile, table = grouped
    known = set(prices(table))
    drawn = prices(Sampler(profile).draw_claims(5, np.arange(ROWS)))
    assert np.mean([claim in known for claim in drawn]) > 0.85


def hidden_and_charges(table):
    """How the logarithms of charges and payments go together, in all, and where all that columns tell is the same."""
    logs = np.log([table["amount_claimed"].to_numpy(), table["amount_paid"].to_numpy()])
    names = ("dx_primary_code", "procedure_code", "severity_group", "facility_ownership")
    cells = np.unique(list(map(str, zip(*(table[n].to_pylist() for n in names), strict=True))), return_inverse=True)[1]
    count = np.bincount(cells)
    within = [values - (np.bincount(cells, values) / count)[cells] for values in logs]
    return np.corrcoef(logs)[0, 1], np.corrcoef(within)[0, 1]


def test_charges_follow_the_case_group_and_what_of_it_no_column_tells(grouped):
    profile, table = grouped
    real, drawn = (hidden_and_charges(t) for t in (table, Sampler(profile).draw_claims(5, np.arange(ROWS))))
    assert real[0] > 0.7
    assert drawn == pytest.approx(real, abs=0.08)


@pytest.mark.slow
def test_kinds_of_service_that_no_list_pays_change_nothing_for_the_others(fit):
    """The two last of four kinds, by their names, are paid in full."""
    table, g = case_groups(), np.random.default_rng(5)
    kinds = np.array(["Acute", "Inpatient", "Outpatient", "Pharmacy"], object)[
        g.choice(4, ROWS, p=[0.4, 0.4, 0.1, 0.1])
    ]
    other = np.isin(kinds, ["Outpatient", "Pharmacy"])
    charges = np.where(other, np.rint(np.exp(g.normal(12, 0.8, ROWS))), table["amount_claimed"].to_numpy())
    paid = np.where(other, charges, table["amount_paid"].to_numpy())
    for name, values in (("service_type", kinds), ("amount_claimed", charges), ("amount_paid", paid)):
        table = table.set_column(table.column_names.index(name), name, pa.array(values.tolist()))
    profile = fit(table)
    followed = dict(zip(profile.vocabularies["service_type"], profile.money.claimed_follows_paid, strict=True))
    assert min(followed["Acute"], followed["Inpatient"]) > 0.3
    assert followed["Outpatient"] == followed["Pharmacy"] == 0.0
    assert Sampler(profile).draw_claims(1, np.arange(500)).num_rows == 500


@pytest.mark.slow
def test_what_is_added_to_the_price_that_is_paid_is_added_in_drawn_claims(fit):
    """A drug of one price is paid beside the case group, for every twentieth claim."""
    table, g = case_groups(), np.random.default_rng(6)
    added = np.where(g.random(ROWS) < 0.05, 1_234_500, 0)
    table = table.set_column(
        table.column_names.index("amount_paid"), "amount_paid", pa.array(table["amount_paid"].to_numpy() + added)
    )
    profile = fit(table)
    assert 1_234_500 in profile.money.paid_tariffs[0].top_ups
    assert profile.tables["paid_top_up"].size == len(profile.money.paid_tariffs[0].top_ups) + 1
    known, drawn = set(prices(table)), prices(Sampler(profile).draw_claims(5, np.arange(ROWS)))
    assert np.mean([claim in known for claim in drawn]) > 0.8


@pytest.mark.parametrize("rises", [pytest.param(3, marks=pytest.mark.slow), 9])
def test_how_charges_follow_is_not_told_of_one_person(fit, rises):
    """Of visits only one person's are paid another price than the usual one; her charges follow it in a way of her own."""
    profile = fit(case_groups(visits=ROWS // 5, hers=60, rises=rises))
    followed = dict(zip(profile.vocabularies["service_type"], profile.money.claimed_follows_paid, strict=True))
    assert followed["RITL"] > 0.3
    assert followed["RJTL"] == 0.0


def of_one_person(table, rows):
    persons = np.array(table["patient_id_hash"].to_pylist(), object)
    persons[rows] = "the one"
    return replaced(table, "patient_id_hash", persons.tolist())


def test_a_multiple_that_one_person_is_charged_is_no_hidden_level(fit):
    """Beside three ward classes: a hundred and fifty claims of one person cost 0.863 of what others do."""
    g, table = np.random.default_rng(5), tariff_table(12_000)
    usual = table["amount_claimed"].to_numpy()
    charged, hers = usual.astype(float), g.permutation(12_000)[:150]
    charged[hers] = np.rint(usual[hers] * 0.863 / 100) * 100
    table = of_one_person(replaced(replaced(table, "amount_claimed", charged), "amount_paid", charged), hers)
    levels = np.exp(fit(table).money.tariffs[0].levels)
    assert np.abs(levels - 1.2).min() < 1e-3
    assert np.abs(levels - 0.863).min() > 1e-3


def test_how_one_persons_charges_rise_with_their_prices_is_not_told(fit):
    """All amounts off the list are hers."""
    g, table = np.random.default_rng(5), tariff_table(8000)
    charged = table["amount_claimed"].to_numpy().astype(float)
    hers = np.flatnonzero(g.random(8000) < 0.05)
    charged[hers] = np.round(np.exp(5 + 0.6 * np.log(charged[hers]) + g.normal(0, 0.05, len(hers))), 2)
    table = of_one_person(replaced(replaced(table, "amount_claimed", charged), "amount_paid", charged), hers)
    money = fit(table).money
    assert money.tariffs
    assert money.off_prices is None
    assert money.off_slope == 1.0


def priced_by_group(step=100):
    """A column names eighty groups of cases, whose weights a new list changes in July, each its own way; a house multiplies them.

    The table, and the price of each group in either half of the year.
    """
    g, w = np.random.default_rng(81), np.random.default_rng(82)
    table = tariff_table(ROWS, seed=5)
    names = np.array(
        [f"{chapter:02d}4{number:02d}{step}" for chapter in range(1, 5) for number in range(10, 20) for step in (1, 2)]
    )
    group = np.minimum(g.geometric(0.04, ROWS) - 1, len(names) - 1)
    # A group has several diagnoses, and many of these are of several groups.
    dx = np.array(table["dx_primary_code"].to_pylist())[np.argsort(g.random(ROWS))]
    dx = np.where(g.random(ROWS) < 0.5, np.unique(dx)[group % 12], dx)
    late = table["admit_dt"].to_numpy() >= np.datetime64("2024-07-01")
    weights = np.exp(w.normal(14, 0.6, len(names)))[:, None] * np.exp([[0, 1]] * w.normal(0, 0.2, (len(names), 1)))
    house = np.unique(table["facility_class"].to_pylist(), return_inverse=True)[1]
    price = np.rint(weights[group, late.astype(int)] * np.array([1.0, 1.2, 0.85])[house] / step) * step
    for name, values in (
        ("severity_group", names[group].tolist()), ("dx_primary_code", dx.tolist()), ("amount_claimed", price), ("amount_paid", price),
    ):  # fmt: skip
        table = replaced(table, name, values)
    return table, dict(zip(names.tolist(), weights, strict=True))


@pytest.mark.slow
def test_a_group_of_cases_has_its_price_whatever_the_diagnosis(fit):
    table, weights = priced_by_group()
    profile = fit(table)
    tariffs = profile.money.tariffs
    for tariff in tariffs:
        assert "severity_group" in tariff.parents
        assert not {"dx_primary_code", "procedure_code", "priced_by"} & set(tariff.parents)
    assert sum(len(tariff.bases) for tariff in tariffs) <= 2 * 2 * len(weights)  # of each service and each half
    claims = Sampler(profile).draw_claims(3, np.arange(ROWS))
    house = np.unique(claims["facility_class"].to_pylist(), return_inverse=True)[1]
    late = (claims["admit_dt"].to_numpy() >= np.datetime64("2024-07-01")).astype(int)
    weight = np.array(
        [weights[group][half] for group, half in zip(claims["severity_group"].to_pylist(), late, strict=True)]
    )
    price = weight * np.array([1.0, 1.2, 0.85])[house]
    assert np.mean(np.abs(claims["amount_claimed"].to_numpy() - price) < 51) > 0.97


@pytest.mark.slow
def test_of_many_case_groups_some_other_has_any_price_that_is_paid(fit):
    table, _ = priced_by_group(step=20_000)
    price, g = table["amount_claimed"].to_numpy(), np.random.default_rng(86)
    paid = np.where(g.random(ROWS) < 0.5, price, np.rint(price * g.uniform(0.5, 1, ROWS) / 20_000) * 20_000)
    money = fit(replaced(table, "amount_paid", paid)).money
    assert any("severity_group" in tariff.parents for tariff in money.tariffs)
    assert money.paid_at is None


@pytest.mark.slow
def test_a_list_of_the_few_claims_that_have_a_case_group_is_found(fit):
    """One claim in eight is paid by its case group, of any kind of service; all others are paid what they claim."""
    table, weights = priced_by_group()
    g = np.random.default_rng(87)
    has = g.random(ROWS) < 0.12
    other = np.rint(np.exp(g.normal(13, 1, ROWS)))
    paid = np.where(has, table["amount_paid"].to_numpy(), other)
    group = [name if one else None for name, one in zip(table["severity_group"].to_pylist(), has, strict=True)]
    for name, values in (
        ("severity_group", pa.array(group, pa.string())), ("amount_paid", paid),
        ("amount_claimed", np.where(has, np.rint(paid * g.uniform(0.7, 2, ROWS)), paid)),
    ):  # fmt: skip
        table = replaced(table, name, values)
    profile = fit(table)
    assert any("severity_group" in tariff.parents for tariff in profile.money.paid_tariffs)
    drawn = Sampler(profile).draw_claims(4, np.arange(ROWS))
    house = np.array([1.0, 1.2, 0.85])[np.unique(drawn["facility_class"].to_pylist(), return_inverse=True)[1]]
    late = (drawn["admit_dt"].to_numpy() >= np.datetime64("2024-07-01")).astype(int)
    groups = drawn["severity_group"].to_pylist()
    assert sum(one in weights for one in groups) / ROWS == pytest.approx(0.12, abs=0.02)
    # Those of which there are enough to know a price of.
    at = [i for i, one in enumerate(groups) if one in weights and group.count(one) > 60]
    price = np.array([weights[groups[i]][late[i]] for i in at]) * house[at]
    assert np.mean(np.abs(drawn["amount_paid"].to_numpy()[at] - price) < 51) > 0.6


@pytest.mark.slow
def test_many_severities_that_tell_no_price_make_no_case(fit):
    table, g = tariff_table(ROWS, seed=5), np.random.default_rng(83)
    steps = np.array([f"0141{step:02d}" for step in range(20)])[g.integers(0, 20, ROWS)]
    price = np.rint(np.exp(np.random.default_rng(84).normal(14, 0.6, 12)) / 100) * 100
    price = price[np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]]
    for name, values in (("severity_group", steps.tolist()), ("amount_claimed", price), ("amount_paid", price)):
        table = replaced(table, name, values)
    (tariff,) = fit(table).money.tariffs
    assert "dx_primary_code" in tariff.parents
    assert "severity_group" not in tariff.parents


@pytest.mark.parametrize("column", ["severity_group", "procedure_code"])
@pytest.mark.slow
def test_a_diagnosis_brings_its_own_group_however_many_others_it_may_have(fit, column):
    """One claim in six of each diagnosis is of one group, the others of any of three hundred."""
    g = np.random.default_rng(12)
    dx = g.integers(0, 200, ROWS)
    group = np.where(g.random(ROWS) < 1 / 6, dx, g.integers(0, 300, ROWS))
    codes, groups = (
        [f"{letter}{n:02}" for letter in "ABCDEGHIJK" for n in range(20)],
        [str(n) for n in range(100, 400)],
    )
    table = replaced(tariff_table(ROWS), "dx_primary_code", np.array(codes, object)[dx].tolist())
    table = replaced(table, "severity_group", pa.nulls(ROWS, pa.string()))
    table = replaced(table, "procedure_code", pa.nulls(ROWS, pa.string()))
    table = replaced(table, column, np.array(groups, object)[group].tolist())
    drawn = Sampler(fit(table)).draw_claims(2, np.arange(ROWS))
    own = dict(zip(codes, groups, strict=False))
    pairs = zip(drawn["dx_primary_code"].to_pylist(), drawn[column].to_pylist(), strict=True)
    assert np.mean([own[code] == told for code, told in pairs]) > 0.11


@pytest.fixture(scope="module")
def of_stays_alone(fit):
    """One claim in thirteen is a stay, told by its case group alone: one of a hundred, some of which too few have, and far dearer."""
    g = np.random.default_rng(13)
    is_stay = g.random(ROWS) < 0.08
    codes = np.array([f"{letter}{n:02}" for letter in "ABCDEGHIJK" for n in range(6)], object)
    claimed = np.where(is_stay, 1000 * np.maximum(g.poisson(9, ROWS), 1), 10 * (1 + g.poisson(6, ROWS)))
    groups = np.where(is_stay, g.integers(100, 210, ROWS).astype(str), None)
    table = replaced(tariff_table(ROWS), "dx_primary_code", g.choice(codes, ROWS).tolist())
    table = replaced(table, "severity_group", pa.array(groups.tolist(), pa.string()))
    table = replaced(table, "procedure_code", pa.nulls(ROWS, pa.string()))
    table = replaced(replaced(table, "amount_claimed", claimed.astype(float)), "amount_paid", claimed.astype(float))
    los = np.where(is_stay, 1 + g.poisson(3, ROWS), 1)
    admit = np.array(table["admit_dt"].to_pylist(), "datetime64[D]")
    table = replaced(replaced(table, "los", los), "discharge_dt", (admit + los).tolist())
    table = replaced(table, "service_type", ["RITL"] * ROWS)
    return table, Sampler(fit(table))


@pytest.mark.slow
def test_as_many_claims_have_a_case_group_and_cost_what_such_do(of_stays_alone):
    table, sampler = of_stays_alone
    drawn = sampler.draw_claims(2, np.arange(ROWS))
    shown = drawn["severity_group"].to_numpy(zero_copy_only=False) != "unknown"
    real = table["severity_group"].is_valid().to_numpy()
    assert shown.mean() == pytest.approx(real.mean(), abs=0.005)
    for has in (True, False):
        ours, theirs = (each["amount_claimed"].to_numpy()[of == has] for each, of in ((drawn, shown), (table, real)))
        assert np.mean(np.log(ours)) == pytest.approx(np.mean(np.log(theirs)), abs=0.05)


def test_a_claim_that_is_given_has_a_case_group_or_none_as_it_says(of_stays_alone):
    """The live stream's briefs: what follows is drawn for the case group that they have."""
    _, sampler = of_stays_alone
    briefs = sampler.draw_briefs(6, np.arange(4000))
    drawn = sampler.draw_open(6, np.arange(4000), briefs)
    stays = drawn["los"].to_numpy()
    has = briefs["severity_group"].to_numpy(zero_copy_only=False) != "unknown"
    assert 200 < has.sum() < 500
    assert np.mean(stays[has]) > 3
    assert np.mean(stays[~has]) < 1.2
