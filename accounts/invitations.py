"""Inviting people (A4): made, sent again, revoked and accepted; the token itself is only in the mail."""

import secrets

from allauth.account.models import EmailAddress
from django.db import connection, transaction
from django.utils import timezone

from accounts import audit
from accounts.invitation_models import hash_token, next_expiry
from accounts.models import Invitation, Membership, User
from accounts.people import Refused, must_own
from accounts.roles import Role


def invite(org_id: int, email: str, role: Role, *, by: User) -> tuple[Invitation, str]:
    """Make an invitation; gives it with the token for its mail. Raises Refused.

    An open one for the same address is replaced, so that one link alone leads in.
    """
    email = email.lower()
    with transaction.atomic():
        must_own(org_id, by)
        if Membership.objects.filter(org_id=org_id, user__email=email).exists():
            raise Refused(f"{email} is a member already.")
        now, token = timezone.now(), secrets.token_urlsafe(32)
        still_open = Invitation.objects.filter(org_id=org_id, email=email, accepted_at=None, revoked_at=None)
        still_open.update(revoked_at=now)
        invitation = Invitation.objects.create(
            org_id=org_id, email=email, role=role, token_hash=hash_token(token), invited_by=by
        )
        _record(invitation, by, "invited", new={"e-mail": email, "role": role.label})
        return invitation, token


def renew(org_id: int, invitation_id: int, *, by: User) -> tuple[Invitation, str]:
    """Give an open invitation a new token and time; the link of the mail before is void. Raises Refused."""
    with transaction.atomic():
        invitation = _lock(org_id, invitation_id, by)
        token = secrets.token_urlsafe(32)
        invitation.token_hash, invitation.sent_at = hash_token(token), timezone.now()
        invitation.expires_at = next_expiry()
        invitation.save(update_fields=["token_hash", "sent_at", "expires_at"])
        _record(invitation, by, "sent invitation again")
        return invitation, token


def revoke(org_id: int, invitation_id: int, *, by: User) -> Invitation:
    """Take an open invitation back. Raises Refused."""
    with transaction.atomic():
        invitation = _lock(org_id, invitation_id, by)
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])
        _record(invitation, by, "revoked invitation")
        return invitation


def find_organization(token: str) -> int | None:
    """Ask the database's door to which organization a token belongs; None when there is no such token."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT invitation_organization(%s)", [hash_token(token)])
        (org_id,) = cursor.fetchone()
    return org_id  # type: ignore[no-any-return]


def find(token: str) -> Invitation | None:
    """Find the invitation of a token; needs its organization's scope."""
    return Invitation.objects.select_related("org", "invited_by").filter(token_hash=hash_token(token)).first()


def accept(org_id: int, token: str, user: User) -> Membership:
    """Make the person a member, once. Raises Refused when the invitation was used, revoked, or is another's."""
    with transaction.atomic():
        audit.hold(org_id)
        invitation = find(token)
        if invitation is None or not invitation.is_usable:
            raise Refused("This invitation no longer works.")
        if not holds(user, invitation.email):
            raise Refused(f"This invitation is for {invitation.email}.")
        if Membership.objects.filter(org_id=org_id, user=user).exists():
            raise Refused("You are a member already.")
        member = Membership.objects.create(org_id=org_id, user=user, role=invitation.role)
        invitation.accepted_at = timezone.now()
        invitation.save(update_fields=["accepted_at"])
        _record(invitation, user, "accepted invitation", new={"role": invitation.get_role_display()})
        return member


def join_newly(org_id: int, token: str, name: str, password: str) -> User:
    """Make an account for the address that the invitation went to, and its person a member. Raises Refused.

    The address counts as confirmed: the token came out of its mailbox.
    """
    with transaction.atomic():
        audit.hold(org_id)
        invitation = find(token)
        if invitation is None or not invitation.is_usable:
            raise Refused("This invitation no longer works.")
        if has_account(invitation.email):
            raise Refused("There is an account with this address already. Sign in with it to join.")
        user = User.objects.create_user(invitation.email, password, name=name)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        accept(org_id, token, user)
        return user


def holds(user: User, email: str) -> bool:
    """Say whether an address is this person's: the one they sign in with, or another that they have confirmed."""
    return user.email == email or EmailAddress.objects.filter(user=user, email=email, verified=True).exists()


def has_account(email: str) -> bool:
    """Say whether somebody signs in with an address; only for who has proved to hold it."""
    return (
        User.objects.filter(email=email).exists()
        or EmailAddress.objects.filter(email=email, verified=True).exists()
    )


def _lock(org_id: int, invitation_id: int, by: User) -> Invitation:
    must_own(org_id, by)
    invitation = Invitation.objects.select_related("org").get(org_id=org_id, pk=invitation_id)
    if not invitation.is_open:
        raise Refused("This invitation was used or revoked meanwhile.")
    return invitation


def _record(invitation: Invitation, by: User, verb: str, new: dict[str, str] | None = None) -> None:
    audit.record(
        invitation.org_id, actor=by, verb=verb, subject=f"invitation:{invitation.pk}", label=invitation.email,
        new=new,
    )  # fmt: skip
