"""Sheets of actions, and the requests that frames make of them.

A sheet is about one object; each of its lines is one action with it, told as verb phrases that mean the same::

    # hotel booking
    * cancel my hotel booking | call off my reservation
    * change the dates of my hotel booking | move my stay to other days

A phrase in a frame ("how do I ...", "I need help ...ing ...") is a request. Two requests are served by one answer when
action and kind of frame are the same: how much of a frame two requests share says nothing, nor do slips of the
keyboard. Whole sheets go to the training or to the tune part, by a digest.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

from .frames_en import FRAMES
from .sets import Pair
from .written import FOLDER, in_tune

Sheet = tuple[tuple[str, ...], ...]
"""Actions, each as the phrases that mean it."""

SAME_AN_ACTION = 8
"""Pairs made of an action that ask the same; about as many are made that do not."""

_OTHERS = [kind for kind in FRAMES if kind != "how"]
_HELLO = ("hi, ", "hello, ", "hey, ", "good morning, ", "excuse me, ", "sorry, ", "hi there! ")
_THANKS = (" thanks", ", thanks", " thank you", " pls", " please", ", please help", ". thanks in advance")
_DOUBLED = frozenset(
    "get put set let cut stop drop swap plan ship split shut chat tag log opt top quit run win begin transfer fit "
    "submit flag bar reset skip step strip scrap pin ban scan refer defer prefer commit admit permit omit rip zip "
    "trim dim snap tap clip wrap map plug hit sit dig rub stir spin pop mop crop chop clap grab rob net jot knit "
    "spot unplug unzip pad cap fan wed".split()
)
_NO_VERBS = frozenset("not never always also only again first".split())
_SLOPPY = (
    ("don't", "dont"), ("can't", "cant"), ("I'm", "im"), ("what's", "whats"), ("you", "u"), ("please", "pls"),
    ("do not", "don't"), ("want to", "wanna"), ("have to", "gotta"), ("cannot", "can't"), ("I'd", "id"),
)  # fmt: skip


def read_sheets(part: str = "train", folder: Path = FOLDER) -> list[Sheet]:
    """English sheets (``sheets_en_*.txt``) in the order of the files.

    Raises:
        ValueError: A line has none of the marks, or a sheet has no two actions with two phrases each.
    """
    out = []
    for path in sorted(folder.glob("sheets_en_*.txt")):
        for number, block in enumerate(path.read_text(encoding="utf-8").strip().split("\n\n"), 1):
            sheet = _sheet(block, f"{path.name}, sheet {number}")
            if in_tune(sheet[0][0]) == (part == "tune"):
                out.append(sheet)
    return out


def _sheet(block: str, where: str) -> Sheet:
    actions = []
    for line in block.splitlines():
        mark, text = line[:1], line[1:].strip()
        if mark not in "#*" or not text:
            raise ValueError(f"{where}: a line begins with '#' or '*' and has a text, not {line!r}")
        if mark == "*":
            actions.append(tuple(phrase for each in text.split("|") if (phrase := each.strip(" .?"))))
    if len(actions) < 2 or min(map(len, actions)) < 2:
        raise ValueError(f"{where}: a sheet has two actions or more, with two phrases or more each")
    return tuple(actions)


def ing(phrase: str) -> str:
    """A verb phrase with its verb in -ing: ``"set up a room"`` gives ``"setting up a room"``."""
    verb, blank, rest = phrase.partition(" ")
    if verb.endswith("ie"):
        made = verb[:-2] + "y"
    elif verb.endswith("e") and verb not in ("be", "see") and not verb.endswith(("ee", "ye", "oe")):
        made = verb[:-1]
    else:
        made = verb + verb[-1] if verb in _DOUBLED else verb
    return made + "ing" + blank + rest


def request(phrase: str, kind: str, rng: random.Random) -> str:
    """A phrase in a frame of a kind, as somebody may type it."""
    frames = FRAMES[kind]
    first = phrase.partition(" ")[0]
    adverb = first.endswith("ly") and not first.endswith(("ply", "fly", "rely"))
    if first in _NO_VERBS or adverb or " but " in phrase:  # "never delete", "politely decline"
        frames = tuple(frame for frame in frames if "{g}" not in frame)
    text = rng.choice(frames).format(v=phrase, g=ing(phrase))
    if rng.random() < 0.12:
        text = rng.choice(_HELLO) + text
    if rng.random() < 0.12:
        text += rng.choice(_THANKS)
    if rng.random() < 0.4:
        for neat, sloppy in rng.sample(_SLOPPY, 5):
            text = re.sub(rf"\b{neat}\b", sloppy, text, count=1)
    text = text.lower() if rng.random() < 0.4 else text[:1].upper() + text[1:] if rng.random() < 0.6 else text
    while rng.random() < 0.22:
        text = slip(text, rng)
    return text + rng.choice(("?", "?", "", "", "."))


def slip(text: str, rng: random.Random) -> str:
    """One slip of the keyboard: two letters changed over, one lost, doubled or hit beside, or a space lost."""
    if rng.random() < 0.15:
        spaces = [m.start() for m in re.finditer(r" (?=[a-z])", text)]
        if spaces:
            at = rng.choice(spaces)
            return text[:at] + text[at + 1 :]
    long = list(re.finditer(r"[A-Za-z]{4,}", text))
    if not long:
        return text
    match = rng.choice(long)
    at = rng.randrange(match.start() + 1, match.end() - 1)
    beside = _BESIDE.get(text[at].lower(), text[at])
    new = rng.choice(
        (text[at + 1] + text[at], text[at + 1], text[at] * 2 + text[at + 1], rng.choice(beside) + text[at + 1])
    )
    return text[:at] + new + text[at + 2 :]


_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {key: row[max(0, at - 1) : at] + row[at + 1 : at + 2] for row in _ROWS for at, key in enumerate(row)}


def pairs_of_sheets(sheets: list[Sheet], rng: random.Random, most: int = SAME_AN_ACTION) -> Iterator[Pair]:
    """Of each action ``most`` pairs that ask the same, and as many that ask for another action or another kind."""
    for sheet in sheets:
        for number, phrases in enumerate(sheet):
            for turn in range(most):
                kind = "how" if rng.random() < 0.75 else rng.choice(_OTHERS)
                one, two = (rng.choice(phrases),) * 2 if turn % 4 == 0 else rng.sample(phrases, 2)
                yield Pair(request(one, kind, rng), request(two, kind, rng), 1, "sheet")
                one = rng.choice(phrases)
                if turn % 4 == 0:
                    another = rng.choice([each for each in FRAMES if each != kind])
                    two = one if rng.random() < 0.6 else rng.choice(phrases)
                    yield Pair(request(one, kind, rng), request(two, another, rng), 0, "sheet")
                else:
                    beside = sheet[rng.choice([each for each in range(len(sheet)) if each != number])]
                    near = sorted(beside, key=lambda phrase, of=one: -_common(phrase, of))  # type: ignore[misc]
                    two = near[0] if rng.random() < 0.4 else rng.choice(beside)
                    yield Pair(request(one, kind, rng), request(two, kind, rng), 0, "sheet")


def _common(one: str, two: str) -> int:
    return len(set(one.split()) & set(two.split()))
