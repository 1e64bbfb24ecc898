-- What sandboxes and nodes used, point by point. The database decides whose a point is, never the node (see telemetry.py).
-- The key is the way in for readers, and takes a point that comes twice only once.
create table observability.sandbox_points (
    tenant_id     text not null,
    allocation_id text not null,
    name          text not null,
    device        text not null default '',
    at            timestamptz not null,
    value         double precision not null,
    primary key (allocation_id, name, device, at)
) partition by range (at);
create index sandbox_points_oldest on observability.sandbox_points (at);
select kernel.protect_tenant_table('observability.sandbox_points',
    tenant => 'select', worker => 'select,insert', operator => 'select');
select kernel.partition_monthly('observability.sandbox_points');

create table observability.node_points (
    node_id text not null,
    name    text not null,
    device  text not null default '',
    at      timestamptz not null,
    value   double precision not null,
    primary key (node_id, name, device, at)
) partition by range (at);
create index node_points_oldest on observability.node_points (at);
select kernel.platform_table('observability.node_points', 'figures of physical machines, which belong to no tenant',
    worker => 'select,insert', operator => 'select');
select kernel.partition_monthly('observability.node_points');

-- The last batch of each node: one that comes again is recognised.
create table observability.telemetry_streams (
    node_id              text primary key,
    stream               text not null,
    sequence             bigint not null,
    clock_offset_seconds double precision not null,   -- how far the node's clock was ahead of ours
    accepted             bigint not null default 0,   -- points of this stream
    dropped              bigint not null default 0,
    arrived_at           timestamptz not null
);
select kernel.platform_table('observability.telemetry_streams', 'how far the telemetry of each physical node has come',
    worker => 'select,insert,update', operator => 'select');

-- Forgets points before an instant, at most ten minutes' worth a call, so that no call takes long. As the owner, because
-- a worker sees one tenant at a time. Returns how many went.
create function observability.forget_points(before timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
    sandboxes bigint;
    nodes bigint;
begin
    delete from observability.sandbox_points
    where at < least(before, (select min(at) from observability.sandbox_points) + interval '10 minutes');
    get diagnostics sandboxes = row_count;
    delete from observability.node_points
    where at < least(before, (select min(at) from observability.node_points) + interval '10 minutes');
    get diagnostics nodes = row_count;
    return sandboxes + nodes;
end $$;
revoke all on function observability.forget_points from public;
grant execute on function observability.forget_points to aif_worker;
create policy owner_forgets on observability.sandbox_points to current_user using (true) with check (false);
