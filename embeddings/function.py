"""A user's own function as an embedder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import ConfigError, EmbedderError
from .contract import Matrix


class FunctionEmbedder:
    """Wrap ``fn``: a list of n texts in, n vectors of length ``dim`` out (lists or arrays).

    The vectors are scaled to length 1 here, so ``fn`` need not.

    Args:
        fn: Called from any thread, with at least one text. Must not depend on what else is in the list.
        dim: Length of its vectors.
        name: Names model and revision, for the fingerprint. Change it whenever ``fn`` changes what it
            returns: vectors under one name are compared with each other.
        scripts: Writing systems it knows (:data:`askonce.embeddings.SCRIPTS`); None means all.

    Raises:
        ConfigError: ``dim`` or ``name`` is unusable.
    """

    def __init__(
        self,
        fn: Callable[[list[str]], ArrayLike],
        dim: int,
        name: str,
        *,
        scripts: Iterable[str] | None = None,
    ) -> None:
        if dim < 1:
            raise ConfigError(f"dim must be 1 or more, not {dim}", setting="dim")
        if not name:
            raise ConfigError("name must not be empty: it keeps vectors of different models apart", setting="name")
        self._fn = fn
        self.dim = dim
        self.fingerprint = f"function:{name}/{dim}"
        self.scripts = None if scripts is None else frozenset(scripts)

    def __repr__(self) -> str:
        return f"FunctionEmbedder({self.fingerprint!r})"

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Unit vectors, float32 of shape ``(len(texts), dim)``.

        Raises:
            EmbedderError: ``fn`` raised, or did not return one usable vector per text.
        """
        if not texts:
            return np.empty((0, self.dim), dtype=np.float32)
        try:
            raw = np.asarray(self._fn(list(texts)), dtype=np.float64)
        except Exception as error:
            raise EmbedderError(f"the embedding function failed: {type(error).__name__}") from error
        return unit_rows(raw, len(texts), self.dim, "the embedding function")


def unit_rows(raw: np.ndarray[tuple[int, ...], np.dtype[np.float64]], count: int, dim: int, who: str) -> Matrix:
    """Scale each row to length 1.

    Args:
        raw: What was returned, any shape.
        count: Rows expected.
        dim: Columns expected.
        who: Who returned it, for the message.

    Returns:
        float32 of shape ``(count, dim)``. A row with NaN or infinity stays as it is, for the service
        to blame on its own text.

    Raises:
        EmbedderError: The shape is wrong, or a row is all zeros.
    """
    if raw.shape != (count, dim):
        raise EmbedderError(f"{who} returned shape {raw.shape}; it must return ({count}, {dim})")
    # scaled by the largest part first: the squares of float64 extremes overflow
    top = np.abs(raw).max(axis=1, keepdims=True)
    if not top.all():
        raise EmbedderError(f"{who} returned a vector of zeros, which has no direction")
    with np.errstate(invalid="ignore"):
        scaled = raw / top
        rows: Matrix = (scaled / np.linalg.norm(scaled, axis=1, keepdims=True)).astype(np.float32)
    return rows


def in_a_line(error: BaseException) -> str:
    """What a library's exception says, fit to be part of a message: its kind and first line, cut short."""
    first = next(filter(None, map(str.strip, str(error).splitlines())), "")
    said = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return said if len(said) <= 300 else said[:297] + "..."
