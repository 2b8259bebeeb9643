"""
# Reading a source

Section 3 of the design rule by rule, then what must hold for every file there is. What holds for every file is checked
by oracles of this file's own, over the standard library and over generated sources.
"""

from __future__ import annotations

import ast
import encodings.aliases
import io
import re
import subprocess
import sys
import token as tokens
import tokenize
import warnings
from bisect import bisect_left
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stdlib import SHARDS, STDLIB, stdlib_files

from sidelit.diagnostic import Diagnostic
from sidelit.source import Document, Section, decode, is_commented_out_code, parse, split_lines

RESERVED = re.compile(r"container|background|section-\d+|L\d+")


def read(*lines: str, module: str = "pkg.file") -> Document:
    """Parse the lines given, and hold the document to all that must be true of any."""
    text = "".join(f"{line}\n" for line in lines)
    document = parse(text, "file.py", module)
    assert_sound(document, text)
    return document


def numbered(ranges: tuple[tuple[int, int], ...]) -> list[int]:
    return [line for first, last in ranges for line in range(first, last + 1)]


def shape(*lines: str) -> list[tuple[str, str, list[str]]]:
    """Kind, prose and code of each section that `read` makes of the lines, without a section 0 that is empty."""
    document = read(*lines)
    shapes = [
        (section.kind, section.docs, [document.lines[line - 1] for line in numbered(section.code_lines)])
        for section in document.sections
    ]
    assert shapes[0][0] == "module"
    return shapes[1:] if shapes[0] == ("module", "", []) else shapes


# ## What must hold for any document


def own_lines(text: str) -> list[str]:
    r"""Lines that end at `\n`, `\r\n` and `\r` only, found without the help of the module that is tested."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if not lines[-1] else lines


def assert_sound(document: Document, text: str) -> None:
    """The model's promises: nothing lost, nothing twice, everything in order, every line of prose at its origin."""
    lines = own_lines(text)
    assert list(document.lines) == lines
    sections = document.sections
    assert [section.number for section in sections] == list(range(len(sections)))
    assert sections[0].kind == "module"
    assert all(section.kind in ("class", "function", "comment", "body") for section in sections[1:])

    seen: Counter[int] = Counter()
    for section in sections:
        assert_ranges(section, lines)
        seen.update(numbered(section.doc_lines))
        seen.update(numbered(section.code_lines))
    assert all(count == 1 for count in seen.values()), f"in two sections: {[n for n, c in seen.items() if c > 1]}"
    lost = [number for number, line in enumerate(lines, start=1) if line.strip() and not seen[number]]
    assert not lost, f"in no section: {lost}"

    # A section is a stretch of the file: it is over before the next one begins.
    stretches = [(min(used), max(used)) for section in sections if (used := lines_of(section))]
    assert all(first[1] < second[0] for first, second in zip(stretches, stretches[1:], strict=False))
    assert all(lines_of(section) for section in sections[1:])

    anchors = [section.anchor for section in sections]
    assert len(set(anchors)) == len(anchors)
    assert not [anchor for anchor in anchors if RESERVED.fullmatch(anchor)]

    for section in sections:
        assert_origins(section, lines)


def lines_of(section: Section) -> list[int]:
    return numbered(section.doc_lines) + numbered(section.code_lines)


def assert_ranges(section: Section, lines: list[str]) -> None:
    for ranges in (section.doc_lines, section.code_lines):
        assert all(1 <= first <= last <= len(lines) for first, last in ranges)
        assert all(before[1] < after[0] for before, after in zip(ranges, ranges[1:], strict=False))
        assert all(lines[end - 1].strip() for ends in ranges for end in ends)


def assert_origins(section: Section, lines: list[str]) -> None:
    docs = section.docs.split("\n") if section.origins else []
    assert len(docs) == len(section.origins)
    assert bool(section.docs) <= bool(section.origins)
    if docs:
        assert docs[0].strip() and docs[-1].strip()
    prose = set(numbered(section.doc_lines))
    for text, (line, column) in zip(docs, section.origins, strict=True):
        assert line in prose
        assert column >= 1
        assert lines[line - 1][column - 1 :].startswith(text), (text, line, column)


# ## An empty file, and where section 0 ends


@pytest.mark.parametrize("text", ["", "\n", "\n\n\r\n\r", " \t\n", "\f\n"])
def test_model_a_file_without_content_has_one_empty_section(text: str) -> None:
    document = parse(text, "file.py", "pkg.empty")
    assert document.sections == (Section(0, "module", "module", "", "", (), ()),)
    assert (document.title, document.summary, document.diagnostics) == ("pkg.empty", "", ())
    assert_sound(document, text)


def test_model_lines_keep_their_numbers_and_ranges() -> None:
    document = read('"""Doc."""', "", "import os", "", "# Why.", "x = 1", "", "", "y = 2", "")
    zero, one = document.sections
    assert (zero.doc_lines, zero.code_lines) == (((1, 1),), ((3, 3),))
    assert (one.number, one.doc_lines, one.code_lines) == (1, ((5, 5),), ((6, 9),))
    assert (zero.docstring, one.docstring) == (True, False)


def test_model_prose_and_code_that_alternate_are_several_ranges() -> None:
    document = read("# Above.", "@cached", "# Between.", "def f(a,", "      b):", "", '    """Doc.', '    """')
    (_, section) = document.sections
    assert section.doc_lines == ((1, 1), (3, 3), (7, 8))
    assert section.code_lines == ((2, 2), (4, 5))
    assert section.docs == "Above.\n\nBetween.\n\nDoc."
    assert (section.kind, section.qualname, section.docstring) == ("function", "f", True)


# ## Rule 1: the module docstring


def test_rule_1_module_docstring_opens_section_0_with_the_code_up_to_the_next() -> None:
    assert shape('"""Doc."""', "import os", "", "x = 1", "# Next.", "y = 2") == [
        ("module", "Doc.", ["import os", "", "x = 1"]),
        ("comment", "Next.", ["y = 2"]),
    ]


def test_rule_1_without_a_docstring_section_0_has_no_docs() -> None:
    assert shape("import os", "# Next.", "y = 2") == [("module", "", ["import os"]), ("comment", "Next.", ["y = 2"])]


def test_rule_1_comments_above_the_docstring_join_it() -> None:
    document = read("#!/usr/bin/env python3", "# Licence.", "#", "# Terms.", "", '"""Doc."""', "import os")
    (section,) = document.sections
    assert section.docs == "Licence.\n\nTerms.\n\nDoc."
    assert section.code_lines == ((1, 1), (7, 7))
    assert section.docstring


def test_rule_1_a_string_further_down_is_no_docstring() -> None:
    assert shape("import os", '"""Not a docstring."""') == [("module", "", ["import os", '"""Not a docstring."""'])]


def test_rule_1_a_second_string_is_code() -> None:
    assert shape('"""Doc."""', '"""More."""') == [("module", "Doc.", ['"""More."""'])]


# ## Rule 2: a run of comments opens a section


def test_rule_2_a_run_of_comments_owns_the_code_that_follows() -> None:
    assert shape("# One", "# two.", "x = 1", "y = 2", "# Three.", "z = 3") == [
        ("comment", "One\ntwo.", ["x = 1", "y = 2"]),
        ("comment", "Three.", ["z = 3"]),
    ]


def test_rule_2_a_bare_hash_inside_is_a_paragraph_break() -> None:
    assert shape("# One.", "#", "# Two.", "x = 1") == [("comment", "One.\n\nTwo.", ["x = 1"])]


def test_rule_2_a_run_may_change_its_indentation() -> None:
    assert shape("if x:", "    y = 1", "    # One", "# two.", "z = 1")[1:] == [("comment", "One\ntwo.", ["z = 1"])]


