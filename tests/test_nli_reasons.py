"""What a reason concludes, and which reasons speak against the label beside them."""

import json
import random
from pathlib import Path

import pytest

from finetooth import checks, readers
from finetooth.checks._verdict import conclusion

REAL = Path(__file__).parents[1].parent / "shared" / "data" / "nli" / "thoughts"
needs_data = pytest.mark.skipif(not REAL.exists(), reason="the shared data are not here")
YES, NO = "entailed", "not entailed"
ENDS = {
    "The premise does not directly contradict the hypothesis, and it is likely to be true.": YES,
    "Therefore, the hypothesis is true.": YES,
    "Therefore, the hypothesis is false.": NO,
    "Hence the hypothesis is not true.": NO,
    "The hypothesis is likely false.": NO,
    "So the hypothesis is unlikely to be true.": NO,
    "Step 3: there is not enough information to conclude that the man is tall.": NO,
    "There is insufficient evidence to support the hypothesis.": NO,
    "There's no evidence in the premise that he is a doctor.": NO,
    "Nothing in the premise suggests otherwise, so the hypothesis is plausible.": YES,
    "Nothing in the premise supports the hypothesis.": NO,
    "The premise gives no information about his age.": NO,
    "The premise neither entails nor contradicts the hypothesis.": NO,
    "Since the premise contradicts the hypothesis, the hypothesis cannot be inferred.": NO,
    "The hypothesis contradicts the premise.": NO,
    "The hypothesis is a direct contradiction of the premise.": NO,
    "There is no contradiction between the two, and the hypothesis follows from the premise.": YES,
    "The statements are consistent with each other; the hypothesis can be inferred.": YES,
    "Although it is not stated explicitly, it can be inferred.": YES,
    "While it is possible that he is a doctor, it cannot be inferred from the premise.": NO,
    "It may be inferred that they are outdoors.": YES,
    "We can't conclude that they are outdoors.": NO,
    "We can safely conclude that they are outdoors.": YES,
    "It would be wrong to infer this.": NO,
    "It would be a stretch to conclude this.": NO,
    "It is safe to assume that the hypothesis holds.": YES,
    "It is not safe to assume so.": NO,
    "The hypothesis is supported by the premise.": YES,
    "The hypothesis is not supported by the premise.": NO,
    "The hypothesis isn’t entailed.": NO,
    "The premise doesn’t support the hypothesis.": NO,
    "The premise supports the hypothesis.": YES,
    "The premise fails to support the hypothesis.": NO,
    "The premise refutes the hypothesis.": NO,
    "The premise rules out the hypothesis.": NO,
    "The hypothesis cannot be ruled out.": YES,
    "The label is 0.": NO,
    "The label is 1.": YES,
    "The relationship is neutral.": NO,
    "The relationship is entailment.": YES,
    "The answer is no.": NO,
    "Thus the final label: 1": YES,
    "The hypothesis is inconsistent with the premise.": NO,
    "The hypothesis is not inconsistent with the premise.": YES,
    "It cannot be said with certainty that he left.": NO,
    "We cannot be certain that he left.": NO,
    "It is impossible to know whether he left.": NO,
    "It is unclear whether he left.": NO,
    "This does not necessarily mean that he left.": None,
    "The premise implies the hypothesis.": YES,
    "The premise implies that he left, which matches the hypothesis.": YES,
    "This allows us to infer the hypothesis.": YES,
    "Hence, no valid inference can be drawn.": NO,
    "The hypothesis makes a claim that goes beyond the premise.": NO,
    "The hypothesis is a reasonable inference.": YES,
    "The hypothesis is not a reasonable inference.": NO,
    "The hypothesis is a logical conclusion from the premise.": YES,
    "The hypothesis cannot be considered true.": NO,
    "The hypothesis is not necessarily true.": NO,
    "The hypothesis does not hold.": NO,
    "The hypothesis does not logically follow.": NO,
    "It follows that the hypothesis is correct.": YES,
    "It does not follow.": NO,
    "It could reasonably be concluded that the girl is happy.": YES,
    "Based on the lack of contradictory facts, the hypothesis is entailed by the premise.": YES,
    "Based on the contradictory facts, the hypothesis isn't entailed by the premise.": NO,
    "The hypothesis may or may not be true, so it cannot be determined.": NO,
    "It is highly probable that the hypothesis is true.": YES,
    "It is not possible for both to be true.": NO,
    "The premise does not mention any dog.": None,
    "Therefore, the inference is invalid.": NO,
    "Therefore, the inference is valid.": YES,
    "Therefore the hypothesis is a valid inference, even though the premise does not state it.": YES,
    "the hypothesis can be inferred from the premise, but only weakly.": YES,
    "Therefore, we should reject the hypothesis.": NO,
    "Therefore, we can accept the hypothesis.": YES,
    "the hypothesis can not be inferred from the premise.": NO,
    "the hypothesis is neither entailed nor supported.": NO,
    "It is not unreasonable to infer the hypothesis.": YES,
    "we do not have enough information to determine that.": NO,
    "there isn't enough information to say so.": NO,
    "the hypothesis remains unproven.": NO,
    "the hypothesis has no basis in the premise.": NO,
    "therefore, it is entailed that cats are animals.": YES,
    "the premise entails that cats are animals.": None,
    "it is incorrect to infer that.": NO,
    "The hypothesis would be false given the premise.": NO,
    "the hypothesis must be true.": YES,
    "the hypothesis could not be true.": NO,
    "the hypothesis cannot be true.": NO,
    "no, the hypothesis cannot logically be inferred.": NO,
    "the hypothesis can thus be seen as entailed.": YES,
    "the hypothesis is in direct opposition to the premise.": NO,
    "the two statements are contradictory.": NO,
    "the two statements are mutually exclusive.": NO,
    "the two are not mutually exclusive, so it is possible to infer it.": YES,
    "the hypothesis aligns with the premise.": YES,
    "the hypothesis does not align with the premise.": NO,
    "it's reasonable to infer the hypothesis, given the lack of evidence against it.": YES,
    "there is no logical connection between the two, so it is not entailed.": NO,
    "there is no logical connection between the premise and the hypothesis.": NO,
    "the premise does not provide any evidence that contradicts the hypothesis, so it is reasonable to say it is true.": YES,
    "the hypothesis should be considered as not entailed.": NO,
    "the hypothesis is therefore considered not entailed by the premise.": NO,
    "the hypothesis is partially supported, but cannot be fully inferred.": NO,
    "it can be inferred that the hypothesis is false.": NO,
    "we can conclude that the hypothesis is not true.": NO,
    "it is reasonable to conclude that the hypothesis does not follow.": NO,
    "we can infer that the hypothesis contradicts the premise.": NO,
    "it can be concluded that the hypothesis is not entailed by the premise.": NO,
}


