"""The span head on the encoders it promises: BERT, DistilBERT, ELECTRA, and RoBERTa with its bytes.

What a window is and what the best answer is are asked of transformers' own tokenizer and of loops that try
every pair, so that neither test nor head can be wrong in the same way.
"""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from finetooth import registry
from finetooth.config import ModelConfig
from finetooth.errors import ConfigError
from finetooth.models.load import build_head, load_run
from finetooth.models.nbest import Found, best_spans, together
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.train.finish import save_model
from finetooth.types import Example, Prediction, Span

TASK = registry.task("qa")
KINDS = ["bert", "distilbert", "electra", "roberta"]
WITH_TYPES = {"bert", "electra"}
LENGTH, STRIDE, MOST = 60, 9, 6
PEOPLE = ["Ada Lovelace", "Zoë", "Łódź-Marek", "O'Neil", "Bela", "Cleo Ray"]
PLACES = ["New Oslo", "Lima", "Graz (AT)", "東京", "São Paulo", "Bonn"]


def examples(n, *, facts=2, empty=0, seed=0):
    """``Ada Lovelace met Bela in Lima.`` n times; the last ``empty`` of them ask for what is not there."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        asked, text, target = int(rng.integers(facts)), "Note 🙂:", QATarget((), v2=True)
        for k in range(facts):
            one, other = rng.choice(PEOPLE, 2, replace=False)
            place = str(rng.choice(PLACES))
            text += f" Then {one} met {other} in "
            if k == asked:
                question = f"Where did {one} meet {other}?"
                if i < n - empty:
                    target = QATarget((Span(len(text), len(text) + len(place), place),))
            text += place + "."
        made.append(Example(f"{seed}-{i}", QAInput(question, text), target))
    return made


def tokenizer_of(kind):
    from tokenizers import ByteLevelBPETokenizer
    from transformers import BertTokenizerFast, DistilBertTokenizerFast, ElectraTokenizerFast
    from transformers import RobertaTokenizerFast as Roberta

    if kind == "roberta":
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        rust = ByteLevelBPETokenizer()
        texts = [t for e in examples(20) for t in (e.inputs.question, e.inputs.context)]
        rust.train_from_iterator(texts, vocab_size=330, special_tokens=special, show_progress=False)
        trained = json.loads(rust._tokenizer.to_str())["model"]
        return Roberta(vocab=trained["vocab"], merges=[tuple(m) for m in trained["merges"]])
    letters = [chr(c) for c in range(33, 127) if not chr(c).isupper()]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters)]
    words += ["note", "then", "where", "did", "meet", "met", "in", "ada", "new", "love", "##lace", "lim"]
    vocabulary = {w: i for i, w in enumerate(dict.fromkeys(words))}
    own = {"bert": BertTokenizerFast, "distilbert": DistilBertTokenizerFast, "electra": ElectraTokenizerFast}
    return own[kind](vocab=vocabulary)


def encoder_of(kind, words, pad):
    from transformers import (
        BertConfig,
        BertModel,
        DistilBertConfig,
        DistilBertModel,
        ElectraConfig,
        ElectraModel,
        RobertaConfig,
        RobertaModel,
    )

    sizes = {
        "vocab_size": words,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 80,
    }
    if kind == "bert":
        return BertModel(BertConfig(**sizes), add_pooling_layer=False)
    if kind == "electra":
        return ElectraModel(ElectraConfig(**sizes, embedding_size=16))
    if kind == "roberta":
        return RobertaModel(
            RobertaConfig(**sizes, type_vocab_size=1, pad_token_id=pad), add_pooling_layer=False
        )
    return DistilBertModel(
        DistilBertConfig(
            vocab_size=words, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=80
        )
    )


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def base(kind, tmp_path_factory):
    folder = tmp_path_factory.mktemp(kind)
    tokenizer = tokenizer_of(kind)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    encoder_of(kind, len(tokenizer), tokenizer.pad_token_id).save_pretrained(folder)
    return folder


def head_of(base, *, length=LENGTH, stride=STRIDE, dropout=0.0, **options):
    options = {"max_answer_tokens": MOST, **options}
    config = ModelConfig(
        name=str(base), max_length_tokens=length, stride_tokens=stride, dropout=dropout, options=options
    )
    return build_head(TASK, config, (), "span", Path(base))


def sharp(model, by=40.0):
    """A new head's logits are all but equal: stretched, so that windows and places differ."""
    with torch.no_grad():
        model.qa_outputs.weight.mul_(by)
    return model


