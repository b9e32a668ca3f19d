"""`claims-sim prompt`: look at the prompts as they are sent, and at what changed between two versions."""

import difflib
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from claims_sim.errors import SettingsError
from claims_sim.generation.bands import draw_bands
from claims_sim.generation.names import Names
from claims_sim.generation.options import draw_options
from claims_sim.generation.prompt import FORMS, Form, chosen_version, load_manifest, load_prompts, versions
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.settings import Settings

_CHARACTERS_A_TOKEN: Final = 3.5  # about, for English names of diseases


def as_form(text: str) -> Form:
    """`text` as the name of a form. Raises SettingsError."""
    for form in FORMS:
        if text == form:
            return form
    raise SettingsError(f"--form {text} is not allowed: the forms are {', '.join(FORMS)}.")


def listed() -> list[dict[str, Any]]:
    """The manifests of all versions, with the label of each of their prompts."""
    return [
        asdict(load_manifest(version))
        | {
            "labels": [
                load_prompts(form, version, language).label
                for form in FORMS
                for language in load_manifest(version).languages
            ]
        }
        for version in versions()
    ]


def shown(settings: Settings, profile: Profile, form: Form) -> dict[str, Any]:
    """A prompt as a model gets it: for one brief that the seed decides, with the schema of the answer."""
    prompts = load_prompts(form, settings.prompt_version, settings.prompt_language)
    sampler, rows, key = Sampler(profile), np.arange(1), stream_key(settings.seed, "prompt show")
    names, briefs = Names.of(profile, prompts.words), sampler.draw_briefs(key, rows)
    if form == "choice":
        (asked,) = draw_options(sampler, key, rows, briefs).asked(names, bare=False)
    else:
        (asked,) = draw_bands(sampler, key, rows, briefs, names).asked()
    (brief,) = briefs.to_pylist()
    values = {"patient": names.patient(brief), "facility": names.facility(brief), "errors": []}
    prompt = prompts.render(asked.values | values)
    characters = len(prompt.system) + len(prompt.user)
    return {
        "prompt": prompts.label,
        "characters": characters,
        "tokens, about": round(characters / _CHARACTERS_A_TOKEN),
        "system": prompt.system,
        "user": prompt.user,
        "schema": asked.schema,
    }


def difference(old: str, new: str, form: Form, language: str) -> str:
    """What changed from one version (or version.language, such as v1.id) to another: a unified diff, empty when nothing."""
    before, after = (_text_of(name, form, language) for name in (old, new))
    return "".join(difflib.unified_diff(before[1], after[1], before[0], after[0]))


def _text_of(name: str, form: Form, language: str) -> tuple[str, list[str]]:
    version, _, own = name.partition(".")
    prompts = load_prompts(form, chosen_version(version), own or language)
    words = "".join(f"{key} = {value}\n" for key, value in prompts.words.items())
    return prompts.label, f"{prompts.source.rstrip()}\n\n{words}".splitlines(keepends=True)
