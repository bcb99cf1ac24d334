"""A lock holds the spec as it was written: what is drawn in the order of its keys is drawn alike again."""

import json

from seqspec.compile.check import written_out
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.reproduce import from_lock
from seqspec.runtime.reproducibility.lock import write_lock
from tests.two_tasks import two_tasks


def test_a_lock_holds_tasks_as_they_were_compiled(tmp_path):
    spec = json.loads(two_tasks(tmp_path).read_text())
    spec["tasks"] = {name: spec["tasks"][name] for name in ("mt", "asr")}
    file = tmp_path / "reversed.yaml"
    file.write_text(json.dumps(spec))
    compiled = compile_spec(file)
    spec_written = written_out(compiled.plan, compiled.tree)

    write_lock(tmp_path / "lock.json", {"spec": spec_written, "digests": {}})
    again = from_lock(json.loads((tmp_path / "lock.json").read_text()))

    assert list(again.plan.tasks) == list(compiled.plan.tasks) == ["asr", "mt"]
    assert again.plan.digests == compiled.plan.digests


def test_a_run_of_another_order_keeps_it(tmp_path):
    spec = json.loads(two_tasks(tmp_path).read_text())
    spec["tasks"] = {name: spec["tasks"][name] for name in ("mt", "asr")}

    again = from_lock({"spec": spec, "digests": {}})

    assert list(again.plan.tasks) == ["mt", "asr"]
