-- No primary keys on tables that grow: an index makes a batch several times dearer to insert and every commit dearer
-- with the table's size. Uniqueness is kept by anti-joins inside the writing transactions.
-- All instants are TIMESTAMP in UTC, so that any client reads the same wall clock; see the comments below.

CREATE TABLE outbox_batches (
  batch_id VARCHAR NOT NULL,
  created_at TIMESTAMP NOT NULL,
  due_at TIMESTAMP,
  author VARCHAR,
  model VARCHAR,
  prompt_version VARCHAR,
  profile_hash VARCHAR,
  seed BIGINT,
  planned INTEGER NOT NULL,
  authored INTEGER NOT NULL,
  repaired INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  ingested INTEGER NOT NULL DEFAULT 0,
  status VARCHAR NOT NULL CHECK (status IN ('pending', 'released', 'quarantined')),
  reasons VARCHAR[],
  released_at TIMESTAMP,
  pruned_at TIMESTAMP,
  content_hash VARCHAR NOT NULL,
  metadata JSON
);
COMMENT ON COLUMN outbox_batches.batch_id IS 'UUIDv7 as text: sorts by time of creation';
COMMENT ON COLUMN outbox_batches.created_at IS 'UTC';
COMMENT ON COLUMN outbox_batches.due_at IS 'UTC';
COMMENT ON COLUMN outbox_batches.released_at IS 'UTC';
COMMENT ON COLUMN outbox_batches.pruned_at IS 'UTC; when the payloads were removed from the outbox, all of them being stored';
COMMENT ON COLUMN outbox_batches.ingested IS 'How many claims of the batch were stored in claims_live_stream';
COMMENT ON COLUMN outbox_batches.content_hash IS 'SHA-256 over the claim ids and payloads, in order';

CREATE TABLE outbox (
  batch_id VARCHAR NOT NULL,
  claim_index INTEGER NOT NULL,
  claim_id VARCHAR NOT NULL,
  payload VARCHAR NOT NULL
);

CREATE TABLE generation_log (
  claim_id VARCHAR,
  batch_id VARCHAR NOT NULL,
  claim_index INTEGER,
  author VARCHAR,
  model VARCHAR,
  prompt_version VARCHAR,
  profile_hash VARCHAR,
  seed BIGINT,
  attempts INTEGER,
  repaired BOOLEAN,
  errors VARCHAR[],
  brief JSON,
  tokens_in INTEGER,
  tokens_out INTEGER,
  seconds DOUBLE,
  created_at TIMESTAMP NOT NULL
);
COMMENT ON COLUMN generation_log.created_at IS 'UTC';

CREATE TABLE claims_live_stream (
  claim_id VARCHAR,
  admit_dt TIMESTAMP,
  discharge_dt TIMESTAMP,
  los INTEGER,
  province_name VARCHAR,
  district_name VARCHAR,
  facility_id VARCHAR,
  facility_class VARCHAR,
  facility_ownership VARCHAR,
  facility_type VARCHAR,
  service_type VARCHAR,
  severity_group VARCHAR,
  dx_primary_code VARCHAR,
  dx_primary_label VARCHAR,
  dx_secondary_codes VARCHAR[],
  comorbidity_count INTEGER,
  procedure_code VARCHAR,
  procedure_label VARCHAR,
  amount_claimed DOUBLE,
  amount_paid DOUBLE,
  amount_gap DOUBLE,
  patient_id_hash VARCHAR,
  claim_weight DOUBLE,
  episode_ref VARCHAR,
  generated_at TIMESTAMP,
  batch_id VARCHAR,
  ingested_at TIMESTAMP,
  channel VARCHAR,
  channel_position VARCHAR,
  stream_seq BIGINT
);
COMMENT ON COLUMN claims_live_stream.admit_dt IS 'The facility''s local wall clock (WIB, WITA or WIT by province)';
COMMENT ON COLUMN claims_live_stream.discharge_dt IS 'The facility''s local wall clock (WIB, WITA or WIT by province)';
COMMENT ON COLUMN claims_live_stream.generated_at IS 'UTC';
COMMENT ON COLUMN claims_live_stream.ingested_at IS 'UTC';
COMMENT ON COLUMN claims_live_stream.batch_id IS 'The outbox batch of a claim of ours; NULL for a foreign producer''s';
COMMENT ON COLUMN claims_live_stream.stream_seq IS 'Number of arrival, from 1, without gaps';

CREATE TABLE claim_keys (
  claim_key UINTEGER NOT NULL,
  stream_seq BIGINT NOT NULL
);
COMMENT ON TABLE claim_keys IS 'Of each row of claims_live_stream a hash of its claim_id: four bytes to look through instead of forty';

CREATE TABLE dead_letters (
  dead_letter_id VARCHAR NOT NULL,
  channel VARCHAR NOT NULL,
  channel_position VARCHAR NOT NULL,
  claim_id VARCHAR,
  reason VARCHAR NOT NULL,
  raw BLOB,
  raw_bytes BIGINT NOT NULL,
  received_at TIMESTAMP NOT NULL
);
COMMENT ON COLUMN dead_letters.dead_letter_id IS 'Made from channel, position and content: the same message read again is the same dead letter';
COMMENT ON COLUMN dead_letters.raw IS 'The first 64 KiB of the message; raw_bytes is its full length';
COMMENT ON COLUMN dead_letters.received_at IS 'UTC';

CREATE TABLE stream_positions (
  channel VARCHAR PRIMARY KEY,
  position VARCHAR NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  rows_ingested BIGINT NOT NULL DEFAULT 0,
  dead_letters BIGINT NOT NULL DEFAULT 0,
  duplicates BIGINT NOT NULL DEFAULT 0
);
COMMENT ON COLUMN stream_positions.position IS 'Where to continue reading; moves in the transaction that stores the rows';
COMMENT ON COLUMN stream_positions.updated_at IS 'UTC';

CREATE TABLE ml_scores (
  claim_id VARCHAR NOT NULL,
  source VARCHAR,
  rule_score DOUBLE,
  ml_score DOUBLE,
  ml_score_normalized DOUBLE,
  risk_score DOUBLE,
  flags VARCHAR[],
  reasons VARCHAR[],
  model_version VARCHAR,
  ruleset_version VARCHAR,
  scored_at TIMESTAMP,
  score_seq BIGINT NOT NULL,
  stream_seq BIGINT NOT NULL
);
COMMENT ON COLUMN ml_scores.scored_at IS 'UTC';
COMMENT ON COLUMN ml_scores.score_seq IS 'Number of the score, from 1, without gaps; a new score of the same claim keeps it';
COMMENT ON COLUMN ml_scores.stream_seq IS 'stream_seq of the claim';

CREATE TABLE counters (
  name VARCHAR PRIMARY KEY,
  value BIGINT NOT NULL
);
COMMENT ON TABLE counters IS 'stream_seq, score_seq: last numbers given. foreign_claims: rows of claims_live_stream without batch_id. scored_through: every claim up to this stream_seq has a score. score_revision: how often scores were replaced';
INSERT INTO counters VALUES ('stream_seq', 0), ('foreign_claims', 0), ('score_seq', 0), ('scored_through', 0), ('score_revision', 0);
