import { describe, expect, it } from "vitest";
import { negotiateOptions } from "./negotiate-options.ts";

const limits = { fileBytes: 173_792, maxBlockBytes: 1468, maxWindowBlocks: 16 };
const asked = (options: Record<string, string>): ReturnType<typeof negotiateOptions> =>
  negotiateOptions(new Map(Object.entries(options)), limits);

describe("negotiateOptions", () => {
  it("grants what OVMF asks for, in its order", () => {
    const terms = asked({ tsize: "0", blksize: "1468", windowsize: "4" });
    expect([...terms.accepted]).toEqual([
      ["tsize", "173792"],
      ["blksize", "1468"],
      ["windowsize", "4"],
    ]);
    expect(terms).toMatchObject({ blockBytes: 1468, windowBlocks: 4, timeoutMs: undefined });
  });

  it("lowers block and window to its limits and never raises them", () => {
    expect(asked({ blksize: "65464", windowsize: "64" })).toMatchObject({
      blockBytes: 1468,
      windowBlocks: 16,
      accepted: new Map([
        ["blksize", "1468"],
        ["windowsize", "16"],
      ]),
    });
    expect(asked({ blksize: "8" }).blockBytes).toBe(8);
  });

  it("is plain RFC 1350 when nothing is asked for", () => {
    expect(asked({})).toEqual({
      blockBytes: 512,
      windowBlocks: 1,
      timeoutMs: undefined,
      accepted: new Map(),
    });
  });

  it("takes over the client's timeout", () => {
    const terms = asked({ timeout: "3" });
    expect([terms.timeoutMs, terms.accepted.get("timeout")]).toEqual([3000, "3"]);
  });

  it.each<Record<string, string>>([
    { blksize: "7" },
    { blksize: "65465" },
    { blksize: "-512" },
    { blksize: "1e3" },
    { blksize: "" },
    { windowsize: "0" },
    { windowsize: "65536" },
    { timeout: "0" },
    { timeout: "256" },
    { utimeout: "1000" },
    { constructor: "1" },
    { blksize: "99999999999999999999" },
  ])("leaves %j out of the answer", (options) => {
    expect(asked(options)).toEqual(asked({}));
  });
});
