"""The measures of an author say what they should of authors whose behaviour is known."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from claims_sim import pipeline
from claims_sim.errors import AuthorError, SettingsError
from claims_sim.generation.batch import BatchWriter
from claims_sim.generation.coherence import Coherence
from claims_sim.generation.evaluate import (
    Pick,
    Step,
    choices_of,
    diversity_of_payloads,
    output_of,
    run_step,
    run_trials,
)
from claims_sim.generation.llm_author import LLMAuthor
from claims_sim.generation.prompt import load_prompts
from claims_sim.llm.endpoint import Endpoint
from claims_sim.llm.question import Answer
from claims_sim.profile.sampler import Sampler
from claims_sim.store.control import Facts
from claims_sim_tests.fault_server import completion, fault_server, send

AS_OF = datetime(2000, 1, 1, tzinfo=UTC)


class Reader:
    """A model in this process: `choose` gets the lines of the options and returns a number."""

    endpoint, model = Endpoint("http://127.0.0.1:1/v1", "reader", is_local=True), "reader"

    def __init__(self, choose):
        self.choose = choose

    def ask(self, question, parse, deadline=None):
        numbered = re.findall(r"^([\d, ]+): (.*)$", question.user, re.MULTILINE)
        options = {int(number): text for numbers, text in numbered for number in numbers.split(",")}
        return Answer(parse({"number": self.choose(options, question)}), 50, 2)

    def close(self):
        """Nothing to close."""


def author_of(sampler, choose) -> LLMAuthor:
    return LLMAuthor(sampler, lambda _: Reader(choose), load_prompts("choice", "v1"), deadline_s=None)


@pytest.fixture(scope="module")
def sampler(profile):
    return Sampler(profile)


@pytest.fixture(scope="module")
def coherence(sampler):
    return Coherence.of(sampler.draw_claims(1, np.arange(20_000)))


def test_parts_that_belong_together_score_above_parts_that_were_shuffled(sampler, coherence):
    claims = sampler.draw_claims(2, np.arange(2_000))
    shuffled = claims
    rng = np.random.default_rng(0)
    order = pa.array(rng.permutation(len(claims)))
    for name in ("procedure_code", "dx_secondary_codes", "los"):
        at = shuffled.column_names.index(name)
        shuffled = shuffled.set_column(at, name, claims[name].take(order))
    assert coherence.score(claims).mean() > coherence.score(shuffled).mean() + 0.2


def test_coherence_of_what_never_met_is_nothing(coherence, sampler):
    strange = sampler.draw_claims(3, np.arange(5)).select(["dx_primary_code", "procedure_code"])
    unknown = pa.table({name: pa.array(["XYZ"] * 5) for name in strange.column_names})
    assert coherence.score(unknown).tolist() == [0.0] * 5


def picks(choose, count=4_000) -> list[Pick]:
    rng = np.random.default_rng(1)
    fits = rng.normal(size=(count, 4))
    broken = fits < -1.5
    return [Pick(choose(row) + 1, tuple(row), tuple(bad)) for row, bad in zip(fits, broken.tolist(), strict=True)]


def test_who_always_takes_the_first_adds_nothing():
    found = choices_of(picks(lambda _: 0))
    assert found.numbers == (1.0, 0.0, 0.0, 0.0)
    assert abs(found.wins - 0.5) < 3 * found.wins_error
    assert abs(found.lift) < 0.05
    assert found.implausible == pytest.approx(found.implausible_at_random, abs=0.015)


def test_who_understands_wins_against_a_random_pick():
    found = choices_of(picks(lambda row: int(np.argmax(row))))
    assert (found.wins, found.implausible) == (1.0, 0.0)
    assert found.lift > 1
    assert found.implausible_at_random > 0.05


def test_options_without_a_difference_decide_nothing():
    same = [Pick(2, (0.5,) * 4, (False,) * 4)] * 10
    found = choices_of(same)
    assert (found.differing, found.wins, found.lift) == (0.0, 0.5, 0.0)
    assert choices_of([]) is None


def test_a_step_counts_what_the_author_did(sampler, profile, coherence):
    writer = BatchWriter(profile, author_of(sampler, lambda options, _: max(options)), sampler=sampler)
    step = run_step(writer, coherence, 3, 30, 7, AS_OF)
    assert step.first_try + step.repaired == len(step.claims) == 30
    assert [pick.number for pick in step.picks] == [4] * 30
    assert (step.tokens_in, step.tokens_out) == (50 * (30 + step.repaired), 2 * (30 + step.repaired))
    assert Step.of(json.loads(json.dumps(step.as_dict()))) == step
    again = run_step(writer, coherence, 3, 30, 7, AS_OF)
    assert (again.claims, again.picks) == (step.claims, step.picks)


def test_an_author_of_habit_is_told_from_one_that_reads(sampler):
    habit = run_trials(author_of(sampler, lambda _options, _: 1), sampler, 1, 80)
    assert (habit.again, habit.by_chance) == (1.0, 0.25)
    assert habit.reversed < 0.5
    assert habit.recognised == pytest.approx(0.25, abs=0.2)

    def longest(options, _):
        return max(options, key=lambda number: (len(options[number]), options[number]))

    reads = run_trials(author_of(sampler, longest), sampler, 1, 80)
    assert reads.reversed > 0.95


def test_an_author_that_knows_the_right_care_recognises_it(sampler):
    known: dict[str, set[str]] = {}

    def remembers(options, question):
        """It was shown each brief's own options before, so that it knows them again among foreign ones."""
        own = known.setdefault(question.user.splitlines()[0], set())
        number = next((number for number, text in options.items() if text in own), 1)
        own.update(options.values())
        return number

    found = run_trials(author_of(sampler, remembers), sampler, 2, 60)
    assert found.recognised > 0.8


