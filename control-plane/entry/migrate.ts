// Brings the tables of DATABASE_URL up to date and ends: for platforms that run a command before a deployment.
// node control-plane/entry/migrate.ts, or deno run -A control-plane/entry/migrate.ts
import process from "node:process";
import { openPostgres } from "../store/database.ts";
import { migrate } from "../store/migrate.ts";

const url = process.env["DATABASE_URL_DIRECT"] ?? process.env["DATABASE_URL"];
if (url === undefined || url === "") {
  console.error("Set DATABASE_URL to the Postgres whose tables are to be made.");
  process.exit(2);
}
const database = openPostgres({ url, directUrl: url, maxConnections: 1, pooler: false });
await migrate(database);
await database.close();
console.log("The tables are up to date.");