@pytest.mark.parametrize(
    "line", ['"# no comment"', "s = '# no'", "x = 1  # trailing", 's = """', "f(a,  # why", "d = {'#': 1}"]
)
def test_rule_2_only_a_comment_token_alone_on_its_line_is_one(line: str) -> None:
    below = {'s = """': ["# in the string", '"""'], "f(a,  # why": ["  b)"]}.get(line, [])
    assert shape("import os", line, *below) == [("module", "", ["import os", line, *below])]


def test_rule_2_a_hash_in_the_braces_of_an_f_string_is_code() -> None:
    code = ['s = f"""{', "# in the braces", 'a}"""']
    document = parse("\n".join(["# Why.", *code]), "file.py")
    assert document.sections[-1].docs == "Why."
    assert document.sections[-1].code_lines == ((2, 4),)


# ## Rule 3: a blank line closes the run


def test_rule_3_a_comment_after_a_blank_line_leaves_the_first_alone() -> None:
    assert shape("# One.", "", "# Two.", "x = 1") == [("comment", "One.", []), ("comment", "Two.", ["x = 1"])]


@pytest.mark.parametrize("header", ["def f():", "class A:", "async def f():", "@d"])
def test_rule_3_a_def_after_a_blank_line_leaves_it_alone(header: str) -> None:
    below = ["def f():"] if header == "@d" else []
    assert shape("# One.", "", header, *below, "    pass") == [
        ("comment", "One.", []),
        ("class" if header == "class A:" else "function", "", [header, *below, "    pass"]),
    ]


def test_rule_3_code_after_a_blank_line_is_still_the_comments() -> None:
    assert shape("# One.", "", "", "x = 1") == [("comment", "One.", ["x = 1"])]


def test_rule_3_white_space_makes_no_line_less_blank() -> None:
    assert shape("# One.", " \t\f", "# Two.", "x = 1") == [("comment", "One.", []), ("comment", "Two.", ["x = 1"])]


# ## Rule 4: a comment directly above a definition


@pytest.mark.parametrize("decorators", [[], ["@d"], ["@d", "@e(1,", "   2)"]], ids=["bare", "one", "two"])
def test_rule_4_a_comment_directly_above_joins_the_docstring(decorators: list[str]) -> None:
    assert shape("# Above.", *decorators, "class A:", '    """Doc."""') == [
        ("class", "Above.\n\nDoc.", [*decorators, "class A:"])
    ]


def test_rule_4_a_comment_directly_above_joins_an_undocumented_def() -> None:
    assert shape("# Above.", "def f():", "    return 1") == [("function", "Above.", ["def f():", "    return 1"])]


def test_rule_4_comments_between_decorator_and_def_join() -> None:
    assert shape("@d", "# Between.", "", "# More.", "def f():", "    return 1") == [
        ("function", "Between.\n\nMore.", ["@d", "def f():", "    return 1"])
    ]


def test_rule_4_comments_between_signature_and_docstring_join() -> None:
    assert shape("def f():", "    # Below.", "", '    "Doc."', "    return 1") == [
        ("function", "Below.\n\nDoc.", ["def f():"]),
        ("body", "", ["    return 1"]),
    ]


def test_rule_4_a_comment_with_code_between_does_not_join() -> None:
    assert shape("# Not this one.", "x = 1", "def f():", '    "Doc."') == [
        ("comment", "Not this one.", ["x = 1"]),
        ("function", "Doc.", ["def f():"]),
    ]


# ## Rule 5: every definition starts a section


def test_rule_5_each_definition_starts_a_section_nested_or_not() -> None:
    source = ["class A:", "    def f(self):", "        async def g():", "            class B: pass", "        return g"]
    document = read(*source)
    assert [(section.kind, section.qualname) for section in document.sections[1:]] == [
        ("class", "A"),
        ("function", "A.f"),
        ("function", "A.f.g"),
        ("class", "A.f.g.B"),
    ]
    assert document.sections[-1].code_lines == ((4, 5),)


def test_rule_5_a_section_starts_at_the_first_decorator() -> None:
    assert shape("x = 1", "@d", "", "@e(", "  2)", "def f(): pass") == [
        ("module", "", ["x = 1"]),
        ("function", "", ["@d", "", "@e(", "  2)", "def f(): pass"]),
    ]


def test_rule_5_an_undocumented_def_has_empty_docs_even_under_a_comments_section() -> None:
    assert shape("# Prose.", "x = 1", "def f():", "    pass") == [
        ("comment", "Prose.", ["x = 1"]),
        ("function", "", ["def f():", "    pass"]),
    ]


def test_rule_5_definitions_inside_other_statements_count() -> None:
    assert shape("if x:", "    def f(): pass", "else:", "    def f(): pass") == [
        ("module", "", ["if x:"]),
        ("function", "", ["    def f(): pass", "else:"]),
        ("function", "", ["    def f(): pass"]),
    ]


@pytest.mark.parametrize("line", ["classes = 1", "define = 2", "x = [d for d in y]", "print('def f(): pass')", "a @ b"])
def test_rule_5_only_definitions_count(line: str) -> None:
    assert shape(line, "y = 1") == [("module", "", [line, "y = 1"])]


# ## Rule 6: the docstring


def test_rule_6_all_lines_of_the_signature_are_code_and_the_section_ends() -> None:
    assert shape("def f(a,", "", "      b) -> int:", '    """', "    Doc.", '    """', "    return a") == [
        ("function", "Doc.", ["def f(a,", "", "      b) -> int:"]),
        ("body", "", ["    return a"]),
    ]


def test_rule_6_a_comment_in_the_signature_of_a_documented_def_is_code() -> None:
    signature = ["def f(", "    # The first.", "    a,", "    b,  # the second", "):  # colon"]
    assert shape(*signature, '    """Doc."""') == [("function", "Doc.", signature)]


@pytest.mark.parametrize(
    "body",
    [
        ['    """Doc.""" + x'],
        ['    """Doc."""; x = 1'],
        ['    f"""Doc."""'],
        ['    b"""Doc."""'],
        ['    rb"Doc."'],
        ['    "Doc." "umentation"'],
        ['    "Doc." \\', '    "umentation"'],
        ['    ("Doc.")'],
        ['    ("Doc."', '    "umentation")'],
        ['    """Doc."""  # a remark'],
        ['    """Doc."""  # noise'],
        ['    "Doc.".strip()'],
        ['    "Doc.",'],
    ],
    ids=lambda body: body[0].strip(),
)
def test_rule_6_what_is_not_one_plain_literal_stays_code(body: list[str]) -> None:
    assert shape("def f():", *body, "    return 1") == [("function", "", ["def f():", *body, "    return 1"])]


def test_rule_6_a_docstring_on_the_line_of_its_def_stays_code() -> None:
    assert shape('def f(): "doc"', "x = 1") == [("function", "", ['def f(): "doc"', "x = 1"])]
    assert shape("def f(): \\", '    "doc"') == [("function", "", ["def f(): \\", '    "doc"'])]
    assert shape('"doc"; x = 1') == [("module", "", ['"doc"; x = 1'])]


def test_rule_6_the_string_below_a_def_on_one_line_is_no_docstring() -> None:
    assert shape("def f(): pass", '"""Loose."""') == [("function", "", ["def f(): pass", '"""Loose."""'])]


@pytest.mark.parametrize("directive", ["# noqa: D400", "# type: ignore", "# pylint: disable=x", "#noqa"])
def test_rule_6_a_docstring_with_a_directive_behind_it_is_docs(directive: str) -> None:
    document = read("def f():", '    """', f'    Doc."""  {directive}', "    return 1")
    assert document.sections[1].docs == "Doc."
    assert document.sections[1].doc_lines == ((2, 3),)


@pytest.mark.parametrize("quotes", ['"', "'", '"""', "'''", 'r"', "R'''", 'u"""', 'U"'])
def test_rule_6_every_kind_of_quotes(quotes: str) -> None:
    closing = quotes.lstrip("rRuU")
    assert shape("class A:", f"    {quotes}Doc.{closing}") == [("class", "Doc.", ["class A:"])]


