"""Tokenizers: ids, decoding, offsets, determinism and what they say when they cannot."""

from __future__ import annotations

import pickle
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqspec.schema.config import Mismatch
from seqspec.schema.diagnostic import DataError
from seqspec.schema.types import BOS, EOS, PAD, UNK, Frames, Text
from tests.components.text_steps import config, tokenizer

SENTENCES = [
    "すもももももももものうち",
    "東京の大学に行く",
    "京都で寿司を食べる",
    "the cat sat on the mat",
    "１２３の猫",
]


@pytest.fixture(scope="module")
def corpus():
    """Lines of made-up words, many enough for a few hundred pieces."""
    chooser = random.Random(4)
    words = [
        "".join(chooser.choices("あいうえおかきくけこ漢字東京大学", k=chooser.randrange(1, 5)))
        for _ in range(150)
    ]
    return ["".join(chooser.choices(words, k=8)) for _ in range(400)]


@pytest.fixture(scope="module")
def pieces(corpus):
    made = tokenizer("sentencepiece", vocab_size=400)
    made.train(corpus)
    return made


def trained(name: str, texts=SENTENCES, /, **options):
    made = tokenizer(name, **options)
    made.train(texts)
    return made


EVERY = {
    "bytes": lambda: trained("bytes"),
    "characters": lambda: trained("characters"),
    "words": lambda: trained("words"),
    "lingvo_graphemes": lambda: trained("lingvo_graphemes"),
    "sentencepiece": lambda: trained("sentencepiece", SENTENCES * 5, vocab_size=310, limit="soft"),
    "sentencepiece-bpe": lambda: trained("sentencepiece", SENTENCES * 5, vocab_size=310, model="bpe"),
    "phonemes": lambda: trained("phonemes", style="phonemes"),
}
NAMES = pytest.mark.parametrize("name", EVERY)


@NAMES
def test_special_ids_are_left_out_of_text(name):
    made = EVERY[name]()
    ids = made.encode("東京 a")

    assert made.decode([BOS, *ids, EOS, PAD, PAD]) == made.decode(ids)
    assert all(4 <= id < made.vocab_size or id == UNK for id in ids)
    assert made.decode([]) == ""
    assert made.encode("") == []


@NAMES
def test_batches_and_pieces_agree_with_single_texts(name):
    made = EVERY[name]()
    texts = [*SENTENCES, "", "xyz 犬"]

    assert made.encode_batch(texts) == [made.encode(text) for text in texts]
    assert all(len(made.pieces(ids)) == len(ids) for ids in made.encode_batch(texts))
    assert made.encode_batch([]) == []


@NAMES
def test_there_is_one_sound_offset_an_id(name):
    made = EVERY[name]()
    for text in [*SENTENCES, "犬 x 👨\u200d👩", " 東京\t"]:
        spans = made.offsets(text)
        assert len(spans) == len(made.encode(text))
        assert all(0 <= start <= end <= len(text) for start, end in spans)
        assert spans == sorted(spans)


@NAMES
def test_ids_outside_the_vocabulary_are_refused(name):
    made = EVERY[name]()

    with pytest.raises(IndexError, match="outside a vocabulary"):
        made.decode([made.vocab_size])


@NAMES
def test_tokenizers_travel_between_processes_and_through_artifacts(name):
    made = EVERY[name]()
    ids = made.encode(SENTENCES[0])

    again = pickle.loads(pickle.dumps(made))

    assert again.encode(SENTENCES[0]) == ids
    assert again.fingerprint() == made.fingerprint()


@pytest.mark.parametrize("name", ["characters", "words"])
def test_training_order_does_not_matter(name):
    forwards, backwards = tokenizer(name), tokenizer(name)

    assert forwards.train(SENTENCES) == backwards.train(SENTENCES[::-1])


@pytest.mark.parametrize(("name", "known", "unknown"), [("characters", "ab", "c"), ("words", "ab cd", "ef")])
def test_rare_symbols_become_unknown(name, known, unknown):
    made = trained(name, [f"{known} {known}", unknown], min_count=2)

    assert UNK not in made.encode(known)
    assert UNK in made.encode(unknown)


def test_most_frequent_symbols_stay():
    made = trained("characters", ["aaabbc"], max_size=6)

    assert made.vocab_size == 6
    assert made.encode("abc") == [4, 5, UNK]


