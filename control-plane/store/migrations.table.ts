// Made by infra/migrations/embed-migrations.ts from migrations/*.sql; do not edit.

export interface Migration {
  readonly name: string;
  readonly text: string;
}

export const migrations: readonly Migration[] = [
  {
    name: "0001-first",
    text: `-- All that the control plane knows. Instances keep nothing in memory that is not here: any of them may vanish,
-- and several run at once. Rules for later migrations: they only add (an older instance keeps running beside a
-- newer one for minutes); what is no longer used is removed a release later.
-- Times are epoch milliseconds of the control plane (bigint), because they are compared with its clock.

-- Kubernetes APIs that send us their hosts. The path token of the admission webhook is kept as a hash: it is a
-- password, and a copied database must not contain it.
CREATE TABLE clusters (
  name text PRIMARY KEY,
  admission_hash text NOT NULL UNIQUE,
  added_at bigint NOT NULL
);

-- Bare-metal networks.
CREATE TABLE sites (
  name text PRIMARY KEY,
  added_at bigint NOT NULL
);

-- Single-use enrolment tokens, as hashes. A used one stays, so that the same agent's repeated request (its answer
-- was lost) is told from somebody else's.
CREATE TABLE tokens (
  hash text PRIMARY KEY,
  site text REFERENCES sites ON DELETE CASCADE,
  cluster text REFERENCES clusters ON DELETE CASCADE,
  auto_approve boolean NOT NULL,
  expires_at bigint NOT NULL,
  used_by text,
  CHECK (site IS NOT NULL OR cluster IS NOT NULL)
);

-- Agents by what they are: keys, roles, and the counter whose going backwards shows a clone.
CREATE TABLE agents (
  id text PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('pending', 'approved', 'revoked', 'suspended')),
  site text REFERENCES sites ON DELETE CASCADE,
  cluster text REFERENCES clusters ON DELETE CASCADE,
  signing_key text NOT NULL,
  sealing_key text NOT NULL,
  sealing_fingerprint text NOT NULL,
  hostname text NOT NULL,
  program_version text NOT NULL,
  counter bigint NOT NULL DEFAULT 0,
  -- Of the hello that raised the counter last.
  boot_id text NOT NULL DEFAULT '',
  enrolled_at bigint NOT NULL
);

-- Numbers of sessions, and what fences them: a session's epoch is greater than that of every earlier session of
-- any agent, so one comparison tells who is current.
CREATE SEQUENCE epochs;

-- The newest session of each agent; older ones are void. Apart from agents because it is written every 5 s: a
-- narrow row without changed index columns is updated in place (HOT).
CREATE TABLE sessions (
  agent_id text PRIMARY KEY REFERENCES agents ON DELETE CASCADE,
  epoch bigint NOT NULL,
  boot_id text NOT NULL,
  -- Observations of this boot up to here are folded in.
  committed_seq bigint NOT NULL,
  token_hash text NOT NULL UNIQUE,
  instance text NOT NULL,
  program_version text NOT NULL,
  seen_at bigint NOT NULL
) WITH (fillfactor = 70);

-- Who acts for a site or a cluster: one agent at a time. A row belongs to its agent until nothing was heard of
-- it for the lease's time; standing-by agents take it then.
CREATE TABLE links (
  name text PRIMARY KEY,
  agent_id text NOT NULL REFERENCES agents ON DELETE CASCADE,
  epoch bigint NOT NULL,
  seen_at bigint NOT NULL
) WITH (fillfactor = 70);

-- How far each resource of each cluster has been taken in. The cursor moves in the statement that stores the
-- objects, and only from where it stands; '' = nothing was ever listed whole.
CREATE TABLE feeds (
  cluster text NOT NULL REFERENCES clusters ON DELETE CASCADE,
  resource text NOT NULL,
  cursor text NOT NULL DEFAULT '',
  PRIMARY KEY (cluster, resource)
);

-- Hosts: what Kubernetes holds (object), what we remember (memory), what the site holds (document).
-- version: compare-and-swap; whatever may change a decision about the host raises it, and sets wake_at in the same
-- statement, so that no decision from older facts can swallow a wake-up.
CREATE TABLE hosts (
  uid text PRIMARY KEY,
  cluster text NOT NULL REFERENCES clusters ON DELETE CASCADE,
  namespace text NOT NULL,
  name text NOT NULL,
  version bigint NOT NULL DEFAULT 1,
  object jsonb NOT NULL,
  resource_version numeric NOT NULL,
  deleted boolean NOT NULL DEFAULT false,
  -- The list that named the host last: a complete list marks what it did not name as deleted.
  list_id text,
  site text REFERENCES sites ON DELETE SET NULL,
  memory jsonb,
  document jsonb,
  -- Power and BMC as the site's agent reported them last.
  power_on boolean,
  power_at bigint,
  bmc_problem text,
  -- Waits for a claim that another host holds: woken when one is let go.
  blocked boolean NOT NULL DEFAULT false,
  -- When to decide again; null: when something happens.
  wake_at bigint
);
CREATE INDEX hosts_by_name ON hosts (cluster, namespace, name);
CREATE INDEX hosts_by_site ON hosts (site);
CREATE INDEX hosts_to_wake ON hosts (wake_at) WHERE wake_at IS NOT NULL;

-- The other followed resources (hardwaredata, namespaces), whole.
CREATE TABLE objects (
  cluster text NOT NULL REFERENCES clusters ON DELETE CASCADE,
  resource text NOT NULL,
  uid text NOT NULL,
  namespace text NOT NULL,
  name text NOT NULL,
  object jsonb NOT NULL,
  resource_version numeric NOT NULL,
  list_id text,
  PRIMARY KEY (cluster, resource, uid)
);
CREATE INDEX objects_by_name ON objects (cluster, resource, namespace, name);

-- What is known of the Secrets that hosts name. The content is sealed to the site before it gets here.
CREATE TABLE secret_facts (
  host_uid text NOT NULL REFERENCES hosts ON DELETE CASCADE,
  purpose text NOT NULL,
  fact jsonb NOT NULL,
  PRIMARY KEY (host_uid, purpose)
);

-- A BMC or a boot MAC belongs to one host of a site. The primary key is the guard: it holds between racing
-- instances, which admission cannot.
CREATE TABLE claims (
  site text NOT NULL REFERENCES sites ON DELETE CASCADE,
  kind text NOT NULL,
  value text NOT NULL,
  host_uid text NOT NULL REFERENCES hosts ON DELETE CASCADE,
  PRIMARY KEY (site, kind, value)
);
CREATE INDEX claims_by_host ON claims (host_uid);

-- The journaled pieces of work. One that has ended stays "not consumed" until a decision has taken it in; a host
-- has at most one such.
CREATE TABLE operations (
  id text PRIMARY KEY,
  host_uid text NOT NULL REFERENCES hosts ON DELETE CASCADE,
  site text NOT NULL,
  kind text NOT NULL,
  class text NOT NULL,
  operation jsonb NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'accepted', 'running', 'succeeded', 'failed')),
  cancelled boolean NOT NULL DEFAULT false,
  consumed boolean NOT NULL DEFAULT false,
  -- Who accepted it: another agent must not take up work that may not run twice.
  agent_id text,
  created_at bigint NOT NULL,
  started_at bigint,
  ended_at bigint,
  progress jsonb,
  result jsonb,
  failure jsonb
);
CREATE UNIQUE INDEX operations_one_open ON operations (host_uid) WHERE NOT consumed;
CREATE INDEX operations_by_host ON operations (host_uid, created_at);
CREATE INDEX operations_open_by_site ON operations (site) WHERE NOT consumed;

-- Rows waiting for delivery, deleted when the agent has stored or done them. sent_epoch is the state: a row counts
-- as delivered only in the session it was sent in, so a lost session needs no clean-up. Not a sequence cursor: ids
-- become visible in another order than they are given out.
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  link text NOT NULL,
  -- A newer row of the same key replaces an older one.
  key text,
  host_uid text NOT NULL,
  delivery jsonb NOT NULL,
  sent_epoch bigint NOT NULL DEFAULT 0,
  tries integer NOT NULL DEFAULT 0,
  retry_at bigint NOT NULL DEFAULT 0
);
CREATE INDEX outbox_by_link ON outbox (link, id);
CREATE INDEX outbox_by_key ON outbox (link, key) WHERE key IS NOT NULL;
`,
  },
  {
    name: "0002-blocked-hosts",
    text: `-- Each commit that lets a claim go looks for hosts that wait for one. There are few or none, and without this
-- index every commit reads all hosts.
CREATE INDEX hosts_blocked ON hosts (site) WHERE blocked;
`,
  },
  {
    name: "0003-turns",
    text: `-- How many statements of the session have taken effect: each tells the agent the number with its answer. An agent
-- that has heard a higher one than stands here proves that this database went back in time (a restored backup, a
-- replica that lagged): what it believes is older than what that agent did. A count in a row, because a promoted
-- replica's sequences jump ahead.
ALTER TABLE sessions ADD COLUMN turn bigint NOT NULL DEFAULT 0;
`,
  },
  {
    name: "0004-machines",
    text: `-- The machine side of cluster-api: Metal3Machines and Metal3Clusters, as hosts are kept, and which host is whose.

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
`,
  },
  {
    name: "0005-openshift",
    text: `-- Machines and MachineSets of OpenShift (machine.openshift.io) are rows of the machine side, too.
ALTER TABLE machines DROP CONSTRAINT machines_resource_check;
ALTER TABLE machines ADD CONSTRAINT machines_resource_check CHECK (resource IN ('metal3clusters', 'metal3machines',
  'machines.machine.openshift.io', 'machinesets.machine.openshift.io'));
`,
  },
  {
    name: "0006-earlier-processes",
    text: `-- When another process of the agent was heard last that had the session before, and did not end in order.
ALTER TABLE sessions ADD COLUMN other_seen_at bigint NOT NULL DEFAULT 0;
`,
  },
  {
    name: "0007-brief-hosts",
    text: `-- What a machine that chooses a host reads of all of them. Object and memory lie compressed, and in pieces: to take them
-- out of there was four fifths of the work. Columns that Postgres itself keeps true, beside whatever instance writes.
ALTER TABLE hosts
  ADD COLUMN brief jsonb GENERATED ALWAYS AS (
    jsonb_strip_nulls(object - 'status' #- '{metadata,managedFields}')) STORED,
  ADD COLUMN provisioning_state text GENERATED ALWAYS AS (memory #>> '{status,provisioning,state}') STORED,
  ADD COLUMN error_message text GENERATED ALWAYS AS (memory #>> '{status,errorMessage}') STORED;
`,
  },
  {
    name: "0008-behind-links",
    text: `-- A cluster link was away, and has not yet told all that changed meanwhile: what people want of its hosts is not known.
ALTER TABLE links ADD COLUMN behind boolean NOT NULL DEFAULT false;
`,
  },
  {
    name: "0009-unheard-operations",
    text: `-- In which turn of which session operations were given on a site's link last, and when somebody was heard last who was
-- given some that the agent that took the link after that had not heard of: another process with its identity, or another
-- agent. What those did to machines, the guard of the site can only suppose.
ALTER TABLE links
  ADD COLUMN given_epoch bigint NOT NULL DEFAULT 0,
  ADD COLUMN given_turn bigint NOT NULL DEFAULT 0,
  ADD COLUMN others_seen_at bigint NOT NULL DEFAULT 0;
`,
  },
  {
    name: "0010-hosts-without-memory",
    text: `-- A new host, which holds nothing yet, looks for others that are still to be adopted and may hold its machine: there are
-- none, but after a database was lost.
CREATE INDEX hosts_without_memory ON hosts (uid) WHERE memory IS NULL;
`,
  },
];
