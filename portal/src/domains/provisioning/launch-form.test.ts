import { beforeEach, describe, expect, it } from "vitest";
import { forgetDraft, fromKept, fromSearch, initialForm, isWorthKeeping, keepDraft, launchAddress, toKept, toSearch } from "./launch-draft";
import { check, emptyForm, reduce, toCommand, toCurl, toRequest, type LaunchForm } from "./launch-form";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1 me@laptop";
const filled: LaunchForm = {
  ...emptyForm, sku: "local.cpu.1", region: "local", name: "first", publicKey: KEY, keyName: "laptop",
  volumeChoice: "new", volumeName: "data", volumeGb: "10",
};

describe("the launch form", () => {
  it("becomes the request that the API takes", () => {
    expect(toRequest(filled)).toEqual({
      sku: "local.cpu.1", region_id: "local", name: "first", ssh_public_key: KEY, ssh_key_name: "laptop", volumes: [{ name: "data", size_gb: 10 }],
    });
    expect(toRequest({ ...filled, keyChoice: "existing", keyIds: ["sshk_1"], volumeChoice: "existing", volumeId: "vol_1" })).toMatchObject({
      ssh_key_ids: ["sshk_1"], volumes: [{ id: "vol_1" }],
    });
  });
  it("goes into a network with its security groups, and into none without", () => {
    const inside = { ...filled, networkId: "net_1", groupIds: ["sg_1"] };
    expect(toRequest(inside)).toMatchObject({ network_id: "net_1", security_group_ids: ["sg_1"] });
    expect(toRequest({ ...inside, networkId: "" })).not.toHaveProperty("security_group_ids");
    expect(toCommand(inside, { project: "", keys: [], volume: "", network: "red", groups: ["web"] })).toContain("--network red \\\n  --security-group web");
  });
  it("forgets a quote when another product is chosen, and only then", () => {
    const quoted = { ...filled, quote: "quo_1" };
    expect(reduce(quoted, { type: "set", change: { sku: "other" } }).quote).toBe("");
    expect(reduce(quoted, { type: "set", change: { name: "second" } }).quote).toBe("quo_1");
  });
  it("says at each field what is missing", () => {
    expect(check(filled)).toEqual({});
    expect(Object.keys(check({ ...emptyForm, volumeChoice: "new", volumeName: "", volumeGb: "0" }))).toEqual(["sku", "publicKey", "volumeName", "volumeGb"]);
    expect(check({ ...filled, keyChoice: "existing", keyIds: [] }).keyIds).toMatch(/only way in/);
  });
  it("warns of a private key before it leaves the browser", () => {
    expect(check({ ...filled, publicKey: "-----BEGIN OPENSSH PRIVATE KEY-----" }).publicKey).toMatch(/private key/);
  });
  it("shows the same launch as a command and as a request", () => {
    expect(toCommand(filled, { project: "my project", keys: [], volume: "", network: "", groups: [] })).toBe(
      "aif allocations create \\\n  --sku local.cpu.1 \\\n  --name first \\\n  --project 'my project' \\\n  --region local \\\n  --ssh-key ~/.ssh/id_ed25519.pub \\\n  --volume data:10 \\\n  --wait");
    expect(toCurl({ ...filled, keyName: "o'brien" }, "http://x")).toContain("o'\\''brien");
  });
});

describe("a launch configured before signing in", () => {
  beforeEach(() => sessionStorage.clear());
  it("is there again afterwards, key and all", () => {
    keepDraft(filled);
    expect(initialForm({})).toEqual(filled);
    forgetDraft();
    expect(initialForm({})).toEqual(emptyForm);
  });
  it("is rebuilt from the address alone in another tab, without the key", () => {
    const search = Object.fromEntries(new URLSearchParams(launchAddress(filled).split("?")[1]));
    expect({ ...emptyForm, ...fromSearch(search) }).toEqual({ ...filled, publicKey: "", keyName: "" });
    expect(Object.values(toSearch(filled)).join()).not.toContain("ssh-ed25519");
  });
  it("lets the address win over an older draft", () => {
    keepDraft(filled);
    expect(initialForm({ sku: "other.gpu" }).sku).toBe("other.gpu");
  });
  it("survives a broken draft", () => {
    sessionStorage.setItem("aifactory.launch-draft", "{not json");
    expect(initialForm({})).toEqual(emptyForm);
  });
});

describe("a launch kept on the server", () => {
  it("comes back as it was typed", () => expect({ ...emptyForm, ...fromKept(toKept(filled)) }).toEqual(filled));
  it("never carries a private key away", () => {
    const kept = toKept({ ...filled, publicKey: "-----BEGIN OPENSSH PRIVATE KEY-----" });
    expect(JSON.stringify(kept)).not.toContain("PRIVATE");
    expect(kept.name).toBe("first");
  });
  it("takes only fields that this form has, of the kind it has", () =>
    expect(fromKept({ name: "first", keyIds: "not a list", region: ["not", "text"], fromTheFuture: "x" })).toEqual({ name: "first" }));
  it("is worth it as soon as something was typed, not for a choice of hardware", () => {
    expect(isWorthKeeping({ ...emptyForm, sku: "local.cpu.1", region: "local" })).toBe(false);
    expect(isWorthKeeping({ ...emptyForm, name: "x" })).toBe(true);
    expect(isWorthKeeping({ ...emptyForm, volumeChoice: "new" })).toBe(true);
  });
});
