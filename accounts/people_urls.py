"""The addresses of people, roles and invitations, below an organization."""

from django.urls import path

from accounts.access_views import access
from accounts.deletion_views import organization_delete, organization_restore
from accounts.invitation_views import people_invite, people_resend, people_revoke
from accounts.people_views import people_leave, people_member, people_page, people_remove

urlpatterns = [
    path("settings/access/", access, name="access"),
    path("settings/delete/", organization_delete, name="organization_delete"),
    path("settings/delete/restore/", organization_restore, name="organization_restore"),
    path("settings/people/", people_page, name="people_page"),
    path("settings/people/leave/", people_leave, name="people_leave"),
    path("settings/people/invite/", people_invite, name="people_invite"),
    path("settings/people/<int:pk>/", people_member, name="people_member"),
    path("settings/people/<int:pk>/remove/", people_remove, name="people_remove"),
    path("settings/invitations/<int:pk>/again/", people_resend, name="people_resend"),
    path("settings/invitations/<int:pk>/revoke/", people_revoke, name="people_revoke"),
]
