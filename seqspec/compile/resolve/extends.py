"""``extends``: the files that a spec builds on, read, checked and merged, the base first."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from seqspec.compile.parse.limits import MOST_BASE_BYTES, MOST_BASES, MOST_EXTENDS, MOST_PROFILES
from seqspec.compile.parse.parse import SUFFIXES, parse
from seqspec.compile.resolve.overlay import merge
from seqspec.data.regular_file import require_regular
from seqspec.schema.catalogue import Catalogue
from seqspec.schema.diagnostic import Diagnostic, Label, SpecError
from seqspec.schema.source import Node, Span, Tree


class Layer(NamedTuple):
    """One file's part of a profile, and the tree that it was written for."""

    over: Node
    home: Node


class Composed(NamedTuple):
    """A spec with its bases merged in."""

    body: Node
    profiles: dict[str, tuple[Layer, ...]]


def compose(tree: Tree, catalogue: Catalogue) -> Composed:
    """``tree`` over everything it extends; profiles are kept apart, base first.  Raises ``SpecError``."""
    return _compose(tree, Path(tree.span.source.name), (), _Bases(catalogue))


@dataclass(slots=True)
class _Bases:
    """What all bases of one spec share: the catalogue, and how much of them was read."""

    catalogue: Catalogue
    files: int = 0
    bytes: int = 0

    def admit(self, node: Node, size: int) -> None:
        """Count one more base.  Raises ``SpecError`` where the spec builds on too much."""
        self.files += 1
        self.bytes += size
        if self.files > MOST_BASES:
            raise SpecError([_too_many(f"the spec builds on more than {MOST_BASES} files", node)])
        if self.bytes > MOST_BASE_BYTES:
            said = f"the files that the spec builds on hold more than {MOST_BASE_BYTES // 1024} KiB"
            raise SpecError([_too_many(said, node)])


def _compose(tree: Tree, file: Path, chain: tuple[tuple[Path, Span], ...], bases: _Bases) -> Composed:
    if not isinstance(tree.value, dict):
        raise SpecError([_not_a_mapping(tree)])
    own = {key: node for key, node in tree.value.items() if key not in ("extends", "profiles")}
    body: Node = Node(own, tree.span)
    profiles: dict[str, tuple[Layer, ...]] = {}
    named = _bases(tree.value.get("extends"))
    if named:
        below: Node | None = None
        for base in named:
            composed = _base(base, file, chain, bases)
            below = composed.body if below is None else merge(below, composed.body, catalogue=bases.catalogue)
            for name, layers in composed.profiles.items():
                profiles[name] = (*profiles.get(name, ()), *layers)
        assert below is not None
        body = merge(below, body, catalogue=bases.catalogue)
    for name, over in _profiles(tree.value.get("profiles")):
        profiles[name] = (*profiles.get(name, ()), Layer(over, body))
    return Composed(body, profiles)


def _bases(node: Node | None) -> list[Node]:
    if node is None:
        return []
    entries = node.value if isinstance(node.value, list) else [node]
    for entry in entries:
        if not isinstance(entry.value, str) or not entry.value:
            raise SpecError(
                [
                    Diagnostic(
                        "SQ305",
                        "`extends` takes the path of a spec, or a list of paths",
                        entry.span,
                        help="write it relative to this file: `extends: base/small.yaml`",
                        path=("extends",),
                    )
                ]
            )
    return entries


def _base(node: Node, file: Path, chain: tuple[tuple[Path, Span], ...], bases: _Bases) -> Composed:
    name = str(node.value)
    target = _display(file.parent / name)
    chain = (*chain, (file, node.span))
    _check(name, target, node, chain)
    try:
        status = require_regular(target)
        bases.admit(node, status.st_size)
        tree = _parsed(target, status.st_mtime_ns, status.st_size)
    except FileNotFoundError:
        raise SpecError([_missing(name, target, node)]) from None
    except OSError as error:
        raise SpecError([_missing(name, target, node, (error.strerror or "").lower())]) from None
    return _compose(tree, target, chain, bases)


def _check(name: str, target: Path, node: Node, chain: tuple[tuple[Path, Span], ...]) -> None:
    if Path(name).is_absolute() or "\0" in name:
        raise SpecError(
            [
                Diagnostic(
                    "SQ303",
                    f"`{name}` is an absolute path",
                    node.span,
                    path=("extends",),
                    help="a spec extends files of its own project; write the path relative to this file",
                )
            ]
        )
    first = chain[0][0]
    root = project(first.parent)
    real = _real(name, target, node)
    if not real.is_relative_to(root):
        raise SpecError(
            [
                Diagnostic(
                    "SQ303",
                    f"`{name}` leads out of the project",
                    node.span,
                    path=("extends",),
                    help="copy the base into the project, or put a `pyproject.toml` above both",
                )
            ]
        )
    files = [entry[0].resolve() for entry in chain]
    if real in files:
        raise SpecError([_cycle(name, node, chain, files.index(real))])
    if len(chain) > MOST_EXTENDS:
        raise SpecError([_too_many(f"more than {MOST_EXTENDS} files extend one another", node)])


