"""What the columns of a foreign table look like: shares of forms among their values, and how well these fit a column of ours.

Sees a sample that was put aside as the table `looked_at`; decides nothing about which column is which.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import duckdb

from claims_sim.codes.places import PROVINCES, SPELLINGS
from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.date_order import are_buddhist, are_months, have_short_years, is_month_first
from claims_sim.profile.reading.source_columns import DIAGNOSIS, Located
from claims_sim.profile.reading.source_sql import (
    CBG_FORM,
    NAMED_CODE,
    NO_CODE,
    NOTHING,
    date_expression,
    money_expression,
    text_expression,
)
from claims_sim.profile.reading.value_words import SPELLED_VALUES

Facts = Mapping[str, float]
SURE: Final = 0.5
"""From here on a line is proposed."""
_MOST_SERVICES, _AT_ALL = 20, 200
_MOST_PROVINCES: Final = 120
"""Of other countries, whose names are not known: Thailand has 77, the Philippines have 82."""
_MOST_DISTRICTS: Final = 1000
"""India has some 800."""
MAX_CATEGORIES: Final = 200
_DIGITS_OF_KEYS: Final = 8
_HARDLY_ANY: Final = 0.1
_NEARLY_ONE: Final = 0.98
"""A value that so many rows have leaves no list of codes."""

_NUMBER: Final = "([0-9]{6,18}|[0-9]{3}([.]?[0-9]{1,2})?|V[0-9]{2}([.]?[0-9]{1,2})?|E[0-9]{3}([.]?[0-9])?)"
_NUMBERED: Final = f"{_NUMBER}( ?[;,|#~] ?{_NUMBER})*"
"""Lists of diagnoses that are numbers, or one behind a letter: SNOMED CT's and ICD-9-CM's."""
_SHARES: Final = {
    "icd10": r"regexp_full_match(upper({t}), '[A-TV-Z][0-9][0-9A-Z](\.?[0-9A-Z]{{1,4}}|[_-][A-Z][0-9][0-9A-Z])?')",
    "icd9dx": r"regexp_full_match({t}, '([0-9]{{3}}|V[0-9]{{2}})(\.?[0-9]{{1,2}})?|E[0-9]{{3}}(\.?[0-9])?') AND {t} NOT IN ({no_code})",
    "icd9": r"regexp_full_match({t}, '[0-9]{{2}}(\.?[0-9]{{1,2}})( +- .*|[;|#].*)?')",
    "number": "TRY_CAST({t} AS DOUBLE) IS NOT NULL",
    "money": "{m} IS NOT NULL",
    "whole": "TRY_CAST({t} AS DOUBLE) = floor(TRY_CAST({t} AS DOUBLE))",
    "date": "coalesce({d} BETWEEN TIMESTAMP '1950-01-01' AND TIMESTAMP '2100-12-31', false)",
    "code": r"regexp_full_match(upper({t}), '[0-9A-Z][0-9A-Z./-]{{2,9}}') AND regexp_matches({t}, '[0-9]')",
    "words": "regexp_matches({t}, '[A-Za-z]{{3,}}[^A-Za-z]+[A-Za-z]{{3,}}') OR length({t}) > 12",
    "list": r"regexp_matches(upper({t}), '[A-TV-Z][0-9][0-9A-Z.]{{1,5}}.?([;,|#~\]]|\s+[A-TV-Z][0-9][0-9A-Z.]{{1,5}})')",
    "numbered": "regexp_full_match({t}, {numbered})",
    "coded": "regexp_matches(upper({t}), {named_code})",
    "pcs": "regexp_full_match(upper({t}), '[0-9BCDFGHX][0-9A-HJ-NP-Z]{{6}}') AND regexp_matches({t}, '[A-Za-z]')",
    "named": "regexp_full_match({t}, '[A-Za-z][A-Za-z -]{{3,39}}')",
    "cbg": "regexp_full_match({t}, {cbg})",
    "province": "upper({t}) IN ({provinces})",
    "service": "regexp_replace(lower({t}), '[^a-z0-9]', '', 'g') IN ({services})",
    "owner": r"regexp_full_match(lower({t}), '((public|private|government(al)?|govt|swasta|pemerintah|p[uú]blic[oa]|privad[oa]|publi(que|k)"
    r"|priv[eé]|privat|[oö]ffentlich|charity|trust|military|municipal|hospitals?|sector|profit|not|non|for)"
    r"[ (),./-]*)+') AND lower({t}) NOT IN ('hospital', 'hospitals', 'sector')",
}


def look_at(connection: duckdb.DuckDBPyConnection, name: str, kind: str) -> dict[str, float]:
    """Shares of what the values of a column look like, among those that are there."""
    column = Located(name, kind, "text")
    months = are_months(connection, "looked_at", column)
    month_first, buddhist, short = (
        told(connection, "looked_at", column) for told in (is_month_first, are_buddhist, have_short_years)
    )
    column = replace(column, month_first=month_first, months=months, buddhist=buddhist, short_years=short)
    text = text_expression(column)
    date = date_expression(column) if not kind.startswith(("DOUBLE", "DECIMAL", "BOOL")) else "CAST(NULL AS TIMESTAMP)"
    provinces = ", ".join(quote(place) for place in (*PROVINCES, *SPELLINGS))
    services = ", ".join(quote(word) for words in SPELLED_VALUES["service_type"].values() for word in words.split())
    no_code = ", ".join(quote(text) for text in NO_CODE)
    known = {
        "provinces": provinces,
        "services": services,
        "cbg": quote(CBG_FORM),
        "no_code": no_code,
        "named_code": quote(NAMED_CODE),
        "numbered": quote(_NUMBERED),
    }
    shares = [
        f"coalesce(avg(CAST(({form.format(t='t', d='d', m='m', **known)}) AS INTEGER)), 0) AS {share}"
        for share, form in _SHARES.items()
    ]
    row = connection.execute(
        # What is too short for a date is not read as one: that is half of all the work.
        f"WITH there AS (SELECT * FROM (SELECT {text} AS t, CASE WHEN length({text}) >= {6 if months else 8} THEN {date} END AS d, "
        f"{money_expression(text)} AS m FROM looked_at) "
        f"WHERE t NOT IN ({', '.join(quote(text) for text in NOTHING)})), "
        # Of an empty list nothing is common: most claims have none.
        "codes AS (SELECT t, count(*) AS rows FROM there WHERE regexp_matches(t, '[0-9A-Za-z]') GROUP BY t) "
        "SELECT count(*), count(*) / greatest((SELECT count(*) FROM looked_at), 1), "
        "count(DISTINCT t), count(DISTINCT upper(t)), coalesce(avg(m), 0), "
        "coalesce(min(length(t)), 0), coalesce(max(length(t)), 0), (SELECT coalesce(max(rows) / sum(rows), 0) FROM codes), "
        f"{', '.join(shares)} FROM there"
    ).fetchone()
    names = ("filled", "present", "distinct", "kinds", "mean", "shortest", "longest", "commonest", *_SHARES)
    return dict(zip(names, (float(value) for value in row or (0.0,) * len(names)), strict=True))


def whole_numbers(facts: Facts) -> float:
    """How well small whole numbers, such as days, fit."""
    return 0.8 * (facts["number"] > 0.9 and facts["whole"] > 0.9 and facts["mean"] < 60 and facts["date"] < 0.5)


def _numbers(facts: Facts) -> float:
    return 0.8 * (facts["number"] > 0.9 and facts["date"] < 0.5)


def _dates(facts: Facts) -> float:
    # Lines of bills have the days of a stay for few rows, beside those of the claim for all.
    return facts["date"] * _in_most_rows(facts)


def _in_most_rows(facts: Facts) -> float:
    """What every claim has, or most of them: less sure where few rows hold anything."""
    return min(2 * facts["present"], 1.0)


def amounts(facts: Facts) -> float:
    """How well amounts of money fit."""
    return 0.8 * (facts["money"] > 0.9 and facts["date"] < 0.5)


def keys(facts: Facts) -> bool:
    """Are they numbers of things, as many digits in every row?"""
    return facts["whole"] == 1.0 and facts["shortest"] == facts["longest"] >= _DIGITS_OF_KEYS


def _owners(facts: Facts) -> float:
    return 0.9 * (facts["distinct"] > 0.2 * facts["filled"] and facts["date"] < 0.5)


def _persons(facts: Facts) -> float:
    return 0.9 * (facts["distinct"] > 0.02 * facts["filled"] and facts["date"] < 0.5)


def _categories(facts: Facts) -> float:
    return 0.7 * (facts["distinct"] <= MAX_CATEGORIES and facts["date"] < 0.5)


def _categories_of_facilities(facts: Facts) -> float:
    """A facility has a class and an owner in all its claims; what hardly any has is of something else."""
    return _categories(facts) * (facts["present"] > _HARDLY_ANY)


def _services(facts: Facts) -> float:
    """How well kinds of service fit: the better, the more of them are known, and one alone only if it is."""
    known = facts["service"]
    few = (_categories(facts) + 0.3 * known) * (facts["kinds"] > 1)
    return max(max(few, known) * (facts["kinds"] <= _MOST_SERVICES), 0.3 * (1 < facts["kinds"] <= _AT_ALL))


def _own_codes(facts: Facts, fewest: int = 10) -> float:
    shared = facts["distinct"] < 0.2 * facts["filled"]
    # A column that is called so is one, even where nearly every claim has a code of its own: a made-up table's, say.
    return (0.5 if shared else 0.1) * facts["code"] * (fewest < facts["distinct"]) * (facts["date"] < 0.5)


def _conditions(facts: Facts) -> float:
    """How well a few names of diseases fit, in a word or two each."""
    return 0.2 * (facts["named"] > 0.9 and 2 < facts["distinct"] <= MAX_CATEGORIES)


# How well a column's content fits one of ours (0: not at all, 1: it can hardly be another), and in what respect.
_CONTENT: Final[dict[str, tuple[Callable[[Facts], float], str]]] = {
    "claim_id": (_owners, "many different values"),
    "admit_dt": (_dates, "{date:.0%} dates, {present:.0%} filled"),
    "discharge_dt": (_dates, "{date:.0%} dates, {present:.0%} filled"),
    "los": (whole_numbers, "small whole numbers"),
    "province_name": (
        lambda f: max(f["province"], 0.4 * (f["distinct"] <= _MOST_PROVINCES)),
        "{province:.0%} names of provinces",
    ),
    "district_name": (lambda f: 0.6 * (2 < f["distinct"] <= _MOST_DISTRICTS), "some categories"),
    "facility_id": (lambda f: 0.7 * (f["distinct"] > 2 and f["date"] < 0.5), "several different values"),
    "facility_class": (_categories_of_facilities, "few categories"),
    "facility_ownership": (_categories_of_facilities, "few categories, {owner:.0%} words of owners"),
    "facility_type": (_categories_of_facilities, "few categories"),
    "service_type": (_services, "few categories, {service:.0%} known words"),
    "severity_group": (lambda f: max(_categories(f), f["cbg"]), "few categories, or {cbg:.0%} INA-CBG codes"),
    "dx_primary_code": (
        lambda f: (
            _in_most_rows(f)
            * max(
                _lists(f), f["icd10"], f["coded"], f["icd9dx"], 0.3 * (f["words"] > 0.5), _own_codes(f), _conditions(f)
            )
        ),
        "{icd10:.0%} ICD-10 codes, {coded:.0%} with names, {list:.0%} lists of them, {icd9dx:.0%} ICD-9-CM codes, {code:.0%} like codes",
    ),
    "dx_primary_label": (lambda f: f["words"] * (1 - f["number"]), "{words:.0%} phrases"),
    "dx_secondary_codes": (
        lambda f: (
            max(_lists(f), 0.6 * max(f["icd10"], f["coded"], f["icd9dx"], f["numbered"]))
            * (f["commonest"] < _NEARLY_ONE)
        ),
        "{list:.0%} lists of codes, {coded:.0%} with names",
    ),
    "comorbidity_count": (whole_numbers, "small whole numbers"),
    "procedure_code": (
        lambda f: max(f["icd9"], f["pcs"], 0.3 * (f["words"] > 0.5), _own_codes(f, fewest=2)),
        "{icd9:.0%} ICD-9-CM codes, {pcs:.0%} ICD-10-PCS codes, {code:.0%} like codes",
    ),
    "procedure_label": (lambda f: f["words"] * (1 - f["number"]), "{words:.0%} phrases"),
    "amount_claimed": (lambda f: amounts(f) * (f["distinct"] > 20), "{money:.0%} numbers"),
    "amount_paid": (lambda f: amounts(f) * (f["distinct"] > 20), "{money:.0%} numbers"),
    "amount_gap": (amounts, "{money:.0%} numbers"),
    "patient_id_hash": (_persons, "many different values"),
    "claim_weight": (_numbers, "{number:.0%} numbers"),
}


def _lists(facts: Facts) -> float:
    """Codes and lists of codes: a list of one is a code."""
    return min(facts["list"] + facts["icd10"], 1.0) * (facts["list"] > 0.02)


def speaks_for_itself(ours: str, facts: Facts) -> float:
    """How sure some content makes a column be one of ours, whatever it is called; most makes it not at all."""
    if ours == "severity_group":
        return SURE * (facts["cbg"] > 0.95)
    fits, _ = how_it_fits(ours, facts)
    if ours == "dx_secondary_codes" and _lists(facts) > 0.95 and fits:
        return SURE
    telling = {
        "dx_primary_code": facts["icd10"],
        "dx_secondary_codes": facts["list"],
        "province_name": facts["province"],
    }
    return 0.45 * fits if fits > 0.8 and telling.get(ours, 0.0) > 0.8 else 0.0


def how_it_fits(ours: str, facts: Facts) -> tuple[float, str]:
    """How well the content fits our column (0 to 1), and what of it, in words."""
    if not facts["filled"]:
        # A table needs diagnoses: another column, with a name that fits less well, may have them.
        return (0.0 if ours == DIAGNOSIS else 0.3), "the column is empty"
    fits, why = _CONTENT[ours]
    return fits(facts), why.format(**facts)