def as_transformers_has_it(head, example):
    """Windows by the tokenizer's own truncation: ids, which text a token is of, characters."""
    return head.tokenizer(
        example.inputs.question,
        example.inputs.context,
        truncation="only_second",
        max_length=head.options.max_length_tokens,
        stride=head.options.stride_tokens,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )


def by_trying_all(head, model, example):
    """(start, end, score, null) of an example: each window alone, every pair of tokens."""
    found = as_transformers_has_it(head, example)
    best, nulls = None, []
    for w, ids in enumerate(found["input_ids"]):
        inputs = {k: torch.tensor([found[k][w]]) for k in head.tokenizer.model_input_names}
        with torch.no_grad():
            out = model.eval()(**inputs)
        offsets = found["offset_mapping"][w]
        of_context = [i for i, s in enumerate(found.sequence_ids(w)) if s == 1]
        null = ids.index(head.tokenizer.cls_token_id)
        allowed = [null, *(i for i in of_context if offsets[i][0] < offsets[i][1])]
        log = []
        for logits in (out.start_logits[0], out.end_logits[0]):
            total = torch.logsumexp(logits[allowed].double(), 0)
            log.append({i: float(logits[i].double() - total) for i in allowed})
        nulls.append(log[0][null] + log[1][null])
        for i in allowed[1:]:
            for j in allowed[1:]:
                if i <= j < i + head.max_answer_tokens:
                    score = log[0][i] + log[1][j]
                    if best is None or score > best[2]:
                        best = (offsets[i][0], offsets[j][1], score, w)
    return (*best[:3], min(nulls), best[3])


# ---- windows


def test_windows_are_those_of_the_tokenizer_itself_and_cover_the_context(base):
    head = head_of(base)
    given = examples(12, facts=7)
    windows = head.windows(given, targets=False)
    for i, example in enumerate(given):
        own = [w for w in windows if w.example == i]
        known = as_transformers_has_it(head, example)
        assert [list(w.input_ids) for w in own] == known["input_ids"]
        assert len(own) > 2
        assert max(map(len, own)) == LENGTH
        context, seen = example.inputs.context, set()
        for n, w in enumerate(own):
            cut = w.fields["cut"]
            of_context = [k for k, s in enumerate(known.sequence_ids(n)) if s == 1]
            assert list(range(cut.first, cut.first + len(cut.offsets))) == of_context
            offsets = [list(known["offset_mapping"][n][k]) for k in of_context]
            # White space alone, a token of RoBERTa's, has no characters.
            solid = [(a, b) for a, b in zip(cut.offsets.tolist(), offsets, strict=True) if b[0] < b[1]]
            assert all(own == theirs for own, theirs in solid)
            assert len(solid) == (cut.offsets[:, 0] < cut.offsets[:, 1]).sum()
            seen |= {c for a, b in cut.offsets.tolist() for c in range(a, b)}
        assert seen == {c for c, letter in enumerate(context) if not letter.isspace()}
        # Neighbours share as many tokens as were asked for.
        ends = [w.fields["cut"].begins + len(w.fields["cut"].offsets) for w in own]
        assert all(e - w.fields["cut"].begins == STRIDE for e, w in zip(ends, own[1:], strict=False))


