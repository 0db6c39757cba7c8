"""The verifier: the probability that the answer to one question would be wrong for another.

Two opinions. The first is a logistic model over similarity and :mod:`.evidence`, and costs a fraction of a
millisecond. The second adds the pair model's log-odds (:mod:`askonce.embeddings.pair_model`), milliseconds,
and is asked only where the first leaves a doubt. Each is brought onto the scale of observed rates by a
monotone step function fitted on questions that neither had seen (isotonic regression; Zadrozny and Elkan 2002).

What was learned belongs to a language and to an embedder's cosines. For an embedder nobody calibrated, the
cosine is left out and the second opinion always asked; for a language no pair model was trained on there is
no verifier, and :class:`askonce.Conservative` decides.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path

import msgspec

from ..embeddings.minilm import MODELS
from ..embeddings.pair_model import PAIR_MODELS, PairModel, shipped_pair_model
from ..embeddings.scripts import scripts_of
from ..errors import ConfigError, EmbedderError
from .budget_state import BINS, BinCount, Calibration
from .evidence import EVIDENCE, evidence
from .guards import numbers_alike
from .guards.spelling import written_out
from .semantic import Candidate

RISKS = MODELS / "verifier" / "risks.json"
REMEMBERED = 4096


class Opinion(msgspec.Struct, frozen=True):
    """A logistic model and the step function from its log-odds to a risk.

    Attributes:
        names: What the row holds, in order.
        mean, scale, weights: One each per name; a number is clipped to ``mean`` ± 4 ``scale``.
        bias: Log-odds of being wrong at the mean.
        starts, risks: ``risks[i]`` holds from ``starts[i]`` on; both rising.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    starts: tuple[float, ...]
    risks: tuple[float, ...]

    def log_odds(self, row: list[float]) -> float:
        """Log-odds of being wrong; NaN when a number is."""
        total = self.bias
        for value, mean, scale, weight in zip(row, self.mean, self.scale, self.weights, strict=True):
            total += weight * max(-4.0, min(4.0, (value - mean) / scale))
        return total

    def risk(self, row: list[float]) -> float:
        """Probability of being wrong, 0..1; 1.0 when a number is no number."""
        odds = self.log_odds(row)
        if any(math.isnan(value) for value in row) or math.isnan(odds):
            return 1.0
        place = bisect_right(self.starts, odds) - 1
        if place < 0:
            return self.risks[0]
        if place + 1 >= len(self.starts):
            return self.risks[-1]
        # between two steps the risk rises in proportion, so that candidates can be told apart
        part = (odds - self.starts[place]) / (self.starts[place + 1] - self.starts[place])
        return self.risks[place] + part * (self.risks[place + 1] - self.risks[place])


class Learned(msgspec.Struct, frozen=True):
    """What was learned for one language and one embedder.

    Attributes:
        script: ``"latin"`` or ``"han"``.
        embedder: Beginning of the embedder's fingerprint; empty for any other.
        first, second: The two opinions; without a calibrated cosine there is no first.
        certain, hopeless: First risks up to which the second opinion is not asked, and from which the usual budgets do
            not ask it.
        counts: Per bin of risk, held-out pairs and those wrong among them: the budget's prior.
    """

    script: str
    embedder: str
    second: Opinion
    first: Opinion | None = None
    certain: float = 0.0
    hopeless: float = 1.0
    counts: tuple[tuple[float, float], ...] = ((0.0, 0.0),) * BINS

    @property
    def calibration(self) -> Calibration:
        """For :class:`.budget.ErrorBudget`."""
        return Calibration(bins=tuple(BinCount(*count) for count in self.counts))


