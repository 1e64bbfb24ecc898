-- A TCP port of a sandbox in a network, reached by anybody through a port of its node. It ends with its allocation.
create table storage_network.published_ports (
    id          text primary key,
    tenant_id   text not null,
    project_id  text not null,
    name        text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    labels      jsonb not null default '{}',
    state       text not null default 'active' check (state in ('active', 'deleted')),
    conditions  jsonb not null default '[]',
    generation  bigint not null default 1,
    allocation_id  text not null,
    attachment_id  text not null references storage_network.network_attachments (id),
    node_id        text not null,
    port           int not null check (port between 1 and 65535),
    host_port      int not null check (host_port between 1 and 65535),
    wanted_at_generation bigint not null,  -- of the attachment: open once the node has applied it
    created_at  timestamptz not null default kernel.now(),
    updated_at  timestamptz not null default kernel.now(),
    deleted_at  timestamptz,
    check ((state = 'deleted') = (deleted_at is not null))
);
select kernel.protect_tenant_table('storage_network.published_ports',
    tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');

create unique index published_ports_one_name_per_project
    on storage_network.published_ports (tenant_id, project_id, name) where deleted_at is null;
create index published_ports_newest_first on storage_network.published_ports (tenant_id, created_at desc, id desc);
create unique index published_ports_one_host_port_each
    on storage_network.published_ports (node_id, host_port) where deleted_at is null;
create unique index published_ports_once_per_allocation
    on storage_network.published_ports (allocation_id, port) where deleted_at is null;

create sequence storage_network.host_ports minvalue 31000 maxvalue 31999 start 31000 cycle;
grant usage on sequence storage_network.host_ports to aif_tenant, aif_worker;