def test_damaged_vocabulary_is_one_line():
    with pytest.raises(DataError, match="damaged"):
        tokenizer("characters").load(b"\xff\x00")
    made = tokenizer("sentencepiece", vocab_size=300)
    made.load(b"nonsense")
    with pytest.raises(DataError, match="damaged"):
        made.encode("a")


def test_words_are_cut_at_ascii_space_only():
    made = trained("words", ["東京 \u3000 大阪"])

    assert made.pieces(made.encode("大阪 \u3000 東京")) == ["大阪", "\u3000", "東京"]


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_bytes_lose_nothing(text):
    made = tokenizer("bytes")

    assert made.decode(made.encode(text)) == text


def test_bytes_show_what_is_broken():
    made = tokenizer("bytes")

    assert made.decode([0xE6 + 4, 0x9D + 4]) == "\ufffd"
    assert made.encode("a\ud800") == [ord("a") + 4, UNK]


def test_lingvo_graphemes_are_seventy_six():
    made = tokenizer("lingvo_graphemes")

    assert made.vocab_size == 76
    assert len({made.pieces([id])[0] for id in range(76)}) == 76
    assert made.decode(made.encode("IT'S <NOISE> 3 O'CLOCK")) == "it's <unk>noise> 3 o'clock".replace(
        "<unk>", "<"
    )
    assert made.encode("<noise>") == made.encode("<noise>")[:1]


def test_a_tokenizer_takes_text_only():
    for name, options in (
        ("bytes", {}),
        ("words", {}),
        ("characters", {}),
        ("sentencepiece", {"vocab_size": 300}),
    ):
        with pytest.raises(Mismatch, match="takes text"):
            config("tokenizer", name, **options).output(Frames(80))


# --- SentencePiece


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_training_gives_the_same_bytes_every_time(model, corpus):
    first, second = (tokenizer("sentencepiece", vocab_size=350, model=model) for _ in range(2))

    assert first.train(corpus) == second.train(iter(corpus))
    assert first.fingerprint() == second.fingerprint()


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁"), max_size=20))
def test_t12_nothing_is_lost_not_even_spaces_never_seen(pieces, text):
    assert pieces.decode(pieces.encode(text)) == text


def test_t12_a_space_is_not_decoded_as_the_librarys_mark(corpus):
    made = tokenizer("sentencepiece", vocab_size=350, prefix_space=False)
    made.train(corpus)

    assert made.decode(made.encode("a b  c ")) == "a b  c "


def test_t11_normalisation_of_its_own_is_off_by_default(corpus):
    text = "１２！？"
    plain = trained("sentencepiece", [*corpus, text], vocab_size=400)
    loses = trained("sentencepiece", [*corpus, text], vocab_size=400, normalization="nmt_nfkc")

    assert plain.decode(plain.encode(text)) == text
    assert loses.decode(loses.encode(text)) == "12!?"


def test_t13_offsets_count_code_points_and_bytes_share_their_letter(pieces):
    text = "漢字𠮷a"

    spans = pieces.offsets(text)

    assert [text[start:end] for start, end in spans][-5:] == ["𠮷"] * 4 + ["a"]


def test_t30_without_byte_fallback_unseen_letters_are_unknown(corpus):
    made = trained("sentencepiece", corpus, vocab_size=150, byte_fallback=False)

    assert UNK in made.encode("python")
    assert "\ufffd" in made.decode(made.encode("python"))


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_t31_vocabulary_beyond_the_text_says_how_many_there_are(model, corpus):
    with pytest.raises(
        DataError, match=r"400 lines of text hold \d+ pieces at most, and `vocab_size` is 30000"
    ) as found:
        tokenizer("sentencepiece", vocab_size=30_000, model=model).train(corpus)

    assert "limit: soft" in found.value.help


def test_t31_the_number_it_names_works(corpus):
    with pytest.raises(DataError) as found:
        tokenizer("sentencepiece", vocab_size=30_000).train(corpus)
    most = int(found.value.help.split("`vocab_size: ")[1].split("`")[0])

    assert trained("sentencepiece", corpus, vocab_size=most).vocab_size == most


