"""The writer: one at a time, whole batches, nothing half-written whatever happens."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from claims_sim.channels import Message
from claims_sim.channels import jsonl_writer as writer_module
from claims_sim.channels.jsonl import JsonlChannel
from claims_sim.channels.segments import list_segments, segment_path
from claims_sim.errors import ChannelError

WRITER = """
import sys
from pathlib import Path
from claims_sim.channels import Message
from claims_sim.channels.jsonl import JsonlChannel
channel = JsonlChannel(Path(sys.argv[1]), segment_bytes=20_000)
number = 0
while True:
    channel.publish("b", [Message("x", '{"n":%d,"pad":"%s"}' % (number + i, "x" * 900)) for i in range(40)])
    number += 40
    print(number, flush=True)
"""


def batch(first: int, count: int = 3) -> list[Message]:
    return [Message(f"c{i}", f'{{"n":{i}}}') for i in range(first, first + count)]


def numbers(channel: JsonlChannel) -> list[int]:
    position, found = channel.start, []
    while len((reading := channel.read(position, 1_000)).lines):
        found += [json.loads(raw)["n"] for raw in reading.lines["raw"].to_pylist()]
        position = reading.position
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "live"


@pytest.fixture
def channel(folder: Path):
    opened = JsonlChannel(folder)
    yield opened
    opened.close()


def test_a_second_writer_is_refused_and_told_who_writes(folder, channel):
    channel.publish("b", batch(0))
    with pytest.raises(ChannelError, match=f"Process {os.getpid()} is writing"):
        JsonlChannel(folder).publish("b", batch(3))


def test_the_lock_is_free_after_close(folder, channel):
    channel.publish("b", batch(0))
    channel.close()
    other = JsonlChannel(folder)
    other.publish("b", batch(3))
    other.close()
    assert numbers(channel) == list(range(6))


def test_reading_takes_no_lock(folder, channel):
    channel.publish("b", batch(0))
    assert numbers(JsonlChannel(folder)) == [0, 1, 2]


def test_a_writer_that_closed_well_is_continued_in_the_same_segment(folder, channel):
    for first in range(0, 9, 3):
        channel.publish("b", batch(first))
        channel.close()
    assert list_segments(folder) == [1]


def test_segments_rotate_at_their_size_and_batches_stay_whole(folder):
    channel = JsonlChannel(folder, segment_bytes=50)
    for first in range(0, 60, 20):
        channel.publish("b", batch(first, 20))
    channel.close()
    assert list_segments(folder) == [1, 2, 3]
    assert [segment_path(folder, n).read_bytes().count(b"\n") for n in (1, 2, 3)] == [20, 20, 20]


@pytest.mark.parametrize("payload", ["", "two\nlines", "ends\n", "\nstarts"])
def test_a_payload_that_is_not_one_line_is_refused_with_its_whole_batch(folder, channel, payload):
    with pytest.raises(ChannelError, match="not one line"):
        channel.publish("b", [*batch(0), Message("x", payload), *batch(3)])
    assert numbers(channel) == []


def test_a_torn_line_of_a_killed_writer_is_cut_off_and_its_segment_left(folder, channel):
    channel.publish("b", batch(0))
    channel._writer._lock.release()  # as the system does when the process dies
    with segment_path(folder, 1).open("ab") as file:
        file.write(b'{"n":99')
    heir = JsonlChannel(folder)
    heir.publish("b", batch(3))
    heir.close()
    assert numbers(heir) == list(range(6))
    assert list_segments(folder) == [1, 2]


def test_a_foreign_producers_unterminated_line_is_not_cut_off(folder, channel):
    channel.publish("b", batch(0))
    channel.close()
    with segment_path(folder, 1).open("ab") as file:
        file.write(b'{"n":3}')
    channel.publish("b", batch(4))
    assert numbers(channel) == [0, 1, 2, 3, 4, 5, 6]


def test_numbers_are_not_used_again_after_the_segments_were_removed(folder):
    channel = JsonlChannel(folder, segment_bytes=1)
    for first in range(0, 9, 3):
        channel.publish("b", batch(first))
    channel.close()
    for number in list_segments(folder):
        segment_path(folder, number).unlink()
    channel.publish("b", batch(9))
    assert list_segments(folder) == [4]


@pytest.mark.parametrize("failing", ["write", "fdatasync"])
def test_a_failed_batch_leaves_nothing_half_written(folder, channel, monkeypatch, failing):
    channel.publish("b", batch(0))
    real_write = os.write

    def full_disk(fd, data=None):
        if data is not None:
            real_write(fd, bytes(data[: len(data) // 2]))
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if failing == "write":
            patch.setattr(writer_module.os, "write", full_disk)
        else:
            patch.setattr(writer_module, "_sync", full_disk)
        with pytest.raises(ChannelError, match="No space left"):
            channel.publish("b", batch(3))
    assert segment_path(folder, 1).read_bytes() == b'{"n":0}\n{"n":1}\n{"n":2}\n'
    channel.publish("b", batch(3))
    assert numbers(channel) == list(range(6))


def test_an_interrupt_in_mid_write_leaves_nothing_half_written(folder, channel, monkeypatch):
    channel.publish("b", batch(0))
    real_write = os.write

    def interrupted(fd, data):
        real_write(fd, bytes(data[:5]))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writer_module.os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            channel.publish("b", batch(3))
    channel.publish("b", batch(3))
    assert numbers(channel) == list(range(6))


def test_a_file_size_limit_of_the_system_is_a_channel_error(tmp_path):
    """A real refusal in mid-write, not a made-up one: the kernel writes a part and then says no."""
    script = """
