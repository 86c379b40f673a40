"""The pair head on relations of a document's entities, on models small enough to train inside a test."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from test_models_pair import (
    a_weight_of_two_is_the_example_twice,
    make,
    padding_and_company_change_nothing,
    score,
    train,
)
from tiny_models import byte_level, word_pieces

from finetooth import registry
from finetooth.errors import ConfigError
from finetooth.models.load import load_run, load_tokenizer
from finetooth.models.pair_documents import candidates, chunks, even, mark
from finetooth.models.pair_scorer import pooled
from finetooth.models.threshold import best_threshold, expected_best
from finetooth.tasks.documents import DocEntity, RelationInput, RelationTarget, Triple
from finetooth.types import Example, Span

TASK = registry.task("relation")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return word_pieces(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def decoder(tmp_path_factory):
    return byte_level(tmp_path_factory.mktemp("decoder"))


@pytest.fixture(params=["encoder", "decoder"])
def base(request):
    return request.getfixturevalue(request.param)


def documents(n, *, seed=0, facts=3):
    """``Ada met Bela. Ada left Rome.``: who met whom (both ways), who left what (and is not there)."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(n):
        text, spans, triples = f"Note {i}.", {}, []
        for _ in range(facts):
            person = str(rng.choice(["Ada", "Bela", "Cleo"]))
            verb, others = [("met", ["Dora", "Egon"]), ("left", ["Rome", "Oslo", "Lima"])][
                int(rng.integers(2))
            ]
            other = str(rng.choice(others))
            for word in (person, verb, other):
                if word != verb:
                    spans.setdefault(word, []).append(Span(len(text) + 1, len(text) + 1 + len(word), word))
                text += " " + word
            text += "."
            triples.append((person, verb, other))
            if verb == "met":
                triples.append((other, verb, person))
            else:
                triples.append((person, "is not in", other))
        names = list(spans)
        entities = tuple(
            DocEntity(tuple(spans[x]), "LOC" if x in ("Rome", "Oslo", "Lima") else "PER", x) for x in names
        )
        target = tuple(Triple(names.index(h), r, names.index(t)) for h, r, t in dict.fromkeys(triples))
        made.append(Example(f"d{i}", RelationInput(text, entities), RelationTarget(target)))
    return made


def keys(prediction):
    return {(t.head, t.relation, t.tail) for t in prediction.target.triples}


def test_eight_documents_are_learnt_by_heart_saved_and_read_again(base, tmp_path):
    examples = documents(8)
    head = make(TASK, base, examples)
    windows = head.windows(examples)
    model = head.build(base)
    step = train(head, model, examples, 150)
    assert step.correct.all()
    assert all(
        w.fields["gold"].sum(1).max() == 2
        for w in windows
        if w.fields["gold"].any(1).any() and "left" in examples[w.example].inputs.text
    )
    assert not head.tells_finished  # all documents decide on the threshold
    head.tune(model, examples)
    told = []
    found = head.predict(
        model,
        examples,
        batch_tokens=64,
        finished=lambda at, some: told.append(dict(zip(at, some, strict=True))),
    )
    # Each batch was told of when it was done, by the places of its documents.
    assert head.tells_finished
    assert len(told) > 1
    assert {i: p for batch in told for i, p in batch.items()} == dict(enumerate(found))
    assert score(TASK, examples, found) == 100
    assert [keys(p) for p in found] == [keys(TASK.gold(e)) for e in examples]
    model.save_pretrained(tmp_path)
    head.save(tmp_path)
    again, loaded = load_run(tmp_path)
    assert again.thresholds == head.thresholds
    assert [keys(p) for p in again.predict(loaded, examples)] == [keys(p) for p in found]
    for one, other in zip(again.predict(loaded, examples), found, strict=True):
        assert one.confidence == pytest.approx(other.confidence, abs=1e-6)
    # Trained on to as many relations of other names, the body is kept and the classifier is not.
    more = [
        replace(
            e, target=RelationTarget(tuple(replace(t, relation=f"x {t.relation}") for t in e.target.triples))
        )
        for e in examples
    ]
    other = make(TASK, base, more)
    assert len(other.labels) == len(head.labels)
    body, fresh = model.state_dict(), other.build(tmp_path).state_dict()
    kept = {k for k, v in fresh.items() if torch.equal(v, body[k])}
    assert not any(k.startswith("classifier.out") for k in kept)
    assert all(k in kept for k in fresh if not k.startswith("classifier."))


