"""A user's own job, unchanged, over simulated claims in the shape of the user's own table."""

import json

import duckdb
import pyarrow.parquet as pq
import pytest

from claims_sim import pipeline
from claims_sim.errors import RequestError, SettingsError
from claims_sim.generation.batch import utc_now
from claims_sim.launch import generate
from claims_sim.pipeline.labelled import LabelledRequest
from claims_sim.pipeline.sandbox import write_sandbox
from claims_sim.profile.writing.reverse import MADE_UP_GROUP
from claims_sim.settings import load_settings

# As somebody else would write it against a table of theirs: dates as text in day-first order, codes with dots, lists in
# one text, coded values, instants, numbers as text, and columns that no claim of ours has.
FOREIGN = """
    CREATE TABLE klaim AS
    SELECT
      row_number() OVER () AS nomor,
      strftime(admit_dt, '%d/%m/%Y') AS tgl_masuk,
      (discharge_dt - INTERVAL 7 HOUR) AT TIME ZONE 'UTC' AS tgl_keluar,
      CAST(los AS SMALLINT) AS lama,
      CASE service_type WHEN 'RITL' THEN 1 ELSE 2 END AS layanan,
      CASE facility_ownership WHEN 'Pemkab' THEN '3' ELSE facility_ownership END AS pemilik,
      province_name AS prov, facility_class AS kelas, CAST(hash(facility_id) % 1000000 AS INTEGER) AS id_rs,
      severity_group::ENUM ('ringan', 'sedang', 'berat', 'unknown') AS tingkat,
      left(dx_primary_code, 3) || CASE WHEN length(dx_primary_code) > 3 THEN '.' || substr(dx_primary_code, 4) ELSE '' END AS icd,
      array_to_string(list_transform(dx_secondary_codes,
        lambda c: CASE WHEN length(c) > 3 THEN left(c, 3) || '.' || substr(c, 4) ELSE c END), ';') AS icd_lain,
      procedure_code AS tindakan,
      CAST(amount_claimed AS DECIMAL(18, 2)) AS tagihan, CAST(CAST(amount_paid AS BIGINT) AS VARCHAR) AS dibayar,
      md5(patient_id_hash)::UUID AS peserta,
      'rahasia ' || row_number() OVER () AS catatan,
      'FINAL' AS status, {'a': 1, 'b': ['x']} AS rincian, CAST(now() AS TIMESTAMP) AS diperbarui
    FROM src.claims_normalized
"""
MAPPING = """
    [columns]
    claim_id = "nomor"
    admit_dt = "tgl_masuk"
    discharge_dt = "tgl_keluar"
    los = "lama"
    service_type = "layanan"
    facility_ownership = "pemilik"
    province_name = "prov"
    facility_class = "kelas"
    facility_id = "id_rs"
    severity_group = "tingkat"
    dx_primary_code = "icd"
    dx_secondary_codes = "icd_lain"
    procedure_code = "tindakan"
    amount_claimed = "tagihan"
    amount_paid = "dibayar"
    patient_id_hash = "peserta"
    [values.service_type]
    "1" = "RITL"
    "2" = "RJTL"
    [values.facility_ownership]
    "3" = "Pemkab"
"""
THEIR_JOB = """
    SELECT prov, kelas, layanan, status, count(*) AS jumlah, sum(CAST(dibayar AS BIGINT)) AS dibayar,
      avg(tagihan) AS rata, count(DISTINCT peserta) AS peserta,
      count(*) FILTER (len(string_split(icd_lain, ';')) > 1 AND contains(icd_lain, '.')) AS penyerta,
      max(date_diff('day', strptime(tgl_masuk, '%d/%m/%Y')::DATE, tgl_keluar::DATE)) AS terlama,
      count(*) FILTER (tingkat = 'sedang') AS sedang, min(rincian.a) AS a, max(diperbarui) AS baru
    FROM klaim WHERE icd LIKE '___.%' AND (pemilik = '3' OR pemilik <> 'Pemkab') GROUP BY ALL
"""


def asked(count=3_000, **more):
    return LabelledRequest(count=count, **{"rate": 0.0, **more})


def query(path, sql):
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("SET TimeZone='UTC'")
        return connection.execute(sql).fetchall()


def schema(path, table):
    return [(name, kind) for name, kind, *_ in query(path, f"DESCRIBE FROM {table}")]


