-- Keys are put in order now and then, so that looking for a few of them reads a part of the table. How many are in order:
INSERT INTO counters VALUES ('claim_keys_ordered', 0), ('purged_claims_ordered', 0);