@pytest.mark.parametrize("options", [{}, {"negatives": 0.2}, {"markers": "none"}, {"markers": "plain"}])
@pytest.mark.parametrize("length", [128, 24])
def test_gold_comes_back(base, length, options):
    examples = documents(6)
    head = make(TASK, base, examples, length=length, stride=8, **options)
    for example, back in zip(examples, head.round_trip(examples), strict=True):
        assert keys(back) == keys(TASK.gold(example))
        assert back.raw is None


@pytest.mark.parametrize("length", [128, 24])
def test_padding_company_and_weights(base, length):
    examples = [*documents(3), *documents(1, seed=5, facts=9)]
    head = make(TASK, base, examples, length=length, stride=8)
    model = head.build(base)
    padding_and_company_change_nothing(head, model, examples)
    a_weight_of_two_is_the_example_twice(head, model, examples)


def test_markers_stand_around_every_mention_nested_ones_inside(base):
    text = "Ada of New Rome met Rome."
    entities = (
        DocEntity((Span(0, 3, "Ada"),), "PER", "Ada"),
        DocEntity((Span(7, 15, "New Rome"),), "BIG_PLACE", "New Rome"),
        DocEntity((Span(11, 15, "Rome"), Span(20, 24, "Rome")), "LOC", "Rome"),
        DocEntity((Span(90, 95, "Mars!"),), "LOC", "Mars"),
    )
    tokenizer = load_tokenizer(base)
    (marked,) = mark(tokenizer, [RelationInput(text, entities)])
    told = tokenizer.decode(marked.ids).lower()
    assert "".join(told.split()) == "*per*ada*of*bigplace*new*loc*rome**met*loc*rome*.".replace("##", "")
    assert marked.entity.tolist() == [0, 1, 2, 2]
    star = tokenizer(" *", add_special_tokens=False)["input_ids"]
    assert (marked.ids[marked.start] == star[0]).all()
    assert (marked.ids[marked.end] == star[-1]).all()
    (plain,) = mark(tokenizer, [RelationInput(text, entities)], "none")
    rome = [
        tokenizer.decode(plain.ids[a : b + 1]).strip().lower()
        for a, b in zip(plain.start, plain.end, strict=True)
    ]
    assert [r.replace(" ", "") for r in rome] == ["ada", "newrome", "rome", "rome"]


def test_candidates_are_all_ordered_pairs_at_their_closest_mentions(base):
    examples = documents(4, facts=6)
    for example, marked in zip(
        examples, mark(load_tokenizer(base), [e.inputs for e in examples]), strict=True
    ):
        pairs = candidates(marked)
        n = len(example.inputs.entities)
        assert {tuple(p) for p in pairs.ends.tolist()} == {
            (a, b) for a in range(n) for b in range(n) if a != b
        }
        assert len(pairs) == n * (n - 1)
        for (head, tail), (one, two) in zip(pairs.ends, pairs.mentions, strict=True):
            assert (marked.entity[one], marked.entity[two]) == (head, tail)
            apart = np.abs(
                marked.start[marked.entity == head][:, None] - marked.start[marked.entity == tail][None]
            )
            assert abs(int(marked.start[one]) - int(marked.start[two])) <= apart.min() + 8


def test_negatives_are_drawn_at_the_stated_rate_by_seed_and_positives_all_stay(base):
    examples = documents(60, facts=8)

    def drawn(**options):
        windows = make(TASK, base, examples, **options).windows(examples)
        return [(w.fields["pairs"].ends.tolist(), w.fields["gold"].any(1)) for w in windows]

    every, some, again = drawn(), drawn(negatives=0.3), drawn(negatives=0.3)
    other = drawn(negatives=0.3, negatives_seed=1)
    assert [p for p, _ in some] == [p for p, _ in again] != [p for p, _ in other]
    assert sum(g.sum() for _, g in some) == sum(g.sum() for _, g in every)
    share = sum((~g).sum() for _, g in some) / sum((~g).sum() for _, g in every)
    assert 0.25 < share < 0.35
    # Prediction looks at all of them all the same.
    head = make(TASK, base, examples, negatives=0.3)
    windows = head.windows(examples, targets=False)
    assert [w.fields["pairs"].ends.tolist() for w in windows] == [p for p, _ in every]


