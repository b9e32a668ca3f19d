"""Refreshing a profile: what makes a new version, and what may not."""

import base64
import functools
import json
import os
import shutil
from datetime import timedelta

import duckdb
import numpy as np
import pytest

from claims_sim import pipeline
from claims_sim.errors import ProfileError
from claims_sim.generation.batch import utc_now
from claims_sim.profile.document import PROFILE_SCHEMA_VERSION
from claims_sim.settings import load_settings
from claims_sim.store import control
from claims_sim_tests.states import take_over

# What the changes here are about: a profile of so few columns is made in a moment. Of so few hospitals each has many patients.
COLUMNS = (
    "claim_id, patient_id_hash, 'H' || hash(facility_id) % 50 AS facility_id, admit_dt, discharge_dt, los, service_type, dx_primary_code, "
    "amount_claimed, amount_paid"
)


@pytest.fixture(scope="module")
def narrow_source(tmp_path_factory, small_source):
    """The source as every test here finds it."""
    path = tmp_path_factory.mktemp("narrow") / "claims.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"ATTACH '{small_source}' AS whole (READ_ONLY)")
        connection.execute(f"CREATE TABLE claims_normalized AS SELECT {COLUMNS} FROM whole.claims_normalized")
    return path


@pytest.fixture(scope="module")
def own_source(tmp_path_factory):
    """Where a test has its writable copy of the source: always the same place, since a profile's memory knows it."""
    return tmp_path_factory.mktemp("source") / "own.duckdb"


@pytest.fixture(scope="module")
def profiled_state(tmp_path_factory, ready_state, narrow_source, own_source):
    """A function: values of k, one after the other -> the state folder after profiling with each, made once; profiles."""

    @functools.cache
    def make(*ks):
        state = tmp_path_factory.mktemp("profiled") / "state"
        shutil.copytree(ready_state, state)
        shutil.copy(narrow_source, own_source)
        profiles = []
        for k in ks:
            own = load_settings(state_dir=state, source=own_source, privacy_k=k)
            profiles.append(pipeline.profile_source(own, utc_now()).profile)
            pipeline.keep_profile(own, profiles[-1])
        return state, profiles

    return make


@pytest.fixture
def profiled(settings, narrow_source, own_source, profiled_state):
    """A function: values of k -> the test's settings after profiling a copy of the source with each, and the profiles."""

    def take(*ks):
        state, profiles = profiled_state(*ks)
        take_over(state, settings.state_dir)
        shutil.copy(narrow_source, own_source)
        return settings.model_copy(update={"source": own_source, "privacy_k": ks[-1]}), profiles

    return take


@pytest.fixture
def refresh(profiled, own_source):
    """Refresh from a writable copy of the source, after a statement that changes it; keeps what comes of it."""
    own, _ = profiled(11)

    def run(statement=""):
        if statement:
            with duckdb.connect(str(own_source)) as connection:
                connection.execute(statement)
        found = pipeline.profile_source(own, utc_now())
        pipeline.keep_profile(own, found.profile)
        return found

    return run


def persons(count, skip=0):
    chosen = f"SELECT DISTINCT patient_id_hash FROM claims_normalized ORDER BY 1 LIMIT {count} OFFSET {skip}"
    return f"DELETE FROM claims_normalized WHERE patient_id_hash IN ({chosen})"


def test_an_unchanged_source_makes_no_new_version(refresh):
    found = refresh()
    assert (found.is_new, found.held_back, found.movement) == (False, "", None)


def test_the_change_of_a_few_persons_is_not_told(refresh):
    before = refresh().profile
    for step in range(3):
        found = refresh(persons(3, skip=step))
        assert found.profile == before
        assert "fewer than 11 persons have changed" in found.held_back


def test_claims_that_cannot_be_do_not_hide_the_change_of_a_few_persons(refresh):
    """Corrections with negative amounts come every day, and no profile is made of them."""
    before = refresh().profile
    corrections = "SELECT * REPLACE (-1.0 AS amount_claimed, -1.0 AS amount_paid, 'less ' || claim_id AS claim_id) FROM claims_normalized"
    found = refresh(f"INSERT INTO claims_normalized {corrections} LIMIT 400; {persons(1)}")
    assert found.profile == before
    assert "fewer than 11 persons have changed" in found.held_back


