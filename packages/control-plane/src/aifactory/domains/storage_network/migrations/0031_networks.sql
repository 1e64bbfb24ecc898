-- A private network of a project: sandboxes in it have addresses of its range. Deleting leaves a tombstone.
create table storage_network.networks (
    id          text primary key,
    tenant_id   text not null,
    project_id  text not null,
    region_id   text not null,
    name        text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    labels      jsonb not null default '{}',
    state       text not null default 'active' check (state in ('active', 'deleted')),
    conditions  jsonb not null default '[]',
    generation  bigint not null default 1,
    number      int not null check (number between 0 and 16383),  -- of the /24s of 10.128.0.0/10
    last_host   int not null default 3 check (last_host between 3 and 254),  -- addresses are given out in a circle
    created_at  timestamptz not null default kernel.now(),
    updated_at  timestamptz not null default kernel.now(),
    deleted_at  timestamptz,
    check ((state = 'deleted') = (deleted_at is not null))
);
select kernel.protect_tenant_table('storage_network.networks',
    tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');

create unique index networks_one_name_per_project
    on storage_network.networks (tenant_id, project_id, name) where deleted_at is null;
create unique index networks_one_range_each on storage_network.networks (number) where deleted_at is null;
create index networks_newest_first on storage_network.networks (tenant_id, created_at desc, id desc);

-- Ranges are given out in a circle too, so that one is not somebody else's a moment after it was deleted.
create sequence storage_network.network_numbers minvalue 0 maxvalue 16383 start 0 cycle;
grant usage on sequence storage_network.network_numbers to aif_tenant, aif_worker;
