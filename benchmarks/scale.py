"""The FAISS index at size: recall, search and add times, memory of many small scopes, snapshots.

``python -m benchmarks.scale [--json] [--data DIR] [--vectors N]``. The vectors are embeddings of questions by the
default embedder: with ``--data`` real ones (Quora question pairs, MS MARCO queries, open-domain questions, Bitext
customer support), else questions made in code; where they are fewer than ``--vectors``, neighbours of them fill the
rest. Embeddings are kept in a temporary folder for the next run. Queries are questions that are not in the index.

Times are single calls on one thread. Memory is the resident set of a fresh process before and after filling.
"""

from __future__ import annotations

import csv
import gzip
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from askonce import EmbedderError, FaissIndex
from askonce.embeddings import default_embedder

from . import wordings
from .report import Report, count, options, quantile

Matrix = NDArray[np.float32]

DIM = 384
SCOPE = b"s" * 32
_REAL = (
    ("qqp_gptcache_train.tsv.gz", "\t", ("text_a", "text_b")),
    ("msmarco_dev_queries.csv.gz", ",", ("query",)),
    ("open_qa_questions.csv.gz", ",", ("question",)),
    ("bitext_customer_support_27k.tsv.gz", "\t", ("text",)),
)


def key_of(number: int) -> bytes:
    """A 32-byte key."""
    return number.to_bytes(32, "big")


# -- vectors --------------------------------------------------------------------------------------------


def real_questions(data: Path) -> Iterator[str]:
    """The questions of every known file there is, in the files' order."""
    for name, delimiter, columns in _REAL:
        if not (data / name).exists():
            continue
        quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
        with gzip.open(data / name, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter=delimiter, quoting=quoting):
                yield from (row[column].strip() for column in columns)


def questions(data: Path | None, wanted: int, seed: int) -> list[str]:
    """Up to ``wanted`` different questions in random order."""
    if data is not None:
        found = {text: None for text in real_questions(data) if 0 < len(text) < 300}
        if not found:
            raise SystemExit(f"no question file in {data}; leave --data out to use generated questions")
        texts = list(found)
    else:
        texts = [text for wording in wordings.wordings(seed).values() for text in wording]
        texts += wordings.one_offs(seed, 4000)
    random.Random(seed).shuffle(texts)
    return texts[:wanted]


def embedded(texts: list[str], report: Report) -> Matrix:
    """Embeddings of the texts, less those the embedder refuses; kept in the temporary folder."""
    embedder = default_embedder()
    digest = blake2b("\0".join([embedder.fingerprint, *texts]).encode(), digest_size=8).hexdigest()
    path = Path(tempfile.gettempdir()) / f"askonce-scale-{digest}.npy"
    if path.exists():
        kept: Matrix = np.load(path, allow_pickle=False)
        return kept
    rows: dict[int, Matrix] = {}
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))  # of like length: little padding
    with report.progress() as progress:
        task = progress.add_task("embedding questions", total=len(texts))
        for start in range(0, len(order), 32):
            part = order[start : start + 32]
            try:
                rows |= zip(part, embedder.embed([texts[n] for n in part]), strict=True)
            except EmbedderError:  # one of them is not wholly in its vocabulary
                for n in part:
                    with suppress(EmbedderError):
                        rows[n] = embedder.embed([texts[n]])[0]
            progress.advance(task, len(part))
    out = np.stack([rows[n] for n in sorted(rows)])
    np.save(path, out)
    return out


def neighbours(of: Matrix, wanted: int, rng: np.random.Generator) -> Matrix:
    """``wanted`` unit vectors, each at a cosine of 0.6 to 0.97 to one of those given."""
    base = of[rng.integers(len(of), size=wanted)]
    noise = rng.standard_normal(base.shape, dtype=np.float32)
    noise -= np.einsum("ij,ij->i", noise, base)[:, None] * base
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    cosine = rng.uniform(0.6, 0.97, (wanted, 1)).astype(np.float32)
    out: Matrix = cosine * base + np.sqrt(1 - cosine**2) * noise
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def vectors(args: Any, report: Report) -> tuple[Matrix, Matrix, int]:
    """``(index vectors, query vectors, how many of the first are embeddings)``."""
    texts = questions(args.data, args.texts + args.queries, args.seed)
    rows = embedded(texts, report)
    asked, rows = rows[: args.queries], rows[args.queries :][: args.vectors]
    missing = args.vectors - len(rows)
    rng = np.random.default_rng(args.seed)
    if missing:
        whole = np.concatenate([rows, neighbours(rows, missing, rng)])
        rng.shuffle(whole)
        return whole, asked, len(rows)
    return rows, asked, len(rows)


# -- measuring ------------------------------------------------------------------------------------------


