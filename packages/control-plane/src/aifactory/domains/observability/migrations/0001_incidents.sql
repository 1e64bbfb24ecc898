-- One row for each trouble that needs a person. A flow has at most one open incident for the state it is stuck in.
create table observability.incidents (
    id                text primary key,
    flow_id           text not null,
    flow_kind         text not null,
    flow_state        text not null,
    subject_id        text not null,
    tenant_id         text,
    state             text not null default 'open' check (state in ('open', 'resolved')),
    cause             text not null,
    runbook           text not null,
    deadline_seconds  double precision not null,
    entered_at        timestamptz not null,
    opened_at         timestamptz not null default kernel.now(),
    resolved_at       timestamptz,
    resolution        text,
    check ((state = 'resolved') = (resolved_at is not null and resolution is not null))
);
create unique index incidents_one_open on observability.incidents (flow_id, flow_state) where state = 'open';
create index incidents_newest on observability.incidents (opened_at desc, id desc);
select kernel.platform_table(
    'observability.incidents', 'the operators'' work list across tenants and for slots, which have none; tenants never read it',
    worker => 'select,insert,update', operator => 'select');
