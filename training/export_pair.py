"""Write the trained pair model as the int8 ONNX folder that ships.

::

    python -m training.export_pair FOLDER_OF_WEIGHTS MODEL_FOLDER --name NAME

Reduced as the embedder is (``askonce.embeddings.minilm_graph`` tells how, and why each step).
"""

from __future__ import annotations

import argparse
import json
import shutil
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from askonce.embeddings.build_minilm import peaks_of
from askonce.embeddings.minilm import DEFAULT_MODEL, MODELS
from askonce.embeddings.minilm_graph import Floats, build_graph, products, read_safetensors, smoothing
from askonce.embeddings.pair_model import PairFacts, pair_feed

CALIBRATION = {
    "en": (
        ("How do I reset my password?", "what is the way to change my password"),
        ("Is it safe to take ibuprofen with alcohol?", "Is it safe to take ibuprofen without alcohol?"),
        ("hi", "hello!"),
        ("Why does the 12:45 not stop in Berlin on Sundays?", "Why does the 13:45 stop in Munich on Mondays?"),
        ("My invoice says $1,299.00 but I was charged €1,199.50; who do I talk to?", "wrong amount on my invoice"),
        ("Write a Python function that sorts a list of tuples.", "Explain the difference between TCP and UDP."),
        ("Who won the 1998 World Cup, and what was the score?", "who lost the world cup final of 1998"),
    ),
    "zh": (
        ("怎么修改登录密码？", "请问如何更改我的登录密码"),
        ("从北京到上海的高铁要几个小时？", "从上海到北京的高铁多少钱？"),
        ("你好", "您好！"),
        ("花呗怎么提前还款", "花呗可以分期还款吗"),
        ("2023年的iPhone 15多少钱？", "iPhone 14 价格是多少"),
        ("How do I reset my password?", "怎么重置密码"),
    ),
}


def export(weights: Path, folder: Path, name: str) -> PairFacts:
    """Write ``model.onnx``, ``tokenizer.json`` and ``model.json`` into ``folder``."""
    trained = json.loads((weights / "training.json").read_text())
    language = str(trained["language"])
    tensors: dict[str, Floats] = {}
    for key, value in read_safetensors(weights / "pair.safetensors").items():
        tensors[key.removeprefix("encoder.")] = value
    folder.mkdir(parents=True, exist_ok=True)
    if language == "en":
        shutil.copy(MODELS / DEFAULT_MODEL / "tokenizer.json", folder / "tokenizer.json")
        marks, scripts = ("[CLS]", "[SEP]"), ("latin",)
    else:
        from .e5_weights import load_pruned

        load_pruned()[2].save(str(folder / "tokenizer.json"))
        marks, scripts = ("<s>", "</s>"), ("latin", "han")
    tokenizer = import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    words = (folder / "tokenizer.json").read_bytes()
    places = len(tensors["embeddings.position_embeddings.weight"])
    facts = PairFacts(
        name=name, max_tokens=min(250, places), opening=marks[0], closing=marks[1], scripts=scripts,
        model_sha256="", tokenizer_sha256=sha256(words).hexdigest(),
    )  # fmt: skip
    feeds = [pair_feed(tokenizer, facts, one, two) for one, two in CALIBRATION[language]]
    ort: Any = import_module("onnxruntime")
    probe = ort.InferenceSession(build_graph(tensors, None, probe=True), providers=["CPUExecutionProvider"])
    peaks = peaks_of(probe, feeds)
    matrices = {key: weight for key, (weight, _) in products(tensors).items()}
    model = build_graph(tensors, smoothing(peaks, matrices))
    (folder / "model.onnx").write_bytes(model)
    facts.model_sha256 = sha256(model).hexdigest()
    (folder / "model.json").write_bytes(msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n")
    return facts


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", required=True)
    told = parser.parse_args()
    print(export(told.weights, told.folder, told.name))


if __name__ == "__main__":
    main()
