"""``python -m benchmarks.traps``: rewrites traps.tsv and prints how many pairs there are of each kind."""

from __future__ import annotations

from .build import PATH, build, counts, text


def main() -> None:
    PATH.write_text(text(), encoding="utf-8", newline="\n")
    pairs = build()
    print(f"{len(pairs)} pairs in {PATH.name}")
    print(f"{'':24}{'en':>6}{'zh':>6}{'all':>6}")
    for kind, found in sorted(counts(pairs).items()):
        print(f"{kind:24}{found['en']:6}{found['zh']:6}{found.total():6}")


if __name__ == "__main__":
    main()
