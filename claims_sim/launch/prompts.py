"""`claims-sim prompt`: look at prompts as they are sent, at what changed between versions, and measure them."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from claims_sim import pipeline
from claims_sim.errors import SettingsError
from claims_sim.generation.bands import draw_bands
from claims_sim.generation.names import Names
from claims_sim.generation.options import draw_options
from claims_sim.generation.prompt import FORMS, Form, chosen_version, load_manifest, load_prompts, versions
from claims_sim.launch.interrupt import interruptible
from claims_sim.launch.progress import progress
from claims_sim.pipeline import PromptReport
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
        (asked,) = draw_options(sampler, key, rows, briefs, alike=prompts.answer == "name").asked(
            names, bare=False, answer=prompts.answer
        )
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


def evaluated(settings: Settings, names: Sequence[str], count: int, trials: int) -> list[PromptReport]:
    """What the model makes of each of the prompts (version, or version.language); none: of the prompts in force."""
    chosen = [_version_and_language(name, settings) for name in names or [settings.prompt_version]]
    with progress("claims", count * len(chosen)) as advance, interruptible() as check:
        return pipeline.evaluate_prompts(settings, chosen, count, trials=trials, advance=advance, check=check)


def _version_and_language(name: str, settings: Settings) -> tuple[str, str]:
    version, _, language = name.partition(".")
    return chosen_version(version), language or settings.prompt_language


def as_table(reports: Sequence[PromptReport]) -> str:
    """Reports side by side, a figure a line and a prompt a column."""
    columns = [dict(_figures(report)) for report in reports]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [[name, *(column.get(name, "-") for column in columns)] for name in names]
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns) + 1)]
    return "\n".join("  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def _figures(report: PromptReport) -> Iterator[tuple[str, str]]:
    output, choices, trials, diversity = report.output, report.choices, report.trials, report.diversity
    yield "prompt", report.prompt
    yield "model", output.model
    yield "claims planned", f"{output.planned:,}"
    yield "valid at first try", f"{output.first_try:.1%}"
    yield "valid after repair", f"{output.accepted:.1%}"
    yield "tokens an accepted claim", f"{output.tokens_in:.0f} read, {output.tokens_out:.1f} written"
    yield "seconds an accepted claim", f"{output.seconds:.2f}"
    yield f"care sets in {diversity.claims:,} claims", f"{diversity.sets}"
    yield f"repeats in {diversity.claims:,} claims", f"{diversity.repeats:.1%}"
    if choices:
        yield "numbers chosen", " ".join(f"{share:.0%}" for share in choices.numbers)
        yield "fits better than another", f"{choices.wins:.1%} ± {choices.wins_error:.1%}"
        yield "lift over a random pick", f"{choices.lift:+.3f} sd"
        yield "implausible choices", f"{choices.implausible:.2%} (at random {choices.implausible_at_random:.2%})"
    if trials.orders:
        yield "same care when asked again", f"{trials.again:.0%}"
        yield "same care in reverse order", f"{trials.reversed:.0%}"
        yield "right care among foreign", f"{trials.recognised:.0%} (by chance {trials.by_chance:.0%})"
