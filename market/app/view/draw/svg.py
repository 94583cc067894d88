"""Writes SVG as text: elements, escaped content, whole drawings."""

from __future__ import annotations

from html import escape

INK, SOFT, RULE = "#1f2933", "#5f6b76", "#dfe3e8"


def tag(name: str, content: str = "", /, **attributes: object) -> str:
    """An element. Underscores in attribute names become hyphens; `class_` is `class`; None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def _value(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else escape(str(value), quote=True)


def text(x: float, y: float, content: str, size: float = 12, **attributes: object) -> str:
    """A line of text; names that come from a scenario are escaped here."""
    return tag("text", escape(content), x=x, y=y, font_size=size, **({"fill": INK} | attributes))


def text_width(content: str, size: float, *, bold: bool = False) -> float:
    """How wide a line of text is at most, about: letters of a wide face, since the reader's is not known."""
    return len(content) * size * (0.71 if bold else 0.65)


def title(content: str) -> str:
    """What the browser shows when the pointer rests on the element around it."""
    return tag("title", escape(content))


def line(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> str:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, **({"stroke": SOFT} | attributes))


def rect(x: float, y: float, width: float, height: float, content: str = "", /, **attributes: object) -> str:
    """A rectangle."""
    return tag("rect", content, x=x, y=y, width=max(0.0, width), height=max(0.0, height), **attributes)


def drawing(
    width: float, height: float, *content: str, name: str, label: str, role: str = "img", **attributes: object
) -> str:
    """A whole picture that fills the width it is given. `name` is its class, `label` what it shows.

    role : what it is to somebody who hears it, `img`, or `group` where parts of it can be reached one by one
    """
    return tag(
        "svg",
        "".join(content),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        class_=f"drawing {name}",
        role=role,
        aria_label=label,
        **attributes,
    )


def notice(width: float, height: float, words: str, *, name: str) -> str:
    """A picture that says in words why it is empty."""
    words_there = text(width / 2, height / 2, words, 14, text_anchor="middle", fill=SOFT)
    return drawing(width, height, words_there, name=name, label=words)
