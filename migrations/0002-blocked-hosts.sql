-- Each commit that lets a claim go looks for hosts that wait for one. There are few or none, and without this
-- index every commit reads all hosts.
CREATE INDEX hosts_blocked ON hosts (site) WHERE blocked;
