"""Goes over a row's leaves and its prompt's labels: what of the answer the prompt does not say, what the answer leaves out.

prompt "Order: A-1234\\nCity: Leeds", answer {"order": "A-1243"}
-> Miss($.order, near "A-1234"), Left(label City "Leeds", the schema has a place for it)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from finetooth.checks.json_fields import indexed_key, keys_of, known_keys, nodes
from finetooth.checks.json_labels import Label
from finetooth.checks.json_prompt import NO, YES, Prompt, as_text, fold, stands_in, tighten
from finetooth.checks.json_says import distance, says
from finetooth.checks.json_sequence import Keyed, Sequences, sequences
from finetooth.checks.json_values import Path, Pattern, as_moment, is_number, placed_leaves
from finetooth.types import Example

NOTHING = frozenset({"", "none", "null", "nil", "n/a", "na", "-", "--", "?", "unknown", "not provided", "tbd", "empty", "unspecified"})  # fmt: skip
ALTERED = 0.6  # share of a labelled text's words, in their order, that make an answer an altered copy of it
NEVER = 1 << 40
DISTRACTING = (
    20  # rows that do not use a label that no field is called by, before it is not looked at any more
)
SAMPLE = 500  # answers that are looked at for fields that the schema does not name
FEW_WORDS = 2  # words of a labelled text that may be missing without a finding


@dataclass(slots=True)
class Miss:
    """A leaf that the prompt does not say. ``label`` is the labelled value that should have said it, ``near`` what
    does nearly; ``elsewhere``: the prompt says it, but under another label."""

    path: Path
    value: Any
    label: Label | None = None
    near: str = ""
    elsewhere: bool = False


@dataclass(slots=True)
class Left:
    """A labelled value that is not in the answer; ``missing`` what of it is not. ``place``: the schema has a place for
    it, ``filled``: where another value stands."""

    label: Label
    missing: str
    place: Pattern | None
    filled: bool
    next_lines: bool = False  # it is the lines after the label's that are missing


@dataclass(slots=True)
class Row:
    example: Example
    leaves: int
    misses: list[Miss]
    left: list[Left]
    used: list[str] = field(default_factory=list)  # keys of the labels whose values are in the answer
    counts: dict[str, tuple[int, int, str]] = field(default_factory=dict)  # see _counted
    lists: Sequences = field(default_factory=Sequences)
    joined: list[str] = field(default_factory=list)  # keys of those whose next lines are, too


class Fields:
    """What is known of the places of one schema's answers: from the schema, and from the answers themselves."""

    def __init__(self, schema: Any, values: Sequence[Any]) -> None:
        self.nodes = nodes(schema) if isinstance(schema, Mapping) else {}
        seen: set[Pattern] = set()
        for value in values[:SAMPLE]:
            seen.update(place for _, place, _ in placed_leaves(value))
        self.places = known_keys([*self.nodes, *seen])
        # Keys of labels that no field is called by: the rows whose answer does not hold the value.
        self.unused: Counter[str] = Counter()
        self.valued: Counter[Pattern] = Counter()  # how many values stand at a place, null and "" not counted

    def options(self, place: Pattern) -> Sequence[Any]:
        node = self.nodes.get(place, {})
        options = node.get("enum")
        return options if isinstance(options, list) else ()

    def given(self, place: Pattern, value: Any) -> bool:
        """Whether the schema itself gives the value: a default, a constant."""
        node = self.nodes.get(place)
        return node is not None and any(key in node and node[key] == value for key in ("default", "const"))


@lru_cache(maxsize=1 << 12)
def _prompt(text: str) -> Prompt:
    return Prompt(text)