def test_triples_no_pair_can_say_and_documents_without_pairs_are_named(base):
    ada, rome = (
        DocEntity((Span(0, 3, "Ada"),), "PER", "Ada"),
        DocEntity((Span(9, 13, "Rome"),), "LOC", "Rome"),
    )
    lost = DocEntity((), "LOC", "Oslo")
    source = RelationInput("Ada left Rome.", (ada, rome, lost))

    def of(name, *triples, inputs=source):
        return Example(name, inputs, RelationTarget(tuple(Triple(*t) for t in triples)))

    good = of("good", (0, "left", 1))
    bad = [
        (of("self", (0, "left", 0)), "one entity"),
        (of("text", (0, "left", 2)), "nowhere in the text"),
        (of("none", (-1, "left", 1)), "no entity"),
        (of("new", (0, "wrote", 1)), "'wrote'"),
        (of("alone", (0, "left", 1), inputs=RelationInput("Ada left Rome.", (ada, lost))), "no two entities"),
    ]
    head = make(TASK, base, [good], self_pairs="no")
    back = head.round_trip([good, *(e for e, _ in bad)])
    assert keys(back[0]) == {(0, "left", 1)}
    assert back[0].raw is None
    for prediction, (_, why) in zip(back[1:], bad, strict=True):
        assert keys(prediction) == set()
        assert why in prediction.raw
    alone = head.predict(head.build(base), [bad[-1][0]])[0]
    assert keys(alone) == set()
    assert not any(w.example == 5 for w in head.windows([good, *(e for e, _ in bad)]))


def test_two_names_of_one_entity_can_be_a_pair(base):
    spans = (Span(0, 3, "Ada"), Span(5, 10, "Byron"), Span(15, 18, "Ada"))
    entities = (DocEntity(spans, "PER", "Ada"), DocEntity((Span(22, 26, "Rome"),), "LOC", "Rome"))
    source = RelationInput("Ada (Byron) or Ada of Rome", entities)
    same = Example("s", source, RelationTarget((Triple(0, "same as", 0), Triple(0, "of", 1))))
    head = make(TASK, base, [same])
    back = head.round_trip([same])[0]
    assert keys(back) == keys(TASK.gold(same))
    (window,) = head.windows([same], targets=False)
    pairs = window.fields["pairs"]
    assert pairs.ends.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert pairs.mentions[0, 0] != pairs.mentions[0, 1]
    other = Example("o", source, RelationTarget((Triple(0, "of", 1),)))
    head = make(TASK, base, [other])
    assert len(head.windows([other])[0].fields["pairs"]) == 2


def test_a_new_classifier_starts_from_what_is_common(base):
    examples = documents(20)
    head = make(TASK, base, examples)
    windows = head.windows(examples)
    model = head.build(base).eval()
    share = np.mean(np.concatenate([w.fields["gold"] for w in windows]), axis=0)
    logits = head._logits(model, head.collate(windows)).sigmoid().mean(0).detach().numpy()
    assert logits == pytest.approx(share, abs=0.05)


def test_a_token_is_read_where_most_stands_around_it():
    for causal in (False, True):
        windows, chosen = chunks(50, 20, 10, causal=causal)
        for token, window in enumerate(chosen):
            a, b = windows[window]
            assert a <= token < b
            context = [
                (token - x) if causal else min(token - x, y - 1 - token) for x, y in windows if x <= token < y
            ]
            assert (token - a if causal else min(token - a, b - 1 - token)) == max(context)


def test_windows_of_one_document_are_alike_and_leave_nothing_out():
    for size in range(1, 200):
        for room, stride in ((20, 5), (33, 16), (24, 23), (50, 0)):
            windows = even(size, room, stride)
            assert windows[0][0] == 0
            assert windows[-1][1] == size
            assert len({b - a for a, b in windows}) == 1
            assert windows[0][1] <= room
            assert all(a < c <= b for (a, b), (c, _) in pairwise(windows))


