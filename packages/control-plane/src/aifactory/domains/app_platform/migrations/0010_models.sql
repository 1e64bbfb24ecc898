-- The model catalogue: what is sold by the token, and which upstreams serve it.
create table app_platform.upstreams (
    id                     text primary key,
    name                   text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    region_id              text not null,
    url                    text not null check (length(url) between 8 and 500),
    usage_path             text not null default '' check (length(usage_path) <= 200),
    max_requests           integer not null check (max_requests between 1 and 100000),
    connect_seconds        double precision not null check (connect_seconds > 0 and connect_seconds <= 60),
    first_byte_seconds     double precision not null check (first_byte_seconds > 0 and first_byte_seconds <= 3600),
    between_bytes_seconds  double precision not null check (between_bytes_seconds > 0 and between_bytes_seconds <= 3600),
    generation             bigint not null default 1,
    created_at             timestamptz not null default kernel.now(),
    updated_at             timestamptz not null default kernel.now(),
    deleted_at             timestamptz
);
create unique index upstreams_by_name on app_platform.upstreams (name) where deleted_at is null;
create index upstreams_newest_first on app_platform.upstreams (created_at desc, id desc);
select kernel.platform_table(
    'app_platform.upstreams', 'model servers of the platform, which tenants reach through gateways only',
    worker => 'select', operator => 'select,insert,update');

create table app_platform.models (
    id                 text primary key check (id ~ '^[a-z0-9][a-z0-9._-]{0,49}$'),
    region_id          text not null,
    name               text not null check (length(name) between 1 and 120),
    description        text not null default '' check (length(description) <= 1000),
    capabilities       text[] not null check (cardinality(capabilities) between 1 and 8),
    context_tokens     bigint not null check (context_tokens between 1 and 1000000000),
    max_output_tokens  bigint not null check (max_output_tokens between 1 and context_tokens),
    state              text not null default 'offered' check (state in ('offered', 'withdrawn')),
    generation         bigint not null default 1,
    created_at         timestamptz not null default kernel.now(),
    updated_at         timestamptz not null default kernel.now()
);
select kernel.platform_table(
    'app_platform.models', 'the public model catalogue, which visitors read too',
    tenant => 'select', worker => 'select', operator => 'select,insert,update');

create table app_platform.model_routes (
    model_id        text not null references app_platform.models (id),
    upstream_id     text not null references app_platform.upstreams (id),
    upstream_model  text not null check (length(upstream_model) between 1 and 200),
    position        smallint not null,
    primary key (model_id, upstream_id)
);
select kernel.platform_table(
    'app_platform.model_routes', 'which upstream serves which model, under which name',
    worker => 'select', operator => 'select,insert,delete');
