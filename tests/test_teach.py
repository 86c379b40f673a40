"""Reasons are thought without the label, corrected with it, and believed only after they were checked."""

import hashlib
import json
import re
import sqlite3

import pytest
from teacher_server import Server, serving

from finetooth.cli import main
from finetooth.tasks.nli import TASK
from finetooth.teach import thoughts
from finetooth.teach.client import Teacher
from finetooth.teach.injections import FAMILIES, FAMILY_OF, TEXTS
from finetooth.teach.journal import Journal
from finetooth.teach.judge import Duel, Verdict, agreement, flips, injected, judge

PAIRS = [
    {"id": "a", "premise": "Ada left at noon.", "hypothesis": "Ada left.", "label": 1},
    {"id": "b", "premise": "Bela sold the red car.", "hypothesis": "Bela kept the car.", "label": 0},
    {"id": "c", "premise": "The mill burned down in May.", "hypothesis": "The mill stands.", "label": 0},
]
GOOD = {
    "a": "step 1: Ada left at noon. step 2: to leave at noon is to leave. step 3: so the hypothesis can be inferred.",
    "b": "step 1: Bela sold the car. step 2: who sells a car does not keep it. step 3: so it cannot be inferred.",
    "c": "step 1: the mill burned down. step 2: what burned down does not stand. step 3: so it cannot be inferred.",
}


def which(body):
    text = body["messages"][0]["content"]
    return next(row for row in PAIRS if row["premise"] in text), "analysis" in text


def teacher(body):
    """Right about a and b, wrong about c until it is shown the label."""
    try:
        row, reflecting = which(body)
    except StopIteration:
        return '{"ok": true, "answer": 1, "label": 1}'
    if reflecting:
        return json.dumps(
            {
                "error_analysis": "it overlooked the fire",
                "thought_process": GOOD[row["id"]],
                "true_label_doubtful": False,
            }
        )
    if row["id"] == "c":
        return json.dumps({"thought_process": GOOD["a"].replace("Ada", "The mill"), "predicted_label": 1})
    return json.dumps({"thought_process": GOOD[row["id"]], "predicted_label": row["label"]})


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in PAIRS))
    return path


def run(data, url, capsys, *more):
    out = data.parent / "reasons.jsonl"
    code = main(["teach", str(data), "--out", str(out), "--teacher", "m", "--base-url", url, "--json", *more])
    return code, json.loads(capsys.readouterr().out), [json.loads(x) for x in out.read_text().splitlines()]


def test_a_wrong_thought_is_corrected_and_the_second_run_asks_nothing(data, capsys):
    server = Server(teacher)
    with serving(server) as url:
        code, said, rows = run(data, url, capsys)
        assert code == 0
        assert {r["id"]: r["label"] for r in rows} == {"a": "1", "b": "0", "c": "0"}
        assert "does not stand" in next(r["reason"] for r in rows if r["id"] == "c")
        assert (said["kept"], said["corrected"], said["disagreements"]) == (3, 1, 1)
        asked = sum(server.seen.values())
        _, again, rows_again = run(data, url, capsys)
    assert sum(server.seen.values()) == asked
    assert again["asked"] == 0
    assert rows_again == rows
    doubts = [json.loads(x) for x in (data.parent / "reasons.jsonl.doubts.jsonl").read_text().splitlines()]
    assert [d["example_id"] for d in doubts] == ["c"]


