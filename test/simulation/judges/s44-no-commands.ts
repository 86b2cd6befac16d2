// S44: nothing that a user wrote becomes a command on the way to a ramdisk. The one text that a machine's boot takes from
// Farrier is the command line of its kernel: each word of it must be one of ours, with a plain value. What cloud-init
// reads is the user's own, and on the config drive.
import type { JudgeKind } from "./judge.ts";

const word = /^(?:initrd=initrd-\d+|farrier\.(agent|fingerprint|token|mac)=[A-Za-z0-9._:/@,-]+)$/;
const wanted: readonly string[] = ["agent", "fingerprint", "token", "mac"];

export const s44: JudgeKind = {
  id: "S44",
  says: "a ramdisk's kernel is given the words that Farrier means, each once, and no other",
  make: (report) => ({
    on: {
      running({ machine, running, commandLine }, truth) {
        if (running !== "ramdisk" || commandLine === undefined) return;
        const words = commandLine.split(" ");
        const odd = words.find((each) => !word.test(each));
        if (odd !== undefined) report(`"${odd}" is on the kernel's command line`, machine);
        const names = words.flatMap((each) => word.exec(each)?.[1] ?? []);
        if (names.toSorted().join(" ") !== wanted.toSorted().join(" ")) {
          report(`the kernel is told ${names.join(", ")}`, machine);
        }
        const mac = words.find((each) => each.startsWith("farrier.mac="))?.slice(12);
        const macs = truth.machines.get(machine)?.macs ?? [];
        if (mac !== undefined && !macs.includes(mac)) report(`it is told the MAC ${mac}`, machine);
      },
    },
  }),
};
