-- What the machine sells that the platform was installed on, like its region. Operators set other prices from then on.
insert into billing.skus (sku, name, description, kind, unit) values
    ('local.cpu.1', 'CPU slice, 1 vCPU', 'One vCPU of this machine with memory of its own, for trying things out.', 'compute', 'hour'),
    ('volume.gb', 'Volume, 1 GB', 'A gigabyte of storage that outlives its allocation. Included.', 'storage', 'gb_hour');

insert into billing.prices (id, sku, region_id, currency, amount_per_hour, effective_at, reason, created_by) values
    ('price_00000000000000000000000cp1', 'local.cpu.1', 'local', 'EUR', 0.12, date_trunc('second', kernel.now(), 'UTC'), 'first price', 'installation'),
    ('price_00000000000000000000000gb1', 'volume.gb', 'local', 'EUR', 0, date_trunc('second', kernel.now(), 'UTC'), 'included', 'installation');

-- Nobody without credit or a payment method, and no identity check, for anything on this machine.
insert into billing.purchase_policies
    (id, region_id, sku_pattern, use_case, requires_kyc, requires_payment_method, satisfied_by_promotional_credit) values
    ('policy_0000000000000000000000l0ca', 'local', '*', '*', false, true, true);
