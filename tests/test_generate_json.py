"""The JSON generator: what it makes passes every check, is the same every time, and leaks nothing."""

import copy
import json
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from finetooth import checks
from finetooth.checks.json_declared import declared
from finetooth.checks.json_prompt import Prompt, fold
from finetooth.checks.json_values import as_moment, is_number, leaves
from finetooth.errors import DataError, UsageError
from finetooth.generate.json_compute import compute
from finetooth.generate.json_fields import walk
from finetooth.generate.json_rows import (
    boost,
    generate_json,
    make_row,
    repair,
    schemas,
    specs,
    write_schemas,
)
from finetooth.generate.json_styles import STYLES, unmentioned
from finetooth.io import write_jsonl
from finetooth.tasks.json import from_row
from finetooth.types import Dataset

N = 2000


def examples_of(rows):
    known = schemas()
    return [from_row({**r, "schema": known.get(r["schema_id"])}, r["id"]) for r in rows]


def findings(rows, **options):
    data = Dataset("json", examples_of(rows), "generated", "memory", "")
    return checks.run(data, **options).findings


@pytest.fixture(scope="module")
def rows():
    return generate_json(N, 7)


def test_ten_thousand_generated_rows_pass_every_check():
    rows = generate_json(10_000, 7)
    assert len(rows) == 10_000
    assert [f.message for f in findings(rows)] == []
    train, test = ([r for r in rows if r["split"] == split] for split in ("train", "test"))
    against = Dataset("json", examples_of(train), "train", "memory", "")
    assert [f.message for f in findings(test, against=against)] == []


@pytest.mark.parametrize("name", list(specs()))
def test_a_few_rows_of_one_schema_pass_too(name):
    assert [f.message for f in findings(generate_json(8, 3, split="train", only=[name]))] == []


def test_the_same_seed_makes_the_same_rows_and_another_seed_others(rows):
    assert generate_json(N, 7) == rows
    other = generate_json(N, 8)
    assert not {r["prompt"] for r in other} & {r["prompt"] for r in rows}


def test_a_row_does_not_depend_on_how_many_there_are(rows):
    by_id = {r["id"]: r for r in generate_json(900, 7)}
    both = by_id.keys() & {r["id"] for r in rows}
    assert len(both) > 500
    assert all(by_id[r["id"]] == r for r in rows if r["id"] in both)


# --- schemas ----------------------------------------------------------------------------------------------------


def test_schemas_of_three_complexities_declare_what_is_computed(tmp_path):
    kinds = Counter(s.complexity for s in specs().values())
    assert sum(kinds.values()) >= 25
    assert min(kinds["simple"], kinds["medium"], kinds["complex"]) >= 8
    for name, schema in schemas().items():
        assert schema["$schema"].endswith("2020-12/schema")
        assert schema["additionalProperties"] is False
        derived = [path for path, f in walk(specs()[name].fields) if f.rule]
        assert len(declared(schema, name)) >= len(derived)
    paths = write_schemas(tmp_path)
    assert {p.stem: json.loads(p.read_text("utf-8")) for p in paths} == schemas()


def leaf_fields(spec):
    return [(p, f) for p, f in walk(spec.fields) if f.kind != "object" and not (f.items and f.items.fields)]


@pytest.mark.parametrize("name", list(specs()))
def test_complexity_is_what_it_says(name):
    spec = specs()[name]
    n, fields = len(leaf_fields(spec)), dict(walk(spec.fields))
    nested = [p for p in fields if "." in p]
    if spec.complexity == "simple":
        assert 2 <= n <= 4
        assert not nested
    elif spec.complexity == "medium":
        assert 5 <= n <= 8
        assert nested
        assert not any("[]" in p for p in fields)
    else:
        assert n >= 8
        assert any("[]." in p for p in fields)


@pytest.mark.parametrize("name", list(specs()))
def test_the_sentences_of_a_schema_tell_every_field(name):
    assert unmentioned(specs()[name]) == []


def test_relations_are_computed_exactly():
    lines = [{"total": Decimal("9.99")}, {"total": Decimal("0.01")}]
    here = {"lines": lines, "tax": 20, "start": date(2024, 2, 27), "end": date(2024, 3, 1)}
    cents = Decimal("0.01")
    assert compute("sum(lines[].total) * (1 + tax / 100)")(here, here, cents) == Decimal("12.00")
    assert compute("days(end) - days(start)")(here, here, Decimal(1)) == 3
    assert compute("mean(lines[].total) - opt(discount)")(here, here, cents) == Decimal("5.00")
    assert compute("count(lines.filter(i, (i.total == root.lines[].total)))")(here, here, Decimal(1)) == 0
    assert compute("0.125 * 1")({}, {}, cents) == Decimal("0.13")  # half up, as on a till
    with pytest.raises(ValueError, match="not in the language"):
        compute("lines if tax else end")
    with pytest.raises(ValueError, match="there are"):
        compute("open(lines)")