def test_rule_6_a_colon_inside_the_signature_ends_nothing() -> None:
    signature = ["def f(a: int = {1: 2}[1:2],", "      b=lambda: 0) -> dict[", "    str, int]:"]
    assert shape(*signature, '    "Doc."') == [("function", "Doc.", signature)]


# ## Rule 7: code after a docstring


def test_rule_7_code_after_a_docstring_opens_a_section_without_docs() -> None:
    document = read("class A:", '    "Doc."', "", "    x = 1", "", "    y = 2")
    (_, _, body) = document.sections
    assert (body.kind, body.qualname, body.docs, body.code_lines) == ("body", "A", "", ((4, 6),))


def test_rule_7_not_where_a_comment_or_a_def_follows() -> None:
    assert shape("class A:", '    "Doc."', "    # Why.", "    x = 1") == [
        ("class", "Doc.", ["class A:"]),
        ("comment", "Why.", ["    x = 1"]),
    ]
    assert shape("class A:", '    "Doc."', "    def f(self):", '        "Doc."') == [
        ("class", "Doc.", ["class A:"]),
        ("function", "Doc.", ["    def f(self):"]),
    ]


# ## Rule 8: undocumented definitions and empty docstrings


def test_rule_8_an_undocumented_def_keeps_its_body() -> None:
    assert shape("def f():", "    x = 1", "", "    return x", "    # Then.", "    y = 1") == [
        ("function", "", ["def f():", "    x = 1", "", "    return x"]),
        ("comment", "Then.", ["    y = 1"]),
    ]


@pytest.mark.parametrize("docstring", ['""', "''", '""""""', "''''''", 'r""', '"   "'])
def test_rule_8_an_empty_docstring_still_ends_the_section(docstring: str) -> None:
    document = read("def f():", f"    {docstring}", "    return 1")
    (_, header, body) = document.sections
    assert (header.docs, header.doc_lines, header.code_lines) == ("", ((2, 2),), ((1, 1),))
    assert (body.kind, body.code_lines) == ("body", ((3, 3),))


# ## Rule 9: inside brackets


def test_rule_9_comments_inside_brackets_split() -> None:
    assert shape("x = {", "    # One.", "    1: f(", "        # Two.", "        2,", "    ),", "}") == [
        ("module", "", ["x = {"]),
        ("comment", "One.", ["    1: f("]),
        ("comment", "Two.", ["        2,", "    ),", "}"]),
    ]


def test_rule_9_comments_in_the_signature_of_an_undocumented_def_split() -> None:
    document = read("def f(", "    # The first.", "    a,", "):", "    return a")
    assert [(s.kind, s.qualname, s.docs, s.code_lines) for s in document.sections[1:]] == [
        ("function", "f", "", ((1, 1),)),
        ("comment", "f", "The first.", ((3, 5),)),
    ]


# ## Rule 10: trailing comments, and `else`


def test_rule_10_trailing_comments_stay_in_the_code() -> None:
    assert shape("x = 1  # one", "# Two.", "y = [  # open", "]  # close") == [
        ("module", "", ["x = 1  # one"]),
        ("comment", "Two.", ["y = [  # open", "]  # close"]),
    ]


@pytest.mark.parametrize("word", ["else:", "elif y:"])
def test_rule_10_else_is_ordinary_code_and_a_comment_before_it_owns_it(word: str) -> None:
    assert shape("if x:", "    y = 1", word, "    y = 2") == [("module", "", ["if x:", "    y = 1", word, "    y = 2"])]
    assert shape("if x:", "    y = 1", "# Otherwise.", word, "    y = 2") == [
        ("module", "", ["if x:", "    y = 1"]),
        ("comment", "Otherwise.", [word, "    y = 2"]),
    ]


# ## Rule 11: a lone hash


@pytest.mark.parametrize("hash_line", ["#", "# ", "#\t", "    #"])
def test_rule_11_a_lone_hash_breaks_a_section_and_shows_nothing(hash_line: str) -> None:
    document = read("x = 1", hash_line, "y = 2")
    assert [(s.kind, s.docs, s.doc_lines, s.code_lines) for s in document.sections] == [
        ("module", "", (), ((1, 1),)),
        ("comment", "", ((2, 2),), ((3, 3),)),
    ]
    assert document.sections[1].origins == ()


def test_rule_11_a_lone_hash_above_a_def_is_the_defs() -> None:
    assert shape("#", "def f():", '    "Doc."') == [("function", "Doc.", ["def f():"])]


# ## Rule 12: the text


@pytest.mark.parametrize(
    "comment, text",
    [("# a", "a"), ("#a", "a"), ("#  a", " a"), ("## a", "# a"), ("# # a", "# a"), ("#: a", ": a"), ("#\ta", "\ta")],
)
def test_rule_12_a_comment_loses_its_hash_and_one_space(comment: str, text: str) -> None:
    assert shape(comment, "x = 1") == [("comment", text, ["x = 1"])]


def test_rule_12_a_docstring_is_the_literal_source_dedented() -> None:
    document = read("class A:", '    r"""', r"    $\beta$ and \n", "", "        deeper", '    """')
    assert document.sections[1].docs == "$\\beta$ and \\n\n\n    deeper"


def test_rule_12_no_escape_is_processed_without_r_either() -> None:
    assert read('"""\\N{BULLET} \\x41 \\\\ \\beta"""').sections[0].docs == "\\N{BULLET} \\x41 \\\\ \\beta"


def test_rule_12_the_first_line_takes_no_part_in_the_dedent() -> None:
    document = read("class A:", '    """ First.', "      second", '    third"""')
    assert document.sections[1].docs == "First.\n  second\nthird"


def test_rule_12_tabs_are_dedented_as_tabs() -> None:
    assert read("class A:", '\t"""First.', "\t\tsecond", '\tthird"""').sections[1].docs == "First.\n\tsecond\nthird"


def test_rule_12_lines_that_share_no_indentation_lose_none() -> None:
    assert read("class A:", '    """First.', "\tsecond", '        third"""').sections[1].docs in (
        "First.\n\tsecond\n        third",
        "First.\nsecond\nthird",
    )


@pytest.mark.parametrize("prefix", ["", "r"])
@pytest.mark.parametrize(
    "literal, text",
    [
        ('"""say \\""""', 'say \\"'),
        ('"""say "hi" ', None),
        ("'''it is '' it'''", "it is '' it"),
        ('"""it is \'\'\' it"""', "it is ''' it"),
        ("'''\"\"\"'''", '"""'),
        ('"it\\"s"', 'it\\"s'),
        ("'a \"b\" c'", 'a "b" c'),
        ('"""\\\\"""', "\\\\"),
    ],
    ids=lambda value: str(value),
)
def test_rule_12_quotes_inside_quotes(prefix: str, literal: str, text: str | None) -> None:
    source = f"def f():\n    {prefix}{literal}\n    return 1\n"
    document = parse(source, "file.py")
    assert_sound(document, source)
    assert document.sections[1].docs == (text or "")
    assert bool(document.diagnostics) == (text is None)


def test_rule_12_a_backslash_raises_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read('"""\\q"""', "x = '\\d' if 1is 1else 2", "# y = f('\\q')", "# More.", "# z = f('\\q')")


# ## Rule 13: blank lines


def test_rule_13_blank_lines_are_trimmed_outside_and_kept_inside() -> None:
    document = read("# One.", "", "if x:", "    y = 1", "", "", "    z = 2", "", "", "# Two.", "", "w = 1", "", "")
    assert [section.code_lines for section in document.sections[1:]] == [((3, 7),), ((12, 12),)]
    assert [section.doc_lines for section in document.sections[1:]] == [((1, 1),), ((10, 10),)]


def test_rule_13_blank_lines_around_a_docstrings_text_are_trimmed() -> None:
    assert read('"""', "", "Doc.", "", "More.", "", "", '"""').sections[0].docs == "Doc.\n\nMore."


# ## Rule 14: what is code though it is a comment

