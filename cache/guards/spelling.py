"""English contractions and chat spellings written out, for whoever reads two questions together.

"Why didn't it rise?" and "Why did it not rise?" are one question, and "dont" and "u" are what people type. A small
model that reads both knows less of such spellings than of words. What may be two things stays: "'d", the 's of
"Iceland's", "ill", "id".
"""

from __future__ import annotations

import re
from functools import lru_cache

from .reading import KEPT

_NOT = "is are was were do does did could would should have has had must need might".split()
_WORDS = {
    "can't": "cannot", "cant": "cannot", "won't": "will not", "wont": "will not", "shan't": "shall not",
    "let's": "let us", "i'm": "i am", "im": "i am", "ive": "i have", "whats": "what is", "hows": "how is",
    "wheres": "where is", "whos": "who is", "thats": "that is",
    "theres": "there is", "wanna": "want to", "gonna": "going to", "gotta": "have to", "u": "you",
    "ur": "your", "pls": "please", "plz": "please", "thx": "thanks",
    **{f"{verb}n't": f"{verb} not" for verb in _NOT}, **{f"{verb}nt": f"{verb} not" for verb in _NOT},
    **{f"{word}'s": f"{word} is" for word in "what who where how when why it that there here he she".split()},
}  # fmt: skip
_ENDINGS = {"'re": " are", "'ll": " will", "'ve": " have"}
_WORD = re.compile(r"(?<![\w'.])[A-Za-z]+(?:'[A-Za-z]+)?(?![\w']|\.\w)")
_SIGNS = re.compile(r"'|\b(?:" + "|".join(sorted(word for word in _WORDS if "'" not in word)) + r")\b", re.I)


@lru_cache(maxsize=KEPT)
def written_out(text: str) -> str:
    """``text`` with its contractions written out; unchanged when it has none."""
    text = text.replace("\u2019", "'")
    return _WORD.sub(_out, text) if _SIGNS.search(text) else text


def _out(match: re.Match[str]) -> str:
    word = match.group()
    if word.isupper() and "'" not in word:
        return word  # "IM", "U"
    made = _WORDS.get(word.lower())
    if made is None:
        return word[:-3] + _ENDINGS[word[-3:].lower()] if word[-3:].lower() in _ENDINGS else word
    return made[0].upper() + made[1:] if word[0].isupper() else made
