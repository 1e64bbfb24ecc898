-- Who pays. A billing account is not the tenant: it outlives renames and may one day pay for several.
create table billing.billing_accounts (
    id          text primary key,
    tenant_id   text not null unique,
    state       text not null default 'active' check (state in ('active', 'closed')),
    created_at  timestamptz not null default kernel.now(),
    updated_at  timestamptz not null default kernel.now()
);
select kernel.protect_tenant_table('billing.billing_accounts', tenant => 'select', worker => 'select', operator => 'select');

-- What we know about the payer. Facts are added, the newest of a kind counts, the others are the history.
create table billing.account_facts (
    id          text primary key,
    tenant_id   text not null,
    account_id  text not null references billing.billing_accounts (id),
    kind        text not null,
    value       text not null,
    reason      text not null default '',
    recorded_at timestamptz not null default kernel.now(),
    recorded_by text not null,
    check ((kind = 'kyc_status' and value in ('none', 'pending', 'verified', 'rejected'))
        or (kind = 'payment_method' and value in ('none', 'card', 'invoice')))
);
create index account_facts_newest on billing.account_facts (tenant_id, account_id, kind, recorded_at desc, id desc);
select kernel.protect_tenant_table('billing.account_facts', tenant => 'select', worker => 'select', operator => 'select,insert');
select kernel.append_only('billing.account_facts');

-- One wallet per (account, currency). Only billing.post_entry writes it, together with the ledger lines it sums up.
create table billing.wallets (
    account_id  text not null references billing.billing_accounts (id),
    currency    text not null references billing.currencies (code),
    tenant_id   text not null,
    available   numeric(28,9) not null default 0,
    held        numeric(28,9) not null default 0 check (held >= 0),
    version     bigint not null default 0,
    created_at  timestamptz not null default kernel.now(),
    updated_at  timestamptz not null default kernel.now(),
    primary key (account_id, currency)
) with (fillfactor = 70);
create index wallets_by_tenant on billing.wallets (tenant_id);
select kernel.protect_tenant_table('billing.wallets', tenant => 'select', worker => 'select', operator => 'select');

-- The functions that post run as the owner, which row-level security binds too: a tenant's or the worker's transaction
-- reaches that tenant's rows only, an operator's any (its permission was checked and the change is audited).
create function billing.reaches(p_tenant_id text) returns boolean language sql stable parallel safe as
$$ select p_tenant_id = kernel.tenant() or current_setting('role', true) = 'aif_operator' $$;

create policy posting on billing.billing_accounts to current_user using (billing.reaches(tenant_id)) with check (billing.reaches(tenant_id));
create policy posting on billing.wallets to current_user using (billing.reaches(tenant_id)) with check (billing.reaches(tenant_id));

-- Opens the account and its wallet, empty, when they are not there yet. Returns the account's id.
create function billing.ensure_wallet(p_new_id text, p_tenant_id text, p_currency text) returns text
language plpgsql security definer set search_path = pg_catalog as $$
declare
    v_account text;
begin
    insert into billing.billing_accounts (id, tenant_id) values (p_new_id, p_tenant_id) on conflict (tenant_id) do nothing;
    select id into strict v_account from billing.billing_accounts where tenant_id = p_tenant_id;
    insert into billing.wallets (account_id, currency, tenant_id) values (v_account, p_currency, p_tenant_id)
        on conflict (account_id, currency) do nothing;
    return v_account;
end $$;
revoke all on function billing.ensure_wallet(text, text, text) from public;
grant execute on function billing.ensure_wallet(text, text, text) to aif_tenant, aif_worker, aif_operator;
