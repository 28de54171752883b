"""The addresses outside any organization: home, and choosing or founding one."""

from django.urls import path

from accounts import invitation_views, profile_views, views

urlpatterns = [
    path("", views.home, name="home"),
    path("organizations/", views.organizations, name="organizations"),
    path("organizations/switch/", views.switch_organization, name="switch_organization"),
    path("organizations/new/", views.found_organization, name="found_organization"),
    path("invitation/<str:token>/", invitation_views.invitation, name="invitation"),
    path("invitation/<str:token>/accept/", invitation_views.invitation_accept, name="invitation_accept"),
    path("invitation/<str:token>/join/", invitation_views.invitation_join, name="invitation_join"),
    path("account/", profile_views.profile, name="profile"),
    path("account/sessions/<int:pk>/end/", profile_views.end_session, name="end_session"),
    path("account/again/", views.sign_in_again, name="sign_in_again"),
]
