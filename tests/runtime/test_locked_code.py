"""Which code a lock holds the hashes of."""

from pathlib import Path

import seqspec
from seqspec.compile.pipeline import compile as compile_spec
from seqspec.runtime.reproducibility.lock import _sources
from seqspec.schema.catalogue import SLOTS

ROOT = Path(seqspec.__file__).parent


def test_a_lock_holds_all_code_of_the_language():
    plan = compile_spec(ROOT.parent / "specs" / "lm_shakespeare_char.yaml").plan
    schema = (path.relative_to(ROOT) for path in (ROOT / "schema").rglob("*.py"))
    language = {path.as_posix() for path in schema if path.parts[1] not in SLOTS}

    held = _sources(plan)

    assert language <= held.keys()
    assert "schema/model/language_model.py" in held
    assert "schema/model/gan.py" not in held
