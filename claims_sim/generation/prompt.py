"""Render prompts: templates are text under `prompts/<version>/`.

What fills them are names of code systems, words of ours and numbers of the profile, never text from the source.
"""

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, Literal

import jinja2

from claims_sim.codes.places import PROVINCES
from claims_sim.errors import SettingsError
from claims_sim.profile.document import Profile

Form = Literal["choice", "full"]
_PACKAGE: Final = "claims_sim_prompts"
_VERSION: Final = re.compile(r"v(\d+)")
_BRACKETED: Final = re.compile(r"\s*[\[(][^\])]*[\])]")
_LONGEST_NAME: Final = 40

# The source's words for these, turned into ours; a value that is not here is left out of the prompt.
_SERVICES: Final = {"RJTL": "outpatient", "RITL": "inpatient"}
_SEVERITIES: Final = {
    "ringan": "mild", "sedang": "moderate", "berat": "severe", "i": "mild", "ii": "moderate", "iii": "severe",
    "1": "mild", "2": "moderate", "3": "severe", "mild": "mild", "moderate": "moderate", "severe": "severe",
}  # fmt: skip
_CLASS: Final = re.compile(r"(?:RS\s+)?(?:Kelas\s+)?([ABCD])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """The two parts of a request: `system` is the same for every claim of a form."""

    system: str
    user: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What one brief asks of the model: the schema of the answer, what the template shows, and the check of the answer.

    `read` returns the checked answer and raises ValueError, in words of ours, when it is not acceptable.
    """

    schema: dict[str, Any]
    values: dict[str, Any]
    read: Callable[[object], Any]


@dataclass(frozen=True)
class PromptSet:
    """One version of the templates in one form."""

    version: str
    form: Form
    language: str
    source: str

    @cached_property
    def _template(self) -> jinja2.Template:
        environment = jinja2.Environment(
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701 - plain text for a model, not HTML
        )
        return environment.from_string(self.source)

    @property
    def label(self) -> str:
        """For provenance: version, form and the beginning of the template's hash."""
        return f"{self.version}-{self.form}-{hashlib.sha256(self.source.encode()).hexdigest()[:8]}"

    def render(self, values: Mapping[str, Any]) -> Prompt:
        """Fill the template."""
        return Prompt(self._block("system", values), self._block("user", values))

    def _block(self, name: str, values: Mapping[str, Any]) -> str:
        return "".join(self._template.blocks[name](self._template.new_context(dict(values)))).strip()


def _root() -> Traversable:
    """The installed templates, else those of the repository that this module is run from."""
    try:
        return resources.files(_PACKAGE)
    except ModuleNotFoundError:
        return Path(__file__).resolve().parents[2] / "prompts"


def versions() -> tuple[str, ...]:
    """The versions that are there, oldest first."""
    found = [entry.name for entry in _root().iterdir() if entry.is_dir() and _VERSION.fullmatch(entry.name)]
    return tuple(sorted(found, key=lambda name: int(name[1:])))


def load_prompts(form: Form, version: str = "") -> PromptSet:
    """The templates of a version (default: the newest). Raises SettingsError when there is no such version."""
    there = versions()
    chosen = version or (there[-1] if there else "")
    if chosen not in there:
        raise SettingsError(
            f"CLAIMS_SIM_PROMPT_VERSION={chosen} is not allowed: the versions are {', '.join(there) or 'missing'}."
        )
    folder = _root() / chosen
    manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    language = str(manifest["language"])
    source = (folder / f"{form}.{language}.j2").read_text(encoding="utf-8")
    return PromptSet(chosen, form, language, source)


def short_name(label: str) -> str:
    """A code system's label without brackets, cut at a word: each token costs a small model milliseconds."""
    plain = _BRACKETED.sub("", label).strip()
    if len(plain) <= _LONGEST_NAME:
        return plain
    head = plain.split(", ")[0]
    return head if len(head) <= _LONGEST_NAME else head[:_LONGEST_NAME].rsplit(" ", 1)[0]


@dataclass(frozen=True, slots=True)
class Names:
    """Names for codes, from the code systems as the profile keeps them; a code they do not know has none."""

    diagnoses: Mapping[str, str]
    procedures: Mapping[str, str]

    @classmethod
    def of(cls, profile: Profile) -> "Names":
        """The names that a profile's codes have, short."""
        return cls(
            {code: short_name(name) for code, name in profile.dx_names.items()},
            {code: short_name(name) for code, name in profile.procedure_names.items()},
        )

    def patient(self, brief: Mapping[str, Any]) -> str:
        """One line: diagnosis, severity, service."""
        words = (
            self.diagnoses.get(brief["dx_primary_code"], "unlisted diagnosis"),
            _SEVERITIES.get(str(brief.get("severity_group")).lower(), ""),
            _SERVICES.get(str(brief.get("service_type")), ""),
        )
        return ", ".join(word for word in words if word)


def facility(brief: Mapping[str, Any]) -> str:
    """Class and province in words of ours; empty for values that are not public vocabulary."""
    province = str(brief.get("province_name"))
    match = _CLASS.fullmatch(str(brief.get("facility_class")))
    words = (f"class {match[1].upper()} hospital" if match else "", province if province in PROVINCES else "")
    return ", ".join(word for word in words if word)


def rule_words(errors: tuple[str, ...]) -> list[str]:
    """Names of broken rules as words."""
    return [name.replace("_", " ") for name in errors]
