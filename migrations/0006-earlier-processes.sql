-- When another process of the agent was heard last that had the session before, and did not end in order.
ALTER TABLE sessions ADD COLUMN other_seen_at bigint NOT NULL DEFAULT 0;
