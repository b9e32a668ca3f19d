"""Attacks on the profile file itself, by somebody who has it and knows much: who is in it, who stands out, what differs.

The attacks read the document as anyone could, without the code that made it, and count again in the source.
"""

import json
import re
from collections import defaultdict
from datetime import UTC, datetime

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.document import Profile
from claims_sim.profile.fit import fit_profile
from claims_sim.profile.reading.source import SourceSpec, read_source
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table, with_values, write_duckdb

NOW = datetime(2026, 1, 2, tzinfo=UTC)
K = 11
CATEGORIES = (
    "service_type", "province_name", "facility_class", "facility_ownership", "dx_primary_code", "severity_group",
    "procedure_code",
)  # fmt: skip


def profile_of(table: pa.Table, path) -> Profile:
    return fit_profile(read_source(SourceSpec(write_duckdb(table, path))), k=K, created_at=NOW)


def dependent_table(rows: int, seed: int = 4) -> pa.Table:
    """A table whose categories depend on one another, with contexts of every size down to a single person."""
    table, g = tariff_table(rows, seed), np.random.default_rng(seed)

    def texts(name: str) -> np.ndarray:
        return np.array(table[name].to_pylist(), object)

    dx, province = texts("dx_primary_code"), texts("province_name")
    place = np.unique(province, return_inverse=True)[1]
    case = np.unique(dx, return_inverse=True)[1]
    classes = np.array(["RS Kelas A", "RS Kelas B", "RS Kelas C", "RS Kelas D"])
    kind = (place + np.where(g.random(rows) < 0.7, 0, g.integers(0, 4, rows))) % 4
    procedures = np.array(["741", "8751", "9904", "3995", "4709", "5123"])
    done = (case + kind + np.where(g.random(rows) < 0.6, 0, g.integers(0, 6, rows))) % 6
    severity = (case + np.where(g.random(rows) < 0.8, 0, g.integers(0, 3, rows))) % 3
    # No provinces of the public register: claims of hospitals that it names are told of as of others like them.
    zones = np.array([f"ZONE {letter}" for letter in "ABCDE"])
    for name, values in (
        ("province_name", zones[place]),
        ("facility_class", classes[kind]),
        ("facility_ownership", np.where((kind + place + (g.random(rows) < 0.15)) % 2 == 0, "Pemkab", "Swasta")),
        ("procedure_code", procedures[done]),
        ("severity_group", np.array(["ringan", "sedang", "berat"])[severity]),
    ):
        table = replaced(table, name, values.tolist())
    return table


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """A table that was profiled, one of the same world that was not, and the profile."""
    whole = dependent_table(16_000)
    inside, outside = whole.slice(0, 8000), whole.slice(8000)
    return inside, outside, profile_of(inside, tmp_path_factory.mktemp("attack") / "claims.duckdb")


# Membership: the best that is known against aggregates is to ask how likely they make a record.


def likelihoods(profile: Profile, tables: list[pa.Table], columns: str, draws: int = 400_000) -> list[np.ndarray]:
    """How often the profile makes each record, by drawing from it as anyone can who has the file."""
    drawn = Sampler(profile).draw_claims(11, np.arange(draws))
    with duckdb.connect() as connection:
        connection.register("drawn", drawn)
        connection.execute(f"CREATE TABLE often AS SELECT {columns}, count(*) AS n FROM drawn GROUP BY ALL")
        found = []
        for table in tables:
            numbered = table.append_column("row", pa.array(np.arange(len(table))))
            connection.register("records", numbered)
            counts = connection.sql(
                f"SELECT coalesce(n, 0) AS n FROM (SELECT row, {columns} FROM records) "
                f"NATURAL LEFT JOIN often ORDER BY row"
            ).fetchnumpy()["n"]
            found.append(np.asarray(counts, float))
    return found