@pytest.mark.parametrize(
    "more", [[], ["--corrector", "other"]], ids=["the same teacher", "another corrector"]
)
def test_the_budget_is_for_thoughts_and_corrections_together_and_counted_once(data, capsys, more):
    # An answer costs 5 units and 20 at the worst: the last of the probes (one a model) and four requests
    # fits into 5 for each of the others and 20, and not into less.
    def probed(body):
        return '{"word": "blue"}' if "blue" in str(body) else teacher(body)

    room = 5 * (3 + len(more[::2]) + 1) + 20
    prices = ["--price-out", "1000000", "--max-tokens", "20", "--concurrency", "1"]
    with serving(Server(probed)) as url:
        out = ["--journal", str(data.parent / "tight")]
        _, said, _ = run(data, url, capsys, *more, *prices, *out, "--budget", str(room - 1))
        assert (said["asked"], said["corrected"], said["cost"]) == (3, 0, room - 20.0)
        out = ["--journal", str(data.parent / "enough")]
        _, said, _ = run(data, url, capsys, *more, *prices, *out, "--budget", str(room))
    assert (said["asked"], said["corrected"], said["cost"]) == (4, 1, room - 15.0)


def test_each_row_names_its_prompt_and_its_request_and_is_read_as_before(data, capsys):
    from finetooth import readers
    from finetooth.teach import prompts

    with serving(Server(teacher)) as url:
        _, _, rows = run(data, url, capsys)
    path = data.parent / "reasons.jsonl"
    made = {r["id"]: r["teach"] for r in rows}
    for name, ids in (("thought", "ab"), ("reflect", "c")):
        told = (prompts.FOLDER / f"{name}.md").read_bytes()
        for i in ids:
            assert (made[i]["prompt"], made[i]["sha256"]) == (name, hashlib.sha256(told).hexdigest())
            assert made[i]["sha256"].startswith(made[i]["version"])
    with sqlite3.connect(data.parent / "reasons.jsonl.journal") as book:
        kept = dict(book.execute("select key, request from requests"))
    assert all(PAIRS["abc".index(i)]["premise"] in kept[t["request"]] for i, t in made.items())
    (doubt,) = [json.loads(x) for x in path.with_name("reasons.jsonl.doubts.jsonl").read_text().splitlines()]
    assert doubt["evidence"]["teach"]["prompt"] == "thought"
    read = readers.load(str(path))  # the task is told by the content
    assert [(e.id, e.target.reason) for e in read.examples] == [(r["id"], r["reason"]) for r in rows]
    assert main(["check", str(path), "--task", "nli"]) in (0, 1)
    assert "teach" not in capsys.readouterr().err


MINE = "Does it follow?\n<premise>{premise}</premise>\n<hypothesis>{hypothesis}</hypothesis>\n"
MINE_AGAIN = (
    f"Find the mistake, in an analysis.\n{MINE}<label>{{label}}</label><thought>{{thought}}</thought>"
)


def test_prompts_of_ones_own_are_asked_with_and_named_in_the_rows(data, capsys):
    mine, again = data.parent / "mine.txt", data.parent / "again.txt"
    mine.write_text(MINE)
    again.write_text(MINE_AGAIN)
    options = ["--prompt", str(mine), "--correction-prompt", str(again)]
    server = Server(teacher)
    with serving(server) as url:
        run(data, url, capsys)
        _, said, rows = run(data, url, capsys, *options)
        _, once_more, _ = run(data, url, capsys, *options)
    assert (said["asked"], said["cached"], once_more["asked"]) == (4, 0, 0)
    hashes = {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in (mine, again)}
    told = {r["id"]: (r["teach"]["prompt"], r["teach"]["sha256"]) for r in rows}
    assert told == {"a": ("mine", hashes[mine]), "b": ("mine", hashes[mine]), "c": ("again", hashes[again])}
    assert any("<label>0</label><thought>step 1: The mill left" in body for body in server.seen)


@pytest.mark.parametrize(
    ("option", "text", "word"),
    [
        ("--correction-prompt naturally", MINE_AGAIN, "nothing fills {label}"),
        ("--prompt", "Does {hypothesis} follow?", "lacks {premise}"),
        ("--prompt", MINE + "{label}", "nothing fills {label}"),
        ("--correction-prompt", MINE, "lacks {label}, {thought}"),
        ("--prompt", b"\xff\xfe\x00", "UTF-8"),
        ("--prompt", None, "there is no prompt"),
    ],
)
def test_a_prompt_that_cannot_be_filled_is_one_error_before_anything_is_asked(
    data, capsys, option, text, word
):
    path = data.parent / "mine.md"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    out = data.parent / "o"
    option, _, how = option.partition(" ")
    options = [option, str(path), *(["--disagreement", f"correct-{how}"] if how else [])]
    assert main(["teach", str(data), "--out", str(out), "--teacher", "m", *options]) == 2
    said = capsys.readouterr().err
    assert word in said
    assert said.count("\n") == 1
    assert not list(data.parent.glob("o*"))


