"""The watch over how claims are written: silent while all is well, one line when the model stays away or repeats itself."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from claims_sim import pipeline
from claims_sim.claim_ids import numbered_batch_id
from claims_sim.generation.author import Assignment, Draft, StatisticalAuthor
from claims_sim.generation.batch import BatchRequest, BatchWriter
from claims_sim.generation.diversity import COLUMNS, comparable, diversity_of, usual_diversity
from claims_sim.orchestration.checks import author_checks
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.profile.sampler import Sampler

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class Scripted:
    """A model that writes what `change` makes of the statistical author's draft."""

    name, model, prompt_version = "llm", "scripted", "v1"

    def __init__(self, sampler, change):
        self._inner = StatisticalAuthor(sampler)
        self._change = change

    def write(self, assignment: Assignment) -> Draft:
        return self._change(self._inner.write(assignment))


def share_of(share: float, problem: str):
    def change(draft: Draft) -> Draft:
        kept = draft.positions[: round(share * len(draft.positions))]
        return replace(draft, claims=draft.claims.take(pa.array(kept)), positions=kept, problems=(problem,))

    return change


def always_the_same(draft: Draft) -> Draft:
    claims = draft.claims
    for name, value in (("procedure_code", None), ("procedure_label", None), ("dx_secondary_codes", []), ("los", 1)):
        at = claims.column_names.index(name)
        claims = claims.set_column(at, name, pa.array([value] * len(claims), claims.schema.field(name).type))
    return replace(draft, claims=claims)


@pytest.fixture(scope="module")
def sampler(profile):
    return Sampler(profile)


@pytest.fixture
def stream(settings, profile, sampler):
    """Let an author write batches into the stream: called with its change (None: no model), batches and claims in each."""

    def write(change, batches: int, size: int, **request) -> pipeline.AuthorWatch:
        writer = BatchWriter(profile, Scripted(sampler, change) if change else None, sampler=sampler)
        for number in range(batches):
            at = NOW + timedelta(minutes=number)
            batch = writer.write(BatchRequest(numbered_batch_id(at, number), size, 1, at, **request))
            pipeline.commit_batch(settings, batch)
        pipeline.relay_outbox(settings)
        pipeline.ingest(settings)
        return pipeline.watch_author(settings)

    return write


def test_a_model_that_writes_its_claims_is_not_complained_of(stream, settings):
    shutil.rmtree(settings.state_dir / "diversity")  # what is usual is counted here, and kept
    found = stream(lambda draft: draft, 4, 100)
    assert (found.writing.batches, found.writing.planned, found.share) == (4, 400, 1.0)
    assert found.diversity.claims == 250
    assert (found.falling_back, found.alike) == ("", "")
    assert len(list((settings.state_dir / "diversity").glob("*.json"))) == 1


def test_a_model_that_stays_away_is_one_line_with_the_reason(stream, settings):
    found = stream(share_of(0.3, "The model server x:1 is busy (429)."), 3, 20)
    assert found.share < 0.7
    assert found.falling_back.startswith(f"scripted wrote {found.share:.0%} of the 60 claims of the last 3 batches")
    assert found.falling_back.endswith("Mostly: The model server x:1 is busy (429).")
    check = next(check for check in author_checks(settings) if check.check_name == "model_writes")
    assert (check.passed, check.severity.value, check.description) == (False, "WARN", found.falling_back)


@pytest.mark.slow
def test_a_model_that_wrote_nothing_counts_as_one_that_was_asked(stream):
    found = stream(share_of(0.0, "The local model is still loading."), 2, 15)
    assert found.share == 0
    assert found.falling_back.startswith("the model wrote 0% of the 30 claims")


@pytest.mark.slow
def test_without_a_model_only_the_claims_are_watched(stream):
    found = stream(None, 2, 150)
    assert (found.writing.batches, found.share, found.falling_back) == (0, None, "")
    assert (found.diversity.claims, found.alike) == (250, "")


def test_a_model_that_always_writes_the_same_care_is_told(stream, settings):
    found = stream(always_the_same, 3, 100)
    assert f"The last 250 claims are too much alike: {found.diversity.sets} distinct sets" in found.alike
    check = next(check for check in author_checks(settings) if check.check_name == "claims_differ")
    assert (check.passed, check.severity.value, check.description) == (False, "WARN", found.alike)


@pytest.mark.slow
def test_claims_that_somebody_asked_for_are_not_held_against_the_author(stream):
    found = stream(always_the_same, 3, 100, where=ClaimFilter(service_type=("RJTL",)))
    assert (found.diversity, found.alike) == (None, "")


def test_cloned_claims_are_told_by_their_repeats(sampler):
    claims = sampler.draw_claims(5, np.arange(30_000)).select(list(COLUMNS))
    usual = usual_diversity(claims)
    cloned = claims.slice(0, 1000).take(pa.array(np.arange(1000) % 800))
    found, figure = comparable(cloned, usual)
    assert found.repeats > figure.most_repeats
    assert found.repeats == pytest.approx(0.2 + 0.8 * diversity_of(claims.slice(0, 800)).repeats, abs=0.001)


@pytest.mark.slow
def test_chance_alone_does_not_alarm(sampler):
    claims = sampler.draw_claims(6, np.arange(100_000)).select(list(COLUMNS))
    usual = usual_diversity(sampler.draw_claims(7, np.arange(50_000)).select(list(COLUMNS)))
    for figure in usual:
        for start in range(0, len(claims) - figure.claims, figure.claims):
            found = diversity_of(claims.slice(start, figure.claims))
            assert figure.fewest_sets <= found.sets
            assert found.repeats <= figure.most_repeats


def test_the_order_of_companions_makes_no_other_care():
    rows = {"dx_primary_code": "A09", "procedure_code": None, "los": 1, "amount_claimed": 1.0}
    claims = pa.Table.from_pylist(
        [rows | {"dx_secondary_codes": codes} for codes in (["E86", "I10"], ["I10", "E86"], [], None)]
    )
    assert (diversity_of(claims).sets, diversity_of(claims).repeats) == (2, 0.5)
