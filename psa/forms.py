"""The forms of a PSA connection: where it is and how to sign in, and how it bills."""

from collections.abc import Collection, Mapping
from typing import Any

from django import forms

from psa.adapters.base import CHANGES, PsaKind
from psa.models import AgreementType, Connection
from reconcile.credential_form import CredentialForm, offer

CLOUD, OWN = "cloud", "own"
CURRENCIES = {
    "USD": "US dollar", "EUR": "euro", "GBP": "pound sterling", "CAD": "Canadian dollar",
    "AUD": "Australian dollar", "NZD": "New Zealand dollar", "ZAR": "South African rand",
    "AED": "UAE dirham", "BRL": "Brazilian real", "CHF": "Swiss franc", "CZK": "Czech koruna",
    "DKK": "Danish krone", "HKD": "Hong Kong dollar", "HUF": "Hungarian forint", "ILS": "Israeli shekel",
    "INR": "Indian rupee", "JPY": "Japanese yen", "MXN": "Mexican peso", "MYR": "Malaysian ringgit",
    "NOK": "Norwegian krone", "PHP": "Philippine peso", "PLN": "Polish zloty", "RON": "Romanian leu",
    "SAR": "Saudi riyal", "SEK": "Swedish krona", "SGD": "Singapore dollar", "THB": "Thai baht",
}  # fmt: skip


class ConnectionForm(CredentialForm):
    """Asks where a PSA of one kind is (a region of its cloud, or an address typed) and for its keys."""

    place = forms.ChoiceField(choices=[(CLOUD, "In its cloud"), (OWN, "On our own server")], required=False)
    region = forms.ChoiceField(label="Region", required=False)
    base_url = forms.URLField(
        label="Site address",
        required=False,
        max_length=300,
        assume_scheme="https",
        help_text="As you open it in the browser, without a path.",
        error_messages={"invalid": "Enter an address such as https://psa.example."},
        widget=forms.URLInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, kind: PsaKind, connection: Connection | None = None
    ) -> None:
        self.kind = kind
        address = connection.base_url if connection else ""
        regions = {url for url, _ in kind.regions}
        place = CLOUD if regions and (not connection or address in regions) else OWN
        super().__init__(
            data,
            asked=kind.fields,
            stored=connection.fields if connection else {},
            kept=connection.secrets if connection else (),
            address=address,
            initial={
                "name": connection.name if connection else kind.label,
                "place": place,
                "region": address if place == CLOUD else "",
                "base_url": address if place == OWN else "",
                "expires_on": connection.credentials_expire_on if connection else None,
            },
        )
        offer(self, "region", list(kind.regions))

    def clean(self) -> dict[str, Any]:
        """Settle the address from where the PSA is said to run."""
        place = self.chosen_place
        if place == CLOUD:
            self.cleaned_data["base_url"] = self.cleaned_data.get("region") or ""
            self.errors.pop("base_url", None)
        if "base_url" not in self.errors and not self.cleaned_data.get("base_url"):
            self.add_error(self.place_of("base_url"), "Say where it runs.")
        return super().clean()

    @property
    def both_places(self) -> bool:
        """Say whether there is a choice between the cloud and an own server."""
        return bool(self.kind.regions) and self.kind.self_hosted

    @property
    def chosen_place(self) -> str:
        """Give where the PSA is said to run."""
        if not self.both_places:
            return CLOUD if self.kind.regions else OWN
        return OWN if self["place"].value() == OWN else CLOUD

    def place_of(self, name: str) -> str:
        """Show what is wrong with the address at the region when that is what was chosen."""
        return "region" if name == "base_url" and self.chosen_place == CLOUD else name


class BillingForm(forms.Form):
    """Asks how a connected PSA bills, and which of its agreement types are compared (B3)."""

    currency = forms.ChoiceField(label="Currency")
    way = forms.ChoiceField(choices=[(way.value, way.value) for way in CHANGES])
    ends_inclusive = forms.TypedChoiceField(
        choices=[("yes", "yes"), ("no", "no")], coerce=lambda value: value == "yes"
    )
    types = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        error_messages={"invalid_choice": "One of these types is gone. Look at the list again."},
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        connection: Connection,
        types: Collection[AgreementType],
    ) -> None:
        super().__init__(
            data,
            initial={
                "currency": connection.currency,
                "way": connection.way,
                "ends_inclusive": "yes" if connection.ends_inclusive else "no",
                "types": [kind.pk for kind in types if kind.in_scope],
            },
        )
        self.known_types = types
        offer(self, "types", [(kind.pk, kind.name) for kind in types])
        names = CURRENCIES | {connection.currency: CURRENCIES.get(connection.currency, "")}
        offer(self, "currency", [(code, f"{code}, {name}" if name else code) for code, name in names.items()])

    def clean_types(self) -> list[int]:
        """Refuse an empty choice: every agreement would leave the comparison."""
        chosen: list[int] = self.cleaned_data["types"]
        if self.known_types and not chosen:
            raise forms.ValidationError("Keep at least one type; otherwise nothing would be compared.")
        return chosen