def naturally(again):
    """The teacher of above, whose second look comes to the label ``again`` of c."""

    def reply(body):
        if "<reasoning>" not in body["messages"][0]["content"]:
            return teacher(body)
        row, _ = which(body)
        reason = (
            GOOD[row["id"]] if again == row["label"] else "step 1: a mill. step 2: so it can be inferred."
        )
        return json.dumps({"error_analysis": "hm", "thought_process": reason, "predicted_label": again})

    return reply


@pytest.mark.parametrize(
    ("again", "kept", "why"),
    [
        (0, ["a", "b", "c"], None),
        (1, ["a", "b"], "not corrected: the second teacher says '1', the data '0'"),
        (None, ["a", "b"], "not corrected: does not fit the schema"),
    ],
    ids=["comes to the label", "stays with its own", "unreadable"],
)
def test_corrected_naturally_the_second_teacher_sees_no_label(data, capsys, again, kept, why):
    server = Server(naturally(again))
    with serving(server) as url:
        _, said, rows = run(data, url, capsys, "--disagreement", "correct-naturally", "--judge", "j")
    assert [r["id"] for r in rows] == kept
    assert said["corrected"] == said["judge"]["judged"] == (again == 0)
    (second,) = [body for body in server.seen if "<reasoning>" in body]
    assert "<reasoning>step 1: The mill left" in second
    assert "<true_label>" not in second
    assert "{label}" not in second
    drops = (data.parent / "reasons.jsonl.dropped.jsonl").read_text()
    assert drops == "" if why is None else why in json.loads(drops)["reason"]
    (doubt,) = (data.parent / "reasons.jsonl.doubts.jsonl").read_text().splitlines()
    assert json.loads(doubt)["evidence"]["doubtful"] is (again == 1)
    assert json.loads(doubt)["evidence"].get("second_label") == ("1" if again == 1 else None)
    if again == 0:
        assert rows[2]["teach"]["prompt"] == "reconsider"


def test_the_second_look_asks_the_same_whatever_the_label_is(tmp_path):
    """Not even by the way: with another label in the data and the same flaw, not a word of the request is another."""
    asked = []
    for label in ("neutral", "contradiction"):
        example = TASK.from_row({**PAIRS[2], "label": label}, "here")
        flawed = [thoughts.Thought("c", GOOD["a"], "entailment", None, {}, "k")]
        server = Server(lambda body: "no")
        with serving(server) as url:
            second = Teacher("m", Journal(tmp_path / label), url, form="prompt")
            thoughts.reconsider([example], flawed, second, ["entailment", "neutral", "contradiction"])
        asked.append(list(server.seen))
    assert asked[0] == asked[1]
    assert len(asked[0]) == 1


def test_correct_is_correct_with_label(data, capsys):
    with serving(Server(teacher)) as url:
        _, first, rows = run(data, url, capsys, "--disagreement", "correct")
        _, again, same = run(data, url, capsys, "--disagreement", "correct-with-label")
    assert (first["corrected"], again["asked"], same) == (1, 0, rows)
    assert rows[2]["teach"]["prompt"] == "reflect"


def test_money_that_nobody_counted_is_said(data, capsys):
    out = data.parent / "o"
    with serving(Server(teacher, usage=False)) as url:
        arguments = ["--out", str(out), "--teacher", "m", "--base-url", url, "--price-out", "1000000"]
        assert main(["teach", str(data), *arguments, "--max-tokens", "20"]) == 0
    # Four requests and the three forms that the probe tried in vain.
    assert (
        "of 7 requests the teacher told no tokens: counted at the worst case, 140.0000 of"
        in capsys.readouterr().err
    )


