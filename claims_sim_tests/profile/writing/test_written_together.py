"""Houses that write codes without dots write labels in capitals, too, and are in the east: so do those of a sandbox."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.reading.mapping import ColumnMapping
from claims_sim.profile.reading.source import SourceSpec, open_source
from claims_sim.profile.writing.reverse import foreign_columns, read_forms
from claims_sim.profile.writing.ways_written import HOUSE
from claims_sim_tests.profile.reading.test_source import parquet

LABELS = {"J189": "Pneumonia", "A091": "Cholera", "B509": "Malaria"}
CLAIMS, OURS = 12_000, 30_000


def claims_of(odd, province, houses=60, seed=1, **columns):
    """Claims of 60 houses; `odd(house, chance)` has codes without dots and labels in capitals, of provinces by `province(house)`."""
    g = np.random.default_rng(seed)
    house, code = g.integers(0, houses, CLAIMS), g.choice(list(LABELS), CLAIMS)
    is_odd = odd(house, g.random(CLAIMS))
    return {
        "facility_id": [f"H{one}" for one in house],
        "patient_id_hash": [f"P{i}" for i in range(CLAIMS)],
        "province_name": province(house).tolist(),
        "dx_primary_code": [one if odd else f"{one[:3]}.{one[3:]}" for one, odd in zip(code, is_odd, strict=True)],
        "dx_primary_label": [LABELS[c].upper() if odd else LABELS[c] for c, odd in zip(code, is_odd, strict=True)],
        "admit_dt": ["2024-01-02"] * CLAIMS,
        "amount_claimed": [1.0] * CLAIMS,
    } | columns


def written(path, k=11, **columns):
    """The ways in which a table is found to be written, and claims of ours written so: province, house's number, code and label."""
    spec = SourceSpec(parquet(path / "c.parquet", **columns).path)
    with open_source(spec) as opened:
        located = opened.find_columns(ColumnMapping(), str(spec.path))
        forms = read_forms(opened, located, ColumnMapping(), k)
        expressions = {
            column.name: column.expression
            for column in foreign_columns(opened.types, located, ColumnMapping(), forms, {})
        }
    g = np.random.default_rng(2)
    provinces = sorted({*columns["province_name"]}, key=str)
    ours = {
        "row": np.arange(OURS),
        "facility_id": [f"SIM-{one}" for one in g.integers(0, 900, OURS)],
        "dx_primary_code": g.choice(list(LABELS), OURS).tolist(),
    }
    ours["dx_primary_label"] = [LABELS[code] for code in ours["dx_primary_code"]]
    ours["province_name"] = [provinces[int(one[4:]) % len(provinces)] for one in ours["facility_id"]]
    missing = dict.fromkeys(("facility_class", "facility_ownership", "service_type"), pa.nulls(OURS, pa.string()))
    relation = pa.table({**ours, **missing})  # noqa: F841 - DuckDB finds it by its name
    told = duckdb.sql(
        f"SELECT province_name, facility_id, NOT contains({expressions['dx_primary_code']}, '.') AS plain, "
        f"{expressions['dx_primary_label']} = upper(dx_primary_label) AS capitals FROM relation"
    ).df()
    return forms, told


def east_and_west(house):
    return np.where(house < 20, "EAST", "WEST")


def test_what_houses_write_together_and_where_is_written_so(tmp_path):
    forms, told = written(tmp_path, **claims_of(lambda house, _: house < 10, east_and_west))
    assert forms.codes["dx_primary_code"].ways.by == HOUSE
    assert (told["plain"] == told["capitals"]).all()
    assert told.groupby("facility_id")["plain"].nunique().max() == 1, "each house has one way"
    share = told.groupby("province_name")["plain"].mean()
    assert share["EAST"] == pytest.approx(0.5, abs=0.1)
    assert share["WEST"] == 0


def test_what_claims_have_together_is_written_so_claim_by_claim(tmp_path):
    """A third of the claims of the east come through an office that writes otherwise."""
    odd = claims_of(lambda house, chance: (house < 20) & (chance < 0.3), east_and_west)
    forms, told = written(tmp_path, **odd)
    assert forms.codes["dx_primary_code"].ways.by != HOUSE
    assert (told["plain"] == told["capitals"]).all()
    share = told.groupby("province_name")["plain"].mean()
    assert share["EAST"] == pytest.approx(0.3, abs=0.05)
    assert share["WEST"] == 0


