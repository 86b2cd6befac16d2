// Two whole sessions of Debian's ipmitool 1.8.19 ("power status"), captured between programs that are
// none of ours: with Debian's ipmi_sim (cipher suite 3) and with go-ipmi's server (suite 17). User
// "admin", password "password". Every packet must decode, prove itself and encode to the same bytes.
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from "node:crypto";
import { describe, expect, it } from "vitest";
import { decodeAuthCapabilities, decodeDeviceId } from "./application-commands.ts";
import { decodeChassisStatus } from "./chassis-commands.ts";
import { cipherSuites, findCipherSuite } from "./cipher-suites.table.ts";
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./message.ts";
import {
  decodeOpenSessionRequest,
  decodeOpenSessionResponse,
  encodeOpenSessionRequest,
  encodeOpenSessionResponse,
} from "./open-session.ts";
import { deriveSessionKeys, openPacket, sealPacket } from "./protected-packet.ts";
import type { SessionCiphers } from "./protected-packet.ts";
import {
  decodeRakp1,
  decodeRakp2,
  decodeRakp3,
  decodeRakp4,
  encodeRakp1,
  encodeRakp2,
  encodeRakp3,
  encodeRakp4,
  rakp2Input,
  rakp3Input,
  rakp4Input,
  sessionIntegrityKeyInput,
} from "./rakp.ts";
import { decodeRmcp, encodeRmcp } from "./rmcp.ts";
import { decodeSessionPacket, encodeLegacyPacket, encodeSetupPacket } from "./session-packet.ts";

