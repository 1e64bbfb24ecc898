-- What a piece of silicon can do, as data: whoever compares hardware compares these, never a vendor's name.
alter table provisioning.hardware_profiles
    add column accelerator_memory_gb numeric(10,3) check (accelerator_memory_gb > 0),  -- of one accelerator
    add column interconnect text not null default '',                                  -- between the accelerators of a node
    add column form_factor  text not null default '';

-- A simulated machine speaks the real protocol and has no hardware. Its region decides, and its agent says so too.
alter table provisioning.nodes add column simulated boolean not null default false;
