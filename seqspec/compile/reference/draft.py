"""``seqspec new --from PATH``: a commented spec for the data that lie there, behind the templates' models."""

from __future__ import annotations

import json
import re

from seqspec.compile.reference.starting_specs import template
from seqspec.data.corpus.survey.surveyed import Survey
from seqspec.schema.languages import UNSPACED

_TEMPLATES = {
    "classification": "classification",
    "recognition": "asr_own",
    "translation": "mt",
    "language_model": "lm",
}
_SEGMENT = (
    "      # Japanese has no spaces: the dictionary decides the words; `segment: null` leaves that to the\n"
    "      # tokenizer.\n"
    "      segment: {type: mecab, dictionary: unidic-lite}\n"
)
_UNCUT = "      segment: null   # no spaces between words: the tokenizer cuts the raw text"
SHARES = (0.1, 0.2, 0.5)
"""Of train, what is cut out as dev: the least that takes an example of the most frequent class at least."""
_IMAGE_MODEL = """model: {type: classifier, encoder: lenet}   # see `seqspec list encoder`

loss: cross_entropy

optimizer: {type: adamw, schedule: {type: inverse_sqrt, peak: 1.0e-3, warmup_steps: 100}}

train: {max_steps: 2000, checkpoint_every_steps: 200}

evaluate: {every_steps: 200, splits: [dev], metrics: [accuracy]}

profiles:
  tiny:                          # `seqspec run THIS_FILE --profile tiny`: no corpus needed
    data: {source: {synthetic: 64}}
    optimizer: {schedule: {warmup_steps: 4}}
    train: {max_steps: 20, checkpoint_every_steps: 10}
    evaluate: {every_steps: 10}
"""


def draft(found: Survey) -> str:
    """The text of the spec."""
    seen = f"{found.rows:,} rows looked at" + (f", {found.classes:,} classes" if found.classes else "")
    head = [f"# {found.task.replace('_', ' ').capitalize()}, drafted from what lies in the folder: {seen}."]
    head += [f"# Note: {note}." for note in found.notes]
    head += ["# Every key that is not here has a default; `seqspec explain THIS_FILE` shows them all."]
    name = "my_" + found.task
    return "\n".join(head) + f"\nseqspec: 1\nname: {name}\nseed: 1\n\n{_data(found)}\n{_rest(found)}"


def _rest(found: Survey) -> str:
    if found.task == "images":
        return _IMAGE_MODEL
    text = template(_TEMPLATES[found.task])
    rest = text[text.index("\nmodel:") + 1 :]
    if found.target_language in ("ja", "zh"):
        rest = rest.replace("metrics: [{type: bleu, tokenize: 13a}, chrf]", "metrics: [chrf]")
        rest = re.sub(r", \{type: wer[^}]*\}", "", rest)
    if found.task == "translation":
        rest = re.sub(r"(tokenizer: \{vocab_size: 300)\}", r"\1, limit: soft}", rest)
    return rest


def _data(found: Survey) -> str:
    lines = [
        "data:",
        "  source:",
        f"    type: {found.adapter}",
        f"    root: {_quoted(str(found.root.absolute()))}",
        *([f"    delimiter: {json.dumps(found.delimiter)}"] if found.delimiter != "," else []),
    ]
    if found.lines is not None:
        lines += found.lines
    else:
        splits = {"train": found.train, **found.others}
        lines += [f"    splits: {{{', '.join(f'{name}: {_quoted(file)}' for name, file in splits.items())}}}"]
    write = {
        "classification": _classification,
        "recognition": _recognition,
        "translation": _translation,
        "language_model": _language_model,
        "images": _images,
    }
    return "\n".join([*lines, *write[found.task](found)]) + "\n"


def _classification(found: Survey) -> list[str]:
    most = max(64, 2 ** found.longest.bit_length())
    return [
        f"    source: {{text: {_quoted(found.source)}, language: {found.source_language}}}",
        f"    target: {{label: {_quoted(found.target)}}}   # {found.classes:,} classes were seen",
        *_cut(found, ", by: label"),
        "  text:",
        *_pipeline("source", found.source_language),
        f"  filter: {{max_source_tokens: {most}}}   # longest: {found.longest:,}",
        "  batch: {unit: examples, size: 32}",
    ]


def _recognition(found: Survey) -> list[str]:
    columns = [
        f"    source: {{audio: {_quoted(found.source)}, rate: {found.rate}, resample: true}}",
        f"    target: {{text: {_quoted(found.target)}, language: {found.target_language}}}",
    ]
    return [
        *(columns if found.lines is None else []),
        *_cut(found),
        "  audio: {features: {type: log_mel, num_bins: 80}}",
        "  text: {target: {normalize: [nfkc, lowercase], tokenizer: characters}}",
        "  filter: {max_seconds: 20.0}   # what is longer is left out, counted and reported",
        "  batch: {unit: seconds, size: 240}",
    ]


def _translation(found: Survey) -> list[str]:
    languages = found.source_language, found.target_language
    if found.source:
        sides = [
            f"    {role}: {{text: {_quoted(column)}, language: {language}}}"
            for role, column, language in zip(
                ("source", "target"), (found.source, found.target), languages, strict=True
            )
        ]
    else:
        sides = [f"    source_language: {languages[0]}", f"    target_language: {languages[1]}"]
    return [
        *sides,
        *_cut(found),
        "  text:",
        *_pipeline("source", languages[0]),
        *_pipeline("target", languages[1]),
        "  filter: {max_source_tokens: 128, max_target_tokens: 128}",
        "  batch: {unit: tokens, size: 8192}",
    ]


def _language_model(found: Survey) -> list[str]:
    column = f"{{text: {_quoted(found.target)}, language: {found.target_language}}}"
    lines = [
        f"    language: {found.target_language}   # by its letters",
        *([] if "dev" in found.others else ["    cut: {train: 0.9, dev: 0.1}"]),
    ]
    return [
        *([f"    target: {column}   # by its letters", *_cut(found)] if found.target else lines),
        "  text: {target: {tokenizer: characters}}",
        "  pack: {length: 256, document_mask: false, sample: offsets}",
        "  batch: {unit: examples, size: 32}",
    ]


def _images(found: Survey) -> list[str]:
    return [
        "    height: 32",
        "    width: 32",
        "    channels: 3",
        "    resize: true",
        *_cut(found, ", by: label"),
        "  image: {normalize: image}",
        "  batch: {unit: examples, size: 32}",
    ]


def _pipeline(role: str, language: str) -> list[str]:
    segment = [_SEGMENT.rstrip("\n")] if language == "ja" else [_UNCUT] if language in UNSPACED else []
    return [
        f"    {role}:",
        "      normalize: [nfkc]          # full-width digits and letters become plain ones",
        *segment,
        "      tokenizer: {type: sentencepiece, vocab_size: 8000, limit: soft}",
    ]


def _cut(found: Survey, by: str = "") -> list[str]:
    """The split that is cut out of train where the corpus has none to evaluate on."""
    if "dev" in found.others:
        return []
    share = next((share for share in SHARES if found.rows * share >= found.classes), SHARES[-1])
    return [f"  split: {{dev: {share}{by}}}   # cut out of train; or name a file for dev above"]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
