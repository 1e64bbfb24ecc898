-- Regions are rows: where a factory stands, in which currency it sells, and whether it is only simulated.
create table platform_control.regions (
    id          text primary key check (id ~ '^[a-z][a-z0-9-]{0,30}$'),
    name        text not null,
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    country     text not null check (country ~ '^[A-Z]{2}$'),
    simulated   boolean not null default false,
    labels      jsonb not null default '{}',
    state       text not null default 'active' check (state in ('active', 'closed')),
    generation  bigint not null default 1,
    created_at  timestamptz not null default kernel.now(),
    updated_at  timestamptz not null default kernel.now(),
    deleted_at  timestamptz
);
select kernel.platform_table(
    'platform_control.regions', 'the places the platform sells, the same for every tenant and for visitors',
    tenant => 'select', worker => 'select', operator => 'select,insert,update');

-- Every certificate ever signed for an agent. Rows stay: a serial that is not here was never ours.
create table platform_control.agent_certificates (
    id                  text primary key,
    serial              text not null unique check (serial ~ '^[0-9a-f]{16,40}$'),
    node_id             text not null,
    fingerprint_sha256  text not null check (fingerprint_sha256 ~ '^[0-9a-f]{64}$'),
    certificate_pem     text not null check (length(certificate_pem) < 8192),
    not_before          timestamptz not null,
    not_after           timestamptz not null check (not_after > not_before),
    created_at          timestamptz not null default kernel.now(),
    revoked_at          timestamptz,
    revoked_by          text,
    revocation_reason   text,
    check ((revoked_at is null) = (revocation_reason is null))
);
create index agent_certificates_by_node on platform_control.agent_certificates (node_id, not_after desc);
create index agent_certificates_by_age on platform_control.agent_certificates (created_at desc, id desc);
select kernel.platform_table(
    'platform_control.agent_certificates', 'the identity of physical nodes, which belong to no tenant',
    worker => 'select,insert,update', operator => 'select,update');
