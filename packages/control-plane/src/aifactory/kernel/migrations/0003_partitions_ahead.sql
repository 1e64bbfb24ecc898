-- Keeps partitions a year ahead; as the owner, because workers create no tables.
create function kernel.make_partitions() returns void language plpgsql security definer set search_path = pg_catalog as $$
declare parent regclass;
begin
  for parent in select partrelid::regclass from pg_partitioned_table loop
    perform kernel.partition_monthly(parent);
  end loop;
end $$;
revoke all on function kernel.make_partitions from public;
grant execute on function kernel.make_partitions to aif_worker;
