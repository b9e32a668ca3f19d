"""The step that measures an author: lets it write step by step into a file, so that it can stop and go on; then judges.

Works in the production zone when the claims are held against the real table, which is opened read-only.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import numpy as np

from claims_sim.claim_ids import numbered_batch_id
from claims_sim.errors import AuthorError, SettingsError, in_one_line
from claims_sim.generation.batch import BatchRequest, BatchWriter
from claims_sim.generation.coherence import Coherence
from claims_sim.generation.diversity import Diversity
from claims_sim.generation.evaluate import (
    STEP,
    Choices,
    Output,
    Step,
    Trials,
    choices_of,
    diversity_of_payloads,
    output_of,
    run_step,
    run_trials,
)
from claims_sim.generation.llm_author import LLMAuthor
from claims_sim.llm.prices import parse_prices, price_of
from claims_sim.pipeline.authoring import batch_writer
from claims_sim.pipeline.fidelity import measure_fidelity
from claims_sim.pipeline.profiling import current_profile
from claims_sim.pipeline.source_table import source_spec
from claims_sim.profile.document import Profile
from claims_sim.profile.reading.source import read_claims
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.settings import Settings

FEWEST_FOR_C2ST: Final = 400
_REFERENCE_ROWS: Final = 120_000
_AS_OF: Final = datetime(2000, 1, 1, tzinfo=UTC)  # claims of the past follow from profile and seed; this only makes ids
_TOLD: Final = ("c2st", "c2st_audit")


@dataclass(frozen=True, slots=True)
class Told:
    """How well a classifier tells claims from real ones (area under the curve), and untouched real ones (`floor`)."""

    name: str
    value: float
    floor: float
    statistical: float


@dataclass(frozen=True, slots=True)
class AuthorReport:
    """What was measured of an author; `baseline` figures are of the statistical author with the same briefs."""

    prompt: str
    profile: str
    source: str
    output: Output
    choices: Choices | None
    trials: Trials
    diversity: Diversity
    baseline_diversity: Diversity
    fit: float
    baseline_fit: float
    told: tuple[Told, ...]
    cost_per_1000: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def evaluate_author(
    settings: Settings,
    count: int,
    *,
    trials: int = 100,
    advance: Callable[[int], object] = lambda _: None,
    check: Callable[[], object] = lambda: None,
) -> AuthorReport:
    """Let the settings' language model write `count` claims of the past and measure them against the source.

    What was written for the same model, prompts, profile and seed is not written again, so that a stopped measurement
    goes on. `check` is called between steps and may raise. Raises AuthorError when the model wrote nothing.
    """
    if settings.author != "llm":
        raise SettingsError("eval-author measures a language model: set CLAIMS_SIM_AUTHOR=llm.")
    profile = current_profile(settings)
    spec = source_spec(settings)
    coherence = Coherence.of(read_claims(spec, _REFERENCE_ROWS))
    folder, prompt, steps, tried = _measured(settings, profile, coherence, count, trials, advance, check)
    claims = [line for step in steps for line in step.claims]
    if not claims:
        why = in_one_line(output_of(steps).problems) or "review rejected all that it wrote."
        raise AuthorError(f"{steps[-1].model} wrote no claim: {why}")
    lines = folder / "claims.jsonl"
    lines.write_text("".join(f"{line}\n" for line in claims), encoding="utf-8")
    theirs, their_fit = _baseline(profile, coherence, steps, settings.seed)
    (folder / "baseline.jsonl").write_text("".join(f"{line}\n" for line in theirs), encoding="utf-8")
    output = output_of(steps)
    price = price_of(parse_prices(settings.llm_prices), output.model)
    return AuthorReport(
        prompt=prompt,
        profile=profile.profile_hash,
        source=settings.source_path.name,
        output=output,
        choices=choices_of([pick for step in steps for pick in step.picks]),
        trials=tried,
        diversity=diversity_of_payloads([json.loads(line) for line in claims]),
        baseline_diversity=diversity_of_payloads([json.loads(line) for line in theirs]),
        fit=float(np.average([step.fit for step in steps], weights=[max(len(step.claims), 1e-9) for step in steps])),
        baseline_fit=their_fit,
        told=tuple(_told(settings, lines, folder / "baseline.jsonl")) if len(claims) >= FEWEST_FOR_C2ST else (),
        cost_per_1000=None
        if price is None
        else 1000 * price.of(1, 0) * output.tokens_in + 1000 * price.of(0, 1) * output.tokens_out,
    )


@dataclass(frozen=True, slots=True)
class PromptReport:
    """What a model made of one version and language of the prompts; as in AuthorReport."""

    prompt: str
    output: Output
    choices: Choices | None
    trials: Trials
    diversity: Diversity

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def evaluate_prompts(
    settings: Settings,
    prompts: Sequence[tuple[str, str]],
    count: int,
    *,
    trials: int,
    advance: Callable[[int], object] = lambda _: None,
    check: Callable[[], object] = lambda: None,
) -> list[PromptReport]:
    """Let the settings' model write the same briefs under several (version, language) of the prompts.

    Opens no source: what fits together is taken from claims of the profile. Otherwise as `evaluate_author`.
    """
    if settings.author != "llm":
        raise SettingsError("prompt eval measures prompts with a language model: set CLAIMS_SIM_AUTHOR=llm.")
    profile = current_profile(settings)
    sampled = Sampler(profile).draw_claims(stream_key(settings.seed, "coherence"), np.arange(_REFERENCE_ROWS))
    coherence = Coherence.of(sampled)
    reports = []
    for version, language in prompts:
        own = settings.model_copy(update={"prompt_version": version, "prompt_language": language})
        _, label, steps, tried = _measured(own, profile, coherence, count, trials, advance, check, kind="prompts")
        claims = [json.loads(line) for step in steps for line in step.claims]
        choices = choices_of([pick for step in steps for pick in step.picks])
        reports.append(PromptReport(label, output_of(steps), choices, tried, diversity_of_payloads(claims)))
    return reports


def _measured(
    settings: Settings,
    profile: Profile,
    coherence: Coherence,
    count: int,
    trials: int,
    advance: Callable[[int], object],
    check: Callable[[], object],
    kind: str = "",
) -> tuple[Path, str, list[Step], Trials]:
    """The folder of the measurement, the label of its prompt, what was written, and the trials."""
    plain = settings.model_copy(update={"anomaly_rate": 0.0})
    with batch_writer(plain, profile, deadline_s=None) as writer:
        if isinstance(writer.author, LLMAuthor):
            writer.author.prepare()  # the form of its prompts may follow from what it can do
        folder = _folder(settings, profile, writer, kind)
        folder.mkdir(parents=True, exist_ok=True)
        steps = _written(folder, writer, coherence, count, settings.seed, advance, check)
        tried = _tried(folder, writer, settings.seed, trials)
        return folder, writer.author.prompt_version, steps, tried


def _folder(settings: Settings, profile: Profile, writer: BatchWriter, kind: str) -> Path:
    """Where a measurement is kept: one for each model (by its own name, whatever the settings call it), prompt, profile and seed."""
    author = writer.author
    asked = (settings.llm_base_url, author.model, author.prompt_version, profile.profile_hash, str(settings.seed), kind)
    return settings.state_dir / "evaluation" / sha256("\0".join(asked).encode()).hexdigest()[:16]


def _written(
    folder: Path,
    writer: BatchWriter,
    coherence: Coherence,
    count: int,
    seed: int,
    advance: Callable[[int], object],
    check: Callable[[], object],
) -> list[Step]:
    path = folder / "steps.jsonl"
    # A step without a claim tells of the server (its key, its budget, its absence): it is made again the next time.
    known = {step.number: step for step in _read_steps(path) if step.claims}
    steps = []
    for number in range(-(-count // STEP)):
        step = known.get(number)
        if step is None:
            check()
            step = run_step(writer, coherence, number, STEP, seed, _AS_OF)
            if step.claims:
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(step.as_dict()) + "\n")
        steps.append(step)
        advance(STEP)
    return steps


def _read_steps(path: Path) -> Iterator[Step]:
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            yield Step.of(json.loads(line))
        except (ValueError, KeyError, TypeError):
            continue  # torn by a crash: the step is made again


def _tried(folder: Path, writer: BatchWriter, seed: int, count: int) -> Trials:
    path = folder / f"trials-{count}.json"
    if path.exists():
        return Trials(**json.loads(path.read_text(encoding="utf-8")))
    author = writer.author
    if not isinstance(author, LLMAuthor) or not count:
        return Trials(0.0, 0.0, 0, 0.0, 0.0, 0)
    found = run_trials(author, writer.sampler, seed, count)
    path.write_text(json.dumps(asdict(found)), encoding="utf-8")
    return found


def _baseline(profile: Profile, coherence: Coherence, steps: list[Step], seed: int) -> tuple[list[str], float]:
    """The statistical author's claims for the same briefs, and how well they fit."""
    writer, lines, fits = BatchWriter(profile), list[str](), list[float]()
    for step in steps:
        batch = writer.write(
            BatchRequest(numbered_batch_id(_AS_OF, step.number), step.planned, seed, _AS_OF, "history")
        )
        lines += batch.payloads
        fits.append(float(coherence.score(batch.claims).mean()))
    return lines, float(np.mean(fits))


def _told(settings: Settings, ours: Path, theirs: Path) -> Iterator[Told]:
    """The classifier two-sample tests, of the model's claims and of the statistical author's."""
    first, second = (measure_fidelity(settings, path).fidelity for path in (ours, theirs))
    beside = {score.name: score for score in second.scores}
    for score in first.scores:
        if score.name in _TOLD:
            yield Told(score.name, score.value, score.floor, beside[score.name].value)
