-- Token gateways: processes outside the database that carry tenants' requests to upstreams.
create table app_platform.gateways (
    id            text primary key,
    name          text not null check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$'),
    region_id     text not null,
    state         text not null default 'enrolled' check (state in ('enrolled', 'retired')),
    known_version bigint not null default 0,   -- the snapshot that it last said it has
    seen_at       timestamptz,
    created_at    timestamptz not null default kernel.now(),
    updated_at    timestamptz not null default kernel.now(),
    unique (region_id, name)
);
create index gateways_newest_first on app_platform.gateways (created_at desc, id desc);
select kernel.platform_table(
    'app_platform.gateways', 'processes of the platform, which belong to no tenant',
    worker => 'select,insert,update', operator => 'select,update');

-- Single use, short-lived, bound to one gateway's name. The token itself is shown once and kept nowhere.
create table app_platform.gateway_tokens (
    id            text primary key,
    token_hash    text not null unique check (token_hash ~ '^[0-9a-f]{64}$'),
    gateway_name  text not null,
    region_id     text not null,
    expires_at    timestamptz not null,
    used_at       timestamptz,
    used_by       text,
    created_by    text not null,
    created_at    timestamptz not null default kernel.now(),
    check ((used_at is null) = (used_by is null))
);
select kernel.platform_table(
    'app_platform.gateway_tokens', 'enrolment of gateways, before any tenant',
    worker => 'select,update', operator => 'select,insert');

-- What gateways must know has a version: one row, counted up whenever its digest changes.
create table app_platform.gateway_snapshots (
    region_id   text primary key,
    version     bigint not null,
    digest      bytea not null,
    changed_at  timestamptz not null default kernel.now()
);
select kernel.platform_table(
    'app_platform.gateway_snapshots', 'a number for what all gateways of a region must know',
    worker => 'select,insert,update', operator => 'select');
