"""Shows values that people gave in messages about them. It needs no library: every command may load it."""

from __future__ import annotations


def shown(value: object) -> str:
    """A value of the file as messages show it: short, on one line.

    >>> shown(True), shown("0.9"), shown({"a": 1})
    ('true', "'0.9'", 'a mapping')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        text = f"[{', '.join(shown(item) for item in value[:20])}]"
    else:
        text = repr(str(value) if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:56]}...{text[-1]}"
