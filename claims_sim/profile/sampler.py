"""Draw claims from a profile. Knows nothing of batches, authors or channels.

A row's values depend on (key, its counter, its given values) alone, so that any partition of a batch gives the same
claims, and the same brief under other counters gives independent draws.
"""

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.profile.counts.companions import MEMBER, weighed_members
from claims_sim.profile.counts.counting import Ints, Mask
from claims_sim.profile.counts.lookup import Codes, Rows, TableSampler
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import (
    BLANKS,
    CASE_GROUP,
    CLAIMS_NOTHING,
    FURTHER_PROCEDURE,
    PAYS_NOTHING,
    PROCEDURE_NAME,
)
from claims_sim.profile.drawing.conditional import Conditions, find_counters
from claims_sim.profile.drawing.draft import Draft, Edges, Numbers, systematic
from claims_sim.profile.drawing.drawn_columns import BRIEF, UNKNOWN, DrawnColumns
from claims_sim.profile.drawing.further_procedures import draw_further
from claims_sim.profile.drawing.members import Members
from claims_sim.profile.drawing.payments import Payments
from claims_sim.profile.drawing.stand_ins import without_stand_ins
from claims_sim.profile.drawing.timing import Calendar, Days
from claims_sim.profile.drawing.wanted import NO_MIX, ClaimFilter, Mix
from claims_sim.profile.encoding.encode import (
    DX_GROUP,
    HAS_CASE_GROUP,
    HAS_PROCEDURE,
    HOUR,
    INPATIENT,
    MONTH,
    PROCEDURE_GROUP,
    SEASON,
    STAY_SPAN,
    WEEKDAY,
    WEIGHT_LEVEL,
    begins_alike,
    written_alike,
)
from claims_sim.profile.encoding.weight_factors import made_weights
from claims_sim.profile.fitting.calendar import PAST_MIDNIGHT, STAY_GAP
from claims_sim.profile.fitting.secondary_lists import LENGTH_BY, by_list
from claims_sim.profile.fitting.wordings import DX_WORDING, PROCEDURE_WORDING, WORDINGS, wording_of
from claims_sim.profile.prices.weight_rates import WEIGHT_RATE, weights_at
from claims_sim.profile.reading.blanks import NONE_SHOWN, as_told, empty
from claims_sim.profile.reading.missing_amounts import fill_amounts
from claims_sim.profile.reading.missing_stays import OF_STAYS, fill_stays
from claims_sim.randomness import stream_key, uniforms

_BRIEF_CODES: Final = (*BRIEF[:-2], DX_GROUP, "dx_primary_code", DX_WORDING, HAS_CASE_GROUP, "severity_group")
BRIEF_COLUMNS: Final = (*BRIEF, "dx_primary_label")
OPEN_COLUMNS: Final = ("procedure_code", "procedure_label", "dx_secondary_codes", "comorbidity_count", "los")
MONEY_COLUMNS: Final = ("amount_claimed", "amount_paid", "amount_gap")
HISTORY_COLUMNS: Final = ("admit_dt", "discharge_dt")
EXTRA_COLUMNS: Final = ("claim_weight",)
OPEN_CODES: Final = (
    "secondary_count",
    HAS_PROCEDURE,
    PROCEDURE_GROUP,
    "procedure_code",
    PROCEDURE_WORDING,
    "procedure_label",
    PROCEDURE_NAME,
    "los",
)
_BLOCK: Final = 65_536
_MOMENTS: Final = (MONTH, SEASON, WEEKDAY, HOUR)
"""What is not known yet of claims that are searched for by their amounts."""
_EXPLAINED_BY: Final = 100_000


def _keep(draft: Draft, alive: Rows, wanted: npt.NDArray[np.bool_]) -> Rows:
    at = np.flatnonzero(wanted)
    draft.keep(at)
    kept: Rows = alive[at]
    return kept


