"""The entry: a stored answer with its provenance, and the bytes it is stored as.

Layout of the stored bytes: ``b"AO1"``, 4 bytes CRC-32 of the rest (little-endian), then msgpack of the
fields in order. The checksum is against rot and torn writes, not against an attacker with write access; a
cryptographic one would cost more than the rest of a read from disk.
"""

from __future__ import annotations

from zlib import crc32

import msgspec

from .errors import CorruptEntry

MAGIC = b"AO1"
_HEAD = len(MAGIC) + 4


class Usage(msgspec.Struct, frozen=True, array_like=True):
    """Tokens the provider billed for one answer."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One stored answer.

    Attributes:
        key: Exact key, 32 bytes: digest of scope and query.
        scope: Digest of everything but the query, 32 bytes; names the semantic partition.
        kind: How ``body`` is decoded (``"json"``, ``"openai.chat"``, ...).
        body: The answer, encoded.
        created: Unix seconds at which the answer was complete.
        expires: Unix seconds after which it is stale; ``None`` = never. Absolute: a hit does not move it.
        keep_until: Unix seconds after which a store may drop it (``expires`` plus the stale windows).
        seq: The invalidation sequence number known when the upstream call began.
        query: The text of the question, ``None`` when the call has none that may vary.
        tags: What may invalidate it.
        model: The model that answered.
        usage: Tokens billed for it.
        cost_usd: Money it cost, US dollars.
        cost_ms: Time the upstream call took, milliseconds.
        embedder: Fingerprint of the embedder that made ``vector``; empty when there is none.
        vector: Unit vector as little-endian float32, ``4 * dim`` bytes; empty when there is none.
    """

    key: bytes
    scope: bytes
    kind: str
    body: bytes
    created: float
    expires: float | None = None
    keep_until: float | None = None
    seq: int = 0
    query: str | None = None
    tags: tuple[str, ...] = ()
    model: str = ""
    usage: Usage = Usage()
    cost_usd: float = 0.0
    cost_ms: float = 0.0
    embedder: str = ""
    vector: bytes = b""

    @property
    def size(self) -> int:
        """Bytes this entry is charged for in a bounded tier (content plus a flat overhead)."""
        return (
            len(self.body)
            + len(self.vector)
            + 400
            + (4 * len(self.query) if self.query else 0)
            + sum(map(len, self.tags))
        )


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


def encode_entry(entry: Entry) -> bytes:
    """The bytes a persistent store keeps for ``entry``."""
    raw = _encoder.encode(entry)
    return MAGIC + crc32(raw).to_bytes(4, "little") + raw


def decode_entry(data: bytes) -> Entry:
    """Read what :func:`encode_entry` wrote.

    Raises:
        CorruptEntry: The bytes are not an entry of this format, or their checksum does not match.
    """
    raw = data[_HEAD:]
    if data[: len(MAGIC)] != MAGIC or crc32(raw).to_bytes(4, "little") != data[len(MAGIC) : _HEAD]:
        raise CorruptEntry("stored bytes are not an askonce entry or are damaged; the row is treated as absent")
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise CorruptEntry(f"stored entry does not decode ({error}); the row is treated as absent") from error
