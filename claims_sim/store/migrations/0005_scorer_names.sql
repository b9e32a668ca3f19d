ALTER TABLE ml_scores ADD COLUMN scorer VARCHAR;
COMMENT ON COLUMN ml_scores.scorer IS 'Name of the scorer; model_version is its version. NULL: scored before names were stored';
