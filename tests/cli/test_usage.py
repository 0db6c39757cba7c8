"""What holds for every command: help, errors as one line, exit codes, streams, and a light start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import askonce

from .conftest import COMMANDS, Filled, Run

MAIN = [sys.executable, "-m", "askonce.cache.cli"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(run: Run, command: str) -> None:
    """--help explains the command, shows examples of it and the options that all share, and succeeds."""
    ran = run(command, "--help")
    assert ran.code == 0
    assert f"askonce {command}" in ran.out.partition("Examples:")[2]
    assert all(option in ran.out for option in ("--config", "--directory", "--json"))


def test_version_and_overview(run: Run) -> None:
    """--version prints the package's version; no command at all lists the commands."""
    assert run("--version").out.strip() == askonce.__version__
    listed = run()
    assert listed.code == 0
    assert all(command in listed.out for command in COMMANDS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["stat"], "stats"),
        (["stats", "--jsn"], "--json"),
        (["stats", "--top", "many"], "--top"),
        (["warm"], "FAQ"),
        (["warm", "nowhere.jsonl"], "nowhere.jsonl"),
        (["import", "nowhere.jsonl"], "nowhere.jsonl"),
        (["export"], "FILE"),
        (["stats", "--config", "nowhere.toml"], "nowhere.toml"),
        (["inspect", "--key", "xyz!"], "--key"),
        (["invalidate"], "--tag"),
        (["invalidate", "--older-than", "soon"], "--older-than"),
        (["demo", "--calls", "1"], "--calls"),
        (["demo", "--out", "nowhere/picture.png"], "nowhere"),
    ],
)
def test_wrong_usage_is_one_line_and_code_two(run: Run, words: list[str], says: str) -> None:
    """Wrong usage says in one line on stderr what is wrong, prints no result, and exits with 2."""
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert says in ran.err


@pytest.mark.parametrize("command", ["stats", "inspect", "doctor", "invalidate", "export"])
@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[cache]\ntiers = ['memory', 'disc']", "disc"),
        ("[cache]\ndirektory = 'x'", "directory"),
        ("[policy]\nttl = 'a while'", "ttl"),
        ("[cache\n", "TOML"),
        ("[cache]\ntiers = ['redis']", "redis.url"),
    ],
)
def test_wrong_settings_name_the_setting(
    run: Run, place: Path, filled: Filled, command: str, toml: str, says: str
) -> None:
    """A wrong setting is named, whatever the command; nothing is opened or written."""
    (place / "askonce.toml").write_text(toml)
    before = sorted(path.name for path in filled.directory.iterdir())
    words = {"invalidate": ["--everything", "--yes"], "export": ["out.jsonl"]}.get(command, [])
    ran = run(command, *words)
    assert ran.code == (1 if command == "doctor" else 2)
    assert says.partition(".")[2] or says in ran.out + ran.err
    assert "Traceback" not in ran.err
    assert sorted(path.name for path in filled.directory.iterdir()) == before
    assert not (place / "out.jsonl").exists()


def test_with_json_an_error_is_an_object(run: Run) -> None:
    """With --json a failure, too, is one JSON object on stdout, and the line on stderr stays."""
    wrong, failed = run("stats", "--nope", "--json"), run("stats", "--json")
    assert (wrong.code, failed.code) == (2, 1)
    assert wrong.json["error"] in wrong.err
    assert failed.json == {"error": failed.err.strip().removeprefix("askonce: "), "kind": "StoreError"}


@pytest.mark.parametrize("command", ["stats", "inspect", "invalidate", "export"])
def test_looking_makes_nothing(run: Run, place: Path, command: str) -> None:
    """Pointed at a folder without a cache, a command says so and leaves the folder as it is."""
    (place / "photos").mkdir()
    words = {"invalidate": ["--tag", "x"], "export": ["out.jsonl"]}.get(command, [])
    for directory in ("photos", "absent"):
        ran = run(command, *words, "--directory", directory)
        assert ran.code == 1
        assert f"no cache at {directory}" in ran.err
    assert sorted(path.name for path in place.rglob("*")) == ["photos"]


