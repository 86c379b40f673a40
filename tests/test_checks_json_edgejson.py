"""The published EdgeJSON rows: v2 is known to be corrupt, v3 is its repair, and neither is free of errors."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from finetooth import checks, readers

DATA = Path(__file__).parents[2] / "shared" / "data" / "edgejson"
SUMS = ("arithmetic", "declared-relation")


def report(name):
    if not DATA.exists():
        pytest.skip("the EdgeJSON rows are not here")
    data = readers.load(str(DATA / name), schemas=DATA / "schemas")
    found = defaultdict(set)
    schema = {e.id: e.inputs.schema_id for e in data.examples}
    for f in checks.run(data).findings:
        if f.example_id:
            found[f.check, schema[f.example_id]].add(f.example_id)
    return found, Counter(schema.values())


@pytest.fixture(scope="module")
def v2():
    return report("train_v2.jsonl")


@pytest.fixture(scope="module")
def v3():
    return report("train_v3.jsonl")


def test_every_cart_invoice_and_order_of_v2_is_flagged_for_its_sums(v2):
    found, sizes = v2
    assert (sizes["shopping_cart"], sizes["invoice"], sizes["order_details"]) == (22, 26, 24)
    for name in ("shopping_cart", "invoice", "order_details"):
        flagged = set().union(*(found[check, name] for check in SUMS))
        assert len(flagged) == sizes[name], name


def test_no_cart_invoice_or_order_of_v3_is_flagged_for_its_sums(v3):
    found, _ = v3
    for name in ("shopping_cart", "invoice", "order_details"):
        assert not any(found[check, name] for check in (*SUMS, "part-exceeds-whole")), name


def test_analytics_rows_whose_parts_exceed_the_whole_are_still_reported(v3):
    found, _ = v3
    assert len(found["part-exceeds-whole", "ecommerce_analytics"]) >= 10


def test_date_times_without_zone(v2, v3):
    for found, least in ((v2[0], 268), (v3[0], 268)):
        rows = set().union(*(ids for (check, _), ids in found.items() if check == "date-time-without-zone"))
        assert len(rows) >= least
    rows = set().union(*(ids for (check, _), ids in v2[0].items() if check == "date-time-without-zone"))
    assert len(rows) == 268


def test_every_answer_obeys_its_schema(v3):
    assert not [check for check, _ in v3[0] if check == "schema-invalid"]


def test_values_that_a_model_made_up_or_copied_with_a_slip_are_reported_in_both(v2, v3):
    for found, _ in (v2, v3):
        rows = set().union(
            *(ids for (check, _), ids in found.items() if check in ("near-miss", "ungrounded", "left-out"))
        )
        assert {"edgejson_email_metadata_qwen_004", "edgejson_log_entry_qwen_002"} <= rows
        assert "edgejson_simple_config_qwen_019" in rows
        # What the templates filled in stands in the prompt as it is.
        assert all("_template_" not in id for id in rows)
