-- A tenant's use of one slot, from the request to the settled bill. Only the flow writes `state`.
create table provisioning.allocations (
    id                   text primary key,
    tenant_id            text not null,
    project_id           text not null,
    region_id            text not null,
    name                 text not null,
    labels               jsonb not null default '{}',
    state                text not null default 'requested' check (state in
                             ('requested', 'placing', 'preparing', 'starting', 'verifying', 'active', 'releasing',
                              'stopping', 'settling', 'released', 'refused', 'failed')),
    desired_state        text not null default 'active' check (desired_state in ('active', 'released')),
    conditions           jsonb not null default '[]',
    generation           bigint not null default 1,
    created_at           timestamptz not null default kernel.now(),
    updated_at           timestamptz not null default kernel.now(),
    deleted_at           timestamptz,
    sku                  text not null,
    mode                 text not null check (mode in ('on-demand', 'spot', 'reserved')),
    image                text not null,
    node_id              text,
    slot_id              text,
    authorized_keys      jsonb not null,                -- pinned at the request: [{id, name, public_key}]
    volumes              jsonb not null default '[]',   -- [{id, name, size_gb, mount_path}]
    reported_access      jsonb,                         -- what the node says; not shown before it is verified
    access               jsonb,                         -- what the tenant may use; gone with the release request
    isolation            jsonb,
    price_amount         numeric(28,9) not null,
    price_currency       text not null,
    quote_id             text,
    activated_at         timestamptz,
    release_requested_at timestamptz,
    release_reason       text not null default '',
    released_at          timestamptz,
    refusal              jsonb,
    failure              jsonb,
    check ((node_id is null) = (slot_id is null)),
    check ((desired_state = 'released') = (release_requested_at is not null)),
    check (state <> 'active' or activated_at is not null)
);
select kernel.protect_tenant_table('provisioning.allocations',
    tenant => 'select,insert,update', worker => 'select,update', operator => 'select');

create index allocations_newest_first on provisioning.allocations (tenant_id, created_at desc, id desc);
create unique index allocations_one_live_per_slot on provisioning.allocations (slot_id)
    where slot_id is not null and state in ('placing', 'preparing', 'starting', 'verifying', 'active', 'releasing', 'stopping');

-- Why a slot was chosen, and from when until when it was held. One open row per slot: it cannot be given out twice.
create table provisioning.placements (
    id            text primary key,
    tenant_id     text not null,
    allocation_id text not null,
    slot_id       text not null,
    node_id       text not null,
    fence         bigint not null,
    why           text not null,
    placed_at     timestamptz not null default kernel.now(),
    ended_at      timestamptz,
    unique (allocation_id)
);
select kernel.protect_tenant_table('provisioning.placements', tenant => 'select', worker => 'select,insert,update', operator => 'select');
create unique index placements_one_open_per_slot on provisioning.placements (slot_id) where ended_at is null;
