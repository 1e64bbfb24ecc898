-- An instance is one run of an app inside an allocation. Only its flow writes its state.
create table app_platform.instances (
    id                 text primary key,
    tenant_id          text not null,
    project_id         text not null,
    region_id          text not null,
    name               text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    labels             jsonb not null default '{}',
    state              text not null check (state in ('starting', 'verifying', 'running', 'stopping', 'exited', 'stopped', 'failed')),
    conditions         jsonb not null default '[]',
    generation         bigint not null default 1,
    allocation_id      text not null,
    app                text not null,
    app_version        text not null,
    kind               text not null check (kind in ('web', 'batch')),
    parameters         jsonb not null default '{}',
    autostop_minutes   integer check (autostop_minutes between 1 and 10080),
    stop_requested_at  timestamptz,
    stop_reason        text not null default '',
    started_at         timestamptz,
    last_active_at     timestamptz,   -- traffic or computing, as last seen from the control plane
    cpu_milliseconds   bigint not null default 0,
    ended_at           timestamptz,
    exit_code          integer,
    failure            jsonb,
    created_at         timestamptz not null default kernel.now(),
    updated_at         timestamptz not null default kernel.now(),
    deleted_at         timestamptz,
    check ((ended_at is not null) = (state in ('exited', 'stopped', 'failed')))
);
select kernel.protect_tenant_table('app_platform.instances',
    tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');
create index instances_newest_first on app_platform.instances (tenant_id, created_at desc, id desc);
create index instances_of_an_allocation on app_platform.instances (allocation_id) where ended_at is null;

-- What an instance printed: at most its last MiB, replaced as a whole.
create table app_platform.instance_logs (
    instance_id   text primary key,
    tenant_id     text not null,
    output        bytea not null check (octet_length(output) <= 1048576),
    start_offset  bigint not null,   -- of the first byte kept, counted from the first byte ever printed
    end_offset    bigint not null check (end_offset = start_offset + octet_length(output)),
    updated_at    timestamptz not null default kernel.now()
);
select kernel.protect_tenant_table('app_platform.instance_logs',
    tenant => 'select', worker => 'select,insert,update,delete', operator => '');