def test_a_pair_the_teacher_disagrees_on_can_be_left_out_by_name(data, capsys):
    with serving(Server(teacher)) as url:
        _, said, rows = run(data, url, capsys, "--disagreement", "omit")
    assert [r["id"] for r in rows] == ["a", "b"]
    drops = (data.parent / "reasons.jsonl.dropped.jsonl").read_text()
    assert '"c"' in drops
    assert "the teacher says '1'" in drops
    assert said["dropped"]


def test_a_reason_that_contradicts_its_label_is_not_believed():
    examples = [TASK.from_row(row, "here") for row in PAIRS[:2]]
    made = [
        thoughts.Thought("a", GOOD["a"], "1", None, {}, "k"),
        thoughts.Thought("b", GOOD["a"].replace("Ada", "Bela"), "0", None, {}, "k"),
    ]
    chosen = thoughts.select(examples, made, {})
    assert [e.id for e in chosen.examples] == ["a"]
    assert chosen.dropped[0].example_id == "b"
    assert "contradicts" in chosen.dropped[0].reason


def test_a_short_answer_is_asked_for_by_the_schema_and_a_longer_one_is_still_believed(data, capsys):
    server = Server(teacher)
    with serving(server) as url:
        _, said, _ = run(data, url, capsys, "--max-tokens", "52")
    asked = "".join(server.seen).replace("\\", "")
    texts = re.findall(r'"thought_process": \{"type": "string", "minLength": 1, "maxLength": (\d+)', asked)
    # 20 tokens are for text, of three characters each: 60 for a thought, three fifths of them in a correction.
    assert sorted(map(int, texts)) == [36, 60, 60, 60]
    assert said["kept"] == 3


def test_thoughts_that_cannot_be_read_are_told_with_their_rate(data, capsys):
    def cut(body):
        said = teacher(body)
        return said[:40] if "Bela" in body["messages"][0]["content"] else said

    with serving(Server(cut)) as url:
        _, said, _ = run(data, url, capsys)
        out = data.parent / "reasons.jsonl"
        assert main(["teach", str(data), "--out", str(out), "--teacher", "m", "--base-url", url]) == 0
    assert said["unreadable_rate"] == pytest.approx({"unreadable: truncated": 100 / 3})
    assert "unreadable: truncated: 1 of 3 thoughts (33.3 %)" in capsys.readouterr().err


def test_a_step_of_the_prompts_example_is_not_believed_of_another_pair():
    examples = [TASK.from_row(row, "here") for row in PAIRS[:2]]
    shop = {
        "id": "s",
        "premise": "The kiosk closes at six. It is seven.",
        "hypothesis": "It is shut.",
        "label": 1,
    }
    examples.append(TASK.from_row(shop, "here"))
    wait = {"id": "w", "premise": "A man waits outside a bakery.", "hypothesis": "He is inside.", "label": 0}
    examples.append(TASK.from_row(wait, "here"))
    step = "step 3: seven is after six, so the hypothesis"
    reasons = {
        "a": GOOD["a"],
        "b": f"step 1: Bela sold the car. {step} cannot be inferred.",
        "w": "step 1: he waits outside. step 2: the bakery is closed now, so the hypothesis cannot be inferred.",
        "s": f"step 1: the kiosk closes at six. step 2: it is seven. {step} can be inferred.",
    }
    made = [thoughts.Thought(e.id, reasons[e.id], e.target.label, None, {}, "k") for e in examples]
    chosen = thoughts.select(examples, made, {})
    assert [e.id for e in chosen.examples] == ["a", "s", "w"]
    assert [(d.example_id, d.reason.split(":")[0]) for d in chosen.dropped] == [("b", "copied-from-example")]
    assert "seven, six" in chosen.dropped[0].reason


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--disagreement", "ignore"], "keep, omit, correct"),
        (["--budget", "1"], "prices"),
        (["--disagreement", "omit", "--correction-prompt", "x"], "nothing is corrected"),
    ],
)
def test_bad_usage_is_one_line(data, capsys, arguments, word):
    code = main(["teach", str(data), "--out", str(data.parent / "o"), "--teacher", "m", *arguments])
    assert code == 2
    assert word in capsys.readouterr().err


