// Becoming somebody: what a person may get wrong about the token, what the control plane may refuse, and that an
// agent that has an identity starts whatever its token file says.
import { beforeEach, describe, expect, test } from "vitest";
import { ok, err, type Result } from "../../../shared/result.ts";
import { makeFakeFiles } from "../../../test/support/fake-files.ts";
import { makeFakeHttpClient, type FakeAnswer } from "../../../test/support/fake-http-client.ts";
import { makeNodeCrypto } from "../../adapters/node-crypto.ts";
import { openNodeDatabase } from "../../adapters/node-database.ts";
import type { HttpError, HttpRequest } from "../../ports.ts";
import { prepareDatabase } from "../database.ts";
import { makeJournal } from "../journal.ts";
import { obtainIdentity } from "./obtain-identity.ts";

const path = "/etc/farrier/token";
const secret = "s3cr3t-of-the-token-0123456789";
const token = (over: object = {}) =>
  `farrier-${Buffer.from(JSON.stringify({ url: "https://hub.example", secret, ...over })).toString("base64url")}`;
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

let files: ReturnType<typeof makeFakeFiles>;
let database: ReturnType<typeof openNodeDatabase>;
let answer: (request: HttpRequest) => FakeAnswer | HttpError;
let requests: HttpRequest[];
let ca: Result<string, string>;
let logged: string[];
beforeEach(() => {
  files = makeFakeFiles();
  database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  requests = [];
  logged = [];
  ca = err("tls", "the server does not show the CA that the token names");
  answer = () => ({ status: 200, body: json({ agentId: "agent-1", state: "approved" }) });
});

async function obtain(enrolTokenFile: string | undefined = path, caPem?: string) {
  const say = (message: string, fields?: object) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const http = makeFakeHttpClient((request) => {
    requests.push(request);
    return answer(request);
  });
  return await obtainIdentity(
    {
      files,
      database,
      http,
      crypto: makeNodeCrypto(),
      log: { info: say, warn: say, error: say },
      hostname: "site-agent",
      findCa: async () => ca,
    },
    { enrolTokenFile, caPem, programVersion: "0.1.0" },
  );
}

async function problem(text: string): Promise<string> {
  await files.writeFile(path, new TextEncoder().encode(text));
  const obtained = await obtain();
  const message = obtained.ok ? "" : obtained.error.message;
  expect(`${message} ${logged.join()}`).not.toContain(secret);
  return message;
}

async function enrolled(text = token()) {
  await files.writeFile(path, new TextEncoder().encode(text));
  const obtained = await obtain();
  if (!obtained.ok) throw new Error(obtained.error.message);
  return obtained.value;
}

test("a token becomes an identity with keys of its own, and the token is not sent again", async () => {
  const identity = await enrolled();
  expect(identity).toMatchObject({ agentId: "agent-1", caPem: undefined });
  expect(identity.sealingPublicKey).toHaveLength(32);
  expect(requests).toHaveLength(1);
  const again = await obtain();
  expect(again.ok && again.value.agentId).toBe("agent-1");
  expect(requests).toHaveLength(1);
});

test.each([` ${token()}\n`, `"${token()}"`, `'${token()}'\n`])(
  "white space and quotes around a token do no harm",
  async (text) => {
    expect((await enrolled(text)).agentId).toBe("agent-1");
  },
);

test.each([
  ["is empty", "  \n"],
  ['does not begin with "farrier-"', "abc"],
  ["has characters that do not belong there", `farrier-${secret}!`],
  ["is cut off or damaged", token().slice(0, -12)],
  ["is cut off or damaged", `farrier-${Buffer.from("{}").toString("base64url")}`],
  ["names no address of a control plane", token({ url: "hub.example" })],
])("a token that %s is told so, with the way out", async (words, text) => {
  const message = await problem(text);
  expect(message).toContain(words);
  expect(message).toContain('Copy it whole, as "npm run admin -- token create" printed it.');
  expect(requests).toEqual([]);
});

test("a token file that cannot be read is named with the reason", async () => {
  files.readFile = async () => err("denied", `${path}: EACCES`);
  const obtained = await obtain();
  expect(obtained).toMatchObject({
    ok: false,
    error: {
      message: expect.stringMatching(/enrolTokenFile \/etc\/farrier\/token cannot be read.*EACCES/),
    },
  });
});

test("without a token file the way to one is told", async () => {
  expect(await obtain(undefined)).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining("token create") },
  });
});

