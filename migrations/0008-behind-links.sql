-- A cluster link was away, and has not yet told all that changed meanwhile: what people want of its hosts is not known.
ALTER TABLE links ADD COLUMN behind boolean NOT NULL DEFAULT false;
