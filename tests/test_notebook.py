"""The notebook of the documentation: its cells run in order, with no private import and no Jupyter."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
DRIVER = "import json, sys\nspace = {}\nfor cell in json.load(sys.stdin):\n    exec(compile(cell, 'cell', 'exec'), space)\n"


def cells():
    found = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in found["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    environment = {
        **os.environ,
        "SEQSPEC_CACHE": str(tmp_path_factory.mktemp("cache")),
        "TMPDIR": str(tmp_path_factory.mktemp("tmp")),
        "PYTHONPATH": str(ROOT),
    }
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DRIVER],
        input=json.dumps(cells()), cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_every_cell_runs(done):
    assert done.returncode == 0, done.stderr
    assert "images (" in done.stdout
    assert "(98, 40)" in done.stdout or "(100, 40)" in done.stdout
    assert "did you mean `dictionary`?" in done.stdout


def test_nothing_private_is_imported():
    for cell in cells():
        for node in ast.walk(ast.parse(cell)):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.startswith("seqspec.")]


def test_no_outputs_are_kept():
    found = json.loads(NOTEBOOK.read_text(encoding="utf-8"))

    assert found["nbformat"] == 4
    assert all(cell["outputs"] == [] for cell in found["cells"] if cell["cell_type"] == "code")
