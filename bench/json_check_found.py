"""Which share of planted slips ``finetooth check`` finds in JSON rows, and what else it says then.

    python bench/json_check_found.py ROWS.jsonl [--schemas DIR] [--share 0.1] [--seed 3] [--rounds 5]

Of every kind of slip one is put into a tenth of the answers (the prompts stay as they are). A slip counts as found if a
check of errors or warnings names its row that did not name it before. "else": findings on rows that were left alone.
"""

import argparse
import copy
import random
from collections import Counter
from dataclasses import replace

from finetooth import checks, readers
from finetooth.checks.json_values import at_path, is_number, leaves
from finetooth.tasks.json import JsonTarget


def texts(value, least=1):
    return [(p, x) for p, x in leaves(value) if isinstance(x, str) and len(x) >= least]


def numbers(value):
    return [(p, x) for p, x in leaves(value) if is_number(x)]


def put(value, path, x):
    at_path(value, path[:-1])[path[-1]] = x


def one_letter(value, rng, rows):
    path, x = rng.choice(texts(value, 6))
    i = rng.randrange(len(x))
    if x[i].isalnum():
        put(value, path, x[:i] + rng.choice("0123456789abcdefgh") + x[i + 1 :])


def two_letters_swapped(value, rng, rows):
    path, x = rng.choice(texts(value, 6))
    i = rng.randrange(len(x) - 1)
    if x[i].isalnum() and x[i + 1].isalnum():
        put(value, path, x[:i] + x[i + 1] + x[i] + x[i + 2 :])


def other_number(value, rng, rows):
    path, x = rng.choice(numbers(value))
    put(value, path, round(x + rng.choice([1, 10, -1, 2 if isinstance(x, int) else 0.1]), 6))


def field_dropped(value, rng, rows):
    path, _ = rng.choice(list(leaves(value)))
    del at_path(value, path[:-1])[path[-1]]


def element_dropped(value, rng, rows):
    lists = {p[: p.index(i)] for p, _ in leaves(value) for i in p if isinstance(i, int)}
    at = at_path(value, rng.choice(sorted(lists, key=str)))
    at.pop(rng.randrange(len(at)))


def numbers_swapped(value, rng, rows):
    (p, x), (q, y) = rng.sample(numbers(value), 2)
    put(value, p, y)
    put(value, q, x)


def texts_swapped(value, rng, rows):
    (p, x), (q, y) = rng.sample(texts(value), 2)
    put(value, p, y)
    put(value, q, x)


def value_of_another_row(value, rng, rows):
    path, _ = rng.choice(texts(value, 4))
    others = [x for r in rng.sample(rows, 20) if isinstance(x := at_path(r.target.value, path), str)]
    put(value, path, rng.choice(others))


SLIPS = (
    one_letter,
    two_letters_swapped,
    other_number,
    field_dropped,
    element_dropped,
    numbers_swapped,
    texts_swapped,
    value_of_another_row,
)


def slipped(example, slip, rng, rows):
    """The example with a slip, None where it has nothing to slip on."""
    value = copy.deepcopy(example.target.value)
    try:
        slip(value, rng, rows)
    except (IndexError, ValueError):
        return None
    return (
        None
        if str(value).casefold() == str(example.target.value).casefold()
        else replace(example, target=JsonTarget(value))
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows")
    parser.add_argument("--schemas")
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    options = {"schemas": args.schemas} if args.schemas else {}
    data = readers.load(args.rows, task="json", **options)
    before = {(f.example_id, f.check) for f in checks.run(data).findings}
    for slip in SLIPS:
        planted = found = others = 0
        by = Counter()
        for round_ in range(args.rounds):
            rng = random.Random(f"{args.seed}/{slip.__name__}/{round_}")
            rows = list(data.examples)
            wrong = {}
            for i, e in enumerate(rows):
                if rng.random() < args.share and (made := slipped(e, slip, rng, data.examples)) is not None:
                    rows[i] = wrong[e.id] = made
            new = {
                (f.example_id, f.check)
                for f in checks.run(replace(data, examples=rows)).findings
                if f.example_id and f.severity != "info" and (f.example_id, f.check) not in before
            }
            named = {id for id, _ in new} & wrong.keys()
            planted, found = planted + len(wrong), found + len(named)
            others += len({id for id, _ in new} - wrong.keys())
            by.update(check for id, check in new if id in wrong)
        share = f"{found / planted:6.1%}" if planted else "     -"
        named = ", ".join(f"{c} {n}" for c, n in by.most_common(4))
        print(f"{slip.__name__:22} {found:5} of {planted:5} {share}  else {others:3}  {named}")


if __name__ == "__main__":
    main()
