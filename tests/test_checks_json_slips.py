"""Values that nearly stand in the prompt: which of them may be overwritten, and which may be right."""

import pytest

from finetooth import checks
from finetooth.tasks.json import JsonInput, JsonTarget
from finetooth.types import Dataset, Example

GROUNDING = ("near-miss", "wrong-label", "ungrounded", "left-out")


def row(prompt, value, *, id="e1", schema=None, schema_id="order"):
    return Example(id, JsonInput(prompt, schema_id, schema), JsonTarget(value))


def findings(*rows, only=GROUNDING):
    return checks.run(Dataset("json", rows, "here", "memory", ""), only=only).findings


def one(*rows, only=GROUNDING):
    found = findings(*rows, only=only)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("prompt", "value", "check"),
    [
        # Two words of the dictionary that are a letter apart.
        ("Account on hold since May. Tags: late, new.", {"tags": ["late", "new", "gold"]}, "ungrounded"),
        ("the column was replaced in May", {"part": "colum"}, "ungrounded"),
        ("we replaced the column", {"part": "colums"}, "near-miss"),
        # A part of another name, and of two names nobody knows which.
        ("Paris Hilton came", {"city": "Parish"}, "near-miss"),
        ("A-1234 and A-1235 are late", {"order": "A-1233"}, "near-miss"),
        # What stands there is in the answer already: this one is made up.
        ("Orders A-1234 are late", {"order": "A-1234", "next": "A-1236"}, "near-miss"),
        ("Made in 2023", {"born": 2013}, "near-miss"),
        # The prompt breaks off.
        ("Mail greta.garbo@example.c", {"email": "greta.garbo@example.com"}, "near-miss"),
        ("Email: greta.garbo@exa", {"email": "greta.garbo@example.com"}, "near-miss"),
    ],
)
def test_what_may_be_another_word_is_not_overwritten(prompt, value, check):
    f = one(row(prompt, value), only=("near-miss", "ungrounded"))
    assert (f.check, f.fix) == (check, None)


def test_a_prompt_that_breaks_off_is_told():
    f = one(row("Mail greta.garbo@example.c", {"email": "greta.garbo@example.com"}))
    assert "the prompt breaks off at 'greta.garbo@example.c'" in f.message
    assert findings(row("It is from Leeds", {"city": "Leeds", "road": "Leeds Road"}), only="near-miss") == ()


def test_a_name_and_a_code_are_still_mended():
    for prompt, value, near in (
        ("it went to Zacharias yesterday", "Zacharais", "Zacharias"),
        ("it went to Zacharias Moss yesterday", "Zacharais Moss", "Zacharias Moss"),
        ("write to ada@exmaple.org or call", "ada@example.org", "ada@exmaple.org"),
    ):
        assert one(row(prompt, {"who": value})).fix == {"path": "$.who", "value": near}


def test_a_long_list_of_made_up_numbers_costs_no_more_for_each_than_a_short_one(monkeypatch):
    """The places of a table are gone over once for an answer, not once for each value that is not said."""
    from finetooth.checks.json_tables import Table

    asked = []
    path = Table.path
    monkeypatch.setattr(Table, "path", lambda self, i: asked.append(i) or path(self, i))
    rows = []
    for n in (50, 200):
        lines = [{"quantity": 3 + i, "price": 7000 + i, "total": (3 + i) * (7000 + i)} for i in range(n)]
        said = " ".join(f"{x['quantity']} {x['price']}" for x in lines)
        rows.append(row(f"Lines {said}", {"lines": lines}, id=f"e{n}"))
    counts = []
    for one_row in rows:
        asked.clear()
        assert findings(one_row, only="ungrounded") == ()  # worked out from what is said
        counts.append(len(asked))
    assert 0 < counts[1] <= 5 * counts[0]


# --- fields that are no copy ----------------------------------------------------------------------------------


def tickets(**more):
    for i in range(12):
        value = {
            "order": f"A-2000{i}",
            "mood": "angry",
            "summary": f"Complaint {'abc'[i % 3]}",
            "priority": i % 4,
        }
        yield row(
            f"Order A-2000{i} came broken, again! I want it back.",
            {**value, **more.get(f"t{i}", {})},
            id=f"t{i}",
        )


def test_a_field_in_other_words_is_told_once_and_a_copied_one_by_the_row():
    found = findings(*tickets(t3={"order": "B-7777"}))
    assert {
        (f.check, f.severity, f.example_id, f.evidence.get("place", f.evidence.get("path"))) for f in found
    } == {
        ("ungrounded", "error", "t3", "$.order"),
        ("ungrounded", "info", "", "$.mood"),
        ("ungrounded", "info", "", "$.summary"),
        ("ungrounded", "info", "", "$.priority"),
    }
    assert all((f.evidence["missing"], f.evidence["of"]) == (12, 12) for f in found if "mood" in f.message)


def test_a_field_of_made_up_codes_is_a_warning():
    rows = [
        row(f"Order {i} for Ada", {"order": i, "who": "Ada", "phone": f"555-0{i}17"}, id=f"t{i}")
        for i in range(9)
    ]
    f = one(*rows)
    assert (f.example_id, f.severity, f.evidence["place"]) == ("", "warning", "$.phone")


def test_a_field_that_is_mostly_copied_is_an_error_where_it_is_not():
    rows = [row(f"From {c}", {"city": c}, id=c) for c in ("Leeds", "Paris", "Rome", "Oslo", "Bonn", "Graz")]
    assert one(*rows, row("From Bern", {"city": "Vienna"}, id="last")).severity == "error"


@pytest.mark.parametrize(
    ("said", "minutes"),
    [("an hour and a half", 90), ("one and a half hours", 90), ("half an hour", 30), ("two hours", 120),
     ("three quarters of an hour", 45), ("a quarter of an hour", 15), ("an hour and a quarter", 75)],
)  # fmt: skip
def test_durations_in_words_are_read(said, minutes):
    prompt = f"She stayed for {said} in Germany."
    assert findings(row(prompt, {"duration_min": minutes, "country": "DE"})) == ()
    assert one(row(prompt, {"duration_min": minutes + 1})).check == "ungrounded"
