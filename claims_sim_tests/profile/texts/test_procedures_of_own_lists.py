"""Procedures of lists of their own: of one kind of service, of few words, in small letters, several in one cell."""

import numpy as np
import pytest

from claims_sim.profile.reading.source import SourceSpec, read_source
from claims_sim_tests.profile.tables import replaced, tariff_table, write_duckdb
from claims_sim_tests.profile.texts.code_columns import ROWS, spread

VISITS = [f"89{n:04d}" for n in range(30)]
ROOMS = ["SA1201", "SA1104", "SA1103", "SA2103", "SA1302"]


@pytest.mark.parametrize(
    ("stays", "others", "passes"),
    [
        pytest.param(ROOMS, [], True, id="a list of their own"),
        pytest.param([*ROOMS, "890001", "890002"], [], True, id="beside that of all"),
        pytest.param(ROOMS[:4], [], False, id="too few"),
        pytest.param([*ROOMS, *VISITS[:8]], [], False, id="not most of them"),
        pytest.param([*ROOMS, "Budi", "Siti"], [], False, id="beside what is no code"),
        pytest.param(VISITS, ROOMS, False, id="of some visits"),
    ],
)
@pytest.mark.slow
def test_what_is_done_to_those_who_stay_may_be_of_a_list_of_their_own(fit, stays, others, passes):
    """One claim in twenty-five is of a stay; `others` are procedures of one visit in twenty-four."""
    rows = 6000
    table = tariff_table(rows)
    of_stay, of_other = np.arange(rows) % 25 == 0, np.arange(rows) % 24 == 7
    done = np.array(VISITS, object)[np.arange(rows) % len(VISITS)]
    done[of_stay] = spread(stays, int(of_stay.sum()))
    if others:
        done[of_other & ~of_stay] = spread(others, int((of_other & ~of_stay).sum()))
    table = replaced(table, "service_type", np.where(of_stay, "RITL", "RJTL").tolist())
    table = replaced(table, "procedure_code", done.tolist())
    known = set(fit(table).vocabularies["procedure_code"])
    assert known >= set(VISITS)
    assert bool(known & set(ROOMS)) is passes
    assert not known & {"Budi", "Siti"}


