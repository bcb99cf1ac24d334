"""Hover: a field's sentence, the values that it takes, and what it is in this experiment and why."""

from __future__ import annotations

from seqspec.compile.language.field_docs import field_docs, module_page
from seqspec.compile.language.flow_style import flow
from seqspec.compile.reference.component_page import field_summary
from seqspec.lsp.analysis import Analysis
from seqspec.lsp.cursor import path_at
from seqspec.lsp.places import Site, inside, site_at
from seqspec.schema.source import Path, dotted


def hover_text(analysis: Analysis, offset: int) -> str | None:
    """Markdown on what stands at ``offset``; ``None`` where there is nothing to say."""
    found = path_at(analysis.written, offset) if analysis.written is not None else None
    if found is None:
        return None
    path, on_key = found
    site = site_at(path, tree=analysis.written, analysis=analysis)
    if not on_key and (page := _component(path, site, analysis)):
        return page
    if path[-1:] == ("type",):
        above = site_at(path[:-1], tree=analysis.written, analysis=analysis)
        return module_page(above.place.cls) if above.place.cls is not None and above.place.shape else None
    return _field(site, analysis)


def _component(path: Path, site: Site, analysis: Analysis) -> str | None:
    """The page of the component whose name the cursor is on."""
    if path[-1:] == ("type",):
        site = site_at(path[:-1], tree=analysis.written, analysis=analysis)
    elif analysis.written is None or not isinstance(getattr(analysis.written.at(path), "value", None), str):
        return None
    shape, cls = site.place.shape, site.place.cls
    if shape is None or shape.slot is None or cls is None:
        return None
    edges = _types(inside(site.path), analysis)
    return "\n\n".join(part for part in (f"**{shape.slot}**", module_page(cls), edges) if part)


def _field(site: Site, analysis: Analysis) -> str | None:
    name = site.path[-1] if site.path else None
    if site.holder is None or not isinstance(name, str) or name not in site.holder.model_fields:
        return None
    parts = [f"**{name}**: {field_summary(site.holder, name)}", field_docs(site.holder)[name]]
    value = _value(site.path, analysis)
    return "\n\n".join(part for part in (*parts, value, _types(site.path, analysis)) if part)


def _value(path: Path, analysis: Analysis) -> str:
    """The value in the plan, with its reason where it was inferred."""
    if analysis.plan is None:
        return ""
    found = next((value for value in analysis.plan.values if value.path == path), None)
    if found is None:
        return ""
    why = f" ({found.reason})" if found.reason else f" ({found.origin})" if found.origin != "written" else ""
    return f"`{dotted(path)}` = `{flow(found.value)}`{why}"


def _types(path: Path, analysis: Analysis) -> str:
    """Types in and out of the component at ``path``."""
    nodes = analysis.plan.nodes if analysis.plan is not None else ()
    node = next((node for node in nodes if node.path == path), None)
    if node is None:
        return ""
    takes = ", ".join(str(type_) if name == "source" else f"{name} {type_}" for name, type_ in node.takes)
    return f"`{takes} → {node.gives}`"
