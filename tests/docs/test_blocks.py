"""The documentation does what it says: every example runs, every command, setting, link and name exists."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from askonce import Cache, Receipt, RedisStore, load_config
from askonce.upstream.local_answers import question_of
from askonce.upstream.local_model import LocalModel
from askonce.upstream.local_server import LocalServer

from .pages import PAGES, ROOT, Block, Example, blocks_of, examples_of

LONGEST_S = 100
LANGUAGES = {"python", "console", "toml", "json", "text", "markdown"}
# The shipped embedder is loaded first, as a service should: else a busy machine might miss its first deadline.
LOADED = (
    "import runpy, sys; from askonce.embeddings import default_embedder; default_embedder().embed(['ready']); "
    "runpy.run_path(sys.argv[1], run_name='__main__')"
)
SCRIPTS = ("function", "openai-sync", "openai-async")
BETWEEN = "-- the next block --"
MADE = [block for page in PAGES for block in blocks_of(page)]


@pytest.fixture(scope="module")
def model() -> LocalModel:
    return LocalModel(answer=lambda payload: f"(the answer to: {question_of(payload)})")


@pytest.fixture(scope="module")
def server(model: LocalModel) -> Iterator[LocalServer]:
    with LocalServer(model) as running:
        yield running


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    from ..redis_server import RedisServer

    with RedisServer() as running:
        yield running.url


def start(command: list[str] | str, folder: Path, server: LocalServer, **more: str) -> str:
    """Run a command as a reader would, in ``folder``; returns what it prints."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "HOME": str(folder),
        "OPENAI_API_KEY": "sk-local",
        "OPENAI_BASE_URL": server.base_url,
        "PYTHONWARNINGS": "error::DeprecationWarning:__main__",
        **more,
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        shell=isinstance(command, str),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def figures_aside(text: str) -> str:
    """Output without what differs from machine to machine: decimals, and spaces at the ends of lines."""
    return "\n".join(re.sub(r"\d+\.\d+", "#", line).rstrip() for line in text.strip().splitlines())


RUN = [example for page in PAGES for example in examples_of(page) if example.blocks[0].marks.get("runs") not in SCRIPTS]


@pytest.mark.parametrize("example", RUN, ids=str)
def test_example_runs(example: Example, tmp_path: Path, server: LocalServer, request: pytest.FixtureRequest) -> None:
    """Every example runs as it stands, in an empty directory, with the real SDK, and prints what the page says."""
    for name, text in example.files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    more = {}
    if any("REDIS_URL" in block.text for block in example.blocks):
        more["REDIS_URL"] = request.getfixturevalue("redis_url")
    for number, step in enumerate(example.steps):
        if step[0].language == "python":
            script = tmp_path / f"example{number or ''}.py"
            script.write_text(f"print({BETWEEN!r})\n".join(block.text for block in step), encoding="utf-8")
            printed = start([sys.executable, "-c", LOADED, script.name], tmp_path, server, **more).split(f"{BETWEEN}\n")
        else:
            printed = ["".join(start(command, tmp_path, server, **more) for command in step[0].commands)]
        for block, said in zip(step, printed, strict=True):
            if block.prints is not None:
                assert figures_aside(said) == figures_aside(block.prints), str(block)


@pytest.mark.parametrize("name", SCRIPTS)
def test_readme_script_is_served_on_its_second_run(
    name: str, tmp_path: Path, server: LocalServer, model: LocalModel
) -> None:
    """A README script, at most 20 lines and with the SDK as it comes, makes no request when it is run again:
    every answer is the same as before and every receipt is a hit."""
    (block,) = [block for block in blocks_of(ROOT / "README.md") if block.marks.get("runs") == name]
    assert len([line for line in block.text.splitlines() if line.strip()]) <= 20
    assert ("openai" in name) == ("from openai import" in block.text)
    (tmp_path / "script.py").write_text(block.text, encoding="utf-8")
    command = [sys.executable, "script.py"]
    before = model.calls
    first = start(command, tmp_path, server)
    between = model.calls
    second = start(command, tmp_path, server)
    assert model.calls == between
    assert (between > before) == ("openai" in name)
    marks = re.compile(r"^(hit|miss)\b", re.MULTILINE)
    assert "miss" in marks.findall(first)
    assert set(marks.findall(second)) == {"hit"}
    assert len(marks.findall(second)) == len(marks.findall(first)) >= 2
    asked = "asking the model ..."
    assert (asked in first, asked in second) == ("openai" not in name, False)
    assert _answers(first) == _answers(second)
    assert len(_answers(first)) >= 2


