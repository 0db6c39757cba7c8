"""warm: an answer stored before anyone asked is found by the very call a user makes later."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

import askonce
from askonce import Cache
from askonce.upstream.local_model import LocalModel
from askonce.upstream.local_transport import LocalTransport
from tests.redis_server import RedisServer

from .conftest import Run

FAQ = [
    {"question": "How do I reset my password?", "answer": "Open Settings, then Security.", "tags": ["doc:7"]},
    {"question": "Where is my order?", "answer": "Open Orders.", "ttl": "1h"},
    {"question": "What does it cost?", "answer": "Nine euros.", "model": "gpt-4o"},
]


def write(path: Path, lines: list[Any]) -> Path:
    text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


def client(model: LocalModel, **options: Any) -> openai.OpenAI:
    """The SDK as a user has it, but for the wire."""
    return openai.OpenAI(
        api_key="k", max_retries=0, http_client=httpx2.Client(transport=LocalTransport(model, instant=True)), **options
    )


def ask(
    wrapped: openai.OpenAI, question: str, model: str = "gpt-4o-mini", system: str | None = None, **more: Any
) -> Any:
    messages: list[Any] = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": question})
    return wrapped.chat.completions.create(model=model, messages=messages, **more)


def test_the_wrapped_client_finds_a_warmed_answer(run: Run, place: Path) -> None:
    """The same call through the real SDK, plain, streamed, raw and asynchronous, is a hit and costs nothing."""
    write(place / "faq.jsonl", FAQ)
    ran = run("warm", "faq.jsonl", "--model", "gpt-4o-mini", "--system", "Be brief.", "--json")
    assert (ran.code, ran.json["stored"], ran.json["without_vector"]) == (0, 3, 0)
    model = LocalModel()
    with Cache(directory=".askonce", audits=False) as cache:  # an audit would be a call, too
        wrapped = cache.wrap(client(model))
        made = ask(wrapped, "How do I reset my password?", system="Be brief.")
        assert made.choices[0].message.content == "Open Settings, then Security."
        receipt = askonce.receipt_of(made)
        assert receipt is not None
        assert (receipt.status, receipt.tier, receipt.tokens_saved) == ("hit", "disk", made.usage.total_tokens)
        assert receipt.money_saved > 0
        assert ask(wrapped, "What does it cost?", model="gpt-4o", system="Be brief.").model == "gpt-4o"
        stream = ask(wrapped, "Where is my order?", system="Be brief.", stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == "Open Orders."
        raw = wrapped.chat.completions.with_raw_response.create(
            model="gpt-4o-mini",
            messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is my order?"}],
        )
        assert raw.headers["x-askonce-status"] == "hit"
        other = ask(wrapped, "how do i reset my password", system="Be brief.")
        found = askonce.receipt_of(other)
        assert found is not None
        assert (found.tier, other.choices[0].message.content) == ("semantic", "Open Settings, then Security.")
        assert model.calls == 0
        ask(wrapped, "How do I reset my password?", system="Be long.")
        ask(wrapped, "How do I reset my password?", model="gpt-4o", system="Be brief.")
        ask(wrapped, "How do I reset my password?", system="Be brief.", temperature=0)
        assert model.calls == 3  # another call is another call

        async def asynchronous() -> Any:
            http = httpx2.AsyncClient(transport=LocalTransport(model, instant=True))
            async with openai.AsyncOpenAI(api_key="k", http_client=http) as bare:
                messages: list[Any] = [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Where is my order?"},
                ]
                return await cache.wrap(bare).chat.completions.create(model="gpt-4o-mini", messages=messages)

        assert asyncio.run(asynchronous()).choices[0].message.content == "Open Orders."
        assert model.calls == 3


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://llm.example.com/v1", True),
        ("https://llm.example.com/v1/", True),
        ("https://LLM.example.com:443/v1", True),
        ("http://127.0.0.1:8000/deep/v1", True),
        ("https://other.example.com/v1", False),
    ],
)
def test_the_base_url_is_part_of_the_call(run: Run, place: Path, url: str, same: bool) -> None:
    """An answer warmed for one base URL, however written, is found by a client of it and by no other."""
    write(place / "faq.jsonl", FAQ[:1])
    run("warm", "faq.jsonl", "--model", "m", "--base-url", url)
    model = LocalModel()
    base = "http://127.0.0.1:8000/deep/v1" if "127" in url else "https://llm.example.com/v1"
    with Cache(directory=".askonce") as cache:
        ask(cache.wrap(client(model, base_url=base)), "How do I reset my password?", model="m")
    assert model.calls == (0 if same else 1)


def test_body_and_request_make_the_call_as_it_is_sent(run: Run, place: Path) -> None:
    """--body adds what every call has (also turns before the question); a line's own request is taken whole."""
    shots = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    whole = {"model": "m2", "messages": [*shots, {"role": "user", "content": "and now?"}], "seed": 3, "user": "u1"}
    write(place / "faq.jsonl", [FAQ[0], {"request": whole, "answer": "Now this."}])
    body = json.dumps({"temperature": 0.2, "max_tokens": 100, "messages": shots})
    assert run("warm", "faq.jsonl", "--model", "m", "--system", "S", "--body", body).code == 0
    model = LocalModel()
    with Cache(directory=".askonce") as cache:
        wrapped = cache.wrap(client(model))
        turns: list[Any] = [{"role": "system", "content": "S"}, *shots, {"role": "user", "content": FAQ[0]["question"]}]
        made = wrapped.chat.completions.create(model="m", messages=turns, temperature=0.2, max_tokens=100)
        assert made.choices[0].message.content == FAQ[0]["answer"]
        second: Any = {**whole, "user": "somebody else"}
        assert wrapped.chat.completions.create(**second).choices[0].message.content == "Now this."
    assert model.calls == 0


