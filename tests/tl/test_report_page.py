"""The page of a report as HTML."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from scclamp.tl._report_page import Section, facts, folded, long_table, page, picture, say, table, written


class Strict(HTMLParser):
    """Every tag that opens is closed, in order."""

    VOID = ("meta", "link", "img")

    def __init__(self):
        super().__init__()
        self.open = []
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parse(text):
    parser = Strict()
    parser.feed(text)
    assert parser.open == []
    return parser.seen


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.123"),
        (12345.6, "12,346"),
        (1234567, "1,234,567"),
        (np.int64(7), "7"),
        (np.float32(0.5), "0.5"),
        (0.0, "0"),
        (-2.5e-9, "-2.5e-09"),
        (float("nan"), "–"),
        (float("inf"), "inf"),
        (True, "yes"),
        (np.bool_(False), "no"),
        ("A+B", "A+B"),
    ],
)
def test_values_are_written_as_people_do(value, text):
    assert written(value) == text


def test_a_page_is_well_formed_and_every_link_leads_to_a_section():
    sections = [Section("One & two", say("a < b")), Section("Three", facts({"x": 1}) + folded("more", "<pre>"))]
    seen = parse(page("A <title>", "sub & title", sections))
    links = [attrs["href"] for tag, attrs in seen if tag == "a"]
    assert links == ["#" + attrs["id"] for tag, attrs in seen if tag == "section"]
    assert len(links) == len(set(links)) == 2


def test_names_of_the_user_cannot_become_markup():
    hostile = '<script>alert("x")</script>'
    frame = pd.DataFrame({hostile: [hostile], "n": [1.5]})
    text = page(
        hostile, hostile, [Section(hostile, table(frame) + facts({hostile: hostile}) + folded(hostile, hostile))]
    )
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 8


def test_numbers_stand_right_and_words_left():
    frame = pd.DataFrame({"gene": pd.array(["A"], "string"), "kind": pd.Categorical(["x"]), "n": [3], "r": [0.5]})
    seen = parse(table(frame))
    kinds = [attrs.get("class") for tag, attrs in seen if tag == "th"]
    assert kinds == ["words", "words", None, None]


def test_a_picture_is_inside_described_and_its_figure_is_closed():
    fig, ax = plt.subplots()
    ax.plot([0, 1])
    text = picture(fig, 'what it "shows"')
    (tag, attrs) = parse(text)[1]
    assert (tag, attrs["alt"]) == ("img", 'what it "shows"')
    assert re.fullmatch(r"data:image/png;base64,[A-Za-z0-9+/=]+", attrs["src"])
    assert not plt.fignum_exists(fig.number)


def test_a_long_table_folds_what_is_beyond_its_first_rows():
    rows = pd.DataFrame({"name": list("abcde"), "n": range(5)})
    assert long_table(rows, 5) == table(rows)
    shown = long_table(rows, 3)
    parse(shown)
    first, rest = shown.split("<details>")
    assert [re.findall(r'class="words">(\w)<', part) for part in (first, rest)] == [list("abc"), list("de")]
    assert "The other 2 rows" in rest