def test_a_file_in_place_of_the_directory(run: Run, place: Path) -> None:
    """A directory that is a file is a wrong setting."""
    (place / "file").write_text("")
    ran = run("stats", "--directory", "file")
    assert ran.code == 2
    assert "file is a file" in ran.err


def test_a_directory_that_may_not_be_read(filled: Filled) -> None:
    """A directory of somebody else is one line, not a traceback."""
    filled.directory.chmod(0o000)
    user = 65534 if os.getuid() == 0 else None
    code = (
        "import contextlib, io, os, sys\nfrom askonce.cache.cli import main\n"
        "with contextlib.redirect_stderr(io.StringIO()): main(['stats', '--directory', 'absent'])\n"
        f"os.setuid({user}) if {user} else None\n"
        f"sys.exit(main(['stats', '--directory', {str(filled.directory)!r}]))"
    )
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    finally:
        filled.directory.chmod(0o700)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "denied" in done.stderr


def test_without_the_extra_one_line_names_it() -> None:
    """Without cyclopts the command line says which extra brings it."""
    code = "import sys; sys.modules['cyclopts'] = None; from askonce.cache.cli import main; sys.exit(main(['stats']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "askonce[cli]" in done.stderr


def test_a_closed_pipe_is_no_error(filled: Filled) -> None:
    """When the reader of the output goes away the command ends quietly."""
    reader, writer = os.pipe()
    os.close(reader)
    for words in (["inspect", "--json"], ["inspect"], ["stats"], ["doctor"], ["stats", "--help"]):
        done = subprocess.run([*MAIN, *words], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
        assert done.stderr == b"", words
        assert done.returncode == 141, words
    os.close(writer)


def test_output_that_cannot_be_written_is_one_line(filled: Filled) -> None:
    """A full disk under stdout is a failure told in one line; closed streams are no error."""
    for words in (["inspect"], ["inspect", "--json"], ["stats"], ["stats", "--json"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([*MAIN, *words], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
        assert done.returncode == 1, words
        assert len(done.stderr.splitlines()) == 1, words
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        command = f"{sys.executable} -m askonce.cache.cli inspect --limit 1 {closed}"
        done = subprocess.run(command, shell=True, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, closed
        assert bool(done.stdout) == (not closed.startswith(">")), closed


def test_interrupted_is_one_line(place: Path, run: Run) -> None:
    """Ctrl-C ends a command with one line and code 130; what it had stored is whole."""
    with (place / "faq.jsonl").open("w") as out:
        out.writelines(f'{{"question": "What is number {n}?", "answer": "It is {n}."}}\n' for n in range(20_000))
    started = subprocess.Popen(
        [*MAIN, "warm", "faq.jsonl", "--model", "m"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=place, start_new_session=True,
        # A shell that starts the tests in the background has them ignore the interrupt, and so would the command.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    until = time.monotonic() + 30
    while not (place / ".askonce").exists() and started.poll() is None and time.monotonic() < until:
        time.sleep(0.05)  # it is under way when it has made its directory
    os.killpg(started.pid, signal.SIGINT)
    out, err = started.communicate(timeout=30)
    assert (started.returncode, out, err.strip()) == (130, "", "askonce: interrupted")
    assert run("doctor").code == 0


def test_a_light_start() -> None:
    """Looking at the version or the help loads no model, no index, no web server and no plots."""
    code = (
        "import sys; from askonce.cache.cli import main; main(['--version']); main(['warm', '--help']);"
        "print(sorted({'faiss', 'onnxruntime', 'matplotlib', 'openai', 'httpx2', 'uvicorn', 'diskcache', 'redis'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_as_a_process_and_as_a_script(shell: Run, filled: Filled) -> None:
    """``python -m askonce.cache.cli`` and the installed ``askonce`` are the same program."""
    as_module = shell("stats", "--json")
    script = Path(sys.executable).with_name("askonce")
    done = subprocess.run([script, "stats", "--json"], capture_output=True, text=True, timeout=60, check=True)
    assert as_module.json["entries"] == len(filled.entries)
    assert done.stdout == as_module.out
