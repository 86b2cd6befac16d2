// Operations and agents by their names, for judges.

/** "<uid of the host>.<number>" */
export function partsOfOperation(id: string): {
  readonly hostUid: string;
  readonly number: number;
} {
  const at = id.lastIndexOf(".");
  return { hostUid: id.slice(0, at), number: Number(id.slice(at + 1)) };
}

/** A second copy of an agent is called as the first, with "#" and more behind. */
export function siteOfAgent(agent: string): string {
  return agent.split("#", 1)[0] ?? agent;
}
