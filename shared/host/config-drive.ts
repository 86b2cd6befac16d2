// The files of a config drive, as OpenStack names them and cloud-init, Ignition and cloudbase-init read them.
// Parsing what the user wrote and making an image of the files happen elsewhere.

export interface ConfigDriveContent {
  /** metadata.uid of the BareMetalHost: cloud-init takes it as the instance's identity. */
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Passed on byte for byte. */
  readonly userData?: Uint8Array | undefined;
  /** OpenStack's network_data: links, networks, services. Empty counts as absent. */
  readonly networkData?: Readonly<Record<string, unknown>> | undefined;
  /** Its keys win over the defaults. */
  readonly metaData?: Readonly<Record<string, unknown>> | undefined;
}

/** The volume label that readers look for. */
export const configDriveLabel = "config-2";

/**
 * Path → bytes. No network_data.json without network data: cloud-init would take an empty one as "no network
 * at all" instead of falling back to DHCP.
 */
export function configDriveFiles(content: ConfigDriveContent): Map<string, Uint8Array> {
  const { uid, namespace, name, userData, networkData, metaData } = content;
  const files = new Map<string, Uint8Array>();
  const put = (file: string, bytes: Uint8Array): unknown =>
    files.set(`openstack/latest/${file}`, bytes);
  // Both spellings of the host name have readers; the metal3 keys are what Metal3's users refer to.
  put(
    "meta_data.json",
    json({
      uuid: uid,
      "metal3-namespace": namespace,
      "metal3-name": name,
      "local-hostname": name,
      local_hostname: name,
      name,
      ...metaData,
    }),
  );
  if (userData !== undefined) put("user_data", userData);
  if (networkData !== undefined && Object.keys(networkData).length > 0) {
    put("network_data.json", json(networkData));
  }
  return files;
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value, undefined, 2));
}
