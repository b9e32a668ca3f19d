import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from claims_sim.claim import Claim
from claims_sim.claim_ids import new_batch_id
from claims_sim.errors import AuthorError
from claims_sim.generation.author import Draft, StatisticalAuthor
from claims_sim.generation.batch import BatchRequest, BatchWriter
from claims_sim.generation.review import BRIEF_COLUMNS, Reviewer
from claims_sim.profile.drawing.wanted import ClaimFilter, Mix

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
BATCH = "019cb6e2-0000-7000-8000-000000000001"


def request(count: int = 40, **changes) -> BatchRequest:
    return replace(BatchRequest(BATCH, count, seed=3, as_of=NOW), **changes)


@pytest.fixture(scope="module")
def writer(profile):
    return BatchWriter(profile)


@pytest.fixture(scope="module")
def batch(writer):
    return writer.write(request())


def test_every_claim_of_a_batch_is_a_valid_payload_with_an_id_of_that_batch(batch):
    claims = [Claim.model_validate_json(line) for line in batch.payloads]
    assert len({claim.claim_id for claim in claims}) == batch.planned == 40
    assert all(claim.claim_id.startswith("SIM-2026-") for claim in claims)


def test_a_batch_follows_from_profile_seed_batch_id_and_time(profile, batch):
    again = BatchWriter(profile).write(request())
    assert again.payloads == batch.payloads
    assert BatchWriter(profile).write(request(seed=4)).payloads != batch.payloads


def test_ten_thousand_statistical_claims_break_no_rule(writer, profile):
    batch = writer.write(request(10_000))
    assert (batch.rejected, len(batch.claims)) == (0, 10_000)
    with Reviewer(profile) as reviewer:
        assert reviewer.judge(batch.claims).reasons == {}


def test_the_claim_is_seen_a_few_seconds_after_admission(batch):
    for line in batch.payloads:
        claim = Claim.model_validate_json(line)
        assert claim.generated_at == NOW
        assert timedelta(seconds=1) <= NOW - claim.admit_dt <= timedelta(seconds=11)


def test_with_the_intake_clock_a_claim_is_submitted_after_discharge(writer):
    for line in writer.write(request(300, clock="intake")).payloads:
        claim = Claim.model_validate_json(line)
        assert claim.admit_dt <= claim.discharge_dt <= NOW


def test_with_the_history_clock_claims_fall_into_the_profiles_period(writer, profile):
    first, last = profile.period
    months = {
        line[:7]
        for line in pc.strftime(writer.write(request(500, clock="history")).claims["admit_dt"], "%Y-%m").to_pylist()
    }
    assert min(months) >= first
    assert max(months) <= last


@pytest.mark.parametrize("clock", ["admission", "intake", "history"])
def test_stays_are_local_days_under_every_clock(writer, clock):
    claims = writer.write(request(2_000, clock=clock)).claims
    days = pc.days_between(claims["admit_dt"].cast(pa.date32()), claims["discharge_dt"].cast(pa.date32()))
    assert days.to_pylist() == claims["los"].to_pylist()
    assert pc.all(pc.less_equal(claims["admit_dt"], claims["discharge_dt"])).as_py()


@pytest.mark.slow
def test_the_stream_follows_the_profile_over_many_small_batches(writer, profile):
    services = []
    for number in range(30):
        services += (
            writer.write(request(20, batch_id=new_batch_id(NOW + timedelta(seconds=number))))
            .claims["service_type"]
            .to_pylist()
        )
    share = dict(profile.marginal("service_type"))
    assert services.count("RITL") / len(services) == pytest.approx(share["RITL"], abs=0.05)


class Scripted:
    """An author that answers from a queue: each entry changes the statistical draft, or is a list of positions to keep."""

    name, model, prompt_version = "llm", "scripted", "v0"

    def __init__(self, sampler, *script):
        self.statistical, self.script, self.asked = StatisticalAuthor(sampler), list(script), []

    def write(self, assignment):
        self.asked.append(assignment)
        draft = self.statistical.write(assignment)
        return self.script.pop(0)(draft) if self.script else draft


def nothing(draft):
    return Draft(draft.claims.slice(0, 0), np.zeros(0, int), problems=("the model did not answer",))


def off_brief(draft):
    wrong = pa.array(["SOMEWHERE ELSE"] * len(draft.claims))
    return replace(
        draft, claims=draft.claims.set_column(draft.claims.column_names.index("province_name"), "province_name", wrong)
    )


def first_two(draft):
    return replace(draft, claims=draft.claims.slice(0, 2), positions=draft.positions[:2])