def _real(name: str, target: Path, node: Node) -> Path:
    """Where a base lies once links are followed.  Raises ``SpecError`` where they lead nowhere."""
    try:
        return target.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links, or a name that is too long
        loop = isinstance(error, RuntimeError) or getattr(error, "errno", 0) == errno.ELOOP
        reason = "symbolic links lead in a circle" if loop else "the path is too long"
        raise SpecError([_missing(name, target, node, reason)]) from None


def _too_many(message: str, node: Node) -> Diagnostic:
    return Diagnostic("SQ304", message, node.span, path=("extends",), help="merge some of the bases into one")


def project(folder: Path) -> Path:
    """The folder that bases may lie in: the nearest one above with a ``.git`` or ``pyproject.toml``, else
    ``folder``.
    """
    here = folder.resolve()
    for candidate in (here, *here.parents):
        if (candidate / ".git").exists() or (candidate / "pyproject.toml").exists():
            return candidate
    return here


def _display(path: Path) -> Path:
    """``specs/a/../base.yaml`` as ``specs/base.yaml``, the way a person would write it."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] not in ("..", path.anchor):
            parts.pop()
        elif part != ".":
            parts.append(part)
    return Path(*parts)


@lru_cache(maxsize=256)
def _parsed(file: Path, modified: int, size: int) -> Tree:
    """A base file is read once for as long as it stays the same."""
    return parse(file)


def _profiles(node: Node | None) -> list[tuple[str, Node]]:
    if node is None or node.value is None:
        return []
    if not isinstance(node.value, dict):
        raise SpecError(
            [
                Diagnostic(
                    "SQ321",
                    "`profiles` takes a mapping from names to settings",
                    node.span,
                    path=("profiles",),
                    help="write `profiles: {tiny: {train: {max_steps: 100}}}`",
                )
            ]
        )
    if len(node.value) > MOST_PROFILES:
        said = f"the spec has more than {MOST_PROFILES} profiles"
        help = "what many runs try is a matter of `--set`; profiles name the few that stay"
        raise SpecError([Diagnostic("SQ321", said, node.key or node.span, path=("profiles",), help=help)])
    found = []
    for name, over in node.value.items():
        if not isinstance(over.value, dict):
            raise SpecError(
                [
                    Diagnostic(
                        "SQ321",
                        f"the profile `{name}` is not a mapping of settings",
                        over.span,
                        path=("profiles", name),
                        help=f"write `{name}: {{train: {{max_steps: 100}}}}`",
                    )
                ]
            )
        for key in ("extends", "profiles"):
            if key in over.value:
                inner = over.value[key]
                raise SpecError(
                    [
                        Diagnostic(
                            "SQ321",
                            f"`{key}` cannot stand inside a profile",
                            inner.key or inner.span,
                            path=("profiles", name, key),
                            help=f"write `{key}` at the top of the spec; to put one profile over another, "
                            "name both: `--profile tiny --profile large`",
                        )
                    ]
                )
        found.append((name, over))
    return found


def _cycle(name: str, node: Node, chain: tuple[tuple[Path, Span], ...], start: int) -> Diagnostic:
    labels = tuple(Label(span, "which is extended here") for _, span in chain[start:-1][:3])
    route = " → ".join(str(file) for file, _ in chain[start:]) + f" → {_display(chain[-1][0].parent / name)}"
    said = (
        "the spec extends itself" if len(chain) - start == 1 else "these specs extend one another in a circle"
    )
    return Diagnostic(
        "SQ302",
        said,
        node.span,
        labels=labels,
        note=route,
        path=("extends",),
        help="take one `extends` of the circle away",
    )


def _missing(name: str, target: Path, node: Node, reason: str = "") -> Diagnostic:
    from seqspec.compile.language.suggestions import nearest

    names = [one for one in _specs_beside(target) if one != target.name]
    stems = (name for name in names if Path(name).stem == target.name)
    close = next(stems, None) or nearest(target.name, names)
    odd = _odd_name(name)
    help = (
        odd
        if odd
        else f"did you mean `{Path(name).parent / close}`?"
        if close
        else f"looked for `{target}`; the path is relative to this file"
    )
    return Diagnostic(
        "SQ301",
        f"`{name}` cannot be read: {reason}" if reason else f"there is no file `{name}`",
        node.span,
        help=help,
        path=("extends",),
    )


def _specs_beside(target: Path) -> list[str]:
    try:
        return [entry.name for entry in target.parent.iterdir() if entry.suffix in SUFFIXES]
    except OSError:
        return []


def _odd_name(name: str) -> str | None:
    """Help for what is no path at all: a list in one text, an address, a variable, a pattern."""
    from seqspec.compile.parse.placeholders import left_over

    if "," in name:
        return f"several bases are a list: `extends: [{', '.join(part.strip() for part in name.split(','))}]`"
    if "://" in name:
        return "a base lies in the same project: copy it there, and write its path relative to this file"
    if name.startswith("~") or "$" in name:
        return "a base lies in the same project, wherever that is: write its path relative to this file"
    if "*" in name:
        return "name each base: `extends: [one.yaml, other.yaml]`"
    return left_over(name, instead="the path relative to this file")


def _not_a_mapping(tree: Tree) -> Diagnostic:
    kind = "a list" if isinstance(tree.value, list) else "a single value"
    return Diagnostic(
        "SQ017",
        f"a spec is a mapping of settings, and this is {kind}",
        tree.span,
        help="begin with `seqspec: 1` and `name: …`, one setting a line",
    )
