"""From a run folder to scores: predictions kept, ablations, calibration, work that is picked up again."""

import io
import json
import sys

import numpy as np
import pytest

from finetooth import config, readers, registry
from finetooth.cli import main
from finetooth.errors import UsageError
from finetooth.evaluate import predict as predicting
from finetooth.evaluate import run as evaluation
from finetooth.evaluate.calibration import calibration
from finetooth.runs import Run
from finetooth.tasks.qa import QAInput, QATarget
from finetooth.tasks.qa_floors import word_overlap
from finetooth.tasks.qa_parts import passage_only, question_only
from finetooth.types import Dataset, Example, Prediction, Span

QA = registry.task("qa")
NAMES = ("Ada", "Bo", "Cleo", "Dov", "Eve", "Fay", "Gil", "Hal")


def examples(start, n):
    made = []
    for i in range(start, start + n):
        who, other = NAMES[i % 8], NAMES[(i + 3) % 8]
        context = f"On day {i} {who} sold the red kite. Later {other} bought a small boat from {who}."
        for question, answer in (
            ("Who sold the red kite?", who),
            ("Who bought a small boat?", other),
            (f"What did {who} sell?", "the red kite"),
        ):
            at = context.find(answer)
            span = Span(at, at + len(answer), answer)
            name = f"q{i}-{len(made)}"
            made.append(Example(name, QAInput(question, context), QATarget((span,))))
    return made


