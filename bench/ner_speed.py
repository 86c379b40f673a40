"""How long a million tags take: the metric as `finetooth score` calls it, against a plain Python loop.

    python bench/ner_speed.py [--tags 1000000] [--rounds 5]

Both read the same sequences and must find the same counts. Rounds are interleaved, medians printed:
a machine that slows down slows both.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Sequence

from finetooth.metrics.ner import METRICS
from finetooth.metrics.ner_tags import chunks_of, count_chunks
from finetooth.tasks.mentions import join
from finetooth.tasks.ner import NerInput, NerTarget, spans_of
from finetooth.types import Example, Prediction

KINDS = ("PER", "LOC", "ORG", "MISC")


def sequences(tags: int, seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """Sentences of 25 tags, a sixth of them in entities; the predictions differ in about a tenth."""
    rng = random.Random(seed)
    gold, found = [], []
    for _ in range(tags // 25):
        sentence: list[str] = []
        while len(sentence) < 25:
            if rng.random() < 0.1:
                kind = rng.choice(KINDS)
                sentence += [f"B-{kind}", *[f"I-{kind}"] * rng.randrange(3)]
            else:
                sentence.append("O")
        sentence = sentence[:25]
        gold.append(sentence)
        found.append([rng.choice(("O", "B-PER", "I-LOC")) if rng.random() < 0.05 else t for t in sentence])
    return gold, found


def plain(gold: Sequence[Sequence[str]], found: Sequence[Sequence[str]]) -> tuple[int, int, int]:
    """Right, found and true chunks, one tag after the other, as conlleval.pl walks through its file."""
    right = total_found = total_true = 0
    for a, b in zip(gold, found, strict=True):
        true, guessed = set(walk(a)), set(walk(b))
        right += len(true & guessed)
        total_found += len(guessed)
        total_true += len(true)
    return right, total_found, total_true


def walk(tags: Sequence[str]):
    start, kind = -1, ""
    for i, tag in enumerate(tags):
        prefix, _, now = tag.partition("-")
        if start >= 0 and (prefix in ("O", "B") or now != kind):
            yield start, i, kind
            start = -1
        if start < 0 and prefix != "O":
            start, kind = i, now
    if start >= 0:
        yield start, len(tags), kind


def examples(
    gold: Sequence[Sequence[str]], found: Sequence[Sequence[str]]
) -> tuple[list[Example], list[Prediction]]:
    made, predictions = [], []
    text, tokens = join(["word"] * 25)
    for i, (a, b, c, d) in enumerate(zip(gold, found, chunks_of(gold), chunks_of(found), strict=True)):
        made.append(Example(str(i), NerInput(text, tokens), NerTarget(spans_of(text, tokens, c), tuple(a))))
        predictions.append(Prediction(str(i), NerTarget(spans_of(text, tokens, d), tuple(b))))
    return made, predictions


def seconds(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tags", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    gold, found = sequences(asked.tags, seed=0)
    ours = count_chunks(gold, found).sum(axis=0)
    assert tuple(map(int, ours)) == plain(gold, found), "both must count alike"
    made, predictions = examples(gold, found)
    ways = {
        "plain Python loop over tags": lambda: plain(gold, found),
        "count_chunks over tags, conlleval": lambda: count_chunks(gold, found),
        "count_chunks over tags, strict IOB2": lambda: count_chunks(gold, found, reading="strict_iob2"),
        **{
            # A fresh list each time, so that nothing is remembered from the round before.
            f"metric {m.name}": lambda m=m: m.counts(list(made), list(predictions))
            for m in METRICS
            if m.name in ("entity_f1", "entity_f1_strict_iob2", "token_accuracy")
        },
        "all eight metrics of the task": lambda: _all(list(made), list(predictions)),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(asked.rounds):
        for name, call in ways.items():
            times[name].append(seconds(call))
    print(
        f"{len(gold) * 25:,} tags, {int(ours[2]):,} true entities, {asked.rounds} interleaved rounds, medians"
    )
    for name, values in times.items():
        print(f"{statistics.median(values):8.3f} s  {name}")


def _all(made: list[Example], predictions: list[Prediction]) -> None:
    for metric in METRICS:
        metric.counts(made, predictions)


if __name__ == "__main__":
    main()
