"""AG News in two halves: texts to read, from which a small transformer is pre-trained, and labelled ones to compete on.

    python examples/transfer/prepare.py [EPOCHS]

writes `examples/transfer/data/news.csv`, 3,800 labelled texts, and `examples/transfer/data/reader`, a folder of Hugging
Face with a masked language model that has read the other 3,800 texts, without their labels, so often (30 times unless
told; minutes on one core). No text of the one half is in the other.
"""

from __future__ import annotations

import csv
import gzip
import os
import random
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast
from transformers.utils import logging

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "ag-news-7600"
OUT = Path(__file__).parent / "data"
PAD, UNKNOWN, BEGIN, END, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
LENGTH, WORDS, BATCH, MASKED = 40, 3000, 64, 0.15


def halves() -> tuple[list[str], list[tuple[str, str]]]:
    """Texts to read, and texts with their topics; drawn by one seed, texts that are equal on one side."""
    topics = (DATA / "classes.txt").read_text().split("\n")
    with gzip.open(DATA / "test.csv.gz", "rt", newline="") as file:
        rows = dict.fromkeys((f"{title} {text}", topics[int(number) - 1]) for number, title, text in csv.reader(file))
    news = sorted(rows)
    random.Random(0).shuffle(news)  # noqa: S311 (the same halves each time)
    half = len(news) // 2
    labelled = news[half:]
    told = {text for text, _ in labelled}
    return [text for text, _ in news[:half] if text not in told], labelled


def tokenizer_of(texts: list[str]) -> Tokenizer:
    """Pieces of words, learned from the texts (WordPiece)."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [PAD, UNKNOWN, BEGIN, END, MASK]
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=WORDS, special_tokens=special))
    ends = [(each, tokenizer.token_to_id(each)) for each in (BEGIN, END)]
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A {END}", special_tokens=ends)
    return tokenizer


def read(texts: list[str], tokenizer: Tokenizer, epochs: int) -> BertForMaskedLM:
    """A small BERT that has learned to fill in words that are hidden (Devlin et al. 2019)."""
    torch.manual_seed(0)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            max_position_embeddings=128,
            pad_token_id=tokenizer.token_to_id(PAD),
        )
    ).train()
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH, pad_token=PAD, pad_id=tokenizer.token_to_id(PAD))
    tokens = torch.tensor([each.ids for each in tokenizer.encode_batch(texts)])
    mask, plain = tokenizer.token_to_id(MASK), 4
    optimiser = torch.optim.AdamW(model.parameters(), lr=1.5e-3, weight_decay=0.01)
    steps = epochs * -(-len(tokens) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1.5e-3, total_steps=steps, pct_start=0.1)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for batch in torch.randperm(len(tokens)).split(BATCH):
            ids = tokens[batch]
            hidden = (torch.rand(ids.shape) < MASKED) & (ids > plain)
            there = (ids != model.config.pad_token_id).long()
            loss = model(
                input_ids=ids.masked_fill(hidden, mask), attention_mask=there, labels=ids.masked_fill(~hidden, -100)
            ).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch}: {total / len(tokens):.3f} nats a hidden piece", flush=True)  # noqa: T201
    return model


def main() -> None:
    logging.set_verbosity_error()
    texts, labelled = halves()
    OUT.mkdir(exist_ok=True)
    with (OUT / "news.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["text", "topic"])
        lines.writerows(labelled)
    tokenizer = tokenizer_of(texts)
    model = read(texts, tokenizer, int(sys.argv[1]) if len(sys.argv) > 1 else 30)
    model.save_pretrained(OUT / "reader")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, unk_token=UNKNOWN, cls_token=BEGIN, sep_token=END, mask_token=MASK
    ).save_pretrained(OUT / "reader")
    print(f"{len(texts)} texts were read, without their labels; {len(labelled)} others are in {OUT / 'news.csv'}")  # noqa: T201


if __name__ == "__main__":
    main()
