-- Somebody whom the tenant does not know is invited by address, and is a member from their next sign-in on. Whether the
-- address is known here is told to nobody: the answer and the list are the same for both until then.
create table iam.invitations (
    id           text primary key,  -- of the membership too, once it is accepted
    tenant_id    text not null references iam.tenants (id),
    project_id   text,
    email        text not null check (email = lower(email) and length(email) between 3 and 254),
    role         text not null check (role in ('tenant_admin', 'project_admin', 'member', 'viewer', 'billing_viewer')),
    object       text not null generated always as (
                     case when project_id is null then 'tenant:' || tenant_id else 'project:' || project_id end) stored,
    created_at   timestamptz not null default kernel.now(),
    created_by   text not null,
    expires_at   timestamptz not null,
    accepted_at  timestamptz,
    removed_at   timestamptz,
    foreign key (tenant_id, project_id) references iam.projects (tenant_id, id),
    check (project_id is null or role in ('project_admin', 'member', 'viewer'))
);
create unique index invitations_once on iam.invitations (email, role, object) where accepted_at is null and removed_at is null;
create index invitations_by_age on iam.invitations (tenant_id, created_at desc, id desc) where accepted_at is null and removed_at is null;
select kernel.protect_tenant_table(
    'iam.invitations', tenant => 'select,insert,update', worker => 'select,update', operator => 'select');
create policy definer_reads on iam.invitations for select to current_user using (true);

-- What waits for a person who signs in with that address, before any tenant is chosen.
create function iam.invitations_for(p_email text)
returns table (id text, tenant_id text, project_id text, role text, created_by text)
language sql stable security definer set search_path = '' as $$
    select i.id, i.tenant_id, i.project_id, i.role, i.created_by from iam.invitations i
    where i.email = p_email and i.accepted_at is null and i.removed_at is null and i.expires_at > kernel.now()
      and not exists (select from iam.projects p where p.id = i.project_id and p.deleted_at is not null)
    order by i.created_at, i.id limit 100
$$;
revoke all on function iam.invitations_for(text) from public;
grant execute on function iam.invitations_for(text) to aif_worker;

-- It told every tenant whether an address is known here.
drop function iam.user_of_email(text);
