-- The kernel's tables and the functions with which every domain's migrations protect theirs.

create function kernel.now() returns timestamptz language sql stable parallel safe as
$$ select clock_timestamp() + coalesce(nullif(current_setting('aif.clock_offset', true), '')::interval, interval '0') $$;
comment on function kernel.now() is 'The only clock of stored times and leases. Tests move it with the database setting aif.clock_offset.';

create function kernel.tenant() returns text language sql stable parallel safe as
$$ select nullif(current_setting('aif.tenant', true), '') $$;

create function kernel.principal() returns text language sql stable parallel safe as
$$ select nullif(current_setting('aif.principal', true), '') $$;

create table kernel.platform_tables (
  name text primary key,
  reason text not null
);

-- Forced row-level security: no tenant context means no rows; WITH CHECK so that nobody writes into another tenant.
-- The operator's policy is explicit and per table; what it may do is exactly what is granted.
create function kernel.protect_tenant_table(target regclass, tenant text default '', worker text default '', operator text default '')
returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy tenant_rows on %s to aif_tenant, aif_worker using (tenant_id = kernel.tenant()) with check (tenant_id = kernel.tenant())', target);
  execute format('create policy operator_rows on %s to aif_operator using (true) with check (true)', target);
  perform kernel.grant_verbs(target, tenant, worker, operator);
end $$;

create function kernel.platform_table(target regclass, reason text, tenant text default '', worker text default '', operator text default '')
returns void language plpgsql as $$
begin
  insert into kernel.platform_tables values (target::text, reason);
  perform kernel.grant_verbs(target, tenant, worker, operator);
end $$;

create function kernel.grant_verbs(target regclass, tenant text, worker text, operator text)
returns void language plpgsql as $$
begin
  if tenant <> '' then execute format('grant %s on %s to aif_tenant', tenant, target); end if;
  if worker <> '' then execute format('grant %s on %s to aif_worker', worker, target); end if;
  if operator <> '' then execute format('grant %s on %s to aif_operator', operator, target); end if;
end $$;

-- A trigger beside the missing grants: not even the owner edits history by accident.
create function kernel.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: correct by a new row', tg_table_name using errcode = 'restrict_violation';
end $$;

create function kernel.append_only(target regclass) returns void language plpgsql as $$
begin
  execute format('create trigger append_only before update or delete on %s for each row execute function kernel.refuse_change()', target);
  execute format('create trigger append_only_truncate before truncate on %s for each statement execute function kernel.refuse_change()', target);
end $$;

-- Makes this month's partition, the twelve after it and a default one; called again by a schedule each day.
create function kernel.partition_monthly(target regclass) returns void language plpgsql as $$
declare
  month date;
  parent text := (select c.relname from pg_class c where c.oid = target);
  space text := (select n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target);
begin
  for i in 0..12 loop
    month := (date_trunc('month', kernel.now()) + make_interval(months => i))::date;
    execute format('create table if not exists %I.%I partition of %s for values from (%L) to (%L)',
      space, parent || '_' || to_char(month, 'YYYYMM'), target, month, (month + interval '1 month')::date);
  end loop;
  execute format('create table if not exists %I.%I partition of %s default', space, parent || '_default', target);
end $$;

-- Flows: one row per (kind, subject). desired and generation are intent, written by requests; the rest is the runner's.
create table kernel.flows (
  id text primary key,
  kind text not null,
  subject_id text not null,
  tenant_id text,
  state text not null,
  desired text not null default '',
  generation bigint not null default 1,
  fence bigint not null default 0,
  lease_owner text,
  lease_expires_at timestamptz,
  wake_at timestamptz not null,
  entered_at timestamptz not null,
  deadline_at timestamptz,
  deadline_reported boolean not null default false,
  attempts int not null default 0,
  why text not null default '',
  data jsonb not null default '{}',
  ended boolean not null default false,
  created_at timestamptz not null,
  unique (kind, subject_id)
);
create index flows_due on kernel.flows (wake_at) where not ended;
alter table kernel.flows enable row level security;
alter table kernel.flows force row level security;
create policy tenant_rows on kernel.flows to aif_tenant using (tenant_id = kernel.tenant()) with check (tenant_id = kernel.tenant());
create policy kernel_rows on kernel.flows to aif_worker, aif_operator using (true) with check (true);
grant select, insert on kernel.flows to aif_tenant, aif_operator;
grant update (desired, generation, wake_at, why) on kernel.flows to aif_tenant, aif_operator;
grant select, insert, update on kernel.flows to aif_worker;