@pytest.mark.parametrize("end", ENDS)
def test_the_last_step_is_read_as_a_reader_would(end):
    assert conclusion(f"step 1: the premise is about it. step 2: can it be true? step 3: {end}") == ENDS[end]


@pytest.mark.parametrize(
    ("reason", "hypothesis", "verdict"),
    [
        ("It can be inferred that the speaker has a daughter.", "I don't have a daughter.", NO),
        ("It can be inferred that the speaker has no daughter.", "I don’t have a daughter.", YES),
        ("It is reasonable to infer that she was not surprised.", "She was surprised.", NO),
        ("It is reasonable to infer that she was surprised.", "She was surprised.", YES),
        ("We can conclude that the man is not sitting.", "The man is sitting down.", NO),
        (
            "We can conclude that nothing is known of the dog, so it cannot be inferred.",
            "The dog is old.",
            NO,
        ),
    ],
)
def test_what_is_concluded_is_held_against_the_hypothesis(reason, hypothesis, verdict):
    assert conclusion(reason, hypothesis) == verdict


SAID = {
    "The premise never mentions a park. Therefore the hypothesis may or may not be true.": NO,
    "Nothing suggests that the hypothesis is true.": NO,
    "So it would be wrong to say that the hypothesis is entailed.": NO,
    "It would be wrong to say that the hypothesis is not entailed.": YES,
    "It is false that the hypothesis follows.": NO,
    "The claim that it follows is mistaken.": NO,
    "The hypothesis is hardly supported by the premise.": NO,
    "I doubt that the hypothesis can be inferred.": NO,
    "The hypothesis is too specific to be inferred from the premise.": NO,
    "The hypothesis could only be inferred if the premise mentioned her age, which it doesn't.": NO,
    "So the hypothesis would be entailed only if dogs were cats.": NO,
    "If she had eaten, then the hypothesis would follow, but she did not.": NO,
    "More context would be needed before we could conclude that.": NO,
    "The hypothesis may be true in some cases, but the premise alone is insufficient.": NO,
    "We can infer that the man is outdoors, not indoors as the hypothesis states.": NO,
    "At best, the hypothesis is plausible.": NO,
    "This makes the hypothesis possible but not certain.": NO,
    "The opposite would contradict the premise, so the hypothesis is valid.": YES,
    "It would be a contradiction for the premise to be true and the hypothesis false.": YES,
    "There is no reason to doubt the hypothesis.": YES,
    "Therefore, the hypothesis that the man is not dry is true.": YES,
    "The hypothesis that you can shop there on Sunday is not supported.": NO,
    "Therefore, the statement holds.": YES,
    "Hence neutral.": NO,
    "Hence, entailed.": YES,
    "The hypothesis is neutral with respect to the premise.": NO,
    "This is a contradiction.": NO,
    "It isn't a contradiction; the premise supports the hypothesis.": YES,
    "The hypothesis is not neutral but entailed.": YES,
    "So the answer is entailment, not neutral.": YES,
    "So the answer is neutral, not entailment.": NO,
    "It is not entailment; it is contradiction.": NO,
    "**Conclusion:** The hypothesis is **neutral**.": NO,
    "Therefore, the correct classification is entailment.": YES,
    "Thus it's not true.": NO,
    "The premise neither confirms nor denies the hypothesis.": NO,
    "The hypothesis is guaranteed by the premise.": YES,
    "The premise does not mention whether the man is married.": NO,
    "The relationship is one of entailment.": YES,
    "The relationship is one of contradiction.": NO,
    "We have no way of knowing if he is married.": NO,
    "He can't do both.": NO,
    "Someone cannot be sitting and standing at the same time.": NO,
    "Just because he wears a suit does not mean he is a lawyer.": NO,
    "Therefore, it is a non sequitur.": NO,
    "The hypothesis is simply a more general statement of the premise.": YES,
    "They mean the same thing.": YES,
    "The premise could be true even if the hypothesis were false, so there is no entailment.": NO,
    "The premise could not be true unless the hypothesis were true as well.": YES,
    "It would be a mistake to infer that the two women are sisters.": NO,
    "Put together, these facts leave only one possibility: the hypothesis is correct.": YES,
    "There is considerable doubt about whether the hypothesis is true.": NO,
    "There can be little doubt that the hypothesis is true.": YES,
    "So far, nothing supports the claim.": NO,
    "So we can't say the hypothesis is entailed.": NO,
    "It is running; the hypothesis can't fail to be true.": YES,
    "So we're not justified in concluding the hypothesis.": NO,
    "If anything, the premise suggests the contrary.": NO,
    "Nothing rules it out, but nothing establishes it either.": NO,
    "A contradiction arises: she cannot be at home.": NO,
    "The premise is insufficient to establish it.": NO,
    "I see no way to accept the premise and reject the hypothesis.": YES,
    "I see no way to get from the premise to the hypothesis.": NO,
    "At first glance it seems unsupported, but the second clause states it outright.": YES,
}


