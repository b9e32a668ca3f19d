"""All settings, read once from the environment (prefix CLAIMS_SIM_) and from `.env`. The only reader of either.

Every other module takes values as arguments. A wrong value stops the start with one line that names the variable,
its value and what is allowed.
"""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from claims_sim.errors import SettingsError

PREFIX: Final = "CLAIMS_SIM_"
Clock = Literal["admission", "intake", "history"]
_KIND: Final = re.compile(r"[a-z_]{1,40}")
_CRON: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_CRON_PART: Final = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")
_CRON_NAMES: Final = re.compile(r"\b(?:sun|mon|tue|wed|thu|fri|sat)\b", re.IGNORECASE)
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NEEDED: Final = {
    "int_parsing": "a whole number is needed",
    "float_parsing": "a number is needed",
    "bool_parsing": "true or false is needed",
}
_PRICE: Final = re.compile(r"[^=;]*[^=;\s]\s*=\s*\d{1,6}(\.\d+)?\s*/\s*\d{1,6}(\.\d+)?")
AuthorName = Literal["statistical", "llm"]


class Settings(BaseSettings):
    """Frozen settings of one process. `description` of each field is what the README's table says."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    state_dir: Path = Field(Path(".claims_sim"), description="Folder for everything claims_sim keeps")
    source: Path | None = Field(
        None,
        description="DuckDB, Parquet or CSV file with the real claims; without it a demo source is made in the state folder",
    )
    source_table: str = Field(
        "claims_normalized",
        min_length=1,
        max_length=200,
        description="Table or view in the source; left out, a database's only one is taken where there is none of this name",
    )
    mapping: Path | None = Field(None, description="TOML file that maps a foreign table's columns and values")
    production_dir: Path | None = Field(
        None,
        description="Folder of the production zone, for scores of real claims and the like; default: production in the state folder",
    )
    database: Path | None = Field(None, description="The simulation database; default: sim.duckdb in the state folder")
    snapshots: Path | None = Field(
        None, description="Parquet snapshots for other readers; default: snapshots in the state folder"
    )
    channel: str = Field(
        "",
        max_length=500,
        description="jsonl:///path, redis://host:port/db?stream=name or kafka://host:port/topic; default: a folder in the state folder",
    )
    channel_username: str = Field(
        "", max_length=200, description="User at the channel's server (Redis ACL, Kafka SASL)"
    )
    channel_password: SecretStr = Field(SecretStr(""), description="Password at the channel's server")
    channel_ca_file: Path | None = Field(
        None, description="CA certificate (PEM) that signs the channel's server; default: the system's"
    )
    channel_timeout_s: Annotated[float, Field(ge=0.5, le=300)] = Field(
        10, description="How long to wait for the channel's server, seconds"
    )
    interval_min_s: Annotated[float, Field(ge=5, le=86_400)] = Field(
        10, description="Shortest gap between two batches, seconds"
    )
    interval_max_s: Annotated[float, Field(ge=5, le=86_400)] = Field(
        30, description="Longest gap between two batches, seconds"
    )
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = Field(5, description="Claims in a batch")
    author: AuthorName = Field(
        "llm",
        description="Who writes the claims: llm (a language model), or statistical (drawn from the profile, fast)",
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = Field(
        0, description="Seed of the simulation; a batch follows from seed and batch id"
    )
    force_llm: bool = Field(
        False, description="Fail a tick whose model fails, instead of letting the statistical author step in"
    )
    llm_base_url: str = Field(
        "", max_length=500, description="Any OpenAI-compatible server; without it the local model is started"
    )
    llm_api_key: SecretStr = Field(SecretStr(""), description="Key for that server")
    llm_model: str = Field(
        "", max_length=200, description="Model name for that server; default: the first that it lists"
    )
    llm_gguf: Path | None = Field(None, description="Another GGUF file for the local model")
    llm_threads: Annotated[int, Field(ge=0, le=256)] = Field(0, description="Threads of the local model; 0: cores - 1")
    llm_idle_s: Annotated[float, Field(ge=10, le=86_400)] = Field(
        900, description="The local model ends after so many idle seconds"
    )
    llm_allow_remote: bool = Field(False, description="Allow a model server that is not on loopback")
    llm_api_version: str = Field(
        "",
        max_length=40,
        pattern=r"^[A-Za-z0-9.-]*$",
        description="api-version of Azure OpenAI, where the address is one of its older interface",
    )
    llm_concurrency: Annotated[int, Field(ge=0, le=64)] = Field(
        0, description="Requests to that server at once; 0: 1 for one on loopback, 4 for a remote one"
    )
    llm_briefs_per_request: Annotated[int, Field(ge=0, le=50)] = Field(
        0, description="Most claims that one request asks for; 0: 1 for a model on loopback, 5 for a remote one"
    )
    llm_spare_tokens: Annotated[int, Field(ge=0, le=100_000)] = Field(
        0, description="Tokens that a reasoning model may think for before each answer"
    )
    llm_tokens_per_day: Annotated[int, Field(ge=0, le=10**12)] = Field(
        0, description="Most tokens a day (UTC), in and out together; 0: no limit"
    )
    llm_tokens_per_batch: Annotated[int, Field(ge=0, le=10**12)] = Field(
        0, description="Most tokens a batch; 0: no limit"
    )
    llm_cost_per_day: Annotated[float, Field(ge=0, le=1e9)] = Field(
        0, description="Most money a day (UTC), in the currency of the prices; 0: no limit"
    )
    llm_cost_per_batch: Annotated[float, Field(ge=0, le=1e9)] = Field(0, description="Most money a batch; 0: no limit")
    llm_prices: str = Field(
        "",
        max_length=4000,
        description="Prices for a million tokens, in/out, by model: gpt-5-mini=0.25/2.00; gpt-5*=1.25/10",
    )
    llm_log_mb: Annotated[float, Field(ge=1, le=10_000)] = Field(
        10, description="Largest size of the log of what was sent to remote model servers, MB"
    )
    authoring_deadline_s: Annotated[float, Field(ge=0.5, le=600)] = Field(
        6, description="Longest time for the model's part of a batch, seconds"
    )
    prompt_form: Literal["auto", "choice", "full"] = Field(
        "auto",
        description="choice: one of several options; full: the whole payload; auto: the one that the model was measured to fill",
    )
    prompt_version: str = Field("", max_length=40, description="Version of the prompt templates; default: the newest")
    prompt_language: str = Field(
        "en",
        pattern="^[a-z]{2}$",
        description="Language of the prompts: en or id (Indonesian); names of codes stay as coded",
    )
    clock: Clock = Field(
        "admission", description="When streamed claims happen: admission (now), intake (discharged now), history (past)"
    )
    mix: str = Field(
        "",
        max_length=1000,
        description="Shares that replace the source's, for a livelier demo: service_type:RITL=0.6; more after a semicolon",
    )
    ref_keys: bool = Field(
        False,
        description="Add patient_ref, facility_ref and episode_ref to claims: made-up persons who come back, hospitals, episodes",
    )
    anomaly_rate: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.02, description="Share of streamed claims that are labelled anomalies, exact over each 1,000 claims; 0: none"
    )
    anomaly_mix: str = Field(
        "",
        max_length=1000,
        description="Shares of their kinds, such as upcoding=2;cloned_claim=1; default: all kinds (`claims-sim anomalies`)",
    )
    anomaly_campaign_share: Annotated[float, Field(ge=0, le=1)] = Field(
        0, description="Share of the anomalies that come as campaigns: one kind at one facility within 1,000 claims"
    )
    anomaly_strength: Annotated[int, Field(ge=0, le=3)] = Field(
        0, description="Strength of the anomalies: 1 subtle, 2 plain, 3 blatant; 0: a mix of them"
    )
    scorer: str = Field(
        "",
        max_length=500,
        description="Who scores; empty: the built-in scorer. Yours: package.module:Class, joblib:path or http(s)://… (docs/scorers.md)",
    )
    scorer_allow_pickle: bool = Field(
        False, description="Allow a joblib file as scorer: loading one runs what its maker put into it"
    )
    scorer_sha256: str = Field("", pattern=r"^([0-9a-fA-F]{64})?$", description="SHA-256 of that joblib file")
    scorer_allow_remote: bool = Field(
        False, description="Allow a scoring server that is not on loopback: claims leave this machine"
    )
    scorer_api_key: SecretStr = Field(SecretStr(""), description="Key for a scoring server (Authorization: Bearer)")
    scorer_timeout_s: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        60, description="How long to wait for one answer of your scorer, seconds"
    )
    claim_prefix: str = Field("SIM", pattern=r"^[A-Z]{2,8}$", description="First part of every claim id")
    privacy_k: Annotated[int, Field(ge=5, le=10_000)] = Field(
        11, description="Fewest persons behind any number that leaves the source"
    )
    require_approval: bool = Field(
        False, description="Make claims only from a profile that was approved with `claims-sim profile approve`"
    )
    demo_rows: Annotated[int, Field(ge=1_000, le=50_000_000)] = Field(100_000, description="Rows of the demo source")
    lock_timeout_s: Annotated[float, Field(gt=0, le=600)] = Field(
        30, description="How long to wait for a locked database, seconds"
    )
    host: str = Field("127.0.0.1", description="Address that the Dagster UI listens on")
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        3000, description="Port of the Dagster UI; the next free one is taken when busy"
    )
    api_host: str = Field(
        "127.0.0.1",
        max_length=200,
        description="Address of the HTTP API and live page; another than loopback needs a key",
    )
    api_port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        8000, description="Port of the HTTP API and live page; `up` takes the next free one when busy"
    )
    api_key: SecretStr = Field(SecretStr(""), description="Key that clients of the API must send (X-API-Key)")
    api_rate: Annotated[float, Field(ge=0, le=100_000)] = Field(
        50, description="Requests a second that one client of the API may make; 0: no limit"
    )
    api_cors: str = Field("", max_length=1000, description="Origins whose pages may call the API, separated by commas")
    profile_refresh_cron: str = Field(
        "0 2 * * *", description="When the profile is refreshed, cron, in Asia/Jakarta time"
    )
    retention_runs: Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        300, description="Newest Dagster runs to keep; older ones are removed with their files"
    )
    retention_days: Annotated[float, Field(gt=0, le=36_500)] = Field(
        30, description="Days to keep sent payloads, snapshots and unused profiles; claims and scores stay"
    )
    max_size_mb: Annotated[float, Field(ge=0, le=1e9)] = Field(
        0,
        description="No more claims are made while database, snapshots and folder channel take so many MB; 0: no limit",
    )
    log_format: Literal["text", "json"] = Field("text", description="Logs of stream and consume --follow: text or json")
    metrics_port: Annotated[int, Field(ge=0, le=65_535)] = Field(
        0,
        description="While up, stream or consume --follow runs, answer /metrics, /healthz and /readyz on this loopback port; 0: not",
    )
    supervised_by: int | None = Field(
        None, description="Set by `up` for its children: the process that they must not outlive"
    )

    @field_validator("claim_prefix")
    @classmethod
    def _prefix_is_not_real(cls, value: str) -> str:
        if value in {"CLM", "CLAIM", "REAL"}:
            raise ValueError("looks like a real claim's prefix; take one such as SIM")
        return value

    @field_validator("channel")
    @classmethod
    def _no_password_in_a_channel(cls, value: str) -> str:
        if not value.startswith("jsonl:") and "@" in value:
            raise ValueError(
                f"an address holds no user or password; put them into {PREFIX}CHANNEL_USERNAME and {PREFIX}CHANNEL_PASSWORD"
            )
        return value

    @field_validator("llm_base_url")
    @classmethod
    def _no_password_in_an_address(cls, value: str) -> str:
        if "@" in value:
            raise ValueError(f"an address holds no user or password; put the key into {PREFIX}LLM_API_KEY")
        return value

    @field_validator("llm_prices")
    @classmethod
    def _prices_can_be_read(cls, value: str) -> str:
        for entry in filter(None, (part.strip() for part in value.split(";"))):
            if not _PRICE.fullmatch(entry):
                raise ValueError(f"{entry} is no price; write model=in/out, as in gpt-5-mini=0.25/2.00")
        return value

    @field_validator("mix")
    @classmethod
    def _mix_can_be_read(cls, value: str) -> str:
        for entry in filter(str.strip, value.split(";")):
            key, _, number = entry.rpartition("=")
            field, _, text = key.partition(":")
            if not (field.strip() and text.strip() and 0 <= _number(number) <= 1):
                raise ValueError(f"'{entry.strip()}' is no share such as service_type:RITL=0.6, from 0 to 1")
        return value

    @field_validator("anomaly_mix")
    @classmethod
    def _anomaly_mix_can_be_read(cls, value: str) -> str:
        for entry in filter(str.strip, value.split(";")):
            kind, sign, number = entry.partition("=")
            if not _KIND.fullmatch(kind.strip()) or (sign and not 0 < _number(number) < float("inf")):
                raise ValueError(f"'{entry.strip()}' is no kind with a share above 0, such as upcoding=2")
        return value

    @field_validator("profile_refresh_cron")
    @classmethod
    def _cron_can_be_read(cls, value: str) -> str:
        fields = value.split()
        fields[4:] = [_CRON_NAMES.sub(lambda day: str(_WEEKDAYS.index(day[0].lower())), text) for text in fields[4:]]
        if len(fields) != len(_CRON) or not all(map(_is_cron_field, fields, _CRON)):
            raise ValueError("five fields are needed (minute, hour, day, month, weekday), such as 0 2 * * *")
        return value

    @field_validator("state_dir")
    @classmethod
    def _state_is_a_folder(cls, value: Path) -> Path:
        if value.exists() and not value.is_dir():
            raise ValueError("there is a file of that name; a folder is needed")
        return value

    @model_validator(mode="after")
    def _interval_in_order(self) -> "Settings":
        if self.interval_min_s > self.interval_max_s:
            raise ValueError(
                f"{PREFIX}INTERVAL_MIN_S={self.interval_min_s:g} is above {PREFIX}INTERVAL_MAX_S={self.interval_max_s:g}: "
                "the interval's minimum must not exceed its maximum"
            )
        return self

    @property
    def source_path(self) -> Path:
        """The real table's file, or the demo source that stands in for it."""
        return self.source or self.state_dir / "demo_source.duckdb"

    @property
    def production_path(self) -> Path:
        """The folder of the production zone, which only its owner may read."""
        return self.production_dir or self.state_dir / "production"

    @property
    def database_path(self) -> Path:
        """The simulation database."""
        return self.database or self.state_dir / "sim.duckdb"

    @property
    def snapshots_path(self) -> Path:
        """The folder of Parquet snapshots."""
        return self.snapshots or self.state_dir / "snapshots"

    @property
    def profile_path(self) -> Path:
        """The profile in force."""
        return self.state_dir / "profile" / "profile.json"

    @property
    def channel_url(self) -> str:
        """The channel, as `channels.open_channel` takes it."""
        return self.channel or f"jsonl://{(self.state_dir / 'channel').absolute()}"


