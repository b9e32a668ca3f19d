"""The reader against everything that a folder of files can hold."""

import resource
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.channels import jsonl_reader
from claims_sim.channels.contract import KEPT_BYTES, MAX_LINE_BYTES
from claims_sim.channels.jsonl import JsonlChannel
from claims_sim.channels.segments import Cursor, parse_cursor, segment_path


def write(folder: Path, number: int, content: bytes) -> None:
    folder.mkdir(exist_ok=True)
    segment_path(folder, number).write_bytes(content)


def append(folder: Path, number: int, content: bytes) -> None:
    with segment_path(folder, number).open("ab") as file:
        file.write(content)


def read_all(channel: JsonlChannel, after: str, limit: int = 3) -> tuple[list[bytes], str, list[str]]:
    found, notes = [], []
    while True:
        reading = channel.read(after, limit)
        found += reading.lines["raw"].to_pylist()
        notes += reading.notes
        if not len(reading.lines) and reading.position == after:
            return found, after, notes
        after = reading.position


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "live"


@pytest.fixture
def channel(folder: Path) -> JsonlChannel:
    return JsonlChannel(folder)


def test_a_torn_last_line_is_read_after_the_writer_finishes_it(folder, channel):
    write(folder, 1, b'{"a":1}\n{"b":')
    found, position, _ = read_all(channel, channel.start)
    assert found == [b'{"a":1}']
    append(folder, 1, b"2}\n")
    assert read_all(channel, position)[0] == [b'{"b":2}']


def test_the_unterminated_end_of_a_closed_segment_is_a_message(folder, channel):
    write(folder, 1, b"one\ntwo")
    write(folder, 2, b"three\n")
    assert read_all(channel, channel.start)[0] == [b"one", b"two", b"three"]


def test_the_last_lines_of_a_segment_are_read_when_it_was_rotated_after_the_reading(folder, channel):
    write(folder, 1, b"one\n")
    _, position, _ = read_all(channel, channel.start)
    append(folder, 1, b"two\n")
    write(folder, 2, b"three\n")
    assert read_all(channel, position)[0] == [b"two", b"three"]


def test_a_segment_that_appears_during_the_read_does_not_hide_lines_before_it(folder, channel, monkeypatch):
    """The writer appends to segment 1 and rotates just after the reader listed: the reader must not go on to 2 yet."""
    write(folder, 1, b"one\n")
    listed = jsonl_reader.list_segments
    calls = []

    def list_then_rotate(where):
        segments = listed(where)
        calls.append(segments)
        if len(calls) == 2:  # the reader has read "one"; now it looks whether there is more
            append(folder, 1, b"two\n")
            write(folder, 2, b"three\n")
        return segments

    monkeypatch.setattr(jsonl_reader, "list_segments", list_then_rotate)
    assert read_all(channel, channel.start, limit=100)[0] == [b"one", b"two", b"three"]


def test_blank_lines_are_no_messages_and_do_not_stop_the_reader(folder, channel):
    write(folder, 1, b"\n\none\n\r\n\ntwo\r\n\n")
    assert read_all(channel, channel.start, limit=1)[0] == [b"one", b"two\r"]


def test_nul_bytes_and_invalid_utf8_come_through_as_they_are(folder, channel):
    write(folder, 1, b"a\x00b\n\xff\xfe\n\x00\n")
    assert read_all(channel, channel.start)[0] == [b"a\x00b", b"\xff\xfe", b"\x00"]


def test_a_segment_that_housekeeping_removed_is_passed_over_and_named(folder, channel):
    for number in (1, 2, 4):
        write(folder, number, f"line {number}\n".encode())
    segment_path(folder, 1).unlink()
    found, _, notes = read_all(channel, str(Cursor(1, 7)))
    assert found == [b"line 2", b"line 4"]
    assert notes == ["Segment 1 is gone; continued at segment 2."]


def test_a_position_beyond_a_shortened_segment_goes_on_in_the_next(folder, channel):
    write(folder, 1, b"one\n")
    write(folder, 2, b"two\n")
    found, _, notes = read_all(channel, str(Cursor(1, 400)))
    assert found == [b"two"]
    assert "shorter" in notes[0]


def test_a_segment_that_was_written_anew_is_read_again(folder, channel):
    write(folder, 1, b"a line of some length\nanother\n")
    found, _, notes = read_all(channel, str(Cursor(1, 8)))
    assert found == [b"a line of some length", b"another"]
    assert "anew" in notes[0]


def test_a_shortened_last_segment_is_read_again(folder, channel):
    write(folder, 1, b"one\n")
    found, _, notes = read_all(channel, str(Cursor(1, 100)))
    assert found == [b"one"]
    assert "read again" in notes[0]


def test_when_only_older_segments_exist_all_are_read_again(folder, channel):
    write(folder, 1, b"one\n")
    found, _, notes = read_all(channel, str(Cursor(7, 100)))
    assert found == [b"one"]
    assert "older" in notes[0]


