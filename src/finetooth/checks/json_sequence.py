"""Lists of an answer against the order in which the prompt tells them.

prompt "Name: pen\\nPrice: 3\\nName: cup\\nPrice: 9", answer [{"name": "pen", "price": 9}, {"name": "cup", "price": 3}]
-> the prices have changed places: the n-th label of a name speaks of the n-th element that has the field
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from finetooth.checks.json_labels import Label
from finetooth.checks.json_values import Path, Pattern

Keyed = tuple[Path, Any, Pattern, str]  # a leaf, its place, and the key of its labels in the prompt
Says = Callable[[Label, Any, Path], bool]


@dataclass(slots=True)
class Sequences:
    """``crossed``: (path, value, the label in whose place it stands) of values that changed places within their list;
    ``kept``, ``changed``: the lists that are in the order of the prompt, and those that are in another as a whole."""

    crossed: list[tuple[Path, Any, Label]] = field(default_factory=list)
    kept: list[Pattern] = field(default_factory=list)
    changed: list[tuple[Pattern, Path]] = field(default_factory=list)


def sequences(keyed: Sequence[Keyed], by_key: Mapping[str, list[Label]], says: Says) -> Sequences:
    """What the lists of an answer look like beside the labels, where there is a label for every element that has the field."""
    groups: dict[tuple[str, Pattern], list[tuple[Path, Any]]] = defaultdict(list)
    for path, value, place, key in keyed:
        if key and "[]" in place:
            groups[key, place].append((path, value))
    made = Sequences()
    verdicts: dict[Pattern, list[tuple[bool, list[tuple[Path, Any]], list[Label]]]] = defaultdict(list)
    for (key, place), group in groups.items():
        labels = _spread(by_key[key])
        if len(labels) != len(group) or len({x.text for x in labels}) < 2:
            continue
        in_order = all(says(x, value, path) for x, (path, value) in zip(labels, group, strict=True))
        if not in_order and not _permuted(group, labels, says):
            continue
        at = max(i for i, step in enumerate(place) if step == "[]")
        verdicts[place[: at + 1]].append((in_order, group, labels))
    for place, found in verdicts.items():
        kept = [v for v in found if v[0]]
        crossed = [v for v in found if not v[0]]
        if not crossed:
            made.kept.append(place)
        elif not kept:
            made.changed.append((place, crossed[0][1][0][0]))
        else:
            for _, group, labels in crossed:
                for x, (path, value) in zip(labels, group, strict=True):
                    if not says(x, value, path):
                        made.crossed.append((path, value, x))
    return made


def _spread(labels: list[Label]) -> list[Label]:
    """The lines under one label as labels of their own."""
    if len(labels) == 1 and labels[0].items:
        return [Label(labels[0].key, labels[0].name, item) for item in labels[0].items]
    return labels


def _permuted(group: Sequence[tuple[Path, Any]], labels: Sequence[Label], says: Says) -> bool:
    """Whether every label says exactly one of the values, each another."""
    taken: set[int] = set()
    for path, value in group:
        at = [i for i, x in enumerate(labels) if says(x, value, path)]
        if len(at) != 1 or at[0] in taken:
            return False
        taken.add(at[0])
    return True
