"""How long scores take: EM and F1 counted once a distinct pair, against once a question; the whole report.

    python bench/score_speed.py [--data dev.json --predictions p.json] [--size 100000]

Times are CPU seconds. Without --data the questions are made up here, with golds three times over as in SQuAD's dev set. The two
ways of counting run interleaved, five times each; medians are printed, and both must give the same figures.
"""

import argparse
import string
import time
from collections import Counter
from statistics import median

import numpy as np

from finetooth import readers, registry
from finetooth.evaluate import predictions as files
from finetooth.evaluate.intervals import interval
from finetooth.evaluate.score import score
from finetooth.metrics import qa
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.text import answer_tokens, normalize_answer
from finetooth.types import Example, Prediction, Span


def made_up(size, seed):
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list(string.ascii_lowercase), 6)) for _ in range(5000)]
    examples, predictions = [], []
    for i in range(0, size, 5):
        context = " ".join(rng.choice(words, 120))
        tokens = context.split()
        for j in range(i, min(i + 5, size)):
            at, n = int(rng.integers(0, 115)), int(rng.integers(1, 5))
            gold = " ".join(tokens[at : at + n])
            other = " ".join(tokens[at : at + n + 1])
            start = context.find(gold)
            span, wider = Span(start, start + len(gold), gold), Span(start, start + len(other), other)
            question = f"what {tokens[max(at - 1, 0)]} {tokens[max(at - 2, 0)]}?"
            examples.append(Example(f"q{j}", QAInput(question, context), QATarget((span, span, wider))))
            predictions.append(Prediction(f"q{j}", [gold, other, tokens[at]][int(rng.integers(3))], 0.5))
    return examples, predictions


def once_a_question(examples, predictions):
    """As the published scripts go about it: every gold of every question is normalised anew."""

    def normalise(text):
        text = "".join(c for c in text.lower() if c not in string.punctuation)
        return " ".join(w for w in text.split() if w not in ("a", "an", "the"))

    total = np.zeros(2)
    for example, prediction in zip(examples, predictions, strict=True):
        em, f1 = [0.0], [0.0]
        for gold in example.target.answers:
            guess = prediction.target if prediction else ""
            a, b = normalise(gold.text).split(), normalise(guess).split()
            em.append(float(normalise(gold.text) == normalise(guess)))
            same = sum((Counter(a) & Counter(b)).values())
            f1.append(2 * same / (len(a) + len(b)) if same else 0.0)
        total += max(em), max(f1)
    return 100 * total / len(examples)


def memoised(examples, predictions):
    for cache in (normalize_answer, answer_tokens, qa.token_f1, qa._best):
        cache.cache_clear()
    return np.array([m.value(m.counts(examples, predictions).sum(axis=0)) for m in (qa.EXACT_MATCH, qa.F1)])


def timed(f, *a, **k):
    start = time.process_time()
    result = f(*a, **k)
    return time.process_time() - start, result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data")
    parser.add_argument("--predictions")
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    task = registry.task("qa")
    if options.data:
        seconds, data = timed(readers.load, options.data, task="qa")
        examples = data.examples
        print(f"reading {len(examples):,} questions   {seconds:8.3f} s")
        predictions = files.read(options.predictions, task, examples).predictions
    else:
        examples, predictions = made_up(options.size, options.seed)
    ways = {"once a question": once_a_question, "once a distinct pair": memoised}
    times, results = {name: [] for name in ways}, {}
    for _ in range(5):
        for name, way in ways.items():
            seconds, results[name] = timed(way, examples, predictions)
            times[name].append(seconds)
    assert np.allclose(*results.values()), results
    n = len(examples)
    for name, taken in times.items():
        print(f"EM and F1, {name:22} {median(taken):8.3f} s   {n / median(taken):12,.0f} questions/s")
    counts, contexts = qa.F1.counts(examples, predictions), [task.group(e) for e in examples]
    seconds, ends = timed(interval, counts, contexts, qa.F1.value)
    print(f"one interval, 1,000 draws of {len(set(contexts)):,} contexts {seconds:8.3f} s   {ends}")
    for floors in (False, True):
        seconds, _ = timed(score, task, examples, predictions, floors=floors)
        print(f"whole report {'with' if floors else 'without'} floors {seconds:8.3f} s")


if __name__ == "__main__":
    main()
