"""The documentation's pages taken apart: code blocks, and what the comments in front of them ask for.

Comments, each alone on its line, right before a block:

- ``<!-- runs: NAME -->`` names the block. A Python block runs in any case; a console block only with this.
- ``<!-- after: NAME -->`` goes on where the last block of that name ended: all of a name run in one directory,
  and Python after Python is one script.
- ``<!-- file: NAME -->`` writes the block to that file in the directory of every later block of its page.
- ``<!-- prints -->`` before a ``text`` block: what the block above it prints, figures with decimals aside.
- ``<!-- not run: REASON -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
_FENCE = re.compile(r"```(\w*)\s*$")
_COMMENT = re.compile(r"<!-- (runs|after|file|prints|not run)(?:: (.+?))? -->\s*$")
_OTHER = re.compile(r"<!-- (?:end of )?figures: \w+ -->$")


@dataclass
class Block:
    """A fenced code block.

    Attributes:
        page: The page's file.
        line: Line number of its fence.
        language: As written after the fence.
        text: What it holds.
        marks: What the comments before it say.
        prints: What it prints, or None when the page does not say.
    """

    page: Path
    line: int
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)
    prints: str | None = None

    @property
    def commands(self) -> list[str]:
        """The commands of a console block; a backslash joins lines."""
        joined = self.text.replace("\\\n", " ")
        return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """Every code block of ``page``, in order.

    Raises:
        ValueError: A block does not end, or a comment meant for a block stands before none.
    """
    made: list[Block] = []
    marks: dict[str, str] = {}
    lines = iter(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))
    for number, line in lines:
        comment, fence = _COMMENT.match(line), _FENCE.match(line)
        if comment:
            marks[comment[1]] = comment[2] or ""
        elif fence:
            text = "".join(f"{inside}\n" for inside in _inside(lines, page, number))
            block = Block(page, number, fence[1], text, marks)
            marks = {}
            if "prints" in block.marks:
                if not made or made[-1].prints is not None:
                    raise ValueError(f"{block}: no block before it whose output this could be")
                made[-1].prints = text
            made.append(block)
        elif "<!--" in line and not _OTHER.match(line):
            raise ValueError(f"{page.name}:{number}: not understood: {line.strip()}")
        elif line.strip() and marks:
            raise ValueError(f"{page.name}:{number}: the comment before this line belongs to a block")
    if marks:
        raise ValueError(f"{page.name}: its last comment belongs to no block")
    return made


def _inside(lines: Iterator[tuple[int, str]], page: Path, start: int) -> Iterator[str]:
    for _, line in lines:
        if line.rstrip() == "```":
            return
        yield line
    raise ValueError(f"{page.name}:{start}: this block does not end")


class Example(NamedTuple):
    """Blocks of one name, run one after the other in one directory.

    Attributes:
        blocks: In order.
        files: What lies in the directory beforehand, by name.
    """

    blocks: list[Block]
    files: dict[str, str]

    def __str__(self) -> str:
        return str(self.blocks[0])

    @property
    def steps(self) -> list[list[Block]]:
        """The processes to start: one for each script, one for each console block."""
        made: list[list[Block]] = []
        for block in self.blocks:
            if made and made[-1][-1].language == block.language == "python":
                made[-1].append(block)
            else:
                made.append([block])
        return made


def examples_of(page: Path) -> list[Example]:
    """What runs on ``page``.

    Raises:
        ValueError: ``after`` names no block above it.
    """
    made: list[Example] = []
    by_name: dict[str, Example] = {}
    files: dict[str, str] = {}
    for block in blocks_of(page):
        if "file" in block.marks:
            files[block.marks["file"]] = block.text
        if "not run" in block.marks or block.language not in ("python", "console"):
            continue
        if "after" in block.marks:
            if block.marks["after"] not in by_name:
                raise ValueError(f"{block}: no block above it runs as {block.marks['after']!r}")
            example = by_name[block.marks["after"]]
            example.blocks.append(block)
        elif block.language == "python" or "runs" in block.marks:
            example = Example([block], dict(files))
            made.append(example)
        else:
            continue
        if "runs" in block.marks:
            by_name[block.marks["runs"]] = example
    return made


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as common renderers make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def links_of(page: Path) -> list[str]:
    """The targets of a page's links, code aside."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text))
