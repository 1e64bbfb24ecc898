-- Whether a node is in use is another question than whether its agent speaks: `state` is the second, `service` the first.
-- An operator wishes (`desired_service`); only the flow provisioning.maintenance writes `service`.
alter table provisioning.nodes
    add column service text not null default 'in_service'
        check (service in ('in_service', 'draining', 'emptying', 'maintenance', 'returning')),
    add column desired_service text not null default 'in_service' check (desired_service in ('in_service', 'maintenance')),
    add column drain_deadline_at  timestamptz,   -- what is left on the node then is released
    add column drain_reason       text not null default '',
    add column drain_requested_at timestamptz,
    add column drain_requested_by text not null default '',
    add constraint nodes_drain_has_a_deadline
        check (desired_service = 'in_service' or (drain_deadline_at is not null and drain_requested_at is not null));

create index nodes_out_of_service on provisioning.nodes (id) where service <> 'in_service';

create or replace view provisioning.capacity as
select s.region_id, s.sku,
       count(*) filter (where n.state <> 'retired')::int as capacity,
       count(*) filter (where s.clean and n.state = 'ready' and n.service = 'in_service'
                          and n.desired_service = 'in_service')::int as available,
       count(*) filter (where s.allocation_id is null and not s.clean and s.state <> 'quarantined'
                          and n.state = 'ready' and n.service in ('in_service', 'returning')
                          and n.desired_service = 'in_service')::int as being_cleaned,
       min(s.vcpus_millis) as vcpus_millis,
       min(s.memory_bytes) as memory_bytes,
       (array_agg(n.inventory -> 'isolation' order by n.created_at))[1] as isolation
from provisioning.slots s join provisioning.nodes n on n.id = s.node_id
where not s.withdrawn and n.deleted_at is null
group by s.region_id, s.sku;