def _number(text: str) -> float:
    """The number that a text is, or one below any share."""
    try:
        return float(text)
    except ValueError:
        return -1.0


def _is_cron_field(text: str, bounds: tuple[int, int]) -> bool:
    low, high = bounds
    for part in text.split(","):
        match = _CRON_PART.fullmatch(part)
        if match is None:
            return False
        first, last, step = (None if found is None else int(found) for found in match.groups())
        ends = [number for number in (first, last) if number is not None]
        if any(not low <= number <= high for number in ends) or ends != sorted(ends) or step == 0:
            return False
    return True


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    message = _NEEDED.get(first["type"]) or str(first["msg"]).removeprefix("Value error, ")
    if not first["loc"]:
        return message + "."
    name = str(first["loc"][0])
    field = Settings.model_fields[name]
    secret = field.annotation is SecretStr or name in {
        "llm_base_url",
        "channel",
        "scorer",
    }  # addresses may hold passwords
    value = "(hidden)" if secret else first["input"]
    allowed = message[0].lower() + message[1:]
    return f"{PREFIX}{name.upper()}={value} is not allowed: {allowed}. It is: {field.description}."


def load_settings(**overrides: Any) -> Settings:  # noqa: ANN401 - values of any field
    """The settings of this process; `overrides` (field names) win over the environment.

    Raises SettingsError with one line for the first wrong value, and for a variable with our prefix that does not
    exist (a mistyped name would otherwise be ignored silently).
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for variable in os.environ:  # noqa: TID251 - this module is the reader
        if variable.upper().startswith(PREFIX) and variable.upper() not in known:
            raise SettingsError(f"{variable} is no setting of claims_sim; `claims-sim settings` lists them.")
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None


@lru_cache(maxsize=1)
def settings_of_this_process() -> Settings:
    """`load_settings()` once: a process never sees its settings change midway."""
    return load_settings()


def dagster_home(settings: Settings) -> Path | None:
    """The folder of the Dagster instance that sees this simulation: DAGSTER_HOME, or the one that `up` has made."""
    named = os.environ.get("DAGSTER_HOME")  # noqa: TID251 - this module is the reader
    home = Path(named) if named else settings.state_dir / "dagster"
    return home.absolute() if (home / "dagster.yaml").exists() else None


def child_environment(settings: Settings, **extra: str) -> dict[str, str]:
    """The environment for a child process that must run under exactly these settings."""
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}  # noqa: TID251
    for name in Settings.model_fields:
        if name == "source_table" and name not in settings.model_fields_set:
            continue  # that nobody named a table lets the child, too, take the only one
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if isinstance(value, Path):
            value = value.absolute()
        if value is not None and value != "":
            environment[f"{PREFIX}{name.upper()}"] = str(value)
    return environment | extra
