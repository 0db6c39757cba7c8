"""English question pairs made by rule from real questions: traps that differ in one thing, and rewordings.

A question is first reworded, or paired with a human paraphrase, and then perhaps changed in what it asks.
Both kinds therefore look alike on the surface, and only the change tells them apart.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence

from .wordnet import WordNet
from .words_en import ATTRIBUTES, CONDITIONS, OPPOSITES, SMALL_NUMBERS, SWAPS, SYNONYMS

Rule = Callable[[str, random.Random], str | None]
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?!\w)")


def _like(model: str, word: str) -> str:
    """``word`` with the capitals of ``model``."""
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word.capitalize() if model[:1].isupper() else word


def _replace(text: str, match: re.Match[str], new: str) -> str:
    return text[: match.start()] + new + text[match.end() :]


# -- what changes the question -------------------------------------------------------------------------


def number(text: str, rng: random.Random) -> str | None:
    """Another number."""
    found = list(_NUMBER.finditer(text))
    if found:
        match = rng.choice(found)
        value = match.group()
        if "." in value:
            new = f"{float(value) + rng.choice((-1, 1)) * rng.choice((0.1, 0.5, 1)):.{len(value.split('.')[1])}f}"
        else:
            n = int(value)
            new = str(max(0, rng.choice((n + 1, n - 1, n + 2, n * 2, n * 10, n + 10, n - 10, n + rng.randint(3, 30)))))
        return None if new == value else _replace(text, match, new)
    spelt = [m for m in _WORD.finditer(text) if m.group().lower() in SMALL_NUMBERS[2:]]
    if not spelt:
        return None
    match = rng.choice(spelt)
    other = rng.choice([w for w in SMALL_NUMBERS[2:] if w != match.group().lower()])
    return _replace(text, match, _like(match.group(), other))


def swap(text: str, rng: random.Random) -> str | None:
    """Another thing of the same kind: a place, a product, an animal."""
    found = [m for m in _WORD.finditer(text) if m.group().lower() in SWAPS]
    if not found:
        return None
    match = rng.choice(found)
    return _replace(text, match, _like(match.group(), rng.choice(SWAPS[match.group().lower()])))


def opposite(text: str, rng: random.Random) -> str | None:
    """The opposite of a word."""
    found = [m for m in _WORD.finditer(text) if m.group().lower() in OPPOSITES]
    if not found:
        return None
    match = rng.choice(found)
    return _replace(text, match, _like(match.group(), rng.choice(OPPOSITES[match.group().lower()])))


_CONTRACTED = {
    "is": "isn't", "are": "aren't", "was": "wasn't", "were": "weren't", "does": "doesn't", "do": "don't", "did": "didn't",
    "can": "can't", "could": "couldn't", "should": "shouldn't", "would": "wouldn't", "will": "won't", "has": "hasn't",
    "have": "haven't",
}  # fmt: skip


def negate(text: str, rng: random.Random) -> str | None:
    """A negation more, or one less."""
    less = re.search(r"\b(not|n't|never|without)\b ?", text.replace("n't", " n't"), re.I)
    if less and rng.random() < 0.7:
        spaced = text.replace("n't", " n't")
        new = (
            spaced[: less.start()]
            + ("with " if less.group().strip().lower() == "without" else "")
            + spaced[less.end() :]
        )
        new = re.sub(r"\s+", " ", new).replace("ca n", "can")
        return new if new.strip() != text.strip() else None
    how = re.match(r"(how (?:do|can|should) (?:i|you|we) )(\w+)", text, re.I)
    if how and rng.random() < 0.7:
        return how.group(1) + rng.choice(("not ", "avoid having to ", "stop trying to ")) + text[how.start(2) :]
    how = re.match(r"(how to )(\w+)", text, re.I)
    if how:
        return how.group(1) + "not " + text[how.start(2) :]
    found = list(re.finditer(r"\b(" + "|".join(_CONTRACTED) + r")\b(?! not)", text, re.I))
    if not found or re.match(r"(how|what|when|where|who)\b", text, re.I):
        return None
    match = found[0]
    contracted = _CONTRACTED.get(match.group().lower())  # None for a Turkish İ, which matches an i
    return _replace(text, match, _like(match.group(), contracted)) if contracted else None


_DIRECTED = (
    re.compile(r"\b(from) ([\w ]{2,25}?) (to) ([\w]+)", re.I),
    re.compile(r"\b(convert|change|transfer|switch|translate|turn) ([\w ]{2,25}?) (to|into) ([\w]+)", re.I),
    re.compile(r"\b(is|are|was|does|do|did) ([\w]+(?: [\w]+)?) (?:\w+er|more \w+|less \w+) (than) ([\w]+)", re.I),
)


def direction(text: str, rng: random.Random) -> str | None:
    """From A to B becomes from B to A."""
    for rule in _DIRECTED:
        match = rule.search(text)
        if match and match.group(2).lower() != match.group(4).lower():
            (a, b), (c, d) = match.span(2), match.span(4)
            return text[:a] + match.group(4) + text[b:c] + match.group(2) + text[d:]
    return None


def roles(text: str, rng: random.Random) -> str | None:
    """Two names change places (of "did A beat B", not of "A and B")."""
    names = list(re.finditer(r"(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)*|(?<=^Did )[A-Z][a-z]+", text))
    if len(names) < 2:
        return None
    one, two = sorted(rng.sample(names, 2), key=lambda m: m.start())
    between = text[one.end() : two.start()]
    if one.group() == two.group() or len(between.split()) < 1 or re.search(r"\b(and|or|between|vs)\b|[,/&]", between):
        return None
    return text[: one.start()] + two.group() + between + one.group() + text[two.end() :]


_WH = {
    "when": ["where", "why", "how"], "where": ["when", "why"], "who": ["when", "where"], "why": ["when", "how"],
    "how": ["why", "when"], "how many": ["which"], "how much": ["how often"], "how long": ["how far", "how much"],
    "how old": ["how tall", "how rich"], "how tall": ["how old"], "how far": ["how long"], "how often": ["how long"],
    "what year": ["what month", "what city"],
}  # fmt: skip


def question_word(text: str, rng: random.Random) -> str | None:
    """Asks for something else: when becomes where."""
    low = text.lower()
    for phrase in sorted(_WH, key=len, reverse=True):
        if re.match(rf"{phrase}\b", low):
            return _like(text, rng.choice(_WH[phrase])) + text[len(phrase) :]
    return None


def attribute(text: str, rng: random.Random) -> str | None:
    """Another property of the same thing."""
    for line in rng.sample(ATTRIBUTES, len(ATTRIBUTES)):
        for match in _WORD.finditer(text):
            if match.group().lower() in line:
                other = rng.choice([w for w in line if w != match.group().lower()])
                return _replace(text, match, _like(match.group(), other.replace("-", " ")))
    return None


def condition(text: str, rng: random.Random) -> str | None:
    """A condition more, which narrows what is asked."""
    extra = rng.choice(CONDITIONS)
    if any(word in text.lower() for word in extra.split() if len(word) > 3):
        return None
    mark = "?" if text.endswith("?") else ""
    return f"{text.rstrip(' ?.')} {extra}{mark}"


_SCOPE = (
    ("all", "some"), ("all", "any other"), ("every", "only one"), ("only", "also"), ("most", "fewest"), ("first", "second"),
    ("first", "last"), ("last", "next"), ("my", "my wife's"), ("my", "your"), ("my", "someone else's"), ("i", "my child"),
    ("i", "my employer"), ("at least", "at most"), ("more than", "less than"), ("over", "under"), ("per day", "per week"),
    ("daily", "weekly"), ("monthly", "yearly"), ("today", "tomorrow"), ("yesterday", "today"), ("last year", "this year"),
    ("this year", "next year"), ("now", "in the past"), ("current", "former"), ("should i", "must i"),
    ("both", "neither"), ("always", "sometimes"), ("average", "maximum"), ("will", "did"),
    ("best", "cheapest"), ("best", "fastest"), ("biggest", "second biggest"), ("another", "the same"),
)  # fmt: skip


def scope(text: str, rng: random.Random) -> str | None:
    """Whose, how many, which of them, and when."""
    found = []
    for one, two in _SCOPE:
        for old, new in ((one, two), (two, one)):
            found += [(m, new) for m in re.finditer(rf"(?<![\w']){re.escape(old)}(?![\w'])", text, re.I)]
    if not found:
        return None
    match, new = rng.choice(found)
    return _replace(text, match, _like(match.group(), new))


class WordSwap:
    """Another content word of the corpus in place of one, of the same ending, often near by in a question.

    Args:
        questions: Where the words come from.
    """

    def __init__(self, questions: Sequence[str]) -> None:
        count: dict[str, int] = {}
        for text in questions:
            for word in set(_WORD.findall(text)):
                count[word] = count.get(word, 0) + 1
        self._by_ending: dict[str, list[str]] = {}
        self._known = {w for w, n in count.items() if n >= 3 and len(w) >= 4 and w.lower() not in _COMMON}
        for word in sorted(self._known):
            self._by_ending.setdefault(_ending(word), []).append(word)

    def __call__(self, text: str, rng: random.Random) -> str | None:
        """One content word replaced."""
        found = [m for m in _WORD.finditer(text) if m.group() in self._known]
        if not found:
            return None
        match = rng.choice(found)
        other = rng.choice(self._by_ending[_ending(match.group())])
        if other.lower()[:4] == match.group().lower()[:4]:
            return None
        return _replace(text, match, other)


_COMMON = frozenset(
    "what when where which whose that this these those they them their there then than have does your from with some "
    "many much most more best good better into about would could should will were been being people someone things thing "
    "make made like want need know find your very just also over such only really difference between anyone ever".split()
)


def _ending(word: str) -> str:
    kind = "C" if word[:1].isupper() else "c"
    return kind + next((e for e in ("ing", "tion", "ed", "ly", "er", "s", "al", "y", "e") if word.endswith(e)), "")


# -- what does not change it ---------------------------------------------------------------------------


def polite(text: str, rng: random.Random) -> str | None:
    """Please, hello, thanks."""
    low = text[:1].lower() + text[1:] if not text[:2].isupper() and not re.match(r"[A-Z]\w* [A-Z]|I\b", text) else text
    before = ("hi, ", "hello! ", "please tell me: ", "quick question: ", "hey, ", "i was wondering, ", "sorry, ", "excuse me, ",
              "can someone tell me, ", "i'd like to know: ", "one thing i don't get: ", "just curious, ")  # fmt: skip
    after = ("", " thanks!", " please", " thank you", " thx", " any help is appreciated", " please help")
    return rng.choice(before) + low + rng.choice(after) if rng.random() < 0.7 else text + rng.choice(after[1:])


_FRAMES = (
    (r"how (?:do|can|should|could|would) (?:i|you|we|one) (?P<x>.+)",
     ("how to {x}", "what is the way to {x}", "i want to {x}, how do i do it", "what are the steps to {x}",
      "can you tell me how to {x}", "i need to {x}. how", "what should i do to {x}", "help me {x}", "{x} - how",
      "is there a way to {x}", "what do i have to do to {x}")),
    (r"how to (?P<x>.+)",
     ("how do i {x}", "how can i {x}", "what is the way to {x}", "i'd like to {x}, how does that work", "steps to {x}",
      "tell me how to {x}", "how does one {x}", "guide to {x}", "what's a good way to {x}")),
    (r"what(?: is|'s) the best way to (?P<x>.+)",
     ("how can i best {x}", "best way to {x}", "how do i {x} in the best way", "how should i {x}",
      "what would be the best way to {x}", "which way to {x} is best")),
    (r"what (?:is|are) (?:the )?(?P<x>(?!it\b)\w[^?]{3,40})",
     ("{x}", "tell me what {x} is", "what's {x}", "do you know {x}", "can you tell me {x}", "could you explain what {x} is",
      "i want to know {x}", "define {x}", "explain {x}")),
    (r"what does (?P<x>.+) mean",
     ("meaning of {x}", "what is the meaning of {x}", "what is meant by {x}", "define {x}", "{x} meaning")),
    (r"what is the meaning of (?P<x>.+)", ("what does {x} mean", "{x} definition", "meaning of {x}", "what is meant by {x}")),
    (r"when (?:was|were) (?P<x>.+) born",
     ("what is {x}'s date of birth", "on what date was {x} born", "{x} birth date", "date {x} was born")),
    (r"when (?P<aux>did|was|were|will|does|is) (?P<x>.+)",
     ("on what date {aux} {x}", "what date {aux} {x}", "at what time {aux} {x}", "do you know when {aux} {x}")),
    (r"who (?P<v>wrote|invented|discovered|founded|directed|won|sang|played|created|owns|runs|built|painted) (?P<x>.+)",
     ("which person {v} {x}", "who was it that {v} {x}", "name of the person who {v} {x}", "the person who {v} {x} is who",
      "do you know who {v} {x}")),
    (r"who is (?:the )?(?P<x>.+)", ("who's the {x}", "name of the {x}", "what's the name of the {x}", "tell me who the {x} is")),
    (r"where (?:is|are) (?P<x>.+)",
     ("in what place is {x}", "where can {x} be found", "location of {x}", "where's {x}", "what is the location of {x}")),
    (r"why (?P<aux>is|are|do|does|did|was) (?P<x>.+)",
     ("what is the reason: why {aux} {x}", "for what reason {aux} {x}", "can you explain why {aux} {x}", "how come {x}")),
    (r"how many (?P<x>.+)", ("what number of {x}", "the number of {x}", "tell me how many {x}", "what is the count of {x}")),
    (r"how much (?P<x>.+)", ("what amount of {x}", "tell me how much {x}")),
    (r"how long (?P<x>.+)", ("what length of time {x}", "for how long {x}", "tell me how long {x}")),
    (r"(?:which|what) (?P<n>country|city|state|year|movie|book|team|company|company|actor|language) (?P<x>.+)",
     ("in which {n}: {x}", "name the {n}: {x}", "the {n} that {x} is which")),
    (r"(?:can|could|may) i (?P<x>.+)",
     ("is it possible for me to {x}", "am i able to {x}", "is it possible to {x}", "would it be possible to {x}",
      "is there any way i can {x}", "am i allowed to {x}")),
    (r"is it possible to (?P<x>.+)", ("can i {x}", "can one {x}", "could i {x}", "is there a possibility to {x}", "can you {x}")),
    (r"should i (?P<x>.+)", ("would you advise me to {x}", "is it a good idea to {x}", "do you recommend that i {x}", "ought i to {x}")),
    (r"what are (?:some|the) (?:good |best )?ways to (?P<x>.+)", ("how can i {x}", "ways to {x}", "how do you {x}", "ideas to {x}")),
    (r"is there (?:a|any) way to (?P<x>.+)", ("how can i {x}", "can i {x}", "how to {x}", "is it possible to {x}")),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern + r"[ ?.!]*$", re.I), frames) for pattern, frames in _FRAMES)


def frame(text: str, rng: random.Random) -> str | None:
    """The same question in another form."""
    if re.search(r"[?.!:;] \S", text):  # several sentences: the form of one is not that of the question
        return None
    fits = [(m, frames) for rule, frames in _COMPILED if (m := rule.match(text))]
    if not fits:
        return None
    match, frames = fits[0]
    made = rng.choice(frames).format(**match.groupdict())
    return made + rng.choice(("?", "?", "", "."))


def synonym(text: str, rng: random.Random) -> str | None:
    """A word for another of the same meaning."""
    found = []
    for one, two in SYNONYMS:
        for old, new in ((one, two), (two, one)):
            found += [(m, new) for m in re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", text, re.I)]
    if not found:
        return None
    match, new = rng.choice(found)
    return _replace(text, match, _like(match.group(), new))


def typo(text: str, rng: random.Random) -> str | None:
    """One slip of the keyboard in a long word that is not a name."""
    found = [m for m in _WORD.finditer(text) if len(m.group()) >= 6 and m.group().islower()]
    if not found:
        return None
    match = rng.choice(found)
    word, at = match.group(), rng.randint(1, len(match.group()) - 3)
    new = rng.choice((
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
    ))  # fmt: skip
    return None if new == word else _replace(text, match, new)


_SHORT = (
    ("what is", "what's"), ("i am", "i'm"), ("do not", "don't"), ("does not", "doesn't"), ("cannot", "can't"),
    ("it is", "it's"), ("who is", "who's"), ("how is", "how's"), ("is not", "isn't"), ("i have", "i've"), ("did not", "didn't"),
    ("i would", "i'd"), ("are not", "aren't"), ("they are", "they're"), ("where is", "where's"), ("you are", "you're"),
)  # fmt: skip


def contract(text: str, rng: random.Random) -> str | None:
    """What is, what's."""
    found = [(a, b) for pair in _SHORT for a, b in (pair, pair[::-1]) if re.search(rf"\b{a}\b", text, re.I)]
    if not found:
        return None
    old, new = rng.choice(found)
    return re.sub(rf"\b{old}\b", lambda m: _like(m.group(), new), text, count=1, flags=re.I)


