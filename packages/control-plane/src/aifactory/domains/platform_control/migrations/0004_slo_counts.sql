-- How often each promise was kept and could have been, in buckets of five minutes. Gaps are time without any.
create table platform_control.slo_counts (
    domain      text not null,
    slo         text not null,
    at          timestamptz not null,
    good        bigint not null check (good >= 0),
    total       bigint not null check (total >= good),
    updated_at  timestamptz not null default kernel.now(),
    primary key (domain, slo, at)
);
create index slo_counts_by_time on platform_control.slo_counts (at);
select kernel.platform_table('platform_control.slo_counts', 'how the platform keeps its own promises, counted over all tenants',
    worker => 'select,insert,update,delete', operator => 'select');

-- What the measurements read: the last minutes of histories that only grow.
create index outbox_by_time on kernel.outbox using brin (occurred_at);
create index flow_transitions_by_time on kernel.flow_transitions using brin (at);
create index inbox_by_time on kernel.inbox using brin (at);
