// Objects of the cluster-api provider kinds as fast-check makes them: of every field either version has, each there
// or not. What v1beta1 writes in two ways ("" or absent) is written in one.
import fc from "fast-check";
import { infrastructureGroup } from "../../shared/capm3/provider.ts";

type Fields = Record<string, fc.Arbitrary<unknown>>;
type Arbitrary = fc.Arbitrary<Record<string, unknown>>;

/** Any of the fields, never none of them. */
const some = (fields: Fields): Arbitrary =>
  fc.record(fields, { requiredKeys: [] }).filter((object) => Object.keys(object).length > 0);
const any = (fields: Fields): Arbitrary => fc.record(fields, { requiredKeys: [] });

const word = fc.stringMatching(/^[a-z][a-zA-Z0-9 .:/"\\é-]{0,12}$/);
const words = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9./-]{0,8}$/), word, { maxKeys: 3 });
const flag = fc.boolean();
const secret = any({ name: word, namespace: word });
const condition = any({ type: word, status: word, reason: word, message: word });
const list = fc.array(condition, { maxLength: 3 });
const port = fc.integer({ min: 1, max: 65_535 });
const time = fc.constantFrom("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");

const domain = { controlPlane: flag, attributes: words };
const domainMap = fc
  .dictionary(fc.stringMatching(/^[a-z0-9]{1,4}$/), any(domain), { minKeys: 1, maxKeys: 4 })
  .map((domains) => ({ ...domains }));
const domainList = domainMap.map((domains) =>
  Object.keys(domains)
    .toSorted()
    .map((name) => ({ name, ...domains[name] })),
);

const clusterSpec1: Arbitrary = fc
  .record(
    {
      cloudProviderEnabled: flag,
      controlPlaneEndpoint: fc.record({ host: word, port }),
      failureDomains: domainMap,
    },
    { requiredKeys: [] },
  )
  .map((spec) => {
    const { cloudProviderEnabled: enabled } = spec;
    return { ...spec, ...(enabled === undefined ? {} : { noCloudProvider: !enabled }) };
  });
const clusterSpec2: Arbitrary = any({
  cloudProviderEnabled: flag,
  controlPlaneEndpoint: some({ host: word, port }),
  failureDomains: domainList,
});

const machineSpec = {
  automatedCleaningMode: fc.constantFrom("metadata", "disabled"),
  customDeploy: fc.record({ method: word }),
  failureDomain: word,
  hostSelector: any({
    matchLabels: words,
    matchExpressions: fc.array(
      fc.record({ key: word, operator: word, values: fc.array(word, { maxLength: 2 }) }),
      { minLength: 1, maxLength: 2 },
    ),
  }),
  metaData: secret,
  networkData: secret,
  providerID: word,
  userData: secret,
};
const image = { url: word, checksum: fc.oneof(word, fc.constant("")), checksumType: word };
const format = fc.constantFrom("raw", "qcow2", "vdi", "vmdk", "live-iso");
const shortReference = some({ name: word, namespace: word });
const longReference = some({
  apiVersion: word,
  fieldPath: word,
  kind: word,
  name: word,
  namespace: word,
  resourceVersion: word,
  uid: word,
});
const machineSpec1 = any({
  ...machineSpec,
  image: any({ ...image, format }),
  dataTemplate: longReference,
});
const machineSpec2 = any({
  ...machineSpec,
  image: any({ ...image, diskFormat: format }),
  dataTemplate: shortReference,
});

const status1 = {
  conditions: list,
  failureMessage: word,
  failureReason: word,
  lastUpdated: time,
  ready: flag,
  v1beta2: some({ conditions: list }),
};
const status2 = {
  conditions: list,
  deprecated: fc.record({
    v1beta1: some({ conditions: list, failureMessage: word, failureReason: word }),
  }),
  initialization: fc.record({ provisioned: flag }),
  lastUpdated: time,
};
const machineStatus = {
  addresses: fc.array(fc.record({ address: word, type: word }), { minLength: 1, maxLength: 2 }),
  metaData: secret,
  networkData: secret,
  userData: secret,
};

const metadata = fc
  .record(
    { name: word, namespace: word, labels: words, annotations: words, generation: port },
    { requiredKeys: ["name"] },
  )
  .map(({ annotations = {}, ...rest }) => ({
    ...rest,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  }));

function objects(version: string, kind: string, fields: Fields): Arbitrary {
  const head = {
    apiVersion: fc.constant(`${infrastructureGroup}/${version}`),
    kind: fc.constant(kind),
    metadata,
  };
  return (
    fc
      .record({ ...head, ...fields }, { requiredKeys: ["apiVersion", "kind", "metadata"] })
      // As they come from the wire.
      .map((object) => JSON.parse(JSON.stringify(object)) as Record<string, unknown>)
  );
}

const templateOf = (spec: Arbitrary, more: Fields = {}, inner: Fields = {}) => ({
  spec: any({
    ...more,
    template: fc.record({ spec, ...inner }, { requiredKeys: ["spec"] }),
  }),
});
const templateMetadata = { metadata: some({ labels: words, annotations: words }) };

export const v1beta1Objects: Readonly<Record<string, Arbitrary>> = {
  Metal3Cluster: objects("v1beta1", "Metal3Cluster", {
    spec: clusterSpec1,
    status: any({ ...status1, failureDomains: domainMap }),
  }),
  Metal3ClusterTemplate: objects("v1beta1", "Metal3ClusterTemplate", templateOf(clusterSpec1)),
  Metal3Machine: objects("v1beta1", "Metal3Machine", {
    spec: machineSpec1,
    status: any({ ...status1, ...machineStatus, phase: word, renderedData: longReference }),
  }),
  Metal3MachineTemplate: objects(
    "v1beta1",
    "Metal3MachineTemplate",
    templateOf(machineSpec1, { nodeReuse: flag }),
  ),
};

export const v1beta2Objects: Readonly<Record<string, Arbitrary>> = {
  Metal3Cluster: objects("v1beta2", "Metal3Cluster", {
    spec: clusterSpec2,
    status: any({ ...status2, failureDomains: domainList }),
  }),
  Metal3ClusterTemplate: objects(
    "v1beta2",
    "Metal3ClusterTemplate",
    templateOf(clusterSpec2, {}, templateMetadata),
  ),
  Metal3Machine: objects("v1beta2", "Metal3Machine", {
    spec: machineSpec2,
    status: any({ ...status2, ...machineStatus, renderedData: shortReference }),
  }),
  Metal3MachineTemplate: objects(
    "v1beta2",
    "Metal3MachineTemplate",
    templateOf(machineSpec2, { nodeReuse: flag }, templateMetadata),
  ),
};