def _answers(printed: str) -> list[str]:
    return re.findall(r"\(the answer to: .*\)", printed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_are_marked(page: Path) -> None:
    """Each block has a language we check, and what is not run says why."""
    for block in blocks_of(page):
        assert block.language in LANGUAGES, block
        assert block.marks.get("not run", "because") != "", block


@pytest.mark.parametrize("block", [b for b in MADE if b.language == "toml"], ids=str)
def test_settings_examples_load(block: Block, tmp_path: Path) -> None:
    """Every TOML example is a settings file that loads, and its durations and sizes are understood."""
    file = tmp_path / "askonce.toml"
    file.write_text(block.text, encoding="utf-8")
    config = load_config(file, environ={"ASKONCE_REDIS_URL": "redis://localhost:6379/0"})
    config.check_tiers()
    config.build_policy()


@pytest.mark.parametrize("block", [b for b in MADE if b.language == "json"], ids=str)
def test_json_examples_are_json(block: Block) -> None:
    """Every JSON example is one value, or one a line."""
    try:
        msgspec.json.decode(block.text)
    except msgspec.DecodeError:
        for line in block.text.splitlines():
            msgspec.json.decode(line)


def test_redis_user_of_the_page_is_enough() -> None:
    """A user with the rights the Redis page gives can read, write and invalidate, in sync and on an event loop."""
    from ..redis_server import RedisServer

    page = (ROOT / "docs" / "howto-redis.md").read_text(encoding="utf-8")
    (words,) = [line.split() for line in page.splitlines() if line.startswith("ACL SETUSER app ")]

    async def asked(cache: Cache) -> Receipt:
        @cache.cached(name="asked", tags=["faq"])
        async def answer(question: str) -> str:
            return "an answer"

        made: Receipt = (await answer.reply("How do I pay?")).receipt
        return made

    def entries(cache: Cache) -> int:
        return cache.stats().entries["redis"]

    with RedisServer() as running:
        running.client().execute_command(*words)
        url = f"redis://app:{words[4][1:]}@127.0.0.1:{running.port}/0"
        with Cache(redis_url=url, semantic=False) as one, Cache([RedisStore(url)], semantic=False) as other:
            assert asyncio.run(asked(one)).status == "miss"
            assert asyncio.run(asked(other)).tier == "redis"
            assert other.invalidate(tag="faq")
            assert (entries(other), other.sweep(), entries(other)) == (1, 1, 0)
            assert not {**one.stats().faults, **other.stats().faults}


# -- commands -----------------------------------------------------------------------------------------------

COMMANDS = [(block, command) for block in MADE if block.language == "console" for command in block.commands]
INLINE = re.compile(r"`(askonce [a-z][^`]*|python -m [^`]+|make [a-z][^`]*)`")
SPOKEN = [(page, found) for page in PAGES for found in INLINE.findall(page.read_text(encoding="utf-8"))]
OTHER = {"apt-get", "cat", "cd", "export", "git", "gunicorn"}


@pytest.mark.parametrize(("block", "command"), COMMANDS, ids=lambda value: str(value)[:60])
def test_console_command_exists(block: Block, command: str) -> None:
    """Every command in a console block is a real one with real options."""
    check_command(command)


@pytest.mark.parametrize(("page", "command"), SPOKEN, ids=lambda value: str(value)[-60:])
def test_command_in_the_text_exists(page: Path, command: str) -> None:
    """So is every command in the running text."""
    check_command(command)


def check_command(command: str) -> None:
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    name = Path(words[0]).name
    if name == "askonce":
        check_askonce(words[1:])
    elif name == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        assert set(words[1:]) <= set(targets)
    elif name == "pip":
        check_install(words[1:])
    elif name in ("python", "python3"):
        check_python(words[1:])
    elif name in ("ruff", "pytest"):
        assert all((ROOT / word).exists() for word in words[1:] if "/" in word)
    elif name == "typecheck":
        assert (ROOT / "scripts" / "typecheck").is_file()
    else:
        assert name in OTHER, command


def check_askonce(words: list[str]) -> None:
    from askonce.cache.cli import build

    if not [word for word in words if not word.startswith("-")]:
        assert set(words) <= {"--help", "--version"}
        return
    app = build()
    if len(words) == 1:
        assert words[0] in app, words  # the command's name alone, whatever it must be given
        return
    app.parse_args(words, print_error=False, exit_on_error=False)


def check_install(words: list[str]) -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert words[0] == "install"
    for word in words[1:]:
        if found := re.search(r"\[([^]]+)\]", word):
            assert set(found[1].split(",")) <= extras.keys(), word


@cache
def help_of(module: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_S
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_python(words: list[str]) -> None:
    if words[:1] != ["-m"]:
        assert words[0].endswith(".py"), words
        return
    module = words[1]
    if module in ("pytest", "venv"):
        assert all((ROOT / word).exists() for word in words[2:] if word.startswith(("tests/", "benchmarks/")))
        return
    assert (ROOT / (module.removeprefix("askonce.").replace(".", "/") + ".py")).is_file(), module
    for option in [word for word in words[2:] if word.startswith("--")]:
        assert re.search(rf"(?<!\S){option}\b", help_of(module)), (module, option)


def test_every_command_is_documented() -> None:
    """The page of the command line names every command and every one of its options."""
    from askonce.cache.cli import build

    page = (ROOT / "docs" / "howto-cli.md").read_text(encoding="utf-8")
    app: Any = build()
    commands = [name for name in app if not name.startswith("-")]
    assert len(commands) >= 8
    for name in commands:
        assert f"`askonce {name}" in page, name
        for argument in app[name].assemble_argument_collection():
            for option in set(argument.names) - set(argument.negatives):
                if option.startswith("--"):
                    assert re.search(rf"`{option}[` ]", page), (name, option)
