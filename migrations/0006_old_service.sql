CREATE TABLE "legacy_password_resets" (
	"token_hash" "bytea" PRIMARY KEY NOT NULL,
	"user_id" integer NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE INDEX "legacy_password_resets_user" ON "legacy_password_resets" USING btree ("user_id");
--> statement-breakpoint
CREATE INDEX "legacy_password_resets_expiry" ON "legacy_password_resets" USING btree ("expires_at");
--> statement-breakpoint
-- From here on statements wait, for milliseconds. Both tables are locked at once, or none: a statement may hold
-- one and want the other, and a long one must not make all later ones queue behind the migration.
DO $$
BEGIN
  PERFORM set_config('lock_timeout', '500ms', true);
  FOR attempt IN 1..120 LOOP
    BEGIN
      LOCK TABLE admins, users IN ACCESS EXCLUSIVE MODE;
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
-- A nullable column is added without rewriting the table.
ALTER TABLE "admins" ADD COLUMN "adopted_at" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "adopted_at" timestamp with time zone;
--> statement-breakpoint
ALTER TABLE "legacy_password_resets" ADD CONSTRAINT "legacy_password_resets_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
