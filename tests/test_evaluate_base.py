"""A base model before there is a run: asked with the same prompts, scored by the same code, said to be untrained."""

import json

import pytest
from test_models_causal import save_base

from finetooth.cli import main
from finetooth.evaluate import base
from finetooth.runs import Run

SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_base(tmp_path_factory.mktemp("plain"), max_position_embeddings=512)


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "rows.jsonl"
    places = ("Rome", "Oslo", "Lima")
    made = [
        {
            "id": p,
            "prompt": f"Ada: {p}",
            "schema_id": "place",
            "schema": SCHEMA,
            "expected_output": {"place": p},
        }
        for p in places
    ]
    path.write_text("".join(json.dumps(r) + "\n" for r in made))
    return path


def run(capsys, *argv):
    capsys.readouterr()
    code = main([*map(str, argv)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_base_model_is_scored_before_there_is_a_run(model, rows, capsys):
    code, out, err = run(capsys, "evaluate", model, rows, "--task", "json", "--resamples", 50, "--json")
    said = json.loads(out)
    assert code == 0
    assert "has seen no example of json" in err
    exact = next(s for s in said["scores"] if s["name"] == "exact_match")
    assert exact["n"] == 3
    assert exact["value"] < exact["floor"], "random weights beat copying"
    # The longest gold answer has some ten tokens: what is granted follows from it and is told.
    assert "a quarter more than the longest gold one" in err


def test_held_to_the_schema_even_random_weights_answer_in_shape(model, rows, capsys):
    options = ("--option", "max_new_tokens=60", "--resamples", 20, "--json")
    _, out, _ = run(capsys, "evaluate", model, rows, "--constrain", *options)
    free = json.loads(run(capsys, "evaluate", model, rows, *options)[1])
    held = {s["name"]: s["value"] for s in json.loads(out)["scores"]}
    assert held["schema_compliance"] >= {s["name"]: s["value"] for s in free["scores"]}["schema_compliance"]


def test_its_answers_are_kept_where_they_are_asked_for(model, rows, tmp_path, capsys):
    kept = tmp_path / "before"
    argv = ("evaluate", model, rows, "--out", kept, "--split", "dev", "--resamples", 20, "--json")
    code, out, _ = run(capsys, *argv)
    assert code == 0
    folder = Run.open(kept)
    assert folder.status == base.UNTRAINED
    assert folder.scores()["dev"]["scores"] == json.loads(out)["scores"]
    again, _, _ = run(capsys, "score", folder.predictions_path("dev"), rows, "--task", "json", "--json")
    assert again == 0
    # The same again is fine; another model's answers do not mix with them.
    assert run(capsys, *argv)[0] == 0
    code, _, err = run(capsys, *argv, "--option", "max_new_tokens=7")
    assert (code, "holds another run" in err) == (2, True)
    code, _, err = run(capsys, "evaluate", kept, rows)
    assert (code, "name the model itself" in err) == (2, True)


def test_predict_asks_it_too(model, rows, capsys):
    code, out, err = run(
        capsys, "predict", model, rows, "--task", "json", "--option", "max_new_tokens=3", "--json"
    )
    assert code == 0
    assert [p["id"] for p in json.loads(out)["predictions"]] == ["Rome", "Oslo", "Lima"]
    assert "as it comes" in err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("evaluate", "{model}", "{rows}", "--head", "token"), "has no weights before it is trained"),
        (("evaluate", "{model}", "{rows}", "--option", "temprature=1"), "temperature"),
        (("evaluate", "{model}", "{rows}", "--entities-from", "x"), "needs a run of relations"),
        (("evaluate", "{model}", "--task", "json"), "no data of its own"),
        (("evaluate", "misspelt", "{rows}"), "no run here"),
        (("evaluate", "starter:smollm3", "{rows}"), "did you mean"),
        (("predict", "{model}", "{rows}"), "--task json"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(model, rows, capsys, argv, said):
    code, _, err = run(capsys, *(a.format(model=model, rows=rows) for a in argv))
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_a_head_with_new_weights_is_refused_with_the_cure(model, tmp_path, capsys):
    rows = tmp_path / "pairs.csv"
    rows.write_text("premise,hypothesis,label\nA dog runs.,An animal runs.,1\nA dog runs.,A cat sleeps.,0\n")
    code, _, err = run(capsys, "evaluate", model, rows, "--head", "pair")
    assert code == 2
    assert "drawn by chance" in err
    assert "finetooth train --task nli" in err
