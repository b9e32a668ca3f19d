-- What a model decided about each claim, so that a batch can be written again without it.
ALTER TABLE generation_log ADD COLUMN answers VARCHAR[];
COMMENT ON COLUMN generation_log.answers IS 'The checked answers of the author, as JSON, attempt by attempt; NULL where there was none';
