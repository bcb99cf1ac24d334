"""What an experiment has prepared, copied to where other machines find it."""

from __future__ import annotations

from seqspec.data.stages.prepare import Prepared
from seqspec.data.store.prepared_store import PreparedStore, Pushed


def push(prepared: Prepared, store: PreparedStore, *, verify: bool = False) -> Pushed:
    """Copy every store that was opened, and what names the corpus's files; what is there stays."""
    stages = prepared.stages
    corpus = stages.corpus
    bases = sorted({corpus.base(name) for name in stages.opened})
    folders = sorted({one.folder for one in corpus.stores.values()})
    return store.push(
        folders, {base: (corpus.source_of(base), corpus.hashes(base)) for base in bases}, verify=verify
    )
