import { provisioningRows } from "./calls.golden.ts";
import { faultTests } from "./support/fault-tests.ts";

// The longest row is in a file of its own: rows of one file share its time.
faultTests(
  provisioningRows.filter(
    ({ operation, title }) => operation === "deprovisionRegistry" && !title.endsWith("when told"),
  ),
);
