-- How many buckets a project may have, and how many gigabytes they may hold together. Projects that are older get their
-- limits with their first bucket.
alter table iam.quota_limits drop constraint quota_limits_resource_check;
alter table iam.quota_limits add constraint quota_limits_resource_check
    check (resource in ('allocations', 'vcpus', 'volumes', 'volume_gb', 'buckets', 'bucket_gb'));
