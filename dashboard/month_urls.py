"""The addresses of a month's close and of the locked reports, below an organization."""

from django.urls import path

from dashboard import late_views, month_views

urlpatterns = [
    path("close/", month_views.month, name="month"),
    path("close/carry/", month_views.month_carry, name="month_carry"),
    path("close/take-back/", month_views.month_take_back, name="month_take_back"),
    path("close/sign/", month_views.month_close, name="month_close"),
    path("close/before/", late_views.late_month, name="late_month"),
    path("close/before/carry/", late_views.late_carry, name="late_carry"),
    path("close/before/take-back/", late_views.late_take_back, name="late_take_back"),
    path("close/before/sign/", late_views.late_sign, name="late_sign"),
    path("reports/", month_views.reports, name="reports"),
    path("reports/<int:report_id>/", month_views.report, name="report"),
    path("reports/<int:report_id>/reopen/", month_views.month_reopen, name="month_reopen"),
    path("reports/<int:report_id>/<slug:form>/", month_views.report_file, name="report_file"),
]
