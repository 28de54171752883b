"""The addresses of integrations, below an organization."""

from django.urls import path

from vendors import connect_views as views

urlpatterns = [
    path("integrations/", views.integrations, name="integrations"),
    path("integrations/new/", views.integration_add, name="integration_add"),
    path("integrations/<int:pk>/", views.integration, name="integration"),
    path("integrations/<int:pk>/test/", views.integration_test, name="integration_test"),
]
