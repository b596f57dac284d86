-- What is left is written anew: quota windows by share, balances in units that are not money too.
-- What was known comes back with the next look.
UPDATE source_state SET balances = '[]', quotas = '[]';
ALTER TABLE source_state ADD COLUMN totals TEXT NOT NULL DEFAULT '[]';
ALTER TABLE source_state ADD COLUMN plan TEXT;
