"""The pair model: two questions read together, the log-odds that one answer serves both.

A cross-encoder (Nogueira and Cho 2019, https://arxiv.org/abs/1901.04085, section 3) as int8 ONNX, without
torch. It sees what two separate vectors cannot show, a changed number or a turned direction, and costs
about two embedding passes, four for a pair that looks good; so it is asked only when cheaper evidence leaves a doubt.

A model is a folder: ``model.onnx``, ``tokenizer.json`` and ``model.json``. ``training/`` makes it.
"""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..errors import ConfigError, EmbedderError
from ..forks import renew_after_fork
from .function import in_a_line
from .minilm import MODELS, open_model

HOPE = -1.0
"""Log-odds of one reading below which a pair is not read the other way round: it would hardly ever be served."""
PAIR_MODELS = {"latin": "pair-en-int8", "han": "pair-zh-int8"}
"""The shipped models, by the script they are asked for."""


class PairFacts(msgspec.Struct):
    """What ``model.json`` says.

    Attributes:
        name: Name of the model.
        max_tokens: Tokens of both texts together, marks included.
        opening, closing: Tokens before the first text and after each.
        scripts: Writing systems it was trained on.
        model_sha256, tokenizer_sha256: Of the two files beside it.
    """

    name: str
    max_tokens: int
    opening: str
    closing: str
    scripts: tuple[str, ...]
    model_sha256: str
    tokenizer_sha256: str


@cache
def shipped_pair_model(name: str) -> PairModel:
    """A model that ships, one per process, loaded at first use."""
    return PairModel(name)


def pair_ids(tokenizer: Any, facts: PairFacts, one: str, two: str) -> tuple[list[int], list[int]]:
    """Ids of ``opening one closing two closing`` and the type (0 or 1) of each.

    Raises:
        EmbedderError: Both together are too long.
    """
    first = tokenizer.encode(one, add_special_tokens=False).ids
    second = tokenizer.encode(two, add_special_tokens=False).ids
    if len(first) + len(second) + 3 > facts.max_tokens:
        raise EmbedderError(
            f"the two texts have {len(first) + len(second)} tokens and {facts.name} takes {facts.max_tokens - 3}",
            refused=True,
        )
    opening, closing = tokenizer.token_to_id(facts.opening), tokenizer.token_to_id(facts.closing)
    return [opening, *first, closing, *second, closing], [0] * (len(first) + 2) + [1] * (len(second) + 1)


def pair_feed(tokenizer: Any, facts: PairFacts, one: str, two: str) -> dict[str, Any]:
    """What the graph takes for one pair, int64 ``(1, tokens)`` each. Raises EmbedderError as :func:`pair_ids`."""
    ids, types = pair_ids(tokenizer, facts, one, two)
    row = np.array([ids], np.int64)
    return {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.array([types], np.int64)}


class PairModel:
    """A pair model folder at work. Loading is lazy; the files are then checked against their digests.

    Args:
        model: A folder, or the name of a model that ships with the package.

    Raises:
        ConfigError: No such folder, or it is not a model folder.
    """

    def __init__(self, model: str | Path = PAIR_MODELS["latin"]) -> None:
        shipped = MODELS / str(model)
        self._folder = shipped if (shipped / "model.json").is_file() else Path(model)
        try:
            self.facts = msgspec.json.decode((self._folder / "model.json").read_bytes(), type=PairFacts)
        except (OSError, msgspec.MsgspecError) as error:
            raise ConfigError(
                f"no pair model at {str(model)!r} ({in_a_line(error)}): give a folder with model.json, model.onnx and "
                "tokenizer.json",
                setting="verifier",
            ) from error
        self.fingerprint = f"{self.facts.name}/{self.facts.model_sha256[:12]}{self.facts.tokenizer_sha256[:4]}"
        self._loaded: tuple[Any, Any] | None = None
        self._lost: list[Any] = []
        self._lock = threading.Lock()
        renew_after_fork(self)

    def renew(self) -> None:
        self._lock = threading.Lock()
        if self._loaded is not None:
            self._lost.append(self._loaded)  # may have been in use by a thread that is gone
            self._loaded = None

    def __repr__(self) -> str:
        return f"PairModel({self.facts.name!r})"

    def load(self) -> None:
        """Load the model now. Raises EmbedderError."""
        self._load()

    def _load(self) -> tuple[Any, Any]:
        loaded = self._loaded
        if loaded is not None:
            return loaded
        with self._lock:
            if self._loaded is None:
                try:
                    self._loaded = open_model(self._folder, self.facts.model_sha256, self.facts.tokenizer_sha256)[:2]
                except EmbedderError:
                    raise
                except Exception as error:
                    raise EmbedderError(
                        f"the pair model in {self._folder} does not load ({in_a_line(error)})"
                    ) from error
            return self._loaded

    def log_odds(self, one: str, two: str) -> float:
        """Log-odds that one answer serves both texts, before any calibration.

        The mean of both readings, ``one`` first and ``two`` first: their errors are not the same. A pair of which the
        first reading leaves no hope (:data:`HOPE`) is not read a second time.

        Raises:
            EmbedderError: The texts are too long or not valid Unicode, or the model failed.
        """
        found = self._read(one, two)
        return found if found < HOPE or one == two else (found + self._read(two, one)) / 2

    def _read(self, one: str, two: str) -> float:
        session, tokenizer = self._load()
        try:
            feed = pair_feed(tokenizer, self.facts, one, two)
            value = float(session.run(["log_odds"], feed)[0][0, 0])
        except EmbedderError:
            raise
        except Exception as error:
            raise EmbedderError(f"{self.facts.name} failed ({type(error).__name__})") from error
        if not np.isfinite(value):
            raise EmbedderError(f"{self.facts.name} gave {value}, which is no number to go by")
        return value