_DROPPED = re.compile(
    r"\b(?:what is|what are|how do i|how can i|how do you|how to|can i|is there|the|a|an|do i|does|please|i want to|"
    r"i need to|tell me|some)\b ?",
    re.I,
)


def keywords(text: str, rng: random.Random) -> str | None:
    """As typed into a search box."""
    if re.match(r"(why|when|where|who|how many|how much|how long|should|is|are|can)\b", text, re.I):
        return None
    short = " ".join(_DROPPED.sub("", text).rstrip("?!. ").lower().split())
    return short if len(short.split()) >= 3 and short != text.lower().rstrip("?") else None


def case(text: str, rng: random.Random) -> str | None:
    """Case and final mark."""
    bare = text.rstrip("?!. ")
    return rng.choice(
        (bare.lower(), text.lower(), bare, text + "?", bare + " ??", bare.upper() if len(bare) < 40 else bare)
    )


def spelt_number(text: str, rng: random.Random) -> str | None:
    """10 and ten."""
    found = [m for m in re.finditer(r"(?<![\w.$])(\d{1,2})(?![\w.%:])", text) if 2 <= int(m.group()) <= 12]
    if found:
        match = rng.choice(found)
        return _replace(text, match, SMALL_NUMBERS[int(match.group())])
    words = [m for m in _WORD.finditer(text) if m.group().lower() in SMALL_NUMBERS[2:]]
    if not words:
        return None
    match = rng.choice(words)
    return _replace(text, match, str(SMALL_NUMBERS.index(match.group().lower())))


