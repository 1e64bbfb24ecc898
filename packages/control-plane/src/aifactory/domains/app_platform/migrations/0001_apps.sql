-- Published versions of apps. The manifest is kept as the very text that was signed; nobody may change it.
create table app_platform.apps (
    name          text not null check (name ~ '^[a-z][a-z0-9-]{0,40}$'),
    version       text not null check (version ~ '^[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}$'),
    manifest      text not null check (octet_length(manifest) <= 32768),
    signature     text not null check (signature ~ '^[0-9a-f]{128}$'),
    published_at  timestamptz not null default kernel.now(),
    withdrawn_at  timestamptz,
    primary key (name, version)
);
select kernel.platform_table(
    'app_platform.apps', 'the public catalogue of apps, which visitors read too',
    tenant => 'select', worker => 'select,insert', operator => 'select');
