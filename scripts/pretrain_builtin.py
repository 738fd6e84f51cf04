"""Pre-train the built-in backbone `builtin-tiny` from scratch on the built-in suite's text.

Masked-language modelling and next-part prediction (BERT's two objectives) on generated documents. One thread and one
seed give the same file on the same machine; run as

    OMP_NUM_THREADS=1 python scripts/pretrain_builtin.py --out panda_ray/backbones/builtin_tiny

Shape letters: B documents of a batch, T tokens.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor
from transformers import BertConfig, BertForPreTraining, PreTrainedTokenizerFast
from transformers.models.bert.modeling_bert import BertForPreTrainingOutput

from panda_ray.tasks.suite.corpus import Document, documents
from panda_ray.tasks.suite.draw import Draw
from panda_ray.tasks.suite.lexicon import LEXICON
from panda_ray.tasks.suite.vocabulary import content_from, vocabulary

MASKED_CONTENT = 0.3
MASKED_FUNCTION = 0.08
"""Share of tokens to predict: of ten, eight become [MASK], one another word, one stays."""
MAX_POSITIONS = 192
WORD_SCALE = 0.05
"""Standard deviation of a word vector's entries."""


@dataclass(frozen=True)
class Batch:
    """Documents ready for the model."""

    input_ids_BT: Tensor
    token_type_ids_BT: Tensor
    attention_mask_BT: Tensor
    labels_BT: Tensor
    next_part_B: Tensor


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer that knows the suite's words and spells all others."""
    words = {word: code for code, word in enumerate(vocabulary())}
    tokenizer = Tokenizer(models.WordPiece(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", words["[CLS]"]), ("[SEP]", words["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=MAX_POSITIONS,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def spectral_embeddings(texts: list[list[int]], vocabulary_size: int, rank: int) -> Tensor:
    """Unit vectors (V, rank) from the words' co-occurrence: an SVD of positive pointwise mutual information.

    Words that occur in like company, and words that occur together, get like vectors (Levy and Goldberg, 2014). A few
    minutes of masked-language modelling do not find these classes from random vectors.
    """
    counts_VV = torch.zeros(vocabulary_size, vocabulary_size, dtype=torch.float64)
    for text in texts:
        words = torch.tensor(sorted(set(text)))
        counts_VV[words.unsqueeze(1), words] += 1
    counts_VV.fill_diagonal_(0)
    totals_V = counts_VV.sum(0).clamp_min(1e-9)
    information_VV = (counts_VV * totals_V.sum() / torch.outer(totals_V, totals_V)).clamp_min(1).log()
    information_VV += torch.diag(information_VV.max(1).values)  # a word is at least as like itself as its nearest word
    left, singular, _ = torch.linalg.svd(information_VV)
    return F.normalize(left[:, :rank] * singular[:rank].sqrt(), dim=1).float()


def start_from_structure(model: BertForPreTraining, texts: list[list[int]]) -> None:
    """Set the initial weights where random ones would cost most of the training.

    Word vectors are spectral ones plus a random part that keeps synonyms apart. Attention starts mimetic (Trockman and
    Kolter, 2023): half of the heads compare what is alike, and all of them pass on what they read.
    """
    config = model.config
    width = config.hidden_size
    words = model.bert.embeddings.word_embeddings.weight
    spectral_VR = spectral_embeddings(texts, config.vocab_size, width // 2)
    random_VD = F.normalize(torch.randn(config.vocab_size, width), dim=1)
    rotation_RD = torch.linalg.qr(torch.randn(width, width)).Q[: width // 2]
    with torch.no_grad():
        words.copy_(WORD_SCALE * math.sqrt(width) * (0.8 * spectral_VR @ rotation_RD + 0.6 * random_VD))
        for layer in model.bert.encoder.layer:
            attention = layer.attention
            passed_DD = 0.7 * torch.linalg.qr(torch.randn(width, width)).Q
            attention.self.value.weight.copy_(passed_DD)
            attention.output.dense.weight.copy_(passed_DD.T)
            compared_DD = torch.linalg.qr(torch.randn(width, width)).Q
            attention.self.query.weight[: width // 2] = compared_DD[: width // 2]
            attention.self.key.weight[: width // 2] = compared_DD[: width // 2]


def build_model(vocabulary_size: int, layers: int, width: int) -> BertForPreTraining:
    """A small BERT with both pre-training heads; dropout stays off here and is set by whoever trains on it."""
    config = BertConfig(
        vocab_size=vocabulary_size,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=4 * width,
        max_position_embeddings=MAX_POSITIONS,
    )
    return BertForPreTraining(config)


def paired(listed: list[Document], draw: Draw) -> list[tuple[str, str, int]]:
    """Both parts of each document and a label in BERT's coding: 1 where the second part does not continue the first."""
    return [
        (document.first, document.other, 1) if draw.chance(0.5) else (document.first, document.second, 0)
        for document in listed
    ]


def batches(
    pairs: list[tuple[str, str, int]], tokenizer: PreTrainedTokenizerFast, size: int, generator: torch.Generator
) -> Iterator[Batch]:
    """Masked batches of about equally long documents; a new masking each time that a document comes up."""
    encoded = tokenizer([first for first, _, _ in pairs], [second for _, second, _ in pairs])
    order = sorted(range(len(pairs)), key=lambda index: len(encoded["input_ids"][index]))
    chunks = [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
    while True:
        for position in torch.randperm(len(chunks), generator=generator).tolist():
            padded = tokenizer.pad(
                {name: [encoded[name][index] for index in chunks[position]] for name in encoded}, return_tensors="pt"
            )
            corrupted_BT, labels_BT = masked(padded["input_ids"], tokenizer, generator)
            yield Batch(
                corrupted_BT,
                padded["token_type_ids"],
                padded["attention_mask"],
                labels_BT,
                torch.tensor([pairs[index][2] for index in chunks[position]]),
            )


def masked(ids_BT: Tensor, tokenizer: PreTrainedTokenizerFast, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The ids with some hidden, and the hidden ids (-100 elsewhere)."""
    special = torch.tensor(tokenizer.all_special_ids)
    share_BT = torch.where(ids_BT >= content_from(), MASKED_CONTENT, MASKED_FUNCTION)
    chosen_BT = (torch.rand(ids_BT.shape, generator=generator) < share_BT) & ~torch.isin(ids_BT, special)
    fate_BT = torch.rand(ids_BT.shape, generator=generator)
    words_BT = torch.randint(len(special), len(tokenizer), ids_BT.shape, generator=generator)
    corrupted_BT = torch.where(chosen_BT & (fate_BT < 0.8), tokenizer.mask_token_id, ids_BT)
    corrupted_BT = torch.where(chosen_BT & (fate_BT >= 0.9), words_BT, corrupted_BT)
    return corrupted_BT, torch.where(chosen_BT, ids_BT, -100)


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over a twentieth of the steps, then a cosine to 0."""
    warm_up = max(1, steps // 20)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def train(model: BertForPreTraining, stream: Iterator[Batch], steps: int, peak: float) -> None:
    """AdamW on the sum of both losses."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=0.01)
    model.eval()  # no dropout: a document comes up a few times at most, there is nothing to over-fit
    started = time.monotonic()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, peak)
        batch = next(stream)
        output = forward(model, batch)
        word_loss = F.cross_entropy(output.prediction_logits.flatten(0, 1), batch.labels_BT.flatten())
        part_loss = F.cross_entropy(output.seq_relationship_logits, batch.next_part_B)
        optimizer.zero_grad()
        (word_loss + part_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 0 or step == steps - 1:
            losses = f"words {word_loss.item():.3f}, parts {part_loss.item():.3f}"
            print(f"step {step + 1} of {steps}: {losses}, {time.monotonic() - started:.0f} s", flush=True)


def forward(model: BertForPreTraining, batch: Batch) -> BertForPreTrainingOutput:
    """Outputs of both heads."""
    return model(
        input_ids=batch.input_ids_BT,
        token_type_ids=batch.token_type_ids_BT,
        attention_mask=batch.attention_mask_BT,
    )


@torch.inference_mode()
def accuracies(model: BertForPreTraining, stream: Iterator[Batch], count: int) -> tuple[float, float]:
    """Shares of hidden words and of exchanged second parts that the model gets right."""
    words, parts = [], []
    for _ in range(count):
        batch = next(stream)
        output = forward(model, batch)
        hidden_BT = batch.labels_BT != -100
        words.append((output.prediction_logits.argmax(-1) == batch.labels_BT)[hidden_BT])
        parts.append(output.seq_relationship_logits.argmax(-1) == batch.next_part_B)
    return torch.cat(words).double().mean().item(), torch.cat(parts).double().mean().item()


def main() -> None:
    """Make the tokenizer and the model, train, say how good it is on other documents, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, configuration, tokenizer")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--documents", type=int, default=60_000)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--width", type=int, default=128)
    arguments = parser.parse_args()

    torch.manual_seed(arguments.seed)
    generator = torch.Generator().manual_seed(arguments.seed)
    tokenizer = build_tokenizer()
    model = build_model(len(tokenizer), arguments.layers, arguments.width)
    listed = documents(f"train {arguments.seed}", arguments.documents)
    texts = [f"{document.first} {document.second}" for document in listed]
    start_from_structure(model, tokenizer(texts, add_special_tokens=False)["input_ids"])
    pairs = paired(listed, Draw(f"pairs {arguments.seed}"))
    train(model, batches(pairs, tokenizer, arguments.batch_size, generator), arguments.steps, arguments.lr)
    fresh = paired(documents("held out", 2000), Draw("held out pairs"))
    words, parts = accuracies(model, batches(fresh, tokenizer, 50, torch.Generator().manual_seed(0)), 40)
    print(f"held out: {words:.1%} of hidden words, {parts:.1%} of second parts ({len(LEXICON.words)} content words)")
    model.save_pretrained(arguments.out)
    tokenizer.save_pretrained(arguments.out)


if __name__ == "__main__":
    main()
