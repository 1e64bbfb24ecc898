-- The machine the platform was installed on is the first region. An operator may rename it; its id stays.
insert into platform_control.regions (id, name, currency, country, simulated)
values ('local', 'This machine', 'EUR', 'DE', false)
on conflict (id) do nothing;
