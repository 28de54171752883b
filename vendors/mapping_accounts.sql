-- Vendor accounts with their status, their usage and its price; a query over `entries` follows.
-- Parameters: org, month, ids (NULL: all). A NULL value is unknown, never 0.
-- Usage is looked up account by account: that is as fast right after a first sync, when the planner knows no sizes.
WITH entries AS (
    SELECT va.id, va.name, va.external_id, va.crm_ref AS key, va.kind, va.integration_id, i.name AS source,
           i.counted_at, va.gap_reason, va.excluded_at, va.created_at, va.vanished_at IS NOT NULL AS is_gone,
           a.id AS target_id, a.name AS target, a.remote_id AS target_key,
           (SELECT p.name FROM psa_connection p WHERE p.org_id = a.org_id AND p.id = a.connection_id) AS target_psa,
           COALESCE(a.active AND a.vanished_at IS NULL, TRUE) AS target_active,
           m.created_at AS mapped_at, n.counts, n.unpriced, n.unmapped, n.mixed, n.currency,
           CASE WHEN n.counts = 0 AND i.counted_at IS NOT NULL AND va.gap_reason = '' THEN 0 ELSE n.value END AS value,
           n.what, n.unit, n.quantity, NULL::bigint AS spread,
           CASE WHEN va.excluded_at IS NOT NULL THEN 'excluded' WHEN m.id IS NULL THEN 'unmapped' ELSE 'mapped' END
               AS status,
           'account'::text AS noun, COALESCE(sh.shares, 0) AS shares, sh.shares_change,
           pl.from_month AS planned_on, pl.name AS planned,
           ARRAY(SELECT t.name FROM psa_accounttag w JOIN psa_tag t ON t.org_id = w.org_id AND t.id = w.tag_id
                 WHERE w.org_id = m.org_id AND w.account_id = m.account_id ORDER BY t.name)::text[] AS tags
    FROM vendors_vendoraccount va
    JOIN vendors_integration i ON i.org_id = va.org_id AND i.id = va.integration_id
    LEFT JOIN vendors_accountmapping m ON m.org_id = va.org_id AND m.vendor_account_id = va.id
    LEFT JOIN psa_account a ON a.org_id = m.org_id AND a.id = m.account_id
    LEFT JOIN (
        -- Parts of this month and later, the mapping's own account not counted; and when that changes next.
        SELECT p.vendor_account_id, p.org_id,
               count(DISTINCT p.account_id) FILTER (
                   WHERE (p.from_month IS NULL OR p.from_month <= %(month)s)
                     AND p.account_id IS DISTINCT FROM pm.account_id
               ) AS shares,
               LEAST(min(p.from_month) FILTER (WHERE p.from_month > %(month)s), min(p.until_month)) AS shares_change
        FROM vendors_accountsplit p
        LEFT JOIN vendors_accountmapping pm ON pm.org_id = p.org_id AND pm.vendor_account_id = p.vendor_account_id
        WHERE p.org_id = %(org)s AND (p.until_month IS NULL OR p.until_month > %(month)s)
        GROUP BY p.vendor_account_id, p.org_id
    ) sh ON sh.org_id = va.org_id AND sh.vendor_account_id = va.id
    LEFT JOIN (
        SELECT n.org_id, n.vendor_account_id, n.from_month, t.name
        FROM vendors_mappingspan n
        LEFT JOIN psa_account t ON t.org_id = n.org_id AND t.id = n.account_id
        WHERE n.org_id = %(org)s AND n.vendor_account_id IS NOT NULL AND n.until_month IS NULL
    ) pl ON pl.org_id = va.org_id AND pl.vendor_account_id = va.id
    CROSS JOIN LATERAL (
        SELECT count(*) AS counts, count(*) FILTER (WHERE c.value IS NULL) AS unpriced,
               count(*) FILTER (WHERE c.is_unmapped) AS unmapped, min(c.currency) AS currency,
               COALESCE(min(c.currency) <> max(c.currency), FALSE) AS mixed,
               CASE WHEN min(c.currency) = max(c.currency) THEN sum(c.value) END AS value,
               (array_agg(c.what ORDER BY c.value DESC NULLS LAST, c.quantity DESC, c.what))[1] AS what,
               (array_agg(c.unit ORDER BY c.value DESC NULLS LAST, c.quantity DESC, c.what))[1] AS unit,
               (array_agg(c.quantity ORDER BY c.value DESC NULLS LAST, c.quantity DESC, c.what))[1] AS quantity
        FROM (
            SELECT vs.name AS what, vs.unit, u.quantity, u.quantity * s.price AS value,
                   CASE WHEN s.price IS NOT NULL THEN k.currency END AS currency, sm.id IS NULL AS is_unmapped
            FROM vendors_usagecount u
            JOIN vendors_vendorservice vs
                ON vs.org_id = u.org_id AND vs.id = u.vendor_service_id AND vs.excluded_at IS NULL
            LEFT JOIN vendors_servicemapping sm ON sm.org_id = vs.org_id AND sm.vendor_service_id = vs.id
            LEFT JOIN psa_service s ON s.org_id = sm.org_id AND s.id = sm.service_id
            LEFT JOIN psa_connection k ON k.org_id = s.org_id AND k.id = s.connection_id
            WHERE u.org_id = va.org_id AND u.vendor_account_id = va.id
              AND u.superseded_at IS NULL AND u.metric = 'used' AND u.quantity > 0
        ) c
    ) n
    WHERE va.org_id = %(org)s AND (va.vanished_at IS NULL OR m.id IS NOT NULL OR va.excluded_at IS NOT NULL)
      AND (%(ids)s::bigint[] IS NULL OR va.id = ANY(%(ids)s::bigint[]))
)
