-- A suspended tenant may look, pay and let go, and begins nothing. Why it is suspended stands beside the state.
alter table iam.tenants add column state_reason text not null default '' check (length(state_reason) <= 500);

-- Asked with every credential, before the tenant's rows may be seen.
create function iam.tenant_suspended(p_tenant_id text) returns boolean
language sql stable security definer set search_path = '' as $$
    select exists (select from iam.tenants t where t.id = p_tenant_id and t.state = 'suspended')
$$;
revoke all on function iam.tenant_suspended(text) from public;
grant execute on function iam.tenant_suspended(text) to aif_worker;