def test_a_discharge_that_one_person_is_given_as_it_was_taken_to_be_is_not_told(profiled, own_source):
    """Of which claims a discharge is empty is part of the profile, though what stands in for it is what is then written down."""
    own, _ = profiled(11)
    with duckdb.connect(str(own_source)) as connection:
        connection.execute(
            "UPDATE claims_normalized SET discharge_dt = NULL WHERE service_type = 'RITL' AND hash(patient_id_hash) % 4 = 0"
        )
    before = pipeline.profile_source(own, utc_now())
    pipeline.keep_profile(own, before.profile)
    assert ("discharge_dt",) in before.profile.blanks
    with duckdb.connect(str(own_source)) as connection:
        connection.execute("""
            UPDATE claims_normalized SET discharge_dt = admit_dt + to_days(los::INT) WHERE patient_id_hash = (
              SELECT min(patient_id_hash) FROM claims_normalized WHERE discharge_dt IS NULL AND admit_dt IS NOT NULL)
        """)
    found = pipeline.profile_source(own, utc_now())
    assert found.profile == before.profile
    assert "fewer than 11 persons have changed" in found.held_back


def test_few_changes_that_add_up_are_told_together(refresh):
    before = refresh().profile
    assert refresh(persons(6)).profile == before
    found = refresh(persons(40))
    assert found.is_new
    assert found.before == before
    assert found.movement.rows_now < found.movement.rows_then


@pytest.mark.slow
def test_going_back_to_an_older_snapshot_less_a_person_is_not_told_either(refresh):
    refresh(f"CREATE TABLE aside AS SELECT * FROM claims_normalized; {persons(60)}")
    assert refresh("INSERT INTO claims_normalized SELECT * FROM aside").held_back == ""
    newest = refresh(persons(60)).profile
    back = "DELETE FROM claims_normalized; INSERT INTO claims_normalized SELECT * FROM aside; " + persons(1)
    found = refresh(back)
    assert "fewer than 11 persons" in found.held_back
    assert found.profile == newest


def test_the_claims_of_one_hospital_are_not_told_alone(refresh):
    hospital = (
        "SELECT facility_id FROM claims_normalized GROUP BY 1 ORDER BY count(DISTINCT patient_id_hash) DESC LIMIT 1"
    )
    found = refresh(f"DELETE FROM claims_normalized WHERE facility_id = ({hospital})")
    assert "fewer than 3 facilities" in found.held_back


@pytest.fixture
def of_another_release(refresh, settings):
    """Makes what is remembered of profiles that of a release which told nothing of DuckDB's version."""

    def age():
        for path in (settings.state_dir / "production").glob("*.sketch"):
            entry = json.loads(path.read_text())
            sketch = json.loads(entry["sketch"])
            sketch.pop("basis", None)
            sums = 65535 - np.frombuffer(base64.b64decode(sketch["owners"]), np.uint16)  # hashed otherwise, all differ
            sketch["owners"] = base64.b64encode(sums.tobytes()).decode()
            path.write_text(json.dumps({**entry, "sketch": json.dumps(sketch)}))

    return age


def test_after_an_upgrade_the_change_of_a_few_persons_waits_for_one_approval(refresh, of_another_release, settings):
    before = pipeline.current_profile(settings)
    of_another_release()
    first = refresh(persons(3)).profile
    assert first != before
    assert pipeline.current_profile(settings) == before
    why = pipeline.why_not_beside(settings, first.profile_hash)
    assert "an upgrade of claims-sim or DuckDB" in why
    assert "\n" not in why
    with pytest.raises(ProfileError, match="--beside-earlier"):
        pipeline.approve_profile(settings, first.profile_hash, "Ani", "", utc_now())
    pipeline.approve_profile(settings, first.profile_hash, "Ani", "", utc_now(), beside_earlier=True)
    assert pipeline.current_profile(settings) == first
    second = refresh(persons(40)).profile
    assert second != first
    assert pipeline.current_profile(settings) == second


@pytest.mark.slow
def test_after_an_upgrade_an_unchanged_source_is_remembered_anew(refresh, of_another_release, settings):
    before = pipeline.current_profile(settings)
    of_another_release()
    found = refresh()
    assert (found.is_new, found.profile) == (False, before)
    assert "fewer than 11 persons" in refresh(persons(3)).held_back


