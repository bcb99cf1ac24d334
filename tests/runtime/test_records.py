"""The small files of a run directory: journal and events."""

from __future__ import annotations

import json
import re
import struct

from seqspec.runtime.run_folder.folder import publish, starting_folder
from seqspec.runtime.run_folder.metrics_log import Journal, read_journal
from seqspec.runtime.run_folder.tensorboard_events import Events, _masked


def test_a_journal_forgets_what_came_after_its_checkpoint(tmp_path):
    journal = Journal(tmp_path / "metrics.jsonl")
    journal.write(event="train", step=1)
    length = journal.settle()
    journal.write(event="train", step=2)

    journal.cut(length)
    journal.write(event="train", step=3)
    journal.close()

    assert read_journal(tmp_path / "metrics.jsonl") == [
        {"event": "train", "step": 1},
        {"event": "train", "step": 3},
    ]


def test_a_torn_line_is_not_read(tmp_path):
    (tmp_path / "metrics.jsonl").write_bytes(b'{"event": "train", "step": 1}\n{"st')

    assert read_journal(tmp_path / "metrics.jsonl") == [{"event": "train", "step": 1}]


def test_a_resumed_window_is_written_as_one_that_nobody_disturbed():
    from types import SimpleNamespace

    from seqspec.runtime.training.gradients import Verdict
    from seqspec.runtime.training.journal_window import Window

    window, again = Window(), Window()
    window.add(SimpleNamespace(total=6.0, count=2.0, terms={"too_short": 0.0, "ctc": 6.0}))
    window.close(Verdict(finite=True, update=True, norm=1.0))
    again.load(json.loads(json.dumps(window.state(), sort_keys=True)), first=True)

    assert list(window.means().items()) == [("loss", 3.0), ("ctc", 3.0), ("too_short", 0.0)]
    assert list(again.means().items()) == list(window.means().items())


def test_tensorboard_reads_the_events(tmp_path):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    events = Events(tmp_path)
    events.write(1000, {"loss": 1.5, "dev/wer": 0.25})
    events.close()

    (file,) = tmp_path.iterdir()
    head, event = EventFileLoader(str(file)).Load()
    values = {v.tag: v.tensor.float_val[0] for v in event.summary.value}
    assert head.file_version == "brain.Event:2"
    assert event.step == 1000
    assert values == {"loss": 1.5, "dev/wer": 0.25}


def test_the_checksum_is_that_of_tfrecord():
    # CRC-32C of "123456789" is 0xE3069283 (RFC 3720, B.4), then masked.
    crc = 0xE3069283

    assert _masked(b"123456789") == struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def test_two_runs_of_one_second_get_two_directories(tmp_path):
    first, second = (publish(starting_folder(tmp_path, name="a"), digest="0123456789") for _ in range(2))

    assert first.path != second.path
    assert re.fullmatch(r"\d{8}-\d{6}-01234567(-2)?", second.path.name)
