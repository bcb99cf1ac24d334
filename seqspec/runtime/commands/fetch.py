"""``seqspec data fetch SPEC``: bring the corpora that a spec names to where it says they are."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from seqspec.compile.analysis.front_end import understand
from seqspec.compile.commands import Outcome
from seqspec.compile.resolve.resolve import Overlay
from seqspec.data.corpus.fetch import fetch
from seqspec.data.progress import bar
from seqspec.runtime.commands.guard import guarded
from seqspec.schema.adapter._adapter import AdapterConfig, Download
from seqspec.schema.diagnostic import DataError
from seqspec.schema.environment import expand


class Wanted(NamedTuple):
    """One download and the folder of its corpus."""

    corpus: str
    place: str
    root: str | None
    download: Download


def fetch_corpora(spec: Path, *, over: Sequence[Overlay], only: Sequence[str], dry: bool) -> Outcome:
    """Fetch what is not there yet; with ``dry`` only say what that would be."""

    def work() -> Outcome:
        whole = understand(spec, over).experiment
        each = {f"tasks.{name}.": task.data for name, task in (whole.tasks or {}).items()} or {"": whole.data}
        sources: dict[str, AdapterConfig] = {at: data.source for at, data in each.items()}
        offered = (item for at, source in sources.items() for item in downloads(source, f"{at}data.source"))
        wanted = [item for item in offered if _chosen(item.download, only)]
        if not wanted:
            raise _nothing(*next(iter(sources.items())), only)
        if dry:
            return Outcome(
                "".join(f"{w.download.name}  {w.download.about}  {w.download.url}\n" for w in wanted)
            )
        return Outcome("".join(_fetched(item) for item in wanted))

    return guarded(work)


def downloads(config: AdapterConfig, place: str) -> Iterator[Wanted]:
    """What a corpus, or each corpus of a mixture, can be fetched from."""
    for below, name, child in config.children():
        given = child.root or (f"{config.root}/{name}" if config.root else None)
        yield from downloads(child.model_copy(update={"root": given}), f"{place}.{below}")
    for download in config.downloads():
        yield Wanted(config.component[1], place, config.root, download)


def _chosen(download: Download, only: Sequence[str]) -> bool:
    return not only or any(fnmatch.fnmatch(download.name, pattern) for pattern in only)


def _fetched(item: Wanted) -> str:
    if item.root is None:
        message = f"the spec does not say where {item.corpus} goes"
        raise DataError(message, help=f"say it with `--set {item.place}.root=FOLDER`", code="SQ401")
    root = Path(expand(item.root)).expanduser()
    done = fetch(item.download, root, progress=bar)
    what = f"{done.files:,} files" if done.files else f"{done.bytes:,} bytes"
    state = "fetched" if done.fresh else "there already"
    return f"{done.name}: {state}, {what} in {root}, sha256 {done.sha256}\n"


def _nothing(at: str, source: AdapterConfig, only: Sequence[str]) -> DataError:
    known = [item.download.name for item in downloads(source, f"{at}data.source")]
    name = source.component[1]
    if known:
        return DataError(
            f"nothing that {name} is fetched from is called so", help=f"there are {', '.join(known)}"
        )
    message = f"{name} has no address that it could be fetched from"
    ways = f"get it by hand and point to it with `--set {at}data.source.root=FOLDER`"
    return DataError(message, corpus=name, help=ways)
