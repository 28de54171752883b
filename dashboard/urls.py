"""The addresses of the reconciliation screens, below an organization."""

from django.urls import path

from dashboard import (
    act_views,
    aside_views,
    bulk_views,
    filter_views,
    new_revenue_views,
    past_views,
    ticket_views,
    views,
)

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("lines/filter/<slug:name>/", filter_views.menu, name="filter_menu"),
    path("past/", past_views.find_day, name="past_find"),
    path("past/<str:day>/", past_views.past_day, name="past_day"),
    path("back-billing/", past_views.back_billing_page, name="back_billing"),
    path("back-billing/settle/", past_views.settle, name="back_billing_settle"),
    path("back-billing/<int:settlement_id>/undo/", past_views.take_back, name="back_billing_undo"),
    path("lines/approve/preview/", bulk_views.preview, name="line_preview"),
    path("lines/approve/", bulk_views.approve_many, name="line_approve_many"),
    path("lines/dismiss/preview/", aside_views.dismiss_preview, name="line_dismiss_preview"),
    path("lines/dismiss/", aside_views.dismiss_many, name="line_dismiss_many"),
    path("lines/snooze/preview/", aside_views.snooze_preview, name="line_snooze_preview"),
    path("lines/snooze/", aside_views.snooze_many, name="line_snooze_many"),
    path("acts/<uuid:act>/undo/", bulk_views.undo_act, name="act_undo"),
    path("lines/push/", bulk_views.push_dialog, name="push_dialog"),
    path("lines/push/send/", bulk_views.release, name="push_release"),
    path("lines/unpair/", new_revenue_views.unpair, name="line_unpair"),
    path("lines/<int:card_id>/pair/", new_revenue_views.pair, name="line_pair"),
    path("lines/<int:card_id>/", views.details, name="line_details"),
    path("lines/<int:card_id>/row/", views.row, name="line_row"),
    path("lines/<int:card_id>/approve/", act_views.approve, name="line_approve"),
    path("lines/<int:card_id>/dismiss/", aside_views.dismiss, name="line_dismiss"),
    path("lines/<int:card_id>/snooze/", aside_views.snooze, name="line_snooze"),
    path("lines/<int:card_id>/look/", act_views.look_again, name="line_look_again"),
    path("lines/<int:card_id>/ticket/", ticket_views.line_ticket, name="line_ticket"),
    path("lines/<int:card_id>/undo/", act_views.undo, name="line_undo"),
    path("lines/<int:card_id>/dialog/<slug:name>/", views.dialog, name="line_dialog"),
]
