-- Orders for nodes. The id follows from subject, verb and generation, so that writing one twice is writing it once.
create table provisioning.tasks (
    id           text primary key,
    node_id      text not null references provisioning.nodes (id),
    tenant_id    text,                    -- whose work it is; null for the platform's own
    verb         text not null,
    subject_id   text not null,
    generation   bigint not null,
    args         jsonb not null,
    state        text not null default 'pending' check (state in ('pending', 'sent', 'done', 'failed', 'refused', 'withdrawn')),
    wakes_kind   text,                    -- the flow that waits for the answer
    wakes_id     text,
    fence        bigint not null,         -- of the flow step that wrote it
    created_at   timestamptz not null default kernel.now(),
    sent_at      timestamptz,
    sent_boot_id text not null default '',
    finished_at  timestamptz,
    code         text not null default '',
    detail       text not null default '',
    output       jsonb not null default '{}',
    result       jsonb,                   -- the node's signed answer as it came
    unique (subject_id, verb, generation)
);
create index tasks_to_do on provisioning.tasks (node_id, created_at, id) where state in ('pending', 'sent');
create index tasks_of_a_node on provisioning.tasks (node_id, created_at desc, id desc);
select kernel.platform_table('provisioning.tasks', 'the work queue of a physical node, which serves many tenants',
    worker => 'select,insert,update', operator => 'select');

-- What a node signed about each step of cleaning a slot. Never edited.
create table provisioning.sanitization_evidence (
    id            text primary key,
    slot_id       text not null references provisioning.slots (id),
    node_id       text not null,
    task_id       text not null references provisioning.tasks (id),
    generation    bigint not null,
    allocation_id text,
    step          text not null,
    ok            boolean not null,
    detail        text not null,
    observed_at   timestamptz not null,
    recorded_at   timestamptz not null default kernel.now(),
    signature     text not null,
    unique (task_id, step)
);
create index sanitization_evidence_by_slot on provisioning.sanitization_evidence (slot_id, recorded_at desc);
select kernel.platform_table('provisioning.sanitization_evidence', 'proof about physical slots, across tenants',
    worker => 'select,insert', operator => 'select');
select kernel.append_only('provisioning.sanitization_evidence');
