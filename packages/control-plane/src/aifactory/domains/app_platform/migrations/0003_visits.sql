-- Who may reach which web instance: a ticket of a minute from the API, which the proxy turns into a cookie's visit.
create table app_platform.visits (
    token_hash   bytea primary key check (octet_length(token_hash) = 32),
    kind         text not null check (kind in ('ticket', 'cookie')),
    instance_id  text not null,
    owner_id     text not null,   -- the tenant whose instance it is
    session_id   text not null,   -- the sign-in on which it rests: when that ends, so does this
    expires_at   timestamptz not null,
    created_at   timestamptz not null default kernel.now()
);
create index visits_by_expiry on app_platform.visits (expires_at);
select kernel.platform_table(
    'app_platform.visits', 'a browser shows its ticket or cookie before it is known whose instance it asks for',
    tenant => 'insert', worker => 'select,insert,delete', operator => '');
