"""`claims-sim eval-author`: measure a language model as an author, with a bar to watch and a report to read."""

from collections.abc import Iterator

from claims_sim import pipeline
from claims_sim.errors import in_one_line
from claims_sim.launch.interrupt import interruptible
from claims_sim.launch.progress import progress
from claims_sim.pipeline import AuthorReport
from claims_sim.settings import Settings


def run(settings: Settings, count: int, trials: int) -> AuthorReport:
    """Measure; Ctrl-C stops after the step at work, and the next start goes on from there."""
    with progress("claims", count) as advance, interruptible() as check:
        return pipeline.evaluate_author(settings, count, trials=trials, advance=advance, check=check)


def as_text(report: AuthorReport) -> str:
    """The report for people, one figure a line."""
    pairs = list(_pairs(report))
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in pairs)


def _pairs(report: AuthorReport) -> Iterator[tuple[str, str]]:
    output, choices, trials = report.output, report.choices, report.trials
    yield "model", output.model
    yield "prompt", report.prompt
    yield "claims planned", f"{output.planned:,}"
    yield "valid at first try", f"{output.first_try:.1%}"
    yield "valid after repair", f"{output.accepted:.1%} (repaired: {output.repaired:.1%})"
    yield "rejected drafts by rule", _counts(output.reasons)
    yield "let through with a warning", _counts(output.warnings)
    yield "problems", in_one_line(output.problems) or "none"
    yield "claims a minute", f"{60 / output.seconds:.0f} ({output.seconds:.2f} s for each accepted claim)"
    yield "tokens an accepted claim", f"{output.tokens_in:.0f} read, {output.tokens_out:.1f} written"
    cost = report.cost_per_1000
    yield "cost of 1,000 claims", "no price is set (CLAIMS_SIM_LLM_PRICES)" if cost is None else f"{cost:,.4g}"
    ours, theirs = report.diversity, report.baseline_diversity
    yield (
        f"care sets in {ours.claims:,} claims",
        f"{ours.sets} distinct sets of procedure and companions (statistical author: {theirs.sets})",
    )
    yield f"repeats in {ours.claims:,} claims", f"{ours.repeats:.1%} (statistical author: {theirs.repeats:.1%})"
    yield "coherence of the claims", f"{report.fit:.3f} (statistical author: {report.baseline_fit:.3f})"
    if choices:
        numbers = ", ".join(f"{number}: {share:.0%}" for number, share in enumerate(choices.numbers, 1))
        yield "numbers chosen", f"{numbers} (in {choices.picks:,} choices)"
        yield (
            "fits better than another",
            f"{choices.wins:.1%} ± {choices.wins_error:.1%} (by chance: 50 %), lift {choices.lift:+.3f} sd",
        )
        yield (
            "implausible choices",
            f"{choices.implausible:.2%} (a random pick among the same options: {choices.implausible_at_random:.2%})",
        )
    if trials.orders:
        yield "same care when asked again", f"{trials.again:.0%} ({trials.orders} briefs)"
        yield "same care in reverse order", f"{trials.reversed:.0%} (as above, options turned round)"
        yield (
            "right care among foreign",
            f"{trials.recognised:.0%} (by chance: {trials.by_chance:.0%}; {trials.recognitions} briefs)",
        )
    for told in report.told:
        yield (
            told.name,
            f"{told.value:.3f} (untouched real claims: {told.floor:.3f}, statistical author: {told.statistical:.3f})",
        )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "none"
