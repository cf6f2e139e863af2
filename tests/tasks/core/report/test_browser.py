"""The report in a real browser: it asks nobody, logs no error, sorts, filters, and fits a phone, the dark and paper."""

from __future__ import annotations

import shutil

import pytest

from realmix.tasks.core.report.page import render_report
from tests.browser import count_pages, opened_page
from tests.tasks.core.report.documents import BOOSTED, EVIDENCE, LIKENESS, TREE, changed
from tests.tasks.core.report.test_page import DAY

PHONE, DESK = 390, 1280
MAX_PRINTED = 12
ROWS = '[...document.querySelectorAll("table.arms tbody tr")].filter((row) => !row.hidden)'


@pytest.fixture(scope="module")
def browser(tmp_path_factory, document):
    """The page of a study with everything in it, opened in Chromium."""
    if shutil.which("chromium") is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    folder = tmp_path_factory.mktemp("report")
    plain = document.arms[0].to_dict()
    arms = [
        plain | {"name": f"arm-{place}", "mix": f"arm-{place}", "score": 0.9 - place / 100, "gain": -place / 100,
                 "synthesizer": "smote" if place % 2 else "ctgan", "why": "a very-long-reason-without-a-single-blank-in-it"}
        for place in range(60)
    ]  # fmt: skip
    winner = document.winner.to_dict() | {"name": "arm-40"}
    whole = changed(
        document,
        arms=arms,
        winner=winner,
        model_evidence=EVIDENCE,
        likeness=LIKENESS,
        learners=[BOOSTED, TREE],
    )
    file = folder / "report.html"
    file.write_text(render_report(whole, made_on=DAY), encoding="utf-8")
    with opened_page(folder) as page:
        page.resize(DESK)
        page.open(file.as_uri())
        yield page


def shown(browser) -> list[str]:
    return browser.run(f'{ROWS}.map((row) => row.querySelector("code").textContent)')


def test_the_page_asks_nobody_and_logs_no_error(browser):
    assert browser.log == []
    assert [address for address in browser.requests if not address.startswith("file:")] == []


def test_what_ships_stays_on_top_while_arms_are_sorted_and_filtered(browser):
    assert shown(browser)[0] == "arm-40" and len(shown(browser)) == 11
    assert shown(browser)[1] == "arm-0"
    browser.run('document.querySelectorAll("table.arms thead button")[3].click()')
    assert shown(browser)[:2] == ["arm-40", "arm-59"], "the lowest score first"
    browser.run('document.querySelectorAll("table.arms thead button")[3].click()')
    assert shown(browser)[:2] == ["arm-40", "arm-0"]
    choose = 'const s = document.querySelector("#arm-tools select"); s.value = "smote"; s.dispatchEvent(new Event("input"))'
    browser.run(f"(() => {{ {choose} }})()")
    assert len(shown(browser)) == 31 and shown(browser)[0] == "arm-40"
    browser.run(f"(() => {{ {choose.replace('smote', '')} }})()")
    browser.run('document.querySelector("#arm-tools button").click()')
    assert len(shown(browser)) == 60
    browser.run('document.querySelector("#arm-tools button").click()')
    assert len(shown(browser)) == 11


def test_every_control_is_reached_by_the_keyboard_and_named(browser):
    unnamed = browser.run(
        '[...document.querySelectorAll("button, input, select, summary, [tabindex]")].filter((e) => !e.hidden && '
        '!(e.textContent.trim() || e.getAttribute("aria-label") || e.closest("label"))).length'
    )
    assert unnamed == 0
    assert browser.run('document.querySelectorAll("table.arms thead th[scope=col] button").length') > 6


@pytest.mark.parametrize("width", [PHONE, 768, DESK])
def test_no_width_scrolls_sideways(browser, width):
    browser.resize(width)
    assert browser.run("document.documentElement.scrollWidth") <= width
    browser.resize(DESK)


def test_the_dark_page_is_dark_with_its_figures(browser):
    paper = 'getComputedStyle(document.body).backgroundColor + getComputedStyle(document.querySelector("svg text")).fill'
    light = browser.run(paper)
    browser.prefer("dark")
    dark = browser.run(paper)
    browser.prefer("light")
    assert light.startswith("rgb(255, 255, 255)") and dark.startswith("rgb(13, 17, 23)")
    assert light.split(")")[1] != dark.split(")")[1], "text of figures is light there"


def test_printed_it_has_few_pages(browser):
    assert 1 <= count_pages(browser.printed()) <= MAX_PRINTED
