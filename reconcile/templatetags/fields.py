"""How a form field is drawn: label, control, help or error, wired together for screen readers."""

from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, Select, Textarea

register = template.Library()


def _kind(bound: BoundField) -> str:
    widget = bound.field.widget
    if isinstance(widget, CheckboxInput):
        return "tick"
    return "select" if isinstance(widget, Select) else "input"


@register.inclusion_tag("shell/field.html")
def field(bound: BoundField, help: str | None = None, label: str = "") -> dict[str, Any]:  # noqa: A002
    """Draw one field; `help` (else the form's own) stands below it until an error takes its place.

    A placeholder is dropped: the label above says the same and stays.
    """
    kind = _kind(bound)
    bound.help_text = bound.help_text if help is None else help
    if not isinstance(bound.field.widget, Textarea | Select | CheckboxInput):
        bound.field.widget.attrs.pop("placeholder", None)
    attrs: dict[str, str | bool] = {} if kind == "select" else {"class": kind}
    if bound.errors:
        # The error stands in the place of the help, so it alone describes the control.
        attrs["aria-describedby"] = f"{bound.auto_id}_error"
    return {
        "field": bound,
        "kind": kind,
        "label": label or bound.label,
        "control": bound.as_widget(attrs=attrs),
    }
