"""`claims-sim rules`: every rule that claims must pass, what breaking it means, and how often the source breaks it."""

from typing import Any

from claims_sim.generation.review import OFF_REQUEST, rules_of_brief
from claims_sim.profile.document import Profile
from claims_sim.rules.plausibility import PLAUSIBILITY, PlausibilityRule, level_of
from claims_sim.rules.table import ADMISSION, IDENTITIES, Rule, vocabulary_rules


def listed_rules(profile: Profile | None) -> list[dict[str, Any]]:
    """The rules in the order of the gates; without a profile nothing is known of the source.

    `level` is `rejects`, `warns` or `off` (an identity that the source does not keep).
    """
    rows = [_row(rule, "rejects") for rule in ADMISSION]
    for rule in IDENTITIES:
        rate = profile.identities.get(rule.name) if profile else None
        rows.append(_row(rule, "rejects" if rate == 0.0 else "off", rate))
    rows += [_row(rule, "rejects") for rule in (*vocabulary_rules("vocabulary"), *rules_of_brief(), OFF_REQUEST)]
    rates = profile.plausibility if profile else {}
    rows += [_row(rule, level_of(rule, rates), rates.get(rule.name)) for rule in PLAUSIBILITY]
    return rows


def _row(rule: Rule | PlausibilityRule, level: str, rate: float | None = None) -> dict[str, Any]:
    return {
        "gate": rule.gate,
        "name": rule.name,
        "level": level,
        "broken in the source": rate,
        "meaning": rule.meaning,
        "source": rule.source if isinstance(rule, PlausibilityRule) else "",
    }
