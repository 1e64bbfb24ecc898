-- Sandboxes of active allocations that their node's agent reports as ended, or does not report at all.
-- One open row per doubt; `since` is the first such report: from there on the tenant is not billed.
create table provisioning.missing_sandboxes (
    allocation_id text not null,
    since         timestamptz not null,
    tenant_id     text not null,
    node_id       text not null references provisioning.nodes (id),
    boot_id       text not null,           -- the reports must come from one life of the machine to count together
    counted_from  timestamptz not null,    -- the first of the uninterrupted row of reports that count together
    last_at       timestamptz not null,
    reports       integer not null default 1 check (reports > 0),
    reason        text not null check (reason in ('sandbox_not_running', 'sandbox_not_reported')),
    ended_at      timestamptz,             -- it was seen running again, or its release was asked for
    primary key (allocation_id, since)
);
create unique index missing_sandboxes_one_open on provisioning.missing_sandboxes (allocation_id) where ended_at is null;
select kernel.platform_table('provisioning.missing_sandboxes', 'what a physical node, which serves many tenants, reported',
    worker => 'select,insert,update', operator => 'select');
