"""The teacher is asked once, paid once, and believed only after its answer was checked."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from teacher_server import Server, serving

from finetooth.errors import DataError, UsageError
from finetooth.teach.client import Ask, Teacher
from finetooth.teach.journal import Journal

SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "integer", "minimum": 0, "maximum": 1}},
    "required": ["label"],
}


def asks(n, schema=SCHEMA):
    return [Ask(f"p{i}", [{"role": "user", "content": f"question {i}"}], schema) for i in range(n)]


def right(body):
    return '{"word": "blue"}' if "blue" in body["messages"][0]["content"] else '{"label": 1}'


def teacher(tmp_path, url, **settings):
    return Teacher("m", Journal(tmp_path / "journal.sqlite"), base_url=url, **settings)


def test_a_second_run_asks_nothing(tmp_path):
    server = Server(right)
    with serving(server) as url:
        first = teacher(tmp_path, url).ask_all(asks(20))
        n = sum(server.seen.values())
        again = teacher(tmp_path, url)
        second = again.ask_all(asks(20))
    assert [r.value for r in first] == [{"label": 1}] * 20
    assert [r.value for r in second] == [r.value for r in first]
    assert sum(server.seen.values()) == n == 21  # 20 and the probe
    assert (again.spent.asked, again.spent.cached) == (0, 20)


@pytest.mark.parametrize(
    ("supports", "form"),
    [
        (("json_schema", "tool", "json_object"), "json_schema"),
        (("tool", "json_object"), "tool"),
        (("json_object",), "json_object"),
        ((), "prompt"),
    ],
)
def test_the_form_is_what_the_server_can_do_probed_once(tmp_path, supports, form):
    server = Server(right, supports=supports)
    with serving(server) as url:
        one = teacher(tmp_path, url)
        assert all(r.failure is None for r in one.ask_all(asks(3)))
        assert one.form == form
        n = sum(server.seen.values())
        teacher(tmp_path, url).ask_all(asks(4))
    assert sum(server.seen.values()) == n + 1


def test_a_promise_of_the_server_is_checked(tmp_path):
    def wrong(body):
        return right(body) if "blue" in str(body) else '{"label": 7}'

    with serving(Server(wrong)) as url:
        replies = teacher(tmp_path, url).ask_all(asks(2))
    assert all(r.value is None and "does not fit the schema" in r.failure for r in replies)


def test_busy_servers_are_waited_for_and_never_crowded(tmp_path):
    server = Server(right, busy=2, delay=0.02)
    with serving(server) as url:
        replies = teacher(tmp_path, url).ask_all(asks(12), concurrency=3)
    assert all(r.failure is None for r in replies)
    assert server.most_together <= 3
    assert set(server.answered.values()) == {1}


def test_the_budget_is_never_passed(tmp_path):
    with serving(Server(right)) as url:
        one = teacher(tmp_path, url, price_in=1000.0, price_out=1000.0, form="prompt", max_tokens=20)
        replies = one.ask_all(asks(50), budget=2.0)
    assert 0 < one.spent.cost <= 2.0
    assert {r.failure for r in replies} == {None, "budget"}


def test_an_answer_that_tells_no_tokens_costs_its_worst_case(tmp_path):
    server = Server(right, usage=False)
    with serving(server) as url:
        one = teacher(tmp_path, url, price_out=1_000_000.0, form="prompt", max_tokens=20)
        replies = one.ask_all(asks(10), budget=45.0, concurrency=1)
        again = teacher(tmp_path, url, price_out=1_000_000.0, form="prompt", max_tokens=20)
        again.ask_all(asks(2), budget=0.0)
    assert [r.failure for r in replies] == [None, None, *["budget"] * 8]
    assert sum(server.seen.values()) == 2
    assert (one.spent.cost, one.spent.uncounted, one.spent.assumed) == (40.0, 2, 40.0)
    assert (again.spent.cached, again.spent.cost, again.spent.uncounted) == (2, 0.0, 0)


class Hangs(Server):
    """Drops the line of each request the first time, after it was read."""

    def handle(self, body):
        with self.lock:
            self.seen[json.dumps(body, sort_keys=True)] += 1
            if self.seen[json.dumps(body, sort_keys=True)] == 1:
                raise ConnectionAbortedError
            self.seen[json.dumps(body, sort_keys=True)] -= 1
        return super().handle(body)


@pytest.mark.parametrize(("budget", "failure", "cost"), [(39.0, "budget", 20.0), (40.0, None, 25.0)])
def test_a_request_that_was_never_heard_of_again_may_have_cost(tmp_path, monkeypatch, budget, failure, cost):
    monkeypatch.setattr("finetooth.teach.client.pause", lambda *a: 0.0)
    with serving(Hangs(right)) as url:
        one = teacher(tmp_path, url, price_out=1_000_000.0, form="prompt", max_tokens=20)
        (reply,) = one.ask_all(asks(1), budget=budget)
    assert (reply.failure, one.spent.cost, one.spent.assumed) == (failure, cost, 20.0)


def test_a_server_that_was_never_there_cost_nothing(tmp_path):
    one = teacher(tmp_path, "http://127.0.0.1:9/v1", retries=0, price_out=1_000_000.0)
    with pytest.raises(UsageError, match="cannot be reached"):
        one.ask_all(asks(1))
    assert one.spent.cost == 0.0


def test_the_probe_is_paid_as_well(tmp_path):
    with serving(Server(right)) as url:
        one = teacher(tmp_path, url, price_out=1_000_000.0, max_tokens=20)
        one.ask_all(asks(2))
        none = teacher(tmp_path / "other", url, price_out=1_000_000.0, max_tokens=20)
        assert {r.failure for r in none.ask_all(asks(2), budget=19.0)} == {"budget"}
    assert one.spent.cost == 15.0
    assert none.spent.cost == 0.0


def test_what_stands_twice_is_asked_once_though_all_are_asked_together(tmp_path):
    server = Server(right, delay=0.01)
    told = []
    with serving(server) as url:
        one = teacher(tmp_path, url, form="prompt", price_out=1_000_000.0)
        twice = [a for a in asks(4) for _ in range(2)]
        named = [Ask(f"n{i}", a.messages, a.schema) for i, a in enumerate(twice)]
        replies = one.ask_all(named, concurrency=8, progress=lambda *n: told.append(n))
    assert set(server.seen.values()) == {1}
    assert [r.id for r in replies] == [f"n{i}" for i in range(8)]
    assert all(r.value == {"label": 1} for r in replies)
    assert [r.key for r in replies[::2]] == [r.key for r in replies[1::2]]
    assert (one.spent.asked, one.spent.cached, one.spent.cost) == (4, 4, 20.0)
    assert told[-1] == (8, 8)


def test_a_refusal_of_what_stands_twice_is_told_of_both(tmp_path):
    server = Server(right, supports=("json_schema",))
    with serving(server) as url:
        replies = teacher(tmp_path, url, form="tool").ask_all(asks(1) * 2)
    assert ["refused" in r.failure for r in replies] == [True, True]
    assert set(server.seen.values()) == {1}


class Page(Server):
    """Answers so many questions as a teacher does, and then with a page."""

    def __init__(self, page, kind, after):
        super().__init__(right)
        self.page, self.kind, self.after = page, kind, after

    def handle(self, body):
        said = super().handle(body)
        return (
            said if sum(self.seen.values()) <= self.after else (200, {"content-type": self.kind}, self.page)
        )


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (b"<html>please log in</html>", "text/html"),
        (b"<html>please log in</html>", "application/json"),
        (b'["please log in"]', "application/json"),
        (b'"please log in"', "application/json"),
        (b"", "text/plain"),
    ],
)
def test_a_page_instead_of_a_teacher_is_one_error_and_the_journal_keeps_what_came_before(
    tmp_path, page, kind
):
    server = Page(page, kind, after=2)
    with serving(server) as url, pytest.raises(UsageError, match=r"please log in|found ''") as told:
        teacher(tmp_path, url, form="prompt").ask_all(asks(5), concurrency=1)
    assert "--base-url" in str(told.value.cure)
    assert Journal(tmp_path / "journal.sqlite").totals()["answers"] == 2


def test_answers_under_way_when_one_stops_the_run_are_kept(tmp_path):
    class Mixed(Page):
        def handle(self, body):
            if "question 0" in str(body):
                return 200, {"content-type": self.kind}, self.page
            return super().handle(body)

    server = Mixed(b"<html>please log in</html>", "text/html", after=99)
    server.delay = 0.03  # so that the page is there first; nothing fails where it is not
    with serving(server) as url, pytest.raises(UsageError, match="please log in"):
        teacher(tmp_path, url, form="prompt").ask_all(asks(50), concurrency=3)
    totals = Journal(tmp_path / "journal.sqlite").totals()
    assert totals["answers"] == sum(server.answered.values()) < 49
    assert totals["in_flight"] == 1


@pytest.mark.parametrize(
    "document",
    [
        {"error": {"message": "overloaded"}},
        {"choices": []},
        {"choices": "none"},
        {"choices": [{"message": None}], "usage": {}},
        {"choices": [{"message": {"content": None, "tool_calls": [{}]}}]},
    ],
)
def test_an_object_that_is_no_answer_fails_by_name(tmp_path, document):
    with serving(Page(document, "application/json", after=0)) as url:
        (reply,) = teacher(tmp_path, url, form="prompt").ask_all(asks(1))
    assert reply.failure == "an answer without choices"


def test_the_key_comes_from_the_environment_and_is_written_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("FINETOOTH_TEACHER_KEY", "secret-123")
    server = Server(right)
    with serving(server) as url:
        teacher(tmp_path, url).ask_all(asks(2))
    assert all(h.get("authorization") == "Bearer secret-123" for h in server.headers)
    assert not any(b"secret-123" in p.read_bytes() for p in tmp_path.iterdir())


def test_no_key_for_a_far_server_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv("FINETOOTH_TEACHER_KEY", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match="FINETOOTH_TEACHER_KEY"):
        Teacher("m", Journal(tmp_path / "j"), base_url="https://example.invalid/v1").ask_all(asks(1))


def test_a_server_that_is_not_there_is_one_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be reached"):
        teacher(tmp_path, "http://127.0.0.1:9/v1", retries=0).ask_all(asks(1))


def test_a_file_that_is_no_journal(tmp_path):
    (tmp_path / "j").write_text("these are words, " * 100)
    with pytest.raises(DataError, match="not a journal"):
        Journal(tmp_path / "j")


def test_kills_lose_nothing_and_ask_nothing_twice(tmp_path):
    """What was answered and journalled is never asked again; only requests in flight at a kill can be."""
    server = Server(right, delay=0.03)
    with serving(server) as url:
        code = (
            "import sys; sys.path.insert(0, sys.argv[3]); from test_teach_client import asks, Teacher, Journal; "
            "Teacher('m', Journal(sys.argv[1]), base_url=sys.argv[2]).ask_all(asks(60), concurrency=2)"
        )
        command = [sys.executable, "-c", code, str(tmp_path / "j"), url, str(Path(__file__).parent)]
        kept = 0
        for _ in range(3):
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            target = sum(server.answered.values()) + 9
            while sum(server.answered.values()) < target and process.poll() is None:
                time.sleep(0.005)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            journal = Journal(tmp_path / "j")
            assert journal.totals()["answers"] >= kept
            kept = journal.totals()["answers"]
        assert subprocess.run(command).returncode == 0
    totals = Journal(tmp_path / "j").totals()
    assert totals["answers"] == 61
    assert totals["in_flight"] == 0
    # Two at a time, three kills: at most six were in flight.
    assert sum(server.seen.values()) - 61 <= totals["sent_again"] <= 6
    assert json.dumps(totals)
