"""What sign-in does our way: fresh sign-in, sealed second factors, and the names that providers tell."""

from base64 import b64decode, b64encode
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.utils.html import format_html
from qrcode.main import QRCode

from accounts.fresh import signed_in_lately
from accounts.models import User
from reconcile.secrets import seal, unseal

# A person belongs to no tenant; what seals their second factor names this place instead.
NO_ORGANIZATION = 0


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """One rule for all that is sensitive: who has just signed in has proved enough."""

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask again only when the last proof is too old."""
        return not signed_in_lately(context.request)


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps secrets of second factors sealed, and draws the QR code so that the browser's policy allows it."""

    def encrypt(self, text: str) -> str:
        """Seal a secret for the database."""
        return b64encode(seal(text, org_id=NO_ORGANIZATION, owner="person", field="mfa")).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open what `encrypt` sealed."""
        return unseal(b64decode(encrypted_text), org_id=NO_ORGANIZATION, owner="person", field="mfa")

    def generate_authenticator_name(self, user: User, type: Any) -> str:  # noqa: A002 - the name that allauth calls it by
        """Offer a name for a passkey that no other of the person's has."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return f"Passkey {count + 1}" if count else "Passkey"

    def build_totp_svg(self, url: str) -> str:
        """Draw the code as one path, without styles: the style sheet colours it."""
        code = QRCode(border=2)
        code.add_data(url)
        rows = code.get_matrix()
        dark = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, on in enumerate(row) if on)
        return format_html(
            '<svg class="qr" viewBox="0 0 {0} {0}" role="img" aria-label="QR code for your authenticator app">'
            '<path d="{1}"/></svg>',
            len(rows),
            dark,
        )


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """People have one name here, however a provider cuts it up."""

    def populate_user(self, request: Any, sociallogin: Any, data: dict[str, Any]) -> User:
        """Take over the name that the provider tells."""
        user: User = super().populate_user(request, sociallogin, data)
        parts = (data.get("first_name"), data.get("last_name"))
        user.name = (data.get("name") or " ".join(part for part in parts if part))[:150]
        return user
