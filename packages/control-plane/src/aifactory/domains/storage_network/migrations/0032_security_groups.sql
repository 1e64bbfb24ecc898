-- A list of rules that sandboxes in networks share: what may begin a connection to them, and from them. No rule, no packet.
create table storage_network.security_groups (
    id          text primary key,
    tenant_id   text not null,
    project_id  text not null,
    name        text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    labels      jsonb not null default '{}',
    state       text not null default 'active' check (state in ('active', 'deleted')),
    conditions  jsonb not null default '[]',
    generation  bigint not null default 1,
    rules       jsonb not null default '[]',
    created_at  timestamptz not null default kernel.now(),
    updated_at  timestamptz not null default kernel.now(),
    deleted_at  timestamptz,
    check ((state = 'deleted') = (deleted_at is not null))
);
select kernel.protect_tenant_table('storage_network.security_groups',
    tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');

create unique index security_groups_one_name_per_project
    on storage_network.security_groups (tenant_id, project_id, name) where deleted_at is null;
create index security_groups_newest_first on storage_network.security_groups (tenant_id, created_at desc, id desc);
