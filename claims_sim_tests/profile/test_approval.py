from datetime import UTC, datetime, timedelta

import pytest

from claims_sim.errors import ProfileError
from claims_sim.profile.approval import Approval, add_approval, approval_of, read_approvals

NOW = datetime(2026, 1, 2, tzinfo=UTC)
HASH = "a" * 64


def test_approvals_are_kept_in_order_and_the_newest_counts(tmp_path):
    path = tmp_path / "profile" / "approvals.jsonl"
    assert read_approvals(path) == ()
    first = Approval(profile_hash=HASH, approved_by="Ani", approved_at=NOW)
    second = Approval(profile_hash=HASH, approved_by="Budi", approved_at=NOW + timedelta(days=1), note="for the pilot")
    add_approval(path, first)
    add_approval(path, second)
    assert read_approvals(path) == (first, second)
    assert approval_of(read_approvals(path), HASH) == second
    assert approval_of(read_approvals(path), "b" * 64) is None
    assert second.describe() == "by Budi on 2026-01-03 00:00 UTC (for the pilot)"


def test_a_damaged_list_is_one_clear_line(tmp_path):
    path = tmp_path / "approvals.jsonl"
    path.write_text('{"profile_hash": "x"}\n')
    with pytest.raises(ProfileError, match="cannot be read: restore the file"):
        read_approvals(path)