DIRECTIVES = [
    "# type: ignore",
    "# noqa",
    "# noqa: E501",
    "#noqa",
    "# fmt: off",
    "# pragma: no cover",
    "# pylint: disable=all",
    "# mypy: ignore-errors",
    "# isort: skip_file",
    "# ruff: noqa",
    "#type:ignore",
]


@pytest.mark.parametrize("directive", DIRECTIVES)
def test_rule_14_a_directive_is_code_and_ends_a_run(directive: str) -> None:
    assert shape("x = 1", "# One.", directive, "# Two.", "y = 1") == [
        ("module", "", ["x = 1"]),
        ("comment", "One.", [directive]),
        ("comment", "Two.", ["y = 1"]),
    ]


def test_rule_14_shebang_and_encoding_line_are_code() -> None:
    source = ["#!/usr/bin/env python3", "# -*- coding: utf-8 -*-", "# Prose.", "x = 1"]
    assert shape(*source) == [("module", "", source[:2]), ("comment", "Prose.", ["x = 1"])]


@pytest.mark.parametrize("line", ["# vim: set fileencoding=utf-8 :", "\f# coding=utf-8", "#coding:utf-8"])
def test_rule_14_every_way_to_write_the_encoding_line(line: str) -> None:
    assert shape(line, "# Prose.") == [("module", "", [line]), ("comment", "Prose.", [])]
    assert shape("", line, "", "# Prose.") == [("module", "", [line]), ("comment", "Prose.", [])]


def test_rule_14_a_shebang_or_encoding_further_down_is_prose() -> None:
    assert shape("x = 1", "", "#!shout", "# coding: utf-8", "y = 1")[1:] == [
        ("comment", "!shout\ncoding: utf-8", ["y = 1"])
    ]


def test_rule_14_behind_code_in_line_1_line_2_names_no_encoding() -> None:
    assert shape("import os", "# On the encoding: utf-8 is the default.", "y = 1") == [
        ("module", "", ["import os"]),
        ("comment", "On the encoding: utf-8 is the default.", ["y = 1"]),
    ]


@pytest.mark.parametrize(
    "comment",
    ["# Types are checked.", "# format: any", "# No noqa", "# Ruff", "# typed: yes", "# noqas", "# Type: text"],
)
def test_rule_14_what_only_resembles_a_directive_is_prose(comment: str) -> None:
    assert shape("x = 1", comment, "y = 1")[1:] == [("comment", comment[2:], ["y = 1"])]


SLEEPING = [
    ["x = 1"],
    ["x += 1"],
    ["x: int = 1"],
    ["x: list[int] = []"],
    ["print(x)"],
    ["self.f(x)[0] = 2"],
    ["import os"],
    ["from os import path"],
    ["def f(x):", "    return x"],
    ["class A:", "    pass"],
    ["@d", "def f(): pass"],
    ["await f()"],
    ["if x:", "    f(x)", "else:", "    y = 1"],
    ["for x in y:", "    f(x)"],
    ["x = f(", "    1)", "return x"],
    ["    x = 1", "    y = 2"],
    ["x = 1", "", "y = 2"],
    ["raise ValueError(x)"],
    ["return f(x)"],
    ["assert x == 3"],
    ["if x == 3:", "    return None"],
]


@pytest.mark.parametrize("code", SLEEPING, ids=lambda code: code[0].strip())
def test_rule_14_commented_out_code_is_code(code: list[str]) -> None:
    block = [f"# {line}".rstrip() for line in code]
    assert is_commented_out_code([f" {line}" for line in code])
    assert shape("y = 1", *block, "z = 1", "# Prose.") == [
        ("module", "", ["y = 1", *block, "z = 1"]),
        ("comment", "Prose.", []),
    ]


def test_rule_14_commented_out_code_ends_a_run_only_as_a_block_of_its_own() -> None:
    assert shape("# As it was:", "# x = 1", "y = 1") == [("comment", "As it was:\nx = 1", ["y = 1"])]
    assert shape("# As it was:", "", "# x = 1", "y = 1") == [("comment", "As it was:", ["# x = 1", "y = 1"])]


PROSE = [
    "see",
    "Note: this",
    "Note: x",
    "Example: x = 5",
    "Example: model.lr = 5",
    "Note: table[0] = 1",
    "Deprecated (unused)",
    "Adam (Kingma)",
    "a, b",
    "not x",
    "x == 1",
    "x",
    "x or y",
    "pass",
    "return x",
    "raise",
    "del x",
    "assert x",
    "assert x in y",
    "return x or y",
    "O(n)",
    "continue",
    "[text](target)",
    "TODO: f(x)",
    "...",
    "1",
    "-----",
    "(see)",
    "if this: that",
    "for each in these: do",
    '"quoted"',
    "yield",
    "global warming",
    "import all of it",
    "Call f(x) first.",
    "`x = 1`",
    "$x = 1$",
    "* f(x)",
]


@pytest.mark.parametrize("sentence", PROSE)
def test_rule_14_when_in_doubt_it_is_prose(sentence: str) -> None:
    assert shape("y = 1", f"# {sentence}", "z = 1")[1:] == [("comment", sentence, ["z = 1"])]


# ## Rule 15: what does not parse


@pytest.mark.parametrize(
    "bad, line, column",
    [
        (["x = 1", "y = )"], 2, 5),
        (["x = 1", "def f(:"], 2, 7),
        (["if x:", "y = 2"], 2, 1),
        (["x = 1", "$"], 2, 1),
        (["x = 1", "s = 'open"], 2, 5),
        (["print 'hello'"], 1, 1),
    ],
    ids=["bracket", "signature", "indent", "dollar", "string", "python 2"],
)
def test_rule_15_a_syntax_error_is_named_and_the_file_is_split_all_the_same(
    bad: list[str], line: int, column: int
) -> None:
    document = read("# Prose.", "z = 1", "", *bad)
    (found,) = document.diagnostics
    assert (found.path, found.line, found.column, found.rule) == ("file.py", line + 3, column, "syntax")
    assert (document.sections[1].docs, document.sections[1].code_lines[0][0]) == ("Prose.", 2)


def test_rule_15_an_unclosed_triple_quote_makes_the_rest_one_section() -> None:
    document = read("# Prose.", "x = 1", "def f():", '    "Doc."', '    s = """', "", "# no comment", "def g(): pass")
    assert [(s.kind, s.docs, s.code_lines) for s in document.sections[1:]] == [
        ("comment", "Prose.", ((2, 2),)),
        ("function", "Doc.", ((3, 3),)),
        ("body", "", ((5, 8),)),
    ]
    assert [(d.line, d.column) for d in document.diagnostics] == [(5, 9)]


def test_rule_15_an_unclosed_docstring_is_code() -> None:
    document = read('"""', "Never closed.", "", "# no comment")
    assert [(s.kind, s.docs, s.code_lines) for s in document.sections[1:]] == [("body", "", ((1, 4),))]
    assert [(d.line, d.column) for d in document.diagnostics] == [(1, 1)]


def test_rule_15_an_unclosed_bracket_is_split_as_far_as_tokens_go() -> None:
    document = read("# One.", "x = (1,", "# Two.", "y = 2")
    assert [section.docs for section in document.sections[1:]] == ["One.", "Two."]
    assert [(d.line, d.column) for d in document.diagnostics] == [(2, 5)]


def test_rule_15_a_dedent_to_nowhere_makes_the_rest_one_section() -> None:
    document = read("# One.", "if x:", "        y = 1", "    z = 2", "# Two.", "def f(): pass")
    assert [(s.kind, s.docs, s.code_lines) for s in document.sections[1:]] == [
        ("comment", "One.", ((2, 3),)),
        ("body", "", ((4, 6),)),
    ]
    assert [(d.rule, d.line) for d in document.diagnostics] == [("syntax", 4)]


def test_rule_15_python_2_is_split_like_any_other() -> None:
    document = read("# One.", "print 'a'", "def f(a, (b, c)):", '    "Doc."', "    exec 'x'")
    assert [section.docs for section in document.sections] == ["", "One.", "Doc.", ""]
    assert len(document.diagnostics) == 1