def test_ways_that_exclude_each_other_do_so_in_a_sandbox(tmp_path):
    """Houses write codes without dots, or labels in capitals, and none both."""
    claims = claims_of(lambda house, _: house < 10, lambda house: np.full(len(house), "EAST"))
    house = np.array([int(one[1:]) for one in claims["facility_id"]])
    labels = [LABELS[code.replace(".", "")] for code in claims["dx_primary_code"]]
    claims["dx_primary_label"] = [
        one.upper() if of >= 50 else one for one, of in zip(labels, house.tolist(), strict=True)
    ]
    _, told = written(tmp_path, **claims)
    assert not (told["plain"] & told["capitals"]).any()
    assert [told["plain"].mean(), told["capitals"].mean()] == pytest.approx([1 / 6, 1 / 6], abs=0.05)


@pytest.mark.parametrize(("houses", "largest", "told_of_it"), [(2, 0.5, False), (3, 0.4, True), (3, 0.95, False)])
def test_a_province_of_two_houses_or_nearly_of_one_says_nothing_of_their_ways(tmp_path, houses, largest, told_of_it):
    claims = claims_of(
        lambda house, _: (house < houses) | (house > 50), lambda house: np.where(house < houses, "EAST", "WEST")
    )
    g = np.random.default_rng(4)
    of_east = ["H0" if one < largest else f"H{1 + int(one * 1e6) % (houses - 1)}" for one in g.random(CLAIMS)]
    claims["facility_id"] = [
        east if province == "EAST" else house
        for province, house, east in zip(claims["province_name"], claims["facility_id"], of_east, strict=True)
    ]
    _, told = written(tmp_path, **claims)
    share = told.groupby("province_name")["plain"].mean()
    assert (share["EAST"] > 0.9) == told_of_it


def test_a_province_of_one_person_says_nothing_of_its_ways(tmp_path):
    """Sixty claims in three houses."""
    claims = claims_of(lambda house, _: house > 50, lambda house: np.where(house < 20, "EAST", "WEST"))
    for i in range(60):
        claims["facility_id"][i], claims["province_name"][i] = f"H-north-{i % 3}", "NORTH"
        claims["patient_id_hash"][i], claims["dx_primary_code"][i] = "P-one", "J189"
    _, told = written(tmp_path, **claims)
    share = told.groupby("province_name")["plain"].mean()
    assert share["NORTH"] < 0.5 < share["WEST"] + 0.5


def test_what_a_column_tells_by_itself_stays_told_by_it(tmp_path):
    """Dots by the kind of service, capitals by the owner, blanks by the class: no two columns tell all three."""
    g = np.random.default_rng(4)
    claims = claims_of(lambda _, chance: chance < 0, east_and_west)
    kinds = {
        "service_type": g.choice(["RITL", "RJTL"], CLAIMS).tolist(),
        "facility_ownership": g.choice(["Swasta", "Pemkab"], CLAIMS).tolist(),
        "facility_class": g.choice(["A", "B"], CLAIMS).tolist(),
    }
    claims["dx_primary_code"] = [
        code.replace(".", "") if of == "RITL" else code
        for code, of in zip(claims["dx_primary_code"], kinds["service_type"], strict=True)
    ]
    claims["dx_primary_label"] = [
        (label.upper() if owner == "Swasta" else label) + ("  " if of == "A" else "")
        for label, owner, of in zip(
            claims["dx_primary_label"], kinds["facility_ownership"], kinds["facility_class"], strict=True
        )
    ]
    forms, _ = written(tmp_path, **claims, **kinds)
    found = (forms.codes["dx_primary_code"], forms.letters["dx_primary_label"], forms.padded["dx_primary_label"])
    told_by = [{form.ways.by, *form.ways.places} for form in found]
    assert [of in told for of, told in zip(kinds, told_by, strict=True)] == [True, True, True]


def test_rare_ways_are_not_lost_among_many_combinations(tmp_path):
    """Four columns each in ways of its own: no few combinations are nearly all, and each column keeps its shares."""
    g = np.random.default_rng(4)
    claims = claims_of(lambda _, chance: chance < 0.5, east_and_west)
    names = {"8951": "Electrocardiogram", "8744": "X-ray of chest", "9904": "Transfusion"}
    done = g.choice(list(names), CLAIMS)
    blanks = [g.choice(["", " ", "  ", "   "], CLAIMS, p=[0.37, 0.3, 0.3, 0.03]) for _ in range(2)]
    letters = [g.choice([0, 1, 2], CLAIMS, p=[0.55, 0.4, 0.05]) for _ in range(2)]

    def in_letters(text, which):
        return (text, text.upper(), text.lower())[which]

    codes = [code.replace(".", "") for code in claims["dx_primary_code"]]
    claims["dx_primary_label"] = [
        in_letters(LABELS[code], which) + behind
        for code, which, behind in zip(codes, letters[0].tolist(), blanks[0].tolist(), strict=True)
    ]
    claims["procedure_code"] = done.tolist()
    claims["procedure_label"] = [
        in_letters(names[code], which) + behind
        for code, which, behind in zip(done.tolist(), letters[1].tolist(), blanks[1].tolist(), strict=True)
    ]
    forms, _ = written(tmp_path, **claims)
    for name in ("dx_primary_label", "procedure_label"):
        assert {way for way, _ in forms.letters[name].ways.shares} == {"", "capitals", "small"}
        assert not forms.letters[name].ways.at
        assert not forms.padded[name].ways.at


