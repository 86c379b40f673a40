"""What others see of a run: all text is text, nothing leaves the page, floors stand beside scores."""

import json
import re

import pytest
import yaml
from hostile import PAYLOADS as HOSTILE

from finetooth import io
from finetooth.cli import main
from finetooth.report import card, html, leaderboard
from finetooth.report.collect import collect, visible


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
    rows = leaderboard.entries(runs)
    tables = leaderboard.groups(rows)
    assert [[e.run for e in group] for _, group in tables] == [["b", "a"], ["c"]]
    assert "| b |" in leaderboard.markdown(rows)
    assert "<td>b</td>" in leaderboard.html(rows)


def test_a_deprecated_data_set_is_marked(tmp_path):
    run = make_run(tmp_path / "a")
    io.write_json(
        tmp_path / "a" / "dev.jsonl.version.json", {"fingerprint": "x", "deprecated": "sums are wrong"}
    )
    assert "DEPRECATED: sums are wrong" in leaderboard.groups(leaderboard.entries([run]))[0][0]


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
