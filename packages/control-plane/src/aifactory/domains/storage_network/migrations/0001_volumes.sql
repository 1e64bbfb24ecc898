-- A volume keeps a tenant's data across allocations. Once its space is taken on a node it is bound to that node.
create table storage_network.volumes (
    id           text primary key,
    tenant_id    text not null,
    project_id   text not null,
    region_id    text not null,
    name         text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    labels       jsonb not null default '{}',
    state        text not null check (state in
                     ('intended', 'creating', 'available', 'attached', 'deleting', 'deleted', 'failed')),
    conditions   jsonb not null default '[]',
    generation   bigint not null default 1,
    size_gb      integer not null check (size_gb between 1 and 16384),
    driver       text not null,
    node_id      text,          -- null until the first attach takes the space
    attached_to  text,          -- the allocation that holds it, from the request until the node has let go
    created_for  text,          -- the launch that brought it into being; null once that launch was active
    answered     bigint not null default 0,  -- the generation of the last order that the node answered
    erased_at    timestamptz,   -- when the node said that the data is gone
    created_at   timestamptz not null default kernel.now(),
    updated_at   timestamptz not null default kernel.now(),
    deleted_at   timestamptz,
    check ((state = 'deleted') = (deleted_at is not null)),
    check (state <> 'attached' or (attached_to is not null and node_id is not null))
);
select kernel.protect_tenant_table('storage_network.volumes',
    tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');

create unique index volumes_one_name_per_project
    on storage_network.volumes (tenant_id, project_id, name) where deleted_at is null;
create index volumes_newest_first on storage_network.volumes (tenant_id, created_at desc, id desc);
create index volumes_of_an_allocation on storage_network.volumes (attached_to) where attached_to is not null;
