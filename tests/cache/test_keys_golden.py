"""Golden keys: the same call has the same key in every process and release of one key format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from askonce.cache.call import KEY_FORMAT

from .golden_keys import calls

HERE = Path(__file__).parent
GOLDEN: dict[str, str] = json.loads((HERE / "golden_keys.json").read_text())


def test_this_is_format_one() -> None:
    """The digests below belong to format 1; a new format needs new digests and a new number, both on purpose."""
    assert KEY_FORMAT == 1


@pytest.mark.parametrize("label", GOLDEN)
def test_keys_are_what_they_were(label: str) -> None:
    """A pinned call still has its pinned key: a cache on disk or in Redis survives a new release."""
    assert calls()[label].key.hex() == GOLDEN[label]


def test_every_call_is_pinned_and_no_two_share_a_key() -> None:
    """Nothing in the list goes unchecked; calls that differ have keys that differ."""
    made = calls()
    assert list(made) == list(GOLDEN)
    same = {"function", "function with defaults given"}
    keys = [call.key for label, call in made.items() if label not in same]
    assert len(set(keys)) == len(keys)
    assert made["function"].key == made["function with defaults given"].key


@pytest.mark.parametrize("seed", ["0", "4242"])
def test_another_process_makes_the_same_keys(seed: str) -> None:
    """Neither the hash seed nor the name the script runs under (``__main__``) enters a key."""
    done = subprocess.run(
        [sys.executable, str(HERE / "golden_keys.py")],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == GOLDEN


def test_a_script_has_the_key_of_the_module_it_is(tmp_path: Path) -> None:
    """``python shop.py``, ``python -m shop`` and ``import shop`` make the same keys."""
    code = (
        "from askonce import Cache, MemoryStore\n"
        "cache = Cache([MemoryStore()], semantic=False)\n"
        "class Options:\n    pass\n"
        "@cache.cached()\n"
        "def answer(question: str) -> str: ...\n"
        "print(answer.call_for('q').key.hex())\n"
    )
    (tmp_path / "shop.py").write_text(code)

    def run(*arguments: Any) -> str:
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    assert run("shop.py") == run("-m", "shop") == run("-c", "import shop")
