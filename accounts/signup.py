"""The sign-up form's own fields: signing up founds an organization (A1)."""

from django import forms
from django.http import HttpRequest

from accounts.models import Organization, User


class OrganizationFields(forms.Form):
    """Asks for the organization's name; the sign-up form adds e-mail and password to it."""

    organization = forms.CharField(
        max_length=120,
        label="Organization",
        widget=forms.TextInput({"autocomplete": "organization"}),
        error_messages={"required": "Say which organization this is for."},
    )

    def signup(self, request: HttpRequest, user: User) -> None:
        """Found the organization with the new person as its owner."""
        Organization.found(name=self.cleaned_data["organization"], owner=user)
