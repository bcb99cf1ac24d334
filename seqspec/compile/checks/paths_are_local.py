"""A path that leads to no folder of this machine: an address, a shell's variable, a place of a template.

Dictionaries and vocabularies are opened as files, and no shell reads a spec: ``$HOME`` would be the name of a
folder. A corpus alone may lie in a store: ``root: s3://bucket/folder``, without a key in it. ``~`` at the
start is the home folder; variables of the environment are written ``${env:NAME}``.

Example, in the spec of ``seqspec new mt``::

    data: {source: {root: "$HOME/data"}}

Use instead::

    data: {source: {root: "${env:HOME}/data"}}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel

from seqspec.compile.checks._corpus import configs_in, path_fields
from seqspec.compile.parse.placeholders import left_over
from seqspec.compile.plan.plan import Plan
from seqspec.schema.adapter._adapter import AdapterConfig
from seqspec.schema.diagnostic import Finding
from seqspec.schema.environment import NAMED
from seqspec.schema.remote import scheme_of, unfit
from seqspec.schema.source import Path

CODE = "SQ241"
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://?(?=[^\\])(.*)", re.DOTALL)
_ODD = re.compile(r"[$%:<>{}@`?]|[A-Z]{3}").search
"""What every path that leads nowhere has in it."""
_REMOTE = re.compile(r"[\w.-]+@[\w.-]+:.*")
_VARIABLE = re.compile(r"\$env:(\w+)|\$([A-Za-z_]\w*)|%([A-Za-z_]\w*)%|\$\{([A-Za-z_]\w*)\}")
_COPIES = {
    "s3": "aws s3 sync",
    "gs": "gcloud storage rsync",
    "gcs": "gcloud storage rsync",
    "hdfs": "hdfs dfs -get",
    "az": "azcopy sync",
    "abfs": "azcopy sync",
}
"""The command that copies from each store."""


def check(plan: Plan) -> Iterator[Finding]:
    experiment = plan.experiment
    others = [(item, ("initialize", index)) for index, item in enumerate(experiment.initialize)]
    for config, at in ((experiment.data, ("data",)), (experiment.evaluate, ("evaluate",)), *others):
        for path, owner in configs_in(config, at):
            for name in path_fields(type(owner)):
                value = owner.__dict__[name]
                if isinstance(owner, AdapterConfig) and name == "root" and scheme_of(value or ""):
                    if told := unfit(value):
                        yield Finding((*path, name), told[0], help=told[1])
                elif value is not None:
                    yield from _findings((*path, name), value)


def _findings(path: Path, value: object) -> Iterator[Finding]:
    """A path, or the several of a list or of a mapping."""
    if isinstance(value, str):
        told = _wrong(value) if _ODD(value) else None
        if told is not None:
            yield Finding(path, told[0], help=told[1])
    elif isinstance(value, list) and not any(isinstance(item, BaseModel) for item in value):
        for index, item in enumerate(value):
            yield from _findings((*path, index), item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _findings((*path, key), item)


def _wrong(written: str) -> tuple[str, str] | None:
    """What is wrong with a path, and the remedy."""
    text = NAMED.sub("", written)
    if help := left_over(text, instead="`${env:NAME}` for a variable"):
        return f"`{written}` is not the path of anything", help
    if address := _ADDRESS.fullmatch(text):
        return _address(address.group(1).lower(), address.group(2), written)
    if _REMOTE.fullmatch(text):
        return f"`{written}` lies on another machine", "copy it here (`rsync -a`) and name that folder"
    if "$(" in text or "`" in text:
        return f"`{written}` holds a command, and no shell reads a spec", "write the path that it would print"
    if found := _VARIABLE.search(text):
        name = next(group for group in found.groups() if group)
        better = _VARIABLE.sub(lambda m: f"${{env:{next(g for g in m.groups() if g)}}}", written)
        return f"`{found.group()}` would be taken as it stands: no shell reads a spec", (
            f"write `{better}` for the variable `{name}` of the environment"
        )
    return None


def _address(scheme: str, rest: str, written: str) -> tuple[str, str]:
    if scheme == "file":
        return f"`{written}` is an address, and a path is taken", f"write `/{rest.lstrip('/')}`"
    said = f"`{written}` is an address, and only what lies on this machine is read"
    if scheme in _COPIES:
        return said, f"copy it here (`{_COPIES[scheme]} … FOLDER`) or mount it, and name the folder"
    if scheme in ("http", "https", "ftp"):
        return said, "download it (`seqspec data fetch SPEC` can, for many corpora), and name the folder"
    return said, "copy it to a folder of this machine, and name the folder"