@pytest.mark.parametrize("end", SAID)
def test_what_turns_a_verdict_round_is_read_with_it(end):
    assert conclusion(end) == SAID[end]


MEANT = [
    ("Nothing in the hypothesis goes beyond what the premise says.", "entailed"),
    ("The hypothesis says nothing that is not in the premise.", "entailed"),
    ("Nothing is added that the premise does not say.", "entailed"),
    ("There is nothing left open.", "entailed"),
    ("The hypothesis goes beyond the premise, so nothing is confirmed.", "not entailed"),
    ("The hypothesis is not contradicted and is indeed implied.", "entailed"),
    ("The hypothesis cannot be confirmed or denied.", "not entailed"),
    ("The premise offers no evidence that would let us accept the hypothesis.", "not entailed"),
    ("The premise contains nothing that would allow us to accept the hypothesis.", "not entailed"),
    ("The claim lacks evidence.", "not entailed"),
    ("There just isn't enough to go on.", "not entailed"),
    ("Nothing in the premise backs up the hypothesis.", "not entailed"),
    ("The premise leaves it open whether he plays.", "not entailed"),
    ("So the statement has to be rejected.", "not entailed"),
    ("There is no need to reject the hypothesis.", "entailed"),
    ("The hypothesis includes details not found in the premise.", "not entailed"),
    ("The sentences describe different events.", "not entailed"),
    ("Both texts refer to the same situation.", "entailed"),
    ("The two do not describe the same event.", "not entailed"),
    ("There's no guarantee of that.", "not entailed"),
    ("The premise proves the hypothesis.", "entailed"),
    ("This does not confirm the hypothesis.", "not entailed"),
    ("The premise naturally leads us to the conclusion stated in the hypothesis.", "entailed"),
    ("The premise does not lead to the hypothesis.", "not entailed"),
    ("Any reader would conclude the hypothesis.", "entailed"),
    ("No reasonable reader would infer the hypothesis.", "not entailed"),
    ("Hence the inference is warranted.", "entailed"),
    ("That is a safe inference.", "entailed"),
    ("It is not a safe inference.", "not entailed"),
    ("So the claim checks out.", "entailed"),
    ("The hypothesis does not check out.", "not entailed"),
]


