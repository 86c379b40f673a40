"""Relations between every two entities of a document, read once with its mentions marked.

Reading the document anew for each pair, as is often done, costs as many passes as there are pairs (700 in a
document of 27 entities); here it is one, and all pairs are scored from it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetooth.config import ModelConfig
from finetooth.errors import ConfigError
from finetooth.models.direction import reads_ahead
from finetooth.models.head import Progress, Step, Window
from finetooth.models.joined import join
from finetooth.models.load import head_options, one_of, write_head
from finetooth.models.pair_documents import MARKERS, Candidates, Marked, candidates, chunks, mark
from finetooth.models.sequences import by_length, frame
from finetooth.models.threshold import best_threshold, expected_best
from finetooth.registry import Task
from finetooth.tasks.documents import RelationTarget, Triple
from finetooth.types import Example, Prediction

PLACES = ("tokens", "anchors", "entity", "ends", "mentions", "ranges", "distance")
OPTIONS = {
    "markers": "typed",
    "negatives": 1.0,
    "negatives_seed": 0,
    "positive_weight": 1.0,
    "pair_size": 256,
    "self_pairs": "auto",
}
STRETCH = 32  # tokens after the one and before the other mention that are looked at where they are far apart
LEAST = 1e-4  # a relation's share of pairs is taken for no smaller than this


class RelationsHead:
    """See ``models.head.Head``. Options, besides lengths and stride:

    markers           around mentions: "typed" (* person * Ada *), "plain" (* Ada *) or "none"
    negatives         the share of the pairs without a relation that are trained on, 0 to 1 (1.0: all).
                      With less, probabilities are put right by the prior (King and Zeng 2001)
    negatives_seed    which ones they are, drawn per document
    positive_weight   how much more the loss of a relation that holds counts (1.0)
    pair_size         the size of a pair's features (256)
    self_pairs        whether an entity and itself are a pair: "yes", "no" or "auto" (the default), where
                      training has such triples (two names of one thing that are said to be the same)

    Every ordered pair of two entities of the document with a mention is a candidate, in training (see
    ``negatives``) and in prediction (always all); several relations may hold. A relation is predicted
    where its probability is above a threshold, which ``tune`` sets on dev. Before that the threshold is
    what would give the best F1 if the probabilities were right. ``reasons`` names triples that no pair
    can say.
    """

    name = "pair"

    def __init__(
        self,
        task: Task,
        tokenizer: Any,
        options: ModelConfig,
        labels: Sequence[str] = (),
        *,
        thresholds: dict[str, float] | None = None,
        state: dict[str, Any] | None = None,
    ) -> None:
        if not labels:
            raise ConfigError("the training data names no relation, so there is nothing to learn")
        self.task, self.tokenizer, self.options, self.labels = task, tokenizer, options, tuple(labels)
        self.thresholds = dict(thresholds or {})
        own = head_options(options, OPTIONS, self.name)
        self_pairs = one_of(self.name, "self_pairs", own["self_pairs"], ("auto", "yes", "no"))
        # None: to be told by the training set.
        self.with_itself: bool | None = None if self_pairs == "auto" else self_pairs == "yes"
        self.with_itself = (state or {}).get("with_itself", self.with_itself)
        self.markers = one_of(self.name, "markers", own["markers"], MARKERS)
        self.share, self.sample_seed = float(own["negatives"]), own["negatives_seed"]
        self.positive_weight, self.size = float(own["positive_weight"]), own["pair_size"]
        if not 0 < self.share <= 1 or self.positive_weight <= 0 or self.size < 1:
            raise ConfigError(
                f"model.options: negatives {self.share}, positive_weight {self.positive_weight}, pair_size "
                f"{self.size}: expected over 0 to 1, over 0, 1 or more"
            )
        self.number = {name: i for i, name in enumerate(self.labels)}
        self.before, self.after = frame(tokenizer)
        self.room = options.max_length_tokens - len(self.before) - len(self.after)
        if self.room < 8:
            raise ConfigError(
                f"model.max_length_tokens: {options.max_length_tokens} leaves no room for text",
                cure="64 or more",
            )
        # The share of the training pairs that each relation holds of, for the first guess of a new classifier.
        self.priors: list[float] | None = None
        self.causal = False
        self.reasons: dict[str, str] = {}

    # ---- encoding

    def windows(self, examples: Sequence[Example], *, targets: bool = True) -> list[Window]:
        """A document is one window, however long; ``collate`` cuts it into sequences. None without pairs."""
        made: list[Window] = []
        if targets and self.with_itself is None:
            self.with_itself = any(t.head == t.tail >= 0 for e in examples for t in e.target.triples)
        marked = mark(self.tokenizer, [e.inputs for e in examples], self.markers)
        for i, (example, document) in enumerate(zip(examples, marked, strict=True)):
            pairs = candidates(document, with_itself=bool(self.with_itself))
            if not len(pairs):
                self.reasons[example.id] = "it has no two entities that stand in its text"
                continue
            fields: dict[str, Any] = {"document": document, "pairs": pairs}
            if targets:
                gold = self._gold(example, pairs)
                if self.share < 1:
                    rng = np.random.default_rng([self.sample_seed, zlib.crc32(example.id.encode())])
                    keep = gold.any(1) | (rng.random(len(pairs)) < self.share)
                    if not keep.any():
                        keep[rng.integers(len(pairs))] = True
                    fields["pairs"], gold = pairs.some(keep), gold[keep]
                fields["gold"] = gold
            made.append(Window(i, document.ids, fields))  # type: ignore[arg-type]
        if targets and self.priors is None and made:
            held = np.sum([w.fields["gold"].sum(0) for w in made], axis=0)
            total = sum(len(w.fields["pairs"]) for w in made)
            self.priors = [float(x) for x in np.clip(held / total, LEAST, 0.5)]
        return made

    def _gold(self, example: Example, pairs: Candidates) -> np.ndarray:
        """(pairs, relations), whether each holds; triples that no pair can say are named in ``reasons``."""
        gold = np.zeros((len(pairs), len(self.labels)), bool)
        row = {(int(h), int(t)): i for i, (h, t) in enumerate(pairs.ends)}
        for t in example.target.triples:
            at, label = row.get((t.head, t.tail)), self.number.get(t.relation)
            if at is not None and label is not None:
                gold[at, label] = True
                continue
            if label is None:
                why = f"no training example has the relation {t.relation!r}"
            elif t.head < 0 or t.tail < 0:
                why = "head or tail is no entity of the document"
            elif t.head == t.tail and not self.with_itself:
                why = "head and tail are one entity (model.options.self_pairs)"
            else:
                why = "head or tail stands nowhere in the text"
            self.reasons.setdefault(example.id, f"a triple cannot be said: {why}")
        return gold

    def collate(self, windows: Sequence[Window]) -> dict[str, Any]:
        """Sequences of all documents, and where in them tokens, mentions and pairs are (see ``Scorer``).

        ``owner`` (pairs,) says whose a pair is, ``gold`` (pairs, relations) what holds of it.
        """
        import torch

        cut = [chunks(len(w), self.room, self.options.stride_tokens, causal=self.causal) for w in windows]
        sizes = [b - a for spans, _ in cut for a, b in spans]
        extra = len(self.before) + len(self.after)
        longest = max(sizes) + extra
        ids = np.full((len(sizes), longest), self.tokenizer.pad_token_id, np.int64)
        places: dict[str, list[np.ndarray]] = {name: [] for name in (*PLACES, "owner", "gold")}
        row = tokens = mentions = entities = 0
        for number, (w, (spans, chosen)) in enumerate(zip(windows, cut, strict=True)):
            whole = np.asarray(w.input_ids)
            for k, (a, b) in enumerate(spans):
                sequence = np.concatenate([self.before, whole[a:b], self.after])
                ids[row + k, : len(sequence)] = sequence
            begins = np.array([a for a, _ in spans])
            at = (row + chosen) * longest + np.arange(len(whole)) - begins[chosen] + len(self.before)
            document, pairs = w.fields["document"], w.fields["pairs"]
            number_of, entity = np.unique(document.entity, return_inverse=True)
            places["tokens"].append(at)
            places["anchors"].append(at[document.end if self.causal else document.start])
            places["entity"].append(entity + entities)
            places["ends"].append(np.searchsorted(number_of, pairs.ends) + entities)
            places["mentions"].append(pairs.mentions + mentions)
            ranges, distance = between(document, pairs)
            places["ranges"].append(ranges + tokens)
            places["distance"].append(distance)
            places["owner"].append(np.full(len(pairs), number))
            if "gold" in w.fields:
                places["gold"].append(w.fields["gold"])
            row, tokens = row + len(spans), tokens + len(whole)
            mentions, entities = mentions + len(entity), entities + len(number_of)
        batch = {k: torch.from_numpy(np.concatenate(v)) for k, v in places.items() if v}
        batch["input_ids"] = torch.from_numpy(ids)
        lengths = np.array(sizes) + extra
        if lengths.min() < longest:
            batch["attention_mask"] = torch.from_numpy(
                (np.arange(longest) < lengths[:, None]).astype(np.int64)
            )
        batch["weight"] = torch.tensor([w.weight for w in windows], dtype=torch.float32)
        batch["smoothing"] = torch.tensor([w.smoothing for w in windows], dtype=torch.float32)
        return batch

    # ---- the model

    def build(self, source: Path, *, seed: int = 0) -> Any:
        """The body with a scorer of pairs; ``seed`` draws a new one's weights."""
        model = join(source, self.options, self._scorer, labels=self.labels, seed=seed)
        self.causal = not reads_ahead(getattr(model, model.base_model_prefix))
        return model

    def _scorer(self, config: Any) -> Any:
        from finetooth.models.pair_scorer import Scorer

        return Scorer(config.hidden_size, len(self.labels), self.size, self.options.dropout, self.priors)

    def _logits(self, model: Any, batch: dict[str, Any]) -> Any:
        """(pairs, relations), fp32 whatever autocast says."""
        names = ("input_ids", "attention_mask", *PLACES)
        return model(**{k: batch[k] for k in names if k in batch}).float()

    def step(self, model: Any, batch: dict[str, Any]) -> Step:
        """Units are pairs; a pair's loss is the sum of its relations' binary cross-entropies.

        Smoothing lowers what a relation that holds is trained towards. gold_prob and margin (over its
        not holding) are means over the gold triples, where there are none over the pairs, as having
        none; correct: every relation of every pair is on the right side of a half;
        least_prob: of the relation and pair that is least so.
        """
        import torch

        logits, gold, owner = self._logits(model, batch), batch["gold"], batch["owner"]
        aim = gold * (1 - batch["smoothing"][owner])[:, None]
        losses = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, aim, reduction="none", pos_weight=torch.tensor(self.positive_weight, device=logits.device)
        ).sum(-1)
        with torch.no_grad():
            prob = logits.detach().sigmoid()
            held = gold.sum(-1).float()
            none = 1 - prob.amax(-1)
            wrong = ((prob > 0.5) != gold).any(-1).float()
            least = torch.where(gold > 0, prob, 1 - prob).amin(-1)

        def sums(values: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(batch["weight"]).index_add(0, owner, values)

        units = sums(torch.ones_like(losses))
        triples = sums(held)
        gold_prob = torch.where(
            triples > 0, sums((prob * gold).sum(-1)) / triples.clamp(min=1), sums(none) / units
        )
        return Step(
            loss=sums(losses) / units,
            units=units,
            gold_prob=gold_prob,
            margin=2 * gold_prob - 1,
            correct=sums(wrong) == 0,
            least_prob=torch.ones_like(gold_prob).scatter_reduce(0, owner, least.to(gold_prob.dtype), "amin"),
        )

    # ---- decoding

    def round_trip(self, examples: Sequence[Example]) -> list[Prediction]:
        """Gold triples as labels of pairs and back; ``raw`` says why one is lost."""
        found = {w.example: w for w in self.windows(examples)}
        made = []
        for i, e in enumerate(examples):
            triples: tuple[Triple, ...] = ()
            if i in found:
                pairs, gold = found[i].fields["pairs"], found[i].fields["gold"]
                triples = self._triples(pairs, np.argwhere(gold))
            made.append(Prediction(e.id, RelationTarget(triples), 1.0, self.reasons.get(e.id)))
        return made

    def _triples(self, pairs: Candidates, chosen: np.ndarray) -> tuple[Triple, ...]:
        return tuple(
            Triple(int(pairs.ends[p, 0]), self.labels[r], int(pairs.ends[p, 1])) for p, r in chosen.tolist()
        )

    @property
    def tells_finished(self) -> bool:
        """Whether ``predict`` may be given ``finished``: without a tuned threshold all documents decide on it."""
        return "probability" in self.thresholds

    def predict(
        self,
        model: Any,
        examples: Sequence[Example],
        *,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
        finished: Callable[[Sequence[int], Sequence[Prediction]], None] | None = None,
    ) -> list[Prediction]:
        """Triples of all pairs above the threshold; ``raw`` has the probability of each.

        The confidence is that of the decision that was least sure, on whichever side of the threshold.
        ``finished`` is told of each batch when it is done, by the places of its examples.
        """
        threshold = self.thresholds.get("probability")

        def tell(some: dict[int, tuple[Candidates, np.ndarray]]) -> None:
            if finished is not None and threshold is not None:
                finished(list(some), [self._decide(examples[i], f, threshold) for i, f in some.items()])

        found = self.probabilities(
            model, examples, batch_tokens=batch_tokens, progress=progress, finished=tell
        )
        if threshold is None:
            threshold = expected_best([p for _, p in found.values()])
        return [self._decide(e, found.get(i), threshold) for i, e in enumerate(examples)]

    def _decide(
        self, example: Example, found: tuple[Candidates, np.ndarray] | None, threshold: float
    ) -> Prediction:
        if found is None:
            return Prediction(example.id, RelationTarget(), 1.0, [])
        pairs, prob = found
        above = prob > threshold
        chosen = np.argwhere(above)
        triples = self._triples(pairs, chosen)
        raw = [
            {"head": t.head, "relation": t.relation, "tail": t.tail, "confidence": float(prob[p, r])}
            for t, (p, r) in zip(triples, chosen.tolist(), strict=True)
        ]
        sure = float(np.where(above, prob, 1 - prob).min())
        return Prediction(example.id, RelationTarget(triples), sure, raw)

    def probabilities(
        self,
        model: Any,
        examples: Sequence[Example],
        *,
        batch_tokens: int = 8192,
        progress: Progress | None = None,
        finished: Callable[[dict[int, tuple[Candidates, np.ndarray]]], None] | None = None,
    ) -> dict[int, tuple[Candidates, np.ndarray]]:
        """By place of the example: all its pairs, and (pairs, relations) the probability that each holds.

        ``finished`` is told the same of each batch when it is done.
        """
        import torch

        windows = self.windows(examples, targets=False)
        found: dict[int, tuple[Candidates, np.ndarray]] = {}
        was, device, done = model.training, next(model.parameters()).device, 0
        model.eval()
        try:
            for part in by_length([len(w) for w in windows], batch_tokens):
                some = [windows[i] for i in part]
                batch = {k: v.to(device) for k, v in self.collate(some).items()}
                with torch.inference_mode():
                    # Where only a share of the unrelated pairs was seen, relations look that much likelier.
                    prob = (self._logits(model, batch) + float(np.log(self.share))).sigmoid().cpu().numpy()
                edges = np.cumsum([len(w.fields["pairs"]) for w in some])[:-1]
                new = {
                    w.example: (w.fields["pairs"], rows)
                    for w, rows in zip(some, np.split(prob, edges), strict=True)
                }
                found |= new
                if finished is not None:
                    finished(new)
                done += len(some)
                if progress:
                    progress(done, len(windows))
        finally:
            model.train(was)
        return found

    def tune(self, model: Any, examples: Sequence[Example]) -> dict[str, float]:
        """The threshold with the best micro F1 of triples over all pairs of these examples."""
        found = self.probabilities(model, examples)
        right = [self._gold(examples[i], pairs).ravel() for i, (pairs, _) in found.items()]
        prob = [p.ravel() for _, p in found.values()]
        wanted = sum(len({(t.head, t.relation, t.tail) for t in e.target.triples}) for e in examples)
        if wanted and prob:
            self.thresholds["probability"] = best_threshold(
                np.concatenate(prob), np.concatenate(right), wanted
            )
        return dict(self.thresholds)

    def save(self, folder: Path) -> None:
        write_head(self, folder, state={"with_itself": self.with_itself})


def between(document: Marked, pairs: Candidates) -> tuple[np.ndarray, np.ndarray]:
    """(pairs, 4) the tokens from one mention to the other as two stretches, (pairs,) how far they are apart.

    All of them where they are near; else the first after the one and the last before the other.
    """
    head, tail = pairs.mentions.T
    first = np.minimum(document.start[head], document.start[tail])
    last = np.maximum(document.end[head], document.end[tail]) + 1
    near = last - first <= 2 * STRETCH
    ranges = [first, np.where(near, last, first + STRETCH), np.where(near, last, last - STRETCH), last]
    gap = np.maximum(document.start[head], document.start[tail]) - np.minimum(
        document.end[head], document.end[tail]
    )
    from finetooth.models.pair_scorer import BUCKETS

    bucket = np.clip(np.ceil(np.log2(np.maximum(gap, 1))), 0, BUCKETS - 1).astype(np.int64)
    return np.stack(ranges, axis=1), bucket + BUCKETS * (document.start[head] > document.start[tail])
