"""
# What an attacker writes, and what must not come of it

Attacks for every place where a stranger's text goes, and a reader of HTML that follows the standard as browsers do and
says what in a page could run, lead out of the web, or change what is the page's own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import html5lib

# Each runs `alert` if it works.
HTML = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=x\nonerror\n=\nalert(1)//",
    "<img/src=x/onerror=alert(1)>",
    '<img """><script>alert(1)</script>">',
    "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math href='javascript:alert(1)'><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='javascript:alert(1)'></object><embed src='javascript:alert(1)'>",
    "<form action='javascript:alert(1)'><input name=id><button formaction='javascript:alert(1)'>x</button></form>",
    "<base href='javascript:alert(1)//'><base href='https://evil.invalid/'>",
    "<meta http-equiv='refresh' content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href='//evil.invalid/x.css'>",
    "<style>* { display: none }</style>",
    "<p style='position:fixed;inset:0;background:red'>x</p>",
    "<div class='bar tool skip preview' style=position:fixed>x</div>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href=' \x01javascript:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='java&Tab;script&colon;alert(1)'>x</a>",
    "<a href='&#106;&#x61;vascript&#58;alert(1)'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<img src=a.png srcset='javascript:alert(1) 2x'>",
    "<a href='https://a.invalid' onclick=alert(1) style=x target=_blank ping='https://evil.invalid'>x</a>",
    "<details ontoggle=alert(1) open>x</details>",
    "<video poster='javascript:alert(1)'><source onerror=alert(1)></video>",
    "<textarea><img src=x onerror=alert(1)></textarea>",
    "<title><img src=x onerror=alert(1)></title>",
    "<template><img src=x onerror=alert(1)></template>",
    "<select><style></select><img src=x onerror=alert(1)></style>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--!--><img src=x onerror=alert(1)>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php <script>alert(1)</script> ?>",
    "</p></div></section></article></main><script>alert(1)</script>",
    "<a id=container></a><b id=section-0></b><i id='page:content'></i><b id=L1></b>",
    '<a class="footnote-ref" href="#fn" id="container" onclick="alert(1)">x</a>',
    '<h2 id="%zz\'&quot;><script>alert(1)</script>">x</h2>',
    "<img name=getElementById><a id=sidelitIndex></a><a id=currentScript name=currentScript></a>",
]  # fmt: skip

MARKDOWN = [
    "[x](javascript:alert(1))",
    "[x](JAVASCRIPT:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](&#106;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:a)",
    "[x](\\javascript:alert(1))",
    "![x](javascript:alert(1))",
    '![x](x.png "" onerror=alert(1))',
    '![x" onerror="alert(1)](x.png)',
    "[x](a.py \"t\" onclick=\"alert(1)\")",
    "[x](a.py '\" onclick=alert(1) \"')",
    "[x]\n\n[x]: javascript:alert(1)",
    "[x][y]\n\n[y]: <java\tscript:alert(1)> 'a\" onclick=alert(1) \"'",
    "<javascript:alert(1)>",
    "<javascript://%0aalert(1)>",
    '<https://a.invalid/"onmouseover="alert(1)>',
    "`<img src=x onerror=alert(1)>`",
    "```html onload=alert(1)\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "``` {.python onclick=alert(1) style='position:fixed'}\nx = '</code><script>alert(1)</script>'\n```",
    '!!! note "<script>alert(1)</script>"\n    <img src=x onerror=alert(1)>',
    "!!! bar tool onclick=alert(1)\n    x",
    '# <img src=x onerror=alert(1)> "><script>alert(1)</script>',
    "# x {: onclick=alert(1) style='position:fixed' }",
    '[^"><script>alert(1)</script>]\n\n[^"><script>alert(1)</script>]: <img src=x onerror=alert(1)>',
    "| a<script>alert(1)</script> | b |\n|:---|---:|\n| <img src=x onerror=alert(1)> | [x](javascript:alert(1)) |",
    "term<script>alert(1)</script>\n:   <img src=x onerror=alert(1)>",
    ">>> x = '</pre><script>alert(1)</script>'",
    "\ue000\ue010\ue001<script>alert(1)</script>",
    "\x02wzxhzdk:0\x03<script>alert(1)</script>\x02klzzwxh:0000\x03",
    "\ufdd0\ufdd1<script>alert(1)</script>",
]  # fmt: skip

