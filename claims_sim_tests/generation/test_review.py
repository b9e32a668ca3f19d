"""Plausibility in review: what is rejected, what is let through with a warning, and how both are counted."""

from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from claims_sim.generation.author import StatisticalAuthor
from claims_sim.generation.batch import BatchRequest, BatchWriter
from claims_sim.generation.review import Reviewer, borrowed_reviewer
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.rules.plausibility import MOST_OFTEN, PLAUSIBILITY, find_implausible, level_of

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
BATCH = "019cb6e2-0000-7000-8000-000000000002"
LONG = "mild_with_long_stay"
MILD = ClaimFilter.parse(["service=RITL", "severity=ringan", "procedure=none"])


def request(count: int, **changes) -> BatchRequest:
    return replace(BatchRequest(BATCH, count, seed=5, as_of=NOW), **changes)


def with_rates(profile, **rates: float):
    return profile.model_copy(update={"plausibility": {**profile.plausibility, **rates}})


class LongStays:
    """An author that keeps mild cases in hospital for 40 days, in its first `wrong` attempts."""

    name, model, prompt_version = "llm", "scripted", "v0"

    def __init__(self, sampler, wrong: int):
        self.statistical, self.wrong, self.asked = StatisticalAuthor(sampler), wrong, []

    def write(self, assignment):
        self.asked.append(assignment)
        draft = self.statistical.write(assignment)
        if assignment.attempt >= self.wrong:
            return draft
        at = draft.claims.column_names.index("los")
        return replace(draft, claims=draft.claims.set_column(at, "los", pa.array([40] * len(draft.claims), pa.int32())))


def written(profile, wrong: int):
    author = LongStays(BatchWriter(profile).sampler, wrong)
    return author, BatchWriter(profile, author).write(request(8, where=MILD))


def test_an_implausible_claim_goes_back_to_its_author_with_the_rule(profile):
    author, batch = written(with_rates(profile, **{LONG: 0.0}), wrong=1)
    assert author.asked[1].errors == ((LONG,),) * 8
    assert (batch.reasons[LONG], batch.repaired, batch.fallen_back, batch.rejected) == (8, 8, 0, 0)
    assert LONG not in batch.warnings
    assert max(batch.claims["los"].to_pylist()) <= 30


def test_an_author_that_stays_implausible_is_stood_in_for(profile):
    _, batch = written(with_rates(profile, **{LONG: 0.0}), wrong=3)
    assert (batch.reasons[LONG], batch.fallen_back, len(batch.claims)) == (24, 8, 8)
    assert max(batch.claims["los"].to_pylist()) <= 30


def test_what_the_source_does_often_is_let_through_and_counted(profile):
    author, batch = written(with_rates(profile, **{LONG: MOST_OFTEN * 1.1}), wrong=1)
    assert len(author.asked) == 1
    assert (batch.warnings[LONG], batch.repaired) == (8, 0)
    assert LONG not in batch.reasons
    assert batch.claims["los"].to_pylist() == [40] * 8


def test_the_statistical_author_is_held_to_the_same_rules(profile):
    batch = BatchWriter(profile).write(request(20_000))
    assert batch.reasons, "none of 20,000 draws was implausible: the test says nothing"
    levels = {rule.name: level_of(rule, profile.plausibility) for rule in PLAUSIBILITY}
    assert all(levels[name] == "rejects" for name in batch.reasons)
    assert all(levels[name] == "warns" for name in batch.warnings)
    assert (len(batch.claims), batch.rejected) == (20_000, 0)
    left = find_implausible(batch.claims)
    assert {name for names in left.values() for name in names} == set(batch.warnings)
    assert sum(map(len, left.values())) == sum(batch.warnings.values())


@pytest.mark.slow
def test_a_brief_that_nobody_can_fill_plausibly_is_filled_with_a_warning(profile):
    # A stay this long is asked for, so every draw breaks the rule that the source never breaks.
    often = replace(MILD, los=(31.0, 400.0))
    batch = BatchWriter(with_rates(profile, **{LONG: 0.0})).write(request(3, where=often))
    assert (len(batch.claims), batch.rejected, batch.warnings) == (3, 0, {LONG: 3})
    assert batch.reasons[LONG] == 3 * 19


def test_the_relay_sends_what_was_let_through(profile):
    # Plausibility is the authors' business: a foreign claim, and one with a warning, still pass the last gate.
    often = replace(MILD, los=(31.0, 400.0))
    strict = with_rates(profile, **{LONG: 0.0})
    batch = BatchWriter(strict).write(request(3, where=often))
    with Reviewer(strict) as reviewer:
        assert reviewer.judge(batch.claims).reasons == {}


def test_a_reviewer_is_lent_to_one_at_a_time_and_kept_unless_it_failed(profile):
    def borrow():
        return borrowed_reviewer(profile.profile_hash, lambda: profile)

    with borrow() as first, borrow() as second:
        assert first is not second
    with borrow() as again:
        assert again in (first, second)
    with pytest.raises(KeyError), borrow() as failed:
        raise KeyError
    with borrow() as other:
        assert other is not failed
