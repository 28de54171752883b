"""The form of an integration: where it is, how its certificate is treated, and one of its ways to sign in."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms import BoundField

from reconcile.credential_form import CredentialForm, offer
from vendors.adapters.base import VendorField, VendorKind
from vendors.models import Integration

WHY_NAMES = "They show who is behind a change, and rules that leave some of them out need them."


class IntegrationForm(CredentialForm):
    """Asks for what one vendor instance needs; of several ways to sign in, only the chosen one counts."""

    base_url = forms.URLField(
        label="Address",
        max_length=300,
        assume_scheme="https",
        error_messages={
            "required": "Enter its address.",
            "invalid": "Enter an address such as https://vspc.example:1280.",
        },
        widget=forms.URLInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    verify_tls = forms.BooleanField(
        label="Check its certificate",
        required=False,
        initial=True,
        help_text="Untick this only for a self-signed certificate on your own server: without the check, whoever "
        "stands between could read what we sign in with.",
    )
    reads_names = forms.BooleanField(
        label="Read the names behind its counts",
        required=False,
        initial=True,
    )
    sign_in = forms.ChoiceField(required=False, error_messages={"invalid_choice": "Choose how we sign in."})

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        kind: VendorKind,
        integration: Integration | None = None,
        name: str = "",
    ) -> None:
        self.kind = kind
        self.ways = list(dict.fromkeys(one.way for one in kind.fields if one.way))
        stored = {**integration.fields, **integration.secrets} if integration else {}
        super().__init__(
            data,
            asked=kind.fields,
            stored=integration.fields if integration else {},
            kept=integration.secrets if integration else (),
            address=integration.base_url if integration else "",
            initial={
                "name": integration.name if integration else name or kind.label,
                "base_url": integration.base_url if integration else "",
                "expires_on": integration.credentials_expire_on if integration else None,
                "verify_tls": integration.verify_tls if integration else True,
                "reads_names": integration.reads_names if integration else True,
                "sign_in": next((one.way for one in kind.fields if one.way and stored.get(one.name)), ""),
            },
        )
        self.fields["base_url"].help_text = kind.address_help
        self.fields["reads_names"].help_text = f"{kind.names_help} {WHY_NAMES}"
        offer(self, "sign_in", [(way, way) for way in self.ways])
        for one in kind.fields:
            # What is needed follows from the way chosen: see clean().
            self.fields[one.name].required = self.fields[one.name].required and not one.way

    def clean(self) -> dict[str, Any]:
        """Ask for every field of the way chosen."""
        super().clean()
        for one in self.wanted():
            missing = one.way and one.required and not self.cleaned_data.get(one.name)
            if missing and one.name not in self.kept and one.name not in self.errors:
                self.add_error(one.name, self.fields[one.name].error_messages["required"])
        return self.cleaned_data

    def wanted(self) -> Sequence[VendorField]:
        """Give the fields that belong to no way, and those of the chosen one."""
        return [one for one in self.kind.fields if one.way in ("", self.chosen_way)]

    @property
    def chosen_way(self) -> str:
        """Give the way to sign in that counts: the first until another is chosen."""
        chosen = str(self["sign_in"].value() or "")
        return chosen if chosen in self.ways else next(iter(self.ways), "")

    def shared_inputs(self) -> list[BoundField]:
        """Give the inputs that every way needs."""
        return [self[one.name] for one in self.kind.fields if not one.way]

    def inputs_by_way(self) -> list[tuple[str, list[BoundField]]]:
        """Give each way to sign in with its inputs."""
        return [(way, [self[one.name] for one in self.kind.fields if one.way == way]) for way in self.ways]
