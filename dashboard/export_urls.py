"""The addresses of the dashboard's exports, below an organization."""

from django.urls import path

from dashboard import export_views

urlpatterns = [
    path("lines/export/", export_views.export_lines, name="line_export"),
    path("back-billing/export/", export_views.export_missed, name="back_billing_export"),
    path("past/<str:day>/export/", export_views.export_day, name="past_export"),
    path("usage/export/", export_views.export_usage, name="usage_export"),
]