def no_order(text: str, rng: random.Random) -> str | None:
    """A and B, B and A, where order says nothing."""
    match = re.search(r"\b(between|both|among) ([\w]+(?: [\w]+)?) and ([\w]+(?: [\w]+)?)(?=[?.,]|$)", text, re.I)
    if not match:
        return None
    return text[: match.start(2)] + match.group(3) + " and " + match.group(2) + text[match.end(3) :]


def clause_first(text: str, rng: random.Random) -> str | None:
    """The place or the time moved to the front."""
    if re.search(r"[?.!:;] \S", text):
        return None
    match = re.match(r"(.{12,}?) ((?:in|on|at|during|with|for) (?:the |my |a )?[\w-]+(?: [\w-]+)?)\?$", text)
    if not match:
        return None
    head = match.group(1)
    head = head if re.match(r"I\b|[A-Z]\w* [A-Z]", head) else head[:1].lower() + head[1:]
    return f"{match.group(2).capitalize()}, {head}?"


TRAPS: dict[str, Rule] = {
    "number": number, "swap": swap, "opposite": opposite, "negate": negate, "direction": direction, "roles": roles,
    "question_word": question_word, "attribute": attribute, "condition": condition, "scope": scope,
}  # fmt: skip
REWORDINGS: dict[str, Rule] = {
    "polite": polite, "frame": frame, "synonym": synonym, "typo": typo, "contract": contract, "keywords": keywords,
    "case": case, "spelt_number": spelt_number, "no_order": no_order, "clause_first": clause_first,
}  # fmt: skip
_WEIGHTS = {"polite": 1.0, "frame": 4.0, "synonym": 2.0, "typo": 0.7, "contract": 0.5, "keywords": 1.0, "case": 0.5,
            "spelt_number": 2.0, "no_order": 2.0, "clause_first": 1.5, "wn_same": 3.0}  # fmt: skip


