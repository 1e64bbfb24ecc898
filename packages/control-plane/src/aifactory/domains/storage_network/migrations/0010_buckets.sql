-- Object storage. What the worker last saw of a region's object store; visitors of the API are answered from here.
create table storage_network.object_stores (
    region_id   text primary key,
    driver      text not null,
    endpoint    text not null,
    reachable   boolean not null,
    reason      text not null default '',
    seen_at     timestamptz not null,
    changed_at  timestamptz not null
);
select kernel.platform_table(
    'storage_network.object_stores', 'whether a region''s object store answers, the same for everybody',
    tenant => 'select', worker => 'select,insert,update', operator => 'select');

create table storage_network.buckets (
    id             text primary key,
    tenant_id      text not null,
    project_id     text not null,
    region_id      text not null,
    name           text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,49}[a-z0-9])?$'),
    labels         jsonb not null default '{}',
    state          text not null check (state in ('creating', 'available', 'deleting', 'deleted')),
    conditions     jsonb not null default '[]',
    generation     bigint not null default 1,
    driver         text not null,
    bucket         text not null unique,  -- its name on the store: never reused, so that nothing of an earlier one is found
    quota_bytes    bigint not null check (quota_bytes between 1000000 and 1000000000000000),
    versioning     boolean not null default false,
    deleting       text not null default '' check (deleting in ('', 'if_empty', 'with_contents')),
    over_quota     boolean not null default false,
    uncovered      boolean not null default false,  -- the tenant's credit does not reach any further
    access         text not null default 'full' check (access in ('full', 'no_writes', 'none')),  -- as set on the store
    bytes_stored   bigint not null default 0,
    received_bytes bigint not null default 0,       -- since its beginning, across restarts of the store
    sent_bytes     bigint not null default 0,
    sampled_at     timestamptz,
    created_at     timestamptz not null default kernel.now(),
    updated_at     timestamptz not null default kernel.now(),
    deleted_at     timestamptz,
    check ((state = 'deleted') = (deleted_at is not null))
);
select kernel.protect_tenant_table('storage_network.buckets',
    tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');
create unique index buckets_one_name_per_project
    on storage_network.buckets (tenant_id, project_id, name) where deleted_at is null;
create index buckets_newest_first on storage_network.buckets (tenant_id, created_at desc, id desc);

-- Whose a bucket of the store is. No tenant can see it; the sampler finds from it the tenant to enter.
create table storage_network.bucket_owners (
    bucket     text primary key,
    bucket_id  text not null unique,
    tenant_id  text not null,
    region_id  text not null,
    gone       boolean not null default false
);
select kernel.platform_table(
    'storage_network.bucket_owners', 'the worker measures all buckets of a store at once, then enters each tenant',
    tenant => 'insert', worker => 'select,insert,update', operator => 'select');

-- Keys to a bucket. The secret is sealed for the worker alone: the store has to be given it again when it forgot it.
create table storage_network.bucket_keys (
    id             text primary key,
    tenant_id      text not null,
    project_id     text not null,
    region_id      text not null,
    bucket_id      text not null references storage_network.buckets (id),
    name           text not null check (length(name) between 1 and 63),
    labels         jsonb not null default '{}',
    state          text not null check (state in ('granting', 'active', 'revoking', 'revoked')),
    conditions     jsonb not null default '[]',
    generation     bigint not null default 1,
    mode           text not null check (mode in ('read_write', 'read_only')),
    access_key_id  text not null unique,
    sealed_secret  bytea,
    created_at     timestamptz not null default kernel.now(),
    updated_at     timestamptz not null default kernel.now(),
    deleted_at     timestamptz,
    check ((state = 'revoked') = (deleted_at is not null)),
    check (state <> 'revoked' or sealed_secret is null)
);
select kernel.protect_tenant_table('storage_network.bucket_keys',
    tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');
create index bucket_keys_of_a_bucket on storage_network.bucket_keys (tenant_id, bucket_id, created_at desc, id desc);

-- Where the measuring of a bucket stands: what is not yet handed to billing, and how far each of the store's counters
-- was read. A counter begins anew (another `begun`) when the store restarts or forgets an idle bucket.
create table storage_network.bucket_meters (
    bucket_id       text primary key references storage_network.buckets (id),
    tenant_id       text not null,
    from_at         timestamptz not null,  -- begin of the open interval
    until_at        timestamptz not null,  -- last sample in it
    byte_seconds    numeric(38,0) not null default 0,
    received_bytes  bigint not null default 0,
    sent_bytes      bigint not null default 0,
    received_begun  text not null default '',
    received_count  bigint not null default 0,
    sent_begun      text not null default '',
    sent_count      bigint not null default 0
);
select kernel.protect_tenant_table('storage_network.bucket_meters',
    tenant => 'select', worker => 'select,insert,update', operator => 'select');
