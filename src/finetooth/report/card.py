"""The model card: README.md with the Hub's metadata, floors beside scores, and what the data checks said."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetooth import __version__, io
from finetooth.errors import UsageError
from finetooth.report.collect import Shown
from finetooth.report.html import standing, verdict
from finetooth.report.said import visible

# Our task names -> the Hub's pipeline tags, and the class of transformers that loads the weights. The pair
# head's classifier is finetooth's own: transformers loads the body that it stands on.
PIPELINES = {
    "qa": ("question-answering", "AutoModelForQuestionAnswering"),
    "ner": ("token-classification", "AutoModelForTokenClassification"),
    "relation": ("text-classification", "AutoModel"),
    "nli": ("text-classification", "AutoModel"),
    "json": ("text-generation", "AutoModelForCausalLM"),
}


# What the starters are copies of, and under which licence, as their own cards say.
STARTERS = {
    "starter:minilm": ("sentence-transformers/all-MiniLM-L6-v2", "apache-2.0"),
    "starter:smollm2": ("HuggingFaceTB/SmolLM2-135M-Instruct", "apache-2.0"),
}


@dataclass(frozen=True)
class Said:
    """What only people can say of a model: its licence, as the Hub names it, and the data sets' names there."""

    licence: str = ""
    datasets: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Raises UsageError for what the Hub would refuse."""
        if self.licence and not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", self.licence):
            raise UsageError(
                f"--license: expected a name as the Hub has it, found {self.licence!r}",
                cure="apache-2.0, mit, cc-by-4.0, other ...",
            )
        for name in self.datasets:
            if not re.fullmatch(DATASET, name):
                raise UsageError(
                    f"--dataset: expected a name as the Hub has it, found {name!r}",
                    cure="squad or OWNER/NAME",
                )


DATASET = r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*"


def metadata(shown: Shown, said: Said | None = None) -> dict[str, Any]:
    """The front matter as plain values: what huggingface_hub's ModelCardData takes."""
    said = said or Said()
    task = str(shown.config.get("task"))
    pipeline = _loading(shown)[0]
    results = [
        {
            "task": {"type": pipeline, "name": task},
            "dataset": {
                # An id: names of files may hold anything.
                "type": re.sub(r"[^\w.-]+", "-", _source(shown, split)).strip("-") or "data",
                "name": _source(shown, split),
                "split": split,
                "args": {"fingerprint": _fingerprint(shown, split, scores)},
            },
            "metrics": [
                {"type": s["name"], "name": s["name"], "value": round(s["value"], 4), "verified": False}
                for s in scores.get("scores", ())
                if s.get("value") is not None
            ],
        }
        for split, scores in shown.scores.items()
        if any(s.get("value") is not None for s in scores["scores"])
    ]
    base = _base(shown)
    datasets = list(dict.fromkeys([*said.datasets, *_hub_datasets(shown)]))
    return {
        **({"license": said.licence} if said.licence else {}),
        "library_name": "transformers",
        "pipeline_tag": pipeline,
        **({"base_model": base, "base_model_relation": "finetune"} if base else {}),
        **({"datasets": datasets} if datasets else {}),
        "tags": ["finetooth", task],
        # The Hub takes no list without results.
        **({"model-index": [{"name": shown.name, "results": results}]} if results else {}),
    }


def _base(shown: Shown) -> str:
    """The base model as the Hub knows it; "" for a folder, or a model from scratch."""
    name = str(shown.config.get("model", {}).get("name"))
    if name in STARTERS:
        return STARTERS[name][0]
    is_hub = re.fullmatch(DATASET, name) and not Path(name).exists() and name != "scratch"
    return name if is_hub and "/" in name else ""


def _hub_datasets(shown: Shown) -> list[str]:
    """Of ``hub:NAME[:SUBSET][@SPLIT]``, the names."""
    sources = [str(shown.config.get("data", {}).get(split)) for split in ("train", "dev")]
    found = [re.split("[:@]", s.removeprefix("hub:"))[0] for s in sources if s.startswith("hub:")]
    return [name for name in found if re.fullmatch(DATASET, name)]


def _source(shown: Shown, split: str) -> str:
    """What a split was read from, as people call it."""
    if split in shown.data:
        return str(shown.data[split]["source"])
    data = shown.config.get("data", {})
    given = data.get(split) or (data.get("dev") or data.get("train") if split == "dev" else split)
    return visible(str(given) if str(given).startswith("hub:") else Path(str(given)).name)


def _fingerprint(shown: Shown, split: str, scores: Mapping[str, Any]) -> str:
    known = shown.data.get(split, {}).get("fingerprint")
    return str(known or scores.get("data_fingerprint") or "unknown")


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


def render(shown: Shown, said: Said | None = None) -> str:
    """The card as Markdown. All values of the data are fenced or escaped, so that text stays text."""
    import yaml

    front = yaml.safe_dump(metadata(shown, said), sort_keys=False, allow_unicode=True)
    lines = [f"---\n{front}---\n", f"# {escape(shown.name)}\n", f"{escape(verdict(shown))}\n"]
    lines += [f"> {escape(note)}\n" for note in (*_deprecated(shown), *shown.notes)]
    parts = (_use(shown), _scores(shown), _data(shown), _limits(shown, said or Said()))
    lines += [line for part in parts for line in part]
    lines.append(
        f"\nMade by finetooth {__version__}; `report.html` shows learning curves, data map and errors."
    )
    return "\n".join(lines) + "\n"


