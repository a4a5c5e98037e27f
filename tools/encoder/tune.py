"""Tune the encoder on labelled texts, while what it knew of meanings in general stays where it was.

Three aims at once: tell the classes apart by the mean state of a text's tokens; keep texts on one topic nearer to each
other than to others; and stay close to the public model. Computed in bfloat16, so that another processor gives slightly
other weights: nearly the same figures, not the same bytes.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tools.encoder.base import load
from tools.encoder.samples import Sample, varied
from torch.nn import functional

from hookflash.signals.meaning import CLASSES

EPOCHS, BATCH = 4, 48
RATE, HEAD_RATE, WARM_UP, DECAY = 1.5e-4, 2e-3, 0.06, 0.01
MAX_TOKENS = 96
DROPPED = 0.1
# Weights of the two other aims; each is taken in every third step, at three times the weight.
STAY, TOPICS, EVERY = 2.0, 0.3, 3
TOPIC_BATCH, TOPIC_TEXTS, TEMPERATURE = 16, 3, 0.1
# How often each kind of source of topics is drawn from; "own" stands for all the invented businesses, a few topics each.
SOURCES = {"banking77": 2, "hwu64": 2, "multidogo": 1, "own": 4}
TUNED_LAYERS = (2, 4, 6)
_CLS, _SEP = 101, 102

Encoded = tuple[list[int], Mapping[str, bool]]


class Tuned(torch.nn.Module):
    """The encoder with one linear head a class on the mean of its last states."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.encoder = load(folder)
        self.encoder.embeddings.requires_grad_(False)
        self.head = torch.nn.Linear(384, len(CLASSES))
        self.head.bias.data.fill_(-2.0)
        self.dropout = torch.nn.Dropout(DROPPED)

    def logits(self, pooled: torch.Tensor) -> torch.Tensor:
        """Return one row of logits for each pooled row."""
        return self.head(self.dropout(pooled))


def means(encoder: torch.nn.Module, ids: torch.Tensor, attended: torch.Tensor) -> list[torch.Tensor]:
    """Return the mean states of each text's own tokens in each of the tuned layers."""
    states = encoder(input_ids=ids, attention_mask=attended, output_hidden_states=True).hidden_states
    own = attended.clone()
    own[:, 0] = 0
    own[torch.arange(len(own)), attended.sum(dim=1) - 1] = 0
    own = own.unsqueeze(-1).to(states[0].dtype)
    return [(states[layer] * own).sum(dim=1) / own.sum(dim=1).clamp(min=1) for layer in TUNED_LAYERS]


def tune(folder: Path, samples: Sequence[Sample], topics: Mapping[str, Mapping[str, Sequence[str]]], *, seed: int = 0) -> Tuned:
    """Return the tuned model; `folder` holds the public one."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    model, before = Tuned(folder), load(folder).eval()
    encoder_weights = [weight for weight in model.encoder.parameters() if weight.requires_grad]
    groups = [{"params": encoder_weights, "lr": RATE}, {"params": model.head.parameters(), "lr": HEAD_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=DECAY, fused=True)
    total = EPOCHS * -(-len(samples) // BATCH)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / (WARM_UP * total)) * max(0.0, 1 - step / total))
    begun, model = time.monotonic(), model.train()
    for step, batch in enumerate(_batches(samples, tokenizer, chance), start=1):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = _labels_loss(model, batch, before if step % EVERY == 0 else None)
            if step % EVERY == 1:
                loss = loss + EVERY * TOPICS * _topics_loss(model, topics, tokenizer, chance)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rates.step()
        if step % 200 == 0:
            print(f"step {step} of {total}: loss {loss.item():.3f}, {time.monotonic() - begun:.0f} s", flush=True)
    return model.eval()


def _batches(samples: Sequence[Sample], tokenizer: Tokenizer, chance: random.Random) -> Iterator[list[Encoded]]:
    """Yield batches of texts of like length, every text once an epoch."""
    for _ in range(EPOCHS):
        order = chance.sample(range(len(samples)), len(samples))
        for start in range(0, len(order), BATCH * 50):
            texts = [varied(samples[place], samples, chance) for place in order[start : start + BATCH * 50]]
            chunk = sorted(((_tokens(one.text, tokenizer), one.shown) for one in texts), key=lambda one: len(one[0]))
            grouped = [chunk[first : first + BATCH] for first in range(0, len(chunk), BATCH)]
            chance.shuffle(grouped)
            yield from grouped


def _tokens(text: str, tokenizer: Tokenizer) -> list[int]:
    return [_CLS, *tokenizer.encode(text, add_special_tokens=False).ids[: MAX_TOKENS - 2], _SEP]


def _padded(texts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids side by side, and which of them are real."""
    ids = torch.zeros(len(texts), max(map(len, texts)), dtype=torch.long)
    attended = torch.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
        attended[row, : len(text)] = 1
    return ids, attended


def _labels_loss(model: Tuned, batch: Sequence[Encoded], before: torch.nn.Module | None) -> torch.Tensor:
    """Return how wrong the heads are, and how far the texts moved from where they were `before`."""
    ids, attended = _padded([tokens for tokens, _ in batch])
    wanted = torch.tensor([[float(shown.get(name, False)) for name in CLASSES] for _, shown in batch])
    asked = torch.tensor([[float(name in shown) for name in CLASSES] for _, shown in batch])
    pooled = means(model.encoder, ids, attended)
    errors = functional.binary_cross_entropy_with_logits(model.logits(pooled[-1]).float(), wanted, reduction="none")
    loss = (errors * asked).sum() / len(batch)
    if before is None:
        return loss
    with torch.no_grad():
        then = means(before, ids, attended)
    moved = [1 - functional.cosine_similarity(now.float(), old.float(), dim=-1).mean() for now, old in zip(pooled, then, strict=True)]
    return loss + EVERY * STAY * sum(moved) / len(moved)


def _topics_loss(
    model: Tuned, topics: Mapping[str, Mapping[str, Sequence[str]]], tokenizer: Tokenizer, chance: random.Random
) -> torch.Tensor:
    """Return how badly texts on one topic stand together among those of others (supervised contrastive loss, Khosla et al. 2020)."""
    kind = chance.choices([*SOURCES], [*SOURCES.values()])[0]
    source = topics[chance.choice([name for name in topics if name.split(":")[0] == kind])]
    chosen = chance.sample(sorted(source), min(TOPIC_BATCH, len(source)))
    texts = [(number, text) for number, topic in enumerate(chosen) for text in chance.sample(source[topic], TOPIC_TEXTS)]
    pooled = means(model.encoder, *_padded([_tokens(text, tokenizer) for _, text in texts]))[-1]
    rows = functional.normalize(pooled.float(), dim=-1)
    numbers = torch.tensor([number for number, _ in texts])
    itself = torch.eye(len(texts), dtype=torch.bool)
    likeness = (rows @ rows.T / TEMPERATURE).masked_fill(itself, -1e9)
    same = (numbers[:, None] == numbers[None]) & ~itself
    surprise = torch.logsumexp(likeness, dim=1, keepdim=True) - likeness
    return ((surprise * same).sum(dim=1) / same.sum(dim=1)).mean()
