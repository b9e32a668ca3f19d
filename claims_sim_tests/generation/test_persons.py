"""Persons, hospitals and episodes of claims: people come back for reasons, and are never in two beds at once."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.claim import Claim
from claims_sim.claim_ids import numbered_batch_id
from claims_sim.codes.hospitals import class_of
from claims_sim.generation.batch import BatchRequest, BatchWriter
from claims_sim.generation.facilities import hospital, hospitals, owner_of, owners
from claims_sim.generation.keyed import KeyedWriter
from claims_sim.generation.persons import KEY_COLUMNS, LOOKED_AT, Known, assign_keys
from claims_sim.profile.sampler import Sampler
from claims_sim.rules.wire import to_flat

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def claims(profile):
    return to_flat(Sampler(profile).draw_claims(5, np.arange(8_000)))


@pytest.fixture(scope="module")
def keyed(claims):
    keys = assign_keys(claims, 7, np.arange(len(claims)), Known.nobody())
    frame = claims.to_pandas()
    frame["person"], frame["facility"], frame["why"] = keys.persons, keys.facilities, keys.reasons
    return frame.sort_values(["person", "admit_dt", "discharge_dt"])


def test_nobody_is_in_care_twice_at_a_time(keyed):
    until = keyed.groupby("person")["discharge_dt"].shift()
    assert not (keyed["admit_dt"] < until).any()


def test_persons_come_back_for_every_reason_and_most_are_seen_once(keyed):
    share = keyed["why"].value_counts(normalize=True)
    assert {"control_visit", "elsewhere", "referral", "other_illness"} <= set(share.index)
    assert 0.15 < 1 - share[""] < 0.5
    assert keyed.groupby("person").size().max() > 3


def test_a_return_to_the_same_place_is_to_the_same_hospital_with_the_same_illness(keyed):
    before = keyed.groupby("person")[["facility", "dx_primary_code"]].shift()
    back = keyed["why"] == "control_visit"
    assert (keyed["facility"] == before["facility"])[back].all()
    same = keyed["dx_primary_code"].str[:3] == before["dx_primary_code"].str[:3]
    assert same[back].all()


def test_a_referral_goes_to_a_higher_class(keyed):
    level = keyed["facility_class"].map(lambda name: "ABCD".index(class_of(name)[0]))
    before = level.groupby(keyed["person"]).shift()
    up = keyed["why"] == "referral"
    assert up.any()
    assert (level < before)[up].all()


def test_hospitals_recur_stand_at_their_place_and_are_no_more_than_the_register_counts(keyed):
    place = keyed.groupby("facility")[["province_name", "facility_class", "facility_ownership"]].nunique()
    assert (place == 1).all().all()
    assert keyed["facility"].nunique() < len(keyed) / 2
    known = hospitals(("BALI", "RS Kelas C", "Swasta"))
    here = keyed[
        (keyed.province_name == "BALI")
        & (keyed.facility_class == "RS Kelas C")
        & (keyed.facility_ownership == "Swasta")
    ]
    assert 0 < here["facility"].nunique() <= known
    assert owners("BALI", "Swasta") < known + 1
    assert owner_of(hospital(("BALI", "RS Kelas C", "Swasta"), 0)) == owner_of(
        hospital(("BALI", "RS Kelas B", "Swasta"), 0)
    )


def test_the_same_claims_get_the_same_keys_and_the_order_of_others_does_not_matter(claims):
    one, two = (assign_keys(claims, 7, np.arange(len(claims)), Known.nobody()) for _ in range(2))
    assert all((getattr(one, name) == getattr(two, name)).all() for name in ("persons", "facilities", "episodes"))
    assert (assign_keys(claims, 8, np.arange(len(claims)), Known.nobody()).persons != one.persons).any()


def test_a_person_of_an_earlier_batch_comes_back_unless_in_another_bed(claims):
    first = claims.slice(0, 4_000)
    keys = assign_keys(first, 1, np.arange(4_000), Known.nobody())
    earlier = first
    for name, values in zip(KEY_COLUMNS, (keys.persons, keys.facilities, keys.episodes), strict=True):
        earlier = earlier.set_column(earlier.schema.get_field_index(name), name, pa.array(values.tolist()))
    earlier = earlier.select(LOOKED_AT)
    later = claims.slice(4_000)

    def all_free(_):
        return earlier.slice(0, 0)

    def all_busy(persons):
        times = {"admit_dt": "2000-01-01", "discharge_dt": "2100-01-01"}
        columns = {name: pa.array(np.full(len(persons), day, "datetime64[us]")) for name, day in times.items()}
        return pa.table({"patient_id_hash": persons} | columns)

    rows = np.arange(4_000, 8_000)
    back = set(assign_keys(later, 2, rows, Known(earlier, all_free)).persons) & set(keys.persons)
    assert len(back) > 100
    assert not set(assign_keys(later, 2, rows, Known(earlier, all_busy)).persons) & set(keys.persons)


def test_keys_are_beside_the_content_which_stays_as_it_was(profile):
    asked = BatchRequest(numbered_batch_id(NOW, 1), 300, 3, NOW, "history")
    plain = BatchWriter(profile).write(replace(asked))
    batch = KeyedWriter(profile, known=lambda _: Known.nobody()).write(asked)
    assert batch.claims.drop_columns(list(KEY_COLUMNS)).equals(plain.claims.drop_columns(list(KEY_COLUMNS)))
    for line, row in zip(batch.payloads, batch.claims.to_pylist(), strict=True):
        claim = Claim.model_validate_json(line)
        assert (claim.patient_ref, claim.facility_ref, claim.episode_ref) == tuple(row[name] for name in KEY_COLUMNS)
        assert row["patient_id_hash"]


@pytest.mark.slow
def test_the_stream_has_keys_only_where_they_are_asked_for_and_its_persons_come_back(settings):
    from claims_sim import pipeline
    from claims_sim.generation.request import ClaimsRequest
    from claims_sim.pipeline.replay import replay_batch
    from claims_sim.pipeline.scoring import score_new

    plain = pipeline.generate_batch(settings, pipeline.current_profile(settings), NOW)
    assert "_ref" not in "".join(plain.payloads)
    asked = settings.model_copy(update={"ref_keys": True, "anomaly_rate": 0.0})
    profile, persons = pipeline.current_profile(settings), []
    for day in (0, 4, 12, 25):
        batch = pipeline.generate_batch(asked, profile, NOW + timedelta(days=day), ClaimsRequest(count=150))
        pipeline.commit_batch(asked, batch)
        pipeline.relay_outbox(asked)
        assert pipeline.ingest(asked).rows == 150
        assert score_new(asked, NOW) == 150
        persons.append({json.loads(line)["patient_ref"] for line in batch.payloads})
    assert persons[3] & (persons[0] | persons[1] | persons[2])
    again = replay_batch(asked, "last")
    assert again.is_same
    assert any("not compared" in note for note in again.notes)
