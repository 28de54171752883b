"""The addresses of the dashboard's exports, below an organization."""

from django.urls import path

from dashboard import export_views, named_views

urlpatterns = [
    path("lines/<int:card_id>/names/export/", named_views.export_names, name="line_names_export"),
    path("lines/export/", export_views.export_lines, name="line_export"),
    path("back-billing/export/", export_views.export_missed, name="back_billing_export"),
    path("past/<str:day>/export/", export_views.export_day, name="past_export"),
    path("usage/export/", export_views.export_usage, name="usage_export"),
]