@pytest.mark.parametrize(
    "text",
    ["(" * 20_000, "-" * 100_000 + "1", "x" + ".x" * 50_000, "# f(" + "-" * 100_000 + "1)"],
    ids=["brackets", "signs", "dots", "comment"],
)
def test_rule_15_what_is_nested_too_deeply_raises_nothing(text: str) -> None:
    assert_sound(parse(text, "file.py"), text)


# ## Front matter, title and summary


def test_front_matter_is_taken_out_of_the_prose() -> None:
    yaml = ["title: The  title", "summary: In short", "paper:", "  year: 1964"]
    document = read('r"""', "---", *yaml, "---", "", "# H", '"""')
    assert document.front_matter == {"title": "The  title", "summary": "In short", "paper": {"year": 1964}}
    assert (document.title, document.summary, document.diagnostics) == ("The title", "In short", ())
    assert document.sections[0].docs == "# H"
    assert document.sections[0].origins == ((9, 1),)
    assert document.sections[0].doc_lines == ((1, 10),)


def test_front_matter_may_begin_behind_the_quotes() -> None:
    document = read('"""---', "redirect: other.html", "---", 'Text."""')
    assert (document.front_matter, document.sections[0].docs) == ({"redirect": "other.html"}, "Text.")


def test_front_matter_stands_at_the_start_of_the_docstring_below_a_licence_too() -> None:
    document = read("# Licence.", "", '"""', "---", "title: Named", "---", "", "# H", '"""')
    assert (document.title, document.front_matter) == ("Named", {"title": "Named"})
    assert re.sub("\n+", "\n", document.sections[0].docs) == "Licence.\n# H"


def test_front_matter_is_never_in_a_comment() -> None:
    document = read("# ---", "# title: A licence", "# ---", '"""Doc."""')
    assert (document.title, document.front_matter, document.diagnostics) == ("pkg.file", {}, ())
    assert document.sections[0].docs == "---\ntitle: A licence\n---\n\nDoc."


@pytest.mark.parametrize("opening", ['"""Text.', '"""Text.\n'])
def test_front_matter_further_down_is_prose(opening: str) -> None:
    document = parse(f'{opening}\n---\ntitle: No\n---\n"""\n', "file.py", "pkg")
    assert (document.title, document.front_matter, document.diagnostics) == ("pkg", {}, ())


def test_front_matter_of_a_class_is_prose() -> None:
    document = read("class A:", '    """', "    ---", "    title: No", "    ---", '    """')
    assert (document.title, document.front_matter) == ("pkg.file", {})
    assert document.sections[1].docs == "---\ntitle: No\n---"


def test_front_matter_that_is_empty() -> None:
    document = read('"""', "---", "---", "Text.", '"""')
    assert (document.front_matter, document.sections[0].docs, document.diagnostics) == ({}, "Text.", ())


