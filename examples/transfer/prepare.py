"""AG News in two halves: texts to read, from which a small transformer is pre-trained, and labelled ones to compete on.

    python examples/transfer/prepare.py [EPOCHS]

writes `examples/transfer/data/news.csv`, 1,500 labelled texts, and `examples/transfer/data/reader`, a folder of Hugging
Face with a model that has read 3,800 others, without their labels, so often (12 times unless told; minutes on one
core). It has learned which headline belongs to which article.
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
from torch.nn.functional import cross_entropy, normalize
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
from transformers.utils import logging

DATA = Path(os.environ.get("CONCOURS_DATA", "../shared/data")) / "ag-news-7600"
OUT = Path(__file__).parent / "data"
PAD, UNKNOWN, BEGIN, END, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
LENGTH, WORDS, BATCH, RATE, TEMPERATURE = 40, 3000, 64, 2e-3, 0.1
LABELLED = 1500


def halves() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Headlines with their articles, to read; and texts with their topics. Drawn by one seed; no text is in both."""
    topics = (DATA / "classes.txt").read_text().split("\n")
    with gzip.open(DATA / "test.csv.gz", "rt", newline="") as file:
        rows = {(title, text): topics[int(number) - 1] for number, title, text in csv.reader(file)}
    news = sorted(rows)
    random.Random(0).shuffle(news)  # noqa: S311 (the same halves each time)
    half = len(news) // 2
    labelled = {" ".join(each): rows[each] for each in news[half : half + LABELLED]}
    return [each for each in news[:half] if " ".join(each) not in labelled], list(labelled.items())


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


def read(pairs: list[tuple[str, str]], tokenizer: Tokenizer, epochs: int) -> BertModel:
    """A small BERT that has learned which of 64 articles each headline belongs to (van den Oord et al. 2018)."""
    torch.manual_seed(0)
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(pad_token=PAD, pad_id=tokenizer.token_to_id(PAD))
    heads, bodies = (
        torch.tensor([each.ids for each in tokenizer.encode_batch(texts)]) for texts in zip(*pairs, strict=True)
    )
    model = BertModel(
        BertConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            max_position_embeddings=128,
            initializer_range=0.1,
            pad_token_id=tokenizer.token_to_id(PAD),
        )
    ).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE)
    steps = epochs * -(-len(pairs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=RATE, total_steps=steps, pct_start=0.2)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for batch in torch.randperm(len(pairs)).split(BATCH):
            alike = said(model, heads[batch]) @ said(model, bodies[batch]).T / TEMPERATURE
            own = torch.arange(len(batch))
            loss = (cross_entropy(alike, own) + cross_entropy(alike.T, own)) / 2
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(batch)
        print(f"epoch {epoch}: {total / len(pairs):.3f} nats a headline", flush=True)  # noqa: T201
    return model


def said(model: BertModel, tokens: torch.Tensor) -> torch.Tensor:
    """What the model makes of texts, (n, tokens): vectors of length 1."""
    there = (tokens != model.config.pad_token_id).long()
    wide = int(there.sum(dim=1).max())
    return normalize(model(input_ids=tokens[:, :wide], attention_mask=there[:, :wide]).pooler_output, dim=1)


def main() -> None:
    logging.set_verbosity_error()
    pairs, labelled = halves()
    OUT.mkdir(exist_ok=True)
    with (OUT / "news.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["text", "topic"])
        lines.writerows(labelled)
    tokenizer = tokenizer_of([" ".join(pair) for pair in pairs])
    model = read(pairs, tokenizer, int(sys.argv[1]) if len(sys.argv) > 1 else 12)
    model.save_pretrained(OUT / "reader")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, unk_token=UNKNOWN, cls_token=BEGIN, sep_token=END, mask_token=MASK
    ).save_pretrained(OUT / "reader")
    print(f"{len(pairs)} texts were read, without their labels; {len(labelled)} others are in {OUT / 'news.csv'}")  # noqa: T201


if __name__ == "__main__":
    main()
