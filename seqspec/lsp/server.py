"""The language server: what editors ask, answered from the analysis of their texts."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types as lsp
from pygls import uris
from pygls.lsp.server import LanguageServer

from seqspec import __version__
from seqspec.compile.diagnostics.codes import first_line
from seqspec.compile.diagnostics.formats.text import in_profiles
from seqspec.lsp.analysis import Analysis, analyse
from seqspec.lsp.completion import Candidate, candidates
from seqspec.lsp.cursor import cursor_at
from seqspec.lsp.definition import definition
from seqspec.lsp.hover import hover_text
from seqspec.lsp.positions import Ruler
from seqspec.schema.diagnostic import Diagnostic
from seqspec.schema.source import Source, Span

SEVERITY = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "note": lsp.DiagnosticSeverity.Information,
}
ITEM = {
    "key": lsp.CompletionItemKind.Property,
    "type": lsp.CompletionItemKind.Class,
    "value": lsp.CompletionItemKind.EnumMember,
}


class SpecServer(LanguageServer):
    """Holds the analysis of every open text."""

    def __init__(self) -> None:
        super().__init__("seqspec", __version__)
        self.analyses: dict[str, Analysis] = {}

    def look(self, uri: str) -> Analysis:
        """Analyse the text as it now is, and tell the editor what is wrong with it."""
        document = self.workspace.get_text_document(uri)
        source = Source(_shown(uri), document.source)
        analysis = analyse(source, before=self.analyses.get(uri))
        self.analyses[uri] = analysis
        found = [self.diagnostic(each, source, uri) for each in analysis.diagnostics]
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri=uri, diagnostics=found, version=document.version)
        )
        return analysis

    def analysis(self, uri: str) -> Analysis:
        """The analysis of an open text, made now where there is none."""
        return self.analyses.get(uri) or self.look(uri)

    def ruler(self, source: Source) -> Ruler:
        """Places of a text in the units that the editor counts in."""
        return Ruler(source, self.workspace.position_encoding or lsp.PositionEncodingKind.Utf16)

    def location(self, span: Span, source: Source, uri: str) -> lsp.Location:
        """Where a span is, in this text or in another file."""
        if span.source.name == source.name:
            return lsp.Location(uri, self.ruler(source).range(span))
        other = uris.from_fs_path(str(Path(span.source.name).resolve())) or uri
        return lsp.Location(other, self.ruler(span.source).range(span))

    def diagnostic(self, found: Diagnostic, source: Source, uri: str) -> lsp.Diagnostic:
        """A diagnostic as editors show it; what lies in another file is pointed at from the first line."""
        here = found.span if found.span is not None and found.span.source.name == source.name else None
        related = [(label.span, label.text) for label in found.labels]
        if here is None and found.span is not None:
            related.insert(0, (found.span, found.message))
        help = f"\nhelp: {found.help}" if found.help else ""
        note = f"\nnote: {found.note}" if found.note else ""
        under = f"\n{words}" if (words := in_profiles(found)) else ""
        return lsp.Diagnostic(
            range=self.ruler(source).range(here or Span(source, 0, 0)),
            message=f"{found.message}{under}{help}{note}",
            severity=SEVERITY[found.severity],
            code=found.code,
            source="seqspec",
            related_information=[
                lsp.DiagnosticRelatedInformation(self.location(span, source, uri), text)
                for span, text in related
            ],
        )


def serve() -> None:
    """Talk to one editor over standard input and output until it leaves."""
    create().start_io()


def create() -> SpecServer:
    """A server with every feature that it has."""
    server = SpecServer()

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        server.look(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        server.look(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(_params: lsp.DidSaveTextDocumentParams) -> None:
        for uri in list(server.analyses):  # a base that was saved can change what extends it
            server.look(uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        server.analyses.pop(params.text_document.uri, None)

    @server.feature(
        lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[" ", ":", "{", "[", ","])
    )
    def complete(params: lsp.CompletionParams) -> lsp.CompletionList:
        return _completion(server, params)

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(params: lsp.HoverParams) -> lsp.Hover | None:
        analysis = server.analysis(params.text_document.uri)
        offset = server.ruler(analysis.source).offset(params.position)
        if analysis.foreign:
            return None
        text = hover_text(analysis, offset) or _code_at(analysis, offset)
        return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, text)) if text else None

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    def define(params: lsp.DefinitionParams) -> lsp.Location | None:
        uri = params.text_document.uri
        analysis = server.analysis(uri)
        span = definition(analysis, server.ruler(analysis.source).offset(params.position))
        return server.location(span, analysis.source, uri) if span is not None else None

    @server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix])
    )
    def act(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        return _actions(server, params)

    return server


def _completion(server: SpecServer, params: lsp.CompletionParams) -> lsp.CompletionList:
    uri = params.text_document.uri
    analysis = server.analysis(uri)
    ruler = server.ruler(analysis.source)
    cursor = cursor_at(analysis.source, ruler.offset(params.position))
    if cursor is None or analysis.foreign:
        return lsp.CompletionList(is_incomplete=False, items=[])
    where = ruler.range(Span(analysis.source, cursor.start, cursor.end))
    if cursor.start == cursor.end:
        where = lsp.Range(where.start, where.start)
    separator = " = " if analysis.source.name.endswith(".toml") else ": "
    after = analysis.source.text[cursor.end :].lstrip(" ")[:1]
    suffix = "" if after in (":", "=") else separator
    items = [
        _item(candidate, rank, where, suffix) for rank, candidate in enumerate(candidates(cursor, analysis))
    ]
    return lsp.CompletionList(is_incomplete=False, items=items)


def _item(candidate: Candidate, rank: int, where: lsp.Range, suffix: str) -> lsp.CompletionItem:
    text = candidate.label + (suffix if candidate.kind == "key" else "")
    return lsp.CompletionItem(
        label=candidate.label,
        kind=ITEM[candidate.kind],
        detail=candidate.detail or None,
        documentation=candidate.doc or None,
        sort_text=f"{rank:04}",
        preselect=candidate.required or None,
        text_edit=lsp.TextEdit(where, text),
    )


def _code_at(analysis: Analysis, offset: int) -> str | None:
    """On a mistake, what its code means."""
    for found in analysis.diagnostics:
        span = found.span
        if span is not None and span.source.name == analysis.source.name and span.start <= offset < span.end:
            help = f"\n\n{found.help}" if found.help else ""
            return f"**{found.code}** {found.message}{help}\n\n{first_line(found.code)}"
    return None


def _actions(server: SpecServer, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    """The fixes of the mistakes in the range; those that keep the meaning are preferred."""
    uri = params.text_document.uri
    analysis = server.analysis(uri)
    ruler = server.ruler(analysis.source)
    start, end = ruler.offset(params.range.start), ruler.offset(params.range.end)
    actions = []
    for found in analysis.diagnostics:
        span, fix = found.span, found.fix
        if fix is None or span is None or span.source.name != analysis.source.name:
            continue
        if span.start <= end and start <= span.end:
            edits = [lsp.TextEdit(_exact(ruler, edit.span), edit.text) for edit in fix.edits]
            actions.append(
                lsp.CodeAction(
                    title=fix.title,
                    kind=lsp.CodeActionKind.QuickFix,
                    diagnostics=[server.diagnostic(found, analysis.source, uri)],
                    is_preferred=fix.safe,
                    edit=lsp.WorkspaceEdit(changes={uri: edits}),
                )
            )
    return actions


def _exact(ruler: Ruler, span: Span) -> lsp.Range:
    return lsp.Range(ruler.position(span.start), ruler.position(span.end))


def _shown(uri: str) -> str:
    """A file's path, relative to the working folder where it lies below; another address as it is."""
    path = uris.to_fs_path(uri)
    if path is None or not uri.startswith("file:"):
        return uri
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
