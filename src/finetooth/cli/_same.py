"""What two readings of one example differ in, by the names that rows have: entities.name, triples.evidence, tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from finetooth.io import plain
from finetooth.types import Example

# Of a reading, not of the example; what v2 says stands in the target.
_ASIDE = frozenset({"where", "given_id", "json_problems", "schema_file", "v2"})
# More of these is another target; what else was empty before (tokens, names) is only told more exactly.
_COUNTED = frozenset({"entities", "triples", "answers", "mentions"})
_EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass
class Differences:
    """``same``: how many examples lost nothing; ``changed``: what the others lost or changed -> ids of the examples.

    ``blanks``: of the same ones, those whose text has other blanks between its words; ``order``: whether the examples
    stand in another order; ``read``: how many were read back.
    """

    same: int = 0
    changed: dict[str, list[str]] = field(default_factory=dict)
    blanks: int = 0
    order: bool = False
    read: int = 0


def differences(before: Sequence[Example], after: Sequence[Example]) -> Differences:
    """Examples are held against each other by id, else by place; all differ where their numbers do."""
    found = Differences(read=len(after))
    if len(before) != len(after):
        return found
    by_id = {e.id: e for e in after}
    if all(e.id in by_id for e in before):
        found.order = [e.id for e in before] != [e.id for e in after]
        after = [by_id[e.id] for e in before]
    for a, b in zip(before, after, strict=True):
        names = differing(a, b)
        for name in names:
            found.changed.setdefault(name, []).append(a.id)
        found.same += not names
        found.blanks += not names and getattr(a.inputs, "text", "") != getattr(b.inputs, "text", "")
    return found


def differing(a: Example, b: Example) -> list[str]:
    """What ``a`` says and ``b`` does not; blanks between words, and numbers of entities as such, aside."""
    names: dict[str, None] = {}
    if _named(a) != _named(b):
        names["id"] = None
    for x, y in zip(_parts(a), _parts(b), strict=True):
        if x.get("tags") is not None and y.get("tags") is None:
            x["tags"] = None  # spans stand for them, and are compared
        names |= dict.fromkeys(_paths(x, y, ()))
    meta = plain(b.meta)
    for key, value in plain(a.meta).items():
        if key not in _ASIDE and any(_paths(value, meta.get(key), ("meta", key))):
            names[f"meta.{key}"] = None
    return list(names)


def _named(example: Example) -> str:
    """The id that the data gave; one made of the content is made anew of what is read."""
    return "" if example.id.startswith("row-") else example.id


def _parts(example: Example) -> tuple[Any, Any]:
    """Inputs and target as JSON has them; of a document by characters that are no blanks, mentions in reading order."""
    inputs, target = plain(example.inputs), plain(example.target)
    if isinstance(text := getattr(example.inputs, "text", None), str):
        at = [0, *accumulate(not c.isspace() for c in text)]
        inputs, target = _squashed(inputs, at), _squashed(target, at)
        if inputs.get("sentences"):
            inputs["sentences"] = [{"start": _at(s, at), "end": _at(e, at)} for s, e in inputs["sentences"]]
        for entity in inputs.get("entities") or ():
            entity["mentions"].sort(key=_place)
        if "entities" in target:
            target["entities"].sort(key=_place)
            # Which spans corefer, whatever their number.
            numbers: dict[int, int] = {}
            for s in (*target["entities"], *target["unplaced"]):
                if s["entity"] is not None:
                    s["entity"] = numbers.setdefault(s["entity"], len(numbers))
        for s in target.get("unplaced") or ():
            s["start"] = s["end"] = None  # of a mention that has no place
        if "triples" in target:
            target["triples"].sort(key=lambda t: (t["head"], t["relation"], t["tail"]))
    return inputs, target


def _place(s: dict[str, Any]) -> tuple[Any, ...]:
    return s["start"], s["end"], s.get("type", "")


def _at(place: int, at: Sequence[int]) -> int:
    return at[place] if 0 <= place < len(at) else place


def _squashed(value: Any, at: Sequence[int]) -> Any:
    if isinstance(value, str):
        return "".join(value.split())
    if isinstance(value, list):
        return [_squashed(v, at) for v in value]
    if isinstance(value, dict):
        return {
            k: _at(v, at) if k in ("start", "end") and type(v) is int else _squashed(v, at)
            for k, v in value.items()
        }
    return value


def _paths(a: Any, b: Any, path: tuple[str, ...]) -> Iterable[str]:
    """Where ``b`` lacks what ``a`` has; a path may come several times."""
    counted = bool(path) and path[-1] in _COUNTED
    if a in _EMPTY and not (counted and b not in _EMPTY):
        return
    if isinstance(a, dict) and isinstance(b, dict):
        for key, value in a.items():
            yield from _paths(value, b.get(key), (*path, "places" if key in ("start", "end") else str(key)))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for x, y in zip(a, b, strict=True):
            yield from _paths(x, y, path)
    elif a != b:
        yield ".".join(path)


def in_words(found: Differences, *, named: int) -> list[str]:
    """A line for each thing that was lost or changed, the commonest first."""
    counts = Counter({name: len(ids) for name, ids in found.changed.items()})
    lines = []
    for name, n in counts.most_common():
        ids = found.changed[name]
        shown = ", ".join(ids[:named]) + (", ..." if n > named else "")
        lines.append(f"lost or changed in {n:,}: {name} ({shown})")
    if found.order:
        lines.append("the examples stand in another order")
    if found.blanks:
        lines.append(f"other blanks between words in {found.blanks:,} that are otherwise the same")
    return lines