import resource, signal, sys
from pathlib import Path
from claims_sim.channels import Message
from claims_sim.channels.jsonl import JsonlChannel
from claims_sim.errors import ChannelError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
channel = JsonlChannel(Path(sys.argv[1]))
channel.publish("b", [Message("x", "1" * 99)] * 5)
resource.setrlimit(resource.RLIMIT_FSIZE, (750, resource.RLIM_INFINITY))
try:
    channel.publish("b", [Message("x", "2" * 99)] * 5)
except ChannelError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert (tmp_path / "000001.jsonl").stat().st_size == 500


def test_an_unwritable_folder_is_a_channel_error(folder, channel, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(writer_module.os, "open", refuse)
    with pytest.raises(ChannelError, match="Read-only file system"):
        channel.publish("b", batch(0))


def test_pruning_removes_whole_segments_before_a_position_and_never_the_newest(folder):
    channel = JsonlChannel(folder, segment_bytes=1)
    for first in range(0, 12, 3):
        channel.publish("b", batch(first))
    position = channel.read(channel.start, 7).position
    assert channel.prune(position) == 2
    assert list_segments(folder) == [3, 4]
    reading = channel.read(position, 100)
    assert [json.loads(raw)["n"] for raw in reading.lines["raw"].to_pylist()] == [7, 8, 9, 10, 11]
    assert channel.prune(reading.position) == 1
    assert list_segments(folder) == [4]


def test_a_folder_of_the_same_name_is_another_channel(tmp_path):
    names = {JsonlChannel(tmp_path / place / "live").name for place in "ab"}
    assert len(names) == 2


def test_a_moved_folder_is_the_same_channel(tmp_path):
    name = JsonlChannel(tmp_path / "a" / "live").name
    (tmp_path / "a").rename(tmp_path / "b")
    assert JsonlChannel(tmp_path / "b" / "live").name == name


@pytest.mark.parametrize("delay", [0.0, 0.004, 0.011, 0.023])
def test_a_writer_killed_in_mid_publish_loses_no_acknowledged_line_and_leaves_no_torn_one(tmp_path, delay):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    acknowledged = [int(process.stdout.readline()) for _ in range(3)]
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    acknowledged += [int(line) for line in process.stdout.read().split()]
    process.stdout.close()
    heir = JsonlChannel(tmp_path, segment_bytes=20_000)
    heir.publish("b", [Message("x", '{"n":-1}')])
    heir.close()
    found = numbers(heir)
    assert found[-1] == -1
    assert found[:-1] == list(range(len(found) - 1))
    assert len(found) - 1 >= acknowledged[-1]


def test_a_reader_beside_a_busy_writer_sees_every_line_once(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.DEVNULL)
    try:
        channel = JsonlChannel(tmp_path)
        position, found = channel.start, []
        deadline = time.monotonic() + 120
        while len(found) < 2_000 and time.monotonic() < deadline:
            reading = channel.read(position, 37)
            found += [json.loads(raw)["n"] for raw in reading.lines["raw"].to_pylist()]
            position = reading.position
    finally:
        process.kill()
        process.wait()
    assert found == list(range(len(found)))
    assert len(found) >= 2_000


def test_a_writer_cuts_its_own_torn_line_though_a_foreign_segment_follows_and_leaves_that_one_whole(folder, channel):
    channel.publish("b", batch(0))
    channel._writer._lock.release()  # as the system does when the process dies
    with segment_path(folder, 1).open("ab") as file:
        file.write(b'{"n":99')
    segment_path(folder, 2).write_bytes(b'{"n":3}')
    heir = JsonlChannel(folder)
    heir.publish("b", batch(4))
    heir.close()
    assert numbers(heir) == [0, 1, 2, 3, 4, 5, 6]


def test_a_batch_beside_a_foreign_segment_is_read_though_the_reader_has_gone_on(folder, channel):
    """A reader never comes back to a segment that has a later one."""
    channel.publish("b", batch(0))
    segment_path(folder, 3).write_bytes(b'{"n":3}\n')
    position = channel.read(channel.start, 100).position
    channel.publish("b", batch(4, 1))
    channel.publish("b", batch(5, 1))
    assert list_segments(folder) == [1, 3, 4]
    assert [json.loads(raw)["n"] for raw in channel.read(position, 100).lines["raw"].to_pylist()] == [4, 5]


def test_a_batch_is_written_again_when_a_foreign_segment_came_during_the_write(folder, channel, monkeypatch):
    """At least once: whether a reader went on before the batch was there cannot be known."""
    channel.publish("b", batch(0))
    real, calls = writer_module._write_all, []

    def write_late(fd, data):
        if not calls:
            segment_path(folder, 2).write_bytes(b'{"n":3}\n')
            calls.append(channel.read(channel.start, 100).position)
        real(fd, data)

    monkeypatch.setattr(writer_module, "_write_all", write_late)
    channel.publish("b", batch(4, 2))
    assert [json.loads(raw)["n"] for raw in channel.read(calls[0], 100).lines["raw"].to_pylist()] == [4, 5]
    assert list_segments(folder) == [1, 2, 3]


def test_a_number_that_a_foreign_producer_took_in_the_same_moment_is_passed_over(folder, channel, monkeypatch):
    real = os.open

    def taken(path, flags, *mode):
        if flags & os.O_EXCL and not segment_path(folder, 1).exists():
            segment_path(folder, 1).write_bytes(b'{"n":-1}\n')
        return real(path, flags, *mode)

    monkeypatch.setattr(writer_module.os, "open", taken)
    channel.publish("b", batch(0))
    assert numbers(channel) == [-1, 0, 1, 2]


def test_a_segment_whose_record_could_not_be_written_is_not_used(folder, channel, monkeypatch):
    """Should the writer die in it, the next one would not know that a torn end there is its own."""

    def full_disk(self, *, is_open):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        channel.publish("b", batch(0))
        channel._writer._size = channel._writer._segment_bytes
        patch.setattr(writer_module.SegmentWriter, "_write_state", full_disk)
        with pytest.raises(ChannelError, match="No space left"):
            channel.publish("b", batch(3))
        assert not channel._writer.is_usable
    channel.publish("b", batch(3))
    assert (numbers(channel), list_segments(folder)) == (list(range(6)), [1, 2, 3])
