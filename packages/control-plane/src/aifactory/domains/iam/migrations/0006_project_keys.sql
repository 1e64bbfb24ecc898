-- A key of one project is held on that project only: what its person may do on the whole tenant reaches it as the role
-- that a project knows (an admin becomes project_admin, a billing_viewer nobody). Else as in 0005.
create or replace function iam.authenticate(p_kind text, p_token_hash bytea, p_tenant_id text)
returns table (user_id text, email text, name text, session_id text, session_kind text, key_id text, key_name text,
               scopes text[], tenant_id text, grants jsonb, grant_version bigint)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_now      timestamptz := kernel.now();
    v_user     iam.users%rowtype;
    v_session  iam.sessions%rowtype;
    v_key      iam.api_keys%rowtype;
    v_tenant   text;
    v_grants   jsonb;
begin
    if p_kind = 'key' then
        select k.* into v_key from iam.api_keys k
        where k.token_hash = p_token_hash and k.deleted_at is null and k.expires_at > v_now;
        if not found then return; end if;
        if v_key.last_used_at is null or v_key.last_used_at < v_now - interval '1 minute' then
            update iam.api_keys k set last_used_at = v_now where k.id = v_key.id;
        end if;
        select u.* into v_user from iam.users u where u.id = v_key.user_id and u.disabled_at is null;
    elsif p_kind in ('portal', 'cli') then
        select s.* into v_session from iam.sessions s
        where s.token_hash = p_token_hash and s.kind = p_kind and s.revoked_at is null
          and s.idle_expires_at > v_now and s.absolute_expires_at > v_now;
        if not found then return; end if;
        if v_session.seen_at < v_now - interval '1 minute' then
            update iam.sessions s
            set seen_at = v_now, idle_expires_at = v_now + make_interval(secs => s.idle_seconds)
            where s.id = v_session.id;
        end if;
        select u.* into v_user from iam.users u where u.id = v_session.user_id and u.disabled_at is null;
    else
        return;
    end if;
    if v_user.id is null then return; end if;

    if v_key.id is not null then
        v_tenant := case when coalesce(p_tenant_id, v_key.tenant_id) = v_key.tenant_id then v_key.tenant_id end;
    elsif p_tenant_id is not null then
        select r.tenant_id into v_tenant from iam.relations r
        where r.subject = 'user:' || v_user.id and r.removed_at is null and r.tenant_id = p_tenant_id limit 1;
    else
        select r.tenant_id into v_tenant from iam.relations r
        where r.subject = 'user:' || v_user.id and r.removed_at is null
        order by (r.tenant_id = v_session.tenant_id) desc nulls last, r.created_at, r.tenant_id limit 1;
    end if;

    select coalesce(jsonb_agg(jsonb_build_array(g.relation, g.object) order by g.object, g.relation), '[]')
    into v_grants
    from (
        select r.relation, r.object from iam.relations r
        where r.subject = 'user:' || v_user.id and r.removed_at is null and r.tenant_id = v_tenant
          and (v_key.project_id is null or r.project_id = v_key.project_id)
        union
        select case r.relation when 'tenant_admin' then 'project_admin' else r.relation end, 'project:' || v_key.project_id
        from iam.relations r
        where r.subject = 'user:' || v_user.id and r.removed_at is null and r.tenant_id = v_tenant
          and v_key.project_id is not null and r.project_id is null and r.relation <> 'billing_viewer'
        union all
        select p.relation, p.object from iam.platform_relations p
        where p.subject = 'user:' || v_user.id and p.removed_at is null and v_key.id is null
    ) g;
    return query select v_user.id, v_user.email, v_user.name, v_session.id, v_session.kind, v_key.id, v_key.name,
                        v_key.scopes, v_tenant, v_grants, v_user.grant_version;
end $$;