def test_t31_soft_limit_takes_what_there_is(corpus):
    made = trained("sentencepiece", corpus, vocab_size=30_000, limit="soft")

    assert 260 < made.vocab_size < 30_000
    assert not isinstance(
        config("tokenizer", "sentencepiece", vocab_size=300, limit="soft").output(Text("ja")).vocab, int
    )


def test_vocabulary_smaller_than_the_letters_is_explained(corpus):
    with pytest.raises(DataError, match=r"`vocab_size` is 265, and letters and special ids alone are \d+"):
        tokenizer("sentencepiece", vocab_size=265).train(corpus)


def test_vocabulary_without_room_is_refused_before_any_text():
    with pytest.raises(Mismatch, match="no room for pieces") as found:
        config("tokenizer", "sentencepiece", vocab_size=200).output(Text("en"))

    assert "byte_fallback: false" in found.value.help


def test_seeds_of_bpe_are_refused():
    with pytest.raises(Mismatch, match="starts from letters"):
        config("tokenizer", "sentencepiece", vocab_size=400, model="bpe", seeds="library").output(Text("en"))


def test_no_text_is_one_line():
    with pytest.raises(DataError, match="no text"):
        tokenizer("sentencepiece", vocab_size=300).train([])
    with pytest.raises(DataError, match="no text"):
        tokenizer("sentencepiece", vocab_size=300).train(["", " "])


@pytest.fixture(scope="module")
def spaced(corpus):
    """Words that stand often, most of them part of no other word."""
    words = [line[i : i + 3] for line in corpus[:40] for i in (0, 3)]
    chooser = random.Random(5)
    return [" ".join(chooser.choices(words, k=6)) for _ in range(300)]


def test_t31_words_are_pieces_though_a_space_always_follows():
    words = ["".join(chr(0x4E00 + 3 * word + letter) for letter in range(3)) for word in range(60)]
    chooser = random.Random(6)
    lines = [" ".join([*chooser.choices(words, k=6), "。"]) for _ in range(200)]
    options = {"vocab_size": 300, "limit": "soft", "byte_fallback": False}
    ours = trained("sentencepiece", lines, **options)
    theirs = trained("sentencepiece", lines, **options, seeds="library")

    assert ours.pieces(ours.encode(words[0])) == ["▁" + words[0]]
    assert len(theirs.encode(words[0])) > 1


def test_counted_words_give_the_librarys_own_pieces_where_it_counts_them_too(spaced):
    options = {"vocab_size": 400, "model": "bpe", "limit": "soft"}
    ours = trained("sentencepiece", spaced, **options)
    theirs = trained("sentencepiece", spaced, **options, seeds="library")

    assert ours.pieces(range(ours.vocab_size)) == theirs.pieces(range(theirs.vocab_size))
    assert ours.encode_batch(spaced) == theirs.encode_batch(spaced)


@pytest.mark.parametrize("prefix_space", [True, False])
@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_space_before_the_text_is_as_the_spec_says(spaced, model, prefix_space):
    made = trained(
        "sentencepiece", spaced, vocab_size=400, limit="soft", model=model, prefix_space=prefix_space
    )
    text = spaced[0]

    assert made.pieces(made.encode(text))[0].startswith("▁") == prefix_space
    assert made.decode(made.encode(text)) == text
    assert made.decode(made.encode(" a  b ")) == " a  b "


def test_model_holds_no_path_of_the_machine(spaced):
    artifact = tokenizer("sentencepiece", vocab_size=400, limit="soft").train(spaced)

    assert b".tsv" not in artifact
    assert b"tmp" not in artifact


def test_order_of_lines_does_not_change_words(spaced):
    first, second = (tokenizer("sentencepiece", vocab_size=400, limit="soft") for _ in range(2))

    assert first.train(spaced) == second.train(spaced[::-1])


def test_of_too_many_lines_the_same_are_drawn_every_time(spaced):
    options = {"vocab_size": 350, "limit": "soft", "max_lines": 100}
    first, second = (tokenizer("sentencepiece", **options) for _ in range(2))

    assert first.train(spaced) == second.train(iter(spaced))
    assert first.train(spaced) != tokenizer("sentencepiece", vocab_size=350, limit="soft").train(spaced)


def test_long_lines_are_learned_from_too():
    long = "".join(random.Random(1).choices("あいうえお", k=5000))

    made = trained("sentencepiece", [long], vocab_size=270)

    assert set("あいうえお") <= set("".join(made.pieces(range(made.vocab_size))))


