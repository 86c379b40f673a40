"""Checks of question answering, as short stories: one bad row in, the finding that names it out; a good one, silence.

Fixes are applied as a program would apply them, and the row is then clean.
"""

import json
import re
from pathlib import Path

import pytest

from finetooth import checks, readers, registry
from finetooth.checks._counted import UNITS, counted
from finetooth.checks._qa import apply, inside_word, stands

DATA = Path(__file__).parents[2] / "shared" / "data" / "squad"


def row(context, question, *texts, at=None, **more):
    """A row; answers stand where they are first found, or where ``at`` says."""
    starts = at if isinstance(at, list) else [at] * len(texts)
    starts = [max(context.find(t), 0) if s is None else s for t, s in zip(texts, starts, strict=True)]
    return {
        "context": context,
        "question": question,
        "answers": {"text": list(texts), "answer_start": starts},
        **more,
    }


def load(rows, folder, name="data.jsonl"):
    path = folder / name
    path.write_text("".join(json.dumps({"id": f"q{i}", **r}) + "\n" for i, r in enumerate(rows, 1)))
    return readers.load(path)


@pytest.fixture
def found(tmp_path):
    """Findings of one check on rows, by the id of the row; "" for those on the set."""

    def find(check, *rows, against=(), **options):
        data = load(rows, tmp_path)
        other = load(against, tmp_path, "other.jsonl") if against else None
        report = checks.run(data, against=other, only=[check], **options)
        by_id = {}
        for finding in report.findings:
            by_id.setdefault(finding.example_id, finding)
        return by_id

    return find


MOSS = "Ada Moss left the old mill at noon. Bo Reed stayed there until May."
GOOD = row(MOSS, "When did Ada Moss leave?", "noon")
BETWEEN = "Her sons sold it to a town nearby and went abroad."
GOLD = row("The band won in 1990 and again in 1994. Its prize was gold.", "What was the prize?", "gold")