def test_a_way_that_is_in_no_common_combination_keeps_its_share(tmp_path):
    """A blank behind one of a hundred labels, many of which are in capitals."""
    g = np.random.default_rng(4)
    claims = claims_of(lambda _, chance: chance < 0.5, east_and_west)
    labels = zip(claims["dx_primary_label"], g.random(CLAIMS) < 0.4, g.random(CLAIMS) < 0.012, strict=True)
    claims["dx_primary_label"] = [
        (label.upper() if large else label) + (" " if blank else "") for label, large, blank in labels
    ]
    forms, _ = written(tmp_path, **claims)
    ways = forms.padded["dx_primary_label"].ways
    told = ways.at.get((), ways.shares)
    assert {way for way, _ in told} == {way for way, _ in ways.shares}


def test_slips_of_the_pen_in_a_house_are_no_ways_of_their_own(tmp_path):
    claims = claims_of(lambda house, _: house < 10, east_and_west)
    g = np.random.default_rng(4)
    claims["dx_primary_label"] = [
        label.title() if chance < 0.03 else label
        for label, chance in zip(claims["dx_primary_label"], g.random(CLAIMS), strict=True)
    ]
    _, told = written(tmp_path, **claims)
    assert (told["plain"] == told["capitals"]).all()


def test_a_way_of_few_claims_of_every_house_stays_one_of_few_claims(tmp_path):
    _, told = written(tmp_path, **claims_of(lambda _, chance: chance < 0.04, east_and_west))
    assert told["plain"].mean() == pytest.approx(0.04, abs=0.02)
    assert (told["plain"] == told["capitals"]).all()


def test_houses_keep_their_way_whatever_kind_of_service_tells_of_it(tmp_path):
    claims = claims_of(lambda house, _: house < 10, east_and_west)
    chances = np.random.default_rng(4).random(CLAIMS)
    stays = [
        "RITL" if (int(one[1:]) < 10) == (chance < 0.9) else "RJTL"
        for one, chance in zip(claims["facility_id"], chances, strict=True)
    ]
    forms, _ = written(tmp_path, **claims, service_type=stays)
    assert forms.codes["dx_primary_code"].ways.places == ("province_name",)


def test_claims_that_lack_a_label_are_as_those_that_have_one(tmp_path):
    """Of a hundred claims 30 have neither dots nor small letters, two no dots alone; half of all have no label."""
    claims = claims_of(lambda _, chance: chance < 0.32, east_and_west)
    g = np.random.default_rng(4)
    codes, labels = claims["dx_primary_code"], claims["dx_primary_label"]
    chances = zip(codes, labels, g.random(CLAIMS), g.random(CLAIMS), strict=True)
    claims["dx_primary_label"] = [
        None if lacks < 0.5 else LABELS[code] if "." not in code and alone < 2 / 32 else label
        for code, label, alone, lacks in chances
    ]
    _, told = written(tmp_path, **claims)
    assert (told["plain"] & ~told["capitals"]).mean() == pytest.approx(0.02, abs=0.015)
    assert (told["plain"] & told["capitals"]).mean() == pytest.approx(0.3, abs=0.03)


def test_columns_of_which_no_claim_has_both_are_written_each_for_itself(tmp_path):
    claims = claims_of(lambda house, chance: chance < 0.3, east_and_west)
    half = np.arange(CLAIMS) % 2 == 0
    for name, kept in (("dx_primary_code", half), ("dx_primary_label", ~half)):
        claims[name] = [value if keep else None for value, keep in zip(claims[name], kept.tolist(), strict=True)]
    forms, told = written(tmp_path, **claims)
    assert not forms.letters["dx_primary_label"].ways.at
    assert [told["plain"].mean(), told["capitals"].mean()] == pytest.approx([0.3, 0.3], abs=0.05)


@pytest.mark.parametrize("name", ["D'EAST", None])
def test_provinces_may_have_marks_or_no_name(tmp_path, name):
    claims = claims_of(
        lambda house, _: house < 10,
        lambda house: np.array([name if one < 20 else "WEST" for one in house.tolist()], object),
    )
    _, told = written(tmp_path, **claims)
    share = told["plain"].groupby(told["province_name"] == "WEST").mean()
    assert share[False] == pytest.approx(0.5, abs=0.1)
    assert share[True] == 0