create table kernel.flow_transitions (
  flow_id text not null,
  seq int not null,
  kind text not null,
  subject_id text not null,
  tenant_id text,
  from_state text,
  to_state text not null,
  who text not null,
  why text not null,
  generation bigint not null,
  fence bigint not null,
  at timestamptz not null,
  seconds double precision not null,
  deadline_seconds double precision,
  primary key (flow_id, seq)
);
create index flow_transitions_subject on kernel.flow_transitions (subject_id, kind, seq);
alter table kernel.flow_transitions enable row level security;
alter table kernel.flow_transitions force row level security;
create policy tenant_rows on kernel.flow_transitions to aif_tenant using (tenant_id = kernel.tenant()) with check (tenant_id = kernel.tenant());
create policy kernel_rows on kernel.flow_transitions to aif_worker, aif_operator using (true) with check (true);
grant select, insert on kernel.flow_transitions to aif_tenant, aif_worker, aif_operator;
select kernel.append_only('kernel.flow_transitions');

-- Outbox: the event log.
create table kernel.outbox (
  id text not null,
  type text not null,
  version int not null,
  aggregate text not null,
  aggregate_version bigint not null,
  tenant_id text,
  occurred_at timestamptz not null,
  traceparent text not null default '',
  payload jsonb not null,
  sent_at timestamptz,
  claimed_until timestamptz,
  primary key (id, occurred_at)
) partition by range (occurred_at);
create index outbox_unsent on kernel.outbox (occurred_at) where sent_at is null;
create index outbox_type on kernel.outbox (type, occurred_at);
create index outbox_aggregate on kernel.outbox (aggregate, aggregate_version);
alter table kernel.outbox enable row level security;
alter table kernel.outbox force row level security;
create policy tenant_rows on kernel.outbox to aif_tenant using (tenant_id = kernel.tenant()) with check (tenant_id = kernel.tenant());
create policy kernel_rows on kernel.outbox to aif_worker, aif_operator using (true) with check (true);
grant select, insert on kernel.outbox to aif_tenant, aif_operator;
grant select, insert, update on kernel.outbox to aif_worker;
select kernel.partition_monthly('kernel.outbox');

create table kernel.inbox (
  consumer text not null,
  event_id text not null,
  at timestamptz not null,
  primary key (consumer, event_id)
);
select kernel.platform_table('kernel.inbox', 'which consumer has had which event; holds no tenant data', worker => 'select,insert,delete', operator => 'select,delete');

create table kernel.deliveries (
  consumer text not null,
  event_id text not null,
  attempts int not null,
  next_at timestamptz not null,
  error text not null,
  primary key (consumer, event_id)
);
select kernel.platform_table('kernel.deliveries', 'tries of a failing consumer; holds no tenant data', worker => 'select,insert,update,delete', operator => 'select,delete');

create table kernel.dead_letters (
  id text primary key,
  consumer text not null,
  event_id text not null,
  event_type text not null,
  tenant_id text,
  error text not null,
  attempts int not null,
  created_at timestamptz not null,
  replayed_at timestamptz,
  replayed_by text
);
create index dead_letters_open on kernel.dead_letters (created_at) where replayed_at is null;
select kernel.platform_table('kernel.dead_letters', 'operators replay across tenants; tenants never read it', worker => 'select,insert,update', operator => 'select,update');

create table kernel.consumers (
  name text primary key,
  scanned_to timestamptz not null
);
select kernel.platform_table('kernel.consumers', 'how far each consumer''s scan for missed events has come', worker => 'select,insert,update', operator => 'select');