class OverlapHead:
    """A head without weights that reads: the phrase nearest to the words of the question."""

    def __init__(self, stop_after=None):
        self.seen, self.stop_after = 0, stop_after

    def predict(self, model, some, *, batch_tokens=8192, progress=None):
        if self.stop_after is not None and self.seen >= self.stop_after:
            raise KeyboardInterrupt
        self.seen += len(some)
        found = word_overlap(some, (), np.random.default_rng(0))
        return [Prediction(p.example_id, p.target, 0.9 if p.target in NAMES else 0.3) for p in found]


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A finished run whose model is the head above."""
    squad = next(r for r in registry.readers() if r.name == "squad")
    for name, start, n in (("train", 0, 20), ("dev", 100, 20)):
        squad.write(examples(start, n), tmp_path / f"{name}.json")
    values = {
        "task": "qa",
        "data": {"train": str(tmp_path / "train.json"), "dev": str(tmp_path / "dev.json")},
        "out": str(tmp_path / "run"),
    }
    run = Run.create(config.build(values))
    run.model.mkdir()
    (run.model / "finetooth.json").write_text("{}")
    run.update(status="finished")
    run.release()
    head = OverlapHead()
    monkeypatch.setattr(evaluation, "load", lambda run: (head, None))
    run.head = head
    return run


def command(capsys, *argv):
    code = main([*map(str, argv)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_scores_stand_beside_floors_and_are_kept_in_the_run(trained, tmp_path, capsys):
    code, out, _ = command(capsys, "evaluate", trained.folder, tmp_path / "dev.json", "--json")
    said = json.loads(out)
    assert code == 0
    assert {"scores", "slices", "missing", "unknown", "ablations", "calibration"} <= set(said)
    assert said["split"] == "dev"
    assert said["scores"][0]["n"] == 60
    assert {r["slice"] for r in said["slices"] if r["by"] == "answer in training set"} == {"seen"}
    kept = Run.open(trained.folder)
    assert kept.scores()["dev"]["scores"] == said["scores"]
    # The predictions that were kept score the same without the model.
    code, out, _ = command(capsys, "score", kept.predictions_path("dev"), tmp_path / "dev.json", "--json")
    again = json.loads(out)
    assert [s["value"] for s in again["scores"]] == [s["value"] for s in said["scores"]]
    assert again["data_fingerprint"] == said["data_fingerprint"]
    assert not list(kept.predictions_path("dev").parent.glob(".*")), "the journals stayed"


def test_without_data_it_is_the_runs_own_dev_set(trained, capsys):
    code, out, _ = command(capsys, "evaluate", trained.folder, "--json")
    assert code == 0
    assert json.loads(out)["split"] == "dev"


def test_other_data_of_the_same_name_overwrite_nothing(trained, tmp_path, capsys):
    command(capsys, "evaluate", trained.folder, "--json")
    before = trained.scores()["dev"]
    other = tmp_path / "elsewhere" / "dev.json"
    other.parent.mkdir()
    next(r for r in registry.readers() if r.name == "squad").write(examples(300, 5), other)
    code, out, _ = command(capsys, "evaluate", trained.folder, other, "--json")
    assert code == 0
    assert json.loads(out)["split"].startswith("dev-")
    assert trained.scores()["dev"] == before
    assert len(trained.scores()) == 2


def test_ablations_say_what_the_model_does_not_use(trained, capsys):
    code, out, err = command(capsys, "evaluate", trained.folder, "--ablations", "--no-slices")
    assert code == 0
    said = Run.open(trained.folder).scores()["dev"]["ablations"]
    by = {(a["ablation"], a["name"]): a for a in said}
    assert {a for a, _ in by} == {"question only", "passage only"}
    # This reader needs both: without the evidence it must lose.
    lost = by["question only", "f1"]
    assert lost["value"] + lost["lost"] == pytest.approx(lost["full"])
    assert lost["lost_low"] > 0
    assert "question only" in out
    assert "calibration error" in err


def test_question_only_keeps_candidates_and_takes_the_evidence():
    for example in examples(0, 8):
        changed = question_only(example)
        answer = changed.target.answers[0]
        assert changed.inputs.question == example.inputs.question
        assert changed.inputs.context[answer.start : answer.end] == answer.text
        assert example.target.answers[0].text == answer.text
        assert question_only(example) == changed, "not the same twice"
        assert "from" not in changed.inputs.context.split()
    assert len({question_only(e).inputs.context.split(".")[0] for e in examples(0, 8)}) > 2
    assert passage_only(examples(0, 1)[0]).inputs.question == ""


def test_question_only_with_an_answer_that_is_not_in_its_passage():
    odd = Example("x", QAInput("Who?", "Bo left."), QATarget((Span(0, 3, "Ada"),)))
    changed = question_only(odd)
    answer = changed.target.answers[0]
    assert changed.inputs.context[answer.start : answer.end] == "Ada"


def test_calibration_of_a_hand_made_case():
    some = examples(0, 4)[:4]
    golds = [QA.gold(e) for e in some]
    sure = [Prediction(p.example_id, p.target, 0.75) for p in golds[:3]]
    wrong = Prediction(golds[3].example_id, "nobody", 0.75)
    found = calibration(QA, some, [*sure, wrong])
    assert found["ece"] == pytest.approx(0.0)
    assert found["auroc"] == pytest.approx(0.5)
    better = calibration(QA, some, [*sure, Prediction(wrong.example_id, "nobody", 0.05)])
    assert better["auroc"] == 1.0
    assert better["ece"] == pytest.approx(100 * (3 * 0.25 + 0.05) / 4)
    assert calibration(QA, some, [Prediction(p.example_id, p.target) for p in golds]) is None


def test_a_stopped_prediction_goes_on_where_it_stopped(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(predicting, "PIECE", 20)
    stopping = OverlapHead(stop_after=40)
    monkeypatch.setattr(evaluation, "load", lambda run: (stopping, None))
    out = tmp_path / "p.jsonl"
    code, _, err = command(capsys, "predict", trained.folder, tmp_path / "dev.json", "--out", out)
    assert code == 3
    assert "the same command" in err
    assert not out.exists()
    journal = out.with_name(f".{out.name}.partial.jsonl")
    with journal.open("a") as f:
        f.write('{"id": "torn')
    fresh = OverlapHead()
    monkeypatch.setattr(evaluation, "load", lambda run: (fresh, None))
    code, _, _ = command(capsys, "predict", trained.folder, tmp_path / "dev.json", "--out", out)
    assert code == 0
    assert fresh.seen == 20
    assert len(out.read_text().splitlines()) == 60
    assert not journal.exists()


class SlowHead(OverlapHead):
    """One that generates: it tells of each batch, five rows in an order of its own, and is stopped in the fourth."""

    tells_finished = True

    def predict(self, model, some, *, batch_tokens=8192, progress=None, finished=None):
        made = {}
        order = list(range(len(some)))[::-1]
        for places in (order[at : at + 5] for at in range(0, len(order), 5)):
            found = super().predict(model, [some[i] for i in places])
            finished(places, found)
            made.update(zip(places, found, strict=True))
        return [made[i] for i in range(len(some))]


def test_a_stopped_generation_keeps_every_batch_that_was_done(trained, tmp_path, capsys, monkeypatch):
    out, whole = tmp_path / "p.jsonl", tmp_path / "whole.jsonl"
    for head, path, ends in ((SlowHead(), whole, 0), (SlowHead(stop_after=15), out, 3)):
        monkeypatch.setattr(evaluation, "load", lambda run, head=head: (head, None))
        assert command(capsys, "predict", trained.folder, tmp_path / "dev.json", "--out", path)[0] == ends
    fresh = SlowHead()
    monkeypatch.setattr(evaluation, "load", lambda run: (fresh, None))
    assert command(capsys, "predict", trained.folder, tmp_path / "dev.json", "--out", out)[0] == 0
    assert fresh.seen == 45
    assert out.read_bytes() == whole.read_bytes()


def test_a_journal_of_another_model_is_not_gone_on_with(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(predicting, "PIECE", 20)
    stopping = OverlapHead(stop_after=40)
    monkeypatch.setattr(evaluation, "load", lambda run: (stopping, None))
    out = tmp_path / "p.jsonl"
    command(capsys, "predict", trained.folder, tmp_path / "dev.json", "--out", out)
    (trained.model / "finetooth.json").write_text('{"trained": "again"}')
    fresh = OverlapHead()
    monkeypatch.setattr(evaluation, "load", lambda run: (fresh, None))
    command(capsys, "predict", trained.folder, tmp_path / "dev.json", "--out", out)
    assert fresh.seen == 60


def test_rows_without_a_target_are_predicted(trained, tmp_path, capsys):
    rows = [
        {"question": "Who left?", "context": "Ada left Rome."},
        {"id": 7, "question": "Who?", "context": "Bo."},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    code, out, _ = command(capsys, "predict", trained.folder, tmp_path / "rows.jsonl")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert lines[0]["prediction"] == "Ada"
    assert lines[1]["id"] == "7"


def test_rows_of_standard_input_are_predicted_as_they_come(trained, capsys, monkeypatch):
    def feed(text):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    feed(
        '{"id": "a", "question": "Who left?", "context": "Ada left Rome."}\n\n{"id": "b", "question": "Who?", "context": "Bo sat."}\n'
    )
    code, out, _ = command(capsys, "predict", trained.folder, "-", "--chunk", 1)
    assert code == 0
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["a", "b"]
    feed('{"id": "a", "question": "Who left?", "context": "Ada left Rome."}\n{"id": "b"\n')
    code, out, err = command(capsys, "predict", trained.folder, "-", "--chunk", 1)
    assert code == 2
    assert "standard input:2: not JSON" in err
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["a"]


def test_pairs_without_a_label_are_read_for_prediction(tmp_path):
    (tmp_path / "pairs.jsonl").write_text('{"premise": "Ada left.", "hypothesis": "Ada went."}\n')
    rows = predicting.unlabelled(readers.Source(tmp_path / "pairs.jsonl"), registry.task("nli"))
    assert [e.inputs.premise for e in rows] == ["Ada left."]


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["nowhere"], "no run here"),
        (["{run}", "nothing.json"], "no such file"),
        (["{run}", "{dev}", "--split", "../x"], "not a name for a split"),
        (["{run}", "{pairs}"], "unknown format for the task qa"),
    ],
)
def test_wrong_usage_is_one_line(trained, tmp_path, capsys, argv, part):
    (tmp_path / "pairs.jsonl").write_text('{"premise": "a", "hypothesis": "b", "label": "x"}\n')
    names = {"run": trained.folder, "dev": tmp_path / "dev.json", "pairs": tmp_path / "pairs.jsonl"}
    code, _, err = command(capsys, "evaluate", *[a.format(**names) for a in argv])
    assert code == 2
    assert part in err
    assert "Traceback" not in err


def test_a_run_without_a_model_says_so(tmp_path, capsys):
    squad = next(r for r in registry.readers() if r.name == "squad")
    squad.write(examples(0, 4), tmp_path / "d.json")
    values = {"task": "qa", "data": {"train": str(tmp_path / "d.json")}, "out": str(tmp_path / "run")}
    Run.create(config.build(values)).release()
    code, _, err = command(capsys, "evaluate", tmp_path / "run", tmp_path / "d.json")
    assert code == 2
    assert "no trained model here" in err


def test_the_library_does_the_same_without_a_file(trained):
    some = examples(500, 4)
    data = Dataset("qa", some, "memory", "memory", "f" * 16)
    done = evaluation.evaluate(trained, data, split="x", keep=False, loaded=(OverlapHead(), None))
    assert len(done.predictions) == 12
    assert "x" not in trained.scores()


@pytest.mark.parametrize("split", ["train", "dev"])
@pytest.mark.parametrize("drawn", [{"max_train_examples": 9, "max_dev_examples": 4}, {"dev_share": 0.3}])
def test_a_file_that_the_run_drew_from_is_not_called_another(tmp_path, capsys, split, drawn):
    from finetooth.cli._splits import of_run
    from finetooth.runs import describe
    from finetooth.train import data as splitting

    squad = next(r for r in registry.readers() if r.name == "squad")
    paths = {"train": tmp_path / "train.json", "dev": tmp_path / "dev.json"}
    for start, path in zip((0, 40), paths.values(), strict=True):
        squad.write(examples(start, 20), path)
    if "dev_share" in drawn:
        paths["dev"] = paths["train"]
    named = {name: str(path) for name, path in paths.items() if name == "train" or "dev_share" not in drawn}
    run = Run.create(config.build({"task": "qa", "data": {**named, **drawn}, "out": str(tmp_path / "run")}))
    splits = splitting.load(run.config)
    run.update(data={"train": describe(splits.train), "dev": describe(splits.dev)})
    run.release()
    found = of_run(run, split, str(paths[split]))
    assert len(found.data) == len(readers.load(paths[split], task="qa"))
    assert "another fingerprint" not in capsys.readouterr().err
    squad.write(examples(100, 20), paths[split])
    of_run(run, split, str(paths[split]))
    assert "another fingerprint" in capsys.readouterr().err


class LabelHead:
    """A head that classifies pairs, and says the same of all."""

    name = "pair"
    labels = ("contradiction", "entailment", "neutral")

    def predict(self, model, some, *, batch_tokens=8192, progress=None):
        nli = registry.task("nli")
        return [Prediction(e.id, nli.parse("entailment", e), 0.5) for e in some]


def pairs(tmp_path, *labels):
    rows = [
        {"premise": f"Ada left at {i}.", "hypothesis": f"She left at {i}.", "label": x}
        for i, x in enumerate(labels)
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    config_ = {"task": "nli", "data": {"train": str(file)}, "out": str(tmp_path / "nli-run")}
    return config_, file


def scored(run, file, **options):
    data = readers.load(file, **options)
    return evaluation.evaluate(run, data, split="other", loaded=(LabelHead(), None), keep=False).report


def test_data_of_other_labels_than_the_runs_are_refused_before_anything_is_predicted(tmp_path):
    values, file = pairs(tmp_path, 0, 1, 2, 0)
    run = Run.create(config.build(values))
    with pytest.raises(UsageError) as refused:
        scored(run, file)
    assert "'0' (2 rows)" in str(refused.value)
    assert "'contradiction', 'entailment'" in str(refused.value)
    assert "--labels 0=" in refused.value.cure
    report = scored(run, file, labels={"0": "entailment", "1": "neutral", "2": "contradiction"})
    assert report.score("accuracy").value == 50
    run.release()


def test_labels_that_the_run_has_never_learnt_are_counted_and_other_spellings_are_none(tmp_path):
    values, file = pairs(tmp_path, "entailment", "contradiction", "unrelated", "unrelated")
    run = Run.create(config.build(values))
    assert any("never learnt" in n and "'unrelated' (2 rows)" in n for n in scored(run, file).notes)
    # What the scorer takes for one label is one.
    pairs(tmp_path, "entailed", "contradicted")
    assert scored(run, file).score("accuracy").value == 50
    assert not [n for n in scored(run, file).notes if "never learnt" in n]
    run.release()
