import { describe, expect, it } from "vitest";
import { readPorts, sentenceOf } from "./security-rules";

const rule = { direction: "in", protocol: "tcp", first_port: 443, last_port: 443, cidr: "0.0.0.0/0", network_id: null, security_group_id: null } as const;

describe("a rule of a security group", () => {
  it("is said in words", () => {
    expect(sentenceOf(rule, {})).toBe("TCP 443 from everybody");
    expect(sentenceOf({ ...rule, direction: "out", protocol: "any", first_port: null, last_port: null, cidr: "10.0.0.0/8" }, {})).toBe("Everything to 10.0.0.0/8");
    expect(sentenceOf({ ...rule, last_port: 445, cidr: null, security_group_id: "sg_1" }, { sg_1: "web" })).toBe("TCP 443–445 from machines of group web");
    expect(sentenceOf({ ...rule, cidr: null, network_id: "net_gone" }, {})).toBe("TCP 443 from network net_gone");
  });
  it("has its ports as people write them", () => {
    expect(readPorts("")).toEqual({});
    expect(readPorts("443")).toEqual({ first_port: 443, last_port: 443 });
    expect(readPorts(" 8000 - 8010 ")).toEqual({ first_port: 8000, last_port: 8010 });
  });
});
