-- Cards of some accounts of one organization, from the mirror, the ledger, the mappings, decisions and pushes.
-- Parameters: org, everyone, accounts, now, today, period (first of the month), bills_from (first of the next), and
-- gaps: why a count may be unknown; the first that holds is said. The line in braces stands for counts.sql.
-- Unknown is NULL, never 0. The same rules, for reading: dashboard/rules.py.
-- A new organization's rows are in no statistics yet, so every join must bear a planner that expects one row:
-- each table is narrowed by account where it is read, joins are on equalities that can be hashed, and
-- dashboard/cards.py forbids nested loops when many accounts are affected.
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
    JOIN affected a ON a.id = l.account_id
    JOIN psa_agreement g ON g.org_id = l.org_id AND g.id = l.agreement_id
    JOIN psa_connection c ON c.org_id = l.org_id AND c.id = l.connection_id
    LEFT JOIN psa_agreementtype t ON t.org_id = g.org_id AND t.id = g.agreement_type_id
    WHERE l.org_id = %(org)s AND (%(everyone)s OR l.account_id = ANY(%(accounts)s)) AND l.vanished_at IS NULL
),
{counts}
paired AS (
    -- Usage that a person counts to a line of another service, while no line of its own service explains it.
    SELECT p.line_id, k.*,
           array_position(%(gaps)s::text[], k.gap) AS gap_rank
    FROM dashboard_linepairing p
    JOIN counts k ON k.account_id = p.account_id AND k.service_id = p.service_id
    JOIN lines t ON t.id = p.line_id AND t.hidden = ''
    WHERE p.org_id = %(org)s AND (%(everyone)s OR p.account_id = ANY(%(accounts)s)) AND p.undone_at IS NULL
      AND NOT EXISTS (
        SELECT FROM explaining l WHERE l.account_id = p.account_id AND l.service_id = p.service_id
      )
),
added AS (
    SELECT line_id, min(integration_id) AS integration_id, sum(units) AS units, sum(known) AS known,
           min(unknown_since) AS unknown_since, min(gap_rank) AS gap_rank, bool_or(nameless) AS nameless
    FROM paired GROUP BY line_id
),
shared AS (
    -- Several lines may bill one service of one account: each takes its own quantity, the last takes the rest.
    -- What is paired with a line comes first, and the line takes so much less of what is shared.
    SELECT l.*, COALESCE(k.integration_id, l.added_integration) AS integration_id,
           k.units IS NOT NULL AS counted,
           CASE WHEN COALESCE(k.known, l.added_known) IS NOT NULL
               THEN CASE WHEN l.all_ruled AND NOT k.is_own THEN COALESCE(k.known_raw, 0) ELSE COALESCE(k.known, 0) END
                   + COALESCE(l.added_known, 0) END AS known,
           LEAST(k.unknown_since, l.added_since) AS unknown_since,
           COALESCE(k.nameless, FALSE) OR COALESCE(l.added_nameless, FALSE) AS nameless,
           CASE
               WHEN k.gap <> '' THEN k.gap
               -- Until the paired usage of one of them is known, nobody knows what the others take.
               WHEN k.gap = '' THEN COALESCE(gaps.names[l.gap_of_these], '')
               WHEN l.added_units IS NOT NULL THEN COALESCE(gaps.names[
                   CASE WHEN l.line_steps IS NULL THEN l.gap_rank ELSE l.gap_of_agreement END
               ], '')
           END AS gap,
           -- How far the vendor's count may be from the quantity before a person must look at it.
           GREATEST(l.quantity * (SELECT guard_percent FROM limits) / 100.0, (SELECT guard_units FROM limits))
               AS guarded_drop,
           GREATEST(l.quantity * (SELECT jump_percent FROM limits) / 100.0, (SELECT jump_units FROM limits))
               AS guarded_jump,
           COALESCE(l.added_units, 0) + CASE
               WHEN k.units IS NULL THEN 0
               WHEN l.of_these = 1 THEN base.units
               WHEN l.nth = l.of_these THEN GREATEST(base.units - l.before, 0)
               ELSE LEAST(l.room, GREATEST(base.units - l.before, 0))
           END AS its_units
    FROM (
        SELECT *, count(*) OVER pair AS of_these, row_number() OVER in_order AS nth,
               min(gap_rank) OVER pair AS gap_of_these, min(gap_rank) OVER of_agreement AS gap_of_agreement,
               bool_and(line_steps IS NOT NULL) OVER pair AS all_ruled,
               COALESCE(sum(room) OVER (in_order ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM (
            SELECT n.*, d.integration_id AS added_integration, d.units AS added_units, d.known AS added_known,
                   d.unknown_since AS added_since, d.gap_rank, d.nameless AS added_nameless,
                   GREATEST(n.quantity - COALESCE(d.units, 0), 0) AS room
            FROM ruled_lines n
            LEFT JOIN added d ON d.line_id = n.id
        ) each_line
        WINDOW pair AS (PARTITION BY account_id, service_id, hidden = ''),
               of_agreement AS (PARTITION BY account_id, service_id, agreement_id),
               in_order AS (
                   PARTITION BY account_id, service_id, hidden = ''
                   ORDER BY starts_on NULLS FIRST, length(remote_id), remote_id
               )
    ) l
    LEFT JOIN counts k ON k.account_id = l.account_id AND k.service_id = l.service_id AND l.hidden = ''
    -- Where each of the lines has its agreement's own rule, the steps of the rule for every account give way.
    CROSS JOIN LATERAL (SELECT CASE WHEN l.all_ruled AND NOT k.is_own THEN k.raw ELSE k.units END AS units) base
    CROSS JOIN (SELECT %(gaps)s::text[] AS names) gaps
),
stepped AS (
    -- An agreement's own rule steps on from what its lines take together. Where that changes it, each line takes its
    -- own quantity of it, the last the rest.
    SELECT g.id, g.of_these, CASE
        WHEN after.units = g.together THEN g.its_units
        WHEN g.nth = g.of_these THEN GREATEST(after.units - g.before, 0)
        ELSE LEAST(g.room, GREATEST(after.units - g.before, 0))
    END AS units
    FROM (
        SELECT x.id, GREATEST(x.quantity, 0) AS room, x.its_units, x.line_steps, sum(x.its_units) OVER of_agreement AS together,
               count(*) OVER of_agreement AS of_these, row_number() OVER in_order AS nth,
               COALESCE(sum(GREATEST(x.quantity, 0)) OVER (in_order ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
        FROM shared x WHERE x.gap = '' AND x.line_steps IS NOT NULL
        WINDOW of_agreement AS (PARTITION BY x.account_id, x.service_id, x.agreement_id),
               in_order AS (
                   PARTITION BY x.account_id, x.service_id, x.agreement_id
                   ORDER BY x.starts_on NULLS FIRST, length(x.remote_id), x.remote_id
               )
    ) g
    CROSS JOIN LATERAL (SELECT apply_counting_steps(g.together, g.line_steps) AS units) after
),
compared AS (
    SELECT x.*, CASE WHEN x.gap = '' THEN COALESCE(s.units, x.its_units) END AS share,
           CASE WHEN x.counted THEN x.of_these ELSE COALESCE(s.of_these, 1) END AS sharing
    FROM shared x LEFT JOIN stepped s ON s.id = x.id
),
judged AS (
    SELECT x.connection_id, x.account_id, x.service_id, x.agreement_id, x.id AS line_id, x.integration_id,
           x.quantity AS psa_units, x.share AS vendor_units, CASE WHEN x.gap <> '' AND NOT x.nameless THEN x.known END AS last_units,
           x.unit_price AS price, x.currency, CASE WHEN x.gap <> '' THEN x.unknown_since END AS unknown_since,
           -- GREATEST skips NULLs, so an unknown share must be kept out of it.
           CASE WHEN x.share IS NOT NULL THEN
               (GREATEST(x.share - x.included, 0) - GREATEST(x.quantity - x.included, 0)) * x.unit_price
           END AS effect,
           CASE
               WHEN x.hidden <> '' THEN x.hidden
               WHEN x.gap IS NULL AND (x.service_id IS NULL OR x.service_id NOT IN (SELECT service_id FROM served))
                   THEN 'no_vendor_service'
               WHEN x.gap IS NULL THEN 'no_vendor_account'
               WHEN x.gap <> '' THEN x.gap
               WHEN x.share = x.quantity THEN ''
               WHEN x.sharing > 1 THEN 'shared'
               WHEN x.share = 0 THEN 'zero'
               WHEN x.share < x.quantity - x.guarded_drop THEN 'drop'
               WHEN x.share > x.quantity + x.guarded_jump THEN 'jump'
               ELSE ''
           END AS reason,
           x.hidden
    FROM compared x
    UNION ALL
    -- Usage that no line bills, and that counts to none. A line that is not billed on purpose, or not yet, explains the usage.
    SELECT v.connection_id, k.account_id, k.service_id, NULL, NULL, k.integration_id,
           NULL, CASE WHEN k.gap = '' THEN k.units END, CASE WHEN k.gap <> '' AND NOT k.nameless THEN k.known END,
           v.price, c.currency, CASE WHEN k.gap <> '' THEN k.unknown_since END,
           CASE WHEN k.gap = '' THEN k.units * v.price END,
           CASE WHEN k.gap <> '' THEN k.gap ELSE '' END, ''
    FROM counts k
    JOIN psa_service v ON v.org_id = %(org)s AND v.id = k.service_id
    JOIN psa_connection c ON c.org_id = v.org_id AND c.id = v.connection_id
    WHERE COALESCE(k.known, 0) > 0 AND k.raw > 0 AND NOT EXISTS (
        SELECT FROM explaining l WHERE l.account_id = k.account_id AND l.service_id = k.service_id
    ) AND NOT EXISTS (
        SELECT FROM paired p WHERE p.account_id = k.account_id AND p.service_id = k.service_id
    )
),
kinds AS (
    SELECT j.*, CASE
        WHEN j.hidden <> '' THEN 'hidden'
        WHEN j.reason IN ('no_vendor_service', 'no_vendor_account') THEN 'psa_only'
        WHEN j.reason = ANY(%(gaps)s::text[]) THEN 'waiting'
        WHEN j.reason <> '' THEN 'held'
        WHEN j.line_id IS NULL THEN 'new'
        WHEN j.vendor_units = j.psa_units THEN 'match'
        ELSE 'adjust'
    END AS kind
    FROM judged j
),
last_push AS (
    (SELECT DISTINCT ON (p.line_id) p.id, l.account_id, p.line_id AS about, p.state, p.seen, p.wanted, p.way,
            p.effective_on, p.finished_at
     FROM lines l
     JOIN psa_push p ON p.org_id = %(org)s AND p.line_id = l.id
     WHERE p.state <> 'cancelled'
     ORDER BY p.line_id, p.id DESC)
    UNION ALL
    -- A line that is being added for usage: the push learns which line it is about when it is read back.
    (SELECT DISTINCT ON (p.account_id, p.service_id) p.id, p.account_id, -p.service_id, p.state, p.seen, p.wanted,
            p.way, p.effective_on, p.finished_at
     FROM psa_push p
     WHERE p.org_id = %(org)s AND p.way = 'add' AND (%(everyone)s OR p.account_id = ANY(%(accounts)s))
       AND p.line_id IS NULL AND p.state <> 'cancelled'
     ORDER BY p.account_id, p.service_id, p.id DESC)
),
-- A decision ends with its period, or with the one in which its push has ended: sent on the 1st, it can be undone
-- after that. A snooze ends on its day, in whatever month that is.
standing AS (
    SELECT d.*, COALESCE(d.line_id, -d.service_id) AS about
    FROM dashboard_decision d
    WHERE d.org_id = %(org)s AND (%(everyone)s OR d.account_id = ANY(%(accounts)s)) AND d.undone_at IS NULL
      AND CASE
          WHEN d.verb = 'snooze' THEN d.until > %(today)s
          ELSE d.period = %(period)s OR d.push_id IN (
              SELECT p.id FROM last_push p
              WHERE p.state IN ('waiting', 'staged', 'claimed', 'sending', 'unknown')
                 OR p.finished_at >= %(period)s::timestamp AT TIME ZONE 'UTC'
          )
      END
),
fresh AS (
    SELECT k.connection_id, k.account_id, k.service_id, k.agreement_id, k.line_id, k.integration_id,
           %(period)s::date AS period, k.kind, k.reason, k.psa_units, k.vendor_units, k.last_units, k.price,
           round(k.effect, 6) AS effect, k.currency, k.unknown_since, d.id AS decision_id, p.id AS push_id, CASE
        WHEN p.state = 'waiting' THEN 'ready'
        WHEN p.state IN ('staged', 'claimed', 'sending', 'unknown') THEN 'pushing'
        WHEN k.kind IN ('psa_only', 'hidden') THEN 'none'
        -- A push that stopped is shown until somebody decides again or the PSA's quantity moves on.
        WHEN p.state = 'conflict' AND k.kind <> 'match' AND (d.id IS NULL OR d.push_id = p.id) THEN 'failed'
        WHEN p.state IN ('failed', 'blocked', 'person') AND p.seen = COALESCE(k.psa_units, 0) AND p.wanted <> p.seen
             AND (d.id IS NULL OR d.push_id = p.id) THEN 'failed'
        WHEN k.kind = 'match' THEN 'done'
        WHEN d.verb = 'dismiss' AND d.vendor_units IS NOT DISTINCT FROM k.vendor_units
             AND d.psa_units IS NOT DISTINCT FROM k.psa_units THEN 'done'
        WHEN d.verb = 'snooze' AND d.vendor_units IS NOT DISTINCT FROM k.vendor_units
             AND d.psa_units IS NOT DISTINCT FROM k.psa_units THEN 'snoozed'
        -- A dated change may take effect after the next invoice: it is written, and the line changes on its day.
        WHEN d.verb = 'approve' AND p.id = d.push_id AND p.state = 'confirmed'
             AND (d.units = k.psa_units OR (p.way = 'split' AND p.effective_on > %(bills_from)s))
             AND d.vendor_units IS NOT DISTINCT FROM k.vendor_units THEN 'done'
        WHEN k.kind IN ('held', 'waiting') THEN 'held'
        ELSE 'todo'
    END AS state
    FROM kinds k
    LEFT JOIN standing d ON d.account_id = k.account_id AND d.about = COALESCE(k.line_id, -k.service_id)
    LEFT JOIN last_push p ON p.account_id = k.account_id AND p.about = COALESCE(k.line_id, -k.service_id)
),
present AS (
    SELECT c.* FROM dashboard_card c
    WHERE c.org_id = %(org)s AND (%(everyone)s OR c.account_id = ANY(%(accounts)s))
),
gone AS (
    DELETE FROM dashboard_card
    WHERE org_id = %(org)s AND id = ANY(ARRAY(
        SELECT c.id FROM present c
        WHERE c.line_id IS NOT NULL AND NOT EXISTS (SELECT FROM fresh f WHERE f.line_id = c.line_id)
        UNION ALL
        SELECT c.id FROM present c
        WHERE c.line_id IS NULL AND NOT EXISTS (
            SELECT FROM fresh f
            WHERE f.line_id IS NULL AND f.account_id = c.account_id AND f.service_id = c.service_id)
    ))
    RETURNING state
),
-- An unchanged card is not even locked.
changed AS (
    SELECT f.* FROM fresh f
    LEFT JOIN present c
        ON c.account_id = f.account_id AND COALESCE(c.line_id, -c.service_id) = COALESCE(f.line_id, -f.service_id)
    WHERE c.id IS NULL OR
          (c.connection_id, c.service_id, c.agreement_id, c.integration_id, c.period, c.kind, c.reason, c.psa_units,
           c.vendor_units, c.last_units, c.price, c.effect, c.currency, c.unknown_since, c.state, c.decision_id,
           c.push_id)
        IS DISTINCT FROM
          (f.connection_id, f.service_id, f.agreement_id, f.integration_id, f.period, f.kind, f.reason, f.psa_units,
           f.vendor_units, f.last_units, f.price, f.effect, f.currency, f.unknown_since, f.state, f.decision_id,
           f.push_id)
),
of_lines AS (
    INSERT INTO dashboard_card (
        org_id, connection_id, account_id, service_id, agreement_id, line_id, integration_id, period, kind, reason,
        psa_units, vendor_units, last_units, delta, price, effect, currency, unknown_since, state, decision_id, push_id
    )
    SELECT %(org)s, connection_id, account_id, service_id, agreement_id, line_id, integration_id, period, kind,
           reason, psa_units, vendor_units, last_units, vendor_units - psa_units, price, effect, currency,
           unknown_since, state, decision_id, push_id
    FROM changed WHERE line_id IS NOT NULL ORDER BY line_id
    ON CONFLICT (org_id, line_id) WHERE line_id IS NOT NULL DO UPDATE SET
        connection_id = excluded.connection_id, account_id = excluded.account_id, service_id = excluded.service_id,
        agreement_id = excluded.agreement_id, integration_id = excluded.integration_id, period = excluded.period,
        kind = excluded.kind, reason = excluded.reason, psa_units = excluded.psa_units,
        vendor_units = excluded.vendor_units, last_units = excluded.last_units, delta = excluded.delta,
        price = excluded.price, effect = excluded.effect, currency = excluded.currency,
        unknown_since = excluded.unknown_since, state = excluded.state, decision_id = excluded.decision_id,
        push_id = excluded.push_id
    RETURNING 1
),
of_usage AS (
    INSERT INTO dashboard_card (
        org_id, connection_id, account_id, service_id, integration_id, period, kind, reason, vendor_units, last_units,
        delta, price, effect, currency, unknown_since, state, decision_id, push_id
    )
    SELECT %(org)s, connection_id, account_id, service_id, integration_id, period, kind, reason, vendor_units,
           last_units, vendor_units, price, effect, currency, unknown_since, state, decision_id, push_id
    FROM changed WHERE line_id IS NULL ORDER BY account_id, service_id
    ON CONFLICT (org_id, account_id, service_id) WHERE line_id IS NULL DO UPDATE SET
        connection_id = excluded.connection_id, integration_id = excluded.integration_id, period = excluded.period,
        kind = excluded.kind, reason = excluded.reason, vendor_units = excluded.vendor_units,
        last_units = excluded.last_units, delta = excluded.delta, price = excluded.price, effect = excluded.effect,
        currency = excluded.currency, unknown_since = excluded.unknown_since, state = excluded.state,
        decision_id = excluded.decision_id, push_id = excluded.push_id
    RETURNING 1
)
-- A card that goes while its push waits takes away the only row on which that push could be sent or undone.
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM of_lines) + (SELECT count(*) FROM of_usage),
       (SELECT count(*) FROM gone WHERE state = 'ready')
