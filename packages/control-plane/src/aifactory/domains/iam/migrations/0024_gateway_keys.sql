-- Token gateways know keys under a hash of their own, made with a pepper that opens nothing here. A key that was made
-- before has none: gateways refuse it, and its owner makes a new one.
alter table iam.api_keys add column gateway_hash bytea unique check (octet_length(gateway_hash) = 32);

-- Every key that could call models, with what its person may do: by the rule of iam.authenticate(), for all keys at once.
create function iam.gateway_keys()
returns table (id text, gateway_hash bytea, tenant_id text, project_id text, scopes text[], expires_at timestamptz, grants jsonb)
language sql stable security definer set search_path = '' as $$
    select k.id, k.gateway_hash, k.tenant_id, p.id, k.scopes, k.expires_at,
           (select coalesce(jsonb_agg(jsonb_build_array(g.relation, g.object) order by g.object, g.relation), '[]') from (
                select r.relation, r.object from iam.relations r
                where r.subject = 'user:' || k.user_id and r.removed_at is null and r.tenant_id = k.tenant_id
                  and (k.project_id is null or r.project_id = k.project_id)
                union
                select case r.relation when 'tenant_admin' then 'project_admin' else r.relation end, 'project:' || k.project_id
                from iam.relations r
                where r.subject = 'user:' || k.user_id and r.removed_at is null and r.tenant_id = k.tenant_id
                  and k.project_id is not null and r.project_id is null and r.relation <> 'billing_viewer') g)
    from iam.api_keys k
    join iam.users u on u.id = k.user_id and u.disabled_at is null
    join iam.tenants t on t.id = k.tenant_id and t.deleted_at is null and t.state = 'active'
    join iam.projects p on p.tenant_id = k.tenant_id and p.deleted_at is null
                       and (p.id = k.project_id or k.project_id is null and p.is_default)
    where k.gateway_hash is not null and k.deleted_at is null and k.expires_at > kernel.now()
    order by k.id
$$;
revoke all on function iam.gateway_keys() from public;
grant execute on function iam.gateway_keys() to aif_worker;
