"""What is asked of claims holds exactly, keeps the profile's proportions otherwise, and is refused in words."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.errors import RequestError
from claims_sim.profile.drawing.wanted import ClaimFilter, Mix

ASKED = (
    ["service=RITL", "province=jawa timur", "severity=berat", "stay=3..5", "date=2026-01-05..2026-01-11"],
    ["dx=A*", "amount=500000.."],
    ["procedure=none", "class=RS Kelas B,RS Kelas C"],
    ["procedure=741,87*", "los=4"],
)


@pytest.mark.parametrize("asked", ASKED)
def test_every_claim_holds_what_was_asked(tariff_sampler, asked):
    wanted = tariff_sampler.conditions(ClaimFilter.parse(asked))
    claims = tariff_sampler.draw_claims(3, np.arange(300), wanted)
    assert len(claims) == 300
    assert wanted.where.holds(claims).all()


@settings(max_examples=15, deadline=None)
@given(asked=st.sampled_from(ASKED), key=st.integers(0, 2**63), cut=st.integers(1, 39))
def test_any_partition_gives_the_same_claims_also_under_conditions(tariff_sampler, asked, key, cut):
    wanted = tariff_sampler.conditions(ClaimFilter.parse(asked), Mix.parse(["ownership:Swasta=0.9"]))
    rows = np.arange(40)
    whole = tariff_sampler.draw_claims(key, rows, wanted)
    assert whole.slice(0, cut).equals(tariff_sampler.draw_claims(key, rows[:cut], wanted))
    assert whole.slice(cut).equals(tariff_sampler.draw_claims(key, rows[cut:], wanted))


def test_what_was_not_asked_for_keeps_its_proportions(tariff_sampler):
    asked = ClaimFilter.parse(["severity=berat", "los=3..5"])
    drawn = tariff_sampler.draw_claims(1, np.arange(4000), tariff_sampler.conditions(asked)).to_pandas()
    plain = tariff_sampler.draw_claims(2, np.arange(80_000))
    plain = plain.filter(asked.holds(plain)).to_pandas()
    for name in ("province_name", "dx_primary_code", "facility_class", "los"):
        apart = drawn[name].value_counts(normalize=True).sub(plain[name].value_counts(normalize=True), fill_value=0)
        assert apart.abs().sum() / 2 < 0.05, name


def test_a_mix_replaces_shares_and_leaves_the_rest_in_proportion(tariff_sampler):
    wanted = tariff_sampler.conditions(ClaimFilter(), Mix.parse(["service_type:RITL=0.6", "province:BALI=0.5"]))
    drawn = tariff_sampler.draw_claims(1, np.arange(6000), wanted).to_pandas()
    assert abs((drawn.service_type == "RITL").mean() - 0.6) < 0.03
    assert abs((drawn.province_name == "BALI").mean() - 0.5) < 0.03
    plain = tariff_sampler.draw_claims(2, np.arange(20_000)).to_pandas()
    others = [f.province_name[f.province_name != "BALI"].value_counts(normalize=True) for f in (drawn, plain)]
    assert others[0].sub(others[1]).abs().max() < 0.04


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["province=ATLANTIS"], "ACEH"),
        (["service=RJTL", "los=3..5"], "nothing like that"),
        (["amount=1..2"], "nothing like that"),
        (["colour=red"], "service_type"),
        (["los=5..3"], "ends before it begins"),
        (["los=many"], "numbers"),
        (["date=2026-13-01"], "2026-01-05"),
        (["date=2026-01-01.."], "first and its last day"),
        (["los"], "no condition"),
        (["los=3", "stay=4"], "twice"),
    ],
)
def test_what_cannot_be_had_is_told_in_one_line(tariff_sampler, asked, says):
    with pytest.raises(RequestError, match=says) as told:
        tariff_sampler.draw_claims(1, np.arange(3), tariff_sampler.conditions(ClaimFilter.parse(asked)))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "text", ["RITL=0.6", "service_type:RITL", "service_type:RITL=2", "los:3=0.5", "procedure:1=0.5"]
)
def test_what_is_no_mix_is_told(text):
    with pytest.raises(RequestError):
        Mix.parse([text])


def test_shares_of_one_field_are_no_more_than_one():
    with pytest.raises(RequestError, match="more than 1"):
        Mix.parse(["service_type:RITL=0.6", "service_type:RJTL=0.6"])


def test_a_mix_that_cannot_be_is_told_in_the_end(tariff_sampler):
    wanted = tariff_sampler.conditions(ClaimFilter.parse(["service=RITL"]), Mix.parse(["service_type:RJTL=0.5"]))
    with pytest.raises(RequestError, match="nothing like that"):
        tariff_sampler.draw_claims(1, np.arange(20), wanted)


texts = st.lists(st.text("ABC 123", min_size=1).map(str.strip).filter(bool), max_size=3, unique=True).map(tuple)
days = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@given(
    service_type=texts,
    dx_primary_code=texts,
    los=st.none() | st.tuples(st.integers(0, 9), st.integers(9, 99)).map(lambda p: (float(p[0]), float(p[1]))),
    amount_claimed=st.none() | st.just((5.0, float("inf"))),
    admit_dt=st.none() | st.tuples(days, days).map(lambda pair: (min(pair), max(pair))),
)
def test_a_filter_is_read_back_from_what_it_writes(**fields):
    asked = ClaimFilter(**fields)
    assert ClaimFilter.from_dict(asked.as_dict()) == asked
    assert ClaimFilter.parse(asked.parts()) == asked
    assert bool(asked) == bool(str(asked))
