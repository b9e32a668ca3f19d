import json
from datetime import UTC, datetime

import pytest

from claims_sim.errors import ProfileError
from claims_sim.profile.document import Profile


def test_a_saved_profile_loads_to_an_equal_one(any_profile, tmp_path):
    any_profile.save(tmp_path / "a" / "profile.json")
    loaded = Profile.load(tmp_path / "a" / "profile.json")
    assert loaded == any_profile
    assert loaded.profile_hash == any_profile.profile_hash
    assert loaded.to_json() == any_profile.to_json()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["profile.json"]


def test_the_hash_does_not_depend_on_when_the_profile_was_made(tariff_profile):
    content = tariff_profile.model_dump()
    later = Profile.model_validate(content | {"created_at": datetime(2030, 1, 1, tzinfo=UTC)})
    other = Profile.model_validate(content | {"rows": 1})
    assert later.profile_hash == tariff_profile.profile_hash != other.profile_hash


def test_a_copy_with_other_content_has_another_hash(tariff_profile):
    before = tariff_profile.profile_hash
    assert tariff_profile.model_copy(update={"k": tariff_profile.k + 1}).profile_hash != before
    assert tariff_profile.model_copy().profile_hash == before


def test_a_missing_profile_is_a_clear_error(tmp_path):
    with pytest.raises(ProfileError, match="No profile can be read"):
        Profile.load(tmp_path / "none.json")


def _set(document, value, *path):
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("extra",), 1),
        (("schema_version",), "0"),
        (("k",), 0),
        (("ledger",), [1]),
        (("tables", "los", "size"), 3),
        (("tables", "los", "parents"), []),
        (("tables", "los", "levels", 0, "units"), [1]),
        (("tables", "service_type", "levels", 0, "values"), [7, 9]),
        (("tables", "service_type", "levels", 0, "units"), [0, 5]),
        (("bins", "los", "hi"), []),
        (("identities", "paid_over_claimed"), 2.0),
        (("money", "tariffs", 0, "levels"), []),
        (("money", "rounded_to"), [1.0] * 9),
        (("money", "paid_rounded_to"), [1.0]),
        (("money", "left_rounded_to"), [1.0]),
        (("money", "paid_step"), 1.0),
        (("blanks",), [[], ["amount_paid"]]),
        (("blanks",), [["nothing"]]),
        (("features", "service_type", "size"), 9),
        (("created_at",), "yesterday"),
    ],
)
def test_a_document_that_does_not_hold_together_is_refused_in_one_line(tariff_profile, path, value):
    document = json.loads(tariff_profile.to_json())
    _set(document, value, *path)
    with pytest.raises(ProfileError) as error:
        Profile.from_json(json.dumps(document))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_text_that_is_no_document_is_refused(text):
    with pytest.raises(ProfileError):
        Profile.from_json(text)


def test_marginals_are_shares_that_sum_to_one(any_profile):
    for column in ("dx_primary_code", "severity_group", "los", "service_type", "facility_class", "amount_claimed"):
        shares = [share for _, share in any_profile.marginal(column)]
        assert sum(shares) == pytest.approx(1.0)
    assert any_profile.marginal("nonsense") == []


def test_the_vocabulary_lists_every_text_column(tariff_profile):
    vocabulary = tariff_profile.vocabulary()
    columns = set(vocabulary["column_name"].to_pylist())
    assert {"dx_primary_code", "dx_secondary_codes", "dx_primary_label", "procedure_label", "province_name"} <= columns
