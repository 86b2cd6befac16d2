-- The machine side of cluster-api: Metal3Machines and Metal3Clusters, as hosts are kept, and which host is whose.

-- version, wake_at, list_id and deleted: as those of hosts.
CREATE TABLE machines (
  uid text PRIMARY KEY,
  cluster text NOT NULL REFERENCES clusters ON DELETE CASCADE,
  resource text NOT NULL CHECK (resource IN ('metal3clusters', 'metal3machines')),
  namespace text NOT NULL,
  name text NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  object jsonb NOT NULL,
  resource_version numeric NOT NULL,
  deleted boolean NOT NULL DEFAULT false,
  list_id text,
  memory jsonb,
  -- What the cluster link told last of the machine's Node.
  node jsonb,
  -- Waits for a host: woken when one of its namespace may have become free.
  waiting boolean NOT NULL DEFAULT false,
  wake_at bigint,
  -- The Machine of a Metal3Machine, the Cluster of a Metal3Cluster: a change of that wakes this.
  owner_uid text GENERATED ALWAYS AS (jsonb_path_query_first(object, CASE resource
    WHEN 'metal3machines' THEN '$.metadata.ownerReferences[*] ? (@.kind == "Machine").uid'::jsonpath
    ELSE '$.metadata.ownerReferences[*] ? (@.kind == "Cluster").uid'::jsonpath END) #>> '{}') STORED
);
CREATE INDEX machines_by_name ON machines (cluster, resource, namespace, name);
CREATE INDEX machines_by_owner ON machines (cluster, owner_uid);
-- Who waits for a host, or may be about to: a decision about it is due or under way.
CREATE INDEX machines_choosing ON machines (cluster, namespace) WHERE waiting OR wake_at IS NOT NULL;
CREATE INDEX machines_to_wake ON machines (wake_at) WHERE wake_at IS NOT NULL;

-- The machine that has claimed the host. One column of the host's row: a host has one machine, whoever races; the
-- index: a machine has one host. It is here and not in machines, because who changes a host locks this row and so
-- reads the newest claim, which no snapshot taken before the lock would show. With either row the claim goes.
ALTER TABLE hosts ADD COLUMN machine_uid text REFERENCES machines ON DELETE SET NULL;
CREATE UNIQUE INDEX hosts_by_machine ON hosts (machine_uid) WHERE machine_uid IS NOT NULL;

-- How far the resources of the machine side have been taken in, where a cluster has them; rows come with the first
-- word about one. Not rows of feeds: an older instance decides about no host while one of those is not complete.
CREATE TABLE machine_feeds (
  cluster text NOT NULL REFERENCES clusters ON DELETE CASCADE,
  resource text NOT NULL,
  cursor text NOT NULL DEFAULT '',
  PRIMARY KEY (cluster, resource)
);
