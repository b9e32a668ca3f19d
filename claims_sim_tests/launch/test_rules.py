from claims_sim.launch.rules import listed_rules
from claims_sim.rules.plausibility import PLAUSIBILITY


def test_every_rule_is_listed_once_with_what_breaking_it_means(profile):
    rows = listed_rules(profile)
    names = [row["name"] for row in rows]
    assert len(set(names)) == len(names)
    assert {row["gate"] for row in rows} == {"admission", "identity", "vocabulary", "plausibility"}
    assert all(row["meaning"] and row["level"] in {"rejects", "warns", "off"} for row in rows)


def test_an_identity_that_the_source_breaks_is_off_and_a_habit_of_the_source_warns(profile):
    habit = PLAUSIBILITY[0].name
    broken = profile.model_copy(update={"identities": {"paid_over_claimed": 0.2}, "plausibility": {habit: 0.3}})
    levels = {row["name"]: (row["level"], row["broken in the source"]) for row in listed_rules(broken)}
    assert levels["paid_over_claimed"] == ("off", 0.2)
    assert levels[habit] == ("warns", 0.3)


def test_without_a_profile_the_rules_are_listed_all_the_same():
    assert len(listed_rules(None)) > 60
