"""The addresses of the reconciliation screens, below an organization."""

from django.urls import path

from dashboard import views

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("lines/approve/preview/", views.preview, name="line_preview"),
    path("lines/approve/", views.approve_many, name="line_approve_many"),
    path("lines/push/", views.push_dialog, name="push_dialog"),
    path("lines/push/send/", views.release, name="push_release"),
    path("lines/<int:card_id>/", views.details, name="line_details"),
    path("lines/<int:card_id>/row/", views.row, name="line_row"),
    path("lines/<int:card_id>/approve/", views.approve, name="line_approve"),
    path("lines/<int:card_id>/dismiss/", views.dismiss, name="line_dismiss"),
    path("lines/<int:card_id>/look/", views.look_again, name="line_look_again"),
    path("lines/<int:card_id>/undo/", views.undo, name="line_undo"),
    path("lines/<int:card_id>/dialog/<slug:name>/", views.dialog, name="line_dialog"),
]
