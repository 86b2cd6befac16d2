// Stands in for the ramdisk's program: prints what it finds as one line of JSON and ends.

import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { networkInterfaces } from "node:os";

const tools = [
  ["blkdiscard", "--version"],
  ["wipefs", "--version"],
  ["lsblk", "--version"],
  ["sfdisk", "--version"],
  ["nvme", "version"],
  ["hdparm", "-V"],
  ["sg_sanitize", "--version"],
  ["efibootmgr", "--version"],
] as const;

const failed: string[] = [];
for (const [tool, argument] of tools) {
  try {
    execFileSync(tool, [argument], { stdio: "pipe" });
  } catch (cause) {
    failed.push(`${tool}: ${String(cause)}`);
  }
}

const available = /MemAvailable:\s+(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
const facts = {
  node: process.version,
  addresses: (networkInterfaces()["eth0"] ?? []).map((entry) => entry.cidr),
  disks: readdirSync("/sys/block").toSorted(),
  availableMiB: Math.round(Number(available) / 1024),
  failed,
};
console.log(`stub: ${JSON.stringify(facts)}`);
