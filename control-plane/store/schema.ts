// The tables that plain reads and writes are made against, for drizzle's query builder. The whole schema is in
// migrations/; the statements that change several tables at once are SQL text.
import { bigint, boolean, pgTable, text } from "drizzle-orm/pg-core";

const ms = (name: string) => bigint(name, { mode: "number" });

export const clusters = pgTable("clusters", {
  name: text("name").primaryKey(),
  admissionHash: text("admission_hash").notNull(),
  addedAtMs: ms("added_at").notNull(),
});

export const tokens = pgTable("tokens", {
  hash: text("hash").primaryKey(),
  site: text("site"),
  cluster: text("cluster"),
  autoApprove: boolean("auto_approve").notNull(),
  expiresAtMs: ms("expires_at").notNull(),
  usedBy: text("used_by"),
});

export const agents = pgTable("agents", {
  id: text("id").primaryKey(),
  state: text("state", { enum: ["pending", "approved", "revoked", "suspended"] }).notNull(),
  site: text("site"),
  cluster: text("cluster"),
  signingKey: text("signing_key").notNull(),
  sealingKey: text("sealing_key").notNull(),
  sealingFingerprint: text("sealing_fingerprint").notNull(),
  hostname: text("hostname").notNull(),
  programVersion: text("program_version").notNull(),
  counter: bigint("counter", { mode: "number" }).notNull(),
  bootId: text("boot_id").notNull(),
  enrolledAtMs: ms("enrolled_at").notNull(),
});

export const sessions = pgTable("sessions", {
  agentId: text("agent_id").primaryKey(),
  epoch: bigint("epoch", { mode: "number" }).notNull(),
  tokenHash: text("token_hash").notNull(),
  programVersion: text("program_version").notNull(),
  seenAtMs: ms("seen_at").notNull(),
});

export const links = pgTable("links", {
  name: text("name").primaryKey(),
  agentId: text("agent_id").notNull(),
  epoch: bigint("epoch", { mode: "number" }).notNull(),
  seenAtMs: ms("seen_at").notNull(),
});
