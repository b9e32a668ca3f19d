"""A sandbox writes codes, lists, dates, numbers and what is missing as its source does, one way or in several."""

import duckdb
import pytest

from claims_sim import pipeline
from claims_sim.pipeline.sandbox import write_sandbox
from claims_sim.profile.reading.diagnosis_count import COUNTS_ALL
from claims_sim.profile.reading.mapping import ColumnMapping, load_mapping
from claims_sim.profile.reading.source import SourceSpec, open_source, read_source, union_view
from claims_sim_tests.profile.reading.test_source import parquet
from claims_sim_tests.test_sandbox import asked, query, simulation_of


@pytest.mark.slow
def test_days_as_numbers_small_letters_names_behind_codes_and_marks_for_nothing_are_written_so(settings, tmp_path):
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    own = simulation_of(
        settings,
        path,
        """
        SELECT * REPLACE (
          CAST(strftime(admit_dt, '%Y%m%d') AS BIGINT) AS admit_dt, CAST(strftime(discharge_dt, '%Y%m%d') AS DOUBLE) AS discharge_dt,
          lower(dx_primary_code) AS dx_primary_code,
          coalesce(procedure_code || ' - A name', CASE WHEN service_type = 'RITL' THEN '-' ELSE '0000' END) AS procedure_code,
          nullif(array_to_string(dx_secondary_codes, ','), '') AS dx_secondary_codes,
          'Rp ' || replace(format('{:,}', CAST(amount_paid AS BIGINT)), ',', '.') || ',00' AS amount_paid,
          round(claim_weight * (1 + hash(claim_id) % 997 / 7919.0), 2) AS claim_weight) FROM src.claims_normalized;
        ALTER TABLE claims_normalized DROP COLUMN IF EXISTS procedure_label
    """,
    )
    assert write_sandbox(own, out, asked=asked()).named("") == []
    told = """SELECT count(try_strptime(CAST(admit_dt AS VARCHAR), '%Y%m%d')) / count(*), bool_and(discharge_dt >= admit_dt),
      avg((dx_primary_code = lower(dx_primary_code))::INT), avg((procedure_code = '0000')::INT), avg((procedure_code = '-')::INT),
      avg((procedure_code = '-' AND service_type = 'RITL')::INT),
      count(procedure_code) / count(*),
      avg(regexp_full_match(procedure_code, '0000|-|[0-9A-Z]+( - .+)?')::INT), avg(contains(procedure_code, ' - ')::INT),
      avg(regexp_full_match(amount_paid, 'Rp [0-9]{1,3}([.][0-9]{3})*,00')::INT),
      avg((claim_weight = round(claim_weight, 2))::INT),
      avg((dx_secondary_codes IS NULL)::INT), avg((dx_secondary_codes = '')::INT) FROM claims_normalized"""
    for real, ours in zip(query(path, told)[0], query(out, told)[0], strict=True):
        assert ours == pytest.approx(real, abs=0.05)


