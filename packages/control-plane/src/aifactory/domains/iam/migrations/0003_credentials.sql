-- API keys (shown once, stored as keyed hash) and the public halves of SSH keys.

create table iam.api_keys (
    id            text primary key,
    tenant_id     text not null references iam.tenants (id),
    project_id    text,
    user_id       text not null references iam.users (id),
    name          text not null check (length(name) between 1 and 120),
    token_hash    bytea not null unique check (octet_length(token_hash) = 32),
    hint          text not null check (length(hint) <= 16),
    scopes        text[] not null check (cardinality(scopes) between 1 and 8),
    labels        jsonb not null default '{}',
    generation    bigint not null default 1,
    expires_at    timestamptz not null,
    last_used_at  timestamptz,
    created_at    timestamptz not null default kernel.now(),
    updated_at    timestamptz not null default kernel.now(),
    deleted_at    timestamptz,
    foreign key (tenant_id, project_id) references iam.projects (tenant_id, id)
);
create index api_keys_by_age on iam.api_keys (tenant_id, created_at desc, id desc);
select kernel.protect_tenant_table(
    'iam.api_keys', tenant => 'select,insert,update', worker => 'select', operator => 'select');
-- Everything but the hash: a tenant transaction proves nothing by reading it, so it may not.
revoke select on iam.api_keys from aif_tenant, aif_worker, aif_operator;
grant select (id, tenant_id, project_id, user_id, name, hint, scopes, labels, generation, expires_at, last_used_at,
              created_at, updated_at, deleted_at) on iam.api_keys to aif_tenant, aif_worker, aif_operator;
create policy definer_reads on iam.api_keys for select to current_user using (true);
create policy definer_touches on iam.api_keys for update to current_user using (true);

create table iam.ssh_keys (
    id           text primary key,
    tenant_id    text not null references iam.tenants (id),
    name         text not null check (length(name) between 1 and 120),
    public_key   text not null check (length(public_key) <= 4096),
    kind         text not null check (kind in ('ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp256',
                                               'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521')),
    fingerprint  text not null check (fingerprint ~ '^SHA256:[A-Za-z0-9+/]{43}$'),
    created_by   text not null,
    labels       jsonb not null default '{}',
    generation   bigint not null default 1,
    created_at   timestamptz not null default kernel.now(),
    updated_at   timestamptz not null default kernel.now(),
    deleted_at   timestamptz
);
create unique index ssh_keys_by_fingerprint on iam.ssh_keys (tenant_id, fingerprint) where deleted_at is null;
create unique index ssh_keys_by_name on iam.ssh_keys (tenant_id, name) where deleted_at is null;
create index ssh_keys_by_age on iam.ssh_keys (tenant_id, created_at desc, id desc);
select kernel.protect_tenant_table(
    'iam.ssh_keys', tenant => 'select,insert,update', worker => 'select', operator => 'select');
