"""From a rule to a node and back: launches in networks, over the real routes, flows and events."""

import asyncio

import pytest

RED = {"direction": "in", "protocol": "tcp", "first_port": 80, "cidr": "0.0.0.0/0"}


class Networks:
    """Speaks of networks to one tenant's factory."""

    def __init__(self, factory, tenant=None) -> None:
        self.factory, self.tenant = factory, tenant

    async def make(self, path: str, **body):
        answer = await self.factory.post(path, body, self.tenant)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def launch(self, network, *groups, **more):
        wanted = {"network_id": network["id"], "security_group_ids": [group["id"] for group in groups]}
        return await self.factory.launches(self.tenant, **wanted, **more)

    async def attachment(self, allocation):
        path = f"/network-attachments?allocation_id={allocation['id']}"
        items = (await self.factory.get(path, self.tenant)).json()["items"]
        return items[0] if items else None

    async def write(self, path: str, body, etag: str):
        headers = self.factory.headers(self.tenant) | {"If-Match": etag}
        return await self.factory.http.put(f"/api/v3{path}", json=body, headers=headers)

    async def rules(self, group, *rules):
        shown = await self.factory.get(f"/security-groups/{group['id']}", self.tenant)
        answer = await self.write(f"/security-groups/{group['id']}/rules", {"rules": rules}, shown.headers["ETag"])
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def town(factory):
    node = await factory.a_node(slots=3)
    return Networks(factory), node


async def test_a_launch_into_a_network_has_an_address_and_its_node_holds_the_rules(town):
    nets, node = town
    network = await nets.make("/networks", name="red")
    group = await nets.make("/security-groups", name="web", rules=[RED])
    launched = await nets.launch(network, group)
    assert (await nets.attachment(launched))["state"] == "waiting"
    await nets.factory.work()
    seen = await nets.attachment(launched)
    assert (seen["state"], seen["applied"], seen["rules"]) == ("applied", True, ["in tcp"])
    held = node.networks[launched["id"]]
    assert seen["address"] == held["address"] and held["address"].startswith(network["cidr"].removesuffix("0/24"))
    assert held["rules"] == [
        {"direction": "in", "protocol": "tcp", "peers": ["0.0.0.0/0"], "first_port": 80, "last_port": 80}
    ]


async def test_without_a_network_nothing_is_asked_of_the_node(town):
    nets, node = town
    launched = await nets.factory.launches()
    await nets.factory.work()
    assert (await nets.factory.allocation(launched["id"]))["state"] == "active"
    assert node.networks == {} and await nets.attachment(launched) is None


async def test_a_changed_rule_reaches_every_sandbox_of_the_group_and_no_other(town):
    nets, node = town
    network = await nets.make("/networks", name="red")
    group, other = [await nets.make("/security-groups", name=name) for name in ("web", "db")]
    first, second, third = [await nets.launch(network, one) for one in (group, group, other)]
    await nets.factory.work()
    before = (await nets.attachment(third))["generation"]
    await nets.rules(group, RED)
    assert not (await nets.attachment(first))["applied"]
    await nets.factory.work()
    assert [len(node.networks[one["id"]]["rules"]) for one in (first, second, third)] == [1, 1, 0]
    assert (await nets.attachment(first))["applied"] and (await nets.attachment(third))["generation"] == before


async def test_a_group_as_a_peer_follows_who_joins_and_who_leaves(town):
    nets, node = town
    network = await nets.make("/networks", name="red")
    web = await nets.make("/security-groups", name="web")
    rule = {"direction": "in", "protocol": "any", "security_group_id": web["id"]}
    db = await nets.make("/security-groups", name="db", rules=[rule])
    store = await nets.launch(network, db)
    await nets.factory.work()
    assert node.networks[store["id"]]["rules"][0]["peers"] == []
    site = await nets.launch(network, web)
    await nets.factory.work()
    address = (await nets.attachment(site))["address"]
    assert node.networks[store["id"]]["rules"][0]["peers"] == [f"{address}/32"]
    await nets.factory.releases(site["id"])
    await nets.factory.work()
    assert node.networks[store["id"]]["rules"][0]["peers"] == [] and await nets.attachment(site) is None


async def test_other_groups_for_a_running_sandbox(town):
    nets, node = town
    network = await nets.make("/networks", name="red")
    web = await nets.make("/security-groups", name="web", rules=[RED])
    launched = await nets.launch(network)
    await nets.factory.work()
    seen = await nets.attachment(launched)
    path, body = f"/network-attachments/{seen['id']}/security-groups", {"security_group_ids": [web["id"]]}
    assert (await nets.write(path, body, 'W/"999"')).status_code == 412
    answer = await nets.write(path, body, f'W/"{seen["generation"]}"')
    assert answer.status_code == 200 and not answer.json()["applied"]
    await nets.factory.work()
    assert len(node.networks[launched["id"]]["rules"]) == 1


