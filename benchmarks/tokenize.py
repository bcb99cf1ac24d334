"""Japanese text to words and ids: lines a second of one thread, next to the C library's loop and the peers.

    python benchmarks/tokenize.py --lines train.ja [--peers FOLDER] [--repeats 3] [--most 50000]

Every contender runs in a process of its own over the same lines, taken in turns, and the best of the repeats
counts, in CPU seconds, so that other work on the machine weighs little.  The C loop is compiled here against
the libmecab that comes with fugashi.  Peers are installed into an environment of their own; one that cannot
be installed is left out and named.
"""

if __name__ != "__main__":
    # Scripts in this folder that want the standard library's module of this name find this file first.
    import os
    import sys
    from importlib.machinery import SourceFileLoader
    from types import ModuleType

    _loader = SourceFileLoader("tokenize", os.path.join(os.path.dirname(os.__file__), "tokenize.py"))
    _module = ModuleType("tokenize")
    _module.__file__ = _loader.path
    sys.modules["tokenize"] = _module
    _loader.exec_module(_module)
else:
    import argparse
    import json
    import os
    import shutil
    import subprocess
    import sys
    import tempfile
    import venv
    from pathlib import Path

    HERE = Path(__file__).resolve().parent / "peers"
    PACKAGES = [
        "transformers>=5",
        "konoha[mecab]==5.7.0",
        "natto-py",
        "fugashi",
        "unidic-lite",
        "ipadic",
        "datasets",
        "sentencepiece",
    ]
    OURS = (
        "ours-spans",
        "ours-words-and-ids",
        "ours-raw-sentencepiece",
        "ours-prepare",
        "fugashi-nodes",
        "fugashi-wakati",
    )
    THEIRS = ("transformers-tokenize", "transformers-call", "konoha", "datasets-map")

    def main() -> None:
        parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
        parser.add_argument("--lines", type=Path, required=True, help="UTF-8 text, one sentence a line")
        parser.add_argument(
            "--peers", type=Path, default=Path(tempfile.gettempdir()) / "seqspec-tokenize-peers"
        )
        parser.add_argument("--repeats", type=int, default=3)
        parser.add_argument("--most", type=int, default=50_000, help="lines that are read")
        parser.add_argument("--dictionaries", nargs="+", default=["unidic-lite", "ipadic"])
        options = parser.parse_args()
        with tempfile.TemporaryDirectory() as folder:
            lines = Path(folder) / "lines.txt"
            kept = options.lines.read_bytes().decode().split("\n")[: options.most]
            lines.write_text("\n".join(line for line in kept if line), encoding="utf-8", newline="\n")
            contenders = _contenders(Path(folder), options)
            _report(_measure(contenders, lines, options), options)

    def _contenders(folder: Path, options: argparse.Namespace) -> dict[tuple[str, str], list[str]]:
        """The command of each contender for each dictionary."""
        found: dict[tuple[str, str], list[str]] = {}
        python = _environment(options.peers)
        script = str(HERE / "tokenize_lines.py")
        loop = _compile(folder)
        for dictionary in options.dictionaries:
            if loop is not None:
                found["C loop of libmecab", dictionary] = [str(loop), _folder(dictionary)]
            for name in OURS:
                found[name, dictionary] = [sys.executable, script, name, dictionary]
            for name in THEIRS if python else ():
                found[name, dictionary] = [str(python), script, name, dictionary]
        return found

    def _measure(
        contenders: dict[tuple[str, str], list[str]], lines: Path, options: argparse.Namespace
    ) -> dict[tuple[str, str], dict[str, object]]:
        best: dict[tuple[str, str], dict[str, object]] = {}
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "RAYON_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        for turn in range(options.repeats):
            for key, command in contenders.items():
                if turn and "error" in best[key]:
                    continue
                print(f"turn {turn + 1}: {key[0]} {key[1]}", file=sys.stderr)
                done = subprocess.run([*command, str(lines)], capture_output=True, text=True, env=environment)
                if done.returncode:
                    reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
                    best[key] = {"error": reason[:100]}
                    continue
                found = json.loads(done.stdout.strip().splitlines()[-1])
                if key not in best or found["rate"] > best[key]["rate"]:
                    best[key] = found
        return best

    def _report(best: dict[tuple[str, str], dict[str, object]], options: argparse.Namespace) -> None:
        for dictionary in options.dictionaries:
            print(f"\n### {dictionary}\n")
            print("| | lines/s of one thread | of the C loop | tokens/line |\n|---|---:|---:|---:|")
            floor = best.get(("C loop of libmecab", dictionary), {}).get("rate")
            for (name, of), found in best.items():
                if of != dictionary:
                    continue
                if "error" in found:
                    print(f"| {name} | failed: {found['error']} | | |")
                    continue
                share = f"{found['rate'] / floor:.0%}" if floor else ""
                print(f"| {name} | {found['rate']:,.0f} | {share} | {found['tokens']:.2f} |")

    def _environment(folder: Path) -> Path | None:
        """Python of the peers' environment; ``None`` where it cannot be made."""
        python = folder / "bin" / "python"
        if (folder / "complete").exists():
            return python
        venv.create(folder, with_pip=True, clear=True)
        done = subprocess.run(
            [str(python), "-m", "pip", "install", "-q", *PACKAGES], capture_output=True, text=True
        )
        if done.returncode:
            print(f"peers left out: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            return None
        (folder / "complete").touch()
        return python

    def _compile(folder: Path) -> Path | None:
        """The C loop, linked against fugashi's libmecab; ``None`` without a compiler."""
        import fugashi

        compiler = shutil.which("cc") or shutil.which("gcc")
        libraries = sorted(Path(fugashi.__file__).parents[1].glob("fugashi.libs/libmecab*.so*"))
        if compiler is None or not libraries:
            print(
                "the C loop is left out: no compiler, or fugashi has no libmecab of its own", file=sys.stderr
            )
            return None
        program = folder / "mecab_loop"
        command = [
            compiler,
            "-O2",
            str(HERE / "mecab_loop.c"),
            "-o",
            str(program),
            str(libraries[0]),
            f"-Wl,-rpath,{libraries[0].parent}",
        ]
        subprocess.run(command, check=True)
        return program

    def _folder(dictionary: str) -> str:
        from seqspec.components.segmenter._dictionary import find_dictionary

        return str(find_dictionary(dictionary).folder)

    main()