def test_tags_ttl_and_tenant(run: Run, place: Path) -> None:
    """A line's tags and TTL are the entry's, --tag and --ttl fill in, and a tenant's answers are its own."""
    write(place / "faq.jsonl", FAQ)
    run("warm", "faq.jsonl", "--model", "m", "--tag", "faq", "--tag", "v2", "--ttl", "2d", "--tenant", "acme")
    rows = {row["query"]: row for row in run("inspect", "--json").json["entries"]}
    assert set(rows["How do I reset my password?"]["tags"]) == {"doc:7", "faq", "v2"}
    assert 0.9 * 3600 < rows["Where is my order?"]["ttl_left_s"] <= 3600
    assert 0.9 * 172_800 < rows["How do I reset my password?"]["ttl_left_s"] <= 172_800
    model = LocalModel()
    with Cache(directory=".askonce") as cache:
        ask(cache.tenant("acme").wrap(client(model)), "Where is my order?", model="m")
        assert model.calls == 0
        ask(cache.wrap(client(model)), "Where is my order?", model="m")
        assert model.calls == 1


MODULE = '''
from dataclasses import dataclass
from pydantic import BaseModel
from askonce import Cache

cache = Cache(directory="shop-cache")

class Offer(BaseModel):
    name: str
    price: float

@dataclass
class Point:
    x: int
    y: int

def plain(question: str) -> str: raise AssertionError

@cache.cached(tags=["shop"])
def text(question: str, lang: str = "en", ctx=None) -> str: raise AssertionError
''' .replace("def text(question: str, lang", "def text(question: str, *, lang").replace(
    '@cache.cached(tags=["shop"])', '@cache.cached(query="question", tags=["shop"])'
) + '''
@cache.cached()
async def later(question: str) -> str: raise AssertionError

@cache.cached()
def offer(question: str) -> Offer: raise AssertionError

@cache.cached()
def offers(question: str) -> list[Offer]: raise AssertionError

@cache.cached()
def point(question: str) -> Point: raise AssertionError

@cache.cached()
def parts(question: str):
    raise AssertionError
    yield ""

class Desk:
    @cache.cached()
    def reply(self, question: str, ctx) -> str: raise AssertionError
'''  # fmt: skip


@pytest.fixture
def shop(place: Path) -> Iterator[str]:
    """A user's module in the current folder."""
    name = f"shop_{place.parent.name.replace('-', '_')}"
    (place / f"{name}.py").write_text(MODULE)
    yield name
    sys.modules.pop(name, None)
    sys.path[:] = [entry for entry in sys.path if entry != str(place)]


def load_again(name: str) -> Any:
    """The module as a new process has it."""
    sys.modules.pop(name, None)
    return importlib.import_module(name)


