"""Draw amounts: a place on the tariff, a shared amount or one around its context; then what of it is paid."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.profile.daily import days_charge, with_days
from claims_sim.profile.document import Profile, Tariff
from claims_sim.profile.draft import Draft, Edges, Numbers
from claims_sim.profile.encode import MONTH
from claims_sim.profile.lookup import Codes, Rows, TableSampler
from claims_sim.profile.money import PRICED
from claims_sim.profile.pricing import Locator, PriceList
from claims_sim.profile.rounding import AS_COMPUTED, on_grid, round_to_grids
from claims_sim.profile.settlement import AMOUNT_BAND, FIRST_LEVEL, PAID_PRICE
from claims_sim.randomness import stream_key, uniforms


class _Listed(NamedTuple):
    """Of each claim: the logarithm of its price (NaN off the tariff), its code in the table `amount`, what its days cost."""

    base: Numbers
    code: Codes
    charge: Numbers


class _OwnList:
    """The price list of what is paid."""

    def __init__(self, tariff: Tariff, table: TableSampler, grid: float) -> None:
        self.prices, self._table, self._grid, self._ties = PriceList.of_tariff(tariff), table, grid, tariff.ties
        self._levels = np.array(tariff.levels)

    def draw(self, key: int, rows: Rows, draft: Draft, at: npt.NDArray[np.int64], instead: Numbers) -> Numbers:
        """A price of each claim's case; `instead` where it has none."""
        code = np.maximum(self._table.draw(key, rows, draft.given(self._table.parents, at)), 0)
        given = {name: codes[at] for name, codes in draft.codes.items() if len(codes) == draft.rows}
        logs = self.prices.logs(given, (code // len(self._levels)).astype(np.int32))
        price = on_grid(np.nan_to_num(logs) + self._levels[code % len(self._levels)], self._grid, self._ties)
        return np.where(np.isfinite(logs), price, instead)


class Payments:
    """The money of one profile."""

    def __init__(self, profile: Profile, tables: dict[str, TableSampler], bins: dict[str, Edges]) -> None:
        self.profile = profile
        self._tables, self._bins = tables, bins
        self._locator = Locator(profile.money.means)
        tariff = profile.money.tariff
        self._prices = None if tariff is None else PriceList.of_tariff(tariff)
        self._ties: str = AS_COMPUTED if tariff is None else tariff.ties
        self._tariff_grid = profile.amount_grid if tariff is None else tariff.grid or profile.amount_grid
        own = profile.money.paid_tariff
        by_month = [listed.factors for listed in (tariff, own) if listed is not None] + [profile.money.means.effects]
        months = next((prices[MONTH] for prices in by_month if MONTH in prices), None)
        self._last_month = None if months is None else len(months) - 1
        self._levels = np.array(tariff.levels if tariff is not None else (0.0,))
        self._top_ups = np.array((0.0, *(tariff.top_ups if tariff is not None else ())))
        self._own = None if own is None else _OwnList(own, tables[PAID_PRICE], own.grid or profile.amount_grid)
        self._around = self._own.prices if self._own is not None and profile.money.claimed_about_paid else self._prices
        self._lines = np.array(profile.money.paid_lines).reshape(-1, 2)
        self._exact = np.array(profile.money.exact)

    def draw(self, key: int, rows: Rows, draft: Draft) -> pa.Table:
        """The columns amount_claimed, amount_paid and amount_gap."""
        profile = self.profile
        self._set_month(draft)
        table = self._tables["amount"]
        code = table.draw(key, rows, draft.given(table.parents))
        amount, logs = self._draw_prices(key, rows, draft, code)
        exact = (code >= profile.money.points) & (code < profile.money.points + len(self._exact))
        amount[exact] = self._exact[code[exact] - profile.money.points]
        rest = np.flatnonzero(np.isnan(amount))
        around = self._draw_around(key, rows[rest], draft, rest)
        amount[rest] = self._rounded(key, rows[rest], draft, rest, around)
        stay = draft.codes.get("los_days", np.zeros(draft.rows, np.int32))
        charge = days_charge(profile.money.day_rates, draft.codes, stay)
        amount = with_days(amount, charge)
        other = amount.copy()
        if "paid" in self._tables:
            self._pay(key, rows, draft, amount, _Listed(logs, code, charge), other)
        claimed, settled = np.round(amount, 2), np.round(other, 2)
        if profile.identities.get("paid_over_claimed", 0.0) == 0.0:
            settled = np.minimum(settled, claimed)
        return pa.table(
            {"amount_claimed": claimed, "amount_paid": settled, "amount_gap": np.round(claimed - settled, 2)}
        )

    def _rounded(self, key: int, rows: Rows, draft: Draft, at: npt.NDArray[np.int64], amount: Numbers) -> Numbers:
        """The amounts of the claims `at`, each rounded as finely or coarsely as they are."""
        table = self._tables["rounded_to"]
        number = np.maximum(table.draw(key, rows, draft.given(table.parents, at)), 0)
        return round_to_grids(amount, self.profile.money.rounded_to, number)

    def _set_month(self, draft: Draft) -> None:
        """Where prices follow the month: claims of no month of the profile pay those of its last one."""
        if self._last_month is not None:
            month = draft.codes.get(MONTH, np.full(draft.rows, -1, np.int32))
            draft.codes[MONTH] = np.where(month < 0, self._last_month, month).astype(np.int32)

    def _draw_prices(self, key: int, rows: Rows, draft: Draft, code: Codes) -> tuple[Numbers, Numbers]:
        """Tariff prices with their top-ups, and the log price of the row's case; NaN off the tariff."""
        amount, base = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        if self._prices is None:
            return amount, base
        grid, levels = self._tariff_grid, len(self._levels)
        listed = (code >= 0) & (code < self.profile.money.points)
        point = np.where(listed, code // levels, 0).astype(np.int32)
        base = self._prices.logs(draft.codes, point)
        on = np.flatnonzero(listed & np.isfinite(base))
        amount[on] = on_grid(base[on] + self._levels[code[on] % levels], grid, self._ties)
        table = self._tables.get("top_up")
        if table is not None and len(on):
            given = {name: codes[on] for name, codes in draft.given(table.parents).items()}
            amount[on] += self._top_ups[np.maximum(table.draw(key, rows[on], given), 0)]
        return amount, base

    def _pay(self, key: int, rows: Rows, draft: Draft, amount: Numbers, listed: _Listed, paid: Numbers) -> None:
        """Set `paid` where it is not the whole amount."""
        base, code, charge = listed
        money, grid = self.profile.money, self.profile.amount_grid
        table = self._tables["paid"]
        draft.codes[AMOUNT_BAND] = np.searchsorted(np.array(money.paid_bands), amount).astype(np.int32)
        kind = table.draw(key, rows, draft.given(table.parents))
        part = np.flatnonzero(kind > 0)
        ratio = self._bins["paid"].draw(kind[part], uniforms(key ^ stream_key("paid"), rows[part]))
        paid[part] = np.rint(amount[part] * ratio / grid) * grid
        first = FIRST_LEVEL + money.paid_values
        line = kind - first
        on = np.flatnonzero((line >= 0) & (line < len(money.paid_lines)))
        slope, offset = self._lines[line[on]].T
        paid[on] = np.maximum(np.rint(amount[on] * slope / grid) * grid + offset, 0)
        if self._own is not None:
            at = np.flatnonzero(kind == first + len(money.paid_lines))
            paid[at] = np.minimum(self._own.draw(key, rows[at], draft, at, paid[at]), amount[at])
        if money.paid_at is None or self._prices is None:
            return
        levels = len(self._levels)
        on_list = (code >= 0) & (code < money.points) & np.isfinite(base)
        at = np.flatnonzero((kind >= FIRST_LEVEL) & (kind < FIRST_LEVEL + money.paid_values) & on_list)
        given = {name: codes[at] for name, codes in draft.codes.items() if len(codes) == draft.rows}
        given[money.paid_at] = kind[at] - FIRST_LEVEL
        logs = self._prices.logs(given, code[at] // levels) + self._levels[code[at] % levels]
        known = np.isfinite(logs)
        paid[at[known]] = on_grid(logs[known], self._tariff_grid, self._ties) + charge[at[known]]

    def _draw_around(self, key: int, rows: Rows, draft: Draft, at: npt.NDArray[np.int64]) -> Numbers:
        """Amounts off the tariff: around the price of the case, or else around the mean of the context."""
        mean = self._locator.locate(draft.given(self._locator.names, at), len(at))
        if self._around is not None:
            given = {name: codes[at] for name, codes in draft.codes.items() if len(codes) == draft.rows}
            price = self._around.logs(given, np.zeros(len(at), np.int32))
            mean = np.where(np.isfinite(price), price, mean)
            priced = np.zeros(draft.rows, np.int32)
            priced[at] = np.isfinite(price)
            draft.codes[PRICED] = priced
        table = self._tables["amount_residual"]
        code = table.draw(key, rows, draft.given(table.parents, at))
        residual = self._bins["amount_residual"].draw(code, uniforms(key ^ stream_key("residual"), rows))
        return np.asarray(np.exp(np.minimum(mean + residual, 29.0)))