def test_a_claim_off_its_brief_goes_back_to_its_author_with_the_reason(profile):
    sampler = BatchWriter(profile).sampler
    author = Scripted(sampler, off_brief)
    batch = BatchWriter(profile, author).write(request(5))
    assert (batch.repaired, batch.rejected, len(batch.claims)) == (5, 0, 5)
    assert "province_name_off_brief" in author.asked[1].errors[0]
    assert batch.reasons["province_name_unknown"] == 5
    assert set(batch.log["author"].to_pylist()) == {"llm"}


def test_a_silent_author_is_stood_in_for_and_the_log_says_so(profile):
    sampler = BatchWriter(profile).sampler
    batch = BatchWriter(profile, Scripted(sampler, nothing, nothing, nothing)).write(request(5))
    assert (batch.fallen_back, len(batch.claims)) == (5, 5)
    assert set(batch.log["author"].to_pylist()) == {"statistical"}
    assert batch.problems == ("the model did not answer",)


def test_a_late_author_delivers_what_it_has_and_the_rest_is_written_all_the_same(profile):
    sampler = BatchWriter(profile).sampler
    batch = BatchWriter(profile, Scripted(sampler, first_two, nothing, nothing)).write(request(5))
    assert batch.log["author"].to_pylist().count("llm") == 2
    assert len(batch.claims) == 5
    assert batch.claims["claim_id"].to_pylist() == sorted(batch.claims["claim_id"].to_pylist())


def test_a_forced_author_that_fails_fails_the_batch(profile):
    sampler = BatchWriter(profile).sampler
    author = Scripted(sampler, nothing, nothing, nothing)
    with pytest.raises(AuthorError, match="left 5 of 5 claims unwritten: the model did not answer"):
        BatchWriter(profile, author, force_author=True).write(request(5))


def test_briefs_do_not_depend_on_the_author(profile, batch):
    scripted = BatchWriter(profile, Scripted(BatchWriter(profile).sampler)).write(request())
    assert scripted.claims.select(BRIEF_COLUMNS).equals(batch.claims.select(BRIEF_COLUMNS))
    assert [json.loads(brief) for brief in batch.log["brief"].to_pylist()] == batch.claims.select(
        BRIEF_COLUMNS
    ).to_pylist()


def test_a_foreign_table_with_missing_values_gives_claims_for_every_brief(tmp_path):
    import duckdb

    from claims_sim.profile.fit import fit_profile
    from claims_sim.profile.reading.source import SourceSpec, read_source

    path = tmp_path / "foreign.duckdb"
    with duckdb.connect(str(path)) as owner:
        owner.execute("""
            CREATE TABLE claims_normalized AS SELECT
              DATE '2024-01-01' + CAST(i % 360 AS INTEGER) AS admit_dt, CAST(i % 4 AS INTEGER) AS los,
              CASE WHEN i % 19 = 0 THEN NULL ELSE ['J189', 'I10', 'E119', 'K297'][i % 4 + 1] END AS dx_primary_code,
              CASE WHEN i % 23 = 0 THEN NULL ELSE ['BALI', 'PAPUA', 'JAWA TIMUR'][i % 3 + 1] END AS province_name,
              CASE WHEN i % 17 = 0 THEN NULL ELSE ['0', '1', 'fatal'][i % 3 + 1] END AS severity_group,
              CAST(100000 + 37.25 * (i % 900) AS DOUBLE) AS amount_claimed, 'p' || (i % 1500) AS patient_id_hash
            FROM range(4000) t(i)""")
    source = read_source(SourceSpec(path))
    assert any("no primary diagnosis" in sentence for sentence in source.oddities)
    profile = fit_profile(source, k=11, created_at=NOW)
    batch = BatchWriter(profile).write(request(500))
    assert (batch.rejected, batch.reasons) == (0, {})


def test_a_batch_that_is_asked_for_holds_it_and_says_so(profile):
    asked = ClaimFilter.parse(["service=RITL", "stay=3..5", "date=2026-03-02..2026-03-08", "amount=1000000.."])
    mix = Mix.parse(["severity:berat=0.8"])
    wanted = request(60, where=asked, mix=mix)
    made = BatchWriter(profile).write(wanted)
    assert len(made.claims) == 60
    assert asked.holds(made.claims).all()
    severe = made.claims["severity_group"].to_pylist().count("berat")
    assert severe >= 45
    assert all(json.loads(brief)["mix"] == str(mix) for brief in made.log["brief"].to_pylist())
    assert wanted.asked == {"where": str(asked), "mix": str(mix)}