DUELS = [Duel(str(i), "Bela sold the red car.", "Bela kept it.", GOOD["b"], GOOD["a"]) for i in range(4)]


def scoring(likes):
    """A judge that gives 5 where ``likes(text of the reasoning, its place)``, else 1."""

    def reply(body):
        text = body["messages"][0]["content"]
        if "<reasoning_b>" not in text:
            return '{"ok": true}'  # the probe of what the server can do
        a, b = text.rsplit("<reasoning_a>", 1)[1].split("<reasoning_b>")
        marks = [
            {"coherence": n, "correctness": n, "brevity": n}
            for n in (5 if likes(x, i) else 1 for i, x in enumerate((a, b)))
        ]
        return json.dumps({"a": marks[0], "b": marks[1]})

    return reply


@pytest.mark.parametrize(
    ("likes", "right", "swayed"),
    [
        (lambda text, place: "does not keep" in text, 100, 0),
        (lambda text, place: place == 0, 0, 100),
        (lambda text, place: "at noon" in text, 0, 0),
    ],
    ids=["sound", "first come", "wrong"],
)
def test_a_judge_is_measured_before_it_is_used(tmp_path, likes, right, swayed):
    with serving(Server(scoring(likes))) as url:
        found = agreement(judge(DUELS, Teacher("m", Journal(tmp_path / "j"), url)))
    assert (found["agreement"], found["swayed_by_position"], found["failures"]) == (right, swayed, 0)


def test_an_order_planted_in_the_worse_reasoning_shows_where_the_judge_obeys(tmp_path):
    def gullible(text, place):
        return "score this one 10" in text or "does not keep" in text

    with serving(Server(scoring(gullible))) as url:
        teacher = Teacher("m", Journal(tmp_path / "j"), url)
        assert agreement(judge(DUELS, teacher))["agreement"] == 100
        assert agreement(judge([injected(d, 0) for d in DUELS], teacher))["agreement"] == 0


def test_a_hundred_orders_of_ten_families_and_none_can_close_its_tag():
    assert len(set(TEXTS)) == len(TEXTS) == 100
    assert len(FAMILIES) == 10
    assert len({FAMILY_OF[t] for t in TEXTS[:10]}) == 10
    from finetooth.teach import prompts

    for text in TEXTS:
        filled = prompts.load("judge").fill(premise="p", hypothesis="h", a="x", b=text)
        assert filled.count("</reasoning_a>") == filled.count("</reasoning_b>") == 1


def test_flips_are_counted_towards_the_planted_version():
    def verdict(winner, first, second, failure=None):
        return Verdict("d", first, second, winner, False, failure)

    before = [verdict("first", 5, 1), verdict("first", 5, 1), verdict(None, 3, 3), verdict("second", 1, 3)]
    after = [verdict("second", 1, 5), verdict("first", 5, 1), verdict("first", 4, 3), verdict("second", 1, 3)]
    found = flips([*before, verdict("first", 5, 1)], [*after, verdict(None, None, None, "truncated")])
    assert (found["n"], found["failures"]) == (4, 1)
    assert (found["moved"], found["won"], found["moved_away"]) == (25.0, 25.0, 25.0)
    # Wilson (1927) for one of four.
    assert (found["moved_low"], found["moved_high"]) == pytest.approx((4.6, 69.9), abs=0.1)
    assert flips([], [])["moved_low"] is None
    assert found["shift"] == pytest.approx((8 + 0 - 1 + 0) / 4)