@pytest.mark.parametrize(
    "yaml, line",
    [
        ("title: [open", None),
        ("a: b: c", 3),
        ("x: 1\n\ty: 2", 4),
        ("? [a]\n: b", 3),
        ("- a\n- b", None),
        ("just text", None),
        ("title: 5", 3),
        ("summary: [a]", 3),
        ("when: 2020-13-45", None),
        ("a: !!python/object:os.system x", None),
        ("a: !!bool x", None),
        ('a: !!int ""', None),
        ('a: !!float ""', None),
        ("a: !!timestamp x", None),
        ("a: *nowhere", None),
        ("a: \x07", None),
        ("[" * 3000, None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_front_matter_that_is_wrong_is_named_and_the_page_goes_on(yaml: str, line: int | None) -> None:
    document = read('"""', "---", *yaml.split("\n"), "---", "", "# Heading", '"""', "x = 1")
    (found,) = document.diagnostics
    assert (found.path, found.rule) == ("file.py", "front-matter")
    assert 2 <= found.line <= 2 + yaml.count("\n") + 2
    assert line is None or found.line == line
    assert "\n" not in found.message
    assert (document.title, document.sections[0].docs) == ("Heading", "# Heading")


def test_front_matter_that_is_not_closed_is_named() -> None:
    document = read('"""', "---", "title: X", '"""')
    assert [(d.line, d.column, d.rule) for d in document.diagnostics] == [(2, 1, "front-matter")]


@pytest.mark.parametrize(
    "lines, title",
    [
        (['"""', "# The *first* $x$", "# Second", '"""'], "The first x"),
        (['"""', "Text.", "", "# Later #", '"""'], "Later"),
        (['"""', "## Not an H1", '"""', "# # Here", "x = 1"], "Here"),
        (['"""', "Underlined", "==========", '"""'], "Underlined"),
        (['"""', "```", "# in a fence", "```", "# Outside", '"""'], "Outside"),
        (['"""', "#no heading", '"""'], "pkg.file"),
        (["class A:", '    "# Not the modules"'], "pkg.file"),
        (["# No heading.", "x = 1"], "pkg.file"),
    ],
    ids=["h1", "later", "comment", "setext", "fence", "no-space", "class", "none"],
)
def test_title_is_the_first_h1_of_the_module_else_its_name(lines: list[str], title: str) -> None:
    assert read(*lines).title == title


def test_summary_is_the_first_paragraph() -> None:
    document = read('"""', "# Title", "", "One [link](a.py)", "paragraph.", "", "Two.", '"""')
    assert document.summary == "One link paragraph."


# ## Anchors and qualified names


def anchors(*lines: str) -> list[str]:
    return [section.anchor for section in read(*lines).sections]


def test_anchors_count_the_sections_of_one_name() -> None:
    method = ["class A:", "    def f(self):", "        # b", "        x = 1", "        # c", "        y = 1"]
    assert anchors("import os", "# a", "x = 1", *method, "    # d", "    z = 1", "# e", "w = 1") == [
        *("module", "module-2", "A", "A.f", "A.f-2", "A.f-3", "A-2", "module-3")
    ]


def test_anchors_of_definitions_with_one_name_are_unique() -> None:
    assert anchors("def f(): pass", "def f(): pass", "class module: pass", "def f(): pass") == [
        *("module", "f", "f-2", "module-2", "f-3")
    ]


@pytest.mark.parametrize("name", ["container", "background", "L5", "L12345"])
def test_anchors_are_never_reserved(name: str) -> None:
    assert anchors(f"class {name}:", "    x = 1", "    # c", "    y = 1") == ["module", f"{name}_", f"{name}_-2"]


def test_anchors_of_a_class_named_section_are_free_ones() -> None:
    # In a process of its own, since a search for a free name that finds none never ends.
    source = "class section:\n    x = 1\n    # c\n    y = 1\n    # d\n    z = 1\n"
    program = f"from sidelit.source import parse\nfor s in parse({source!r}, 'file.py').sections: print(s.anchor)"
    root = Path(__file__).resolve().parent.parent
    found = subprocess.run([sys.executable, "-c", program], cwd=root, timeout=20, capture_output=True, check=True)
    names = found.stdout.decode().split()
    assert len(names) == len(set(names)) == 4
    assert not [name for name in names if RESERVED.fullmatch(name)]


def test_anchors_do_not_move_with_edits_elsewhere() -> None:
    after = ["class A:", '    "Doc."', "    x = 1"]
    assert anchors(*after)[1:] == anchors("# More.", "y = 1", "def g(): pass", *after)[3:] == ["A", "A-2"]


def test_qualname_of_a_comment_is_where_its_code_is() -> None:
    method = ["class A:", "    def f(self):", "        x = 1"]
    document = read(*method, "    # In the class.", "    y = 1", "# Outside.", "z = 1")
    assert [(s.docs, s.qualname) for s in document.sections[3:]] == [("In the class.", "A"), ("Outside.", "")]


def test_qualname_of_a_comment_without_code_is_where_it_is_indented() -> None:
    method = ["class A:", "    def f(self):", "        x = 1"]
    document = read(*method, "", "        # In f.", "", "    # In A.", "", "# Out.")
    assert [(s.docs, s.qualname) for s in document.sections[3:]] == [("In f.", "A.f"), ("In A.", "A"), ("Out.", "")]


# ## Origins


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("indent", ["    ", "\t", "\t  ", "\f    "])
def test_origins_of_comments_and_docstrings(end: str, indent: str) -> None:
    lines = [
        "class A:",
        f"{indent}#  Above.",
        f"{indent}#",
        f"{indent}#\tTabbed.",
        f"{indent}@d",
        f"{indent}#Between.",
        f"{indent}def f(self):",
        f'{indent}\tr"""  First.',
        "",
        f"{indent}\tSecond \\alpha,",
        f"{indent}\t\tdeeper.",
        f'{indent}\t"""',
    ]
    text = end.join(lines) + end
    document = parse(text, "file.py")
    assert_sound(document, text)
    section = document.sections[2]
    assert section.docs.split("\n") == [
        *(" Above.", "", "\tTabbed.", "", "Between.", "", "First.", "", "Second \\alpha,", "\tdeeper.")
    ]
    filled = [origin for text, origin in zip(section.docs.split("\n"), section.origins, strict=True) if text]
    width = len(indent)
    assert filled == [(2, width + 3), (4, width + 2), (6, width + 2), (8, width + 8), (10, width + 2), (11, width + 2)]


def test_origins_count_characters_not_bytes() -> None:
    document = read("class Ä:", '    """', "    „Größe“ 𝛽", '    """', "ß = 1  # ü", "# ß")
    assert document.sections[1].origins == ((3, 5),)


def test_origins_of_a_comment_that_holds_a_nul() -> None:
    text = "# a\0b\n#\0c\nx = 1\n"
    assert_sound(parse(text, "file.py"), text)


# ## Lines


def test_lines_end_at_three_marks_only() -> None:
    assert split_lines("a\nb\r\nc\rd\fe\vf\x1cg\x85h\u2028i\u2029j") == (*"abc", "d\fe\vf\x1cg\x85h\u2028i\u2029j")
    assert split_lines("") == ()
    assert split_lines("a\n") == ("a",)
    assert split_lines("\n\n") == ("", "")
    assert split_lines("a\r\r\n\nb") == ("a", "", "", "b")


@pytest.mark.parametrize("mark", ["\f", "\v", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_lines_no_other_mark_moves_a_number(mark: str) -> None:
    text = f'"""Doc{mark}string."""\n# One{mark}comment.\ns = "a{mark}b"\n# Two.\nx = 1\n'
    document = parse(text, "file.py")
    assert_sound(document, text)
    assert [(s.docs, s.code_lines) for s in document.sections] == [
        (f"Doc{mark}string.", ()),
        (f"One{mark}comment.", ((3, 3),)),
        ("Two.", ((5, 5),)),
    ]


def test_lines_form_feeds_between_sections() -> None:
    assert shape("x = 1", "\f", "# One.", "\f", "def f():", '    "Doc."', "\f# Two.", "y = 1") == [
        ("module", "", ["x = 1"]),
        ("comment", "One.", []),
        ("function", "Doc.", ["def f():"]),
        ("comment", "Two.", ["y = 1"]),
    ]


def test_lines_a_nul_is_named_and_loses_nothing() -> None:
    text = "# One.\nx = 1\ny = '\0'\n\0\n# Two.\nz = 1\n"
    document = parse(text, "file.py")
    assert_sound(document, text)
    assert [(d.line, d.column, d.rule) for d in document.diagnostics] == [(3, 6, "syntax")]
    assert [(s.docs, s.code_lines) for s in document.sections[1:]] == [("One.", ((2, 4),)), ("Two.", ((6, 6),))]


@pytest.mark.parametrize("mark", ["\x1c", "\u2028"])
def test_lines_a_separator_alone_on_its_line_swallows_no_section(mark: str) -> None:
    # To `str` the line is blank, to Python it is an error: from 3.12 on the tokens end there.
    text = f"# One.\nx = 1\n{mark}\n# Two.\ny = 2\n"
    document = parse(text, "file.py")
    assert_sound(document, text)
    assert [(d.line, d.rule) for d in document.diagnostics] == [(3, "syntax")]
    assert document.sections[1].code_lines == ((2, 2),)


@pytest.mark.parametrize("last", ["x = 1", "# End.", "#", "'''", "x = (", "\\", "def f():", " ", "@d", "\0", '"Doc."'])
def test_lines_the_last_needs_no_end(last: str) -> None:
    for text in (last, f"# One.\nx = 1\n{last}", f"class A:\n    {last}"):
        assert_sound(parse(text, "file.py"), text)


def test_lines_only_comments() -> None:
    assert shape("# One", "# two.", "", "# Three.") == [("comment", "One\ntwo.", []), ("comment", "Three.", [])]


def test_lines_by_the_ten_thousands() -> None:
    blocks = [f"# Number {n}.\ndef f{n}(x):\n    '''Doc.'''\n    # Why.\n    return x\n" for n in range(10_000)]
    text = "".join(blocks)
    document = parse(text, "file.py")
    assert len(document.lines) == 50_000
    assert len(document.sections) == 20_001
    assert_sound(document, text)


# ## Decoding


def decoded(data: bytes) -> tuple[str, list[tuple[int, int, str]]]:
    text, found = decode(data, "file.py")
    assert all(isinstance(one, Diagnostic) and one.path == "file.py" for one in found)
    return text, [(one.line, one.column, one.rule) for one in found]


def test_decode_utf_8_is_the_default_and_nothing_is_translated() -> None:
    assert decoded("x = 'é€𝛽'\r\ny\r\0\f".encode()) == ("x = 'é€𝛽'\r\ny\r\0\f", [])


def test_decode_drops_a_byte_order_mark() -> None:
    text, found = decoded(b"\xef\xbb\xbf# \xc3\xa9")
    assert (text, found) == ("# é", [])
    assert parse(text, "file.py").sections[1].docs == "é"


@pytest.mark.parametrize(
    "head",
    ["# coding: latin-1\n", "#!x\n# -*- coding: latin1 -*-\n", "\n# vim: fileencoding=latin1\n", "\r\n#coding=l1\r"],
)
def test_decode_reads_the_cookie_in_the_first_two_lines(head: str) -> None:
    assert decoded(head.encode() + b"x = '\xe9'") == (head + "x = 'é'", [])


@pytest.mark.parametrize("head", ["x = 1\n# coding: latin-1\n", "\n\n# coding: latin-1\n", "x = '# coding: latin-1'\n"])
def test_decode_reads_no_cookie_elsewhere(head: str) -> None:
    text, found = decoded(head.encode() + b"x = '\xe9'")
    assert text == head + "x = '\N{REPLACEMENT CHARACTER}'"
    assert found == [(head.count("\n") + 1, 6, "encoding")]


def test_decode_names_the_first_byte_that_is_wrong() -> None:
    text, found = decoded("# é\r\ny = 1\rz = 'ü".encode() + b"\xff' \xfe\nw = 2\n")
    assert found == [(3, 7, "encoding")]
    assert text == "# é\r\ny = 1\rz = 'ü\N{REPLACEMENT CHARACTER}' \N{REPLACEMENT CHARACTER}\nw = 2\n"


def test_decode_names_a_byte_at_the_beginning_of_a_line() -> None:
    assert decoded(b"x = 1\n\xff")[1] == [(2, 1, "encoding")]


@pytest.mark.parametrize("line", [1, 2])
def test_decode_names_an_unknown_codec(line: int) -> None:
    data = b"#!python\n" * (line - 1) + b"# coding: klingon\n# \xc3\xa9\n"
    assert decoded(data) == (data.decode(), [(line, 1, "encoding")])


@pytest.mark.parametrize("codec", ["hex", "rot13", "base64", "zlib", "aliases", "..", "-"])
def test_decode_takes_no_codec_that_makes_no_text(codec: str) -> None:
    data = f"# coding: {codec}\nx = 1\n".encode()
    assert decoded(data) == (data.decode(), [(1, 1, "encoding")])


def test_decode_names_a_declared_encoding_that_does_not_fit() -> None:
    text, found = decoded(b"# coding: ascii\nx = '\xc3\xa9'\n")
    assert found == [(2, 6, "encoding")]
    assert text.startswith("# coding: ascii\nx = '\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_decode_survives_a_file_in_utf_16(codec: str) -> None:
    text, found = decode("# é€\nx = 1\n".encode(codec), "file.py")
    assert [one.rule for one in (*found, *parse(text, "file.py").diagnostics)]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "cp037"])
def test_decode_doubts_a_cookie_that_does_not_survive_its_own_codec(codec: str) -> None:
    data = f"# coding: {codec}\nx = 1\n".encode()
    for end in (b"", b"\n"):
        text, found = decoded(data + end)
        assert [rule for *_, rule in found] == ["encoding"], text


@pytest.mark.parametrize("codec", ["undefined", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7"])
@pytest.mark.parametrize("body", [b"x = 'a..b'\n", b"s = '\\ud800 \\x \\N{'", b"+2AA- \xff\xfe", b"\\q", b"-999999-zz"])
def test_decode_survives_odd_codecs(codec: str, body: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text, found = decode(b"# coding: " + codec.encode() + b"\n" + body, "file.py")
    text.encode()
    assert_sound(parse(text, "file.py"), text)


# ## What must hold for any file, found out without sidelit
#
# Python's own tree says where definitions and docstrings are. The tokens say where comments stand. Whatever of rule 14
# is a matter of judgement is left open here: a run of comments that parses as Python may be either.

NOTE_TO_TOOLS = re.compile(r"#\s*(noqa\b|type:|fmt:|pragma:|pylint:|mypy:|isort:|ruff:)")
COOKIE = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")


def assert_split_as_python_sees_it(document: Document, text: str) -> None:
    """Rules 2, 4, 5, 6 and 9 for a text that parses. Otherwise nothing is checked."""
    lines = own_lines(text)
    joined = "\n".join(lines) + "\n"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(joined)
        except (SyntaxError, ValueError, RecursionError):
            return
        stream = list(tokenize.generate_tokens(io.StringIO(joined, newline="\n").readline))
    strings = {token.start: token for token in stream if token.type == tokens.STRING}
    colons = [token.end for token in stream if token.string == ":"]
    comments = full_line_comments(stream, lines)
    docs_of = {line: section for section in document.sections for line in numbered(section.doc_lines)}
    code_of = {line: section for section in document.sections for line in numbered(section.code_lines)}

    heads = {s.code_lines[0][0]: s for s in document.sections if s.kind in ("class", "function")}
    definitions = list(definitions_in(tree, ""))
    assert sorted(heads) == sorted(first_line(node) for node, _ in definitions)

    signatures: set[int] = set()
    documented: set[int] = set()
    for node, qualname in [(tree, ""), *definitions]:
        section = heads[first_line(node)] if node is not tree else document.sections[0]
        assert section.qualname == qualname
        if node is not tree:
            assert section.kind == ("class" if isinstance(node, ast.ClassDef) else "function")
        literal = plain_docstring(node, strings, lines)
        assert section.docstring == (literal is not None), (qualname, first_line(node) if qualname else 0)
        if literal is None:
            continue

        span = range(literal.start[0], literal.end[0] + 1)
        documented.update(span)
        assert all(docs_of.get(line) is section for line in span)
        if node is not tree:
            colon = colons[bisect_left(colons, literal.start) - 1][0]
            header = [line for line in range(node.lineno, colon + 1) if lines[line - 1].strip()]
            assert all(code_of.get(line) is section for line in header)
            below = [line for line in numbered(section.code_lines) if line > colon]
            assert all(line in comments or not lines[line - 1].strip() for line in below)
            signatures.update(header)

    assert set(docs_of) <= documented | set(comments)
    prose = [line for line in comments if line not in signatures and not is_note(line, lines)]
    for run in runs(prose):
        if not parses([comments[line][1:] for line in run]):
            assert all(line in docs_of for line in run), run
    assert all(line in code_of for line in signatures)
    assert all(line in code_of for line in comments if NOTE_TO_TOOLS.match(comments[line]))


def definitions_in(tree: ast.AST, scope: str) -> list[tuple[ast.AST, str]]:
    found: list[tuple[ast.AST, str]] = []
    todo = [(tree, scope)]
    while todo:
        node, scope = todo.pop()
        for child in ast.iter_child_nodes(node):
            inner = scope
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{scope}.{child.name}" if scope else child.name
                found.append((child, inner))
            if not isinstance(child, ast.expr):
                todo.append((child, inner))
    return found


def first_line(node: ast.AST) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def plain_docstring(node: ast.AST, strings: dict, lines: list[str]) -> tokenize.TokenInfo | None:
    """The token of the docstring where it is one plain literal that has its lines for itself."""
    match node.body[:1]:
        case [ast.Expr(value=ast.Constant(value=str()) as literal)]:
            pass
        case _:
            return None
    line = lines[literal.lineno - 1]
    column = len(line.encode("utf-8", "surrogatepass")[: literal.col_offset].decode("utf-8", "surrogatepass"))
    token = strings.get((literal.lineno, column))
    if token is None or line[:column].strip() or token.end[0] != literal.end_lineno:
        return None
    behind = lines[token.end[0] - 1][token.end[1] :].strip()
    return token if not behind or NOTE_TO_TOOLS.match(behind) else None


def full_line_comments(stream: list[tokenize.TokenInfo], lines: list[str]) -> dict[int, str]:
    found, inside = {}, 0
    for token in stream:
        name = tokens.tok_name[token.type]
        inside += name.endswith("STRING_START") - name.endswith("STRING_END")
        line, column = token.start
        if token.type == tokens.COMMENT and not inside and not lines[line - 1][:column].strip():
            found[line] = token.string
    return found


def is_note(line: int, lines: list[str]) -> bool:
    text = lines[line - 1]
    opening = (line == 1 and text.startswith("#!")) or (line <= 2 and COOKIE.match(text))
    return bool(opening or NOTE_TO_TOOLS.match(text.strip().lower()))


def runs(numbers: list[int]) -> list[list[int]]:
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    return found


def parses(block: list[str]) -> bool:
    margin = min((len(line) - len(line.lstrip()) for line in block if line.strip()), default=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bool(ast.parse("\n".join(line[margin:] for line in block)).body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False


# ## The standard library

@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_file_of_the_standard_library(shard: int) -> None:
    files = stdlib_files()[shard::SHARDS]
    assert len(files) > 50
    for path in files:
        try:
            text, _ = decode(path.read_bytes(), str(path))
            document = parse(text, str(path), path.stem)
            assert_sound(document, text)
            assert_split_as_python_sees_it(document, text)
        except Exception as error:
            error.add_note(f"in {path.relative_to(STDLIB)}")
            raise


def test_every_file_of_the_standard_library_is_decoded_as_python_does() -> None:
    for path in stdlib_files():
        text, found = decode(path.read_bytes(), str(path))
        try:
            with tokenize.open(path) as file:
                expected = file.read()
        except (SyntaxError, UnicodeError):
            # Python also refuses a byte order mark beside another encoding's name. We do with the mark.
            assert [one.rule for one in found] == ["encoding"] or path.read_bytes().startswith(b"\xef\xbb\xbf"), path
        else:
            assert list(split_lines(text)) == own_lines(expected), path
            assert not found, path


# ## Generated sources

ENDS = st.sampled_from(["\n", "\r\n", "\r"])
NAMES = st.sampled_from(["f", "g", "A", "module", "container", "L5", "ß"])
WORDS = st.sampled_from(["", "see", "$x_t$", "# Title", "é€𝛽", "x = 1", "f(x)", "noqa", "type: ignore", "a\u2028b"])
PROSE_LINES = st.builds("{}{}".format, st.sampled_from(["", " ", "  ", "\t", "#", ":", "!"]), WORDS)
PLAIN = ["x = 1", "pass", "x = 1  # why", "'loose'", "a; b", "@d\ndef g(): pass", "x = \\\n  '#'", "x = '''\n# no\n'''"]
DECORATORS = [["@d"], ["@d(1,", "# in", " 2)"], ["@d", "# between"], ["@d", "", "# apart", ""]]


@st.composite
def programs(draw: st.DrawFn, depth: int = 0) -> list[str]:
    """Lines that parse: comments, definitions, docstrings and what else there is, nested three deep."""
    lines: list[str] = []
    kinds = ["comment", "blank", "plain", "call", "suite", "definition", "definition"]
    for kind in draw(st.lists(st.sampled_from(kinds if depth < 3 else kinds[:4]), min_size=1, max_size=5)):
        match kind:
            case "comment":
                lines += [f"#{text}" for text in draw(st.lists(PROSE_LINES, min_size=1, max_size=3))]
            case "blank":
                lines += [draw(st.sampled_from(["", "  ", "\t", "\f"]))]
            case "plain":
                lines += draw(st.sampled_from(PLAIN)).split("\n")
            case "call":
                lines += ["x = f(a,", f"#{draw(PROSE_LINES)}", "", "  {1:", f"  #{draw(PROSE_LINES)}", " 2})"]
            case "suite":
                lines += [draw(st.sampled_from(["if x:", "while x:", "with x: # why", "for x in y:"]))]
                lines += draw(suites(depth))
            case "definition":
                lines += draw(definitions(depth))
    return lines


@st.composite
def definitions(draw: st.DrawFn, depth: int) -> list[str]:
    name = draw(NAMES)
    headers = [
        [f"def {name}():"],
        [f"class {name}(B):  # why"],
        [f"async def {name}(", "# in", "a: int={1: 2}", "):"],
        [f"def {name}(a,", "", "b) -> x[1:2]:"],
    ]
    decorators = draw(st.lists(st.sampled_from(DECORATORS), max_size=2))
    return [*sum(decorators, []), *draw(st.sampled_from(headers)), *draw(suites(depth, docstring=draw(st.booleans())))]


@st.composite
def suites(draw: st.DrawFn, depth: int, docstring: bool = False) -> list[str]:
    lines = draw(st.sampled_from([[], [], [""], ["# first", "#"], ["# first", "", "# second", ""]]))
    body = [*(draw(docstrings()) if docstring else []), *draw(programs(depth + 1)), "pass"]
    indent = draw(st.sampled_from(["    ", "\t", " "]))
    return [indent + line for line in (*lines, *body)]


@st.composite
def docstrings(draw: st.DrawFn) -> list[str]:
    quotes = draw(st.sampled_from(['"""', "'''", 'r"""', "'", 'u"', 'f"""', 'b"', 'rb"""']))
    words = st.just("bytes") if "b" in quotes else WORDS
    text = draw(st.lists(words, min_size=1, max_size=4 if len(quotes) > 2 else 1))
    behind = draw(st.sampled_from(["", "", "", "  # noqa", "  # why", "; x = 1", " 'glued'", ".x"]))
    behind = "" if "b" in quotes and "glued" in behind else behind
    return f"{quotes}{chr(10).join(text)}{quotes.lstrip('rufb')}{behind}".split("\n")


@given(programs(), st.booleans(), ENDS)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_generated_programs_are_split_as_python_sees_them(lines: list[str], documented: bool, end: str) -> None:
    text = end.join((['"""Doc."""'] if documented else []) + lines) + end
    document = parse(text, "file.py", "pkg")
    assert not document.diagnostics
    assert_sound(document, text)
    assert_split_as_python_sees_it(document, text)
    assert parse(text, "file.py", "pkg") == document


MARKS = ['"""', "'''", "(", ")", "[", "{", "}", ":", "\\", "\0", "@", "f'{", "$", "\ufeff", "---", "#!", "# coding: x"]
WHITE = ["\n", "\n", "\n", "\r", "\r\n", "\n    ", "\n\t", "\n  ", "\f", "\u2028", "\x1c", " ", "\n\n"]
CODE = ["def f", "def f():", "class A:", "async ", "if x:", "else:", "@d", "x = 1", "#", "# a", "# x = 1", "# noqa"]
ANY_TEXT = st.lists(
    st.sampled_from(MARKS) | st.sampled_from(WHITE) | st.sampled_from(CODE) | st.text(max_size=3), max_size=40
).map("".join)


@given(ANY_TEXT)
@settings(max_examples=500)
@example("# a\n\u2028\nx = 1 $\n")
@example("@d\n# c\n\n(")
@example("def f():\n\\\n'a'\n'''")
def test_generated_text_of_any_kind_loses_nothing(text: str) -> None:
    document = parse(text, "file.py", "pkg")
    assert_sound(document, text)
    assert parse(text, "file.py", "pkg") == document
    assert all(1 <= found.line <= max(len(document.lines), 1) and found.column >= 1 for found in document.diagnostics)


@given(ANY_TEXT)
def test_generated_text_is_split_alike_whatever_ends_its_lines(text: str) -> None:
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    expected = parse(unix, "file.py").sections
    assert parse(unix.replace("\n", "\r\n"), "file.py").sections == expected
    assert parse(unix.replace("\n", "\r"), "file.py").sections == expected


YAML = ["a", "title", ": ", "- ", "[", "]", "{", "}", "&x ", "*x", "!", "\n", "\n  ", "|", "? ", "'", "1-13-45", "<<"]
TAGS = ["bool", "int", "float", "timestamp", "null", "binary", "set", "omap", "pairs", "str", "map", "other"]


@given(st.lists(st.sampled_from([*YAML, *(f"!!{tag} " for tag in TAGS)]), max_size=20).map("".join))
@settings(max_examples=200)
def test_generated_front_matter_raises_nothing(yaml: str) -> None:
    text = f'r"""\n---\ntitle: {yaml}\n---\n# Heading\n"""\n'
    assert_sound(parse(text, "file.py", "pkg"), text)


CODECS = sorted({*encodings.aliases.aliases.values(), "utf-8", "undefined", "idna", "punycode", "unicode_escape"})
HEADS = [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"#!x\r# coding: ", b"\n# coding: latin-1\n"]
COOKIES = [f"# coding: {codec}\n".encode() for codec in CODECS]
BODIES = st.binary(max_size=60) | st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace"))


@given(st.sampled_from(HEADS) | st.sampled_from(COOKIES), BODIES)
@settings(max_examples=500)
def test_generated_bytes_are_always_decoded(head: bytes, body: bytes) -> None:
    text, found = decode(head + body, "file.py")
    text.encode()
    assert decode(head + body, "file.py") == (text, found)
    assert all(one.rule == "encoding" and one.line >= 1 and one.column >= 1 for one in found)
    assert_sound(parse(text, "file.py", "pkg"), text)


def test_rule_14_what_a_script_says_that_it_needs_is_code() -> None:
    script = '#!/usr/bin/env -S uv run --script\n# /// script\n# dependencies = ["torch"]\n#\n# ///\n# # Title\nx = 1\n'
    document = parse(script, "a.py")
    assert document.title == "Title"
    assert [section.docs for section in document.sections] == ["", "# Title"]
    assert document.sections[0].code_lines == ((1, 5),)

    # One that is not closed is prose.
    assert parse("# /// script\n# words\nx = 1\n", "a.py").sections[-1].docs == "/// script\nwords"


def test_rule_15_an_error_behind_a_string_of_several_lines_stands_in_its_line() -> None:
    (problem,) = parse('"""\n"""\\0', "a.py").diagnostics
    assert (problem.line, problem.column, problem.rule) == (2, 6, "syntax")
