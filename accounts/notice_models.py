"""Notices, who has read them, who wants them by e-mail, and the letters that wait to be sent."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.roles import Role
from reconcile.tenancy.constraints import TenantKey, tenant_rows
from reconcile.tenancy.fields import TenantReference
from reconcile.tenancy.models import TenantRow


class Kind(models.TextChoices):
    """What a notice is about."""

    SYNC_DONE = "sync_done", "A sync has finished"
    SYNC_FAILED = "sync_failed", "A sync has failed"
    EXPIRING = "expiring", "A credential expires in 14 or 3 days"
    ADDRESSES = "addresses", "Our outgoing addresses have changed"
    APPROVAL = "approval", "Lines wait for an approver"
    PUSH_STOPPED = "push_stopped", "A push has stopped"
    LIMIT = "limit", "The second approver's amount is raised or switched off"
    DELETION = "deletion", "The organization is being deleted, or restored"


class Notice(TenantRow):
    """Something that members from `role` on should know. It leads to where it is solved: a view's name and arguments.

    `key` names what it is about: the same thing happening again updates the newest one while nobody has read it.
    """

    kind = models.CharField(max_length=20, choices=Kind.choices)
    key = models.CharField(max_length=120)
    role = models.IntegerField(choices=Role.choices)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    view = models.CharField(max_length=60)
    args = models.JSONField(default=list, blank=True)
    query = models.CharField(max_length=200, blank=True)
    times = models.PositiveIntegerField(default=1, help_text="How often it happened before somebody read it")
    at = models.DateTimeField(default=timezone.now)
    solved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = tenant_rows("accounts_notice")
        indexes = [
            models.Index(fields=["org", "-at"], name="accounts_notice_at"),
            models.Index(fields=["org", "key"], name="accounts_notice_key"),
        ]

    def __str__(self) -> str:
        return self.title


class NoticeMark(TenantRow):
    """A person has read a notice. One that was updated after that is unread again."""

    notice = TenantReference(Notice, related_name="marks")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False)
    read_at = models.DateTimeField()

    class Meta:
        constraints = [
            *tenant_rows("accounts_noticemark"),
            TenantKey(
                name="accounts_noticemark_notice_org",
                field="notice",
                to="accounts_notice",
                on_delete="CASCADE",
            ),
            models.UniqueConstraint(fields=["org", "notice", "user"], name="accounts_noticemark_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} has read {self.notice_id}"


class NoticeChoice(TenantRow):
    """Whether a person wants one kind of notice by e-mail too; without a row the kind's default holds."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    mail = models.BooleanField()

    class Meta:
        constraints = [
            *tenant_rows("accounts_noticechoice"),
            models.UniqueConstraint(fields=["org", "user", "kind"], name="accounts_noticechoice_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}, {self.kind}: {self.mail}"


class Letter(TenantRow):
    """One e-mail to one person: a row before it is sent, sent at most once, and kept.

    `unsure` means that a worker went away in the middle of sending it: it is not sent again.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waits to be sent"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        UNSURE = "unsure", "May have been sent"
        FAILED = "failed", "Not sent"
        DROPPED = "dropped", "Not sent: no longer a member"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, db_index=False)
    notice = TenantReference(Notice, null=True, blank=True)
    to = models.EmailField()
    reply_to = models.EmailField(blank=True)
    subject = models.CharField(max_length=250)
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            *tenant_rows("accounts_letter", notice="accounts_notice"),
            models.UniqueConstraint(
                fields=["org", "notice", "user"],
                condition=Q(notice__isnull=False),
                name="accounts_letter_once_per_notice",
            ),
        ]
        indexes = [models.Index(fields=["org", "state", "not_before"], name="accounts_letter_state")]

    def __str__(self) -> str:
        return f"{self.subject}: {self.state}"


class Feedback(TenantRow):
    """What a person wrote to us. The row is kept whatever becomes of its e-mail."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_index=False)
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    letter = TenantReference(Letter, null=True, blank=True)

    class Meta:
        constraints = tenant_rows("accounts_feedback", letter="accounts_letter")
        indexes = [models.Index(fields=["org", "by", "-created_at"], name="accounts_feedback_by")]

    def __str__(self) -> str:
        return self.text[:60]


class AnnouncedAddresses(models.Model):
    """The outgoing addresses last announced: one row for the whole product, no organization's."""

    addresses = models.JSONField(default=list)
    number = models.PositiveIntegerField(
        default=0, help_text="How many changes were announced before and with these"
    )
    before = models.JSONField(default=list)
    announced_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.number}: {', '.join(self.addresses)}"
