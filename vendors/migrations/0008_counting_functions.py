"""The arithmetic of counting rules for whole organizations at once; `vendors/counting.py` says the same for one count.

A step that nobody knows is an error: a number that came out of half a rule would be billed.
"""

from django.db import migrations

MAKE = r"""
CREATE FUNCTION apply_counting_steps(units numeric, steps jsonb) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    step jsonb;
    n numeric;
    most numeric := GREATEST(units, 1000000000);
BEGIN
    FOR step IN SELECT value FROM jsonb_array_elements(steps) WITH ORDINALITY ORDER BY ordinality LOOP
        n := (step ->> 'by')::numeric;
        CASE step ->> 'do'
            WHEN 'include' THEN units := units + n;
            WHEN 'exclude' THEN units := GREATEST(units - n, 0);
            -- A division would choose how many digits it keeps; this product is exact until it is rounded.
            WHEN 'percent' THEN units := round(units * n * 0.01, 6);
            WHEN 'minimum' THEN units := GREATEST(units, n);
            WHEN 'maximum' THEN units := LEAST(units, n);
            WHEN 'down' THEN units := units - mod(units, n);
            WHEN 'up' THEN units := units - mod(units, n) + CASE WHEN mod(units, n) = 0 THEN 0 ELSE n END;
            WHEN 'nearest' THEN
                units := units - mod(units, n) + CASE WHEN mod(units, n) * 2 >= n THEN n ELSE 0 END;
        END CASE;
        units := LEAST(units, most);
    END LOOP;
    RETURN units;
END $$;

-- `*` stands for any text and `?` for one character.
CREATE FUNCTION like_of_glob(pattern text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT replace(replace(replace(replace(replace(
        pattern, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'), '?', '_')
$$;

CREATE FUNCTION named_unit_kept(traits jsonb, filters jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_temp AS $$
    SELECT COALESCE(NOT bool_or(hit AND NOT keeps), TRUE)
       AND (COALESCE(bool_and(NOT keeps), TRUE) OR bool_or(hit AND keeps))
    FROM (
        SELECT COALESCE(traits ->> (f ->> 'field') LIKE like_of_glob(f ->> 'pattern'), FALSE) AS hit,
               (f ->> 'keeps')::boolean AS keeps
        FROM jsonb_array_elements(filters) f
    ) each_filter
$$;
"""
FORGET = """
DROP FUNCTION named_unit_kept(jsonb, jsonb);
DROP FUNCTION like_of_glob(text);
DROP FUNCTION apply_counting_steps(numeric, jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("vendors", "0007_counting")]

    operations = [migrations.RunSQL(MAKE, FORGET)]