def test_each_window_that_holds_the_gold_points_at_it_and_the_others_at_nothing(base):
    given = examples(20, facts=5) + examples(4, facts=3, empty=4, seed=1)
    head = head_of(base)
    windows = head.windows(given)
    assert head.reasons == {}
    assert {w.example for w in windows} == set(range(24))
    held = 0
    for w in windows:
        example, cut, (first, last) = given[w.example], w.fields["cut"], w.fields["gold"]
        if not example.target.answers:
            assert first == last == cut.null
            continue
        gold = example.target.answers[0]
        inside = cut.offsets[0, 0] <= gold.start and gold.end <= cut.offsets[-1, 1]
        assert w.fields["holds_gold"] == inside
        held += inside
        if inside:
            start, end = cut.offsets[first - cut.first, 0], cut.offsets[last - cut.first, 1]
            assert example.inputs.context[start:end] == gold.text
        else:
            assert first == last == cut.null
    assert 20 < held < len(windows)  # some stand in two windows, and most windows have no gold
    skipping = head_of(base, empty_windows="skip")
    assert sum(w.fields["holds_gold"] for w in skipping.windows(given[:20])) == held
    assert len(skipping.windows(given[:20])) == held


def test_question_special_tokens_and_padding_can_be_no_answer(kind, base):
    head = head_of(base)
    given = examples(6, facts=1) + examples(2, facts=4, seed=1)
    model = sharp(head.build(base)).eval()
    windows = head.windows(given)
    batch = head.collate(windows)
    assert ("token_type_ids" in batch) == (kind in WITH_TYPES)
    for row, w in enumerate(windows):
        known = as_transformers_has_it(head, given[w.example])
        n = known["input_ids"].index(w.input_ids.tolist())
        # A token of white space alone has no characters.
        solid = [a < b for a, b in known["offset_mapping"][n]]
        allowed = [s == 1 and c for s, c in zip(known.sequence_ids(n), solid, strict=True)]
        allowed[known["input_ids"][n].index(head.tokenizer.cls_token_id)] = True
        padding = batch["input_ids"].shape[1] - len(allowed)
        assert batch["valid"][row].tolist() == allowed + [False] * padding
        if kind in WITH_TYPES:
            assert batch["token_type_ids"][row].tolist() == known["token_type_ids"][n] + [0] * padding
    for log in head._logs(model, batch):
        assert torch.equal(log == float("-inf"), ~batch["valid"])
        assert torch.allclose(log.exp().sum(-1), torch.ones(len(windows)), atol=1e-5)


def test_what_looks_like_a_special_token_in_a_text_stays_text(base):
    head = head_of(base, length=64)
    sep, cls = head.tokenizer.sep_token, head.tokenizer.cls_token
    plain, odd = (
        Example("e", QAInput(f"Who{x} left?", f"Ada {x} left."), QATarget((Span(0, 3, "Ada"),)))
        for x in ("", sep + cls)
    )
    for token in (head.tokenizer.sep_token_id, head.tokenizer.cls_token_id):
        one, other = (list(head.windows([e])[0].input_ids).count(token) for e in (plain, odd))
        assert one == other > 0
    assert [p.target for p in head.round_trip([odd])] == ["Ada"]


# ---- decoding


@pytest.mark.parametrize("seed", range(4))
def test_the_n_best_pairs_are_those_that_trying_all_finds(seed):
    rng = np.random.default_rng(seed)
    rows, length, most, n = 3, 17, 4, 20
    start, end = (rng.normal(size=(rows, length)).astype(np.float32) for _ in range(2))
    start[:, :5] = end[:, :5] = -np.inf  # the question
    end[0, 9] = -np.inf
    first, last, score = best_spans(start, end, n=n, most_tokens=most)
    for row in range(rows):
        pairs = [(i, j) for i in range(length) for j in range(i, min(i + most, length))]
        pairs.sort(key=lambda p: -(start[row, p[0]] + end[row, p[1]]))
        found = list(zip(first[row].tolist(), last[row].tolist(), strict=True))
        assert found == pairs[:n]
        assert score[row].tolist() == [float(start[row, i] + end[row, j]) for i, j in pairs[:n]]


