"""``askonce``, the command line.

Exit codes: 0 done, 1 failed or something is wrong, 2 wrong usage or settings, 130 interrupted, 141 the
reader of the output went away. A mistake is one line on stderr, never a traceback. Results go to stdout,
with ``--json`` as one JSON object (``{"error": ...}`` when it failed); progress and notes go to stderr.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..errors import AskonceError, ConfigError, MissingExtra

if TYPE_CHECKING:
    from cyclopts import App

FAILED, MISUSED, INTERRUPTED, NOBODY_READS = 1, 2, 130, 141

_EXAMPLES = {
    "demo": """
        askonce demo                     run it; a second run is answered from disk
        askonce demo --fresh             forget the earlier runs first
        askonce demo --out picture.png   say where the picture goes
    """,
    "stats": """
        askonce stats
        askonce stats --directory /var/cache/answers --json
    """,
    "inspect": """
        askonce inspect --contains refund
        askonce inspect --tag doc:42 --limit 0
        askonce inspect --key 3f9a21c0
    """,
    "invalidate": """
        askonce invalidate --tag doc:42
        askonce invalidate --older-than 7d --dry-run
        askonce invalidate --everything --yes --sweep
    """,
    "warm": """
        askonce warm faq.jsonl --model gpt-4o-mini --system "You are a support agent."
        askonce warm faq.jsonl --function shop.answers:answer
        askonce warm faq.jsonl --model gpt-4o-mini --dry-run

        faq.jsonl: {"question": "How do I reset my password?", "answer": "Open ...", "tags": ["doc:7"]}
    """,
    "export": """
        askonce export backup.jsonl.gz
        askonce export backup.jsonl --directory /var/cache/answers --force
    """,
    "import": """
        askonce import backup.jsonl.gz
        askonce import backup.jsonl.gz --directory /new/place --replace
    """,
    "evaluate": """
        askonce evaluate pairs.tsv
        askonce evaluate pairs.tsv.gz --policy cosine:0.8 --limit 2000
        askonce evaluate pairs.jsonl --max-wrong 0.005 --json

        pairs.tsv: text_a, text_b, label (1: one answer serves both) and maybe meta, parted by tabs
    """,
    "replay": """
        askonce replay log.jsonl
        askonce replay log.jsonl --policy verified --policy cosine:0.8 --plot replay.png
        askonce replay log.jsonl --target 0.01 --max-wrong 0.005 --max-wrong 0.02 --json

        log.jsonl: {"text": "Where is my order?", "answer": "Under Orders ...", "time": 1767225600}
    """,
    "explain": """
        askonce explain "How do I cancel my order?" "cancel my order"
        askonce explain "Fly from Rome to Oslo" "Fly from Oslo to Rome" --policy conservative --json
        askonce explain --file pairs.tsv
    """,
    "calibrate": """
        askonce calibrate pairs.tsv --out calibration.json
        askonce calibrate pairs.tsv --embedder multilingual --out calibration.json --force
    """,
    "doctor": """
        askonce doctor
        askonce doctor --fix
        askonce doctor --json
    """,
}


def build() -> App:
    """The application; each command's heavy imports wait until it runs."""
    from cyclopts import App, Parameter

    from .. import __version__
    from .commands.calibrate import calibrate
    from .commands.demo import demo
    from .commands.evaluate import evaluate
    from .commands.explain import explain
    from .commands.health import doctor
    from .commands.look import inspect as look
    from .commands.look import stats
    from .commands.move import export, import_, warm
    from .commands.replay import replay
    from .commands.retire import invalidate

    app = App(
        name="askonce",
        help="A cache you can trust in front of rate-limited LLM calls: see what it holds, fill it, mend it.",
        version=__version__,
        help_format="plaintext",
        default_parameter=Parameter(negative_iterable=""),
        result_action="return_value",
        suppress_keyboard_interrupt=False,
        exit_on_error=False,
        print_error=False,
    )
    for name, command in (
        ("demo", demo),
        ("stats", stats),
        ("inspect", look),
        ("invalidate", invalidate),
        ("warm", warm),
        ("export", export),
        ("import", import_),
        ("evaluate", evaluate),
        ("replay", replay),
        ("explain", explain),
        ("calibrate", calibrate),
        ("doctor", doctor),
    ):
        app.command(command, name=name, help=_paragraphs(command), help_epilogue=_examples(name))
    return app


def _paragraphs(command: Any) -> str:
    """The docstring, each paragraph one line: the terminal's width breaks it, not ours."""
    text = inspect.getdoc(command) or ""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _examples(name: str) -> str:
    lines = [line[8:] for line in _EXAMPLES[name].strip("\n").split("\n")]
    return "Examples:\n\n  " + "\n  ".join(lines).rstrip()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after ``askonce``; None takes them from the command line.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: what is written goes nowhere, not elsewhere
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for the life of the process
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="replace")  # a terminal without our signs gets a question mark
    try:
        code = _run(words)
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            _leave_stdout()
            return code or _fail(error, FAILED, [])
        return code
    except (BrokenPipeError, SystemExit):  # rich, which prints the help, leaves the second way
        _leave_stdout()
        return NOBODY_READS
    except KeyboardInterrupt:
        print("askonce: interrupted", file=sys.stderr)
        return INTERRUPTED


def _run(words: list[str]) -> int:
    if find_spec("cyclopts") is None or find_spec("rich") is None:
        return _fail(MissingExtra("cyclopts", "cli", "the command line"), MISUSED, words)
    from cyclopts import CycloptsError

    try:
        result: Any = build()(words)
    except CycloptsError as error:
        return _fail(error, MISUSED, words)
    except ConfigError as error:
        return _fail(error, MISUSED, words)
    except BrokenPipeError:
        raise
    except (AskonceError, OSError, MemoryError, RecursionError) as error:
        return _fail(error, FAILED, words)
    return result if isinstance(result, int) else 0


def _fail(error: BaseException, code: int, words: list[str]) -> int:
    """Say what went wrong, in one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OSError) and not isinstance(error, AskonceError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror or error}"
    print(f"askonce: {text}", file=sys.stderr)
    if "--json" in words:
        import msgspec

        kind = type(error).__name__ if isinstance(error, AskonceError | OSError) else "UsageError"
        try:
            print(msgspec.json.encode({"error": text, "kind": kind}).decode(), flush=True)
        except OSError:  # what went wrong may be stdout itself
            _leave_stdout()
    return code


def _leave_stdout() -> None:
    """Let the interpreter's last flush write to nowhere: the reader is gone."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
