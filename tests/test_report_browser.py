"""The report in a real browser: hostile data stay text, nothing is asked for, filters and map answer."""

import pytest
from browser import browser
from hostile import MARK, PAYLOADS
from test_report import make_run

from finetooth.report import html, leaderboard
from finetooth.report.collect import collect

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


def text_of(page, selector):
    return page.js(f"document.querySelector({selector!r}).textContent")


def press(page, key, *, times=1):
    """A key in the map that has the focus, as a keyboard sends it."""
    page.js("document.getElementById('points').focus()")
    for _ in range(times):
        page.call("Input.dispatchKeyEvent", type="keyDown", key=key)
        page.call("Input.dispatchKeyEvent", type="keyUp", key=key)


def settle(page):
    page.js("new Promise(done => setTimeout(done, 300))")


def test_the_browser_runs_such_payloads_where_they_are_not_escaped(page, tmp_path):
    """The control: on a careless page they run, so that the next story can fail."""
    ran = 0
    for i, payload in enumerate(p for p in PAYLOADS[:40] if MARK in p):
        path = tmp_path / f"{i}.html"
        path.write_text(f"<!doctype html><title>safe</title><p title='x'>{payload}", "utf-8")
        page.open(path)
        ran += page.js("document.title") == MARK
    assert ran >= 10


def test_no_payload_runs_and_no_request_leaves(page, tmp_path):
    assert len(PAYLOADS) >= 100
    # The first of the texts is also a slice's name, a finding, a reason and a word of the command.
    texts = ["<b>" * (1 << 18), "../a/b.jsonl", *PAYLOADS]
    run = make_run(tmp_path / "run", texts=texts, n=2 * len(PAYLOADS))
    html.write(collect(run), run / "report.html")
    page.requests.clear()
    page.errors.clear()
    page.open(run / "report.html")
    # Everything that shows data: all rows of the table, the filters, the details, points of the map.
    page.js("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.js("document.getElementById('more').click()")
    page.js("document.querySelectorAll('#rows button').forEach(b => { b.click(); b.click(); })")
    shown = page.js("document.querySelectorAll('#rows tr').length")
    assert shown == 2 * len(PAYLOADS)
    page.js(
        "for (const [x, y] of [[50, 300], [400, 200], [900, 30]]) for (const name of ['pointermove', 'pointerdown', "
        "'pointerup']) { const c = document.getElementById('points'), b = c.getBoundingClientRect(); c.setPointerCapture "
        "= () => 0; c.dispatchEvent(new PointerEvent(name, {clientX: b.left + x, clientY: b.top + y, pointerId: 1})); }"
    )
    for word in ("<script>", "onerror", "\\\\", "="):
        page.js(
            f"(f => {{ f.value = {word!r}; f.dispatchEvent(new Event('input')); }})(document.getElementById('find'))"
        )
    settle(page)
    assert page.js("document.title") == "run · finetooth"
    assert (
        page.js("document.querySelectorAll('img, iframe, object, embed, base, link, form, video').length")
        == 0
    )
    assert page.js("document.scripts.length") == 2
    assert page.errors == []
    assert [url for url in page.requests if not url.startswith("file:")] == []
    board = tmp_path / "board.html"
    board.write_text(leaderboard.html(leaderboard.entries([run])), "utf-8")
    page.open(board)
    assert page.js("document.title") == "Leaderboard"


def test_a_script_that_is_not_the_pages_own_is_refused(page, tmp_path):
    """Were an escape ever forgotten, the policy still says no."""
    run = make_run(tmp_path / "run")
    text = html.render(collect(run))
    broken = tmp_path / "broken.html"
    broken.write_text(text.replace("<main>", f"<main><script>document.title='{MARK}'</script>", 1), "utf-8")
    page.open(broken)
    assert page.js("document.title") == "run · finetooth"
    assert page.js("document.querySelectorAll('#rows tr').length") == 20


def test_filters_count_and_the_map_shows_the_example_that_is_clicked(page, tmp_path):
    run = make_run(tmp_path / "run", texts=("one", "two", "three"), n=60)
    html.write(collect(run), run / "report.html")
    page.open(run / "report.html")
    assert text_of(page, "#count") == "60 of 60"
    page.js(
        "(f => { f.value = 'p7/'; f.dispatchEvent(new Event('input')); })(document.getElementById('find'))"
    )
    assert text_of(page, "#count") == "1 of 60"
    # The point of confidence 1/2 and variability 0.1, where the axes of the whole map put it.
    page.js(
        "(c => { const b = c.getBoundingClientRect(), x = b.left + 54 + (b.width - 66) * (0.1 + 0.002) / 0.105, "
        "y = b.top + 10 + (b.height - 52) * (1 - (0.5 + 0.03) / 1.06); c.setPointerCapture = () => 0; "
        "for (const name of ['pointerdown', 'pointerup']) c.dispatchEvent(new PointerEvent(name, "
        "{clientX: x, clientY: y, pointerId: 1})); })(document.getElementById('points'))"
    )
    assert "examplep30/" in text_of(page, "#one")
    press(page, "ArrowUp")
    assert "examplep31/" in text_of(page, "#one")
    press(page, "ArrowDown", times=2)
    assert "examplep29/" in text_of(page, "#one")
    # A row of the table opens where it stands, and closes again.
    rows = "document.querySelectorAll('#rows tr').length"
    page.js("document.querySelector('#rows button').click()")
    assert page.js(rows) == 2
    assert "examplep7/" in text_of(page, "#rows td.open")
    page.js("document.querySelector('#rows button').click()")
    assert page.js(rows) == 1
    assert page.errors == []


def test_dark_mode_and_paper_change_the_page(page, tmp_path):
    run = make_run(tmp_path / "run")
    html.write(collect(run), run / "report.html")
    page.open(run / "report.html")
    ground = "getComputedStyle(document.body).backgroundColor"
    page.shot(tmp_path / "light.png")
    light = page.js(ground)
    page.shot(tmp_path / "dark.png", dark=True)
    assert page.js(ground) != light
    page.shot(tmp_path / "paper.png", media="print")
    assert page.js("getComputedStyle(document.querySelector('nav')).display") == "none"
    page.call("Emulation.setEmulatedMedia", media="", features=[])


def test_paper_is_light_and_nothing_is_folded_away_on_it(page, tmp_path):
    run = make_run(tmp_path / "run")
    html.write(collect(run), run / "report.html")
    page.open(run / "report.html")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.js(ground)
    page.shot(tmp_path / "dark.png", dark=True)
    dark = page.js(ground)
    page.js("dispatchEvent(new Event('beforeprint'))")
    assert dark != light == page.js(ground)
    assert page.js("document.querySelectorAll('details:not([open])').length") == 0
    page.js("dispatchEvent(new Event('afterprint'))")
    assert page.js(ground) == dark
    page.call("Emulation.setEmulatedMedia", media="", features=[])


def test_a_telephone_scrolls_tables_and_not_the_page(page, tmp_path):
    run = make_run(tmp_path / "run", texts=("x" * 3000, "a word " * 200))
    html.write(collect(run), run / "report.html")
    page.open(run / "report.html")
    page.shot(tmp_path / "narrow.png", width=390, height=800)
    assert page.js("document.documentElement.scrollWidth") <= 390
    page.call("Emulation.clearDeviceMetricsOverride")
    page.call("Emulation.setEmulatedMedia", media="", features=[])