# check, a bad row, words of its message, the severity, and the answer after the fix (None: no fix).
ONE_ROW = [
    ("answer-not-at-offset", row(MOSS, "When?", "noon", at=27), ("at 27", "it stands at 30"), "error", (30, "noon")),
    ("answer-not-at-offset", row(MOSS, "Who?", "Bo Reed", at=0), ("'Ada Mos", "stands at 36"), "error", (36, "Bo Reed")),
    ("offset-out-of-range", row(MOSS, "When?", "noon", at=-1), ("starts at -1", "67 characters"), "error", (30, "noon")),
    ("offset-out-of-range", row(MOSS, "When?", "noon", at=900), ("starts at 900",), "error", (30, "noon")),
    ("offset-out-of-range", row(MOSS, "Who?", "Cy", at=-1), ("starts at -1",), "error", None),
    ("answer-not-in-context", row(MOSS, "Who?", "Ada Hill"), ("not in the context", "'Ada Moss'"), "error", None),
    ("answer-not-in-context", row(MOSS, "Who?", "ada moss"), ("which writes 'Ada Moss'",), "error", (0, "Ada Moss")),
    ("answer-not-in-context", row(MOSS, "Who?", "Cy"), ("'Cy' is not in the context",), "error", None),
    ("empty-answer", row(MOSS, "When?", ""), ("an answer is empty",), "error", None),
    ("empty-answer", row(MOSS, "When?", "noon", " ", at=[30, 3]), ("only white space",), "error", (30, "noon")),
    ("empty-answer", {**row(MOSS, "When?"), "v2": False}, ("no answer", "unanswerable"), "error", None),
    ("empty-answer", {**row(MOSS, "When?"), "is_impossible": False}, ("is answerable, has no answer",), "error", None),
    ("empty-answer", {**row(MOSS, "When?", " "), "v2": True, "is_impossible": False}, ("white space",), "error", None),
    ("answer-cut-inside-word", row(MOSS, "When?", "noo"), ("cut out of 'noon'",), "warning", (30, "noon")),
    ("answer-cut-inside-word", row("Adam saw Ada.", "Whom?", "Ada", at=0), ("as a word it stands at 9",), "warning", (9, "Ada")),
    ("answer-cut-inside-word", row("वह दिल्ली में है।", "कहाँ?", "दिल्ल"), ("cut out of 'दिल्ली'",), "warning", (3, "दिल्ली")),
    ("answer-cut-inside-word", row("Leo\u0301n left.", "Who left?", "Leo"), ("cut out of 'Leo\u0301n'",), "warning", (0, "Leo\u0301n")),
    ("answer-cut-inside-word", row("It cost 1,250 marks.", "How much?", "250"), ("cut out of '1,250'",), "warning", None),
    ("answer-is-whole-context", row(f"{MOSS} " * 2, "Who left?", f"{MOSS} {MOSS}"), ("100% of its context",), "warning", None),
    ("whitespace-at-edge", row(MOSS, "When?", " noon"), ("white space",), "warning", (30, "noon")),
    ("boundary-punctuation", row(MOSS, "When?", "noon."), ("punctuation",), "info", (30, "noon")),
    ("boundary-punctuation", row("彼は『時計の本』を読んだ。", "何を?", "時計の本』"), ("punctuation",), "info", (3, "時計の本")),
    ("boundary-punctuation", row("He said (in May) no.", "When?", "(in May"), ("punctuation",), "info", (9, "in May")),
    ("question-empty", row(MOSS, " ?", "noon"), ("' ?'",), "error", None),
    ("question-empty", row(MOSS, "nan", "noon"), ("'nan'",), "error", None),
    ("context-empty", row("", "When?", "noon"), ("is empty",), "error", None),
    ("context-empty", row("N/A", "When?", "noon"), ("'N/A'",), "error", None),
    ("not-a-question", row(MOSS, "Ada Moss left the mill.", "noon"), ("asks nothing",), "info", None),
    ("answer-in-question", row(MOSS, "When did Ada Moss leave?", "Ada Moss"), ("holds its answer 'Ada Moss'",), "info", None),
    ("answer-type-mismatch", row(MOSS, "When did Ada leave?", "Ada Moss"), ("a time", "'Ada Moss'"), "warning", None),
    ("answer-type-mismatch", row(MOSS, "How many people left?", "mill"), ("a number", "'mill'"), "warning", None),
    ("answer-type-mismatch", row("He left in 1850.", "Who left?", "1850"), ("somebody", "1850"), "warning", None),
    ("golds-disagree", row(MOSS, "Who left?", "Ada", "Ada Moss", "Bo Reed"), ("'Bo Reed'",), "warning", (0, "Ada")),
    ("golds-disagree", row(MOSS, "Who left?", "Ada Moss", "Bo Reed"), ("one answer is",), "info", None),
    ("mojibake", row("The cafÃ© closed at noon.", "When?", "noon"), ("broken letters", "cafÃ©"), "warning", None),
    ("mojibake", row("The caf\ufffd closed at noon.", "When?", "noon"), ("broken letters",), "warning", None),
    ("markup-left", row("AT&amp;T left at noon.", "When?", "noon"), ("entity &amp; for '&'",), "warning", None),
    ("markup-left", row("Ada left<br/>at noon.", "When?", "noon"), ("the tag <br/>",), "warning", None),
    ("unseen-character", row("Ada\u200b left at noon.", "When?", "noon"), ("U+200B at 3",), "info", None),
    ("unseen-character", row("Ada left\x07 at noon.", "When?", "noon"), ("U+0007 at 8",), "warning", None),
    (
        "ambiguous-offset",
        row("Ada came at noon. Bo met Ada by the abbey gate.", "Whom did Bo meet by the abbey gate?", "Ada", at=0),
        ("stands 2 times; the offset takes number 1", "number 2"),
        "warning",
        (25, "Ada"),
    ),
    (
        "ambiguous-offset",
        row("Ada came at noon. Later Ada Moss met Bo.", "Who met Bo?", "Ada", "Ada Moss", at=[0, 24]),
        ("another annotator's longer answer",),
        "warning",
        (24, "Ada"),
    ),
    ("ambiguous-offset", row("Ada, Bo, Ada.", "Who came?", "Ada", at=9), ("takes number 2",), "info", None),
    (
        "answer-end-disagrees",
        {**row(MOSS, "When?"), "answers": {"text": ["noon"], "answer_start": [30], "answer_end": [40]}},
        ("answer_end is 40", "ends at 34"),
        "error",
        (30, "noon"),
    ),
    (
        "unanswerable-with-answers",
        {**GOOD, "is_impossible": True},
        ("is_impossible is true", "noon"),
        "error",
        None,
    ),
    (
        "answer-far-from-question",
        row(f"Ada built the mill in 1801. {BETWEEN} Bo Reed died in 1850.", "When was the mill built?", "1850"),
        ("'Ada built the mill in 1801.'", "1850"),
        "info",
        None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("check", "bad", "words", "severity", "mended"), ONE_ROW)
def test_a_bad_row_is_named_and_a_good_one_is_not(check, bad, words, severity, mended, found, tmp_path):
    findings = found(check, GOOD, bad, *[GOLD] * 4)
    assert set(findings) == {"q2"}
    finding = findings["q2"]
    assert finding.check == check
    assert finding.severity == severity
    for word in words:
        assert word in finding.message
    json.dumps(finding.evidence)
    if mended is None:
        assert not isinstance(finding.fix, dict)
        return
    example = load([bad], tmp_path).examples[0]
    better = apply(example, finding.fix)
    answer = better.target.answers[0]
    assert (answer.start, answer.text) == mended
    assert answer.end == answer.start + len(answer.text)
    data = readers.load(tmp_path / "data.jsonl")
    again = checks.run(type(data)("qa", [better], "", "", ""), only=[check])
    assert not [f for f in again.findings if f.severity in ("error", "warning")]


# check, two rows of which the second is named (the first too where the two contradict each other).
TWO_ROWS = [
    ("duplicate-question", row(MOSS, "When did  ada leave?", "noon"), row(MOSS, "When did Ada leave?", "at noon"), {"q2"}),
    (
        "near-duplicate-question",
        row(MOSS, "When did Ada Moss leave the mill?", "noon"),
        row(MOSS, "When did Ada leave the mill?", "noon"),
        {"q2"},
    ),
    ("same-question-different-answers", row(MOSS, "Who?", "Ada"), row(MOSS, "Who?", "Bo Reed"), {"q1", "q2"}),
    ("same-question-different-answers", row(MOSS, "Who?", "Ada"), {**row(MOSS, "Who?"), "v2": True}, {"q1", "q2"}),
    ("duplicate-id", {**GOOD, "id": "a"}, {**GOLD, "id": "a"}, {"a#2"}),
    ("truncated-context", row(MOSS, "Who stayed?", "Bo Reed"), row(MOSS[:33], "When?", "noon", at=30), {"q2"}),
    (
        "similar-context",
        row(f"{MOSS} The miller sang all day.", "When?", "noon"),
        row(f"{MOSS} The miller sang all night.", "When?", "noon"),
        {"q2"},
    ),
    (
        "answer-of-another-question",
        row("Ada Moss built the stone mill in 1801. Bo Reed sold the farm.", "Who built the stone mill?", "Ada Moss"),
        row("Ada Moss built the stone mill in 1801. Bo Reed sold the farm.", "Who sold the farm?", "Ada Moss"),
        {"q2"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("check", "one", "other", "named"), TWO_ROWS)
def test_two_rows_that_do_not_go_together(check, one, other, named, found):
    assert set(found(check, one, other)) == named
    assert not found(check, one, GOLD)


# Rows of which a check must not say anything.
SILENT = [
    ("answer-not-in-context", row("Ada “Bo” Moss", "Who?", "Ada “Bo” Moss")),
    ("answer-cut-inside-word", row("AC/DC's hit of the 1990s, U.S. and non-US.", "What?", "AC/DC", "1990s", "U.S.")),
    ("answer-cut-inside-word", row("वह ❤️Leo\u0301n, दिल्ली में है।", "कहाँ?", "दिल्ली", "Leo\u0301n")),
    ("answer-cut-inside-word", row("東京都は日本の首都です。", "何?", "日本")),
    ("boundary-punctuation", row("Ada Moss Jr. met J. Reed (b. 1801) at 5 p.m.", "Who?", "Ada Moss Jr.", "J.", "5 p.m.")),
    ("boundary-punctuation", row('The film "Up" (2009) and .5 more', "What?", '"Up"', "(2009)", ".5")),
    ("not-a-question", row(MOSS, "Name the one who left", "Ada")),
    ("answer-in-question", row(MOSS, "Did Ada or Bo Reed leave?", "Ada")),
    ("answer-type-mismatch", row(MOSS, "When did Ada leave?", "noon")),
    ("answer-type-mismatch", row("She left after the war.", "When did she leave?", "after the war")),
    ("answer-type-mismatch", row("Two dozen came.", "How many came?", "Two dozen")),
    ("answer-type-mismatch", row("Blink-182 sang.", "Who sang?", "Blink-182")),
    ("golds-disagree", row(MOSS, "Who left?", "Ada", "Ada Moss", "Moss left the old mill")),
    ("answer-is-whole-context", row("Ada left.", "What happened?", "Ada left")),
    ("empty-answer", {**row(MOSS, "Who sang?"), "v2": True}),
    ("empty-answer", {**row(MOSS, "Who sang?"), "is_impossible": True}),
    ("mojibake", row("Ångström's naïve café in São Paulo — “quite”…", "Whose?", "Ångström")),
    ("markup-left", row("R&D; a < b > c, AT&T and x<y; see &c.", "What?", "R&D")),
    ("unseen-character", row("می‌خواهم 👩‍👩‍👧 Ada left.\n\tBo too.", "Who?", "Ada")),
    ("context-empty", row("Null Island lies at 0°N.", "Where?", "0°N")),
    ("question-empty", row(MOSS, "Was ist null?", "noon")),
    ("ambiguous-offset", row("An adapter met Ada.", "Who?", "Ada")),
    ("answer-end-disagrees", {**GOOD, "answers": {"text": ["noon"], "answer_start": [30], "answer_end": [34]}}),
    ("answer-end-disagrees", {**GOOD, "answers": {"text": ["noon"], "answer_start": [30], "answer_end": [33]}}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "good"), SILENT)
def test_what_only_looks_wrong(check, good, found):
    assert not found(check, good, *[GOLD] * 4)


def test_questions_that_differ_in_what_they_ask_are_no_duplicates(found):
    context = (
        "The northern mill, then the southern mill burnt in 1801. Ada was the first owner, Bo another one."
    )
    pairs = [
        ("When did the mill of Ada burn down?", "What of the mill of Ada did burn down?"),
        ("What is the name of one owner of the mill?", "What is the name of another owner of the mill?"),
        ("Who owned the large northern mill of the town?", "Who owned the large southern mill of the town?"),
        ("What happened to the mill in the year 1801?", "What happened to the mill in the year 1802?"),
    ]
    for one, other in pairs:
        assert not found("near-duplicate-question", row(context, one, "Ada"), row(context, other, "Ada"))


TOLD = [f"Ada Moss number {i} left the old mill of town {i} at noon." for i in range(30)]


@pytest.mark.parametrize(
    ("end", "severity", "why"),
    [
        ("She said that the mill of the to", "warning", "'to'"),
        ("She sold the mill, which is", "warning", "'is'"),
        ("She sold the mill,", "warning", "','"),
        ("She sold the mil", "warning", "'mil' begins 'mill'"),
        ("She sold the mill to Bo Reed", "info", ""),
    ],
)
def test_a_context_that_breaks_off(end, severity, why, found):
    rows = [row(text, "Who left?", "Ada") for text in TOLD]
    findings = found("truncated-context", row(f"Ada left. {end}", "Who left?", "Ada"), *rows)
    assert {k: v.severity for k, v in findings.items()} == {"q1": severity}
    assert why in findings["q1"].message


def test_contexts_that_never_end_well_are_how_the_set_is_written(found):
    assert not found("truncated-context", *[row(text[:-1], "Who left?", "Ada") for text in TOLD])


def test_the_answer_in_the_part_that_was_cut_off_is_an_error(found):
    cut = row(MOSS[:33], "Who stayed?", "Bo Reed", at=36)
    finding = found("truncated-context", row(MOSS, "When?", "noon"), cut)["q2"]
    assert finding.severity == "error"
    assert finding.fix == {"context": MOSS}


# One split against another


def test_what_stands_in_both_splits(found):
    mill = "Ada Moss left the old stone mill of the town at noon on Monday and came home by the long road to Rome at eight."
    near = mill.replace("eight", "nine")
    here = [
        row(mill, "When did Ada leave?", "noon"),
        row(near, "When?", "noon"),
        row("Bo ran.", "Who founded the abbey?", "Bo"),
        row("Cy sat.", "Who sat?", "Cy"),
    ]
    there = [
        row(mill.upper(), "When did Ada leave?", "NOON"),
        row("Only Bo.", "Who founded the abbey?", "Bo"),
    ]
    assert set(found("context-leakage", *here, against=there)) == {"q1"}
    assert set(found("near-context-leakage", *here, against=there)) == {"q2"}
    assert set(found("question-leakage", *here, against=there)) == {"q3"}
    # A passage inside a longer one of the other split
    long = f"{mill} Then Bo Reed wrote to the miller about the price of the grain and the state of the wheel and its gears."
    held = found("near-context-leakage", row(mill, "When?", "noon"), against=[row(long, "Who wrote?", "Bo")])
    assert "shorter in the longer" in held["q1"].message
    for check in ("context-leakage", "near-context-leakage", "question-leakage"):
        assert not found(check, here[3], against=there)


def test_chinese_that_differs_in_one_word_is_nearly_the_same(found):
    text = "他每天早上都去河邊散步，然後在磨坊旁邊的小店買麵包。中午，他回家吃飯，下午寫信給在城裡的朋友。晚上他讀書。"
    near = text.replace("散步", "跑步")
    held = found("near-context-leakage", row(near, "何時?", "中午"), against=[row(text, "誰?", "他")])
    assert set(held) == {"q1"}


@pytest.mark.parametrize(
    ("context", "answer", "differs"),
    [("Ada  Moss left.", "Ada Moss", "blanks"), ("Besanc\u0327on is far.", "Besan\u00e7on", "NFD")],
)
def test_what_cannot_be_seen_in_a_message_is_told(found, context, answer, differs):
    (finding,) = found("answer-not-in-context", row(context, "What?", answer)).values()
    assert differs in finding.message


def test_splits_that_differ_more_than_chance_lets_them(found):
    text = " ".join(f"word{i}" for i in range(40))
    short = [row(f"{text} {i}.", "What?", f"word{i % 3}") for i in range(60)]
    long = [row(f"{text} {i}.", "What?", f"word{20 + i % 3} word{21 + i % 3}") for i in range(60)]
    length = found("answer-length-skew", *short, against=long)
    place = found("answer-position-skew", *short, against=long)
    assert "1 against 2 words" in length[""].message
    assert place[""].evidence["effect"] == -1.0
    for check in ("answer-length-skew", "answer-position-skew"):
        assert not found(check, *short, against=list(reversed(short)))
        assert not found(check, *short[:10], against=long[:10]), "too few to tell"


# What a model cannot hold


@pytest.fixture(scope="module")
def tokenizer():
    """One token a word, no special tokens."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return made


def test_answers_that_no_window_holds(found, tokenizer):
    words = [f"w{i}" for i in range(100)]
    text = " ".join(words)
    rows = [row(text, "a b", " ".join(words[a:b])) for a, b in [(0, 3), (17, 23), (10, 14), (96, 100)]]
    # Room 20 - 2 = 18 and steps of 14: windows 0-17, 14-31, ... Words 17 to 22 are in 14-31.
    options = {"tokenizer": tokenizer, "max_length_tokens": 20, "stride_tokens": 4}
    assert not found("answer-lost-to-truncation", *rows, **options)
    # Steps of 16: 0-17, 16-33: words 10 to 14 are in the first, 15 to 22 in none.
    lost = row(text, "a b", " ".join(words[15:23]))
    finding = found("answer-lost-to-truncation", *rows, lost, **{**options, "stride_tokens": 2})
    assert set(finding) == {"q5"}
    assert finding["q5"].severity == "error"
    fixed = {**options, **finding["q5"].fix}
    assert not found("answer-lost-to-truncation", lost, **fixed)


def test_an_answer_longer_than_any_window_and_a_question_that_leaves_no_room(found, tokenizer):
    words = [f"w{i}" for i in range(100)]
    text = " ".join(words)
    options = {"tokenizer": tokenizer, "max_length_tokens": 20, "stride_tokens": 4}
    for bad in (row(text, "a b", " ".join(words[10:40])), row(text, "a " * 19, "w5")):
        finding = found("answer-lost-to-truncation", bad, **options)["q1"]
        assert finding.severity == "error"
        assert not found("answer-lost-to-truncation", bad, **{**options, **finding.fix})


# Offsets that were counted in something else than characters

ACCENTS = "Zoë Müller and José Núñez met Ada in a café in Köln. Ada left. 😀 Then Ada came."
LINES = "To: Bo\r\nFrom: Ada\r\n\r\nAda left.\r\nBo saw Ada.\r\nAda wrote."
MARKS = "Q&amp;A of Ada: R&amp;D, Ada &lt; Bo, and Ada left with Ada."
BLANKS = "Ada   left  the mill.\n\n  Then   Ada  came   and Ada  sat. Ada."


@pytest.mark.parametrize(
    ("context", "unit"),
    [
        (ACCENTS, "bytes of UTF-8"),
        ("😀 Ada 😀 met 😀😀 Ada and Ada left.", "units of UTF-16"),
        (LINES, "a line end as one character"),
        (LINES.replace("\r\n", "\n"), "a line end as two characters"),
        (ACCENTS.replace("ë", "e\u0308").replace("é", "e\u0301"), "letters with their accents as one (NFC)"),
        (ACCENTS, "accents as characters of their own (NFD)"),
        (MARKS, "HTML entities as the characters they stand for"),
        (MARKS.replace("&amp;", "&").replace("&lt;", "<"), "characters as HTML entities"),
        (BLANKS, "runs of blanks as one"),
        (ACCENTS, "from one"),
    ],
)
def test_offsets_in_another_unit_are_found_out_and_the_right_place_is_the_fix(context, unit, found, tmp_path):
    right = [
        m
        for m in range(len(context))
        if context.startswith("Ada", m) and not any(inside_word(context, m, m + 3))
    ]
    wrong = {UNITS[unit](context[:at]): at for at in right}
    wrong = {told: at for told, at in wrong.items() if told != at and not context.startswith("Ada", told)}
    assert wrong, "the text must hold what the two ways of counting differ in"
    rows = [row(context, f"Who is number {i}?", "Ada", at=told) for i, told in enumerate(wrong)] * 3
    data = load(rows, tmp_path)
    report = checks.run(data, only=["answer-not-at-offset", "offset-out-of-range"])
    whole = [f for f in report.findings if not f.example_id]
    assert [f.evidence["counted"] for f in whole] == [unit]
    by_id = {f.example_id: f for f in report.findings if f.example_id}
    for example, at in zip(data.examples, list(wrong.values()) * 3, strict=True):
        answer = apply(example, by_id[example.id].fix).target.answers[0]
        assert answer.start == at
        assert stands(answer, context)


def test_one_slip_is_not_taken_for_a_way_of_counting(found):
    findings = found("answer-not-at-offset", row(MOSS, "When?", "noon", at=31), GOOD)
    assert set(findings) == {"q2"} or set(findings) == {"q1"}
    assert findings["q1"].evidence["counted"] == ""
    assert counted("noon", 31, MOSS) == {"from one": 30}


# Looks: what a person would call the same


@pytest.mark.parametrize(
    ("context", "answer", "written"),
    [
        ("Ada  Moss left.", "Ada Moss", "Ada  Moss"),
        ("Ada\r\nMoss left.", "Ada\nMoss", "Ada\r\nMoss"),
        ("Ada\u00a0Moss left.", "Ada Moss", "Ada\u00a0Moss"),
        ("Ada’s mill burnt.", "Ada's mill", "Ada’s mill"),
        ("The years 1801–1850 passed.", "1801-1850", "1801–1850"),
        ("Jose\u0301 left.", "José", "Jose\u0301"),
        ("José left.", "Jose\u0301", "José"),
        ("José left.", "Jose", "José"),
        ("ADA MOSS left.", "Ada Moss", "ADA MOSS"),
        ("Ada Moss left.", "Ada Moss.", "Ada Moss"),
        ("The ﬁle and Ａｄａ left.", "file and Ada", "ﬁle and Ａｄａ"),
        ("Ada\u200b Moss left.", "Ada Moss", "Ada\u200b Moss"),
        ("AT&amp;T left.", "AT&T", "AT&amp;T"),
        ("AT&T left.", "AT&amp;T", "AT&T"),
        ("It&#39;s Ada&rsquo;s mill.", "Ada's mill", "Ada&rsquo;s mill"),
    ],
)
def test_an_answer_that_differs_in_looks_only_takes_what_the_context_writes(
    context, answer, written, found, tmp_path
):
    bad = row(context, "Who?", answer)
    finding = found("answer-not-in-context", bad)["q1"]
    assert finding.evidence["differs"] == "looks"
    mended = apply(load([bad], tmp_path).examples[0], finding.fix).target.answers[0]
    assert mended.text == written
    assert stands(mended, context)


# Sets as a whole


def test_a_set_whose_offsets_all_take_the_first_place_was_searched(found):
    rows = [row(f"Ada {i} came. Bo met Ada {i}.", "Who?", f"Ada {i}") for i in range(25)]
    assert "come from a search" in found("ambiguous-offset", *rows)[""].message
    # All rows have one: they are told of together, and a place that is clearly better by itself.
    assert set(found("ambiguous-offset", *rows)) == {""}
    people = [{**r, "answers": {**r["answers"], "answer_start": [r["context"].rfind("Ada")]}} for r in rows]
    assert "from a search" not in found("ambiguous-offset", *people)[""].message


def test_answers_that_repeat_everywhere_are_told_of_once_and_a_row_is_named_once(tmp_path):
    def findings(rows):
        return checks.run(load(rows, tmp_path), only=["ambiguous-offset"]).findings

    once = [row(f"Ada {i} came at noon.", "Who?", f"Ada {i}") for i in range(40)]
    twice = row("Ada, Bo, Ada and Bo.", "Who came?", "Ada", "Bo", at=[9, 4])
    assert [f.example_id for f in findings([*once, twice])] == ["q41"]
    better = row(
        "Ada came at noon. Bo met Ada by the abbey gate.", "Whom did Bo meet by the abbey gate?", "Ada", at=0
    )
    told = findings([*once, *[twice] * 11, better])
    assert sorted((f.example_id, f.severity) for f in told) == [("", "info"), ("q52", "warning")]
    assert "12 of the 52 rows (23%)" in told[-1].message
    assert "named are the 1 with a better place" in told[-1].message
    # Each answer of a row that has a better place is named, for each has a fix of its own.
    both = row(
        "Ada and Bo came at noon. Ada and Bo met by the abbey gate.",
        "Who met by the abbey gate?",
        "Ada",
        "Bo",
        at=[0, 8],
    )
    assert [f.severity for f in findings([both])] == ["warning"] * 2


def test_where_words_prove_nothing_no_row_is_named(found):
    rows = []
    for i in range(10, 40):
        mill = f"Moss{i} stone{i} mill{i}"
        text = f"Ada built the {mill} in 18{i}. {BETWEEN} Bo died in 19{i}."
        rows.append(row(text, f"When was the {mill} built?", f"19{i}"))
    findings = found("answer-far-from-question", *rows)
    assert set(findings) == {""}


def test_the_same_row_under_one_id_is_no_error(found):
    assert found("duplicate-id", {**GOOD, "id": "a"}, {**GOOD, "id": "a"})["a#2"].severity == "warning"
    assert found("duplicate-id", {**GOOD, "id": "a"}, {**GOLD, "id": "a"})["a#2"].severity == "error"


@pytest.mark.parametrize(
    ("ids", "told"),
    [(("", ""), "duplicate-question"), (("a", "a"), "duplicate-id"), (("a", "b"), "duplicate-question")],
)
def test_the_same_row_twice_is_told_once(ids, told, tmp_path):
    rows = [{**GOOD, "id": name} for name in ids]
    report = checks.run(load(rows, tmp_path), only=["duplicate-id", "duplicate-question"])
    assert [(f.check, f.severity) for f in report.findings] == [(told, "warning")]
    assert "the same row" in report.findings[0].message


def test_a_question_that_comes_back_without_an_id_with_another_answer_is_no_matter_of_ids(tmp_path):
    rows = [{**row(MOSS, "Who?", text), "id": ""} for text in ("Ada", "Bo Reed")]
    only = ["duplicate-id", "duplicate-question", "same-question-different-answers"]
    report = checks.run(load(rows, tmp_path), only=only)
    assert [f.check for f in report.findings] == ["same-question-different-answers"] * 2


# All of them


def test_every_check_of_question_answering_has_a_story():
    told = {case[0] for case in (*ONE_ROW, *TWO_ROWS)}
    told |= {
        "context-leakage",
        "near-context-leakage",
        "question-leakage",
        "answer-length-skew",
        "answer-position-skew",
    }
    told |= {"answer-lost-to-truncation"}
    assert {c.name for c in registry.checks("qa")} == told


ROWS = re.compile(r"^ *(Bad|Fix): (\{(?:(?!\} and \{).)*\})$", re.M)


@pytest.mark.parametrize("check", registry.checks("qa"), ids=lambda c: c.name)
def test_the_example_of_a_check_is_one(check, found):
    """Where Bad and Fix are rows, the check names the one and is silent about the other."""
    seen = {"Fix": ""}
    for kind, text in ROWS.findall(check.doc):
        findings = found(
            check.name, {"context": MOSS, "question": "Who is it?", **json.loads(text)}, *[GOLD] * 4
        )
        seen[kind] = findings["q1"].severity if findings else ""
        assert set(findings) <= {"q1"}
    if "Bad" in seen:
        assert seen["Bad"]
        assert seen["Fix"] == "" or (seen["Bad"], seen["Fix"]) == ("warning", "info")


def test_the_good_rows_are_good(tmp_path):
    report = checks.run(load([GOOD, GOLD], tmp_path))
    assert report.findings == ()


def test_squad_passes_the_gate_as_it_is():
    if not DATA.exists():
        pytest.skip("no SQuAD here")
    for name in ("v1.1-dev.json", "v2.0-dev.json"):
        report = checks.run(readers.load(DATA / name))
        assert report.counts["error"] == 0
        assert report.counts["warning"] < 0.2 * report.examples


def test_squad_with_an_offset_shifted_in_one_row_in_twenty(tmp_path):
    """Every shifted row is named, no other row is, and the fixes give the file back."""
    if not DATA.exists():
        pytest.skip("no SQuAD here")
    data = readers.load(DATA / "v1.1-dev.json")
    to_row = registry.task("qa").to_row
    rows, shifted = [], set()
    for i, example in enumerate(data.examples):
        made = to_row(example)
        if i % 20 == 0:
            starts, context = made["answers"]["answer_start"], made["context"]
            moved = [s + 7 if s + 7 < len(context) else s - 7 for s in starts]
            if not any(context.startswith(t, m) for t, m in zip(made["answers"]["text"], moved, strict=True)):
                made["answers"]["answer_start"] = moved
                shifted.add(example.id)
        rows.append(made)
    spoilt = load(rows, tmp_path)
    report = checks.run(spoilt, only=["answer-not-at-offset", "offset-out-of-range"])
    assert {f.example_id for f in report.findings} == shifted
    mended = {e.id: e for e in spoilt.examples}
    for finding in report.findings:
        mended[finding.example_id] = apply(mended[finding.example_id], finding.fix)
    again = [(a.start, a.text) for e in mended.values() for a in e.target.answers]
    right = [(a.start, a.text) for e in data.examples for a in e.target.answers]
    same = sum(x == y for x, y in zip(again, right, strict=True)) / len(right)
    assert same > 0.99, "where an answer stands twice close by, the nearest may be the other"
