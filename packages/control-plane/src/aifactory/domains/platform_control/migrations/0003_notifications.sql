-- Webhooks and mail: who wants to be told, what is to be told, and how each try went.
create table platform_control.webhooks (
    id             text primary key,
    tenant_id      text not null,
    name           text not null check (length(name) between 1 and 63),
    url            text not null check (length(url) <= 2000),
    event_types    text[] not null,
    sealed_secret  bytea not null,
    labels         jsonb not null default '{}',
    state          text not null default 'active' check (state in ('active', 'deleted')),
    failing_since  timestamptz,
    last_error     text not null default '',
    last_tried_at  timestamptz,
    created_by     text not null,
    generation     bigint not null default 1,
    created_at     timestamptz not null default kernel.now(),
    updated_at     timestamptz not null default kernel.now(),
    deleted_at     timestamptz
);
create unique index webhooks_by_name on platform_control.webhooks (tenant_id, name) where deleted_at is null;
create index webhooks_by_age on platform_control.webhooks (tenant_id, created_at desc, id desc);
select kernel.protect_tenant_table('platform_control.webhooks',
    tenant => 'select,insert,update', worker => 'select,update', operator => 'select');

create table platform_control.notification_preferences (
    tenant_id   text not null,
    kind        text not null,
    recipients  text[] not null,
    updated_by  text not null,
    updated_at  timestamptz not null default kernel.now(),
    primary key (tenant_id, kind)
);
select kernel.protect_tenant_table('platform_control.notification_preferences',
    tenant => 'select,insert,update', worker => 'select', operator => 'select');

-- One message to one receiver. (channel, target_id, event_id) is the inbox: whatever is told twice is delivered once.
create table platform_control.deliveries (
    id             text primary key,
    tenant_id      text not null,
    channel        text not null check (channel in ('webhook', 'email')),
    target_id      text not null,
    event_id       text not null,
    event_type     text not null,
    body           text not null check (length(body) <= 300000),
    state          text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead', 'off')),
    attempts       int not null default 0,
    response_code  int,
    latency_ms     int,
    error          text not null default '',
    created_at     timestamptz not null default kernel.now(),
    delivered_at   timestamptz,
    unique (channel, target_id, event_id)
);
create index deliveries_by_target on platform_control.deliveries (target_id, created_at desc, id desc);
create index deliveries_waiting on platform_control.deliveries (target_id) where state = 'waiting';
create index deliveries_by_age on platform_control.deliveries (tenant_id, created_at);
select kernel.protect_tenant_table('platform_control.deliveries',
    tenant => 'select,insert,update', worker => 'select,insert,update,delete', operator => 'select');

create table platform_control.delivery_attempts (
    delivery_id    text not null,
    attempt        int not null,
    tenant_id      text not null,
    at             timestamptz not null default kernel.now(),
    response_code  int,
    latency_ms     int not null,
    error          text not null default '',
    primary key (delivery_id, attempt)
);
select kernel.protect_tenant_table('platform_control.delivery_attempts',
    tenant => 'select', worker => 'select,insert,delete', operator => 'select');

-- What has to be sent and when: the worker looks here across tenants, then enters the tenant. A claim is a fence.
create table platform_control.deliveries_due (
    delivery_id  text primary key,
    tenant_id    text not null,
    target_id    text not null,
    next_at      timestamptz not null,
    claim        bigint not null default 0
);
create index deliveries_due_by_time on platform_control.deliveries_due (next_at);
create index deliveries_due_by_target on platform_control.deliveries_due (target_id);
select kernel.platform_table('platform_control.deliveries_due',
    'the worker looks across tenants for messages that are due, then enters the tenant',
    tenant => 'insert', worker => 'select,insert,update,delete', operator => 'select');

-- Which tenants have history to forget: a worker sees one tenant at a time, and this tells it which to enter.
create function platform_control.tenants_with_old_deliveries(days int) returns table (id text)
language sql stable security definer set search_path = '' as $$
    select distinct d.tenant_id from platform_control.deliveries d
    where d.state <> 'waiting' and d.created_at < kernel.now() - make_interval(days => days)
$$;
revoke all on function platform_control.tenants_with_old_deliveries from public;
grant execute on function platform_control.tenants_with_old_deliveries to aif_worker;
create policy owner_looks_for_old on platform_control.deliveries for select to current_user using (true);
create index deliveries_by_created on platform_control.deliveries (created_at);
