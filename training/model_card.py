"""Fill in what a model card says of its own training: ``python -m training.model_card WEIGHTS MODEL_FOLDER``."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path


def fill(weights: Path, folder: Path) -> None:
    """Write the number of pairs, the settings, the areas under the curve and the digest into ``MODEL_CARD.md``."""
    trained = json.loads((weights / "training.json").read_text())
    known = json.loads((folder / "model.json").read_text())
    stages = [*trained.get("before", []), trained]
    told = "; ".join(f"{s['pairs']:,} pairs, {s['epochs']:g} pass, rate {s['rate']:g}" for s in stages)
    areas = ", ".join(f"{name} {value:.3f}" for name, value in trained["auc_test"].items())
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    for pattern, new in (
        (r"(Stages: ).*?\.\n", f"\\g<1>{told}.\n"),
        (r"(32-bit weights: ).*?\. What", f"\\g<1>{areas}. What"),
        (r"`[0-9a-f]{64}`", f"`{known['model_sha256']}`"),
    ):
        card, count = re.subn(pattern, new, card, flags=re.S)
        if not count:
            raise SystemExit(f"MODEL_CARD.md has no place for {pattern!r}")
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("folder", type=Path)
    told = parser.parse_args()
    fill(told.weights, told.folder)


if __name__ == "__main__":
    main()
