"""Data sets of the Hugging Face hub, and local folders in its layout, through the package ``datasets``.

hub:NAME[:SUBSET][@SPLIT]    hub:rajpurkar/squad@validation    hub:./my_parquet_folder@train[:100]
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from finetooth.errors import DataError, UsageError
from finetooth.io import Source, classes
from finetooth.io.source import Problems


def open_hub(name: str, options: Mapping[str, Any] | None = None) -> Source:
    """The rows of a hub data set; a local file, or a folder of save_to_disk, is read as without ``hub:``."""
    path = Path(name.removeprefix("hub:"))
    here = path.is_file() or (path / "state.json").is_file()
    return Source(path, options) if here else HubSource(name, options)


def parse_name(name: str) -> tuple[str, str | None, str | None]:
    """(name, subset, split) of ``hub:NAME[:SUBSET][@SPLIT]``; UsageError for another form."""
    rest = name.removeprefix("hub:")
    split: str | None = None
    path, at, after = rest.rpartition("@")
    if at and "/" not in after:
        rest, split = path, after
    path, _, subset = rest.partition(":")
    if not path or split == "" or "\0" in path:
        raise UsageError(
            f"expected hub:NAME[:SUBSET][@SPLIT], found {name!r}", cure="as in hub:rajpurkar/squad"
        )
    return path, subset or None, split


class HubSource(Source):
    """A data set of the hub as a source of rows. It has no bytes: formats know it by its first row."""

    def __init__(self, name: str, options: Mapping[str, Any] | None = None) -> None:
        # Not Source's own: there is no file to look at.
        self.name, self.subset, self.split = parse_name(name)
        self.path = Path(self.name)
        self.options = dict(options or {})
        self._folder = False

    def __str__(self) -> str:
        subset = f":{self.subset}" if self.subset else ""
        return f"hub:{self.name}{subset}" + (f"@{self.split}" if self.split else "")

    @cached_property
    def head(self) -> bytes:
        return b""

    @cached_property
    def is_parquet(self) -> bool:
        return True

    def refuse_unreadable(self) -> None:
        """Loads it, so that the first to ask gets the error, not each format in turn."""
        _ = self._table

    @cached_property
    def text(self) -> str:
        raise DataError("a data set of the hub has rows, no text", where=str(self), cure="leave out --format")

    @cached_property
    def _table(self) -> Any:
        try:
            import datasets
        except ImportError:
            raise UsageError(
                "reading from the hub needs the package datasets",
                where=str(self),
                cure='pip install "finetooth[hub]"',
            ) from None
        local = Path(self.name).is_dir()
        if not local and not reachable():
            # Else a minute of retries, each with a line of its own; what is in the cache still loads.
            _go_offline()
        try:
            # Never code of the data set's own: datasets runs none, and none is asked for.
            loaded = datasets.load_dataset(self.name, self.subset, split=self.split)
        except Exception as e:  # a foreign library with errors of a dozen others
            reason = " ".join(str(e).split())[:300] or type(e).__name__
            if local and (self.path / "state.json").is_file():
                cure = f"save_to_disk wrote it, one split: leave out hub: and give {self.name}"
            elif local:
                cure = "check that the folder holds Parquet, JSON or CSV files"
            else:
                cure = "check the name and the network; a local file or folder needs neither"
            raise DataError(f"cannot be loaded: {reason}", where=str(self), cure=cure) from None
        if isinstance(loaded, datasets.DatasetDict):
            loaded = self._one_split(loaded)
        return _names_for_classes(loaded, self.options.get("labels") or ())

    def _one_split(self, splits: Mapping[str, Any]) -> Any:
        if len(splits) == 1 or "train" in splits:
            self.split = "train" if "train" in splits else next(iter(splits))
            return splits[self.split]
        raise UsageError(
            f"it has the splits {', '.join(splits)}",
            where=str(self),
            cure=f"name one: {self}@{next(iter(splits))}",
        )

    def rows(self, *, problems: Problems | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        for i, row in enumerate(self._table):
            yield f"{self}[{i}]", row


def reachable() -> bool:
    """Whether the hub answers. Behind a proxy only a request could tell: True."""
    import os
    import socket
    from urllib.parse import urlsplit
    from urllib.request import getproxies

    url = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    if getproxies().get(url.scheme or "https"):
        return True
    try:
        with socket.create_connection((url.hostname or "", url.port or 443), timeout=5):
            return True
    except (OSError, ValueError):
        return False


def _go_offline() -> None:
    import datasets
    import huggingface_hub

    huggingface_hub.constants.HF_HUB_OFFLINE = True
    datasets.config.HF_HUB_OFFLINE = True


def _names_for_classes(table: Any, asked: Collection[str]) -> Any:
    """Class numbers as their names: the number means something in this one data set only."""
    names = classes.of_features(table.features.to_dict(), asked)
    return table if names is None else _Mapped(table, names)


class _Mapped:
    """Rows of a table, each changed as it is read."""

    def __init__(self, table: Any, change: Any) -> None:
        self.table, self.change = table, change

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self.change, self.table)
