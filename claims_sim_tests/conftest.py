"""Fixtures that every test may use: the document's example claim and a way to judge payload lines as the consumer does."""

import functools
import hashlib
import json
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from claims_sim.rules.table import ADMISSION, broken_sql
from claims_sim.rules.wire import lines_table, parse_sql
from claims_sim_tests import depth, servers  # noqa: F401 - `depth` registers a profile of Hypothesis's
from claims_sim_tests.states import GROWN_AT, made_once, seed_batch_ids, take_over

# A worker of the tests for each core: a learner with as many threads as cores would wait for the other workers, and spin.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_MEMORY = Path("/dev/shm")
_MEMORY_NEEDED = 6e9  # bytes


def pytest_configure(config) -> None:
    """Keep the tests' folders in memory where there is room: most of their time would be waiting for a disk's fsync.

    What a disk does to what was not synced is not left to one anyway: tests about that bring a file layer of their own.
    """
    if not config.option.basetemp and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MEMORY_NEEDED:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
        os.environ.setdefault("TMPDIR", str(_MEMORY))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config) -> int:
    """One worker more than cores: many tests wait for a server, a browser or a model."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items) -> None:
    """Begin with the longest tests, which are those with a limit of their own: none of them is left for the end.

    Of a test that is `many`, as many parameters as it says are tried daily, from first to last; `make test-all` tries all.
    """
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
    kinds: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("many"):
            kinds.setdefault(item.nodeid.split("[")[0], []).append(item)
    for kind in kinds.values():
        daily = kind[0].get_closest_marker("many").kwargs["daily"]
        kept = {place * len(kind) // daily for place in range(daily)}
        for place, item in enumerate(kind):
            if place not in kept:
                item.add_marker(pytest.mark.slow)


SMALL_ROWS = 3_000
EXAMPLE = Path(__file__).parent / "data" / "example_claim.json"


@pytest.fixture
def example() -> dict:
    return json.loads(EXAMPLE.read_text())


@pytest.fixture
def connection():
    with duckdb.connect(config={"threads": 1}) as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


@pytest.fixture
def admit(connection):
    """A function: payload lines -> for each its first fault of shape, or the admission rules it breaks."""

    def judge(lines: list[str]) -> list[list[str]]:
        connection.register("lines", lines_table([str(i) for i in range(len(lines))], lines))
        query = f"SELECT shape_fault, {broken_sql(ADMISSION)} FROM ({parse_sql('lines')})"
        return [[fault] if fault else list(broken) for fault, broken in connection.execute(query).fetchall()]

    return judge


@pytest.fixture(scope="session")
def redis_server():
    """A Redis server that every test may use and none may kill: keys of one's own."""
    servers.need("Redis server", servers.redis_binary())
    server = servers.start_redis()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def kafka_server():
    """A Kafka-compatible broker that every test may use and none may kill: topics of one's own."""
    servers.need("Kafka-compatible broker", servers.kafka_binary())
    server = servers.start_kafka()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def demo_source(tmp_path_factory) -> Path:
    """A demo source, made once."""
    from claims_sim.demo.source import write_demo_source

    def make(folder: Path) -> None:
        write_demo_source(folder / "claims.duckdb", rows=12_000)

    return made_once(tmp_path_factory, "demo_source", make) / "claims.duckdb"


@pytest.fixture(scope="session")
def small_source(tmp_path_factory) -> Path:
    """A demo source for tests that profile or score it anew, where what comes out matters less than that it does."""
    from claims_sim.demo.source import write_demo_source

    def make(folder: Path) -> None:
        write_demo_source(folder / "claims.duckdb", rows=SMALL_ROWS)

    # Each worker of the tests has a copy of its own: one that opens it to write keeps the others out.
    path = tmp_path_factory.mktemp("small_source") / "claims.duckdb"
    shutil.copy(made_once(tmp_path_factory, "small_source", make) / "claims.duckdb", path)
    return path


@pytest.fixture(scope="session")
def profile(tmp_path_factory, demo_source):
    """The profile of the demo source, made once."""
    from claims_sim.profile.document import Profile
    from claims_sim.profile.fit import fit_profile
    from claims_sim.profile.reading.source import SourceSpec, read_source

    def make(folder: Path) -> None:
        source = read_source(SourceSpec(demo_source))
        fit_profile(source, k=11, created_at=datetime(2026, 1, 2, tzinfo=UTC)).save(folder / "profile.json")

    return Profile.load(made_once(tmp_path_factory, "profile", make) / "profile.json")