def test_lone_surrogates_do_not_stop_a_batch(pieces):
    assert pieces.decode(pieces.encode_batch(["a\ud800b"])[0]) == "a\ufffdb"
    assert len(pieces.offsets("a\ud800b")) == len(pieces.encode("a\ud800b"))


# --- WordPiece


@pytest.fixture
def vocab(tmp_path):
    file = tmp_path / "vocab.txt"
    file.write_text(
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n東京\n##都\nun\n##aff\n##able\na\n", encoding="utf-8"
    )
    return file


def test_wordpiece_takes_the_longest_pieces(vocab):
    made = trained("wordpiece", vocab=str(vocab))

    ids = made.encode("unaffable 東京都 xyz a")

    assert made.pieces(ids) == ["un", "##aff", "##able", "東京", "##都", "<unk>", "a"]
    assert made.decode(ids) == "unaffable 東京都 <unk> a"
    assert made.offsets("unaffable x") == [(0, 2), (2, 5), (5, 9), (10, 11)]
    assert made.vocab_size == 4 + 7


def test_wordpiece_splits_punctuation_when_asked(vocab):
    with vocab.open("a", encoding="utf-8") as file:
        file.write(".\n")

    assert trained("wordpiece", vocab=str(vocab)).encode("a.") == [UNK]
    assert trained("wordpiece", vocab=str(vocab), split_punctuation=True).pieces([10, 11]) == ["a", "."]


def test_wordpiece_does_not_crawl_on_long_words(vocab):
    assert trained("wordpiece", vocab=str(vocab)).encode("a" * 100_000) == [UNK]


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "does not exist"), (b"a\nb\na\n", "`a` stands twice, first in row 1"), (b"\xff\n", "not UTF-8")],
)
def test_wordpiece_says_what_is_wrong_with_its_file(tmp_path, content, message):
    file = tmp_path / "v.txt"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(DataError, match=message):
        trained("wordpiece", vocab=str(file))


def test_wordpiece_fingerprint_is_the_files_bytes_wherever_it_lies(vocab, tmp_path):
    before = tokenizer("wordpiece", vocab=str(vocab)).fingerprint()
    moved = vocab.rename(tmp_path / "elsewhere.txt")

    assert tokenizer("wordpiece", vocab=str(moved)).fingerprint() == before
    with moved.open("a", encoding="utf-8") as file:
        file.write("new\n")
    assert tokenizer("wordpiece", vocab=str(moved)).fingerprint() != before


# --- SentencePiece from a file


@pytest.fixture(scope="module")
def model_file(corpus, tmp_path_factory):
    """A model with the library's own special ids: unknown 0, begin 1, end 2, no padding."""
    import sentencepiece

    prefix = tmp_path_factory.mktemp("model") / "theirs"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus),
        model_prefix=str(prefix),
        vocab_size=300,
        byte_fallback=True,
        minloglevel=2,
    )
    return prefix.with_suffix(".model")


def test_special_ids_of_a_model_from_elsewhere_become_ours(model_file):
    import sentencepiece

    theirs = sentencepiece.SentencePieceProcessor(model_file=str(model_file))
    ours = trained("sentencepiece_file", model=str(model_file))
    text = "東京の大学 a"

    assert ours.vocab_size == theirs.vocab_size() + 1
    assert ours.pieces(range(4)) == ["<pad>", "<unk>", "<s>", "</s>"]
    assert ours.pieces(ours.encode(text)) == theirs.encode(text, out_type=str)
    assert ours.encode_batch([text]) == [ours.encode(text)]
    assert ours.decode([BOS, *ours.encode(text), EOS, PAD]) == theirs.decode(theirs.encode(text))
    assert min(ours.encode(text)) >= 4
    assert len(ours.offsets(text)) == len(ours.encode(text))


def test_our_own_model_file_keeps_its_ids(pieces, tmp_path):
    (tmp_path / "ours.model").write_bytes(pieces._model.artifact)

    again = trained("sentencepiece_file", model=str(tmp_path / "ours.model"))

    assert again.encode("東京 a") == pieces.encode("東京 a")
    assert pickle.loads(pickle.dumps(again)).encode("東京 a") == pieces.encode("東京 a")
    assert again.fingerprint()["sha256"] == pieces.fingerprint()["sha256"]


