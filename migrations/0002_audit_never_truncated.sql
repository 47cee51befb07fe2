-- TRUNCATE fires no row trigger, and would empty the audit trail behind the back of the other one.
CREATE TRIGGER audit_events_not_truncated BEFORE TRUNCATE ON audit_events
FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_events();
