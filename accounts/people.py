"""The people of an organization (A3): their roles, removing them, and leaving. There is always an owner."""

from django.db import transaction

from accounts import audit
from accounts.models import Membership, User
from accounts.roles import Role


class Refused(Exception):
    """Nothing was changed; the message says why, and who can help."""


LAST_OWNER = "An organization needs an owner. Make somebody else an owner first."


def change_role(org_id: int, member_id: int, role: Role, *, by: User) -> bool:
    """Give a member another role; says whether it is another. Raises Refused, and Membership.DoesNotExist."""
    with transaction.atomic():
        member = _lock(org_id, member_id, by)
        if member.role == role:
            return False
        if role is not Role.OWNER:
            _keep_an_owner(member)
        old, member.role = member.get_role_display(), role
        member.save(update_fields=["role"])
        audit.record(
            org_id, actor=by, verb="changed role", subject=f"member:{member.pk}", label=str(member.user),
            old={"role": old}, new={"role": role.label},
        )  # fmt: skip
        return True


def remove(org_id: int, member_id: int, *, by: User) -> Membership:
    """Take a member out of the organization. Raises Refused, and Membership.DoesNotExist."""
    with transaction.atomic():
        return _end(_lock(org_id, member_id, by), by, "removed member")


def leave(member: Membership) -> None:
    """Let a member go. Raises Refused for the last owner."""
    with transaction.atomic():
        audit.hold(member.org_id)
        _end(
            Membership.objects.select_related("user").get(pk=member.pk), member.user, "left the organization"
        )


def must_own(org_id: int, by: User) -> None:
    """Hold the trail and ask again: between the click and now, another owner may have changed this one's role."""
    audit.hold(org_id)
    if not Membership.objects.filter(org_id=org_id, user=by, role=Role.OWNER).exists():
        raise Refused("You are no longer an owner here.")


def _lock(org_id: int, member_id: int, by: User) -> Membership:
    """Find the member. Whoever changes members holds the trail first, so that they come one after the other."""
    must_own(org_id, by)
    return Membership.objects.select_related("user").get(org_id=org_id, pk=member_id)


def _keep_an_owner(member: Membership) -> None:
    owners = Membership.objects.filter(org_id=member.org_id, role=Role.OWNER)
    if not owners.exclude(pk=member.pk).exists():
        raise Refused(LAST_OWNER)


def _end(member: Membership, by: User, verb: str) -> Membership:
    _keep_an_owner(member)
    member_id = member.pk
    member.delete()
    audit.record(
        member.org_id, actor=by, verb=verb, subject=f"member:{member_id}", label=str(member.user),
        old={"e-mail": member.user.email, "role": member.get_role_display()},
    )  # fmt: skip
    return member
