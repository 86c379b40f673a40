"""What others see of a run: all text is text, nothing leaves the page, floors stand beside scores."""

import json
import re

import pytest
import yaml
from hostile import PAYLOADS as HOSTILE

from finetooth import io, registry
from finetooth.cli import main
from finetooth.report import card, html, leaderboard
from finetooth.report.collect import collect, visible
from finetooth.report.said import in_words


def make_run(folder, *, texts=("plain",), n=20, seed=0, value=60.0, floor=10.0, fingerprint="d1"):
    """A finished run of the task nli, as train leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = [f"p{i}/{texts[i % len(texts)][:40]}" for i in range(n)]
    ids = [i.encode("utf-8", "replace").decode() for i in ids]
    text = lambda i: texts[i % len(texts)].encode("utf-8", "replace").decode()  # noqa: E731
    rows = [
        {"id": name, "premise": text(i), "hypothesis": text(i + 1), "label": i % 2}
        for i, name in enumerate(ids)
    ]
    io.write_jsonl(folder / "dev.jsonl", rows)
    config = {
        "task": "nli",
        "seed": seed,
        "data": {"train": "gone.jsonl", "dev": str(folder / "dev.jsonl")},
        "model": {"name": "starter:minilm"},
        "out": str(folder),
    }
    score = {
        "name": "accuracy",
        "value": value,
        "low": value - 5,
        "high": value + 5,
        "n": n,
        "floor": floor,
        "floors": {},
    }
    slices = [
        {
            "by": "label",
            "slice": text(0),
            "name": "accuracy",
            "value": 50.0,
            "low": None,
            "high": None,
            "n": n,
        }
    ]
    gate = {"counts": {"error": 0, "warning": 1, "info": 0}, "findings": [
        {"example_id": ids[0], "check": "mojibake", "severity": "warning", "message": text(0)}]}  # fmt: skip
    info = {"format": 1, "status": "finished", "config": config, "gate": gate, "command": ["finetooth", "train", text(0)], "versions": {"torch": "2"}}  # fmt: skip
    io.write_json(folder / "run.json", info)
    io.write_json(folder / "scores.json", {"dev": {"scores": [score], "slices": slices, "data_fingerprint": fingerprint, "metric_fingerprint": "m"}})  # fmt: skip
    io.write_jsonl(
        folder / "predictions" / "dev.jsonl",
        [{"id": n, "prediction": text(i), "confidence": 0.5} for i, n in enumerate(ids)],
    )
    io.write_jsonl(
        folder / "steps.jsonl", [{"step": i, "loss": 2.0 / (i + 1), "learning_rate": 1e-4} for i in range(30)]
    )
    io.write_jsonl(folder / "dropped.jsonl", [{"example_id": ids[0], "stage": "gate", "reason": text(0)}])
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = {
        "example_id": ids,
        "confidence": [i / n for i in range(n)],
        "variability": [0.1] * n,
        "category": ["easy"] * n,
    }
    pq.write_table(pa.table(table), folder / "cartography.parquet")
    return folder


def test_hostile_text_stays_text(tmp_path):
    page = html.render(collect(make_run(tmp_path / "run", texts=HOSTILE, n=len(HOSTILE))))
    body, _, rest = page.partition('<script type="application/json" id="data">')
    data, _, script = rest.partition("</script>")
    json.loads(data)
    # Markup of the data stands nowhere as markup: the page has its own two scripts and no image.
    assert page.count("<script") == 2
    assert "<img" not in page
    assert "<!--" not in page
    assert "\u202e" not in page
    assert "49" not in re.findall(r"p\d+/\{\{ (\S+)", page)
    assert not re.search(r'(?:href|src)="(?!#)', body + script)
    assert len(page) < 1_000_000


def test_ten_thousand_examples_stay_under_five_megabytes(tmp_path):
    words = "the quick brown fox jumps over a lazy dog and goes home to sleep until it is noon again " * 4
    page = html.render(collect(make_run(tmp_path / "run", texts=(words,), n=10_000)))
    assert len(page.encode()) < 5 * 2**20


def test_the_verdict_says_when_a_score_is_on_its_floor(tmp_path):
    assert "NOT above" in html.verdict(collect(make_run(tmp_path / "a", value=50, floor=48)))
    assert "NOT" not in html.verdict(collect(make_run(tmp_path / "b", value=60, floor=48)))


def test_the_card_is_what_the_hub_takes(tmp_path):
    hub = pytest.importorskip("huggingface_hub")
    shown = collect(make_run(tmp_path / "run", texts=HOSTILE))
    text = card.render(shown)
    made = hub.ModelCard(text)
    results = made.data.eval_results
    assert [(r.metric_type, r.metric_value) for r in results] == [("accuracy", 60.0)]
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["pipeline_tag"] == "text-classification"
    assert "10.00" in text
    assert "<script" not in text
    # A class of transformers with a classifier would draw a new one for this head, and say nothing.
    assert 'AutoModel.from_pretrained("model")' in text
    assert 'load_run("model")' in text


def test_what_is_right_is_what_the_metric_says(tmp_path):
    """Where several answers are right, the one that is not shown as the target is right too."""
    golds = [{"text": "Rome", "answer_start": 13}, {"text": "in Rome", "answer_start": 10}]
    row = {"question": "Where?", "context": "Ada lives in Rome.", "answers": golds}
    rows = [
        {
            **row,
            "id": name,
            "answers": [{"text": "Rome", "answer_start": 13}, {"text": "in Rome", "answer_start": 10}],
        }
        for name in "abc"
    ]
    run = make_run(tmp_path / "run")
    io.write_jsonl(run / "dev.jsonl", rows)
    info = json.loads((run / "run.json").read_text())
    info["config"]["task"] = "qa"
    info["preflight"] = {"warnings": ["dev.jsonl is deprecated: <b>"]}
    io.write_json(run / "run.json", info)
    said = {"a": "Rome", "b": "the in Rome!", "c": "Oslo"}
    io.write_jsonl(
        run / "predictions" / "dev.jsonl",
        [{"id": k, "prediction": v, "confidence": 0.5} for k, v in said.items()],
    )
    shown = collect(run)
    assert {r["example_id"]: r.get("right") for r in shown.rows if r["example_id"] in said} == {
        "a": True,
        "b": True,
        "c": False,
    }
    assert "dev.jsonl is deprecated: &lt;b&gt;" in html.render(shown)
    assert "<b>" not in card.render(shown)


def test_dev_scores_have_a_curve(tmp_path):
    steps = [{"step": i, "loss": 1.0} for i in range(4)] + [
        {"step": 2, "dev_f1": 30.0},
        {"step": 4, "dev_f1": 60.0},
    ]
    made = {c["label"]: c for c in html.curves(steps)}
    assert list(made) == ["training loss", "dev f1"]
    assert made["dev f1"]["end"] == "60"


def test_the_leaderboard_never_ranks_across_data(tmp_path):
    runs = [
        make_run(tmp_path / "a", value=60),
        make_run(tmp_path / "b", value=70, seed=1),
        make_run(tmp_path / "c", value=99, fingerprint="other"),
    ]
    rows, left = leaderboard.board([*runs, tmp_path, runs[0]])
    tables = leaderboard.groups(rows)
    assert [[e.run for e in group.entries] for group in tables] == [["b", "a"], ["c"]]
    assert [(x.folder, x.is_run) for x in left] == [(tmp_path.name, False)]
    assert "| b |" in leaderboard.markdown(rows)
    assert '<th scope="row">b</th>' in leaderboard.html(rows)


def test_a_run_without_scores_is_named_and_not_ranked(tmp_path, capsys):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "<b>")]
    (runs[1] / "scores.json").unlink()
    assert main(["leaderboard", *map(str, runs), "--json"]) == 0
    out, err = capsys.readouterr()
    assert [e["run"] for e in json.loads(out)["entries"]] == ["a"]
    assert json.loads(out)["not_ranked"] == [
        {"folder": "<b>", "why": "no scores for dev (finished)", "is_run": True}
    ]
    assert "not ranked: <b>" in err
    page = leaderboard.html(*leaderboard.board(runs))
    assert "&lt;b&gt;: no scores for dev" in page
    assert main(["leaderboard", *map(str, runs), "--split", "test"]) == 2
    assert "it has dev" in capsys.readouterr().err


def test_versions_of_data_stand_beside_the_score(tmp_path):
    """What is trained on, from what it was made, what the checks said; and why nobody should use it any more."""
    run = make_run(tmp_path / "a")
    change(run, lambda info: info["config"]["data"].update(train=str(run / "dev.jsonl")))
    manifest = {
        "fingerprint": "x",
        "parent": "p0",
        "changed": "12 rows mended",
        "deprecated": "sums <are> wrong",
    }
    io.write_json(run / "dev.jsonl.version.json", manifest)
    rows = leaderboard.entries([run])
    assert (rows[0].parent, rows[0].version, rows[0].validation) == ("p0", "12 rows mended", "1 warning")
    assert leaderboard.groups(rows)[0].deprecated == "sums <are> wrong"
    for text in (leaderboard.markdown(rows), leaderboard.html(rows)):
        assert "DEPRECATED: sums" in text
        assert "12 rows mended" in text
        assert "<are>" not in text


def test_the_commands(tmp_path, capsys):
    run = make_run(tmp_path / "run")
    assert main(["report", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] > 1000
    assert (run / "report.html").is_file()
    assert (run / "README.md").is_file()
    assert main(["leaderboard", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"][0]["above_floor"] is True
    assert main(["report", str(tmp_path / "none"), "--json"]) == 2
    assert "no run here" in json.loads(capsys.readouterr().out)["error"]["what"]


@pytest.mark.parametrize("text", ["a\u202eb", "x\x00y", "\ud800"])
def test_controls_are_written_out(text):
    assert not re.search("[\u202a-\u202e\x00\ud800-\udfff]", visible(text))


def test_the_page_is_of_the_examples_that_the_run_drew(tmp_path):
    """Not of all that stand in its files; where they changed since, it says so."""
    run = make_run(tmp_path / "run")
    change(run, lambda info: info["config"]["data"].update(max_dev_examples=7))
    shown = collect(run)
    assert sum("input" in row for row in shown.rows) == 7
    change(run, lambda info: info.update(data={"dev": {"source": "dev.jsonl", "fingerprint": "other"}}))
    assert any("not what they were" in note for note in collect(run).notes)


def test_labels_have_a_confusion_matrix(tmp_path):
    run = make_run(tmp_path / "run")
    rows = [json.loads(line) for line in (run / "dev.jsonl").read_text().splitlines()]
    said = [{"id": r["id"], "prediction": "1" if i else "?", "confidence": 0.5} for i, r in enumerate(rows)]
    io.write_jsonl(run / "predictions" / "dev.jsonl", said)
    made = html.confusion(collect(run).rows, "dev")
    assert made == {
        "0": {"0": 0, "1": 9, "something else": 1},
        "1": {"0": 0, "1": 10, "something else": 0},
    }


def test_another_split_of_the_same_examples_has_rows_of_its_own(tmp_path):
    run = make_run(tmp_path / "run")
    known = json.loads((run / "predictions" / "dev.jsonl").read_text().splitlines()[0])
    io.write_jsonl(run / "predictions" / "again.jsonl", [{**known, "prediction": "0"}])
    io.write_jsonl(run / "predictions" / ".half.partial.jsonl", [{"key": "of a stopped command"}])
    rows = [r for r in collect(run).rows if r["example_id"] == known["id"]]
    assert sorted((r["split"], r["prediction"]) for r in rows) == [("again", "0"), ("dev", "plain")]


def test_entities_and_relations_are_said_in_words():
    task = registry.task("relation")
    row = {
        "id": "r",
        "text": "Ada lives in Rome.",
        "entities": [
            {"type": "PER", "mentions": [{"start": 0, "end": 3, "text": "Ada"}]},
            {"type": "LOC", "mentions": [{"start": 13, "end": 17, "text": "Rome"}]},
        ],
        "triples": [{"head": 0, "relation": "in", "tail": 1}],
    }
    example = task.from_row(row, "row")
    assert in_words(task.show(example.target), example) == "Ada → in → Rome"
    assert in_words([{"start": 0, "end": 3, "text": "Ada", "type": "PER"}]) == "Ada (PER)"


# ---- folders that are not what they should be


def change(run, how):
    info = json.loads((run / "run.json").read_text())
    how(info)
    io.write_json(run / "run.json", info)


@pytest.mark.parametrize("name", ["scores.json", "cartography.parquet", "steps.jsonl", "dropped.jsonl"])
@pytest.mark.parametrize("content", [b"", b"[1, 2]\n", b"\x00\xff\xfe", b'{"half": ', None])
def test_a_torn_or_missing_file_costs_only_what_stood_in_it(tmp_path, name, content, capsys):
    run = make_run(tmp_path / "run")
    (run / name).unlink()
    if content is not None:
        (run / name).write_bytes(content)
    assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text("utf-8")
    assert "p7/" in page
    assert main(["leaderboard", str(run)]) == (2 if name == "scores.json" else 0)


@pytest.mark.parametrize("name", ["findings.jsonl", "dropped.jsonl"])
def test_a_file_torn_halfway_is_named_on_the_page(tmp_path, name):
    run = make_run(tmp_path / "run")
    whole = b'{"example_id": "p0/plain", "check": "c", "severity": "info", "message": "m", "stage": "gate"}\n'
    (run / name).write_bytes(whole)
    assert main(["report", str(run)]) == 0
    assert "is broken" not in (run / "report.html").read_text("utf-8")
    (run / name).write_bytes(whole + b'{"example_id": "p0/pl')
    assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text("utf-8")
    assert f"{name}: line 2 is broken; what stands from there on is not read." in page


@pytest.mark.parametrize("what", ["predictions/dev.jsonl", "findings.jsonl", "dynamics.parquet"])
def test_a_torn_file_that_lies_deeper(tmp_path, what):
    run = make_run(tmp_path / "run")
    (run / "cartography.parquet").unlink()
    (run / what).write_bytes(b'{"id": "p0/plain", "predi')
    assert main(["report", str(run)]) == 0


@pytest.mark.parametrize("status", ["running", "interrupted", "failed", "new"])
def test_a_run_that_did_not_end_says_so_and_shows_what_there_is(tmp_path, status, capsys):
    run = make_run(tmp_path / "run")
    for name in ("scores.json", "predictions/dev.jsonl", "cartography.parquet", "dropped.jsonl"):
        (run / name).unlink()
    change(run, lambda info: info.update(status=status, error={"what": "the disk is <full>"}, gate={}))
    assert main(["report", str(run)]) == 0
    out, _ = capsys.readouterr()
    assert "no scores yet" in out
    page = (run / "report.html").read_text("utf-8")
    assert f"This run is {status} (the disk is &lt;full&gt;)" in page
    assert "The checks before training have not run." in page
    assert "no scores yet" in (run / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": 1}',
        '{"format": 1, "config": {"task": "chess"}}',
        '{"format": 9}',
        "{",
        "null",
    ],
)
def test_a_folder_of_something_else_gets_one_line(tmp_path, content, capsys):
    (tmp_path / "run.json").write_text(content)
    for command in ("report", "leaderboard"):
        assert main([command, str(tmp_path)]) == 2
        out, err = capsys.readouterr()
        assert not out
        assert len(err.strip().splitlines()) <= 2
        assert "Traceback" not in err
    assert main(["report", str(tmp_path / "run.json")]) == 2
