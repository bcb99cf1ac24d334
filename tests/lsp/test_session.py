"""A real session over standard input and output: a client starts the server and talks to it."""

import asyncio
import sys
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from seqspec.compile.reference.starting_specs import template


class Editor(LanguageClient):
    """Keeps the diagnostics that the server sends."""

    def __init__(self):
        super().__init__("editor", "1")
        self.found = {}
        self.news = asyncio.Event()

        @self.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def published(params):
            self.found[params.uri] = params.diagnostics
            self.news.set()

    async def open(self, file, text):
        file.write_text(text, encoding="utf-8")
        return await self._tell(file, text, lambda uri: self.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, "yaml", 1, text))
        ))  # fmt: skip

    async def change(self, file, text):
        return await self._tell(file, text, lambda uri: self.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(version=2, uri=uri),
                [lsp.TextDocumentContentChangeWholeDocument(text)],
            )
        ))  # fmt: skip

    async def _tell(self, file, text, send):
        self.text = text
        self.news.clear()
        send(file.as_uri())
        await asyncio.wait_for(self.news.wait(), 20)
        return list(self.found[file.as_uri()])

    def at(self, words, *, after=True):
        """The position behind (or before) ``words`` in the text, in UTF-16 units."""
        offset = self.text.index(words) + (len(words) if after else 0)
        head = self.text[:offset]
        column = len(head.rpartition("\n")[2].encode("utf-16-le")) // 2
        return lsp.Position(head.count("\n"), column)

    async def labels(self, file, position):
        params = lsp.CompletionParams(lsp.TextDocumentIdentifier(file.as_uri()), position)
        return [item.label for item in (await self.text_document_completion_async(params)).items]


def session(steps, folder):
    """Run ``steps(editor)`` against a fresh server."""

    async def main():
        editor = Editor()
        await editor.start_io(sys.executable, "-m", "seqspec", "lsp")
        try:
            given = await editor.initialize_async(
                lsp.InitializeParams(capabilities=lsp.ClientCapabilities(), root_uri=folder.as_uri())
            )
            editor.initialized(lsp.InitializedParams())
            await steps(editor, given)
        finally:
            await editor.shutdown_async(None)
            editor.exit(None)
            await asyncio.wait_for(editor.stop(), 20)

    asyncio.run(main())


@pytest.fixture
def file(tmp_path):
    return tmp_path / "spec.yaml"


def test_an_editing_session(file, tmp_path):
    good = template("mt")

    async def steps(editor, given):
        assert given.capabilities.completion_provider is not None
        assert given.capabilities.hover_provider
        assert given.capabilities.definition_provider

        assert await editor.open(file, good) == []

        wrong = good.replace("clip_norm: 1.0", "clip_nrom: 1.0")
        found = await editor.change(file, wrong)
        assert [d.code for d in found] == ["SQ101"]
        assert found[0].range.start == editor.at("clip_nrom", after=False)
        assert found[0].range.end == editor.at("clip_nrom")

        actions = await editor.text_document_code_action_async(
            lsp.CodeActionParams(
                lsp.TextDocumentIdentifier(file.as_uri()), found[0].range, lsp.CodeActionContext(found)
            )
        )
        (edit,) = actions[0].edit.changes[file.as_uri()]
        assert edit.new_text == "clip_norm"
        assert edit.range == found[0].range

        assert await editor.change(file, good) == []

        hover = await editor.text_document_hover_async(
            lsp.HoverParams(lsp.TextDocumentIdentifier(file.as_uri()), editor.at("max_ste"))
        )
        assert "Optimiser steps in all." in hover.contents.value
        assert "20000" in hover.contents.value

    session(steps, tmp_path)


def test_completion_while_typing(file, tmp_path):
    good = template("mt")

    async def steps(editor, given):
        await editor.open(file, good)

        await editor.change(file, good.replace("  clip_norm: 1.0", "  cl"))
        assert await editor.labels(file, editor.at("\n  cl")) == ["clip_norm", "clip_value"]

        await editor.change(file, good.replace("num_layers: 3}   # heads", "num_"))
        assert "num_heads" in await editor.labels(file, editor.at("dim: 256, num_"))

        await editor.change(file, good.replace("{type: transformer, dim", "{type: "))
        assert "transformer" in await editor.labels(file, editor.at("encoder: {type: "))

        await editor.change(file, good.replace("unit: tokens", "unit: "))
        assert await editor.labels(file, editor.at("unit: ")) == ["examples", "tokens", "frames", "seconds"]

        await editor.change(file, good + "\nlosses: {nll: {on: tokens, wei")
        assert await editor.labels(file, editor.at("on: tokens, wei")) == ["weight"]

        await editor.change(file, good + "\n\n")
        assert "description" in await editor.labels(file, lsp.Position(editor.text.count("\n"), 0))

        await editor.change(file, good.replace("train: {max_steps: 200,", "train: {a"))
        assert "accumulate" in await editor.labels(file, editor.at("train: {a"))

    session(steps, tmp_path)


def test_definitions_lead_to_bases_and_references(file, tmp_path):
    base = tmp_path / "base.yaml"
    base.write_text(template("mt"))
    text = 'extends: base.yaml\nname: "${data.source.type}_one"\ntrain: {max_steps: 30000}\n'

    async def steps(editor, given):
        assert await editor.open(file, text) == []

        async def go(position):
            return await editor.text_document_definition_async(
                lsp.DefinitionParams(lsp.TextDocumentIdentifier(file.as_uri()), position)
            )

        assert (await go(editor.at("extends: ba"))).uri == base.as_uri()

        overridden = await go(editor.at("max_st"))
        assert overridden.uri == base.as_uri()
        line = base.read_text().splitlines()[overridden.range.start.line]
        assert "max_steps: 20000" in line

        referred = await go(editor.at("data.source.t"))
        assert "type: bitext" in base.read_text().splitlines()[referred.range.start.line]

    session(steps, tmp_path)


def test_columns_are_counted_in_utf16(file, tmp_path):
    text = template("lm").replace("language: en", 'language: "𠮷"')

    async def steps(editor, given):
        found = await editor.open(file, text)

        start = editor.at('"𠮷"', after=False)
        assert [d.range for d in found] == [lsp.Range(start, lsp.Position(start.line, start.character + 4))]

    session(steps, tmp_path)


def test_no_text_makes_the_server_fall_over(file, tmp_path):
    texts = [
        "",
        "\t",
        "{",
        "a: [",
        "- - -",
        "seqspec: 1\n" * 3,
        "&a *a",
        "x: \ud83d".encode("utf-8", "ignore").decode(),
    ]

    async def steps(editor, given):
        await editor.open(file, template("mt"))
        for text in texts:
            found = await editor.change(file, text)
            assert found
            assert all(d.code != "SQ900" for d in found)
            await editor.labels(file, lsp.Position(0, 0))
            await editor.labels(file, lsp.Position(99, 99))

    session(steps, tmp_path)
    assert Path(file).exists()


def test_a_mistake_in_a_profile_is_shown_as_it_is_typed(file, tmp_path):
    wrong = template("mt").replace("profiles:", "profiles:\n  odd: {train: {max_step: 3}}")

    async def steps(editor, given):
        found = await editor.open(file, wrong)
        assert [d.code for d in found] == ["SQ101"]
        assert "in profile odd" in found[0].message

    session(steps, tmp_path)
