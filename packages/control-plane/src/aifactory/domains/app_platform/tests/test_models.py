"""The model catalogue: what visitors read, what operators offer, and which addresses an upstream may have."""

import pytest

from aifactory.domains.app_platform.inference.upstreams import check_url
from aifactory.domains.app_platform.tests.inference_stories import A_MODEL
from aifactory.kernel.errors import Problem


async def test_an_offered_model_is_in_the_catalogue_with_its_prices(tokens):
    await tokens.a_model()
    for path in ("/models", "/models/small-1b"):
        answer = await tokens.factory.http.get(f"/api/v3{path}")  # a visitor
        assert answer.status_code == 200
        [model] = answer.json().get("items", [answer.json()])
        assert model["prices"] == {
            "input": {"amount": "3.00", "currency": "EUR"},
            "output": {"amount": "7.000000001", "currency": "EUR"},
        }
        assert (model["id"], model["input_sku"], model["output_sku"]) == (
            "small-1b",
            "small-1b.input",
            "small-1b.output",
        )
        assert "routes" not in model and "state" not in model


async def test_a_model_is_shown_once_its_prices_count(tokens):
    upstream = await tokens.an_upstream()
    body = A_MODEL | {"routes": [{"upstream_id": upstream, "upstream_model": "x"}]}
    made = await tokens.factory.post("/admin/models", body, "operator")
    assert made.json()["prices"] is None
    assert (await tokens.factory.http.get("/api/v3/models")).json()["items"] == []
    assert (await tokens.factory.http.get("/api/v3/models/small-1b")).status_code == 404


async def edit(tokens, generation, **wanted):
    facts = {key: A_MODEL[key] for key in ("name", "capabilities", "context_tokens", "max_output_tokens")}
    headers = tokens.factory.headers("operator") | {"If-Match": f'W/"{generation}"'}
    body = facts | {"routes": [], "state": "offered"} | wanted
    return await tokens.factory.http.put("/api/v3/admin/models/small-1b", json=body, headers=headers)


async def test_a_withdrawn_model_leaves_the_catalogue_and_can_come_back(tokens):
    await tokens.a_model()
    answer = await edit(tokens, 1, state="withdrawn")
    assert (answer.status_code, answer.json()["state"], answer.headers["ETag"]) == (200, "withdrawn", 'W/"2"')
    assert (await tokens.factory.http.get("/api/v3/models")).json()["items"] == []
    assert (await edit(tokens, 1)).status_code == 412
    assert (await edit(tokens, 2, name="Back")).json()["state"] == "offered"
    assert [m["name"] for m in (await tokens.factory.http.get("/api/v3/models")).json()["items"]] == ["Back"]


@pytest.mark.parametrize(
    ("wrong", "status", "code", "field"),
    [
        ({"id": "Upper"}, 422, None, "id"),
        ({"id": "x" * 51}, 422, None, "id"),
        ({"context_tokens": 0}, 422, None, "context_tokens"),
        ({"max_output_tokens": 5000}, 422, "invalid_field", "max_output_tokens"),
        ({"capabilities": []}, 422, None, "capabilities"),
        ({"capabilities": ["chat", "chat"]}, 422, "invalid_field", "capabilities"),
        ({"capabilities": ["telepathy"]}, 422, None, "capabilities.0"),
        ({"routes": [{"upstream_id": "ups_1", "upstream_model": "x"}]}, 422, "invalid_field", "routes.0.upstream_id"),
        ({"routes": [{"upstream_id": "ups_1", "upstream_model": "a b"}]}, 422, None, "routes.0.upstream_model"),
        ({"region_id": "nowhere"}, 404, "not_found", None),
        ({"currency": "USD"}, 422, "invalid_field", "currency"),
        ({"input_price": "-1"}, 422, "invalid_field", "amount"),
        ({"input_price": "many"}, 422, None, "input_price"),
        ({"surprise": 1}, 422, None, "surprise"),
    ],
)
async def test_what_cannot_be_offered_is_refused_and_leaves_nothing(tokens, wrong, status, code, field):
    answer = await tokens.factory.post("/admin/models", A_MODEL | {"routes": []} | wrong, "operator")
    assert answer.status_code == status, answer.text
    if code:
        assert answer.json()["code"] == code
    if field:
        assert answer.json()["field"] == field
    assert (await tokens.factory.get("/admin/models", "operator")).json()["items"] == []
    assert (await tokens.factory.http.get("/api/v3/models")).json()["items"] == []


