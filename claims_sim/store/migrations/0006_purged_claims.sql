-- What was purged leaves the hash of its id, so that the same claim delivered again is known and not stored anew.
CREATE TABLE purged_claims (
  claim_hash UBIGINT NOT NULL
);
COMMENT ON TABLE purged_claims IS 'Of each purged claim the lower 64 bits of the MD5 of its claim_id';
ALTER TABLE outbox_batches ADD COLUMN purged INTEGER DEFAULT 0;
COMMENT ON COLUMN outbox_batches.purged IS 'How many stored claims of the batch were purged since';
-- purged_claims: how many. purged_unscored: those of them that never had a score. purges: how often claims were purged.
INSERT INTO counters VALUES ('purged_claims', 0), ('purged_unscored', 0), ('purges', 0);
