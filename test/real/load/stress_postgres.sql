-- Sorting, hashing, aggregates, windows, JSON, text search, arrays, PL/pgSQL, indexes, cursors.
-- No random(), no time: the output is the same every time.
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 2;
CREATE TABLE item AS
    SELECT i AS id, md5(i::text) AS name, (i * 7919::bigint) % 5003 AS size,
           repeat(substr(md5((i + 1)::text), 1, 7), i % 60) AS data,
           ARRAY[i % 10, i % 100, i] AS tags,
           jsonb_build_object('n', i, 'half', i / 2.0, 'words', string_to_array(md5(i::text), 'a'))
               AS document
    FROM generate_series(1, 60000) i;
CREATE INDEX ON item(name);
CREATE INDEX ON item(size, id);
CREATE INDEX ON item USING gin(tags);
CREATE INDEX ON item USING gin(document jsonb_path_ops);
CREATE INDEX ON item USING gist(int8range(size, size + 10));
ANALYZE item;

SELECT count(*), sum(size), sum(length(data)), max(name) FROM item;
SELECT size % 7, count(DISTINCT name), string_agg(substr(name, 1, 2), '' ORDER BY name) = '' AS e,
       md5(string_agg(data, ',' ORDER BY id)) FROM item GROUP BY 1 ORDER BY 1;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY size), stddev(size)::numeric(12, 4) FROM item;
SELECT id, sum(size) OVER w, lag(name, 3) OVER w, ntile(7) OVER w FROM item
    WHERE id < 200 WINDOW w AS (PARTITION BY size % 3 ORDER BY id) ORDER BY id;
SELECT md5(string_agg(a.name || b.name, '' ORDER BY a.id, b.id))
    FROM item a JOIN item b ON a.size = b.size AND a.id < b.id AND a.id % 5 = 0;
SELECT count(*) FROM item WHERE tags @> ARRAY[3, 33];
SELECT count(*) FROM item WHERE document @> '{"n": 777}' OR document->>'half' LIKE '%7.5';
SELECT md5(jsonb_agg(document ORDER BY id)::text) FROM item WHERE id % 11 = 0;
SELECT md5(xmlagg(xmlelement(name i, xmlattributes(id AS n), name) ORDER BY id)::text) FROM item
    WHERE id < 3000;
SELECT count(*), md5(string_agg(m[1], '')) FROM item,
    regexp_matches(name, '([a-f]+)[0-9]+([a-f])', 'g') WITH ORDINALITY AS r(m, o) WHERE id < 5000;
SELECT to_tsvector('english', string_agg(name, ' and the tides of ')) @@ to_tsquery('tide & !sea')
    FROM item WHERE id < 4000;
WITH RECURSIVE walk(n, path) AS (
    SELECT 1, ARRAY[1]
    UNION ALL SELECT n * 3 % 1009, path || n FROM walk WHERE cardinality(path) < 900)
    SELECT md5(string_agg(n::text, ',')), max(cardinality(path)) FROM walk;
SELECT (2::numeric ^ 3000 / 7::numeric ^ 500)::text = '' , factorial(300) % 1000000007;
SELECT round(sqrt(2::numeric(800, 700)), 600);

CREATE FUNCTION turned(rounds int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    parts text[] := '{}';
    row record;
BEGIN
    FOR row IN SELECT id, name FROM item ORDER BY name LIMIT rounds LOOP
        BEGIN
            parts := parts || reverse(row.name);
            IF row.id % 50 = 0 THEN RAISE EXCEPTION 'on purpose'; END IF;
        EXCEPTION WHEN raise_exception THEN
            parts := parts[1 : cardinality(parts) - 1];
        END;
    END LOOP;
    RETURN md5(array_to_string(parts, ','));
END $$;
SELECT turned(6000);

BEGIN;
UPDATE item SET size = size + 1, data = data || name WHERE id % 3 = 0;
SAVEPOINT here;
DELETE FROM item WHERE id % 2 = 0;
ROLLBACK TO here;
COMMIT;
DELETE FROM item WHERE id % 13 = 5;
VACUUM FULL item;
REINDEX TABLE item;
CLUSTER item USING item_name_idx;
SELECT count(*), sum(size), md5(string_agg(data, '' ORDER BY id)) FROM item;
EXPLAIN (COSTS OFF) SELECT * FROM item WHERE name = 'x';
