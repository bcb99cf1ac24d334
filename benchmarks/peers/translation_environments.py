"""Installs the peers, each into an environment of its own that sees the torch of the one that runs this.

joeynmt 2.3.0 pins an old protobuf and OpenNMT-py 3.5.1 a torch below 2.3; both train on a current torch when
they are installed without those pins.  Packages that only unused parts import are stood in for by empty ones.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple


class Peer(NamedTuple):
    alone: tuple[str, ...]
    """Packages that are installed without what they ask for."""
    whole: tuple[str, ...] = ()
    """Packages that are installed with what they ask for."""
    empty: tuple[str, ...] = ()
    """Modules that are stood in for."""


PEERS = {
    "joeynmt": Peer(
        ("joeynmt==2.3.0", "importlib_metadata==7.2.1", "zipp", "subword-nmt==0.3.8"),
        ("pandas", "matplotlib"),
    ),
    "opennmt": Peer(
        ("OpenNMT-py==3.5.1", "configargparse==1.9.0", "pyonmttok==1.38.1", "waitress", "flask"),
        empty=("spacy", "fasttext", "ahocorasick"),
    ),
    "transformers": Peer((), ("transformers==5.23.0", "accelerate")),
}
MOST_SECONDS = 900


def install(name: str, folder: Path) -> Path | None:
    """The Python of a peer's environment, made where it is not there; ``None``, said on stderr, where it
    cannot be made.
    """
    home, peer = folder / name, PEERS[name]
    python = home / "bin" / "python"
    if (home / "installed").exists():
        return python
    venv.create(home, with_pip=True, clear=True)
    site = next((home / "lib").glob("python*/site-packages"))
    (site / "host.pth").write_text(next(p for p in sys.path if p.endswith("site-packages")) + "\n")
    for module in peer.empty:
        (site / f"{module}.py").write_text('"""Stands in for what an unused part imports."""\n')
    try:
        for packages, flags in ((peer.alone, ["--no-deps"]), (peer.whole, [])):
            if packages:
                pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *flags, *packages]
                subprocess.run(pip, capture_output=True, text=True, check=True, timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"{name} is left out: it does not install within {MOST_SECONDS} s", file=sys.stderr)
        return None
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        print(f"{name} is left out: {said[0]}", file=sys.stderr)
        return None
    (home / "installed").touch()
    return python


def versions(python: Path, packages: tuple[str, ...]) -> dict[str, str]:
    """Versions as that environment sees them."""
    code = "import sys, importlib.metadata as m; print(*(m.version(p) for p in sys.argv[1:]))"
    found = subprocess.run([python, "-c", code, *packages], capture_output=True, text=True, check=True)
    return dict(zip(packages, found.stdout.split(), strict=True))
