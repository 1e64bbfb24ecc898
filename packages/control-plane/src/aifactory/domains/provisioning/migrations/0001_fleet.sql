-- What a SKU is made of, as hardware. Its name and price are billing's.
create table provisioning.hardware_profiles (
    sku        text primary key check (sku ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    vendor     text not null,
    model      text not null,
    kind       text not null check (kind in ('cpu', 'gpu', 'accelerator')),
    vcpus      numeric(8,3) not null check (vcpus > 0),
    memory_gb  numeric(10,3) not null check (memory_gb > 0),
    gpus       integer not null default 0 check (gpus >= 0),
    created_at timestamptz not null default kernel.now()
);
select kernel.platform_table('provisioning.hardware_profiles', 'the public catalogue, which visitors read too',
    tenant => 'select', worker => 'select', operator => 'select,insert,update');

insert into provisioning.hardware_profiles (sku, vendor, model, kind, vcpus, memory_gb)
values ('local.cpu.1', 'generic', 'CPU of this machine', 'cpu', 1, 1);

-- A machine whose agent speaks to us. What it says about itself stands in `inventory`: claims, not proofs.
create table provisioning.nodes (
    id                       text primary key,
    region_id                text not null,
    name                     text not null,
    labels                   jsonb not null default '{}',
    state                    text not null default 'ready' check (state in ('ready', 'unreachable', 'retired')),
    conditions               jsonb not null default '[]',
    generation               bigint not null default 1,
    created_at               timestamptz not null default kernel.now(),
    updated_at               timestamptz not null default kernel.now(),
    deleted_at               timestamptz,
    inventory                jsonb not null,
    ssh_host                 text not null,
    agent_version            text not null default '',
    boot_id                  text not null default '',
    certificate_pem          text not null default '',   -- its key verifies the node's results
    previous_certificate_pem text not null default '',   -- results signed just before a renewal are still believed
    state_since              timestamptz not null default kernel.now(),
    last_seen_at             timestamptz not null default kernel.now()
);
create unique index nodes_one_name_per_region on provisioning.nodes (region_id, name) where deleted_at is null;
create index nodes_newest_first on provisioning.nodes (created_at desc, id desc);
create index nodes_silent on provisioning.nodes (last_seen_at) where state = 'ready';
select kernel.platform_table('provisioning.nodes', 'physical inventory, which belongs to no tenant',
    worker => 'select,insert,update', operator => 'select,update');

-- A sellable share of a node. `clean` is a fact made by evidence; a claim ends it, only sanitising brings it back.
create table provisioning.slots (
    id                 text primary key,
    node_id            text not null references provisioning.nodes (id),
    region_id          text not null,
    index              integer not null check (index >= 0),
    sku                text not null,
    vcpus_millis       integer not null check (vcpus_millis > 0),
    memory_bytes       bigint not null check (memory_bytes > 0),
    pids               integer not null check (pids > 0),
    state              text not null default 'dirty' check (state in ('dirty', 'sanitizing', 'available', 'quarantined')),
    clean              boolean not null default false,
    withdrawn          boolean not null default false,   -- no longer in the node's inventory
    allocation_id      text,                             -- who holds it now
    last_allocation_id text,                             -- whose traces are to be removed
    conditions         jsonb not null default '[]',
    generation         bigint not null default 1,
    created_at         timestamptz not null default kernel.now(),
    updated_at         timestamptz not null default kernel.now(),
    unique (node_id, index),
    check (not (clean and allocation_id is not null)),
    check (not clean or state = 'available')
);
create index slots_on_offer on provisioning.slots (region_id, sku) where clean and not withdrawn;
create unique index slots_one_per_allocation on provisioning.slots (allocation_id) where allocation_id is not null;
create index slots_by_last_allocation on provisioning.slots (last_allocation_id);
create index slots_newest_first on provisioning.slots (created_at desc, id desc);
select kernel.platform_table('provisioning.slots', 'physical inventory; tenants see only the counts of the view',
    worker => 'select,insert,update', operator => 'select,update');

-- Counts by region and SKU: all that tenants and visitors may know of slots.
create view provisioning.capacity as
select s.region_id, s.sku,
       count(*) filter (where n.state <> 'retired')::int as capacity,
       count(*) filter (where s.clean and n.state = 'ready')::int as available,
       count(*) filter (where s.allocation_id is null and not s.clean and s.state <> 'quarantined'
                          and n.state = 'ready')::int as being_cleaned,
       min(s.vcpus_millis) as vcpus_millis,
       min(s.memory_bytes) as memory_bytes,
       (array_agg(n.inventory -> 'isolation' order by n.created_at))[1] as isolation
from provisioning.slots s join provisioning.nodes n on n.id = s.node_id
where not s.withdrawn and n.deleted_at is null
group by s.region_id, s.sku;
grant select on provisioning.capacity to aif_tenant, aif_worker, aif_operator;

-- Single use, short-lived, bound to one node name. The token itself is shown once and kept nowhere.
create table provisioning.bootstrap_tokens (
    id              text primary key,
    token_hash      text not null unique check (token_hash ~ '^[0-9a-f]{64}$'),
    node_name       text not null,
    region_id       text not null,
    expires_at      timestamptz not null,
    used_at         timestamptz,
    used_by_node_id text,
    created_by      text not null,
    created_at      timestamptz not null default kernel.now(),
    check ((used_at is null) = (used_by_node_id is null))
);
create index bootstrap_tokens_newest_first on provisioning.bootstrap_tokens (created_at desc, id desc);
select kernel.platform_table('provisioning.bootstrap_tokens', 'enrolment of physical machines, before any tenant',
    worker => 'select,update', operator => 'select,insert');
