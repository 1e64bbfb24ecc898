-- One row for each request that reached an upstream, as its gateway told it. Told again it changes nothing.
create table app_platform.token_usage (
    tenant_id    text not null,
    id           text not null,
    started_at   timestamptz not null,
    ended_at     timestamptz not null,
    gateway_id   text not null,
    key_id       text not null,
    project_id   text not null,
    region_id    text not null,
    model_id     text not null,
    upstream_id  text not null,
    lease_id     text not null,
    tokens_in    bigint not null check (tokens_in >= 0),
    tokens_out   bigint not null check (tokens_out >= 0),
    counted_by   text not null check (counted_by in ('upstream', 'estimate', 'none')),
    outcome      text not null check (outcome in ('ok', 'client_gone', 'upstream_failed', 'interrupted')),
    streamed     boolean not null,
    recorded_at  timestamptz not null default kernel.now(),
    booked_at    timestamptz,
    primary key (tenant_id, started_at, id)
) partition by range (started_at);
create index token_usage_to_book on app_platform.token_usage (tenant_id) where booked_at is null;
select kernel.protect_tenant_table('app_platform.token_usage',
    tenant => 'select', worker => 'select,insert,update', operator => 'select');
select kernel.partition_monthly('app_platform.token_usage');

-- Up to when a tenant's tokens are in the books, and whether more have come since.
create table app_platform.token_clocks (
    tenant_id  text primary key,
    booked_to  timestamptz not null,
    is_due     boolean not null
);
create index token_clocks_due on app_platform.token_clocks (tenant_id) where is_due;
select kernel.platform_table(
    'app_platform.token_clocks', 'the worker looks across tenants for tokens to book, then enters the tenant',
    worker => 'select,insert,update', operator => 'select');
