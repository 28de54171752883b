"""The addresses of settings and activity, below an organization."""

from django.urls import path

from accounts.activity_views import activity, activity_chain, activity_export
from accounts.address_views import settings_addresses
from accounts.display_views import settings_other
from accounts.notice_views import notice_choices, notice_list, notice_read, notices_read
from accounts.rate_views import rate_enter, rate_import, rate_put_back, rate_remove
from accounts.schedule_views import settings_data
from accounts.settings_views import settings_reconciliation
from accounts.support_views import feedback

urlpatterns = [
    path("settings/data/", settings_data, name="settings_data"),
    path("settings/reconciliation/", settings_reconciliation, name="settings_reconciliation"),
    path("settings/other/", settings_other, name="settings_other"),
    path("settings/other/rates/", rate_enter, name="rate_enter"),
    path("settings/other/rates/file/", rate_import, name="rate_import"),
    path("settings/other/rates/<int:rate_id>/remove/", rate_remove, name="rate_remove"),
    path("settings/other/rates/<int:rate_id>/put-back/", rate_put_back, name="rate_put_back"),
    path("activity/", activity, name="activity"),
    path("activity/export/", activity_export, name="activity_export"),
    path("activity/chain/", activity_chain, name="activity_chain"),
    path("settings/addresses/", settings_addresses, name="settings_addresses"),
    path("notices/", notice_list, name="notices"),
    path("notices/read/", notices_read, name="notices_read"),
    path("notices/choices/", notice_choices, name="notice_choices"),
    path("notices/<int:pk>/read/", notice_read, name="notice_read"),
    path("support/feedback/", feedback, name="support_feedback"),
]
