"""What ``predict`` is asked about, as a stream of inputs: lines of text, rows of tables, files and folders of
files.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from seqspec.data.corpus.input_files import Given
from seqspec.data.corpus.near_names import absent
from seqspec.data.corpus.record import BadRow, Record
from seqspec.data.printable import show
from seqspec.data.stages.parts import DataParts
from seqspec.runtime.prediction.chat_inputs import chat_inputs, is_asked
from seqspec.runtime.prediction.field_inputs import field_inputs, input_files_of
from seqspec.runtime.prediction.file_inputs import file_inputs, files_of
from seqspec.runtime.prediction.input import Input
from seqspec.runtime.prediction.table_inputs import role_column, table_format, table_inputs
from seqspec.runtime.prediction.text_inputs import conversation, line_inputs, record_inputs, standard_input
from seqspec.schema.diagnostic import DataError, Exit, RunError
from seqspec.schema.types import Image, Waveform

FILES: Mapping[type, str] = {Waveform: "audio", Image: "images"}
"""What is read from files of its own, one an input."""


def check_names(names: Sequence[str]) -> None:
    """Raises ``DataError`` for an input that is not there or is a device, before anything is loaded.

    One of several files is told in its turn instead.
    """
    for name in names:
        if name == "-":
            continue
        try:
            mode = os.stat(name).st_mode
        except FileNotFoundError:
            if len(names) > 1:
                continue
            raise DataError(
                absent(Path(name)), help="text is read from files or from standard input"
            ) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DataError(f"`{show(name)}` cannot be read: {reason.lower()}") from None
        if stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and not _is_input(name)):
            raise DataError(f"`{show(name)}` is a device", help="name a file, or use standard input")


def check_output(output: Path | None, names: Sequence[str]) -> None:
    """Raises ``RunError`` where predictions would take the place of what they are made from."""
    if output is None or not output.is_file():
        return
    same = next((name for name in names if os.path.exists(name) and os.path.samefile(name, output)), None)
    if same is not None:
        raise RunError(
            f"`{show(same)}` is both read and written to",
            exit=Exit.USAGE,
            help="name another file with `--output FILE`",
        )


def read_inputs(
    names: Sequence[str],
    *,
    parts: DataParts,
    column: str | None = None,
    typed: bool = False,
    given: Given | None = None,
) -> Iterator[Input]:
    """The inputs of the files ``names``, or of standard input where none is named (``typed`` by a person).

    ``column`` is read of tables, in place of the one that the run was trained on; ``given`` is what a person
    says of every input.
    """
    found = _read(names, parts=parts, column=column, typed=typed, given=given or {})
    yield from (replace(one, given=given) for one in found) if given else found


def _read(
    names: Sequence[str], *, parts: DataParts, column: str | None, typed: bool, given: Given
) -> Iterator[Input]:
    own = input_files_of(parts.adapter)
    if own is not None:
        yield from field_inputs(names, own, given=given)
        return
    if is_asked(parts.adapter):
        yield from chat_inputs(_lines(names, typed=typed), parts.adapter)
        return
    source = parts.roles["source" if "source" in parts.roles else "target"]
    kind = FILES.get(type(parts.roles.get("source")))
    role = role_column(parts.adapter, source, column=column)
    if kind and not names:
        raise RunError(f"this run reads {kind}: name the files", exit=Exit.USAGE)
    for name in names or ("-",):
        if name != "-" and table_format(Path(name)) and not Path(name).is_dir():
            yield from table_inputs(_there(name), adapter=parts.adapter, role=role)
        elif kind:
            yield from file_inputs(files_of([name], kind), kind)
        else:
            yield from _lines([name], typed=typed, adapter=parts.adapter)


def _lines(names: Sequence[str], *, typed: bool, adapter: object = None) -> Iterator[Input]:
    """The lines of files, or of standard input; of files in the adapter's own form its records."""
    for name in names or ("-",):
        if name == "-":
            yield from conversation() if typed else standard_input()
        elif (records := _records(_there(name), adapter)) is not None:
            yield from record_inputs(Path(name), records, adapter=adapter)
        else:
            yield from line_inputs(_there(name))


def _records(path: Path, adapter: object) -> Iterator[Record | BadRow] | None:
    """The records of a text file that is in the corpus's own form, where that is not a text a line."""
    read: Callable[[Path], Iterator[Record | BadRow] | None] | None = getattr(adapter, "records_of", None)
    return None if read is None else read(path)


def is_typed(names: Sequence[str]) -> bool:
    """Whether a person types the inputs."""
    return not names and sys.stdin.isatty()


def _there(name: str) -> Path:
    """The path, where something is there that can be read: a file or a pipe."""
    path = Path(name)
    if path.is_dir():
        raise DataError(f"`{show(name)}` is a folder", help="name the files in it")
    if not path.exists():
        raise DataError(
            f"there is no file `{show(name)}`", help="text is read from files or from standard input"
        )
    return path


def _is_input(name: str) -> bool:
    """Standard input under one of its names, or the device that holds nothing."""
    return name == os.devnull or os.path.realpath(name) in (
        os.path.realpath("/dev/stdin"),
        os.path.realpath("/proc/self/fd/0"),
    )