def test_the_likeliest_ends_that_are_no_span_do_not_win():
    start, end = np.full((2, 1, 6), -9.0, np.float32)
    start[0, 5], end[0, 0] = 0.0, 0.0  # the end stands before the start
    start[0, 1], end[0, 2] = -1.0, -1.0
    first, last, score = best_spans(start, end, n=30, most_tokens=2)
    assert (first[0, 0], last[0, 0], score[0, 0]) == (1, 2, -2.0)
    real = np.isfinite(score[0])
    assert real.sum() == 6 + 5
    assert ((last - first)[0, real] >= 0).all()
    assert ((last - first)[0, real] < 2).all()


def test_of_several_windows_the_best_answer_wins_as_trying_all_has_it(base):
    head = head_of(base)
    model = sharp(head.build(base, seed=3))
    given = examples(10, facts=4, empty=3)
    head.windows(given)  # now it knows of questions without an answer
    winners = []
    # Small batches, so that windows of one example come apart and are padded beside others.
    for example, answer in zip(given, head.answers(model, given, batch_tokens=3 * LENGTH), strict=True):
        start, end, score, null, window = by_trying_all(head, model, example)
        winners.append(window)
        assert (answer.start, answer.end) == (start, end)
        assert answer.text == example.inputs.context[start:end] != ""
        assert answer.score == pytest.approx(score, abs=1e-4)
        assert answer.null == pytest.approx(null, abs=1e-4)
        assert 0 <= answer.sure <= 1
        assert 0 <= answer.sure_null <= 1
    assert len(set(winners)) > 1


def test_windows_that_see_the_same_span_count_its_better_value_once():
    text = "Ada met Ada."
    spans = [Found(0, 3, -1.0), Found(0, 3, -0.5), Found(8, 11, -0.7), Found(4, 7, -3.0)]
    answer = together(text, spans, [-2.0, -4.0])
    assert (answer.text, answer.start, answer.end, answer.score, answer.null) == ("Ada", 0, 3, -0.5, -4.0)
    ada = np.exp(-0.5) + np.exp(-0.7)  # the same words at two places
    assert answer.sure == pytest.approx(ada / (ada + np.exp(-3.0)))
    assert answer.sure_null == pytest.approx(np.exp(-6.0))
    assert together(text, [], [-1.0]).text == ""


# ---- no answer


def test_the_tuned_threshold_is_as_good_as_the_best_of_all(base):
    head = head_of(base)
    model = sharp(head.build(base, seed=1), 8.0)
    metric = next(m for m in TASK.metrics if m.name == TASK.main_metric)
    dev = examples(16, facts=3, seed=2)
    answers = head.answers(model, dev)
    gaps = sorted(a.gap for a in answers)
    # A model that is worth its threshold: it finds the gold, and is mostly less sure where there is none.
    right = []
    for i, answer in enumerate(answers):
        right.append(replace(answer, text=dev[i].target.answers[0].text))
        if gaps.index(answer.gap) in (3, 9, 10, *range(12, 16)):
            dev[i] = replace(dev[i], target=QATarget((), v2=True))
    head.answers = lambda *a, **k: right

    def score(threshold):
        head.thresholds = {"null": threshold}
        found = [head.decide(e, a) for e, a in zip(dev, right, strict=True)]
        assert all(0 <= p.confidence <= 1 for p in found)
        assert [p.target == "" for p in found] == [a.gap > threshold for a in right]
        return float(metric.value(metric.counts(dev, found).sum(axis=0)))

    tuned = dict(head.tune(model, dev))
    assert set(tuned) == {"null"}
    between = [(a + b) / 2 for a, b in itertools.pairwise(gaps)]
    all_scores = [score(t) for t in (gaps[0] - 1, *between, gaps[-1] + 1)]
    assert score(tuned["null"]) == pytest.approx(max(all_scores))
    assert max(all_scores) > max(all_scores[0], all_scores[-1])  # neither all empty nor none is the best


