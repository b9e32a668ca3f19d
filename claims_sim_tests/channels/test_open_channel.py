from pathlib import Path

import pytest

from claims_sim.channels import open_channel
from claims_sim.channels.contract import open_channel as from_contract
from claims_sim.errors import ChannelError


def test_an_absolute_url_names_a_folder(tmp_path):
    channel = open_channel(f"jsonl://{tmp_path}/my%20claims")
    assert str(tmp_path / "my claims") in channel.describe()
    assert channel.name.startswith("jsonl:my claims:")


def test_a_relative_url_names_a_folder_below_the_current_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path / "claims/live") in open_channel("jsonl:claims/live").describe()
    assert (tmp_path / "claims/live").is_dir()


def test_both_places_offer_the_same_function():
    assert open_channel is from_contract


@pytest.mark.parametrize(
    "url", ["redis://:secret@host/0", "kafka://host", "", "claims", "jsonl://host/claims", "jsonl:", "jsonl://"]
)
def test_a_url_that_cannot_be_opened_says_what_can_be_without_its_secrets(url):
    with pytest.raises(ChannelError) as caught:
        open_channel(url)
    assert "jsonl" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    Path(tmp_path / "file").write_text("")
    with pytest.raises(ChannelError, match="cannot be made"):
        open_channel(f"jsonl://{tmp_path}/file/live")
