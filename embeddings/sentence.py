"""Any sentence-transformers model, by name or path (extra ``sentence-transformers``)."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError, EmbedderError, MissingExtra
from ..forks import renew_after_fork
from .blind_spots import dropped_marks
from .contract import Matrix
from .function import in_a_line, unit_rows

_IDLE_SUFFIXES = {".md", ".png", ".lock", ".pyc"}
_IDLE_NAMES = {".gitattributes", ".gitignore", "LICENSE", "NOTICE"}


class SentenceTransformerEmbedder:
    """A model loaded by sentence-transformers (https://sbert.net), at construction.

    Weights are read from safetensors only and no code from the model's repository is run. For a hub name
    the library asks the hub; set ``HF_HUB_OFFLINE=1`` to keep it to what it already has.

    Args:
        name_or_path: A folder, or a name on the Hugging Face hub (fetched once, then cached there).
        device: ``"cpu"``, ``"cuda"``, ...; None lets the library choose.
        revision: Commit, tag or branch on the hub; pin a commit so that vectors cannot change.
        prompt: Put before each text (``"query: "`` for E5 models).
        batch_size: Texts per forward pass.
        scripts: Writing systems the model knows (:data:`askonce.embeddings.SCRIPTS`); None means all.
        overflow_ok: Let the model cut a text longer than its window. By default such a text raises
            EmbedderError, for two texts that differ only past the window would look the same.
        unknown_ok: Let the model's tokenizer drop words and signs it does not know. By default a text that
            has any raises EmbedderError, for the same reason.

    Raises:
        MissingExtra: sentence-transformers, or a library it needs, is not installed.
        ConfigError: The model does not load.
    """

    def __init__(
        self,
        name_or_path: str | Path,
        *,
        device: str | None = None,
        revision: str | None = None,
        prompt: str = "",
        batch_size: int = 32,
        scripts: Iterable[str] | None = None,
        overflow_ok: bool = False,
        unknown_ok: bool = False,
    ) -> None:
        if batch_size < 1:
            raise ConfigError(f"batch_size must be 1 or more, not {batch_size}", setting="batch_size")
        if find_spec("sentence_transformers") is None:
            raise MissingExtra("sentence-transformers", "sentence-transformers", "this embedder")
        try:
            library: Any = import_module("sentence_transformers")
        except ImportError as error:  # there, but not what it stands on
            raise MissingExtra(error.name or "torch", "sentence-transformers", "this embedder") from error
        try:
            self._model: Any = library.SentenceTransformer(
                str(name_or_path),
                device=device,
                revision=revision,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:
            raise ConfigError(
                f"sentence-transformers cannot load {str(name_or_path)!r} ({in_a_line(error)}); "
                "check the name or path, and that it has safetensors weights",
                setting="embedder",
            ) from error
        dim = _dimension(self._model)
        if dim < 1:
            raise ConfigError(f"{str(name_or_path)!r} does not say its dimension", setting="embedder")
        self.dim = dim
        self.scripts = None if scripts is None else frozenset(scripts)
        self._prompt = prompt
        self._batch_size = batch_size
        self._overflow_ok = overflow_ok
        self._unknown_ok = unknown_ok
        self._lock = threading.Lock()  # fast tokenizers refuse to be used by two threads at once
        self._one_thread = False
        renew_after_fork(self)
        path = Path(name_or_path)
        identity = _folder_digest(path) if path.is_dir() else _hub_commit(self._model) or revision or "unpinned"
        name = path.name if path.is_dir() else str(name_or_path)
        self.fingerprint = f"sentence-transformers:{name}@{identity}/{dim}"
        if prompt:
            self.fingerprint += "/" + blake2b(prompt.encode(), digest_size=4).hexdigest()

    def renew(self) -> None:
        self._lock = threading.Lock()
        self._one_thread = True  # torch's other threads are gone, and it would wait for them without end

    def __repr__(self) -> str:
        return f"SentenceTransformerEmbedder({self.fingerprint!r})"

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, float32 of shape ``(len(texts), dim)``.

        Raises:
            EmbedderError: A text is too long, or the model failed.
        """
        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)
        try:
            full = [self._prompt + text for text in texts]
            with self._lock:
                for text in full:
                    self._refuse(text)
                if self._one_thread:
                    import_module("torch").set_num_threads(1)  # each time: it counts for the calling thread
                raw = self._model.encode(
                    full,
                    batch_size=self._batch_size,
                    prompt="",  # or a default prompt of the model's own would be added unseen
                    show_progress_bar=False,
                    convert_to_numpy=True,
                )
        except EmbedderError:
            raise
        except Exception as error:
            raise EmbedderError(f"sentence-transformers failed ({in_a_line(error)})") from error
        return unit_rows(np.asarray(raw, dtype=np.float64), len(texts), self.dim, "sentence-transformers")

    def _refuse(self, text: str) -> None:
        """Raise when the model would not see all of ``text``."""
        tokenizer = self._model.tokenizer
        if not hasattr(tokenizer, "num_special_tokens_to_add"):
            return  # not a transformer: a static table has no window, and its own idea of a word
        try:
            ids = tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
        except TypeError as error:
            raise EmbedderError("the text is not valid Unicode and cannot be embedded", refused=True) from error
        limit = self._model.max_seq_length
        if not self._overflow_ok and isinstance(limit, int):
            count = len(ids) + tokenizer.num_special_tokens_to_add()
            if count > limit:
                raise EmbedderError(
                    f"the text has {count} tokens and the model takes {limit}; it is not compared by meaning",
                    refused=True,
                )
        if self._unknown_ok:
            return
        unknown = getattr(tokenizer, "unk_token_id", None)
        unseen = "a word or sign outside its vocabulary" if unknown is not None and unknown in ids else ""
        normalizer = getattr(getattr(tokenizer, "backend_tokenizer", None), "normalizer", None)
        if not unseen and normalizer is not None and not text.isascii():
            unseen = dropped_marks(text, normalizer.normalize_str(text))
        if unseen:
            raise EmbedderError(
                f"the model does not see all of the text ({unseen}); it is not compared by meaning", refused=True
            )


def _dimension(model: Any) -> int:
    # renamed in sentence-transformers 5.x; the old name warns
    ask = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
    return int(ask() or 0)


def _hub_commit(model: Any) -> str:
    """The hub commit the weights came from, or an empty string."""
    for module in model:
        config = getattr(getattr(module, "auto_model", None), "config", None)
        commit = getattr(config, "_commit_hash", None)
        if commit:
            return str(commit)[:12]
    return ""


def _folder_digest(folder: Path) -> str:
    """Digest of every file that may shape the vectors, by content: a folder has no commit."""
    digest = blake2b(digest_size=6)
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        if file.suffix in _IDLE_SUFFIXES or file.name in _IDLE_NAMES:
            continue
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0")
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