/** ">" from ipmitool, "<" from the BMC. */
const captures = {
  3: [
    "> 0600ff07000000000000000000092018c88100388e04b5",
    "< 0600ff0700000000000000000010811c6320003800019705030000000008",
    "> 0600ff0706100000000000000000200000000000a4a3a2a0000000080100000001000008010000000200000801000000",
    "< 0600ff0706110000000000000000240000000000a4a3a2a002000000000000080100000001000008010000000200000801000000",
    "> 0600ff07061200000000000000002100000000000200000016b22ea2bfd04b2200086fdec52414b21400000561646d696e",
    "< 0600ff07061300000000000000003c0000000000a4a3a2a08c2fb4d419e477311ceba0ad258e89baa123456789abcdefa123456789abcdef912e893148cb85c30e7d764fd9226d32cb1cd4a9",
    "> 0600ff07061400000000000000001c0000000000020000008aeb321cf21bfe2a79a6681227fb3b786db63846",
    "< 0600ff0706150000000000000000140000000000a4a3a2a0efb36abcf20cbdd513872121",
    "> 0600ff0706c002000000030000002000d970dced9aa19e5cad22020ddc929f86a4b3021368c0e63ee6898375da5c42d4ffff0207a30917c8763d4b8d6422968e",
    "< 0600ff0706c0a4a3a2a001000000200044c3afdd8a2dc1d7a9c8e4b9b2a449306a63afafd21cd9557e9060ddbf5428ccffff02079941f421fdf7556e37e7353d",
    "> 0600ff0706c002000000040000002000963525614e29ec4db1a0bb939d2222b2b139ea2bbb4550cc791c65d1125d0995ffff0207d8add747b89405a88ddc4d85",
    "< 0600ff0706c0a4a3a2a0020000002000ee8933b8026b0693062eb55cd76866db7f958d59911192c2aa4f018cb0d34099ffff0207cbf886dec8b222032a623f27",
    "> 0600ff0706c0020000000500000020000fea0f070d87b3f23c192dc5750bf58da7f688ab679839e09090b2916a7943a4ffff02071bc67ad9b840811c36cfc672",
    "< 0600ff0706c0a4a3a2a00300000030006bc0831284306f0489496b67ac2b023830fce0c30bdc25d079cbf43dc10a836c68e23013ff507de02facb85c0764f344ffff020706819b24f3cd6797ad1413c5",
    "> 0600ff0706c002000000060000002000e5535ce39cf6f77398660f11a6abbb43679a0c5f24573103ddb5100510069e53ffff0207dd209b98e0c55b2b053fcc9e",
    "< 0600ff0706c0a4a3a2a004000000200079dc8cb168b4fb57c483252055a8a0f8cafa5c337ef83e03c8875dc84c0d6188ffff0207450630930369203e4e9c479c",
    "> 0600ff0706c002000000070000002000908e0d02d6610beaa535b5c288c4d41b98031ba28bee1216740fbdd368515a51ffff020762be72db183abfa3b55e7319",
    "< 0600ff0706c0a4a3a2a005000000200051d4e03d0bdecc8ef6ed573cd482a89d249e196e8b1ccf5453c3b1cfb15ad60fffff0207a36d92109c2705cab8382f85",
    "> 0600ff0706c002000000080000002000ac247bebbeeb2eaff4cf342392cacea390ff824df59566195cfe41a8531b80ccffff0207001b680b79760d68b690631c",
    "< 0600ff0706c0a4a3a2a0060000002000f2085894945be40d133174ad4d5e46fc146c852542d437adce84062c7cd3990effff0207b9eeee3e66e01f06eae5953c",
    "> 0600ff0706c002000000090000002000df2473cb264ce7ad0575ef97a838aaefc6ee90243d46be1770bb01ea14057923ffff0207398b506a5d6ad96aeaecfa33",
    "< 0600ff0706c0a4a3a2a0070000002000402cb1aa39fd69b43a6f817b1c15b35088c90ac2f03b6c32a77509e0305cf002ffff020740d30479f9a333cc1c3ede6a",
  ],
  17: [
    "> 0600ff07000000000000000000092018c88100388e04b5",
    "< 0600ff0700000000000000000010201cc420003800018407030000000019",
    "> 0600ff0706100000000000000000200000000000a4a3a2a0000000080300000001000008040000000200000801000000",
    "< 0600ff0706110000000000000000240000000400a4a3a2a02c4eb497000000080300000001000008040000000200000801000000",
    "> 0600ff07061200000000000000002100000000002c4eb4976d614a9f262cd486676b19d332731d541400000561646d696e",
    "< 0600ff0706130000000000000000480000000000a4a3a2a08c79645b9947f3f6c72ce985f0dcfe58676f2d69706d692d65326500000000006a2def1be8a9c8e5c79d2b2a26e28f7235b5e98aba1a026e15d7f6aa52b695af",
    "> 0600ff07061400000000000000002800000000002c4eb4972bbea73aad0df6961199678b4fd72e51c915b9831a28ad24039b133674d6d10b",
    "< 0600ff0706150000000000000000180000000000a4a3a2a0db6a6a7e91035dfcc35e3b478950135d",
    "> 0600ff0706c02c4eb497030000002000807b5016664e6db26a539e88fc9aca7dae8521f332617e3cf151170b81016fd1ffff0207415fd42763cc51cb14aedd91820acb1b",
    "< 0600ff0706c0a4a3a2a0010000002000b96c435ad5cc3c86576d8571804001e3ec4d1a36d487e1e3fade84873f655c6cffff020791ceabecbb4233b7c3fe9961208dcbdc",
    "> 0600ff0706c02c4eb4970400000020006fc56d7a7320a3c78eadc519f0e9fff632256453b46d075e4dc82d69266b9ab0ffff0207776390355a3d21833da4d4ee8d888d61",
    "< 0600ff0706c0a4a3a2a002000000200081034c6c6a76603d1501e027acbba015b5021fa509f619453603a7191c92b3d9ffff0207737b7b00f271f2cddabdcf4fa8bfd012",
    "> 0600ff0706c02c4eb497050000002000dea2360529908c2a1450591b012706dc6f7add32991d4d4ee89ec0e2630c8ecaffff0207818e51f23f08224e1e6b8aabf07371c3",
    "< 0600ff0706c0a4a3a2a00300000030002c8b5e2977b962e7852183fdb904788d78bc332cf3c9caa8797068acfaa3b08465046f93d7754442f54a2a2c9cbd68ceffff0207969e16f93cb6c9efe0cc2c8e4a9c18a2",
    "> 0600ff0706c02c4eb497060000002000151cbd40e43e76c6fd919cb8807709e3027b2dd3c3d79be1b9161c057997a47bffff0207bad5c61baefc64c640526d00e59c2903",
    "< 0600ff0706c0a4a3a2a0040000002000d3c7a666dd5f940eac45126bcc5c481065986eebb360161f030c17cd51527b67ffff0207c695144cd2c53713045cf4804fa080a3",
    "> 0600ff0706c02c4eb49707000000200022db169f79dd9d79c91c9f216864d124557588aad0e8e79e83c6b2e6e9128906ffff02078e5a1137a2df1ee29eaaa2f925f363fc",
    "< 0600ff0706c0a4a3a2a0050000002000bad882aeb82cb858d0b0e52e98729ef6dcc0146f456551051c53d43a117bce39ffff0207ada98bbe7d09ad72391cd5a6cab51f60",
    "> 0600ff0706c02c4eb497080000002000adbe9d4530448fcb77621701e3d78591cbf22274a5223e2685e85dafe327a60fffff0207b566bf1cb35c78c52430c1c5d4091544",
    "< 0600ff0706c0a4a3a2a006000000200085ab8517ddaf8f75240a387fa515e817c5773581866c23abc55a87f0d0aa7f6bffff0207518c67de1549810e1d38e7bfee8ce6f6",
    "> 0600ff0706c02c4eb497090000002000b7e5d3ab93850dae819d7360a9e8cf0fa222ba916ebb704df3bf147386ef33e5ffff0207decae1e72aee6720da59b536f49ebfa9",
    "< 0600ff0706c0a4a3a2a00700000020004f92f712763dd14b4296967106a13cbafaac6639ed9fce755cbb2fbdcc7c6c14ffff02072af57327c7923519a3f777cb2fe21370",
  ],
} as const;

