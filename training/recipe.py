"""The whole training of a pair model, stage after stage, much as it was done for what ships.

::

    python -m training.recipe --data DIR --wordnet DIR --out FOLDER                     # English, about 3 hours
    python -m training.recipe --data DIR --out FOLDER --language zh                     # Chinese, about an hour
    python -m training.recipe --data DIR --wordnet DIR --out FOLDER --without qqp lcqmc # left out altogether

Every stage goes on from the weights of the one before, with other pairs in another order: first the public sets
whole, later more and more of what is written by hand and made by rule. What ships came of the same stages one by one,
while groups were still being written and rules mended. Times are those of two cores with bfloat16.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from .sets import FILES


class Stage(NamedTuple):
    """Arguments of :mod:`training.train_pair`.

    Attributes:
        public: Share of the public sets' pairs.
        written: Times the pairs written by hand are taken.
        generated: Source questions of the rules.
        sheets: Times the sheets of actions are taken, in English.
        epochs, rate: Passes, and the highest learning rate.
    """

    public: float
    written: int
    generated: int
    sheets: int = 0
    epochs: float = 1.0
    rate: float = 2e-4


RECIPES = {
    "en": (
        Stage(1.0, 0, 24_000),
        Stage(1.0, 0, 6_000, epochs=0.85),
        Stage(0.5, 1, 24_000),
        Stage(0.45, 1, 16_000),
        Stage(0.4, 1, 12_000, sheets=1),
    ),
    "zh": (Stage(1.0, 0, 15_000), Stage(0.8, 1, 10_000), Stage(0.35, 1, 9_000), Stage(0.15, 1, 8_000, rate=1e-4)),
}


def commands(language: str, data: Path, out: Path, wordnet: Path | None, without: list[str]) -> list[list[str]]:
    """The command line of each stage; the last writes into ``out`` itself, those before into folders beneath."""
    made = []
    stages = RECIPES[language]
    for number, stage in enumerate(stages):
        here = out if number == len(stages) - 1 else out / f"stage-{number + 1}"
        line = [sys.executable, "-m", "training.train_pair", "--data", str(data), "--out", str(here)]
        line += ["--language", language, "--seed", str(number)]
        for name, value in stage._asdict().items():
            line += [f"--{name}", str(value)]
        if number:
            line += ["--start", str(out / f"stage-{number}")]
        if wordnet is not None:
            line += ["--wordnet", str(wordnet)]
        if without:
            line += ["--without", *without]
        made.append(line)
    return made


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    parser.add_argument("--language", choices=sorted(RECIPES), default="en")
    parser.add_argument("--wordnet", type=Path, default=None, help="archive of WordNet, for the English rules")
    parser.add_argument("--without", nargs="*", default=[], choices=list(FILES), help="sets left out altogether")
    told = parser.parse_args()
    for line in commands(told.language, told.data, told.out, told.wordnet, told.without):
        print(" ".join(line[1:]), flush=True)
        subprocess.run(line, check=True)


if __name__ == "__main__":
    main()
