"""The spec's own data and model for the contenders: ids as text, the vocabularies, references, and weights.

Every contender reads the ids that ``seqspec`` made of the raw lines, so tokenisation is the same for all.  A line
of the files holds the ids of a sentence as numbers; the vocabularies count up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

SPEC = Path(__file__).resolve().parents[2] / "specs" / "mt_tanaka_enja.yaml"
SPECIAL = ("<blank>", "<unk>", "<s>", "</s>")


class Experiment(NamedTuple):
    compiled: Any
    prepared: Any

    def build(self) -> Any:
        from seqspec.compile.build.program import build

        return build(self.compiled.plan, tree=self.compiled.tree)

    def batches(self, *, stop: int) -> Any:
        """The run's own training batches."""
        from seqspec.data.batching.loader import training_loader

        return training_loader(self.prepared.parts, self.prepared.splits["train"], stop=stop)


def experiment(sets: list[str], *, cache: Path) -> Experiment:
    """The spec with overlays, its data prepared."""
    from seqspec.compile.build.data_parts import build_data
    from seqspec.compile.pipeline import compile, recompile
    from seqspec.compile.resolve.overlay import Overlay
    from seqspec.data.stages.prepare import prepare

    compiled = compile(SPEC, overlays=[Overlay.set(text) for text in sets])
    prepared = prepare(build_data(compiled.plan), cache=cache, splits=["train", "dev"], processes=1)
    return Experiment(recompile(compiled, facts=dict(prepared.facts)), prepared)


def shape(program: Any) -> dict[str, Any]:
    """What a contender needs to build the same model."""
    encoder, model = program.plan.experiment.model.encoder, program.model
    return {
        "source": len(model.embedding.weight_VD),
        "target": len(model.head.weight_VD),
        "dim": encoder.dim,
        "heads": encoder.num_heads,
        "inner": encoder.feed_forward_dim,
        "layers": encoder.num_layers,
        "dropout": encoder.dropout,
    }


def write_corpus(found: Experiment, folder: Path, *, sizes: dict[str, int], sentences: int) -> list[str]:
    """Writes the files; gives the references of the sentences to decode.  ``decode`` is the split dev, all of
    it or ``sentences`` spread over it, sorted by the length of the source.
    """
    folder.mkdir(parents=True, exist_ok=True)
    train, dev = (found.prepared.splits[name] for name in ("train", "dev"))
    step = max(1, len(dev) // sentences)
    rows = sorted(range(0, len(dev), step)[:sentences], key=lambda row: len(dev.value("source", row)))
    for name, split, order in (("train", train, range(len(train))), ("decode", dev, rows)):
        for side in ("source", "target"):
            lines = (" ".join(_words(split.value(side, row))) + "\n" for row in order)
            (folder / f"{name}.{side}").write_text("".join(lines))
    for side, size in sizes.items():
        words = [str(number) for number in range(len(SPECIAL), size)]
        (folder / f"{side}.vocab").write_text("\n".join(words) + "\n")
        (folder / f"{side}.vocab.whole").write_text("\n".join([*SPECIAL, *words]) + "\n")
    return [dev.example(row).texts["target"] for row in rows]


def _words(ids: Any) -> list[str]:
    return [str(int(id)) if id != 1 else SPECIAL[1] for id in ids]


def score(found: Experiment, answers: list[list[int]], references: list[str]) -> dict[str, Any]:
    """sacreBLEU's BLEU and chrF of the answers, as the spec would decode them, and the signature."""
    from sacrebleu.metrics import BLEU, CHRF

    decode = found.prepared.parts.text["target"].decode
    texts = [decode(ids) for ids in answers]
    bleu, chrf = BLEU(tokenize="ja-mecab"), CHRF()
    scores = bleu.corpus_score(texts, [references]), chrf.corpus_score(texts, [references])
    return {
        "BLEU": round(scores[0].score, 2),
        "chrF": round(scores[1].score, 2),
        "ids an answer": round(sum(map(len, answers)) / len(answers), 1),
        "signature": str(bleu.get_signature()),
    }


def load_weights(program: Any, run: Path) -> None:
    """The newest weights of a run directory."""
    from seqspec.runtime.checkpoints.selection import chosen, use_weights

    use_weights(program.model, chosen(run / "checkpoints", "last"))


def write_weights(program: Any, path: Path) -> None:
    """The weights under names that the peers' scripts know, with the table of positions."""
    import torch
    from safetensors.torch import save_file

    from seqspec.components._layers.positions import sinusoids

    model = program.model
    named = {
        "source": model.embedding.weight_VD,
        "target": model.head.weight_VD,
        "bias": model.head.bias_V,
        "places": sinusoids(0, 512, dim=model.head.weight_VD.shape[1], device=torch.device("cpu")),
    }
    for side in ("encoder", "decoder"):
        part = getattr(model, side)
        named |= _pair(part.norm, f"{side}.norm")
        for number, layer in enumerate(part.layers):
            named |= _layer(layer, f"{side}.{number}")
    save_file({name: tensor.detach().clone().contiguous() for name, tensor in named.items()}, path)


def _layer(layer: Any, name: str) -> dict[str, Any]:
    named = _attention(layer.self_attention, layer.self_residual, f"{name}.self")
    if layer.cross_attention is not None:
        named |= _attention(layer.cross_attention, layer.cross_residual, f"{name}.cross")
    named |= _pair(layer.feed_forward_residual.norm, f"{name}.up.norm")
    network = layer.feed_forward
    return named | _pair(network.expand, f"{name}.up") | _pair(network.contract, f"{name}.down")


def _attention(attention: Any, residual: Any, name: str) -> dict[str, Any]:
    parts = {"q": attention.query, "k": attention.key, "v": attention.value, "out": attention.output}
    named = _pair(residual.norm, f"{name}.norm")
    for part, linear in parts.items():
        named |= _pair(linear, f"{name}.{part}")
    return named


def _pair(module: Any, name: str) -> dict[str, Any]:
    return {f"{name}.weight": module.weight, f"{name}.bias": module.bias}
