-- Cards of some accounts of one organization, from the mirror, the ledger, the mappings, decisions and pushes.
-- Parameters: org, everyone, accounts, now, period (first of the month), bills_from (first of the next).
-- Unknown is NULL, never 0. The same rules, for reading: dashboard/rules.py.
WITH limits AS (
    SELECT * FROM accounts_reconcilesettings WHERE org_id = %(org)s
),
affected AS (
    SELECT a.* FROM psa_account a
    WHERE a.org_id = %(org)s AND (%(everyone)s OR a.id = ANY(%(accounts)s))
),
lines AS (
    SELECT l.id, l.connection_id, l.account_id, l.agreement_id, l.service_id, l.remote_id, l.quantity, l.included,
           l.unit_price, l.starts_on, COALESCE(NULLIF(g.currency, ''), c.currency) AS currency,
           CASE
               WHEN NOT a.active OR a.vanished_at IS NOT NULL THEN 'account_inactive'
               WHEN NOT COALESCE(t.in_scope, TRUE) THEN 'agreement_out_of_scope'
               WHEN NOT g.active OR g.vanished_at IS NOT NULL
                    OR g.ends_on < %(bills_from)s OR g.starts_on > %(bills_from)s THEN 'agreement_inactive'
               WHEN NOT g.recurring THEN 'not_recurring'
               WHEN NOT l.billable THEN 'not_billed'
               WHEN l.ends_on < %(bills_from)s THEN 'line_ended'
               WHEN l.starts_on > %(bills_from)s THEN 'line_future'
               ELSE ''
           END AS hidden
    FROM psa_agreementline l
    JOIN affected a ON a.org_id = l.org_id AND a.id = l.account_id
    JOIN psa_agreement g ON g.org_id = l.org_id AND g.id = l.agreement_id
    JOIN psa_connection c ON c.org_id = l.org_id AND c.id = l.connection_id
    LEFT JOIN psa_agreementtype t ON t.org_id = g.org_id AND t.id = g.agreement_type_id
    WHERE l.org_id = %(org)s AND l.vanished_at IS NULL
),
served AS (
    SELECT DISTINCT sm.service_id
    FROM vendors_servicemapping sm
    JOIN vendors_vendorservice vs ON vs.org_id = sm.org_id AND vs.id = sm.vendor_service_id
    WHERE sm.org_id = %(org)s AND vs.excluded_at IS NULL
),
counts AS (
    SELECT am.account_id, sm.service_id,
           min(i.id) AS integration_id,
           sum(COALESCE(u.quantity, 0)) AS units,
           sum(u.quantity) AS known,
           min(COALESCE(va.gap_since, i.counted_at)) AS unknown_since,
           CASE
               WHEN bool_or(i.counted_at IS NULL) THEN 'never_counted'
               WHEN bool_or(va.gap_reason <> '') THEN 'source_silent'
               WHEN bool_or(i.held) THEN 'source_held'
               WHEN bool_or(i.counted_at < %(now)s - make_interval(hours => s.stale_hours)) THEN 'source_old'
               ELSE ''
           END AS gap
    FROM vendors_accountmapping am
    JOIN affected a ON a.org_id = am.org_id AND a.id = am.account_id
    JOIN vendors_vendoraccount va ON va.org_id = am.org_id AND va.id = am.vendor_account_id AND va.excluded_at IS NULL
    JOIN vendors_integration i ON i.org_id = va.org_id AND i.id = va.integration_id
    JOIN vendors_vendorservice vs
        ON vs.org_id = va.org_id AND vs.integration_id = va.integration_id AND vs.excluded_at IS NULL
    JOIN vendors_servicemapping sm ON sm.org_id = vs.org_id AND sm.vendor_service_id = vs.id
    LEFT JOIN vendors_usagecount u
        ON u.org_id = va.org_id AND u.vendor_account_id = va.id AND u.vendor_service_id = vs.id
        AND u.metric = 'used' AND u.superseded_at IS NULL
    CROSS JOIN limits s
    WHERE am.org_id = %(org)s
    GROUP BY am.account_id, sm.service_id
),
shared AS (
    -- Several lines may bill one service of one account: each takes its own quantity, the last takes the rest.
    SELECT l.*, n.of_these, k.integration_id, k.units, k.known, k.unknown_since, k.gap,
           CASE
               WHEN k.gap <> '' OR k.units IS NULL THEN NULL
               WHEN n.of_these = 1 THEN k.units
               WHEN n.nth = n.of_these THEN GREATEST(k.units - n.before, 0)
               ELSE LEAST(l.quantity, GREATEST(k.units - n.before, 0))
           END AS share
    FROM lines l
    LEFT JOIN (
        SELECT id, count(*) OVER pair AS of_these, row_number() OVER in_order AS nth,
               COALESCE(sum(quantity) OVER (in_order ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM lines WHERE hidden = '' AND service_id IS NOT NULL
        WINDOW pair AS (PARTITION BY account_id, service_id),
               in_order AS (
                   PARTITION BY account_id, service_id
                   ORDER BY starts_on NULLS FIRST, length(remote_id), remote_id
               )
    ) n ON n.id = l.id
    LEFT JOIN counts k ON k.account_id = l.account_id AND k.service_id = l.service_id AND l.hidden = ''
),
judged AS (
    SELECT x.connection_id, x.account_id, x.service_id, x.agreement_id, x.id AS line_id, x.integration_id,
           x.quantity AS psa_units, x.share AS vendor_units, CASE WHEN x.gap <> '' THEN x.known END AS last_units,
           x.unit_price AS price, x.currency, CASE WHEN x.gap <> '' THEN x.unknown_since END AS unknown_since,
           -- GREATEST skips NULLs, so an unknown share must be kept out of it.
           CASE WHEN x.share IS NOT NULL THEN
               (GREATEST(x.share - x.included, 0) - GREATEST(x.quantity - x.included, 0)) * x.unit_price
           END AS effect,
           CASE
               WHEN x.hidden <> '' THEN x.hidden
               WHEN x.service_id IS NULL OR NOT EXISTS (SELECT FROM served v WHERE v.service_id = x.service_id)
                   THEN 'no_vendor_service'
               WHEN x.gap IS NULL THEN 'no_vendor_account'
               WHEN x.gap <> '' THEN x.gap
               WHEN x.share = x.quantity THEN ''
               WHEN x.of_these > 1 THEN 'shared'
               WHEN x.share = 0 THEN 'zero'
               WHEN x.share < x.quantity - GREATEST(x.quantity * s.guard_percent / 100.0, s.guard_units) THEN 'drop'
               WHEN x.share > x.quantity + GREATEST(x.quantity * s.jump_percent / 100.0, s.jump_units) THEN 'jump'
               ELSE ''
           END AS reason,
           x.hidden
    FROM shared x CROSS JOIN limits s
    UNION ALL
    -- Usage that no line bills. A line that is not billed on purpose, or not yet, explains the usage.
    SELECT v.connection_id, k.account_id, k.service_id, NULL, NULL, k.integration_id,
           NULL, CASE WHEN k.gap = '' THEN k.units END, CASE WHEN k.gap <> '' THEN k.known END,
           v.price, c.currency, CASE WHEN k.gap <> '' THEN k.unknown_since END,
           CASE WHEN k.gap = '' THEN k.units * v.price END,
           CASE WHEN k.gap <> '' THEN k.gap ELSE '' END, ''
    FROM counts k
    JOIN psa_service v ON v.org_id = %(org)s AND v.id = k.service_id
    JOIN psa_connection c ON c.org_id = v.org_id AND c.id = v.connection_id
    WHERE COALESCE(k.known, 0) > 0 AND NOT EXISTS (
        SELECT FROM lines l
        WHERE l.account_id = k.account_id AND l.service_id = k.service_id
          AND l.hidden NOT IN ('account_inactive', 'agreement_inactive', 'line_ended')
    )
),
kinds AS (
    SELECT j.*, CASE
        WHEN j.hidden <> '' THEN 'hidden'
        WHEN j.reason IN ('no_vendor_service', 'no_vendor_account') THEN 'psa_only'
        WHEN j.reason IN ('never_counted', 'source_silent', 'source_held', 'source_old') THEN 'waiting'
        WHEN j.reason <> '' THEN 'held'
        WHEN j.line_id IS NULL THEN 'new'
        WHEN j.vendor_units = j.psa_units THEN 'match'
        ELSE 'adjust'
    END AS kind
    FROM judged j
),
last_push AS (
    SELECT DISTINCT ON (p.line_id) p.*
    FROM psa_push p
    JOIN lines l ON l.id = p.line_id
    WHERE p.org_id = %(org)s AND p.state <> 'cancelled'
    ORDER BY p.line_id, p.id DESC
),
fresh AS (
    SELECT k.*, d.id AS decision_id, p.id AS push_id, CASE
        WHEN p.state = 'waiting' THEN 'ready'
        WHEN p.state IN ('staged', 'claimed', 'sending', 'unknown') THEN 'pushing'
        WHEN k.kind IN ('psa_only', 'hidden') THEN 'none'
        -- A push that stopped is shown until somebody decides again or the PSA's quantity moves on.
        WHEN p.state = 'conflict' AND k.kind <> 'match' AND (d.id IS NULL OR d.push_id = p.id) THEN 'failed'
        WHEN p.state IN ('failed', 'blocked', 'person') AND p.seen = k.psa_units AND p.wanted <> k.psa_units
             AND (d.id IS NULL OR d.push_id = p.id) THEN 'failed'
        WHEN k.kind = 'match' THEN 'done'
        WHEN d.verb = 'dismiss' AND d.period = %(period)s AND d.vendor_units IS NOT DISTINCT FROM k.vendor_units
             AND d.psa_units IS NOT DISTINCT FROM k.psa_units THEN 'done'
        -- A dated change may take effect after the next invoice: it is written, and the line changes on its day.
        WHEN d.verb = 'approve' AND p.id = d.push_id AND p.state = 'confirmed'
             AND (d.units = k.psa_units OR (p.way = 'split' AND p.effective_on > %(bills_from)s))
             AND d.period = %(period)s AND d.vendor_units IS NOT DISTINCT FROM k.vendor_units THEN 'done'
        WHEN k.kind IN ('held', 'waiting') THEN 'held'
        ELSE 'todo'
    END AS state
    FROM kinds k
    LEFT JOIN dashboard_decision d
        ON d.org_id = %(org)s AND d.undone_at IS NULL AND d.account_id = k.account_id
        AND (d.line_id = k.line_id OR (d.line_id IS NULL AND k.line_id IS NULL AND d.service_id = k.service_id))
    LEFT JOIN last_push p ON p.line_id = k.line_id
),
gone AS (
    DELETE FROM dashboard_card c
    USING affected a
    WHERE c.org_id = %(org)s AND c.account_id = a.id AND NOT EXISTS (
        SELECT FROM fresh f
        WHERE (c.line_id IS NOT NULL AND f.line_id = c.line_id)
           OR (c.line_id IS NULL AND f.line_id IS NULL AND f.account_id = c.account_id AND f.service_id = c.service_id)
    )
    RETURNING 1
),
of_lines AS (
    INSERT INTO dashboard_card AS c (
        org_id, connection_id, account_id, service_id, agreement_id, line_id, integration_id, period, kind, reason,
        psa_units, vendor_units, last_units, delta, price, effect, currency, unknown_since, state, decision_id, push_id
    )
    SELECT %(org)s, connection_id, account_id, service_id, agreement_id, line_id, integration_id, %(period)s, kind,
           reason, psa_units, vendor_units, last_units, vendor_units - psa_units, price, round(effect, 6), currency,
           unknown_since, state, decision_id, push_id
    FROM fresh WHERE line_id IS NOT NULL
    ON CONFLICT (org_id, line_id) WHERE line_id IS NOT NULL DO UPDATE SET
        connection_id = excluded.connection_id, account_id = excluded.account_id, service_id = excluded.service_id,
        agreement_id = excluded.agreement_id, integration_id = excluded.integration_id, period = excluded.period,
        kind = excluded.kind, reason = excluded.reason, psa_units = excluded.psa_units,
        vendor_units = excluded.vendor_units, last_units = excluded.last_units, delta = excluded.delta,
        price = excluded.price, effect = excluded.effect, currency = excluded.currency,
        unknown_since = excluded.unknown_since, state = excluded.state, decision_id = excluded.decision_id,
        push_id = excluded.push_id
    WHERE (c.connection_id, c.account_id, c.service_id, c.agreement_id, c.integration_id, c.period, c.kind, c.reason,
           c.psa_units, c.vendor_units, c.last_units, c.price, c.effect, c.currency, c.unknown_since, c.state,
           c.decision_id, c.push_id)
        IS DISTINCT FROM
          (excluded.connection_id, excluded.account_id, excluded.service_id, excluded.agreement_id,
           excluded.integration_id, excluded.period, excluded.kind, excluded.reason, excluded.psa_units,
           excluded.vendor_units, excluded.last_units, excluded.price, excluded.effect, excluded.currency,
           excluded.unknown_since, excluded.state, excluded.decision_id, excluded.push_id)
    RETURNING 1
),
of_usage AS (
    INSERT INTO dashboard_card AS c (
        org_id, connection_id, account_id, service_id, integration_id, period, kind, reason, vendor_units, last_units,
        delta, price, effect, currency, unknown_since, state, decision_id
    )
    SELECT %(org)s, connection_id, account_id, service_id, integration_id, %(period)s, kind, reason, vendor_units,
           last_units, vendor_units, price, round(effect, 6), currency, unknown_since, state, decision_id
    FROM fresh WHERE line_id IS NULL
    ON CONFLICT (org_id, account_id, service_id) WHERE line_id IS NULL DO UPDATE SET
        connection_id = excluded.connection_id, integration_id = excluded.integration_id, period = excluded.period,
        kind = excluded.kind, reason = excluded.reason, vendor_units = excluded.vendor_units,
        last_units = excluded.last_units, delta = excluded.delta, price = excluded.price, effect = excluded.effect,
        currency = excluded.currency, unknown_since = excluded.unknown_since, state = excluded.state,
        decision_id = excluded.decision_id
    WHERE (c.connection_id, c.integration_id, c.period, c.kind, c.reason, c.vendor_units, c.last_units, c.price,
           c.effect, c.currency, c.unknown_since, c.state, c.decision_id)
        IS DISTINCT FROM
          (excluded.connection_id, excluded.integration_id, excluded.period, excluded.kind, excluded.reason,
           excluded.vendor_units, excluded.last_units, excluded.price, excluded.effect, excluded.currency,
           excluded.unknown_since, excluded.state, excluded.decision_id)
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM of_lines) + (SELECT count(*) FROM of_usage)
