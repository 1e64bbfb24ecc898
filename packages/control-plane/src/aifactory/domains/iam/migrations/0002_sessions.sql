-- What happens between a browser or command line and us: sign-in attempts, sessions, device grants.
-- Secrets are never stored: token columns hold hmac-sha256(pepper, token).

create table iam.sessions (
    id                   text primary key,
    user_id              text not null references iam.users (id),
    kind                 text not null check (kind in ('portal', 'cli')),
    token_hash           bytea not null unique check (octet_length(token_hash) = 32),
    tenant_id            text references iam.tenants (id),
    idle_seconds         integer not null check (idle_seconds > 0),
    created_at           timestamptz not null default kernel.now(),
    seen_at              timestamptz not null default kernel.now(),
    idle_expires_at      timestamptz not null,
    absolute_expires_at  timestamptz not null,
    revoked_at           timestamptz,
    revocation_reason    text,
    check ((revoked_at is null) = (revocation_reason is null))
);
create index sessions_by_user on iam.sessions (user_id) where revoked_at is null;
create index sessions_by_expiry on iam.sessions (absolute_expires_at);
select kernel.platform_table(
    'iam.sessions', 'a session belongs to a person, who may belong to several tenants',
    worker => 'select,insert,update,delete', operator => 'select,update');

-- One row per click on "Sign in"; the nonce and PKCE verifier must be readable again, hence minutes of life, one use.
create table iam.login_attempts (
    state_hash     bytea primary key check (octet_length(state_hash) = 32),
    browser_hash   bytea not null check (octet_length(browser_hash) = 32),
    nonce          text not null,
    code_verifier  text not null,
    next_path      text not null check (next_path ~ '^/' and length(next_path) <= 512),
    created_at     timestamptz not null default kernel.now(),
    expires_at     timestamptz not null,
    consumed_at    timestamptz
);
create index login_attempts_by_expiry on iam.login_attempts (expires_at);
select kernel.platform_table(
    'iam.login_attempts', 'written before it is known who signs in', worker => 'select,insert,update,delete');

create table iam.device_grants (
    id                text primary key,
    device_code_hash  bytea not null unique check (octet_length(device_code_hash) = 32),
    user_code_hash    bytea not null unique check (octet_length(user_code_hash) = 32),
    state             text not null default 'pending' check (state in ('pending', 'approved', 'denied', 'consumed')),
    user_id           text references iam.users (id),
    tenant_id         text references iam.tenants (id),
    interval_seconds  integer not null check (interval_seconds > 0),
    polled_at         timestamptz,
    created_at        timestamptz not null default kernel.now(),
    expires_at        timestamptz not null,
    decided_at        timestamptz,
    check ((state = 'pending') = (decided_at is null)),
    check (state not in ('approved', 'consumed') or user_id is not null)
);
create index device_grants_by_expiry on iam.device_grants (expires_at);
select kernel.platform_table(
    'iam.device_grants', 'asked for by a command line before it is known who will approve it',
    worker => 'select,insert,update,delete');