# --- prompts ----------------------------------------------------------------------------------------------------


def derivable(value, said: Prompt) -> bool:
    """Whether a leaf stands in the prompt, as it is or in another notation."""
    if isinstance(value, bool):
        return bool(said.words & ({"yes", "true"} if value else {"no", "false"}))
    if is_number(value):
        return float(value) in said.numbers
    if fold(value) in said.folded or fold(value.replace("_", " ")) in said.folded:
        return True
    moment = as_moment(value)
    if moment is None or moment.kind == "clock":
        return False
    clock = moment.kind == "date" or (int(value[11:13]), int(value[14:16])) in said.clocks
    return clock and date.fromisoformat(value[:10]) in said.dates


def at_schema(path):
    return ".".join("[]" if isinstance(p, int) else p for p in path).replace(".[]", "[]")


def test_every_leaf_stands_in_the_prompt_or_is_computed_or_a_default(rows):
    silent = Counter()
    for row in rows:
        said = Prompt(row["prompt"])
        fields = dict(walk(specs()[row["schema_id"]].fields))
        for path, value in leaves(row["expected_output"]):
            if not derivable(value, said):
                name = at_schema(path)
                f = fields.get(name) or fields[name.removesuffix("[]")]
                assert f.rule or value == f.default, f"{row['id']}: {name} is {value!r}\n{row['prompt']}"
                silent["computed" if f.rule else "default"] += 1
    # Some must be computed, most can be read.
    assert 100 < silent["computed"] < len(rows)
    assert silent["default"] > 20


def test_distractors_stand_in_the_prompt_and_not_in_the_answer():
    several = 0
    for name in specs():
        for index in range(20):
            row, distractors = make_row(name, "train", 3, index)
            own = {str(v) for _, v in leaves(row["expected_output"])}
            said = {fold(s) for s in own}
            for wrong in distractors:
                assert wrong in row["prompt"]
                assert fold(wrong) not in said
                several += 1
    assert several > 20 * len(specs()) / 2


def test_only_forms_and_logs_have_labels(rows):
    styles = Counter(r["style"] for r in rows)
    assert set(styles) == set(STYLES)
    assert len(styles) >= 5
    assert min(styles.values()) > N / 10
    for row in rows:
        labels = Prompt(row["prompt"]).labels
        if row["style"] in ("form", "log"):
            assert labels, row["prompt"]
        else:
            assert not labels, row["prompt"]


# --- splits -----------------------------------------------------------------------------------------------------


def test_splits_share_no_prompt_and_no_value_but_numbers_and_enums(rows):
    seen = {"train": set(), "test": set()}
    prompts = {"train": set(), "test": set()}
    for row in rows:
        prompts[row["split"]].add(row["prompt"])
        fields = dict(walk(specs()[row["schema_id"]].fields))
        for path, value in leaves(row["expected_output"]):
            f = fields.get(at_schema(path))
            if isinstance(value, str) and (f is None or f.kind != "enum"):
                seen[row["split"]].add(value)
    assert len(prompts["train"]) + len(prompts["test"]) == N
    assert not seen["train"] & seen["test"]
    assert not prompts["train"] & prompts["test"]


@pytest.mark.parametrize("n", [20, 200, 720, 1000, 1999])
def test_every_schema_has_ten_test_rows_and_like_shares(n):
    rows = generate_json(n, 1)
    assert len(rows) == n
    assert len({r["id"] for r in rows}) == n
    counts = Counter((r["schema_id"], r["split"]) for r in rows)
    total = Counter(r["split"] for r in rows)
    for name in {r["schema_id"] for r in rows}:
        assert counts[name, "test"] >= 10
        share = counts[name, "test"] / total["test"] / (counts[name, "train"] / total["train"])
        assert 0.5 <= share <= 2


def test_one_split_alone_and_schemas_by_name():
    rows = generate_json(30, 5, split="test", only=["tank_level", "pay_slip"])
    assert {(r["split"], r["schema_id"]) for r in rows} == {("test", "tank_level"), ("test", "pay_slip")}
    assert generate_json(0, 5) == []
    with pytest.raises(UsageError, match=r"did you mean pay_slip"):
        generate_json(5, 5, only=["pay_slips"])
    with pytest.raises(UsageError, match="train or test"):
        generate_json(5, 5, split="dev")
    with pytest.raises(UsageError, match="0 or more"):
        generate_json(-1, 5)