def test_numbers_of_few_persons_are_no_list_of_their_kind_of_service(fit):
    """Six numbers that many visits have, and each a few claims of care at home: those are no list."""
    rows = 6000
    table = tariff_table(rows)
    numbers = [f"70{n}153" for n in range(6)]
    done = np.array(["suntik", "rawat"], object)[np.arange(rows) % 2]
    done[np.arange(rows) % 10 == 0] = np.array(numbers, object)[np.arange(rows // 10) % 6]
    home = (np.arange(rows) % 10 == 0) & (np.arange(rows) < 300)
    table = replaced(table, "service_type", np.where(home, "HOME", "RJTL").tolist())
    known = fit(replaced(table, "procedure_code", done.tolist())).vocabularies.get("procedure_code", ())
    assert not set(known) & set(numbers)


MEDICATIONS = ["Penicillin", "Ibuprofen", "Paracetamol", "Lipitor", "Warfarin"]


@pytest.mark.slow
def test_a_few_words_that_code_systems_know_do_not_stand_for_all_others(fit):
    profile = fit(replaced(tariff_table(ROWS), "procedure_code", spread(MEDICATIONS)))
    assert "procedure_code" not in profile.vocabularies
    assert any("procedure_code has no value" in sentence for sentence in profile.oddities)
    known = fit(replaced(tariff_table(ROWS), "procedure_code", spread(["Penicillin", "Insulin", "Vaccine", "Lipitor"])))
    assert set(known.vocabularies["procedure_code"]) == {"Penicillin", "Insulin", "Vaccine", None}


@pytest.mark.parametrize(
    ("others", "told"),
    [
        pytest.param(["調剤料", "薬剤調製料"], {"調剤料", "薬剤調製料"}, id="care"),
        pytest.param(["調剤料", "薬剤調製料", "佐藤健"], {"調剤料", "薬剤調製料"}, id="beside a name"),
        pytest.param(["調剤料", "佐藤健", "王小芬"], set(), id="most are names"),
        pytest.param(["診察医師"], set(), id="a title"),
        pytest.param(["佐藤検"], set(), id="a name"),
        pytest.param(["片岡健", "染谷美咲"], set(), id="names of such signs"),
        pytest.param(["佐藤健一診察", "診察鈴木一郎"], set(), id="names beside care"),
        pytest.param(["花子さんの診療"], set(), id="a title within"),
        pytest.param(["検査 田中"], set(), id="two words"),
        pytest.param(["診察 Budi"], set(), id="in another script"),
        pytest.param(["検査３５７８０"], set(), id="a number"),
        pytest.param(["再来料"], set(), id="no sign of care"),
    ],
)
def test_a_word_of_care_in_japanese_stands_where_there_is_no_code(fit, others, told):
    codes = [f"D{n:03d}" for n in range(40)]
    column = [*spread(codes, ROWS // 4 * 3), *spread(others, ROWS // 4)]
    known = set(fit(replaced(tariff_table(ROWS), "procedure_code", column)).vocabularies["procedure_code"])
    assert known - {None} == {*codes, *told}


@pytest.mark.slow
def test_codes_in_small_letters_are_the_same_codes(fit):
    large = [f"{first}{number:03d}" for first in ("IS", "XQ", "YY") for number in range(40)]
    small = [code.lower() for code in large]
    one, other = (fit(replaced(tariff_table(ROWS), "dx_primary_code", spread(codes))) for codes in (large, small))
    assert set(one.vocabularies["dx_primary_code"]) == set(large)
    assert one.vocabularies == other.vocabularies


def test_names_of_users_are_no_codes_in_small_letters(fit):
    users = [f"{name}{number:02d}" for name in ("budi", "usr") for number in range(12)]
    assert "procedure_code" not in fit(replaced(tariff_table(ROWS), "procedure_code", spread(users))).vocabularies


def test_lists_of_codes_of_another_list_and_with_daggers_are_taken_apart(tmp_path):
    written = ["INF002;CIR007", "CIR007", "A17.0+;G01*;I10", "RSP012 | INF002"]
    table = replaced(tariff_table(ROWS), "dx_primary_code", spread(written)).drop_columns("dx_secondary_codes")
    (tmp_path / "m.toml").write_text('[columns]\ndx_secondary_codes = "dx_primary_code"\n')
    read = read_source(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb"), mapping=tmp_path / "m.toml")).columns
    assert read["dx_primary_code"].to_pylist()[:4] == ["INF002", "CIR007", "A170", "RSP012"]
    assert read["dx_secondary_codes"].to_pylist()[:4] == [["CIR007"], [], ["G01", "I10"], ["INF002"]]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("5-820.00, 8-930", "5-820.00"),
        ("5-820.00,8-930,9-984.7", "5-820.00"),
        ("INF002, CIR007", "INF002"),
        ("0301102, 0202020", "0301102"),
        ("INF002,CIR007", "INF002"),
        ("INF002", "INF002"),
        ("1-632.0, and more", "1-632.0, and more"),
        ("2,125.00", "2,125.00"),
        ("X2, 2 views", "X2, 2 views"),
        ('["INF002","CIR007"]', "INF002"),
        ('"5-820.00", "8-930"', "5-820.00"),
        ("1,25-dihydroxyvitamin D", "1,25-dihydroxyvitamin D"),
        ("3,4-methylene", "3,4-methylene"),
    ],
)
@pytest.mark.slow
def test_a_list_of_procedures_is_its_first_one_where_a_comma_parts_codes(tmp_path, written, read):
    table = replaced(tariff_table(40), "procedure_code", [written] * 40)
    source = read_source(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb")))
    assert source.columns["procedure_code"].to_pylist()[0] == read


def test_a_code_is_mapped_as_it_is_written_or_as_it_is_read(tmp_path):
    ours = {"dm2": "E119", "HT01": "I10", "ha01": "J189", "HA01": "J180", "A09.1;I10": "A090", "K359": "K358"}
    table = replaced(tariff_table(ROWS), "dx_primary_code", spread([*list(ours)[:5], "k35.9"]))
    (tmp_path / "m.toml").write_text(
        "\n".join(["[values.dx_primary_code]", *(f'"{t}" = "{o}"' for t, o in ours.items())])
    )
    read = read_source(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb"), mapping=tmp_path / "m.toml"))
    assert read.columns["dx_primary_code"].to_pylist()[:6] == [*ours.values()]
