-- A new host, which holds nothing yet, looks for others that are still to be adopted and may hold its machine: there are
-- none, but after a database was lost.
CREATE INDEX hosts_without_memory ON hosts (uid) WHERE memory IS NULL;