def test_waiting_at_the_beginning_of_the_next_segment_reads_nothing_twice(folder, channel):
    write(folder, 1, b"one\n")
    assert read_all(channel, str(Cursor(2, 0))) == ([], str(Cursor(2, 0)), [])


def test_other_files_in_the_folder_are_none_of_its_business(folder, channel):
    write(folder, 1, b"one\n")
    (folder / "notes.jsonl").write_text("no\n")
    (folder / "000002.jsonl.tmp").write_text("no\n")
    assert read_all(channel, channel.start)[0] == [b"one"]


def test_an_oversize_line_is_one_message_cut_and_marked(folder, channel, monkeypatch):
    long = b"x" * (MAX_LINE_BYTES + 5)
    write(folder, 1, b"one\n" + long + b"\ntwo\n")
    lines = channel.read(channel.start, 10).lines
    assert lines["raw"].to_pylist() == [b"one", b"x" * KEPT_BYTES, b"two"]
    assert lines["size"].to_pylist() == [3, len(long), 3]


def test_a_line_of_the_largest_size_is_whole(folder, channel):
    write(folder, 1, b"x" * MAX_LINE_BYTES + b"\n")
    lines = channel.read(channel.start, 10).lines
    assert lines["size"].to_pylist() == [MAX_LINE_BYTES]
    assert len(lines["raw"][0].as_py()) == MAX_LINE_BYTES


def test_a_line_of_fifty_megabytes_is_passed_in_bounded_memory(folder, channel):
    with segment_path(folder, 1).open("wb") as file:
        for _ in range(50):
            file.write(b"x" * 1_000_000)
        file.write(b"\ntwo\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pool = pa.total_allocated_bytes()
    reading = channel.read(channel.start, 10)
    assert reading.lines["size"].to_pylist() == [50_000_000, 3]
    assert pa.total_allocated_bytes() - pool < 2_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000
    assert channel.lag(reading.position) == 0


def test_an_oversize_line_that_is_not_finished_waits(folder, channel, monkeypatch):
    monkeypatch.setattr(jsonl_reader, "_BLOCK", 64)
    monkeypatch.setattr(jsonl_reader, "MAX_LINE_BYTES", 32)
    write(folder, 1, b"x" * 500)
    assert read_all(channel, channel.start)[:2] == ([], channel.start)
    append(folder, 1, b"x\n")
    assert channel.read(channel.start, 10).lines["size"].to_pylist() == [501]


def test_a_read_stops_at_its_budget_of_bytes_and_loses_nothing(folder, channel, monkeypatch):
    monkeypatch.setattr(jsonl_reader, "_BLOCK", 64)
    monkeypatch.setattr(jsonl_reader, "MAX_LINE_BYTES", 32)
    monkeypatch.setattr(jsonl_reader, "MAX_READ_BYTES", 100)
    lines = [f"line {i}".encode() for i in range(100)]
    write(folder, 1, b"\n".join(lines) + b"\n")
    assert len(channel.read(channel.start, 1_000).lines) < 100
    assert read_all(channel, channel.start, limit=1_000)[0] == lines


@given(
    segments=st.lists(st.lists(st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"\t")), max_size=12), max_size=4),
    limit=st.integers(1, 7),
    block=st.integers(40, 90),
)
@settings(max_examples=60, deadline=None)
def test_any_lines_in_any_segments_are_read_once_and_in_order(tmp_path_factory, segments, limit, block):
    folder = tmp_path_factory.mktemp("any")
    for number, lines in enumerate(segments, start=1):
        write(folder, number, b"".join(line + b"\n" for line in lines))
    channel = JsonlChannel(folder)
    expected = [
        line[:8] if len(line) > 32 else line for lines in segments for line in lines if line not in (b"", b"\r")
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonl_reader, "_BLOCK", block)
        patch.setattr(jsonl_reader, "MAX_LINE_BYTES", 32)
        patch.setattr(jsonl_reader, "KEPT_BYTES", 8)
        found, position, notes = read_all(channel, channel.start, limit)
    assert (found, notes) == (expected, [])
    assert channel.lag(position) == 0


@given(st.integers(1, 999_999), st.integers(0, 10**12 - 1), st.integers(1, 999_999), st.integers(0, 10**12 - 1))
def test_positions_sort_as_text_like_the_channel(segment, offset, other_segment, other_offset):
    one, other = Cursor(segment, offset), Cursor(other_segment, other_offset)
    assert parse_cursor(str(one)) == one
    assert (one < other) == (str(one) < str(other))


@given(st.integers(1, 999_999), st.lists(st.integers(0, 10**13), min_size=1, max_size=20))
def test_positions_of_many_lines_are_the_texts_of_their_cursors(segment, offsets):
    ordered = np.sort(np.array(offsets, np.int64))
    texts = jsonl_reader._positions(segment, ordered).to_pylist()
    assert texts == [str(Cursor(segment, offset)) for offset in ordered.tolist()]
