"""A score: what was measured, what untouched real claims get, what is to be reached, and what all that means."""

from dataclasses import asdict, dataclass
from math import inf, sqrt
from typing import Any, Final, Literal

Verdict = Literal["meets", "unsure", "misses"]

MEANINGS: Final = {
    "c2st": (
        "Told apart by a classifier",
        "How often a classifier picks the synthetic one of a real and a synthetic claim: 0.5 is guessing, 1 always.",
    ),
    "c2st_audit": (
        "Told apart by an auditor",
        "The same with the columns an auditor adds: differences of amounts and dates, remainders, is the price a usual one.",
    ),
    "columns": (
        "Largest gap of a column",
        "By how much the worst column lies further from the real one than untouched real claims do.",
    ),
    "pairs": (
        "Largest gap of a pair",
        "By how much the joint distribution of the worst pair of columns lies further off than that of untouched claims.",
    ),
    "slices": (
        "Gap within slices",
        "How far amounts and stays lie apart inside the commonest diagnoses, the classes and the dearest claims, on average.",
    ),
    "tstr": (
        "Teaches as well as real claims",
        "How well a cost model (one of stays, where there are no amounts) learned on synthetic claims predicts real ones (R²), "
        "as a share of one learned on real claims.",
    ),
    "rule_violations": (
        "Broken rules",
        "Claims that break a rule which no real claim breaks: accounting, dates, lists, grammar.",
    ),
    "irregularities": (
        "Irregularities at their rate",
        "Of rules that real claims break too, the largest difference of the rates.",
    ),
    "exact_copies": ("Copies", "Claims equal to a real one in every compared column."),
    "money_replay": (
        "Amounts seen before",
        "Claims whose amounts occur in the real table: tariffs repeat, so both more and less than real claims is wrong.",
    ),
    "unique_replay": (
        "Unique cases seen before",
        "Claims whose amount, diagnosis and stay are those of exactly one real claim.",
    ),
    "amount_repeats": (
        "Amounts shared",
        "Claims that share their amount with another claim of their own table: low where a price list was lost.",
    ),
    "dcr_share": (
        "Nearer than usual",
        "The chance that a claim lies nearer to a real claim than an untouched real one does: 0.5 is usual, more is copying.",
    ),
}


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is good between `low` and `high`; `floor` is what real claims get in its place.

    `noise` is two standard errors of what chance adds at these sizes: a goal missed by less is not called missed.
    """

    name: str
    value: float
    floor: float
    low: float
    high: float
    noise: float
    where: str = ""

    @property
    def title(self) -> str:
        """The score's name for people."""
        return MEANINGS[self.name][0]

    @property
    def meaning(self) -> str:
        """One sentence on what the score says."""
        return MEANINGS[self.name][1]

    @property
    def verdict(self) -> Verdict:
        """Is the goal met, missed, or missed by less than chance alone explains?"""
        beyond = max(self.low - self.value, self.value - self.high)
        return "meets" if beyond <= 0 else "unsure" if beyond <= self.noise else "misses"

    @property
    def goal(self) -> str:
        """The goal in words, such as `at most 0.549`."""
        if self.low == -inf:
            return f"at most {self.high:.3f}"
        return f"at least {self.low:.3f}" if self.high == inf else f"{max(self.low, 0):.3f} to {min(self.high, 1):.3f}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON: numbers, goal, verdict and meaning."""
        values = asdict(self) | {"goal": self.goal, "verdict": self.verdict, "title": self.title}
        values |= {"low": None if self.low == -inf else self.low, "high": None if self.high == inf else self.high}
        return values | {"meaning": self.meaning}


def at_most(name: str, value: float, floor: float, slack: float, noise: float, where: str = "") -> Score:
    """A score that may exceed its floor by `slack`."""
    return Score(name, value, floor, -inf, floor + slack, noise, where)


def at_least(name: str, value: float, floor: float, bound: float, noise: float) -> Score:
    """A score that must reach `bound`."""
    return Score(name, value, floor, bound, inf, noise)


def near(name: str, value: float, floor: float, slack: float, noise: float, where: str = "") -> Score:
    """A score that may differ from its floor by `slack` on either side."""
    return Score(name, value, floor, floor - slack, floor + slack, noise, where)


def noise_of_rank(rows: int) -> float:
    """Two standard errors of the difference of two rank statistics (area under the curve) of `rows` a side."""
    return 2 * sqrt(2 * (2 * rows + 1) / (12 * rows * rows)) if rows else inf


def noise_of_share(share: float, rows: int) -> float:
    """Two standard errors of the difference of two shares of `rows` claims each."""
    p = min(max(share, 1 / max(rows, 1)), 0.5)
    return 2 * sqrt(2 * p * (1 - p) / max(rows, 1))


def noise_of_r2(r2: float, rows: int) -> float:
    """Two standard errors of the difference of two R² on `rows` claims (large-sample variance 4R²(1-R²)²/n)."""
    return 2 * sqrt(2 * 4 * max(r2, 0.01) * (1 - r2) ** 2 / max(rows, 1))
