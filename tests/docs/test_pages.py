"""What the pages name exists: links, files, settings, extras, public names."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

import askonce
from askonce import ConfigError, load_config
from askonce.cache.config import Config, PriceSection

from .pages import PAGES, ROOT, anchors_of, links_of

FILES = (*PAGES, ROOT / "CHANGELOG.md")
SETTINGS = ROOT / "docs" / "configuration.md"


@pytest.mark.parametrize("page", FILES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the repository, and a heading of it where it has an anchor."""
    for link in links_of(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        assert ROOT in (target, *target.parents)
        if anchor:
            assert anchor in anchors_of(target), f"{page.name}: {link}"


def test_every_page_is_reachable_from_the_readme() -> None:
    """The README links every page of docs/, the changelog and how to contribute."""
    linked = {link.partition("#")[0] for link in links_of(ROOT / "README.md")}
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= linked
    assert {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"} <= linked


@pytest.mark.parametrize("page", FILES, ids=lambda page: page.name)
def test_files_in_the_text_exist(page: Path) -> None:
    """Every path of the repository that the text names is there."""
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:cache|backends|embeddings|upstream|benchmarks|tests|docs|scripts)/[\w./-]*)`", text):
        if not name.startswith("benchmarks/results"):
            assert (ROOT / name).exists(), f"{page.name}: {name}"


@pytest.mark.parametrize("page", FILES, ids=lambda page: page.name)
def test_names_in_the_text_exist(page: Path) -> None:
    """Every ``askonce.name`` and every method of ``cache`` that the text names is public and there."""
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"\baskonce\.([a-zA-Z_]\w*)(?!\.)\b(?!\.\w|:)", text):
        if name not in ("toml", "embeddings", "backends", "cache", "upstream", "errors", "benchmarks"):
            assert hasattr(askonce, name), f"{page.name}: askonce.{name}"
    for name in re.findall(r"`cache\.(\w+)[(`]", text):
        assert hasattr(askonce.Cache, name), f"{page.name}: cache.{name}"


def test_pages_name_no_place_of_ours() -> None:
    """No page holds an absolute path of a machine, a port or host that is not an example's."""
    for page in FILES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/(?:work|root)/|/home/(?!app\b)", text), page.name


# -- settings --------------------------------------------------------------------------------------------------

TYPES: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    bool | None: "true or false",
    int: "whole number",
    float: "number",
    list[str]: "list of text",
    int | str: "size",
    float | str: "duration",
    float | None: "number",
    dict[str, float | str]: "table of durations",
}
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def tables() -> dict[str, list[tuple[str, ...]]]:
    """The rows of each section's table: name, type, default, meaning, variable."""
    parts = re.split(r"^## `\[(\w+)\]`$", SETTINGS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {
        section: [tuple(cell.strip() for cell in row) for row in ROW.findall(text.partition("\n## ")[0])]
        for section, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def sections() -> dict[str, Any]:
    return {f.name: f.type for f in msgspec.structs.fields(Config) if f.name != "prices"}


def shown(value: object) -> str:
    """A default as TOML."""
    if value is None:
        return "none"
    if value == {}:
        return "empty"
    return f"`{msgspec.json.encode(value).decode().replace(',', ', ')}`"


def test_every_setting_is_in_the_table_and_nothing_else() -> None:
    """The tables and the settings' structs agree in names, order, types, defaults and variables."""
    assert list(tables()) == list(sections())
    for section, struct in sections().items():
        fresh = struct()
        expected = [
            (
                field.name,
                TYPES[field.type],
                shown(getattr(fresh, field.name)),
                f"`ASKONCE_{section}_{field.name}`".upper() if field.type != dict[str, float | str] else "none",
            )
            for field in msgspec.structs.fields(struct)
        ]
        assert [(row[0], row[1], row[2], row[4]) for row in tables()[section]] == expected


def test_prices_are_in_the_table() -> None:
    """So are the fields of a price."""
    text = SETTINGS.read_text(encoding="utf-8").partition('## `[prices."MODEL"]`')[2]
    assert [name for name, *_ in ROW.findall(text)] == list(PriceSection.__struct_fields__)


SOME: dict[Any, tuple[str, object]] = {
    str: ("other", "other"),
    bool: ("no", False),
    bool | None: ("yes", True),
    int: ("7", 7),
    float: ("7.5", 7.5),
    list[str]: ("memory, redis", ["memory", "redis"]),
    int | str: ("3 MiB", "3 MiB"),
    float | str: ("90s", "90s"),
    float | None: ("0.95", 0.95),
}


@pytest.mark.parametrize(
    ("section", "name"), [(s, f.name) for s, t in sections().items() for f in msgspec.structs.fields(t)]
)
def test_variable_sets_the_setting(section: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable the page names sets its setting; where it names none, the variable is refused."""
    monkeypatch.chdir(tmp_path)
    (row,) = [row for row in tables()[section] if row[0] == name]
    kind = next(f.type for f in msgspec.structs.fields(sections()[section]) if f.name == name)
    variable = f"ASKONCE_{section}_{name}".upper()
    if row[4] == "none":
        with pytest.raises(ConfigError):
            load_config(environ={variable: "1"})
        return
    text, value = SOME[kind]
    config = load_config(environ={row[4].strip("`"): text})
    assert getattr(getattr(config, section), name) == value


def test_install_extras_are_listed() -> None:
    """The README lists every extra a user may want; the others are for those who work on the project."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for extra in extras.keys() - {"dev", "peers", "build"}:
        assert re.search(rf"askonce\[[^]]*\b{extra}\b", text), extra


def test_receipt_and_stats_are_described() -> None:
    """Every field of a receipt and of the statistics is explained in the operations page."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for title, struct in (("Receipts", askonce.Receipt), ("Statistics", askonce.Snapshot)):
        section = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        table = "\n".join(row.partition(" | ")[0] for row in section.splitlines() if row.startswith("|"))
        assert set(re.findall(r"`(\w+)`", table)) == {*struct.__struct_fields__}


def test_public_names_are_documented() -> None:
    """Every public name appears on some page."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in FILES)
    missing = [name for name in askonce.__all__ if not re.search(rf"\b{name}\b", text)]
    assert not missing


def test_types_are_all_known() -> None:
    """The test above knows every type a setting has."""
    for struct in sections().values():
        for field in msgspec.structs.fields(struct):
            assert field.type in TYPES, (field.name, get_args(field.type))


def test_numbers_of_the_rule_are_those_of_the_code() -> None:
    """The thresholds, floors and bounds that the pages name are the defaults of the code."""
    from askonce.cache.semantic import THRESHOLDS, UNKNOWN_EMBEDDER
    from askonce.cache.verified import FLOORS

    tier = askonce.SemanticTier()
    why = (ROOT / "docs" / "why.md").read_text(encoding="utf-8")
    assert f"longer than {tier.max_chars} characters" in why
    embedders = (ROOT / "docs" / "howto-embedders.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?:`([\w.-]+)`[^|]*|any other) \| ([\d.]+) \| ([\d.]+) \|$", embedders, re.MULTILINE)
    expected = {**THRESHOLDS, "": UNKNOWN_EMBEDDER}
    assert {name: (float(other), float(same)) for name, other, same in rows} == expected
    floors = [float(cell) for cell in re.findall(r"^\| .* \| `([\d.]+)` \|$", embedders, re.MULTILINE)]
    assert floors == [*FLOORS.values(), askonce.Verified("unheard-of").floor]


def test_guards_of_the_decisions_are_those_of_the_code() -> None:
    """The table of guards names every guard, and says rightly which decision has it."""
    from askonce.cache.guards import CONSERVATIVE, STRICT, SURE

    page = (ROOT / "docs" / "howto-functions.md").read_text(encoding="utf-8")
    section = page.partition("\n## Guards\n")[2].partition("\n## ")[0]
    said: dict[str, tuple[bool, bool]] = {}
    for names, *cells in re.findall(r"^\| (`.+`) \| [^|]+ \|(.*)\|(.*)\|$", section, re.MULTILINE):
        for name in re.findall(r"`(\w+)`", names):
            sure, conservative = (cell.strip() == "yes" for cell in cells)
            said[name] = (sure, conservative)
    guards = {guard.__name__: guard for guard in (*STRICT, *SURE)}
    assert said == {name: (guard in SURE, guard in CONSERVATIVE) for name, guard in guards.items()}


def rows_of_figures(name: str) -> list[str]:
    """First cells of the table between the marks of one benchmark's figures."""
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    part = text.partition(f"<!-- figures: {name} -->")[2].partition(f"<!-- end of figures: {name} -->")[0]
    return re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE)


def test_figures_are_of_what_is_measured() -> None:
    """The tables of figures have the rows of the benchmarks' results, in their order."""
    from benchmarks.drift import strategies
    from benchmarks.latency import ABOUT
    from benchmarks.savings import POLICIES

    assert rows_of_figures("latency") == list(ABOUT)
    assert rows_of_figures("drift") == [strategy.name for strategy in strategies(0.03)]
    assert rows_of_figures("savings") == [policy.name for policy in POLICIES]
    source = (ROOT / "benchmarks" / "scale.py").read_text(encoding="utf-8")
    assert rows_of_figures("scale")
    assert all(f'"{name}"' in source for name in rows_of_figures("scale"))


def test_request_fields_are_those_of_the_code() -> None:
    """The page of the OpenAI SDK names every field that is no part of the key, and every one that rules caching out."""
    from askonce.cache.openai_payload import _NEVER, IGNORED

    page = (ROOT / "docs" / "howto-openai.md").read_text(encoding="utf-8")
    missing = [name for name in (*IGNORED, *_NEVER) if f"`{name}`" not in page]
    assert not missing
