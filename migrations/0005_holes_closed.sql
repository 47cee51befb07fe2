-- On a large table, build the index users_deleted_at before this migration, while the service runs: paste
-- its statement into psql as CREATE INDEX CONCURRENTLY. It then finds it. Otherwise all access to users
-- waits, about 0.2 seconds for a million.
CREATE TABLE "admin_networks" (
	"account_id" integer NOT NULL,
	"network" text NOT NULL,
	"last_login_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "admin_networks_account_id_network_pk" PRIMARY KEY("account_id","network")
);
--> statement-breakpoint
CREATE TABLE "user_networks" (
	"account_id" integer NOT NULL,
	"network" text NOT NULL,
	"last_login_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "user_networks_account_id_network_pk" PRIMARY KEY("account_id","network")
);
--> statement-breakpoint
CREATE INDEX "admin_networks_last_login" ON "admin_networks" USING btree ("last_login_at");
--> statement-breakpoint
CREATE INDEX "user_networks_last_login" ON "user_networks" USING btree ("last_login_at");
--> statement-breakpoint
-- The networks that the audit trail knows. So far nothing is locked that statements need.
INSERT INTO user_networks (account_id, network, last_login_at)
SELECT e.actor_id, e.network, max(e.at) FROM audit_events e JOIN users a ON a.id = e.actor_id
WHERE e.action = 'login' AND e.outcome = 'success' AND e.actor_kind = 'user'
  AND e.network IS NOT NULL AND e.at > now() - interval '90 days'
GROUP BY 1, 2;
--> statement-breakpoint
INSERT INTO admin_networks (account_id, network, last_login_at)
SELECT e.actor_id, e.network, max(e.at) FROM audit_events e JOIN admins a ON a.id = e.actor_id
WHERE e.action = 'login' AND e.outcome = 'success' AND e.actor_kind = 'admin'
  AND e.network IS NOT NULL AND e.at > now() - interval '90 days'
GROUP BY 1, 2;
--> statement-breakpoint
-- From here on statements wait. All tables are locked at once, or none: statements lock them in more than one
-- order, and would wait for the migration while it waits for them.
DO $$
BEGIN
  PERFORM set_config('lock_timeout', '500ms', true);
  FOR attempt IN 1..120 LOOP
    BEGIN
      LOCK TABLE admins, users, password_resets, outbox, audit_events IN ACCESS EXCLUSIVE MODE;
      PERFORM set_config('lock_timeout', '0', true);
      RETURN;
    EXCEPTION WHEN lock_not_available THEN
      PERFORM pg_sleep(0.05);
    END;
  END LOOP;
  RAISE EXCEPTION 'a long transaction holds a table for a minute: end it, then migrate';
END;
$$;
--> statement-breakpoint
-- A column with a constant default is added without rewriting the table.
ALTER TABLE "admins" ADD COLUMN "password_version" integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "admins" ADD COLUMN "reset_requested_at" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "admins" ADD COLUMN "resets_void_until" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "password_version" integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "email_changed_at" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "password_resets" ADD COLUMN "sent_for" uuid;
--> statement-breakpoint
ALTER TABLE "password_resets" ADD COLUMN "sent_at" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "user_id" integer;
--> statement-breakpoint
ALTER TABLE "audit_events" ADD COLUMN "details" jsonb;
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "users_deleted_at" ON "users" USING btree ("deleted_at") WHERE "users"."deleted_at" is not null;
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
-- Emails that wait now. The version before sends them without looking at this column.
UPDATE "outbox" SET "user_id" = "users"."id" FROM "users"
WHERE lower("users"."email") IN (lower("outbox"."recipient"), lower("outbox"."mail"->>'new_email'));
--> statement-breakpoint
ALTER TABLE "outbox" ADD CONSTRAINT "outbox_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "outbox_user" ON "outbox" USING btree ("user_id") WHERE "outbox"."user_id" is not null;
--> statement-breakpoint
CREATE TABLE "admin_password_resets" (
	"admin_id" integer PRIMARY KEY NOT NULL,
	"id" uuid NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"issued_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"sent_for" uuid,
	"sent_at" timestamp with time zone,
	CONSTRAINT "admin_password_resets_id_unique" UNIQUE("id")
);
--> statement-breakpoint
ALTER TABLE "admin_networks" ADD CONSTRAINT "admin_networks_account_id_admins_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."admins"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "admin_password_resets" ADD CONSTRAINT "admin_password_resets_admin_id_admins_id_fk" FOREIGN KEY ("admin_id") REFERENCES "public"."admins"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "user_networks" ADD CONSTRAINT "user_networks_account_id_users_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
-- Ends the open sessions of an account beyond the `kept` most recently used, and beside the one that is being
-- opened. A volatile function sees what was committed when it is called: a login that waited for the row of
-- the account counts, and can end, the sessions of the logins it waited for.
CREATE FUNCTION end_excess_user_sessions(account integer, opened uuid, kept integer) RETURNS SETOF uuid
LANGUAGE sql VOLATILE AS $$
  UPDATE user_sessions SET revoked_at = now() WHERE id IN (
    SELECT s.id FROM user_sessions s JOIN users a ON a.id = s.account_id
    WHERE s.account_id = account AND s.id <> opened
      AND s.revoked_at IS NULL AND s.expires_at > now()
      AND (s.epoch = a.session_epoch OR s.id = a.kept_session)
    ORDER BY s.last_used_at DESC, s.id OFFSET kept
  ) RETURNING id
$$;
--> statement-breakpoint
CREATE FUNCTION end_excess_admin_sessions(account integer, opened uuid, kept integer) RETURNS SETOF uuid
LANGUAGE sql VOLATILE AS $$
  UPDATE admin_sessions SET revoked_at = now() WHERE id IN (
    SELECT s.id FROM admin_sessions s JOIN admins a ON a.id = s.account_id
    WHERE s.account_id = account AND s.id <> opened
      AND s.revoked_at IS NULL AND s.expires_at > now()
      AND (s.epoch = a.session_epoch OR s.id = a.kept_session)
    ORDER BY s.last_used_at DESC, s.id OFFSET kept
  ) RETURNING id
$$;
--> statement-breakpoint
-- The version of the Worker before this migration changes passwords without the version. The same password
-- hashed again leaves session_epoch as it is.
CREATE FUNCTION raise_password_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.password_version := OLD.password_version + 1;
  RETURN NEW;
END;
$$;
--> statement-breakpoint
CREATE TRIGGER users_password_changed BEFORE UPDATE OF hashed_password ON users
FOR EACH ROW WHEN (
  OLD.hashed_password IS DISTINCT FROM NEW.hashed_password
  AND OLD.session_epoch <> NEW.session_epoch AND OLD.password_version = NEW.password_version
)
EXECUTE FUNCTION raise_password_version();
--> statement-breakpoint
CREATE TRIGGER admins_password_changed BEFORE UPDATE OF hashed_password ON admins
FOR EACH ROW WHEN (
  OLD.hashed_password IS DISTINCT FROM NEW.hashed_password
  AND OLD.session_epoch <> NEW.session_epoch AND OLD.password_version = NEW.password_version
)
EXECUTE FUNCTION raise_password_version();