@pytest.mark.parametrize(
    ("paid", "gap", "bare"),
    [
        ("round(claimed * 0.83, 2)", "claimed - round(claimed * 0.83, 2)", 1.0),
        pytest.param("round(claimed * 0.83, 2)", "round(claimed - round(claimed * 0.83, 2), 2)", 0.0, marks=pytest.mark.slow),
        pytest.param("claimed - round(claimed * 0.17, 2)", "round(claimed * 0.17, 2)", 1.0, marks=pytest.mark.slow),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_what_is_left_of_two_amounts_is_rounded_as_there(settings, tmp_path, paid, gap, bare):
    """Of doubles, 1000.1 - 900.0 is 100.10000000000002."""
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    own = simulation_of(
        settings,
        path,
        f"""SELECT * EXCLUDE (claimed) REPLACE (claimed AS amount_claimed, {paid} AS amount_paid, {gap} AS amount_gap)
          FROM (SELECT *, round(amount_claimed / 997.0, 2)::DOUBLE AS claimed FROM src.claims_normalized)""",
    )
    write_sandbox(own, out, asked=asked())
    of_bare = "amount_paid" if paid.startswith("claimed") else "amount_gap"
    left = f"(amount_claimed - {'amount_gap' if of_bare == 'amount_paid' else 'amount_paid'})"
    told = (
        f"SELECT avg(({of_bare} = {left})::INT), count(*) > 50 FROM claims_normalized WHERE {left} <> round({left}, 2)"
    )
    assert query(path, told) == [(bare, True)]
    assert query(out, told) == [(pytest.approx(bare, abs=0.02), True)]


@pytest.mark.slow
def test_chapters_of_diagnoses_are_written_as_there_and_claims_bear_their_names(settings, tmp_path):
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    chapters = {"N": "n00_n99", "J": "j00_j99", "I": "i00_i99"}
    cases = " ".join(f"WHEN '{letter}' THEN '{chapter}'" for letter, chapter in chapters.items())
    own = simulation_of(
        settings,
        path,
        f"""SELECT * EXCLUDE (dx_primary_label) REPLACE (CASE dx_primary_code[1] {cases} ELSE 'z00_z99' END AS dx_primary_code)
          FROM src.claims_normalized""",
    )
    profile = pipeline.current_profile(own)
    assert set(profile.dx_names.values()) > {"Diseases of the genitourinary system"}
    assert write_sandbox(own, out, asked=asked()).named("") == []
    found = query(out, "SELECT DISTINCT dx_primary_code FROM claims_normalized ORDER BY 1")
    assert found == [("i00_i99",), ("j00_j99",), ("n00_n99",), ("z00_z99",)]


@pytest.mark.parametrize(
    "form", ["VARCHAR", pytest.param("VARCHAR[]", marks=pytest.mark.slow), pytest.param("JSON", marks=pytest.mark.slow)]
)
@pytest.mark.slow
def test_a_list_without_codes_is_written_as_there(settings, tmp_path, form):
    """Claims with a night have no list where there is no code, visits an empty one."""
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    lists = "CASE WHEN len(dx_secondary_codes) > 0 OR service_type = 'RJTL' THEN dx_secondary_codes END"
    lists = lists if form == "VARCHAR[]" else f"CAST(to_json({lists}) AS {form})"
    own = simulation_of(settings, path, f"SELECT * REPLACE ({lists} AS dx_secondary_codes) FROM src.claims_normalized")
    write_sandbox(own, out, asked=asked())
    told = """SELECT service_type, avg((dx_secondary_codes IS NULL)::INT), avg((CAST(dx_secondary_codes AS VARCHAR) = '[]')::INT)
      FROM claims_normalized WHERE service_type IN ('RITL', 'RJTL') GROUP BY 1 ORDER BY 1"""
    for real, ours in zip(query(path, told), query(out, told), strict=True):
        assert ours[1:] == (pytest.approx(real[1], abs=0.07), pytest.approx(real[2] or 0, abs=0.07))
    assert query(path, told)[0][1] > 0.15


@pytest.mark.parametrize("form", ["text", "list"])
@pytest.mark.slow
def test_members_that_say_nothing_are_no_codes_and_no_diagnosis_is_written_as_there(settings, tmp_path, form):
    """A list begins by what it says first; [] is no diagnosis."""
    path, out, mapping = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb", tmp_path / "mapping.toml"
    mapping.write_text('[columns]\ndx_primary_code = "diagnoses"\ndx_secondary_codes = "diagnoses"\n')
    lists = "CASE WHEN hash(claim_id) % 4 = 0 THEN [] ELSE [NULL, '', dx_primary_code, 'I10'] END"
    spelled = f"CAST(to_json(list_filter({lists}, lambda c: c <> '')) AS VARCHAR)"
    own = simulation_of(
        settings,
        path,
        f"""SELECT * EXCLUDE (dx_primary_code, dx_secondary_codes, comorbidity_count),
          {lists if form == "list" else spelled} AS diagnoses FROM src.claims_normalized""",
        mapping=mapping,
    )
    profile = pipeline.current_profile(own)
    assert "[]" not in profile.vocabularies["dx_primary_code"]
    assert profile.defaults["dx_primary_code"] == "R69"
    write_sandbox(own, out, asked=asked())
    empty = "diagnoses = []" if form == "list" else "diagnoses = '[]'"
    share = query(out, f"SELECT avg(({empty})::INT), count(diagnoses) / count(*) FROM claims_normalized")[0]
    assert share[0] == pytest.approx(0.25, abs=0.04)
    assert share[1] == 1


@pytest.mark.slow
def test_a_staging_table_of_texts_is_written_as_its_systems_write(settings, tmp_path):
    """A third of the houses fill their codes with blanks and write 12.00; the others write 12.0, or 12."""
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    own = simulation_of(
        settings,
        path,
        """
        SELECT claim_id, patient_id_hash, facility_id, province_name, facility_class, facility_ownership,
          strftime(admit_dt, '%Y-%m-%d %H:%M:%S.0') AS admit_dt,
          CAST(los AS VARCHAR) || CASE WHEN hash(claim_id) % 2 = 0 THEN '.0' ELSE '' END AS los,
          CASE WHEN hash(facility_id) % 3 = 0 THEN rpad(service_type, 10, ' ') ELSE service_type END AS service_type,
          CASE WHEN hash(facility_id) % 3 = 0 THEN rpad(dx_primary_code, 30, ' ') ELSE dx_primary_code END AS dx_primary_code,
          CAST(CAST(amount_claimed AS BIGINT) AS VARCHAR) || CASE WHEN hash(facility_id) % 3 = 0 THEN '.00' ELSE '' END AS amount_claimed
        FROM src.claims_normalized
    """,
    )
    write_sandbox(own, out, asked=asked())
    told = """SELECT avg((length(service_type) = 10)::INT), avg((length(dx_primary_code) = 30)::INT), avg((ends_with(los, '.0'))::INT),
      avg((ends_with(amount_claimed, '.00'))::INT), avg((regexp_full_match(amount_claimed, '[0-9]+'))::INT) FROM claims_normalized"""
    for real, ours in zip(query(path, told)[0], query(out, told)[0], strict=True):
        assert ours == pytest.approx(real, abs=0.1)
    ways = """SELECT DISTINCT length(service_type) = 10, length(dx_primary_code) = 30, ends_with(amount_claimed, '.00')
      FROM claims_normalized"""
    assert set(query(out, ways)) == {(True, True, True), (False, False, False)}
    assert query(
        out, "SELECT count(try_strptime(admit_dt, '%Y-%m-%d %H:%M:%S.0')) / count(*) FROM claims_normalized"
    ) == [(1,)]


ALL_DIAGNOSES = {
    "text": "array_to_string(list_prepend(dx_primary_code, dx_secondary_codes), ';')",
    "list": "list_prepend(dx_primary_code, dx_secondary_codes)",
    "JSON": "CAST(to_json(list_prepend(dx_primary_code, dx_secondary_codes)) AS VARCHAR)",
}


@pytest.mark.parametrize("form", ALL_DIAGNOSES)
@pytest.mark.slow
def test_a_column_of_all_diagnoses_has_the_first_and_the_others(settings, tmp_path, form):
    path, out, mapping = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb", tmp_path / "mapping.toml"
    mapping.write_text('[columns]\ndx_primary_code = "diagnoses"\ndx_secondary_codes = "diagnoses"\n')
    own = simulation_of(
        settings,
        path,
        f"""
        SELECT * EXCLUDE (dx_primary_code, dx_secondary_codes, comorbidity_count), {ALL_DIAGNOSES[form]} AS diagnoses
        FROM src.claims_normalized
    """,
        mapping=mapping,
    )
    write_sandbox(own, out, asked=asked())
    codes = {
        "text": "string_split(diagnoses, ';')", "list": "diagnoses", "JSON": "CAST(diagnoses AS JSON)::VARCHAR[]",
    }  # fmt: skip
    told = f"""SELECT avg(len(codes)), avg((len(codes) = 1)::INT), avg((codes[1] IN ('N185', 'I10', 'J189', 'A09'))::INT),
      count(codes) / count(*) FROM (SELECT {codes[form]} AS codes FROM claims_normalized)"""
    for real, ours in zip(query(path, told)[0], query(out, told)[0], strict=True):
        assert ours == pytest.approx(real, abs=0.05 + 0.05 * real)
    assert query(path, told)[0][0] > 1.2


@pytest.mark.slow
@pytest.mark.parametrize(
    "written",
    [
        "CAST(CAST(discharge_dt AS DATE) AS TIMESTAMP)",
        pytest.param("CAST(discharge_dt AS DATE)", marks=pytest.mark.slow),
        pytest.param("strftime(CAST(discharge_dt AS DATE), '%Y-%m-%d %H:%M:%S')", marks=pytest.mark.slow),
    ],
)
def test_discharges_have_no_time_of_day_where_they_have_none(settings, tmp_path, written):
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    own = simulation_of(
        settings,
        path,
        f"SELECT * REPLACE (CAST(admit_dt AS DATE) + INTERVAL 9 HOUR AS admit_dt, {written} AS discharge_dt) FROM src.claims_normalized",
    )
    assert write_sandbox(own, out, asked=asked()).named("") == []
    told = """SELECT count(*) FILTER (hour(CAST(admit_dt AS TIMESTAMP)) = 0) / count(*),
      count(*) FILTER (date_part('epoch', CAST(CAST(discharge_dt AS TIMESTAMP) AS TIME)) > 0),
      count(*) FILTER (CAST(discharge_dt AS DATE) < CAST(admit_dt AS DATE)),
      count(*) FILTER (CAST(discharge_dt AS DATE) = CAST(admit_dt AS DATE)) / count(*) FROM claims_normalized"""
    for real, ours in zip(query(path, told)[0], query(out, told)[0], strict=True):
        assert ours == pytest.approx(real, abs=0.05)


@pytest.mark.slow
def test_a_count_of_all_diagnoses_is_read_as_of_secondary_ones_and_written_as_it_is(settings, tmp_path):
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    own = simulation_of(
        settings,
        path,
        "SELECT * REPLACE (1 + len(dx_secondary_codes) AS comorbidity_count) FROM src.claims_normalized",
    )
    assert COUNTS_ALL in pipeline.current_profile(own).oddities
    assert "comorbidity_count" not in write_sandbox(own, out, asked=asked()).named("")
    assert query(out, "SELECT DISTINCT comorbidity_count - len(dx_secondary_codes) FROM claims_normalized") == [(1,)]
    real = union_view(SourceSpec(path), tmp_path / "none").split("UNION ALL")[0]
    with duckdb.connect() as connection:
        connection.execute(real)
        told = "SELECT DISTINCT comorbidity_count - len(dx_secondary_codes) FROM claims_with_simulated"
        assert connection.execute(told).fetchall() == [(0,)]


@pytest.mark.parametrize(("share", "reads"), [(1, True), (0.8, False)])
def test_a_count_is_of_all_diagnoses_where_nearly_all_claims_count_so(tmp_path, share, reads):
    rows = 1_000
    columns = {
        "dx_primary_code": ["A09"] * rows, "admit_dt": ["2024-01-02"] * rows, "amount_claimed": [1.0] * rows,
        "dx_secondary_codes": [["I10"]] * rows, "comorbidity_count": [2 if i < share * rows else 1 for i in range(rows)],
    }  # fmt: skip
    assert (COUNTS_ALL in read_source(parquet(tmp_path / "c.parquet", **columns)).oddities) == reads


@pytest.mark.slow
def test_all_diagnoses_over_columns_have_the_first_in_the_first(settings, tmp_path):
    path, out, mapping = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb", tmp_path / "mapping.toml"
    mapping.write_text('[columns]\ndx_primary_code = "dx1"\ndx_secondary_codes = ["dx1", "dx2", "dx3"]\n')
    own = simulation_of(
        settings,
        path,
        """
        SELECT * EXCLUDE (dx_primary_code, dx_secondary_codes, comorbidity_count), dx_primary_code AS dx1,
          dx_secondary_codes[1] AS dx2, dx_secondary_codes[2] AS dx3 FROM src.claims_normalized
    """,
        mapping=mapping,
    )
    write_sandbox(own, out, asked=asked())
    told = """SELECT count(dx1) / count(*), count(dx2) / count(*), count(dx3) / count(*), count(CASE WHEN dx1 = dx2 THEN 1 END)
      FROM claims_normalized"""
    for real, ours in zip(query(path, told)[0], query(out, told)[0], strict=True):
        assert ours == pytest.approx(real, abs=0.05)


@pytest.mark.slow
def test_procedures_in_lists_are_lists_in_the_sandbox_and_none_is_written_as_there(settings, tmp_path):
    """Of visits an empty list, of stays null."""
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    own = simulation_of(
        settings,
        path,
        """
        SELECT * REPLACE (CASE WHEN procedure_code IS NOT NULL THEN
            list_distinct([procedure_code, CASE WHEN hash(claim_id) % 3 = 0 THEN '9059' ELSE procedure_code END])
          WHEN service_type = 'RITL' THEN NULL ELSE [] END AS procedure_code) FROM src.claims_normalized
    """,
    )
    write_sandbox(own, out, asked=asked())
    told = """SELECT count(procedure_code) / count(*), avg(coalesce(procedure_code = [], false)::INT),
      avg(coalesce(len(procedure_code) = 1, false)::INT), avg(coalesce(len(procedure_code) = 2, false)::INT) FROM claims_normalized"""
    for real, ours in zip(query(path, told)[0], query(out, told)[0], strict=True):
        assert ours == pytest.approx(real, abs=0.05)
    assert (
        query(
            out, "SELECT service_type = 'RITL', procedure_code = [] FROM claims_normalized WHERE procedure_code IS NULL"
        )
        != []
    )
    assert query(out, "SELECT count(*) FROM claims_normalized WHERE procedure_code = [] AND service_type = 'RITL'") == [
        (0,)
    ]


@pytest.mark.slow
def test_codes_of_several_lists_have_their_dots_each_as_its_own(settings, tmp_path):
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    own = simulation_of(
        settings,
        path,
        """
        SELECT * REPLACE (
          CASE length(procedure_code) WHEN 4 THEN left(procedure_code, 2) || '.' || procedure_code[3] || '.' || procedure_code[4]
          ELSE procedure_code END AS procedure_code) FROM src.claims_normalized
    """,
    )
    write_sandbox(own, out, asked=asked())
    told = """SELECT DISTINCT regexp_replace(procedure_code, '[0-9]', '9', 'g') FROM claims_normalized
      WHERE procedure_code IS NOT NULL"""
    assert set(query(out, told)) == {("999",), ("99.9.9",)} <= set(query(path, told))


@pytest.mark.slow
def test_each_house_of_the_sandbox_writes_codes_in_one_way_and_as_many_as_in_the_source_in_each(settings, tmp_path):
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    dotted = "left(dx_primary_code, 3) || CASE WHEN length(dx_primary_code) > 3 THEN '.' || substr(dx_primary_code, 4) ELSE '' END"
    own = simulation_of(
        settings,
        path,
        f"""
        SELECT * REPLACE (
          CASE WHEN hash(facility_id) % 3 = 0 THEN lower(dx_primary_code) ELSE {dotted} END AS dx_primary_code)
        FROM src.claims_normalized
    """,
    )
    write_sandbox(own, out, asked=asked())
    told = """SELECT avg((dx_primary_code ~ '[a-z]')::INT), avg((contains(dx_primary_code, '.'))::INT) FROM claims_normalized"""
    for real, ours in zip(query(path, told)[0], query(out, told)[0], strict=True):
        assert ours == pytest.approx(real, abs=0.1)
    ways = query(
        out, "SELECT facility_id, count(DISTINCT dx_primary_code ~ '[a-z]') FROM claims_normalized GROUP BY ALL"
    )
    assert len(ways) > 100
    assert {ways for _, ways in ways} == {1}


@pytest.mark.parametrize("spread", [True, False])
@pytest.mark.slow
def test_lists_of_all_diagnoses_beside_a_column_of_the_primary_one_begin_with_it(settings, tmp_path, spread):
    path, out, mapping = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb", tmp_path / "mapping.toml"
    names = ["dgns_cd1", "dgns_cd2", "dgns_cd3"] if spread else ["dgns"]
    mapping.write_text(f"[columns]\ndx_secondary_codes = {names}\n")
    every = "list_prepend(dx_primary_code, coalesce(dx_secondary_codes, []))"
    theirs = (
        ", ".join(f"{every}[{place}] AS {name}" for place, name in enumerate(names, 1))
        if spread
        else f"array_to_string({every}, ';') AS dgns"
    )
    own = simulation_of(
        settings,
        path,
        f"SELECT * EXCLUDE (dx_secondary_codes, comorbidity_count), {theirs} FROM src.claims_normalized",
        mapping=mapping,
    )
    with open_source(SourceSpec(path, mapping=mapping)) as opened:
        assert opened.find_columns(load_mapping(mapping), "it")["dx_secondary_codes"].with_first
    assert write_sandbox(own, out, asked=asked()).named("") == []
    told = (
        "avg((dgns_cd1 = dx_primary_code)::INT), avg((dgns_cd2 = dx_primary_code)::INT), avg((dgns_cd2 IS NOT NULL)::INT)"
        if spread
        else "avg(starts_with(dgns, dx_primary_code)::INT), avg((len(split(dgns, ';')) > 2)::INT), avg((len(split(dgns, ';')) > 1)::INT)"
    )
    real, ours = (query(file, f"SELECT {told} FROM claims_normalized")[0] for file in (path, out))
    assert ours[0] == real[0] == 1
    assert ours[1:] == pytest.approx(real[1:], abs=0.05)


@pytest.mark.slow
def test_a_gap_that_is_told_the_other_way_round_is_written_so(settings, tmp_path):
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    own = simulation_of(
        settings,
        path,
        """SELECT * REPLACE (CAST(amount_paid - amount_claimed AS VARCHAR) AS amount_gap) FROM src.claims_normalized""",
    )
    assert "amount_gap" not in " ".join(pipeline.current_profile(own).oddities)
    assert write_sandbox(own, out, asked=asked()).named("") == []
    fits = """SELECT avg((abs(amount_paid - amount_claimed - TRY_CAST(amount_gap AS DOUBLE)) < 0.011)::INT),
      avg((TRY_CAST(amount_gap AS DOUBLE) < 0)::INT), avg(starts_with(amount_gap, '-0')::INT), count(amount_gap) / count(*)
      FROM claims_normalized"""
    real, ours = query(path, fits)[0], query(out, fits)[0]
    assert ours[0] == 1
    assert ours[1] > 0
    assert ours == pytest.approx(real, abs=0.05)


@pytest.mark.slow
def test_spellings_that_the_map_reads_as_one_are_written_in_their_shares(settings, tmp_path):
    path, out, mapping = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb", tmp_path / "mapping.toml"
    mapping.write_text(
        '[values.service_type]\n"RAWAT INAP" = "RITL"\n"rawat inap" = "RITL"\n"Jalan" = "RJTL"\n"jalan" = "RJTL"\n'
    )
    own = simulation_of(
        settings,
        path,
        """SELECT * REPLACE (CASE service_type
          WHEN 'RITL' THEN CASE WHEN hash(claim_id) % 4 = 0 THEN 'rawat inap' ELSE 'RAWAT INAP' END
          WHEN 'RJTL' THEN CASE WHEN facility_type LIKE '%Swasta%' OR hash(claim_id) % 10 = 0 THEN 'jalan' ELSE 'Jalan' END
          ELSE service_type END AS service_type) FROM src.claims_normalized""",
        mapping=mapping,
    )
    assert write_sandbox(own, out, asked=asked()).named("") == []
    told = """SELECT avg((service_type = 'RAWAT INAP')::INT), avg((service_type = 'rawat inap')::INT),
      avg((service_type = 'Jalan')::INT), avg((service_type = 'jalan')::INT) FROM claims_normalized"""
    real, ours = query(path, told)[0], query(out, told)[0]
    assert min(real) > 0.01
    assert ours == pytest.approx(real, abs=0.03)
    assert sum(ours) == pytest.approx(1)


def test_codes_of_lists_are_read_though_their_names_are_behind_them(tmp_path):
    lists = [
        "E11.9 - Type 2 diabetes, mild; I10 - Essential (primary) hypertension",
        "N18.5 - Chronic kidney disease, stage 5, J45.9 - Asthma - unspecified",
        "I10 - Essential hypertension",
        "E11.9; I10",
        "-",
    ]
    spec = parquet(
        tmp_path / "c.parquet", dx_secondary_codes=lists, dx_primary_code=["A09"] * 5, amount_claimed=[1.0] * 5,
        admit_dt=["2025-01-02"] * 5, comorbidity_count=[2, 2, 1, 2, 0],
    )  # fmt: skip
    columns = read_source(SourceSpec(spec.path)).columns
    assert columns["dx_secondary_codes"].to_pylist() == [
        ["E119", "I10"], ["N185", "J459"], ["I10"], ["E119", "I10"], [],
    ]  # fmt: skip
    assert columns["comorbidity_count"].to_pylist() == [2, 2, 1, 2, 0]


@pytest.mark.slow
def test_lists_of_codes_with_names_are_written_with_names(settings, tmp_path):
    path, out = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb"
    own = simulation_of(
        settings,
        path,
        """SELECT * REPLACE (array_to_string(list_transform(dx_secondary_codes,
          lambda c: concat(left(c, 3), CASE WHEN length(c) > 3 THEN '.' ELSE '' END, substr(c, 4), ' - Their name, with a comma')), '; ')
          AS dx_secondary_codes) FROM src.claims_normalized""",
    )
    assert write_sandbox(own, out, asked=asked()).named("") == []
    form = "[A-Z][0-9][0-9A-Z]([.][0-9A-Z]+)?( - [A-Z][^;]+)?"
    told = f"""SELECT avg((len(dx_secondary_codes) > 0)::INT), avg((len(split(dx_secondary_codes, ';')) > 1)::INT),
      avg(regexp_full_match(dx_secondary_codes, '{form}(; {form})*')::INT) FILTER (dx_secondary_codes <> ''),
      avg(contains(dx_secondary_codes, ' - ')::INT) FILTER (dx_secondary_codes <> '') FROM claims_normalized"""
    real, ours = query(path, told)[0], query(out, told)[0]
    assert ours[2] == real[2] == 1
    assert ours == pytest.approx(real, abs=0.05)
    read = (
        read_source(SourceSpec(file)).columns["dx_secondary_codes"].combine_chunks().flatten() for file in (path, out)
    )
    theirs, made = (set(codes.to_pylist()) for codes in read)
    assert len(made) > 5
    assert len(made - theirs) < len(made) / 5


def test_a_list_without_the_primary_diagnosis_keeps_its_first_though_nearly_all_begin_with_it(tmp_path):
    lists = ["A09;E119"] * 96 + ["J45;N18"] * 4
    spec = parquet(
        tmp_path / "c.parquet", dx_secondary_codes=lists, dx_primary_code=["A09"] * 100, amount_claimed=[1.0] * 100,
        admit_dt=["2025-01-02"] * 100,
    )  # fmt: skip
    read = read_source(SourceSpec(spec.path)).columns["dx_secondary_codes"].to_pylist()
    assert read == [["E119"]] * 96 + [["J45", "N18"]] * 4


def gap_is_negative(path, gap):
    rows = range(12_400)
    spec = parquet(
        path / "c.parquet", amount_claimed=[100.0 + i % 7 for i in rows], amount_paid=[90.0 + i % 7 for i in rows],
        amount_gap=[gap(i) for i in rows], dx_primary_code=["A09"] * len(rows), admit_dt=["2025-01-02"] * len(rows),
    )  # fmt: skip
    with open_source(SourceSpec(spec.path)) as opened:
        return opened.find_columns(ColumnMapping(), "it")["amount_gap"].negative


def test_which_way_round_a_gap_is_told_is_seen_behind_claims_without_one(tmp_path):
    assert gap_is_negative(tmp_path, lambda i: -10.0 if i > 12_000 else 0.0)
    assert gap_is_negative(tmp_path, lambda i: 7.0 if i % 50 == 0 else -10.0)
    assert not gap_is_negative(tmp_path, lambda i: 10.0 if i > 12_000 else 0.0)
    assert not gap_is_negative(tmp_path, lambda i: 10.0 if i % 10 == 0 else -10.0)
    assert not gap_is_negative(tmp_path, lambda _: 0.0)
    assert not gap_is_negative(tmp_path, lambda i: 3.0 + i % 5)
