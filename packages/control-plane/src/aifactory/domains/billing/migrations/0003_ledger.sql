-- Double entry. amount > 0 credits an account (we owe the tenant more, or earned more), amount < 0 debits it.
create table billing.ledger_entries (
    id          text not null,
    occurred_at timestamptz not null,
    tenant_id   text not null,
    account_id  text not null,
    currency    text not null,
    kind        text not null check (kind in ('promotional_credit', 'payment', 'hold', 'hold_release', 'charge', 'outage_credit', 'reversal')),
    money_key   text not null,
    subject_id  text,
    reason      text not null default '',
    reverses    text,
    created_by  text not null,
    primary key (id, occurred_at),
    check ((kind = 'reversal') = (reverses is not null))
) partition by range (occurred_at);
create index ledger_entries_newest on billing.ledger_entries (tenant_id, occurred_at desc, id desc);

create table billing.ledger_lines (
    entry_id    text not null,
    line_no     smallint not null,
    occurred_at timestamptz not null,
    tenant_id   text not null,
    account_id  text not null,
    account     text not null check (account in (
        'wallet.available', 'wallet.held', 'platform.revenue', 'platform.rounding', 'platform.promotions',
        'platform.outages', 'platform.payments')),
    currency    text not null,
    amount      numeric(28,9) not null check (amount <> 0),
    primary key (entry_id, line_no, occurred_at)
) partition by range (occurred_at);
create index ledger_lines_by_account on billing.ledger_lines (tenant_id, account, currency, occurred_at);

-- Not partitioned, never emptied: a key that once moved money never moves any again.
create table billing.money_keys (
    tenant_id   text not null,
    money_key   text not null,
    entry_id    text not null unique,
    occurred_at timestamptz not null,
    fingerprint text not null,
    primary key (tenant_id, money_key)
);
-- An entry is corrected once.
create table billing.reversals (
    tenant_id   text not null,
    entry_id    text not null,
    reversed_by text not null unique,
    primary key (tenant_id, entry_id)
);

do $$ declare v_table text; begin
    foreach v_table in array array['ledger_entries', 'ledger_lines', 'money_keys', 'reversals'] loop
        perform kernel.protect_tenant_table(('billing.' || v_table)::regclass, tenant => 'select', worker => 'select', operator => 'select');
        perform kernel.append_only(('billing.' || v_table)::regclass);
        execute format('revoke update, delete, truncate on billing.%I from public, aif_tenant, aif_worker, aif_operator', v_table);
        execute format('create policy posting on billing.%I to current_user using (billing.reaches(tenant_id)) with check (billing.reaches(tenant_id))', v_table);
    end loop;
end $$;

-- Σ = 0 per entry and currency, checked at the commit over all lines of the entry, whoever wrote them.
-- The worker may have moved on to another tenant by then, so the check looks as the line's own tenant.
create function billing.check_balanced() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
declare
    v_tenant text := kernel.tenant();
    v_bad record;
begin
    perform set_config('aif.tenant', new.tenant_id, true);
    select l.currency, sum(l.amount) as difference, count(*) as lines into v_bad
      from billing.ledger_lines l
     where l.entry_id = new.entry_id and l.occurred_at = new.occurred_at
     group by l.currency having sum(l.amount) <> 0 or count(*) < 2 limit 1;
    if found then
        raise exception 'entry % is not balanced: % differs by %', new.entry_id, v_bad.currency, v_bad.difference using errcode = 'AF010';
    end if;
    if not exists (select from billing.ledger_entries e
                    where e.id = new.entry_id and e.occurred_at = new.occurred_at and e.tenant_id = new.tenant_id) then
        raise exception 'line of entry % has no entry', new.entry_id using errcode = 'AF010';
    end if;
    perform set_config('aif.tenant', coalesce(v_tenant, ''), true);
    return null;
end $$;
create constraint trigger balanced after insert on billing.ledger_lines
    deferrable initially deferred for each row execute function billing.check_balanced();

create function billing.check_has_lines() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
declare
    v_tenant text := kernel.tenant();
begin
    perform set_config('aif.tenant', new.tenant_id, true);
    if not exists (select from billing.ledger_lines l where l.entry_id = new.id and l.occurred_at = new.occurred_at) then
        raise exception 'entry % has no lines', new.id using errcode = 'AF010';
    end if;
    perform set_config('aif.tenant', coalesce(v_tenant, ''), true);
    return null;
end $$;
create constraint trigger has_lines after insert on billing.ledger_entries
    deferrable initially deferred for each row execute function billing.check_has_lines();

select kernel.partition_monthly('billing.ledger_entries');
select kernel.partition_monthly('billing.ledger_lines');
