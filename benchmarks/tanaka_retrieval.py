"""English sentences find their Japanese translations: recall@1 after some CPU minutes, beside sentence-transformers.

    python benchmarks/tanaka_retrieval.py --root FOLDER --work /tmp/retrieval
    python benchmarks/tanaka_retrieval.py --root FOLDER --work /tmp/retrieval --contender sentence-transformers

``--root`` is a folder with ``train.en``, ``train.ja``, ``dev.en`` and ``dev.ja``.  Contender ``spec`` is
``specs/embed_tanaka_enja.yaml`` as it stands, but for the number of steps.  ``seqspec`` and
``sentence-transformers`` train one and the same tower, a random BERT of 3 layers of 256 in a folder under
``--work``, from the same first weights and tokenizer, with the same batch, loss (both directions, cosine,
scale 20), optimiser and schedule; each has its own tokenising, batching and loop.  The first steps are timed,
and as many follow as fit into ``--seconds`` of CPU time of one thread.  A JSON line a contender: every pair of
dev is ranked among all its targets, and the most memory of the process is told.  sentence-transformers is looked for on
the import path; ``--install FOLDER`` has pip put it there first.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
import unicodedata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))

from harness.peer_packages import install
from harness.process_memory import peak_resident

SPEC = Path(__file__).resolve().parents[1] / "specs" / "embed_tanaka_enja.yaml"
BATCH, LENGTH, PEAK, TIMED = 256, 64, 1e-3, 16
PACKAGES = ("sentence-transformers==6.2.0", "scikit-learn", "joblib", "threadpoolctl", "narwhals")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    contenders = {"spec": spec, "seqspec": seqspec, "sentence-transformers": sentence_transformers}
    parser.add_argument("--contender", choices=contenders, default="seqspec")
    parser.add_argument("--install", type=Path, metavar="FOLDER", help="has pip put the peer there")
    given = parser.parse_args()
    if given.install:
        install(given.install.resolve(), PACKAGES)
    torch.set_num_threads(1)
    folder = given.work / "tower"
    if not (folder / "model.safetensors").exists():
        write_tower(folder, given.root)
    found = contenders[given.contender](given)
    memory = {"peak_mib": round(peak_resident(), 1)}
    print(json.dumps({"contender": given.contender, "seed": given.seed, **found, **memory}))


def read(root: Path, name: str) -> list[str]:
    """Lines, normalised as the spec does."""
    text = (root / name).read_text(encoding="utf-8")
    return [unicodedata.normalize("NFKC", line).lower() for line in text.removesuffix("\n").split("\n")]


def write_tower(folder: Path, root: Path) -> None:
    """A random BERT and its tokenizer of 8,000 pieces, learned from the training part."""
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    own = Tokenizer(models.Unigram())
    own.pre_tokenizer = pre_tokenizers.Metaspace()
    own.decoder = decoders.Metaspace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.UnigramTrainer(
        vocab_size=8000, special_tokens=special, unk_token="[UNK]", show_progress=False
    )
    own.train_from_iterator([*read(root, "train.en"), *read(root, "train.ja")], trainer)
    own.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), special, strict=True))
    folder.mkdir(parents=True, exist_ok=True)
    transformers.PreTrainedTokenizerFast(tokenizer_object=own, **names).save_pretrained(folder)
    torch.manual_seed(0)
    settings = transformers.BertConfig(
        vocab_size=own.get_vocab_size(), hidden_size=256, num_hidden_layers=3, num_attention_heads=4,
        intermediate_size=1024, max_position_embeddings=128, pad_token_id=0,
    )  # fmt: skip
    transformers.BertModel(settings, add_pooling_layer=False).save_pretrained(folder)


def spec(given: argparse.Namespace) -> dict[str, Any]:
    """The spec's own tower."""
    return trained(given, [])


def seqspec(given: argparse.Namespace) -> dict[str, Any]:
    """The tower of the folder."""
    folder = given.work / "tower"
    text = f"{{normalize: [nfkc, lowercase], segment: null, tokenizer: {{type: hf, from: '{folder}', template: true}}}}"
    tower = f"{{type: bert, from: '{folder}'}}"
    return trained(given, [f"data.text.shared={text}", f"model.encoder={tower}"])


def trained(given: argparse.Namespace, more: list[str]) -> dict[str, Any]:
    """A short run is timed, which prepares the data too, and the run after it has steps for the budget."""
    begun = time.process_time()
    run_of(given, more, steps=1)
    once = time.process_time()
    run_of(given, more, steps=1 + TIMED)
    both = time.process_time()
    # The second start has its data prepared; a third measures what starting and judging cost without it.
    run_of(given, more, steps=1)
    start = time.process_time() - both
    each = (both - once - start) / TIMED
    steps = max(1, int((given.seconds - start) / each))
    at = time.process_time()
    path = run_of(given, more, steps=steps)
    spent = time.process_time() - at
    found = recalls(path)
    if not found:
        raise SystemExit(
            f"the run was stopped before its {steps:,} steps were done, and nothing was measured"
        )
    return told(steps, spent, found) | {"preparing_seconds": round(once - begun - start)}


