"""What a policy says: filters and how they combine.

{"combine": "or", "filters": [{"name": "confidence", "low": 0.2}], "fix": false}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from finetooth.curate import weights
from finetooth.curate.dropping import FILTERS, Filter
from finetooth.errors import ConfigError
from finetooth.io import plain
from finetooth.registry import did_you_mean, pick
from finetooth.text import shorten

MOST = 1e300  # NaN, infinity and whole numbers that no float holds are beyond it
EXAMPLE = "filters: [{name: category, drop: hard}]"
KEYS = ("combine", "filters", "fix", "out_of_sample", "weights", "smoothing", "curriculum", "with")


def checked(config: Mapping[str, Any]) -> tuple[str, Sequence[Mapping[str, Any]], bool]:
    """(combine, filters, fix) of a policy; no filters where it only weights. Raises ConfigError for what can be told of it without a table: unknown keys,
    filters and settings, values of another kind."""
    combine, fix = config.get("combine", "or"), config.get("fix", False)
    if combine not in ("or", "and"):
        raise ConfigError(f"combine: expected or, and; found {combine!r}")
    if unknown := set(map(str, config)) - set(KEYS):
        name = sorted(unknown)[0]
        raise ConfigError(f"unknown key {name!r} in the policy", cure=did_you_mean(name, KEYS))
    if not isinstance(fix, bool):
        raise ConfigError(f"fix: expected true or false, found {fix!r}")
    folds = config.get("out_of_sample")
    if folds is not None and (isinstance(folds, bool) or not isinstance(folds, int) or folds < 2):
        raise ConfigError(f"out_of_sample: expected a number of folds, 2 or more, found {folds!r}")
    filters = config.get("filters")
    weighted = weights.settings(config) is not None
    if filters is None or filters == []:
        filters = []
        if not weighted:
            raise ConfigError("the policy names no filter", cure=f"there are: {', '.join(FILTERS)}")
        if fix:
            raise ConfigError("fix: the policy names no filter, so nothing would be fixed", cure=EXAMPLE)
    if not isinstance(filters, Sequence) or not all(isinstance(f, Mapping) for f in filters):
        raise ConfigError(
            f"filters: expected a list of filters, found {shorten(str(filters), 80)}",
            cure=EXAMPLE,
        )
    for settings in filters:
        name = settings.get("name")
        if name is None:
            raise ConfigError("a filter without a name", cure=f"there are: {', '.join(FILTERS)}")
        chosen: Filter = pick(str(name), FILTERS, "filter")
        for key in sorted(set(map(str, settings)) - {"name"}):
            if key not in chosen.settings:
                raise ConfigError(
                    f"{name}: unknown setting {key!r}", cure=did_you_mean(key, chosen.settings or ["(none)"])
                )
            _fits(f"{name}: {key}", settings[key], str(chosen.settings[key].annotation))
        given = {key: value for key, value in settings.items() if key != "name"}
        # Without rows it says what is wrong with its settings, and drops nothing.
        list(chosen.run([], **given))
        if why := chosen.idle(given):
            raise ConfigError(f"{name}: {why}")
    return combine, filters, fix


def _fits(what: str, value: Any, annotation: str) -> None:
    """Raises ConfigError for a setting of another kind than the filter's own annotation says."""
    if value is None and "None" in annotation:
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if "float" in annotation and not (number and -MOST < value < MOST):
        raise ConfigError(f"{what}: expected a number, found {value!r}")
    if annotation == "int" and not (number and isinstance(value, int)):
        raise ConfigError(f"{what}: expected a whole number, found {value!r}")
    if annotation == "str" and not isinstance(value, str):
        raise ConfigError(f"{what}: expected a word, found {value!r}")


def read_policy(path: str | Path) -> dict[str, Any]:
    """A policy of a YAML file, its filters a list. Raises ConfigError for a file that is none."""
    try:
        text = Path(path).read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError("no such policy", where=str(path)) from None
    except UnicodeDecodeError as e:
        raise ConfigError(
            f"not UTF-8 text (byte {e.start})", where=str(path), cure="give a YAML file"
        ) from None
    except OSError as e:
        raise ConfigError(f"cannot be read: {e.strerror}", where=str(path)) from None
    read = of_yaml(text, str(path))
    if not isinstance(read, dict):
        raise ConfigError(f"expected a mapping, found {type(read).__name__}", where=str(path), cure=EXAMPLE)
    filters = read.get("filters")
    if filters is not None and not isinstance(filters, list):
        raise ConfigError(
            f"filters: expected a list of filters, found {shorten(str(filters), 80)}",
            where=str(path),
            cure=EXAMPLE,
        )
    return {**read, "filters": filters or []}


def of_yaml(text: str, where: str = "") -> Any:
    """The value of a text of YAML. Raises ConfigError where it is none, or refers to itself."""
    import yaml

    try:
        value = yaml.safe_load(text)
        plain(value)
    # ValueError: a date that is none; RecursionError: an anchor inside itself.
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        why = "nested too deeply" if isinstance(e, RecursionError) else " ".join(str(e).split())
        raise ConfigError(f"not YAML: {shorten(why, 150)}", where=where) from None
    return value


def filter_of(text: str) -> dict[str, Any]:
    """{"name", settings} of NAME or NAME:KEY=VALUE,... as the command line has it. Raises ConfigError."""
    name, _, rest = text.partition(":")
    settings: dict[str, Any] = {"name": name}
    for part in rest.split(",") if rest else ():
        key, equals, value = part.partition("=")
        if not part:
            continue
        if not equals:
            raise ConfigError(f"--filter {text}: expected KEY=VALUE, found {part!r}")
        key = key.strip().replace("-", "_")
        read = of_yaml(value, f"--filter {text}")
        if isinstance(read, str):
            with suppress(ValueError):
                read = float(read)  # YAML 1.1 reads 1e-3 as a word
        settings[key] = read
    return settings
