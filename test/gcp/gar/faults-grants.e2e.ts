import { rows } from "./calls.golden.ts";
import { faultTests } from "./support/fault-tests.ts";

faultTests(rows.filter(({ operation }) => /CrossAccountAccess$|^setup/.test(operation)));
