"""The one table: planted label errors come first, with who says so and what should stand instead."""

import csv
import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import tiny_models

from finetooth import registry
from finetooth.cli import _splits, main
from finetooth.cli.diagnose import _print, told
from finetooth.curate import table as curated
from finetooth.diagnose import evidence, held_out
from finetooth.diagnose.cartography import cartography
from finetooth.diagnose.diagnosis import Known, diagnose
from finetooth.diagnose.differences import RULES, differences, units
from finetooth.diagnose.dynamics_files import DynamicsTable
from finetooth.diagnose.fixes import propose
from finetooth.diagnose.held_out import HeldOut
from finetooth.diagnose.overlap import overlap, wilson
from finetooth.runs import Run
from finetooth.search import crossval, diagnosed
from finetooth.tasks.documents import LabelledSpan
from finetooth.tasks.ner import NerInput, NerTarget
from finetooth.tasks.nli import NliInput, NliTarget
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.types import Example, Finding, Prediction, Span

NLI, NER, QA, JSON = (registry.task(name) for name in ("nli", "ner", "qa", "json"))


def planted(n=300, share=0.1, seed=0):
    """Pairs of which some have the wrong label; a model that mostly knows better. (known, who is wrong)."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(n) < share
    labels = np.where(rng.random(n) < 0.5, "yes", "no")
    examples = [
        Example(f"p{i}", NliInput(f"premise {i}", f"hypothesis {i}"), NliTarget(str(label)))
        for i, label in enumerate(labels)
    ]
    ids = tuple(e.id for e in examples)
    skill = np.where(wrong, -1.0, 1.5)[:, None] + rng.normal(size=(n, 1))
    prob = 1 / (1 + np.exp(-(skill + np.linspace(-0.5, 1.0, 4) + 0.5 * rng.normal(size=(n, 4)))))
    dynamics = DynamicsTable(ids, (0, 1, 2, 3), prob, 2 * prob - 1, (prob > 0.5) * 1.0, -np.log(prob))
    own = 1 / (1 + np.exp(-(np.where(wrong, -1.5, 1.5) + rng.normal(size=n))))
    figures = {"gold_prob": own, "margin": 2 * own - 1, "loss": -np.log(own)}
    figures |= {"gold_prob_mean": own, "margin_mean": 2 * own - 1}
    other = {"yes": "no", "no": "yes"}
    said = [label if p > 0.5 else other[str(label)] for label, p in zip(labels, own, strict=True)]
    shown = {i: (s, float(max(p, 1 - p))) for i, s, p in zip(ids, said, own, strict=True)}
    probabilities = {
        i: {str(label): float(p), other[str(label)]: float(1 - p)}
        for i, label, p in zip(ids, labels, own, strict=True)
    }
    held = HeldOut(ids, np.zeros(n, np.int64), figures, shown, probabilities)
    predictions = [Prediction(e.id, e.target, 0.9) for e in examples]
    return Known(
        NLI, examples, dynamics=dynamics, map=cartography(dynamics), held_out=held, predictions=predictions
    ), wrong


def test_planted_errors_come_first_with_the_right_label_proposed():
    known, wrong = planted()
    made = diagnose(known)
    top = made.ranking.order[: int(wrong.sum())]
    assert wrong[top].mean() > 0.75
    right = {e.id: {"yes": "no", "no": "yes"}[e.target.label] for e in known.examples}
    rows = made.rows()
    fixes = [(i, json.loads(rows[i]["fix"])) for i in top if wrong[i] and rows[i]["fix"]]
    assert len(fixes) > 0.4 * wrong.sum()
    assert all(right[rows[i]["example_id"]] == fix for i, fix in fixes)
    assert rows[top[0]]["rank_place"] == 1
    assert "never saw it" in rows[fixes[0][0]]["fix_source"]


def test_what_is_missing_is_null_and_the_rest_still_stands():
    known, _ = planted(60)
    made = diagnose(Known(NLI, known.examples, dynamics=known.dynamics))
    frame = made.frame()
    assert frame["cluster"].null_count() == frame["category"].null_count() == 60
    assert frame["rank"].null_count() == 0
    assert frame["findings"].to_list() == [[]] * 60
    assert diagnose(known).frame().schema["rank"] == frame.schema["rank"] == pl.Float64


def test_an_example_that_was_not_trained_on_keeps_its_row():
    known, _ = planted(40)
    extra = Example("gone", NliInput("a", "b"), NliTarget("yes"))
    finding = {"example_id": "gone", "check": "nli-empty", "severity": "error", "message": "m", "fix": None}
    both = Known(NLI, [*known.examples, extra], known.dynamics, known.map, [finding])
    row = diagnose(both).rows()[-1]
    assert (row["example_id"], row["confidence"], row["category"]) == ("gone", None, None)
    assert row["findings"][0]["check"] == "nli-empty"
    assert row["rank_reason"] == "the checks found fault with it: nli-empty"


def test_confident_learning_finds_what_cleanlab_finds():
    pytest.importorskip("cleanlab")
    known, wrong = planted(400, seed=3)
    signal = evidence.confident_learning(known.held_out, known.examples)
    assert signal[wrong].mean() > 0.7 > 0.1 > signal[~wrong].mean()


def entities(*spans):
    return NerTarget(tuple(LabelledSpan(a, b, "Ada in Rome"[a:b], kind) for a, b, kind in spans))


@pytest.mark.parametrize(
    ("found", "flags"),
    [
        ([(0, 3, "PER")], ()),
        ([(0, 3, "PER"), (7, 11, "LOC")], ("prediction_adds",)),
        ([], ("prediction_lacks",)),
        ([(0, 3, "LOC")], ("prediction_contradicts",)),
        ([(0, 6, "PER")], ("prediction_contradicts",)),
    ],
)
def test_entities_that_differ_are_told_apart(found, flags):
    gold = Example("x", NerInput("Ada in Rome"), entities((0, 3, "PER")))
    made = differences(NER, [gold], [Prediction("x", entities(*found), 0.9)])
    assert {name for name, on in zip(RULES, made.flags[0], strict=True) if on} == set(flags)
    assert (made.score[0] == 1) == (not flags)


def test_a_model_that_finds_nothing_calls_no_label_wrong_and_proposes_nothing():
    n = 60
    examples = [
        Example(f"e{i}", NerInput("Ada in Rome"), entities((0, 3, "PER")) if i < 15 else NerTarget())
        for i in range(n)
    ]
    doubted = np.where(np.arange(n) < 15, 0.02, 0.98)[:, None] * np.linspace(0.98, 1.02, 4)
    ids = tuple(e.id for e in examples)
    table = DynamicsTable(
        ids, (0, 1, 2, 3), doubted, 2 * doubted - 1, (doubted > 0.5) * 1.0, -np.log(doubted)
    )
    nothing = [Prediction(i, NerTarget(), 0.99) for i in ids]
    found = [Prediction(e.id, e.target, 0.99) for e in examples]
    weak = diagnose(Known(NER, examples, dynamics=table, predictions=nothing))
    assert (weak.summary["models_learnt"], weak.summary["likely_mislabelled"]) == (False, 0)
    assert weak.summary["fixes_proposed"] == 0
    assert set(weak.ranking.order[:15]) == set(range(15))
    able = diagnose(Known(NER, examples, dynamics=table, predictions=found))
    assert (able.summary["models_learnt"], able.summary["likely_mislabelled"]) == (True, 15)


def test_any_of_several_golds_will_do():
    spans = (Span(0, 3, "Ada"), Span(0, 8, "Ada Love"))
    example = Example("q", QAInput("Who?", "Ada Love."), QATarget(spans))
    made = differences(QA, [example, example], [Prediction("q", "ada love"), Prediction("q", "Bo")])
    assert made.score[0] == 1
    assert not made.flags[0].any()
    assert made.flags[1].any()


def test_leaves_of_json_keep_their_types():
    one, two = (units("json", type("T", (), {"value": v})) for v in ({"a": [1, True]}, {"a": [True, 1]}))
    assert one != two


def test_the_fix_that_came_with_an_error_goes_before_what_models_say():
    finding = Finding("q", "nli-label", "error", "m", {}, {"label": "no"})
    held = (Prediction("q", NliTarget("maybe"), 0.9), 0.0)
    none = (None, float("nan"))
    assert propose(NLI, [finding], held, none, 2.0).source == "check nli-label"
    assert propose(NLI, [], held, none, 2.0).target == "maybe"
    assert propose(NLI, [], (Prediction("q", NliTarget("maybe"), 0.3), 0.0), none, 2.0) is None


def test_a_label_that_is_likelier_right_than_wrong_gets_no_proposal():
    held, own = ((Prediction("q", NliTarget("maybe"), 0.9), 0.0) for _ in range(2))
    assert propose(NLI, [], held, own, -0.1) is None
    assert "never saw it, and" in propose(NLI, [], held, own, 0.1).source


def test_two_opinions_propose_only_what_both_say_unless_the_label_is_very_unlikely():
    held = (Prediction("q", NliTarget("maybe"), 0.9), 0.0)
    taught = (Prediction("q", NliTarget("yes"), 0.9), 1.0)
    assert propose(NLI, [], held, taught, 0.5) is None
    assert propose(NLI, [], held, taught, 1.5).source == "models that never saw it (0.90)"


def test_a_model_that_finds_nothing_proposes_nothing_alone():
    nothing, none = (Prediction("d", entities(), 0.99), 0.0), (None, float("nan"))
    assert propose(NER, [], none, nothing, 3.0) is None
    assert propose(NER, [], nothing, nothing, 3.0).target == [], "both say so"
    assert propose(NER, [], none, (Prediction("d", entities((0, 3, "PER")), 0.9), 0.0), 3.0) is not None


def test_that_an_example_stands_twice_proposes_no_other_label():
    twice = Finding("q", "duplicate-pair", "warning", "m", {}, {"drop": True})
    none = (None, float("nan"))
    assert propose(NLI, [twice], none, none, 3.0) is None


def test_advice_in_words_is_no_target():
    none = (None, float("nan"))
    advice = Finding("d", "markup-left", "warning", "m", {}, "unescape the text")
    assert propose(NER, [advice], none, none, 3.0) is None
    assert propose(NER, [replace(advice, fix={"mention": 0, "end": 3})], none, none, 3.0) is not None


def test_rules_of_other_tasks_are_sure_predictions_and_checks():
    gold = [Example(f"d{i}", NerInput("Ada in Rome"), entities((0, 3, "PER"))) for i in range(3)]
    said = [
        Prediction(e.id, entities((7, 11, "LOC")), sure)
        for e, sure in zip(gold, (0.9, 0.1, None), strict=True)
    ]
    found = [Finding("d1", "missed-mention", "warning", "m"), Finding("d1", "document-twice", "warning", "m")]
    rows = diagnose(Known(NER, gold, findings=found, predictions=said), threshold=2).rows()
    both = ["prediction_adds", "prediction_lacks"]
    assert [r["rules"] for r in rows] == [both, ["missed-mention"], both], "0.1 is no sure prediction"
    assert [r["is_dataset_error"] for r in rows] == [True, False, True]
    quiet = diagnose(Known(NER, gold, findings=found))
    assert set(quiet.overlap["rule_rates"]["all"]) == {"examples", "missed-mention"}, "nothing was predicted"


def test_the_screen_tells_entities_and_triples_by_name():
    assert told(json.dumps([{"start": 0, "end": 3, "type": "PER", "text": "Ada"}]), "ner") == "PER: Ada"
    triple = {"head": 0, "relation": "BornIn", "tail": 1, "head_text": "Ada"}
    assert told(json.dumps([triple]), "relation") == "Ada BornIn entity 1"
    reasoned = '{"thought_process": "It says so.", "predicted_label": "entailed"}'
    assert told(reasoned, "nli") == "entailed: It says so."
    moved = '{"answer": 0, "answer_start": 388}'
    assert told(moved, "qa", of_checks=True) == "answer 0, answer_start 388"
    assert [told("[]", task) for task in ("ner", "relation", "json")] == ["nothing", "nothing", "[]"]
    assert [told(t, "qa") for t in ("Oslo", "[1]", "12")] == ["Oslo", "[1]", "12"]


@pytest.mark.parametrize(
    "cell",
    [
        '{"type": "invoice", "text": "hi", "total": 5}',
        '[{"type": "invoice", "text": "hi"}]',
        '{"path": "/a", "size": 5}',
        '{"predicted_label": 1, "thought_process": "why", "total": 5}',
        '[{"head": 1, "relation": "r", "tail": 2, "total": 5}]',
    ],
)
def test_a_json_target_is_shown_whole_whatever_its_keys_are_called(cell):
    assert told(cell, "json") == cell


def test_the_screen_obeys_nothing_that_the_data_say(capsys):
    text = "A\x1b[31mB\x07"
    assert told(json.dumps([{"type": "PER", "text": text}]), "ner") == r"PER: A\x1b[31mB\x07"
    assert told(text, "qa") == r"A\x1b[31mB\x07"
    known, _ = planted(60)
    pairs = [replace(e, target=NliTarget(e.target.label + "\x1b[31m")) for e in known.examples]
    _print(diagnose(Known(NLI, pairs, dynamics=known.dynamics)), 5, "nli")
    shown = capsys.readouterr().out
    assert r"\x1b[31m" in shown
    assert "\x1b" not in shown


def test_a_target_is_not_mended_by_half():
    none = (None, float("nan"))
    patch, other = ({"path": f"$.{key}", "value": "2024-05-01T09:00:00Z"} for key in "ab")
    zone = Finding("j", "date-time-without-zone", "warning", "m", {}, patch)
    whole = Finding("j", "part-exceeds-whole", "error", "m")
    near = Finding("j", "near-miss", "error", "m", {}, other)
    assert propose(JSON, [zone], none, none, 1.0).target == patch
    assert propose(JSON, [zone], none, none, 3.0, beside=2.0) is None, "models speak of something else"
    assert propose(JSON, [zone, whole], none, none, 3.0) is None, "the error would stay"
    assert propose(JSON, [near, whole], none, none, 3.0) is None
    both = propose(JSON, [near, replace(near, fix=patch)], none, none, 4.0)
    assert (both.target, both.source) == ([other, patch], "check near-miss")


def test_a_moved_answer_goes_before_what_one_model_says_and_after_what_two_say():
    moved = {"answer": 0, "start": 9, "end": 11}
    cut = Finding("q", "answer-cut-inside-word", "warning", "m", {}, moved)
    said, none = (Prediction("q", "six", 0.7), 0.0), (None, float("nan"))
    assert propose(QA, [cut], none, said, 3.0).target == moved
    assert propose(QA, [replace(cut, fix=None)], none, said, 3.0).target == "six"
    assert propose(QA, [cut], said, said, 3.0).target == "six"


def test_one_text_with_two_labels_speaks_of_the_label():
    twice = Finding("d", "document-twice", "warning", "m", {"same_labels": True})
    assert not evidence.about_target(twice)
    assert evidence.about_target(replace(twice, evidence={"same_labels": False}))
    assert evidence.about_target(Finding("d", "triple-twice", "warning", "m"))
    alike = Finding("d", "document-near-duplicate", "warning", "m", {"same_labels": False})
    assert not evidence.about_target(alike), "other texts may have other labels"


def test_a_region_where_methods_agree_stands_out():
    rng = np.random.default_rng(0)
    n = 400
    cluster = [i % 4 for i in range(n)]
    category = ["hard" if i % 8 < 4 else "easy" for i in range(n)]
    bad = np.array([c == 2 and k == "hard" for c, k in zip(cluster, category, strict=True)])
    against = {m: bad & (rng.random(n) < 0.9) | (rng.random(n) < 0.05) for m in ("a", "b", "c")}
    found = overlap(
        ids=[str(i) for i in range(n)],
        category=category,
        cluster=cluster,
        cluster_names={2: "mills"},
        against=against,
        rules={"r": bad},
        score=bad * 0.5 + 0.1 * rng.random(n),
    )
    (region,) = found["high_overlap"]
    assert (region["category"], region["cluster_name"], region["examples"]) == (
        "hard",
        "mills",
        int(bad.sum()),
    )
    assert sum(r["examples"] for r in found["regions"]) == n
    assert sum(found["votes"].values()) == n
    assert found["rule_rates"]["by_cluster"]["2"]["r"] == pytest.approx(bad.sum() / 100)
    assert found["rule_rates"]["by_category"]["easy"]["r"] == 0


def test_a_method_that_blames_nearly_all_has_no_vote_and_is_named(capsys):
    known, _ = planted(120)
    without = diagnose(known)
    nowhere = {e.id: {"cluster": -1, "cluster_name": None, "membership": 0.0} for e in known.examples}
    made = diagnose(replace(known, clusters=nowhere))
    assert made.summary["without_vote"] == made.overlap["without_vote"] == {"in no cluster": 120}
    assert made.overlap["agreed_examples"] == without.overlap["agreed_examples"]
    assert "in no cluster" not in made.summary["methods"]
    _print(made, 0, "nli")
    assert "'in no cluster' holds of 120 of 120 examples" in capsys.readouterr().err
    some = {i: row | {"cluster": -1 if k < 30 else 0} for k, (i, row) in enumerate(nowhere.items())}
    assert diagnose(replace(known, clusters=some)).summary["methods"]["in no cluster"] == 30


def test_where_nothing_has_a_vote_none_can_agree(capsys):
    known, _ = planted(60)
    made = diagnose(Known(NLI, known.examples, dynamics=known.dynamics))
    assert made.summary["methods"] == {}
    _print(made, 0, "nli")
    assert "none can agree" in capsys.readouterr().err


def test_wilson_of_none_in_ten():
    # Wilson (1927): z^2 / (n + z^2) at 0 of n.
    assert wilson(0, 10) == (0.0, pytest.approx(1.96**2 / (10 + 1.96**2)))


def test_folds_keep_groups_together_and_are_of_one_size():
    made = [
        Example(f"q{i}", QAInput("Who?", f"context {i // 3}"), QATarget((Span(0, 7, "context"),)), {})
        for i in range(90)
    ]
    fold = crossval.assign(QA, made, 5, seed=1)
    assert np.bincount(fold).tolist() == [18] * 5
    assert all(len({int(fold[i]) for i in range(g, g + 3)}) == 1 for g in range(0, 90, 3))
    assert not np.array_equal(fold, crossval.assign(QA, made, 5, seed=2))


def test_out_of_sample_predictions_are_kept_and_read_again(tmp_path):
    known, _ = planted(20)
    held_out.write(known.held_out, tmp_path / held_out.FILE)
    again = held_out.read(tmp_path)
    assert again.shown == known.held_out.shown
    assert again.probabilities == known.held_out.probabilities
    np.testing.assert_allclose(again.figures["margin"], known.held_out.figures["margin"])
    assert held_out.read(tmp_path / "elsewhere") is None


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("diagnosed")
    base, data = tiny_models.word_pieces(folder / "base"), folder / "nli.jsonl"
    assert main(["generate", "nli", "--n", "36", "--out", str(data)]) == 0
    rows = [json.loads(line) for line in data.read_text("utf-8").splitlines()]
    rows[0]["hypothesis"] = "=HYPERLINK(1)"
    data.write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    arguments = f"--task nli --data {data} --model {base} --out {folder / 'run'}".split()
    settings = "train.epochs=2 train.warmup_steps=1 data.on_error=keep model.max_length_tokens=64"
    assert main(["train", *settings.split(), "model.stride_tokens=8", *arguments]) == 0
    return folder / "run"


def test_a_run_is_diagnosed_with_models_that_never_saw_each_example(run, capsys):
    capsys.readouterr()
    assert main(["diagnose", str(run), "--out-of-sample", "--folds", "2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"examples", "summary", "overlap"}
    frame = pl.read_parquet(run / "diagnosis.parquet")
    assert frame.to_dicts() == document["examples"]
    assert sorted(frame["rank_place"].to_list()) == list(range(1, len(frame) + 1))
    assert frame["held_out_prediction"].null_count() == 0
    assert {"held_out_confidence", "low_confidence", "neighbours"} <= set(document["summary"]["signals"])
    assert json.loads((run / "overlap.json").read_text("utf-8")) == document["overlap"]
    with (run / "diagnosis.csv").open(encoding="utf-8", newline="") as f:
        cells = [cell for row in csv.DictReader(f) for cell in row.values()]
    assert not [c for c in cells if c.startswith(("=", "+", "@"))]
    # The weights of the folds are gone, what they said is kept, and nothing is trained again.
    assert not list((run / "folds").rglob("*.safetensors"))
    before = (run / held_out.FILE).stat().st_mtime_ns
    assert main(["diagnose", str(run), "--out-of-sample", "--folds", "2"]) == 0
    assert (run / held_out.FILE).stat().st_mtime_ns == before
    assert "another fingerprint" not in capsys.readouterr().err


def test_curation_reads_the_table(run):
    if not (run / "diagnosis.parquet").is_file():
        assert main(["diagnose", str(run), "--no-clusters"]) == 0
    rows = curated.read(run)
    assert all({"rank", "category", "findings", "rule_score"} <= set(row) for row in rows.values())


def test_predictions_that_are_missing_are_made_beside_those_that_are_there(run):
    path = run / "predictions" / "dev.jsonl"
    assert main(["diagnose", str(run), "--split", "dev", "--no-clusters"]) == 0
    first, *others = path.read_text("utf-8").splitlines()
    kept = json.dumps(json.loads(first) | {"confidence": 0.123})
    path.write_text(kept + "\n", "utf-8")
    assert main(["diagnose", str(run), "--split", "dev", "--no-clusters"]) == 0
    assert [json.loads(line)["confidence"] for line in path.read_text("utf-8").splitlines()] == pytest.approx(
        [0.123, *(json.loads(line)["confidence"] for line in others)], abs=1e-4
    )


def test_predictions_of_other_examples_stay_in_the_file(run, tmp_path):
    path = run / "predictions" / "dev.jsonl"
    assert main(["diagnose", str(run), "--split", "dev", "--no-clusters"]) == 0
    before = path.read_text("utf-8").splitlines()
    known = json.loads(before[0])["id"]
    pair = {"premise": "A man sits.", "hypothesis": "Someone sits.", "label": "entailment"}
    other = tmp_path / "other.jsonl"
    other.write_text("".join(json.dumps(pair | {"id": i}) + "\n" for i in (known, "z")), "utf-8")
    arguments = ["--data", str(other), "--no-clusters", "--out", str(tmp_path)]
    assert main(["diagnose", str(run), "--split", "dev", *arguments]) == 0
    *kept, new = map(json.loads, path.read_text("utf-8").splitlines())
    assert kept == list(map(json.loads, before))
    assert new["id"] == "z"


def test_epochs_that_are_burnt_in_do_not_reach_the_rank(run, capsys):
    def made(burn_in):
        data = _splits.of_run(Run.open(run), "train", None).data
        return diagnosed.known(Run.open(run), data, burn_in=burn_in, predicted=False, clustered=False)

    whole, late = made(0), made(1)
    assert (whole.dynamics.epochs, late.dynamics.epochs) == ((0, 1), (1,))
    assert late.map.summary["epochs"] == [1]
    assert late.dynamics.gold_prob.tolist() == whole.dynamics.gold_prob[:, 1:].tolist()
    assert main(["diagnose", str(run), "--no-predict", "--no-clusters", "--burn-in", "2"]) == 2
    assert "none is left" in capsys.readouterr().err


def test_findings_that_cannot_be_read_are_named_and_found_again(run, capsys, tmp_path):
    path = run / "findings.jsonl"
    before = path.read_bytes()
    path.write_bytes(b"\xff not JSON\n")
    try:
        arguments = ["--no-predict", "--no-clusters", "--out", str(tmp_path)]
        assert main(["diagnose", str(run), *arguments]) == 0
        assert "findings.jsonl: no line of it can be read as a finding" in capsys.readouterr().err
        path.write_bytes(b'{"example_id": "x", "check": "y"}\n{"example_id": ')
        assert main(["diagnose", str(run), *arguments]) == 0
        assert "findings.jsonl: line 2 is broken" in capsys.readouterr().err
    finally:
        path.write_bytes(before)


def test_a_broken_table_of_clusters_and_a_file_for_a_folder_are_told(run, capsys):
    path = run / "clusters-dev.parquet"
    path.write_bytes(b"PAR1 not really")
    assert main(["diagnose", str(run), "--split", "dev", "--no-clusters"]) == 2
    assert "clusters-dev.parquet: not a table of clusters" in capsys.readouterr().err
    for command in ("diagnose", "cluster", "map"):
        assert main([command, str(run), "--out", str(path)]) == 2
        assert "is a file, expected a folder" in capsys.readouterr().err
    path.unlink()


def test_the_watched_split_and_one_that_was_not(run, capsys):
    assert main(["diagnose", str(run), "--split", "dev", "--no-clusters"]) == 0
    said = capsys.readouterr().err
    assert "without training dynamics" in said
    assert (run / "diagnosis-dev.parquet").is_file()
    assert main(["diagnose", str(run), "--split", "dev", "--out-of-sample"]) == 2
    assert main(["diagnose", str(run), "--split", "test"]) == 2
