-- What a machine that chooses a host reads of all of them. Object and memory lie compressed, and in pieces: to take them
-- out of there was four fifths of the work. Columns that Postgres itself keeps true, beside whatever instance writes.
ALTER TABLE hosts
  ADD COLUMN brief jsonb GENERATED ALWAYS AS (
    jsonb_strip_nulls(object - 'status' #- '{metadata,managedFields}')) STORED,
  ADD COLUMN provisioning_state text GENERATED ALWAYS AS (memory #>> '{status,provisioning,state}') STORED,
  ADD COLUMN error_message text GENERATED ALWAYS AS (memory #>> '{status,errorMessage}') STORED;
