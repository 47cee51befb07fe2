-- In the order in which statements lock these tables, so that none of them waits for the migration while it
-- waits for them. A column with a constant default is added without rewriting the table.
ALTER TABLE "admins" ADD COLUMN "password_version" integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "admins" ADD COLUMN "reset_requested_at" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "admins" ADD COLUMN "resets_void_until" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "password_version" integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
ALTER TABLE "password_resets" ADD COLUMN "sent_for" uuid;
--> statement-breakpoint
ALTER TABLE "password_resets" ADD COLUMN "sent_at" timestamp with time zone;
--> statement-breakpoint
CREATE INDEX IF NOT EXISTS "users_deleted_at" ON "users" USING btree ("deleted_at") WHERE "users"."deleted_at" is not null;
--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "user_id" integer;
--> statement-breakpoint
-- Emails that wait now. The version before sends them without looking at this column.
UPDATE "outbox" SET "user_id" = "users"."id" FROM "users"
WHERE lower("users"."email") IN (lower("outbox"."recipient"), lower("outbox"."mail"->>'new_email'));
--> statement-breakpoint
ALTER TABLE "outbox" ADD CONSTRAINT "outbox_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "outbox_user" ON "outbox" USING btree ("user_id") WHERE "outbox"."user_id" is not null;
--> statement-breakpoint
ALTER TABLE "audit_events" ADD COLUMN "details" jsonb;
--> statement-breakpoint
CREATE TABLE "admin_networks" (
	"account_id" integer NOT NULL,
	"network" text NOT NULL,
	"last_login_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "admin_networks_account_id_network_pk" PRIMARY KEY("account_id","network")
);
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
CREATE TABLE "user_networks" (
	"account_id" integer NOT NULL,
	"network" text NOT NULL,
	"last_login_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "user_networks_account_id_network_pk" PRIMARY KEY("account_id","network")
);
--> statement-breakpoint
ALTER TABLE "admin_networks" ADD CONSTRAINT "admin_networks_account_id_admins_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."admins"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "admin_password_resets" ADD CONSTRAINT "admin_password_resets_admin_id_admins_id_fk" FOREIGN KEY ("admin_id") REFERENCES "public"."admins"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
ALTER TABLE "user_networks" ADD CONSTRAINT "user_networks_account_id_users_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
--> statement-breakpoint
CREATE INDEX "admin_networks_last_login" ON "admin_networks" USING btree ("last_login_at");
--> statement-breakpoint
CREATE INDEX "user_networks_last_login" ON "user_networks" USING btree ("last_login_at");
--> statement-breakpoint
-- The open sessions of an account beyond the `kept` most recently used. A volatile function sees what was
-- committed when it is called: a login that waited for the account's row counts the logins it waited for.
CREATE FUNCTION excess_user_sessions(account integer, kept integer) RETURNS SETOF uuid
LANGUAGE sql VOLATILE AS $$
  SELECT s.id FROM user_sessions s JOIN users a ON a.id = s.account_id
  WHERE s.account_id = account AND s.revoked_at IS NULL AND s.expires_at > now()
    AND (s.epoch = a.session_epoch OR s.id = a.kept_session)
  ORDER BY s.last_used_at DESC, s.id OFFSET kept
$$;
--> statement-breakpoint
CREATE FUNCTION excess_admin_sessions(account integer, kept integer) RETURNS SETOF uuid
LANGUAGE sql VOLATILE AS $$
  SELECT s.id FROM admin_sessions s JOIN admins a ON a.id = s.account_id
  WHERE s.account_id = account AND s.revoked_at IS NULL AND s.expires_at > now()
    AND (s.epoch = a.session_epoch OR s.id = a.kept_session)
  ORDER BY s.last_used_at DESC, s.id OFFSET kept
$$;
