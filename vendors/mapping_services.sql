-- Vendor services with their status, their usage and its price; a query over `entries` follows.
-- Parameters: org, month, ids (NULL: all). A NULL value is unknown, never 0. Usage of excluded accounts does not count.
WITH used AS (
    SELECT u.vendor_service_id AS entry_id, count(*) AS spread, sum(u.quantity) AS quantity
    FROM vendors_usagecount u
    JOIN vendors_vendoraccount va
        ON va.org_id = u.org_id AND va.id = u.vendor_account_id AND va.excluded_at IS NULL AND va.vanished_at IS NULL
    WHERE u.org_id = %(org)s AND u.superseded_at IS NULL AND u.metric = 'used' AND u.quantity > 0
      AND (%(ids)s::bigint[] IS NULL OR u.vendor_service_id = ANY(%(ids)s::bigint[]))
    GROUP BY u.vendor_service_id
),
entries AS (
    SELECT vs.id, vs.name, vs.external_id, vs.external_id AS key, ''::text AS kind, vs.integration_id,
           i.name AS source, i.counted_at, ''::text AS gap_reason, vs.excluded_at, vs.created_at,
           vs.vanished_at IS NOT NULL AS is_gone, s.id AS target_id, s.name AS target, s.remote_id AS target_key,
           (SELECT p.name FROM psa_connection p WHERE p.org_id = s.org_id AND p.id = s.connection_id) AS target_psa,
           COALESCE(s.active AND s.vanished_at IS NULL, TRUE) AS target_active, m.created_at AS mapped_at,
           CASE WHEN n.entry_id IS NULL THEN 0 ELSE 1 END AS counts,
           CASE WHEN n.entry_id IS NOT NULL AND s.price IS NULL THEN 1 ELSE 0 END AS unpriced,
           CASE WHEN m.id IS NULL THEN 1 ELSE 0 END AS unmapped, FALSE AS mixed,
           CASE WHEN s.price IS NOT NULL THEN c.currency END AS currency,
           CASE WHEN n.entry_id IS NULL AND i.counted_at IS NOT NULL THEN 0 ELSE n.quantity * s.price END AS value,
           vs.name AS what, vs.unit, n.quantity, n.spread,
           CASE WHEN vs.excluded_at IS NOT NULL THEN 'excluded' WHEN m.id IS NULL THEN 'unmapped' ELSE 'mapped' END
               AS status,
           'service'::text AS noun, COALESCE(sh.shares, 0) AS shares, sh.shares_change,
           pl.from_month AS planned_on, pl.name AS planned,
           ARRAY(SELECT t.name FROM psa_servicetag w JOIN psa_tag t ON t.org_id = w.org_id AND t.id = w.tag_id
                 WHERE w.org_id = m.org_id AND w.service_id = m.service_id ORDER BY t.name)::text[] AS tags
    FROM vendors_vendorservice vs
    JOIN vendors_integration i ON i.org_id = vs.org_id AND i.id = vs.integration_id
    LEFT JOIN vendors_servicemapping m ON m.org_id = vs.org_id AND m.vendor_service_id = vs.id
    LEFT JOIN psa_service s ON s.org_id = m.org_id AND s.id = m.service_id
    LEFT JOIN psa_connection c ON c.org_id = s.org_id AND c.id = s.connection_id
    LEFT JOIN (
        -- Further services of this month and later, and when that changes next.
        SELECT p.vendor_service_id, p.org_id,
               count(DISTINCT p.service_id) FILTER (
                   WHERE (p.from_month IS NULL OR p.from_month <= %(month)s)
                     AND p.service_id IS DISTINCT FROM pm.service_id
               ) AS shares,
               LEAST(min(p.from_month) FILTER (WHERE p.from_month > %(month)s), min(p.until_month)) AS shares_change
        FROM vendors_alsocounts p
        LEFT JOIN vendors_servicemapping pm ON pm.org_id = p.org_id AND pm.vendor_service_id = p.vendor_service_id
        WHERE p.org_id = %(org)s AND (p.until_month IS NULL OR p.until_month > %(month)s)
        GROUP BY p.vendor_service_id, p.org_id
    ) sh ON sh.org_id = vs.org_id AND sh.vendor_service_id = vs.id
    LEFT JOIN (
        SELECT n.org_id, n.vendor_service_id, n.from_month, t.name
        FROM vendors_mappingspan n
        LEFT JOIN psa_service t ON t.org_id = n.org_id AND t.id = n.service_id
        WHERE n.org_id = %(org)s AND n.vendor_service_id IS NOT NULL AND n.until_month IS NULL
    ) pl ON pl.org_id = vs.org_id AND pl.vendor_service_id = vs.id
    LEFT JOIN used n ON n.entry_id = vs.id
    WHERE vs.org_id = %(org)s AND (vs.vanished_at IS NULL OR m.id IS NOT NULL OR vs.excluded_at IS NOT NULL)
      AND (%(ids)s::bigint[] IS NULL OR vs.id = ANY(%(ids)s::bigint[]))
)
