-- What language models read and wrote over the life of the database, for metrics: summing it up over all batches would
-- grow dearer with every one of them.
INSERT INTO counters VALUES ('tokens_in', 0), ('tokens_out', 0);
