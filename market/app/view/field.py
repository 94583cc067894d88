"""A field of the form: text while it is typed, a value once it can be read as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import solara


@solara.component_vue("field.vue")
def _Field(
    name: str,
    label: str,
    value: str,
    version: int,
    kind: str,
    choices: list[str],
    hint: str,
    fault: str,
    event_changed: Callable[[str], None],
    event_entered: Callable[[str], None],
) -> None:
    """The widget."""


def input_field(
    name: str,
    label: str,
    value: str,
    changed: Callable[[str], None],
    entered: Callable[[str], None] = lambda text: None,
    *,
    version: int = 0,
    kind: str = "number",
    choices: Sequence[str] = (),
    hint: str = "",
    fault: str = "",
) -> None:
    """A number, one of `choices`, or a switch (`kind`: `number` or `switch`) that reports each key.

    entered : told the text when Enter is pressed
    version : another one puts `value` back into the field, whatever was typed there
    """
    _Field(
        name=name,
        label=label,
        value=value,
        version=version,
        kind=kind,
        choices=list(choices),
        hint=hint,
        fault=fault,
        event_changed=changed,
        event_entered=entered,
    )
