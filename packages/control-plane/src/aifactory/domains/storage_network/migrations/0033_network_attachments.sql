-- A sandbox in a network: made with its launch, gone with its end. `generation` counts what is wanted (rules, published
-- ports), `applied_generation` what its node said that it holds.
create table storage_network.network_attachments (
    id                  text primary key,
    tenant_id           text not null,
    project_id          text not null,
    region_id           text not null,
    network_id          text not null references storage_network.networks (id),
    allocation_id       text not null,
    security_group_ids  text[] not null default '{}',
    address             text not null,
    state               text not null default 'waiting' check (state in ('waiting', 'applying', 'applied', 'detaching', 'detached')),
    conditions          jsonb not null default '[]',
    generation          bigint not null default 1,
    applied_generation  bigint not null default 0,
    refused_generation  bigint not null default 0,   -- the node answered, and not with yes
    rules               jsonb not null default '[]', -- as the node's kernel listed them
    node_id             text,
    host                text not null default '',    -- where its published ports are
    created_at          timestamptz not null default kernel.now(),
    updated_at          timestamptz not null default kernel.now(),
    deleted_at          timestamptz,
    check ((state = 'detached') = (deleted_at is not null))
);
select kernel.protect_tenant_table('storage_network.network_attachments',
    tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');

create unique index network_attachments_one_address_each
    on storage_network.network_attachments (network_id, address) where deleted_at is null;
create unique index network_attachments_one_per_allocation
    on storage_network.network_attachments (allocation_id) where deleted_at is null;
create index network_attachments_newest_first
    on storage_network.network_attachments (tenant_id, created_at desc, id desc);
create index network_attachments_of_groups
    on storage_network.network_attachments using gin (security_group_ids) where deleted_at is null;
