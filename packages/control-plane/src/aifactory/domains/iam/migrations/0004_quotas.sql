-- How much a project may hold. `used` is kept beside the limit, so that one row lock decides; the reservations say
-- who holds what and make reserving and releasing idempotent.

create table iam.quota_limits (
    tenant_id     text not null references iam.tenants (id),
    project_id    text not null,
    resource      text not null check (resource in ('allocations', 'vcpus', 'volumes', 'volume_gb')),
    limit_amount  bigint not null check (limit_amount >= 0),
    used          bigint not null default 0 check (used >= 0),
    generation    bigint not null default 1,
    created_at    timestamptz not null default kernel.now(),
    updated_at    timestamptz not null default kernel.now(),
    primary key (project_id, resource),
    foreign key (tenant_id, project_id) references iam.projects (tenant_id, id)
);
select kernel.protect_tenant_table(
    'iam.quota_limits', tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select,update');

create table iam.quota_reservations (
    tenant_id    text not null references iam.tenants (id),
    subject_id   text not null,
    project_id   text not null,
    resource     text not null,
    amount       bigint not null check (amount > 0),
    created_at   timestamptz not null default kernel.now(),
    released_at  timestamptz,
    primary key (subject_id, resource),
    foreign key (project_id, resource) references iam.quota_limits (project_id, resource)
);
create index quota_reservations_held on iam.quota_reservations (project_id, resource) where released_at is null;
select kernel.protect_tenant_table(
    'iam.quota_reservations', tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');