create table kernel.schedules (
  name text primary key,
  next_at timestamptz not null,
  last_started_at timestamptz,
  last_error text not null default ''
);
select kernel.platform_table('kernel.schedules', 'when each schedule runs next', worker => 'select,insert,update', operator => 'select');

create table kernel.components (
  name text primary key,
  kind text not null,
  pid int not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  detail jsonb not null default '{}'
);
select kernel.platform_table('kernel.components', 'heartbeats of our own processes', tenant => 'select', worker => 'select,insert,update,delete', operator => 'select');

-- Audit: written in the change's transaction; chained afterwards in batches, so that writers never queue.
create table kernel.audit (
  id text not null,
  tenant_id text not null,
  project_id text,
  actor_id text not null,
  actor_kind text not null,
  actor_name text not null,
  action text not null,
  target_id text not null,
  decision text not null,
  reason text not null default '',
  request_id text not null default '',
  occurred_at timestamptz not null,
  details jsonb not null default '{}',
  primary key (id, occurred_at)
) partition by range (occurred_at);
create index audit_tenant on kernel.audit (tenant_id, occurred_at desc, id desc);
create index audit_target on kernel.audit (target_id, occurred_at);
alter table kernel.audit enable row level security;
alter table kernel.audit force row level security;
create policy tenant_rows on kernel.audit to aif_tenant using (tenant_id = kernel.tenant()) with check (tenant_id = coalesce(kernel.tenant(), 'platform'));
create policy kernel_rows on kernel.audit to aif_worker, aif_operator using (true) with check (true);
grant select, insert on kernel.audit to aif_tenant, aif_worker, aif_operator;
select kernel.append_only('kernel.audit');
select kernel.partition_monthly('kernel.audit');

create table kernel.audit_links (
  audit_id text primary key,
  tenant_id text not null,
  seal_no bigint not null,
  position bigint not null,
  occurred_at timestamptz not null,
  hash text not null,
  unique (tenant_id, position)
);
create table kernel.audit_seals (
  tenant_id text not null,
  seal_no bigint not null,
  first_position bigint not null,
  last_position bigint not null,
  head text not null,
  previous text not null,
  signature text not null,
  sealed_at timestamptz not null,
  primary key (tenant_id, seal_no)
);
do $$ declare t text; begin
  foreach t in array array['kernel.audit_links', 'kernel.audit_seals'] loop
    execute format('alter table %s enable row level security', t);
    execute format('alter table %s force row level security', t);
    execute format('create policy tenant_rows on %s to aif_tenant using (tenant_id = kernel.tenant()) with check (false)', t);
    execute format('create policy kernel_rows on %s to aif_worker, aif_operator using (true) with check (true)', t);
    execute format('grant select on %s to aif_tenant, aif_operator', t);
    execute format('grant select, insert on %s to aif_worker', t);
    perform kernel.append_only(t::regclass);
  end loop;
end $$;

-- Saved answers of mutating calls. Rows older than a day go; money keys live in the ledger for ever.
create table kernel.idempotency (
  tenant_id text not null,
  principal_id text not null,
  key text not null,
  request_hash text not null,
  status int not null default 0,
  body text not null default '',
  etag text not null default '',
  created_at timestamptz not null,
  primary key (tenant_id, principal_id, key)
);
alter table kernel.idempotency enable row level security;
alter table kernel.idempotency force row level security;
create policy own_rows on kernel.idempotency to aif_tenant
  using (tenant_id = coalesce(kernel.tenant(), 'platform') and principal_id = kernel.principal())
  with check (tenant_id = coalesce(kernel.tenant(), 'platform') and principal_id = kernel.principal());
create policy kernel_rows on kernel.idempotency to aif_worker, aif_operator using (true) with check (true);
grant select, insert, update on kernel.idempotency to aif_tenant, aif_operator;
grant select, delete on kernel.idempotency to aif_worker;

-- Which tenants have audit rows to seal, for the sealing schedule.
create index audit_links_tenant on kernel.audit_links (tenant_id, position desc);