def look(example: Example, fields: Fields) -> Row:
    """All of a row. Costs little where the answer stands in the prompt as it is."""
    p = Prompt(example.inputs.prompt)
    by_key = p.by_key
    counts: Counter[str] = Counter()
    keyed: list[Keyed] = []
    for path, place, value in placed_leaves(example.target.value):
        key = _key(path, place, by_key) if by_key else ""
        if key:
            counts[key] += 1
        keyed.append((path, value, place, key))
        if value is not None and value != "":
            fields.valued[place] += 1
    misses: list[Miss] = []
    taken: set[int] = set()
    for path, value, place, key in keyed:
        own: Sequence[Label] = ()
        if key:
            labels = _beside(by_key[key], place)
            says_it = [x for x in labels if _label_says(x, value, path)]
            if says_it:
                # What is no text has been said whole: a number with its unit, a date.
                taken.update(id(x) for x in says_it if _whole(x, value))
                continue
            if counts[key] <= sum(len(x.items) or 1 for x in by_key[key]):
                own = labels
        miss = _miss(p, fields, path, value, place, own)
        if miss is not None:
            misses.append(miss)
    row = Row(example, len(keyed), misses, [])
    if p.labels:
        row.lists = sequences(keyed, by_key, _label_says)
        row.counts = _counted(keyed, by_key, counts)
        missed = {m.path for m in misses}
        for path, value, label in row.lists.crossed:
            if path not in missed:
                misses.append(Miss(path, value, label, elsewhere=True))
        _look_for_left(row, p, fields, keyed, counts, taken)
    return row


def _beside(labels: list[Label], place: Pattern) -> list[Label]:
    """Of labels of one name at the margin and further in, those that stand as deep as the place does."""
    if len(labels) < 2 or len({x.indent == 0 for x in labels}) < 2:
        return labels
    return [x for x in labels if (x.indent == 0) == (len(place) == 1)]


def _counted(
    keyed: Sequence[Keyed], by_key: Mapping[str, list[Label]], counts: Counter[str]
) -> dict[str, tuple[int, int, str]]:
    """Of the keys of lists: how many labels and how many leaves, and, if they differ, a value that is told more often."""
    made: dict[str, tuple[int, int, str]] = {}
    for key in dict.fromkeys(key for _, _, place, key in keyed if key and "[]" in place):
        there = sum(len(x.items) or 1 for x in by_key[key])
        twin = ""
        if there != counts[key]:
            said = Counter(fold(t) for x in by_key[key] for t in (x.items or [x.value]))
            here = Counter(fold(as_text(v)) for _, v, _, k in keyed if k == key)
            more = here - said if counts[key] > there else said - here
            twin = next((t for t in more if here[t] and said[t]), "")
        made[key] = there, counts[key], twin
    return made


def _whole(label: Label, value: Any) -> bool:
    """Whether a value that a label says is all that it says, plainly."""
    if value.__class__ is str:
        return value == label.value or as_moment(value) is not None
    return len(label.value) <= 12


def _key(path: Path, place: Pattern, by_key: Mapping[str, Any]) -> str:
    """The longest key of a place that the prompt has a label for."""
    if len(place) > 1 and "[]" in place and (key := indexed_key(path)) in by_key:
        return key
    return next((k for k in keys_of(place) if k in by_key), "")


