// The keys of the sites as a cluster link was told them: again only what is news to it.
import type { SiteKey } from "../../shared/protocol/frames.ts";
import type { LinkStore } from "../ports.ts";

export class ToldSites {
  private readonly links: Pick<LinkStore, "siteKeys">;
  /** As JSON. */
  private told = "";

  constructor(links: Pick<LinkStore, "siteKeys">) {
    this.links = links;
  }

  /** Undefined: it was told the same already. */
  async news(): Promise<SiteKey[] | undefined> {
    const sites = [...(await this.links.siteKeys())];
    const text = JSON.stringify(sites);
    if (text === this.told) return undefined;
    this.told = text;
    return sites;
  }
}
