-- One row for each look at a resource in place of one for each value: a node with eight GPUs tells forty values of one
-- instant, and its keys and index entries weighed ten times what was measured. names, devices and values run in parallel.
-- The tables of points are not written any more; a later release drops them, when nobody runs the one before this.
create table observability.sandbox_looks (
    tenant_id     text not null,
    allocation_id text not null,
    at            timestamptz not null,
    names         text[] not null,
    devices       text[] not null,
    values        double precision[] not null,
    primary key (allocation_id, at),
    check (cardinality(names) = cardinality(values) and cardinality(devices) = cardinality(values))
) partition by range (at);
create index sandbox_looks_oldest on observability.sandbox_looks (at);
select kernel.protect_tenant_table('observability.sandbox_looks',
    tenant => 'select', worker => 'select,insert', operator => 'select');
select kernel.partition_monthly('observability.sandbox_looks');
create policy owner_forgets on observability.sandbox_looks to current_user using (true) with check (false);

create table observability.node_looks (
    node_id text not null,
    at      timestamptz not null,
    names   text[] not null,
    devices text[] not null,
    values  double precision[] not null,
    primary key (node_id, at),
    check (cardinality(names) = cardinality(values) and cardinality(devices) = cardinality(values))
) partition by range (at);
create index node_looks_oldest on observability.node_looks (at);
select kernel.platform_table('observability.node_looks', 'figures of physical machines, which belong to no tenant',
    worker => 'select,insert', operator => 'select');
select kernel.partition_monthly('observability.node_looks');

-- As before, for looks too: at most ten minutes' worth a call. Returns how many rows went.
create or replace function observability.forget_points(before timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
    kept text;
    gone bigint;
    total bigint := 0;
begin
    foreach kept in array array['sandbox_looks', 'node_looks', 'sandbox_points', 'node_points'] loop
        execute format('delete from observability.%1$I
            where at < least($1, (select min(at) from observability.%1$I) + interval ''10 minutes'')', kept) using before;
        get diagnostics gone = row_count;
        total := total + gone;
    end loop;
    return total;
end $$;
