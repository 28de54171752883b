"""The forms that choose a role, that invite somebody, and with which an invited person makes an account."""

from typing import Any

from allauth.account.adapter import get_adapter
from django import forms

from accounts.models import User
from accounts.roles import Role

NO_ROLE = "Choose one of the roles."


class RoleForm(forms.Form):
    """Asks for one of the five roles."""

    role = forms.TypedChoiceField(
        choices=Role.choices,
        coerce=lambda value: Role(int(value)),
        error_messages={"required": NO_ROLE, "invalid_choice": NO_ROLE},
    )


class InviteForm(RoleForm):
    """Asks whom to invite, and as what."""

    email = forms.EmailField(
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "off"}),
        error_messages={"required": "Say where the invitation goes.", "invalid": "Enter an e-mail address."},
    )


class NewPersonForm(forms.Form):
    """Asks an invited person without an account for a name and a password."""

    name = forms.CharField(
        max_length=150,
        widget=forms.TextInput({"autocomplete": "name"}),
        error_messages={"required": "Say how your team knows you."},
    )
    password1 = forms.CharField(
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        error_messages={"required": "Choose a password."},
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_name(self) -> str:
        """Refuse what the database can't hold."""
        return str(self.cleaned_data["name"]).replace("\x00", "")

    def clean_password1(self) -> str:
        """Hold the password to the same rules as everybody's."""
        person = User(email=self.email, name=self.cleaned_data.get("name", ""))
        return str(get_adapter().clean_password(self.cleaned_data["password1"], person))
