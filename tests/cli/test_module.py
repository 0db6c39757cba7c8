"""``python -m askonce`` is the command."""

from __future__ import annotations

import subprocess
import sys

from askonce import __version__


def test_the_package_runs_as_the_command() -> None:
    """The module form prints the version, as the command does."""
    done = subprocess.run(
        [sys.executable, "-m", "askonce", "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, __version__)
