-- What is sold, for how much from when, and what must be true before somebody may buy it.

create table billing.currencies (
    code         text primary key check (code ~ '^[A-Z]{3}$'),
    minor_digits smallint not null check (minor_digits between 0 and 4)
);
insert into billing.currencies (code, minor_digits) values
    ('EUR', 2), ('USD', 2), ('GBP', 2), ('CHF', 2), ('AED', 2), ('SAR', 2), ('INR', 2), ('SGD', 2),
    ('JPY', 0), ('KRW', 0), ('BHD', 3), ('KWD', 3), ('OMR', 3), ('TND', 3);
select kernel.platform_table(
    'billing.currencies', 'how many digits an invoice in a currency has (ISO 4217), the same for everybody',
    tenant => 'select', worker => 'select', operator => 'select');

create table billing.skus (
    sku         text primary key check (sku ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    name        text not null,
    description text not null default '',
    kind        text not null check (kind in ('compute', 'storage')),
    unit        text not null check (unit in ('hour', 'gb_hour')),
    state       text not null default 'active' check (state in ('active', 'retired')),
    created_at  timestamptz not null default kernel.now(),
    updated_at  timestamptz not null default kernel.now()
);
select kernel.platform_table(
    'billing.skus', 'the public price list, which visitors read too',
    tenant => 'select', worker => 'select', operator => 'select,insert,update');

-- A price holds from its instant until the next one of the same (sku, region): two can never overlap.
create table billing.prices (
    id              text primary key,
    sku             text not null references billing.skus (sku),
    region_id       text not null,
    currency        text not null references billing.currencies (code),
    amount_per_hour numeric(28,9) not null check (amount_per_hour >= 0),
    effective_at    timestamptz not null check (effective_at = date_trunc('second', effective_at, 'UTC')),
    reason          text not null default '',
    created_at      timestamptz not null default kernel.now(),
    created_by      text not null,
    unique (sku, region_id, effective_at)
);
create index prices_by_region on billing.prices (region_id, sku, effective_at desc);
create index prices_by_age on billing.prices (created_at desc, id desc);
select kernel.platform_table(
    'billing.prices', 'the public price list, which visitors read too',
    tenant => 'select', worker => 'select', operator => 'select,insert');
select kernel.append_only('billing.prices');

-- Readers that turn prices into money hold this shared, a price change holds it alone. So a change waits for bills
-- in the making and they for it, and no instant that was already billed ever gets another price.
create function billing.pin_prices(p_sku text, p_region_id text) returns void language sql as $$
    select pg_advisory_xact_lock_shared(hashtextextended('billing.price/' || p_region_id || '/' || p_sku, 0))
$$;

create function billing.guard_price() returns trigger language plpgsql as $$
declare
    v_second timestamptz;
begin
    perform pg_advisory_xact_lock(hashtextextended('billing.price/' || new.region_id || '/' || new.sku, 0));
    v_second := date_trunc('second', kernel.now(), 'UTC');
    new.effective_at := coalesce(new.effective_at, v_second + interval '1 second');
    if new.effective_at < v_second then
        raise exception 'a price cannot change in the past' using errcode = 'AF001';
    end if;
    if exists (select from billing.prices p
               where p.sku = new.sku and p.region_id = new.region_id and p.currency <> new.currency) then
        raise exception 'a sku keeps its currency in a region' using errcode = 'AF002';
    end if;
    return new;
end $$;
create trigger guard_price before insert on billing.prices for each row execute function billing.guard_price();

-- Data, not code: who must have shown what before buying. '*' matches everything; the most specific row decides.
create table billing.purchase_policies (
    id                                text primary key,
    region_id                         text not null,
    sku_pattern                       text not null check (sku_pattern ~ '^[a-z0-9._*-]{1,64}$'),
    use_case                          text not null,
    requires_kyc                      boolean not null,
    requires_payment_method           boolean not null,
    satisfied_by_promotional_credit   boolean not null,
    created_at                        timestamptz not null default kernel.now(),
    updated_at                        timestamptz not null default kernel.now(),
    unique (region_id, sku_pattern, use_case)
);
select kernel.platform_table(
    'billing.purchase_policies', 'rules of regions and products, the same for every tenant',
    tenant => 'select', worker => 'select', operator => 'select,insert,update,delete');