async def test_a_published_port_opens_with_its_nodes_word_and_closes_with_its_sandbox(town):
    nets, node = town
    network = await nets.make("/networks", name="red")
    launched = await nets.launch(network)
    early = await nets.factory.post("/published-ports", {"allocation_id": launched["id"], "port": 8000})
    assert (early.status_code, early.json()["code"]) == (409, "allocation_not_in_a_network")
    await nets.factory.work()
    made = await nets.make("/published-ports", allocation_id=launched["id"], port=8000, name="site")
    assert made["state"] == "opening" and made["address"].endswith(f":{made['host_port']}")
    await nets.factory.work()
    path = f"/published-ports/{made['id']}"
    assert (await nets.factory.get(path)).json()["state"] == "published"
    assert node.networks[launched["id"]]["ports"] == [{"host_port": made["host_port"], "port": 8000}]
    for body, code in (
        ({"port": 8000}, "port_published_already"),
        ({"port": 9, "name": "site"}, "published_port_name_taken"),
    ):
        refused = await nets.factory.post("/published-ports", {"allocation_id": launched["id"], **body})
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    await nets.factory.releases(launched["id"])
    await nets.factory.work()
    assert (await nets.factory.get(path)).json()["state"] == "closed"


async def test_a_closed_port_is_taken_from_the_node(town):
    nets, node = town
    launched = await nets.launch(await nets.make("/networks", name="red"))
    await nets.factory.work()
    made = await nets.make("/published-ports", allocation_id=launched["id"], port=8000)
    await nets.factory.work()
    assert (await nets.factory.delete(f"/published-ports/{made['id']}")).status_code == 204
    await nets.factory.work()
    assert node.networks[launched["id"]]["ports"] == []


async def test_a_node_that_says_no_is_asked_again_until_it_holds_the_rules(town):
    nets, node = town
    node.broken["network.apply"] = "fail"
    launched = await nets.launch(await nets.make("/networks", name="red"))
    await nets.factory.work()
    seen = await nets.attachment(launched)
    said = next(one for one in seen["conditions"] if one["type"] == "Applied")
    assert (seen["applied"], said["status"], said["reason"]) == (False, "False", "broken_on_purpose")
    assert (await nets.factory.allocation(launched["id"]))["state"] == "active"
    node.broken.clear()
    await nets.factory.settle_down(20)
    assert (await nets.attachment(launched))["applied"]


async def test_many_changes_at_once_beside_the_flows_end_with_the_last_of_each(town):
    """Rules, groups, ports and launches change while steps run: nobody waits for ever, nothing is missed."""
    nets, node = town
    network = await nets.make("/networks", name="red")
    web = await nets.make("/security-groups", name="web")
    follows = {"direction": "in", "protocol": "any", "security_group_id": web["id"]}
    db = await nets.make("/security-groups", name="db", rules=[follows])
    first, second = await nets.launch(network, web, db), await nets.launch(network, db)
    await nets.factory.work()

    async def rewrite(number: int) -> None:
        body = {"rules": [RED | {"first_port": number}, follows]}
        answer = await nets.write(f"/security-groups/{db['id']}/rules", body, "*")
        assert answer.status_code == 200, answer.text

    async def publish(number: int) -> None:
        await nets.make("/published-ports", allocation_id=first["id"], port=9_000 + number)

    async def swing(number: int) -> None:
        seen = await nets.attachment(second)
        groups = [db["id"], *([web["id"]] if number % 2 else [])]
        path = f"/network-attachments/{seen['id']}/security-groups"
        answer = await nets.write(path, {"security_group_ids": groups}, "*")
        assert answer.status_code == 200

    changes = [change(number) for number in range(1, 9) for change in (rewrite, publish, swing)]
    await asyncio.gather(*changes, nets.factory.work(), nets.factory.work())
    await nets.factory.settle_down(20)
    for one in (first, second):
        seen = await nets.attachment(one)
        assert seen["applied"], seen
        members = {
            a["address"]
            for a in [await nets.attachment(x) for x in (first, second)]
            if web["id"] in a["security_group_ids"]
        }
        peers = node.networks[one["id"]]["rules"]
        assert {f"{address}/32" for address in members} in [set(rule["peers"]) for rule in peers]
    assert len(node.networks[first["id"]]["ports"]) == 8


async def test_what_is_in_use_is_not_deleted_and_is_once_it_is_free(town):
    nets, _ = town
    network, group = await nets.make("/networks", name="red"), await nets.make("/security-groups", name="web")
    launched = await nets.launch(network, group)
    for path, code in (
        (f"/networks/{network['id']}", "network_in_use"),
        (f"/security-groups/{group['id']}", "security_group_in_use"),
    ):
        refused = await nets.factory.delete(path)
        assert (refused.status_code, refused.json()["code"]) == (409, code)
    await nets.factory.releases(launched["id"])
    await nets.factory.work()
    for path in (f"/networks/{network['id']}", f"/security-groups/{group['id']}"):
        assert (await nets.factory.delete(path)).status_code == 204


