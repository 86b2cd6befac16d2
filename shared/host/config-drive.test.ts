import { describe, expect, test } from "vitest";
import { configDriveFiles } from "./config-drive.ts";

const host = { uid: "u-1", namespace: "metal3", name: "node-0" };

function read(files: Map<string, Uint8Array>, name: string): unknown {
  return JSON.parse(new TextDecoder().decode(files.get(`openstack/latest/${name}`)));
}

describe("configDriveFiles", () => {
  test("has upstream's meta data and nothing else when there are no secrets", () => {
    const files = configDriveFiles(host);
    expect([...files.keys()]).toEqual(["openstack/latest/meta_data.json"]);
    expect(read(files, "meta_data.json")).toEqual({
      uuid: "u-1",
      "metal3-namespace": "metal3",
      "metal3-name": "node-0",
      "local-hostname": "node-0",
      local_hostname: "node-0",
      name: "node-0",
    });
  });

  test("lets the user's keys win when metaData has them", () => {
    const files = configDriveFiles({ ...host, metaData: { "local-hostname": "web", rack: 7 } });
    expect(read(files, "meta_data.json")).toMatchObject({
      uuid: "u-1",
      "local-hostname": "web",
      local_hostname: "node-0",
      rack: 7,
    });
  });

  test("passes user data on byte for byte", () => {
    const userData = Uint8Array.of(0x1f, 0x8b, 0, 255);
    expect(configDriveFiles({ ...host, userData }).get("openstack/latest/user_data")).toBe(
      userData,
    );
  });

  test("leaves network_data.json out when the network data are empty", () => {
    const networkData = { links: [{ id: "eth0" }] };
    expect(read(configDriveFiles({ ...host, networkData }), "network_data.json")).toEqual(
      networkData,
    );
    const empty = configDriveFiles({ ...host, networkData: {} });
    expect(empty.has("openstack/latest/network_data.json")).toBe(false);
  });
});