def load_risks(path: Path = RISKS) -> tuple[Learned, ...]:
    """What the file holds.

    Raises:
        ConfigError: It is not there or not readable.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Learned, ...])
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path} is not a readable file of risks: {error}", setting="verifier") from error


def script_of(asked: str, cached: str) -> str:
    """The script both questions are verified in: ``"han"`` when either has Chinese characters, ``"latin"`` when
    both are Latin, else empty."""
    scripts = scripts_of(asked) | scripts_of(cached)
    if "han" in scripts and scripts <= {"han", "latin"}:
        return "han"
    return "latin" if scripts <= {"latin"} else ""


def read_together(model: PairModel, asked: str, cached: str) -> float:
    """The pair model's log-odds of two questions, contractions written out and common numbers written alike.

    Raises:
        EmbedderError: The pair model cannot take the texts.
    """
    return model.log_odds(written_out(cached), written_out(numbers_alike(asked, cached)))


class Verifier:
    """Both opinions, for one embedder.

    Args:
        embedder: Its fingerprint.
        risks: What was learned; None for what ships.
        pair_models: Per script the pair model's folder or name; None for what ships.
    """

    def __init__(
        self,
        embedder: str,
        *,
        risks: tuple[Learned, ...] | None = None,
        pair_models: dict[str, str | Path] | None = None,
    ) -> None:
        self._learned: dict[str, Learned] = {}
        for learned in load_risks() if risks is None else risks:
            if embedder.startswith(learned.embedder):
                held = self._learned.get(learned.script)
                if held is None or len(learned.embedder) > len(held.embedder):
                    self._learned[learned.script] = learned
        own = pair_models or {}
        self._models = {
            script: PairModel(own[script]) if script in own else shipped_pair_model(PAIR_MODELS[script])
            for script in self._learned
            if script in own or script in PAIR_MODELS
        }
        self._remembered: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._last: tuple[str, str, list[float]] = ("", "", evidence("", ""))
        self._lock = threading.Lock()

    def load(self) -> None:
        """Load the pair models now, and not with the first doubt. Raises EmbedderError."""
        for model in self._models.values():
            model.load()

    def learned_for(self, asked: str, cached: str) -> Learned | None:
        """What was learned for the language of two questions, or None."""
        learned = self._learned.get(script_of(asked, cached))
        return learned if learned is not None and learned.script in self._models else None

    def calibration(self) -> Calibration:
        """The held-out counts of all languages together."""
        bins = [(0.0, 0.0)] * BINS
        for learned in self._learned.values():
            bins = [(n + m, wrong + bad) for (n, wrong), (m, bad) in zip(bins, learned.counts, strict=True)]
        return Calibration(bins=tuple(BinCount(*count) for count in bins))

    def row(self, candidate: Candidate) -> list[float]:
        """Similarity and evidence, in the order the first opinion reads."""
        return [candidate.similarity, *self._evidence(candidate)]

    def _evidence(self, candidate: Candidate) -> list[float]:
        """The evidence; that of the last pair is at hand when the second opinion asks for what the first has seen."""
        asked, cached, told = self._last
        if asked != candidate.asked or cached != candidate.cached:
            asked, cached = candidate.asked, candidate.cached
            told = evidence(asked, cached)
            self._last = asked, cached, told
        return told

    def first(self, candidate: Candidate, learned: Learned) -> float:
        """The first opinion: a risk 0..1. 0.5 when this embedder has none."""
        return 0.5 if learned.first is None else learned.first.risk(self.row(candidate))

    def second(self, candidate: Candidate, learned: Learned) -> float:
        """The second opinion: a risk 0..1. Takes milliseconds.

        Raises:
            EmbedderError: The pair model cannot take the texts.
        """
        odds = self.pair_log_odds(candidate.asked, candidate.cached, learned.script)
        similarity = [] if learned.first is None else [candidate.similarity]
        row = [odds, *similarity, *self._evidence(candidate)]
        return learned.second.risk(row)

    def remembers(self, asked: str, cached: str) -> bool:
        """Whether the pair model has read these two lately: then the second opinion takes microseconds, too."""
        return (asked, cached) in self._remembered

    def pair_log_odds(self, asked: str, cached: str, script: str) -> float:
        """What the pair model says, remembered for a while."""
        pair = (asked, cached)
        with self._lock:
            known = self._remembered.get(pair)
            if known is not None:
                self._remembered.move_to_end(pair)
                return known
        odds = read_together(self._models[script], asked, cached)
        with self._lock:
            self._remembered[pair] = odds
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return odds

    def explain(self, candidate: Candidate) -> dict[str, float]:
        """Every number that goes into the risk, by name."""
        learned = self.learned_for(candidate.asked, candidate.cached)
        told = {"similarity": candidate.similarity}
        told |= dict(zip(EVIDENCE, self._evidence(candidate), strict=True))
        if learned is not None:
            if learned.first is not None:
                told["first_risk"] = self.first(candidate, learned)
            try:
                told["pair_log_odds"] = self.pair_log_odds(candidate.asked, candidate.cached, learned.script)
                told["second_risk"] = self.second(candidate, learned)
            except EmbedderError:
                told["second_risk"] = 1.0
        return told