def run_of(given: argparse.Namespace, more: list[str], *, steps: int) -> Path:
    """The folder of a run."""
    from seqspec.compile.pipeline import compile as compile_spec
    from seqspec.compile.resolve.overlay import Overlay
    from seqspec.runtime.devices.launch import Launch
    from seqspec.runtime.run import run

    settings = [
        f"seed={given.seed}", f"data.source.root={given.root}", f"train.max_steps={steps}",
        f"train.checkpoint_every_steps={steps}", f"evaluate.every_steps={steps}", f"optimizer.schedule.peak={PEAK}",
        f"optimizer.schedule.decay_end={max(steps, 2)}", f"optimizer.schedule.warmup_steps={max(1, steps // 10)}",
        *more,
    ]  # fmt: skip
    compiled = compile_spec(SPEC, overlays=[Overlay.set(one) for one in settings])
    return run(
        compiled, runs=given.work / "runs", launch=Launch(device="cpu", threads=1, quiet=True)
    ).folder.path


def recalls(path: Path) -> dict[str, float]:
    """What the last evaluation found."""
    rows = [json.loads(line) for line in (path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    found: dict[str, float] = {}
    for row in rows:
        numbers = {**row, **row.get("metrics", {})}
        found |= {k: round(v, 4) for k, v in numbers.items() if k.startswith("recall") or k == "mrr"}
    return found


def told(steps: int, spent: float, found: dict[str, float]) -> dict[str, Any]:
    return {
        "steps": steps, "cpu_seconds": round(spent, 1), "pairs_a_cpu_second": round(steps * BATCH / spent, 1), **found,
    }  # fmt: skip


def sentence_transformers(given: argparse.Namespace) -> dict[str, Any]:
    """Its model, tokenising and loss; its trainer asks for a package of data sets and does the same steps."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import losses
    from sentence_transformers.sentence_transformer import modules as models

    torch.manual_seed(given.seed)
    tower = models.Transformer(str(given.work / "tower"), max_seq_length=LENGTH)
    pooling = models.Pooling(tower.get_embedding_dimension(), pooling_mode="mean")
    model = SentenceTransformer(modules=[tower, pooling], device="cpu")
    loss = losses.MultipleNegativesRankingLoss(
        model, scale=20.0, directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction"
    )
    pairs = list(zip(read(given.root, "train.en"), read(given.root, "train.ja"), strict=True))
    groups = [
        {"params": [p for p in model.parameters() if (p.ndim > 1) == matrix], "weight_decay": 0.01 * matrix}
        for matrix in (True, False)
    ]
    optimizer = torch.optim.AdamW(groups, lr=PEAK)
    generator = torch.Generator().manual_seed(given.seed)

    def step(batch: list[tuple[str, str]], rate: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = rate
        sides: list[dict[str, Tensor]] = [model.preprocess([pair[side] for pair in batch]) for side in (0, 1)]
        loss(sides, torch.empty(0)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    model.train()
    step(pairs[:BATCH], 0.0)
    at = time.process_time()
    for number in range(TIMED):
        step(pairs[number * BATCH : (number + 1) * BATCH], 0.0)
    steps = int(given.seconds / ((time.process_time() - at) / TIMED))
    warmup, at, order = max(1, steps // 10), time.process_time(), []
    for number in range(1, steps + 1):
        if len(order) < BATCH:
            order = torch.randperm(len(pairs), generator=generator).tolist()
        chosen, order = order[:BATCH], order[BATCH:]
        falling = 0.5 * (1 + math.cos(math.pi * max(0, number - warmup) / max(1, steps - warmup)))
        step([pairs[row] for row in chosen], PEAK * min(number / warmup, 1.0) * falling)
    return told(steps, time.process_time() - at, ranked(model, given.root))


def ranked(model: Any, root: Path) -> dict[str, float]:
    """Recall of the right target among all of dev; of two that are equally near the right one is the farther."""
    model.eval()
    source, target = (
        torch.as_tensor(model.encode(read(root, name), normalize_embeddings=True, show_progress_bar=False))
        for name in ("dev.en", "dev.ja")
    )
    scores = source @ target.T
    rank = (scores >= scores.diagonal()[:, None]).sum(1)
    return {
        "recall@1": round(float((rank <= 1).double().mean()), 4),
        "recall@10": round(float((rank <= 10).double().mean()), 4),
    }


if __name__ == "__main__":
    main()
