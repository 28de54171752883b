-- Vendor accounts with their status, their usage and its price; a query over `entries` follows.
-- Parameters: org, ids (NULL: all). A NULL value is unknown, never 0.
WITH counts AS (
    SELECT u.vendor_account_id AS entry_id, vs.name AS what, vs.unit, u.quantity, u.quantity * s.price AS value,
           CASE WHEN s.price IS NOT NULL THEN c.currency END AS currency, sm.id IS NULL AS unmapped
    FROM vendors_usagecount u
    JOIN vendors_vendorservice vs ON vs.org_id = u.org_id AND vs.id = u.vendor_service_id AND vs.excluded_at IS NULL
    LEFT JOIN vendors_servicemapping sm ON sm.org_id = vs.org_id AND sm.vendor_service_id = vs.id
    LEFT JOIN psa_service s ON s.org_id = sm.org_id AND s.id = sm.service_id
    LEFT JOIN psa_connection c ON c.org_id = s.org_id AND c.id = s.connection_id
    WHERE u.org_id = %(org)s AND u.superseded_at IS NULL AND u.metric = 'used' AND u.quantity > 0
      AND (%(ids)s::bigint[] IS NULL OR u.vendor_account_id = ANY(%(ids)s::bigint[]))
),
used AS (
    SELECT entry_id, count(*) AS counts, count(*) FILTER (WHERE value IS NULL) AS unpriced,
           count(*) FILTER (WHERE unmapped) AS unmapped, min(currency) AS currency,
           CASE WHEN min(currency) = max(currency) THEN sum(value) END AS value,
           min(currency) <> max(currency) AS mixed
    FROM counts GROUP BY entry_id
),
largest AS (
    SELECT DISTINCT ON (entry_id) entry_id, what, unit, quantity
    FROM counts ORDER BY entry_id, value DESC NULLS LAST, quantity DESC, what
),
entries AS (
    SELECT va.id, va.name, va.external_id, va.crm_ref AS key, va.kind, va.integration_id, i.name AS source,
           i.counted_at, va.gap_reason, va.excluded_at, va.created_at, va.vanished_at IS NOT NULL AS is_gone,
           a.id AS target_id, a.name AS target, COALESCE(a.active AND a.vanished_at IS NULL, TRUE) AS target_active,
           m.created_at AS mapped_at, COALESCE(n.counts, 0) AS counts, COALESCE(n.unpriced, 0) AS unpriced,
           COALESCE(n.unmapped, 0) AS unmapped, COALESCE(n.mixed, FALSE) AS mixed, n.currency,
           CASE WHEN n.entry_id IS NULL AND i.counted_at IS NOT NULL AND va.gap_reason = '' THEN 0 ELSE n.value END
               AS value,
           l.what, l.unit, l.quantity, NULL::bigint AS spread,
           CASE WHEN va.excluded_at IS NOT NULL THEN 'excluded' WHEN m.id IS NULL THEN 'unmapped' ELSE 'mapped' END
               AS status
    FROM vendors_vendoraccount va
    JOIN vendors_integration i ON i.org_id = va.org_id AND i.id = va.integration_id
    LEFT JOIN vendors_accountmapping m ON m.org_id = va.org_id AND m.vendor_account_id = va.id
    LEFT JOIN psa_account a ON a.org_id = m.org_id AND a.id = m.account_id
    LEFT JOIN used n ON n.entry_id = va.id
    LEFT JOIN largest l ON l.entry_id = va.id
    WHERE va.org_id = %(org)s AND (va.vanished_at IS NULL OR m.id IS NOT NULL OR va.excluded_at IS NOT NULL)
      AND (%(ids)s::bigint[] IS NULL OR va.id = ANY(%(ids)s::bigint[]))
)
