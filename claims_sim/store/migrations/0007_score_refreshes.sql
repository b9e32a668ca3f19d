CREATE TABLE score_refreshes (
  refresh_id VARCHAR NOT NULL,
  finished_at TIMESTAMP NOT NULL,
  scorer VARCHAR NOT NULL,
  model_version VARCHAR NOT NULL,
  profile_hash VARCHAR NOT NULL,
  claims BIGINT NOT NULL,
  state VARCHAR NOT NULL CHECK (state IN ('in force', 'replaced', 'rolled back')),
  model_before VARCHAR,
  snapshot JSON NOT NULL
);
COMMENT ON TABLE score_refreshes IS 'Every refresh of all scores; its row is written in the transaction that puts its scores in place';
COMMENT ON COLUMN score_refreshes.refresh_id IS 'UTC time of its begin and a random part: sorts by time';
COMMENT ON COLUMN score_refreshes.finished_at IS 'UTC';
COMMENT ON COLUMN score_refreshes.model_before IS 'The built-in model that was in force before, as folder/version, to roll back to';
COMMENT ON COLUMN score_refreshes.snapshot IS 'The quality snapshot: simulated claims, and of real ones only released counts';