def _name(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _label_says(label: Label, value: Any, path: Path) -> bool:
    if value == label.value and value.__class__ is str:
        return True
    text = label.text
    if value is True or value is False:
        words = _prompt(text).words
        yes, no = bool(words & YES), bool(words & NO)
        return yes == no or yes is value
    return bool(says(_prompt(text), value, _name(path), pieced=False))


def _miss(
    p: Prompt, fields: Fields, path: Path, value: Any, place: Pattern, labels: Sequence[Label]
) -> Miss | None:
    """None where the value can be had from the prompt, or the schema gives it."""
    elsewhere = bool(says(p, value, _name(path)))
    if not labels:
        if elsewhere or fields.given(place, value) or _ordinal(path, value):
            return None
        return Miss(path, value)
    options = fields.options(place)
    if value in options and not any(_option(x.value, options) for x in labels):
        return None  # "ASAP" is urgent
    if len(labels) > 1:
        label = min(labels, key=lambda x: -_likeness(x.text, value))
    else:
        label = labels[0]
    if fold(label.value) in NOTHING and fields.given(place, value):
        return None
    if (
        elsewhere
        and isinstance(value, str)
        and any(stands_in(fold(x.value), fold(value)) for x in labels if x.value)
    ):
        return None  # the rest of the address stands under other labels
    near = label.text if _alike(label.text, value) else ""
    return Miss(path, value, label, near, elsewhere and not near)


def _option(text: str, options: Sequence[Any]) -> bool:
    said = tighten(text)
    return any(said == tighten(str(o)) for o in options)


def _ordinal(path: Path, value: Any) -> bool:
    """Whether it is the number of its element in a list: line 1, line 2."""
    index = next((step for step in reversed(path) if isinstance(step, int)), None)
    return index is not None and is_number(value) and value in (index, index + 1)


def _likeness(text: str, value: Any) -> float:
    return SequenceMatcher(
        None, text.casefold()[:200], as_text(value).casefold()[:200], autojunk=False
    ).ratio()


def _alike(text: str, value: Any) -> bool:
    """Whether the value is a copy of the labelled text with a slip in it."""
    one, other = fold(text), fold(as_text(value))
    if not one or not other or isinstance(value, bool):
        return False
    most = 1 if len(other) < 12 else 2
    if min(len(one), len(other)) >= 3 and distance(one, other, most) <= most:
        return True
    first, second = one.split(), other.split()
    if len(first) < 4 or len(second) < 2:
        return False
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= ALTERED


# --- what the answer leaves out ---------------------------------------------------------------------------------


class _Answer:
    """The leaves of an answer, to find a labelled value among them."""

    def __init__(self, keyed: Sequence[Keyed]) -> None:
        self.texts = {fold(as_text(v)) for _, v, _, _ in keyed}
        self.numbers = {float(v) for _, v, _, _ in keyed if is_number(v) and abs(v) < 1e300}
        self.keyed = keyed
        self._rest: tuple[str, Prompt] | None = None

    @property
    def rest(self) -> tuple[str, Prompt]:
        """All texts as one, folded, and the same as a prompt is looked at."""
        if self._rest is None:
            whole = "\n".join(as_text(v).replace("_", " ") for _, v, _, _ in self.keyed)
            p = Prompt(whole)
            self._rest = p.folded, p
        return self._rest

    def missing(self, piece: str) -> str:
        """What of a piece is in no leaf; "" for nothing."""
        wanted = fold(piece)
        if wanted in self.texts or wanted in NOTHING:
            return ""
        whole, p = self.rest
        if stands_in(wanted, whole) or p.holds(tighten(piece)):
            return ""
        q = _prompt(piece)
        if q.dates:
            at = not q.clocks or not q.clocks.isdisjoint(p.clocks)
            return "" if at and not q.dates.isdisjoint(p.dates) else piece
        if q.readings and len(q.words) <= 6:
            there = self.numbers | p.numbers
            if all(any(x in there or -x in there for x in read) for read in q.readings):
                return ""
        if q.clocks and len(q.words) <= 4 and not q.clocks.isdisjoint(p.clocks):
            return ""
        words = [w for w in wanted.split() if tighten(w)]
        lost = [w for w in words if tighten(w) not in p.words and not p.holds(tighten(w))]
        size = len(words)
        if len(lost) == size:
            return piece
        return " ".join(lost) if len(lost) > FEW_WORDS and len(lost) >= 0.2 * size else ""


def _look_for_left(
    row: Row,
    p: Prompt,
    fields: Fields,
    keyed: Sequence[Keyed],
    counts: Counter[str],
    taken: set[int],
) -> None:
    answer = _Answer(keyed)
    told = {id(m.label) for m in row.misses if m.label is not None}
    flags = {key for _, v, _, key in keyed if key and isinstance(v, bool)}
    chosen = {key for _, v, place, key in keyed if key and v in fields.options(place)}
    for label in p.labels:
        if id(label) in taken and not label.more:
            row.used.append(label.key)
            continue
        if fields.unused[label.key] >= DISTRACTING:
            continue
        if id(label) in told or label.key in flags or label.key in chosen:
            row.used.append(label.key)
            continue
        pieces = [label.value] if label.value else label.items
        if label.value and "," in label.value.replace(";", ",") and _listed(fields, label):
            pieces = [x.strip() for x in label.value.replace(";", ",").split(",")]
        missing = [lost for x in pieces if (lost := answer.missing(x))]
        place = min(fields.places.get(label.key, ()), default=None)
        if place is None:
            # One row that uses it, and it is no distractor.
            fields.unused[label.key] += 1 if missing else -NEVER
        if missing:
            filled = counts[label.key] >= len(p.by_key[label.key])
            row.left.append(Left(label, "; ".join(missing), place, filled))
            continue
        row.used.append(label.key)
        if label.inside and label.more:
            missing = [lost for x in label.more if any(map(str.isalpha, x)) and (lost := answer.missing(x))]
            if missing:
                row.left.append(Left(label, "; ".join(missing), place, True, next_lines=True))
            else:
                row.joined.append(label.key)


def _listed(fields: Fields, label: Label) -> bool:
    return any(fields.nodes.get(x, {}).get("type") == "array" for x in fields.places.get(label.key, ()))
