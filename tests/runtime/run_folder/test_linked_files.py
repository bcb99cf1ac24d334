"""A link that leads nowhere in place of a run's file is named, and not taken for a file that is not there."""

import pytest

from seqspec.runtime.run_folder.documents import read_json
from seqspec.runtime.run_folder.metrics_log import read_journal
from seqspec.schema.diagnostic import RunError


@pytest.mark.parametrize(("read", "name"), [(read_json, "result.json"), (read_journal, "speed.jsonl")])
@pytest.mark.parametrize("target", ["itself", "gone"])
def test_a_link_to_nowhere_is_named(read, name, target, tmp_path):
    path = tmp_path / name
    assert not read(path)
    path.symlink_to(name if target == "itself" else "gone")

    with pytest.raises(RunError, match=name):
        read(path)
