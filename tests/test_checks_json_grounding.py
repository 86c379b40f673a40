"""Answers against their prompts: what is made up, what is copied with a slip, what is left out."""

import random

import pytest

from finetooth import checks
from finetooth.checks.json_labels import labels_in
from finetooth.checks.json_prompt import Prompt
from finetooth.checks.json_says import distance, nearly, says
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


PROSE = """Order A-1234 went to Ada  Moss, 12 Mill Lane
Leeds, on 5 March 2024 at 4:30 pm. Three pens for $1,234.50 and 15% off; delivery takes 2 hours, bank transfer.
Signature required. We pay in €."""


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("A-1234", "order"), ("a1234", "order"), ("Ada Moss", "customer"), ("12 Mill Lane, Leeds", "address"),
        ("12 Mill Lane\nLeeds", "address"), ("2024-03-05", "date"), ("2024-03-05T16:30:00Z", "sent"),
        ("March 5, 2024", "date"), ("16:30", "time"), (1234.5, "price"), ("1234.50", "price"), (3, "quantity"),
        (15, "discount"), (0.15, "discount"), (120, "delivery_minutes"), ("bank_transfer", "method"),
        (True, "signature"), ("EUR", "currency"), (None, "anything"), ("", "note"),
    ],
)  # fmt: skip
def test_a_value_may_be_said_in_many_ways(value, field):
    assert says(Prompt(PROSE), value, field)
    assert findings(row(PROSE, {field: value}), only=("near-miss", "ungrounded")) == ()


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("A-1243", "order"), ("Ida Moss", "customer"), ("2024-03-06", "date"), ("2024-03-05T17:30:00Z", "sent"),
        (1243.5, "price"), (4, "quantity"), (0.16, "discount"), (130, "delivery_minutes"), ("wire_transfer", "method"),
        ("JPY", "currency"), ("ill Lan", "address"), (-1234.5, "price"),
    ],
)  # fmt: skip
def test_and_is_not_said_by_what_is_merely_like_it(value, field):
    assert not says(Prompt(PROSE), value, field)


