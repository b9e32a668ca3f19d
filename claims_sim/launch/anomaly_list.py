"""`claims-sim anomalies`: every kind of anomaly, the decoys, and what no payload can show; also as the tables of the docs."""

from collections.abc import Iterable
from typing import Any

from claims_sim.anomalies.decoys import DECOYS
from claims_sim.anomalies.kinds import KINDS, OUT_OF_SCOPE
from claims_sim.anomalies.quota import STRENGTH_SHARES


def listed_kinds() -> list[dict[str, Any]]:
    """The kinds in their usual order; shares are a kind's part of the default mix without and with the optional keys."""
    plain = sum(kind.share for kind in KINDS.values() if not kind.is_pair)
    whole = sum(kind.share for kind in KINDS.values())
    return [
        {
            "kind": kind.name,
            "share": 0.0 if kind.is_pair else round(kind.share / plain, 4),
            "share with keys": round(kind.share / whole, 4),
            "what": kind.description,
            "guidance": kind.guidance,
            "changes": sorted(kind.changes),
            "may touch": sorted(kind.touches),
            "subtle": kind.strengths[0],
            "plain": kind.strengths[1],
            "blatant": kind.strengths[2],
            "care was given": kind.is_given,
        }
        for kind in KINDS.values()
    ]


def as_markdown() -> str:
    """The tables of docs/anomalies.md."""
    kinds = listed_kinds()
    subtle, plain, blatant = STRENGTH_SHARES
    return "\n\n".join(
        (
            "### Kinds",
            _table(
                ("kind", "share", "with keys", "what", "guidance"),
                (
                    (
                        f"`{k['kind']}`",
                        f"{k['share']:.0%}" if k["share"] else "",
                        f"{k['share with keys']:.0%}",
                        k["what"],
                        k["guidance"],
                    )
                    for k in kinds
                ),
            ),
            "### Strengths",
            _table(
                ("kind", f"subtle ({subtle:.0%})", f"plain ({plain:.0%})", f"blatant ({blatant:.0%})"),
                ((f"`{k['kind']}`", k["subtle"], k["plain"], k["blatant"]) for k in kinds),
            ),
            "### Fields",
            _table(
                ("kind", "always differs", "may differ, too"),
                (
                    (
                        f"`{k['kind']}`",
                        ", ".join(k["changes"]) or "no one field: it equals another claim",
                        ", ".join(sorted(set(k["may touch"]) - set(k["changes"]))) or "nothing",
                    )
                    for k in kinds
                ),
            ),
            "### Decoys",
            _table(
                ("decoy", "which claims", "why they are right"),
                ((f"`{d.name}`", f"`{d.which}`", d.reason) for d in DECOYS),
            ),
            "### Out of scope",
            _table(("act", "why a payload cannot show it"), OUT_OF_SCOPE.items()),
        )
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows))
