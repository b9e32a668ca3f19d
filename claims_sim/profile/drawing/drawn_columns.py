"""From codes that were drawn to columns of claims."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counts.lookup import Codes
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import PROCEDURE_NAME
from claims_sim.profile.drawing.draft import Draft
from claims_sim.profile.texts.admit import NAMES_OF

BRIEF: Final = (
    "service_type", "province_name", "facility_class", "facility_type", "facility_ownership", "district_name",
    "dx_primary_code", "severity_group",
)  # fmt: skip
UNKNOWN: Final = "unknown"
"""What stands for a missing value of a column that has no other default."""
_CODE_OF: Final = {**NAMES_OF, PROCEDURE_NAME: "procedure_code"}


class DrawnColumns:
    """Columns of the claims whose codes a draft holds; `texts` are the profile's vocabularies, `named` the columns of names of which it
    is asked what is shown.
    """  # noqa: D205

    def __init__(self, profile: Profile, texts: Mapping[str, pa.Array], named: Sequence[str] = ()) -> None:
        self._profile, self._texts = profile, texts
        self._label_of = {
            "dx_primary_code": self._label_array("dx_primary_code", profile.dx_names),
            "procedure_code": self._label_array("procedure_code", profile.procedure_names),
        }

        self._shown_instead = {
            name: np.append(
                pc.index_in(self._label_of[_CODE_OF[name]], value_set=texts[name]).fill_null(-1).to_numpy(), -1
            )
            for name in named
        }

    def shown(self, name: str, draft: Draft) -> Codes:
        """The code of each claim's name as it is shown, its code's name where it has none itself; -1 where that is not in the profile."""
        codes, texts = draft.codes[name], self._texts[name]
        none = (codes < 0) | (codes == len(texts) - 1) if texts.null_count else codes < 0
        of = draft.codes.get(_CODE_OF[name], np.full(draft.rows, -1, np.int32))
        return np.where(none, self._shown_instead[name][of], codes).astype(np.int32)

    def _text(self, name: str, draft: Draft) -> pa.Array:
        codes = draft.codes.get(name)
        default = self._profile.defaults.get(name)
        if codes is None or name not in self._texts:
            return pa.array([default] * draft.rows, pa.string()) if default else pa.nulls(draft.rows, pa.string())
        column = self._texts[name].take(pa.array(codes, mask=codes < 0))
        return column.fill_null(default or UNKNOWN) if column.null_count else column

    def _label_array(self, codes: str, names: dict[str, str]) -> pa.Array:
        values = self._profile.vocabularies.get(codes, ())
        return pa.array([None if code is None else names.get(code, code) for code in values], pa.string())

    def _labels(self, label: str, code: str, draft: Draft) -> pa.Array:
        """The released label where there is one, else the code system's name, else the code."""
        codes = draft.codes.get(code)
        if codes is None:
            return pa.nulls(draft.rows, pa.string())
        named = self._label_of[code].take(pa.array(codes, mask=codes < 0))
        if label not in draft.codes or label not in self._texts:
            return named
        released = self._texts[label].take(pa.array(draft.codes[label], mask=draft.codes[label] < 0))
        return pc.coalesce(released, named) if released.null_count else released

    def brief_table(self, draft: Draft) -> pa.Table:
        """What each claim must be."""
        columns = {name: self._text(name, draft) for name in BRIEF}
        columns["dx_primary_label"] = self._labels("dx_primary_label", "dx_primary_code", draft)
        return pa.table(columns)

    def procedures(self, draft: Draft) -> tuple[pa.Array, pa.Array]:
        """The codes and the labels of what was done."""
        codes, named = draft.codes.get("procedure_code"), pa.nulls(draft.rows, pa.string())
        if PROCEDURE_NAME in draft.codes:
            names = draft.codes[PROCEDURE_NAME]
            named = self._texts[PROCEDURE_NAME].take(pa.array(names, mask=names < 0))
        if codes is None:
            return pa.nulls(draft.rows, pa.string()), named
        procedure = self._texts["procedure_code"].take(pa.array(codes, mask=codes < 0))
        label = self._labels("procedure_label", "procedure_code", draft)
        # A code without a label has the code for one; what has no code has no label but a name of its own.
        return procedure, pc.if_else(procedure.is_null(), named, pc.coalesce(named, label, procedure))

    def open_table(self, draft: Draft) -> pa.Table:
        """What an author decides inside a brief."""
        procedure, label = self.procedures(draft)
        members = draft.codes["members"]
        if self._profile.secondary_sorted and members.size:
            members = np.where(members < 0, np.iinfo(np.int32).max, members)
            members = np.sort(members, axis=1)
            members = np.where(members == np.iinfo(np.int32).max, -1, members)
        there = members >= 0
        lengths = there.sum(1)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        values = self._texts.get("dx_secondary_codes", pa.array([], pa.string())).take(pa.array(members[there]))
        return pa.table(
            {
                "procedure_code": procedure,
                "procedure_label": label,
                "dx_secondary_codes": pa.ListArray.from_arrays(pa.array(offsets), values),
                "comorbidity_count": pa.array(lengths, pa.int32()),
                "los": pa.array(self.los(draft), pa.int32()),
            }
        )

    def los(self, draft: Draft) -> Codes:
        """The days of each stay."""
        return draft.codes.get("los_days", np.zeros(draft.rows, np.int32))
