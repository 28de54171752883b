"""The form that connects another system: an address, and what its registry line asks for; secrets go in, never out."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, cast

from django import forms
from django.forms import BoundField

from reconcile.http.verdicts import SECRET, Verdict

LONGEST = 500
MOVED = "The address has changed, so what was stored is not sent there. Enter it again."
KEPT = "Stored, and never shown again. Leave it empty to keep it."


class Asked(Protocol):
    """One input that a registry line asks for."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def secret(self) -> bool: ...
    @property
    def required(self) -> bool: ...
    @property
    def help(self) -> str: ...
    @property
    def initial(self) -> str: ...


def offer(form: forms.Form, name: str, choices: Sequence[tuple[Any, str]]) -> None:
    """Set the choices of one of a form's choice fields."""
    cast(forms.ChoiceField, form.fields[name]).choices = list(choices)


class CredentialForm(forms.Form):
    """Asks for a name, an address (the subclass says how) and the fields of one kind of system.

    `stored` are the values kept so far that are not secret, `kept` the names of the secrets kept so far,
    `address` is the one in use. An empty secret keeps what is stored, unless the address has changed.
    """

    name = forms.CharField(
        max_length=120, label="Name", error_messages={"required": "Give it a name that your team will know."}
    )

    expires_on = forms.DateField(
        label="Last day of the key",
        required=False,
        help_text="If it ends. Admins are told 14 and 3 days before.",
        error_messages={"invalid": "Enter a date such as 2027-06-30, or leave it empty."},
        widget=forms.DateInput({"type": "date", "class": "input date"}, format="%Y-%m-%d"),
    )

    def __init__(
        self,
        *args: Any,
        asked: Sequence[Asked],
        stored: Mapping[str, str],
        kept: Collection[str],
        address: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.asked, self.kept, self.address = asked, frozenset(kept), address
        for one in asked:
            self.fields[one.name] = self._input(one, stored)

    def _input(self, one: Asked, stored: Mapping[str, str]) -> forms.CharField:
        kept = one.name in self.kept
        shared: dict[str, Any] = {
            "label": one.label,
            "max_length": LONGEST,
            "required": one.required and not kept,
            "help_text": KEPT if kept else one.help,
            "error_messages": {"required": f"Enter the {one.label[:1].lower()}{one.label[1:]}."},
        }
        if one.secret:
            # A browser that fills in the password of Reconcile itself would send it to somebody else.
            hidden = forms.PasswordInput({"autocomplete": "new-password", "spellcheck": "false"})
            return forms.CharField(**shared, widget=hidden)
        plain = forms.TextInput({"autocomplete": "off", "spellcheck": "false"})
        return forms.CharField(**shared, widget=plain, initial=stored.get(one.name, one.initial))

    def clean(self) -> dict[str, Any]:
        """Ask again for the secrets that were kept for another address."""
        super().clean()
        for one in self.wanted():
            if one.secret and one.name in self.kept and self.moved and not self.cleaned_data.get(one.name):
                self.add_error(one.name, MOVED)
        return self.cleaned_data

    def wanted(self) -> Sequence[Asked]:
        """Give the inputs that count; a subclass that offers several ways to sign in gives those of one."""
        return self.asked

    def asked_inputs(self) -> list[BoundField]:
        """Give the inputs that the registry line asks for."""
        return [self[one.name] for one in self.asked]

    @property
    def moved(self) -> bool:
        """Say whether the address is another than the one in use."""
        chosen = str(self.cleaned_data.get("base_url") or "")
        return bool(self.address and chosen) and chosen.rstrip("/") != self.address.rstrip("/")

    def plain_values(self) -> dict[str, str]:
        """Give what is not secret."""
        return {one.name: self.cleaned_data[one.name] for one in self.wanted() if not one.secret}

    def new_secrets(self) -> dict[str, str]:
        """Give the secrets that were entered now."""
        secrets = {one.name: self.cleaned_data[one.name] for one in self.wanted() if one.secret}
        return {name: value for name, value in secrets.items() if value}

    def kept_secrets(self) -> set[str]:
        """Give the names of stored secrets that stay in use."""
        secret = {one.name for one in self.wanted() if one.secret}
        return set() if self.moved else (secret & self.kept) - set(self.new_secrets())

    def show(self, verdict: Verdict) -> None:
        """Put the verdict of a test at the input it belongs to."""
        name = verdict.field
        if name == SECRET:
            name = next((one.name for one in self.wanted() if one.secret), "")
        self.add_error(self.place_of(name) if name in self.fields else None, verdict.sentence)

    def place_of(self, name: str) -> str:
        """Give the input that shows errors of this field; for a subclass that asks in several."""
        return name
