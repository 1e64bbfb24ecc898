-- Use that is counted instead of timed: bytes held, bytes moved. What was counted is a durable row per interval; a month
-- of one resource under one sku is one subject with one hold and one bill, like everything else that is sold.

alter table billing.skus drop constraint skus_unit_check;
alter table billing.skus add constraint skus_unit_check check (unit in ('hour', 'gb_hour', 'gb_month', 'gb'));

-- How many counted things (seconds, bytes, byte-seconds) one price is for. A month has 730 hours, a GB 10**9 bytes.
create function billing.unit_size(p_unit text) returns bigint language sql immutable strict parallel safe as $$
    select case p_unit when 'hour' then 3600 when 'gb' then 1000000000
                       when 'gb_hour' then 1000000000::bigint * 3600 when 'gb_month' then 1000000000::bigint * 3600 * 730 end
$$;
create function billing.usage_amount(p_quantity numeric, p_price numeric, p_unit text) returns numeric
language sql immutable strict parallel safe as
$$ select billing.divide_half_even(p_quantity * p_price, billing.unit_size(p_unit), 9)::numeric(28,9) $$;

create table billing.usage_periods (
    tenant_id  text not null,
    subject_id text not null,  -- of the hold and of the bill: source, sku and month
    source_id  text not null,  -- what was used, e.g. a bucket
    project_id text not null,
    region_id  text not null,
    sku        text not null references billing.skus (sku),
    name       text not null,
    opened_at  timestamptz not null,
    ends_at    timestamptz not null,
    primary key (tenant_id, subject_id)
);
create index usage_periods_of_a_source on billing.usage_periods (tenant_id, source_id);
create index usage_periods_opened on billing.usage_periods (tenant_id, opened_at desc, subject_id desc);
select kernel.protect_tenant_table('billing.usage_periods', tenant => 'select', worker => 'select,insert', operator => 'select');
select kernel.append_only('billing.usage_periods');

create table billing.usage_records (
    tenant_id   text not null,
    source_id   text not null,
    sku         text not null,
    from_at     timestamptz not null check (from_at = date_trunc('second', from_at, 'UTC')),
    to_at       timestamptz not null check (to_at = date_trunc('second', to_at, 'UTC')),
    subject_id  text not null,
    price_id    text not null references billing.prices (id),
    quantity    numeric(38,0) not null check (quantity > 0),
    recorded_at timestamptz not null default kernel.now(),
    recorded_by text not null,
    primary key (tenant_id, source_id, sku, from_at),
    check (to_at > from_at)
) partition by range (from_at);
create index usage_records_of_a_subject on billing.usage_records (tenant_id, subject_id, from_at);
select kernel.protect_tenant_table('billing.usage_records', tenant => 'select', worker => 'select,insert', operator => 'select');
select kernel.append_only('billing.usage_records');
select kernel.partition_monthly('billing.usage_records');

-- When each period is to be billed. No money and no names in it.
create table billing.usage_ends (
    subject_id text primary key,
    tenant_id  text not null,
    ends_at    timestamptz not null
);
create index usage_ends_due on billing.usage_ends (ends_at);
select kernel.platform_table(
    'billing.usage_ends', 'the worker looks across tenants for months that are over, then enters the tenant',
    worker => 'select,insert,delete', operator => 'select');

-- A line of counted use says how much of what; `price_per_hour` then is the price of one `unit`.
alter table billing.charge_lines add column quantity numeric(38,0), add column unit text;

-- What was counted between two instants, one row per subject and price: rounded once, as on the bill.
create function billing.usage_priced(p_subjects text[], p_from timestamptz, p_until timestamptz)
returns table (subject_id text, tenant_id text, source_id text, project_id text, region_id text, name text, sku text, unit text,
               price_id text, currency text, price numeric, from_at timestamptz, to_at timestamptz, seconds bigint, quantity numeric,
               exact_amount numeric, amount numeric)
language sql stable as $$
    select p.subject_id, p.tenant_id, p.source_id, p.project_id, p.region_id, p.name, p.sku, k.unit,
           r.price_id, c.currency, c.amount_per_hour, r.from_at, r.to_at, extract(epoch from r.to_at - r.from_at)::bigint, r.quantity,
           billing.usage_amount(r.quantity, c.amount_per_hour, k.unit),
           billing.round_minor(billing.usage_amount(r.quantity, c.amount_per_hour, k.unit), c.currency)
      from billing.usage_periods p
      join billing.skus k on k.sku = p.sku
      cross join lateral (select u.price_id, min(u.from_at) as from_at, max(u.to_at) as to_at, sum(u.quantity) as quantity
                            from billing.usage_records u
                           where u.tenant_id = p.tenant_id and u.subject_id = p.subject_id and u.from_at >= p_from and u.from_at < p_until
                           group by u.price_id) r
      join billing.prices c on c.id = r.price_id
     where p.subject_id = any (p_subjects)
$$;
