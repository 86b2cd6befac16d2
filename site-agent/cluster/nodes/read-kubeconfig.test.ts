// A kubeconfig is somebody's text: what is in it is used, what points out of it is refused by name, and no value of it
// is ever said.
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { readKubeconfig } from "./read-kubeconfig.ts";

const pem = (what: string) => `-----BEGIN ${what}-----\nc2VjcmV0\n-----END ${what}-----\n`;
const ca = pem("CERTIFICATE");
const key = pem("PRIVATE KEY");
const token = "eyJhbGciOi.secret-token";
const inline = {
  server: "https://192.0.2.9:6443/",
  "certificate-authority-data": btoa(ca),
  "insecure-skip-tls-verify": false,
};

function text(cluster: object, user: object, over: object = {}): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "admin@stable",
    contexts: [
      { name: "other", context: { cluster: "x", user: "y" } },
      { name: "admin@stable", context: { cluster: "stable", user: "admin", namespace: "a" } },
    ],
    clusters: [
      { name: "x", cluster: { server: "https://wrong.example" } },
      { name: "stable", cluster },
    ],
    users: [
      { name: "y", user: { exec: { command: "rm" } } },
      { name: "admin", user },
    ],
    preferences: {},
    ...over,
  });
}

test("the certificate, key and server of the current context are used", () => {
  const user = { "client-certificate-data": btoa(ca), "client-key-data": btoa(key) };
  const cluster = { ...inline, "tls-server-name": "api.stable", "disable-compression": true };
  const expected = {
    server: "https://192.0.2.9:6443",
    serverName: "api.stable",
    caPem: ca,
    certificate: { certPem: ca, keyPem: key },
    token: undefined,
  };
  expect(readKubeconfig(text(cluster, user))).toEqual({ ok: true, value: expected });
  const json = JSON.stringify({
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "s", user: "u" } }],
    clusters: [{ name: "s", cluster }],
    users: [{ name: "u", user }],
  });
  expect(readKubeconfig(json)).toEqual({ ok: true, value: expected });
});

test("a token is used, with the system's roots where no other is given", () => {
  expect(
    readKubeconfig(text({ server: "https://api.example/k8s/clusters/c-1" }, { token })),
  ).toEqual({
    ok: true,
    value: {
      server: "https://api.example/k8s/clusters/c-1",
      serverName: undefined,
      caPem: undefined,
      certificate: undefined,
      token,
    },
  });
});

const withToken = { token };
const refused: readonly (readonly [string, object, object, string])[] = [
  ["a program", inline, { exec: { command: "/bin/sh", args: ["secret"] } }, "exec in its user"],
  ["a program beside a token", inline, { token, exec: {} }, "exec in its user"],
  ["an auth provider", inline, { "auth-provider": { name: "gcp" } }, "auth-provider in its user"],
  ["a token's file", inline, { tokenFile: "/etc/passwd" }, "tokenFile in its user"],
  [
    "a certificate's file",
    inline,
    { "client-certificate": "/c", token },
    "client-certificate in its user",
  ],
  ["a key's file", inline, { "client-key": "/c", token }, "client-key in its user"],
  ["a password", inline, { username: "a", password: "secret" }, "username, password in its user"],
  ["somebody to act as", inline, { token, as: "system:admin" }, "as in its user"],
  [
    "an authority's file",
    { server: inline.server, "certificate-authority": "/etc/ca.crt" },
    withToken,
    "certificate-authority in its cluster",
  ],
  [
    "an unchecked certificate",
    { server: inline.server, "insecure-skip-tls-verify": true },
    withToken,
    "insecure-skip-tls-verify in its cluster",
  ],
  ["a proxy", { ...inline, "proxy-url": "http://p" }, withToken, "proxy-url in its cluster"],
  ["plain http", { server: "http://192.0.2.9" }, withToken, "no https server"],
  ["a user in the URL", { server: "https://a:secret@h" }, withToken, "no https server"],
  ["no server", {}, withToken, "no https server"],
  ["half a certificate", inline, { "client-key-data": btoa(key) }, "only one of"],
  ["nobody", inline, {}, "neither a token nor a client certificate"],
  [
    "a key that is none",
    inline,
    { "client-key-data": "secret!" },
    "client-key-data that is not PEM",
  ],
  [
    "an authority that is none",
    { ...inline, "certificate-authority-data": btoa("secret") },
    withToken,
    "not PEM",
  ],
  ["a token of two lines", inline, { token: "secret\r\nx: y" }, "token that cannot be one"],
];
test.each(refused)("%s is refused, and no value is said", (_what, cluster, user, says) => {
  const read = readKubeconfig(text(cluster, user));
  if (read.ok) throw new Error("it was taken");
  expect(read.error.message).toContain(says);
  expect(read.error.message).not.toMatch(/secret|passwd|\/bin/);
});

test.each([
  ["no YAML", "{ secret: ["],
  ["a text", "secret"],
  ["nothing", ""],
  ["no context", text(inline, withToken, { "current-context": "gone" })],
  ["no current-context", text(inline, withToken, { "current-context": "" })],
  ["no users", text(inline, withToken, { users: [] })],
  ["odd users", text(inline, withToken, { users: { admin: "secret" } })],
  ["a bomb of aliases", bomb()],
])("%s is no kubeconfig", (_what, odd) => {
  const read = readKubeconfig(odd);
  if (read.ok) throw new Error("it was taken");
  expect(read.error.message).not.toContain("secret");
});

function bomb(): string {
  const lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"];
  for (let at = 1; at < 12; at += 1) {
    const before = `*a${at - 1}`;
    lines.push(`a${at}: &a${at} [${Array.from({ length: 9 }, () => before).join(",")}]`);
  }
  return lines.join("\n");
}
