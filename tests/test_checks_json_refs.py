"""Schemas of a folder that refer to each other's files."""

import json

import pytest

from finetooth import checks, load

ADDRESS = {"$id": "https://example.org/address.json", "$ref": "#/$defs/home",
           "$defs": {"home": {"type": "object", "properties": {"city": {"type": "string"}, "near": {"$ref": "#"}},
                              "required": ["city"]}}}  # fmt: skip


def findings(tmp_path, order, to, **others):
    folder = tmp_path / "data" / "schemas"
    folder.mkdir(parents=True)
    for name, schema in {"order": order, "address": ADDRESS, **others}.items():
        (folder / f"{name}.json").write_text(json.dumps(schema))
    row = {"id": "e1", "prompt": f"Order 7 to {to}", "schema_id": "order", "expected_output": {"to": to}}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    return checks.run(
        load(tmp_path / "rows.jsonl", schemas=folder), only=("no-schema", "schema-invalid")
    ).findings


@pytest.mark.parametrize(
    "reference",
    [
        "address.json",
        "./address.json#/$defs/home",
        "https://example.org/address.json",
        "street.json#/properties/of",
    ],
)
def test_a_file_beside_it_is_taken_in(tmp_path, reference):
    order = {
        "$id": "https://example.org/order.json",
        "type": "object",
        "properties": {"to": {"$ref": reference}},
    }
    street = {"properties": {"of": {"$ref": "address.json"}, "back": {"$ref": "order.json"}}}
    (f,) = findings(tmp_path, order, {"city": "Bonn", "near": {"city": 3}}, street=street)
    assert (f.check, f.evidence["path"]) == ("schema-invalid", "$.to.near.city")


@pytest.mark.parametrize(
    "reference", ["https://example.org/other.json", "../../secret.json", "lost.json", "/etc/passwd"]
)
def test_what_stands_elsewhere_is_refused_by_name(tmp_path, reference):
    (tmp_path / "secret.json").write_text("{}")
    (f,) = findings(tmp_path, {"properties": {"to": {"$ref": reference}}}, {"city": "Bonn"})
    assert f.check == "no-schema"
    assert reference.rsplit("/", 1)[-1] in f.message
