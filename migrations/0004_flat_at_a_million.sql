-- On a large table, build the five indexes before this migration, one by one, while the service runs:
-- paste the statements below into psql as CREATE INDEX CONCURRENTLY. It then finds them. Otherwise
-- writes to users wait, about 4 seconds for a million.
CREATE TABLE "deleted_user_totals" (
	"is_active" boolean PRIMARY KEY NOT NULL,
	"total" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "users_live" ON "users" USING btree ("id","is_active") WHERE "users"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "users_disabled" ON "users" USING btree ("id") WHERE not "users"."is_active" and "users"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "users_deleted" ON "users" USING btree ("id","is_active") WHERE "users"."deleted_at" is not null;--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "users_search_username" ON "users" USING btree (("id" >> 12),lower("username") text_pattern_ops,"id","is_active","username") WHERE "users"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "users_search_email" ON "users" USING btree (("id" >> 12),lower("email") text_pattern_ops,"id","is_active","email") WHERE "users"."deleted_at" is null;
--> statement-breakpoint
-- A failed CREATE INDEX CONCURRENTLY leaves one that is never used.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_index WHERE indrelid = 'users'::regclass AND NOT indisvalid) THEN
    RAISE EXCEPTION 'users has an index that is not valid: drop it, build it again, then migrate';
  END IF;
END;
$$;
--> statement-breakpoint
LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE;
--> statement-breakpoint
INSERT INTO deleted_user_totals (is_active, total)
SELECT active, (SELECT count(*) FROM users WHERE deleted_at IS NOT NULL AND is_active = active)
FROM (VALUES (true), (false)) AS a (active);
--> statement-breakpoint
-- Totals are counted once a statement, so that an import of a million users is not a million updates of
-- a few rows. All functions change rows in one order, (active, deleted, shard): otherwise two statements
-- in opposite directions would wait for each other.
CREATE FUNCTION count_added_and_removed_users() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  direction integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
  part record;
BEGIN
  FOR part IN
    SELECT is_active, deleted_at IS NOT NULL AS deleted, id % 16 AS shard, count(*) AS users
    FROM changed GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3
  LOOP
    IF part.deleted THEN
      UPDATE deleted_user_totals SET total = total + direction * part.users
      WHERE is_active = part.is_active;
    ELSE
      UPDATE user_totals SET total = total + direction * part.users
      WHERE is_active = part.is_active AND shard = part.shard;
    END IF;
  END LOOP;
  RETURN NULL;
END;
$$;
--> statement-breakpoint
-- Replaced, not dropped: that would need a stronger lock, and deadlock with statements that read users
-- and are about to write it.
CREATE OR REPLACE TRIGGER users_counted_in_and_out AFTER INSERT ON users
REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_added_and_removed_users();
--> statement-breakpoint
CREATE TRIGGER users_counted_out AFTER DELETE ON users REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_added_and_removed_users();
--> statement-breakpoint
-- For users_counted_again: a user was disabled, enabled, deleted or restored.
CREATE OR REPLACE FUNCTION count_users() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  active boolean;
  change integer;
BEGIN
  FOREACH active IN ARRAY ARRAY[true, false] LOOP
    change := (NEW.is_active = active AND NEW.deleted_at IS NULL)::integer
      - (OLD.is_active = active AND OLD.deleted_at IS NULL)::integer;
    IF change <> 0 THEN
      UPDATE user_totals SET total = total + change
      WHERE is_active = active AND shard = NEW.id % 16;
    END IF;
    change := (NEW.is_active = active AND NEW.deleted_at IS NOT NULL)::integer
      - (OLD.is_active = active AND OLD.deleted_at IS NOT NULL)::integer;
    IF change <> 0 THEN
      UPDATE deleted_user_totals SET total = total + change WHERE is_active = active;
    END IF;
  END LOOP;
  RETURN NULL;
END;
$$;