async def test_a_refused_launch_leaves_no_address_behind(town):
    nets, _ = town
    network = await nets.make("/networks", name="red")
    for _ in range(3):
        await nets.launch(network)
    await nets.factory.work()
    refused = await nets.launch(network)
    await nets.factory.settle_down(60)
    assert (await nets.factory.allocation(refused["id"]))["state"] == "refused"
    assert await nets.attachment(refused) is None


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"network_id": "net_nowhere"}, 404, "not_found"),
        ({"security_group_ids": ["sg_x"]}, 422, "network_required"),
        ({"network": "red", "security_group_ids": ["sg_nowhere"]}, 422, "unknown_security_group"),
        ({"network": "theirs"}, 404, "not_found"),
    ],
)
async def test_a_launch_names_a_network_and_groups_of_its_own(town, wanted, status, code):
    nets, _ = town
    theirs = await Networks(nets.factory, nets.factory.other).make("/networks", name="theirs")
    ids = {"red": (await nets.make("/networks", name="red"))["id"], "theirs": theirs["id"]}
    named = wanted.pop("network", None)
    body = {"sku": "local.cpu.1", "ssh_public_key": SSH_KEY} | wanted | ({"network_id": ids[named]} if named else {})
    refused = await nets.factory.post("/allocations", body)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await nets.factory.holdings())["allocations"] == 0


async def test_another_tenant_sees_and_changes_nothing(town):
    nets, _ = town
    network, group = await nets.make("/networks", name="red"), await nets.make("/security-groups", name="web")
    launched = await nets.launch(network, group)
    await nets.factory.work()
    seen = await nets.attachment(launched)
    other = Networks(nets.factory, nets.factory.other)
    assert (await nets.factory.get("/network-attachments", other.tenant)).json()["items"] == []
    for path in (f"/network-attachments/{seen['id']}", f"/security-groups/{group['id']}", f"/networks/{network['id']}"):
        assert (await nets.factory.get(path, other.tenant)).status_code == 404
    for path, body in (
        (f"/network-attachments/{seen['id']}/security-groups", {"security_group_ids": []}),
        (f"/security-groups/{group['id']}/rules", {"rules": []}),
    ):
        assert (await other.write(path, body, "*")).status_code == 404
    publish = await nets.factory.post("/published-ports", {"allocation_id": launched["id"], "port": 80}, other.tenant)
    assert publish.status_code == 409
    peer = {"direction": "in", "protocol": "any", "security_group_id": group["id"]}
    refused = await nets.factory.post("/security-groups", {"name": "spy", "rules": [peer]}, other.tenant)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_peer")


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"protocol": "tcp"}, "rules.0"),
        ({"cidr": "10.0.0.0/8", "network_id": "net_x"}, "rules.0"),
        ({"cidr": "10.0.0.0/33"}, "rules.0.cidr"),
        ({"cidr": "fd00::/8"}, "rules.0.cidr"),
        ({"cidr": "everybody"}, "rules.0.cidr"),
        ({"cidr": "0.0.0.0/0", "protocol": "icmp", "first_port": 8}, "rules.0.first_port"),
        ({"cidr": "0.0.0.0/0", "last_port": 8}, "rules.0.first_port"),
        ({"cidr": "0.0.0.0/0", "first_port": 9, "last_port": 8}, "rules.0.last_port"),
        ({"cidr": "0.0.0.0/0", "first_port": 0}, "rules.0.first_port"),
        ({"cidr": "0.0.0.0/0", "direction": "across"}, "rules.0.direction"),
        ({"cidr": "0.0.0.0/0", "protocol": "sctp"}, "rules.0.protocol"),
        ({"network_id": "net_nowhere"}, "rules.0.network_id"),
        ({"security_group_id": "sg_nowhere"}, "rules.0.security_group_id"),
        ({"cidr": "0.0.0.0/0", "colour": "red"}, "rules.0.colour"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused_with_its_field_and_nothing_is_made(town, rule, field):
    nets, _ = town
    whole = {"direction": "in", "protocol": "tcp"} | rule
    answer = await nets.factory.post("/security-groups", {"name": "web", "rules": [whole]})
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert (await nets.factory.get("/security-groups")).json()["items"] == []


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"port": 0}, "port"),
        ({"port": 65_536}, "port"),
        ({"port": "80"}, "port"),
        ({"port": None}, "port"),
        ({"port": 80, "name": "Not-Small"}, "name"),
        ({"port": 80, "name": "x" * 64}, "name"),
        ({"port": 80, "allocation_id": 7}, "allocation_id"),
        ({"port": 80, "allocation_id": "a\x00b"}, "allocation_id"),
        ({"port": 80, "colour": "red"}, "colour"),
    ],
)
async def test_a_port_that_cannot_be_published_is_refused_with_its_field(town, wanted, field):
    nets, node = town
    launched = await nets.launch(await nets.make("/networks", name="red"))
    await nets.factory.work()
    answer = await nets.factory.post("/published-ports", {"allocation_id": launched["id"]} | wanted)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert node.networks[launched["id"]]["ports"] == []


SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAtB4g8F38rRyix1nSubQgvPPhNlHgIXX3ACHW9r4FRu me@here"
