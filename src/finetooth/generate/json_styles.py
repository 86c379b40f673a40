"""The five styles of prompts, each a function of a ``Teller``: form, e-mail, log, chat, prose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from finetooth.generate.json_fields import Field, Spec
from finetooth.generate.json_render import (
    Teller,
    fields_of,
    framed,
    side_line,
    superseded_line,
)
from finetooth.generate.json_words import FIRST, Draw, person


def form(t: Teller) -> str:
    """Labelled lines, tables for lists, a footer."""
    d = t.d
    cap = d.choice((str.capitalize, str.title, str.upper))
    lines = [d.choice((t.spec.title, t.spec.title.upper(), f"# {t.spec.title}", f"** {t.spec.title} **"))]
    mark = d.choice(("", "", "- ", "* "))
    lines += [f"{mark}{cap(label)}: {shown}" for label, shown in t.facts()]
    for path, f, elements in t.lists():
        lines += ["", cap(f.said), *_table(t, path + "[].", f, elements, cap)]
    footer = superseded_line(t)
    if d.random() < 0.5:
        page = d.between(1, 3)
        footer = f"{footer} {d.choice((f'(page {page} of 3)', f'(copy {page}, office use)'))}".strip()
    if footer:
        lines += ["", footer]
    return framed(t.spec, d, "\n".join(lines))


def _table(
    t: Teller, path: str, f: Field, elements: list[dict[str, Any]], cap: Callable[[str], str]
) -> Iterator[str]:
    """A table where elements have plain fields only; else a block of labelled lines for each."""
    inner = f.items.fields if f.items is not None else ()
    if all(x.kind not in ("object", "array") for x in inner):
        shown = [x for x in inner if path + x.name not in t.unsaid]
        bar = " | "
        yield bar.join([cap(x.said) for x in shown])
        for one in elements:
            yield bar.join([t.show(x, one[x.name]) if one.get(x.name) is not None else "-" for x in shown])
        return
    for i, one in enumerate(elements):
        yield f"({i + 1})"
        yield from _block(t, path, inner, one, cap, "  ")


def _block(
    t: Teller, path: str, fields: tuple[Field, ...], one: dict[str, Any], cap: Callable[[str], str], pad: str
) -> Iterator[str]:
    for x in fields:
        value = one.get(x.name)
        if value is None or path + x.name in t.unsaid:
            continue
        if x.kind == "object":
            yield f"{pad}{cap(x.said)}"
            yield from _block(t, f"{path}{x.name}.", x.fields, value, cap, pad + "  ")
        elif x.kind == "array" and x.items is not None and x.items.fields:
            yield f"{pad}{cap(x.said)}"
            for line in _table(t, f"{path}{x.name}[].", x, value, cap):
                yield f"{pad}  {line}"
        else:
            yield f"{pad}{cap(x.said)}: {t.show(x, value)}"


def prose(t: Teller) -> str:
    """Running sentences, lists within them."""
    said = []
    for sentence, path, f in t.clauses():
        if f is None:
            said.append(sentence)
        else:
            told = [t.element(path + "[].", f, one) for one in t.value(path)]
            said.append(f"{_capital(f.said)}, {len(told)} in all, {'; '.join(told)}.")
    extra = superseded_line(t)
    if extra:
        said.insert(t.d.between(1, len(said)), extra)
    if t.d.random() < 0.3:
        said.append(side_line(t))
    return framed(t.spec, t.d, " ".join(said))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def email(t: Teller) -> str:
    """A message with a greeting, paragraphs, lists as bullets, a closing."""
    d = t.d
    to, sender = d.pick(FIRST), t.stray(person)
    parts = [
        d.choice((f"Hi {to},", f"Dear {to},", f"Hello {to},", f"{to},")),
        "",
        d.choice(
            (
                f"for the {t.spec.noun} we spoke of, here is everything.",
                f"as promised, the {t.spec.noun} in full.",
                f"could you enter this {t.spec.noun} today?",
                f"sorry for the delay, this {t.spec.noun} just reached me.",
                f"one more {t.spec.noun}, and then I leave you in peace.",
            )
        ),
    ]
    running: list[str] = []
    for sentence, path, f in t.clauses():
        if f is None:
            running.append(sentence)
            continue
        if running:
            parts.append(" ".join(running))
            running = []
        bullet = d.choice(("- ", "* ", "+ "))
        parts += ["", *(bullet + t.element(path + "[].", f, one) for one in t.value(path)), ""]
    if running:
        parts.append(" ".join(running))
    extra = [line for line in (superseded_line(t), side_line(t) if d.random() < 0.4 else "") if line]
    if extra:
        parts += ["", " ".join(extra)]
    parts += ["", d.choice(("Best", "Kind regards", "Thanks a lot", "Cheers")) + ",", sender]
    return framed(t.spec, d, "\n".join(parts))


def log(t: Teller) -> str:
    """One event as key=value, an element of a list a line; values as a program writes them."""
    d = t.d
    stamp = t.stray(lambda d: d.moment().strftime("%Y-%m-%dT%H:%M:%S") + f".{d.number(3)}Z")
    host = f"{d.choice(('app', 'web', 'job', 'edge'))}{d.between(1, 40):02}"
    head = f"{stamp} {d.choice(('INFO', 'NOTICE', 'DEBUG'))} {host} pid={t.stray(lambda d: str(d.number(5)))}"
    pairs, rows = [], []
    for path, value, f in _flat(t, t.spec.fields, t.values, "", ""):
        pair = f"{path}={_quoted(t.show(f, value))}"
        if "[" in path and path[-1] != "]":
            rows.append((path[: path.index("]") + 1], pair))
        else:
            pairs.append(pair)
    pairs.append(f"latency_ms={t.stray(lambda d: str(d.between(3, 900)))}")
    if d.random() < 0.6 and (found := t.superseded()) is not None:
        label, wrong, _ = found
        pairs.append(f"superseded.{label.replace(' ', '_')}={_quoted(wrong)}")
    lines = [f"{head} event={t.spec.id} {' '.join(pairs)}"]
    for name in dict.fromkeys(n for n, _ in rows):
        lines.append(f"{head} {' '.join(p for n, p in rows if n == name)}")
    return framed(t.spec, d, "\n".join(lines))


def _flat(
    t: Teller, fields: tuple[Field, ...], here: dict[str, Any], path: str, rule: str
) -> Iterator[tuple[str, Any, Field]]:
    for f in fields:
        value = here.get(f.name)
        if value is None or rule + f.name in t.unsaid:
            continue
        if f.kind == "object":
            yield from _flat(t, f.fields, value, f"{path}{f.name}.", f"{rule}{f.name}.")
        elif f.kind == "array" and f.items is not None:
            for i, one in enumerate(value):
                if f.items.fields:
                    yield from _flat(t, f.items.fields, one, f"{path}{f.name}[{i}].", f"{rule}{f.name}[].")
                else:
                    yield f"{path}{f.name}[{i}]", one, f.items
        else:
            yield path + f.name, value, f


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text or "=" in text else text


def chat(t: Teller) -> str:
    """Two people, one asking, one giving the values; now and then a correction."""
    d = t.d
    asks, gives = (n.lower() for n in d.some(FIRST, 2))
    minute = d.between(0, 1200)
    lines: list[str] = []
    form = d.choice(("[{}] {}> {}", "[{}] <{}> {}", "({}) {}, {}"))

    def say(who: str, text: str) -> None:
        nonlocal minute
        minute += d.below(2)
        lines.append(form.format(f"{minute // 60:02}.{minute % 60:02}", who, text))

    say(
        gives,
        d.choice(
            (f"got a {t.spec.noun} for you", f"hey, new {t.spec.noun}", "are you at your desk?", "ready?")
        ),
    )
    say(asks, d.choice(("go ahead", "shoot", "yep, typing", "sure, what is it")))
    facts = t.facts()
    found = t.superseded() if d.random() < 0.6 else None
    while facts:
        size = d.between(1, 3)
        some, facts = facts[:size], facts[size:]
        if d.random() < 0.3:
            say(asks, f"{some[0][0]}?")
            say(gives, ", ".join([some[0][1], *(f"{label} {shown}" for label, shown in some[1:])]))
        else:
            say(gives, ", ".join(f"{label} {shown}" for label, shown in some))
    for path, f, elements in t.lists():
        say(asks, f"and the {f.said}?")
        for one in elements:
            say(gives, t.element(path + "[].", f, one))
    if found is not None:
        label, wrong, right = found
        say(asks, f"my screen says {label} {wrong}")
        say(gives, f"no, that is out of date, keep {right}")
    say(asks, d.choice(("noted", "thanks, done", "all in", "perfect")))
    return framed(t.spec, d, "\n".join(lines))


STYLES: dict[str, Callable[[Teller], str]] = {
    "form": form, "email": email, "log": log, "chat": chat, "prose": prose,
}  # fmt: skip


def render(spec: Spec, values: dict[str, Any], d: Draw, style: str) -> tuple[str, list[str]]:
    """The prompt, and what stands in it besides that must not be copied."""
    t = Teller(spec, values, d, raw=style == "log")
    return STYLES[style](t), t.distractors


def unmentioned(spec: Spec) -> list[str]:
    """Fields that the prose of a schema forgets; empty for a schema that is whole."""
    from finetooth.generate.json_render import _parts

    fields = fields_of(spec)
    told = {hole for clause in spec.prose for hole in _parts(clause)[1]}
    for path, f in fields.items():
        if f.kind == "array" and f.phrase:
            told |= {f"{path}[].{hole}" for part in f.phrase for hole in _parts(part)[1]}
    return [p for p, f in fields.items() if f.kind != "object" and p not in told]
