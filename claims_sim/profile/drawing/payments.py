"""Draw amounts: a place on the tariff, a shared amount or one around its context; then what of it is paid."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.claim import MAX_AMOUNT
from claims_sim.profile.counts.counting import Ints, Mask
from claims_sim.profile.counts.lookup import Codes, Rows, TableSampler
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import CLAIMS_NOTHING, DEAR_KINDS, PaidMeans, Tariff
from claims_sim.profile.drawing.draft import Draft, Edges, Numbers
from claims_sim.profile.encoding.encode import HOUR, MONTH, SEASON, WEEKDAY
from claims_sim.profile.fitting.calendar import MONTHS, STAY_GAP
from claims_sim.profile.paid.paid_left import PAID_LEFT
from claims_sim.profile.paid.paid_lists import (
    BESIDE_PRICE,
    PAID_CASE,
    PAID_POINT,
    PAID_PRICE,
    PAID_TOP_UP,
    beside_price,
)
from claims_sim.profile.paid.paid_means import PAID_RESIDUAL
from claims_sim.profile.paid.paid_rounding import (
    CLAIMED_ON,
    CLAIMED_ROUNDED_TO,
    NEAR,
    PAID_ROUNDED_TO,
    PAID_TO_STEP,
    Habit,
    PaidGrids,
    kept_by,
    kept_steps,
    round_payments,
)
from claims_sim.profile.paid.paid_rules import FIRST_LEVEL, SELDOM
from claims_sim.profile.paid.patients_part import round_part
from claims_sim.profile.paid.settlement import AMOUNT_BAND, BY_RULE, PAID_KIND, PAID_LEVEL
from claims_sim.profile.prices.amount_fit import (
    AMOUNT_KIND,
    BY_NAME,
    KIND_OF_FEW,
    ON_LIST,
    PRICE_CASE,
    PRICE_POINT,
    PRICED,
    RESIDUAL,
    SHARED_AMOUNT,
)
from claims_sim.profile.prices.daily import STAY, days_charge, with_days
from claims_sim.profile.prices.few_amounts import nearest_of
from claims_sim.profile.prices.following import SERVICE
from claims_sim.profile.prices.pricing import Locator, PriceLists
from claims_sim.profile.prices.recurring import NearestPrices
from claims_sim.profile.prices.rounding import coarsest_grid, round_to_grids, to_whole_steps
from claims_sim.randomness import stream_key, uniforms

_A_WEEKDAY, _AN_HOUR = 2, 10
_NEIGHBOURS: Final = 8
"""Of the amounts by name so many above and below one are tried."""
_NEAR, _NOT_NEAR = 0.02, 0.1
"""How far, as a logarithm, an amount by name usually lies from where its context is, and how far at the most."""

_TRIES: Final = 6
"""How often what would lie behind the dearest claims is drawn, before it lies among them."""


class _Listed(NamedTuple):
    """Of each claim: whether it has a price of a tariff, its code in the table `amount`, what its days cost; and the price that
    the list of what is paid has for it (NaN: none).
    """  # noqa: D205

    on: npt.NDArray[np.bool_]
    code: Codes
    charge: Numbers
    owed: Numbers


class _OwnLists:
    """The price lists of what is paid."""

    def __init__(
        self, tariffs: Sequence[Tariff], tables: dict[str, TableSampler], finest: float, ceiling: float
    ) -> None:
        self.prices, self._table = PriceLists(tariffs, finest, ceiling), tables[PAID_PRICE]
        top_ups = (amount for tariff in tariffs for amount in tariff.top_ups)
        self._top_up, self._top_ups = tables.get(PAID_TOP_UP), np.array((0.0, *top_ups))

    def draw(self, key: int, rows: Rows, draft: Draft) -> Numbers:
        """A price of each claim's case; NaN where it has none."""
        draft.codes[PAID_CASE] = self.prices.case(draft.codes, draft.rows)
        code = np.maximum(self._table.draw(key, rows, draft.given(self._table.parents)), 0)
        price = self.prices.amounts(draft.codes, code)
        if self._top_up is None:
            return price
        draft.codes[PAID_POINT] = (code // self.prices.levels).astype(np.int32)
        added = self._top_up.draw(key, rows, draft.given(self._top_up.parents))
        return np.asarray(price + self._top_ups[np.maximum(added, 0)])

    def usual(self, draft: Draft) -> Numbers:
        """The commonest price of each claim's case; NaN where it has none."""
        return self.prices.amounts(draft.codes, np.zeros(draft.rows, np.int32))

    def multiple(self, draft: Draft, price: Numbers) -> Numbers:
        """How many times the commonest price of its case each is, as a logarithm; 0 where there is none."""
        usual = self.prices.logs(draft.codes, draft.rows)
        return np.where(np.isfinite(price), np.log(np.maximum(np.nan_to_num(price), 0.01)) - usual, 0.0)


class SharedAmounts:
    """The amounts that are told by name. How common each is does not matter: some are so among few claims that are alike."""

    def __init__(self, amounts: Numbers) -> None:
        self._amounts = amounts[amounts > 0]
        self._logs = np.log(self._amounts)

    def near(self, amounts: Numbers, u: Numbers) -> Numbers:
        """An amount by name about each of `amounts`, the likelier the nearer; itself where none is near."""
        if not len(self._amounts):
            return amounts
        logs = np.log(np.maximum(amounts, 0.005))
        at = np.searchsorted(self._logs, logs)[:, None] + np.arange(-_NEIGHBOURS, _NEIGHBOURS)
        inside = np.clip(at, 0, len(self._logs) - 1)
        away = np.abs(self._logs[inside] - logs[:, None])
        weight = np.where((at == inside) & (away < _NOT_NEAR), np.exp(-away / _NEAR), 0.0)
        upto = np.cumsum(weight, 1)
        chosen = np.minimum((upto <= u[:, None] * upto[:, -1:]).sum(1), weight.shape[1] - 1)
        there = upto[:, -1] > 0
        return np.where(there, self._amounts[inside[np.arange(len(amounts)), chosen]], amounts)


def _codes_of(draft: Draft, at: npt.NDArray[np.int64], names: Iterable[str]) -> dict[str, Codes]:
    return {name: draft.codes[name][at] for name in names if name in draft.codes}


class Payments:
    """The money of one profile."""

    def __init__(self, profile: Profile, tables: dict[str, TableSampler], bins: dict[str, Edges]) -> None:
        self.profile = profile
        self._tables, self._bins = tables, bins
        self._locator = Locator(profile.money.means)
        money, finest = profile.money, profile.amount_grid
        self._prices = PriceLists(money.tariffs, finest, money.ceiling)
        months = len(profile.vocabularies.get(MONTH, ()))
        last = np.datetime64(profile.period[1], "M").astype(int)
        self._usual = {MONTH: months - 1, SEASON: int(last) % MONTHS, WEEKDAY: _A_WEEKDAY, HOUR: _AN_HOUR}
        follow_gap = any(feature.variable == STAY_GAP for feature in profile.features.values())
        self._follow_gap = follow_gap and STAY_GAP in tables
        self._top_ups = np.array((0.0, *(amount for tariff in money.tariffs for amount in tariff.top_ups)))
        own = money.paid_tariffs
        self._own = _OwnLists(own, tables, finest, money.ceiling) if own else None
        of_paid = self._prices if self._own is None else self._own.prices
        self._owed_follows = not money.claimed_follows_paid and not money.claimed_as_paid
        about = {"tariffs": self._prices, "paid_tariffs": of_paid, "means": PriceLists((), finest, money.ceiling)}
        self._around = about[money.others_about]
        self._off_prices = None if money.off_prices is None else Locator(money.off_prices)
        self._paid_means = None if money.paid_means is None else Locator(money.paid_means.means)
        self._left = bins.get(PAID_LEFT)
        self._first_left = len(bins["paid"].lo) if "paid" in bins else 0
        self._code_of_means = self._first_left - 1 if money.paid_means is not None else -1
        self._lines = np.array(profile.money.paid_lines).reshape(-1, 2)
        self._exact, self._paid_exact = np.array(money.exact), np.array(money.paid_exact)
        self._shared = SharedAmounts(self._exact)
        kinds = tables[KIND_OF_FEW if KIND_OF_FEW in tables else AMOUNT_KIND].size if AMOUNT_KIND in tables else 0
        self._by_name, self._bands = kinds - BY_NAME, kinds == DEAR_KINDS
        self._nearest_prices = NearestPrices(
            money.tariffs if money.others_recur or money.unpriced_recur else (), finest
        )
        self._every = np.array([amount for amount in money.every_amount if amount > 0])
        self._every_payment = [np.array(amounts) for amounts in money.every_payment]
        self._ceiling = np.log(profile.money.ceiling)
        above = profile.identities.get("paid_over_claimed", 0.0)
        self._pays_at_most_what_is_claimed, self._seldom_pays_more = above == 0.0, above < SELDOM

    def draw(self, key: int, rows: Rows, draft: Draft) -> pa.Table:
        """The columns amount_claimed, amount_paid and amount_gap."""
        profile = self.profile
        self._set_gap(key, rows, draft)
        self.set_moments(draft)
        draft.codes[PRICE_CASE] = self._prices.case(draft.codes, draft.rows)
        if AMOUNT_KIND in self._tables:
            draft.codes[AMOUNT_KIND] = self._draw_amount_kind(key, rows, draft)
        table, first = self._tables["amount"], profile.money.points + profile.money.claimed_as_paid
        code, nothing = table.draw(key, rows, draft.given(table.parents)), self._claim_nothing(key, rows, draft)
        if SHARED_AMOUNT in self._tables:
            names, at = self._tables[SHARED_AMOUNT], np.flatnonzero(draft.codes[AMOUNT_KIND] == self._by_name)
            drawn = names.draw(key, rows[at], draft.given(names.parents, at))
            code[at] = np.where(drawn < 0, -1, first + drawn)
        code[nothing] = -1
        amount, plain = self._draw_prices(key, rows, draft, code)
        listed = np.isfinite(amount)
        amount[nothing] = 0.0
        exact = (code >= first) & (code < first + len(self._exact))
        amount[exact] = self._exact[code[exact] - first]
        owed = np.full(draft.rows, np.nan)
        if self._own is not None and not self._owed_follows:
            owed = self._own.draw(key, rows, draft)
        as_paid = (code == profile.money.points) & profile.money.claimed_as_paid & np.isfinite(owed)
        rest = np.flatnonzero(np.isnan(amount))
        around = self._draw_around(key, rows[rest], draft, rest, self._following(draft, owed)[rest])
        amount[rest] = self._rounded(key, rows[rest], draft, rest, around)
        if AMOUNT_KIND in self._tables:
            named = rest[draft.codes[AMOUNT_KIND][rest] == self._by_name]
            amount[named] = self._shared.near(amount[named], uniforms(key ^ stream_key("near shared"), rows[named]))
        self._make_recur(key, rows, draft, rest, amount)
        stay = draft.codes.get(STAY, np.zeros(draft.rows, np.int32))
        charge = days_charge(profile.money.day_rates, draft.codes, stay)
        amount = with_days(nearest_of(self._every, amount), charge)
        # What is paid may follow from the price before it is marked up.
        base = np.where(np.isfinite(plain), with_days(plain, charge), amount)
        other = base.copy()
        if "paid" in self._tables:
            self._pay(key, rows, draft, base, _Listed(listed, code, charge, owed), other)
        amount[as_paid] = other[as_paid] = owed[as_paid]
        claimed, settled = (np.minimum(np.round(money, 2), MAX_AMOUNT) for money in (amount, other))
        if self._pays_at_most_what_is_claimed:
            settled = np.minimum(settled, claimed)
        return pa.table(
            {"amount_claimed": claimed, "amount_paid": settled, "amount_gap": np.round(claimed - settled, 2)}
        )

    def _draw_amount_kind(self, key: int, rows: Rows, draft: Draft) -> Codes:
        """Of which kind each amount is, and how dear a price is for its case."""
        table, of_few = self._tables[AMOUNT_KIND], self._tables.get(KIND_OF_FEW)
        kind = table.draw(key, rows, draft.given(table.parents))
        if of_few is not None:
            at = np.flatnonzero(kind == of_few.size)
            kind[at] = of_few.draw(key, rows[at], draft.given(of_few.parents, at))
        return kind

    def _make_recur(self, key: int, rows: Rows, draft: Draft, rest: Ints, amount: Numbers) -> None:
        """Make so many of the amounts of `rest` prices of other cases as others bear too."""
        money = self.profile.money
        priced, unpriced = (self._by_service(draft, said)[rest] for said in (money.others_recur, money.unpriced_recur))
        share = np.where(draft.codes[PRICE_CASE][rest] < self._prices.cases, priced, unpriced)
        at = rest[uniforms(key ^ stream_key("recurs"), rows[rest]) < share]
        if len(at):
            price = self._nearest_prices.to(amount[at], _codes_of(draft, at, self._prices.names))
            amount[at] = np.where(price <= money.ceiling, price, amount[at])

    def _claim_nothing(self, key: int, rows: Rows, draft: Draft) -> Mask:
        """Who claims nothing at all."""
        table = self._tables.get(CLAIMS_NOTHING)
        return (
            np.zeros(draft.rows, np.bool_) if table is None else table.draw(key, rows, draft.given(table.parents)) == 1
        )

    def _rounded(self, key: int, rows: Rows, draft: Draft, at: npt.NDArray[np.int64], amount: Numbers) -> Numbers:
        """The amounts of the claims `at`, each rounded as finely or coarsely as they are."""
        table = self._tables["rounded_to"]
        number = np.maximum(table.draw(key, rows, draft.given(table.parents, at)), 0)
        return round_to_grids(amount, self.profile.money.rounded_to, number, uniforms(key ^ stream_key("aside"), rows))

    def set_moments(self, draft: Draft) -> None:
        """Claims of no month of the profile are as those of its last one, claims of no moment as at an ordinary one."""
        for name, usual in self._usual.items():
            code = draft.codes.get(name)
            draft.codes[name] = (
                np.full(draft.rows, usual, np.int32) if code is None else np.where(code < 0, usual, code)
            )

    def _set_gap(self, key: int, rows: Rows, draft: Draft) -> None:
        """Where amounts follow the days between the dates, claims without these have such as they will be given."""
        given = draft.codes.get(STAY_GAP)
        if not self._follow_gap or (given is not None and (given >= 0).all()):
            return
        table = self._tables[STAY_GAP]
        drawn = table.draw(key, rows, draft.given(table.parents))
        draft.codes[STAY_GAP] = drawn if given is None else np.where(given < 0, drawn, given)

    def _draw_prices(self, key: int, rows: Rows, draft: Draft, code: Codes) -> tuple[Numbers, Numbers]:
        """Tariff prices with their top-ups, NaN off the tariffs; and those that are marked up as they are before, where what is paid
        follows from that, else NaN.
        """  # noqa: D205
        amount, before = (np.full(len(rows), np.nan) for _ in range(2))
        listed = (code >= 0) & (code < self.profile.money.points)
        money = self.profile.money
        draft.codes[ON_LIST] = (listed | (money.claimed_as_paid & (code == money.points))).astype(np.int32)
        draft.codes[PRICE_POINT] = np.where(listed, code // self._prices.levels, -1).astype(np.int32)
        at = np.flatnonzero(listed)
        given = _codes_of(draft, at, self._prices.names)
        if self._bands:
            code[at] = self._prices.as_dear(given, code[at], draft.codes[AMOUNT_KIND][at])
            draft.codes[PRICE_POINT][at] = code[at] // self._prices.levels
        amount[at] = self._prices.amounts(given, code[at])
        times = self._prices.times(given, code[at])
        if money.paid_before_mark_ups:
            before[at] = np.where(times > 1.0, self._prices.amounts(given, code[at], marked=False), np.nan)
        # To what is multiplied nothing is added.
        on = at[np.isfinite(amount[at]) & (times == 1.0)]
        table = self._tables.get("top_up")
        if table is not None and len(on):
            given = {name: codes[on] for name, codes in draft.given(table.parents).items()}
            amount[on] += self._top_ups[np.maximum(table.draw(key, rows[on], given), 0)]
        return amount, before

    def _pay(self, key: int, rows: Rows, draft: Draft, amount: Numbers, listed: _Listed, paid: Numbers) -> None:
        """Set `paid` where it is not the whole amount."""
        money, grid = self.profile.money, self.profile.amount_grid
        table = self._tables["paid"]
        self._place_claimed(draft, amount)
        if self._own is not None:
            draft.codes[BESIDE_PRICE] = beside_price(amount, self._own.usual(draft), grid)
            if self._owed_follows:
                listed = listed._replace(owed=self._own.draw(key, rows, draft))
        self._draw_kind(key, rows, draft)
        kind = table.draw(key, rows, draft.given(table.parents))
        part = np.flatnonzero(kind > 0)
        # By the habit where it is of the grid itself; a coarser step has its own turn.
        habit = money.paid_habit if money.paid_step is None and not money.paid_keeps else NEAR
        paid[part] = self._in_part(amount[part], kind[part], uniforms(key ^ stream_key("paid"), rows[part]), habit)
        first = FIRST_LEVEL + money.paid_values
        if money.patients_part is not None:
            shares = np.array(money.patients_part.shares)
            at = np.flatnonzero((kind >= first) & (kind < first + len(shares)))
            # A part that is rounded up is no more than the whole.
            part_of = round_part(money.patients_part, amount[at] * shares[kind[at] - first])
            paid[at] = np.maximum(amount[at] - part_of, 0)
            first += len(shares)
        line = kind - first
        on = np.flatnonzero((line >= 0) & (line < len(money.paid_lines)))
        slope, offset = self._lines[line[on]].T
        paid[on] = np.maximum(to_whole_steps(amount[on] * slope, grid, habit) + offset, 0)
        if self._own is not None:
            self._pay_own_price(first + len(money.paid_lines), draft, amount, kind, listed.owed, paid)
            first += 1
        named = kind - first - len(money.paid_lines)
        by_name = np.flatnonzero((named >= 0) & (named < len(self._paid_exact)))
        paid[by_name] = self._paid_exact[named[by_name]]
        if self._seldom_pays_more:
            at = np.r_[on, by_name]
            paid[at] = np.minimum(paid[at], amount[at])
        shares = np.flatnonzero(kind >= first + len(money.paid_lines) + len(self._paid_exact))
        if money.paid_means is not None and self._paid_means is not None:
            at = np.flatnonzero(kind == self._first_left - 1)
            paid[at] = self._about_means(key, rows, draft, at, amount[at], money.paid_means)
        # An amount that is paid whatever is claimed is none that would be rounded.
        self._round_paid(key, rows, draft, amount, paid, on[slope != 0], shares, kind[shares])
        if money.paid_at is not None:
            self._pay_as_of_another(money.paid_at, draft, kind, listed, paid)
        self._pay_what_is_paid(draft, amount, paid)
        if self._seldom_pays_more:
            paid[amount == 0] = 0.0

    def _in_part(self, amount: Numbers, kind: Codes, u: Numbers, habit: Habit) -> Numbers:
        """Of each amount the share that its code says, or all but what is left."""
        is_left = kind >= self._first_left
        share = self._bins["paid"].draw(np.where(is_left, 0, kind), u)
        if self._left is None:
            return to_whole_steps(amount * share, self.profile.amount_grid, habit)
        left = self._left.draw(np.where(is_left, kind - self._first_left, -1), u)
        grid, paid = self.profile.amount_grid, np.maximum(amount - left, 0.0)
        return to_whole_steps(np.where(is_left, paid, amount * share), grid, habit)

    def _pay_own_price(
        self, code: int, draft: Draft, amount: Numbers, kind: Codes, owed: Numbers, paid: Numbers
    ) -> None:
        """Set `paid` to the price that is `owed` where `code` says so, or as off the list where there is none, if that has means."""
        if self.profile.money.paid_means is not None:
            kind[(kind == code) & np.isnan(owed)] = self._first_left - 1
        at = np.flatnonzero(kind == code)
        price = np.where(np.isfinite(owed[at]), owed[at], paid[at])
        # What nobody billed is paid all the same.
        whole = self._pays_above(draft)[at] | (amount[at] == 0)
        paid[at] = np.where(whole, price, np.minimum(price, amount[at]))

    def _place_claimed(self, draft: Draft, amount: Numbers) -> None:
        """Say in which band what is claimed is, and which of the grids that payments keep it lies on."""
        # Borders are amounts, too: to the cent, or those of 0.30 would lie behind it as computed.
        bands = np.array(self.profile.money.paid_bands)
        draft.codes[AMOUNT_BAND] = np.searchsorted(bands, np.round(amount, 2)).astype(np.int32)
        draft.codes[CLAIMED_ON] = kept_by(amount, self.profile.money.claimed_on)

    def _draw_kind(self, key: int, rows: Rows, draft: Draft) -> None:
        """Of what kind each payment is, and about how large a share, where these are told first."""
        if PAID_KIND in self._tables:
            before = self._tables[PAID_KIND]
            draft.codes[PAID_KIND] = before.draw(key, rows, draft.given(before.parents))
        if PAID_LEVEL in self._tables:
            level = self._tables[PAID_LEVEL]
            drawn = level.draw(key, rows, draft.given(level.parents))
            draft.codes[PAID_LEVEL] = np.where(draft.codes[PAID_KIND] < BY_RULE, np.int32(level.size), drawn)

    def _round_paid(
        self, key: int, rows: Rows, draft: Draft, amount: Numbers, paid: Numbers,
        on_lines: Ints, by_share: Ints, share: Codes,
    ) -> None:  # fmt: skip
        """Round `paid` as it is: by a line or a share to the step of payments, by no rule to grids of its own or of what it leaves."""
        money, within = self.profile.money, self._bins["paid"]
        is_range = (within.lo != within.hi) | (np.arange(len(within.lo)) == self._code_of_means)
        by_left = share >= self._first_left
        if self._left is not None:
            is_range = np.r_[is_range, self._left.lo != self._left.hi]
        in_range = is_range[share]
        if PAID_TO_STEP in self._tables:
            at = np.r_[on_lines, by_share[~in_range & ~by_left]]
            table = self._tables[PAID_TO_STEP]
            at = at[table.draw(key, rows[at], draft.given(table.parents, at)) == 1]
            finest = self.profile.amount_grid if money.paid_step is None else money.paid_step
            paid[at] = self._to_step(paid[at], amount[at], kept_steps(amount[at], money.paid_keeps, finest))
        if money.paid_rounded_to:
            at = by_share[in_range]
            table, u = self._tables[PAID_ROUNDED_TO], uniforms(key ^ stream_key("paid aside"), rows[at])
            grids = PaidGrids(money.paid_rounded_to, money.left_rounded_to)
            draft.codes[CLAIMED_ROUNDED_TO] = coarsest_grid(amount, grids.both)
            number = np.maximum(table.draw(key, rows[at], draft.given(table.parents, at)), 0)
            paid[at] = round_payments(paid[at], amount[at], grids, number, u)

    def _pay_what_is_paid(self, draft: Draft, amount: Numbers, paid: Numbers) -> None:
        """Set `paid` to the nearest payment that there is in their kind of service, where all of these are known: to none above what is
        claimed, if it was none. Who claims less than the least of them is paid as drawn: in full, or nothing.
        """  # noqa: D205
        service = draft.codes.get(SERVICE, np.zeros(draft.rows, np.int32))
        for kind, every in enumerate(self._every_payment):
            if not len(every):
                continue
            at = np.flatnonzero(service == kind)
            most = every[np.maximum(np.searchsorted(every, amount[at], side="right") - 1, 0)]
            nearest = nearest_of(every, paid[at])
            within = np.where(most <= amount[at], np.minimum(nearest, most), paid[at])
            paid[at] = np.where(paid[at] <= amount[at], within, nearest)

    def _to_step(self, paid: Numbers, amount: Numbers, step: Numbers) -> Numbers:
        """Payments in whole steps: down where the next step is above what is claimed and hardly anybody is paid more."""
        rounded = to_whole_steps(paid, step, self.profile.money.paid_habit)
        above = (rounded > amount) & self._seldom_pays_more
        return np.where(above, np.floor(np.minimum(paid, amount) / step) * step, rounded)

    def _pays_above(self, draft: Draft) -> Mask:
        """Which claims are paid their price also where they claim less."""
        return self._by_service(draft, self.profile.money.rates_above_claimed) > 0

    def _by_service(self, draft: Draft, said: Sequence[float]) -> Numbers:
        """What is `said` of each claim's kind of service; 0 where nothing is."""
        service = draft.codes.get(SERVICE, np.zeros(draft.rows, np.int32))
        return np.array([*said, 0.0])[np.where(service < len(said), service, -1)]

    def _pay_as_of_another(self, name: str, draft: Draft, kind: Codes, listed: _Listed, paid: Numbers) -> None:
        """Set `paid` where it is the price at another value of the variable `name`."""
        at = np.flatnonzero((kind >= FIRST_LEVEL) & (kind < FIRST_LEVEL + self.profile.money.paid_values) & listed.on)
        given = _codes_of(draft, at, self._prices.names) | {name: kind[at] - FIRST_LEVEL}
        price = self._prices.amounts(given, listed.code[at], marked=False) + listed.charge[at]
        paid[at] = np.where(np.isfinite(price), price, paid[at])

    def _about_means(
        self, key: int, rows: Rows, draft: Draft, at: npt.NDArray[np.int64], amount: Numbers, about: PaidMeans
    ) -> Numbers:
        """What is paid of the claims `at` that no rule says."""
        assert self._paid_means is not None  # noqa: S101 - the caller has looked
        mean = self._paid_means.locate(draft.given(self._paid_means.names, at), len(at))
        table = self._tables[PAID_RESIDUAL]
        code = table.draw(key, rows[at], draft.given(table.parents, at))
        residual = self._bins[PAID_RESIDUAL].draw(code, uniforms(key ^ stream_key(PAID_RESIDUAL), rows[at]))
        value = np.exp(np.minimum(mean + residual, 29.0)) * amount**about.follows_claimed
        if self._seldom_pays_more:
            # As far below the claimed amount as it was above: cut off, it would be paid in full.
            value = np.where(value > amount, amount * amount / np.maximum(value, about.grid), value)
        return np.asarray(np.rint(value / about.grid) * about.grid)

    def _following(self, draft: Draft, owed: Numbers) -> Numbers:
        """What of the logarithm of each amount follows from which price of its case is paid."""
        slopes = self.profile.money.claimed_follows_paid
        if self._own is None or not slopes:
            return np.zeros(draft.rows)
        service = draft.codes.get(SERVICE, np.zeros(draft.rows, np.int32))
        return np.append(np.array(slopes), 0.0)[service] * self._own.multiple(draft, owed)

    def _draw_around(
        self, key: int, rows: Rows, draft: Draft, at: npt.NDArray[np.int64], following: Numbers
    ) -> Numbers:
        """Amounts off the tariff: around the price of the case, or else around the mean of the context."""
        mean = self._locator.locate(draft.given(self._locator.names, at), len(at))
        price = self._around.logs(_codes_of(draft, at, self._around.names), len(at))
        if self._off_prices is not None:
            price = price * self.profile.money.off_slope + self._off_prices.locate(
                draft.given(self._off_prices.names, at), len(at)
            )
        mean = np.where(np.isfinite(price), price, mean) + following
        priced = np.zeros(draft.rows, np.int32)
        priced[at] = np.isfinite(price)
        draft.codes[PRICED] = priced
        table = self._tables["amount_residual"]
        u = uniforms(key ^ stream_key("residual"), rows)
        # Ranges end where the dearest claims lie: cut off behind it, what is beyond would be a price of its own.
        bins, room, given = self._bins["amount_residual"], self._ceiling - mean, draft.given(table.parents, at)
        code = table.draw(key, rows, given)
        for attempt in range(1, _TRIES):
            beyond = np.flatnonzero(bins.beyond(code, room))
            if not len(beyond):
                break
            here = {name: codes[beyond] for name, codes in given.items()}
            code[beyond] = table.draw(key, rows[beyond], here, attempt)
        beside = np.full(draft.rows, len(bins.lo), np.int32)
        beside[at] = np.where(code < 0, len(bins.lo), code)
        draft.codes[RESIDUAL] = beside
        residual = bins.draw(code, u, at_most=room)
        amount = np.minimum(mean + residual, self._ceiling)
        above = self._by_service(draft, self.profile.money.others_above_prices)[at] > 0
        if above.any():
            # As far above the price as it was below: sums begin at the price of one item.
            least = self._prices.logs(_codes_of(draft, at, self._prices.names), len(at))
            amount = np.where(above & (amount < least), 2 * least - amount, amount)
        return np.asarray(np.exp(np.minimum(amount, self._ceiling)))
