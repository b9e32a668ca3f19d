"""Columns of INA-CBG codes: claims have the severities they end in, tables of the source's shape the groups before these too."""

from collections import Counter
from datetime import UTC, datetime

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from claims_sim import pipeline
from claims_sim.generation.batch import utc_now
from claims_sim.pipeline.labelled import LabelledRequest
from claims_sim.pipeline.sandbox import write_sandbox
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import CASE_GROUP
from claims_sim.profile.fit import fit_profile
from claims_sim.profile.reading.sketch import sketch_source
from claims_sim.profile.reading.source import SourceSpec, read_source
from claims_sim.profile.sampler import Sampler
from claims_sim.profile.writing.reverse import MADE_UP_GROUP
from claims_sim_tests.test_sandbox import query

ROWS = 6000
MAPPING = """
    [values.severity_group]
    "0" = "none"
    I = "ringan"
    II = "sedang"
    III = "berat"
"""


def coded(path, rare=8, seed=3, strange=""):
    """Stays for A09 are of A-4-14, those for N185 of N-4-10 or, each third, N-4-11; visits of Q-5-44, whatever for; `rare` stays of
    A-4-99 are of fewer persons than may be told. Of every hundredth claim the column holds `strange`.
    """
    g = np.random.default_rng(seed)
    dx, stays = g.choice(["A09", "N185"], ROWS), g.random(ROWS) < 0.5
    group = np.where(
        stays, np.where(dx == "A09", "A-4-14", np.where(g.random(ROWS) < 1 / 3, "N-4-11", "N-4-10")), "Q-5-44"
    )
    group[np.flatnonzero(stays & (dx == "A09"))[:rare]] = "A-4-99"
    code = [f"{a}-{b}" for a, b in zip(group, np.where(stays, g.choice(["I", "II", "III"], ROWS), "0"), strict=True)]
    if strange:
        code[::100] = [strange] * len(code[::100])
    table = pa.table({
        "claim_id": [f"c{i}" for i in range(ROWS)], "dx_primary_code": dx, "service_type": np.where(stays, "RITL", "RJTL"),
        "los": np.where(stays, 3, 0), "severity_group": code, "amount_claimed": g.integers(1, 9, ROWS) * 1e5,
        "patient_id_hash": [f"p{i}" for i in range(ROWS)],
    })  # fmt: skip
    with duckdb.connect(str(path)) as connection:
        connection.register("made", table)
        connection.execute("CREATE TABLE claims_normalized AS SELECT * FROM made")
    mapping = path.with_suffix(".toml")
    mapping.write_text(MAPPING)
    return SourceSpec(path, mapping=mapping)


def fitted(spec):
    return fit_profile(read_source(spec), k=11, created_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def of_codes(tmp_path_factory):
    return fitted(coded(tmp_path_factory.mktemp("codes") / "claims.duckdb"))


def test_groups_come_as_often_as_in_the_table_for_each_diagnosis(of_codes):
    assert Profile.from_json(of_codes.to_json()) == of_codes
    sampler, places = Sampler(of_codes), np.arange(ROWS)
    claims = sampler.draw_claims(5, places)
    group = sampler.case_groups(5, places, claims).to_pylist()
    assert set(claims["severity_group"].to_pylist()) == {"none", "ringan", "sedang", "berat"}
    found = Counter(zip(claims["service_type"].to_pylist(), claims["dx_primary_code"].to_pylist(), group, strict=True))
    assert {(kind, dx[0], one) for kind, dx, one in found} == {
        ("RJTL", "A", "Q-5-44"), ("RJTL", "N", "Q-5-44"), ("RITL", "A", "A-4-14"), ("RITL", "N", "N-4-10"), ("RITL", "N", "N-4-11"),
    }  # fmt: skip
    share = found["RITL", "N185", "N-4-11"] / (found["RITL", "N185", "N-4-11"] + found["RITL", "N185", "N-4-10"])
    assert share == pytest.approx(1 / 3, abs=0.05)
    parts = [sampler.case_groups(5, places[at], claims.take(at)).to_pylist() for at in np.array_split(places, 3)]
    assert [one for part in parts for one in part] == group


def test_a_group_of_too_few_persons_and_what_is_no_group_do_not_cross(of_codes, tmp_path):
    assert of_codes.vocabularies[CASE_GROUP] == ("A-4-14", "N-4-10", "N-4-11", "Q-5-44")
    assert "A-4-99" not in of_codes.to_json()
    # No payload has a group, so that none is a word of its vocabulary.
    assert "A-4-14" not in of_codes.vocabulary()["value"].to_pylist()
    (listed,) = (values for values in describe_crossing(of_codes).lists if values.column == CASE_GROUP)
    assert "INA-CBG" in listed.origin
    strange = fitted(coded(tmp_path / "strange.duckdb", strange="3171234567890123"))
    assert strange.vocabularies[CASE_GROUP][:4] == of_codes.vocabularies[CASE_GROUP]
    assert "3171234567890123" not in strange.to_json()


def test_persons_whose_groups_changed_have_changed(tmp_path):
    before, after = (sketch_source(read_source(coded(tmp_path / f"{rare}.duckdb", rare)), 7) for rare in (0, 30))
    assert before.change_to(after).owners > 0
    assert before.change_to(sketch_source(read_source(coded(tmp_path / "again.duckdb", 0)), 7)).owners == 0


def test_a_table_of_the_sources_shape_has_whole_codes(settings, tmp_path):
    spec, out = coded(tmp_path / "claims.duckdb"), tmp_path / "sandbox.duckdb"
    own = settings.model_copy(update={"source": spec.path, "mapping": spec.mapping})
    pipeline.keep_profile(own, pipeline.profile_source(own, utc_now()).profile)
    asked = LabelledRequest(count=ROWS, rate=0.05)
    assert write_sandbox(own, out, asked=asked).named(MADE_UP_GROUP) == []
    in_table, in_sandbox = (
        dict(query(path, "SELECT severity_group, count(*) FROM claims_normalized GROUP BY 1"))
        for path in (spec.path, out)
    )
    assert in_sandbox.keys() <= in_table.keys()
    for code in (code for code in in_table if not code.startswith("A-4-99")):
        assert in_sandbox[code] / ROWS == pytest.approx(in_table[code] / ROWS, abs=0.04)
    assert query(out, "SELECT count(*) FROM claims_normalized WHERE severity_group[3] = '4' AND los = 0") == [(0,)]


@pytest.mark.slow
def test_the_streams_claims_have_whole_codes_too(settings, tmp_path):
    spec, out = coded(tmp_path / "claims.duckdb"), tmp_path / "sandbox.duckdb"
    own = settings.model_copy(update={"source": spec.path, "mapping": spec.mapping})
    pipeline.keep_profile(own, pipeline.profile_source(own, utc_now()).profile)
    pipeline.run_tick(own, utc_now())
    assert write_sandbox(own, out, asked=LabelledRequest(count=5), from_stream=True).claims == 5
    told = {code.rsplit("-", 1)[0] for (code,) in query(out, "SELECT severity_group FROM claims_normalized")}
    assert told <= {"A-4-14", "N-4-10", "N-4-11", "Q-5-44"}