@pytest.mark.parametrize(
    ("prompt", "value", "field"),
    [
        ("It took 1 hour 30 minutes", 90, "minutes"), ("It took 1h30m", 90, "minutes"),
        ("for two hundred and fifty dollars", 250, "cost"), ("five hundred thousand of them", 500000, "count"),
        ("size 30x20x10 cm", 20, "width"), ("IBAN DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "iban"),
    ],
)  # fmt: skip
def test_durations_number_words_and_sides_are_read(prompt, value, field):
    assert says(Prompt(prompt), value, field)


@pytest.mark.parametrize(
    ("prompt", "value", "near"),
    [
        ("Ref: 12345", "12345x", "12345"), ("Price: 12.50", "12.50x", "12.50"),
        ("On: 2025-07-02", "2025-07-02x", "2025-07-02"), ("On: 2025-07-02", "2025-07-02 Paris", ""),
        ("Phone: +44 20 7946 0958", "+44 20 7946 0958 x", ""), ("1.2 million people", 1000000, ""),
        ("IBAN DE89 3704 0044 0532 0130 00", "DE89370400440532013001", "DE89 3704 0044 0532 0130 00"),
    ],
)  # fmt: skip
def test_what_hangs_on_to_a_number_or_date_is_not_said(prompt, value, near):
    assert not says(Prompt(prompt), value)
    assert nearly(Prompt(prompt), value) == near or not near


def test_european_and_spelled_out_numbers():
    p = Prompt("Summe EUR 1.234,50 for twenty-five boxes, −3 °C, 4k views")
    assert {1234.5, -3.0, 4000.0} <= p.numbers
    assert says(p, 25)


def test_times_are_compared_to_what_the_text_tells_of_them():
    exact, rough = Prompt("seen 2024-03-05T16:30:22.180906"), Prompt("seen 5 March 2024, 16:30")
    assert says(exact, "2024-03-05T16:30:22.180906")
    assert says(exact, "2024-03-05T16:30:22Z")
    assert not says(exact, "2024-03-05T16:30:22.189006")
    assert not says(exact, "2024-03-05T16:30:23")
    assert says(rough, "2024-03-05T16:30:00Z")
    assert not says(rough, "2024-03-05T16:30:10Z")


def test_addresses_of_machines_are_no_numbers():
    assert not says(Prompt("host 10.174.147.104"), "10.174.147.140")


def test_labels_of_forms_lists_and_log_lines():
    text = (
        'Ship To: Ada\n  12 Mill Lane\nTags:\n  red\n  - blue\n\nat 10:30 we met\nlevel=WARN user="ada moss"'
    )
    found = {x.key: x for x in labels_in(text)}
    assert found["shipto"].more == ["12 Mill Lane"]
    assert found["tags"].items == ["red", "blue"]
    assert (found["level"].value, found["user"].value) == ("WARN", "ada moss")
    assert not any(x.value.startswith("30") for x in found.values())


def test_distance_counts_a_swap_as_one():
    assert [distance("A-1234", x) for x in ("A-1234", "A-1243", "A-124", "A-12345", "B-9876")] == [
        0,
        1,
        1,
        1,
        3,
    ]


# --- slips ----------------------------------------------------------------------------------------------------


def test_a_slip_in_an_id_is_an_error_with_both_strings():
    f = one(row("Order A-1234 for Ada Moss", {"order": "A-1243", "customer": "Ada Moss"}))
    assert (f.check, f.severity) == ("near-miss", "error")
    assert (f.evidence["found"], f.evidence["prompt"]) == ("A-1243", "A-1234")
    assert f.fix == {"path": "$.order", "value": "A-1234"}


@pytest.mark.parametrize(
    ("prompt", "value", "near"),
    [
        ("Total: 1658.16", {"total": 1658.61}, "1658.16"),
        ("To: zoehoover@example.org", {"to": ["zoehover@example.org"]}, "zoehoover@example.org"),
        ("Message: the pump at the old mill stopped at noon today",
         {"message": "the pump at the mill stopped at noon"}, "the pump at the old mill stopped at noon today"),
        ("it went to Zacharias Moss yesterday", {"who": "Zacharias Mosse"}, "Zacharias Moss"),
    ],
)  # fmt: skip
def test_slips_in_numbers_addresses_and_texts(prompt, value, near):
    f = one(row(prompt, value), only=("near-miss", "ungrounded", "wrong-label"))
    assert (f.check, f.evidence["prompt"]) == ("near-miss", near)


def test_a_debit_may_be_meant_as_negative():
    value = {"amount": -1658.16}
    f = one(row("Amount: 1658.16\nType: debit", {**value, "type": "debit"}))
    assert (f.check, f.severity) == ("near-miss", "warning")
    f = one(row("Amount: 1658.16", value))
    assert (f.check, f.severity) == ("near-miss", "error")
    assert findings(row("We were debited 1658.16 today.", value)) == ()


def test_nothing_is_near_what_is_short():
    assert nearly(Prompt("in 12 of 13"), 11) == ""


# --- labels ---------------------------------------------------------------------------------------------------


def test_two_fields_that_are_swapped():
    found = findings(row("Tax: 31\nShipping: 94", {"tax": 94, "shipping": 31}))
    assert [(f.check, f.evidence["path"]) for f in found] == [
        ("wrong-label", "$.tax"),
        ("wrong-label", "$.shipping"),
    ]


def test_a_label_that_is_said_once_does_not_speak_for_every_line():
    prompt = "Order\n- 2 pens at 3.00, total 6.00\n- 1 cup at 4.00, total 4.00\nTotal: 10.00"
    value = {"lines": [{"quantity": 2, "total": 6}, {"quantity": 1, "total": 4}], "total": 10}
    assert findings(row(prompt, value)) == ()


def test_what_the_label_says_counts_not_what_stands_elsewhere():
    f = one(row("Language: Expert\nTheme: dark", {"language": "en", "theme": "dark"}))
    assert (f.check, f.severity, f.evidence["prompt"]) == ("ungrounded", "error", "Expert")


def test_a_label_may_be_mapped_to_a_choice():
    schema = {"properties": {"priority": {"enum": ["low", "urgent"]}}}
    assert findings(row("Priority: ASAP", {"priority": "urgent"}, schema=schema)) == ()
    assert len(findings(row("Priority: low", {"priority": "urgent"}, schema=schema))) == 1


def lines(*pairs):
    return "\n".join(f"Name: {n}\nPrice: {p}" for n, p in pairs)


def test_values_that_changed_places_within_a_list():
    told = lines(("pen", 31), ("cup", 94), ("jug", 57))
    value = {
        "items": [{"name": "pen", "price": 94}, {"name": "cup", "price": 31}, {"name": "jug", "price": 57}]
    }
    found = findings(row(told, value))
    assert [(f.check, f.evidence["path"], f.evidence["prompt"]) for f in found] == [
        ("wrong-label", "$.items[0].price", "31"),
        ("wrong-label", "$.items[1].price", "94"),
    ]


def test_a_list_in_another_order_where_the_others_keep_it():
    def tagged(i, tags):
        return row(f"Tags:\n  red{i}\n  blue{i}", {"tags": [f"{t}{i}" for t in tags]}, id=f"e{i}")

    rows = [tagged(i, ["red", "blue"]) for i in range(6)]
    assert findings(*rows, only=("other-order",)) == ()
    rows[2] = tagged(2, ["blue", "red"])
    f = one(*rows, only=(*GROUNDING, "other-order"))
    assert (f.example_id, f.check, f.evidence["path"]) == ("e2", "other-order", "$.tags")


def test_an_element_that_is_told_twice_or_left_out_beside_one_like_it():
    def listed(i, told, value):
        items = [{"name": f"{n}{i}", "price": 5} for n in value]
        return row(lines(*((f"{n}{i}", 5) for n in told)), {"items": items}, id=f"e{i}")

    rows = [listed(i, ["pen", "cup"], ["pen", "cup"]) for i in range(12)]
    assert findings(*rows, only=("element-count",)) == ()
    rows[3] = listed(3, ["pen", "cup"], ["pen", "cup", "cup"])
    rows[5] = listed(5, ["pen", "pen"], ["pen"])
    found = findings(*rows, only=("element-count",))
    assert {(f.example_id, f.evidence["label"], f.evidence["values"]) for f in found} == {
        ("e3", "Name", 3), ("e3", "Price", 3), ("e5", "Name", 1), ("e5", "Price", 1),
    }  # fmt: skip


def test_labels_at_the_margin_and_further_in_speak_for_their_own_fields():
    told = "Message: all went well today\nErrors:\n  Message: the pump stopped at noon"
    value = {"message": "all went well today", "errors": [{"message": "the pump stopped at noon"}]}
    assert findings(row(told, value)) == ()
    crossed = {"message": value["errors"][0]["message"], "errors": [{"message": value["message"]}]}
    assert {f.check for f in findings(row(told, crossed))} == {"wrong-label"}


# --- made up --------------------------------------------------------------------------------------------------


def test_a_made_up_value_is_an_error_and_a_choice_a_warning():
    schema = {"properties": {"status": {"enum": ["pending", "done"]}}}
    value = {"order": 7, "phone": "555-0101", "status": "pending"}
    found = findings(row("Order 7 for Ada", value, schema=schema))
    assert [(f.check, f.severity, f.evidence["path"]) for f in found] == [
        ("ungrounded", "error", "$.phone"),
        ("ungrounded", "warning", "$.status"),
    ]


def test_a_default_of_the_schema_or_by_use_need_not_be_said():
    schema = {"properties": {"status": {"enum": ["pending", "done"], "default": "pending"}}}
    assert findings(row("Order 7", {"order": 7, "status": "pending"}, schema=schema)) == ()
    schema = {"properties": {"status": {"enum": ["pending", "done"]}}}
    rows = [row(f"Order {i}", {"order": i, "status": "pending"}, id=f"e{i}", schema=schema) for i in range(4)]
    assert findings(*rows) == ()
    rows[1] = row("Order 1", {"order": 1, "status": "done"}, id="e1", schema=schema)
    assert len(findings(*rows)) == 4


def test_a_computed_value_need_not_be_said_if_the_others_are():
    lines = [{"quantity": 2, "price": 4.5}, {"quantity": 3, "price": 1.5}]
    prompt = "2 pens at 4.50 and 3 cups at 1.50, tax 1.10"
    value = {"items": lines, "subtotal": 13.5, "tax": 1.1, "total": 14.6}
    assert findings(row(prompt, value), only=("ungrounded", "near-miss")) == ()
    wrong = {**value, "subtotal": 23.5, "total": 24.6}
    assert {f.evidence["path"] for f in findings(row(prompt, wrong), only=("ungrounded", "near-miss"))} == {
        "$.subtotal",
        "$.total",
    }


def test_a_product_that_was_worked_out_is_derived_even_where_the_field_is_unrelated():
    """Nine rows whose totals are drawn at random and said; the tenth leaves it unsaid and works it out."""
    rng = random.Random(1)
    rows = []
    for i in range(9):
        quantity, price, total = (
            rng.randint(2, 90),
            rng.randint(100, 9999) / 100,
            rng.randint(9000, 99999) / 100,
        )
        prompt = f"Quantity: {quantity}\nPrice: {price}\nTotal: {total}"
        rows.append(row(prompt, {"quantity": quantity, "price": price, "total": total}, id=f"r{i}"))
    last = row(
        "Quantity: 15\nPrice: 3603.53", {"quantity": 15, "price": 3603.53, "total": 54052.95}, id="last"
    )
    assert findings(*rows, last, only=("ungrounded",)) == ()
    other = row(
        "Quantity: 15\nPrice: 3603.53", {"quantity": 15, "price": 3603.53, "total": 54053.95}, id="last"
    )
    assert one(*rows, other, only=("ungrounded",)).example_id == "last"


def test_a_declared_relation_derives_a_value():
    schema = {"x-relations": ["score == hits * 7 + bonus"]}
    assert findings(row("31 hits, bonus 5", {"hits": 31, "bonus": 5, "score": 222}, schema=schema)) == ()
    assert (
        one(row("31 hits, bonus 5", {"hits": 31, "bonus": 5, "score": 223}, schema=schema)).check
        == "ungrounded"
    )


def test_the_numbers_of_the_lines_of_a_list_need_not_be_said():
    value = {"steps": [{"step": 1, "do": "boil"}, {"step": 2, "do": "stir"}]}
    assert findings(row("First boil, then stir.", value)) == ()


def test_prompts_that_ask_to_make_something_up_are_named_once():
    rows = [
        row(
            "Generate an invoice.",
            {"number": f"X-{i}77", "name": f"Nobody {i}", "total": 100.5 + i},
            id=f"e{i}",
        )
        for i in range(10)
    ]
    f = one(*rows)
    assert (f.example_id, f.severity, f.evidence["missing"]) == ("", "warning", 30)


# --- left out -------------------------------------------------------------------------------------------------

PERSON = {"properties": {"name": {"type": "string"}, "city": {"type": "string"},
          "tags": {"type": "array", "items": {"type": "string"}}}}  # fmt: skip


def test_a_labelled_value_that_the_answer_lacks():
    f = one(row("Name: Ada\nCity: Leeds", {"name": "Ada"}, schema=PERSON))
    assert (f.check, f.severity, f.evidence["label"], f.evidence["missing"]) == (
        "left-out",
        "error",
        "City",
        "Leeds",
    )


def test_a_labelled_text_that_is_cut_short():
    schema = {"properties": {"street": {"type": "string"}}}
    told = "Street: 12 Old Mill Lane at the corner"
    f = one(row(told, {"street": "12 Old Mill"}, schema=schema))
    assert f.evidence["prompt"] == "12 Old Mill Lane at the corner"
    assert findings(row(told, {"street": "12 Old Mill Lane at the corner"}, schema=schema)) == ()


def test_a_line_of_a_list_that_the_answer_lacks():
    f = one(row("Name: Ada\nTags:\n  red\n  blue", {"name": "Ada", "tags": ["red"]}, schema=PERSON))
    assert (f.check, f.evidence["missing"]) == ("left-out", "blue")
    f = one(row("Name: Ada\nTags: red, blue", {"name": "Ada", "tags": ["red"]}, schema=PERSON))
    assert f.evidence["missing"] == "blue"


def test_a_label_that_the_schema_has_no_place_for_is_a_distractor():
    assert findings(row("Name: Ada\nRef: R-77\nNote: call back", {"name": "Ada"}, schema=PERSON)) == ()


def test_a_label_by_another_name_counts_where_the_other_rows_use_it():
    rows = [
        row(f"Name: Ada\nTown: Place{i}", {"name": "Ada", "city": f"Place{i}"}, id=f"e{i}", schema=PERSON)
        for i in range(9)
    ]
    rows.append(row("Name: Ada\nTown: Leeds", {"name": "Ada"}, id="e9", schema=PERSON))
    f = one(*rows)
    assert (f.example_id, f.severity, f.evidence["used"], f.evidence["of"]) == ("e9", "warning", 9, 10)


def test_second_lines_that_the_other_rows_keep():
    rows = [
        row(f"City: Place{i}\nDistrict{i}\nName: Ada", {"name": "Ada", "city": f"Place{i}\nDistrict{i}"},
            id=f"e{i}", schema=PERSON)
        for i in range(5)
    ]  # fmt: skip
    assert findings(*rows) == ()
    rows[4] = row(
        "City: Place4\nDistrict4\nName: Ada", {"name": "Ada", "city": "Place4"}, id="e4", schema=PERSON
    )
    f = one(*rows)
    assert (f.check, f.evidence["missing"]) == ("left-out", "District4")


def test_no_value_is_nothing_to_copy():
    assert findings(row("Name: Ada\nCity: N/A", {"name": "Ada"}, schema=PERSON)) == ()
    assert findings(row("Name: Ada\nCity: unknown", {"name": "Ada", "city": None}, schema=PERSON)) == ()