@pytest.fixture(scope="session")
def ready_folder(tmp_path_factory, profile) -> Path:
    """What `ready_state` is made of: the profile in force, its scorer, and what to expect of a stream; made once."""
    import numpy as np

    from claims_sim import pipeline
    from claims_sim.pipeline import fidelity, watching
    from claims_sim.profile.sampler import Sampler
    from claims_sim.rules.wire import to_flat
    from claims_sim.scoring.scorer import train_scorer
    from claims_sim.settings import load_settings

    def make(folder: Path) -> None:
        made = load_settings(state_dir=folder)
        pipeline.keep_profile(made, profile)
        claims = to_flat(Sampler(profile).draw_claims(1, np.arange(20_000)))
        scorer = train_scorer(claims, profile_hash=profile.profile_hash, seed=0)
        scorer.save(pipeline.model_folder(made, profile))
        watching._usual(made, profile.profile_hash)
        fidelity._expectation(made, profile.profile_hash, "")

    return made_once(tmp_path_factory, "ready", make)


@pytest.fixture(scope="session")
def ready_state(tmp_path_factory, small_source, profile, ready_folder) -> Path:
    """A state folder with profile, scorer and what to expect of a stream in place; a test takes a copy."""
    from claims_sim import pipeline
    from claims_sim.settings import load_settings

    state = tmp_path_factory.mktemp("ready") / "state"
    shutil.copytree(ready_folder, state)
    pipeline.keep_profile(load_settings(state_dir=state, source=small_source), profile)
    return state


@pytest.fixture(scope="session")
def grown_state(tmp_path_factory, small_source, ready_state):
    """A function: (ticks, claims in each, settings that differ, …) -> a state folder after so many ticks, made once.

    A test takes a copy of it: what it shares with others is what it would have made itself.
    """
    from claims_sim import pipeline
    from claims_sim.settings import load_settings

    def tick(made, ticks: int, seed: str) -> None:
        shutil.copytree(ready_state, made.state_dir)
        with pytest.MonkeyPatch.context() as patch:
            # Of its own row of ids: what a test then makes must not come out as what is there.
            seed_batch_ids(patch, seed)
            for second in range(ticks):
                pipeline.run_tick(made, GROWN_AT + timedelta(seconds=second))

    @functools.cache
    def grow(ticks: int, claims: int, **changes) -> Path:
        wanted = f"{ticks} {claims} {changes}"
        own = {"source": small_source, "author": "statistical", "batch_size": claims, **changes}
        folder = made_once(
            tmp_path_factory,
            f"grown-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}",
            lambda half: tick(load_settings(state_dir=half / "state", **own), ticks, wanted),
        )
        state = tmp_path_factory.mktemp("grown") / "state"
        shutil.copytree(folder / "state", state)
        # Each worker of the tests has a source of its own.
        made = load_settings(state_dir=state, **own)
        pipeline.keep_profile(made, pipeline.current_profile(made))
        return state

    return grow


@pytest.fixture
def grown(settings, grown_state):
    """A function: (ticks, claims in each, settings that differ, …) -> the test's settings after so many ticks."""

    def take(ticks: int, claims: int, **changes):
        take_over(grown_state(ticks, claims, **changes), settings.state_dir)
        return settings.model_copy(update={"batch_size": claims, **changes})

    return take


@pytest.fixture
def ticked(grown):
    """The test's settings after one tick as they are: five claims, scored."""
    return grown(1, 5)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """The file of a database that was just made."""
    from claims_sim.store.database import SimulationDatabase

    path = tmp_path_factory.mktemp("empty") / "sim.duckdb"
    with SimulationDatabase(path).connect():
        pass
    return path


@pytest.fixture(scope="session")
def plain_settings():
    """The settings of most tests but for their folders, read once."""
    from claims_sim.settings import PREFIX, Settings, load_settings

    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(f"{PREFIX}{name.upper()}", raising=False)
        return load_settings(author="statistical", lock_timeout_s=10)


@pytest.fixture
def settings(tmp_path, small_source, ready_state, plain_settings, empty_database, monkeypatch):
    """Settings of a simulation in a folder of its own, with profile and scorer in place: ready for a tick."""
    from claims_sim.settings import PREFIX
    from claims_sim.store import database

    monkeypatch.chdir(tmp_path)
    seed_batch_ids(monkeypatch, 0)
    for name in type(plain_settings).model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)
    shutil.copytree(ready_state, tmp_path / "state")
    new_database = database.new_database

    def made(path: Path, temporary: Path):
        shutil.copy(empty_database, path)
        return new_database(path, temporary)

    # A database that this process makes begins as one that was just made: its migrations are applied already.
    monkeypatch.setattr(database, "new_database", made)
    # Whoever trains another one in this process learns from fewer claims; what `up` starts learns from all.
    monkeypatch.setattr("claims_sim.pipeline.scoring.SCORER_TRAINING_CLAIMS", 1_500)
    return plain_settings.model_copy(update={"state_dir": tmp_path / "state", "source": small_source})


@pytest.fixture
def run(settings, monkeypatch, capsys):
    """Run a command in this process under the settings of the test; returns (exit code, stdout, stderr)."""
    from claims_sim import cli
    from claims_sim.settings import child_environment

    for name, value in child_environment(settings).items():
        if name.startswith("CLAIMS_SIM_"):
            monkeypatch.setenv(name, value)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["claims-sim", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call
