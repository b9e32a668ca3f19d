"""`map` on columns as strangers' tables have them: each small table holds what one of them was misread by."""


import pyarrow as pa

from claims_sim.profile.proposal import propose_mapping
from claims_sim.profile.source import SourceSpec
from claims_sim_tests.profile.tables import tariff_table, write_duckdb


def proposed(table, path):
    return propose_mapping(SourceSpec(write_duckdb(table, path / f"{len(list(path.iterdir()))}.duckdb")))


def placed_in(table, path):
    return {p.ours: p.theirs for p in proposed(table, path).placed}


def possible_in(table, path, ours):
    return [p.theirs for p in proposed(table, path).possible if p.ours == ours]


def renamed(table, **names):
    """`table` with its columns called otherwise: ours = theirs."""
    return table.rename_columns([names.get(name, name) for name in table.column_names])


def with_columns(table, **columns):
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    return table


def test_known_words_tell_the_kind_of_service_from_the_class_of_a_room(tmp_path):
    service = tariff_table(900)["service_type"].to_pylist()
    table = with_columns(
        tariff_table(900).drop_columns("service_type"),
        visit_type=[{"RITL": "IP", "RJTL": "OP"}[kind] for kind in service],
        care_class=[("1", "2", "3", "VIP")[i % 4] if kind == "RITL" else None for i, kind in enumerate(service)],
    )
    assert placed_in(table, tmp_path)["service_type"] == "visit_type"
