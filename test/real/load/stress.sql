-- Mixed work for the sqlite3 shell: many rows, indexes, updates, deletes, joins, text and blobs,
-- a trigger, common tables, window functions, transactions rolled back, VACUUM. No random(), no
-- date: the output is the same every time.
.bail on
PRAGMA page_size = 4096;
PRAGMA cache_size = 8000;
PRAGMA temp_store = memory;
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, size INTEGER, data BLOB, part TEXT);
CREATE TABLE log(id INTEGER PRIMARY KEY, item INTEGER, what TEXT);
CREATE TRIGGER noted AFTER UPDATE OF size ON item BEGIN
    INSERT INTO log(item, what) VALUES (new.id, old.size || ' to ' || new.size);
END;

-- The source of numbers: the same ones on every machine.
CREATE VIEW numbers AS
    WITH RECURSIVE n(i, h) AS (
        SELECT 1, 20231
        UNION ALL
        SELECT i + 1, (h * 1103515245 + 12345) & 2147483647 FROM n WHERE i < 60000)
    SELECT i, (h >> 11) & 1048575 AS r FROM n;

BEGIN;
INSERT INTO item(id, name, size, data, part)
    SELECT i, printf('item %06x', r), r % 5000,
           CAST(printf('%.*c', r % 300, 'x') || hex(r) AS BLOB),
           substr('alpha beta gamma delta epsilon zeta eta theta', r % 37, 1 + r % 9)
    FROM numbers;
COMMIT;
CREATE INDEX by_name ON item(name);
CREATE INDEX by_part ON item(part, size);
ANALYZE;
SELECT 'rows', count(*), sum(size), sum(length(data)) FROM item;

UPDATE item SET size = size * 3 % 4999 WHERE id % 7 = 0;
DELETE FROM item WHERE id % 11 = 3;
BEGIN;
DELETE FROM item WHERE id % 2 = 0;
SELECT 'within', count(*) FROM item;
ROLLBACK;
SELECT 'after', count(*), sum(size) FROM item;
SELECT 'log', count(*), max(what), min(what) FROM log;

SELECT part, count(*), avg(size), max(name) FROM item GROUP BY part ORDER BY part LIMIT 40;
SELECT a.name, b.name, a.size FROM item a JOIN item b ON a.name = b.name AND a.id <> b.id
    ORDER BY a.name, a.id LIMIT 30;
SELECT id, sum(size) OVER (PARTITION BY part ORDER BY id ROWS 5 PRECEDING) FROM item
    ORDER BY id LIMIT 20;
SELECT length(group_concat(name, ',')), length(group_concat(upper(part), '')) FROM item;
WITH RECURSIVE fib(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM fib WHERE b < 1e15)
    SELECT max(a), count(*) FROM fib;
SELECT json_array_length(json_group_array(json_object('n', name, 's', size))) FROM item;
SELECT count(*) FROM item WHERE name LIKE '%ff%' OR part GLOB '*eta*';

CREATE TABLE copy AS SELECT * FROM item ORDER BY part, name DESC;
DROP TABLE item;
VACUUM;
SELECT 'copy', count(*), sum(length(data)), total(size) FROM copy;
PRAGMA integrity_check;
PRAGMA foreign_key_check;
SELECT 'pages', page_count FROM pragma_page_count;
.dump log
