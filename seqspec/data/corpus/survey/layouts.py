"""A first look at a folder in the layout of Kaldi, LibriSpeech, Common Voice or LJSpeech."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import islice
from pathlib import Path
from shlex import quote

from seqspec.data.corpus.audio import file_rate
from seqspec.data.corpus.lines import whole_texts
from seqspec.data.corpus.survey.surveyed import AUDIO, Survey, first_texts, language_of
from seqspec.data.printable import show
from seqspec.schema.diagnostic import DataError

_KALDI = {"train": ("train",), "dev": ("dev", "valid"), "test": ("test", "eval")}
_PARTS = {"train": "train-", "dev": "dev-clean", "test": "test-clean"}
_DEFAULT_RATE = 16_000


def survey_layout(root: Path) -> Survey | None:
    """The corpus of a known layout, if it is one."""
    looks: tuple[Callable[[Path], Survey | None], ...] = (_kaldi, _librispeech, _common_voice, _ljspeech)
    return next((found for look in looks if (found := look(root)) is not None), None)


def refuse_recordings_without_table(root: Path) -> None:
    """Recordings with no table that transcribes them: say how one is written."""
    recordings = [path for path in islice(root.rglob("*"), 10_000) if path.suffix.lower() in AUDIO]
    if not recordings:
        return
    beside = [path for path in recordings if path.with_suffix(".txt").is_file()]
    if not beside:
        if (found := _transcripts(root, recordings)) is not None:
            raise found
        raise DataError(
            f"`{show(root)}` holds {len(recordings):,} recordings, and no table says what is spoken in them",
            help="write a table `train.csv` with the columns `file` and `text` beside them",
        )
    suffix = beside[0].suffix
    command = (
        f"(echo 'file,text'; find . -name '*{suffix}' | sort | while read -r f; do "
        f'printf \'%s,"%s"\\n\' "$f" "$(sed \'s/"/""/g\' "${{f%{suffix}}}.txt")"; done) > train.csv'
    )
    raise DataError(
        f"`{show(root)}` holds {len(recordings):,} recordings, a text beside each, and a table is read here",
        help=f"write it there by: {command}",
    )


def _transcripts(root: Path, recordings: Sequence[Path]) -> DataError | None:
    """Of a text whose lines begin with names of recordings: the command that makes a table of it."""
    files = {name: path for path in recordings for name in (path.name, path.stem)}
    for path in islice(
        (one for one in sorted(root.glob("*")) if one.suffix in ("", ".txt", ".tsv") and one.is_file()), 20
    ):
        names = [line.split(maxsplit=1)[0] for line in first_texts(path)[:20] if line.strip()]
        if not names or not all(name in files for name in names):
            continue
        file = files[names[0]]
        folder = file.parent.relative_to(root).as_posix().removeprefix(".")
        before = f"{folder}/" if folder else ""
        after = "" if names[0] == file.name else file.suffix
        rules = rf's/"/""/g; s|^\([^[:space:]]*\)[[:space:]]*\(.*\)$|{before}\1{after},"\2"|'
        return DataError(
            f"`{show(path)}` says what is spoken in the recordings beside it, and a table is read here",
            help=f"write it there by: (echo 'file,text'; sed '{rules}' {quote(path.name)}) > train.csv",
        )
    return None


def _kaldi(root: Path) -> Survey | None:
    home = next(
        (home for home in ("data", ".") if (root / home).is_dir() and _folder(root, home, "train")), None
    )
    if home is None:
        return None
    found = {split: folder for split in _KALDI if (folder := _folder(root, home, split))}
    train = root / found["train"]
    rows = [text.partition(" ")[2] for text in first_texts(train / "text")]
    entries = (text.partition(" ")[2].strip() for text in whole_texts(train / "wav.scp"))
    entry = next(entries, "")
    language, rate = language_of(rows), _rate(root / entry)
    splits = ", ".join(f"{split}: {folder}" for split, folder in found.items())
    return _speech(root, "kaldi", rows, found, (
        f"    splits: {{{splits}}}", f"    language: {language}   # by its letters", f"    rate: {rate}",
        "    resample: true",
    ), language)  # fmt: skip


def _folder(root: Path, home: str, split: str) -> str:
    """The folder of a split, as seen from ``root``."""
    tables = ("wav.scp", "text")
    for name in _KALDI[split]:
        folder = Path(home) / name
        if all((root / folder / table).is_file() for table in tables):
            return folder.as_posix()
    return ""


def _librispeech(root: Path) -> Survey | None:
    home = root / "LibriSpeech" if (root / "LibriSpeech").is_dir() else root
    names = sorted(folder.name for folder in home.iterdir() if folder.is_dir())
    parts = {split: [n for n in names if n.startswith(start)] for split, start in _PARTS.items()}
    parts = {split: found for split, found in parts.items() if found}
    if "train" not in parts or not (
        lists := list(islice((home / parts["train"][0]).glob("*/*/*.trans.txt"), 100))
    ):
        return None
    rows = [text.partition(" ")[2] for path in lists for text in whole_texts(path)]
    shown = ", ".join(f"{split}: [{', '.join(found)}]" for split, found in parts.items())
    return _speech(root, "librispeech", rows, parts, (f"    parts: {{{shown}}}",), "en")


def _common_voice(root: Path) -> Survey | None:
    homes = [root, *sorted(folder for folder in root.iterdir() if folder.is_dir())]
    home = next((it for it in homes if (it / "clips").is_dir() and (it / "train.tsv").is_file()), None)
    if home is None or not 2 <= len(home.name.partition("-")[0]) <= 3:
        return None
    splits = [name for name in ("train", "dev", "test") if (home / f"{name}.tsv").is_file()]
    shown = ", ".join(f"{name}: {name}" for name in splits)
    lines = (f"    language: {home.name}", f"    splits: {{{shown}}}")
    rows = first_texts(home / "train.tsv")[1:]
    return _speech(root, "common_voice", rows, splits, lines, home.name)


def _ljspeech(root: Path) -> Survey | None:
    table = root / "metadata.csv"
    if not (root / "wavs").is_dir() or not table.is_file():
        return None
    rows = first_texts(table)
    first = rows[0].split("|") if rows else []
    if len(first) != 3 or not (root / "wavs" / f"{first[0]}.wav").is_file():
        return None
    return _speech(root, "ljspeech", rows, ("train",), (), "en")


def _speech(
    root: Path, adapter: str, rows: list[str], splits: Collection[str], lines: tuple[str, ...], language: str
) -> Survey:
    others = {name: name for name in ("dev", "test") if name in splits}
    return Survey(
        "recognition", root, adapter, "train", len(rows), others, target_language=language, lines=lines
    )


def _rate(path: Path) -> int:
    """The rate of one recording of the corpus; another is a first guess that is told when data are read."""
    try:
        return file_rate(path)
    except (DataError, OSError):
        return _DEFAULT_RATE