@pytest.mark.parametrize(
    ("function", "answer", "value"),
    [
        ("text", "Open it.", "Open it."),
        ("later", "Open it.", "Open it."),
        ("offer", {"name": "kettle", "price": 9}, {"name": "kettle", "price": 9.0}),
        ("offers", [{"name": "kettle", "price": 9}], [{"name": "kettle", "price": 9.0}]),
        ("point", {"x": 1, "y": 2}, (1, 2)),
        ("parts", ["Open", " it."], ["Open", " it."]),
        ("parts", "Open it.", ["Open it."]),
        ("Desk.reply", "Open it.", "Open it."),
    ],
)
def test_the_decorated_function_finds_a_warmed_answer(
    run: Run, place: Path, shop: str, function: str, answer: Any, value: Any
) -> None:
    """Functions of every colour and return type, and methods, return the warmed answer without being called."""
    question = "How do I reset my password?"
    write(place / "faq.jsonl", [{"question": question, "answer": answer}])
    ran = run("warm", "faq.jsonl", "--function", f"{shop}:{function}", "--json")
    assert (ran.code, ran.json["stored"]) == (0, 1), ran.err
    module = load_again(shop)
    fn = getattr(module, function.partition(".")[0])
    got = module.Desk().reply(question, ctx=object()) if function == "Desk.reply" else fn(question)
    if function == "later":
        got = asyncio.run(got)
    elif function == "parts":
        got = list(got)
    elif function == "point":
        got = (got.x, got.y)
    elif function == "offer":
        got = got.model_dump()
    elif function == "offers":
        got = [one.model_dump() for one in got]
    assert got == value
    if function == "text":
        reply = fn.reply("how do i reset my password")
        assert (reply.receipt.tier, reply.value) == ("semantic", value)
    module.cache.close()


def test_other_arguments_of_a_function(run: Run, place: Path, shop: str) -> None:
    """args are the call's other arguments: another language is another call."""
    write(
        place / "faq.jsonl",
        [
            {"question": "Where?", "answer": "Here."},
            {"question": "Where?", "answer": "Hier.", "args": {"lang": "de"}},
            {"question": "Where?", "answer": "Ici.", "args": {"long": "fr"}},
        ],
    )
    ran = run("warm", "faq.jsonl", "--function", f"{shop}:text")
    assert ran.code == 1
    assert [line.split(":")[1] for line in ran.err.splitlines()] == ["3"]
    module = load_again(shop)
    assert (module.text("Where?"), module.text("Where?", lang="de")) == ("Here.", "Hier.")
    module.cache.close()


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("nowhere_at_all:f", 2, "no module nowhere_at_all"),
        ("SHOP:nothing", 2, "no nothing"),
        ("SHOP:plain", 2, "not decorated"),
        ("SHOP.text", 2, "package.module:function"),
        ("broken_module:f", 1, "division by zero"),
        ("leaving_module:f", 1, "SystemExit"),
        ("memory_module:f", 2, "only a memory tier"),
    ],
)
def test_a_function_that_cannot_be_had(run: Run, place: Path, shop: str, name: str, code: int, says: str) -> None:
    """No such module, no such function, not decorated, failing on import, nowhere to keep answers: one line."""
    (place / "broken_module.py").write_text("1 / 0")
    (place / "leaving_module.py").write_text("raise SystemExit(3)")
    (place / "memory_module.py").write_text(
        "from askonce import Cache\n@Cache(semantic=False).cached()\ndef f(q: str) -> str: return q\n"
    )
    write(place / "faq.jsonl", FAQ)
    ran = run("warm", "faq.jsonl", "--function", name.replace("SHOP", shop))
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (code, "", 1)
    assert says in ran.err
    for module in ("broken_module", "leaving_module", "memory_module"):
        sys.modules.pop(module, None)


BAD = [
    ("not json\n", "malformed"),
    ('["a"]\n', "object"),
    ({"question": "q"}, "answer"),
    ({"answer": "a"}, "no question"),
    ({"question": " ", "answer": "a"}, "no question"),
    ({"question": "q", "answer": " "}, "text"),
    ({"question": "q", "answer": 5}, "text"),
    ({"question": "q", "answer": "a", "tag": "x"}, "tag"),
    ({"question": "q", "answer": "a", "ttl": "soon"}, "ttl"),
    ({"question": "q", "answer": "a", "ttl": -1}, "ttl"),
    ({"question": "q", "answer": "a", "ttl": 0}, "TTL is zero"),
    ({"question": "q", "answer": "a", "args": {}}, "function"),
    ({"question": "q", "answer": "a", "request": {"model": "m", "messages": [{}]}}, "not both"),
    ({"request": {"messages": [{"role": "user", "content": "x"}]}, "answer": "a"}, "model"),
    ({"request": {"model": "m"}, "answer": "a"}, "messages"),
    ({"request": {"model": "m", "messages": [{"role": "user", "content": "x"}], "n": 2}, "answer": "a"}, "several"),
    ({"request": {"model": "m", "messages": [1], "web_search_options": {"a": 1}}, "answer": "a"}, "not cached"),
    ('{"question": "\\ud800", "answer": "a"}\n', "malformed|surrogate"),
    ({"question": "How do I reset my password?", "answer": "Otherwise."}, "same question as line 1"),
    ({"question": "long", "answer": "x" * (1 << 20)}, "max_bytes"),
]


