"""The file an index is saved to: vectors, keys, ids and scopes under one checksum. Nothing in it is executed.

What FAISS made of the vectors is not kept (its own reader trusts the bytes it reads) but made again after
loading. Layout, little-endian:

==================  ==============================================================================
header              magic ``AOIX``, format, dim, bytes of the embedder's fingerprint, scopes, vectors,
                    bytes of all scopes, bytes of all keys, next id; then the fingerprint in UTF-8
scopes              length u16 of each, number of vectors u64 of each, their bytes
keys                length u16 of each, their bytes; grouped by scope, oldest first
ids                 i64 of each; ascending within a scope
vectors             f32, ``dim`` of each
checksum            BLAKE2b of everything before it, 32 bytes
==================  ==============================================================================

The sizes follow from the header, so a file of another length is refused before anything is read. The checksum is
against rot and torn writes, not against someone who may write the file.
"""

from __future__ import annotations

import contextlib
import os
import struct
import tempfile
import time
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import IndexFault
from .vectors import BLOCK, Matrix, Numbers

FORMAT = 1
_MAGIC = b"AOIX"
_HEADER = struct.Struct("<4sIIIQQQQQ")
_DIGEST = 32
_LEFTOVER_S = 3600.0  # a temporary file older than this was left by a killed process
_TOLERANCE = 1e-3


class Section(NamedTuple):
    """One scope: keys and ids of its vectors, oldest first, and the vectors in blocks."""

    scope: bytes
    keys: list[bytes]
    ids: Numbers
    blocks: Iterator[Matrix] | Sequence[Matrix]


