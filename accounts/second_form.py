"""The part of the reconciliation settings that asks for a second approver (E10)."""

from decimal import Decimal
from typing import Any

from django import forms

from accounts.currencies import read_code
from accounts.models import Membership
from accounts.roles import Role
from reconcile.form_fields import ShortDecimalField

LARGEST = Decimal(10) ** 9


class SecondApproverForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks from which amount on; nothing is stored as an amount while it is switched off."""

    ask_second = forms.BooleanField(required=False, widget=forms.CheckboxInput({"class": "tick"}))
    second_from = ShortDecimalField(
        required=False,
        min_value=0,
        max_value=LARGEST,
        decimal_places=2,
        widget=forms.TextInput({"class": "input num", "inputmode": "decimal"}),
        error_messages=dict.fromkeys(
            ["invalid", "min_value", "max_value", "max_decimal_places"],
            "Enter an amount from 0 up, with at most two decimals.",
        ),
    )
    second_currency = forms.CharField(
        required=False, max_length=3, widget=forms.TextInput({"class": "input tiny", "autocomplete": "off"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ask_second"].initial = self.instance.second_from is not None

    def clean_second_currency(self) -> str:
        """Keep what is stored when a form names none; anything else is an ISO code."""
        return read_code(self.cleaned_data["second_currency"] or self.instance.second_currency)

    def clean(self) -> dict[str, Any]:
        """Demand an amount while a second approver is asked for, and forget it while not."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.pop("ask_second", False):
            cleaned["second_from"] = None
        elif cleaned.get("second_from") is None and "second_from" not in self.errors:
            self.add_error("second_from", "Enter the amount from which a second approver must agree.")
        return cleaned


def count_approvers(org_id: int) -> int:
    """Count who may approve; one alone can never be the second."""
    return Membership.objects.filter(org_id=org_id, role__gte=Role.APPROVER, user__is_active=True).count()