def test_what_the_production_zone_remembers_is_for_its_owner_alone(refresh, settings):
    folder = settings.state_dir / "production"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "rounding.key").stat().st_mode & 0o077 == 0
    key = (folder / "rounding.key").read_text().strip()
    assert key not in refresh().profile.to_json()
    assert refresh().profile.profile_hash in {path.stem for path in folder.glob("*.sketch")}


def test_old_sketches_are_forgotten(settings):
    from claims_sim.pipeline import memory
    from claims_sim.profile.reading.sketch import sketch_source
    from claims_sim.profile.reading.source import SourceSpec, read_source

    sketch = sketch_source(read_source(SourceSpec(settings.source)), 1)
    for number in range(35):
        memory.remember(settings, f"{number:064x}", {"k": "11"}, "claims.duckdb", sketch)
        path = settings.state_dir / "production" / f"{number:064x}.sketch"
        moment = (utc_now() - timedelta(seconds=100 - number)).timestamp()
        os.utime(path, (moment, moment))
    assert len(memory.recall(settings, {"k": "11"})) == 30
    assert memory.recall(settings, {"k": "12"}) == []


@pytest.fixture
def other_k(profiled):
    """A source that was profiled with k = 11 and is profiled with k = 20 now, which is kept; settings and both profiles."""
    own, profiles = profiled(11, 20)
    return own, *profiles


def test_a_profile_of_the_same_claims_by_other_rules_waits(other_k):
    own, first, second = other_k
    assert second.profile_hash != first.profile_hash
    assert pipeline.current_profile(own) == first
    assert "another k or mapping" in pipeline.why_not_beside(own, second.profile_hash)
    with pytest.raises(ProfileError, match="--beside-earlier"):
        pipeline.approve_profile(own, second.profile_hash, "Ani", "", utc_now())
    assert pipeline.find_approval(own, second.profile_hash) is None
    assert pipeline.has_profile_of_source(own)  # so that nobody asks for it again and again


def test_who_takes_it_upon_himself_is_on_record(other_k):
    own, _, second = other_k
    pipeline.approve_profile(own, second.profile_hash, "Ani", "both stay here", utc_now(), beside_earlier=True)
    assert pipeline.current_profile(own) == second
    found = pipeline.find_approval(own, second.profile_hash)
    assert found.beside_earlier
    assert "beside an earlier one made otherwise" in found.describe()
    assert pipeline.why_not_beside(own, second.profile_hash) == ""


def test_going_back_to_the_earlier_rules_needs_nobodys_word(other_k):
    own, first, _ = other_k
    back = own.model_copy(update={"privacy_k": 11})
    again = pipeline.profile_source(back, utc_now()).profile
    pipeline.keep_profile(back, again)
    assert again.profile_hash == first.profile_hash
    assert pipeline.current_profile(back).profile_hash == first.profile_hash
    assert not (back.profile_path.parent / "waiting.json").exists()


@pytest.mark.slow
def test_another_source_may_have_other_rules(other_k, settings):
    own, _, _ = other_k
    elsewhere = settings.model_copy(update={"privacy_k": 20})
    assert elsewhere.source != own.source
    found = pipeline.profile_source(elsewhere, utc_now()).profile
    assert pipeline.why_not_beside(elsewhere, found.profile_hash) == ""


def test_a_profile_of_another_format_or_a_damaged_one_is_no_dead_end(profiled):
    own, (before,) = profiled(11)
    assert pipeline.has_profile_of_source(own)
    for text in (
        own.profile_path.read_text().replace(f'"schema_version":"{PROFILE_SCHEMA_VERSION}"', '"schema_version":"0"'),
        "{",
    ):
        own.profile_path.write_text(text)
        waiting = own.profile_path.with_name("waiting.json")
        waiting.write_text(text)
        with pytest.raises(ProfileError, match="`claims-sim profile`"):
            pipeline.current_profile(own)
        refresh = pipeline.profile_source(own, utc_now())
        pipeline.keep_profile(own, refresh.profile)
        assert pipeline.current_profile(own).profile_hash == before.profile_hash
        assert not waiting.exists()


def test_starting_asks_for_a_profile_where_the_last_was_of_another_format(profiled):
    own, _ = profiled(11)
    made_of = control.get_status(own.state_dir, "profile_source")
    control.put_status(own.state_dir, "profile_source", {**made_of, "format": "1"})
    assert not pipeline.has_profile_of_source(own)
