"""Several specs, each as ``killed_runs`` runs one, in one process: ``FOLDER SPECS``.

``SPECS`` maps the name of a spec to the settings that make it small.  Printed are the specs whose killed run
ended otherwise.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from tests.runtime.killed_runs import main

ROOT = Path(__file__).parents[2]

if __name__ == "__main__":
    torch.set_num_threads(1)
    different = []
    for name, sets in json.loads(sys.argv[2]).items():
        if main(ROOT / "specs" / f"{name}.yaml", Path(sys.argv[1]) / name, 3, [3], sets=sets):
            different.append(name)
    print(json.dumps(different))
