"""What a prompt may say about a case: names of code systems, words of the prompts and numbers of the profile.

Never text from the source. A value that is no public vocabulary has no words here and is left out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from claims_sim.codes.places import PROVINCES
from claims_sim.profile.document import Profile

_BRACKETED: Final = re.compile(r"\s*[\[(][^\])]*[\])]")
_LONGEST_NAME: Final = 40
_DANGLING: Final = re.compile(r"(?: (?:and|by|due|for|from|in|not|of|or|other|the|to|with|without))+$")
_NAMED: Final = 3  # secondary diagnoses that an option names; the rest is counted
_CLASS: Final = re.compile(r"(?:RS\s+)?(?:Kelas\s+)?([ABCD])", re.IGNORECASE)

# The source's words for these, as keys of the prompts' words.
_SERVICES: Final = {"RJTL": "outpatient", "RITL": "inpatient"}
_SEVERITIES: Final = {
    "ringan": "mild", "sedang": "moderate", "berat": "severe", "i": "mild", "ii": "moderate", "iii": "severe",
    "1": "mild", "2": "moderate", "3": "severe", "mild": "mild", "moderate": "moderate", "severe": "severe",
}  # fmt: skip


def short_name(label: str) -> str:
    """A code system's label without brackets, cut at a word: each token costs a small model milliseconds."""
    plain = _BRACKETED.sub("", label).strip()
    if len(plain) <= _LONGEST_NAME:
        return plain
    head = plain.split(", ")[0]
    return head if len(head) <= _LONGEST_NAME else _DANGLING.sub("", head[:_LONGEST_NAME].rsplit(" ", 1)[0])


@dataclass(frozen=True, slots=True)
class Names:
    """Names for codes, from the code systems as the profile keeps them, and the words of a language around them."""

    diagnoses: Mapping[str, str]
    procedures: Mapping[str, str]
    words: Mapping[str, str]

    @classmethod
    def of(cls, profile: Profile, words: Mapping[str, str]) -> "Names":
        """The names that a profile's codes have, short."""
        return cls(
            {code: short_name(name) for code, name in profile.dx_names.items()},
            {code: short_name(name) for code, name in profile.procedure_names.items()},
            words,
        )

    def patient(self, brief: Mapping[str, Any]) -> str:
        """One line: diagnosis, severity, service."""
        keys = (
            _SEVERITIES.get(str(brief.get("severity_group")).lower()),
            _SERVICES.get(str(brief.get("service_type"))),
        )
        diagnosis = self.diagnoses.get(brief["dx_primary_code"], self.words["unlisted_diagnosis"])
        return ", ".join([diagnosis, *(self.words[key] for key in keys if key)])

    def facility(self, brief: Mapping[str, Any]) -> str:
        """Class and province; empty for values that are not public vocabulary."""
        province = str(brief.get("province_name"))
        match = _CLASS.fullmatch(str(brief.get("facility_class")))
        hospital = self.words["hospital"].format(letter=match[1].upper()) if match else ""
        return ", ".join(word for word in (hospital, province if province in PROVINCES else "") if word)

    def care(self, option: Mapping[str, Any]) -> str:
        """One line: procedure, companions, days."""
        words, code, days = self.words, option["procedure_code"], option["los"] or 0
        parts = [words["no_procedure"] if code is None else self.procedures.get(code, words["other_procedure"])]
        secondary = list(option["dx_secondary_codes"] or ())
        if secondary:
            named = [self.diagnoses.get(code, words["other_diagnosis"]) for code in secondary[:_NAMED]]
            more = [words["more"].format(count=len(secondary) - _NAMED)] if len(secondary) > _NAMED else []
            parts.append(words["also"].format(names=", ".join(named + more)))
        parts.append(words["one_day"] if days == 1 else words["days"].format(count=days))
        return "; ".join(parts)


def rule_words(errors: Sequence[str]) -> list[str]:
    """Names of broken rules as words."""
    return [name.replace("_", " ") for name in errors]
