"""The model card: what the Hub reads of it, what it admits, and that its two lines run."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml
from hostile import PAYLOADS
from test_predict_stream import bases, run_of  # noqa: F401
from test_report import change, make_run

from finetooth.cli import main
from finetooth.errors import UsageError
from finetooth.report import card
from finetooth.report.collect import collect

CLASSES = {
    ("qa", "span"): "ForQuestionAnswering",
    ("ner", "token"): "ForTokenClassification",
    ("nli", "pair"): "Model",
    ("relation", "pair"): "Model",
    ("json", "causal"): "ForCausalLM",
}
# finetooth cannot be imported there: what the card promises is for people without it.
PROBE = """
import sys
sys.modules["finetooth"] = None
for code in sys.argv[1:]:
    scope = {}
    exec(code, scope)
    out = scope["model"](**scope["tokenizer"]("a b c", return_tensors="pt"))
    print(type(scope["model"]).__name__, len(out))
"""


@pytest.mark.slow
def test_the_two_lines_run_with_transformers_alone(bases, tmp_path):  # noqa: F811
    lines = []
    for i, (task, head) in enumerate(CLASSES):
        folder = tmp_path / f"run{i}"
        run_of(folder, task, head, bases)
        code = re.search(r"```python\n(from transformers.*?)```", card.render(collect(folder)), re.S)[1]
        assert len(code.strip().splitlines()) == 2
        lines.append(code.replace('"model"', repr(str(folder / "model"))))
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *lines],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    made = [line.split()[0] for line in done.stdout.splitlines()]
    assert len(made) == len(CLASSES)
    assert all(name.endswith(end) for name, end in zip(made, CLASSES.values(), strict=True)), made


def test_the_command_on_the_card_can_be_copied(tmp_path):
    folder = make_run(tmp_path / "r_host")
    assert "`finetooth predict r_host FILE --out OUT`." in card.render(collect(folder))
    assert card.code("finetooth predict 'a`b' FILE") == "`` finetooth predict 'a`b' FILE ``"


def test_the_hub_reads_what_it_asks_for(tmp_path):
    hub = pytest.importorskip("huggingface_hub")
    run = make_run(tmp_path / "run", texts=PAYLOADS, n=len(PAYLOADS))
    change(run, lambda info: info["config"]["data"].update(train="hub:org/pairs:easy@train"))
    text = card.render(collect(run), card.Said("apache-2.0", ("snli",)))
    data = hub.ModelCard(text).data
    assert (data.license, data.datasets) == ("apache-2.0", ["snli", "org/pairs"])
    assert data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert data.library_name == "transformers"
    (result,) = data.eval_results
    assert (result.dataset_type, result.dataset_split, result.metric_value) == ("dev.jsonl", "dev", 60.0)
    assert result.dataset_args == {"fingerprint": "d1"}
    # Read and written again by the Hub's own code, nothing is lost.
    assert yaml.safe_load(data.to_yaml()) == yaml.safe_load(text.split("---\n")[1])


def test_names_of_files_are_no_ids(tmp_path):
    run = make_run(tmp_path / "run")
    change(run, lambda info: info["config"]["data"].update(dev="/data/<b> & Söhne/dev set.jsonl"))
    (result,) = card.metadata(collect(run))["model-index"][0]["results"]
    assert result["dataset"]["type"] == "dev-set.jsonl"


def test_a_run_without_scores_has_a_card_without_results(tmp_path):
    hub = pytest.importorskip("huggingface_hub")
    run = make_run(tmp_path / "run")
    (run / "scores.json").unlink()
    text = card.render(collect(run))
    assert "model-index" not in text
    assert "None yet." in text
    assert hub.ModelCard(text).data.eval_results is None


def test_the_card_admits_what_speaks_against_the_model(tmp_path):
    run = make_run(tmp_path / "run", value=50, floor=48)
    data = {
        "train": {"source": "gone.jsonl", "examples": 7, "fingerprint": "f7", "deprecated": "sums | wrong"}
    }
    change(run, lambda info: info.update(data=data))
    text = card.render(collect(run))
    for said in (
        "> The train data are DEPRECATED: sums \\| wrong",
        "**not above it**",
        "not above its chance floor: this model has not been shown",
        "| warning | mojibake | 1 |",
        "- train: 7 examples of gone.jsonl, version f7",
        "No licence has been declared",
    ):
        assert said in text, said
    assert "No licence" not in card.render(collect(run), card.Said("mit"))


@pytest.mark.parametrize(("licence", "dataset"), [("Apache 2", "x"), ("mit", "a b"), ("mit", "a/b/c")])
def test_what_the_hub_would_refuse_is_refused(licence, dataset, tmp_path, capsys):
    with pytest.raises(UsageError, match="as the Hub has it"):
        card.Said(licence, (dataset,))
    run = make_run(tmp_path / "run")
    assert main(["report", str(run), "--license", licence, "--dataset", dataset]) == 2
    assert not (run / "README.md").exists()
    assert main(["report", str(run), "--license", "mit", "--dataset", "a/b", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["card"]
