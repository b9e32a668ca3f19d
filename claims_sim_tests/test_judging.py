"""Scorers compared on the same claims, and anyone's verdicts against the truth: figures, pages, mistakes in one line."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claims_sim.errors import EXIT_USAGE, RequestError, SettingsError
from claims_sim.pipeline.backtesting import backtest
from claims_sim.pipeline.grading import grade, read_verdicts
from claims_sim.pipeline.labelled import LabelledRequest
from claims_sim.scoring.evaluation.measures import paired_difference

DEAR = """
import pandas

class Dear:
    name, version = "dear first", "1"

    def score(self, claims):
        return pandas.DataFrame({"claim_id": claims["claim_id"], "risk_score": claims["amount_claimed"].rank(pct=True)})
"""


@pytest.fixture
def dear(tmp_path, settings):
    (tmp_path / "dear_first.py").write_text(DEAR)
    return "dear_first:Dear"


@pytest.fixture(scope="module")
def export_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("export")


@pytest.fixture
def exported(run, export_folder):
    """Claims and truth as files, made once for all tests: 1,000 claims, 50 anomalies."""
    files = export_folder / "claims.jsonl", export_folder / "truth.parquet"
    if files[1].exists():
        return files
    assert run("export", "--count", 1000, "--anomaly-rate", 0.05, "--out", files[0], "--truth", files[1])[0] == 0
    return files


def _verdicts(exported, tmp_path, say, name="verdicts.csv"):
    """A file of verdicts: `say` makes one of a row of the truth, None leaves the claim out."""
    rows = [(row["claim_id"], say(row)) for row in pq.read_table(exported[1]).to_pylist()]
    path = tmp_path / name
    path.write_text("claim_id,verdict\n" + "".join(f"{i},{v}\n" for i, v in rows if v is not None))
    return path


@pytest.mark.slow
def test_the_better_scorer_is_told_with_paired_intervals(settings, dear):
    found = backtest(settings, ["default", dear], LabelledRequest(1_000, 0.05, seed=1), seeds=2)
    first, second = found.contestants
    (duel,) = found.duels
    gap = duel.quality["average_precision"]
    assert gap.low > 0
    assert gap.value == pytest.approx(
        first.quality["average_precision"].value - second.quality["average_precision"].value
    )
    assert second.title == "dear first 1"
    assert [len(one.by_seed) for one in found.contestants] == [2, 2]
    assert sum(share.count for share in first.kinds.values()) == 100
    for kind, one in duel.kinds.items():
        assert one.value == pytest.approx(first.kinds[kind].value - second.kinds[kind].value)


@pytest.mark.slow
def test_a_scorer_against_itself_shows_no_difference(settings):
    found = backtest(settings, ["default", "default"], LabelledRequest(1_000, 0.05, seed=1), seeds=1)
    assert all((one.value, one.low, one.high) == (0, 0, 0) for one in found.duels[0].quality.values())
    assert all(one.value == 0 and one.low < 0 < one.high for one in found.duels[0].kinds.values())


def test_one_scorer_is_no_comparison(settings):
    with pytest.raises(SettingsError, match=r"two scorers or more.*--scorer default --scorer my_scorer:MyScorer"):
        backtest(settings, ["default"], LabelledRequest(1_000), seeds=1)


@pytest.mark.slow
def test_the_command_prints_a_table_and_writes_the_page(run, dear, tmp_path):
    page = tmp_path / "backtest.html"
    asked = ("--scorer", "default", "--scorer", dear, "--claims", 1000, "--anomaly-rate", 0.05, "--seeds", 1)
    code, out, _ = run("backtest", *asked, "--out", page, "--language", "id")
    assert code == 0
    assert "B  dear first 1 (dear_first:Dear)" in out
    assert "precision at 1 %" in out
    text = page.read_text()
    assert '<html lang="id">' in text
    assert "Pembandingan pemberi skor" in text
    assert not any(word in text for word in ("http", "src=", "<script", "{{"))


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_of_a_paired_difference_holds_the_true_one_about_as_often_as_it_says(seed):
    g = np.random.default_rng(seed)
    inside = 0
    for _ in range(300):
        both, one, other = (g.random(60) < p for p in (0.3, 0.2, 0.1))
        _, low, high = paired_difference(both | one, both | other)
        inside += low <= 0.7 * (0.2 - 0.1) <= high
    assert 0.90 <= inside / 300 <= 0.99


def test_right_verdicts_get_full_marks_and_reversed_ones_are_called_so(settings, exported, tmp_path):
    right = _verdicts(exported, tmp_path, lambda row: "fraud" if row["label"] == "anomaly" else "ok")
    found = grade(settings, right, truth_file=exported[1], claims_file=exported[0]).found
    assert found.quality["auc"].value == found.quality["average_precision"].value == 1
    assert (found.flagged["precision"].hits, found.flagged["precision"].count) == (50, 50)
    assert {place.column for place in found.places} == {"province_name", "facility_class"}
    wrong = _verdicts(exported, tmp_path, lambda row: row["label"] != "anomaly")
    assert grade(settings, wrong, truth_file=exported[1]).found.nature == "reversed"


def test_missing_verdicts_and_verdicts_about_other_claims_are_told(settings, exported, tmp_path):
    few = _verdicts(exported, tmp_path, lambda row: 0.7 if row["label"] == "anomaly" else None)
    with few.open("a") as file:
        file.write("UNKNOWN-1,0.9\n")
    found = grade(settings, few, truth_file=exported[1])
    assert (found.verdicts, found.unknown, found.found.unanswered) == (51, 1, 950)
    assert found.found.quality["recall_at_1"].value == pytest.approx(0.2)  # 10 reviewed, all of them anomalies


@pytest.mark.slow
def test_the_streams_own_truth_is_used_when_no_file_is_given(grown, tmp_path):
    from claims_sim.store.truth import read_truth, truth_path

    lively = grown(2, 25, anomaly_rate=0.3)
    truth = read_truth(truth_path(lively.state_dir))
    ids = [row["claim_id"] for row in truth.to_pylist() if row["label"] == "anomaly"]
    path = tmp_path / "v.parquet"
    pq.write_table(pa.table({"claim_id": ids, "is_anomaly": [True] * len(ids)}), path)
    found = grade(lively, path).found
    assert (found.claims, found.anomalies, found.quality["auc"].value) == (50, len(ids), 1.0)


def test_the_command_grades_words_numbers_and_flags_alike(run, exported, tmp_path):
    pages = []
    for number, say in enumerate(
        (
            lambda row: "anomali" if row["label"] == "anomaly" else "wajar",
            lambda row: int(row["label"] == "anomaly"),
            lambda row: row["label"] == "anomaly",
        )
    ):
        path = _verdicts(exported, tmp_path, say, f"v{number}.csv")
        code, out, _ = run("grade", "--verdicts", path, "--truth", exported[1], "--json", "--out", tmp_path / "g.html")
        assert code == 0
        pages.append(json.loads(out))
    assert pages[0] == pages[1] == pages[2]
    assert "Verdicts against the truth" in (tmp_path / "g.html").read_text()


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("claim_id,verdict\nA,perhaps\n", RequestError, "verdict says 'perhaps'"),
        ("id,verdict\nA,1\n", RequestError, "has no column claim_id"),
        ("claim_id,opinion\nA,1\n", RequestError, "no column for the verdict"),
    ],
)
def test_verdicts_that_cannot_be_read_are_one_line(tmp_path, text, error, said):
    path = tmp_path / "v.csv"
    path.write_text(text)
    with pytest.raises(error, match=said):
        read_verdicts(path)


@pytest.mark.parametrize("text", ["", "claim_id,score\n", "claim_id,score\nA,\n"])
def test_a_file_without_a_verdict_is_called_so(settings, exported, tmp_path, text):
    path = tmp_path / "v.csv"
    path.write_text(text)
    with pytest.raises(RequestError, match="holds no verdict"):
        grade(settings, path, truth_file=exported[1])


def test_an_empty_verdict_is_none_and_a_comma_may_part_decimals(tmp_path):
    path = tmp_path / "v.csv"
    path.write_text("claim_id;score\nA;0,25\nB;\nC;1\n")
    assert read_verdicts(path).to_pylist() == [{"claim_id": "A", "score": 0.25}, {"claim_id": "C", "score": 1.0}]


def test_a_wrong_file_of_verdicts_ends_with_the_code_of_wrong_input(run, exported, tmp_path):
    (tmp_path / "v.csv").write_text("claim_id,opinion\nA,1\n")
    code, _, err = run("grade", "--verdicts", tmp_path / "v.csv", "--truth", exported[1])
    assert code == EXIT_USAGE
    assert "no column for the verdict" in err


def test_verdicts_about_other_claims_only_are_refused(settings, exported, tmp_path):
    path = tmp_path / "v.csv"
    path.write_text("claim_id,score\nA,0.5\n")
    with pytest.raises(RequestError, match="None of the 1 claims"):
        grade(settings, path, truth_file=exported[1])


def test_the_truth_of_another_export_is_refused(run, settings, exported, tmp_path):
    other = tmp_path / "other.parquet"
    code, *_ = run("export", "--count", 100, "--seed", 99, "--out", tmp_path / "o.jsonl", "--truth", other)
    mine = _verdicts(exported, tmp_path, lambda row: row["label"] == "anomaly")
    assert code == 0
    with pytest.raises(RequestError, match="is it the right truth"):
        grade(settings, mine, truth_file=other)


def test_a_truth_of_anomalies_alone_asks_for_the_claims(settings, exported, tmp_path):
    rows = pq.read_table(exported[1])
    only = rows.filter(pa.array([label == "anomaly" for label in rows["label"].to_pylist()]))
    pq.write_table(only, tmp_path / "only.parquet")
    verdicts = _verdicts(exported, tmp_path, lambda row: 1)
    with pytest.raises(RequestError, match="give the claims, too"):
        grade(settings, verdicts, truth_file=tmp_path / "only.parquet")