@pytest.mark.parametrize(("end", "verdict"), MEANT)
def test_wordings_and_their_opposites_are_told_apart(end, verdict):
    assert conclusion(f"step 1: a man is there. step 2: {end}", "The man plays a guitar.") == verdict


def test_what_the_hypothesis_claims_may_be_something_else_than_what_is_inferred():
    said = "We can infer that the man is outdoors. The hypothesis claims he is indoors."
    assert conclusion(said, "The man is indoors.") is None
    some = "It can be inferred that some, but not all, of the dogs are brown."
    assert conclusion(some, "All of the dogs are brown.") == NO
    assert conclusion(some, "Some dogs are brown.") == YES


def test_a_label_that_was_shown_is_no_conclusion():
    assert (
        conclusion("It is not sound to conclude this. The true label is 1, so the hypothesis is entailed.")
        == NO
    )
    assert conclusion("The true label is 1.") is None


def test_what_is_conceded_is_not_concluded():
    assert conclusion("It is plausible that he left, although there is no evidence for it.") == YES
    assert conclusion("While it can be inferred that he left, the hypothesis cannot be inferred.") == NO
    assert conclusion("Although the hypothesis could be true it cannot be inferred.") == NO


def test_a_long_reason_is_read_from_its_end():
    rng = random.Random(0)
    pieces = (
        "is not can be the hypothesis inferred no evidence to support that it cannot true , although".split()
    )
    long = " ".join(rng.choices(pieces, k=40_000))
    assert conclusion(f"{long}. So it cannot be inferred.") == NO
    assert conclusion("not " * 50_000) is None


def row(name, reason, label, **more):
    pair = {"premise": f"The blue boat of {name} sank.", "hypothesis": f"A boat of {name} went under."}
    return {"id": name, **pair, "label": label, "reason": reason, **more}


def found(tmp_path, rows, check="reason-contradicts-label"):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return [f for f in checks.run(readers.load(path)).findings if f.check == check]


def test_numbers_that_mean_the_opposite_are_told_once(tmp_path):
    so, not_so = "It sank, so the hypothesis can be inferred.", "So the hypothesis cannot be inferred."
    rows = [row(f"n{i}", so if i % 2 else not_so, 1 - i % 2) for i in range(40)]
    hits = found(tmp_path, rows)
    assert [h.example_id for h in hits] == [""]
    assert "40 of 40" in hits[0].message


