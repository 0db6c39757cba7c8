"""Hypothesis without deadlines (a busy machine is no fault), and wrapped clients over a local service."""

from __future__ import annotations

import pytest
from hypothesis import settings
from openai import AsyncOpenAI, OpenAI

from askonce import Cache
from askonce.upstream.local_model import LocalModel
from askonce.upstream.local_transport import LocalTransport

from .openai_tools import aclient_of, client_of

settings.register_profile("askonce", deadline=None, max_examples=60)
settings.load_profile("askonce")


@pytest.fixture
def model() -> LocalModel:
    return LocalModel()


@pytest.fixture
def client(cache: Cache, model: LocalModel) -> OpenAI:
    return client_of(cache, LocalTransport(model, instant=True))


@pytest.fixture
def aclient(cache: Cache, model: LocalModel) -> AsyncOpenAI:
    return aclient_of(cache, LocalTransport(model, instant=True))
