"""The rows of one schema held against their prompts: what nobody says, what follows, what is usual for a field.

48 tickets whose prompts never say the priority, and always the order id -> priority is told in other words, order_id copied
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from finetooth.checks.json_arithmetic import groups
from finetooth.checks.json_declared import declared
from finetooth.checks.json_discover import Found
from finetooth.checks.json_ground_rows import Fields, Miss, Row, look
from finetooth.checks.json_prompt import Prompt, as_text
from finetooth.checks.json_relations import Relation, holds_in, parse
from finetooth.checks.json_says import nearly
from finetooth.checks.json_slips import cut_off
from finetooth.checks.json_values import Pattern, is_number, pattern, show_path
from finetooth.registry import CheckContext
from finetooth.types import Example

USUAL = 0.8  # share of the rows that use a label's value, from which on one that does not is told
ENOUGH = 5  # rows with a label before their habit counts
BY_USE = 3  # rows that leave a field unsaid and all answer the same: a default by use
DETACHED = 0.7  # share of a schema's leaves that the prompts do not say: they are no extraction
LEAST_LEAVES = 20
OWN_WORDS = 0.5  # share of a field's values that the prompts do not say, from which on it is no copy of them
MIXED = 0.2  # and from which on one that they do not say is a warning
MOST_NEAR = (
    100  # unsaid values of one row that are looked for with a slip; where there are more, they are made up
)
TELLING_DIGITS = 4  # of a number that a relation gives: fewer may agree by chance


class Group:
    """A schema's rows after a look at them, with what can be computed or is a default by use taken out."""

    def __init__(self, key: str, examples: list[Example], found: list[Found]) -> None:
        self.key, self.examples = key, examples
        schema = examples[0].inputs.schema
        rules = declared(schema, key) if schema is not None else []
        self.fields = Fields(schema, [e.target.value for e in examples])
        self.rows = [look(e, self.fields) for e in examples]
        for i, row in enumerate(self.rows):
            # Again while it helps: a total that nobody says may follow from a subtotal that nobody says.
            before = len(row.misses) + 1
            held: dict[str, frozenset[str]] = {}
            while row.misses and len(row.misses) < before:
                before = len(row.misses)
                unsaid = Counter(pattern(m.path) for m in row.misses)
                row.misses = [
                    m for m in row.misses if m.label or not _computed(i, row, m, unsaid, held, found, rules)
                ]
        self._defaults()
        for row in self.rows:
            p = Prompt(row.example.inputs.prompt) if row.misses else None
            for m in row.misses[:MOST_NEAR]:
                if p is not None and m.label is None and m.value.__class__ is not bool:
                    m.near = cut_off(p.text, m.value) or nearly(p, m.value)
                elif p is not None and not m.near:
                    m.near = cut_off(p.text, m.value)
        self._told()
        used = Counter(key for row in self.rows for key in set(row.used))
        lost = Counter(key for row in self.rows for key in {x.label.key for x in row.left} - set(row.used))
        self.habit = {k: (n, n + lost[k]) for k, n in used.items()}
        joined = Counter(key for row in self.rows for key in row.joined)
        cut = Counter(x.label.key for row in self.rows for x in row.left if x.next_lines)
        self.joins = {k for k, n in joined.items() if n >= BY_USE and n >= USUAL * (n + cut[k])}

    def _defaults(self) -> None:
        unsaid: dict[Pattern, list[Any]] = defaultdict(list)
        for row in self.rows:
            for m in row.misses:
                place = pattern(m.path)
                if m.label is None and (m.value in self.fields.options(place) or isinstance(m.value, bool)):
                    unsaid[place].append(m.value)
        usual = {place for place, v in unsaid.items() if len(v) >= BY_USE and len(set(v)) == 1}
        for row in self.rows:
            row.misses = [m for m in row.misses if m.label or pattern(m.path) not in usual]

    def _told(self) -> None:
        """By place, how many values the prompts do not say; a slip is not counted, it shows that the field is copied."""
        self.lost = Counter(
            pattern(m.path) for row in self.rows for m in row.misses if m.label is None and not m.near
        )

    def share_lost(self, place: Pattern) -> float:
        """The share of a field's values that the prompts do not say, of five values and more; else 0."""
        of = self.fields.valued[place]
        return self.lost[place] / of if of >= ENOUGH else 0.0

    def in_own_words(self, place: Pattern) -> bool:
        """Whether a field is no copy: a summary, a mood, a priority, a code for what the prompt calls by its name."""
        return self.share_lost(place) >= OWN_WORDS

    @property
    def detached(self) -> bool:
        """Whether the prompts do not hold the answers at all: they ask for something to be made up."""
        of = sum(row.leaves for row in self.rows)
        lost = sum(sum(m.label is None for m in row.misses) for row in self.rows)
        copied = any(n >= ENOUGH and self.share_lost(p) < MIXED for p, n in self.fields.valued.items())
        return of >= LEAST_LEAVES and lost >= DETACHED * of and not copied


def _computed(
    i: int,
    row: Row,
    miss: Miss,
    lost: Counter[Pattern],
    held: dict[str, frozenset[str]],
    found: Sequence[Found],
    rules: Sequence[Relation],
) -> bool:
    """Whether a relation that holds here gives the value from others that the prompt says.

    ``lost``: the places of the row that it does not say. ``held``: where a declared rule holds in the row, filled here.
    """
    if not is_number(miss.value) and not isinstance(miss.value, str):
        return False
    place = pattern(miss.path)
    for f in found:
        c = f.candidate
        # A field that is unrelated elsewhere was worked out here if many digits agree: no chance hits those.
        if c.op != "==" or (f.relation.unrelated and not many_digits(miss.value)):
            continue
        columns = {(*at, *path): len(at) for at, path in c.left.uses | c.right.uses}
        # Another value that is missing too: the two may have been made up together.
        if place not in columns or any(lost[other] for other in columns if other != place):
            continue
        steps = len(c.table.place)
        if f.holds_at(i, miss.path[:steps]):
            return True
    names = {step for step in place if step != "[]"}
    others = {other[-1] for other in lost} - {place[-1]}
    for rule in rules:
        parsed = parse(rule.rule)
        if parsed.op != "==" or place[-1] not in parsed.names or others & parsed.names:
            continue
        if not names <= parsed.names | set(parsed.place):
            continue
        if rule.rule not in held:
            held[rule.rule] = frozenset(holds_in(row.example.target.value, rule))
        if any(show_path(miss.path[:size]) in held[rule.rule] for size in range(len(miss.path))):
            return True
    return False


def many_digits(value: Any) -> bool:
    return is_number(value) and sum(c.isdigit() for c in as_text(value).strip("0.")) >= TELLING_DIGITS


class _Memo:
    """The last data set's rows: four checks look at them."""

    groups: Any = None
    made: tuple[Group, ...] = ()


def ground_groups(examples: Sequence[Example], context: CheckContext) -> tuple[Group, ...]:
    of = groups(examples, context)
    if _Memo.groups is not of:
        _Memo.groups, _Memo.made = of, tuple(Group(g.key, g.examples, g.every) for g in of)
    return _Memo.made