def test_three_numbers_are_not_guessed_at(tmp_path):
    rows = [row(f"n{i}", "So the hypothesis cannot be inferred.", i % 3) for i in range(9)]
    assert found(tmp_path, rows) == []


def test_of_three_labels_the_wording_may_tell_which(tmp_path):
    clash, open_, no = (
        "the hypothesis contradicts the premise.",
        "so it cannot be determined.",
        "so it cannot be inferred.",
    )
    said = [
        ("neutral", clash),
        ("neutral", open_),
        ("neutral", no),
        ("contradiction", clash),
        ("contradiction", open_),
    ]
    rows = [row(f"n{i}", f"It sank, {reason}", label) for i, (label, reason) in enumerate(said)]
    hits = found(tmp_path, rows)
    assert [(h.example_id, h.evidence["conclusion"]) for h in hits] == [
        ("n0", "contradicted"),
        ("n4", "neutral"),
    ]
    assert found(tmp_path, rows[:3]) == []  # where "neutral" may be all that is not entailed


def test_the_mistake_that_was_corrected_is_no_error_and_a_correction_that_fails_is(tmp_path):
    rows = [
        {
            "id": name,
            "premise": f"The blue boat of {name} sank.",
            "hypothesis": f"A boat of {name} went under.",
            "predicted_label": 1,
            "true_label": 1,
            "thought_process": "step 1: it sank. step 2: so it cannot be inferred.",
            "improved_thought_process": better,
        }
        for name, better in (("a", "it sank, so it can be inferred."), ("b", "still, it cannot be inferred."))
    ]
    assert {(h.example_id, h.evidence["part"], h.severity) for h in found(tmp_path, rows)} == {
        ("a", "thought_process", "info"),
        ("b", "thought_process", "info"),
        ("b", "improved_thought_process", "error"),
    }


def test_the_correct_label_at_the_end_is_a_verdict_and_before_it_a_leak(tmp_path):
    rows = [
        row("a", "It sank. Boats that sink go under. So the correct label is 1.", 1),
        row("b", "As the correct label says, it sank. So it can be inferred.", 1),
        row("c", "The given label must be right. So it can be inferred.", 1),
    ]
    assert [h.example_id for h in found(tmp_path, rows, "label-before-reasoning")] == ["b", "c"]


@pytest.mark.parametrize(
    ("reason", "leads"),
    [
        ("Entailment. What sank is under water, so it can be inferred.", True),
        ("It is entailed: the boat sank, so it went under. It can be inferred.", True),
        ("Yes, the hypothesis can be inferred because boats that sink go under.", True),
        ("The hypothesis is true because boats that sink go under; it can be inferred.", True),
        ("Since the correct label is 1, sinking must count as going under, so it can be inferred.", True),
        ("Given that the expected answer is 1, it must have gone under, so it can be inferred.", True),
        ("I was told the label is 1. So boats that sink go under; it can be inferred.", True),
        ("step 1: it sank. step 2: the ground truth is 1. step 3: it can be inferred.", True),
        ("step 1: it sank. step 2: true, boats go under when they sink. step 3: it can be inferred.", False),
        ("No boat that sinks stays up. So it can be inferred that it went under.", False),
        ("The hypothesis is about a boat. Boats that sink go under, so it can be inferred.", False),
        ("It can be inferred.", False),
        ("Entailment.", False),
    ],
)
def test_a_verdict_before_its_reasons_and_a_label_that_was_shown(tmp_path, reason, leads):
    assert [h.example_id for h in found(tmp_path, [row("a", reason, 1)], "label-before-reasoning")] == [
        "a"
    ] * leads


def test_one_reason_for_many_pairs_was_copied(tmp_path):
    copied = "step 1: the shop closes at six and it is seven. step 2: so the hypothesis can be inferred."
    rows = [row("a", copied, 1), row("b", copied, 1), row("c", "So it can be inferred.", 1)]
    rows += [row("d", "So it can be inferred.", 1)]
    assert [h.example_id for h in found(tmp_path, rows, "reason-said-of-others")] == ["a", "b"]