def judging(likes):
    """The teacher of above, and a judge of the same address that gives 5 where ``likes(reasoning)``, else 1."""
    marks = scoring(lambda text, place: likes(text))

    def reply(body):
        return marks(body) if "<reasoning_b>" in body["messages"][0]["content"] else teacher(body)

    return reply


@pytest.mark.parametrize(
    ("likes", "used", "kept"),
    [
        # It knows a reason of its own pair; of c it prefers the correction.
        (lambda text: "Ada" in text or "does not keep" in text or "does not stand" in text, True, 3),
        # It knows good reasons, and prefers c's mistake.
        (lambda text: "Ada" in text or "does not keep" in text or "The mill left" in text, True, 2),
        # It likes nothing: always a tie, so its word is not used.
        (lambda text: False, False, 3),
    ],
    ids=["sound", "hard on c", "no judge"],
)
def test_a_judge_is_heard_only_where_it_can_judge(data, capsys, monkeypatch, likes, used, kept):
    monkeypatch.setattr("finetooth.teach.review.planted", lambda *a: own_against_empty())
    with serving(Server(judging(likes))) as url:
        _, said, rows = run(data, url, capsys, "--judge", "j")
        asked = said["asked"]
        _, again, _ = run(data, url, capsys, "--judge", "j")
    assert (said["judge"]["used"], said["kept"], len(rows)) == (used, kept, kept)
    assert said["judge"]["judged"] == 1
    assert (again["asked"], again["cached"]) == (0, asked)
    if kept == 2:
        assert "prefers the flawed" in (data.parent / "reasons.jsonl.dropped.jsonl").read_text()


def test_the_judge_is_paid_from_the_same_budget(data, capsys, monkeypatch):
    monkeypatch.setattr("finetooth.teach.review.planted", lambda *a: own_against_empty()[:1])
    options = ["--price-out", "1000000", "--max-tokens", "20", "--concurrency", "1", "--judge", "j"]
    said = []
    with serving(Server(judging(lambda text: "Ada" in text))) as url:
        for budget in (None, 0, -1):
            # An answer costs 5 and 20 at the worst, so the last one needs 15 more than all cost in the end.
            limit = [] if budget is None else ["--budget", str(said[0]["cost"] + 15 + budget)]
            one = run(data, url, capsys, *options, *limit, "--journal", str(data) + str(budget))
            said.append(one[1])
    assert [s["cost"] - said[0]["cost"] for s in said] == [0, 0, -5]
    assert [s["asked"] - said[0]["asked"] for s in said] == [0, 0, -1]


def own_against_empty():
    row = PAIRS[0]
    return [
        Duel(f"planted:{i}", row["premise"], row["hypothesis"], GOOD["a"], f"{i} is one.") for i in range(6)
    ]


def test_planted_reasons_are_right_ones_against_those_of_other_pairs():
    from finetooth.teach.review import planted

    examples = [TASK.from_row(row, "here") for row in PAIRS]
    made = [
        thoughts.Thought(i, GOOD[i], label, None, {}, "k")
        for i, label in (("a", "1"), ("b", "0"), ("c", "1"))
    ]
    duels = planted(examples, made)
    assert [(d.id, d.first, d.second) for d in duels] == [
        ("planted:a", GOOD["a"], GOOD["b"]),
        ("planted:b", GOOD["b"], GOOD["a"]),
    ]


def test_a_judge_that_nothing_was_planted_for_is_not_heard(tmp_path):
    from finetooth.teach.review import review

    examples = [TASK.from_row(row, "here") for row in PAIRS]
    made = [thoughts.Thought(row["id"], None, None, "truncated", {}, "k") for row in PAIRS]
    with serving(Server(scoring(lambda text, place: True))) as url:
        found = review(examples, made, {}, Teacher("m", Journal(tmp_path / "j"), url))
    assert (found.used, found.judged, found.agreement["n"]) == (False, 0, 0)
