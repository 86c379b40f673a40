"""The model card: README.md with the Hub's metadata, floors beside scores, and what the data checks said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetooth import __version__, io
from finetooth.report.collect import Shown
from finetooth.report.html import verdict

# Our task names -> the Hub's pipeline tags, and the class of transformers that loads the weights. The pair
# head's classifier is finetooth's own: transformers loads the body that it stands on.
PIPELINES = {
    "qa": ("question-answering", "AutoModelForQuestionAnswering"),
    "ner": ("token-classification", "AutoModelForTokenClassification"),
    "relation": ("text-classification", "AutoModel"),
    "nli": ("text-classification", "AutoModel"),
    "json": ("text-generation", "AutoModelForCausalLM"),
}


def metadata(shown: Shown) -> dict[str, Any]:
    """The front matter as plain values: what huggingface_hub's ModelCardData takes."""
    task = str(shown.config.get("task"))
    pipeline = _loading(shown)[0]
    base = str(shown.config.get("model", {}).get("name"))
    data = shown.info.get("data") or {}
    source = Path(
        str(shown.config.get("data", {}).get("dev") or shown.config.get("data", {}).get("train"))
    ).name
    results = [
        {
            "task": {"type": pipeline, "name": task},
            "dataset": {
                "type": source,
                "name": source,
                "split": split,
                "revision": str(_fingerprint(data, split) or scores.get("data_fingerprint") or "unknown"),
            },
            "metrics": [
                {"type": s["name"], "name": s["name"], "value": round(s["value"], 4), "verified": False}
                for s in scores.get("scores", ())
                if s.get("value") is not None
            ],
        }
        for split, scores in shown.scores.items()
        if isinstance(scores, Mapping) and scores.get("scores")
    ]
    card: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": pipeline,
        "tags": ["finetooth", task],
        "model-index": [{"name": shown.name, "results": results}],
    }
    # The Hub only knows names of the Hub; starters and folders are said in the text.
    if "/" in base and not Path(base).exists() and not base.startswith((".", "/")):
        card["base_model"] = base
    return card


def _loading(shown: Shown) -> tuple[str, str]:
    head = (shown.info.get("model") or {}).get("head") or shown.config.get("model", {}).get("head")
    if head == "causal":
        return PIPELINES["json"]
    return PIPELINES.get(str(shown.config.get("task")), ("other", "AutoModel"))


def _own(shown: Shown) -> str:
    """What tells transformers of an encoder of our own; "" for a model of the library."""
    made = ((shown.info.get("preflight") or {}).get("model") or {}).get("class", "")
    if not str(made).startswith("EncoderFor"):
        return ""
    return "from finetooth.models import scratch\nscratch.register()\n"


def _fingerprint(data: Mapping[str, Any], split: str) -> str | None:
    part = data.get(split)
    return part.get("fingerprint") if isinstance(part, Mapping) else None


def render(shown: Shown) -> str:
    """The card as Markdown. All values of the data are fenced or escaped, so that text stays text."""
    import yaml

    front = yaml.safe_dump(metadata(shown), sort_keys=False, allow_unicode=True)
    _, loader = _loading(shown)
    lines = [f"---\n{front}---\n", f"# {escape(shown.name)}\n", f"{verdict(shown)}\n"]
    lines += [f"> {escape(note)}\n" for note in shown.notes]
    lines += [
        "## Use\n",
        f"```python\nfrom transformers import AutoTokenizer, {loader}\n{_own(shown)}"
        f'tokenizer, model = AutoTokenizer.from_pretrained("model"), {loader}.from_pretrained("model")\n```\n',
        *(["That is the encoder; its classifier is finetooth's own:\n"] if loader == "AutoModel" else []),
        '```python\nfrom finetooth.models.load import load_run\nhead, model = load_run("model")\n```\n',
        f"Or with everything the run knows (windows, thresholds, labels): `finetooth predict {escape(shown.name)} FILE --out OUT`.\n",
        "## Scores\n",
        "| split | score | value | 95 % interval | floor | examples |",
        "|---|---|---:|---|---:|---:|",
    ]
    for split, scores in shown.scores.items():
        for s in scores.get("scores", ()) if isinstance(scores, Mapping) else ():
            span = "–" if s.get("low") is None else f"{s['low']:.2f} to {s['high']:.2f}"
            floor = "–" if s.get("floor") is None else f"{s['floor']:.2f}"
            value = "–" if s.get("value") is None else f"{s['value']:.2f}"
            lines.append(f"| {escape(split)} | {escape(s['name'])} | {value} | {span} | {floor} | {s['n']} |")
    lines += [
        "\nThe floor is the best of what needs no model (majority, random, copying); a score at its floor means nothing.\n",
        "## Data\n",
        f"Base model: {escape(str(shown.config.get('model', {}).get('name')))}. "
        f"Training data: {escape(Path(str(shown.config.get('data', {}).get('train'))).name)}.\n",
    ]
    found = shown.summary.get("findings", {})
    lines += [f"- {escape(severity)} {escape(check)}: {n}" for (severity, check), n in found.items()] or [
        "- The checks at the gate kept no findings."
    ]
    lines += [f"- dropped before training: {len(shown.dropped)} (dropped.jsonl names each with its reason)\n"]
    lines += [
        "## Limits\n",
        "- The scores hold for data like the split they were taken on; other text was not measured.",
        "- The interval covers the choice of examples, not the seed of training.",
        f"\nMade by finetooth {__version__}; `report.html` shows the learning curves, the data map and the errors.",
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that Markdown and the HTML in it leave alone, on one line."""
    line = " ".join(text.split())
    for mark in "\\`*_[]<>|#!":
        line = line.replace(mark, "\\" + mark)
    return line


def write(shown: Shown, path: str | Path) -> None:
    with io.atomic(path) as f:
        f.write(render(shown))