const ciphers: SessionCiphers = {
  hmac: (name, key, data) => createHmac(name, key).update(data).digest(),
  aesCbcEncrypt(key, iv, data) {
    const cipher = createCipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  },
  aesCbcDecrypt(key, iv, data) {
    const cipher = createDecipheriv("aes-128-cbc", key, iv).setAutoPadding(false);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  },
  constantTimeEqual: (a, b) => a.length === b.length && timingSafeEqual(a, b),
};

const password = new TextEncoder().encode("password");

function bodies(suite: 3 | 17): Uint8Array[] {
  return captures[suite].map((line) => {
    const datagram = bytes(line.slice(2));
    const rmcp = decodeRmcp(datagram)!;
    expect(rmcp.messageClass).toBe("ipmi");
    expect(hex(encodeRmcp("ipmi", rmcp.body))).toBe(hex(datagram));
    return rmcp.body;
  });
}

/** Payload of a packet outside the session, after checking that the header comes out the same. */
function setupPayload(body: Uint8Array): Uint8Array {
  const decoded = decodeSessionPacket(body);
  if (decoded?.format !== "2.0") throw new Error("not RMCP+");
  const { packet } = decoded;
  expect(hex(encodeSetupPacket(packet.payloadType, packet.payload))).toBe(hex(body));
  return packet.payload;
}

function readHandshake(suiteId: 3 | 17) {
  const payloads = bodies(suiteId).slice(2, 8).map(setupPayload);
  const [open, opened, first, second, third, fourth] = payloads as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const openRequest = decodeOpenSessionRequest(open)!;
  const openResponse = decodeOpenSessionResponse(opened)!;
  const rakp1 = decodeRakp1(first)!;
  const rakp2 = decodeRakp2(second)!;
  const rakp3 = decodeRakp3(third)!;
  const rakp4 = decodeRakp4(fourth)!;
  if (!("bmcSessionId" in openResponse) || !("code" in rakp2) || !("checkValue" in rakp4)) {
    throw new Error("a refusal");
  }
  expect(hex(encodeOpenSessionRequest(openRequest))).toBe(hex(open));
  expect(hex(encodeOpenSessionResponse(openResponse))).toBe(hex(opened));
  expect(hex(encodeRakp1(rakp1))).toBe(hex(first));
  expect(hex(encodeRakp2(rakp2))).toBe(hex(second));
  expect(hex(encodeRakp3(rakp3))).toBe(hex(third));
  expect(hex(encodeRakp4(rakp4))).toBe(hex(fourth));
  return { openRequest, openResponse, rakp1, rakp2, rakp3, rakp4 };
}

function readSession(suiteId: 3 | 17) {
  const suite = cipherSuites[suiteId];
  const { openResponse, rakp1, rakp2, rakp3, rakp4 } = readHandshake(suiteId);
  const handshake = {
    consoleSessionId: openResponse.consoleSessionId,
    bmcSessionId: openResponse.bmcSessionId,
    consoleRandom: rakp1.consoleRandom,
    bmcRandom: rakp2.bmcRandom,
    bmcGuid: rakp2.bmcGuid,
    role: rakp1.role,
    userName: rakp1.userName,
  };
  const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array =>
    ciphers.hmac(suite.hash, key, data);
  expect(hex(hmac(password, rakp2Input(handshake)))).toBe(hex(rakp2.code));
  expect(hex(hmac(password, rakp3Input(handshake)))).toBe(hex(rakp3.code));
  const integrityKey = hmac(password, sessionIntegrityKeyInput(handshake));
  const checkValue = hmac(integrityKey, rakp4Input(handshake)).subarray(0, suite.authCodeBytes);
  expect(hex(checkValue)).toBe(hex(rakp4.checkValue));
  return { handshake, keys: deriveSessionKeys(suite, integrityKey, ciphers) };
}

