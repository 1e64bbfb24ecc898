-- A launch while it is still being filled in. A working paper: it promises nothing, holds no quota and no money, and is
-- deleted for good when it was launched, thrown away or left lying.

create table product.launch_drafts (
    id          text primary key,
    tenant_id   text not null,
    owner_id    text not null,          -- the person, or the API key: nobody else of the tenant sees it
    form        jsonb not null check (jsonb_typeof(form) = 'object' and octet_length(form::text) <= 24576),
    generation  bigint not null default 1,
    created_at  timestamptz not null default kernel.now(),
    updated_at  timestamptz not null default kernel.now(),
    expires_at  timestamptz not null
);
create index launch_drafts_newest_first on product.launch_drafts (tenant_id, owner_id, updated_at desc, id desc);
create index launch_drafts_by_expiry on product.launch_drafts (tenant_id, expires_at);
select kernel.protect_tenant_table(
    'product.launch_drafts', tenant => 'select,insert,update,delete', worker => 'select,insert,delete');

-- What somebody configured before signing in, found by the secret in their browser's cookie, of which only a hash is kept.
create table product.visitor_drafts (
    token_hash  bytea primary key check (octet_length(token_hash) = 32),
    form        jsonb not null check (jsonb_typeof(form) = 'object' and octet_length(form::text) <= 24576),
    updated_at  timestamptz not null default kernel.now(),
    expires_at  timestamptz not null
);
create index visitor_drafts_by_expiry on product.visitor_drafts (expires_at);
select kernel.platform_table(
    'product.visitor_drafts', 'a launch configured before it is known who will sign in',
    worker => 'select,insert,update,delete');