@pytest.mark.parametrize(("content", "message"), [(None, "cannot be read"), (b"no model", "damaged")])
def test_model_file_that_is_none_is_one_line(tmp_path, content, message):
    file = tmp_path / "x.model"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(DataError, match=message):
        trained("sentencepiece_file", model=str(file))


# --- Symbols of another run


@pytest.mark.parametrize("unit", ["characters", "words"])
def test_the_symbols_of_another_run_keep_their_ids(unit, tmp_path):
    (tmp_path / "learned").write_bytes(tokenizer(unit).train(SENTENCES))
    learned = trained(unit)

    again = trained("symbols_file", ["other text"], vocabulary=str(tmp_path / "learned"), unit=unit)

    for text in (*SENTENCES, "鬼の cat"):
        assert again.encode_batch([text]) == [learned.encode(text)]
        assert again.decode(again.encode(text)) == learned.decode(learned.encode(text))
        assert again.offsets(text) == learned.offsets(text)
    assert again.pieces(range(again.vocab_size)) == learned.pieces(range(learned.vocab_size))
    assert again.fingerprint()["sha256"] == learned.fingerprint()["sha256"]
    assert pickle.loads(pickle.dumps(again)).encode("東京") == again.encode("東京")


def test_where_the_symbols_lie_decides_nothing(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).write_bytes(tokenizer("characters").train(SENTENCES))

    one, other = (
        tokenizer("symbols_file", vocabulary=str(tmp_path / name), unit="characters").fingerprint()
        for name in ("one", "other")
    )

    assert one == other


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        ("", "is no file"),
        (b"a\nb\n", "holds no list of symbols"),
        (b'["a", 3]', "holds no list of symbols"),
        (b'["a", "b", "a"]', "names a symbol twice"),
    ],
)
def test_a_file_of_symbols_that_is_none_is_one_line(tmp_path, content, message):
    file = tmp_path / "learned"
    if content == "":
        file.mkdir()
    elif content is not None:
        file.write_bytes(content)

    with pytest.raises(DataError, match=message) as caught:
        trained("symbols_file", vocabulary=str(file), unit="words")

    assert "vocabularies/" in caught.value.help


def test_no_path_of_symbols_holds_a_nul():
    with pytest.raises(DataError, match="null byte"):
        trained("symbols_file", vocabulary="a\0b", unit="words")


# --- Phonemes


def test_t23_phonemes_say_particles_as_they_are_said():
    said = trained("phonemes", ["私は経済"], style="phonemes")
    spelt = trained("phonemes", ["私は経済"], style="phonemes", reading="kana")

    assert said.decode(said.encode("私は経済")) == "w a t a sh i w a k e e z a i"
    assert spelt.decode(spelt.encode("私は経済")) == "w a t a sh i h a k e i z a i"


def test_prosody_marks_pitch_and_phrases():
    made = trained("phonemes", ["橋を渡る？"], style="prosody")

    assert made.decode(made.encode("橋を渡る？")) == "^ h a [ sh i ] o # w a [ t a r u ? $"


def test_phonemes_point_at_their_words():
    made = trained("phonemes", ["橋を渡る"], style="phonemes")

    assert made.offsets("橋を渡る") == [(0, 1)] * 4 + [(1, 2)] + [(2, 4)] * 6


def test_t24_release_and_dictionary_of_the_reader_are_in_the_fingerprint():
    found = trained("phonemes", ["橋"], style="phonemes").fingerprint()

    assert found["library"].startswith("pyopenjtalk-plus-")
    assert len(found["dictionary"]["sys.dic"]) == 64


def test_long_runs_do_not_stop_the_reader():
    made = trained("phonemes", ["あ"], style="phonemes")

    assert made.pieces(made.encode("あ" * 2500)) == ["a"] * 2500


def test_missing_reader_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyopenjtalk", None)

    with pytest.raises(DataError) as found:
        tokenizer("phonemes", style="phonemes").train(["あ"])

    assert found.value.help == "pip install 'seqspec-compiler[phonemes]'"


def test_importing_the_reader_says_nothing_on_stdout():
    import subprocess

    code = (
        "from tests.components.text_steps import tokenizer;"
        "tokenizer('phonemes', style='phonemes').train(['あ'])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)

    assert done.stdout == ""
