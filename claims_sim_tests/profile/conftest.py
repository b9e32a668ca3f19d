"""Profiles of the invented tables, each fitted once."""

from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest

from claims_sim.profile.fit import fit_profile
from claims_sim.profile.reading.source import SourceSpec, read_source
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import foreign_table, tariff_table

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def read(tmp_path_factory):
    """A function: an Arrow table, written as Parquet and read as a source."""

    def read_table(table):
        path = tmp_path_factory.mktemp("source") / "claims.parquet"
        pq.write_table(table, path)
        return read_source(SourceSpec(path))

    return read_table


@pytest.fixture(scope="session")
def fit(read):
    return lambda table, k=11: fit_profile(read(table), k=k, created_at=NOW)


@pytest.fixture(scope="session")
def tariff_profile(fit):
    return fit(tariff_table())


@pytest.fixture(scope="session")
def foreign_profile(fit):
    return fit(foreign_table())


@pytest.fixture(scope="session", params=["tariff", "foreign"])
def any_profile(request):
    return request.getfixturevalue(f"{request.param}_profile")


@pytest.fixture(scope="session")
def tariff_sampler(tariff_profile):
    return Sampler(tariff_profile)


@pytest.fixture(scope="session")
def any_sampler(any_profile):
    return Sampler(any_profile)
