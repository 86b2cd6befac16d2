import { describe, expect, test } from "vitest";
import { buildIso9660 } from "./iso9660.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A reader of its own: follows one path through the tree of the descriptor at the given sector. */
function readPath(image: Uint8Array, descriptor: number, path: readonly Uint8Array[]) {
  const view = new DataView(image.buffer);
  let record = descriptor * 2048 + 156;
  for (const id of path) {
    const start = view.getUint32(record + 2, true) * 2048;
    const end = start + view.getUint32(record + 10, true);
    const found = findRecord(image, { start, end }, id);
    if (found === undefined) return undefined;
    record = found;
  }
  const start = view.getUint32(record + 2, true) * 2048;
  // Both byte orders must say the same.
  expect(view.getUint32(record + 6, false) * 2048).toBe(start);
  expect(view.getUint32(record + 14, false)).toBe(view.getUint32(record + 10, true));
  return image.subarray(start, start + view.getUint32(record + 10, true));
}

function findRecord(image: Uint8Array, range: { start: number; end: number }, id: Uint8Array) {
  for (let at = range.start; at < range.end;) {
    const length = image[at] ?? 0;
    const name = image.subarray(at + 33, at + 33 + (image[at + 32] ?? 0));
    if (length > 0 && Buffer.compare(name, id) === 0) return at;
    at = length === 0 ? (Math.floor(at / 2048) + 1) * 2048 : at + length;
  }
  return undefined;
}

const utf16 = (value: string): Uint8Array => Buffer.from(value, "utf16le").swap16();

describe("buildIso9660", () => {
  test("has descriptors at the standard's places and bytes when it is made", () => {
    const image = buildIso9660("config-2", new Map([["a.txt", text("x")]]));
    const latin = (from: number, length: number) =>
      Buffer.from(image.subarray(from, from + length)).toString("latin1");
    expect(latin(16 * 2048, 7)).toBe("\x01CD001\x01");
    expect(latin(16 * 2048 + 40, 32)).toBe("config-2".padEnd(32));
    expect(latin(17 * 2048, 7)).toBe("\x02CD001\x01");
    expect(latin(17 * 2048 + 88, 3)).toBe("%/E");
    expect(latin(18 * 2048, 7)).toBe("\xffCD001\x01");
    const view = new DataView(image.buffer);
    expect(view.getUint32(16 * 2048 + 80, true) * 2048).toBe(image.length);
    expect(view.getUint16(16 * 2048 + 130, false)).toBe(2048);
  });

  test("gives each file in both trees when folders are deep and larger than a sector", () => {
    const files = new Map<string, Uint8Array>();
    for (let index = 0; index < 100; index += 1) files.set(`many/f${index}`, text(`n${index}`));
    files.set("openstack/latest/meta_data.json", text('{"uuid":"1"}'));
    files.set("openstack/latest/big", new Uint8Array(5000).fill(9));
    files.set("openstack/latest/empty", new Uint8Array(0));
    const image = buildIso9660("config-2", files);
    for (const [path, bytes] of files) {
      const names = path.split("/");
      const joliet = names.map((name, at) => utf16(at + 1 < names.length ? name : `${name};1`));
      const primary = names.map((name, at) => {
        const upper = name.toUpperCase();
        const file = upper.includes(".") ? upper : `${upper}.`;
        return text(at + 1 < names.length ? upper : `${file};1`);
      });
      expect(readPath(image, 17, joliet), path).toEqual(bytes);
      expect(readPath(image, 16, primary), path).toEqual(bytes);
    }
  });

  test("gives equal bytes when the input is equal", () => {
    const files = new Map([["user_data", text("#cloud-config\n")]]);
    expect(buildIso9660("config-2", files)).toEqual(buildIso9660("config-2", files));
  });

  test("throws when a name leaves the tree, is doubled or is both file and folder", () => {
    for (const paths of [["../x"], ["/x"], ["a//b"], ["A"], ["a.b.c"], [""], ["a", "a/b"]]) {
      const files = new Map(paths.map((path) => [path, text("x")]));
      expect(() => buildIso9660("config-2", files), paths.join()).toThrow(RangeError);
    }
    expect(() => buildIso9660("a label that is too long", new Map())).toThrow(RangeError);
  });
});