# The last ones are refused by MathJax, each for its own reason.
TEX = [
    r"<script>alert(1)</script>",
    r"\text{<img src=x onerror=alert(1)>}",
    r"\text{</annotation></math></mjx-container><script>alert(1)</script>}",
    r'x" onmouseover="alert(1)',
    r"\color{red}x",
    r"\mmlToken{mi}[mathvariant=bold]{x}",
    r"\href{javascript:alert(1)}{x}",
    r"\style{position:fixed}{x}",
    r"\class{bar}{x}",
    r"\cssId{container}{x}",
    r"\data{x=1}{y}",
    r"\require{html}",
    r"\unicode[x;} body {display:none}]{65}",
    r"\U{65}",
    r"\def\x{y}",
    r"\mmlToken{mi}[href=javascript:alert(1)]{x}",
    r"\mmlToken{mi}[onclick=alert(1)]{x}",
    r"\mmlToken{mi}[style='position:fixed']{x}",
    r"\mmlToken{mi}[style=position:fixed]{x}",
    r"\mmlToken{mi}[class=bar]{x}",
    r"\mmlToken{mi}[id=container]{x}",
    r"\mmlToken{script}{alert(1)}",
    r"\color{red;position:fixed}x",
    r"\colorbox{red\" onclick=\"alert(1)}{x}",
    r"\kern{1px;position:fixed}",
    r"\begin{array}{c}x\\[1px;position:fixed]y\end{array}",
    r"\includegraphics{javascript:alert(1)}",
    r"\fontfamily{x;position:fixed}",
    r"\tag{\href{javascript:alert(1)}{x}}y",
    r"\newtagform{x}",
]

EVERYTHING = [*HTML, *MARKDOWN, *(f"${tex}$" for tex in TEX), *(f"$$\n{tex}\n$$" for tex in TEX)]

# As they stand in file names, in front matter and in names of definitions.
WORDS = ['"><img src=x onerror=alert(1)>', "<script>alert(1)</script>", "javascript:alert(1)", "&lt;b&gt;{{7*7}}{%x%}"]

# ## Reading HTML as browsers do

_ADDRESSES = {"href", "src", "action", "formaction", "data", "poster", "background", "cite", "xlink:href", "longdesc"}
_HARMLESS_STYLE = re.compile(r"(?:\s*(?:[a-z-]+)\s*:\s*[\w\s.,#%+-]*;?)*")
_MOVES = re.compile(r"position:(?! relative;)|z-index|display|inset|url|expression|content", re.IGNORECASE)
_OTHERS = {
    "base", "embed", "form", "frame", "iframe", "input", "link", "meta", "object", "portal", "script", "select",
    "style", "textarea",
}  # fmt: skip


def read(html: str) -> Any:
    """The tree of a document or of a piece of one."""
    make = html5lib.parse if "<html" in html else html5lib.parseFragment
    return make(html, namespaceHTMLElements=False)


def elements(tree: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Every element of a tree with its attributes, names in lower case."""
    for each in tree.iter():
        if isinstance(each.tag, str):
            yield each.tag.rpartition("}")[2].lower(), {name.lower(): value for name, value in each.attrib.items()}


def faults(html: str, *, whole: bool) -> list[str]:
    """
    What in a page, or in a piece of one that a stranger wrote, is not as it should be.

    A `whole` page has scripts and sheets of its own, which are files of the site.
    """
    found = []
    ids: Counter[str] = Counter()
    tree = read(html)
    for tag, attributes in elements(tree):
        inside = f"<{tag} {attributes}>"
        if tag in _OTHERS and not whole:
            found.append(inside)
        for name, value in attributes.items():
            bare = re.sub(r"^[\x00-\x20]+|[\t\n\r]+", "", value).lower()
            if whole and name == "http-equiv":
                # A page that leads to another one.
                value = attributes.get("content", "").partition("url=")[2]
                name, bare = "href", re.sub(r"^[\x00-\x20]+|[\t\n\r]+", "", value).lower()
            if name.startswith("on") or name in ("srcdoc", "srcset", "ping", "target", "formaction", "http-equiv"):
                found.append(inside)
            elif name in _ADDRESSES and re.match(r"[a-z][a-z0-9+.-]*:", bare):
                if not bare.startswith(("https:", "http:", "mailto:")):
                    found.append(inside)
            elif name == "style" and (not _HARMLESS_STYLE.fullmatch(value) or _MOVES.search(value)):
                found.append(inside)
            elif name == "id":
                ids[value] += 1
    found += [f"id {each} {count} times" for each, count in ids.items() if count > 1]
    return found + [f"<script>{each.text}" for each in tree.iter("script") if each.text and whole]
