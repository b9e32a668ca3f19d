"""Days are no codes, no places and no labels, however they are written and however many share them."""

from datetime import date, timedelta

import numpy as np
import pytest

from claims_sim.profile.texts.days_written import are_days
from claims_sim_tests.profile.tables import replaced, tariff_table

BIRTHDAYS = [date(1940, 1, 1) + timedelta(days=211 * n) for n in range(120)]
MONTHS_IN_INDONESIAN = ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des")


def share_of_days(values):
    return are_days(values, np.ones(len(values), np.bool_)).mean()


@pytest.mark.parametrize(
    "written",
    [
        "%y%m%d", "%d%m%y", "%m%d%y", "%y-%m-%d", "%d/%m/%y", "%m.%d.%y", "%d %b %y", "%d%b%y", "%d-%B-%Y", "%b %d, %Y",
        "P%d%m%y", "%d%m%yL", "BS-%d%m%y", "%d%m%y1", "1%y%m%d", "%d%m%y-12", "12%d%m%y", "P%d%m%Y", "BS%d%m%Y", "%Y%m%d12",
        "%d%m%Y-L", "Lahir %d-%m-%y", "Hemodialysis %d/%m/%y",
    ],
)  # fmt: skip
def test_days_are_days_whatever_stands_beside_these(written):
    assert share_of_days([day.strftime(written) for day in BIRTHDAYS]) == 1


def test_months_may_be_named_in_another_language_and_days_have_one_digit():
    assert share_of_days([f"{day.day} {MONTHS_IN_INDONESIAN[day.month - 1]} {day.year}" for day in BIRTHDAYS]) == 1
    assert share_of_days([f"{day.day}/{day.month}/{day:%y}" for day in BIRTHDAYS]) > 0.95
    names = ["P. Budi", "Bu Siti", "Tn Eko"]
    assert share_of_days([f"{names[n % 3]} {day:%d%m%y}" for n, day in enumerate(BIRTHDAYS)]) == 1


def test_days_by_name_have_one_digit_too():
    assert share_of_days([f"{day.day} {day:%B %y}" for day in BIRTHDAYS]) == 1
    assert share_of_days([f"{day:%B} {day.day}, {day.year}" for day in BIRTHDAYS]) == 1
    assert share_of_days([f"{day.day}.{day.month}.{day.year}" for day in BIRTHDAYS]) > 0.9


def every(keep, years=4):
    first = date(2020, 1, 1)
    return [day for n in range(365 * years) if keep(day := first + timedelta(n))]


@pytest.mark.parametrize(
    "days",
    [
        pytest.param(every(lambda day: True, 1), id="of one year"),
        pytest.param(every(lambda day: True, 2), id="of two years"),
        pytest.param(every(lambda day: day.weekday() in (0, 1, 3, 4)), id="of four days a week"),
        pytest.param(every(lambda day: day.weekday() < 5 and day.month not in (7, 8)), id="of working days"),
        pytest.param(BIRTHDAYS[:7], id="of seven persons"),
    ],
)
def test_days_are_told_from_a_list_though_they_run_on(days):
    assert share_of_days([f"{day:%y%m%d}" for day in days]) == 1


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(
            [f"{p}{c:02d}{d:02d}" for p in (32, 33, 34) for c in range(1, 12) for d in (*range(1, 12), *range(21, 29), 81, 82)],
            id="China's counties",
        ),
        pytest.param([f"{c:02d}{g:02d}{i:02d}" for c in range(1, 9) for g in range(1, 7) for i in range(1, 9)], id="chapter, group, item"),
        pytest.param([f"{c}{g:02d}{i:02d}" for c in (42, 18, 17, 25) for g in range(1, 5) for i in (1, 4, 6, 12)], id="with gaps"),
        pytest.param([f"1{g:02d}{i:02d}0{n % 9}" for g in range(1, 13) for n, i in enumerate(range(1, 70, 3))], id="with a check digit"),
        pytest.param([f"{a}.{b}.{c}" for a in range(1, 9) for b in range(1, 8) for c in range(10, 14)], id="between dots"),
        pytest.param([f"32.{r:02d}.{d:02d}" for r in range(1, 12) for d in range(1, 27)], id="districts of Indonesia"),
        pytest.param([f"{n:06d}" for n in range(10_000, 990_000, 8_191)], id="any"),
        pytest.param([f"E{n}.{m}" for n in range(10, 99) for m in range(9)], id="diagnoses"),
    ],
)  # fmt: skip
def test_numbers_of_a_list_are_no_days(numbers):
    assert share_of_days(numbers) == 0


def test_days_are_told_from_codes_that_are_written_otherwise():
    days, codes = [f"{day:%d%m%y}" for day in BIRTHDAYS], [str(n) for n in range(8000, 8200)]
    found = are_days([*days, *codes, None], np.ones(len(days) + len(codes) + 1, np.bool_))
    assert (found[: len(days)].mean(), found[len(days) :].mean()) == (1, 0)


@pytest.mark.many(daily=3)
@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("procedure_code", "%d%b%Y"), ("dx_primary_code", "P%d%m%y"), ("district_name", "%d.%m.%y"), ("facility_class", "%d %b %y"),
        ("severity_group", "%d/%m/%y"), ("province_name", "Lahir %d-%m-%y"), ("dx_primary_label", "Diabetes mellitus, %d-%m-%y"),
        ("procedure_label", "Hemodialysis %d/%m/%y"),
    ],
)  # fmt: skip
def test_no_column_tells_days_that_many_share(fit, column, written):
    table = tariff_table(4000, seed=9)
    days = [day.strftime(written) for day in BIRTHDAYS[:60]]
    others = table[column].to_pylist() if column in table.column_names else [None] * 4000
    told = fit(
        replaced(table, column, [days[n // 3 % len(days)] if n % 3 == 0 else others[n] for n in range(4000)])
    ).to_json()
    assert [day for day in days if day in told] == []


@pytest.mark.parametrize("column", ["facility_class", "severity_group", "dx_primary_label"])
def test_nor_does_one_tell_days_in_full_width(fit, column):
    table = tariff_table(4000, seed=9)
    wide = str.maketrans("0123456789-", "０１２３４５６７８９－")
    days = [f"{'心' if column == 'dx_primary_label' else ''}{day:%d-%m-%y}".translate(wide) for day in BIRTHDAYS[:40]]
    told = fit(replaced(table, column, [days[n // 3 % len(days)] for n in range(4000)])).to_json()
    assert [day for day in days if day in told] == []


def test_secondary_diagnoses_tell_no_days_either(fit):
    table = tariff_table(4000, seed=9)
    days = [f"P{day:%d%m%y}" for day in BIRTHDAYS[:60]]
    told = fit(replaced(table, "dx_secondary_codes", [[days[n % len(days)]] for n in range(4000)])).to_json()
    assert [day for day in days if day in told] == []
