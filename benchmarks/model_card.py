"""Write the figures of docs/model-card.md anew: rules, shares above thresholds and quality, on the built-in demo source.

Run:  OMP_NUM_THREADS=1 python benchmarks/model_card.py        after a change of the scorer (about a minute of CPU)
Only what stands between a pair of markers such as <!-- quality --> is replaced.
"""

import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

CARD = Path(__file__).parent.parent / "docs" / "model-card.md"
ROWS = 100_000
BARS = {
    "auc": ("AUC", 0.90),
    "average_precision": ("average precision", 0.50),
    "precision_at_1": ("precision at 1 %", 0.75),
}


def table(head, rows):
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)])


def rules(card):
    rows = [
        (f"`{rule.name}`", f"{rule.weight:.2f}", f"{rule.clean_share:.2%}", rule.description, rule.source)
        for rule in card.rules
    ]
    return table(("rule", "weight", "fires on clean claims", "says", "source"), rows)


def shares(card):
    rows = [(f"{at:g}", f"{promised:.3%}", f"{measured:.3%}") for at, (promised, measured) in card.above.items()]
    return table(("`risk_score` at or above", "promised share of clean claims", "measured"), rows)


def quality(exam):
    rows = []
    for name, (title, bar) in BARS.items():
        one = exam.quality[name]
        missed = "" if one.value >= bar else ", **missed**"
        rows.append((title, f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})", f"{bar:.2f}{missed}"))
    kinds = []
    for kind in sorted(exam.kinds, key=lambda one: -one.recall_at_2.value):
        low, high = kind.recall_at_2.interval
        found = f"{kind.recall_at_2.hits} of {kind.recall_at_2.count}"
        kinds.append((kind.kind.replace("_", " "), found, f"{low:.0%} to {high:.0%}", f"{kind.auc.value:.3f}"))
    decoys = ", ".join(
        f"{share.hits} of {share.count} ({name.replace('_', ' ')})" for name, share in exam.decoys.items()
    )
    return "\n\n".join(
        [
            table(("measure", "value", "bar of the project"), rows),
            table(("kind", "found among the highest 2 %", "95 % interval", "AUC"), kinds),
            f"Of decoys, which look odd and are right, it flags {decoys}.",
        ]
    )


def main():
    from claims_sim import pipeline
    from claims_sim.demo.source import write_demo_source
    from claims_sim.pipeline.examining import evaluate_scores
    from claims_sim.settings import load_settings

    with tempfile.TemporaryDirectory(prefix="model-card-") as place:
        settings = load_settings(state_dir=Path(place), author="statistical")
        write_demo_source(settings.source_path, ROWS, 1)
        pipeline.keep_profile(settings, pipeline.profile_source(settings, datetime.now(UTC)).profile)
        card = pipeline.describe_scorer(settings)
        exam = evaluate_scores(settings).exam
    text = CARD.read_text(encoding="utf-8")
    for name, content in {"rules": rules(card), "shares": shares(card), "quality": quality(exam)}.items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        assert marks.search(text), f"{CARD} has no markers for {name}"
        text = marks.sub(lambda found, content=content: found[1] + content + found[2], text)
        print(content + "\n")
    CARD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
