-- How much a tenant may hold over all of its projects: projects divide it, and making more of them brings nothing.
-- What exists keeps room for what it holds and for the highest limit that an operator gave one of its projects.
create table iam.tenant_quota_limits (
    tenant_id     text not null references iam.tenants (id),
    resource      text not null check (resource in ('allocations', 'vcpus', 'volumes', 'volume_gb', 'buckets', 'bucket_gb')),
    limit_amount  bigint not null check (limit_amount >= 0),
    used          bigint not null default 0 check (used >= 0),
    generation    bigint not null default 1,
    created_at    timestamptz not null default kernel.now(),
    updated_at    timestamptz not null default kernel.now(),
    primary key (tenant_id, resource)
);
insert into iam.tenant_quota_limits (tenant_id, resource, limit_amount, used)
select tenant_id, resource, greatest(max(limit_amount), sum(used)), sum(used) from iam.quota_limits group by 1, 2;
select kernel.protect_tenant_table(
    'iam.tenant_quota_limits', tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select,insert,update');
