"""A7: the outbox of e-mails: a row first, sent at most once, never lost with Redis, whatever the mail server does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.core import mail
from django.db import connections
from django.urls import reverse

from accounts import letters, notices, tasks
from accounts.models import Letter, Membership, Notice, Organization
from accounts.notice_models import Kind
from accounts.roles import Role
from reconcile.tenancy.scope import org_scope

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SERVERS = "tests.accounts.mail_servers"
State = Letter.State


def tell(org, key="sync failed:connection-1"):
    with org_scope(org.pk):
        place = notices.Place("sync_status")
        return notices.tell(
            org.pk,
            Kind.SYNC_FAILED,
            key=key,
            title="The sync of PSA has failed",
            body="Refused.",
            place=place,
        )


def states(org):
    with org_scope(org.pk):
        return list(Letter.objects.order_by("id").values_list("state", flat=True))


def pass_time(org):
    with org_scope(org.pk):
        Letter.objects.exclude(not_before=None).update(not_before=LONG_AGO)
        Letter.objects.exclude(lease_until=None).update(lease_until=LONG_AGO)


@pytest.mark.django_db
def test_a7_a_letter_says_what_happened_and_leads_there(org, settings):
    settings.PUBLIC_URL = "https://reconcile.example/"
    tell(org)
    assert mail.outbox == [], "telling sends nothing itself"
    assert letters.find_organizations() == [org.pk]
    letters.send_due(org.pk)
    (sent,) = mail.outbox
    assert sent.to == ["alice@northgate.example"]
    assert "Refused." in str(sent.body)
    assert f"https://reconcile.example{reverse('sync_status', args=[org.slug])}" in str(sent.body)
    assert f"https://reconcile.example{reverse('notices', args=[org.slug])}#by-mail" in str(sent.body)
    assert states(org) == [State.SENT]
    assert letters.find_organizations() == []
    letters.send_due(org.pk)
    assert len(mail.outbox) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("server", ["Away", "Full"])
def test_a7_a_letter_that_surely_did_not_leave_is_tried_again(org, settings, server):
    good = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{SERVERS}.{server}"
    tell(org)
    letters.send_due(org.pk)
    assert states(org) == [State.WAITING]
    assert letters.find_organizations() == [], "not before its pause is over"
    settings.EMAIL_BACKEND = good
    pass_time(org)
    letters.send_due(org.pk)
    assert states(org) == [State.SENT]
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_a7_a_letter_is_given_up_after_its_tries_and_says_why(org, settings):
    settings.EMAIL_BACKEND, settings.MAIL_MAX_TRIES = f"{SERVERS}.Away", 3
    tell(org)
    for _ in range(5):
        letters.send_due(org.pk)
        pass_time(org)
    with org_scope(org.pk):
        letter = Letter.objects.get()
    assert (letter.state, letter.attempt) == (State.FAILED, 3)
    assert "did not answer" in letter.reason


@pytest.mark.django_db
def test_a7_a_letter_that_may_have_left_is_never_sent_again(org, settings):
    settings.EMAIL_BACKEND = f"{SERVERS}.Breaks"
    tell(org)
    letters.send_due(org.pk)
    pass_time(org)
    letters.send_due(org.pk)
    assert states(org) == [State.UNSURE]
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_a7_a_worker_that_died_while_sending_is_noticed_and_sends_nothing_twice(org):
    tell(org)
    with org_scope(org.pk):
        Letter.objects.update(state=State.SENDING, attempt=1, lease_until=LONG_AGO)
    assert letters.find_organizations() == [org.pk]
    letters.send_due(org.pk)
    assert states(org) == [State.UNSURE]
    assert mail.outbox == []


@pytest.mark.django_db
def test_a7_who_has_left_gets_nothing_that_was_still_waiting(org, join):
    gone = join("Dora", Role.ADMIN)
    tell(org)
    with org_scope(org.pk):
        Membership.objects.filter(user=gone).delete()
    letters.send_due(org.pk)
    assert [sent.to for sent in mail.outbox] == [["alice@northgate.example"]]
    assert sorted(states(org)) == [State.DROPPED, State.SENT]


@pytest.mark.django_db
def test_a7_one_letter_per_notice_and_person_however_often_it_is_told(org):
    for _ in range(5):
        tell(org)
    letters.send_due(org.pk)
    assert len(mail.outbox) == 1


def at_once(call, times=8):
    barrier = Barrier(times)

    def work(_):
        barrier.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(work, range(times)))


def test_a7_many_workers_send_each_letter_once(committed_db, person):
    org = Organization.found(name="Northgate IT", owner=person("Alice"))
    for number in range(12):
        tell(org, key=f"key {number}")
    at_once(lambda: letters.send_due(org.pk))
    assert len(mail.outbox) == 12
    assert set(states(org)) == {State.SENT}


def test_a7_many_that_tell_the_same_make_one_notice_and_one_letter(committed_db, person):
    org = Organization.found(name="Northgate IT", owner=person("Alice"))
    told = at_once(lambda: tell(org).pk)
    assert len(set(told)) == 1
    assert states(org) == [State.WAITING]
    with org_scope(org.pk):
        (notice,) = Notice.objects.all()
        assert notice.times == 8


def test_a7_letters_of_a_lost_wake_up_are_found_by_the_tick(committed_db, person):
    org = Organization.found(name="Northgate IT", owner=person("Alice"))
    tell(org)
    # Nobody works here, so the wake-up of the commit is as good as lost; the tick asks the rows.
    for org_id in letters.find_organizations():
        tasks.send_letters(org_id)
    assert states(org) == [State.SENT]
    tasks.drain_letters()
