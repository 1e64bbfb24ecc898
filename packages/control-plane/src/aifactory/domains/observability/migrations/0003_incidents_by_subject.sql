create index incidents_by_subject on observability.incidents (subject_id);
