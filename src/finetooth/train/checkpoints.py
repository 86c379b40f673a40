"""Checkpoints that are whole or not there, and hold all that the next step depends on.

A checkpoint is a folder ``step-00000120`` with tensors (safetensors), ``state.json``, and a
``manifest.json`` of the SHA-256 of each file. It is written under a temporary name, synced to disk and
renamed; one whose manifest does not hold (a torn disk, a changed byte) is passed over for an older one.
Nothing in it is pickled.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetooth import io

if TYPE_CHECKING:
    import torch

MANIFEST = "manifest.json"
ASIDE = ".old"


@dataclass(frozen=True)
class Checkpoint:
    """A committed checkpoint: tensors by file (``weights``, ``optimizer``, ...) and plain values."""

    folder: Path

    @property
    def step(self) -> int:
        return int(self.folder.name.rpartition("-")[2])

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.folder / "state.json").read_text("utf-8"))

    def tensors(self, name: str) -> dict[str, torch.Tensor]:
        from safetensors.torch import load_file

        return load_file(self.folder / f"{name}.safetensors")

    def why_broken(self) -> str:
        """What is wrong with it, "" if it is whole. Reads every byte."""
        try:
            manifest = json.loads((self.folder / MANIFEST).read_text("utf-8"))
        except (OSError, ValueError):
            return "no readable manifest"
        for name, digest in manifest["files"].items():
            path = self.folder / name
            if not path.is_file():
                return f"{name} is missing"
            if io.fingerprint_file(path) != digest:
                return f"{name} is not what was written"
        return ""


def write(
    folder: Path, tensors: Mapping[str, Mapping[str, torch.Tensor]], state: Mapping[str, Any]
) -> Checkpoint:
    """Commits a checkpoint as ``folder``. An older one of that name is replaced."""
    from safetensors.torch import save_file

    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    for name, values in tensors.items():
        save_file({k: v.detach().contiguous() for k, v in values.items()}, temporary / f"{name}.safetensors")
    (temporary / "state.json").write_text(io.to_json(state), "utf-8")
    files = {p.name: io.fingerprint_file(p) for p in sorted(temporary.iterdir())}
    (temporary / MANIFEST).write_text(io.to_json({"files": files}, indent=1), "utf-8")
    for path in temporary.iterdir():
        _sync(path)
    _sync(temporary)
    aside = folder.with_name(f".{folder.name}{ASIDE}")
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        # Not removed first: a kill between the two would leave neither.
        os.rename(folder, aside)
    os.rename(temporary, folder)
    _sync(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)
    return Checkpoint(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def every(folder: Path, prefix: str = "step") -> list[Checkpoint]:
    """Committed checkpoints, the newest first."""
    found = [Checkpoint(p) for p in folder.glob(f"{prefix}-*") if (p / MANIFEST).is_file()]
    return sorted(found, key=lambda c: -c.step)


def newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest whole checkpoint (None: there is none), and why newer ones were passed over."""
    passed: list[str] = []
    for aside in folder.glob(f".*{ASIDE}"):
        place = folder / aside.name[1 : -len(ASIDE)]
        if not place.exists():
            os.rename(aside, place)
    for each in every(folder):
        why = each.why_broken()
        if not why:
            return each, passed
        passed.append(f"{each.folder.name}: {why}")
    return None, passed


def remove_broken(folder: Path) -> None:
    """Removes what is no whole checkpoint, so that it is never counted as one that is kept."""
    for each in every(folder):
        if each.why_broken():
            _remove(each.folder)
    for leaving in _leavings(folder):
        shutil.rmtree(leaving, ignore_errors=True)


def prune(folder: Path, keep: int) -> None:
    """Removes all but the newest ``keep``, best weights that no kept one names, and leavings of kills."""
    steps = every(folder)
    for old in steps[keep:]:
        _remove(old.folder)
    named = {each.state.get("best", {}).get("step") for each in steps[:keep]}
    newest_step = steps[0].step if steps else -1
    for best in every(folder, "best"):
        # One that is newer than every checkpoint will be named by the next.
        if best.step not in named and best.step < newest_step:
            _remove(best.folder)
    for leaving in _leavings(folder):
        shutil.rmtree(leaving, ignore_errors=True)


def _remove(folder: Path) -> None:
    # The manifest goes first, so that a half-removed folder is no checkpoint.
    (folder / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _leavings(folder: Path) -> Iterator[Path]:
    yield from folder.glob(".*.tmp")
    yield from folder.glob(f".*{ASIDE}")
    yield from (p for p in folder.glob("*-*") if p.is_dir() and not (p / MANIFEST).is_file())


# ---- what the state of training is made of


def pack(state: Any, tensors: dict[str, torch.Tensor], prefix: str = "") -> Any:
    """``state`` as plain values, its tensors moved into ``tensors`` under their path; ``unpack`` undoes it.

    Takes what the state_dict of an optimiser or a schedule holds: dicts (also with integer keys), lists,
    tuples, numbers, tensors.
    """
    import torch

    if isinstance(state, torch.Tensor):
        tensors[prefix] = state
        return {"tensor": prefix}
    if isinstance(state, Mapping):
        return {
            "keys": [[k, pack(v, tensors, f"{prefix}.{k}" if prefix else str(k))] for k, v in state.items()]
        }
    if isinstance(state, (list, tuple)):
        kind = "tuple" if isinstance(state, tuple) else "list"
        return {kind: [pack(v, tensors, f"{prefix}.{i}") for i, v in enumerate(state)]}
    if state is None or isinstance(state, (bool, int, float, str)):
        return state
    raise TypeError(f"{prefix}: cannot keep a {type(state).__name__} in a checkpoint")


def unpack(value: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if not isinstance(value, Mapping):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    if "keys" in value:
        return {k: unpack(v, tensors) for k, v in value["keys"]}
    if "tuple" in value:
        return tuple(unpack(v, tensors) for v in value["tuple"])
    return [unpack(v, tensors) for v in value["list"]]


def random_state(tensors: dict[str, torch.Tensor]) -> dict[str, Any]:
    """The state of every generator that training may draw from; tensors go into ``tensors``."""
    import random

    import numpy as np
    import torch

    version, numbers, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state()
    tensors["torch"] = torch.get_rng_state()
    tensors["numpy"] = torch.from_numpy(np.asarray(keys).astype(np.int64))
    for i, state in enumerate(torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []):
        tensors[f"cuda.{i}"] = state
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [str(kind), int(position), int(has_gauss), float(cached)],
    }


def restore_random(state: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
    import random

    import numpy as np
    import torch

    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, position, has_gauss, cached = state["numpy"]
    np.random.set_state((kind, tensors["numpy"].numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(tensors["torch"])
    devices = [tensors[k] for k in sorted(tensors) if k.startswith("cuda.")]
    if devices and torch.cuda.is_available() and len(devices) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(devices)


def weights(model: Any) -> dict[str, torch.Tensor]:
    """Trained parameters and buffers by name, tied ones once; frozen weights come from the base model."""
    kept = {f"p.{n}": p for n, p in model.named_parameters() if p.requires_grad}
    return kept | {f"b.{n}": b for n, b in model.named_buffers()}


def restore_weights(model: Any, saved: Mapping[str, torch.Tensor]) -> None:
    """Copies ``weights`` back in place. Raises KeyError if the model is another one."""
    import torch

    with torch.no_grad():
        for name, tensor in weights(model).items():
            tensor.copy_(saved[name])


def files_digest(paths: Iterable[Path]) -> str:
    """One hash over files, for tests and benchmarks that compare runs."""
    return io.fingerprint([io.fingerprint_file(p) for p in paths])