def test_bad_lines_are_named_and_the_rest_kept(run: Run, place: Path) -> None:
    """Every bad line is told with its number and reason; good lines before and after are stored."""
    import re

    write(place / "faq.jsonl", [FAQ[0], *(line for line, _ in BAD), "\n", FAQ[1]])
    ran = run("warm", "faq.jsonl", "--model", "m", "--json")
    assert (ran.code, ran.json["stored"]) == (1, 2)
    told = dict(ran.json["bad"])
    for number, (line, says) in enumerate(BAD, 2):
        assert re.search(says, told.pop(number)), line
    assert not told
    assert {row["query"] for row in run("inspect", "--json").json["entries"]} == {
        "How do I reset my password?", "Where is my order?",
    }  # fmt: skip


def test_a_dry_run_finds_the_same_faults_and_stores_nothing(run: Run, place: Path) -> None:
    """--dry-run names the bad lines and the number of good ones, and makes no directory."""
    write(place / "faq.jsonl", [FAQ[0], *(line for line, _ in BAD if line != BAD[10][0]), FAQ[1]])
    dry = run("warm", "faq.jsonl", "--model", "m", "--dry-run", "--json")
    assert not (place / ".askonce").exists()
    real = run("warm", "faq.jsonl", "--model", "m", "--json")
    assert [number for number, _ in dry.json["bad"]] == [number for number, _ in real.json["bad"]]
    assert dry.json["stored"] == real.json["stored"] == 2


@pytest.mark.parametrize(
    "words",
    [
        ["--base-url", "not a url"],
        ["--base-url", "ftp://x/v1"],
        ["--body", "{"],
        ["--body", "[1]"],
        ["--body", '{"messages": 1}'],
        ["--ttl", "soon"],
        ["--function", "a:b", "--model", "m"],
        ["--function", "a:b", "--directory", "x"],
    ],
)
def test_wrong_options(run: Run, place: Path, words: list[str]) -> None:
    """Options that cannot be are one line and code 2, before anything is stored."""
    write(place / "faq.jsonl", FAQ)
    ran = run("warm", "faq.jsonl", *words)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert not (place / ".askonce").exists()


def test_warming_again(run: Run, place: Path) -> None:
    """The same file renews what is there; a changed answer takes the place of the old one in every process,
    also where the old one lies in memory."""
    write(place / "faq.jsonl", FAQ)
    run("warm", "faq.jsonl", "--model", "m")
    again = run("warm", "faq.jsonl", "--model", "m", "--json").json
    assert (again["stored"], again["renewed"], again["replaced"]) == (3, 3, 0)
    model = LocalModel()
    with Cache(directory=".askonce") as running:
        wrapped = running.wrap(client(model))
        question = "How do I reset my password?"
        assert ask(wrapped, question, model="m").choices[0].message.content == FAQ[0]["answer"]
        write(place / "faq.jsonl", [{**FAQ[0], "answer": "Ask support."}])
        changed = run("warm", "faq.jsonl", "--model", "m", "--json").json
        assert (changed["stored"], changed["renewed"], changed["replaced"]) == (1, 0, 1)
        assert ask(wrapped, question, model="m").choices[0].message.content == "Ask support."
        receipt = askonce.last_receipt()
        assert receipt is not None
        assert receipt.tier == "disk"
    assert model.calls == 0


def test_a_packed_file_and_many_lines(run: Run, place: Path) -> None:
    """A gzipped file of several batches is stored whole, each question with its vector."""
    lines = [{"question": f"What is number {n}?", "answer": f"It is {n}."} for n in range(150)]
    with gzip.open(place / "faq.jsonl.gz", "wt") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)
    ran = run("warm", "faq.jsonl.gz", "--model", "m", "--json")
    assert (ran.code, ran.json["stored"], ran.json["without_vector"]) == (0, 150, 0)
    assert run("stats", "--json").json["vectors"] == 150


def test_a_dead_redis_is_told(run: Run, place: Path) -> None:
    """With Redis away the disk is warmed, the fault is told, and the exit code is 1."""
    with RedisServer() as server:
        url = server.url
    (place / "askonce.toml").write_text(f"[cache]\ntiers = ['disk', 'redis']\n[redis]\nurl = '{url}'")
    write(place / "faq.jsonl", FAQ)
    ran = run("warm", "faq.jsonl", "--model", "m", "--json")
    assert ran.code == 1
    assert ran.json["stored"] == 3
    assert any("redis" in fault.lower() for fault in ran.json["faults"])
    assert "Redis" in ran.err
