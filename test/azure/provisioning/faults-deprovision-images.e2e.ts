import { provisioningRows } from "./calls.golden.ts";
import { faultTests } from "./support/fault-tests.ts";

faultTests(provisioningRows.filter(({ title }) => title.endsWith("when told")));
