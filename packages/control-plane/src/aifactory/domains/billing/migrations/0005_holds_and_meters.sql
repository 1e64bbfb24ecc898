-- One hold per purchase: what is set aside for it, from the authorization until it is settled or voided.
create table billing.holds (
    id            text primary key,
    tenant_id     text not null,
    subject_id    text not null,
    project_id    text not null,
    account_id    text not null,
    currency      text not null,
    sku           text not null,
    region_id     text not null,
    use_case      text not null,
    quote_id      text,
    price_id      text not null references billing.prices (id),
    amount        numeric(28,9) not null check (amount >= 0),
    state         text not null default 'held' check (state in ('held', 'voided', 'settled')),
    covered_until timestamptz,
    notified_at   timestamptz,
    exhausted_at  timestamptz,
    version       bigint not null default 1,
    created_at    timestamptz not null default kernel.now(),
    created_by    text not null,
    updated_at    timestamptz not null default kernel.now(),
    unique (tenant_id, subject_id)
);
create index holds_by_project on billing.holds (tenant_id, project_id, state);
create index holds_by_subject on billing.holds (subject_id);
select kernel.protect_tenant_table('billing.holds', tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');

-- When each running hold must be looked at next. No money and no names in it.
create table billing.hold_checks (
    subject_id  text primary key,
    tenant_id   text not null,
    sku         text not null,
    region_id   text not null,
    check_at    timestamptz not null
);
create index hold_checks_due on billing.hold_checks (check_at);
create index hold_checks_by_price on billing.hold_checks (sku, region_id);
select kernel.platform_table(
    'billing.hold_checks', 'the worker looks across tenants for holds that are due, then enters the tenant',
    worker => 'select,insert,update,delete', operator => 'select,update');

-- What the control plane observed: from when until when something runs. First word wins, nothing is edited.
create table billing.meter_transitions (
    tenant_id   text not null,
    subject_id  text not null,
    kind        text not null check (kind in ('opened', 'closed')),
    at          timestamptz not null check (at = date_trunc('second', at, 'UTC')),
    sku         text,
    region_id   text,
    project_id  text,
    dims        jsonb not null default '{}',
    recorded_at timestamptz not null default kernel.now(),
    recorded_by text not null,
    primary key (tenant_id, subject_id, kind),
    check (kind = 'closed' or (sku is not null and region_id is not null and project_id is not null))
);
create index meter_transitions_by_subject on billing.meter_transitions (subject_id, kind);
create index meter_transitions_opened on billing.meter_transitions (tenant_id, at desc, subject_id desc) where kind = 'opened';
select kernel.protect_tenant_table('billing.meter_transitions', tenant => 'select,insert', worker => 'select,insert', operator => 'select');
select kernel.append_only('billing.meter_transitions');

-- Outages: intervals in which the meter stood still.
create table billing.meter_pauses (
    id          text primary key,
    tenant_id   text not null,
    subject_id  text not null,
    from_at     timestamptz not null check (from_at = date_trunc('second', from_at, 'UTC')),
    to_at       timestamptz not null check (to_at = date_trunc('second', to_at, 'UTC') and to_at > from_at),
    reason      text not null,
    recorded_at timestamptz not null default kernel.now(),
    recorded_by text not null,
    unique (tenant_id, subject_id, from_at, to_at)
);
select kernel.protect_tenant_table('billing.meter_pauses', tenant => 'select', worker => 'select,insert', operator => 'select,insert');
select kernel.append_only('billing.meter_pauses');

-- The bill of one subject, once and for ever.
create table billing.charges (
    id           text primary key,
    tenant_id    text not null,
    subject_id   text not null,
    project_id   text not null,
    account_id   text not null,
    currency     text not null,
    entry_id     text,
    exact_total  numeric(28,9) not null,
    total        numeric(28,9) not null,
    settled_at   timestamptz not null,
    unique (tenant_id, subject_id)
);
create index charges_by_month on billing.charges (tenant_id, settled_at, id);
create table billing.charge_lines (
    charge_id      text not null references billing.charges (id),
    line_no        smallint not null,
    tenant_id      text not null,
    price_id       text not null references billing.prices (id),
    sku            text not null,
    region_id      text not null,
    price_per_hour numeric(28,9) not null,
    from_at        timestamptz not null,
    to_at          timestamptz not null,
    seconds        bigint not null check (seconds > 0),
    exact_amount   numeric(28,9) not null,
    amount         numeric(28,9) not null,
    primary key (charge_id, line_no)
);
select kernel.protect_tenant_table('billing.charges', tenant => 'select', worker => 'select,insert', operator => 'select');
select kernel.protect_tenant_table('billing.charge_lines', tenant => 'select', worker => 'select,insert', operator => 'select');
select kernel.append_only('billing.charges');
select kernel.append_only('billing.charge_lines');
