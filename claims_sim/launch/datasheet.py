"""The datasheet of an exported set of claims: what it is, how it was made, what it can and cannot be used for.

Follows the questions of "Datasheets for Datasets" (Gebru et al., CACM 64(12), 2021) as far as invented claims raise
them. Holds no time of its making, so that equal requests give equal sheets.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from claims_sim.anomalies.decoys import DECOYS
from claims_sim.anomalies.kinds import KINDS, OUT_OF_SCOPE
from claims_sim.pipeline.labelled import CHUNK, LabelledRequest
from claims_sim.profile.counts.telling import about
from claims_sim.profile.document import Profile

_TRUTH: Final = {
    "claim_id": "the claim; every claim of the set has one row",
    "position": "its place in the set, from 0; the rate is exact over each 1,000",
    "label": "anomaly, decoy (looks odd, is right) or clean",
    "kind": "of anomaly or decoy",
    "guidance": "the item of Permenkes 16/2019 that describes the anomaly; of a decoy, why it is right",
    "strength": "1 subtle, 2 plain, 3 blatant; 0 for claims that are right",
    "fields": "columns that differ from the right claim",
    "before, after": "their right values and those in the claim, JSON; null where no care was given",
    "amount_paid, right_amount, rupiah_lost": "rupiah; what was paid, ought to have been, and the difference",
    "episode, related_claims": "claims that belong together, such as a clone and its original",
    "campaign": "claims of one case at one facility; null for single anomalies",
    "detectable_from": "UTC; when everything needed to see it was there",
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a datasheet tells of. `kinds` counts (label, kind, strength); `files` are SHA-256 by name."""

    profile: Profile
    asked: LabelledRequest
    claims: int
    kinds: Mapping[tuple[str, str, int], int]
    files: Mapping[str, str]
    versions: Mapping[str, str]


def render_datasheet(sheet: Sheet) -> str:
    """The sheet as Markdown."""
    profile, asked = sheet.profile, sheet.asked
    sections = {
        "What": (
            f"{sheet.claims:,} invented health-insurance claims, {_total(sheet, 'anomaly'):,} of them labelled anomalies "
            f"({asked.rate:.1%} asked for) and {_total(sheet, 'decoy'):,} decoys. They follow the statistics of a real or "
            "demo claims table; none is a real claim, and none describes a person.\n\n" + _files(sheet.files)
        ),
        "What it is for": (
            "Known answers to test a scoring pipeline, a rule set or an agent with: join your verdicts with the truth by "
            "claim_id, or let `claims-sim grade --verdicts FILE --truth TRUTH --claims CLAIMS` do it. Keep the truth where "
            "what you test cannot read it."
        ),
        "How it was made": _made(sheet),
        "Anomalies in it": _anomalies(sheet),
        "Decoys": "\n".join(
            f"- {decoy.name}: {sheet_count(sheet, decoy.name)}; {decoy.reason}"
            for decoy in DECOYS
            if sheet_count(sheet, decoy.name) or not decoy.returns
        ),
        "Columns of the truth": "\n".join(f"- `{name}`: {text}" for name, text in _TRUTH.items()),
        "Limits": _limits(profile, has_persons=asked.ref_keys),
        "Licence": "No rights of others are touched: the claims are invented. Use them as you like.",
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# Datasheet: labelled synthetic claims\n\n{body}\n"


def sheet_count(sheet: Sheet, kind: str) -> int:
    """How many claims there are of a kind, all strengths together."""
    return sum(count for (_, one, _), count in sheet.kinds.items() if one == kind)


def _total(sheet: Sheet, label: str) -> int:
    return sum(count for (one, _, _), count in sheet.kinds.items() if one == label)


def _files(files: Mapping[str, str]) -> str:
    return _table(("file", "SHA-256"), ((name, f"`{digest}`") for name, digest in files.items()))


def _made(sheet: Sheet) -> str:
    profile, asked = sheet.profile, sheet.asked
    facts = {
        "seed": str(asked.seed),
        "anomaly rate": f"{asked.rate:g}, exact over each 1,000 claims",
        "kinds": asked.mix or "all, in their usual shares",
        "strength": "a mix of 1, 2 and 3" if not asked.strength else str(asked.strength),
        "share in campaigns": f"{asked.campaign_share:g}",
        "author": "statistical: drawn from the profile, every claim reviewed by the same gate as the stream's",
        "profile": f"{profile.profile_hash[:16]}, of {about(profile.rows)} claims, {profile.period[0]} to {profile.period[1]}",
        "privacy of the profile": f"no number behind fewer than {profile.k} {profile.unit}",
        **{f"version of {name}": text for name, text in sheet.versions.items()},
    }
    return (
        "Claims are drawn from the profile. At places that the seed chooses blindly, a claim is then changed into an "
        "anomaly, in place: no untouched original stands beside it, save for clones and what follows "
        "another claim of its person. Each anomaly is verified (it changed "
        "what its kind says and nothing else) and passes the same review as any claim.\n\n"
        + _table(("what", "value"), facts.items())
        + "\n\nThe same profile, options and versions give the same bytes."
    )


def _anomalies(sheet: Sheet) -> str:
    rows = [
        (
            kind.name,
            kind.description,
            kind.guidance,
            *(f"{sheet.kinds.get(('anomaly', kind.name, s), 0)} ({kind.strengths[s - 1]})" for s in (1, 2, 3)),
        )
        for kind in KINDS.values()
        if sheet_count(sheet, kind.name)
    ]
    return _table(("kind", "what", "guidance", "subtle", "plain", "blatant"), rows) if rows else "None."


def _limits(profile: Profile, *, has_persons: bool) -> str:
    lines = [
        "Subtle anomalies are meant to be hard, and some cannot be told from right claims by any scorer: a perfect score "
        "is not to be expected.",
        "Claims that are labelled clean follow the source's statistics. If the source holds fraud, so do they, unlabelled.",
        "Rare codes of the source are counted as commoner ones of their category, so that rare diseases are missing.",
        *_about_persons(has_persons),
        *(f"Absent, because the source has none: {name}." for name in profile.absent),
        *(f"Out of scope: {item}; {why}." for item, why in OUT_OF_SCOPE.items()),
    ]
    return "\n".join(f"- {line}" for line in lines)


def _about_persons(has_persons: bool) -> list[str]:
    if not has_persons:
        return ["Claims have no persons: what shows only over several visits of one person is not in the set."]
    return [
        "Persons, hospitals and episodes are made up. How often persons return is an assumption, no statistic of the source, "
        f"and a person's claims lie within one batch of {CHUNK:,} claims.",
    ]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
