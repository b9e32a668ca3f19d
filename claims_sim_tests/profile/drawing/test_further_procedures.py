"""Lists of procedures in one column: what is done next is told by what was done before it."""

from collections import Counter, defaultdict
from datetime import UTC, datetime

import duckdb
import numpy as np
import pytest

from claims_sim.pipeline.labelled import LabelledRequest
from claims_sim.pipeline.sandbox import write_sandbox
from claims_sim.profile.counts import builder
from claims_sim.profile.counts.counting import Population
from claims_sim.profile.counts.release import release_table
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import FURTHER_PROCEDURE
from claims_sim.profile.encoding.encode import encode
from claims_sim.profile.fit import fit_profile
from claims_sim.profile.reading.behind_codes import with_further_procedures
from claims_sim.profile.reading.mapping import ColumnMapping
from claims_sim.profile.reading.source import SourceSpec, open_source, read_source
from claims_sim.profile.reading.source_columns import FURTHER
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.reading.test_behind_codes import table
from claims_sim_tests.test_sandbox import simulation_of

ROWS = 6000


def lists(seed=1):
    """88.01 is followed by 87.44 in three of four, that by 90.59 in half; 39.95 always stands alone; 53.49 after 47.09 in ten claims."""
    g = np.random.default_rng(seed)
    first = g.choice(["88.01", "39.95", "47.09"], ROWS)
    chest = (first == "88.01") & (g.random(ROWS) < 0.75)
    blood = chest & (g.random(ROWS) < 0.5)
    out = [code + "#87.44" * bool(a) + "#90.59" * bool(b) for code, a, b in zip(first, chest, blood, strict=True)]
    for at in np.flatnonzero(first == "47.09")[:10]:
        out[at] += "#53.49"
    return out


