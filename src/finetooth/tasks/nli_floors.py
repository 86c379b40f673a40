"""What inference scores without inferring: the majority label, a random one, the hypothesis alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from finetooth.registry import Floor
from finetooth.types import Example, Prediction


def majority(
    examples: Sequence[Example], train: Sequence[Example], rng: np.random.Generator
) -> list[Prediction]:
    """The commonest label of the training set, or of the examples themselves where there is none."""
    label = Counter(e.target.label for e in (train or examples)).most_common(1)[0][0]
    return [_as(e, label) for e in examples]


def random_label(
    examples: Sequence[Example], train: Sequence[Example], rng: np.random.Generator
) -> list[Prediction]:
    """Each label as likely as the others."""
    names = sorted({e.target.label for e in (*examples, *train)})
    return [
        _as(e, names[i]) for e, i in zip(examples, rng.integers(0, len(names), len(examples)), strict=True)
    ]


def hypothesis_only(
    examples: Sequence[Example], train: Sequence[Example], rng: np.random.Generator
) -> list[Prediction]:
    """A bag of words of the hypothesis alone (Gururangan et al. 2018; Poliak et al. 2018).

    Learned from the training set; where there is none, from the other four fifths of the examples,
    folds cut by premise. Majority where there is too little to learn from.
    """
    seed = int(rng.integers(0, 2**31))
    names = hypothesis_probe(examples, train, seed=seed)
    return [_as(e, name) for e, name in zip(examples, names, strict=True)]


def hypothesis_probe(examples: Sequence[Example], train: Sequence[Example], *, seed: int) -> list[str]:
    """Labels guessed from the words of the hypothesis: out of sample, one an example."""
    source = train or examples
    labels = [e.target.label for e in source]
    common = Counter(labels).most_common()
    premises = [e.inputs.premise for e in source]
    if len(common) < 2 or common[-1][1] < 5 or (not train and len(set(premises)) < 5):
        return [common[0][0]] * len(examples)
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    probe = make_pipeline(
        CountVectorizer(ngram_range=(1, 2), min_df=2, token_pattern=r"(?u)\b\w+\b", binary=True),
        LogisticRegression(C=0.3, max_iter=300, random_state=seed),
    )
    texts = [e.inputs.hypothesis for e in source]
    try:
        if train:
            probe.fit(texts, labels)
            return list(probe.predict([e.inputs.hypothesis for e in examples]))
        return list(cross_val_predict(probe, texts, labels, groups=premises, cv=GroupKFold(5)))
    except ValueError:  # no word stands twice, or a fold holds one label only
        return [common[0][0]] * len(examples)


def _as(example: Example, label: str) -> Prediction:
    from finetooth.tasks.nli import NliTarget

    return Prediction(example.id, NliTarget(label))


FLOORS = (
    Floor("majority", majority),
    Floor("random", random_label),
    Floor("hypothesis only", hypothesis_only),
)
