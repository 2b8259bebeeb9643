"""
# Notebooks as percent scripts

How files with lines `# %%` are split, and that nothing of them is lost.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidelit.source import Document, Section, check_lossless, parse


def sections(*lines: str) -> list[Section]:
    return [section for section in document(*lines).sections if section.doc_lines or section.code_lines]


def document(*lines: str) -> Document:
    return parse("\n".join(lines), "n.py", "n")


def shape(*lines: str) -> list[tuple[str, list[int]]]:
    """What is shown: the prose of each section, and the lines of its code."""
    return [(s.docs, [n for a, b in s.code_lines for n in range(a, b + 1)]) for s in sections(*lines)]


def test_a_cell_of_markdown_is_prose_across_blank_lines() -> None:
    assert shape("# %% [markdown]", "# # Title", "#", "# One.", "", "# Two.") == [("# Title\n\nOne.\n\nTwo.", [])]


def test_in_a_cell_of_markdown_everything_is_prose() -> None:
    lines = ["# %% [md]", "# ```", "# x = compute(5)", "# ```", "# noqa: not for a tool", "# %matplotlib is a magic"]
    assert shape(*lines) == [("```\nx = compute(5)\n```\nnoqa: not for a tool\n%matplotlib is a magic", [])]


def test_markdown_explains_the_code_of_the_next_cell() -> None:
    assert shape("# %% [markdown]", "# Why.", "", "# %%", "x = 1") == [("Why.", [5])]
    assert shape("# %% [markdown]", "# Why.", "", '# %% tags=["a"]', "x = 1") == [("Why.", [5])]


def test_a_cell_with_a_title_or_below_code_begins_a_section() -> None:
    assert shape("# %% [markdown]", "# Why.", "# %% How", "x = 1") == [("Why.", []), ("## How", [4])]
    assert shape("# %%", "x = 1", "# %%", "y = 1") == [("", [2]), ("", [4])]


def test_comments_in_a_cell_of_code_are_split_as_ever() -> None:
    assert shape("# %% [markdown]", "# Why.", "# %%", "# First.", "x = 1", "# Second.", "y = 1") == [
        ("Why.", []),
        ("First.", [5]),
        ("Second.", [7]),
    ]
    assert shape("# %%", "", "# First.", "x = 1") == [("First.", [4])]
    assert shape("# %%", "# x = 1") == [("", [2])]


def test_empty_cells_leave_no_section() -> None:
    assert shape("# %%", "", "# %%", "# %% [markdown]", "# Text.", "# %%", "", "# %%", "x = 1") == [("Text.", [9])]


def test_a_definition_that_opens_a_cell() -> None:
    found = sections("# %%", "", "def f():", '    """Doc."""', "    return 1")
    assert [(s.anchor, s.kind, s.docs, s.code_lines) for s in found] == [
        ("f", "function", "Doc.", ((3, 3),)),
        ("f-2", "body", "", ((5, 5),)),
    ]


@pytest.mark.parametrize(
    ("mark", "title"),
    [
        ("# %% A title", "## A title"),
        ("#%% A title", "## A title"),
        ("# %%% Deeper", "### Deeper"),
        ("# %%%%%%%% Deepest", "###### Deepest"),
        ("# %% A title [markdown]", "## A title"),
        ('# %% A title [markdown] slideshow={"slide_type": "slide"}', "## A title"),
        ('# %% A title {"key": "value"}', "## A title"),
        ('# %% A title tags=["hide"]', "## A title"),
        ("# %% Where $x = 1$ holds", "## Where $x = 1$ holds"),
        ("# %% [raw]", ""),
        ("# %% ------------", ""),
        ("# %%[markdown]", ""),
    ],
)
def test_marks_and_their_titles(mark: str, title: str) -> None:
    assert shape(mark, "x = 1") == [(title, [2])]


@pytest.mark.parametrize(
    "line", ["# %%time", "# 100 %% sure", "# % % no", "x = 1  # %% behind code", 's = """\n# %%\n"""']
)
def test_what_is_no_mark(line: str) -> None:
    assert not any("##" in section.docs for section in sections(line, "# Text.", "", "# More."))
    assert len(sections(line, "# Text.", "", "# More.")) >= 2


def test_marks_count_in_the_first_column_only() -> None:
    assert shape("def f():", "    # %% A remark", "    x = 1") == [("", [1]), ("%% A remark", [3])]


