"""The scorer's exam, the stream's own scores, and the comparison with the last release: pipeline, command line, Dagster."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import numpy as np
import pyarrow.compute as pc
import pytest

from claims_sim import pipeline
from claims_sim.anomalies.decoys import DECOYS
from claims_sim.anomalies.kinds import KINDS
from claims_sim.definitions import build_definitions
from claims_sim.fidelity.scores import MEANINGS
from claims_sim.pipeline import examining
from claims_sim.pipeline.evaluation_page import claim_facts, evaluation_page
from claims_sim.pipeline.labelled import LabelledRequest, labelled_claims
from claims_sim.scoring.evaluation import words
from claims_sim.scoring.evaluation.compare import Comparison
from claims_sim.scoring.evaluation.ranking import Estimate
from claims_sim.scoring.protocol import VERDICTS, OpenedScorer
from claims_sim.store.truth import read_truth, truth_path

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class Spoiled(OpenedScorer):
    """The scorer in use, with its scores changed before anyone sees them."""

    name, version = "spoiled", "1"

    def __init__(self, scorer, change):
        self.scorer, self.change = scorer, change

    def score_table(self, claims):
        found = self.scorer.score_table(claims)
        scores = self.change(found["risk_score"].to_numpy(), np.random.default_rng(1))
        return found.set_column(1, VERDICTS.field("risk_score"), [scores])


@pytest.fixture(scope="module")
def papers():
    """Exams that were made already: they follow from profile and request alone."""
    made = {}

    def make(profile, asked, sampler=None):
        key = (profile.profile_hash, asked)
        made[key] = made.get(key) or labelled_claims(profile, asked, sampler)
        return made[key]

    return make


@pytest.fixture
def small(monkeypatch, papers):
    """A small exam: 10 % anomalies of 1,000 claims."""
    exam = LabelledRequest(1_000, rate=0.1, seed=5, prefix="EXAM")
    monkeypatch.setattr(examining, "EXAM", exam)
    monkeypatch.setattr(examining, "labelled_claims", papers)
    monkeypatch.setattr(examining.evaluate_scores, "__kwdefaults__", {"spec": None, "asked": exam, "with_stream": True})
    return exam


@pytest.fixture
def spoil(monkeypatch):
    """A function: change of the scores -> from now on the scorer gives those."""
    genuine = examining.open_scorer

    def put(change):
        monkeypatch.setattr(examining, "open_scorer", lambda *given: Spoiled(genuine(*given), change))

    return put


def _keep(settings, report, **options):
    return examining.keep_evaluation(settings, report, evaluation_page(settings, report, NOW), **options)


@pytest.mark.slow
def test_the_exam_is_the_same_every_time_and_holds_no_label(settings, small, papers):
    profile = pipeline.current_profile(settings)
    claims, truth = papers(profile, small)
    again, _ = labelled_claims(profile, small)
    assert claims.equals(again)
    assert pc.sum(pc.equal(truth["label"], "anomaly")).as_py() == 100
    assert not set(claims.column_names) & {"label", "kind", "strength"}


@pytest.mark.many(daily=2)
@pytest.mark.parametrize(
    ("nature", "change"),
    [
        ("informative", lambda scores, _: scores),
        ("random", lambda scores, g: g.permutation(scores)),
        ("constant", lambda scores, _: np.full(len(scores), 0.4)),
        ("reversed", lambda scores, _: 1 - scores),
    ],
)
def test_a_random_constant_or_reversed_scorer_is_recognised(settings, small, spoil, nature, change):
    spoil(change)
    assert examining.evaluate_scores(settings).exam.nature == nature


def test_a_worse_scorer_is_caught_and_stays_caught_until_it_is_accepted(settings, small, spoil):
    first = examining.evaluate_scores(settings)
    assert first.comparison is None
    _keep(settings, first)
    assert not examining.evaluate_scores(settings).is_worse
    spoil(lambda scores, g: np.clip(scores + g.normal(0, 0.3, len(scores)), 0, 1))
    for _ in range(2):
        worse = examining.evaluate_scores(settings)
        assert worse.is_worse
        assert worse.comparison.is_paired
        assert any(text.startswith("average_precision -") for text in worse.comparison.worse)
        _keep(settings, worse)
    _keep(settings, worse, accept=True)
    assert not examining.evaluate_scores(settings).is_worse


@pytest.mark.slow
def test_an_exam_of_another_seed_is_compared_and_does_not_become_the_release(settings, small):
    _keep(settings, examining.evaluate_scores(settings))
    folder = examining.evaluation_folder(settings)
    before = [(folder / name).read_bytes() for name in ("released.parquet", "report.json")]
    other = examining.evaluate_scores(settings, asked=replace(small, seed=6))
    assert not other.comparison.is_paired
    assert not other.is_worse
    _keep(settings, other, releases=False)
    assert [(folder / name).read_bytes() for name in ("released.parquet", "report.json")] == before


@pytest.mark.slow
def test_exams_that_differ_in_more_than_luck_are_not_compared(settings, small):
    _keep(settings, examining.evaluate_scores(settings))
    harder = examining.evaluate_scores(settings, asked=replace(small, rate=0.2))
    assert harder.exam.quality["recall_at_2"].value < 0.15
    assert harder.comparison is None
    assert not harder.is_worse


def test_only_claims_of_the_stream_whose_truth_is_known_are_judged(settings, small):
    lively = settings.model_copy(update={"batch_size": 150, "anomaly_rate": 0.2})
    unlabelled = settings.model_copy(update={"batch_size": 20, "anomaly_rate": 0.0})
    assert "no stream" in examining.evaluate_scores(lively).no_stream
    pipeline.run_tick(unlabelled, NOW)
    assert "none of its scored claims has a known answer" in examining.evaluate_scores(lively).no_stream
    pipeline.run_tick(lively, NOW)
    stream = examining.evaluate_scores(lively).stream
    assert (stream.claims, stream.unlabelled) == (150, 20)
    labels = read_truth(truth_path(settings.state_dir))["label"].to_pylist()
    assert stream.anomalies == labels.count("anomaly") > 20


def test_every_kind_and_decoy_has_a_name_in_both_languages():
    assert {*KINDS, *(decoy.name for decoy in DECOYS)} == words.KINDS.keys()
    assert all(english != indonesian for name, (english, indonesian) in words.KINDS.items() if name != "upcoding")


def test_the_page_shows_the_main_scores_of_fidelity_and_hides_none_that_misses(settings, profile):
    scores = [
        {"name": name, "value": 0.5, "floor": 0.4, "verdict": verdict}
        for name, verdict in (("c2st", "meets"), ("pairs", "meets"), ("money_replay", "misses"))
    ]
    pipeline.write_whole(settings.state_dir / "fidelity" / "report.json", json.dumps({"scores": scores}))
    assert [score["name"] for score in claim_facts(settings, profile).fidelity] == ["c2st", "money_replay"]
    assert words.FIDELITY.keys() == MEANINGS.keys()


def test_the_page_says_in_both_languages_what_became_worse(settings, small):
    report = examining.evaluate_scores(settings)
    fallen = {"average_precision": Estimate(-0.1, -0.12, -0.08), "recall_at_1": Estimate(-0.1, -0.12, -0.08)}
    worse = Comparison("before 1", True, fallen, {"stay_padding": (0.5, 0.2)})
    page = evaluation_page(settings, replace(report, comparison=worse), NOW)
    plain = re.sub("<[^>]*>", "|", page)
    for text in (
        "Average precision",
        "Presisi rata-rata",
        "−0.100",
        "−0,100",
        "Stay padding",
        "Lama rawat diperpanjang",
    ):
        assert text in plain[plain.index("before 1") :][:400]


def test_the_first_sheet_of_paper_holds_rupiah_recall_fidelity_and_privacy_before_details(settings, small):
    page = evaluation_page(settings, examining.evaluate_scores(settings), NOW)
    parts = ["tiles", ">Recall per kind<", ">Fidelity of the claims<", ">Privacy<", 'class="sheet"', ">By strength<"]
    places = [page.index(part, page.index("<body>")) for part in parts]
    assert places == sorted(places)


def test_the_page_speaks_both_languages_and_needs_no_network(settings, small):
    report = examining.evaluate_scores(settings)
    page = evaluation_page(settings, report, NOW)
    for text in (
        "How well anomalies are found",
        "Seberapa baik anomali ditemukan",
        "fewer than 11 persons",
        "11 orang",
    ):
        assert text in page
    assert not any(word in page for word in ("http", "src=", "<script", "{{", "None"))
    indonesian = evaluation_page(settings, report, NOW, "id")
    assert indonesian.count(" checked") == 1
    assert '<html lang="id">' in indonesian
    assert "belum ada aliran" in indonesian
    assert "2026-03-04 05:06 UTC" in page


def test_the_command_prints_figures_writes_the_page_and_fails_for_a_worse_scorer(run, small, spoil, tmp_path):
    asked = ("--claims", 1000, "--anomaly-rate", 0.1, "--seed", 5)
    code, out, _ = run("evaluate-scores", *asked, "--accept", "--out", tmp_path / "page.html")
    assert code == 0
    assert "informative: 1,000 claims, 100 anomalies" in out
    assert "cloned_claim" in out
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    spoil(lambda scores, g: g.permutation(scores))
    code, out, _ = run("evaluate-scores", *asked, "--json")
    document = json.loads(out)
    assert code == 1
    assert document["exam"]["nature"] == "random"
    assert document["comparison"]["worse"]


@pytest.mark.slow
def test_the_asset_shows_figures_and_its_checks_catch_a_worse_scorer(settings, small, spoil, monkeypatch):
    monkeypatch.setitem(examining.evaluate_scores.__kwdefaults__, "asked", replace(small, count=2_000))
    pipeline.run_tick(settings, NOW)
    job = build_definitions(settings).resolve_job_def("evaluate_scoring")
    with dg.DagsterInstance.ephemeral() as instance:
        done = job.execute_in_process(instance=instance)
        (made,) = done.asset_materializations_for_node("scoring_evaluation")
        assert {"kinds", "strengths", "recall per kind", "decoys flagged", "scores"} <= set(made.metadata)
        assert made.metadata["rupiah lost a day (Rp)"].value > 0
        assert {check.check_name: check.passed for check in done.get_asset_check_evaluations()} == {
            "no_worse_than_last_release": True,
            "scores_are_a_ranking": True,
        }
        spoil(lambda scores, g: g.permutation(scores))
        done = job.execute_in_process(instance=instance)
        assert not any(check.passed for check in done.get_asset_check_evaluations())
