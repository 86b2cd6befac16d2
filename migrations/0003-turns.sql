-- How many statements of the session have taken effect: each tells the agent the number with its answer. An agent
-- that has heard a higher one than stands here proves that this database went back in time (a restored backup, a
-- replica that lagged): what it believes is older than what that agent did. A count in a row, because a promoted
-- replica's sequences jump ahead.
ALTER TABLE sessions ADD COLUMN turn bigint NOT NULL DEFAULT 0;
