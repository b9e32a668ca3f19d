-- A dead letter that was dealt with stays as a row without its content: it is accounted for, and the same message read
-- again does not come back.
ALTER TABLE dead_letters ADD COLUMN status VARCHAR DEFAULT 'open';
ALTER TABLE dead_letters ADD COLUMN resolved_at TIMESTAMP;
COMMENT ON COLUMN dead_letters.status IS 'open; retried: judged again and stored, or a copy of a stored claim; dropped';
COMMENT ON COLUMN dead_letters.resolved_at IS 'UTC; raw is NULL from then on';
