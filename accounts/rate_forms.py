"""The forms of exchange rates: one typed, and a file of them."""

from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone

from accounts import ecb
from accounts.currencies import list_current
from accounts.exchange import MANUAL, Rate

HIGHEST = Decimal(10) ** 9


class RateForm(forms.Form):
    """Asks for one rate: 1 of the base is so much of the quote, from a day on."""

    base = forms.ChoiceField(label="1 of", error_messages={"invalid_choice": "Choose one from the list."})
    rate = forms.DecimalField(
        label="is",
        max_digits=24,
        decimal_places=12,
        error_messages=dict.fromkeys(
            ["required", "invalid", "max_digits", "max_decimal_places", "max_whole_digits"],
            "Enter a number such as 1.0832.",
        ),
        widget=forms.TextInput({"class": "input num", "inputmode": "decimal", "autocomplete": "off"}),
    )
    quote = forms.ChoiceField(label="of", error_messages={"invalid_choice": "Choose one from the list."})
    on = forms.DateField(
        label="Valid from",
        error_messages=dict.fromkeys(["required", "invalid"], "Enter a day."),
        widget=forms.DateInput({"type": "date", "class": "input date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Currency"), *((code, f"{code}, {name}") for code, name in list_current().items())]
        for name in ("base", "quote"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]
            self.fields[name].error_messages["required"] = "Choose a currency."

    def clean_rate(self) -> Decimal:
        """Refuse what is no rate."""
        rate: Decimal = self.cleaned_data["rate"]
        if not 0 < rate < HIGHEST:
            raise forms.ValidationError("Enter a number above 0.")
        return rate

    def clean_on(self) -> date:
        """Refuse a day that has not come: the newest rate counts, and that one would count at once."""
        day: date = self.cleaned_data["on"]
        if not ecb.FIRST_DAY <= day <= timezone.localdate():
            raise forms.ValidationError("Enter a day between 4 January 1999 and today.")
        return day

    def clean(self) -> dict[str, Any]:
        """Refuse a pair of one currency."""
        cleaned = super().clean() or {}
        if cleaned.get("base") and cleaned.get("base") == cleaned.get("quote"):
            self.add_error("quote", "Choose another currency than the first.")
        return cleaned

    @property
    def entered(self) -> Rate:
        """The rate that was typed; only of a valid form."""
        data = self.cleaned_data
        return Rate(data["base"], data["quote"], data["rate"], data["on"], MANUAL)


class FileForm(forms.Form):
    """Asks for a file of the European Central Bank, and reads it."""

    file = forms.FileField(
        label="File",
        error_messages={"required": "Choose a file.", "empty": "This file is empty. Download it again."},
        widget=forms.FileInput({"accept": ".xml,.csv"}),
    )

    def clean_file(self) -> Any:
        """Read the whole file; what is wrong with it is said row by row."""
        file = self.cleaned_data["file"]
        limit = settings.RATES_MAX_BYTES
        if (file.size or 0) > limit:
            raise forms.ValidationError(
                f"This file is larger than {limit // 1024 // 1024} MB, so it was not read. "
                "Choose the file of one day, or ask who runs Reconcile to raise the limit."
            )
        try:
            self.rates = ecb.read(file.read(), timezone.localdate())
        except ecb.Unreadable as refused:
            raise forms.ValidationError([refused.sentence, *refused.rows]) from None
        return file