def area(members: np.ndarray, others: np.ndarray) -> float:
    """The chance that a member scores above another, ties half."""
    both = np.concatenate([members, others])
    order = np.argsort(both, kind="stable")
    values, ranks = both[order], np.empty(len(both))
    starts = np.r_[0, np.flatnonzero(np.diff(values)) + 1]
    sizes = np.diff(np.r_[starts, len(values)])
    ranks[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    count = len(members)
    return float((ranks[:count].sum() - count * (count + 1) / 2) / (count * len(others)))


@pytest.mark.parametrize(
    "columns",
    [
        "dx_primary_code, service_type, severity_group, province_name",
        "dx_primary_code, service_type, severity_group, facility_class, facility_ownership, procedure_code, amount_claimed",
    ],
)
def test_who_is_in_the_table_cannot_be_told_from_who_is_not(halves, columns):
    inside, outside, profile = halves
    members, others = likelihoods(profile, [inside, outside], columns)
    assert members.mean() > 0  # the attack can score records at all
    assert abs(area(members, others) - 0.5) < 0.02  # 0.0046 is a standard error of chance


def test_the_attack_would_find_members_of_a_table_that_is_copied(halves):
    inside, outside, _ = halves
    columns = ["dx_primary_code", "province_name", "amount_claimed", "admit_dt", "procedure_code"]
    known = {tuple(row.values()) for row in inside.select(columns).to_pylist()}
    members, others = (
        np.array([tuple(row.values()) in known for row in table.select(columns).to_pylist()], float)
        for table in (inside, outside)
    )
    assert area(members, others) > 0.9


# Singling out and differencing: every number of the file as a question to the source.


def questions(document: dict):
    """For each table of categories: (variable, [(conditions, value, units)]), values and conditions in words.

    `conditions` are (variable, allowed values); a value of None is what a context leaves to its remainder.
    """
    words = document["vocabularies"]
    for table in document["tables"].values():
        features = [document["features"].get(name, {"variable": name, "groups": None}) for name in table["parents"]]
        if table["name"] not in CATEGORIES or any(f["variable"] not in words for f in features):
            continue
        cells = []
        for depth, level in enumerate(table["levels"]):
            paths = (
                [level["contexts"][i : i + depth] for i in range(0, len(level["contexts"]), depth)] if depth else [()]
            )
            values, units = iter(level["values"]), iter(level["units"])
            for path, count in zip(paths, level["cells"], strict=True):
                conditions = tuple(
                    (f["variable"], frozenset(_allowed(words[f["variable"]], f["groups"], code)))
                    for f, code in zip(features, path, strict=False)
                )
                for _ in range(count):
                    value = next(values)
                    cells.append((conditions, None if value < 0 else words[table["name"]][value], next(units)))
        yield table["name"], cells


def _allowed(words, groups, code):
    return [word for i, word in enumerate(words) if (i if groups is None else groups[i]) == code]


def rows_that(columns: dict, conditions) -> np.ndarray:
    holds = np.ones(len(columns["person"]), bool)
    for variable, allowed in conditions:
        holds &= np.isin(columns[variable], list(allowed))
    return holds


@pytest.fixture(scope="module")
def asked(halves):
    inside, _, profile = halves
    document = json.loads(profile.to_json())
    columns = {name: np.array(inside[name].to_pylist(), object) for name in CATEGORIES}
    columns["person"] = np.array(inside["patient_id_hash"].to_pylist(), object)
    return columns, list(questions(document))


def test_no_number_of_the_file_singles_out_fewer_than_k_persons(asked):
    columns, tables = asked
    looked_at = 0
    for name, cells in tables:
        for conditions, value, _ in cells:
            if value is not None:
                persons = set(columns["person"][rows_that(columns, conditions) & (columns[name] == value)])
                looked_at += 1
                assert len(persons) >= K, (name, value, conditions)
    assert looked_at > 200


def test_taking_cells_from_their_context_leaves_nobody_alone(asked):
    """What a context releases, taken from all that falls under it: nobody, k persons, or too few to move a count."""
    columns, tables = asked
    for name, cells in tables:
        told = defaultdict(set)
        for conditions, value, _ in cells:
            if value is not None:
                told[conditions].add(value)
        for conditions, values in told.items():
            left = rows_that(columns, conditions) & ~np.isin(columns[name], list(values))
            persons = set(columns["person"][left])
            # Fewer claims than a unit do not change a number that is rounded to whole units at random.
            assert not persons or len(persons) >= K or left.sum() < K, (name, conditions)


def test_counts_are_whole_units_so_that_no_difference_is_exact(asked, halves):
    columns, tables = asked
    _, _, profile = halves
    off = []
    for name, cells in tables:
        for conditions, value, units in cells:
            if value is not None and not conditions:
                off.append(units * profile.k - int((columns[name] == value).sum()))
    assert any(off)  # counts are not the real ones
    assert max(map(abs, off)) > 1


# Planted identifiers and single persons.

CANARIES = {
    "dx_primary_label": "3578012345678901", "procedure_label": "Ny. SITI AMINAH", "province_name": "KTP 3578012345678901",
    "facility_class": "RM 00-12-34", "facility_ownership": "081234567890", "severity_group": "0001234567890",
    "district_name": "siti@contoh.example", "facility_type": "Tn. Budi",
}  # fmt: skip
ALONE_AMOUNT = 987_654_321.0
ALONE_CODE = "Q871"


def planted_table(rows: int) -> pa.Table:
    """Every text column holds identifiers, one in 40 rows shares them; one person stands alone in every way."""
    table = tariff_table(rows)
    for name, text in CANARIES.items():
        if name not in table.column_names:
            table = replaced(table, name, ["Cholera" if name.endswith("label") else "umum"] * rows)
        table = with_values(table, name, range(0, rows, 40), text)
    table = with_values(table, "patient_id_hash", range(0, rows, 40), "f" * 64)
    table = with_values(table, "dx_secondary_codes", range(0, rows, 40), ["3578012345678901", "I10"])
    table = with_values(table, "procedure_code", range(1, rows, 40), "SITI AMINAH")
    for name, value in (
        ("dx_primary_code", ALONE_CODE),
        ("amount_claimed", ALONE_AMOUNT),
        ("patient_id_hash", "alone"),
    ):
        table = with_values(table, name, [7], value)
    return table


FORBIDDEN = re.compile(
    r"3578012345678901|siti|amina|budi|08123|00-12-34|0001234567890|contoh|ffff|987654321|Q871", re.I
)


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    return profile_of(planted_table(12_000), tmp_path_factory.mktemp("planted") / "claims.duckdb")


def test_planted_identifiers_and_a_single_person_are_not_in_the_file(planted):
    assert FORBIDDEN.findall(planted.to_json()) == []


@pytest.mark.slow
def test_planted_identifiers_and_a_single_person_are_not_in_a_million_claims(planted):
    sampler, step = Sampler(planted), 250_000
    for first in range(0, 1_000_000, step):
        claims = sampler.draw_claims(3, np.arange(first, first + step))
        for name in claims.column_names:
            column = claims[name].combine_chunks()
            if pa.types.is_list(column.type):
                column = column.flatten()
            if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type):
                values = column.unique().to_pylist()
                assert not [value for value in values if value and FORBIDDEN.search(value)], name
        assert ALONE_AMOUNT not in set(claims["amount_claimed"].unique().to_pylist())
