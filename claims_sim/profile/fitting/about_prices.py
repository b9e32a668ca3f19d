"""Where amounts lie that are no price of a list: about the prices of their case, above these, or about their context's mean."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Ints
from claims_sim.profile.counts.numbers import Numbers, rise, within
from claims_sim.profile.document_parts import Means
from claims_sim.profile.paid.paid_rules import Rules
from claims_sim.profile.prices.amount_fit import AmountFit
from claims_sim.profile.prices.context_means import find_means, locate
from claims_sim.profile.prices.following import SERVICE
from claims_sim.profile.prices.lattice import Lattice
from claims_sim.profile.prices.pricing import PriceList

_HARDLY_ANY: Final = 0.03
"""The share of other amounts under which those below their case's price are corrections and the like."""
_TO_THE_CENT: Final = 1e-4
"""How far, as a logarithm, an amount may lie below a price and be the price."""
_FEWEST_ABOUT: Final = 20
"""So many times k amounts about prices, and it is told how far off they lie."""
_AS_NEAR: Final = 1.02
"""Means are made of the very amounts that lie about them, which makes them look the nearer."""
_CLEARLY_NEARER: Final = 0.9
"""What is left of the variance about where amounts lie off a price, of that about means, for them to lie clearly nearer."""


class About(NamedTuple):
    """Where other amounts lie: the logarithm of each one's price (NaN: none), and by `off` how far from it, as far as that is known."""

    price: Numbers
    off: Means | None
    builder: Builder
    """What `off` was learned with: its features are not kept unless it is used."""
    slope: float = 1.0
    """How amounts rise with their prices, where they lie off them."""

    def centre(self, rows: Ints) -> Numbers:
        """About what the logarithm of each amount is; NaN where it has no price."""
        centre, there = self.price * self.slope, np.flatnonzero(np.isfinite(self.price))
        if self.off is not None:
            centre[there] += locate(self.builder, self.off, rows[there])
        return centre


def what_others_lie_about(
    fit: AmountFit, rules: Rules | None, means: Means, rows: Ints
) -> tuple[Literal["tariffs", "paid_tariffs", "means"], "About"]:
    """The prices that the amounts of `rows` lie about: of what is paid, of the tariffs, or none; and how."""
    if rules is not None and rules.own:
        about = _about_prices(fit, rules.own, rows)
        if _lie_nearer(fit, about, means, rows):
            return "paid_tariffs", about
    about = _about_prices(fit, fit.lattices, rows)
    if not fit.lattices or _lie_nearer(fit, about, means, rows):
        return "tariffs", about
    # Sums of many items begin at the price of one: they lie above it, and as far as there are items.
    return "means", _about_prices(fit, [], rows)


def lie_above_prices(fit: AmountFit, rows: Ints) -> tuple[bool, ...]:
    """For each kind of service: is what is no price of its case nearly always more than the commonest one? Empty: in none."""
    rows = rows[fit.encoded.population.one_of_each(rows)]
    price = _usual_prices(fit, fit.lattices, rows)
    services = fit.encoded.codes.get(SERVICE, np.zeros(fit.encoded.rows, np.int32))
    service, below = services[rows], fit.logs(rows) < price - _TO_THE_CENT
    found = []
    for kind in range(int(services.max(initial=0)) + 1):
        mine = np.flatnonzero((service == kind) & np.isfinite(price))
        told = fit.encoded.population.may_be_told(rows[mine])
        found.append(bool(told and np.count_nonzero(below[mine]) < _HARDLY_ANY * len(mine)))
    return tuple(found) if any(found) else ()


def _about_prices(fit: AmountFit, prices: Sequence[Lattice], rows: Ints) -> About:
    """How the amounts of `rows` lie about these prices: charges are so much above what is paid, here more and there less."""
    price = _usual_prices(fit, prices, rows)
    there = np.flatnonzero(np.isfinite(price))
    trial = Builder(fit.builder.population, fit.builder.variables)
    population = fit.encoded.population
    one = population.one_of_each(rows[there])
    if len(one) < _FEWEST_ABOUT * population.k or not population.may_be_told(rows[there]):
        return About(price, None, trial)
    logs, diagnosis = fit.logs(rows[there]), fit.encoded.codes["dx_primary_code"][rows[there]].astype(np.int64) + 1
    # Charges rise less than the prices of case groups do; what they have in common with these is theirs.
    slope = rise(within(logs[one], diagnosis[one]), within(price[there[one]], diagnosis[one]))
    off = logs - slope * price[there]
    means = find_means(trial, "off_price", off, rows[there], fit.candidates, fit.encoded.population)
    return About(price, means, trial, slope)


def _usual_prices(fit: AmountFit, prices: Sequence[Lattice], rows: Ints) -> Numbers:
    """The logarithm of the commonest price of each one's case; NaN where no list has one."""
    given = {name: codes[rows] for name, codes in fit.encoded.codes.items()}
    price = np.full(len(rows), np.nan)
    for lattice in prices:
        logs = PriceList.of_lattice(lattice).logs(given, np.zeros(len(rows), np.int32))
        price = np.where(np.isfinite(logs), logs, price)
    return price


def _lie_nearer(fit: AmountFit, about: About, means: Means, rows: Ints) -> bool:
    """Do the logarithms of the amounts vary as little about these prices as about their contexts' means, or clearly less about
    where they lie off them?
    """  # noqa: D205
    there = np.isfinite(about.price)
    if int(there.sum()) < fit.encoded.population.k:
        return False
    logs = fit.logs(rows)
    by_price, by_centre, by_context = (
        float(np.var((logs - where)[there]))
        for where in (about.price, about.centre(rows), locate(fit.builder, means, rows))
    )
    return by_price < _AS_NEAR * by_context or by_centre < _CLEARLY_NEARER * by_context
