"""The addresses of PSA configuration, below an organization."""

from django.urls import path

from psa import tag_views, ticket_views, views

urlpatterns = [
    path("tags/", tag_views.tag, name="tag_set"),
    path("settings/psa/", views.psa_connections, name="psa_connections"),
    path("settings/psa/new/", views.psa_add, name="psa_add"),
    path("settings/psa/<int:pk>/", views.psa_connection, name="psa_connection"),
    path("settings/psa/<int:pk>/test/", views.psa_test, name="psa_test"),
    path("settings/psa/<int:pk>/billing/", views.psa_billing, name="psa_billing"),
    path("settings/psa/<int:pk>/tickets/", ticket_views.psa_tickets, name="psa_tickets"),
    path("settings/psa/<int:pk>/priorities/", ticket_views.psa_priorities, name="psa_priorities"),
]