test("the CA that a token names is looked for, and a server without it is refused", async () => {
  expect(await problem(token({ ca: "ab".repeat(32) }))).toContain("does not show the CA");
  expect(requests).toEqual([]);
  ca = ok("PEM of the CA");
  expect((await enrolled(token({ ca: "ab".repeat(32) }))).caPem).toBe("PEM of the CA");
  expect(requests[0]?.ca).toBe("PEM of the CA");
});

test("a CA from the configuration is used without a look", async () => {
  await files.writeFile(path, new TextEncoder().encode(token({ ca: "ab".repeat(32) })));
  expect((await obtain(path, "configured")).ok).toBe(true);
  expect(requests[0]?.ca).toBe("configured");
});

test.each([
  [401, "this token is not known here"],
  [409, "this token was used already; create another one"],
  [410, "this token has expired; create another one"],
])("a refusal (%i) is told in the control plane's words", async (status, words) => {
  answer = () => ({ status, body: json({ error: words }) });
  expect(await problem(token())).toBe(
    `The control plane refused the enrolment (${status}): ${words}`,
  );
});

test.each([
  ["a page of a proxy", new TextEncoder().encode("<html>")],
  ["something else", json({ hello: "world" })],
])("an answer that is %s is no control plane's", async (_words, body) => {
  answer = () => ({ status: 200, body });
  expect(await problem(token())).toContain("does not answer like a control plane");
});

test("a server whose certificate is of another CA is told as what it is", async () => {
  answer = () => "tls";
  expect(await problem(token())).toContain("https://hub.example cannot be reached");
});

test("an enrolment whose answer was lost is asked for again with the same keys", async () => {
  answer = () => "timeout";
  await problem(token());
  answer = () => ({ status: 200, body: json({ agentId: "agent-1", state: "pending" }) });
  await enrolled();
  const keys = requests.map(({ body }) => JSON.parse(new TextDecoder().decode(body)) as object);
  expect(keys[0]).toEqual(keys[1]);
});

describe("an agent that has an identity", () => {
  beforeEach(async () => {
    await enrolled();
  });

  test.each([
    ["damaged", "farrier-!"],
    ["refused", token({ secret: "another-secret-0123456789" })],
  ])("starts with it when its new token is %s, and says so", async (_words, text) => {
    answer = () => ({ status: 401, body: json({ error: "this token is not known here" }) });
    await files.writeFile(path, new TextEncoder().encode(text));
    const obtained = await obtain();
    expect(obtained.ok && obtained.value.agentId).toBe("agent-1");
    expect(logged.join()).toContain("the enrolment token does not work");
  });

  test("keeps its sealing key and changes its signing key when it enrols with another token", async () => {
    answer = () => ({ status: 200, body: json({ agentId: "agent-2", state: "approved" }) });
    const anew = await enrolled(token({ secret: "another-secret-0123456789" }));
    expect(anew.agentId).toBe("agent-2");
    const [before, after] = requests.map(
      ({ body }) => JSON.parse(new TextDecoder().decode(body)) as Record<string, string>,
    );
    expect(after?.["sealingKey"]).toBe(before?.["sealingKey"]);
    expect(after?.["signingKey"]).not.toBe(before?.["signingKey"]);
  });

  test("starts without its token file", async () => {
    await files.remove(path);
    expect((await obtain()).ok).toBe(true);
    expect(logged.join()).not.toContain("does not work");
  });

  test("becomes another one by a new token, and forgets what the earlier one was told", async () => {
    const journal = makeJournal(database);
    journal.accept({
      id: "u1.1",
      hostUid: "u1",
      revision: 1,
      attempt: 1,
      validForMs: 1,
      class: "once",
      allocation: "",
      payload: { kind: "register" },
    });
    const before = await obtain();
    if (before.ok) for (const epoch of [1, 2, 9, 3]) before.value.acceptEpoch(epoch);
    answer = () => ({ status: 200, body: json({ agentId: "agent-2", state: "approved" }) });
    const identity = await enrolled(token({ secret: "another-secret-0123456789" }));
    expect(identity.agentId).toBe("agent-2");
    // A new control plane counts operations from 1 again: "u1.1" is other work there.
    expect(journal.find("u1.1")).toBeUndefined();
    expect(identity.acceptEpoch(1)).toBe(true);
    expect(identity.nextCounter()).toBe(1);
  });
});