_SELDOM = {"condition": 0.85, "scope": 0.5, "word_swap": 0.75, "wn_beside": 0.6, "wn_opposite": 0.4}
"""How often a rule that fits nearly everything is left out."""


def reword(text: str, rng: random.Random, steps: int, more: dict[str, Rule] | None = None) -> tuple[str, str]:
    """``text`` reworded by up to ``steps`` rules (those here and ``more``), and their names."""
    names: list[str] = []
    rules = REWORDINGS | (more or {})
    for _ in range(steps):
        left = [name for name in rules if name not in names]
        name = rng.choices(left, [_WEIGHTS[n] for n in left])[0]
        made = rules[name](text, rng)
        if made and made != text:
            text, names = made, [*names, name]
    return text, "+".join(names)


def trap(text: str, rng: random.Random, more: dict[str, Rule] | None = None) -> tuple[str, str] | None:
    """``text`` changed in what it asks, and the rule's name; None when no rule fits."""
    rules = TRAPS | (more or {})
    names = list(rules)
    rng.shuffle(names)
    for name, seldom in _SELDOM.items():  # these fit nearly everything, and would crowd out the others
        if name in rules and rng.random() < seldom:
            names.remove(name)
    for name in names:
        made = rules[name](text, rng)
        if made and made.lower().strip(" ?.") != text.lower().strip(" ?."):
            return made, name
    return None


