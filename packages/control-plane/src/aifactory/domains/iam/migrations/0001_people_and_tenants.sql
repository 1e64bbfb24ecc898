-- People, the identities they sign in with, tenants with their projects, and who may do what (relationship tuples).
-- Policies below are made for the owner too: our security-definer functions run as it, and row-level security is forced.

create table iam.users (
    id             text primary key,
    email          text not null check (email = lower(email) and length(email) between 3 and 254),
    name           text not null default '',
    grant_version  bigint not null default 1,
    created_at     timestamptz not null default kernel.now(),
    updated_at     timestamptz not null default kernel.now(),
    disabled_at    timestamptz,
    unique (email)
);
select kernel.platform_table(
    'iam.users', 'a person may belong to several tenants; tenants see names only through iam.people_of_tenant()',
    worker => 'select,insert,update', operator => 'select,update');

create table iam.identities (
    id              text primary key,
    issuer          text not null,
    subject         text not null check (length(subject) between 1 and 255),
    user_id         text not null references iam.users (id),
    created_at      timestamptz not null default kernel.now(),
    last_used_at    timestamptz,
    unique (issuer, subject)
);
create index identities_by_user on iam.identities (user_id);
select kernel.platform_table(
    'iam.identities', 'how a person signs in, before any tenant is known',
    worker => 'select,insert,update', operator => 'select');

create table iam.tenants (
    id          text primary key,
    tenant_id   text not null generated always as (id) stored,
    name        text not null check (length(name) between 1 and 120),
    labels      jsonb not null default '{}',
    state       text not null default 'active' check (state in ('active', 'suspended')),
    generation  bigint not null default 1,
    created_at  timestamptz not null default kernel.now(),
    updated_at  timestamptz not null default kernel.now(),
    deleted_at  timestamptz
);
create index tenants_by_age on iam.tenants (created_at desc, id desc);
select kernel.protect_tenant_table(
    'iam.tenants', tenant => 'select', worker => 'select,insert,update', operator => 'select,update');
create policy definer_reads on iam.tenants for select to current_user using (true);

create table iam.projects (
    id          text primary key,
    tenant_id   text not null references iam.tenants (id),
    name        text not null check (name ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    is_default  boolean not null default false,
    labels      jsonb not null default '{}',
    state       text not null default 'active' check (state in ('active', 'deleted')),
    generation  bigint not null default 1,
    created_at  timestamptz not null default kernel.now(),
    updated_at  timestamptz not null default kernel.now(),
    deleted_at  timestamptz,
    unique (tenant_id, id),
    check ((state = 'deleted') = (deleted_at is not null))
);
create unique index projects_by_name on iam.projects (tenant_id, name) where deleted_at is null;
create unique index projects_default on iam.projects (tenant_id) where is_default;
create index projects_by_age on iam.projects (tenant_id, created_at desc, id desc);
select kernel.protect_tenant_table(
    'iam.projects', tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');
create policy definer_reads on iam.projects for select to current_user using (true);

-- A tuple: subject (user:usr_…) has a relation (a role) to an object (tenant:tnt_… or project:prj_…).
-- The check keeps the object inside the row's tenant: a tenant cannot write itself a role elsewhere.
create table iam.relations (
    id          text primary key,
    tenant_id   text not null references iam.tenants (id),
    project_id  text,
    subject     text not null check (subject ~ '^user:usr_[a-z0-9]+$'),
    relation    text not null check (relation in ('tenant_admin', 'project_admin', 'member', 'viewer', 'billing_viewer')),
    object      text not null generated always as (
                    case when project_id is null then 'tenant:' || tenant_id else 'project:' || project_id end) stored,
    created_at  timestamptz not null default kernel.now(),
    created_by  text not null,
    removed_at  timestamptz,
    foreign key (tenant_id, project_id) references iam.projects (tenant_id, id),
    check (project_id is null or relation in ('project_admin', 'member', 'viewer'))
);
create unique index relations_once on iam.relations (subject, relation, object) where removed_at is null;
create index relations_by_age on iam.relations (tenant_id, created_at desc, id desc) where removed_at is null;
select kernel.protect_tenant_table(
    'iam.relations', tenant => 'select,insert,update', worker => 'select,insert,update', operator => 'select');
create policy definer_reads on iam.relations for select to current_user using (true);

-- Roles on the platform itself live apart, out of every tenant's reach.
create table iam.platform_relations (
    id          text primary key,
    subject     text not null check (subject ~ '^user:usr_[a-z0-9]+$'),
    relation    text not null check (relation in ('platform_admin')),
    object      text not null default 'platform' check (object = 'platform'),
    created_at  timestamptz not null default kernel.now(),
    created_by  text not null,
    removed_at  timestamptz
);
create unique index platform_relations_once on iam.platform_relations (subject, relation) where removed_at is null;
select kernel.platform_table(
    'iam.platform_relations', 'operators of the platform, who stand outside all tenants',
    worker => 'select,insert', operator => 'select');

-- A changed tuple changes the person's grant version, so that cached pages and ETags of the old rights die.
create function iam.bump_grant_version() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    update iam.users set grant_version = grant_version + 1, updated_at = kernel.now()
    where id = substr(new.subject, length('user:') + 1);
    return new;
end $$;
create trigger relations_bump after insert or update on iam.relations
    for each row execute function iam.bump_grant_version();
create trigger platform_relations_bump after insert or update on iam.platform_relations
    for each row execute function iam.bump_grant_version();