def test_commands_of_ipython_are_code_in_a_notebook_only() -> None:
    assert shape("# %%", "# %matplotlib inline", "# !pip list", "x = 1") == [("", [2, 3, 4])]
    assert shape("# %matplotlib inline", "x = 1") == [("%matplotlib inline", [2])]


@pytest.mark.parametrize("quotes", ['"""', "'''", 'r"""'])
def test_a_string_in_a_cell_of_markdown_is_prose(quotes: str) -> None:
    end = quotes.lstrip("r")
    found = shape("x = 1", "# %% [markdown]", f"{quotes}Some", r"$\beta$", end, "", "# %%", "y = 1", f"{quotes}No{end}")
    assert found == [("", [1]), ("Some\n$\\beta$", [8, 9])]


def test_a_string_that_opens_the_file_is_its_docstring() -> None:
    lines = ["# %% [markdown]", '"""', "---", "title: Mine", "---", "# Text", '"""', "# %%", "x = 1"]
    made = document(*lines)
    assert (made.title, made.sections[0].docs, made.sections[0].code_lines) == ("Mine", "# Text", ((9, 9),))


HEADER = ["# ---", "# jupyter:", "#   kernelspec:", "#     name: python3", "# title: The book", "# ---", ""]


def test_the_yaml_of_jupytext_is_front_matter() -> None:
    made = document(*HEADER, "# %% [markdown]", "# # Heading", "#", "# Text.")
    assert (made.title, made.summary, dict(made.front_matter)) == ("The book", "Text.", {"title": "The book"})
    assert [(s.number, s.docs) for s in made.sections] == [(0, "# Heading\n\nText.")]
    assert document("#!/usr/bin/env python", *HEADER, "# %%", "x = 1").title == "The book"


def test_yaml_that_is_wrong_is_told_with_its_place() -> None:
    (diagnostic,) = document("# ---", "# a: 1", "#  b: 2", "# ---", "# %%", "x = 1").diagnostics
    assert (diagnostic.rule, diagnostic.line, diagnostic.column) == ("front-matter", 3, 5)


def test_rulers_elsewhere_are_no_header() -> None:
    assert document("# %%", "# ---", "# a", "# ---", "x = 1").sections[-1].docs == "---\na\n---"
    assert document("# ---", "# title: No notebook", "# ---", "x = 1").title == "n"
    assert document("# ---", "", "# ---", "# %%", "x = 1").title == "n"


def test_origins_of_titles_and_text() -> None:
    (title, text) = sections("# %% On $x$", "y = 1", "# %% [markdown]", "# So $z$.")
    for section, line, column in ((title, 1, 9), (text, 4, 6)):
        at, row = next((i, row) for i, row in enumerate(section.docs.split("\n")) if "$" in row)
        assert section.origins[at][0] == line
        assert section.origins[at][1] + row.index("$") == column


LINES = st.sampled_from(
    [
        "# %%", "#%%", "# %% [markdown]", "# %% A title", "# %% [md] {}", "# %%% x", "# ---", "# title: x", "# text",
        "#", "# x = f(1)", "# noqa", "# %time", "", "", "x = 1", '"""', "'''", "'text'", "def f():", "    # inner",
        "    pass",
        "@dec", "class A:", '    """Doc."""', "(", ")", "#!/usr/bin/python", "é = 2 # %%", "\f", '    # %% [markdown]',
    ]
)  # fmt: skip


@given(st.lists(LINES, max_size=25))
def test_no_line_is_lost(lines: list[str]) -> None:
    made = document(*lines)
    check_lossless(made.sections, made.lines)
    for section in made.sections:
        assert len(section.origins) == (section.docs.count("\n") + 1 if section.docs else 0)
        # What is shown as prose stands in the file, but for the marks of headings.
        for text, (line, _) in zip(section.docs.split("\n"), section.origins, strict=False):
            assert re.sub(r"^#+ ", "", text).strip() in made.lines[line - 1]


@given(st.lists(LINES, max_size=15))
def test_marks_are_never_shown(lines: list[str]) -> None:
    made = document("# %% [markdown]", "# text", *lines)
    for line, _ in enumerate(made.lines, start=1):
        if re.match(r"# ?%%+(\s|$)", made.lines[line - 1]) and '"""' not in lines and "'''" not in lines:
            inside = [section for section in made.sections for a, b in section.code_lines if a <= line <= b]
            assert not inside or made.diagnostics
