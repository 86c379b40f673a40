"""What holds for everything in the registry, whoever added it."""

import dataclasses
import inspect
import json
from functools import cache

import pytest

from finetooth import checks, generate, readers, registry
from finetooth.evaluate.score import score
from finetooth.generate.json_rows import generate_json, write_schemas
from finetooth.io import Source, to_json, write_jsonl
from finetooth.types import SEVERITIES, Finding

# Formats that keep words and sentences, not the text between them: what they read is what they write again.
LOSSY = {"conll", "docie-ner", "docie-relation", "docred-ner", "docred-relation"}
# Readers that see a file of another and could read it: entities of a relation file, rows that hold spans.
KIN = {
    "docie-ner": {"docie-relation"},
    "docie-relation": {"docie-ner"},
    "docred-ner": {"docred-relation"},
    "docred-relation": {"docred-ner"},
    "ner-rows": {"spans"},
    "relation-rows": {"relation-rows-ner"},
}


@cache
def made(name):
    """Some examples of every task, from the built-in world."""
    task = registry.task(name)
    if name == "json":
        rows = generate_json(24, seed=1)
    elif name in generate.VIEWS:
        rows = generate.make(name, 24, seed=3).rows
    else:
        pytest.skip(f"the built-in world has no view for {name} yet")
    return [task.from_row(row, f"row {i}") for i, row in enumerate(rows)]


def complete(name, folder):
    """The same with what stands beside the rows: schemas say what an answer must look like."""
    if name != "json":
        return made(name)
    write_schemas(folder / "schemas")
    write_jsonl(folder / "rows.jsonl", map(registry.task(name).to_row, made(name)))
    return readers.load(folder / "rows.jsonl", schemas=folder / "schemas").examples


def told(examples):
    return [(e.id, e.inputs, e.target) for e in examples]


TASKS = list(registry.tasks().values())
WRITERS = [r for r in registry.readers() if r.write is not None]
by_name = {"ids": lambda thing: thing.name}


# Tasks


@pytest.mark.parametrize("task", TASKS, **by_name)
def test_gold_against_gold_is_perfect(task, tmp_path):
    examples = complete(task.name, tmp_path)
    report = score(task, examples, [task.gold(e) for e in examples], floors=False, resamples=20)
    assert report.ceilings == {}
    assert report.missing == report.unknown == ()
    values = {s.name: s.value for s in report.scores}
    assert values[task.main_metric] in (1.0, 100.0)
    for metric in task.metrics:
        best = (1.0, 100.0) if metric.higher_is_better else (0.0,)
        assert values[metric.name] in best, metric.name


@pytest.mark.parametrize("task", TASKS, **by_name)
def test_no_predictions_score_nothing(task):
    examples = made(task.name)
    report = score(task, examples, [None] * len(examples), floors=False, resamples=20)
    assert set(report.missing) == {e.id for e in examples}
    assert report.score(task.main_metric).value == 0.0


@pytest.mark.parametrize("task", TASKS, **by_name)
def test_a_row_comes_back_from_its_example(task):
    for example in made(task.name):
        row = task.to_row(example)
        again = task.from_row(json.loads(to_json(row)), "again")
        assert (again.id, again.inputs, again.target) == (example.id, example.inputs, example.target)
        assert task.to_row(again) == row


@pytest.mark.parametrize("task", TASKS, **by_name)
def test_a_prediction_comes_back_from_its_file(task):
    examples, predictions = made(task.name), []
    for example in examples:
        gold = task.gold(example)
        assert gold.example_id == example.id
        shown = json.loads(to_json(task.show(gold.target)))
        read = task.parse(shown, example)
        assert task.parse(json.loads(to_json(task.show(read))), example) == read
        predictions.append(dataclasses.replace(gold, target=read))
    report = score(task, examples, predictions, floors=False, resamples=20)
    assert report.score(task.main_metric).value in (1.0, 100.0)


@pytest.mark.parametrize("task", TASKS, **by_name)
def test_an_example_without_an_id_gets_the_same_one_everywhere(task):
    for example in made(task.name):
        row = {k: v for k, v in task.to_row(example).items() if k != "id"}
        one, other = (
            task.from_row(row, "a.jsonl:1"),
            task.from_row(dict(reversed(row.items())), "b.jsonl:900"),
        )
        assert one.id == other.id
        assert one.id


@pytest.mark.parametrize("task", TASKS, **by_name)
def test_a_task_says_what_it_has(task):
    assert task.main_metric in task.metric_names
    assert task.summary
    examples = made(task.name)
    for floor in task.floors:
        import numpy as np

        predictions = floor.predict(examples, examples, np.random.default_rng(0))
        assert [p.example_id for p in predictions] == [e.id for e in examples], floor.name
    for ablation in task.ablations:
        assert [ablation.change(e).id for e in examples] == [e.id for e in examples], ablation.name


