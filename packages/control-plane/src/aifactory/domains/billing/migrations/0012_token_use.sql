-- Tokens of models: counted use, priced by the million, paid out of credit that gateways have leased.
alter table billing.skus drop constraint skus_kind_check;
alter table billing.skus add constraint skus_kind_check check (kind in ('compute', 'storage', 'inference'));
alter table billing.skus drop constraint skus_unit_check;
alter table billing.skus add constraint skus_unit_check check (unit in ('hour', 'gb_hour', 'gb_month', 'gb', 'million_tokens'));
create or replace function billing.unit_size(p_unit text) returns bigint language sql immutable strict parallel safe as $$
    select case p_unit when 'hour' then 3600 when 'gb' then 1000000000 when 'million_tokens' then 1000000
                       when 'gb_hour' then 1000000000::bigint * 3600 when 'gb_month' then 1000000000::bigint * 3600 * 730 end
$$;

-- What was counted in one interval may have been used under two prices.
alter table billing.usage_records drop constraint usage_records_pkey;
alter table billing.usage_records add primary key (tenant_id, source_id, sku, from_at, price_id);

-- Credit set aside for a holder that spends it by itself. What it spent goes on the bill of what was used; the rest comes back.
create table billing.credit_leases (
    id          text primary key,
    tenant_id   text not null,
    account_id  text not null,
    currency    text not null,
    holder_id   text not null,
    amount      numeric(28,9) not null check (amount > 0),
    remaining   numeric(28,9) not null check (remaining >= 0 and remaining <= amount),
    state       text not null default 'open' check (state in ('open', 'ended')),
    expires_at  timestamptz not null,
    version     bigint not null default 1,
    created_at  timestamptz not null default kernel.now(),
    updated_at  timestamptz not null default kernel.now(),
    ended_at    timestamptz,
    check ((state = 'ended') = (ended_at is not null)),
    check (state = 'open' or remaining = 0)
);
create index credit_leases_of_a_tenant on billing.credit_leases (tenant_id, state);
select kernel.protect_tenant_table('billing.credit_leases', tenant => 'select', worker => 'select,insert,update', operator => 'select');

-- Whose each open lease is, and when it ends by itself. No money and no names in it.
create table billing.lease_ends (
    lease_id   text primary key,
    tenant_id  text not null,
    ends_at    timestamptz not null
);
create index lease_ends_due on billing.lease_ends (ends_at);
select kernel.platform_table(
    'billing.lease_ends', 'the worker looks across tenants for leases that are over, then enters the tenant',
    worker => 'select,insert,delete', operator => 'select');

-- Who pays for whom: gateways name an account before a tenant is entered.
create policy definer_reads on billing.billing_accounts for select to current_user using (true);
create function billing.payers(p_account_ids text[]) returns table (tenant_id text, account_id text)
language sql stable security definer set search_path = '' as $$
    select a.tenant_id, a.id from billing.billing_accounts a
     where a.state = 'active' and (p_account_ids is null or a.id = any (p_account_ids))
$$;
revoke all on function billing.payers(text[]) from public;
grant execute on function billing.payers(text[]) to aif_worker;
