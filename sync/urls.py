"""The addresses of Sync status, inside an organization."""

from django.urls import path

from sync import exports, views

urlpatterns = [
    path("sync/", views.sync_status, name="sync_status"),
    path("sync/changes/export/", exports.export_changes, name="sync_export"),
    path("sync/start/", views.sync_start, name="sync_start"),
    path("sync/runs/<int:run_id>/stop/", views.sync_stop, name="sync_stop"),
    path("sync/runs/<int:run_id>/decide/", views.sync_decide, name="sync_decide"),
    path("sync/snapshots/<int:snapshot_id>/decide/", views.snapshot_decide, name="snapshot_decide"),
]