def _deprecated(shown: Shown) -> list[str]:
    return [
        f"The {split} data are DEPRECATED: {d['deprecated']}"
        for split, d in shown.data.items()
        if d.get("deprecated")
    ]


def _use(shown: Shown) -> list[str]:
    _, loader = _loading(shown)
    return [
        "## Use\n",
        f"```python\nfrom transformers import AutoTokenizer, {loader}\n{_own(shown)}"
        f'tokenizer, model = AutoTokenizer.from_pretrained("model"), {loader}.from_pretrained("model")\n```\n',
        *(
            [
                "That is the encoder alone (transformers says that weights were not used); its classifier is "
                "finetooth's own:\n"
            ]
            if loader == "AutoModel"
            else []
        ),
        '```python\nfrom finetooth.models.load import load_run\nhead, model = load_run("model")\n```\n',
        "Or with everything the run knows (windows, thresholds, labels): "
        f"{code(f'finetooth predict {shlex.quote(shown.name)} FILE --out OUT')}.\n",
    ]


def _scores(shown: Shown) -> list[str]:
    lines = [
        "## Scores\n",
        "| split | score | value | 95 % interval | chance floor | examples |",
        "|---|---|---:|---|---|---:|",
    ]
    for split, scores in shown.scores.items():
        for s in scores["scores"]:
            span = "–" if s.get("low") is None else f"{s['low']:.2f} to {s['high']:.2f}"
            value = "–" if s.get("value") is None else f"{s['value']:.2f}"
            cells = (escape(split), escape(s["name"]), value, span, _floor(s), f"{s['n']:,}")
            lines.append(f"| {' | '.join(cells)} |")
    if len(lines) == 3:
        return ["## Scores\n", "None yet.\n"]
    return [
        *lines,
        "\nThe floor is the best of what needs no model (majority, random, copying); a score at its floor means nothing.\n",
    ]


def _floor(s: Mapping[str, Any]) -> str:
    floor = s.get("floor")
    if floor is None:
        return "–"
    name = next((n for n, v in (s.get("floors") or {}).items() if v == floor), "")
    on = s.get("low") is not None and s["low"] <= floor
    return f"{floor:.2f}" + (f" {escape(name)}" if name else "") + (", **not above it**" if on else "")


def _data(shown: Shown) -> list[str]:
    lines = ["## Data\n"]
    for split, d in shown.data.items():
        size = f"{d['examples']:,} examples" if isinstance(d.get("examples"), int) else "examples"
        more = f"; {escape(d['changed'])}" if d.get("changed") else ""
        lines.append(f"- {escape(split)}: {size} of {escape(d['source'])}, version {d['fingerprint']}{more}")
    found = shown.summary.get("findings", {})
    if found:
        lines += [
            "\nWhat the checks found in the training data:\n",
            "| severity | check | found |",
            "|---|---|---:|",
        ]
        lines += [
            f"| {escape(severity)} | {escape(check)} | {n:,} |" for (severity, check), n in found.items()
        ]
        lines.append("")
    elif shown.info.get("gate"):
        lines.append("- the checks found nothing in the training data")
    else:
        lines.append("- the data were not checked")
    lines.append(f"- dropped: {len(shown.dropped):,}, each with its reason in `dropped.jsonl`\n")
    return lines


def _limits(shown: Shown, said: Said) -> list[str]:
    name = str(shown.config.get("model", {}).get("name"))
    base = _base(shown)
    what = f"{base} ({name})" if base and base != name else name
    lines = [
        "## Limits\n",
        "- The scores hold for data like the split they were taken on; other text was not measured.",
        "- The interval covers the choice of examples, not the seed of training.",
    ]
    if standing(shown) == "not above":
        lines.append(
            "- **The main score is not above its chance floor: this model has not been shown to do anything.**"
        )
    if shown.config.get("train", {}).get("keep_best", False) and shown.scores:
        lines.append("- The epoch was picked on the split that is scored here, which flatters it a little.")
    longest = shown.config.get("model", {}).get("max_length_tokens")
    if longest:
        lines.append(f"- Trained on windows of at most {longest:,} tokens.")
    licence = f", {STARTERS[name][1]}" if name in STARTERS else ""
    lines.append(
        f"- Base model: {escape(what)}{licence}; what it learnt before, and from what, is in its own card."
    )
    if not said.licence:
        lines.append("- No licence has been declared for this model (`finetooth report RUN --license NAME`).")
    return lines


def escape(text: str) -> str:
    """Text that Markdown and the HTML in it leave alone, on one line."""
    line = " ".join(text.split())
    for mark in "\\`*_[]<>|#!":
        line = line.replace(mark, "\\" + mark)
    return line


def code(text: str) -> str:
    """Text as a code span: nothing in it is escaped, so its fence is longer than any run of backticks in it."""
    line = " ".join(text.split())
    longest = max(map(len, re.findall("`+", line)), default=0)
    pad = " " if longest else ""
    return f"{'`' * (longest + 1)}{pad}{line}{pad}{'`' * (longest + 1)}"


def write(shown: Shown, path: str | Path, said: Said | None = None) -> None:
    with io.atomic(path) as f:
        f.write(render(shown, said))