def test_where_every_question_has_an_answer_none_is_left_empty(base):
    head = head_of(base)
    model = head.build(base)
    given = examples(6)
    head.windows(given)
    assert head.tune(model, given) == {}
    assert all(p.target and 0 <= p.confidence <= 1 for p in head.predict(model, given))


# ---- round trip


def test_the_gold_comes_back_and_what_is_truncated_is_named(base):
    head = head_of(base, max_answer_tokens=24)
    given = examples(20, facts=5)
    assert [p.target for p in head.round_trip(given)] == [e.target.answers[0].text for e in given]
    context = "Then " + "Ada Lovelace met Bela " * 15 + "in Lima."
    whole = Span(5, len(context) - 1, context[5:-1])
    middle = context.index("Lovelace met Bela Ada Lovelace met Bela Ada")
    wide = Span(middle, middle + 43, context[middle : middle + 43])
    lima = Span(len(context) - 5, len(context) - 1, "Lima")
    beside = replace(lima, start=lima.start - 1, end=lima.end - 1)
    asked = QAInput("Where?", context)
    odd = [
        Example("truncated", asked, QATarget((whole,))),
        Example("question", QAInput("Where did Ada meet Bela? " * 9, context), QATarget((lima,))),
        Example("misplaced", asked, QATarget((beside,))),
        Example("outside", asked, QATarget((Span(900, 904, "Lima"),))),
        Example("none", asked, QATarget((), v2=True)),
    ]
    found = {p.example_id: p for p in head.round_trip(odd)}
    assert "in no window as a whole (truncated)" in found["truncated"].raw
    assert "outside the context" in found["outside"].raw
    assert "misaligned" in found["misplaced"].raw
    assert found["question"].target == "Lima"
    assert "the question is too long: its last" in head.reasons["question"]
    assert (found["none"].target, found["none"].raw) == ("", None)
    # Those that cannot be learnt have no window to train on; the others do.
    assert {w.example for w in head.windows(odd)} == {1, 2, 4}
    short = head_of(base, length=78, max_answer_tokens=3)
    lost = short.round_trip([Example("long", asked, QATarget((wide,)))])[0]
    assert lost.target == ""
    assert "longer than max_answer_tokens" in lost.raw


# ---- learning, saving


def test_it_learns_by_heart_and_predicts_the_same_after_saving(base, tmp_path):
    head = head_of(base, dropout=0.1)
    given = examples(4, facts=2, empty=1)
    model = head.build(base, seed=1)
    windows = head.windows(given)
    batch = head.collate(windows)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    torch.manual_seed(0)
    for _ in range(90):
        step = head.step(model.train(), batch)
        step.loss.mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    head.tune(model, given)
    found = head.predict(model, given)
    assert [p.target for p in found] == [e.target.answers[0].text if e.target.answers else "" for e in given]
    save_model(head, model, tmp_path / "model")
    again, loaded = load_run(tmp_path / "model", device="cpu")
    unseen = examples(6, facts=5, empty=2, seed=9)
    assert again.thresholds == head.thresholds != {}
    for texts in (given, unseen):
        assert again.predict(loaded, texts) == head.predict(model, texts)
    assert any(isinstance(p, Prediction) and p.raw["null_gap"] for p in again.predict(loaded, unseen))


def test_windows_longer_than_the_model_reads_are_refused_with_the_limit(kind, base):
    limit = 78 if kind == "roberta" else 80  # its positions begin behind the padding token's number
    with pytest.raises(ConfigError, match=f"reads at most {limit}"):
        head_of(base, length=limit + 1)
    head = head_of(base, length=limit)
    windows = head.windows(examples(1, facts=9))
    assert len(windows[0]) == limit
    assert torch.isfinite(head.step(head.build(base), head.collate(windows)).loss).all()