describe.each([3, 17] as const)("a captured session with cipher suite %i", (suiteId) => {
  it("begins with authentication capabilities in an IPMI 1.5 packet", () => {
    const [request, response] = bodies(suiteId).map((body) => {
      const packet = decodeSessionPacket(body);
      if (packet?.format !== "1.5") return undefined;
      expect(hex(encodeLegacyPacket(packet.message))).toBe(hex(body));
      return packet.message;
    });
    const asked = decodeRequest(request!)!;
    expect(asked).toMatchObject({ netFn: 0x06, command: 0x38, data: Uint8Array.of(0x8e, 0x04) });
    expect(hex(encodeRequest(asked))).toBe(hex(request!));
    const answered = decodeResponse(response!)!;
    // go-ipmi answers here as if it were the console, which nobody minds.
    if (suiteId === 3) {
      const again = encodeResponse(asked, answered.completionCode, answered.data);
      expect(hex(again)).toBe(hex(response!));
    }
    expect(decodeAuthCapabilities(answered.data)).toEqual({ rmcpPlus: true, kgSet: false });
  });

  it("agrees on the suite in Open Session", () => {
    const { openRequest, openResponse } = readHandshake(suiteId);
    expect(findCipherSuite(openRequest.algorithms)?.id).toBe(suiteId);
    expect(findCipherSuite(openResponse.algorithms)?.id).toBe(suiteId);
    expect(openResponse.consoleSessionId).toBe(0xa0a2a3a4);
  });

  it("proves the password in RAKP 2 to 4", () => {
    const { handshake } = readSession(suiteId);
    expect(handshake.role).toBe(0x14);
    expect(new TextDecoder().decode(handshake.userName)).toBe("admin");
  });

  it("decrypts, and encrypts again to the same bytes", () => {
    const { handshake, keys } = readSession(suiteId);
    for (const body of bodies(suiteId).slice(8)) {
      const opened = openPacket(body, keys, ciphers)!;
      expect([handshake.consoleSessionId, handshake.bmcSessionId]).toContain(opened.sessionId);
      const iv = body.slice(12, 28);
      expect(hex(sealPacket(opened, iv, keys, ciphers))).toBe(hex(body));
    }
  });

  it("reads the power state between set privilege and close session", () => {
    const { keys } = readSession(suiteId);
    const messages = bodies(suiteId)
      .slice(8)
      .map((body) => openPacket(body, keys, ciphers)!.message);
    const requests = messages.flatMap((message) => decodeRequest(message) ?? []);
    const responses = messages.flatMap((message) => decodeResponse(message) ?? []);
    const numbers = requests.map(({ netFn, command }) => [netFn, command]);
    expect(numbers[0]).toEqual([0x06, 0x3b]);
    expect(numbers.slice(-2)).toEqual([
      [0x00, 0x01],
      [0x06, 0x3c],
    ]);
    for (const [index, request] of requests.entries()) {
      expect(responses[index]).toMatchObject({
        netFn: request.netFn,
        command: request.command,
        sequence: request.sequence,
      });
    }
    expect(decodeChassisStatus(responses.at(-2)!.data)).toEqual({
      powerOn: false,
      powerFault: false,
    });
    const device = responses.find(({ netFn, command }) => netFn === 0x06 && command === 0x01)!;
    expect(decodeDeviceId(device.data)).toMatchObject(
      suiteId === 3
        ? { firmwareMajor: 9, firmwareMinor: 8, manufacturerId: 0x1291, productId: 0xf02 }
        : { firmwareMajor: 1, firmwareMinor: 0, manufacturerId: 343, productId: 1 },
    );
  });

  it("does not open when any byte of a packet was changed", () => {
    const { keys } = readSession(suiteId);
    const [packet] = bodies(suiteId).slice(8);
    for (let index = 0; index < packet!.length; index += 1) {
      const changed = packet!.slice();
      changed[index] = (changed[index] ?? 0) ^ 0x01;
      expect(openPacket(changed, keys, ciphers)).toBeUndefined();
    }
    expect(openPacket(packet!.subarray(0, -1), keys, ciphers)).toBeUndefined();
  });
});

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString("hex");
}
