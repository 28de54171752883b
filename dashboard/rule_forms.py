"""The form of the standing rule (E15)."""

from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.db.models import Exists, OuterRef, QuerySet

from accounts.currencies import read_code
from dashboard.models import Card
from dashboard.rule_models import StandingRule
from psa.models import Account, Service
from reconcile.form_fields import ShortDecimalField

WRONG_UNITS = "Enter a number of units above 0, at most 1,000."
WRONG_MONEY = "Enter an amount above 0, at most 100,000."


def _number(most: str, places: int, sentence: str) -> ShortDecimalField:
    return ShortDecimalField(
        min_value=Decimal(1).scaleb(-places),
        max_value=Decimal(most),
        decimal_places=places,
        widget=forms.TextInput({"class": "input num", "inputmode": "decimal"}),
        error_messages=dict.fromkeys(
            ["required", "invalid", "min_value", "max_value", "max_decimal_places", "max_digits"], sentence
        ),
    )


def _list() -> forms.SelectMultiple:
    return forms.SelectMultiple({"class": "input several", "size": 6})


class StandingRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks for both limits, a direction, and the services and accounts that it is about."""

    max_units = _number("1000", 2, WRONG_UNITS)
    max_money = _number("100000", 2, WRONG_MONEY)
    services = forms.ModelMultipleChoiceField(Service.objects.none(), required=False, widget=_list())
    accounts = forms.ModelMultipleChoiceField(Account.objects.none(), required=False, widget=_list())

    class Meta:
        model = StandingRule
        fields: ClassVar = [
            "active",
            "max_units",
            "max_money",
            "currency",
            "direction",
            "services",
            "accounts",
        ]
        widgets: ClassVar = {
            "active": forms.CheckboxInput({"class": "tick switch"}),
            "currency": forms.TextInput({"class": "input tiny", "autocomplete": "off"}),
        }

    def __init__(self, *args: Any, org_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["services"].queryset = _with_cards(Service.objects.filter(org_id=org_id), "service")  # type: ignore[attr-defined]
        self.fields["accounts"].queryset = _with_cards(Account.objects.filter(org_id=org_id), "account")  # type: ignore[attr-defined]

    def clean_currency(self) -> str:
        """Demand a currency's three letters."""
        return read_code(self.cleaned_data["currency"])

    def clean_services(self) -> list[int]:
        """Keep ids: the version must say the same for ever."""
        return sorted(one.pk for one in self.cleaned_data["services"])

    def clean_accounts(self) -> list[int]:
        """Keep ids, as for services."""
        return sorted(one.pk for one in self.cleaned_data["accounts"])


def _with_cards(rows: QuerySet[Any], name: str) -> QuerySet[Any]:
    cards = Card.objects.filter(**{name: OuterRef("pk")}, org_id=OuterRef("org_id"), line__isnull=False)
    return rows.filter(Exists(cards)).order_by("name", "pk")
