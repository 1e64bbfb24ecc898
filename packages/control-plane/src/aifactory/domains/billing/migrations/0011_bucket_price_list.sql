-- What buckets on this machine cost. Operators set other prices from then on.
insert into billing.skus (sku, name, description, kind, unit) values
    ('bucket.storage', 'Object storage, 1 GB for a month', 'What a bucket holds, sampled; a month has 730 hours.', 'storage', 'gb_month'),
    ('bucket.egress', 'Object storage, 1 GB read', 'Bytes that clients read from a bucket.', 'storage', 'gb'),
    ('bucket.ingress', 'Object storage, 1 GB written', 'Bytes that clients write to a bucket. Included.', 'storage', 'gb');

insert into billing.prices (id, sku, region_id, currency, amount_per_hour, effective_at, reason, created_by) values
    ('price_00000000000000000000000bs1', 'bucket.storage', 'local', 'EUR', 0.02, date_trunc('second', kernel.now(), 'UTC'), 'first price', 'installation'),
    ('price_00000000000000000000000be1', 'bucket.egress', 'local', 'EUR', 0.01, date_trunc('second', kernel.now(), 'UTC'), 'first price', 'installation'),
    ('price_00000000000000000000000bn1', 'bucket.ingress', 'local', 'EUR', 0, date_trunc('second', kernel.now(), 'UTC'), 'included', 'installation');
