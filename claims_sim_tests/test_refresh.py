"""Refreshing a profile: what makes a new version, and what may not."""

import os
from datetime import timedelta

import duckdb
import pytest

from claims_sim import pipeline
from claims_sim.generation.batch import utc_now


@pytest.fixture
def refresh(settings, tmp_path):
    """Refresh from a writable copy of the source, after a statement that changes it; keeps what comes of it."""
    path = tmp_path / "own.duckdb"
    path.write_bytes(settings.source.read_bytes())
    own = settings.model_copy(update={"source": path})

    def run(statement=""):
        if statement:
            with duckdb.connect(str(path)) as connection:
                connection.execute(statement)
        found = pipeline.profile_source(own, utc_now())
        pipeline.keep_profile(own, found.profile)
        return found

    run()
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


def test_few_changes_that_add_up_are_told_together(refresh):
    before = refresh().profile
    assert refresh(persons(6)).profile == before
    found = refresh(persons(40))
    assert found.is_new
    assert found.before == before
    assert found.movement.rows_now < found.movement.rows_then


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


def test_what_the_production_zone_remembers_is_for_its_owner_alone(refresh, settings):
    folder = settings.state_dir / "production"
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "rounding.key").stat().st_mode & 0o077 == 0
    key = (folder / "rounding.key").read_text().strip()
    assert key not in refresh().profile.to_json()
    assert refresh().profile.profile_hash in {path.stem for path in folder.glob("*.sketch")}


def test_old_sketches_are_forgotten(settings):
    from claims_sim.pipeline import memory
    from claims_sim.profile.sketch import sketch_source
    from claims_sim.profile.source import SourceSpec, read_source

    sketch = sketch_source(read_source(SourceSpec(settings.source)), 1)
    for number in range(35):
        memory.remember(settings, f"{number:064x}", {"k": "11"}, sketch)
        path = settings.state_dir / "production" / f"{number:064x}.sketch"
        moment = (utc_now() - timedelta(seconds=100 - number)).timestamp()
        os.utime(path, (moment, moment))
    assert len(memory.recall(settings, {"k": "11"})) == 30
    assert memory.recall(settings, {"k": "12"}) == []
