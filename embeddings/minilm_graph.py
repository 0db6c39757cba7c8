"""A BERT of MiniLM's shape as an ONNX graph, written node by node from its weights; no torch, no export.

Two models are made of it: the default embedder (all-MiniLM-L6-v2), and the pair model, which reads two
texts together and ends in one number.

How the 8 bits are spent, and why (mean cosine to the original on real questions, each step alone):

- Per-channel int8 weights with one activation scale per tensor give 0.994: a few channels of the layer
  norms are 16 times the rest, and the GELU output is worse still.
- Moving that spread into the weights (SmoothQuant, Xiao et al. 2023, https://arxiv.org/abs/2211.10438)
  heals the inputs of the attention and of the first feed-forward product, not the GELU output.
- The second feed-forward product therefore quantises both sides in blocks of 128 (``MatMulNBits``,
  accuracy level 4). Together: 0.999, at a third of the time of fp32.
- Weights of the other products keep to 7 bits (-64..63). On x86 without VNNI the int8 kernel adds two
  products in 16 bits and saturates with 8; 7 bits cost 0.0005 and give one result on all machines.
- The word table is int8 with a scale per word.

Operators: ONNX opset 18 and ``com.microsoft`` of ONNX Runtime 1.22 or newer
(https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, MissingExtra

Floats = NDArray[np.float32]

HIDDEN = 384
HEADS = 12
MAX_TOKENS = 256
BLOCK = 128
_EPSILON = 1e-12
_MS = "com.microsoft"


def read_safetensors(path: Path) -> dict[str, Floats]:
    """The float32 tensors of a safetensors file (https://huggingface.co/docs/safetensors).

    Raises:
        ConfigError: The file is cut short or not of that format.
    """
    data = path.read_bytes()
    try:
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        tensors: dict[str, Floats] = {}
        for name, facts in header.items():
            if name == "__metadata__" or facts["dtype"] != "F32":
                continue
            first, last = facts["data_offsets"]
            tensors[name] = np.frombuffer(data[8 + size + first : 8 + size + last], dtype="<f4").reshape(facts["shape"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is not a readable safetensors file ({error})", setting="source") from error
    return tensors


def smoothing(peaks: Mapping[str, Floats], weights: Mapping[str, Floats], alpha: float = 0.5) -> dict[str, Floats]:
    """Factors that move the spread of activations into the weights: ``x / f`` times ``w * f``.

    Args:
        peaks: For each product, the largest magnitude seen of each input channel.
        weights: For each product, its matrix, shape ``(out, in)``.
        alpha: How much of the spread moves: 0 none, 1 all.

    Returns:
        For each product its factors, shape ``(in,)``, geometric mean 1.
    """
    out: dict[str, Floats] = {}
    for name, peak in peaks.items():
        columns = np.maximum(np.abs(weights[name]).max(axis=0), 1e-5)
        raw = np.maximum(peak, 1e-5) ** alpha / columns ** (1 - alpha)
        out[name] = np.clip(raw / np.exp(np.log(raw).mean()), 0.02, 50).astype(np.float32)
    return out


def layers_of(tensors: Mapping[str, Floats]) -> int:
    """How many layers the model has."""
    return 1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("encoder.layer."))


def products(tensors: Mapping[str, Floats]) -> dict[str, tuple[Floats, Floats]]:
    """Each matrix product of the model, by name: weights ``(out, in)`` and bias ``(out,)``."""
    found: dict[str, tuple[Floats, Floats]] = {}
    for layer in range(layers_of(tensors)):
        at = f"encoder.layer.{layer}."
        heads = [f"{at}attention.self.{part}." for part in ("query", "key", "value")]
        found[f"{layer}.qkv"] = (
            np.concatenate([tensors[head + "weight"] for head in heads]),
            np.concatenate([tensors[head + "bias"] for head in heads]),
        )
        for name, place in (("out", "attention.output"), ("up", "intermediate"), ("down", "output")):
            found[f"{layer}.{name}"] = (tensors[f"{at}{place}.dense.weight"], tensors[f"{at}{place}.dense.bias"])
    return found


class _Graph:
    """Collects nodes and constants."""

    def __init__(self) -> None:
        try:
            self.onnx: Any = import_module("onnx")
        except ImportError as error:
            raise MissingExtra("onnx", "build", "building the default model") from error
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def const(self, name: str, array: NDArray[Any]) -> str:
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(
        self, kind: str, inputs: list[str], outputs: list[str] | None = None, domain: str = "", **facts: Any
    ) -> str:
        names = outputs or [f"{kind}_{len(self.nodes)}"]
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, names, domain=domain, **facts))
        return names[0]


def build_graph(tensors: Mapping[str, Floats], factors: Mapping[str, Floats] | None, *, probe: bool = False) -> bytes:
    """The model as serialised ONNX.

    Inputs ``input_ids`` and ``attention_mask``, int64 ``(batch, tokens)``; outputs ``vector``, float32
    ``(batch, 384)`` of unit length, and ``tokens``, float32 ``(batch, tokens, 384)``. A pair model (its
    tensors include ``head.*``) also takes ``token_type_ids`` and gives ``log_odds``, float32 ``(batch, 1)``.

    Args:
        tensors: The original weights.
        factors: From :func:`smoothing`, for the int8 model; None builds the fp32 model.
        probe: Also output the input of each product, as ``in:NAME``.

    Raises:
        MissingExtra: ``onnx`` is not installed.
    """
    graph = _Graph()
    parts = products(tensors)
    extra: list[str] = []

    def product(name: str, x: str) -> str:
        weight, bias = parts[name]
        if probe:
            extra.append(graph.node("Identity", [x], [f"in:{name}"]))
        if factors is None:
            y = graph.node("MatMul", [x, graph.const(f"{name}.w", weight.T)])
            return graph.node("Add", [y, graph.const(f"{name}.b", bias)])
        if name.endswith(".down"):
            return _blockwise(graph, name, x, weight, bias)
        if name.endswith((".qkv", ".up")):
            factor = factors[name]
            x = graph.node("Mul", [x, graph.const(f"{name}.f", (1 / factor).astype(np.float32))])
            weight = weight * factor
        if name.endswith(".qkv"):
            # the factors of the product after attention go into the values, at no cost
            after = factors[name.replace("qkv", "out")]
            scale = np.concatenate([np.ones(2 * HIDDEN, np.float32), 1 / after])
            weight, bias = weight * scale[:, None], bias * scale
        if name.endswith(".out"):
            weight = weight * factors[name]
        return _per_channel(graph, name, x, weight, bias)

    def norm(name: str, place: str, x: str) -> str:
        gain = graph.const(f"{name}.g", tensors[f"{place}.weight"])
        shift = graph.const(f"{name}.s", tensors[f"{place}.bias"])
        return graph.node("LayerNormalization", [x, gain, shift], epsilon=_EPSILON, axis=-1)

    x = norm("embed", "embeddings.LayerNorm", _embedding(graph, tensors, small=factors is not None))
    mask = graph.node("Cast", ["attention_mask"], to=graph.onnx.TensorProto.INT32)
    thirds = graph.const("thirds", np.full(3, HIDDEN, np.int64))
    for layer in range(layers_of(tensors)):
        place = f"encoder.layer.{layer}."
        qkv = [f"{layer}.q", f"{layer}.k", f"{layer}.v"]
        graph.node("Split", [product(f"{layer}.qkv", x), thirds], qkv, axis=2)
        mixed = graph.node("MultiHeadAttention", [*qkv, "", mask], domain=_MS, num_heads=HEADS)
        added = graph.node("Add", [product(f"{layer}.out", mixed), x])
        x = norm(f"{layer}.n1", f"{place}attention.output.LayerNorm", added)
        wide = graph.node("Gelu", [product(f"{layer}.up", x)], domain=_MS)
        added = graph.node("Add", [product(f"{layer}.down", wide), x])
        x = norm(f"{layer}.n2", f"{place}output.LayerNorm", added)

    if "head.0.weight" in tensors:
        _pair_head(graph, tensors, x)
        return _serialise(graph, extra, pair=True)
    graph.node("Identity", [x], ["tokens"])
    # mean over the tokens that are there; the count divides out in the normalisation
    row = graph.const("axis1", np.array([1], np.int64))
    weights = graph.node("Unsqueeze", [graph.node("Cast", ["attention_mask"], to=graph.onnx.TensorProto.FLOAT), row])
    pooled = graph.node("Squeeze", [graph.node("MatMul", [weights, x]), row])
    graph.node("LpNormalization", [pooled], ["vector"], axis=-1, p=2)
    return _serialise(graph, extra)


def _embedding(graph: _Graph, tensors: Mapping[str, Floats], *, small: bool) -> str:
    """Words plus positions; the token type, always the first, is added to the positions beforehand."""
    table = tensors["embeddings.word_embeddings.weight"]
    if small:
        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-12) / 127
        bytes_ = graph.const("words.q", np.rint(table / scale).astype(np.int8))
        scales = graph.const("words.s", scale.astype(np.float32))
        rows = graph.node("Cast", [graph.node("Gather", [bytes_, "input_ids"])], to=graph.onnx.TensorProto.FLOAT)
        words = graph.node("Mul", [rows, graph.node("Gather", [scales, "input_ids"])])
    else:
        words = graph.node("Gather", [graph.const("words", table), "input_ids"])
    places = tensors["embeddings.position_embeddings.weight"][:MAX_TOKENS]
    types = tensors["embeddings.token_type_embeddings.weight"]
    if "head.0.weight" in tensors:
        kinds = graph.node("Gather", [graph.const("types", types), "token_type_ids"])
        words = graph.node("Add", [words, kinds])
    else:
        places = places + types[0]
    length = graph.node("Shape", ["input_ids"], start=1, end=2)
    zero = graph.const("zero", np.array([0], np.int64))
    return graph.node("Add", [words, graph.node("Slice", [graph.const("places", places), zero, length, zero])])


def _pair_head(graph: _Graph, tensors: Mapping[str, Floats], x: str) -> None:
    """Log-odds from the first token's vector and the mean of all."""
    row = graph.const("axis1", np.array([1], np.int64))
    first = graph.node("Gather", [x, graph.const("first", np.array([0], np.int64))], axis=1)
    first = graph.node("Squeeze", [first, row])
    seen = graph.node("Cast", ["attention_mask"], to=graph.onnx.TensorProto.FLOAT)
    total = graph.node("Squeeze", [graph.node("MatMul", [graph.node("Unsqueeze", [seen, row]), x]), row])
    mean = graph.node("Div", [total, graph.node("ReduceSum", [seen, row], keepdims=1)])
    both = graph.node("Concat", [first, mean], axis=1)
    for number in (0, 3):
        weight, bias = tensors[f"head.{number}.weight"], tensors[f"head.{number}.bias"]
        both = graph.node("MatMul", [both, graph.const(f"head.{number}.w", weight.T)])
        both = graph.node("Add", [both, graph.const(f"head.{number}.b", bias)])
        if number == 0:
            both = graph.node("Tanh", [both])
    graph.node("Identity", [both], ["log_odds"])


def _per_channel(graph: _Graph, name: str, x: str, weight: Floats, bias: Floats) -> str:
    scale = np.abs(weight).max(axis=1) / 63
    q = np.rint(weight / scale[:, None]).astype(np.int8)
    inputs = [
        x,
        graph.const(f"{name}.q", q.T),
        graph.const(f"{name}.s", scale.astype(np.float32)),
        "",
        graph.const(f"{name}.b", bias.astype(np.float32)),
    ]
    return graph.node("DynamicQuantizeMatMul", inputs, domain=_MS)


def _blockwise(graph: _Graph, name: str, x: str, weight: Floats, bias: Floats) -> str:
    out, into = weight.shape
    blocks = weight.reshape(out, into // BLOCK, BLOCK)
    scale = np.abs(blocks).max(axis=2) / 127
    q = (np.rint(blocks / scale[:, :, None]) + 128).astype(np.uint8)
    scales = graph.const(f"{name}.s", scale.astype(np.float32))
    inputs = [x, graph.const(f"{name}.q", q), scales, "", "", graph.const(f"{name}.b", bias)]
    return graph.node("MatMulNBits", inputs, domain=_MS, K=into, N=out, bits=8, block_size=BLOCK, accuracy_level=4)


def _serialise(graph: _Graph, extra: list[str], pair: bool = False) -> bytes:
    helper, proto = graph.onnx.helper, graph.onnx.TensorProto
    asked = ("input_ids", "attention_mask", *(("token_type_ids",) if pair else ()))
    takes = [helper.make_tensor_value_info(name, proto.INT64, ["batch", "tokens"]) for name in asked]
    ends = {"log_odds": ["batch", 1]} if pair else {"vector": ["batch", HIDDEN], "tokens": ["batch", "tokens", HIDDEN]}
    gives = [
        *(helper.make_tensor_value_info(name, proto.FLOAT, shape) for name, shape in ends.items()),
        *(helper.make_tensor_value_info(name, proto.FLOAT, None) for name in extra),
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "pair" if pair else "all-MiniLM-L6-v2", takes, gives, graph.constants),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(_MS, 1)],
        ir_version=9,
        producer_name="askonce",
    )
    done: bytes = model.SerializeToString(deterministic=True)
    return done
