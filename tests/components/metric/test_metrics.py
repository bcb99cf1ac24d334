"""Metrics: perfect is perfect, known cases and references agree, and nonsense is refused."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st

from seqspec.components.predictions import KINDS
from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.slot import slots
from tests.components.text_steps import CATALOGUE, LABELS, TEXTS, Flow, config, metric

TEXT_METRICS = ["wer", "cer", "bleu", "chrf", "ter", "rouge", "sequence_accuracy", "bracketing_f1"]
TEACHER_FORCED = ["perplexity", "bits_per_character", "bits_per_byte", "nats_per_token", "token_accuracy"]
LABEL_METRICS = ["accuracy", "error", "f1", "mcc", "precision", "recall"]
PROBABILITY_METRICS = ["auc", "ece"]
PICTURE_METRICS = ["bits_per_dim"]
TAG_METRICS = ["span_f1"]
FRAME_METRICS = ["frame_distance", "mel_cepstral_distortion"]
MECAB = {"type": "mecab", "dictionary": "ipadic"}
PAIRS = [
    ("the cat sat on the mat", "the cat sat on a mat"),
    ("a dog is here", "a small dog was there today"),
    ("nothing to see here", "nothing to see"),
]


def scored(name: str, pairs, /, **settings):
    made = metric(name, **settings)
    for hypothesis, reference in pairs:
        made.update(hypothesis, reference)
    return made


def value(name: str, pairs, /, **settings) -> float:
    return scored(name, pairs, **settings).compute()[name]


def apply(of, takes):
    return of.wire(takes, Flow()) if hasattr(of, "wire") else of.output(takes)


def test_the_folder_holds_these_metrics_and_no_other():
    """Metrics of values and of what only the model can tell have tests of their own."""
    names = TEXT_METRICS + TEACHER_FORCED + LABEL_METRICS + PROBABILITY_METRICS + PICTURE_METRICS
    names += TAG_METRICS + FRAME_METRICS
    reads = {name: CATALOGUE.module("metric", name).reads for name in CATALOGUE.names("metric")}
    valued = {name for name, kind in reads.items() if kind in (*KINDS[2:], "model")}
    assert len(names) == len(set(names))
    assert set(reads) - set(names) == valued - set(names)
    assert set(names) <= set(reads)


@pytest.mark.parametrize("name", TEXT_METRICS)
def test_a_text_against_itself_is_perfect(name):
    texts = ["(S (NP the )NP (VP cat sat )VP on )S", "(S a (NP b )NP c d e )S"]
    found = value(name, [(text, text) for text in texts])

    best = {"bleu": 100, "chrf": 100, "wer": 0, "cer": 0, "ter": 0}.get(name, 1)
    assert found == pytest.approx(best)


@pytest.mark.parametrize("name", TEXT_METRICS)
def test_nothing_against_a_text_is_worst(name):
    text = "(S (NP the )NP (VP cat sat )VP on )S"

    worst = {"wer": 1, "cer": 1, "ter": 1}.get(name, 0)
    assert value(name, [("", text)]) == pytest.approx(worst)


@pytest.mark.parametrize("name", TEXT_METRICS)
def test_no_examples_are_no_division_by_zero(name):
    assert math.isfinite(metric(name).compute()[name])


@pytest.mark.parametrize("name", [*TEXT_METRICS, *LABEL_METRICS])
def test_values_come_under_the_metrics_own_name_first(name):
    found = scored(name, [("a", "a")])

    assert next(iter(found.compute())) == name
    assert found.better in ("lower", "higher")
    assert found.reads == ("labels" if name in LABEL_METRICS else "text")
    assert found.signature()


@pytest.mark.parametrize("name", TEACHER_FORCED + PICTURE_METRICS)
def test_teacher_forced_metrics_say_so_and_read_sums(name):
    made = metric(name)
    assert made.compute() == {name: 0.0}

    made.update({"nll": 2 * math.log(2), "targets": 2, "correct": 1, "characters": 4, "bytes": 8})

    assert made.reads == "teacher_forced"
    expected = {
        "perplexity": 2,
        "token_accuracy": 0.5,
        "bits_per_character": 0.5,
        "bits_per_byte": 0.25,
        "nats_per_token": math.log(2),
        "bits_per_dim": 1,
    }
    assert made.compute()[name] == pytest.approx(expected[name])
    assert "teacher_forced" in made.signature()


def test_a_missing_sum_is_named():
    with pytest.raises(KeyError, match="lack targets; they hold nll"):
        metric("perplexity").update({"nll": 1.0})


def test_perplexity_beyond_floats_is_infinite():
    made = metric("perplexity")
    made.update({"nll": 1e6, "targets": 1})

    assert made.compute()["perplexity"] == math.inf


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_sums_do_not_depend_on_the_order_of_batches(terms):
    forwards, backwards = metric("perplexity"), metric("perplexity")
    for term in terms:
        forwards.update({"nll": term, "targets": 1e6})
    for term in terms[::-1]:
        backwards.update({"nll": term, "targets": 1e6})

    assert forwards.compute() == backwards.compute()


@pytest.mark.parametrize(
    ("hypothesis", "reference", "rates"),
    [
        ("a b c", "a b c", (0, 0, 0)),
        ("a x c", "a b c", (1 / 3, 0, 0)),
        ("a c", "a b c", (0, 1 / 3, 0)),
        ("a b b c", "a b c", (0, 0, 1 / 3)),
        ("x y z w", "a", (1, 0, 3)),
    ],
)
def test_wer_counts_each_kind_of_error(hypothesis, reference, rates):
    found = scored("wer", [(hypothesis, reference)]).compute()

    assert found["wer"] == pytest.approx(sum(rates))
    kinds = ("substitutions", "deletions", "insertions")
    assert tuple(found[f"wer_{kind}"] for kind in kinds) == pytest.approx(rates)


def test_wer_is_errors_over_words_not_a_mean_of_rates():
    assert value("wer", [("x", "a"), ("a b c d e f g h i", "a b c d e f g h i")]) == pytest.approx(1 / 10)


def test_wer_normalises_both_sides():
    pairs = [("Don't STOP", "don't stop!")]

    assert value("wer", pairs) == 1
    assert value("wer", pairs, normalize=["lowercase"], punctuation="strip") == 0


def test_t27_cer_depends_on_normaliser_and_punctuation_so_both_are_in_the_signature():
    pairs = [("１２時に、行く", "12時に行く。")]
    loose = {"normalize": ["nfkc"], "punctuation": "strip"}

    assert value("cer", pairs) > value("cer", pairs, normalize=["nfkc"]) > value("cer", pairs, **loose) == 0
    assert "normalize:nfkc|punctuation:strip" in scored("cer", pairs, **loose).signature()


def test_cer_counts_graphemes_and_leaves_spaces_out_when_asked():
    pairs = [("か\u3099 き", "が き")]

    assert value("cer", pairs) == pytest.approx(2 / 3)
    assert value("cer", pairs, unit="grapheme", spaces="strip") == pytest.approx(1 / 2)


def test_t28_wer_of_japanese_wants_a_segmenter():
    unsegmented, segmented = config("metric", "wer"), config("metric", "wer", segment=MECAB)

    assert "no spaces" in unsegmented.refuses("ja")[0]
    assert "segment" in unsegmented.refuses("ja-JP")[1]
    assert unsegmented.refuses("en") is None
    assert segmented.refuses("ja") is None


def test_t28_segmented_wer_counts_words():
    found = scored("wer", [("東京に行く", "東京へ行く")], segment=MECAB)

    assert found.compute()["wer"] == pytest.approx(1 / 3)
    assert "words:mecab-ipadic-1.0.0" in found.signature()


def test_t36_signature_tells_dictionaries_of_no_package_apart(tmp_path):
    from tests.components.text_steps import mecab

    (tmp_path / "copy").symlink_to(mecab("ipadic").dictionary.folder)
    (tmp_path / "other").symlink_to(mecab("unidic-lite").dictionary.folder)
    signatures = {
        scored("wer", [], segment={"type": "mecab", "dictionary": str(tmp_path / name)}).signature()
        for name in ("copy", "other")
    }

    assert len(signatures) == 2
    assert not any(str(tmp_path) in signature for signature in signatures)


@pytest.mark.parametrize(
    ("tokenize", "language", "fine"),
    [
        ("13a", "ja", False),
        ("intl", "zh-Hant", False),
        ("ja-mecab", "ja", True),
        ("char", "th", True),
        ("13a", "en", True),
    ],
)
def test_t29_bleu_of_unspaced_text_wants_a_tokenizer_that_cuts_it(tokenize, language, fine):
    found = config("metric", "bleu", tokenize=tokenize).refuses(language)

    assert (found is None) == fine


@pytest.mark.parametrize("name", ["ter", "rouge"])
def test_word_metrics_refuse_unspaced_text(name):
    assert config("metric", name).refuses("ja")
    assert config("metric", name).refuses("de") is None


def test_bleu_chrf_and_ter_are_sacrebleus():
    hypotheses, references = zip(*PAIRS, strict=True)

    assert value("bleu", PAIRS) == sacrebleu.corpus_bleu(hypotheses, [references]).score
    assert value("chrf", PAIRS) == sacrebleu.corpus_chrf(hypotheses, [references]).score
    assert value("ter", PAIRS) == pytest.approx(sacrebleu.corpus_ter(hypotheses, [references]).score / 100)


def test_bleu_keeps_sacrebleus_signature():
    found = scored("bleu", PAIRS, tokenize="char", lowercase=True).signature()

    assert found == f"nrefs:1|case:lc|eff:no|tok:char|smooth:exp|version:{sacrebleu.__version__}"


def test_bleu_cuts_japanese_by_mecab():
    pairs = [("彼は東京に行った。", "彼は東京へ行った。")]

    assert 0 < value("bleu", pairs, tokenize="ja-mecab") < 100
    assert "tok:ja-mecab" in scored("bleu", pairs, tokenize="ja-mecab").signature()


def test_bleu_without_its_japanese_packages_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipadic", None)
    monkeypatch.delitem(sys.modules, "sacrebleu.tokenizers.tokenizer_ja_mecab", raising=False)

    with pytest.raises(DataError) as found:
        value("bleu", [("あ", "あ")], tokenize="ja-mecab")

    assert found.value.help == "pip install 'sacrebleu[ja]'"


def test_rouge_is_that_of_the_rouge_score_package():
    from rouge_score.rouge_scorer import RougeScorer

    pairs = [
        *PAIRS,
        ("The dog.\nA cat sat here\nit is", "A cat sat.\nthe big dog is"),
        ("x", "y z"),
        ("a b a b", "b a b a b"),
    ]
    theirs = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"])
    ours = scored("rouge", pairs, variants=["1", "2", "L", "Lsum"]).compute()

    for variant in ("1", "2", "L", "Lsum"):
        scores = [
            theirs.score(reference, hypothesis)[f"rouge{variant}"].fmeasure for hypothesis, reference in pairs
        ]
        assert ours[f"rouge_{variant}"] == pytest.approx(sum(scores) / len(scores)), variant


def test_rouge_of_japanese_counts_its_words():
    assert value("rouge", [("東京に行く", "東京へ行く")], segment=MECAB, variants=["1"]) == pytest.approx(
        2 / 3
    )


def test_sequence_accuracy_wants_every_letter():
    assert value("sequence_accuracy", [("a b", "a b"), ("a  b", "a b")]) == 0.5


def test_labels_are_counted():
    pairs = [("cat", "cat"), ("dog", "cat"), ("cat", "cat"), ("cat", "cat")]

    assert value("accuracy", pairs) == 0.75
    assert value("error", pairs) == 0.25


# --- Brackets

TREE = "(S (NP XX XX )NP (VP XX (NP XX )NP )VP . )S"


def test_brackets_are_counted_by_label_and_place():
    found = scored("bracketing_f1", [("(S (NP XX XX )NP (VP XX XX )VP . )S", TREE)]).compute()

    assert found["bracketing_precision"] == 1
    assert found["bracketing_recall"] == pytest.approx(3 / 4)
    assert found["bracketing_f1"] == pytest.approx(6 / 7)
    assert found["bracketing_exact"] == 0


def test_punctuation_and_root_do_not_count():
    hypothesis = "(TOP (S (NP XX XX )NP (VP XX (NP XX . )NP )VP )S )TOP"

    assert value("bracketing_f1", [(hypothesis, TREE)]) == 1


def test_particles_count_as_adverbs():
    assert value("bracketing_f1", [("(S (PRT XX )PRT )S", "(S (ADVP XX )ADVP )S")]) == 1


@pytest.mark.parametrize("broken", ["(S (NP XX", ")S )S XX", "(S (NP XX )VP )S", "( ( )", "(S XX )S )S"])
def test_broken_trees_are_counted_and_score_what_closes(broken):
    found = scored("bracketing_f1", [(broken, "(S (NP XX )NP )S")]).compute()

    assert found["bracketing_broken"] == 1
    assert 0 <= found["bracketing_f1"] <= 1


# --- What makes no sense


@pytest.mark.parametrize("name", [*TEXT_METRICS, *TEACHER_FORCED])
def test_text_metrics_refuse_labels(name):
    with pytest.raises(Mismatch, match="labels"):
        apply(config("metric", name), LABELS)
    apply(config("metric", name), TEXTS)


@pytest.mark.parametrize("name", LABEL_METRICS + PROBABILITY_METRICS)
def test_label_metrics_refuse_texts(name):
    with pytest.raises(Mismatch, match="counts labels"):
        apply(config("metric", name), TEXTS)
    apply(config("metric", name), LABELS)


def test_asian_support_counts_only_with_normalisation():
    with pytest.raises(Mismatch, match="normalized"):
        apply(config("metric", "ter", asian_support=True), TEXTS)


@pytest.mark.parametrize(
    "name", sorted([*TEXT_METRICS, *TEACHER_FORCED, *LABEL_METRICS, *PROBABILITY_METRICS])
)
def test_every_setting_is_read(name):
    cls = CATALOGUE.config("metric", name)
    seen: set[str] = set()

    class Watched:
        def __getattr__(self, field):
            seen.add(field)
            return getattr(cls(), field)

    class Parts:
        def __call__(self, field):
            seen.add(field)

        def list(self, field):
            seen.add(field)
            return []

    CATALOGUE.module("metric", name)(Watched(), TEXTS, Parts())

    assert set(cls.model_fields) <= seen
    assert {field for field, _ in slots(cls)} <= seen


def test_metrics_do_not_load_torch():
    code = (
        "import sys; from seqspec.schema.catalogue import Catalogue; c = Catalogue();"
        "[c.module(s, n) for s in ('metric', 'tokenizer', 'segmenter', 'normalizer') for n in c.names(s)];"
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
