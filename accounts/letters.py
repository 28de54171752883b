"""The outbox of e-mails: a row first, sent at most once by a worker, found again by a tick when nobody was woken."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from smtplib import SMTPRecipientsRefused, SMTPResponseException

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Membership, User
from accounts.notice_models import Letter, Notice
from reconcile.celery import wake
from reconcile.tenancy.scope import org_scope

log = logging.getLogger(__name__)

SEND = "accounts.tasks.send_letters"
# So many letters per task: the rest is woken for again.
BATCH = 50
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
VANISHED = "The worker went away while sending it. It is not sent again, because it may have arrived."
State = Letter.State


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An e-mail to write; `user` is the member it is for, none for support."""

    to: str
    subject: str
    body: str
    reply_to: str = ""
    user: User | None = None
    notice: Notice | None = None


class Unsent(Exception):
    """The letter surely did not leave."""


class Unsure(Exception):
    """Nobody can tell whether the letter left."""


def write(org_id: int, drafts: Sequence[Draft]) -> list[Letter]:
    """Put letters into the outbox in the caller's transaction, and wake a worker once it commits."""
    rows = [
        Letter(
            org_id=org_id,
            user=draft.user,
            notice=draft.notice,
            to=draft.to,
            reply_to=draft.reply_to,
            # A line break would end the header.
            subject=" ".join(draft.subject.split())[:250],
            body=draft.body,
        )
        for draft in drafts
    ]
    transaction.on_commit(partial(wake, SEND, org_id), robust=True)
    return Letter.objects.bulk_create(rows, batch_size=500)


def find_organizations() -> list[int]:
    """List the organizations with letters to send: ids and nothing else. Needs no scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organizations_with_due_letters(statement_timestamp())")
        return [org_id for (org_id,) in cursor.fetchall()]


def send_due(org_id: int) -> int:
    """Send up to BATCH letters of one organization; gives how many were taken."""
    with org_scope(org_id):
        lost = Letter.objects.filter(state=State.SENDING, lease_until__lt=Now())
        lost.update(state=State.UNSURE, reason=VANISHED, lease_until=None)
        due = Letter.objects.filter(Q(not_before=None) | Q(not_before__lte=Now()), state=State.WAITING)
        ids = list(due.order_by("id").values_list("id", flat=True)[:BATCH])
    taken = sum(_send_one(org_id, pk) for pk in ids)
    if len(ids) == BATCH:
        wake(SEND, org_id)
    return taken


def full_address(path: str) -> str:
    """Give the address of a page for an e-mail; without the product's own address, its path."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}" if settings.PUBLIC_URL else path


def _send_one(org_id: int, pk: int) -> bool:
    """Claim one letter, send it outside of any transaction, and write down what became of it."""
    with org_scope(org_id):
        letter = _claim(pk)
    if letter is None:
        return False
    try:
        _post(letter)
    except Unsent as error:
        _put_off(letter, str(error))
    except Unsure as error:
        _leave(letter, State.UNSURE, reason=str(error))
    else:
        _leave(letter, State.SENT, sent_at=Now())
    return True


def _claim(pk: int) -> Letter | None:
    """Take a letter, so that no other worker sends it; None when another has it, or its reader is gone."""
    waiting = Letter.objects.filter(pk=pk, state=State.WAITING)
    lease = Now() + timedelta(seconds=settings.MAIL_LEASE_SECONDS)
    if not waiting.update(state=State.SENDING, attempt=F("attempt") + 1, lease_until=lease, not_before=None):
        return None
    letter = Letter.objects.get(pk=pk)
    here = Membership.objects.filter(user=letter.user_id, user__is_active=True)
    if letter.user_id is not None and not here.exists():
        Letter.objects.filter(pk=pk).update(state=State.DROPPED, lease_until=None)
        return None
    return letter


def _post(letter: Letter) -> None:
    """Hand the letter to the mail server; raises Unsent when that surely failed, Unsure when it may not have."""
    server = get_connection()
    try:
        server.open()
    except Exception as error:
        raise Unsent(f"The mail server did not answer: {type(error).__name__}.") from error
    try:
        reply_to = [letter.reply_to] if letter.reply_to else None
        EmailMessage(
            letter.subject, letter.body, None, [letter.to], reply_to=reply_to, connection=server
        ).send()
    except (SMTPResponseException, SMTPRecipientsRefused) as error:
        raise Unsent(f"The mail server refused it: {type(error).__name__}.") from error
    except Exception as error:
        log.warning("letter %s: %s while sending", letter.pk, type(error).__name__)
        raise Unsure(f"The mail server broke off: {type(error).__name__}. It is not sent again.") from error
    finally:
        _close(server)


def _close(server: object) -> None:
    try:
        server.close()  # type: ignore[attr-defined]
    except Exception:
        log.info("the mail server did not say goodbye", exc_info=True)


def _put_off(letter: Letter, reason: str) -> None:
    if letter.attempt >= settings.MAIL_MAX_TRIES:
        _leave(letter, State.FAILED, reason=f"Given up after {letter.attempt} tries. {reason}")
        return
    pause = min(FIRST_PAUSE * 2 ** (letter.attempt - 1), LONGEST_PAUSE)
    _leave(letter, State.WAITING, reason=reason, not_before=Now() + pause)


def _leave(letter: Letter, state: Letter.State, **values: object) -> None:
    with org_scope(letter.org_id):
        own = Letter.objects.filter(pk=letter.pk, attempt=letter.attempt, state=State.SENDING)
        own.update(state=state, lease_until=None, **values)