def test_thresholds_are_the_best_cut():
    rng = np.random.default_rng(0)
    for _ in range(200):
        prob = rng.choice([0.1, 0.2, 0.5, 0.8, 0.9], size=8) if rng.random() < 0.5 else rng.random(8)
        right = rng.random(8) < prob
        wanted = int(right.sum()) + int(rng.integers(1, 3))

        def f1(cut, prob=prob, right=right, wanted=wanted):
            return 2 * (right & (prob > cut)).sum() / ((prob > cut).sum() + wanted)

        def expected(cut, prob=prob):
            return 2 * prob[prob > cut].sum() / ((prob > cut).sum() + prob.sum())

        cuts = [0.0, *(prob - 1e-9)]
        assert f1(best_threshold(prob, right, wanted)) == pytest.approx(max(map(f1, cuts)))
        assert expected(expected_best([prob])) == pytest.approx(max(map(expected, cuts)))


def test_entities_are_the_log_sum_exp_of_their_mentions():
    near, entity = torch.randn(5, 3, requires_grad=True), torch.tensor([1, 0, 1, 1, 2])
    made = pooled(near, entity)
    for e in range(3):
        assert torch.allclose(made[e], near[entity == e].logsumexp(0))
    (gradient,) = torch.autograd.grad(made.sum(), near)
    assert torch.allclose(gradient[entity == 0], torch.ones(1, 3))
    assert torch.allclose(gradient[entity == 1].sum(0), torch.ones(3))


def test_options_that_make_no_sense_are_one_line(encoder):
    with pytest.raises(ConfigError, match="names no relation"):
        make(TASK, encoder, [Example("e", RelationInput("x", ()), RelationTarget())])
    for wrong in ({"negatives": 0.0}, {"negatives": 1.5}, {"markers": "bold"}, {"positive_weight": -1.0}):
        with pytest.raises(ConfigError, match=r"model\.options"):
            make(TASK, encoder, documents(2), **wrong)


def test_relations_between_found_entities_are_told_over_the_gold_ones(encoder, tmp_path):
    from finetooth.errors import UsageError
    from finetooth.models.load import build_head
    from finetooth.models.pair_pipeline import WithEntities
    from finetooth.tasks.relation import as_ner

    examples = documents(6)
    relations = make(TASK, encoder, examples)
    windows = relations.windows(examples)
    model = relations.build(encoder)
    train(relations, model, examples, 150)
    relations.tune(model, examples)
    ner = registry.task("ner")
    plain = [as_ner(e) for e in examples]
    mentions = build_head(ner, relations.options, ner.labels(plain), "token", encoder)
    mentions_model = mentions.build(encoder)
    train(mentions, mentions_model, plain, 120)
    both = WithEntities(relations, mentions, mentions_model)
    told = []
    found = both.predict(model, examples, progress=lambda done, of: told.append((done, of)))
    assert score(TASK, examples, found) == 100
    assert told[-1] == (2 * len(windows), 2 * len(windows))
    # A model that finds no entities finds no relations, and gold ones are not looked at.
    blind = mentions.build(encoder, seed=1)
    blind.classifier.bias.data[0] = 50.0
    none = WithEntities(relations, mentions, blind).predict(model, examples)
    assert [keys(p) for p in none] == [set()] * 6
    with pytest.raises(UsageError, match="task ner"):
        WithEntities(relations, relations, model)


def test_documents_that_lose_one_triple_of_many_do_not_stop_a_run(encoder):
    from dataclasses import replace

    from finetooth.errors import PreflightError
    from finetooth.train import preflight

    examples = [
        replace(e, target=RelationTarget((*e.target.triples, Triple(-1, "met", 0, head_text="Nobody"))))
        for e in documents(4)
    ]
    head = make(TASK, encoder, examples)
    found = preflight.round_trip(TASK, head, examples)
    assert found["share"] == 0
    triples = sum(len(keys(TASK.gold(e))) for e in examples)
    assert found["ceiling"] == pytest.approx(2 * (triples - 4) / (2 * triples - 4))
    preflight.refuse_what_is_lost(found)
    hopeless = [replace(e, target=RelationTarget(e.target.triples[-1:])) for e in examples]
    head = make(TASK, encoder, hopeless)
    with pytest.raises(PreflightError, match="4 of 4 gold targets do not come back"):
        preflight.refuse_what_is_lost(preflight.round_trip(TASK, head, hopeless))
