"""The step that watches how claims are written: is the model's share what it should be, do claims differ enough?"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from claims_sim.generation.diversity import (
    COLUMNS,
    SIZES,
    Diversity,
    Usual,
    as_json,
    comparable,
    usual_diversity,
)
from claims_sim.pipeline.fidelity import write_whole
from claims_sim.pipeline.profiling import kept_profile_path
from claims_sim.pipeline.resources import database
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.settings import Settings
from claims_sim.store.writing import Writing, newest_unasked, newest_writing

LEAST_SHARE: Final = 0.95
"""Of the planned claims a model is to write so many itself, repairs included."""
_FEWEST_PLANNED: Final = 20
_ERRORS: Final = 2.0  # standard errors: what chance explains of a share of few claims
_USUAL_FROM: Final = 100_000  # sampled claims


@dataclass(frozen=True, slots=True)
class AuthorWatch:
    """How the newest batches were written, and how their claims differ; None where there are too few to say."""

    writing: Writing
    diversity: Diversity | None
    usual: Usual | None
    anomaly_rate: float

    @property
    def share(self) -> float | None:
        """The model's part of the claims that it was to write; None while these are too few."""
        return self.writing.own / self.writing.planned if self.writing.planned >= _FEWEST_PLANNED else None

    @property
    def falling_back(self) -> str:
        """What is wrong with the model's share, in a line; empty when nothing is."""
        writing, share = self.writing, self.share
        if share is None or share >= LEAST_SHARE - _ERRORS * float(
            np.sqrt(LEAST_SHARE * (1 - LEAST_SHARE) / writing.planned)
        ):
            return ""
        why = writing.problems[0] if writing.problems else "review rejected what it wrote"
        return (
            f"{writing.model} wrote {share:.0%} of the {writing.planned:,} claims of the last {writing.batches} batches "
            f"(at least {LEAST_SHARE:.0%} is usual); the statistical author stepped in. Mostly: {why}"
        )

    @property
    def alike(self) -> str:
        """What is wrong with how claims differ, in a line; empty when nothing is."""
        if self.diversity is None or self.usual is None:
            return ""
        found, usual = self.diversity, self.usual
        wrong = []
        if found.sets < usual.fewest_sets:
            wrong.append(
                f"{found.sets} distinct sets of procedure and companions, where the profile makes {usual.sets:.0f}"
            )
        # A repeated claim may be an anomaly that was asked for.
        if found.repeats > usual.most_repeats + self.anomaly_rate:
            wrong.append(f"{found.repeats:.1%} repeat an earlier claim, where the profile makes {usual.repeats:.1%}")
        return f"The last {found.claims:,} claims are too much alike: {'; '.join(wrong)}." if wrong else ""


def watch_author(settings: Settings) -> AuthorWatch:
    """Look at the newest batches of the outbox and the newest claims of the stream."""
    db = database(settings)
    with db.kept_open():
        claims, profile_hash = newest_unasked(db, max(SIZES), COLUMNS)
        writing = newest_writing(db)
    both = comparable(claims, _usual(settings, profile_hash)) if profile_hash else None
    diversity, usual = both or (None, None)
    return AuthorWatch(writing, diversity, usual, settings.anomaly_rate)


def _usual(settings: Settings, profile_hash: str) -> tuple[Usual, ...]:
    """What claims of the profile show; counted once a profile from sampled claims, then kept."""
    path = settings.state_dir / "diversity" / f"{profile_hash[:16]}.json"
    if path.is_file():
        return Usual.read(path.read_text(encoding="utf-8"))
    profile = Profile.load(kept_profile_path(settings, profile_hash))
    sampled = Sampler(profile).draw_claims(stream_key("diversity", profile_hash), np.arange(_USUAL_FROM))
    usual = usual_diversity(sampled)
    write_whole(path, as_json(usual))
    return usual
