"""Texts that would run, break out or mislead if a page, card or table took them for markup: 120 and more.

``MARK`` is the title that a page gets when one of them runs.
"""

import itertools

MARK = "owned"
RUN = f"document.title='{MARK}'"

TAGS = [
    "script", "ScRiPt", "script/x", "script\t", "script\n", "script\x0c", "svg><script", "math><script",
    "noscript><script", "style></style><script", "title></title><script", "textarea></textarea><script",
]  # fmt: skip
EVENTS = [
    ("img src=x", "onerror"), ("img/src=x", "onerror"), ("svg", "onload"), ("svg/", "onload"), ("body", "onload"),
    ("video src=x", "onerror"), ("audio src=x", "onerror"), ("input autofocus", "onfocus"), ("details open", "ontoggle"),
    ("marquee", "onstart"), ("iframe src=about:blank", "onload"), ("object data=x", "onerror"), ("embed src=x", "onload"),
    ("select autofocus", "onfocus"), ("textarea autofocus", "onfocus"), ("div style='animation:x 1s'", "onanimationstart"),
    ("style", "onload"), ("link rel=stylesheet href=data:,", "onload"), ("video><source", "onerror"), ("image src=x", "onerror"),
]  # fmt: skip
# What stands before a payload, so that it leaves the place where the text was put.
EXITS = ["", '"', "'", "-->", "</td>", "</script>", "]]>", '">', "\\u003c/script\\u003e"]
OTHER = [
    "<!--<script>", "<!--", "--!>", "<![CDATA[", "</body></html>", "</style>", "<base href=//example.invalid>",
    f"<meta http-equiv=refresh content=\"0;url=javascript:{RUN}\">", f"<iframe srcdoc=\"<script>parent.{RUN}</script>\">",
    f"<a href=javascript:{RUN}>x</a>", f"<form action=javascript:{RUN}><button>x", f"javascript:{RUN}",
    f"<iframe src=javascript:parent.{RUN}>", f"<object data=\"data:text/html,<script>top.{RUN}</script>\">",
    "{{ 7*7 }}{% raw %}", "{{ ''.__class__.__mro__ }}", "${7*7}", "<%= 7*7 %>", "#{7*7}", "{%- include '/etc/passwd' -%}",
    '=HYPERLINK("http://example.invalid")', "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1,2)", "\t=1+1", "\r=1+1",
    "\u202egnp.exe\u202c", "\u2066a\u2069\u2067b\u2069", "\u200f\u200e\u061c", "a\u0000b", "\ufeffx", "\x1b[31mred\x1b[0m", "\x07\x08",
    "](http://example.invalid)![x](http://example.invalid/y)", "| a | b |\n---", "# h\n\n- x", "```\n```html\n<b>", "[x]: http://example.invalid",
    "\ud800", "\udfff\ud800", "\u2028\u2029", "&lt;b&gt; & \" '", "&#60;script&#62;", "%3Cscript%3E", "+ADw-script+AD4-", "\uff1cscript\uff1e",
    "../../etc/passwd", "..\\..\\windows", "/dev/null", "a/b/c", "CON", "~root", "file:///etc/passwd", "$(touch x)", "`touch x`", "; rm -rf x",
    "__proto__", "constructor", "toString", "NaN", "Infinity", "null", "", " ", "\n\n\n", "\\", "\\\"", "a" * 1_000_000,
    "Z\u0351\u036b\u0343" * 200, "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50, "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
]  # fmt: skip

PAYLOADS = [
    *(f"<{tag}>{RUN}</script>" for tag in TAGS),
    *(f"{leave}<script>{RUN}</script>" for leave in EXITS),
    *(
        f'{leave}<{tag} {event}="{RUN}">'
        for (tag, event), leave in zip(EVENTS, itertools.cycle(EXITS), strict=False)
    ),
    *(f"{leave}<img src=http://127.0.0.1:9/{i} onerror={RUN}>" for i, leave in enumerate(EXITS)),
    *OTHER,
]