# Readers


@pytest.mark.parametrize("reader", registry.readers(), **by_name)
def test_a_reader_belongs_to_a_task(reader):
    assert reader.task in registry.tasks()
    assert reader.summary


@pytest.mark.parametrize("reader", WRITERS, **by_name)
def test_what_is_written_is_read_again(reader, tmp_path):
    examples = made(reader.task)
    reader.write(examples, tmp_path / "first")
    data = readers.load(tmp_path / "first", task=reader.task)
    assert data.format == reader.name
    if reader.name not in LOSSY:
        assert told(data.examples) == told(examples)
    assert len(data) == len(examples)
    reader.write(data.examples, tmp_path / "second")
    again = readers.load(tmp_path / "second", task=reader.task)
    assert told(again.examples) == told(data.examples)
    assert again.fingerprint == data.fingerprint


@pytest.mark.parametrize("reader", WRITERS, **by_name)
def test_a_reader_knows_its_own_files_and_no_others(reader, tmp_path):
    path = tmp_path / "data"
    reader.write(made(reader.task), path)
    claims = {r.name for r in registry.readers() if r.sniff(Source(path))}
    assert reader.name in claims
    assert claims - {reader.name} <= KIN.get(reader.name, set())


@pytest.mark.parametrize("reader", registry.readers(), **by_name)
def test_no_reader_claims_what_is_no_data(reader, tmp_path):
    for i, text in enumerate(
        ["Dear Bo,\nhow are you?", "# A page\n\nwith text", "5", "null", '"text"', "{}", "[]", "a = 1\n"]
    ):
        path = tmp_path / str(i)
        path.write_text(text)
        assert not reader.sniff(Source(path)), text
    (tmp_path / "folder").mkdir()
    assert not reader.sniff(Source(tmp_path / "folder"))


# Checks


@pytest.mark.parametrize("check", registry.checks(), **by_name)
def test_a_check_documents_itself(check):
    assert "Bad:" in check.doc
    assert "Fix:" in check.doc
    assert check.tasks == () or set(check.tasks) <= set(registry.tasks())
    assert check.severity in SEVERITIES


@pytest.mark.parametrize("check", registry.checks(), **by_name)
def test_a_check_runs_on_no_examples_and_on_one(check):
    for name in check.tasks or registry.tasks():
        if check.needs in ("", "against"):
            for examples in ([], made(name)[:1]):
                context = registry.CheckContext(against=made(name)[1:2], against_name="other")
                assert all(isinstance(f, Finding) for f in check(examples, context))


@pytest.mark.parametrize("task", TASKS, **by_name)
def test_findings_are_json_and_name_their_rows(task):
    examples = made(task.name)
    twice = [*examples, *(dataclasses.replace(e, id=f"{e.id} again") for e in examples)]
    known = {e.id for e in twice} | {""}
    for check in registry.checks(task.name):
        if check.needs not in ("", "against"):
            continue
        for finding in check(twice, registry.CheckContext(against=examples, against_name="other")):
            assert finding.example_id in known
            assert finding.check == check.name
            assert finding.severity in SEVERITIES
            assert finding.message
            assert json.loads(to_json(finding))["evidence"] == json.loads(to_json(finding.evidence))


@pytest.mark.parametrize("task", TASKS, **by_name)
def test_the_same_data_give_the_same_findings(task):
    data = readers.Dataset(task.name, made(task.name), "", "", "")
    first = checks.run(data, against=data)
    assert checks.run(data, against=data).findings == first.findings


def test_names_are_one_of_a_kind_and_plain():
    for kind in (
        registry.tasks(),
        {r.name: r for r in registry.readers()},
        {c.name: c for c in registry.checks()},
    ):
        assert all(name == name.lower() and " " not in name for name in kind)


@pytest.mark.parametrize("folder", ["tasks", "readers", "checks"])
def test_every_module_says_what_it_is_for(folder):
    for module in registry._modules(folder):
        assert inspect.getdoc(module), module.__name__


def test_named_entities_are_read_from_a_file_of_relations(tmp_path):
    path = tmp_path / "relation.jsonl"
    write_jsonl(path, map(registry.task("relation").to_row, made("relation")))
    data = readers.load(path, task="ner")
    assert data.format == "relation-rows-ner"
    said = {(m.start, m.end, e.type) for d in made("relation") for e in d.inputs.entities for m in e.mentions}
    spans = {(s["start"], s["end"], s["type"]) for e in data.examples for s in registry.task("ner").to_row(e)["entities"]}  # fmt: skip
    assert spans
    assert spans <= said
