"""A sentence-transformers model folder made on the spot, for tests of loading by path."""

from __future__ import annotations

import string
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import modules as parts
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def write_sentence_transformer(folder: Path, *, dim: int = 24, window: int = 256, seed: int = 5) -> Path:
    """Write a one-layer BERT with random weights that reads text letter by letter, and mean pooling."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    vocabulary = [*SPECIAL, *letters, *("##" + letter for letter in letters)]
    made = Tokenizer(models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    base = folder.parent / f"{folder.name}-base"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    tokenizer.save_pretrained(base)
    torch.manual_seed(seed)
    BertModel(
        BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=dim,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=2 * dim,
            max_position_embeddings=window,
        )
    ).save_pretrained(base)
    words = parts.Transformer(str(base), max_seq_length=window)
    SentenceTransformer(modules=[words, parts.Pooling(dim, pooling_mode="mean")], device="cpu").save(str(folder))
    return folder
