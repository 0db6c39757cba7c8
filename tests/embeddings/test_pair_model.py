"""The shipped pair models: what lies beside them is true, they are refused when damaged, and they tell traps apart."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from askonce import ConfigError, EmbedderError
from askonce.embeddings.minilm import MODELS
from askonce.embeddings.pair_model import HOPE, PAIR_MODELS, PairModel

NAMES = sorted(PAIR_MODELS.values())
ENGLISH = [
    ("How do I enable dark mode?", "what is the way to turn on dark mode", "How do I disable dark mode?"),
    ("What is the capital of France?", "name the capital city of France", "What is the capital of Spain?"),
    ("How can I lose weight quickly?", "what are fast ways to lose weight", "How can I gain weight quickly?"),
    ("Is it safe to eat eggs while pregnant?", "can pregnant women eat eggs", "Is it safe to eat eggs after surgery?"),
    ("Why is the sky blue?", "what makes the sky look blue", "Why is the sky dark at night?"),
]
CHINESE = [
    ("怎么修改登录密码？", "请问如何更改登录密码", "怎么找回登录密码？"),
    ("北京到上海多少公里？", "从北京去上海有多远", "北京到广州多少公里？"),
    ("怎样才能快速减肥？", "如何快速瘦身", "怎样才能快速增肥？"),
]


@pytest.fixture(scope="module", params=NAMES)
def model(request: pytest.FixtureRequest) -> PairModel:
    return PairModel(request.param)


@pytest.mark.parametrize("name", NAMES)
def test_digests_and_card(name: str) -> None:
    """model.json names the SHA-256 of the files beside it, the card names the model's, and all is under 25 MB."""
    folder = MODELS / name
    known = json.loads((folder / "model.json").read_text())
    for file, key in (("model.onnx", "model_sha256"), ("tokenizer.json", "tokenizer_sha256")):
        assert sha256((folder / file).read_bytes()).hexdigest() == known[key]
    assert known["model_sha256"] in (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "changed" in (folder / "NOTICE").read_text(encoding="utf-8")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 25_000_000


def test_paraphrases_stand_above_traps(model: PairModel) -> None:
    """On our own sentences each paraphrase has higher log-odds than the trap made of the same question."""
    for question, paraphrase, trap in CHINESE if "han" in model.facts.scripts else ENGLISH:
        assert model.log_odds(question, paraphrase) > model.log_odds(question, trap), question


def test_a_text_goes_with_itself(model: PairModel) -> None:
    """A question and itself are one question: positive log-odds."""
    for question, *_ in CHINESE if "han" in model.facts.scripts else ENGLISH:
        assert model.log_odds(question, question) > 0


def test_which_text_comes_first_does_not_matter_where_there_is_hope(model: PairModel) -> None:
    """A pair that looks good is read both ways round: the same log-odds for either order, to the last bit."""
    hopeful = 0
    for question, paraphrase, _ in CHINESE if "han" in model.facts.scripts else ENGLISH:
        there, back = model._read(question, paraphrase), model._read(paraphrase, question)
        if min(there, back) >= HOPE:
            hopeful += 1
            assert model.log_odds(question, paraphrase) == model.log_odds(paraphrase, question) == (there + back) / 2
    assert hopeful


def test_what_leaves_no_hope_is_read_once(model: PairModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reading where the first says no, two where it does not."""
    found = [HOPE - 0.01, 7.0, HOPE + 0.01, 3.0]
    monkeypatch.setattr(model, "_read", lambda one, two: found.pop(0))
    assert model.log_odds("a", "b") == HOPE - 0.01
    assert found.pop(0) == 7.0
    assert model.log_odds("a", "b") == (HOPE + 0.01 + 3.0) / 2
    assert not found


def test_too_long_is_refused(model: PairModel) -> None:
    """Two texts that do not fit together are refused; nothing is cut, for what was cut might be the difference."""
    with pytest.raises(EmbedderError, match="tokens") as caught:
        model.log_odds("how " * 150, "how " * 150)
    assert caught.value.data["refused"]


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
def test_broken_unicode_is_an_embedder_error(text: str, model: PairModel) -> None:
    """A lone surrogate is an EmbedderError, not a crash."""
    with pytest.raises(EmbedderError):
        model.log_odds(text, "x")


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_changed_byte_is_refused(file: str, tmp_path: Path) -> None:
    """A file that is not to the byte what model.json names is refused when it is first used."""
    copy = Path(shutil.copytree(MODELS / NAMES[0], tmp_path / "model"))
    data = bytearray((copy / file).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / file).write_bytes(data)
    with pytest.raises(EmbedderError, match="damaged"):
        PairModel(copy).load()


def test_no_folder_is_a_config_error(tmp_path: Path) -> None:
    """A folder without a model is named, before anything is loaded."""
    with pytest.raises(ConfigError, match="no pair model"):
        PairModel(tmp_path)


def test_no_torch_is_needed() -> None:
    """Loading and asking a pair model imports neither torch nor transformers."""
    code = (
        "import sys; from askonce.embeddings.pair_model import PairModel; "
        "PairModel().log_odds('one', 'two'); assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