def write_snapshot(path: Path, dim: int, embedder: str, next_id: int, sections: Sequence[Section]) -> None:
    """Write a snapshot: whole, or not at all.

    It is written beside ``path``, flushed to the disk and renamed. A kill at any instant leaves what was there.

    Raises:
        IndexFault: It could not be written; what was there before still is.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        try:
            with open(number, "wb", buffering=1 << 20) as file:
                _write(file, dim, embedder, next_id, sections)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise IndexFault(
            f"cannot save the index to {path} ({error.strerror or error}); check space and permissions there",
            path=str(path),
        ) from error


def read_snapshot(path: Path, dim: int, embedder: str) -> tuple[int, list[Section]]:
    """Read and verify a snapshot: ``(next id, sections)``, blocks as :class:`~askonce.backends.vectors.Rows` has them.

    Raises:
        IndexFault: It is missing, unreadable, damaged, of another format, embedder or dimension.
    """
    try:
        with open(path, "rb") as file:
            return _read(file, path, dim, embedder)
    except OSError as error:
        raise _refusal(path, f"cannot be read ({error.strerror or error})") from error


def _write(file: BinaryIO, dim: int, embedder: str, next_id: int, sections: Sequence[Section]) -> None:
    digest = blake2b(digest_size=_DIGEST)

    def put(data: bytes | NDArray[Any]) -> None:
        raw = data if isinstance(data, bytes) else data.data
        digest.update(raw)
        file.write(raw)

    name = embedder.encode("utf-8", "surrogatepass")
    scopes = b"".join(section.scope for section in sections)
    keys = [key for section in sections for key in section.keys]
    joined = b"".join(keys)
    put(_HEADER.pack(_MAGIC, FORMAT, dim, len(name), len(sections), len(keys), len(scopes), len(joined), next_id))
    put(name)
    put(np.array([len(section.scope) for section in sections], dtype="<u2"))
    put(np.array([len(section.keys) for section in sections], dtype="<u8"))
    put(scopes)
    put(np.array([len(key) for key in keys], dtype="<u2"))
    put(joined)
    for section in sections:
        put(section.ids.astype("<i8", copy=False))
    for section in sections:
        for block in section.blocks:
            put(np.ascontiguousarray(block, dtype="<f4"))
    file.write(digest.digest())


def _read(file: BufferedReader, path: Path, dim: int, embedder: str) -> tuple[int, list[Section]]:
    digest = blake2b(digest_size=_DIGEST)

    def get(size: int) -> bytes:
        data = file.read(size)
        if len(data) != size:
            raise _refusal(path, "is torn")
        digest.update(data)
        return data

    size = os.fstat(file.fileno()).st_size
    if size < _HEADER.size + _DIGEST:
        raise _refusal(path, "is torn")
    magic, form, its_dim, name_size, scopes, vectors, scope_size, key_size, next_id = _HEADER.unpack(get(_HEADER.size))
    if magic != _MAGIC or form != FORMAT:
        raise _refusal(path, "is no index snapshot of this version")
    expected = _HEADER.size + name_size + 10 * scopes + scope_size + (10 + 4 * its_dim) * vectors + key_size + _DIGEST
    if size != expected:
        raise _refusal(path, f"is torn or damaged ({size:,} bytes where its header says {expected:,})")
    name = get(name_size)
    if (its_dim, name) != (dim, embedder.encode("utf-8", "surrogatepass")):
        other = name.decode(errors="replace")
        raise _refusal(path, f"holds {its_dim}-dimensional vectors of {other!r}, not {dim}-dimensional of {embedder!r}")

    scope_lengths = np.frombuffer(get(2 * scopes), dtype="<u2")
    counts = np.frombuffer(get(8 * scopes), dtype="<u8")
    scope_bytes = get(scope_size)
    key_lengths = np.frombuffer(get(2 * vectors), dtype="<u2")
    key_bytes = get(key_size)
    ids = np.frombuffer(get(8 * vectors), dtype="<i8").astype(np.int64)
    # Sums in Python's integers: damaged counts must not wrap around.
    if (sum(counts.tolist()), int(scope_lengths.sum()), int(key_lengths.sum())) != (vectors, scope_size, key_size):
        raise _refusal(path, "is damaged")
    names, keys = _split(scope_bytes, scope_lengths), _split(key_bytes, key_lengths)
    sections, done = [], 0
    for scope, count in zip(names, counts.tolist(), strict=True):
        blocks = []
        for start in range(0, count, BLOCK):
            block: Matrix = np.empty((min(BLOCK, count - start), dim), dtype="<f4")
            if file.readinto(block.data) != block.nbytes:
                raise _refusal(path, "is torn")
            digest.update(block.data)
            blocks.append(block.astype(np.float32, copy=False))
        sections.append(Section(scope, keys[done : done + count], ids[done : done + count].copy(), blocks))
        done += count
    if file.read() != digest.digest():
        raise _refusal(path, "is damaged (its checksum does not match)")
    if not _sound(sections, ids, next_id, keys):
        raise _refusal(path, "is not what this version writes")
    return next_id, sections


def _sound(sections: Sequence[Section], ids: Numbers, next_id: int, keys: Sequence[bytes]) -> bool:
    """Whether intact bytes also mean an index: they may have been written by someone else."""
    if len(set(keys)) != len(keys) or len({s.scope for s in sections}) != len(sections):
        return False
    if len(ids) and (len(np.unique(ids)) != len(ids) or ids.min() < 0 or ids.max() >= next_id):
        return False
    for section in sections:
        if not section.keys or bool((np.diff(section.ids) <= 0).any()):
            return False
        for block in section.blocks:
            lengths = np.sqrt(np.einsum("ij,ij->i", block, block))
            if not bool((np.abs(lengths - 1.0) <= _TOLERANCE).all()):
                return False
    return True


def _split(data: bytes, lengths: NDArray[np.uint16]) -> list[bytes]:
    ends = np.cumsum(lengths, dtype=np.int64).tolist()
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _refusal(path: Path, why: str) -> IndexFault:
    return IndexFault(f"snapshot {path} {why}; the index must be built again from the stores", path=str(path))


def _sweep(path: Path) -> None:
    """Remove what killed processes left half-written."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFTOVER_S:
                left.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where folders can be opened."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
