-- What was ordered for a tenant's own things, without the orders' arguments and the nodes' answers.
create view provisioning.tenant_tasks with (security_barrier) as
select id, tenant_id, node_id, verb, subject_id, generation, state, code, detail, created_at, sent_at, finished_at
from provisioning.tasks where tenant_id = kernel.tenant();
grant select on provisioning.tenant_tasks to aif_tenant;
create index tasks_newest on provisioning.tasks (created_at desc);
