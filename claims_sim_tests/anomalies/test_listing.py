"""What users are told about the kinds is what the code does."""

import json
from pathlib import Path

import pytest

import claims_sim
from claims_sim.anomalies.kinds import KINDS, OUT_OF_SCOPE
from claims_sim.launch.anomaly_list import as_markdown, listed_kinds

DOCS = Path(claims_sim.__file__).parents[1] / "docs" / "anomalies.md"


@pytest.mark.skipif(not DOCS.exists(), reason="the docs are not beside an installed package")
def test_the_tables_of_the_docs_are_those_of_the_code():
    inside = DOCS.read_text(encoding="utf-8").split("-->\n", 1)[1].split("\n<!-- /tables")[0]
    assert inside == as_markdown()


def test_the_command_lists_every_kind_its_strengths_and_what_is_out_of_scope(run):
    _, out, _ = run("anomalies")
    heading, first = out.splitlines()[1:3]
    assert [heading[22:29], heading[30:34]] == ["no keys", "keys"]
    assert first[22:34].split() == [f"{listed_kinds()[0][name]:.0%}" for name in ("share", "share with keys")]
    for kind in KINDS.values():
        assert kind.name in out
        assert all(strength in out for strength in kind.strengths)
    assert all(why in out for why in OUT_OF_SCOPE.values())
    _, out, _ = run("anomalies", "--json")
    assert json.loads(out) == listed_kinds()


def test_every_kind_names_its_guidance_and_the_shares_are_a_whole():
    kinds = listed_kinds()
    assert all("Permenkes 16/2019" in kind["guidance"] for kind in kinds)
    assert sum(kind["share"] for kind in kinds) == pytest.approx(1, abs=1e-3)
    assert sum(kind["share with keys"] for kind in kinds) == pytest.approx(1, abs=1e-3)
