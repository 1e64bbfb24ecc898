import { configure } from "@testing-library/react";

// A limit for what never comes, not a measure: machines that run tests may be slow.
configure({ asyncUtilTimeout: 30_000 });
