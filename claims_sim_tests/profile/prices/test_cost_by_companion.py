"""What a control visit costs follows the illness behind it, which stands first among its secondary diagnoses."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.counts.companions import FIRST_MEMBER
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import SECONDARY, paid_in_full, replaced, tariff_table

ROWS = 9000
DRUGS = dict(zip(SECONDARY, (0, 118_400, 96_300, 62_800, 88_600, 143_700, 168_900, 97_400), strict=True))


def control_table(follows=True, in_order=False):
    """A third of the claims are control visits (Z098) with one or two secondary codes; drugs for the first are part of the bill."""
    g = np.random.default_rng(61)
    table = tariff_table(ROWS, seed=8)
    control = g.random(ROWS) < 0.35
    lists = []
    for of_control in control.tolist():
        codes = g.permutation(SECONDARY)[: g.integers(1, 3) if of_control else g.integers(0, 2)].tolist()
        lists.append(sorted(codes) if in_order else codes)
    drugs = np.array([DRUGS[codes[0]] if codes else 0 for codes in lists])
    drugs = drugs if follows else g.permutation(drugs)
    any_amount = np.rint(190_000 + drugs * np.exp(g.normal(0, 0.1, ROWS)) + g.integers(0, 9000, ROWS))
    price = np.where(control, any_amount, table["amount_claimed"].to_numpy())
    dx = np.where(control, "Z098", np.array(table["dx_primary_code"].to_pylist(), object))
    table = replaced(replaced(table, "dx_primary_code", dx.tolist()), "dx_secondary_codes", pa.array(lists))
    service = np.where(control, "RJTL", np.array(table["service_type"].to_pylist(), object))
    table = replaced(
        replaced(table, "service_type", service.tolist()), "los", np.where(control, 0, table["los"].to_numpy())
    )
    return paid_in_full(table, price)


def means(claims):
    """The mean amount of control visits by their first secondary code."""
    frame = claims.select(["dx_primary_code", "dx_secondary_codes", "amount_claimed"]).to_pandas()
    frame = frame[(frame["dx_primary_code"] == "Z098") & (frame["dx_secondary_codes"].str.len() > 0)]
    return frame.groupby(frame["dx_secondary_codes"].str[0])["amount_claimed"].mean()


@pytest.mark.parametrize("in_order", [False, True])
def test_bills_follow_the_first_secondary_code(fit, in_order):
    table = control_table(in_order=in_order)
    profile = fit(table)
    assert profile.secondary_sorted is in_order
    sampler, rows = Sampler(profile), np.arange(12_000)
    claims = sampler.draw_claims(5, rows)
    real, drawn = means(table), means(claims)
    assert (drawn - real).abs().max() < 0.12 * real.mean()
    # Amounts that are drawn for given claims follow it, too.
    money = sampler.draw_money(6, rows, claims)
    given = means(replaced(claims, "amount_claimed", money["amount_claimed"].to_numpy()))
    assert (given - real).abs().max() < 0.12 * real.mean()


def test_where_bills_do_not_follow_it_nothing_is_told_of_it(fit):
    profile = fit(control_table(follows=False))
    of_money = ("amount", "amount_kind", "amount_residual", "paid")
    given = {parent for name in of_money if name in profile.tables for parent in profile.tables[name].parents}
    assert not [parent for parent in given if parent.startswith(FIRST_MEMBER)]
    assert FIRST_MEMBER not in profile.money.means.effects
