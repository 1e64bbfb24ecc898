-- Which node's space a volume will take, from the moment a launch was placed there until the node has made it: so that
-- placing sees what others were promised. Volumes are sparse files; without this a node promises more than it has.
alter table storage_network.volumes add column promised_node_id text;
create index volumes_on_a_node on storage_network.volumes ((coalesce(node_id, promised_node_id)))
    where erased_at is null and coalesce(node_id, promised_node_id) is not null;

-- Over all tenants, in bytes and nothing else; placing asks while it holds the region's lock.
create policy definer_reads on storage_network.volumes for select to current_user using (true);
create function storage_network.promised_bytes(p_node_ids text[]) returns table (node_id text, bytes bigint)
language sql stable security definer set search_path = '' as $$
    select coalesce(v.node_id, v.promised_node_id), sum(v.size_gb)::bigint * 1000000000
    from storage_network.volumes v
    where coalesce(v.node_id, v.promised_node_id) = any(p_node_ids)
      and v.erased_at is null and not (v.state = 'deleted' and v.node_id is null)
    group by 1
$$;
revoke all on function storage_network.promised_bytes(text[]) from public;
grant execute on function storage_network.promised_bytes(text[]) to aif_worker;