def simulation_of(settings, path, select, **update):
    """Settings of a simulation whose source is `select` over the test source `src.claims_normalized`, profiled."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"ATTACH '{settings.source}' AS src (READ_ONLY)")
        connection.execute(f"CREATE TABLE claims_normalized AS {select}")
    own = settings.model_copy(update={"source": path, **update})
    pipeline.keep_profile(own, pipeline.profile_source(own, utc_now()).profile)
    return own


def test_the_sandbox_of_the_demo_source_has_its_schema_and_the_profiles_claims(settings, tmp_path):
    out = tmp_path / "sandbox.duckdb"
    done = write_sandbox(settings, out, asked=asked())
    assert schema(out, "claims_normalized") == schema(settings.source, "claims_normalized")
    assert done.named("") == []
    nulls = query(out, "SELECT count(*), count(claim_id), count(dx_primary_label), count(patient_id_hash), count(facility_id), "
                       "count(claim_weight) FROM claims_normalized")  # fmt: skip
    assert nulls == [(3_000,) * 6]
    assert query(out, "SELECT count(DISTINCT claim_id), bool_and(claim_id LIKE 'SIM-%') FROM claims_normalized") == [
        (3_000, True)
    ]
    persons = query(out, "SELECT count(DISTINCT patient_id_hash) FROM claims_normalized")[0][0]
    assert 500 < persons < 3_000  # some people come again
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{out}' AS ours (READ_ONLY); ATTACH '{settings.source}' AS real (READ_ONLY)")
        for column in ("claim_id", "patient_id_hash", "facility_id"):
            both = f"SELECT count(*) FROM ours.claims_normalized SEMI JOIN real.claims_normalized USING ({column})"
            assert connection.execute(both).fetchall() == [(0,)]
        share = "SELECT avg((service_type = 'RITL')::INT) FROM {}.claims_normalized"
        ours, real = (connection.execute(share.format(name)).fetchone()[0] for name in ("ours", "real"))
    assert ours == pytest.approx(real, abs=0.05)


@pytest.mark.slow
def test_a_gap_that_is_something_else_is_null_in_the_sandbox_and_may_be_filled(settings, small_source, tmp_path):
    path = tmp_path / "deductibles.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"ATTACH '{small_source}' AS src (READ_ONLY)")
        connection.execute(
            "CREATE TABLE claims_normalized AS SELECT * REPLACE (385.0 AS amount_gap) FROM src.claims_normalized"
        )
    own = settings.model_copy(update={"source": path})
    pipeline.keep_profile(own, pipeline.profile_source(own, utc_now()).profile)
    for fill, null, gaps in (({}, ["amount_gap"], 0), ({"amount_gap": "50"}, [], 3_000)):
        out = tmp_path / f"{gaps}.duckdb"
        assert write_sandbox(own, out, asked=asked(), fill=fill).named("") == null
        assert query(out, "SELECT count(amount_gap), count(amount_paid) FROM claims_normalized") == [(gaps, 3_000)]


@pytest.fixture(scope="module")
def theirs(small_source, tmp_path_factory):
    """A table of another shape with its mapping, and its profile, made once."""
    folder = tmp_path_factory.mktemp("theirs")
    path, mapping = folder / "theirs.duckdb", folder / "mapping.toml"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"SET TimeZone='UTC'; ATTACH '{small_source}' AS src (READ_ONLY)")
        connection.execute(FOREIGN)
    mapping.write_text(MAPPING)
    told = {"source": path, "source_table": "klaim", "mapping": mapping}
    return told, pipeline.profile_source(load_settings(state_dir=folder / "state", **told), utc_now()).profile


@pytest.fixture
def foreign(settings, theirs):
    """Settings of a simulation whose source is a table of another shape, with its profile in force."""
    told, profile = theirs
    own = settings.model_copy(update=told)
    pipeline.keep_profile(own, profile)
    return own


def test_a_job_written_for_another_table_runs_unchanged_over_its_sandbox(foreign, tmp_path):
    out = tmp_path / "sandbox.duckdb"
    done = write_sandbox(foreign, out, asked=asked(), fill={"status": "'FINAL'", "diperbarui": "generated_at"})
    kinds = dict(schema(foreign.source, "klaim"))
    assert kinds.pop("tingkat").startswith("ENUM")
    found = dict(schema(out, "klaim"))
    assert found.pop("tingkat") == "VARCHAR"  # the values of an enumeration are data and do not cross
    assert found == kinds
    real, ours = (query(path, THEIR_JOB) for path in (foreign.source, out))
    assert ours
    totals = [
        [sum(row[i] or 0 for row in rows) / sum(row[4] for row in rows) for i in (8, 10)] for rows in (real, ours)
    ]
    assert totals[1] == pytest.approx(totals[0], abs=0.08)  # companions with dots, and the severities, are found there
    assert max(row[9] for row in ours) > 3
    assert {row[2] for row in ours} == {1, 2}
    assert {row[3] for row in ours} == {"FINAL"}
    assert all(row[12] is not None for row in ours)
    assert done.named("filled") == ["status", "diperbarui"]
    assert done.named("") == ["catatan", "rincian"]
    assert query(out, "SELECT count(catatan), count(rincian) FROM klaim") == [(0, 0)]
    assert b"rahasia" not in out.read_bytes()


@pytest.fixture
def without_one_key(settings, small_source, tmp_path):
    """Settings of a simulation whose source has keys of parts: persons by birth, sex and place, facilities by number and site."""
    path, mapping = tmp_path / "theirs.duckdb", tmp_path / "m.toml"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"ATTACH '{small_source}' AS src (READ_ONLY)")
        connection.execute("""
            CREATE TABLE claims_normalized AS SELECT * EXCLUDE (patient_id_hash, facility_id),
              DATE '1930-01-01' + CAST(hash(patient_id_hash) % 20000 AS INTEGER) AS born, hash(patient_id_hash) % 2 = 0 AS woman,
              CAST(hash(patient_id_hash) % 999 AS DECIMAL(3, 0)) AS home, CAST(hash(facility_id) % 100000 AS INTEGER) AS house,
              'a' AS site FROM src.claims_normalized""")
    mapping.write_text(
        '[columns]\npatient_id_hash = ["born", "woman", "home", "province_name"]\nfacility_id = ["house", "site"]'
    )
    own = settings.model_copy(update={"source": path, "mapping": mapping})
    pipeline.keep_profile(own, pipeline.profile_source(own, utc_now()).profile)
    return own


def test_keys_of_several_parts_count_persons_and_are_made_up_in_every_part(without_one_key, tmp_path):
    out, truth = tmp_path / "sandbox.duckdb", tmp_path / "truth.parquet"
    profile = pipeline.current_profile(without_one_key)
    assert (profile.unit, profile.k) == ("persons", 11)
    done = write_sandbox(without_one_key, out, asked=asked(2_000, rate=0.2, ref_keys=True), truth=truth)
    assert done.named("") == []
    key = "concat_ws('|', born, woman, home)"
    filled, of_all = query(
        out,
        f"SELECT count(born + CAST(home AS INTEGER)) FILTER (woman IS NOT NULL), count(DISTINCT {key}) FROM claims_normalized",
    )[0]
    assert filled == done.claims
    assert 300 < of_all < 2_000
    # What is read from a part of the key says what it holds.
    places = "SELECT count(DISTINCT province_name) > 1, bool_or(province_name LIKE 'SIM%') FROM claims_normalized"
    assert query(out, places) == [(True, False)]
    # Who comes again too soon does so under the same key.
    again = pq.read_table(truth).to_pandas().query("kind == 'readmission'")
    assert len(again) > 3
    for claim, related in zip(again["claim_id"], again["related_claims"], strict=True):
        listed = ", ".join(f"'{each}'" for each in (claim, *related))
        assert query(out, f"SELECT count(DISTINCT {key}) FROM claims_normalized WHERE claim_id IN ({listed})") == [(1,)]
    houses = "SELECT count(*) FROM ours.claims_normalized SEMI JOIN theirs.claims_normalized USING (house)"
    with duckdb.connect() as connection:
        connection.execute(
            f"ATTACH '{out}' AS ours (READ_ONLY); ATTACH '{without_one_key.source}' AS theirs (READ_ONLY)"
        )
        assert connection.execute(houses).fetchall() == [(0,)]


@pytest.mark.slow
def test_a_part_of_a_key_that_cannot_be_made_up_is_named_and_may_be_filled(without_one_key, tmp_path):
    with duckdb.connect(str(without_one_key.source)) as connection:
        connection.execute("ALTER TABLE claims_normalized ADD COLUMN born_at TIME DEFAULT TIME '10:30:00'")
    without_one_key.mapping.write_text('[columns]\npatient_id_hash = ["born", "born_at"]')
    with pytest.raises(SettingsError, match=r'column born_at: no TIME comes of it: .* Give it with --fill "born_at='):
        write_sandbox(without_one_key, tmp_path / "s.duckdb", asked=asked(100))
    write_sandbox(without_one_key, tmp_path / "s.duckdb", asked=asked(100), fill={"born_at": "TIME '08:00:00'"})


@pytest.mark.slow
def test_a_sandbox_is_read_by_our_own_reader_as_what_it_holds(foreign, tmp_path):
    """What goes through the reverse of the mapping and back through the mapping is the same claim."""
    from claims_sim.profile.reading.source import SourceSpec, read_claims_to_score

    out = tmp_path / "sandbox.duckdb"
    write_sandbox(foreign, out, asked=asked(500, seed=4))
    back = read_claims_to_score(SourceSpec(out, "klaim", foreign.mapping)).to_pandas()
    from claims_sim.pipeline.labelled import labelled_claims

    claims = labelled_claims(pipeline.current_profile(foreign), asked(500, seed=4))[0].to_pandas()
    for name in ("los", "province_name", "service_type", "severity_group", "facility_class", "facility_ownership",
                 "dx_primary_code", "procedure_code", "amount_claimed", "amount_paid"):  # fmt: skip
        assert back[name].astype(object).where(back[name].notna(), None).tolist() == [
            None if missing else value
            for value, missing in zip(claims[name].tolist(), claims[name].isna().tolist(), strict=True)
        ], name
    assert back["admit_dt"].tolist() == claims["admit_dt"].dt.normalize().tolist()
    assert back["discharge_dt"].dt.floor("s").tolist() == claims["discharge_dt"].dt.floor("s").tolist()
    assert [list(codes) for codes in back["dx_secondary_codes"]] == [
        list(codes) for codes in claims["dx_secondary_codes"]
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("group", "form", "made_up"),
    [
        ("'J-4-1' || ascii(severity_group) % 10", "J-4-1[0-9]", []),
        # Of 26,000 groups hardly any has two claims, and none may be told.
        (
            "concat_ws('-', chr(65 + CAST(hash(claim_id, 1) % 26 AS INT)), hash(claim_id, 2) % 10, 10 + hash(claim_id, 3) % 90)",
            "[A-Z]-[45]-0[0-9]",
            ["severity_group"],
        ),
    ],
    ids=["told", "made up"],
)
def test_instants_as_text_and_case_groups_have_their_form(settings, tmp_path, group, form, made_up):
    path, mapping, out = tmp_path / "theirs.duckdb", tmp_path / "m.toml", tmp_path / "sandbox.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"ATTACH '{settings.source}' AS src (READ_ONLY)")
        connection.execute(f"""
            CREATE TABLE claims_normalized AS SELECT * REPLACE (
              strftime(admit_dt, '%Y-%m-%dT%H:%M:%SZ') AS admit_dt,
              {group} || CASE severity_group WHEN 'ringan' THEN '-I' WHEN 'sedang' THEN '-II'
                WHEN 'berat' THEN '-III' ELSE '-0' END AS severity_group) FROM src.claims_normalized
        """)
    mapping.write_text('[values.severity_group]\n"0" = "none"\nI = "ringan"\nII = "sedang"\nIII = "berat"\n')
    own = settings.model_copy(update={"source": path, "mapping": mapping})
    pipeline.keep_profile(own, pipeline.profile_source(own, utc_now()).profile)
    done = write_sandbox(own, out, asked=asked())
    assert done.named(MADE_UP_GROUP) == made_up
    forms = (f"regexp_full_match(severity_group, '{form}-(0|I{{1,3}})')",
             r"regexp_full_match(admit_dt, '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z')")  # fmt: skip
    for has_form in forms:
        assert query(out, f"SELECT bool_and({has_form}) FROM claims_normalized") == [(True,)]
    share = "SELECT avg(ends_with(severity_group, '-II')::INT) FROM claims_normalized"
    assert query(out, share)[0][0] == pytest.approx(query(path, share)[0][0], abs=0.05)


@pytest.fixture
def with_empty_cells(settings, tmp_path):
    """Settings of a simulation whose source has month-first dates, levels of severity for stays only, and pending payments."""
    path = tmp_path / "theirs.duckdb"
    return simulation_of(
        settings,
        path,
        """
        SELECT * REPLACE (
          strftime(admit_dt, '%m/%d/%Y') AS admit_dt,
          CASE WHEN service_type = 'RITL' THEN 1 + length(severity_group) % 2 END::TINYINT AS severity_group,
          CASE WHEN hash(claim_id) % 10 < 3 THEN NULL ELSE amount_paid END AS amount_paid,
          CASE WHEN hash(claim_id) % 10 < 3 THEN NULL ELSE amount_gap END AS amount_gap) FROM src.claims_normalized
    """,
        clock="history",
    )


@pytest.mark.slow
def test_dates_whose_month_comes_first_and_empty_cells_are_written_so(with_empty_cells, tmp_path):
    out, truth = tmp_path / "sandbox.duckdb", tmp_path / "truth.parquet"
    write_sandbox(with_empty_cells, out, asked=asked(rate=0.1), truth=truth)
    parts = "SELECT max(split_part(admit_dt, '/', 1)::INT), max(split_part(admit_dt, '/', 2)::INT) > 12 FROM claims_normalized"
    assert query(out, parts) == [(12, True)]
    levels = "SELECT count(severity_group) FILTER (service_type = 'RJTL') = 0, count(DISTINCT severity_group) FROM claims_normalized"
    assert query(out, levels) == [(True, 2)]
    # What shows an anomaly is there; nothing else tells anomalies by being there.
    unpaid = f"""SELECT coalesce(kind = 'inflated_top_up', false) AS shown, avg((amount_paid IS NULL)::INT),
      bool_and((amount_paid IS NULL) = (amount_gap IS NULL)), avg((amount_paid IS NULL)::INT) FILTER (label IS NOT NULL)
      FROM claims_normalized LEFT JOIN (SELECT claim_id, kind, label FROM '{truth}') USING (claim_id) GROUP BY shown ORDER BY shown"""
    (_, paid, together, of_told), (_, *of_top_ups) = query(out, unpaid)
    assert (paid, together, of_told) == (pytest.approx(0.3, abs=0.04), True, pytest.approx(0.3, abs=0.08))
    assert of_top_ups == [0, True, 0]


@pytest.mark.slow
@pytest.mark.parametrize("only_paid", [False, True], ids=["both amounts", "what is paid alone"])
def test_anomalies_of_each_kind_have_what_shows_them_and_repeats_lack_what_their_originals_do(
    settings, tmp_path, only_paid
):
    path, out, truth = tmp_path / "theirs.duckdb", tmp_path / "sandbox.duckdb", tmp_path / "truth.parquet"
    amount = "amount_paid" if only_paid else "amount_claimed"
    dropped = "EXCLUDE (amount_claimed, amount_gap)" if only_paid else ""
    own = simulation_of(
        settings,
        path,
        f"""
        SELECT * {dropped} REPLACE (
          CASE WHEN hash(claim_id) % 10 < 4 THEN NULL ELSE {amount} END AS {amount},
          CASE WHEN hash(claim_id) // 10 % 10 < 4 THEN NULL ELSE claim_weight END AS claim_weight,
          CASE WHEN hash(claim_id) // 100 % 10 < 2 THEN NULL ELSE admit_dt END AS admit_dt,
          CASE WHEN service_type = 'RITL' AND hash(claim_id) // 1000 % 10 < 6 THEN los END AS los) FROM src.claims_normalized
    """,
        clock="history",
    )
    write_sandbox(own, out, asked=asked(6_000, rate=0.15), truth=truth)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{out}' AS ours (READ_ONLY)")
        kinds = connection.execute(f"""
            SELECT kind, avg(({amount} IS NULL)::INT), avg((los IS NULL)::INT), count(*), avg((admit_dt IS NULL)::INT)
            FROM (SELECT claim_id, kind, is_decoy FROM '{truth}') JOIN ours.claims_normalized USING (claim_id)
            WHERE NOT is_decoy GROUP BY kind
        """).fetchall()
        no_amount = {kind: share for kind, share, _, count, _ in kinds if count > 9}
        assert no_amount.keys() >= {
            "upcoding",
            "phantom_procedure",
            "inflated_top_up",
            "short_stay_high_cost",
            "cloned_claim",
        }
        assert not any(no_amount.values())
        assert all(share == 0 for kind, _, share, *_ in kinds if kind in ("stay_padding", "short_stay_high_cost"))
        undated = {kind: share for kind, *_, share in kinds}
        assert undated["upcoding"] > 0
        assert undated["cloned_claim"] == 0
        normal = f"SELECT avg(({amount} IS NULL)::INT) FROM ours.claims_normalized WHERE claim_id NOT IN (SELECT claim_id FROM '{truth}')"
        assert connection.execute(normal).fetchone()[0] == pytest.approx(0.4, abs=0.05)
        pairs = connection.execute(f"""
            SELECT avg((a.claim_weight IS NULL)::INT), bool_and((a.claim_weight IS NULL) = (b.claim_weight IS NULL)), count(*)
            FROM '{truth}' t JOIN ours.claims_normalized a USING (claim_id)
            JOIN ours.claims_normalized b ON b.claim_id = t.related_claims[1]
            WHERE t.kind = 'cloned_claim'
        """).fetchone()
        assert pairs[2] > 20
        assert pairs[1]
        assert pairs[0] == pytest.approx(0.4, abs=0.2)


@pytest.mark.slow
def test_a_file_of_flat_rows_has_the_sources_empty_cells_and_one_of_payloads_none(with_empty_cells, tmp_path):
    rows, payloads = (tmp_path / name for name in ("claims.parquet", "claims.jsonl"))
    for out in (rows, payloads):
        generate.run(with_empty_cells, None, 2_000, out)
    table = pq.read_table(rows).to_pandas()
    assert table["amount_paid"].isna().mean() == pytest.approx(0.3, abs=0.04)
    assert (table["severity_group"].isna() == (table["service_type"] == "RJTL")).all()
    claims = [json.loads(line) for line in payloads.read_text().splitlines()]
    assert {claim["severity_group"] for claim in claims if claim["service_type"] == "RJTL"} == {"unknown"}
    assert all(isinstance(claim["amount_paid"], int | float) for claim in claims)
    assert [claim["claim_id"] for claim in claims] == table["claim_id"].tolist()


@pytest.mark.slow
def test_the_claims_of_the_stream_can_be_taken_and_anomalies_labelled(settings, tmp_path):
    out, truth = tmp_path / "sandbox.duckdb", tmp_path / "truth.parquet"
    with pytest.raises(SettingsError, match="the live stream is empty"):
        write_sandbox(settings, out, asked=asked(), from_stream=True)
    assert list(tmp_path.glob(".sandbox*")) == []
    pipeline.run_tick(settings, utc_now())
    assert write_sandbox(settings, out, asked=asked(), from_stream=True).claims == 5
    done = write_sandbox(settings, out, asked=asked(400, rate=0.05), truth=truth)  # an older sandbox is replaced
    labels = pq.read_table(truth)
    assert done.anomalies == len(labels) >= 20
    ids = {row[0] for row in query(out, "SELECT claim_id FROM claims_normalized")}
    assert set(labels["claim_id"].to_pylist()) <= ids


def test_mistakes_are_one_clear_line(settings, tmp_path):
    own = tmp_path / "mine.duckdb"
    with duckdb.connect(str(own)) as connection:
        connection.execute("CREATE TABLE precious AS SELECT 1 AS x")
    for error, told, options in (
        (SettingsError, "is no sandbox: it is left alone", {"out": own}),
        (SettingsError, "is the source", {"out": settings.source}),
        (SettingsError, r"--fill nothing: .* has no such column; it has: claim_id", {"fill": {"nothing": "1"}}),
        (SettingsError, r"--fill district_name: no VARCHAR comes of it: Binder Error", {"fill": {"district_name": "no_such"}}),
        (RequestError, "anomaly rate", {"asked": None}),
    ):  # fmt: skip
        with pytest.raises(error, match=told) as caught:
            given = {"out": tmp_path / "s.duckdb", "asked": asked(100)} | options
            given["asked"] = given["asked"] or asked(100, rate=0.9)
            write_sandbox(settings, **given)
        assert "\n" not in str(caught.value)
    assert query(own, "FROM precious") == [(1,)]


def test_without_room_for_the_answers_there_is_no_sandbox_either(settings, tmp_path):
    (tmp_path / "file").touch()
    out, truth = tmp_path / "sandbox.duckdb", tmp_path / "file" / "truth.parquet"
    with pytest.raises(SettingsError, match=r"--truth .*: nothing can be written to"):
        write_sandbox(settings, out, asked=asked(200, rate=0.1), truth=truth)
    assert [path.name for path in tmp_path.iterdir() if "sandbox" in path.name] == []
