"""The addresses outside any organization: home, and choosing or founding one."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("", views.home, name="home"),
    path("organizations/", views.organizations, name="organizations"),
    path("organizations/switch/", views.switch_organization, name="switch_organization"),
    path("organizations/new/", views.found_organization, name="found_organization"),
]
