import pytest

from claims_sim.errors import SettingsError
from claims_sim.settings import PREFIX, Settings, child_environment, load_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)


def test_defaults_need_no_environment():
    settings = load_settings()
    assert (settings.interval_min_s, settings.interval_max_s, settings.batch_size) == (10, 30, 5)
    assert settings.database_path == settings.state_dir / "sim.duckdb"
    assert settings.channel_url.startswith("jsonl:///")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BATCH_SIZE", "0"),
        ("PORT", "abc"),
        ("AUTHOR", "poet"),
        ("CLOCK", "never"),
        ("CLAIM_PREFIX", "CLM"),
        ("PRIVACY_K", "1"),
        ("MIX", "foo"),
        ("MIX", "service_type:RITL=1.5"),
        ("ANOMALY_MIX", "upcoding=none"),
        ("ANOMALY_MIX", "=2"),
        ("PROFILE_REFRESH_CRON", "foo"),
        ("PROFILE_REFRESH_CRON", "0 2 * *"),
        ("PROFILE_REFRESH_CRON", "0 24 * * *"),
        ("PROFILE_REFRESH_CRON", "*/0 2 * * *"),
        ("PROFILE_REFRESH_CRON", "30-10 2 * * *"),
    ],
)
def test_a_wrong_value_is_one_line_with_variable_value_and_what_is_allowed(monkeypatch, variable, value):
    monkeypatch.setenv(f"{PREFIX}{variable}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    assert f"{PREFIX}{variable}={value}" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "cron", ["0 2 * * *", "*/15 1-5 1,15 * 1-5", "59 23 31 12 7", "5/10 * * * *", "0 2 * * mon-FRI"]
)
def test_a_cron_that_dagster_takes_is_taken(monkeypatch, cron):
    from dagster._utils.schedules import is_valid_cron_schedule

    assert is_valid_cron_schedule(cron)
    monkeypatch.setenv(f"{PREFIX}PROFILE_REFRESH_CRON", cron)
    assert load_settings().profile_refresh_cron == cron


@pytest.mark.parametrize("mix", ["", "service_type:RITL=0.6", "service_type:RITL=.6; severity_group:berat=0.1;"])
def test_a_mix_that_can_be_read_is_taken(monkeypatch, mix):
    monkeypatch.setenv(f"{PREFIX}MIX", mix)
    monkeypatch.setenv(f"{PREFIX}ANOMALY_MIX", "upcoding; cloned_claim=2")
    assert load_settings().mix == mix


def test_a_number_that_is_none_is_said_in_plain_words(monkeypatch):
    monkeypatch.setenv(f"{PREFIX}BATCH_SIZE", "abc")
    with pytest.raises(SettingsError, match="BATCH_SIZE=abc is not allowed: a whole number is needed"):
        load_settings()


def test_the_intervals_minimum_must_not_exceed_its_maximum(monkeypatch):
    monkeypatch.setenv("CLAIMS_SIM_INTERVAL_MIN_S", "40")
    with pytest.raises(SettingsError, match="CLAIMS_SIM_INTERVAL_MIN_S=40 is above CLAIMS_SIM_INTERVAL_MAX_S=30"):
        load_settings()


def test_a_mistyped_variable_is_not_ignored(monkeypatch):
    monkeypatch.setenv("CLAIMS_SIM_BATCHSIZE", "7")
    with pytest.raises(SettingsError, match="CLAIMS_SIM_BATCHSIZE is no setting"):
        load_settings()


def test_a_secret_is_never_shown(monkeypatch):
    monkeypatch.setenv("CLAIMS_SIM_LLM_API_KEY", "sk-very-secret")
    settings = load_settings()
    assert "sk-very-secret" not in repr(settings)
    assert "sk-very-secret" not in settings.model_dump_json()
    assert child_environment(settings)["CLAIMS_SIM_LLM_API_KEY"] == "sk-very-secret"


def test_a_child_reads_the_same_settings(monkeypatch, tmp_path):
    settings = load_settings(batch_size=7, state_dir=tmp_path / "state", force_llm=True)
    for name, value in child_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings().model_dump() == settings.model_dump()


def test_the_env_file_and_the_example_name_real_settings(pytestconfig):
    lines = (pytestconfig.rootpath / ".env.example").read_text().splitlines()
    names = {line.lstrip("# ").split("=")[0] for line in lines if line.lstrip("# ").startswith(PREFIX)}
    public = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} - {"CLAIMS_SIM_SUPERVISED_BY"}
    assert names == public
    readme = (pytestconfig.rootpath / "README.md").read_text()
    assert [name for name in sorted(public) if f"`{name}`" not in readme] == []
