"""The second stage: what tokenizers learn, and the ids of every text, cached under what decides them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seqspec.data.stages.corpus_stage import CorpusStage
from seqspec.data.stages.encoding import artifact_of, write_ids, write_vocabulary
from seqspec.data.stages.learned import Learned
from seqspec.data.stages.parts import DataParts, TextSteps
from seqspec.data.store.store import Store
from seqspec.data.text.answers import AnswerIds, AnswerPlaces
from seqspec.data.text.word_places import WordPlaces
from seqspec.schema.diagnostic import Exit, RunError, blamed
from seqspec.schema.types import AnswerSpans, PlacesIn, Text, WordStarts


@dataclass
class TextStage:
    """Vocabularies by pipeline, ids by split and role."""

    corpus: CorpusStage
    prints: Mapping[str, Any]
    """Fingerprints of the text steps by role, taken before anything was learned."""
    learned: Learned | None = None
    """What a run has learned; nothing is learned again then."""

    @classmethod
    def of(cls, corpus: CorpusStage, learned: Learned | None = None) -> TextStage:
        """The stage with nothing learned yet, or with what a run has learned."""
        parts = corpus.parts
        return cls(corpus, {role: parts.text_fingerprint(role) for role in parts.text}, learned)

    @property
    def parts(self) -> DataParts:
        """The built data part."""
        return self.corpus.parts

    @cached_property
    def artifacts(self) -> dict[str, bytes]:
        """What each tokenizer learned, taken up by the tokenizers as well."""
        found: dict[str, bytes] = {}
        for pipeline, roles in self.pipelines.items():
            steps = self.parts.text[roles[0]]
            if steps.trainable:
                found[f"data.text.{pipeline}.tokenizer"] = artifact = self._learn(pipeline, roles)
                self._take_up(steps, artifact, pipeline)
        return found

    def _take_up(self, steps: TextSteps, artifact: bytes, pipeline: str) -> None:
        """Of a run's own vocabulary no file of the corpus is to blame."""
        try:
            steps.load(artifact)
        except Exception as error:  # Whatever a tokenizer's library makes of bytes that are no vocabulary.
            if self.learned is None:
                raise
            why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            file = f"vocabularies/data.text.{pipeline}.tokenizer"
            raise RunError(
                f"the run's `{file}` is not what a run has written: {why}",
                exit=Exit.STORAGE,
                help="put the file back from a copy of the run directory",
            ) from None

    @cached_property
    def pipelines(self) -> dict[str, list[str]]:
        """Roles by the name of their steps."""
        found: dict[str, list[str]] = {}
        for role, type_ in self.parts.roles.items():
            if isinstance(type_, Text):
                found.setdefault(self.parts.pipeline(role), []).append(role)
        return found

    def _learn(self, pipeline: str, roles: Sequence[str]) -> bytes:
        if self.learned is not None:
            return self.learned.artifact(f"data.text.{pipeline}.tokenizer")
        steps = self.parts.text[roles[0]]

        def build(folder: Path) -> None:
            store = self.corpus.records("train")
            kept = None if self.corpus.places is None else self.corpus.places == 0
            with blamed("data", "text", pipeline):
                write_vocabulary(
                    folder, steps=steps, records=store, roles=roles, kept=kept, workers=self.corpus.workers,
                    progress=self.corpus.progress,
                )  # fmt: skip

        parts = {"train": self.corpus.train_key(), "roles": list(roles), "steps": self.prints[roles[0]]}
        return artifact_of(self.corpus.store("vocabulary", (pipeline,), parts, build))

    @property
    def vocabularies(self) -> dict[str, int]:
        """The vocabulary sizes, as facts."""
        self.artifacts  # noqa: B018  trained tokenizers must be loaded
        return {
            f"data.text.{pipeline}.tokenizer.vocab": self.parts.text[roles[0]].vocab_size
            for pipeline, roles in self.pipelines.items()
        }

    def ids(self, base: str, role: str) -> Store:
        """The ids of a role of every record of a split."""
        name, told = role, {}
        type_ = self.parts.roles[role]
        if isinstance(type_, PlacesIn):
            role = type_.of
        spans = self._spans(role)
        steps: Any = self.parts.text[role]
        if isinstance(type_, WordStarts):
            steps, told = WordPlaces(steps), {"places": "words"}
        elif spans is not None:
            learned_only = isinstance(type_, AnswerSpans)
            steps = AnswerPlaces(steps) if learned_only else AnswerIds(steps)
            told = {"places": "answers" if learned_only else "between answers"}
        pipeline = self.parts.pipeline(role)
        artifact = self.artifacts.get(f"data.text.{pipeline}.tokenizer")
        learned = None if artifact is None else hashlib.sha256(artifact).hexdigest()

        def write(folder: Path, *, rows: range | None) -> None:
            write_ids(
                folder, steps=steps, records=self.corpus.records(base), role=role, split=base,
                on_error=self.parts.config.on_error, workers=self.corpus.workers,
                progress=self.corpus.progress, rows=rows, spans=spans,
            )  # fmt: skip

        parts = {
            "records": self.corpus.records_key(base),
            "role": role,
            "steps": self.prints[role],
            "learned": learned,
            **told,
        }
        return self.corpus.rows_store("ids", (base, name), parts, write, what=f"texts of {base}")

    def _spans(self, role: str) -> str | None:
        """The field that says where the answers of a text stand."""
        kinds = self.parts.roles.items()
        return next((name for name, kind in kinds if isinstance(kind, AnswerSpans) and kind.of == role), None)