def test_repeats_and_sets_are_counted(sampler, profile):
    batch = BatchWriter(profile, sampler=sampler).write(
        replace(_request(), count=40),
    )
    claims = [json.loads(line) for line in batch.payloads]
    found = diversity_of_payloads(claims + claims[:10])
    assert found.claims == 50
    assert found.repeats == pytest.approx(0.2 + 0.8 * diversity_of_payloads(claims).repeats, abs=0.02)
    assert found.sets == diversity_of_payloads(claims).sets


def _request():
    from claims_sim.claim_ids import numbered_batch_id
    from claims_sim.generation.batch import BatchRequest

    return BatchRequest(numbered_batch_id(AS_OF, 0), 1, 1, AS_OF, "history")


def second(handler) -> None:
    send(handler, 200, completion(json.dumps({"number": 2}), tokens=(100, 5)))


@pytest.mark.slow
def test_a_measurement_goes_on_where_it_stopped(settings):
    with fault_server() as server:
        server.default = second
        asked = settings.model_copy(
            update={
                "author": "llm",
                "llm_base_url": server.url,
                "llm_model": "m",
                "llm_prices": "m=1/2",
                "prompt_version": "v1",
                "prompt_form": "choice",
            }
        )

        def stop_after_one(done=[]):  # noqa: B006 - counts
            done.append(1)
            if len(done) > 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            pipeline.evaluate_author(asked, 40, trials=0, check=stop_after_one)
        first = len(server.requests)
        assert 20 <= first < 40
        report = pipeline.evaluate_author(asked, 40, trials=0)
        assert 20 <= len(server.requests) - first < 40
        asked_before = len(server.requests)
        assert pipeline.evaluate_author(asked, 40, trials=0) == report
        assert len(server.requests) == asked_before
    output = report.output
    assert (output.planned, output.accepted, output.model) == (40, 1.0, "m")
    assert report.choices.numbers == (0.0, 1.0, 0.0, 0.0)
    assert report.cost_per_1000 == pytest.approx(1000 * (output.tokens_in * 1 + output.tokens_out * 2) / 1e6)
    assert json.loads(json.dumps(report.as_dict()))["output"]["planned"] == 40


@pytest.mark.slow
def test_another_model_at_the_same_address_is_measured_anew(settings):
    with fault_server() as server:
        server.default = second
        asked = settings.model_copy(
            update={"author": "llm", "llm_base_url": server.url, "prompt_version": "v1", "prompt_form": "choice"}
        )
        assert pipeline.evaluate_author(asked, 20, trials=0).output.model == "first"
        server.models = ["another"]
        assert pipeline.evaluate_author(asked, 20, trials=0).output.model == "another"


@pytest.mark.slow
def test_a_model_that_writes_nothing_is_no_report_but_a_line(settings):
    with fault_server() as server:
        server.default = lambda handler: send(handler, 401, b"{}")
        asked = settings.model_copy(
            update={"author": "llm", "llm_base_url": server.url, "llm_model": "m", "prompt_form": "choice"}
        )
        with pytest.raises(AuthorError, match=r"wrote no claim: .*401"):
            pipeline.evaluate_author(asked, 20, trials=0)
        server.default = second  # the key is mended
        Facts(settings.state_dir).change("llm.breaker", lambda _: {})
        assert pipeline.evaluate_author(asked, 20, trials=0).output.accepted > 0.9
    with pytest.raises(SettingsError, match="measures a language model"):
        pipeline.evaluate_author(settings, 20)


def test_steps_are_summed_up(coherence, sampler, profile):
    writer = BatchWriter(profile, author_of(sampler, lambda options, _: 1), sampler=sampler)
    steps = [run_step(writer, coherence, number, 10, 7, AS_OF) for number in range(3)]
    output = output_of(steps)
    assert (output.planned, output.accepted) == (30, 1.0)
    assert output.tokens_in == pytest.approx(sum(step.tokens_in for step in steps) / 30)
    assert sum(output.reasons.values()) == sum(sum(step.reasons.values()) for step in steps)
