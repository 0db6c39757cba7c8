"""The error tree.

::

    AskonceError
    ├── ConfigError          a setting is wrong; raised at construction, names the setting
    ├── UncacheableCall      an argument cannot be part of a key; raised at the first call
    ├── NotCached            only-if-cached was asked and there is no servable entry
    ├── StoreError           a tier failed; inside a call this is a miss, never an error
    │   ├── CorruptEntry     a stored row is not what this version wrote
    │   ├── UnsafeRow        a stored row is not raw bytes (for example a pickle) and was not loaded
    │   └── StoreClosed      used after close()
    ├── IndexFault           the vector index refused a vector or a snapshot
    ├── EmbedderError        the embedder failed or gave something that is not a unit vector
    ├── DeadlineExceeded     a stage did not answer within its deadline
    └── MissingExtra         an optional dependency is not installed; says which extra brings it

Faults of a stage (store, index, embedder) never reach the caller of a cached function: they are
counted, shown in the receipt, and treated as a miss.
"""

from __future__ import annotations

from typing import Any


class AskonceError(Exception):
    """Root of every error this package raises on purpose.

    Args:
        message: What is wrong and what to do next, in one line.
        **data: Facts a program may want (``setting=...``, ``tier=...``); kept in ``self.data``.
    """

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.data: dict[str, Any] = data


class ConfigError(AskonceError, ValueError):
    """A setting is wrong."""


class UncacheableCall(AskonceError, TypeError):
    """An argument cannot be encoded deterministically, so no key can be made from it."""


class NotCached(AskonceError, LookupError):
    """``only_if_cached`` was asked and no servable entry exists."""


class StoreError(AskonceError):
    """A tier failed to answer."""


class CorruptEntry(StoreError):
    """Stored bytes do not decode to an entry, or their checksum does not match."""


class UnsafeRow(StoreError):
    """A row in the disk tier is not raw bytes; it was refused without being loaded."""


class StoreClosed(StoreError):
    """The store was used after ``close()``."""


class IndexFault(AskonceError):
    """The vector index refused its input or a snapshot."""


class EmbedderError(AskonceError):
    """The embedder failed, or returned something that is not one unit vector per text."""


class DeadlineExceeded(AskonceError, TimeoutError):
    """A stage did not answer within its deadline."""


class MissingExtra(AskonceError, ImportError):
    """An optional dependency is missing."""

    def __init__(self, package: str, extra: str, what_for: str) -> None:
        super().__init__(
            f"{what_for} needs {package!r}, which is not installed: pip install 'askonce[{extra}]'",
            package=package,
            extra=extra,
        )