def fitted(path, codes):
    g = np.random.default_rng(2)
    spec = table(
        path, procedure_code=codes, dx_primary_code=g.choice(["A09", "I10", "N185"], ROWS).tolist(),
        patient_id_hash=[f"p{i}" for i in range(ROWS)], amount_claimed=g.integers(1, 9, ROWS).astype(float).tolist(),
    )  # fmt: skip
    return fit_profile(read_source(spec), k=11, created_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def of_lists(tmp_path_factory):
    return fitted(tmp_path_factory.mktemp("lists"), lists())


def drawn(profile, rows=ROWS, key=5):
    sampler, places = Sampler(profile), np.arange(rows)
    claims = sampler.draw_claims(key, places)
    return claims["procedure_code"].to_pylist(), sampler.further_procedures(key, places, claims).to_pylist()


def test_what_is_done_next_comes_as_often_as_in_the_table(of_lists):
    assert Profile.from_json(of_lists.to_json()) == of_lists
    found = Counter("#".join([first, *further]) for first, further in zip(*drawn(of_lists), strict=True))
    real = Counter(text.replace(".", "") for text in lists() if "5349" not in text.replace(".", ""))
    for text, count in real.items():
        assert found[text] / ROWS == pytest.approx(count / ROWS, abs=0.03)
    assert sum(found[text] for text in found.keys() - real.keys()) == 0


def test_what_fewer_than_k_persons_have_is_nowhere(of_lists):
    assert "5349" not in of_lists.to_json()
    assert of_lists.vocabularies[FURTHER_PROCEDURE] == ("8744", "9059", None)
    assert "9059" not in of_lists.vocabulary()["value"].to_pylist()
    origins = {values.column: values.origin for values in describe_crossing(of_lists).lists}
    assert origins[FURTHER_PROCEDURE] == origins["procedure_code"]


def test_no_procedure_comes_twice_and_partitions_change_nothing(tmp_path):
    g = np.random.default_rng(3)
    codes = [
        "#".join(g.choice(["88.01", "87.44", "90.59", "89.52"], g.integers(1, 5), replace=False)) for _ in range(ROWS)
    ]
    own = fitted(tmp_path, codes)
    sampler, rows = Sampler(own), np.arange(1000)
    claims = sampler.draw_claims(4, rows)
    whole = sampler.further_procedures(4, rows, claims).to_pylist()
    assert all(len(set(line)) == len(line) for line in whole)
    assert not any(first in line for first, line in zip(claims["procedure_code"].to_pylist(), whole, strict=True))
    assert max(map(len, whole)) == 3
    parts = [sampler.further_procedures(4, rows[at : at + 500], claims.slice(at, 500)).to_pylist() for at in (0, 500)]
    assert [*parts[0], *parts[1]] == whole


def test_a_claims_first_procedure_does_not_come_again_where_too_few_persons_tell_what_follows_it(tmp_path):
    g = np.random.default_rng(6)
    pairs = [g.choice(np.arange(8801, 8841), 2, replace=False) for _ in range(ROWS)]
    own = fitted(tmp_path, [f"{one}#{other}" for one, other in pairs])
    first, further = drawn(own)
    assert sum(map(len, further)) > 0.9 * ROWS
    assert not any(code in line for code, line in zip(first, further, strict=True))


def test_a_procedure_that_a_claim_repeats_counts_once_and_ends_no_list(tmp_path):
    """Both sides at once: 13.41#13.41#13.71; and one claim that repeats a code sixty times tells it to nobody."""
    codes = ["13.41#13.41#13.71" if place % 2 else "39.95#99.04#99.04#54.91" for place in range(ROWS)]
    codes[5] = "13.41" + "#77.31" * 60
    g = np.random.default_rng(2)
    spec = table(
        tmp_path, procedure_code=codes, dx_primary_code=["A09"] * ROWS, amount_claimed=g.integers(1, 9, ROWS).astype(float).tolist()
    )  # fmt: skip
    profile = fit_profile(read_source(spec), k=11, created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert profile.vocabularies[FURTHER_PROCEDURE] == ("1371", "5491", "9904", None)
    lists = Counter((first, *behind) for first, behind in zip(*drawn(profile), strict=True))
    assert lists.keys() == {("1341", "1371"), ("3995", "9904", "5491")}


def shaken(seed, *, persons, facilities):
    """Columns of claims with up to five of forty procedures, common and rare, of persons with three claims and of houses of all sizes,
    one of which does in six hundred claims what others seldom do.
    """
    g = np.random.default_rng(seed)
    codes = [f"{88 + i // 10}.{i % 10}1" for i in range(40)]
    often = 1 / np.arange(1, 41) ** 1.3
    lists = ["#".join(g.choice(codes, g.integers(1, 6), p=often / often.sum(), replace=False)) for _ in range(4000)]
    houses = [f"f{house}" for house in g.zipf(1.5, 4000) % 40]
    for place in range(600):
        lists[place], houses[place] = f"{codes[0]}#{codes[30 + place % 3]}", "own"
    columns = {"procedure_code": lists, "dx_primary_code": ["A09"] * 4000, "amount_claimed": [1.0] * 4000}
    if persons:
        columns["patient_id_hash"] = [f"p{g.integers(0, 1333)}" for _ in range(4000)]
    if facilities:
        columns["facility_id"] = houses
    return columns


@pytest.mark.many(daily=2)
@pytest.mark.parametrize(
    ("persons", "facilities"), [(True, True), (True, False), (False, True), (False, False)],
    ids=["both keys", "persons", "facilities", "no key"],
)  # fmt: skip
@pytest.mark.parametrize("seed", [1, 2])
def test_each_cell_of_what_comes_next_may_be_told_counted_claim_by_claim(
    tmp_path, monkeypatch, seed, persons, facilities
):
    """Counted again from the lists: each cell, and each remainder of no fewer steps than k, is of enough persons and houses."""
    seen = {}

    def noted(target, parents, population, *others):
        found = release_table(target, parents, population, *others)
        seen[target.name] = (target, parents, found)
        return found

    monkeypatch.setattr(builder, "release_table", noted)
    source = read_source(table(tmp_path, **shaken(seed, persons=persons, facilities=facilities)))
    fit_profile(source, k=11, created_at=datetime(2026, 1, 1, tzinfo=UTC))
    target, parents, found = seen[FURTHER_PROCEDURE]
    encoded = encode(source, 11)
    whole = encoded.population
    steps = 1 + np.bincount(encoded.further_rows, minlength=encoded.rows)
    owner = np.repeat(np.arange(encoded.rows), steps)
    assert len(owner) == len(target.codes)
    again = Population(
        len(owner), whole.k, owner + 1 if whole.persons is None else whole.persons[owner],
        None if whole.facilities is None else whole.facilities[owner],
    )  # fmt: skip
    contexts = np.column_stack([parent.codes for parent in parents]) if parents else np.zeros((len(owner), 0))
    cells, remainders = defaultdict(list), defaultdict(list)
    for row, depth in enumerate(found.depth.tolist()):
        if depth >= 0:
            cells[depth, tuple(contexts[row, :depth]), found.codes[row]].append(row)
    told = {(depth, context) for depth, context, _ in cells}
    for row, depth in enumerate(found.depth.tolist()):
        for deeper in range(max(depth, 0) + 1, len(parents) + 1):
            if (deeper, tuple(contexts[row, :deeper])) in told:
                remainders[deeper, tuple(contexts[row, :deeper])].append(row)
    assert len(cells) > 20
    assert all(again.may_be_told(np.array(rows)) for rows in cells.values())
    enough = [rows for rows in remainders.values() if len(rows) >= whole.k]
    assert all(again.may_be_told(np.array(rows)) for rows in enough)


def test_secondary_diagnoses_that_a_claim_repeats_count_once(tmp_path):
    lists = [["I10"] if place % 2 else [] for place in range(ROWS)]
    lists[7] = ["E119"] * 60
    spec = table(
        tmp_path, dx_secondary_codes=lists, dx_primary_code=["A09"] * ROWS, amount_claimed=[float(i % 9) for i in range(ROWS)]
    )  # fmt: skip
    profile = fit_profile(read_source(spec), k=11, created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert profile.vocabularies["dx_secondary_codes"] == ("I10",)


def test_claims_without_a_procedure_have_no_further_one(tmp_path):
    own = fitted(tmp_path, [text if i % 2 else None for i, text in enumerate(lists())])
    first, further = drawn(own)
    assert 0.4 < np.mean([code is None for code in first]) < 0.6
    assert not any(line for code, line in zip(first, further, strict=True) if code is None)


def test_a_profile_without_lists_has_no_further_procedures(tmp_path):
    own = fitted(tmp_path, [text.partition("#")[0] for text in lists()])
    assert FURTHER_PROCEDURE not in own.tables
    assert drawn(own, 20)[1] == [None] * 20


@pytest.mark.parametrize(
    ("codes", "are_lists"),
    [
        (["88.01#99.04", "39.95"], True), (["88.01;99.04", "39.95"], True), (['["88.01","99.04"]', "39.95"], True),
        (["99213|J1885", "99214"], True), (["39.95", "88.01"], False), (["Kontrol, ulang", "Foto, thorax"], False),
        (["8744 - Foto, thorax 2", "9039 - Darah"], False), (["88.01#99.04", *["39.95"] * 120], False), ([None, "39.95"], False),
    ],
)  # fmt: skip
def test_a_column_has_further_procedures_where_one_in_a_hundred_lists_several_codes(tmp_path, codes, are_lists):
    spec = table(tmp_path, procedure_code=codes)
    with open_source(SourceSpec(spec.path)) as opened:
        located = opened.find_columns(ColumnMapping(), "c.parquet")
        assert (FURTHER in with_further_procedures(opened.connection, opened.relation, located)) == are_lists


@pytest.mark.slow
def test_a_sandbox_lists_procedures_as_the_source_does_and_repeats_have_the_same(settings, tmp_path):
    path, out, truth = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb", tmp_path / "truth.parquet"
    own = simulation_of(
        settings,
        path,
        """
        SELECT * REPLACE (procedure_code || CASE hash(claim_id) % 4 WHEN 0 THEN '#0331#8877'
          WHEN 1 THEN '#0331' ELSE '' END AS procedure_code) FROM src.claims_normalized
    """,
    )
    first = "SELECT count(*) FROM claims_normalized WHERE regexp_matches(procedure_code, '^(0331|8877)')"
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute(first).fetchone()[0] < 10, "a code that is done again would count once"
    asked = LabelledRequest(count=3_000, rate=0.1)
    write_sandbox(own, out, asked=asked, truth=truth)
    told = """SELECT avg(contains(procedure_code, '#')::INT), avg(contains(procedure_code, '#0331#8877')::INT),
      avg(regexp_full_match(procedure_code, '[0-9]+(#0331(#8877)?)?')::INT) FROM claims_normalized WHERE procedure_code IS NOT NULL"""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{out}' AS ours (READ_ONLY); ATTACH '{path}' AS real (READ_ONLY)")
        shares = [connection.execute(told.replace("FROM ", f"FROM {name}.")).fetchall()[0] for name in ("real", "ours")]
        # Of some 900 claims with a procedure k persons and coarse counts are a tenth of many a cell.
        assert shares[1] == pytest.approx(shares[0], abs=0.08)
        same, pairs = connection.execute(f"""
            SELECT count(*) FILTER (a.procedure_code IS NOT DISTINCT FROM b.procedure_code), count(*)
            FROM '{truth}' t JOIN ours.claims_normalized a USING (claim_id)
            JOIN ours.claims_normalized b ON b.claim_id = t.related_claims[1] WHERE t.kind = 'cloned_claim'
        """).fetchone()
    assert same == pairs > 0
