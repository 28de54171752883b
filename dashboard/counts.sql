-- From mappings, usage, named units and counting rules to the billable units of each service of each account.
-- A part of refresh_cards.sql, which gives `affected` and `lines`. The same, for reading: vendors/counting.py.
ruled AS MATERIALIZED (
    -- The rule of each scope that stands in this month: the one that began last. An agreement's has no account.
    SELECT DISTINCT ON (r.service_id, r.scope_account, r.agreement_id)
           r.service_id, r.scope_account AS account_id, r.agreement_id, r.combine, r.filters, r.steps,
           r.combine = 'distinct' OR r.filters <> '[]' AS needs_names
    FROM (
        SELECT *, CASE WHEN agreement_id IS NULL THEN account_id END AS scope_account
        FROM vendors_countingrule
        WHERE org_id = %(org)s AND removed_at IS NULL
          AND (from_month IS NULL OR from_month <= %(period)s) AND (until_month IS NULL OR until_month > %(period)s)
    ) r
    ORDER BY r.service_id, r.scope_account, r.agreement_id, r.from_month DESC NULLS LAST, r.id DESC
),
ruled_lines AS MATERIALIZED (
    SELECT l.*, g.steps AS line_steps
    FROM lines l
    LEFT JOIN (SELECT * FROM ruled WHERE agreement_id IS NOT NULL) g
        ON g.agreement_id = l.agreement_id AND g.service_id = l.service_id
),
explaining AS MATERIALIZED (
    -- A line that is not billed on purpose, or not yet, explains usage too.
    SELECT DISTINCT account_id, service_id FROM lines
    WHERE hidden NOT IN ('account_inactive', 'agreement_inactive', 'line_ended')
),
services AS MATERIALIZED (
    SELECT vs.id AS vendor_service_id, vs.integration_id, t.service_id, bool_or(t.own) AS own,
           COALESCE(vs.names_gap_since < %(now)s - make_interval(hours => (SELECT stale_hours FROM limits)), FALSE)
               AS names_old
    FROM (
        SELECT vendor_service_id, service_id, TRUE AS own FROM vendors_servicemapping WHERE org_id = %(org)s
        UNION ALL
        SELECT vendor_service_id, service_id, FALSE FROM vendors_alsocounts
        WHERE org_id = %(org)s
          AND (from_month IS NULL OR from_month <= %(period)s) AND (until_month IS NULL OR until_month > %(period)s)
    ) t
    JOIN vendors_vendorservice vs ON vs.org_id = %(org)s AND vs.id = t.vendor_service_id AND vs.excluded_at IS NULL
    GROUP BY vs.id, vs.integration_id, vs.names_gap_since, t.service_id
),
served AS (
    SELECT DISTINCT service_id FROM services
),
splits AS MATERIALIZED (
    SELECT id, vendor_account_id, account_id, field, pattern FROM vendors_accountsplit
    WHERE org_id = %(org)s
      AND (from_month IS NULL OR from_month <= %(period)s) AND (until_month IS NULL OR until_month > %(period)s)
),
mapped AS MATERIALIZED (
    -- The parts of vendor accounts by account; split 0 is what no split takes.
    SELECT p.account_id, p.split_id, va.id AS vendor_account_id, va.integration_id, va.gap_since,
           va.gap_reason <> '' AS silent, va.id IN (SELECT vendor_account_id FROM splits) AS parted
    FROM (
        SELECT account_id, vendor_account_id, 0::bigint AS split_id FROM vendors_accountmapping
        WHERE org_id = %(org)s AND (%(everyone)s OR account_id = ANY(%(accounts)s))
        UNION ALL
        SELECT account_id, vendor_account_id, id FROM splits WHERE %(everyone)s OR account_id = ANY(%(accounts)s)
    ) p
    JOIN affected a ON a.id = p.account_id
    JOIN vendors_vendoraccount va ON va.org_id = %(org)s AND va.id = p.vendor_account_id
    WHERE va.excluded_at IS NULL
),
used AS MATERIALIZED (
    SELECT u.vendor_account_id, u.vendor_service_id, u.quantity
    FROM (SELECT DISTINCT vendor_account_id FROM mapped) m
    JOIN vendors_usagecount u ON u.org_id = %(org)s AND u.vendor_account_id = m.vendor_account_id
    WHERE u.metric = 'used' AND u.superseded_at IS NULL
),
named AS MATERIALIZED (
    -- Named units are read only where a rule or a split looks at them; each goes to the first split that it matches.
    SELECT n.vendor_account_id, n.vendor_service_id, n.key, n.quantity, n.traits, COALESCE((
               SELECT sp.id FROM splits sp
               WHERE sp.vendor_account_id = n.vendor_account_id
                 AND n.traits ->> sp.field LIKE like_of_glob(sp.pattern)
               ORDER BY sp.id LIMIT 1
           ), 0) AS split_id
    FROM vendors_namedunit n
    WHERE n.org_id = %(org)s AND n.gone_at IS NULL AND n.counts
      AND (EXISTS (SELECT FROM splits) OR EXISTS (SELECT FROM ruled WHERE needs_names))
      AND n.vendor_account_id IN (SELECT vendor_account_id FROM mapped)
      AND (n.vendor_account_id IN (SELECT vendor_account_id FROM splits) OR n.vendor_service_id IN (
          SELECT s.vendor_service_id FROM services s JOIN ruled r ON r.service_id = s.service_id WHERE r.needs_names
      ))
),
named_sums AS (
    SELECT vendor_account_id, vendor_service_id, sum(quantity) AS total,
           COALESCE(sum(quantity) FILTER (WHERE split_id <> 0), 0) AS parted
    FROM named GROUP BY vendor_account_id, vendor_service_id
),
named_parts AS (
    SELECT vendor_account_id, vendor_service_id, split_id, sum(quantity) AS units
    FROM named WHERE split_id <> 0 GROUP BY vendor_account_id, vendor_service_id, split_id
),
elsewhere AS (
    -- What counts to a second service of which the account has a line needs no line of its own service.
    SELECT DISTINCT x.account_id, s.vendor_service_id
    FROM services s JOIN explaining x ON x.service_id = s.service_id
    WHERE s.vendor_service_id IN (SELECT vendor_service_id FROM services WHERE NOT own)
),
candidates AS MATERIALIZED (
    -- What counts towards a service of an account, with its rule: the account's own stands for the service's.
    SELECT m.account_id, s.service_id, s.vendor_service_id, m.integration_id, m.vendor_account_id, m.split_id,
           m.parted, m.gap_since, m.silent, s.names_old,
           CASE WHEN own.service_id IS NULL THEN every.combine ELSE own.combine END AS combine,
           CASE WHEN own.service_id IS NULL THEN every.filters ELSE own.filters END AS filters,
           CASE WHEN own.service_id IS NULL THEN every.steps ELSE own.steps END AS steps,
           own.service_id IS NOT NULL AS is_own,
           COALESCE(CASE WHEN own.service_id IS NULL THEN every.needs_names ELSE own.needs_names END, FALSE)
               AS needs_names
    FROM mapped m
    JOIN services s ON s.integration_id = m.integration_id
    LEFT JOIN explaining x ON x.account_id = m.account_id AND x.service_id = s.service_id
    LEFT JOIN elsewhere w ON w.account_id = m.account_id AND w.vendor_service_id = s.vendor_service_id
    LEFT JOIN (SELECT * FROM ruled WHERE agreement_id IS NULL AND account_id IS NOT NULL) own
        ON own.service_id = s.service_id AND own.account_id = m.account_id
    LEFT JOIN (SELECT * FROM ruled WHERE agreement_id IS NULL AND account_id IS NULL) every
        ON every.service_id = s.service_id
    WHERE x.service_id IS NOT NULL OR (s.own AND w.vendor_service_id IS NULL)
),
named_pairs AS MATERIALIZED (
    SELECT c.account_id, c.service_id, c.vendor_account_id, c.vendor_service_id, c.split_id, n.key, n.quantity,
           named_unit_kept(n.traits, c.filters) AS kept
    FROM named n
    JOIN candidates c ON c.vendor_account_id = n.vendor_account_id AND c.vendor_service_id = n.vendor_service_id
        AND c.split_id = n.split_id
    WHERE c.needs_names
),
left_out AS (
    SELECT account_id, service_id, vendor_account_id, vendor_service_id, split_id, sum(quantity) AS units
    FROM named_pairs WHERE NOT kept
    GROUP BY account_id, service_id, vendor_account_id, vendor_service_id, split_id
),
distincts AS (
    SELECT account_id, service_id, count(DISTINCT key) AS units FROM named_pairs WHERE kept
    GROUP BY account_id, service_id
),
addends AS MATERIALIZED (
    SELECT c.account_id, c.service_id, c.vendor_service_id, c.integration_id, c.gap_since, c.silent,
           u.quantity AS used, COALESCE(c.combine, 'sum') AS combine, COALESCE(c.steps, '[]') AS steps, c.is_own,
           u.quantity IS NOT NULL AS known, CASE
               WHEN NOT c.parted THEN COALESCE(u.quantity, 0)
               WHEN c.split_id = 0 THEN COALESCE(u.quantity, 0) - COALESCE(n.parted, 0)
               ELSE COALESCE(p.units, 0)
           END - COALESCE(o.units, 0) AS units,
           -- Names that were read too long ago may be others by now, also where they still add up.
           (c.parted OR c.needs_names) AND (
               COALESCE(n.total, 0) <> COALESCE(u.quantity, 0) OR (c.names_old AND u.quantity <> 0)
           ) AS names_missing
    FROM candidates c
    LEFT JOIN used u ON u.vendor_account_id = c.vendor_account_id AND u.vendor_service_id = c.vendor_service_id
    LEFT JOIN named_sums n ON n.vendor_account_id = c.vendor_account_id AND n.vendor_service_id = c.vendor_service_id
    LEFT JOIN named_parts p ON p.vendor_account_id = c.vendor_account_id
        AND p.vendor_service_id = c.vendor_service_id AND p.split_id = c.split_id
    LEFT JOIN left_out o ON o.account_id = c.account_id AND o.service_id = c.service_id
        AND o.vendor_account_id = c.vendor_account_id AND o.vendor_service_id = c.vendor_service_id
        AND o.split_id = c.split_id
),
chosen AS (
    SELECT account_id, service_id, CASE WHEN combine LIKE 'largest%%' THEN max(units) ELSE min(units) END AS units
    FROM (
        SELECT account_id, service_id, combine, sum(units) AS units
        FROM addends
        WHERE combine NOT IN ('sum', 'distinct')
        GROUP BY account_id, service_id, combine,
                 CASE WHEN combine LIKE '%%source' THEN integration_id ELSE vendor_service_id END
    ) parts
    GROUP BY account_id, service_id, combine
),
sums AS (
    SELECT a.account_id, a.service_id, a.combine, a.steps, a.is_own, min(i.id) AS integration_id, sum(a.units) AS units,
           bool_or(a.known) AS known, sum(a.used) AS used, bool_or(a.names_missing) AS nameless,
           min(COALESCE(a.gap_since, i.counted_at)) AS unknown_since,
           CASE
               WHEN bool_or(i.counted_at IS NULL) THEN 'never_counted'
               WHEN bool_or(a.silent) THEN 'source_silent'
               WHEN bool_or(i.held) THEN 'source_held'
               WHEN bool_or(i.counted_at < %(now)s - make_interval(hours => (SELECT stale_hours FROM limits)))
                   THEN 'source_old'
               WHEN bool_or(a.names_missing) THEN 'names_missing'
               ELSE ''
           END AS gap
    FROM addends a
    JOIN vendors_integration i ON i.org_id = %(org)s AND i.id = a.integration_id
    GROUP BY a.account_id, a.service_id, a.combine, a.steps, a.is_own
),
counts AS MATERIALIZED (
    -- `raw` is before the steps of the rule, `units` after; the known ones are NULL while no source ever counted.
    -- Without the names that a rule needs, what it made of the others is no number: what is used stands for it.
    SELECT account_id, service_id, integration_id, unknown_since, gap, nameless, is_own,
           CASE WHEN nameless THEN COALESCE(used, 0) ELSE raw END AS raw,
           CASE WHEN nameless THEN COALESCE(used, 0) ELSE units END AS units,
           CASE WHEN nameless THEN used WHEN known THEN raw END AS known_raw,
           CASE WHEN nameless THEN used WHEN known THEN units END AS known
    FROM (
        SELECT c.*, CASE
            WHEN steps = '[]' THEN raw ELSE apply_counting_steps(raw, steps)
        END AS units
        FROM (
            SELECT s.account_id, s.service_id, s.integration_id, s.unknown_since, s.gap, s.known, s.used, s.nameless, s.steps, s.is_own, CASE
                WHEN s.combine = 'sum' THEN s.units
                WHEN s.combine = 'distinct' THEN COALESCE(d.units, 0)
                ELSE h.units
            END AS raw
            FROM sums s
            LEFT JOIN distincts d ON d.account_id = s.account_id AND d.service_id = s.service_id
            LEFT JOIN chosen h ON h.account_id = s.account_id AND h.service_id = s.service_id
        ) c
    ) each_pair
),