# --- repair and boost -------------------------------------------------------------------------------------------


def test_repair_makes_failing_rows_anew_and_leaves_the_rest_byte_for_byte(tmp_path):
    rows = generate_json(200, 11)
    wrong = copy.deepcopy(rows)
    bill = next(i for i, r in enumerate(rows) if "total" in r["expected_output"])
    wrong[bill]["expected_output"]["total"] += 10
    odd = next(i for i, r in enumerate(rows) if r["schema_id"] == "parcel_weighing" and i > 30)
    wrong[odd]["expected_output"]["note"] = "not in the schema"
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, wrong)
    # Somebody else's spacing is kept too.
    lines = path.read_bytes().split(b"\n")
    lines[3] = lines[3].replace(b'", "', b'",  "', 1)
    path.write_bytes(b"\n".join(lines))

    mended = repair(path, seed=2)
    assert set(mended.repaired) == {rows[bill]["id"], rows[odd]["id"]}
    assert "declared-relation" in " ".join(mended.repaired[rows[bill]["id"]])
    assert not mended.left
    mended.write(tmp_path / "mended.jsonl")
    after = (tmp_path / "mended.jsonl").read_bytes().split(b"\n")
    assert [i for i, (a, b) in enumerate(zip(lines, after, strict=True)) if a != b] == [bill, odd]
    assert [r["id"] for r in mended.rows] == [r["id"] for r in rows]
    for key in ("schema_id", "split", "style", "complexity"):
        assert mended.rows[bill][key] == rows[bill][key]
    assert not findings(mended.rows)
    assert repair(path, seed=2).rows == mended.rows


def test_repair_of_clean_rows_changes_nothing(tmp_path):
    path, out = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    write_jsonl(path, generate_json(60, 12))
    mended = repair(path)
    assert (mended.repaired, mended.left) == ({}, ())
    mended.write(out)
    assert out.read_bytes() == path.read_bytes()


def test_repair_names_what_it_cannot_mend(tmp_path):
    good = generate_json(20, 13)[0]
    foreign = {"id": "x1", "prompt": "Total 5", "schema_id": "till", "expected_output": {"total": "5"}}
    till = {"type": "object", "properties": {"total": {"type": "number"}}}
    unread = {**good, "id": "x2", "expected_output": None}
    path = tmp_path / "rows.jsonl"
    texts = [json.dumps(good), "{broken", "", json.dumps(foreign), json.dumps(unread), json.dumps(good)]
    path.write_text("\n".join(texts), "utf-8")
    mended = repair(path, schemas_by_id={"till": till})
    assert list(mended.repaired) == ["x2"]
    reasons = {d.example_id: d.reason for d in mended.left}
    assert set(reasons) == {"row 2", "x1"}
    assert "not JSON" in reasons["row 2"]
    assert "no schema 'till'" in reasons["x1"]
    mended.write(path)
    after = path.read_text("utf-8").split("\n")
    assert after[:4] == texts[:4]
    assert json.loads(after[4])["expected_output"]
    path.write_text("[]", "utf-8")
    with pytest.raises(DataError, match="expected JSONL"):
        repair(path)
    with pytest.raises(UsageError, match="cannot be read"):
        repair(tmp_path / "none.jsonl")


def test_boost_lifts_thin_schemas_and_keeps_shares_alike():
    rows = generate_json(800, 14)
    thin = [r for r in rows if r["schema_id"] != "pay_slip" or r["split"] == "train"]
    thin = [r for i, r in enumerate(thin) if r["schema_id"] != "tank_level" or i % 7 == 0]
    lifted = boost(thin, at_least=25, seed=14)
    assert lifted[: len(thin)] == thin
    assert len({r["id"] for r in lifted}) == len(lifted)
    counts = Counter((r["schema_id"], r["split"]) for r in lifted)
    total = Counter(r["split"] for r in lifted)
    for name in specs():
        assert counts[name, "test"] >= 10
        assert counts[name, "test"] + counts[name, "train"] >= 25
        share = counts[name, "test"] / total["test"] / (counts[name, "train"] / total["train"])
        assert 0.5 <= share <= 2
    assert not findings(lifted)
    one_split = [{k: v for k, v in r.items() if k != "split"} for r in rows[:72]]
    assert Counter(r["schema_id"] for r in boost(one_split, at_least=5)) == dict.fromkeys(specs(), 5)
    assert boost([], at_least=5) == []
