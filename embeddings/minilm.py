"""The default embedder, and any other BERT-like ONNX model, on ONNX Runtime without torch.

A model is a folder: ``model.onnx``, ``tokenizer.json`` and ``model.json`` (name, dimension, window,
scripts and the SHA-256 of the other two). ``askonce.embeddings.build_minilm`` writes such a folder.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from ..errors import ConfigError, EmbedderError
from ..forks import renew_after_fork
from .blind_spots import dropped_marks
from .contract import Matrix
from .function import in_a_line

MODELS = Path(__file__).parent / "models"
DEFAULT_MODEL = "all-MiniLM-L6-v2-int8"


class ModelFacts(msgspec.Struct, frozen=True):
    """What ``model.json`` says of the folder it lies in.

    Attributes:
        name: Name of the model, with how it was reduced.
        dim: Length of its vectors.
        max_tokens: Tokens it takes, special tokens included.
        pooling: How token vectors become one.
        scripts: Writing systems it knows; None means all.
        model_sha256: Of ``model.onnx``.
        tokenizer_sha256: Of ``tokenizer.json``.
    """

    name: str
    dim: int
    max_tokens: int
    pooling: str
    scripts: tuple[str, ...] | None
    model_sha256: str
    tokenizer_sha256: str


def open_model(folder: Path, model_sha256: str, tokenizer_sha256: str, threads: int = 1) -> tuple[Any, Any, bytes]:
    """The ONNX session, the tokenizer (which neither pads nor cuts) and the tokenizer's file of a model folder.

    Raises:
        EmbedderError: A file is not to the byte the one meant.
        Exception: What a missing file, ONNX Runtime and the tokenizers raise.
    """
    graph = _verified(folder / "model.onnx", model_sha256)
    words = _verified(folder / "tokenizer.json", tokenizer_sha256)
    ort: Any = import_module("onnxruntime")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # of threads beyond the first
    # The graph is written fused; what higher levels would add was measured and gains nothing.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    tokenizer = import_module("tokenizers").Tokenizer.from_buffer(words)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return session, tokenizer, words


def _verified(path: Path, digest: str) -> bytes:
    data = path.read_bytes()
    if sha256(data).hexdigest() != digest:
        raise EmbedderError(f"{path} is damaged or not the file model.json names; install it again")
    return data


class _Vocabulary(msgspec.Struct):
    unk_token: str | None = None
    unk_id: int | None = None


class _TokenizerFile(msgspec.Struct):
    """The part of ``tokenizer.json`` that says what an unknown word becomes."""

    model: _Vocabulary


class OnnxEmbedder:
    """Embed with an ONNX model folder.

    The graph takes ``input_ids`` and ``attention_mask`` (int64, ``(batch, tokens)``) and gives
    ``vector`` (float32, ``(batch, dim)``, pooled, of unit length) and, for those who align words,
    ``tokens`` (float32, ``(batch, tokens, hidden)``).

    Loading is lazy and takes about a tenth of a second, once; the files are then checked against
    their digests. Texts are run one by one: on one thread a batch is hardly faster, and so a text's
    vector is the same to the last bit whatever it is embedded with.

    Args:
        model: A folder, or the name of a model that ships with the package.
        threads: Threads per text inside ONNX Runtime; 1 is fastest for short questions.
        overflow: What to do with a text longer than the model's window. ``"refuse"`` raises
            EmbedderError: two long texts that differ only past the window would otherwise get the
            same vector, and one be answered with the other's answer. ``"truncate"`` cuts.
        unknown: What to do with a text of which the tokenizer drops something that carries meaning (an
            emoji it does not know, a word of 100 letters, the stroke of ``≠``, the tones of Vietnamese):
            ``"refuse"``, for the same reason, or ``"ignore"``.

    Raises:
        ConfigError: No such folder, or it is not a model folder.
    """

    def __init__(
        self,
        model: str | Path = DEFAULT_MODEL,
        *,
        threads: int = 1,
        overflow: Literal["refuse", "truncate"] = "refuse",
        unknown: Literal["refuse", "ignore"] = "refuse",
    ) -> None:
        if threads < 1:
            raise ConfigError(f"threads must be 1 or more, not {threads}", setting="threads")
        if overflow not in ("refuse", "truncate"):
            raise ConfigError(f"overflow must be 'refuse' or 'truncate', not {overflow!r}", setting="overflow")
        if unknown not in ("refuse", "ignore"):
            raise ConfigError(f"unknown must be 'refuse' or 'ignore', not {unknown!r}", setting="unknown")
        shipped = MODELS / str(model)
        self._folder = shipped if (shipped / "model.json").is_file() else Path(model)
        try:
            self.facts = msgspec.json.decode((self._folder / "model.json").read_bytes(), type=ModelFacts)
        except OSError as error:
            raise ConfigError(
                f"no embedding model at {str(model)!r}: give a folder with model.json, model.onnx and tokenizer.json, "
                f"or one of {sorted(p.name for p in MODELS.glob('*') if p.is_dir())}",
                setting="embedder",
            ) from error
        except msgspec.MsgspecError as error:
            raise ConfigError(f"model.json of {str(model)!r} is not readable: {error}", setting="embedder") from error
        facts = self.facts
        self.dim = facts.dim
        self.scripts: frozenset[str] | None = None if facts.scripts is None else frozenset(facts.scripts)
        self.fingerprint = (
            f"{facts.name}/{facts.pooling}/{facts.max_tokens}/{facts.model_sha256[:12]}{facts.tokenizer_sha256[:4]}"
        )
        self._threads = threads
        self._overflow = overflow
        self._unknown = unknown
        self._unknown_id: int | None = None
        self._loaded: tuple[Any, Any] | None = None
        self._lost: list[tuple[Any, Any]] = []
        self._inside: set[int] = set()  # threads that are computing
        self._lock = threading.Lock()
        renew_after_fork(self)

    def renew(self) -> None:
        self._lock = threading.Lock()
        if self._loaded is not None and (self._inside or self._threads > 1):
            # The session was in use by threads that are gone, and may be locked, or has lost its own. A new one
            # is loaded; this one is kept, for freeing it would wait for them.
            self._lost.append(self._loaded)
            self._loaded = None
        self._inside = set()

    def __repr__(self) -> str:
        return f"OnnxEmbedder({self.facts.name!r}, dim={self.dim})"

    @property
    def inline(self) -> bool:
        """True once loaded: a short text is then a few milliseconds of computation, on whichever thread asks."""
        return self._loaded is not None

    def load(self) -> None:
        """Load the model now, and not with the first text. Raises EmbedderError."""
        self._load()

    def _load(self) -> tuple[Any, Any]:
        """The session and the tokenizer, loaded by whoever comes first."""
        loaded = self._loaded
        if loaded is not None:
            return loaded
        with self._lock:
            if self._loaded is None:
                try:
                    self._loaded = self._open()
                except EmbedderError:
                    raise
                except Exception as error:
                    raise EmbedderError(
                        f"the embedding model in {self._folder} does not load ({in_a_line(error)})"
                    ) from error
            return self._loaded

    def _open(self) -> tuple[Any, Any]:
        session, tokenizer, words = open_model(
            self._folder, self.facts.model_sha256, self.facts.tokenizer_sha256, self._threads
        )
        vocabulary = msgspec.json.decode(words, type=_TokenizerFile).model
        self._unknown_id = vocabulary.unk_id
        if vocabulary.unk_token is not None:
            self._unknown_id = tokenizer.token_to_id(vocabulary.unk_token)
        return session, tokenizer

    def _ids(self, tokenizer: Any, text: str) -> list[int]:
        try:
            ids: list[int] = tokenizer.encode(text).ids
        except TypeError as error:
            raise EmbedderError("the text is not valid Unicode and cannot be embedded", refused=True) from error
        limit = self.facts.max_tokens
        if len(ids) > limit and self._overflow == "refuse":
            raise EmbedderError(
                f"the text has {len(ids)} tokens and {self.facts.name} takes {limit}; it is not compared by meaning",
                refused=True,
            )
        if self._unknown == "refuse":
            unseen = "a word or sign outside its vocabulary" if self._unknown_id in ids else ""
            if not unseen and tokenizer.normalizer is not None and not text.isascii():
                unseen = dropped_marks(text, tokenizer.normalizer.normalize_str(text))
            if unseen:
                raise EmbedderError(
                    f"{self.facts.name} does not see all of the text ({unseen}); it is not compared by meaning",
                    refused=True,
                )
        return ids if len(ids) <= limit else [*ids[: limit - 1], ids[-1]]

    def _inputs(self, ids: list[int]) -> dict[str, Any]:
        row = np.array([ids], dtype=np.int64)
        return {"input_ids": row, "attention_mask": np.ones_like(row)}

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, float32 of shape ``(len(texts), dim)``.

        Raises:
            EmbedderError: A text cannot be encoded or is too long, or the model failed.
        """
        out: Matrix = np.empty((len(texts), self.dim), dtype=np.float32)
        with self._session() as (session, tokenizer):
            # all are encoded first: a text that is refused costs no computation
            encoded = [self._ids(tokenizer, text) for text in texts]
            for at, ids in enumerate(encoded):
                out[at] = session.run(["vector"], self._inputs(ids))[0][0]
        return out

    @contextmanager
    def _session(self) -> Iterator[tuple[Any, Any]]:
        """Session and tokenizer for use inside; whatever goes wrong there is an EmbedderError."""
        loaded = self._load()
        self._inside.add(me := threading.get_ident())
        try:
            yield loaded
        except EmbedderError:
            raise
        except Exception as error:
            raise EmbedderError(f"{self.facts.name} failed ({type(error).__name__})") from error
        finally:
            self._inside.discard(me)

    def embed_tokens(self, text: str) -> tuple[list[str], Matrix]:
        """The tokens of one text and their vectors, for word alignment.

        Returns:
            The ``n`` tokens (special ones included) and float32 of shape ``(n, dim)``, not normalised.

        Raises:
            EmbedderError: As :meth:`embed`.
        """
        with self._session() as (session, tokenizer):
            ids = self._ids(tokenizer, text)
            vectors: Matrix = session.run(["tokens"], self._inputs(ids))[0][0]
            return [tokenizer.id_to_token(i) for i in ids], vectors


_default: OnnxEmbedder | None = None
_default_lock = threading.Lock()


def default_embedder() -> OnnxEmbedder:
    """The shipped all-MiniLM-L6-v2 (int8, English, offline); one per process, loaded at first use."""
    global _default
    with _default_lock:
        if _default is None:
            _default = OnnxEmbedder(DEFAULT_MODEL)
        return _default