def _missing(texts: pa.Array) -> int:
    """The code of the missing value, which is always the last one; -1 where there is none."""
    return len(texts) - 1 if texts.null_count else -1


class Sampler:
    """Draws from one profile; building it takes a moment, drawing is fast and changes nothing."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        weighed = {name: by_list(profile, name) for name in LENGTH_BY if name in profile.tables}
        if MEMBER in weighed:
            weighed[MEMBER] = weighed_members(profile, weighed[MEMBER])
        # A district lies in its province: what is withheld of one is another of the same.
        self._tables = {
            name: TableSampler(table, spreads_below_first=name == "district_name" and not table.has_pools)
            for name, table in {**profile.tables, **weighed}.items()
        }
        self._groups = {
            name: np.append(np.array(feature.groups, np.int32), np.int32(-1))
            for name, feature in profile.features.items()
            if feature.groups is not None
        }
        self._wordings = {
            name: np.append(np.array(groups, np.int32), np.int32(feature.size - 1))
            for name in WORDINGS
            if (feature := profile.features.get(wording_of(name))) is not None and (groups := feature.groups)
        }
        self._texts = {name: pa.array(values, pa.string()) for name, values in profile.vocabularies.items()}
        codes = profile.vocabularies.get("dx_primary_code", ())
        self._group_of_dx = np.array([*begins_alike(codes), -1], np.int32)
        done = profile.vocabularies.get("procedure_code", ())
        self._group_of_procedure = np.array([*written_alike(done), -1], np.int32)
        self._bins = {name: Edges(bins) for name, bins in profile.bins.items()}
        self._payments = Payments(profile, self._tables, self._bins)
        self._members = Members(profile, self._tables, self._texts)
        self._calendar = Calendar(profile, self._tables)
        self._columns = DrawnColumns(profile, self._texts, list(self._wordings))

    # Public stages: each takes what was given so far as a table and returns its own columns.

    def draw_briefs(self, key: int, rows: Rows, stratify: bool = False) -> pa.Table:
        """What each claim must be: columns BRIEF_COLUMNS. With `stratify` a small batch follows the shares closely."""
        rows = np.asarray(rows)
        draft = self._draft(len(rows))
        self._draw_brief(key, rows, draft, systematic(key, rows) if stratify else None)
        return self._columns.brief_table(draft)

    def draw_open(self, key: int, rows: Rows, briefs: pa.Table) -> pa.Table:
        """What an author decides inside a brief: columns OPEN_COLUMNS."""
        rows = np.asarray(rows)
        draft = self._read(briefs)
        self._draw_open(key, rows, draft)
        return self._columns.open_table(draft)

    def draw_money(self, key: int, rows: Rows, claims: pa.Table) -> pa.Table:
        """The amounts of claims whose brief and open columns are given: columns MONEY_COLUMNS."""
        return self._payments.draw(key, np.asarray(rows), self._read(claims))

    def draw_procedure_labels(self, key: int, rows: Rows, claims: pa.Table) -> pa.Array:
        """The label of each claim's procedure, whatever it has: its code's, or one of the several that claims of its code have."""
        draft = self._read(claims.drop_columns([name for name in claims.column_names if name == "procedure_label"]))
        if PROCEDURE_NAME in self._tables and "procedure_label" not in self._texts:
            for name in (name for name in (PROCEDURE_WORDING, PROCEDURE_NAME) if name in self._tables):
                self._draw_code(name, key, np.asarray(rows), draft)
        return self._columns.procedures(draft)[1]

    def draw_history(self, key: int, rows: Rows, claims: pa.Table, days: Days | None = None) -> pa.Table:
        """Local admission and discharge, the stay as in `los`: columns HISTORY_COLUMNS.

        Admissions fall into the profile's period, or from the first to the last of `days`.
        """
        return self._draw_history(key, np.asarray(rows), self._read(claims), days)

    def draw_extra(self, key: int, rows: Rows, claims: pa.Table) -> pa.Table:
        """Columns EXTRA_COLUMNS, null where the source has none."""
        return self._draw_extra(key, np.asarray(rows), self._read(claims), claims)

    def draw_day_times(self, key: int, rows: Rows, claims: pa.Table) -> pa.Table:
        """Seconds of the day (int32) of admission and discharge: `admit_second`, `discharge_second`.

        From the profile's hours, on the weekday of `admit_dt` or of any where claims have none, or by the documented default
        where the source keeps days only. The discharge of a stay without a night is never before its admission.
        """
        rows = np.asarray(rows)
        draft = self._read(claims)
        admit, discharge = self._calendar.seconds(
            key, rows, draft, self._columns.los(draft) if "los_days" in draft.codes else None
        )
        return pa.table(
            {"admit_second": pa.array(admit, pa.int32()), "discharge_second": pa.array(discharge, pa.int32())}
        )

    def leave_empty(
        self,
        key: int,
        rows: Rows,
        claims: pa.Table,
        shown: Mapping[str, Mask] = NONE_SHOWN,
        like: Ints | None = None,
        asked: Collection[str] = (),
    ) -> pa.Table:
        """The claims as the source has them: without what it leaves empty, and without what stands in for missing categories.

        A claim of the stream may not lack these; a table that is read in place of the source's does. Cells of a column
        that are `shown`, and columns that were `asked` for, are never empty; and a claim leaves empty what that at its place in `like`
        does.
        """
        table, draft = self._tables.get(BLANKS), self._read(claims)
        claims = self.leave_out_stand_ins(claims, asked)
        if table is None:
            return claims
        if "amount_claimed" in claims.column_names:
            draft.codes[CLAIMS_NOTHING] = (claims["amount_claimed"].to_numpy() == 0).astype(np.int32)
        if "amount_paid" in claims.column_names:
            draft.codes[PAYS_NOTHING] = (claims["amount_paid"].to_numpy() == 0).astype(np.int32)
        code = table.draw(key ^ stream_key(BLANKS), np.asarray(rows), draft.given(table.parents))
        if CLAIMS_NOTHING in draft.codes:
            code = as_told(self.profile.tables[BLANKS], code, draft.codes[CLAIMS_NOTHING])
        if like is not None:
            code = code[like]
        blanks = [[name for name in those if name not in asked] for those in self.profile.blanks]
        return empty(claims, code, blanks, self.profile.absent, shown)

    def further_procedures(self, key: int, rows: Rows, claims: pa.Table) -> pa.Array:
        """Of each claim the procedures behind its first, as the source has them in one column; null where it has one at most."""
        table = self._tables.get(FURTHER_PROCEDURE)
        if table is None:
            return pa.nulls(claims.num_rows, pa.list_(pa.string()))
        texts, draft = self._texts[FURTHER_PROCEDURE], self._read(claims)
        first = pc.index_in(claims["procedure_code"].cast(pa.string()), value_set=texts, skip_nulls=True)
        todo = np.flatnonzero(claims["procedure_code"].is_valid().to_numpy())
        drawn = draw_further(
            table, _missing(texts), key, rows, draft, first.fill_null(-1).to_numpy().astype(np.int32), todo
        )
        there = drawn >= 0
        offsets = np.concatenate([[0], np.cumsum(there.sum(1))]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), texts.take(pa.array(drawn[there])))

    def case_groups(self, key: int, rows: Rows, claims: pa.Table) -> pa.Array:
        """The group of cases that each claim is of, without its severity; null where the source has none, or none may be told."""
        table = self._tables.get(CASE_GROUP)
        if table is None:
            return pa.nulls(claims.num_rows, pa.string())
        draft = self._read(claims)
        code = table.draw(key ^ stream_key(CASE_GROUP), np.asarray(rows), draft.given(table.parents))
        return self._texts[CASE_GROUP].take(pa.array(code, mask=code < 0))

    def draw_as_read(self, key: int, rows: Rows) -> pa.Table:
        """Claims as the source's are when they are read: with as many empty cells, and stays as far as the source's columns tell them."""
        claims = self.leave_empty(key, rows, self.draw_claims(key, rows))
        claims = claims.drop_columns([name for name in (*OF_STAYS, *MONEY_COLUMNS) if name in self.profile.absent])
        return fill_amounts(fill_stays(claims)[0])[0]

    def leave_out_stand_ins(self, claims: pa.Table, asked: Collection[str] = ()) -> pa.Table:
        """The claims without what stands in for values that the source lacks or may not tell, but in columns that were `asked` for."""
        return without_stand_ins(self.profile, claims, asked)

    def draw_claims(self, key: int, rows: Rows, wanted: Conditions | None = None) -> pa.Table:
        """Whole claims, all stages: every profiled column of the flat row; each holds `wanted`."""
        rows = np.asarray(rows)
        if wanted:
            rows = self.find_claims(key, rows, wanted)
        days = wanted.where.admit_dt if wanted is not None else None
        # Amounts that are asked for were found without dates, at the prices of the last month.
        as_of_last = wanted is not None and wanted.where.amount_claimed is not None
        blocks = [
            self._draw_block(key, rows[i : i + _BLOCK], days, as_of_last=as_of_last)
            for i in range(0, max(len(rows), 1), _BLOCK)
        ]
        return pa.concat_tables(blocks)

    def _draw_block(self, key: int, rows: Rows, days: Days | None, *, as_of_last: bool) -> pa.Table:
        draft = self._draft(len(rows))
        self._draw_brief(key, rows, draft, None)
        self._draw_open(key, rows, draft)
        history = self._draw_history(key, rows, draft, days)
        moments = {name: draft.codes.pop(name) for name in _MOMENTS if as_of_last}
        money = self._payments.draw(key, rows, draft)
        draft.codes |= moments
        extra = self._draw_extra(key, rows, draft, money)
        parts = [history, self._columns.brief_table(draft), self._columns.open_table(draft), money, extra]
        columns = {name: part[name] for part in parts for name in part.column_names}
        return pa.table({name: columns[name] for name in FLAT_SCHEMA.names if name in columns})

    # Draws under conditions: plain draws at counters that are searched for.

    def conditions(self, where: ClaimFilter, mix: Mix = NO_MIX) -> Conditions:
        """What is asked for, as this profile understands it. Raises RequestError when it knows nothing of the kind."""
        return Conditions.of(self.profile, where, mix)

    def find_claims(self, key: int, rows: Rows, wanted: Conditions, stratify: bool = False) -> Rows:
        """Counters at which `draw_briefs`, `draw_open` and `draw_money` of `key` give claims that hold `wanted`.

        Raises RequestError when the profile has nothing of the kind.
        """
        rows = np.asarray(rows)
        targets = wanted.targets(key, rows, systematic(key, rows) if stratify else None)

        def trial(counters: Rows, owner: Rows) -> Rows:
            alive, draft = np.arange(len(counters)), self._draft(len(counters))
            for name in (n for n in _BRIEF_CODES if n in self._tables):
                self._draw_code(name, key, counters[alive], draft)
                if name in wanted.allowed or name in targets:
                    alive = _keep(draft, alive, wanted.keeps(name, draft.codes[name], targets, owner[alive]))
            return self._try_open(key, counters, draft, alive, wanted)

        return find_counters(rows, trial, lambda: self._explain(key, wanted))

    def find_open(self, key: int, rows: Rows, briefs: pa.Table, wanted: Conditions) -> Rows:
        """Counters at which `draw_open` (and `draw_money` after it) of `key` hold `wanted` within the given briefs."""
        given = self._read(briefs)

        def trial(counters: Rows, owner: Rows) -> Rows:
            draft = self._draft(len(counters))
            draft.codes = {name: codes[owner] for name, codes in given.codes.items()}
            return self._try_open(key, counters, draft, np.arange(len(counters)), wanted)

        return find_counters(np.asarray(rows), trial, lambda: self._explain(key, wanted))

    def find_money(self, key: int, rows: Rows, claims: pa.Table, wanted: Conditions) -> Rows:
        """Counters at which `draw_money` of `key` holds `wanted` for claims whose other fields are given."""
        given = self._read(claims)

        def trial(counters: Rows, owner: Rows) -> Rows:
            draft = self._draft(len(counters))
            draft.codes = {name: codes[owner] for name, codes in given.codes.items()}
            return np.flatnonzero(wanted.where.holds(self._payments.draw(key, counters, draft)))

        return find_counters(np.asarray(rows), trial, lambda: self._explain(key, wanted))

    def _try_open(self, key: int, counters: Rows, draft: Draft, alive: Rows, wanted: Conditions) -> Rows:
        """Which of the rows `alive`, whose briefs are in `draft`, get open fields and amounts as wanted."""
        where = wanted.where
        if not wanted.asks_open:
            return alive
        for name in (n for n in OPEN_CODES if n in self._tables):
            self._draw_code(name, key, counters[alive], draft)
            if name in wanted.allowed:
                alive = _keep(draft, alive, wanted.allowed[name][draft.codes[name]])
        self._draw_stay(key, counters[alive], draft)
        if where.los:
            stay = draft.codes["los_days"]
            alive = _keep(draft, alive, (stay >= where.los[0]) & (stay <= where.los[1]))
        if where.amount_claimed:
            # What is claimed may follow from the first of the further diagnoses.
            self._members.draw(key, counters[alive], draft)
            alive = _keep(draft, alive, where.holds(self._payments.draw(key, counters[alive], draft)))
        return alive

    def _explain(self, key: int, wanted: Conditions) -> str:
        """How common each condition is by itself."""
        claims = self.draw_claims(key, np.arange(_EXPLAINED_BY))
        parts = wanted.where.parts()
        alone = [f"{part} {ClaimFilter.parse([part]).holds(claims).mean():.2%}" for part in parts]
        return f"By themselves: {'; '.join(alone)}."

    # Drafts: codes in, codes out.

    def _draft(self, rows: int) -> Draft:
        return Draft(self.profile, rows, self._groups)

    def _set_what_follows(self, draft: Draft) -> None:
        """Set what is drawn before a diagnosis, a case group and a procedure, where these are given."""
        if DX_GROUP in self._tables and "dx_primary_code" in draft.codes:
            draft.codes[DX_GROUP] = self._group_of_dx[draft.codes["dx_primary_code"]]
        if PROCEDURE_GROUP in self._tables and "procedure_code" in draft.codes:
            draft.codes[PROCEDURE_GROUP] = self._group_of_procedure[draft.codes["procedure_code"]]
        for has_any, column in ((HAS_CASE_GROUP, "severity_group"), (HAS_PROCEDURE, "procedure_code")):
            if has_any in self._tables and column in draft.codes:
                none = _missing(self._texts[column])
                draft.codes[has_any] = (draft.codes[column] != none).astype(np.int32)

    def _read_procedure_names(self, draft: Draft, claims: pa.Table) -> None:
        """Set the names of procedures that no code tells, where these are given."""
        if PROCEDURE_NAME not in self._tables or "procedure_label" not in claims.column_names:
            return
        names, labels = self._texts[PROCEDURE_NAME], claims["procedure_label"].cast(pa.string())
        if "procedure_code" in claims.column_names and "procedure_label" in self._texts:
            labels = pc.if_else(claims["procedure_code"].is_valid(), pa.scalar(None, pa.string()), labels)
        found = pc.index_in(labels, value_set=names).fill_null(_missing(names))
        draft.codes[PROCEDURE_NAME] = found.to_numpy().astype(np.int32)
        self._set_wording(draft, PROCEDURE_NAME, draft.codes[PROCEDURE_NAME])

    def _read(self, claims: pa.Table) -> Draft:
        """The codes of given values; a value that the profile does not know counts as unknown."""
        draft = self._draft(claims.num_rows)
        for name in (*BRIEF, "procedure_code"):
            if name in claims.column_names and name in self._texts:
                vocabulary = self._texts[name]
                column = claims[name].cast(pa.string())
                found = pc.index_in(column, value_set=vocabulary)
                default = self.profile.defaults.get(name, UNKNOWN)
                if vocabulary.null_count:
                    found = pc.if_else(pc.equal(column, default).fill_null(True), _missing(vocabulary), found)
                draft.codes[name] = found.fill_null(-1).to_numpy().astype(np.int32)
        self._set_what_follows(draft)
        for name in (name for name in self._wordings if name in claims.column_names):
            label = pc.index_in(claims[name].cast(pa.string()), value_set=self._texts[name])
            self._set_wording(draft, name, label.fill_null(-1).to_numpy().astype(np.int32))
        self._read_procedure_names(draft, claims)
        if "dx_secondary_codes" in claims.column_names and "secondary_count" in self._tables:
            lists = claims["dx_secondary_codes"]
            count = pc.list_value_length(lists).fill_null(0).to_numpy().astype(np.int32)
            most = self.profile.tables["secondary_count"].size - 1
            draft.codes["secondary_count"] = np.minimum(count, most)
            self._members.read_first(draft, lists, count > 0)
        self._read_history(draft, claims)
        return draft

    def _read_history(self, draft: Draft, claims: pa.Table) -> None:
        """Set what follows from the moments of admission and discharge and the days of stay, as far as these are given."""
        if "admit_dt" in claims.column_names:
            self._calendar.set_moments(draft, claims["admit_dt"].cast(pa.timestamp("us")).to_numpy())
            if "discharge_dt" in claims.column_names:
                self._calendar.set_discharge(draft, claims["discharge_dt"].cast(pa.timestamp("us")).to_numpy())
        if "los" in claims.column_names:
            los = claims["los"].cast(pa.float64()).fill_null(0).to_numpy()
            draft.codes["los_days"] = los.astype(np.int32)
            if "los" in self._bins:
                draft.codes["los"] = self._bins["los"].code(los)
        if "admit_dt" in claims.column_names and "discharge_dt" in claims.column_names:
            admit, discharge = (claims[name].to_numpy().astype("datetime64[D]") for name in HISTORY_COLUMNS)
            days = (discharge - admit).astype(np.int32)
            draft.codes.setdefault("los_days", days)
            if "los" in claims.column_names:
                none = pc.fill_null(pc.equal(claims["los"].cast(pa.float64()), 0.0), fill_value=False).to_numpy()
                draft.codes[PAST_MIDNIGHT] = ((days == 1) & none).astype(np.int32)
            if STAY_SPAN in self._bins:
                draft.codes[STAY_SPAN] = self._bins[STAY_SPAN].code(days.astype(float))
            if STAY_GAP in self._bins:
                known = pc.and_(claims["admit_dt"].is_valid(), claims["discharge_dt"].is_valid()).to_numpy()
                if "los" in claims.column_names:
                    known = known & claims["los"].is_valid().to_numpy()
                gap = self._bins[STAY_GAP].code((days - draft.codes["los_days"]).astype(float))
                draft.codes[STAY_GAP] = np.where(known, gap, np.int32(-1))

    def _draw_brief(self, key: int, rows: Rows, draft: Draft, first: Numbers | None) -> None:
        for name in (*_BRIEF_CODES, "dx_primary_label"):
            if name in self._tables:
                self._draw_code(name, key, rows, draft, first)
                first = None

    def _draw_open(self, key: int, rows: Rows, draft: Draft) -> None:
        for name in OPEN_CODES:
            if name in self._tables:
                self._draw_code(name, key, rows, draft)
        self._members.draw(key, rows, draft)
        self._draw_stay(key, rows, draft)

    def _draw_code(self, name: str, key: int, rows: Rows, draft: Draft, first: Numbers | None = None) -> None:
        table = self._tables[name]
        draft.codes[name] = table.draw(key, rows, draft.given(table.parents), first=first)
        if name in self._wordings:
            self._set_wording(draft, name, self._columns.shown(name, draft))

    def _set_wording(self, draft: Draft, name: str, codes: Codes) -> None:
        """Set of which wording the names are that claims have: that by which one was drawn its code may not have."""
        if name in self._wordings:
            draft.codes[WORDINGS[name]] = self._wordings[name][codes]

    def _draw_stay(self, key: int, rows: Rows, draft: Draft) -> None:
        if "los" in draft.codes:
            los = self._bins["los"].draw(draft.codes["los"], uniforms(key ^ stream_key("los"), rows)).astype(np.int32)
        else:
            los = self._default_stay(draft)
        service = self._texts.get("service_type")
        if service is not None and self.profile.identities.get("outpatient_stay") == 0.0:
            outpatient = pc.index(service, "RJTL").as_py()
            los[draft.codes["service_type"] == outpatient] = 0
        draft.codes["los_days"] = los

    def _default_stay(self, draft: Draft) -> Codes:
        """Where the source knows no stay: a night for inpatients, as `defaults["los"]` says."""
        vocabulary = self.profile.vocabularies.get("service_type", ())
        codes = draft.codes.get("service_type")
        if codes is None or INPATIENT not in vocabulary:
            return np.zeros(draft.rows, np.int32)
        stay: Codes = (codes == vocabulary.index(INPATIENT)).astype(np.int32)
        return stay

    def _draw_history(self, key: int, rows: Rows, draft: Draft, days: Days | None) -> pa.Table:
        admit, discharge = self._calendar.draw(key, rows, draft, self._columns.los(draft), days)
        return pa.table(
            {"admit_dt": pa.array(admit, pa.timestamp("us")), "discharge_dt": pa.array(discharge, pa.timestamp("us"))}
        )

    def _draw_extra(self, key: int, rows: Rows, draft: Draft, money: pa.Table) -> pa.Table:
        weight = pa.nulls(len(rows), pa.float64())
        table = self._tables.get("claim_weight")
        if table is not None:
            self._payments.set_moments(draft)
            if WEIGHT_LEVEL in self._tables:
                level = self._tables[WEIGHT_LEVEL]
                draft.codes[WEIGHT_LEVEL] = level.draw(key, rows, draft.given(level.parents))
            code = table.draw(key, rows, draft.given(table.parents))
            drawn = self._bins["claim_weight"].draw(code, uniforms(key ^ stream_key("weight"), rows))
            weight = pa.array(drawn, mask=code < 0)
        factors = self.profile.money.weight_factors
        if factors is not None:
            self._payments.set_moments(draft)
            logs = {name: np.array(of_values, np.float64) for name, of_values in factors.logs.items()}
            follows = made_weights(logs, draft.codes, draft.rows, factors.grid)
            weight = pc.coalesce(pa.array(follows, from_pandas=True), weight)
        of = self.profile.money.weight_rate
        if of is not None and of.amount in money.column_names:
            rates = self._tables[WEIGHT_RATE]
            code = rates.draw(key, rows, draft.given(rates.parents))
            rate = self._bins[WEIGHT_RATE].draw(code, uniforms(key ^ stream_key(WEIGHT_RATE), rows))
            follows = weights_at(money[of.amount].cast(pa.float64()).to_numpy(), rate, of.grid)
            weight = pc.coalesce(pa.array(follows, from_pandas=True), weight)
        return pa.table({"claim_weight": weight})
