"""Load and render prompts: versioned templates, in a form and a language, under `prompts/<version>/`.

Knows text and versions only. What fills a template is named in `names.py`.
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

from claims_sim.errors import SettingsError

Form = Literal["choice", "full"]
FORMS: Final[tuple[Form, ...]] = ("choice", "full")
ANSWER_SCHEMAS: Final = {"1": "number", "2": "name"}
"""Versions of answers that this code reads: what a *choice* is answered by. A template that asks for others is not for it."""
_PACKAGE: Final = "claims_sim_prompts"
_VERSION: Final = re.compile(r"v(\d+)")


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


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version says of itself; `most_characters` bounds a whole prompt of each form."""

    name: str
    version: str
    schema_version: str
    forms: tuple[str, ...]
    languages: tuple[str, ...]
    changelog: tuple[str, ...]
    most_characters: Mapping[str, int]
    is_trial: bool = False
    """Never the default: kept to be measured beside the others."""


@dataclass(frozen=True)
class PromptSet:
    """One version of the templates, in one form and language.

    `words` are those that briefs and options are put in; `answer` is what an option is chosen by: `number` or `name`.
    """

    version: str
    form: Form
    language: str
    source: str
    words: Mapping[str, str]
    answer: str = "number"

    @cached_property
    def _template(self) -> jinja2.Template:
        environment = jinja2.Environment(
            undefined=jinja2.StrictUndefined,
            autoescape=False,  # noqa: S701 - plain text for a model, not HTML
        )
        return environment.from_string(self.source)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all the text that this set may put into a prompt."""
        words = "\n".join(f"{key} = {value}" for key, value in sorted(self.words.items()))
        return hashlib.sha256(f"{self.source}\0{words}".encode()).hexdigest()

    @property
    def label(self) -> str:
        """For provenance: version, form, language and the beginning of the hash."""
        return f"{self.version}-{self.form}-{self.language}-{self.digest[:8]}"

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


def chosen_version(version: str = "") -> str:
    """`version`, or the newest one that is no trial. Raises SettingsError when there is no such version."""
    there = versions()
    chosen = version or next((name for name in reversed(there) if not _manifest(name).is_trial), "")
    if chosen not in there:
        raise SettingsError(
            f"CLAIMS_SIM_PROMPT_VERSION={chosen} is not allowed: the versions are {', '.join(there) or 'missing'}."
        )
    return chosen


def load_manifest(version: str = "") -> Manifest:
    """The manifest of a version (default: the newest). Raises SettingsError when there is no such version."""
    return _manifest(chosen_version(version))


def _manifest(version: str) -> Manifest:
    text = (_root() / version / "manifest.toml").read_text(encoding="utf-8")
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in tomllib.loads(text).items()
    }
    return Manifest(**values)


def load_prompts(form: Form, version: str = "", language: str = "en") -> PromptSet:
    """The templates of a version (default: the newest). Raises SettingsError for one that is not there, or not for us."""
    manifest = load_manifest(version)
    if language not in manifest.languages:
        raise SettingsError(
            f"CLAIMS_SIM_PROMPT_LANGUAGE={language} is not allowed: prompts {manifest.version} are there in "
            f"{', '.join(manifest.languages)}."
        )
    if manifest.schema_version not in ANSWER_SCHEMAS:
        raise SettingsError(
            f"CLAIMS_SIM_PROMPT_VERSION={manifest.version} asks for answers of schema {manifest.schema_version}, this "
            f"program reads {', '.join(ANSWER_SCHEMAS)}: take another version."
        )
    folder = _root() / manifest.version
    source = (folder / f"{form}.{language}.j2").read_text(encoding="utf-8")
    words = tomllib.loads((folder / f"words.{language}.toml").read_text(encoding="utf-8"))
    return PromptSet(manifest.version, form, language, source, words, ANSWER_SCHEMAS[manifest.schema_version])
