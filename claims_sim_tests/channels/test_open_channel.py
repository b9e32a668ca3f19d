import sys
from pathlib import Path

import pytest

from claims_sim.channels import open_channel
from claims_sim.errors import ChannelError


def test_an_absolute_url_names_a_folder(tmp_path):
    channel = open_channel(f"jsonl://{tmp_path}/my%20claims")
    assert str(tmp_path / "my claims") in channel.describe()
    assert channel.name.startswith("jsonl:my claims:")


def test_a_relative_url_names_a_folder_below_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path / "claims/live") in open_channel("jsonl:claims/live").describe()
    assert (tmp_path / "claims/live").is_dir()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "claims",
        "nats://host/claims",
        "jsonl://host/claims",
        "jsonl:",
        "jsonl://",
        "redis://:secret@host/0",
        "redis:///0",
        "redis://host/secret",
        "redis://host:port/0",
        "redis://host/0?secret=1",
        "redis://host/0?maxlen=0",
        "redis://host/0?maxlen=-1",
        "kafka://host",
        "kafka://host/a/b",
        "kafka://host:x/topic",
        "kafka://secret@host/topic",
        "kafka://host/topic?security=none",
        "kafka://host/topic?security=ssl&mechanism=secret",
        "kafka://host/topic?partitions=many",
    ],
)
def test_a_url_that_cannot_be_opened_says_what_can_be_without_its_secrets(url):
    with pytest.raises(ChannelError) as caught:
        open_channel(url)
    assert "Write " in str(caught.value) or "CLAIMS_SIM_CHANNEL_PASSWORD" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("url", "extra"), [("redis://host/0", "redis"), ("kafka://host/topic", "kafka")])
def test_a_missing_client_library_is_named_with_its_extra(url, extra, monkeypatch):
    module = {"redis": "redis", "kafka": "confluent_kafka"}[extra]
    monkeypatch.delitem(sys.modules, f"claims_sim.channels.{'redis_streams' if extra == 'redis' else 'kafka'}", False)
    monkeypatch.setattr(sys, "meta_path", [Missing(module), *sys.meta_path])
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ChannelError, match=rf"pip install \"claims_sim\[{extra}\]\""):
        open_channel(url)


class Missing:
    """An import hook for a package that is not installed."""

    def __init__(self, module: str) -> None:
        self.module = module

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == self.module:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    Path(tmp_path / "file").write_text("")
    with pytest.raises(ChannelError, match="cannot be made"):
        open_channel(f"jsonl://{tmp_path}/file/live")