def generate(
    questions: Sequence[str],
    rng: random.Random,
    paraphrases: Sequence[tuple[str, str]] = (),
    lexicon: WordNet | None = None,
) -> Iterator[tuple[str, str, int, str]]:
    """Pairs ``(a, b, label, kind)``: for each question one rewording and one trap; for each paraphrase a trap.

    Both texts of a pair may be reworded, whatever its label: how much the wording differs says nothing.

    Args:
        questions: Real questions.
        rng: Decides everything; the same seed makes the same pairs.
        paraphrases: Pairs known to ask the same; the second is changed, so that a trap may differ in words, too.
        lexicon: Words for words of the whole language, besides the lists here.
    """
    misses: dict[str, Rule] = {"word_swap": WordSwap(questions)}
    rewordings: dict[str, Rule] = {}
    if lexicon is not None:
        misses |= {
            "wn_opposite": lambda text, rng: lexicon.change(text, rng, "against"),
            "wn_beside": lambda text, rng: lexicon.change(text, rng, "beside"),
        }
        rewordings["wn_same"] = lambda text, rng: lexicon.change(text, rng, "same")
    for text in questions:
        first = reword(text, rng, 1, rewordings)[0] if rng.random() < 0.4 else text
        made, how = reword(text, rng, rng.choice((2, 2, 3, 4, 5)), rewordings)
        if not how:
            made, how = reword(text, rng, 5, rewordings)
        if how and made != first:
            yield first, made, 1, how
        base = made if how and rng.random() < 0.65 else text
        changed = trap(base, rng, misses)
        if changed:
            yield first, changed[0], 0, changed[1] + ("+" + how if base is made else "")
    for one, two in paraphrases:
        changed = trap(two, rng, misses)
        if changed:
            yield one, changed[0], 0, changed[1] + "+human"
