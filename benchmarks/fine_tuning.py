"""Fine-tuning from a folder: tokens a CPU second beside Hugging Face's Trainer, and the same losses.

    python benchmarks/fine_tuning.py --install FOLDER [--task classify | chat | chat_short] [--work DIR] [--rounds 2]

``classify``: a random BERT of 4 layers of 256 with a classifier of three labels is written by transformers as a
folder, and beside it a table of texts of ragged length; dropout is 0.1.  ``chat``: a random Llama of 6 layers of 256
with 8,000 pieces, and prompts with completions as long (``chat_short``: a third as long); only completions are
learned, and nothing is dropped, as Llama is trained.  A head of 8,000 pieces has three tenths of the weights that a
token passes, as that of a small GPT-2 has.

``seqspec`` runs a spec that begins with the folder; ``trainer`` is transformers' Trainer with its own collator;
``trainer, grouped`` is the same with ``train_sampling_strategy="group_by_length"``.  All begin with the same weights
and tokenizer, take batches of as many examples, AdamW with the same numbers and a clipped norm.

Each contender trains in a process of its own, on one thread, in a round in one order and in the next in the
other.  Measured is the CPU time from the optimiser's first step on (loading, padding, forward, backward, update,
journal), the tokens that the batches held in it, padding not counted, and the most memory of the process.  The Trainer's sampler sorts fifty
batches at a time, longest first, so that fifty steps are measured where lengths decide the order.

First, without dropout, and with the Trainer's order of examples for both, the losses of ``--steps`` equal steps are
compared; what is printed is the largest difference.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).parent))

from harness.peer_packages import install
from harness.process_memory import peak_resident

LABELS = ("low", "middle", "high")
BATCH, ROWS, WORDS = 16, 3200, 4000
MEDIAN, SPREAD, SHORTEST, LONGEST = 32, 0.8, 4, 240
"""Words of a text: the median and the deviation of the logarithm of a log-normal distribution, and its bounds."""
PEAK = 2e-4
CONTENDERS = {"seqspec": 50, "trainer": 16, "trainer, grouped": 50}
"""Steps of each; the padding of a random order is the same everywhere."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", choices=tuple(TASKS), default="classify")
    parser.add_argument(
        "--work", type=Path, help="where folder and table are written; else a temporary folder"
    )
    parser.add_argument("--rounds", type=int, default=2, help="processes of each contender")
    parser.add_argument("--steps", type=int, default=20, help="steps whose losses are compared")
    parser.add_argument(
        "--install", type=Path, metavar="FOLDER", help="has pip put the Trainer's accelerate there"
    )
    parser.add_argument("--contender", choices=(*CONTENDERS, "losses"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.install:
        install(given.install.resolve(), ("accelerate==1.15.0",))
    if given.contender:
        found = losses(given) if given.contender == "losses" else rate(given)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as temporary:
        given.work = given.work or Path(temporary)
        given.work.mkdir(parents=True, exist_ok=True)
        compare(given, TASKS[given.task].write(given.work))


def compare(given: argparse.Namespace, tokens: list[int]) -> None:
    """Prints a JSON line with medians and ratios."""
    told = child(given, "losses")
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for number in range(given.rounds):
        for name in CONTENDERS if number % 2 == 0 else reversed(CONTENDERS):
            found[name].append(child(given, name))
    speed = {name: statistics.median(one["tokens_a_cpu_second"] for one in of) for name, of in found.items()}
    ours, theirs = speed["seqspec"], [speed[name] for name in CONTENDERS if name != "seqspec"]
    print(json.dumps({
        **told,
        "tokens_a_text": {"mean": round(statistics.mean(tokens), 1), "most": max(tokens)},
        "tokens_a_cpu_second": speed,
        "each": {name: [one["tokens_a_cpu_second"] for one in of] for name, of in found.items()},
        "padding": {name: statistics.median(one["padding"] for one in of) for name, of in found.items()},
        "peak_mib": {name: statistics.median(one["peak_mib"] for one in of) for name, of in found.items()},
        "ratio_to_best": round(ours / max(theirs), 3),
        "ratio_to_trainer": round(ours / speed["trainer"], 3),
    }, indent=1))  # fmt: skip


def child(given: argparse.Namespace, contender: str) -> dict[str, Any]:
    """What one process tells."""
    command = [
        sys.executable, __file__, "--contender", contender, "--task", given.task, "--work", str(given.work),
        "--steps", str(given.steps),
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{contender} ended with {ran.returncode}:\n{ran.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    print(f"{contender}: {found}", file=sys.stderr)
    return found


class Classify:
    """Three labels of texts."""

    role = "source"
    """What is padded."""
    dropout = 0.1

    def write(self, work: Path) -> list[int]:
        """The table and the folder; gives the tokens of each text."""
        rng = random.Random(1)
        words = [lengths(rng, MEDIAN) for _ in range(ROWS)]
        with (work / "train.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(("text", "label"))
            for number, count in enumerate(words):
                label = number % len(LABELS)
                # One word in four is of a tenth of the words that only texts of this label use so often.
                own = range(label * WORDS // 10, (label + 1) * WORDS // 10)
                text = (
                    rng.choice(own) if rng.random() < 0.25 else rng.randrange(WORDS) for _ in range(count)
                )
                table.writerow((" ".join(f"w{word}" for word in text), LABELS[label]))
        self._write_folder(work / "model")
        return [count + 2 for count in words]

    def _write_folder(self, folder: Path) -> None:
        import torch
        import transformers
        from tokenizers import processors

        special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
        marks = dict(
            zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True)
        )
        template = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        size = write_tokenizer(folder, special, WORDS, marks, template)
        torch.manual_seed(0)
        settings = transformers.BertConfig(
            vocab_size=size, hidden_size=256, num_hidden_layers=4, num_attention_heads=4,
            intermediate_size=1024, max_position_embeddings=256, pad_token_id=0,
            id2label=dict(enumerate(LABELS)), label2id={label: id for id, label in enumerate(LABELS)},
        )  # fmt: skip
        transformers.BertForSequenceClassification(settings).save_pretrained(folder)

    def spec(self, work: Path, dropout: float) -> dict[str, Any]:
        """Its data and its model."""
        folder = str(work / "model")
        return {
            "data": {
                "source": {"type": "csv", "root": str(work), "splits": {"train": "train.csv"},
                           "source": {"text": "text", "language": "en"}, "target": {"label": "label"}},
                "text": {"source": {"tokenizer": {"type": "hf", "from": folder, "template": True}}},
                "filter": {"max_source_tokens": 256},
            },
            "model": {"type": "classifier",
                      "encoder": {"type": "bert", "from": folder, "pooler": True, "dropout": dropout,
                                  "attention_dropout": dropout},
                      "head": {"type": "pretrained", "from": folder}},
        }  # fmt: skip

    def trainers(self, work: Path, dropout: float) -> tuple[Any, list[dict[str, Any]], Any]:
        """The Trainer's model, examples and collator."""
        import transformers

        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            work / "model", hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(work / "model")
        with (work / "train.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        examples = [{**tokenizer(row["text"]), "labels": LABELS.index(row["label"])} for row in rows]
        return model, examples, transformers.DataCollatorWithPadding(tokenizer)


class Chat:
    """Completions of prompts."""

    role = "target"
    dropout = 0.0
    pieces = 8000

    def __init__(self, completion: int) -> None:
        self.completion = completion
        """Words of a completion, in the median; prompt and completion have ``MEDIAN`` together."""

    def write(self, work: Path) -> list[int]:
        """The conversations and the folder; gives the tokens of each."""
        rng = random.Random(1)
        asks = MEDIAN - self.completion
        counts = [(lengths(rng, asks), lengths(rng, self.completion)) for _ in range(ROWS)]
        with (work / "train.jsonl").open("w", encoding="utf-8") as file:
            for asked, answered in counts:
                prompt = [rng.randrange(self.pieces) for _ in range(asked)]
                # Three words in four of an answer are those of its prompt.
                answer = [
                    rng.choice(prompt) if rng.random() < 0.75 else rng.randrange(self.pieces)
                    for _ in range(answered)
                ]
                told = {"prompt": self._text(prompt), "completion": self._text(answer)}
                file.write(json.dumps(told) + "\n")
        self._write_folder(work / "model")
        return [sum(pair) + 2 for pair in counts]

    def _text(self, words: list[int]) -> str:
        return " ".join(f"w{word}" for word in words)

    def _write_folder(self, folder: Path) -> None:
        import torch
        import transformers

        marks = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
        size = write_tokenizer(folder, tuple(marks.values()), self.pieces, marks, None)
        torch.manual_seed(0)
        settings = transformers.LlamaConfig(
            vocab_size=size, hidden_size=256, num_hidden_layers=6, num_attention_heads=4,
            num_key_value_heads=4, intermediate_size=688, max_position_embeddings=512,
            bos_token_id=1, eos_token_id=2, pad_token_id=3, tie_word_embeddings=False,
        )  # fmt: skip
        transformers.LlamaForCausalLM(settings).save_pretrained(folder)

    def spec(self, work: Path, dropout: float) -> dict[str, Any]:
        """Its data and its model."""
        folder = str(work / "model")
        turns = {"user": "{content}", "assistant": "{content} </s>"}
        return {
            "data": {
                "source": {"type": "chat", "root": str(work), "language": "en", "splits": {"train": "train.jsonl"},
                           "template": {"turns": turns, "between": " "}},
                "text": {"target": {"tokenizer": {"type": "hf", "from": folder}}},
                "filter": {"max_target_tokens": 512},
            },
            "model": {"type": "language_model", "from": folder, "decoder": "llama",
                      "head": {"type": "linear", "bias": False}, "tie": "none"},
        }  # fmt: skip

    def trainers(self, work: Path, dropout: float) -> tuple[Any, list[dict[str, Any]], Any]:
        """The Trainer's model, examples and collator."""
        import transformers

        model = transformers.AutoModelForCausalLM.from_pretrained(work / "model")
        tokenizer = transformers.AutoTokenizer.from_pretrained(work / "model")
        examples = []
        for line in (work / "train.jsonl").read_text(encoding="utf-8").splitlines():
            pair = json.loads(line)
            asked, answered = (
                tokenizer(pair[key], add_special_tokens=False)["input_ids"]
                for key in ("prompt", "completion")
            )
            ids = [1, *asked, *answered, 2]
            labels = [-100] * (1 + len(asked)) + [*answered, 2]
            examples.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})
        return model, examples, transformers.DataCollatorForSeq2Seq(tokenizer)


TASKS = {"classify": Classify(), "chat": Chat(MEDIAN // 2), "chat_short": Chat(MEDIAN // 4)}


def lengths(rng: random.Random, median: int) -> int:
    """Words of one text."""
    return min(max(round(rng.lognormvariate(0, SPREAD) * median), SHORTEST), LONGEST)


def write_tokenizer(
    folder: Path, special: tuple[str, ...], words: int, marks: dict[str, str], template: Any
) -> int:
    """A tokenizer of whole words, as transformers saves it; gives the number of its pieces."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    pieces = {piece: id for id, piece in enumerate((*special, *(f"w{word}" for word in range(words))))}
    own = Tokenizer(models.WordLevel(pieces, unk_token=marks["unk_token"]))
    own.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if template is not None:
        own.post_processor = template
    transformers.PreTrainedTokenizerFast(tokenizer_object=own, **marks).save_pretrained(folder)
    return len(pieces)


def compiled(given: argparse.Namespace, *, steps: int, dropout: float) -> Any:
    """The spec's plan."""
    from seqspec.compile.pipeline import compile as compile_spec

    own = TASKS[given.task].spec(given.work, dropout)
    spec = {
        "seqspec": 1, "name": "fine_tuning", **own,
        "data": {**own["data"], "batch": {"unit": "examples", "size": BATCH}},
        "optimizer": {"type": "adamw", "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01, "decay": "matrices",
                      "schedule": {"type": "constant", "peak": PEAK}},
        "train": {"max_steps": steps, "clip_norm": 1.0, "checkpoint_every_steps": steps},
        "evaluate": {"every_steps": None, "splits": []},
    }  # fmt: skip
    file = given.work / "fine_tuning.yaml"
    file.write_text(json.dumps(spec), encoding="utf-8")
    return compile_spec(file)


def rate(given: argparse.Namespace) -> dict[str, Any]:
    """Tokens a CPU second after the first step, and the share of padding."""
    import torch
    from torch.optim.optimizer import register_optimizer_step_post_hook

    torch.set_num_threads(1)
    at: list[float] = []
    register_optimizer_step_post_hook(lambda *_: at.append(time.process_time()))
    steps = CONTENDERS[given.contender]
    if given.contender == "seqspec":
        lengths = run_spec(given, steps)
    else:
        lengths = train(given, steps, grouped=given.contender.endswith("grouped"))
    real = sum(map(sum, lengths[1:steps]))
    cells = sum(max(batch) * len(batch) for batch in lengths[1:steps])
    return {
        "tokens_a_cpu_second": round(real / (at[steps - 1] - at[0])), "padding": round(1 - real / cells, 3),
        "peak_mib": round(peak_resident(), 1),
    }  # fmt: skip


def run_spec(given: argparse.Namespace, steps: int) -> list[list[int]]:
    """``seqspec run``; gives the lengths of the texts of each batch."""
    from seqspec.data.batching.loader import training_order
    from seqspec.runtime.assembly.assemble import assemble
    from seqspec.runtime.devices.launch import Launch
    from seqspec.runtime.run import run

    plan = compiled(given, steps=steps, dropout=TASKS[given.task].dropout)
    prepared = assemble(plan, splits=("train",), initial=True).prepared
    split = prepared.splits["train"]
    order = training_order(prepared.parts, split)
    with contextlib.redirect_stdout(sys.stderr):
        run(plan, runs=given.work / "runs", launch=Launch(device="cpu", threads=1, quiet=True))
    held = split.lengths_of(TASKS[given.task].role)
    return [held[order.batch(number).examples].tolist() for number in range(steps)]


def train(given: argparse.Namespace, steps: int, *, grouped: bool) -> list[list[int]]:
    """The Trainer's loop; gives the lengths of the texts of each batch."""
    trainer = trainer_of(given, dropout=TASKS[given.task].dropout, max_steps=steps,
                         train_sampling_strategy="group_by_length" if grouped else "random")  # fmt: skip
    with contextlib.redirect_stdout(sys.stderr):
        trainer.train()
    return [[len(trainer.train_dataset[row]["input_ids"]) for row in batch] for batch in trainer.seen]


def trainer_of(given: argparse.Namespace, *, dropout: float, **settings: Any) -> Any:
    """A Trainer over the examples, tokenised beforehand."""
    import transformers

    model, examples, padding = TASKS[given.task].trainers(given.work, dropout)
    examples = [{**example, "row": number} for number, example in enumerate(examples)]
    arguments = transformers.TrainingArguments(
        output_dir=str(given.work / "trainer"), use_cpu=True, per_device_train_batch_size=BATCH,
        learning_rate=PEAK, lr_scheduler_type="constant", weight_decay=0.01, max_grad_norm=1.0, seed=1,
        save_strategy="no", logging_steps=50, report_to=[], disable_tqdm=True, dataloader_pin_memory=False,
        remove_unused_columns=False, **settings,
    )  # fmt: skip

    def collate(batch: list[dict[str, Any]]) -> Any:
        seen.append([one["row"] for one in batch])
        return padding([{key: value for key, value in one.items() if key != "row"} for one in batch])

    seen: list[list[int]] = []
    trainer = transformers.Trainer(model, arguments, data_collator=collate, train_dataset=examples)
    trainer.seen = seen
    return trainer


def losses(given: argparse.Namespace) -> dict[str, Any]:
    """The largest difference between the losses of both at equal steps, in the Trainer's order, and the last."""
    theirs, batches = losses_of_trainer(given)
    ours = losses_of_spec(given, batches)
    return {
        "compared_steps": len(ours), "largest_difference": max(abs(a - b) for a, b in zip(ours, theirs, strict=True)),
        "first_and_last_loss": [round(ours[0], 4), round(ours[-1], 4)],
    }  # fmt: skip


def losses_of_trainer(given: argparse.Namespace) -> tuple[list[float], list[list[int]]]:
    """Losses, and the rows of each batch."""
    trainer, found = trainer_of(given, dropout=0.0, max_steps=given.steps), []
    plain = trainer.compute_loss

    def heard(*args: Any, **kwargs: Any) -> Any:
        loss = plain(*args, **kwargs)
        found.append(float((loss[0] if isinstance(loss, tuple) else loss).detach()))
        return loss

    trainer.compute_loss = heard
    with contextlib.redirect_stdout(sys.stderr):
        trainer.train()
    return found, trainer.seen[: given.steps]


def losses_of_spec(given: argparse.Namespace, batches: list[list[int]]) -> list[float]:
    """Losses of our training module on the same batches."""
    import numpy as np
    from lightning.pytorch import Callback, Trainer

    from seqspec.data.batching.loader import Loader, micro_steps
    from seqspec.data.batching.order import Planned
    from seqspec.runtime.assembly.assemble import assemble
    from seqspec.runtime.training.training_module import Training

    class Given:
        """An order that is written down."""

        def batch(self, number: int) -> Planned:
            return Planned(0, np.asarray(batches[number], np.int64))

    class Heard(Callback):
        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, index: int) -> None:
            found.append(float(outputs["loss"]))

    found: list[float] = []
    made = assemble(compiled(given, steps=len(batches), dropout=0.0), splits=("train",), initial=True)
    steps: Any = micro_steps(
        made.prepared.parts, made.prepared.splits["train"], Given(),  # type: ignore[arg-type]
        start=0, stop=len(batches), num_micro_batches=1, rank=0, world=1,
    )  # fmt: skip
    quiet: dict[str, Any] = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    trainer = Trainer(accelerator="cpu", max_epochs=1, limit_val_batches=0, use_distributed_sampler=False,
                      callbacks=[Heard()], **quiet)  # fmt: skip
    trainer.fit(Training(made.program, micro_batches=1), train_dataloaders=Loader(steps))
    return found


if __name__ == "__main__":
    main()
