-- In which turn of which session operations were given on a site's link last, and when somebody was heard last who was
-- given some that the agent that took the link after that had not heard of: another process with its identity, or another
-- agent. What those did to machines, the guard of the site can only suppose.
ALTER TABLE links
  ADD COLUMN given_epoch bigint NOT NULL DEFAULT 0,
  ADD COLUMN given_turn bigint NOT NULL DEFAULT 0,
  ADD COLUMN others_seen_at bigint NOT NULL DEFAULT 0;
