-- Keeps user_totals: one row for each of (active, disabled) and shard, deleted users not counted.
CREATE FUNCTION count_users() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.deleted_at IS NULL THEN
    UPDATE user_totals SET total = total - 1
    WHERE is_active = OLD.is_active AND shard = OLD.id % 16;
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.deleted_at IS NULL THEN
    UPDATE user_totals SET total = total + 1
    WHERE is_active = NEW.is_active AND shard = NEW.id % 16;
  END IF;
  RETURN NULL;
END;
$$;
--> statement-breakpoint
INSERT INTO user_totals (is_active, shard, total)
SELECT active, shard, 0 FROM (VALUES (true), (false)) AS a (active), generate_series(0, 15) AS shard;
--> statement-breakpoint
CREATE TRIGGER users_counted_in_and_out AFTER INSERT OR DELETE ON users
FOR EACH ROW EXECUTE FUNCTION count_users();
--> statement-breakpoint
CREATE TRIGGER users_counted_again AFTER UPDATE ON users
FOR EACH ROW WHEN (
  OLD.is_active <> NEW.is_active OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)
)
EXECUTE FUNCTION count_users();
--> statement-breakpoint
-- The audit trail is appended to and, after 30 days at the earliest, pruned. Nothing else.
CREATE FUNCTION keep_audit_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.at < now() - interval '30 days' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'audit_events is append-only';
END;
$$;
--> statement-breakpoint
CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
FOR EACH ROW EXECUTE FUNCTION keep_audit_events();
