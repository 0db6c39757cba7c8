"""``askonce demo``: the main job on real input, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ...errors import ConfigError, MissingExtra
from ..config import Config, load_config
from .output import Output, money_text, plural
from .shared import DEFAULTS, Shared, directory_of, flag, has_cache, open_store, reason

if TYPE_CHECKING:
    from ..demo import Leg

_DIRECTORY = Path(".askonce") / "demo"
_PLACES = (
    ("memory", "from memory"),
    ("disk", "from disk"),
    ("redis", "from Redis"),
    ("semantic", "other words"),
    ("joined", "joined a call"),
    ("model", "by the model"),
)


def demo(
    *,
    out: Annotated[Path, Parameter(help="Where the picture goes.")] = Path("askonce-demo.png"),
    fresh: Annotated[bool, flag("Forget what earlier runs stored.")] = False,
    calls: Annotated[int, Parameter(help="Questions on each of the two surfaces.")] = 150,
    shared: Shared = DEFAULTS,
) -> int:
    """Answer customer-support questions with and without the cache, side by side.

    The questions go through a decorated function and a wrapped OpenAI client to a model that runs on this
    machine, behind a real HTTP server with real rate limits. Embedded defaults: memory, disk, FAISS and
    the shipped embedder; no account, no service, no network. Answers are kept in .askonce/demo, so a
    second run is answered from disk. A settings file is used only when --config names one.
    """
    if calls < 3:
        raise ConfigError(f"--calls is {calls}; give 3 or more")
    output = shared.output()
    config = _settings(shared)
    if not out.absolute().parent.is_dir():
        raise ConfigError(f"{out} cannot be written: there is no directory {out.absolute().parent}")
    demo = _parts()
    directory = directory_of(config)
    earlier = _earlier(config, directory, fresh)
    _load_embedder(config)
    questions = demo.traffic(calls)
    steps = len(demo.SURFACES) * len(questions)
    with output.progress("without a cache", steps) as step:
        without = demo.without_cache(questions, lambda name: step(1))
    with output.progress("with askonce   ", steps) as step:
        cached = demo.with_cache(questions, lambda: config.build(audits=False), lambda name: step(1))
    picture = _picture(output, out, without, cached, earlier)
    reworded, kept_apart = demo.examples(cached)
    data: dict[str, Any] = {
        "earlier_answers": earlier,
        "directory": str(directory),
        "picture": picture,
        "without": without.as_dict(),
        "askonce": cached.as_dict(),
        "surfaces": {name: cached.of(name).as_dict() for name in demo.SURFACES},
        "saved": {
            "tokens": _saved(without.tokens, cached.tokens),
            "money": _saved(without.money, cached.money),
            "latency": _saved(without.latency(), cached.latency()),
        },
        "served_by_meaning": reworded,
        "kept_apart": kept_apart,
    }
    output.result(data, lambda: _page(output, data, without, cached))
    return 0


def _settings(shared: Shared) -> Config:
    if shared.config is not None:
        config = load_config(shared.config)
        config.check_tiers()
    else:
        config = Config()
        config.audits.enabled = False  # the figures shown are what the cache saves, not what watching it costs
    config.cache.directory = str(shared.directory or _DIRECTORY)
    config.redis.namespace += ":demo"
    return config


def _parts() -> Any:
    try:
        from .. import demo
    except ImportError as error:
        package = error.data["package"] if isinstance(error, MissingExtra) else error.name or "openai"
        raise MissingExtra(package, "demo", "the demo") from error
    return demo


def _earlier(config: Config, directory: Path, fresh: bool) -> int:
    """How many answers of earlier runs are there; with ``fresh`` they are forgotten."""
    from ..demo import forget

    most = 0
    for name in config.cache.tiers:
        if name == "memory" or (name == "disk" and not has_cache(directory)):
            continue
        store = open_store(config, name)
        try:
            if fresh:
                forget(store, directory)
            most = max(most, store.stats().entries)
        finally:
            store.close()
    return most


def _load_embedder(config: Config) -> None:
    """Load the model before the clock runs, as a service does when it starts."""
    tier = config.semantic_tier()
    if tier is not None:
        tier.embedder.embed(["Where is my order?"])
        load = getattr(tier.decision, "load", None)
        if load is not None:
            load()


def _picture(output: Output, path: Path, without: Leg, cached: Leg, earlier: int) -> str | None:
    from .demo_picture import draw

    fewer, faster = _saved(without.tokens, cached.tokens), _saved(without.latency(), cached.latency())
    title = (
        f"{len(cached.served)} support questions with askonce: {fewer:.0%} fewer tokens, {faster:.0%} less waiting, "
        f"{cached.wrong} of {cached.hits:,} cached answers wrong"
    ) + (f"\n(not the first run: {earlier:,} answers were stored before)" if earlier else "")
    try:
        draw(path, without, cached, title)
    except (MissingExtra, OSError) as error:
        output.note(f"askonce: no picture: {reason(error)}")
        return None
    return str(path)


def _saved(before: float, after: float) -> float:
    return 1 - after / before if before else 0.0


def _page(output: Output, data: dict[str, Any], without: Leg, cached: Leg) -> None:
    from rich.box import ROUNDED
    from rich.table import Table
    from rich.text import Text

    table = Table(box=ROUNDED, title="askonce demo", title_style="bold", title_justify="left")
    table.add_column("")
    for head, style in (("no cache", "red"), ("askonce", "bold cyan"), ("function", "dim"), ("client", "dim")):
        table.add_column(head, justify="right", style=style, header_style="not dim", no_wrap=True)
    parts = [cached.of(name) for name in data["surfaces"]]
    everyone = [cached, *parts]
    saved = {name: f"{-share:+.1%}" for name, share in data["saved"].items()}

    def add(name: str, first: str, cells: list[str], end: bool = False) -> None:
        table.add_row(name, first, *cells, end_section=end)

    add("calls", f"{len(without.served):,}", [f"{len(leg.served):,}" for leg in everyone], end=True)
    for place, name in _PLACES:
        if any(leg.where[place] for leg in (without, cached)):
            mine = f"{without.where[place]:,}" if without.where[place] else "–"
            add(name, mine, [f"{leg.where[place]:,}" for leg in everyone], end=place == "model")
    add("wrong answers", f"{sum(one.wrong for one in without.served)}", [
        f"{leg.wrong} of {leg.hits:,}" for leg in everyone
    ])  # fmt: skip
    add("429 refusals", f"{without.refused}", [f"{cached.refused}", "", ""], end=True)
    add("tokens sent", f"{without.tokens:,}", [
        f"{cached.tokens:,} {saved['tokens']:>7}", *(f"{leg.tokens:,}" for leg in parts)
    ])  # fmt: skip
    add("money (gpt-4o)", money_text(without.money), [
        f"{money_text(cached.money)} {saved['money']:>7}", *(money_text(leg.money) for leg in parts)
    ])  # fmt: skip
    add("mean latency", f"{without.latency():.1f} ms", [
        f"{cached.latency():.1f} ms {saved['latency']:>7}", *(f"{leg.latency():.1f} ms" for leg in parts)
    ])  # fmt: skip
    add("median latency", f"{without.latency(0.5):.1f} ms", [f"{leg.latency(0.5):.2f} ms" for leg in everyone])
    add("time for all", f"{without.wall_s:.1f} s", [f"{cached.wall_s:.1f} s", "", ""])
    console = output.console()
    console.print(table)
    if data["served_by_meaning"]:
        console.print(Text("\nServed, though asked in other words:", style="bold"))
        for row in data["served_by_meaning"]:
            mark = "  WRONG" if row["wrong"] else ""
            console.print(Text(f"  {row['similarity']:.2f}  {row['asked']} ← {row['answered_as']}{mark}"))
    if data["kept_apart"]:
        console.print(Text("\nNot served, though close to the embedder:", style="bold"))
        for row in data["kept_apart"]:
            console.print(Text(f"  {row['asked']}  ({row['why']})"))
    console.print()
    if data["picture"]:
        console.print(Text(f"Picture: {data['picture']}"))
    if data["earlier_answers"]:
        earlier = plural(data["earlier_answers"], "answer")
        console.print(
            Text(
                f"This was not the first run: {earlier} of earlier runs lay in {data['directory']}, so "
                f"{cached.where['disk']:,} calls were answered from disk and {cached.where['model']:,} by the model. "
                "Start over with --fresh."
            )
        )
    else:
        console.print(
            Text(f"The answers lie in {data['directory']}: run it again, and the disk answers what the model did now.")
        )
