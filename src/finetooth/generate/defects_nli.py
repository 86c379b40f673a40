"""What goes wrong with pairs of sentences: labels that flip, reasons that slip, copies."""

from __future__ import annotations

from finetooth.generate.defects import Change, Spoil, defect
from finetooth.generate.view_nli import LABELS
from finetooth.generate.world import pick


def _keep_id(spoil: Spoil, source: dict) -> Change:
    was = {k: v for k, v in spoil.row.items() if k != "id"}
    spoil.row.update({k: v for k, v in source.items() if k != "id"})
    return was, None, source["id"]


@defect("nli", "the row is a copy of an earlier one", tells=("duplicate-pair",), copies=True)
def nli_duplicated(spoil: Spoil) -> Change:
    return _keep_id(spoil, pick(spoil.rows[: spoil.at], spoil.rng)) if spoil.at else None


@defect("nli", "the row is a copy of one of the other split", tells=("leaked-premise",), needs_other=True)
def nli_leaked(spoil: Spoil) -> Change:
    return _keep_id(spoil, pick(spoil.other, spoil.rng))


@defect("nli", "another label, beside the reason for the right one", tells=("reason-contradicts-label",))
def flipped_label(spoil: Spoil) -> Change:
    was = spoil.row["label"]
    spoil.row["label"] = pick([label for label in LABELS if label != was], spoil.rng)
    return was, spoil.row["label"], None


@defect("nli", "the reason of another pair", tells=("reason-of-another-pair", "reason-contradicts-label"))
def other_reason(spoil: Spoil) -> Change:
    was = spoil.row["reason"]
    other = pick(spoil.rows, spoil.rng)
    if other["premise"] == spoil.row["premise"]:
        return None
    spoil.row["reason"] = other["reason"]
    return was, other["reason"], other["id"]
