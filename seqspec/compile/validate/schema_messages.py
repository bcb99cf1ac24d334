"""What does not fit the schema, in the words of the spec.  None of pydantic's texts get this far."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from pydantic import BaseModel, ValidationError

from seqspec.compile.diagnostics.report import in_order, locate
from seqspec.compile.language.expected_schema import named_type
from seqspec.compile.language.suggestions import nearest
from seqspec.compile.parse.limits import MOST_ADVISED, MOST_TOLD
from seqspec.compile.validate.expectation import expectation
from seqspec.compile.validate.foreign_words import CHOICES, COMPONENTS
from seqspec.compile.validate.key_hints import MOST_LISTED, Advice, advice, known_keys, listed, quoted
from seqspec.compile.validate.retired_keys import retired_key
from seqspec.compile.validate.schema_errors import Fault, faults, walk
from seqspec.compile.validate.value_hints import explain_value, with_fix
from seqspec.schema.catalogue import SLOTS, Catalogue
from seqspec.schema.diagnostic import Diagnostic, Edit, Finding, Fix, Label
from seqspec.schema.source import POISON, Path, Tree, dotted


def complaints(error: ValidationError, tree: Tree, catalogue: Catalogue) -> list[Diagnostic]:
    """Every mistake that ``error`` holds, in file order."""
    return _Complaints(tree, catalogue).of(faults(error, tree, catalogue))


class _Complaints:
    def __init__(self, tree: Tree, catalogue: Catalogue) -> None:
        self.tree = tree
        self.catalogue = catalogue
        self.renamed: set[Path] = set()
        self.num_advised = 0

    def of(self, found: list[Fault]) -> list[Diagnostic]:
        """Unknown keys first: a required key that one of them was meant to be is then not missing."""
        by_rank = sorted(found, key=lambda fault: fault.kind == "missing")
        shown = by_rank[:MOST_TOLD]
        diagnostics = [self._diagnostic(fault) for fault in shown if not self._follows(fault)]
        told = _once(in_order(d for d in diagnostics if d is not None))
        left = len(by_rank) - len(shown)
        return [*told[:-1], told[-1]._replace(note=f"{left:,} more mistakes were found")] if left else told

    def _follows(self, fault: Fault) -> bool:
        """It comes of another mistake that is told already."""
        if fault.kind == "missing" and not self.renamed.isdisjoint((fault.path, ("extends",))):
            return True
        node = self.tree.nearest(fault.path)[0]
        return fault.kind != "extra_forbidden" and node.value is POISON

    def _diagnostic(self, fault: Fault) -> Diagnostic | None:
        rule = _RULES.get(fault.kind)
        return rule(self, fault) if rule else explain_value(fault, self.tree)

    def unknown_key(self, fault: Fault) -> Diagnostic:
        said, cls = walk(self.tree, fault.path[:-1], self.catalogue)
        if (retired := retired_key(fault.path, cls, self.tree, owner=said)) is not None:
            return retired
        told: Advice = self._advice(fault.path, cls)
        if told.rename:
            self.renamed.add((*fault.path[:-1], told.rename))
        message = f"`{fault.path[-1]}` is not a key of {said}"
        diagnostic = locate(
            Finding(fault.path, message, code="SQ101", on_key=True, help=told.help), self.tree
        )
        if told.rename and told.same_value and fault.node is not None and fault.node.key is not None:
            fix = Fix(f"rename it `{told.rename}`", (Edit(fault.node.key, told.rename),), safe=False)
            return with_fix(diagnostic, fix)
        return diagnostic

    def _advice(self, path: Path, cls: type[BaseModel] | None) -> Advice:
        """What was meant is looked for in the whole language, which thousands of wrong keys are not worth."""
        self.num_advised += 1
        if self.num_advised > MOST_ADVISED:
            return Advice(listed(cls, known_keys(cls)))
        return advice(path, cls, self.tree, self.catalogue)

    def bad_key(self, fault: Fault) -> Diagnostic:
        """A key of a mapping of names, such as a split that there is not."""
        above = walk(self.tree, fault.path[:-1], self.catalogue)[0]
        names = re.findall(r"'([^']+)'", str(fault.context.get("expected", "")))
        key = str(fault.path[-1])
        near = nearest(key, names) or next((n for n in CHOICES.get(key.lower(), ()) if n in names), None)
        help = f"did you mean `{near}`?" if near else f"choose among {quoted(names)}" if names else None
        if pattern := fault.context.get("pattern"):
            help = f"it takes a name like {pattern}"
        message = f"`{key}` cannot be a key of {above}"
        return locate(Finding(fault.path, message, code="SQ108", on_key=True, help=help), self.tree)

    def missing(self, fault: Fault) -> Diagnostic:
        said = walk(self.tree, fault.path[:-1], self.catalogue)[0]
        name = str(fault.path[-1])
        message = f"{said} needs `{name}`"
        help = f"add `{dotted(fault.path)}`, which takes {expectation(fault)}"
        diagnostic = locate(Finding(fault.path, message, code="SQ102", help=help), self.tree)
        return self._afresh(diagnostic, fault.path)

    def _afresh(self, diagnostic: Diagnostic, path: Path) -> Diagnostic:
        """With the reason, where another type was chosen and what had been written was for the old one."""
        node = self.tree.at(path[:-1])
        below = node.replaced if node is not None else None
        old, new = named_type(below), named_type(node)
        if below is None or old is None or new is None or old == new:
            return diagnostic
        note = f"what was written for `{old}` does not count for `{new}`: another type starts afresh"
        given = below.at(path[-1:])
        if given is None or given.key is None:
            return diagnostic._replace(note=note)
        labels = (*diagnostic.labels, Label(given.key, f"given here for `{old}`"))
        return diagnostic._replace(note=note, labels=labels)

    def type_missing(self, fault: Fault) -> Diagnostic | None:
        slot = str(fault.context["slot"])
        if any(path[:-1] == fault.path and path[-1] == "type" for path in self.renamed):
            return None
        given = fault.node.value if fault.node is not None else None
        keys = [key for key in given if key not in ("type",)] if isinstance(given, dict) else []
        meant = next((key for key in keys if nearest("type", [key]) or key in _TYPE_KEYS), None)
        named = next((key for key in keys if key in self.catalogue.names(slot)), None)
        help = f"did you mean `type` by `{meant}`?" if meant else self._choices(slot)
        if named:
            help = f"write `type: {named}`, and its settings beside it"
        message = f"`{fault.name}` does not say which {slot} it is"
        at = (*fault.path, "type") if isinstance(given, dict) and "type" in given else fault.path
        if meant and isinstance(given, dict) and isinstance(given[meant].value, str):
            return self._misspelt_type((*fault.path, meant), message, slot)
        return locate(Finding(at, message, code="SQ105", on_key=True, help=help), self.tree)

    def _misspelt_type(self, at: Path, message: str, slot: str) -> Diagnostic:
        """The key that was meant to be ``type``, and the fix where its value names a component."""
        help = f"did you mean `type` by `{at[-1]}`?"
        diagnostic = locate(Finding(at, message, code="SQ105", on_key=True, help=help), self.tree)
        node = self.tree.at(at)
        if node is None or node.key is None or node.value not in self.catalogue.names(slot):
            return diagnostic
        return with_fix(diagnostic, Fix("rename it `type`", (Edit(node.key, "type"),), safe=False))

    def type_is_no_name(self, fault: Fault) -> Diagnostic:
        slot = str(fault.context["slot"])
        message = f"the `type` of `{fault.name}` takes the name of {article(slot)}, a text"
        return locate(
            Finding((*fault.path, "type"), message, code="SQ106", help=self._choices(slot)), self.tree
        )

    def unknown_component(self, fault: Fault) -> Diagnostic:
        slot, name = str(fault.context["slot"]), str(fault.context["name"])
        at = (*fault.path, "type") if isinstance(fault.value, dict) else fault.path
        help, meant = self._component(slot, name)
        diagnostic = locate(Finding(at, f"there is no {slot} `{name}`", code="SQ103", help=help), self.tree)
        node = self.tree.at(at)
        if meant and node is not None and node.span.text.strip("\"'") == name:
            return with_fix(diagnostic, Fix(f"name it `{meant}`", (Edit(node.span, meant),), safe=False))
        return diagnostic

    def _component(self, slot: str, name: str) -> tuple[str, str | None]:
        """Help for a component that there is not, and the name that was meant."""
        names = self.catalogue.names(slot)
        plain = unicodedata.normalize("NFKC", name).lower().replace("-", "_")
        close = plain if plain in names else None
        if close is None:
            other = next((s for s in SLOTS if s != slot and plain in self.catalogue.names(s)), None)
            if other:
                near = nearest(name, names) or next(
                    (n for n in COMPONENTS.get(plain, ()) if n in names), None
                )
                more = f"; did you mean `{near}`?" if near else f"; {self._choices(slot)}"
                return f"that is {article(other)}, not {article(slot)}{more}", near
            close = nearest(name, names)
        called = re.match(r"(\w+)\s*\(", name)
        if called and called.group(1) in names:
            return f"nothing is called here; write `{{type: {called.group(1)}, …}}`", None
        root = re.sub(r"_(?:tiny|small|base|big|large|v[0-9]+)$", "", plain)
        known = COMPONENTS.get(plain) or COMPONENTS.get(root, ())
        foreign = next((n for n in known if n in names), root if root in names else None)
        if foreign and not close:
            return f"seqspec calls it `{foreign}`", foreign
        return (f"did you mean `{close}`?", close) if close else (self._choices(slot), None)

    def _choices(self, slot: str) -> str:
        names = self.catalogue.names(slot)
        if len(names) <= MOST_LISTED:
            return f"choose one of {quoted(names)}" if names else f"no {slot} is installed"
        return f"`seqspec list {slot}` shows the {len(names)} there are"


_TYPE_KEYS = ("name", "class", "class_path", "_target_", "kind", "cls", "id")
_RULES: dict[str, Callable[[_Complaints, Fault], Diagnostic | None]] = {
    "extra_forbidden": _Complaints.unknown_key,
    "bad_key": _Complaints.bad_key,
    "missing": _Complaints.missing,
    "slot_unknown": _Complaints.unknown_component,
    "slot_type_missing": _Complaints.type_missing,
    "slot_type_kind": _Complaints.type_is_no_name,
}


def article(slot: str) -> str:
    """``an encoder``, ``a decoder``."""
    return f"an {slot}" if slot[0] in "aeiou" else f"a {slot}"


def _once(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """A value that is wrong at its own place is not told again where a reference takes it."""
    told = {(d.code, d.span) for d in diagnostics}
    return [d for d in diagnostics if not any((d.code, label.span) in told for label in d.labels)]