def best_of(rows: Matrix, asked: Matrix, k: int) -> Matrix:
    """The ``k`` greatest cosines of each query by brute force, best first."""
    best = [
        np.sort(asked[start : start + 256] @ rows.T, axis=1)[:, : -k - 1 : -1] for start in range(0, len(asked), 256)
    ]
    return np.concatenate(best)


def timed(work: Callable[[Any], Any], items: Any) -> list[float]:
    """Microseconds of each call."""
    times = []
    for item in items:
        started = time.perf_counter()
        work(item)
        times.append((time.perf_counter() - started) * 1e6)
    return times


def measure_size(rows: Matrix, asked: Matrix, result: dict[str, float], name: str) -> FaissIndex:
    """Fill an index and search it; times go to ``result`` under ``name``. Returns the index."""
    import faiss

    index = FaissIndex(DIM, "scale")
    adds = timed(lambda n: index.add(SCOPE, key_of(n), rows[n]), range(len(rows)))
    started = time.perf_counter()
    index.settle()
    settled = time.perf_counter() - started
    timed(lambda q: index.search(SCOPE, q, 5), asked[:100])
    times = timed(lambda q: index.search(SCOPE, q, 5), asked)
    flat = faiss.IndexFlatIP(DIM)
    flat.add(rows)
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    peer = timed(lambda q: flat.search(q[None], 5), asked[: max(100, 10_000_000 // len(rows))])
    faiss.omp_set_num_threads(threads)
    result |= {
        f"search_p50_us_{name}": quantile(times, 0.5),
        f"search_p99_us_{name}": quantile(times, 0.99),
        f"flat_p50_us_{name}": quantile(peer, 0.5),
        f"add_p50_us_{name}": quantile(adds, 0.5),
        f"add_p99_us_{name}": quantile(adds, 0.99),
        f"add_mean_us_{name}": sum(adds) / len(adds),
        f"settle_s_{name}": settled,
    }
    return index


def recall(index: FaissIndex, rows: Matrix, asked: Matrix) -> dict[str, float]:
    """Share of the true nearest found; an equally near one counts (vectors may be equal)."""
    truth = best_of(rows, asked, 5)
    first = every = 0
    near = truth[:, 0] >= 0.8
    first_near = 0
    for query, cosines, is_near in zip(asked, truth, near, strict=True):
        found = np.array([m.similarity for m in index.search(SCOPE, query, 5)])
        hit = bool(found[0] >= cosines[0] - 1e-5)
        first += hit
        first_near += hit and bool(is_near)
        every += int((found >= cosines[-1] - 1e-5).sum())
    return {
        "recall_at_1": first / len(asked),
        "recall_at_5": every / (5 * len(asked)),
        "recall_at_1_above_0.8": first_near / max(1, int(near.sum())),
        "queries_above_0.8": float(near.mean()),
    }


def measure_snapshot(index: FaissIndex) -> dict[str, float]:
    """Seconds to save and to load, and the file's size."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        saves = timed(lambda _: index.save(path), range(3))
        loads = []
        for _ in range(3):
            started = time.perf_counter()
            loaded = FaissIndex.load(path, dim=DIM, embedder="scale")
            loads.append(time.perf_counter() - started)
            assert len(loaded) == len(index)
            loaded.close()
        return {"save_s": min(saves) / 1e6, "load_s": min(loads), "snapshot_mb": path.stat().st_size / 1e6}


# -- memory ---------------------------------------------------------------------------------------------


def resident_mb() -> float:
    """Resident memory of this process, megabytes."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        import resource

        return int(statm.read_text().split()[1]) * resource.getpagesize() / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def fill(scopes: int, total: int) -> float:
    """Megabytes an index of ``total`` vectors in ``scopes`` scopes takes, everything it needs warmed up before."""
    rng = np.random.default_rng(0)

    def put(index: FaissIndex, scopes: int, total: int) -> None:
        for n in range(total):
            row = rng.standard_normal(DIM, dtype=np.float32)
            index.add(key_of(n % scopes), key_of(n), row / np.float32(np.linalg.norm(row)))
        index.settle()

    with closing(FaissIndex(DIM, "warm", exact_below=64)) as warm:
        put(warm, 1, 300)
    before = resident_mb()
    index = FaissIndex(DIM, "scale")
    put(index, scopes, total)
    assert len(index) == total
    return resident_mb() - before


def measure_memory(total: int) -> dict[str, float]:
    """Memory of one scope of ``total`` vectors and of ``total / 10`` scopes of 10, each in a fresh process."""

    def child(scopes: int) -> float:
        command = [sys.executable, "-m", "benchmarks.scale", "--fill", str(scopes), "--vectors", str(total)]
        return float(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))

    one, many = child(1), child(max(1, total // 10))
    return {"memory_one_scope_mb": one, "memory_many_scopes_mb": many, "memory_ratio": many / one}


def main() -> None:
    """Run the benchmark."""
    parser = options("scale", "Recall, speed, memory and snapshots of the FAISS index.")
    parser.add_argument("--vectors", type=count, default=100_000, metavar="N", help="vectors in the largest index")
    parser.add_argument("--queries", type=count, default=2000, metavar="N", help="searches measured")
    parser.add_argument("--texts", type=count, default=40_000, metavar="N", help="questions embedded, at most")
    parser.add_argument("--fill", type=count, metavar="SCOPES", help="only print the memory this many scopes take")
    args = parser.parse_args()
    if args.fill:
        print(fill(args.fill, args.vectors))
        return
    report = Report("scale", args.out, as_json=args.json)
    rows, asked, genuine = vectors(args, report)
    result: dict[str, float] = {}
    names = []
    for size in sorted({min(size, args.vectors) for size in (1000, 10_000, args.vectors)}):
        names.append(f"{size // 1000}k" if size % 1000 == 0 else str(size))
        report.aside.print(f"index of {size:,} vectors")
        index = measure_size(rows[:size], asked, result, names[-1])
        if size == args.vectors:
            result |= recall(index, rows, asked)
            result |= measure_snapshot(index)
        index.close()
    report.aside.print("memory, in fresh processes")
    result |= measure_memory(args.vectors)
    result |= {"vectors": args.vectors, "embedded": genuine}

    show(report, result, names)
    report.save(result, settings={"seed": args.seed, "data": args.data is not None, "queries": len(asked)})
    report.picture(lambda figure: draw(figure, result, names))
    report.finish(result)


def show(report: Report, result: dict[str, float], names: list[str]) -> None:
    """The tables."""
    report.table(
        "Times, microseconds (flat: a plain faiss.IndexFlatIP)",
        ("vectors in one scope", "search p50", "p99", "flat p50", "add p50", "add p99", "add mean"),
        [
            (name, *(f"{result[f'{what}_us_{name}']:,.1f}" for what in (
                "search_p50", "search_p99", "flat_p50", "add_p50", "add_p99", "add_mean")))
            for name in names
        ],
    )  # fmt: skip
    percent = {"recall_at_1", "recall_at_5", "recall_at_1_above_0.8", "queries_above_0.8"}
    about = {
        "recall_at_1": "nearest found",
        "recall_at_5": "of the five nearest found",
        "recall_at_1_above_0.8": "nearest found, of queries that have one at cosine 0.8 or more",
        "queries_above_0.8": "share of such queries",
        "memory_one_scope_mb": "MB of one scope",
        "memory_many_scopes_mb": "MB of as many vectors in scopes of 10",
        "memory_ratio": "the second over the first",
        "save_s": "seconds to save a snapshot",
        "load_s": "seconds to load and verify it",
        "snapshot_mb": "MB of the file",
    }
    report.table(
        f"At {int(result['vectors']):,} vectors, {int(result['embedded']):,} of them embedded questions",
        ("what", "value", "meaning"),
        [(k, f"{result[k]:.2%}" if k in percent else f"{result[k]:,.2f}", text) for k, text in about.items()],
    )


def draw(figure: Any, result: dict[str, float], names: list[str]) -> None:
    """Search time by size beside a flat index, and memory."""
    times, memory = figure.subplots(1, 2, width_ratios=(2, 1))
    places = np.arange(len(names))
    ours = [result[f"search_p50_us_{name}"] for name in names]
    rest = [result[f"search_p99_us_{name}"] - p50 for name, p50 in zip(names, ours, strict=True)]
    flat = [result[f"flat_p50_us_{name}"] for name in names]
    times.bar(places - 0.2, ours, 0.4, yerr=[[0] * len(ours), rest], color="#009E73", label="askonce", capsize=3)
    times.bar(places + 0.2, flat, 0.4, color="#999999", label="faiss.IndexFlatIP")
    times.set_yscale("log")
    times.set_xticks(places, names)
    times.set_xlabel("vectors in one scope")
    times.set_ylabel("microseconds, median (whisker to p99)")
    times.set_title(f"One search; recall@1 {result['recall_at_1']:.2%}", fontsize=10)
    times.legend(frameon=False)
    bars = memory.bar(
        ["one scope", "scopes of 10"],
        [result["memory_one_scope_mb"], result["memory_many_scopes_mb"]],
        color=["#009E73", "#56B4E9"],
    )
    memory.bar_label(bars, fmt="%.0f MB", fontsize=8)
    memory.set_title(f"Memory of {int(result['vectors']):,} vectors", fontsize=10)
    for axes in (times, memory):
        axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