def test_the_same_reason_for_like_hypotheses_is_no_copy(tmp_path):
    said = "step 1: The hypothesis says 'helicopter'. step 2: The premise does not speak of that. step 3: So it cannot be inferred."
    rows = [{**row(name, said, 0), "hypothesis": f"{name} came by helicopter."} for name in ("Ada", "Omar")]
    assert found(tmp_path, rows, "reason-said-of-others") == []


@needs_data
@pytest.mark.parametrize(
    ("name", "errors", "undecided"),
    [
        ("thoughts_sample.json", {"3", "90", "94"}, 0),
        ("reflections_sample.json", {"10", "90", "94"}, 0),
        ("finetune_sample.jsonl", {"62"}, 9),
    ],
)
def test_real_reasons_against_their_labels(name, errors, undecided):
    """The ids were marked by reading all 233 rows; "undecided" come to no verdict that can be named."""
    findings = checks.run(readers.load(REAL / name)).findings
    hits = {f.example_id for f in findings if f.check == "reason-contradicts-label" and f.severity == "error"}
    assert hits == errors
    assert sum(f.check == "reason-without-conclusion" for f in findings) <= undecided


@pytest.mark.parametrize(
    ("label", "hypothesis", "reason"),
    [
        ("neutral", "The pilot flies to Rome.", "It isn't true that the premise entails the hypothesis; it does not contradict it either."),
        ("neutral", "He is tall.", "This could be true, but the premise does not contradict or confirm it."),
        ("neutral", "It holds tea.", "It is not necessarily tea, but it isn't ruled out either."),
        ("neutral", "He left.", "The hypothesis would be entailed if he were awake."),
        ("entailment", "The team does not win.", "A draw would contradict a win, so this has to be true."),
        ("entailment", "The team does not win.", "Losing contradicts winning, therefore the team does not win."),
        ("entailment", "A child plays.", "A boy is a child, so it cannot be said that no child plays."),
    ],
)  # fmt: skip
def test_what_is_negated_or_only_supposed_concludes_nothing_against_the_label(
    tmp_path, label, hypothesis, reason
):
    rows = [
        {"id": "a", "premise": "Ada was there.", "hypothesis": hypothesis, "label": label, "reason": reason}
    ]
    # The other labels of the set make it one of three.
    rows += [
        {"id": x, "premise": f"{x} of one.", "hypothesis": f"{x} of two.", "label": x}
        for x in ("neutral", "entailment", "contradiction")
    ]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert not checks.run(tmp_path / "p.jsonl", only="reason-contradicts-label").findings


@pytest.mark.parametrize(
    ("reason", "check", "severity"),
    [
        ("I'm sorry, I cannot help with that request.", "reason-refused", "warning"),
        ("As an AI language model I have no opinion of trains.", "reason-refused", "warning"),
        (" ", "reason-empty", "warning"),
        (None, "reason-empty", "warning"),
        ("The premise says {premise}, so {{ hypothesis }} follows.", "unfilled-template", "error"),
        ("I cannot tell from the premise whether he left, so it is neutral.", None, None),
        ("The set {1, 2} is named, so it follows. Sorry is said by nobody.", None, None),
    ],
)
def test_reasons_that_are_none_are_named(tmp_path, reason, check, severity):
    rows = [
        {"id": f"r{i}", "premise": f"Ada saw {i} dogs.", "hypothesis": f"Ada saw {i} animals.", "label": 1,
         "reason": f"step 1: {i} dogs are {i} animals. step 2: it follows."}
        for i in range(30)
    ]  # fmt: skip
    rows[4]["reason"] = reason
    if reason is None:
        del rows[4]["reason"]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    report = checks.run(tmp_path / "p.jsonl", only=("reason-refused", "reason-empty", "unfilled-template"))
    expected = [] if check is None else [("r4", check, severity)]
    assert [(f.example_id, f.check, f.severity) for f in report.findings] == expected
