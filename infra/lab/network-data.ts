// Network data, as OpenStack has it, for a machine with one card on the lab's network. The site's agent gives addresses
// to machines that it boots and to no others: what runs on a disk must be told its own.

export interface OneAddress {
  /** Of the card. */
  readonly mac: string;
  /** Outside the agent's own range. */
  readonly address: string;
}

/** The text of network_data.json; nothing is behind that network. */
export function networkData({ mac, address }: OneAddress): string {
  const link = { id: "boot", type: "phy", ethernet_mac_address: mac, mtu: 1500 };
  const network = {
    id: "net0",
    type: "ipv4",
    link: "boot",
    ip_address: address,
    netmask: "255.255.255.0",
    routes: [],
  };
  return JSON.stringify({ links: [link], networks: [network], services: [] });
}
