"""The addresses of Advanced config, below an organization."""

from django.urls import path

from vendors import (
    carrying_views,
    mapping_exports,
    mapping_import_views,
    mapping_month_views,
    mapping_tag_views,
    mapping_views,
    shape_views,
)

urlpatterns = [
    path("config/accounts/", mapping_views.accounts, name="mapping_accounts"),
    path("config/services/", mapping_views.services, name="mapping_services"),
    path("config/<slug:side>/export/", mapping_exports.export_mappings, name="mapping_export"),
    path("config/<slug:side>/import/", mapping_import_views.import_mappings, name="mapping_import"),
    path("config/carry/<int:old>/<int:new>/", carrying_views.carry_over, name="mapping_carry"),
    path("config/carry/<int:old>/<int:new>/look/", carrying_views.carry_look, name="mapping_carry_look"),
    path("config/carry/<int:old>/<int:new>/undo/", carrying_views.carry_undo, name="mapping_carry_undo"),
    path("config/search/", mapping_views.search, name="mapping_search"),
    path("config/preview/", mapping_views.preview, name="mapping_preview"),
    path("config/accounts/<int:row>/split/", shape_views.shape, {"side": "accounts"}, name="mapping_split"),
    path("config/services/<int:row>/more/", shape_views.shape, {"side": "services"}, name="mapping_further"),
    path("config/shapes/undo/", shape_views.undo, name="mapping_shape_undo"),
    path("config/months/", mapping_month_views.dated, name="mapping_dated"),
    path("config/tag/", mapping_tag_views.tag, name="mapping_tag"),
    path("config/set/", mapping_views.change, name="mapping_set"),
]