async def test_an_id_is_given_once(tokens):
    await tokens.a_model()
    again = await tokens.factory.post("/admin/models", A_MODEL | {"routes": []}, "operator")
    assert (again.status_code, again.json()["code"]) == (409, "model_exists")


async def test_upstreams_are_named_once_and_kept_while_a_model_needs_them(tokens):
    upstream = await tokens.an_upstream()
    again = await tokens.factory.post("/admin/upstreams", {"name": "box", "url": "http://10.0.0.8/v1"}, "operator")
    assert (again.status_code, again.json()["code"]) == (409, "upstream_name_taken")
    await tokens.a_model(upstream)
    path = f"/admin/upstreams/{upstream}"
    assert (await tokens.factory.get(path, "operator")).json()["models"] == ["small-1b"]
    kept = await tokens.factory.delete(path, "operator")
    assert (kept.status_code, kept.json()["code"]) == (409, "upstream_in_use")
    await edit(tokens, 1, state="withdrawn")
    assert (await tokens.factory.delete(path, "operator")).status_code == 204
    assert (await tokens.factory.get(path, "operator")).status_code == 404
    assert (await tokens.factory.get("/admin/upstreams", "operator")).json()["items"] == []


GOOD = ["http://10.0.0.7:8000/v1", "https://models.example.com/v1", "http://127.0.0.1:8043", "http://[fd00::7]:8000/v1"]
BAD = [
    "", "models.example.com", "//models.example.com", "ftp://models.example.com", "file:///etc/passwd", "gopher://10.0.0.1:70/",
    "unix:///run/x.sock", "javascript:alert(1)", "data:text/plain,x", "http://", "http:///v1", "https://:443/v1",
    "http://169.254.169.254/latest/meta-data", "http://169.254.170.2/v2", "http://[fe80::1]/v1", "http://[fe80::1%25eth0]/v1",
    "http://[::ffff:169.254.169.254]/", "http://[::ffff:a9fe:a9fe]/", "http://0.0.0.0/v1", "http://0/v1", "http://[::]/v1",
    "http://224.0.0.1/v1", "http://[ff02::1]/v1", "http://255.255.255.255/v1", "http://240.0.0.1/v1",
    "http://2852039166/", "http://0xa9fea9fe/", "http://0xa9.0xfe.0xa9.0xfe/", "http://0251.0376.0251.0376/",
    "http://169.254.43518/", "http://127.1/", "http://127.0.1/", "http://017700000001/", "http://1/", "http://10.0.0.0x7/",
    "http://user@10.0.0.7/v1", "http://user:secret@10.0.0.7/v1", "http://@10.0.0.7/v1", "http://10.0.0.7@evil.example/v1",
    "http://10.0.0.7/v1?x=1", "http://10.0.0.7/v1#part", "http://10.0.0.7/v1#", "http://10.0.0.7:0/v1", "http://10.0.0.7:99999/v1",
    "http://10.0.0.7:port/v1", "http://10.0.0.7:-1/v1", "http://10.0.0.7 /v1", "http://10.0.0.7\t/v1", "http://10.0.0.7\r\nHost: x/v1",
    "http://10.0.0.7\\@evil.example/v1", "\\\\10.0.0.7\\v1", "http://models..example.com/", "http://-models.example.com/",
    "http://models_x.example.com/", "http://models.example.com./", "http://%31%30.0.0.7/v1", "http://①⓪.0.0.7/v1",
    "http://exämple.com/v1", "http://[10.0.0.7]/v1", "http://[::1/v1", "http://::1/v1", "http://10.0.0.7:8000:9000/v1",
    " http://10.0.0.7/v1", "http://10.0.0.7/" + "x" * 500,
]  # fmt: skip


@pytest.mark.parametrize("url", GOOD)
def test_servers_have_addresses_like_these(url):
    check_url(url)


def test_sixty_shapes_of_what_is_no_servers_address_are_refused():
    assert len(BAD) >= 60
    taken = []
    for url in BAD:
        try:
            check_url(url)
        except Problem as problem:
            assert (problem.status, problem.code, problem.field) == (422, "address_not_allowed", "url")
            continue
        taken.append(url)
    assert taken == []


@pytest.mark.parametrize(
    "path", ["usage/{request_id}", "/usage", "/usage/{request_id}/{request_id}", "/u\n{request_id}"]
)
async def test_a_usage_path_says_where_the_request_stands_in_it(tokens, path):
    body = {"name": "box", "url": "http://10.0.0.7/v1", "usage_path": path}
    answer = await tokens.factory.post("/admin/upstreams", body, "operator")
    assert (answer.status_code, answer.json()["field"]) == (422, "usage_path")
