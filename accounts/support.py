"""Support (A5): where a ticket is opened, what its link carries, and feedback."""

from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.utils import timezone

from accounts import audit, letters
from accounts.models import Membership
from accounts.notice_models import Feedback


class TooOften(Exception):
    """This person has sent enough feedback for an hour; nothing was kept."""


def ticket_link(reference: str = "", *, slug: str = "", cause: str = "") -> str:
    """Give the address that opens a support ticket: the portal's, or an e-mail where there is none.

    It carries our own reference, the organization's slug and the kind of cause: nothing that another
    system said, no name and no secret.
    """
    said = ", ".join(part for part in (_own(reference), slug, cause) if part)
    new_ticket = str(settings.SUPPORT_PORTAL_NEW_URL)
    if not new_ticket:
        subject = f"?subject={quote(said, safe='')}" if said else ""
        return f"mailto:{settings.SUPPORT_EMAIL}{subject}"
    if not said:
        return new_ticket
    portal = urlsplit(new_ticket)
    kept = parse_qsl(portal.query, keep_blank_values=True)
    query = urlencode([*kept, (settings.SUPPORT_PORTAL_REFERENCE_PARAMETER, said)])
    return urlunsplit(portal._replace(query=query))


def give_feedback(member: Membership, text: str) -> Feedback:
    """Keep what a member wrote and put it into the outbox to support; raises TooOften. Needs the scope."""
    # Whoever else of the organization writes waits here, so that the count below stays true.
    audit.hold(member.org_id)
    since = timezone.now() - timedelta(hours=1)
    if Feedback.objects.filter(by=member.user, created_at__gte=since).count() >= settings.FEEDBACK_PER_HOUR:
        raise TooOften
    draft = letters.Draft(
        to=settings.SUPPORT_EMAIL,
        reply_to=member.user.email,
        subject=f"Feedback from {member.org.slug}",
        body=f"{text}\n\n-- \n{member.user.email}, {member.get_role_display()} in {member.org.name}",
    )
    (letter,) = letters.write(member.org_id, [draft])
    feedback = Feedback.objects.create(org_id=member.org_id, by=member.user, text=text, letter=letter)
    audit.record(member.org_id, actor=member.user, verb="sent feedback", subject=f"feedback:{feedback.pk}")
    return feedback


def _own(reference: str) -> str:
    """Leave out what another system called the failure: only the first word is ours."""
    return reference.partition(" ")[0]
