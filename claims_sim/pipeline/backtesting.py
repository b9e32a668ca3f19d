"""The step that sends the same labelled claims through several scorers and tells how they differ. Stores nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from claims_sim.errors import SettingsError
from claims_sim.pipeline.examining import as_scores, claims_per_day
from claims_sim.pipeline.labelled import LabelledRequest, labelled_claims
from claims_sim.pipeline.profiling import current_profile
from claims_sim.pipeline.scoring import open_scorer
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.scoring.evaluation.answers import PLACES, Answers, answers_of
from claims_sim.scoring.evaluation.evaluate import Evaluation, evaluate
from claims_sim.scoring.evaluation.measures import Bools, Share, paired_difference, taken_at
from claims_sim.scoring.evaluation.ranking import Estimate, Ranking, Together
from claims_sim.settings import Settings

CHUNK: Final = 20_000
"""Claims that a scorer is given at once, in the order of the stream."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One scorer: what it was asked for as, what it calls itself, and its evaluation and figures over all seeds."""

    spec: str
    name: str
    version: str
    by_seed: tuple[Evaluation, ...]
    quality: dict[str, Estimate]
    kinds: dict[str, Share]
    decoys: dict[str, Share]
    caught_per_day: float

    @property
    def title(self) -> str:
        """How it is told from the others."""
        return f"{self.name} {self.version}".strip() or self.spec


@dataclass(frozen=True, slots=True)
class Duel:
    """The first scorer against the one at `other`: paired differences, first minus other."""

    other: int
    quality: dict[str, Estimate]
    kinds: dict[str, Estimate]
    caught_per_day: float


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of it; `lost_per_day` is rupiah, at the source's own volume of claims."""

    profile: Profile
    asked: LabelledRequest
    seeds: tuple[int, ...]
    contestants: tuple[Contestant, ...]
    duels: tuple[Duel, ...]
    lost_per_day: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; shares from 0 to 1, amounts in rupiah."""
        return {
            "profile": self.profile.profile_hash,
            "claims_per_seed": self.asked.count,
            "anomaly_rate": self.asked.rate,
            "seeds": list(self.seeds),
            "rupiah_lost_per_day": self.lost_per_day,
            "scorers": [
                {
                    "spec": one.spec,
                    "scorer": one.title,
                    "nature": [found.nature for found in one.by_seed],
                    "quality": {name: value.as_dict() for name, value in one.quality.items()},
                    "recall_at_2_per_kind": {kind: share.as_dict() for kind, share in one.kinds.items()},
                    "decoys_flagged": {kind: share.as_dict() for kind, share in one.decoys.items()},
                    "rupiah_caught_per_day": one.caught_per_day,
                    "by_seed": [{n: q.value for n, q in found.quality.items()} for found in one.by_seed],
                }
                for one in self.contestants
            ],
            "differences": [
                {
                    "first": self.contestants[0].title,
                    "second": self.contestants[duel.other].title,
                    "quality": {name: value.as_dict() for name, value in duel.quality.items()},
                    "recall_at_2_per_kind": {kind: value.as_dict() for kind, value in duel.kinds.items()},
                    "rupiah_caught_per_day": duel.caught_per_day,
                }
                for duel in self.duels
            ],
        }


def backtest(
    settings: Settings,
    specs: Sequence[str],
    asked: LabelledRequest,
    seeds: int,
    step: Callable[[int], object] = lambda _: None,
) -> Backtest:
    """Let every scorer of `specs` judge the same claims, for each of `seeds` seeds from that of `asked` on.

    `step` is called with 1 whenever a scorer is through with a seed. Raises ScorerError when a scorer fails.
    """
    if len(specs) < 2:
        raise SettingsError(
            "A comparison needs two scorers or more: give each, such as --scorer default --scorer my_scorer:MyScorer."
        )
    profile = current_profile(settings)
    sampler = Sampler(profile)
    chosen = tuple(asked.seed + number for number in range(seeds))
    answers: list[list[Answers]] = [[] for _ in specs]
    names = [("", "")] * len(specs)
    for seed in chosen:
        claims, truth = labelled_claims(profile, replace(asked, seed=seed), sampler)
        for i, spec in enumerate(specs):
            verdicts, names[i] = _verdicts(settings, profile, spec, claims)
            answers[i].append(answers_of(claims.select(["claim_id", *PLACES]), as_scores(verdicts), truth))
            step(1)
    return _compare(profile, asked, chosen, list(specs), names, answers)


def _verdicts(settings: Settings, profile: Profile, spec: str, claims: pa.Table) -> tuple[pa.Table, tuple[str, str]]:
    with open_scorer(settings, profile, spec) as scorer:
        parts = [scorer.score_table(claims.slice(first, CHUNK)) for first in range(0, len(claims), CHUNK)]
        return pa.concat_tables(parts), (scorer.name, scorer.version)


def _compare(
    profile: Profile,
    asked: LabelledRequest,
    seeds: tuple[int, ...],
    specs: list[str],
    names: list[tuple[str, str]],
    answers: list[list[Answers]],
) -> Backtest:
    volume = claims_per_day(profile)
    found = [tuple(evaluate(one, claims_per_day=volume) for one in mine) for mine in answers]
    together = Together([[Ranking(one.labels, one.scores) for one in mine] for mine in answers])
    taken = [np.concatenate([taken_at(one.scores, 0.02) for one in mine]) for mine in answers]
    kinds = np.concatenate([one.kinds for one in answers[0]])
    decoys = np.concatenate([one.decoys for one in answers[0]])
    contestants = tuple(
        Contestant(
            specs[i],
            *names[i],
            found[i],
            together.averages(i),
            _shares(taken[i], kinds),
            _shares(taken[i], decoys),
            float(np.mean([one.workload.caught_per_day for one in found[i]])),
        )
        for i in range(len(specs))
    )
    duels = tuple(
        Duel(
            i,
            together.differences(0, i),
            {
                kind: Estimate(*paired_difference(taken[0][kinds == kind], taken[i][kinds == kind]))
                for kind in contestants[0].kinds
            },
            contestants[0].caught_per_day - contestants[i].caught_per_day,
        )
        for i in range(1, len(specs))
    )
    lost = float(np.mean([one.workload.lost_per_day for one in found[0]]))
    return Backtest(profile, asked, seeds, contestants, duels, lost)


def _shares(taken: Bools, names: np.ndarray) -> dict[str, Share]:
    return {
        name: Share(int(taken[names == name].sum()), int((names == name).sum()))
        for name in sorted(set(names[names != ""]))
    }
